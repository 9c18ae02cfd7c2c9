"""What a reader of an answer about retention must know, in Swedish.

The library's notes are English. Those that an answer can bear are known here, with what stands in
them; any other note stays as it is.
"""

from __future__ import annotations

from typing import Final

from evaluation.language import Lang, translated
from evaluation.questions.retention.described import kind_name

__all__ = ["note_text"]

_NOTES: Final = (
    (
        r"curves and group tests take persons as independent; the models' errors are clustered by "
        r"municipality",
        "kurvor och grupptest räknar personer som oberoende; modellernas fel är klustrade på "
        "kommun",
    ),
    (
        r"the data are taken to end with (.+); --until says otherwise",
        "data antas sluta med {0}; --until säger annat",
    ),
    (
        r"a released life table: hidden numbers are not guessed",
        "en utlämnad livslängdstabell: dolda tal gissas inte",
    ),
    (
        r"joined, since some of their numbers are hidden: (.+)",
        "sammanslagna, eftersom några av deras tal är dolda: {0}",
    ),
    (
        r"ends before the first month that cannot be told: (.+)",
        "slutar före den första månad som inte går att räkna ut: {0}",
    ),
    (
        r"no tests and no models: numbers of the groups they compare are hidden",
        "inga test och inga modeller: tal för grupperna som jämförs är dolda",
    ),
    (
        r"no tests and no models: nobody leaves, so there is nothing to compare",
        "inga test och inga modeller: ingen flyttar, så det finns inget att jämföra",
    ),
    (
        r"no effect: of those received by an active municipality, or of the others, nobody or "
        r"everybody leaves, so no model can be fitted",
        "ingen effekt: av dem som togs emot av en aktiv kommun, eller av övriga, flyttar ingen "
        "eller alla, så ingen modell kan skattas",
    ),
    (
        r"no test of (.+): numbers that it rests on are hidden",
        "inget test av {0}: tal som det vilar på är dolda",
    ),
    (
        r"no models: (\d+) municipalities; they need (\d+)",
        "inga modeller: {0} kommuner; de behöver {1}",
    ),
    (
        r"no models: fewer than (\d+) left of some group",
        "inga modeller: färre än {0} har flyttat ur någon grupp",
    ),
    (
        r"(.+): hidden from month (\d+) on, being small or telling of what is small",
        "{0}: dolt från månad {1}, som litet eller för att det röjer något litet",
    ),
    (
        r"in neither group, active from the first cohort \((\d+)\) on: (.+)",
        "i ingendera gruppen, aktiva från den första årgången ({0}): {1}",
    ),
    (
        r"in neither group, active after the last cohort \((\d+)\): (.+)",
        "i ingendera gruppen, aktiva efter den sista årgången ({0}): {1}",
    ),
    (
        r"in neither group, active and without a cohort in some year: (.+)",
        "i ingendera gruppen, aktiva och utan mottagna något år: {0}",
    ),
    (
        r"in neither group, active and without a cohort, or with one of fewer than (\d+) in some "
        r"year: (.+)",
        "i ingendera gruppen, aktiva och utan mottagna, eller med färre än {0}, något år: {1}",
    ),
    (
        r"no effect: the active municipalities received fewer than (\d+) persons before or since",
        "ingen effekt: de aktiva kommunerna tog emot färre än {0} personer före eller efter "
        "starten",
    ),
    (
        r"no effect: (\d+) municipalities have cohorts that can be used in every year, fewer than "
        r"(\d+); what is printed of so few could be traced to one of them",
        "ingen effekt: {0} kommuner har årgångar som kan användas alla år, färre än {1}; det som "
        "skrivs om så få kan spåras till en av dem",
    ),
    (
        r"nobody or everybody leaves in (\d+) of (.+): left out",
        "ingen eller alla flyttar i {0} av {1}: utelämnade",
    ),
)


def note_text(note: str, lang: Lang) -> str:
    """Return a note in the language asked for.

    Examples
    --------
    >>> note_text("no test of within_county: numbers that it rests on are hidden", "sv")
    'inget test av inom länet: tal som det vilar på är dolda'
    """
    if lang == "en":
        return note
    return translated(note, _NOTES, lambda word: kind_name(word, lang))
