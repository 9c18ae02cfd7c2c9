"""Stance as the documents support it: a coding with a strength of evidence, not a fact."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from evaluation.data import embedded

__all__ = ["ACTIVE", "StanceCounts", "classify", "stance_table"]

ACTIVE = frozenset({"active_from_asylum", "active_day_one", "active_during_establishment"})
"""The stances that the binary contrast maps to «active»."""


@dataclass(frozen=True)
class StanceCounts:
    """The 290 municipalities by what the documents say, plus the anonymous answers.

    Parameters
    ----------
    active : tuple of str
        Codes with an active stance on evidence that the plan accepts.
    uncertain : tuple of str
        Codes with an active stance on weaker evidence.
    not_known : tuple of str
        Codes not known to be active: named without a stance, or not named at all.
    anonymous : int
        Anonymous rows; they are counted and never tied to a code.
    """

    active: tuple[str, ...]
    uncertain: tuple[str, ...]
    not_known: tuple[str, ...]
    anonymous: int


def stance_table() -> pd.DataFrame:
    """Return the coded stances of named municipalities.

    Returns
    -------
    pandas.DataFrame
        Index ``code``; columns ``municipality``, ``stance``, ``strength`` (explicit,
        strong, indirect, weak, none), ``document``, ``line``.

    Examples
    --------
    >>> stance_table().loc["2321", "strength"]
    'explicit'
    """
    table = embedded.load("stance").dropna(subset=["code"]).set_index("code")
    strength = table["evidence_strength"].str.removesuffix("_named")
    table["strength"] = strength.replace({"mention": "none"})
    return table[["municipality", "stance", "strength", "document", "line"]]


def classify(evidence: Collection[str]) -> StanceCounts:
    """Map the coded stance to the binary contrast.

    Parameters
    ----------
    evidence : collection of str
        Strengths that suffice to call a municipality active.

    Returns
    -------
    StanceCounts
        Codes by group; every one of the 290 is in exactly one.

    Examples
    --------
    >>> counts = classify({"explicit", "strong"})
    >>> len(counts.active), len(counts.uncertain), len(counts.not_known)
    (4, 7, 279)
    """
    table = stance_table()
    claims = table[table["stance"].isin(ACTIVE) & (table["strength"] != "none")]
    enough = claims["strength"].isin(list(evidence))
    active = tuple(sorted(claims.index[enough]))
    uncertain = tuple(sorted(claims.index[~enough]))
    known = {*active, *uncertain}
    rest = tuple(c for c in embedded.municipalities().index if c not in known)
    anonymous = int(embedded.load("stance")["code"].isna().sum())
    return StanceCounts(active, uncertain, rest, anonymous)
