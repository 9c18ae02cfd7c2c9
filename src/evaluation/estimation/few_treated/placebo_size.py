"""How often the usual analytic tests reject on the panel at hand where nothing is known to be.

The same adoption years are given to donors of similar size, none of them really
treated; the share of these placebo studies that a test calls significant is its level
here, to be read beside its nominal one. The really treated units stay out of it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from evaluation.data.panel import Panel
from evaluation.estimation.few_treated.contrasts import Contrasts
from evaluation.estimation.few_treated.permutation import placebo_estimates

__all__ = ["analytic_errors", "analytic_rejection_rate", "twfe_rejection_rate"]


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
    :func:`evaluation.estimation.did.aggregation.aggregate` with ``estimand="cohort"``.

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


def _without_treated(c: Contrasts, picks: np.ndarray) -> tuple[Contrasts, np.ndarray]:
    """Drop the really treated units, and the assignments that hold one of them."""
    stay = c.controls
    place = np.full(len(c.units), -1)
    place[stay] = np.arange(len(stay))
    kept = place[picks]
    kept = kept[(kept >= 0).all(axis=1)]
    # the slots keep their years; which units fill them is up to the assignments
    units = tuple(c.units[j] for j in stay)
    slots = tuple(range(len(c.slots)))
    return replace(c, units=units, slots=slots, d=c.d[:, stay], b=c.b[:, stay]), kept


def analytic_rejection_rate(c: Contrasts, picks: np.ndarray, alpha: float) -> float:
    """Return the share of placebo studies whose analytic Callaway–Sant'Anna test rejects.

    Parameters
    ----------
    c : Contrasts
        Contrasts of the cohort aggregate.
    picks : numpy.ndarray
        Shape (draws, slots): assignments; those with a really treated unit are left out.
    alpha : float
        The nominal level.

    Returns
    -------
    float
        Between 0 and 1; a test that keeps its level gives ``alpha``. NaN where every
        assignment holds a treated unit.
    """
    c, picks = _without_treated(c, picks)
    if len(picks) == 0:
        return float("nan")
    z = norm.ppf(1 - alpha / 2)
    reject = np.abs(placebo_estimates(c, c.d, picks)) > z * analytic_errors(c, picks)
    return float(reject.mean())


def twfe_rejection_rate(panel: Panel, c: Contrasts, picks: np.ndarray, alpha: float) -> float:
    r"""Return the share of placebo studies whose two-way fixed-effects test rejects.

    With :math:`\tilde D` the treatment dummy after taking out unit and year means,
    :math:`\hat\beta = \sum \tilde D y / \sum \tilde D^2`, and the clustered variance is
    :math:`\sum_i (\sum_t \tilde D_{it} e_{it})^2 / (\sum \tilde D^2)^2` times the factor of
    :func:`evaluation.estimation.did.two_way.two_way_fixed_effects`.

    Parameters
    ----------
    panel : Panel
        The outcome, units in the order of ``c.units``.
    c : Contrasts
        Its slots' years are the adoption years.
    picks : numpy.ndarray
        Shape (draws, slots): assignments; those with a really treated unit are left out.
    alpha : float
        The nominal level.

    Returns
    -------
    float
        Between 0 and 1; NaN where every assignment holds a treated unit.
    """
    stay = c.controls
    _, picks = _without_treated(c, picks)
    if len(picks) == 0:
        return float("nan")
    y = panel.values.to_numpy(dtype=float)[stay]
    y = _two_way_demeaned(y)
    n, t = y.shape
    starts = np.array(c.years)
    post = (np.array(panel.years)[None, :] >= starts[:, None]).astype(float)
    factor = n / (n - 1) * (n * t - 1) / (n * t - 1 - t)
    critical = student.ppf(1 - alpha / 2, n - 1)
    rejected = 0
    for pick in picks:
        d = np.zeros((n, t))
        d[pick] = post
        d = _two_way_demeaned(d)
        square = float((d * d).sum())
        beta = float((d * y).sum()) / square
        scores = (d * (y - beta * d)).sum(axis=1)
        error = np.sqrt(factor * float(scores @ scores)) / square
        rejected += int(abs(beta) > critical * error)
    return rejected / len(picks)


def _two_way_demeaned(x: np.ndarray) -> np.ndarray:
    out: np.ndarray = x - x.mean(axis=1, keepdims=True) - x.mean(axis=0, keepdims=True) + x.mean()
    return out
