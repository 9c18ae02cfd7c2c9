r"""Fixed-length confidence intervals under a bound on the trend's curvature.

For δ in Δ^SD(M) an affine estimator :math:`l'\hat\beta_{post} + v'\hat\beta_{pre}` has a
finite worst-case bias if it is free of any linear trend, :math:`\sum_t t\,v_{-t} = \sum_t
t\,l_t`; writing δ through its second differences the bias is

.. math::
    b(v) = M \Big(\sum_{j=0}^{P-1} \big|\sum_{t>j} (t-j) l_t\big|
           + \sum_{j\ge 1} \big|\sum_{t>j} (t-j) v_{-t}\big|\Big)

and the half-length is σ(v) times the 1 − α quantile of |N(b(v)/σ(v), 1)|. That is a
convex function of v, minimised here.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.stats import norm

from evaluation.errors import InputError

__all__ = ["fixed_length_interval", "folded_normal_quantile"]


def folded_normal_quantile(p: float, shift: float) -> float:
    """Return the p quantile of |N(shift, 1)|.

    Examples
    --------
    >>> round(folded_normal_quantile(0.95, 0.0), 4), round(folded_normal_quantile(0.95, 9.0), 4)
    (1.96, 10.6449)
    """
    shift = abs(shift)
    high = shift + float(norm.ppf((1 + p) / 2)) + 1
    return float(brentq(lambda c: norm.cdf(c - shift) - norm.cdf(-c - shift) - p, 0.0, high))


def _weights(beta_length: int, n_pre: int) -> tuple[np.ndarray, np.ndarray]:
    """Give distances to the year before adoption, before and after it, both ascending in time."""
    return np.arange(n_pre, 0, -1.0), np.arange(1.0, beta_length - n_pre + 1)


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
    before, after = _weights(len(beta), n_pre)
    spread = float(np.sqrt(np.diag(sigma).max()))
    cov = sigma / spread**2
    lag = np.maximum(before[None, :] - np.arange(1, n_pre)[:, None], 0.0)
    lead = np.maximum(after[None, :] - np.arange(len(after))[:, None], 0.0)
    fixed_bias = float(np.abs(lead @ target).sum())
    bound = m / spread
    trend = float(after @ target)

    def half_length(x: np.ndarray) -> tuple[float, np.ndarray]:
        v, slack = x[:n_pre], x[n_pre:]
        load = np.concatenate([v, target])
        sd = float(np.sqrt(load @ cov @ load))
        ratio = bound * (fixed_bias + slack.sum()) / sd
        c = folded_normal_quantile(1 - alpha, ratio)
        near, far = norm.pdf(c - ratio), norm.pdf(c + ratio)
        steep = float((near - far) / (near + far))
        by_sd = c - steep * ratio
        gradient = np.concatenate(
            [by_sd * (cov @ load)[:n_pre] / sd, np.full(len(slack), steep * bound)]
        )
        return sd * c, gradient

    # from the least biased: only the year next to adoption, which no curvature before it touches
    start = np.zeros(n_pre + len(lag))
    start[n_pre - 1] = trend
    constraints = [
        {
            "type": "eq",
            "fun": lambda x: before @ x[:n_pre] - trend,
            "jac": lambda x: np.concatenate([before, np.zeros(len(lag))]),
        }
    ]
    for sign in (1.0, -1.0):
        jac = np.hstack([-sign * lag, np.eye(len(lag))])
        if len(lag):
            constraints.append(
                {"type": "ineq", "fun": lambda x, j=jac: j @ x, "jac": lambda x, j=jac: j}
            )
    fit = minimize(
        half_length,
        start,
        jac=True,
        method="SLSQP",
        constraints=constraints,
        options={"maxiter": 1000, "ftol": 1e-12},
    )
    if not fit.success:
        raise InputError(
            f"the fixed-length interval at M = {m:g} was not found ({fit.message})", field="sigma"
        )
    centre = float(np.concatenate([fit.x[:n_pre], target]) @ beta)
    half = float(fit.fun) * spread
    return centre - half, centre + half
