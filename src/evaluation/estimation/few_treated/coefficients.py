r"""Linear estimators as coefficients: the effect is :math:`\sum_{it} C_{it} Y_{it}`.

On a balanced panel without covariates the group-time estimator, the imputation estimator
and the two-way regression are all linear in the outcome, with coefficients that follow
from the adoption years alone. The never-treated units' rows are alike up to their weight κ
(:math:`1/N_0` each without weights), and in every year the coefficients sum to zero, so that

.. math::
    \hat\tau = \sum_s \lambda_s \Big( a_s' Y_{i(s)} - \sum_c \kappa_c a_s' Y_c \Big),
    \qquad \lambda_s a_s = C_{i(s)\cdot}

over the treated s: what a test needs to know of an estimator, whichever it is. Only in the
effect at a single event time a treated unit may serve as a comparison (not yet treated, or
through the year effects) without reaching that time itself; it then has coefficients and
no weight, and :func:`evaluation.estimation.few_treated.collapsed.collapse` refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.cohorts import check_cohorts
from evaluation.estimation.few_treated.contrasts import year_profiles
from evaluation.estimation.windows import WHOLE, Spells, Windows, spells

__all__ = ["LINEAR_METHODS", "LinearEstimator", "linear_estimator"]

LinearMethod = Literal["cs", "imputation", "twfe"]
LINEAR_METHODS: tuple[LinearMethod, ...] = ("cs", "imputation", "twfe")
CONTROL_GROUPS = ("never_treated", "not_yet_treated")


@dataclass(frozen=True)
class LinearEstimator:
    """An estimator as coefficients on the outcome, without the outcome.

    Parameters
    ----------
    method, estimand : str
        What the coefficients compute.
    coefficients : numpy.ndarray
        Shape (units, years): C.
    weight : numpy.ndarray
        Shape (treated,): λ, each treated unit's weight; sums to one.
    profile : numpy.ndarray
        Shape (treated, years): a, each treated unit's coefficients over its weight; zero
        where the weight is.
    start : numpy.ndarray
        Shape (treated,): position of the first year that may show an effect.
    treated, controls : numpy.ndarray
        Positions of the treated, in the order of ``weight``, and of the never treated.
    n_units : int
        Units in the panel.
    control_weight : numpy.ndarray or None
        Shape (controls,): κ up to a factor; None where all weigh the same.
    """

    method: str
    estimand: str
    coefficients: np.ndarray = field(repr=False)
    weight: np.ndarray = field(repr=False)
    profile: np.ndarray = field(repr=False)
    start: np.ndarray = field(repr=False)
    treated: np.ndarray = field(repr=False)
    controls: np.ndarray = field(repr=False)
    n_units: int
    control_weight: np.ndarray | None = field(default=None, repr=False)

    @property
    def control_share(self) -> np.ndarray:
        """Each control's share of the comparison, κ, shape (controls,); sums to one."""
        n0 = len(self.controls)
        if self.control_weight is None:
            return np.full(n0, 1 / n0)
        result: np.ndarray = self.control_weight / self.control_weight.sum()
        return result

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
        result: np.ndarray = np.einsum("...it,it->...", y, self.coefficients)
        return result


def _unknown(estimand: str) -> InputError:
    return InputError(
        f"{estimand!r} is none of simple, cohort, dynamic, calendar, event:E", field="estimand"
    )


def _event_time(estimand: str) -> int:
    try:
        return int(estimand.removeprefix("event:"))
    except ValueError:
        raise _unknown(estimand) from None


