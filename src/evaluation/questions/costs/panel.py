"""Costs on the panel side: effects on the municipal accounts, from per inhabitant to kronor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data.registry import REGISTRY, refuse_alone
from evaluation.errors import InputError
from evaluation.language import Lang, interval, level, number
from evaluation.results import Estimate

__all__ = ["PanelCost", "panel_costs"]

PAID = "U31001"
PARTS = ("N31001", "N40010")
SUM = "social_assistance_refugees_included"


@dataclass(frozen=True)
class PanelCost:
    """The effect on one cost of the municipal accounts.

    Parameters
    ----------
    outcome : str
        ``U31001``, or ``N31001 + N40010``.
    per_inhabitant : Estimate
        Kronor per inhabitant and year; negative is cheaper.
    inhabitants : float
        Those of the municipality or municipalities it is scaled to.
    total : Estimate
        Kronor per year: the same times the inhabitants.
    """

    outcome: str
    per_inhabitant: Estimate
    inhabitants: float
    total: Estimate

    def sentence(self, lang: Lang) -> str:
        """Return the number as a sentence.

        Parameters
        ----------
        lang : {"sv", "en"}
            Language.

        Returns
        -------
        str
            Kronor per inhabitant and per year with the interval and its level.
        """
        a, t = self.per_inhabitant, self.total
        shown = level(1 - a.alpha, lang)
        each, every = number(a.estimate, lang, 0), number(t.estimate, lang, 0)
        people = number(self.inhabitants, lang, 0)
        spread = (interval(*a.conf_int, lang, 0), interval(*t.conf_int, lang, 0))
        if lang == "sv":
            return (
                f"{self.outcome}: {each} kronor per invånare och år ({shown} intervall "
                f"{spread[0]}), alltså {every} kronor per år ({spread[1]}) för {people} invånare."
            )
        return (
            f"{self.outcome}: {each} kronor per inhabitant and year ({shown} interval "
            f"{spread[0]}), so {every} kronor per year ({spread[1]}) for {people} inhabitants."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "outcome": self.outcome,
            "per_inhabitant": self.per_inhabitant.to_dict(),
            "inhabitants": self.inhabitants,
            "total": self.total.to_dict(),
            "sentence_sv": self.sentence("sv"),
            "sentence_en": self.sentence("en"),
        }

    def tidy(self) -> pd.DataFrame:
        """Return two rows: per inhabitant, and in all."""
        rows = [e.tidy().assign(outcome=self.outcome) for e in (self.per_inhabitant, self.total)]
        return pd.concat(rows, ignore_index=True)


def panel_costs(effects: Mapping[str, Estimate], inhabitants: float) -> tuple[PanelCost, ...]:
    """Take effects on costs per inhabitant to kronor, and refuse a cost that misleads alone.

    N31001 leaves refugee households out and shows no effect on them by construction: it is
    taken only as a part of N31001 + N40010. Where that sum was estimated itself
    (``social_assistance_refugees_included``) it is used. Where the two parts were
    estimated one by one their covariance is not known, and the interval of the sum is the sum
    of the bounds, which holds at 1 − 2·alpha at least (Bonferroni).

    Parameters
    ----------
    effects : mapping of str to Estimate
        By indicator: kronor per inhabitant and year, such as
        ``study.outcomes["U31001"].finding.estimates["permutation"]``.
    inhabitants : float
        Of the municipality, or the mean of the treated ones.

    Returns
    -------
    tuple of PanelCost
        U31001 first, then N31001 + N40010, those that there are.

    Raises
    ------
    InputError
        If N31001 stands without the others, neither cost is there, an outcome is not in
        kronor per inhabitant, levels differ, or there are no inhabitants.

    Examples
    --------
    >>> e = Estimate(term="att", estimate=-50.0, conf_int=(-90.0, -10.0), method="cs",
    ...              inference="permutation", estimand="cohort", n_obs=9, n_units=9,
    ...              n_treated_units=2, n_clusters=9)
    >>> [cost] = panel_costs({"U31001": e}, 12_000)
    >>> cost.total.conf_int
    (-1080000.0, -120000.0)
    >>> panel_costs({"N31001": e}, 12_000)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    evaluation.errors.InputError: N31001 cannot stand alone as an outcome: ...
    """
    if not (np.isfinite(inhabitants) and inhabitants > 0):
        raise InputError(f"must be above 0 (found {inhabitants})", field="inhabitants")
    refuse_alone(list(effects))
    for name in effects:
        if REGISTRY[name].unit_en != "kronor per inhabitant":
            raise InputError(f"{name} is in {REGISTRY[name].unit_en}, no kronor per inhabitant")
    found = {PAID: effects[PAID]} if PAID in effects else {}
    both = " + ".join(PARTS)
    if SUM in effects:
        found[both] = effects[SUM]
    elif all(p in effects for p in PARTS):
        found[both] = _added(*(effects[p] for p in PARTS))
    if not found:
        raise InputError(
            f"neither {PAID} nor {both} is there (found {', '.join(effects) or 'nothing'}); the "
            "cost of refugee households stands in those"
        )
    return tuple(
        PanelCost(name, e, float(inhabitants), _scaled(e, float(inhabitants)))
        for name, e in found.items()
    )


def _scaled(e: Estimate, factor: float) -> Estimate:
    low, high = e.conf_int
    error = None if e.std_error is None else e.std_error * factor
    return replace(
        e,
        estimate=e.estimate * factor,
        conf_int=(low * factor, high * factor),
        std_error=error,
        statistic=e.statistic if error is not None else None,
        notes=(*e.notes, f"kronor per year for {factor:g} inhabitants"),
    )


def _added(a: Estimate, b: Estimate) -> Estimate:
    if a.alpha != b.alpha or a.estimand != b.estimand or a.method != b.method:
        raise InputError(
            f"N31001 and N40010 must have the same level, estimand and method (found {a.alpha}, "
            f"{a.estimand}, {a.method} and {b.alpha}, {b.estimand}, {b.method})"
        )
    return replace(
        a,
        estimate=a.estimate + b.estimate,
        conf_int=(a.conf_int[0] + b.conf_int[0], a.conf_int[1] + b.conf_int[1]),
        alpha=2 * a.alpha,
        inference=f"{a.inference}; sum of the bounds of two outcomes (Bonferroni)",
        std_error=None,
        statistic=None,
        p_value=None,
        small_sample="level at least that stated",
        notes=(*a.notes, "N31001 and N40010 estimated one by one, covariance unknown"),
    )
