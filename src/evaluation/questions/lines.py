"""The lines that every answer as text has: its grade, its checks, its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from evaluation.language import Lang
from evaluation.results import Check, Finding

__all__ = ["GRADES", "check_line", "columns", "grade_line"]

GRADES: Final[Mapping[str, str]] = {
    "strong": "stark",
    "moderate": "måttlig",
    "weak": "svag",
    "very weak": "mycket svag",
}
"""Each grade in Swedish."""


def grade_line(finding: Finding, lang: Lang) -> str:
    """Write a finding's grade and its reason."""
    if lang == "sv":
        return f"Evidensgrad: {GRADES[finding.grade]}. {finding.grade_reason_sv}"
    return f"Evidence: {finding.grade}. {finding.grade_reason_en}"


def check_line(check: Check, lang: Lang) -> str:
    """Write a check and whether it was passed.

    Examples
    --------
    >>> check_line(Check("few", False, "Få.", "Few.", 3.0, 20.0), "sv")
    '  [nej] Få.'
    """
    sv = lang == "sv"
    words = {True: "ok", False: "nej" if sv else "no", None: "?"}
    return f"  [{words[check.passed]}] {check.text_sv if sv else check.text_en}"


def columns(rows: Sequence[tuple[str, ...]], words: int = 1) -> list[str]:
    """Set cells under each other, those of words to the left and those of numbers to the right.

    Parameters
    ----------
    rows : sequence of tuple of str
        At least one; equally many cells each.
    words : int
        How many of the first cells hold words.

    Examples
    --------
    >>> columns([("a", "1"), ("bcd", "10")])
    ['a     1', 'bcd  10']
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            c.ljust(w) if i < words else c.rjust(w)
            for i, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