def _cs_cells(
    g: np.ndarray, years: np.ndarray, estimand: str, omega: np.ndarray
) -> list[tuple[int, int, float]]:
    """List (cohort, period, weight) of an aggregate of group-time effects."""
    sizes = {int(c): float(omega[g == c].sum()) for c in np.unique(g[g > 0])}
    cells = [(c, int(t)) for c in sizes for t in years if t >= c]
    if estimand == "simple":
        w = {cell: sizes[cell[0]] for cell in cells}
    elif estimand == "cohort":
        last = int(years[-1])
        w = {(c, t): sizes[c] / (last - c + 1) for c, t in cells}
    elif estimand in {"dynamic", "calendar"}:
        group = {(c, t): t - c if estimand == "dynamic" else t for c, t in cells}
        total: dict[int, float] = {}
        for c, t in cells:
            total[group[c, t]] = total.get(group[c, t], 0) + sizes[c]
        w = {(c, t): sizes[c] / total[group[c, t]] for c, t in cells}
    elif estimand.startswith("event:"):
        e = _event_time(estimand)
        cells = [(c, c + e) for c in sizes if years[0] <= c + e <= years[-1]]
        cells = [(c, t) for c, t in cells if e >= 0 or t - 1 >= years[0]]
        if not cells:
            raise InputError(f"no cohort reaches event time {e}", field="estimand")
        w = {(c, t): sizes[c] for c, t in cells}
    else:
        raise _unknown(estimand)
    everything = sum(w.values())
    return [(c, t, value / everything) for (c, t), value in w.items()]


def _cs(
    g: np.ndarray,
    years: np.ndarray,
    estimand: str,
    not_yet: bool,
    anticipation: int,
    omega: np.ndarray,
) -> np.ndarray:
    place = {int(t): k for k, t in enumerate(years)}
    c = np.zeros((len(g), len(years)))
    for cohort, period, w in _cs_cells(g, years, estimand, omega):
        now = place[period]
        base = place[cohort - 1 - anticipation] if period >= cohort else now - 1
        own = g == cohort
        # before adoption R's did compares with those untreated in the later year of the two
        until = max(period, cohort - 1 if period >= cohort else period) + anticipation
        others = (g == 0) | ((g > until) & (g != cohort)) if not_yet else g == 0
        for who, sign in ((own, 1.0), (others, -1.0)):
            part = sign * w * omega[who] / omega[who].sum()
            c[who, now] += part
            c[who, base] -= part
    return c


def _treated_weights(
    g: np.ndarray, years: np.ndarray, estimand: str, omega: np.ndarray
) -> np.ndarray:
    """Weight of each treated unit's own cells in an aggregate of group-time effects."""
    w = np.zeros((len(g), len(years)))
    place = {int(t): k for k, t in enumerate(years)}
    for cohort, period, share in _cs_cells(g, years, estimand, omega):
        own = g == cohort
        w[own, place[period]] += share * omega[own] / omega[own].sum()
    return w


def _imputation(
    g: np.ndarray, years: np.ndarray, estimand: str, anticipation: int, omega: np.ndarray
) -> np.ndarray:
    r"""Coefficients of the imputation estimator.

    With w the weights on treated cells and ω the units' weights, the coefficients on
    untreated cells are :math:`-\omega_i (p_i + q_t)` with the unit and year sums of w taken
    out: the normal equations of the two-way model on untreated cells, of which only one of
    the years' size is solved.
    """
    if estimand.startswith("event:") and _event_time(estimand) < 0:
        raise InputError("imputation gives effects from adoption on only", field="estimand")
    w = _treated_weights(g, years, estimand, omega)
    free = ~((g[:, None] > 0) & (years[None, :] >= g[:, None] - anticipation))
    n = free.sum(axis=1)
    row, column = w.sum(axis=1), w.sum(axis=0)
    weighted = omega[:, None] * free
    mean = free / n[:, None]
    left = np.diag(weighted.sum(axis=0)) - weighted.T @ mean
    q = np.linalg.lstsq(left, column - mean.T @ row, rcond=None)[0]
    p = (row / omega - free @ q) / n
    return w - np.where(free, omega[:, None] * (p[:, None] + q[None, :]), 0.0)


def _twfe(g: np.ndarray, years: np.ndarray, omega: np.ndarray) -> np.ndarray:
    d = ((g[:, None] > 0) & (years[None, :] >= g[:, None])).astype(float)
    by_year = omega @ d / omega.sum()
    d = d - d.mean(axis=1, keepdims=True) - by_year[None, :] + by_year.mean()
    result: np.ndarray = omega[:, None] * d / (omega[:, None] * d * d).sum()
    return result


