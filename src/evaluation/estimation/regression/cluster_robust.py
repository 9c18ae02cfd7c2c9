r"""Errors that respect clusters, by algebra on per-cluster sums.

All three are exact for absorbed effects that lie within clusters, because the demeaned
rows of a cluster are then orthogonal to its effects (Pustejovsky & Tipton 2018,
theorem 2), and nothing larger than K × K is decomposed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from evaluation.errors import InputError
from evaluation.estimation.regression.least_squares import LeastSquares

__all__ = [
    "ClusterErrors",
    "SmallSample",
    "cluster_covariance",
    "cluster_grams",
    "cr1",
    "cr2",
    "cr3",
]

SmallSample = Literal["fixest", "stata", "none"]
# of 1 − leverage: below it the cluster alone carries a direction
ALONE = 1e-9


@dataclass(frozen=True)
class ClusterErrors:
    """Standard errors with their degrees of freedom and convention.

    Parameters
    ----------
    std_error : numpy.ndarray
        Shape (k,).
    df : numpy.ndarray
        Shape (k,): degrees of freedom of the t distribution.
    small_sample : str
        The convention in words.
    undefined : dict of str to str
        Terms that have no error (NaN), with the cluster that they rest on alone.
    """

    std_error: np.ndarray
    df: np.ndarray
    small_sample: str
    undefined: dict[str, str] = field(default_factory=dict)


def cluster_grams(fit: LeastSquares) -> np.ndarray:
    """Return Z'Z of each cluster, shape (clusters, K, K)."""
    sizes = np.diff(np.r_[fit.starts, fit.n_obs])
    k = fit.basis.shape[1]
    grams = np.empty((fit.n_clusters, k, k))
    # clusters of one size form one array: a batched product without padding
    for size in np.unique(sizes):
        which = np.flatnonzero(sizes == size)
        rows = fit.basis[fit.starts[which, None] + np.arange(size)[None, :]]
        grams[which] = np.matmul(rows.transpose(0, 2, 1), rows)
    return grams


def _factor(fit: LeastSquares, small_sample: SmallSample) -> tuple[float, str]:
    """Return the named factor on the variance, and its words."""
    g, n = fit.n_clusters, fit.n_obs
    if small_sample == "none":
        return 1.0, f"no factor; t({g - 1})"
    k = fit.n_parameters if small_sample == "stata" else fit.n_parameters_nested
    if n <= k:
        raise InputError(f"{n} rows leave no degrees of freedom beside {k} parameters")
    words = f"{small_sample}: G/(G−1)·(N−1)/(N−K) with G = {g}, N = {n}, K = {k}; t({g - 1})"
    return g / (g - 1) * (n - 1) / (n - k), words


def cluster_covariance(fit: LeastSquares, *, small_sample: SmallSample = "fixest") -> np.ndarray:
    """Return the cluster sandwich of :func:`cr1` as a matrix, shape (k, k)."""
    moved = fit.scores() @ fit.directions.T
    covariance: np.ndarray = _factor(fit, small_sample)[0] * moved.T @ moved
    return covariance


def cr1(fit: LeastSquares, *, small_sample: SmallSample = "fixest") -> ClusterErrors:
    r"""Return the errors of the cluster sandwich with a named small-sample factor.

    .. math:: V = f \sum_g (X'X)^{-1} X_g'\hat e_g \hat e_g'X_g (X'X)^{-1}

    Parameters
    ----------
    fit : LeastSquares
        The model.
    small_sample : {"fixest", "stata", "none"}
        ``fixest`` is G/(G−1)·(N−1)/(N−K), K leaving out absorbed effects that lie within
        clusters but for the constant, as R's fixest and Stata's xtreg do. ``stata`` is the
        same factor with K counting every absorbed effect, as Stata's regress with dummies
        (and areg) do. ``none`` is the bare sandwich.

    Returns
    -------
    ClusterErrors
        With t(G−1).

    Raises
    ------
    InputError
        If the factor leaves no degrees of freedom.

    References
    ----------
    Liang, K.-Y. & Zeger, S. (1986). Longitudinal data analysis using generalized linear
    models. Biometrika 73(1).
    """
    errors = np.sqrt(np.diag(cluster_covariance(fit, small_sample=small_sample)))
    df = np.full(len(errors), fit.n_clusters - 1.0)
    return ClusterErrors(errors, df, _factor(fit, small_sample)[1])


