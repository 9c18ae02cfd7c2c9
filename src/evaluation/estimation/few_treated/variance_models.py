r"""Models of how a unit's variance falls with its size, with prior and placebo likelihood.

With one to seven treated units the treated units' variance can only be learnt from the
controls and from size. Two families span what shares of persons can do:
:math:`(1-\theta) + \theta h` (a part that all units have alike, and sampling noise h that
falls with size) and :math:`h^\gamma`.
"""

from __future__ import annotations

import numpy as np

from evaluation.estimation.few_treated.collapsed import rounding
from evaluation.estimation.few_treated.own_history import cosines

__all__ = ["MODES", "log_prior", "placebo_likelihood", "restricted_likelihood", "variances"]

LOGIT_THETA = np.arange(-6, 6.01, 0.5)
GAMMA = np.array([0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.25, 1.5, 1.75])
SMOOTH_THETA = 0.75
SMOOTH_GAMMA = 0.225
MODES = 2
"""Placebo contrasts per stretch of years: the slowest, which are most like an effect."""


def variances(h: np.ndarray) -> np.ndarray:
    """Return every model's relative variance.

    Parameters
    ----------
    h : numpy.ndarray
        Shape (units,): relative sampling variance.

    Returns
    -------
    numpy.ndarray
        Shape (models, units).
    """
    theta = 1 / (1 + np.exp(-LOGIT_THETA))
    mixed = (1 - theta)[:, None] + theta[:, None] * h[None, :]
    result: np.ndarray = np.concatenate([mixed, h[None, :] ** GAMMA[:, None]])
    return result


def log_prior() -> np.ndarray:
    """Return the log prior, shape (models,).

    0.9 on the first family (0.5 spread evenly, 0.4 at the equal and 0.1 at the pure
    sampling end), 0.01 on each power.
    """
    first = np.full(len(LOGIT_THETA), 0.5 / len(LOGIT_THETA))
    first[0] += 0.4
    first[-1] += 0.1
    result: np.ndarray = np.log(
        np.concatenate([0.9 * first, np.full(len(GAMMA), 0.1 / len(GAMMA))])
    )
    return result


def restricted_likelihood(x: np.ndarray, v: np.ndarray) -> np.ndarray:
    r"""Return the log restricted likelihood of each model, mean and scale free.

    .. math::
        -\tfrac12 \sum \log V - \tfrac12 \log \sum V^{-1}
        - \tfrac{n-1}{2} \log \sum V^{-1} (x - \bar x_V)^2

    Parameters
    ----------
    x : numpy.ndarray
        Shape (draws, units).
    v : numpy.ndarray
        Shape (models, units).

    Returns
    -------
    numpy.ndarray
        Shape (draws, models).

    References
    ----------
    Patterson, H. & Thompson, R. (1971). Recovery of inter-block information when block
    sizes are unequal. Biometrika 58(3).
    """
    inverse = 1 / v
    total = inverse.sum(axis=1)
    mean = x @ inverse.T / total
    rss = np.maximum((x * x) @ inverse.T - total * mean**2, 1e-300)
    freedom = (x.shape[1] - 1) / 2
    fixed = -0.5 * np.log(v).sum(axis=1) - 0.5 * np.log(total)
    result: np.ndarray = fixed - freedom * np.log(rss)
    return result


def _smoother() -> np.ndarray:
    """Return the kernel over models, shape (models, models), rows summing to one."""
    k = np.zeros((len(LOGIT_THETA) + len(GAMMA),) * 2)
    first = len(LOGIT_THETA)
    for part, grid, sd in (
        (slice(None, first), LOGIT_THETA, SMOOTH_THETA),
        (slice(first, None), GAMMA, SMOOTH_GAMMA),
    ):
        near = np.exp(-0.5 * ((grid[:, None] - grid[None, :]) / sd) ** 2)
        k[part, part] = near / near.sum(axis=1, keepdims=True)
    return k


def placebo_likelihood(
    y: np.ndarray, v: np.ndarray, first: int, last: int, controls: np.ndarray
) -> np.ndarray:
    """Return what untreated stretches of years say about the models, smoothed.

    All units before the first adoption, and the controls from the last one on: the
    slowest :data:`MODES` cosines of each stretch, restricted likelihoods added. Smoothing
    over neighbouring models lets the law of the effect's contrast differ a little from
    that of the placebo contrasts. A contrast that is the same for all units says nothing.

    Parameters
    ----------
    y : numpy.ndarray
        Shape (draws, units, years).
    v : numpy.ndarray
        Shape (models, units).
    first, last : int
        Positions of the first and the last adoption.
    controls : numpy.ndarray
        Positions of the never treated.

    Returns
    -------
    numpy.ndarray
        Shape (draws, models), log.
    """
    log = np.zeros((len(y), len(v)))
    least = rounding(y)
    stretches = ((y[:, :, :first], v), (y[:, controls, last:], v[:, controls]))
    for values, models in stretches:
        for wave in cosines(values.shape[2]).T[:MODES]:
            x = values @ wave
            varies = x.max(axis=1) - x.min(axis=1) > least
            log = log + varies[:, None] * restricted_likelihood(x, models)
    top = log.max(axis=1, keepdims=True)
    result: np.ndarray = np.log(np.exp(log - top) @ _smoother().T + 1e-300) + top
    return result
