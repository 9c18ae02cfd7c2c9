"""The lines that every answer as text has: its grade and its checks."""

from __future__ import annotations

from evaluation.language import Lang
from evaluation.results import Check, Finding

__all__ = ["check_line", "grade_line"]

_GRADES = {
    "strong": "stark",
    "moderate": "måttlig",
    "weak": "svag",
    "very weak": "mycket svag",
}


def grade_line(finding: Finding, lang: Lang) -> str:
    """Write a finding's grade and its reason."""
    if lang == "sv":
        return f"Evidensgrad: {_GRADES[finding.grade]}. {finding.grade_reason_sv}"
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
