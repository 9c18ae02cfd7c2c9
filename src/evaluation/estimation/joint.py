r"""Two outcomes of the same units estimated jointly, for example women's and men's.

Both are the same linear estimator on the same units and years, so that every unit has a pair of
contrasts, and the covariance of the two effects is that of the pairs:

.. math::
    \widehat{\mathrm{Cov}}(\hat\tau_1, \hat\tau_2)
    = \tfrac12\{\widehat V(\hat\tau_1) + \widehat V(\hat\tau_2)
    - \widehat V(\hat\tau_1 - \hat\tau_2)\}

which is the cross product of the contrasts, because the variance is a quadratic form of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.did.aggregation import Estimand, aggregate_influence
from evaluation.estimation.did.triple import gap_panel
from evaluation.estimation.did.windowed import windowed_group_time
from evaluation.estimation.few_treated.coefficients import linear_estimator
from evaluation.estimation.few_treated.collapsed import collapse
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.estimation.few_treated.permutation import placebo_estimates
from evaluation.estimation.few_treated.welch import StudentTest, welch
from evaluation.estimation.windows import WHOLE, Windows, spells

__all__ = ["JointEffects", "combined", "common_units", "joint_effects", "joint_placebos"]


@dataclass(frozen=True)
class JointEffects:
    """The effects on two outcomes, with their covariance.

    Parameters
    ----------
    names : tuple of str
        The outcomes, the first one first everywhere.
    estimand : {"cohort", "simple"}
        Which aggregate both are.
    estimate : numpy.ndarray
        Shape (2,): the effects.
    covariance : numpy.ndarray
        Shape (2, 2): each side's own variances and covariances (CR2). Infinite with one treated
        unit, whose own variance no data show.
    df : tuple of float
        Satterthwaite's degrees of freedom of the first, the second and their difference.
    influence_covariance : numpy.ndarray
        Shape (2, 2): from the stacked influence functions, divisor n, as R's ``did`` has it.
    level : numpy.ndarray
        Shape (2,): the treated units' mean in their treated years, weighted as the effects.
    before : numpy.ndarray
        Shape (2,): their mean in the years before, weighted alike.
    n_units, n_treated : int
        The common sample.
    """

    names: tuple[str, str]
    estimand: str
    estimate: np.ndarray
    covariance: np.ndarray = field(repr=False)
    df: tuple[float, float, float]
    influence_covariance: np.ndarray = field(repr=False)
    level: np.ndarray = field(repr=False)
    before: np.ndarray = field(repr=False)
    n_units: int
    n_treated: int

    @property
    def difference(self) -> float:
        """The first effect less the second: the triple difference."""
        return float(self.estimate[0] - self.estimate[1])

    @property
    def counterfactual(self) -> np.ndarray:
        """The treated units' level had there been no effect, shape (2,)."""
        result: np.ndarray = self.level - self.estimate
        return result

    @property
    def correlation(self) -> float:
        """Correlation of the two estimates; NaN where no variance is known."""
        v = self.covariance
        if not np.isfinite(v).all() or v[0, 0] * v[1, 1] == 0:
            return float("nan")
        return float(v[0, 1] / np.sqrt(v[0, 0] * v[1, 1]))

    def log_ratio(self) -> tuple[float, np.ndarray]:
        r"""Return by how much the log ratio of the levels changed, and its gradient.

        .. math:: \theta = \log\frac{Y_1}{Y_2} - \log\frac{Y_1 - \tau_1}{Y_2 - \tau_2},
            \qquad \nabla\theta = \Big(\frac{1}{Y_1 - \tau_1}, -\frac{1}{Y_2 - \tau_2}\Big)

        The levels Y are the treated units' own and known; what is estimated is what they would
        have been.

        Raises
        ------
        InputError
            If a level or what it would have been is not above zero.
        """
        without = self.counterfactual
        if min(*self.level, *without) <= 0:
            raise InputError(
                f"a ratio needs levels above zero; with and without the effect they are "
                f"{self.level[0]:.2f} and {without[0]:.2f} for {self.names[0]}, "
                f"{self.level[1]:.2f} and {without[1]:.2f} for {self.names[1]}",
                field=self.names[0],
            )
        change = np.log(self.level) - np.log(without)
        return float(change[0] - change[1]), np.array([1 / without[0], -1 / without[1]])


def common_units(first: Panel, second: Panel) -> tuple[Panel, Panel]:
    """Return both panels with the units that both have, in the first one's order.

    Raises
    ------
    InputError
        If the years differ or no unit is in both.
    """
    units = gap_panel(first, second).units
    return first.select(units), second.select(units)


