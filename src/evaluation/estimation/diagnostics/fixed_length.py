r"""Fixed-length confidence intervals under a bound on the trend's curvature.

For δ in Δ^SD(M) an affine estimator :math:`l'\hat\beta_{post} + v'\hat\beta_{pre}` has a
finite worst-case bias if it is free of any linear trend, :math:`\sum_t t\,v_{-t} = \sum_t
t\,l_t`; writing δ through its second differences the bias is

.. math::
    b(v) = M \Big(\sum_{j=0}^{P-1} \big|\sum_{t>j} (t-j) l_t\big|
           + \sum_{j\ge 1} |q_j|\Big), \qquad q_j = \sum_{t>j} (t-j) v_{-t}

and the half-length is σ(v) times the 1 − α quantile of |N(b(v)/σ(v), 1)|. With q_0 given by the
trend, v is the second difference of q: so the half-length is a convex function of the free
q_1, q_2, …, smooth but for the kinks at zero, and is minimised over their positive and negative
parts.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import ndtr, ndtri

from evaluation.errors import InputError

__all__ = ["fixed_length_interval", "folded_normal_quantile"]

TOLERANCE = 1e-5
"""Largest slope, relative to the half-length, at which the minimum counts as found."""


def folded_normal_quantile(p: float, shift: float) -> float:
    """Return the p quantile of |N(shift, 1)|.

    Examples
    --------
    >>> round(folded_normal_quantile(0.95, 0.0), 4), round(folded_normal_quantile(0.95, 9.0), 4)
    (1.96, 10.6449)
    """
    shift = abs(shift)
    high = shift + float(ndtri((1 + p) / 2)) + 1
    return float(brentq(lambda c: ndtr(c - shift) - ndtr(-c - shift) - p, 0.0, high, xtol=1e-13))


def _density(x: float) -> float:
    return float(np.exp(-x * x / 2))


def fixed_length_interval(
    beta: np.ndarray, sigma: np.ndarray, n_pre: int, target: np.ndarray, m: float, alpha: float
) -> tuple[float, float]:
    """Return the shortest fixed-length interval under Δ^SD(M).

    Parameters
    ----------
    beta, sigma : numpy.ndarray
        Event-study coefficients, the year before adoption left out, and their covariance.
    n_pre : int
        How many of them lie before adoption.
    target : numpy.ndarray
        Shape (post,): l.
    m : float
        Largest change of the trend's slope between consecutive periods.
    alpha : float
        One minus the level.

    Returns
    -------
    tuple of float
        Lower and upper bound.

    Raises
    ------
    InputError
        If the minimisation fails.

    References
    ----------
    Rambachan & Roth (2023), section 4; Armstrong, T. & Kolesár, M. (2020). Simple and
    honest confidence intervals in nonparametric regression. Quantitative Economics 11(1).
    """
    after = np.arange(1.0, len(target) + 1)
    lead = np.maximum(after[None, :] - np.arange(len(target))[:, None], 0.0)
    fixed_bias = float(np.abs(lead @ target).sum())
    spread = float(np.sqrt(np.diag(sigma).max()))
    cov, bound = sigma / spread**2, m / spread
    # q_0, q_1, … -> v: second differences, and the year furthest back comes first
    bend = np.eye(n_pre) - 2 * np.eye(n_pre, k=1) + np.eye(n_pre, k=2)
    to_v = bend[::-1]
    load_0 = np.concatenate([to_v[:, 0] * (after @ target), target])
    free = np.vstack([to_v[:, 1:], np.zeros((len(target), n_pre - 1))])
    # every free weight moves the variance alike
    free /= np.sqrt(np.einsum("ij,ik,kj->j", free, cov, free))
    unit = np.abs(np.linalg.lstsq(to_v, free[:n_pre], rcond=None)[0]).sum(axis=0)
    both = np.hstack([free, -free])
    cost = np.concatenate([unit, unit])

    def half_length(x: np.ndarray) -> tuple[float, np.ndarray]:
        load = load_0 + both @ x
        sd = float(np.sqrt(load @ cov @ load))
        ratio = bound * (fixed_bias + float(cost @ x)) / sd
        c = folded_normal_quantile(1 - alpha, ratio)
        near, far = _density(c - ratio), _density(c + ratio)
        steep = (near - far) / (near + far)
        gradient = (c - steep * ratio) * (both.T @ (cov @ load)) / sd + steep * bound * cost
        return sd * c, gradient

    x = np.zeros(2 * (n_pre - 1))
    if len(x):
        x = minimize(
            half_length,
            x,
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, None)] * len(x),
            options={"maxiter": 20_000, "maxfun": 100_000, "ftol": 1e-15, "gtol": 1e-9},
        ).x
    half, gradient = half_length(x)
    # no slope where a part is free, none downwards where it is zero
    off = np.where(x > 0, np.abs(gradient), np.maximum(-gradient, 0.0))
    if off.max(initial=0.0) > TOLERANCE * half:
        raise InputError(
            f"the shortest fixed-length interval at M = {m:g} was not found", field="sigma"
        )
    centre = float((load_0 + both @ x) @ beta)
    return centre - half * spread, centre + half * spread
