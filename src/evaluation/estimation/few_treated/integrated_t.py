r"""A t-test integrated over the variance function, for one to seven treated units.

For each model k of how variance falls with size (:mod:`variance_models`) the effect's
error follows from the controls and the sizes, and its t-statistic has the degrees of
freedom of that error. The p-value is the mean over models, weighted by how well each describes the
controls' contrasts, the treated units' spread, and placebo contrasts over untreated years.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq
from scipy.special import stdtr

from evaluation.estimation.few_treated.collapsed import Collapsed, sampling_variance
from evaluation.estimation.few_treated.variance_models import (
    log_prior,
    placebo_likelihood,
    variances,
)

__all__ = ["IntegratedTest", "integrated_t"]


@dataclass(frozen=True)
class IntegratedTest:
    """A mixture of t-tests for one or many panels.

    Parameters
    ----------
    estimate : numpy.ndarray
        Shape (draws,).
    std_errors, weights, df : numpy.ndarray
        Shape (draws, models): each model's standard error, weight and degrees of freedom.
    """

    estimate: np.ndarray = field(repr=False)
    std_errors: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)
    df: np.ndarray = field(repr=False)

    def p_value(self, effect: float = 0.0) -> np.ndarray:
        """Return the two-sided p-value of a hypothesised effect, shape (draws,)."""
        distance = np.abs(self.estimate - effect)[:, None]
        result: np.ndarray = (self.weights * 2 * stdtr(self.df, -distance / self.std_errors)).sum(
            axis=1
        )
        return result

    @property
    def std_error(self) -> np.ndarray:
        """Root of the weighted mean of the models' variances, shape (draws,)."""
        result: np.ndarray = np.sqrt((self.weights * self.std_errors**2).sum(axis=1))
        return result

    @property
    def leaning(self) -> np.ndarray:
        """Weighted standard deviation of the log standard error, shape (draws,).

        How much the answer leans on the unknown variance function.
        """
        log = np.log(self.std_errors)
        mean = (self.weights * log).sum(axis=1, keepdims=True)
        result: np.ndarray = np.sqrt((self.weights * (log - mean) ** 2).sum(axis=1))
        return result

    def half_width(self, alpha: float) -> np.ndarray:
        """Return half the width of the interval at level ``1 - alpha``, shape (draws,)."""

        def width(se: np.ndarray, w: np.ndarray, df: np.ndarray) -> float:
            def excess(x: float) -> float:
                return float((w * 2 * stdtr(df, -x / se)).sum()) - alpha

            high = float(se.max())
            while excess(high) > 0:
                high *= 2
            return float(brentq(excess, 0.0, high, xtol=1e-12 * high))

        every = zip(self.std_errors, self.weights, self.df, strict=True)
        return np.array([width(se, w, df) for se, w, df in every])