@dataclass(frozen=True)
class _Spectrum:
    """Each cluster in the axes of its own leverage.

    ``left`` is 1 − leverage, shape (clusters, K); ``seen`` the directions of the coefficients
    along the axes, shape (clusters, k, K); ``along`` the scores along them.
    """

    left: np.ndarray
    axes: np.ndarray
    seen: np.ndarray
    along: np.ndarray
    undefined: dict[str, str]

    def masked(self, values: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
        """Put NaN where a coefficient has no error."""
        return np.where([n in self.undefined for n in names], np.nan, values)


def _spectrum(fit: LeastSquares, what: str) -> _Spectrum:
    if not fit.nested:
        raise InputError(
            f"{what} needs clusters that hold whole units, because the unit effects are absorbed; "
            "cluster by unit or by a larger group of units, or take clustered or two-way",
            field="cluster",
        )
    leverage, axes = np.linalg.eigh(cluster_grams(fit))
    left = 1.0 - leverage
    seen = np.matmul(fit.directions[None], axes)
    alone = (left < ALONE)[:, None, :] & (
        np.abs(seen) > 1e-6 * np.linalg.norm(fit.directions, axis=1)[None, :, None]
    )
    undefined = {}
    for cluster, term in np.argwhere(alone.any(axis=2))[::-1]:
        undefined[fit.names[term]] = fit.labels[cluster]
    slopes = [n for n in fit.names if n != "Intercept"] or list(fit.names)
    if all(n in undefined for n in slopes):
        raise InputError(
            f"rests on cluster {undefined[slopes[0]]} alone, so {what} has no answer; "
            "permutation inference is the way with one treated unit",
            field=slopes[0],
        )
    along = np.matmul(fit.scores()[:, None, :], axes)[:, 0, :]
    return _Spectrum(left, axes, seen, along, undefined)


def _power(left: np.ndarray, exponent: float) -> np.ndarray:
    """Return left**exponent, and 0 where nothing is left (Moore & Penrose)."""
    usable = left >= ALONE
    return np.where(usable, np.where(usable, left, 1.0) ** exponent, 0.0)


def cr2(fit: LeastSquares) -> ClusterErrors:
    r"""Return the bias-reduced errors with Satterthwaite degrees of freedom, per coefficient.

    .. math::
        V = \sum_g M X_g' A_g \hat e_g \hat e_g' A_g X_g M, \quad
        A_g = (I - H_{gg})^{+1/2}, \quad \nu = \frac{(\operatorname{tr} P)^2}{\operatorname{tr} P^2}

    where :math:`M = (X'X)^{-1}` and P holds the products :math:`p_g'p_h` of the vectors that
    turn the errors into the g-th term. The working model is independent errors with variance
    proportional to 1/weight.

    Parameters
    ----------
    fit : LeastSquares
        The model; absorbed effects must lie within clusters.

    Returns
    -------
    ClusterErrors
        Unbiased under the working model, with its own degrees of freedom per coefficient.

    Raises
    ------
    InputError
        If absorbed effects cross clusters, or every slope rests on one cluster alone.

    References
    ----------
    Bell, R. & McCaffrey, D. (2002). Bias reduction in standard errors for linear regression
    with multi-stage samples. Survey Methodology 28(2). Pustejovsky, J. & Tipton, E. (2018).
    Small-sample methods for cluster-robust variance estimation and hypothesis testing in
    fixed effects models. Journal of Business & Economic Statistics 36(4), section 2.
    """
    s = _spectrum(fit, "CR2")
    leverage = 1.0 - s.left
    inner = s.seen * _power(s.left, -0.5)[:, None, :]  # (clusters, k, K)
    terms = np.einsum("gcj,gj->gc", inner, s.along)
    variance = (terms**2).sum(axis=0)
    own = np.einsum("gcj,gj->gc", inner**2, leverage)
    cross = np.matmul(inner * leverage[:, None, :], s.axes.transpose(0, 2, 1))
    shared = (cross**2).sum(axis=2)
    trace = (own - shared).sum(axis=0)
    overlap = np.einsum("gcj,gci->cij", cross, cross)
    trace_square = (own**2 - 2 * own * shared).sum(axis=0) + (overlap**2).sum(axis=(1, 2))
    df = np.divide(trace**2, trace_square, out=np.full_like(trace, np.nan), where=trace_square > 0)
    return ClusterErrors(
        s.masked(np.sqrt(variance), fit.names),
        s.masked(df, fit.names),
        "CR2 with Bell–McCaffrey degrees of freedom per coefficient; working model: independent "
        "errors with variance proportional to 1/weight",
        s.undefined,
    )


def cr3(fit: LeastSquares) -> ClusterErrors:
    r"""Return the jackknife over clusters: every cluster left out once, effects refitted.

    .. math::
        V = \frac{G-1}{G} \sum_g (\hat\beta_{(g)} - \hat\beta)(\hat\beta_{(g)} - \hat\beta)'

    Parameters
    ----------
    fit : LeastSquares
        The model; absorbed effects must lie within clusters.

    Returns
    -------
    ClusterErrors
        With t(G−1).

    Raises
    ------
    InputError
        If absorbed effects cross clusters, or no slope is identified without some cluster.

    References
    ----------
    MacKinnon, J., Nielsen, M. & Webb, M. (2023). Fast and reliable jackknife and bootstrap
    methods for cluster-robust inference. Journal of Applied Econometrics 38(5), section 2:
    CV3, centred at the estimate.
    """
    s = _spectrum(fit, "CR3")
    change = np.einsum("gcj,gj->gc", s.seen * _power(s.left, -1.0)[:, None, :], s.along)
    g = fit.n_clusters
    return ClusterErrors(
        s.masked(np.sqrt((g - 1) / g * (change**2).sum(axis=0)), fit.names),
        np.full(len(fit.names), g - 1.0),
        f"CV3: (G−1)/G times the jackknife around the estimate, G = {g}; t({g - 1})",
        s.undefined,
    )
