"""The words of an assessment: verdicts, designs, and the reason of each rule."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from evaluation.data.registry import REGISTRY
from evaluation.design.catalogue import Model
from evaluation.language import Lang, listed

__all__ = ["DESIGNS", "VERDICTS", "say"]

VERDICTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "now": ("nu", "now"),
        "with live data": ("med hämtade data", "with live data"),
        "with person records": ("med persondata", "with person records"),
        "not evaluable": ("kan inte utvärderas", "not evaluable"),
    }
)
"""Verdicts in Swedish and in English."""

DESIGNS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "synthetic_control": (
            "syntetisk kontroll och permutation bland kommuner av samma storlek",
            "synthetic control and permutation among municipalities of the same size",
        ),
        "permutation": (
            "skillnad i skillnader med permutation inom matchade grupper",
            "difference-in-differences with permutation within matched sets",
        ),
        "counties": (
            "skillnad i skillnader mellan län, ett behandlat av 21",
            "difference-in-differences between counties, one treated of 21",
        ),
        "arrival_date": (
            "personer som kom strax före och strax efter starten",
            "people who arrived just before and just after the start",
        ),
        "participants": (
            "deltagare mot lika personer som inte deltog, följda i register",
            "participants against similar people who did not take part, followed in registers",
        ),
        "registers": (
            "skillnad i skillnader på kohorter ur register som börjar före starten",
            "difference-in-differences on cohorts from registers that begin before the start",
        ),
    }
)
"""Possible designs in Swedish and in English."""

_HOW: Mapping[str, tuple[str, str]] = {
    "planned": ("anger bara en plan", "only states a plan"),
    "span": ("anger bara en tidsrymd", "only states a span of years"),
    "bound": ("anger bara en senaste tid", "only states a latest year"),
    "not_stated": ("anger ingen start", "states no start"),
}

_REASONS: Mapping[str, tuple[str, str]] = {
    "now": (
        "Ett utfall som passar målet följer med paketet: {outcome}.",
        "An outcome that fits the goal ships with the package: {outcome}.",
    ),
    "indirect": (
        "Det rör sig med målet bland alla invånare men mäter det inte.",
        "It moves with the goal among all inhabitants but does not measure it.",
    ),
    "not_shipped": (
        "Utfallet som passar målet måste hämtas: {outcome}.",
        "The outcome that fits the goal must be fetched: {outcome}.",
    ),
    "advice": (
        "Det är ett råd; ingen kommun är känd för att följa det från ett visst datum.",
        "It is advice; no municipality is known to follow it from a certain date.",
    ),
    "unnamed": (
        "Vilka kommuner som deltar står inte i dokumentet ({where}).",
        "Which municipalities take part is not in the document ({where}).",
    ),
    "no_start": ("Dokumentet {how} ({start}).", "The document {how} ({start})."),
    "no_outcome": (
        "Inget utfall i registret mäter målet ({domains}).",
        "No outcome of the registry measures the goal ({domains}).",
    ),
    "no_comparison": (
        "Det började överallt samtidigt, och utfallet är ingen persons.",
        "It began everywhere at once, and the outcome is no person's.",
    ),
    "everywhere": (
        "Det började överallt samtidigt; bara personer med olika ankomst kan jämföras ({outcome}).",
        "It began everywhere at once; only people who arrived at different times can be compared "
        "({outcome}).",
    ),
    "group": (
        "Det är till för en grupp, som drunknar bland alla nyanlända; det måste vara känt vilka "
        "som deltog.",
        "It is for a group, which drowns among all newly arrived; who took part must be known.",
    ),
    "too_early": (
        "Kommunernas serier börjar för sent för en förperiod, eller slutar för tidigt.",
        "The municipalities' series begin too late for a pre-period, or end too early.",
    ),
    "no_person_outcome": (
        "Inget utfall som passar målet är en persons.",
        "No outcome that fits the goal is a person's.",
    ),
}


def say(key: str, lang: Lang, model: Model, outcome: str) -> str:
    """Return one reason as a sentence.

    Parameters
    ----------
    key : str
        Which rule.
    lang : {"sv", "en"}
        Language.
    model : Model
        Whose fields the sentence names.
    outcome : str
        Key of the registry that the verdict rests on; empty where none.

    Returns
    -------
    str
        The sentence.

    Examples
    --------
    >>> from evaluation.design.catalogue import catalogue
    >>> say("no_start", "en", catalogue()["klondyke"], "")
    'The document only states a latest year (<=2014 (URL)).'
    """
    i = lang == "en"
    found = REGISTRY.get(outcome)
    names = [(d.en if i else d.sv) for d in model.reads.domains]
    nothing = "none stated" if i else "inget angivet"
    return _REASONS[key][i].format(
        outcome="" if found is None else found.label_en if i else found.label_sv,
        where=model.where.text,
        how=_HOW.get(model.starts.how, ("", ""))[i],
        start=model.starts.text,
        domains=listed(names, lang) or nothing,
    )
