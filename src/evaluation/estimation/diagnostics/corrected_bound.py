r"""The effect that an estimate from a coding with errors can stand for.

With a share m of those coded as treated that are not, and a share s of the comparison group that
is active, errors that have nothing to do with the outcome leave

.. math:: E[\hat\tau] = f\,\tau, \qquad 1 - m - s \le f \le 1 - m

(Aigner 1973). A hidden active municipality
takes the whole of its share away if it began together with the treated, part of it if it began
later, and nothing if it had begun before and its effect is constant. So f is not known, but a
range that it lies in is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evaluation.design.coding.error_rates import MiscodingRates
from evaluation.errors import InputError
from evaluation.results import Estimate

__all__ = ["WHAT_IF", "CorrectedBound", "corrected_bound", "what_if"]

WHAT_IF = (0.0, 0.1, 0.3)
"""Shares of miscoded that are tried where nothing is known of them."""


@dataclass(frozen=True)
class CorrectedBound:
    r"""An interval for the effect itself, given how far the coding may err.

    Parameters
    ----------
    rates : MiscodingRates
        The ranges of the shares of miscoded.
    estimate : float
        The estimate that was corrected.
    point : tuple of float
        The effects that the estimate would stand for, if it had no sampling error.
    conf_int : tuple of float
        The bound at level ``1 - alpha``; infinite where the coding may tell nothing.
    interval : tuple of float
        The interval behind it, at level ``1 - alpha + rates.miss``: the estimate's own, or what
        several tests of it do not reject.
    inference : tuple of str
        How that interval was made.
    alpha : float
        One minus the level of the bound.
    """

    rates: MiscodingRates
    estimate: float
    point: tuple[float, float]
    conf_int: tuple[float, float]
    interval: tuple[float, float]
    inference: tuple[str, ...]
    alpha: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON; an infinite bound is None."""

        def plain(pair: tuple[float, float]) -> list[float | None]:
            return [v if math.isfinite(v) else None for v in pair]

        return {
            "rates": self.rates.to_dict(),
            "estimate": self.estimate,
            "point": plain(self.point),
            "conf_int": plain(self.conf_int),
            "interval": plain(self.interval),
            "inference": list(self.inference),
            "alpha": self.alpha,
        }

    def tidy(self) -> pd.DataFrame:
        """Return one row."""
        (m_low, m_high), (s_low, s_high) = self.rates.false_active, self.rates.hidden_active
        return pd.DataFrame(
            [
                {
                    "false_active_low": m_low,
                    "false_active_high": m_high,
                    "hidden_active_low": s_low,
                    "hidden_active_high": s_high,
                    "estimate": self.estimate,
                    "point_low": self.point[0],
                    "point_high": self.point[1],
                    "conf_low": self.conf_int[0],
                    "conf_high": self.conf_int[1],
                    "alpha": self.alpha,
                }
            ]
        )


def _divided(low: float, high: float, factor: tuple[float, float]) -> tuple[float, float]:
    """Return the union of [low/f, high/f] over the factors f; everything where f may be 0."""
    if factor[0] <= 0:
        return -np.inf, np.inf
    return min(low / f for f in factor), max(high / f for f in factor)


