r"""The conditional least-favourable hybrid test for bounded violations of parallel trends.

A restriction bounds P linear forms of the differential trend δ, one per period after
adoption, by what happened before it:

.. math:: |R_t \delta| \le U_t \delta_{pre} + d_t, \qquad t = 1, \dots, P

(first differences for relative magnitudes, second differences for smoothness). With the
effect θ = l'τ given and the other effects free, these are 2P moment inequalities with
nuisance parameters (Andrews, Roth & Pakes 2023). Its profiled maximum is a linear
programme; because the inequalities come in pairs and the post-period part of R is
invertible, the dual has only P + 2 vertices, which are written down here. The test is
then arithmetic, for a whole grid of θ at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import log_ndtr

__all__ = ["DualVertices", "accepted", "dual_vertices", "least_favourable_draws"]

_SAME = 1e-9
"""Below this two correlated statistics count as moving one for one."""


@dataclass(frozen=True)
class DualVertices:
    """The statistics whose largest is the test statistic.

    Statistic v at effect θ is ``a[v] @ beta - offset[v] - slope[v] * θ``.

    Parameters
    ----------
    a : numpy.ndarray
        Shape (vertices, coefficients).
    offset, slope : numpy.ndarray
        Shape (vertices,).
    critical : float
        What the largest passes with probability κ where every inequality binds; infinite
        without a first stage.
    """

    a: np.ndarray
    offset: np.ndarray
    slope: np.ndarray
    critical: float = np.inf

    def with_first_stage(self, noise: np.ndarray, kappa: float) -> DualVertices:
        """Return the same vertices with the least favourable critical value at level κ.

        Parameters
        ----------
        noise : numpy.ndarray
            From :func:`least_favourable_draws`.
        kappa : float
            Level of the first stage.
        """
        largest = (noise @ self.a.T).max(axis=1)
        return replace(self, critical=float(np.quantile(largest, 1 - kappa)))


def dual_vertices(
    r: np.ndarray, u: np.ndarray, d: np.ndarray, target: np.ndarray, sigma: np.ndarray
) -> DualVertices:
    r"""Write down the vertices of the dual of the profiled maximum.

    The multipliers of the upper and lower inequalities must satisfy
    :math:`(\lambda^+ - \lambda^-)' B = c\,l'` with B the post-period part of R and
    :math:`\sum_t \lambda^+_t s^+_t + \lambda^-_t s^-_t = 1`, s being the standard
    deviations of the moments. So they are the positive and the negative part of
    ±w, where :math:`w'B = l'`, and the P pairs with :math:`\lambda^+_t = \lambda^-_t`.

    Parameters
    ----------
    r, u : numpy.ndarray
        Shape (P, coefficients): the bounded forms, and their bounds (zero after adoption).
    d : numpy.ndarray
        Shape (P,): the constant part of the bounds.
    target : numpy.ndarray
        Shape (P,): l.
    sigma : numpy.ndarray
        Covariance matrix of the coefficients.

    Returns
    -------
    DualVertices
        P + 2 of them.

    References
    ----------
    Andrews, I., Roth, J. & Pakes, A. (2023). Inference for linear conditional moment
    inequalities. Review of Economic Studies 90(6), section 5. Rambachan, A. & Roth, J.
    (2023). A more credible approach to parallel trends. Review of Economic Studies
    90(5), section 3.
    """
    periods = len(target)
    upper, lower = r - u, -r - u
    sd_upper = np.sqrt(np.einsum("ij,jk,ik->i", upper, sigma, upper))
    sd_lower = np.sqrt(np.einsum("ij,jk,ik->i", lower, sigma, lower))
    w = np.linalg.solve(r[:, -periods:].T, target)
    up = [np.maximum(w, 0), np.maximum(-w, 0)]
    one = 1 / (sd_upper + sd_lower)
    lam_upper = np.vstack([up[0], up[1], np.diag(one)])
    lam_lower = np.vstack([up[1], up[0], np.diag(one)])
    scale = 1 / (lam_upper @ sd_upper + lam_lower @ sd_lower)
    sign = np.concatenate([[1.0, -1.0], np.zeros(periods)])
    return DualVertices(
        a=scale[:, None] * (lam_upper @ upper + lam_lower @ lower),
        offset=scale * ((lam_upper + lam_lower) @ d),
        slope=scale * sign,
    )


def least_favourable_draws(sigma: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Draw the estimation error of the coefficients, shape (draws, coefficients)."""
    values, vectors = np.linalg.eigh((sigma + sigma.T) / 2)
    root = vectors * np.sqrt(np.maximum(values, 0))
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    noise: np.ndarray = rng.standard_normal((draws, len(sigma))) @ root.T
    return noise


