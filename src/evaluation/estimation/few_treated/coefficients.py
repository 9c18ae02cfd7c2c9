r"""Linear estimators as coefficients: the effect is :math:`\sum_{it} C_{it} Y_{it}`.

On a balanced panel without covariates the group-time estimator, the imputation estimator
and the two-way regression are all linear in the outcome, with coefficients that follow
from the adoption years alone. Every never-treated unit has the same row, and in every
year the coefficients sum to zero, so that

.. math::
    \hat\tau = \sum_s \lambda_s \Big( a_s' Y_{i(s)} - \frac{1}{N_0} \sum_c a_s' Y_c \Big),
    \qquad \lambda_s a_s = C_{i(s)\cdot}

over the treated s: what a test needs to know of an estimator, whichever it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.cohorts import check_cohorts

__all__ = ["LINEAR_METHODS", "LinearEstimator", "linear_estimator"]

LinearMethod = Literal["cs", "imputation", "twfe"]
LINEAR_METHODS: tuple[LinearMethod, ...] = ("cs", "imputation", "twfe")


@dataclass(frozen=True)
class LinearEstimator:
    """An estimator as coefficients on the outcome, without the outcome.

    Parameters
    ----------
    method, estimand : str
        What the coefficients compute.
    weight : numpy.ndarray
        Shape (treated,): λ, each treated unit's weight; sums to one.
    profile : numpy.ndarray
        Shape (treated, years): a, each treated unit's coefficients over its weight.
    start : numpy.ndarray
        Shape (treated,): position of the first year that may show an effect.
    treated, controls : numpy.ndarray
        Positions of the treated, in the order of ``weight``, and of the never treated.
    n_units : int
        Units in the panel.
    """

    method: str
    estimand: str
    weight: np.ndarray = field(repr=False)
    profile: np.ndarray = field(repr=False)
    start: np.ndarray = field(repr=False)
    treated: np.ndarray = field(repr=False)
    controls: np.ndarray = field(repr=False)
    n_units: int

    def estimate(self, y: np.ndarray) -> np.ndarray:
        """Return the estimate for one or many panels.

        Parameters
        ----------
        y : numpy.ndarray
            Shape (..., units, years).

        Returns
        -------
        numpy.ndarray
            Shape (...).
        """
        own = np.einsum("...st,st->...s", y[..., self.treated, :], self.profile)
        others = y[..., self.controls, :].mean(axis=-2) @ self.profile.T
        result: np.ndarray = (own - others) @ self.weight
        return result


def _cs_cells(g: np.ndarray, years: np.ndarray, estimand: str) -> list[tuple[int, int, float]]:
    """List (cohort, period, weight) of an aggregate of group-time effects."""
    sizes = {int(c): int((g == c).sum()) for c in np.unique(g[g > 0])}
    cells = [(c, int(t)) for c in sizes for t in years if t >= c]
    if estimand == "simple":
        w = {cell: float(sizes[cell[0]]) for cell in cells}
    elif estimand == "cohort":
        last = int(years[-1])
        w = {(c, t): sizes[c] / (last - c + 1) for c, t in cells}
    elif estimand in {"dynamic", "calendar"}:
        group = {(c, t): t - c if estimand == "dynamic" else t for c, t in cells}
        total: dict[int, int] = {}
        for c, t in cells:
            total[group[c, t]] = total.get(group[c, t], 0) + sizes[c]
        w = {(c, t): sizes[c] / total[group[c, t]] for c, t in cells}
    elif estimand.startswith("event:"):
        e = int(estimand.removeprefix("event:"))
        cells = [(c, c + e) for c in sizes if years[0] <= c + e <= years[-1]]
        cells = [(c, t) for c, t in cells if e >= 0 or t - 1 >= years[0]]
        if not cells:
            raise InputError(f"no cohort reaches event time {e}", field="estimand")
        w = {(c, t): float(sizes[c]) for c, t in cells}
    else:
        raise InputError(
            f"{estimand!r} is none of simple, cohort, dynamic, calendar, event:E",
            field="estimand",
        )
    everything = sum(w.values())
    return [(c, t, value / everything) for (c, t), value in w.items()]


def _cs(
    g: np.ndarray, years: np.ndarray, estimand: str, not_yet: bool, anticipation: int
) -> np.ndarray:
    place = {int(t): k for k, t in enumerate(years)}
    c = np.zeros((len(g), len(years)))
    for cohort, period, w in _cs_cells(g, years, estimand):
        now = place[period]
        base = place[cohort - 1 - anticipation] if period >= cohort else now - 1
        own = g == cohort
        # before adoption R's did compares with those untreated in the later year of the two
        until = max(period, cohort - 1 if period >= cohort else period) + anticipation
        others = (g == 0) | ((g > until) & (g != cohort)) if not_yet else g == 0
        for who, sign in ((own, 1.0), (others, -1.0)):
            c[who, now] += sign * w / who.sum()
            c[who, base] -= sign * w / who.sum()
    return c


def _treated_weights(g: np.ndarray, years: np.ndarray, estimand: str) -> np.ndarray:
    """Weight of each treated cell in an aggregate of imputed effects."""
    w = np.zeros((len(g), len(years)))
    place = {int(t): k for k, t in enumerate(years)}
    for cohort, period, share in _cs_cells(g, years, estimand):
        if period >= cohort:
            own = g == cohort
            w[own, place[period]] += share / own.sum()
    return w


def _imputation(g: np.ndarray, years: np.ndarray, estimand: str, anticipation: int) -> np.ndarray:
    r"""Coefficients of the imputation estimator.

    With w the weights on treated cells, the coefficients on untreated cells are
    :math:`-(p_i + q_t)` with the unit and year sums of w taken out: the normal equations
    of the two-way model on untreated cells, of which only one of the years' size is solved.
    """
    w = _treated_weights(g, years, estimand)
    free = ~((g[:, None] > 0) & (years[None, :] >= g[:, None] - anticipation))
    n = free.sum(axis=1)
    row, column = w.sum(axis=1), w.sum(axis=0)
    mean = free / n[:, None]
    left = np.diag(free.sum(axis=0).astype(float)) - free.T.astype(float) @ mean
    q = np.linalg.lstsq(left, column - mean.T @ row, rcond=None)[0]
    p = (row - free @ q) / n
    return w - np.where(free, p[:, None] + q[None, :], 0.0)


def _twfe(g: np.ndarray, years: np.ndarray) -> np.ndarray:
    d = ((g[:, None] > 0) & (years[None, :] >= g[:, None])).astype(float)
    d = d - d.mean(axis=1, keepdims=True) - d.mean(axis=0, keepdims=True) + d.mean()
    result: np.ndarray = d / (d * d).sum()
    return result


def linear_estimator(
    panel: Panel,
    cohort: pd.Series,
    *,
    method: str = "cs",
    estimand: str = "cohort",
    control_group: str = "never_treated",
    anticipation: int = 0,
) -> LinearEstimator:
    """Return an estimator as coefficients.

    Parameters
    ----------
    panel : Panel
        Balanced outcome; only its units and years matter here.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    method : {"cs", "imputation", "twfe"}
        Callaway–Sant'Anna without covariates, Borusyak–Jaravel–Spiess (the same points
        as two-stage and, without covariates, extended two-way), two-way regression.
    estimand : str
        ``simple``, ``cohort``, ``dynamic``, ``calendar`` or ``event:E`` (E years since
        adoption); for ``twfe`` it is ``twfe``.
    control_group : {"never_treated", "not_yet_treated"}
        For ``cs``.
    anticipation : int
        Years before adoption in which the effect may already show (``cs``,
        ``imputation``): they are no history and serve nobody as comparison.

    Returns
    -------
    LinearEstimator
        ``estimate(values)`` equals the method's estimate.

    Raises
    ------
    InputError
        If the method or estimand is unknown, the anticipation leaves no year before it
        or does not go with the method, or as
        :func:`evaluation.estimation.cohorts.check_cohorts`.

    References
    ----------
    Callaway & Sant'Anna (2021), section 3. Borusyak, Jaravel & Spiess (2024), Review of
    Economic Studies 91(6), section 4.

    Examples
    --------
    >>> import pandas as pd
    >>> wide = pd.DataFrame([[1., 2., 5.], [1., 1., 1.], [0., 1., 2.]],
    ...                     index=["a", "b", "c"], columns=[2000, 2001, 2002])
    >>> cohort = pd.Series({"a": 2002, "b": 0, "c": 0})
    >>> est = linear_estimator(Panel("y", wide), cohort)
    >>> float(est.estimate(wide.to_numpy()))  # (5 - 2) - mean(1 - 1, 2 - 1)
    2.5
    """
    g = check_cohorts(panel, cohort)
    years = np.array(panel.years)
    if anticipation < 0 or (anticipation and method == "twfe"):
        raise InputError(
            "must be zero or more" if anticipation < 0 else "twfe takes none", field="anticipation"
        )
    if g[g > 0].min() - anticipation <= years[0]:
        raise InputError(
            f"{anticipation} years leave cohort {g[g > 0].min()} no pre-period; the data begin "
            f"in {years[0]}",
            field="anticipation",
        )
    if method == "cs":
        c = _cs(g, years, estimand, control_group == "not_yet_treated", anticipation)
    elif method == "imputation":
        c = _imputation(g, years, estimand, anticipation)
    elif method == "twfe":
        c, estimand = _twfe(g, years), "twfe"
    else:
        raise InputError(f"{method!r} is none of {', '.join(LINEAR_METHODS)}", field="method")
    treated = np.flatnonzero(g > 0)
    adoption = np.searchsorted(years, g[treated])
    position = np.arange(len(years))[None, :]
    own = position >= adoption[:, None]
    if estimand.startswith("event:-"):
        own = position == adoption[:, None] + int(estimand.removeprefix("event:"))
    weight = (c[treated] * own).sum(axis=1)
    # a unit that the aggregate does not reach weighs nothing, and neither does its profile
    reached = np.abs(weight) > 1e-12 * np.abs(weight).max(initial=0.0)
    profile = np.zeros((len(treated), len(years)))
    profile[reached] = c[treated][reached] / weight[reached, None]
    return LinearEstimator(
        method=method,
        estimand=estimand,
        weight=np.where(reached, weight, 0.0),
        profile=profile,
        start=adoption - anticipation,
        treated=treated,
        controls=np.flatnonzero(g == 0),
        n_units=len(g),
    )
