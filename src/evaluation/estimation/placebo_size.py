"""How often the usual analytic test cries wolf on the panel at hand.

The same adoption years are given to donors of the same size, where nothing happened;
whatever share of these placebo studies the analytic test calls significant is its real
size here, to be read beside its nominal one.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from evaluation.estimation.contrasts import Contrasts
from evaluation.estimation.permutation import placebo_estimates

__all__ = ["analytic_errors", "analytic_rejection_rate"]


def analytic_errors(c: Contrasts, picks: np.ndarray) -> np.ndarray:
    r"""Return the analytic standard error of the cohort aggregate under each assignment.

    With :math:`D_j = \sum_s \lambda_s d_j(g_s)` for the controls and :math:`\theta_g`
    cohort g's effect, the influence-function variance is

    .. math::
        \sum_j \frac{(D_j - \bar D)^2}{n_c^2}
        + \frac{1}{n_1^2} \sum_s \left( d_{i(s)}(g_s) - \bar d_{g_s}
        + \theta_{g_s} - \bar\theta \right)^2 ,

    the second sum carrying both the spread within cohorts and the estimated cohort
    shares. It equals the standard error of
    :func:`evaluation.estimation.aggregation.aggregate` with ``estimand="cohort"``.

    Parameters
    ----------
    c : Contrasts
        Contrasts of the cohort aggregate (equal weights over slots).
    picks : numpy.ndarray
        Shape (draws, slots): unit columns.

    Returns
    -------
    numpy.ndarray
        Shape (draws,).

    References
    ----------
    Callaway & Sant'Anna (2021), theorem 2 and corollary 2.
    """
    s = len(c.slots)
    slots = np.arange(s)
    composite = c.weight @ c.d
    picked = composite[picks]
    n0 = len(c.units) - s
    mean = (composite.sum() - picked.sum(axis=1)) / n0
    squares = (composite**2).sum() - (picked**2).sum(axis=1) - n0 * mean**2
    taken = c.d[:, picks]
    own = taken[slots, :, slots].T
    control = (c.d.sum(axis=1)[None, :] - taken.sum(axis=2).T) / n0
    effect = own - control
    # (d_i - mean_g d) + (theta_g - theta) is the slot's effect minus the overall one
    treated = ((effect - effect.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) / s**2
    result: np.ndarray = np.sqrt(np.maximum(squares, 0) / n0**2 + treated)
    return result


def analytic_rejection_rate(c: Contrasts, picks: np.ndarray, alpha: float) -> float:
    """Return the share of assignments whose analytic interval excludes zero.

    Parameters
    ----------
    c : Contrasts
        Contrasts of the cohort aggregate.
    picks : numpy.ndarray
        Shape (draws, slots): assignments other than the real one.
    alpha : float
        The nominal level.

    Returns
    -------
    float
        Between 0 and 1; a test that keeps its word gives ``alpha``.
    """
    z = norm.ppf(1 - alpha / 2)
    reject = np.abs(placebo_estimates(c, c.d, picks)) > z * analytic_errors(c, picks)
    return float(reject.mean())