def combined(first: Panel, second: Panel, loading: np.ndarray) -> Panel:
    """Return the panel of a linear combination of two outcomes.

    Parameters
    ----------
    first, second : Panel
        The same units and years.
    loading : numpy.ndarray
        Shape (2,): what each outcome is multiplied by.

    Examples
    --------
    >>> one = Panel("a", pd.DataFrame([[3.0, 5.0]], index=["x"], columns=[2000, 2001]))
    >>> two = Panel("b", pd.DataFrame([[1.0, 1.0]], index=["x"], columns=[2000, 2001]))
    >>> combined(one, two, np.array([1.0, -2.0])).values.loc["x"].tolist()
    [1.0, 3.0]
    """
    one = replace(first, values=first.values * float(loading[0]))
    two = replace(second, values=second.values * -float(loading[1]))
    return replace(gap_panel(one, two), weights=first.weights)


def _means(
    panel: Panel, cohort: pd.Series, windows: Windows, weight: np.ndarray
) -> tuple[float, float]:
    """Return the treated's mean after and before, each unit's own years first."""
    s = spells(panel, cohort, windows)
    years = np.array(panel.years)
    rows = np.flatnonzero(s.first > 0)
    y = panel.values.to_numpy(dtype=float)[rows]
    after = s.treated(years)[rows].astype(float)
    early = (years[None, :] <= s.base[rows, None]).astype(float)
    mean_after = (y * after).sum(axis=1) / after.sum(axis=1)
    mean_before = (y * early).sum(axis=1) / early.sum(axis=1)
    return float(weight @ mean_after), float(weight @ mean_before)


def joint_effects(
    first: Panel,
    second: Panel,
    cohort: pd.Series,
    *,
    estimand: str = "cohort",
    windows: Windows = WHOLE,
) -> JointEffects:
    r"""Estimate the effects on two outcomes of the same units with their covariance.

    Parameters
    ----------
    first, second : Panel
        Balanced, the same units and years.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    estimand : {"cohort", "simple"}
        The aggregate of the group-time effects.
    windows : Windows
        Years that some units leave out.

    Returns
    -------
    JointEffects
        ``difference`` equals the triple difference of the same panels.

    Raises
    ------
    InputError
        If units or years differ, or as for the estimator.

    References
    ----------
    Callaway & Sant'Anna (2021), section 3; Bell & McCaffrey (2002); Olden & Møen (2022), section 3.
    """
    if first.units != second.units or first.years != second.years:
        raise InputError(
            f"{first.outcome} and {second.outcome} must have the same units and years; "
            "common_units gives those that both have",
            field=second.outcome,
        )
    est = linear_estimator(first, cohort, estimand=estimand, windows=windows)
    pair = [p.values.to_numpy(dtype=float) for p in (first, second)]
    c = collapse(np.stack([*pair, pair[0] - pair[1]]), est)
    test: StudentTest = welch(c)
    v = test.std_error**2
    finite = np.isfinite(v).all()
    shared = (v[0] + v[1] - v[2]) / 2 if finite else np.nan
    psi = []
    for panel in (first, second):
        gt = windowed_group_time(panel, cohort, windows)
        kind: Estimand = "cohort" if estimand == "cohort" else "simple"
        psi.append(aggregate_influence(gt, kind)[1])
    stacked = np.stack(psi)
    means = [_means(p, cohort, windows, est.weight) for p in (first, second)]
    return JointEffects(
        names=(first.outcome, second.outcome),
        estimand=estimand,
        estimate=c.estimate[:2],
        covariance=np.array([[v[0], shared], [shared, v[1]]])
        if finite
        else np.full((2, 2), np.inf),
        df=(float(test.df[0]), float(test.df[1]), float(test.df[2])),
        influence_covariance=stacked @ stacked.T,
        level=np.array([m[0] for m in means]),
        before=np.array([m[1] for m in means]),
        n_units=len(first.units),
        n_treated=len(est.weight),
    )


def joint_placebos(
    first: Panel,
    second: Panel,
    cohort: pd.Series,
    picks: np.ndarray,
    *,
    estimand: str = "cohort",
    windows: Windows = WHOLE,
) -> np.ndarray:
    """Return both effects under the same other assignments.

    Parameters
    ----------
    first, second, cohort, estimand, windows
        As in :func:`joint_effects`.
    picks : numpy.ndarray
        Shape (assignments, treated): unit columns, as
        :func:`evaluation.estimation.few_treated.permutation.matched_assignments` gives them.

    Returns
    -------
    numpy.ndarray
        Shape (assignments, 2): their joint distribution where nothing happened.
    """
    both = [contrasts(p, cohort, estimand, windows=windows) for p in (first, second)]
    return np.column_stack([placebo_estimates(c, c.d, picks) for c in both])