def corrected_bound(
    result: Estimate,
    rates: MiscodingRates,
    *,
    beside: Sequence[Estimate] = (),
    alpha: float = 0.05,
) -> CorrectedBound:
    r"""Bound the effect that an estimate stands for if part of the coding is wrong.

    If [L, U] holds the estimate's expectation fτ with probability 1 − (α − β), and the ranges of
    the shares hold them with probability 1 − β, the union of [L/f, U/f] over the factors f that the
    ranges allow holds τ with probability 1 − α at least (Bonferroni; Berger & Boos 1994).
    A bound holds zero exactly where the interval does, unless the two groups may be alike: errors
    unrelated to the outcome shrink an effect and do not make one.

    Parameters
    ----------
    result : Estimate
        With its interval at level 1 − (α − β), β being ``rates.miss``: fit it with
        ``alpha=alpha - rates.miss``.
    rates : MiscodingRates
        Stated, or from :func:`evaluation.design.coding.error_rates.miscoding_rates`.
    beside : sequence of Estimate
        The same estimate under other tests, at the same level. The bound then holds what any of
        the tests does not reject; one without a p-value is passed over.
    alpha : float
        One minus the level of the bound.

    Returns
    -------
    CorrectedBound
        Infinite where m + s may reach 1: the coding may then tell nothing.

    Raises
    ------
    InputError
        If an interval was made at another level, or α is not above β.

    Notes
    -----
    Assumed: who is miscoded has nothing to do with how the outcome would have changed without
    treatment; those coded rightly and those hidden have on average the same effect, which does
    not fade; the ranges hold.
    Under parallel trends the errors may depend on the municipality's level, but not on its trend.

    References
    ----------
    Aigner, D. (1973). Regression with a binary independent variable subject to errors of
    observation. Journal of Econometrics 1(1). Berger, R. & Boos, D. (1994). P values maximized over
    a confidence set for the nuisance parameter. JASA 89(427). Denteh, A. & Kédagni, D. (2022).
    Misclassification in difference-in-differences models. arXiv 2207.11890.

    Examples
    --------
    >>> e = Estimate(term="att", estimate=2.0, conf_int=(1.0, 3.0), method="cs",
    ...              inference="analytic", estimand="cohort", n_obs=10, n_units=5,
    ...              n_treated_units=2, n_clusters=5)
    >>> found = corrected_bound(e, MiscodingRates((0, 0.25), (0, 0.25)))
    >>> found.point, found.conf_int
    ((2.0, 4.0), (1.0, 6.0))
    """
    needed = alpha - rates.miss
    if not 0 < needed < 1:
        raise InputError(
            f"{alpha:g} must lie above the probability that the ranges fail, {rates.miss:g}, "
            "and below 1",
            field="alpha",
        )
    tests = [result, *(e for e in beside if e.p_value is not None)]
    if result.p_value is None and len(tests) > 1:
        tests = tests[1:]
    for e in tests:
        if not math.isclose(e.alpha, needed, rel_tol=1e-9):
            raise InputError(
                f"the interval was computed at alpha = {e.alpha:g}; a bound at {alpha:g} with "
                f"ranges that fail with probability {rates.miss:g} needs one at {needed:g}",
                field="alpha",
            )
    low, high = min(e.conf_int[0] for e in tests), max(e.conf_int[1] for e in tests)
    return CorrectedBound(
        rates=rates,
        estimate=result.estimate,
        point=_divided(result.estimate, result.estimate, rates.factor),
        conf_int=_divided(low, high, rates.factor),
        interval=(low, high),
        inference=tuple(e.inference for e in tests),
        alpha=alpha,
    )


def what_if(
    result: Estimate, shares: Sequence[float] = WHAT_IF, *, beside: Sequence[Estimate] = ()
) -> tuple[CorrectedBound, ...]:
    """Bound the effect for every pair of largest shares, as where nothing is known of them.

    Parameters
    ----------
    result : Estimate
        The estimate with its own interval.
    shares : sequence of float
        The largest share of miscoded, tried for those coded active and for the comparison group.
    beside : sequence of Estimate
        As :func:`corrected_bound` takes them.

    Returns
    -------
    tuple of CorrectedBound
        One for each pair, the share among those coded active first.

    Examples
    --------
    >>> e = Estimate(term="att", estimate=2.0, conf_int=(1.0, 3.0), method="cs",
    ...              inference="analytic", estimand="cohort", n_obs=10, n_units=5,
    ...              n_treated_units=2, n_clusters=5)
    >>> [b.conf_int for b in what_if(e, (0.0, 0.5))]
    [(1.0, 3.0), (1.0, 6.0), (1.0, 6.0), (-inf, inf)]
    """
    return tuple(
        corrected_bound(
            result,
            MiscodingRates((0.0, m), (0.0, s), source="what if"),
            beside=beside,
            alpha=result.alpha,
        )
        for m in shares
        for s in shares
    )