def _checked_weights(panel: Panel, weights: pd.Series) -> np.ndarray:
    known = weights.reindex(panel.units).to_numpy(dtype=float)
    bad = ~(np.isfinite(known) & (known > 0))
    if bad.any():
        unit = panel.units[int(bad.argmax())]
        raise InputError(f"unit {unit} has no weight above zero", field="weights")
    # only ratios matter; a mean of one keeps sums the same size as counts
    result: np.ndarray = known / known.mean()
    return result


def linear_estimator(
    panel: Panel,
    cohort: pd.Series,
    *,
    method: str = "cs",
    estimand: str = "cohort",
    control_group: str = "never_treated",
    anticipation: int = 0,
    weights: pd.Series | None = None,
    windows: Windows = WHOLE,
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
    weights : pandas.Series, optional
        By unit, above zero. Weights that change from year to year give each control a row
        of its own and are not covered.

    windows : Windows
        Years that some units leave out, for ``cs`` against the never treated without weights
        (``simple`` and ``cohort``).

    Returns
    -------
    LinearEstimator
        ``estimate(values)`` equals the method's estimate.

    Raises
    ------
    InputError
        If the method, estimand or control group is unknown, a weight is not above zero, the
        anticipation leaves no year before it or does not go with the method, or as
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
    if not windows.plain:
        if (method, control_group, anticipation) != ("cs", "never_treated", 0) or (
            weights is not None
        ):
            raise InputError(
                "years can be left out with cs, never_treated controls, no anticipation and no "
                "weights only",
                field="windows",
            )
        return _windowed(panel, spells(panel, cohort, windows), estimand)
    g = check_cohorts(panel, cohort)
    years = np.array(panel.years)
    if control_group not in CONTROL_GROUPS:
        raise InputError(
            f"{control_group!r} is none of {', '.join(CONTROL_GROUPS)}", field="control_group"
        )
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
    omega = np.ones(len(g)) if weights is None else _checked_weights(panel, weights)
    if method == "cs":
        not_yet = control_group == "not_yet_treated"
        c = _cs(g, years, estimand, not_yet, anticipation, omega)
    elif method == "imputation":
        c = _imputation(g, years, estimand, anticipation, omega)
    elif method == "twfe":
        c, estimand = _twfe(g, years, omega), "twfe"
    else:
        raise InputError(f"{method!r} is none of {', '.join(LINEAR_METHODS)}", field="method")
    treated = np.flatnonzero(g > 0)
    adoption = np.searchsorted(years, g[treated])
    if method == "twfe":
        weight = (c[treated] * (np.arange(len(years)) >= adoption[:, None])).sum(axis=1)
    else:
        weight = _treated_weights(g, years, estimand, omega)[treated].sum(axis=1)
    # a unit that the aggregate does not reach weighs nothing
    reached = np.abs(weight) > 1e-12 * np.abs(weight).max(initial=0.0)
    profile = np.zeros((len(treated), len(years)))
    profile[reached] = c[treated][reached] / weight[reached, None]
    return LinearEstimator(
        method=method,
        estimand=estimand,
        coefficients=c,
        weight=np.where(reached, weight, 0.0),
        profile=profile,
        start=adoption - anticipation,
        treated=treated,
        controls=np.flatnonzero(g == 0),
        n_units=len(g),
        control_weight=None if weights is None else omega[g == 0],
    )


def _windowed(panel: Panel, s: Spells, estimand: str) -> LinearEstimator:
    """Group-time effects where each unit has its own base and last treated year."""
    rows, share = year_profiles(panel, s, estimand)
    treated, controls = np.array(list(rows)), np.flatnonzero(s.first == 0)
    profile = np.array(list(rows.values()))
    weight = np.array(list(share.values())) / sum(share.values())
    c = np.zeros((len(s.first), len(panel.years)))
    c[treated] = weight[:, None] * profile
    c[controls] = -(weight @ profile) / len(controls)
    return LinearEstimator(
        method="cs",
        estimand=estimand,
        coefficients=c,
        weight=weight,
        profile=profile,
        # what lies before the partly exposed years is history
        start=np.searchsorted(panel.years, s.base[treated] + 1),
        treated=treated,
        controls=controls,
        n_units=len(s.first),
    )