def _treated_spread(effect: np.ndarray, omega: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the treated units' weighted spread and the log determinants that go with it.

    ``effect`` has shape (..., treated) and ``omega`` (..., treated, treated).
    """
    chol = np.linalg.cholesky(omega)
    both = np.stack([effect, np.ones_like(effect)], axis=-1)
    z = np.linalg.solve(chol, both)
    ee, one = np.moveaxis((z**2).sum(axis=-2), -1, 0)
    e1 = z.prod(axis=-1).sum(axis=-1)
    logdet = 2 * np.log(np.diagonal(chol, axis1=-2, axis2=-1)).sum(-1)
    return ee - e1**2 / one, -0.5 * logdet - 0.5 * np.log(one)


def _overlap(
    own: np.ndarray, controls: np.ndarray, cross: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    r"""Return :math:`\sum_{pq} b_p b_q \rho_{pq}^2` over the parts of the variance.

    The parts are the treated units under each profile (``own``, shape (profiles, draws,
    models)) and the controls under the composite; b are their shares of the variance and ρ
    the controls' correlation between the contrasts that each is estimated from. Parts
    estimated from different contrasts average out: Satterthwaite's degrees of freedom are
    those of one part over this sum.
    """
    with_composite = np.einsum("q,pqrk->prk", shares, cross)
    composite = np.einsum("p,prk->rk", shares, with_composite)
    spread = np.einsum("pprk->prk", cross)
    parts = own / (own.sum(axis=0) + controls)
    rest = controls / (own.sum(axis=0) + controls)
    within = cross**2 / (spread[:, None] * spread[None, :])
    across = with_composite**2 / (spread * composite)
    result: np.ndarray = (
        np.einsum("prk,qrk,pqrk->rk", parts, parts, within)
        + 2 * rest * (parts * across).sum(axis=0)
        + rest**2
    )
    return result


def integrated_t(c: Collapsed, y: np.ndarray, size: np.ndarray) -> IntegratedTest:
    r"""Test with the variance function integrated out.

    For model k with relative variances V (controls, under the composite contrast) and
    :math:`V^*_s` (treated unit s, times the ratio of the controls' weighted squares under
    its own profile and under the composite),

    .. math::
        \mathrm{SE}_k^2 = \hat\sigma_k^2 \Big( \sum_s \lambda_s^2 V^*_s
        + \sum_c \kappa_c^2 V_c \Big), \qquad p = \sum_k w_k\, p_k ,

    with :math:`\hat\sigma_k^2` from the weighted squares of controls and treated over N − 2.
    With one adoption year each p-value has N − 2 degrees of freedom; with several, the
    variance is learnt from several contrasts of the same controls, and Satterthwaite's
    degrees of freedom count them. The treated units' spread is that around their mean, with the
    covariance that shared control means give it, so it does not depend on the effect.

    Parameters
    ----------
    c : Collapsed
        From the same panels.
    y : numpy.ndarray
        Shape (units, years) or (draws, units, years).
    size : numpy.ndarray
        Shape (units,) or (units, years): persons behind each value, above zero.

    Returns
    -------
    IntegratedTest
        The estimate is the estimator's own, the controls weighing the same, in every
        model; so the interval is symmetric about it.

    References
    ----------
    Ferman, B. & Pinto, C. (2019). Inference in differences-in-differences with few
    treated groups and heteroskedasticity. Review of Economics and Statistics 101(3).
    Kenward, M. & Roger, J. (1997). Biometrics 53(3). Patterson & Thompson (1971).
    """
    if y.ndim == 2:
        y = y[None]
    est, n0 = c.estimator, c.n_controls
    profiles = np.array([est.profile[np.flatnonzero(c.which == p)[0]] for p in range(len(c.own))])
    composite = c.shares @ profiles
    vc = variances(sampling_variance(size, composite)[est.controls])
    vt = variances(
        np.array([sampling_variance(size, profiles[p]) for p in c.which])[
            np.arange(len(est.treated)), est.treated
        ]
    )
    inverse = 1 / vc
    total = inverse.sum(axis=1)
    # weighted means and cross products of the controls under every pair of profiles
    n_profiles = len(c.own)
    mean = np.stack([x @ inverse.T / total for x in c.own])
    cross = np.empty((n_profiles, n_profiles, *mean.shape[1:]))
    for p in range(n_profiles):
        for q in range(p, n_profiles):
            product = (c.own[p] * c.own[q]) @ inverse.T - total * mean[p] * mean[q]
            cross[p, q] = cross[q, p] = product
    rss_controls = np.einsum("p,q,pqrk->rk", c.shares, c.shares, cross)
    ratio = np.stack([cross[p, p] for p in c.which], axis=2) / rss_controls[:, :, None]
    v_star = ratio * vt[None]
    effect = c.effect[:, None, :] - np.moveaxis(mean[c.which], 0, 2)
    omega = v_star[..., None] * np.eye(len(est.weight))
    if n_profiles > 1:
        shared = np.moveaxis(cross[np.ix_(c.which, c.which)], (0, 1), (2, 3))
        omega = omega + shared / (rss_controls * total)[:, :, None, None]
    spread, determinant = _treated_spread(effect, omega)
    rss = rss_controls + spread
    freedom = n0 + len(est.weight) - 2
    controls = vc @ est.control_share**2
    variance = rss / freedom * ((v_star * est.weight**2).sum(axis=2) + controls)
    own = np.zeros((n_profiles, *rss.shape))
    np.add.at(own, c.which, np.moveaxis(v_star * est.weight**2, 2, 0))
    df = freedom / _overlap(own, controls, cross, c.shares)
    # a treated unit that the aggregate does not reach may be treated before the first one
    kept = np.sort(np.concatenate([est.controls, est.treated]))
    log = (
        log_prior()
        - 0.5 * np.log(vc).sum(axis=1)
        - 0.5 * np.log(total)
        + determinant
        - freedom / 2 * np.log(rss)
        + placebo_likelihood(
            y if len(kept) == est.n_units else y[:, kept],
            variances(sampling_variance(size, np.ones(y.shape[2]))[kept]),
            int(est.start.min()),
            int(est.start.max()),
            np.flatnonzero(np.isin(kept, est.controls)),
        )
    )
    w = np.exp(log - log.max(axis=1, keepdims=True))
    return IntegratedTest(c.estimate, np.sqrt(variance), w / w.sum(axis=1, keepdims=True), df)