def _upper_tail(z: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """P(Z > z) for a standard normal truncated to [low, high], exact far out in the tail."""
    base = log_ndtr(-low)
    beyond = np.exp(log_ndtr(-high) - base)
    inside = np.exp(log_ndtr(-z) - base) - beyond
    # nothing is left between the bounds: the statistic is what it had to be
    tail: np.ndarray = np.where(beyond < 1, inside / np.where(beyond < 1, 1 - beyond, 1.0), 1.0)
    return tail


def _accepts(
    v: DualVertices,
    beta: np.ndarray,
    sigma: np.ndarray,
    theta: np.ndarray,
    alpha: float,
    kappa: float,
) -> np.ndarray:
    """Say which effects one polyhedron does not reject."""
    stats = (v.a @ beta - v.offset)[:, None] - v.slope[:, None] * theta[None, :]
    cov = v.a @ sigma @ v.a.T
    best = stats.argmax(axis=0)
    eta = stats[best, np.arange(len(theta))]
    variance = np.diag(cov)[best]
    # a statistic without variance is a constant: reject where it is positive
    fixed = variance <= 1e-14 * np.diag(cov).max()
    sd = np.sqrt(np.where(fixed, 1.0, variance))
    slope = cov[:, best] / sd**2
    gap = 1 - slope
    still = np.abs(gap) < _SAME
    bound = (stats - slope * eta) / np.where(still, 1.0, gap)
    low = np.where((gap > 0) & ~still, bound, -np.inf).max(axis=0)
    high = np.where((gap < 0) & ~still, bound, np.inf).min(axis=0)
    high = np.minimum(high, v.critical)
    # rounding may put the statistic a hair outside its own bounds
    low, high = np.minimum(low, eta), np.maximum(high, eta)
    level = (alpha - kappa) / (1 - kappa)
    rejected = (eta > 0) & (_upper_tail(eta / sd, low / sd, high / sd) < level)
    outcome: np.ndarray = ~np.where(fixed, eta > 0, (eta > v.critical) | rejected)
    return outcome


def accepted(
    polyhedra: Sequence[DualVertices],
    beta: np.ndarray,
    sigma: np.ndarray,
    theta: np.ndarray,
    alpha: float,
    kappa: float,
) -> np.ndarray:
    """Say which effects at least one polyhedron of the restriction does not reject.

    The first stage rejects where the largest statistic passes its least favourable
    quantile at level κ; the second compares it with a normal truncated to what
    leaves the same vertex the largest, at level (α − κ)/(1 − κ).

    Parameters
    ----------
    polyhedra : sequence of DualVertices
        Their union is the restriction.
    beta, sigma : numpy.ndarray
        Coefficients and their covariance matrix.
    theta : numpy.ndarray
        Shape (grid,): effects to test.
    alpha, kappa : float
        Level of the test and of the first stage that the critical values were taken for;
        without a first stage (κ = 0) it is the conditional test alone.

    Returns
    -------
    numpy.ndarray
        Shape (grid,), bool.
    """
    found = np.zeros(len(theta), dtype=bool)
    for v in polyhedra:
        found |= _accepts(v, beta, sigma, theta, alpha, kappa)
    return found
