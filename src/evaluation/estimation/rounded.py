"""Estimates with as many digits as may leave where the counts behind them may not.

A number that is printed in full is an equation, and small whole numbers of persons solve it: with
coprime cohorts one difference of shares has a single solution. A few digits leave thousands.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from evaluation.estimation.regression.result import Coefficient
from evaluation.results import Check, Estimate

__all__ = [
    "LOG_RATIO",
    "POINTS",
    "decimals",
    "rounded_check",
    "rounded_coefficient",
    "rounded_estimate",
    "two_digits",
]

POINTS: Final = 1
"""Decimals of percentage points."""
LOG_RATIO: Final = 2
"""Decimals of a log hazard ratio: one per cent of the ratio."""
_P, _STATISTIC = 3, 1


def decimals(value: float, places: int) -> float:
    """Return a number to some decimals, never minus zero; an infinite one as it is.

    Examples
    --------
    >>> decimals(-0.04, 1), decimals(2.3456, 1), decimals(float("inf"), 1)
    (0.0, 2.3, inf)
    """
    return round(float(value), places) + 0.0


def two_digits(value: float) -> float:
    """Return a number to two significant digits, as errors are given.

    Examples
    --------
    >>> two_digits(1.9612), two_digits(0.004567), two_digits(0.0)
    (2.0, 0.0046, 0.0)
    """
    return float(f"{value:.2g}") if math.isfinite(value) else value


def rounded_estimate(e: Estimate, places: int, *, data_hash: str) -> Estimate:
    """Return an estimate to some decimals.

    Its interval has as many, its error two significant digits, its p-value three decimals and its
    statistic one. What a test finds it also finds after rounding: an end that would become zero is
    one unit of its last decimal away, on its own side, and a p-value above ``alpha`` stays there.

    Parameters
    ----------
    e : Estimate
        In full.
    places : int
        Decimals of the estimate: ``POINTS`` or ``LOG_RATIO``.
    data_hash : str
        Of what was released, or empty: one of the counts could be tried out.

    Examples
    --------
    >>> e = Estimate("att", 4.0371, (0.1199, 7.9543), "cs", "t", "cohort", 10, 5, 2, 5,
    ...              std_error=1.6317, statistic=2.4742, p_value=0.04623)
    >>> r = rounded_estimate(e, POINTS, data_hash="")
    >>> r.estimate, r.conf_int, r.std_error, r.statistic, r.p_value
    (4.0, (0.1, 8.0), 1.6, 2.5, 0.046)
    >>> e = replace(e, conf_int=(0.0031, 8.0711), p_value=0.04961)
    >>> r = rounded_estimate(e, POINTS, data_hash="")
    >>> r.conf_int, r.p_value
    ((0.1, 8.1), 0.05)
    """
    return replace(
        e,
        estimate=decimals(e.estimate, places),
        conf_int=(_end(e.conf_int[0], places), _end(e.conf_int[1], places)),
        std_error=None if e.std_error is None else two_digits(e.std_error),
        statistic=None if e.statistic is None else decimals(e.statistic, _STATISTIC),
        p_value=None if e.p_value is None else _p_value(e.p_value, e.alpha),
        data_hash=data_hash,
    )


def _end(value: float, places: int) -> float:
    """Round an end of an interval, and keep it on its side of zero."""
    out = decimals(value, places)
    return out if out or not value else math.copysign(10.0**-places, value)


def _p_value(value: float, alpha: float) -> float:
    """Round a p-value, and keep it on its side of the level."""
    out = decimals(value, _P)
    if value > alpha >= out:
        return decimals(out + 10.0**-_P, _P)
    if value <= alpha < out:
        return decimals(out - 10.0**-_P, _P)
    return out


def rounded_coefficient(c: Coefficient) -> Coefficient:
    """Return a log hazard ratio with the digits of :func:`rounded_estimate`.

    Examples
    --------
    >>> rounded_coefficient(Coefficient("sex=M", -0.1634, 0.0571, -2.8613, 0.00422,
    ...                                 (-0.2753, -0.0515), float("inf")))
    Coefficient(term='sex=M', estimate=-0.16, std_error=0.057, statistic=-2.9, p_value=0.004, \
conf_int=(-0.28, -0.05), df=inf)
    """
    return replace(
        c,
        estimate=decimals(c.estimate, LOG_RATIO),
        std_error=two_digits(c.std_error),
        statistic=decimals(c.statistic, _STATISTIC),
        p_value=decimals(c.p_value, _P),
        conf_int=(decimals(c.conf_int[0], LOG_RATIO), decimals(c.conf_int[1], LOG_RATIO)),
    )


def rounded_check(check: Check) -> Check:
    """Return a check whose statistic has three decimals, as many as its sentence at most.

    Examples
    --------
    >>> rounded_check(Check("variance_function", True, "…", "…", 0.123456, 0.5)).statistic
    0.123
    """
    return replace(
        check, statistic=None if check.statistic is None else decimals(check.statistic, _P)
    )
