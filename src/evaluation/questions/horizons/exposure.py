"""Partly against fully exposed years, in the municipalities that have both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.questions.horizons.parts import build, means, treated_years
from evaluation.questions.inference import DesignInference
from evaluation.results import Estimate

__all__ = ["Exposure", "analyse_exposure"]


@dataclass(frozen=True)
class Exposure:
    """The effect by dose.

    Parameters
    ----------
    partial, full : Estimate
        In the partly and in the fully exposed years.
    difference : Estimate
        Full less partial.
    codes : tuple of str
        The municipalities with both.
    partial_years, full_years : int
        Municipality-years.
    """

    partial: Estimate
    full: Estimate
    difference: Estimate
    codes: tuple[str, ...]
    partial_years: int
    full_years: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "partial": self.partial.to_dict(),
            "full": self.full.to_dict(),
            "difference": self.difference.to_dict(),
            "codes": list(self.codes),
            "partial_years": self.partial_years,
            "full_years": self.full_years,
        }


def analyse_exposure(inference: DesignInference) -> Exposure | None:
    """Estimate partly and fully exposed years side by side.

    Parameters
    ----------
    inference : DesignInference
        Panel, design, sets and assignments.

    Returns
    -------
    Exposure or None
        None where the design leaves no partly exposed years out.
    """
    years = np.array(inference.panel.years)
    partly = {
        t.code: (years > t.base_year) & (years < t.first_year)
        for t in inference.design.treated
        if t.partial
    }
    if not partly:
        return None
    codes = list(partly)
    full = {c: m for c, m in treated_years(inference).items() if c in partly}
    n = [sum(int(m.sum()) for m in x.values()) for x in (partly, full)]
    part = build(
        inference, means(inference, partly), "partial_years", moving=partly, n_years=n[0]
    ).result
    whole = build(inference, means(inference, full), "full_years", n_years=n[1]).result
    rows = {c: full[c] / full[c].sum() - partly[c] / partly[c].sum() for c in codes}
    difference = build(inference, rows, "full_minus_partial", n_years=sum(n), moving=full).result
    return Exposure(part, whole, difference, tuple(codes), n[0], n[1])
