"""The words of a coding sheet: stances in their order, strengths of evidence, columns."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

__all__ = [
    "ADJUDICATED",
    "ANONYMOUS",
    "COLUMNS",
    "DECISION_COLUMNS",
    "EVIDENCE",
    "ORDERED_STANCES",
    "STANCES",
    "UNCLEAR",
    "Column",
    "marked_anonymous",
    "rank",
    "suggestion",
]

ORDERED_STANCES: Final = (
    "waits_two_years",
    "active_when_support_needed",
    "active_during_establishment",
    "active_day_one",
    "active_from_asylum",
)
"""From the latest to the earliest beginning of the municipality's own work."""
UNCLEAR: Final = "unclear"
"""The source does not say: no place in the order, so a missing value in every statistic."""
STANCES: Final = (*ORDERED_STANCES, UNCLEAR)
EVIDENCE: Final = ("none", "weak", "indirect", "strong", "explicit")
"""From the weakest to the strongest."""
ANONYMOUS: Final = "anonymous"
"""Evidence of a row without a municipality; such rows are counted and nothing else."""
ADJUDICATED: Final = "adjudicated"
"""The coder of a row that settles a disagreement."""

_ANONYMOUS_WORD = re.compile(r"\banon(?:\b|_|ym)", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """One column of a coding sheet.

    Parameters
    ----------
    name : str
        Its header.
    needed : bool
        Whether a sheet must have it; the others may be left out.
    example : str
        What stands there in the template's example.
    sv, en : str
        What it holds.
    """

    name: str
    needed: bool
    example: str
    sv: str
    en: str


_STANCES_SV = (
    "waits_two_years (väntar ut etableringsprogrammet), active_when_support_needed (först när "
    "försörjningsstöd behövs), active_during_establishment (under etableringen), active_day_one "
    "(från dag ett efter uppehållstillstånd), active_from_asylum (redan under asyltiden), unclear "
    "(källan säger det inte)"
)
_STANCES_EN = (
    "waits_two_years (waits out the establishment programme), active_when_support_needed (only "
    "when social assistance is needed), active_during_establishment, active_day_one (from the "
    "first day after the residence permit), active_from_asylum (already while asylum is sought), "
    "unclear (the source does not say)"
)
_DATE_SV = "2017, 2017-03, 2017-H1, 2017-H2, 2017-winter, -spring, -summer eller -autumn"
_DATE_EN = "2017, 2017-03, 2017-H1, 2017-H2, 2017-winter, -spring, -summer or -autumn"

COLUMNS: Final = (
    Column(
        "code",
        True,
        "2321",
        "Kommunens fyra siffror, som text. Tom bara för anonyma svar, som räknas men aldrig "
        "knyts till en kommun.",
        "The municipality's four digits, as text. Empty only for anonymous answers, which are "
        "counted but never tied to a municipality.",
    ),
    Column(
        "coder",
        True,
        "A",
        "Vem som har kodat raden; samma namn på alla rader. «adjudicated» är ett avgörande.",
        "Who coded the row; the same name on every row. «adjudicated» is a decision.",
    ),
    Column("stance", True, "active_day_one", f"En av {_STANCES_SV}.", f"One of {_STANCES_EN}."),
    Column(
        "began",
        False,
        "2011-H2",
        f"När hållningen började: {_DATE_SV}. Tomt: okänt, räknas som alltid.",
        f"When the stance began: {_DATE_EN}. Empty: not known, taken as always.",
    ),
    Column(
        "ended",
        False,
        "2018-09",
        "När den slutade, på samma sätt; sista månaden räknas med. Tomt: den gäller än.",
        "When it ended, in the same way; the last month is included. Empty: it still stands.",
    ),
    Column(
        "components",
        False,
        "sfi;praktik",
        "Delar av arbetssättet, åtskilda av semikolon.",
        "Parts of the way of working, separated by semicolons.",
    ),
    Column(
        "evidence",
        True,
        "explicit",
        "Hur starkt källan stöder hållningen: explicit, strong, indirect, weak eller none.",
        "How strongly the source supports the stance: explicit, strong, indirect, weak or none.",
    ),
    Column("source", False, "are_2017", "Dokumentet.", "The document."),
    Column("page", False, "12", "Sida eller rad i dokumentet.", "Page or line of the document."),
    Column("note", False, "", "Kort motivering.", "Why, in short."),
    Column(
        "decided_by",
        False,
        "",
        "Bara för «adjudicated»: vem som avgjorde.",
        "Only for «adjudicated»: who decided.",
    ),
    Column(
        "decided_on",
        False,
        "",
        "Bara för «adjudicated»: dagen, 2026-11-23.",
        "Only for «adjudicated»: the day, 2026-11-23.",
    ),
    Column(
        "reason",
        False,
        "",
        "Bara för «adjudicated»: skälet.",
        "Only for «adjudicated»: the reason.",
    ),
)
DECISION_COLUMNS: Final = ("decided_by", "decided_on", "reason")


def rank(stance: str) -> int | None:
    """Return a stance's place in the order, the latest beginning being 0; None for unclear.

    Examples
    --------
    >>> rank("waits_two_years"), rank("active_from_asylum"), rank("unclear")
    (0, 4, None)
    """
    return ORDERED_STANCES.index(stance) if stance in ORDERED_STANCES else None


def suggestion(word: str, known: Collection[str]) -> str:
    """Say which words there are and which one is likely meant.

    Examples
    --------
    >>> suggestion("strnog", EVIDENCE)
    "'strnog' is none of none, weak, indirect, strong, explicit; did you mean 'strong'?"
    """
    near = get_close_matches(word.casefold().replace(" ", "_"), known, n=1, cutoff=0.6)
    guess = f"; did you mean {near[0]!r}?" if near else ""
    return f"{word!r} is none of {', '.join(known)}{guess}"


def marked_anonymous(text: str) -> bool:
    """Tell whether a text says that its evidence is anonymous, in Swedish or English.

    Examples
    --------
    >>> [marked_anonymous(t) for t in ("ANON_4 (Skåne)", "anonymt svar", "Anona", "kfsk_2018")]
    [True, True, False, False]
    """
    return bool(_ANONYMOUS_WORD.search(text))
