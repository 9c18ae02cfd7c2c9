"""Why a row, a cell or a computation could not be used, in the language of the report."""

from __future__ import annotations

import re

from evaluation.language import Lang

__all__ = ["reason_text"]

# pattern of the reason -> Swedish; groups are kept
_SWEDISH = (
    (r"not a municipality; is it (.+)\?", r"ingen kommun; är det \1?"),
    (r"not a municipality", "ingen kommun"),
    (r"not a municipality's code", "ingen kommuns kod"),
    (r"no municipality is given", "ingen kommun är angiven"),
    (r"the source does not know the municipality", "källan vet inte vilken kommun"),
    (r"a total", "en summa"),
    (r"a county", "ett län"),
    (r"text without values", "text utan värden"),
    (r"the header again", "rubriken igen"),
    (r"not a year", "inget år"),
    (r"neither women, men nor total", "varken kvinnor, män eller totalt"),
    (r"not a number", "inget tal"),
    (r"a formula without a stored value", "en formel utan sparat värde"),
    (r"part of a merged cell", "del av en sammanfogad cell"),
    (r"repeats row (\d+)", r"upprepar rad \1"),
    (r"only (\d+) of 12 months", r"bara \1 av 12 månader"),
    (
        r"has (\d+) fields where the header has (\d+)",
        r"har \1 fält där rubriken har \2",
    ),
    (
        r"field treated: two controls or more are needed to judge overlap",
        "minst två jämförelsekommuner behövs för att bedöma överlappningen",
    ),
    (
        r"field scale: a group of one unit has no standard deviation; use the other group's",
        "en grupp av en enda kommun har ingen standardavvikelse",
    ),
    (
        r"could be (\d+), but (\S+) in the same column is no code",
        r"kan vara \1, men \2 i samma kolumn är ingen kod",
    ),
)


def reason_text(reason: str, lang: Lang) -> str:
    """Return a reason in the language; one without a translation stays as it is.

    Examples
    --------
    >>> reason_text("not a municipality; is it Hässleholm?", "sv")
    'ingen kommun; är det Hässleholm?'
    >>> reason_text("a total", "en")
    'a total'
    """
    if lang == "en":
        return reason
    for pattern, swedish in _SWEDISH:
        if re.fullmatch(pattern, reason):
            return re.sub(pattern, swedish, reason)
    return reason
