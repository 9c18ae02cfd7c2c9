r"""Linear regression with more regressors than rows: coefficients shrunk towards zero.

The model is :math:`y = \alpha + X\beta + \varepsilon`, the intercept free. Ridge (Hoerl & Kennard
1970, section 2) minimises :math:`\|y - \alpha - X\beta\|^2 + \lambda\|\beta\|^2`. The same
coefficients are the posterior mean under :math:`\beta_j \sim N(0, \sigma^2/\lambda)` (Gelman et
al. 2013, section 14.8), so that :math:`1/\sqrt\lambda` is the prior's standard deviation of an
effect, in standard deviations of the noise. Everything is closed form in the rows' inner products
:math:`K = X_c X_c'`, with :math:`X_c` the regressors less their means.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evaluation.errors import InputError

__all__ = ["Shrunk", "leave_one_out_errors", "ridge", "shrunk", "smoother"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shrunk:
    r"""The posterior of a shrunk regression.

    Parameters
    ----------
    penalty : float
        :math:`\lambda`.
    coefficients : numpy.ndarray
        Shape (regressors,): posterior means, which are the ridge coefficients.
    scale : numpy.ndarray
        Shape (regressors,): scale of each coefficient's t distribution.
    df : int
        Its degrees of freedom, rows less one.
    noise : float
        Root of the posterior's scale of :math:`\sigma^2`.
    learnt : numpy.ndarray
        Shape (regressors,): share of the prior's variance, given :math:`\sigma`, that the rows
        take away; 0 where they say nothing. Known before any outcome is seen.
    """

    penalty: float
    coefficients: Array = field(repr=False)
    scale: Array = field(repr=False)
    df: int
    noise: float
    learnt: Array = field(repr=False)

    def interval(self, alpha: float) -> tuple[Array, Array]:
        """Return the central credible interval of every coefficient, low and high."""
        from scipy import stats

        half = float(stats.t.ppf(1 - alpha / 2, self.df)) * self.scale
        return self.coefficients - half, self.coefficients + half


def _inputs(x: npt.ArrayLike, y: npt.ArrayLike, penalty: float) -> tuple[Array, Array]:
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise InputError(f"rows must agree, found {x.shape} regressors and {y.shape} outcomes")
    if len(y) < 3:
        raise InputError(f"three rows are needed, found {len(y)}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError("every regressor and outcome must be a finite number")
    if not penalty > 0:
        raise InputError(f"must be above 0, found {penalty:g}", field="penalty")
    return x - x.mean(axis=0), y - y.mean()


def ridge(x: npt.ArrayLike, y: npt.ArrayLike, penalty: float) -> Array:
    r"""Return ridge coefficients, :math:`X_c'(K + \lambda I)^{-1} y_c`.

    Parameters
    ----------
    x : array_like
        Shape (rows, regressors); as many regressors as there are, also more than rows.
    y : array_like
        Shape (rows,).
    penalty : float
        :math:`\lambda`, above 0; infinite gives zeros.

    Returns
    -------
    numpy.ndarray
        Shape (regressors,); the intercept is the mean of y less that of x times these.

    Raises
    ------
    InputError
        If rows do not agree, there are fewer than three, a number is not finite, or the penalty
        is not above 0.

    Examples
    --------
    >>> ridge([[1.0], [0.0], [0.0], [1.0]], [3.0, 0.0, 2.0, 5.0], 1.0)
    array([1.5])
    """
    xc, yc = _inputs(x, y, penalty)
    if np.isinf(penalty):
        return np.zeros(xc.shape[1])
    out: Array = xc.T @ np.linalg.solve(xc @ xc.T + penalty * np.eye(len(yc)), yc)
    return out


def smoother(x: npt.ArrayLike, penalty: float) -> Array:
    r"""Return the matrix that makes fitted values of y, :math:`11'/n + K(K + \lambda I)^{-1}`.

    Parameters
    ----------
    x : array_like
        Shape (rows, regressors).
    penalty : float
        Above 0; infinite fits the mean.

    Returns
    -------
    numpy.ndarray
        Shape (rows, rows).
    """
    rows = np.asarray(x, dtype=float)
    n = len(rows)
    xc, _ = _inputs(rows, np.zeros(n), penalty)
    mean = np.full((n, n), 1 / n)
    if np.isinf(penalty):
        return mean
    k = xc @ xc.T
    out: Array = mean + np.linalg.solve(k + penalty * np.eye(n), k).astype(np.float64)
    return out


def leave_one_out_errors(x: npt.ArrayLike, y: npt.ArrayLike, penalty: float) -> Array:
    r"""Return each row's error when it is predicted from the others, without refitting.

    .. math:: y_i - \hat y_{(i)} = (y_i - \hat y_i) / (1 - h_{ii})

    with h the diagonal of the smoother (Allen 1974).

    Parameters
    ----------
    x : array_like
        Shape (rows, regressors).
    y : array_like
        Shape (rows,), or (rows, outcomes).
    penalty : float
        Above 0; infinite predicts by the others' mean.

    Returns
    -------
    numpy.ndarray
        Shape of y.

    Examples
    --------
    >>> leave_one_out_errors([[1.0], [0.0], [0.0]], [3.0, 0.0, 3.0], np.inf)
    array([ 1.5, -3. ,  1.5])
    """
    h = smoother(x, penalty)
    y = np.asarray(y, dtype=float)
    left = 1 - np.diag(h)
    out: Array = (y - h @ y) / (left if y.ndim == 1 else left[:, None])
    return out


def shrunk(x: npt.ArrayLike, y: npt.ArrayLike, penalty: float) -> Shrunk:
    r"""Return the posterior under the conjugate prior.

    With :math:`\beta \mid \sigma^2 \sim N(0, \sigma^2 \lambda^{-1} I)`, the intercept flat and
    :math:`p(\sigma^2) \propto \sigma^{-2}`, each coefficient is t with n − 1 degrees of freedom
    around the ridge coefficient, squared scale :math:`s^2 V_{jj}`, where
    :math:`V = (X_c'X_c + \lambda I)^{-1}` and
    :math:`s^2 = y_c'(I + K/\lambda)^{-1} y_c / (n - 1)` (Gelman et al. 2013, section 14.8, prior
    information as further rows).

    Parameters
    ----------
    x : array_like
        Shape (rows, regressors).
    y : array_like
        Shape (rows,).
    penalty : float
        :math:`\lambda`, above 0 and finite.

    Returns
    -------
    Shrunk
        Means, scales, and what was learnt beyond the prior.

    Raises
    ------
    InputError
        As :func:`ridge`, or if the penalty is infinite or the outcomes are all the same.

    Examples
    --------
    >>> found = shrunk([[1.0], [0.0], [0.0], [1.0]], [3.0, 0.0, 2.0, 5.0], 1.0)
    >>> float(found.coefficients[0]), float(found.learnt[0]), found.df
    (1.5, 0.5, 3)
    """
    xc, yc = _inputs(x, y, penalty)
    if np.isinf(penalty):
        raise InputError("must be finite, for a prior with width", field="penalty")
    if not np.any(yc):
        raise InputError("the outcomes are all the same; there is nothing to explain")
    n = len(yc)
    inner = np.linalg.inv(xc @ xc.T + penalty * np.eye(n))
    # V = (I − Xc'(K + λI)⁻¹Xc)/λ, so that no matrix of regressors is inverted
    learnt = np.einsum("ij,ik,kj->j", xc, inner, xc)
    s2 = penalty * float(yc @ inner @ yc) / (n - 1)
    return Shrunk(
        penalty=float(penalty),
        coefficients=xc.T @ inner @ yc,
        scale=np.sqrt(s2 * (1 - learnt) / penalty),
        df=n - 1,
        noise=float(np.sqrt(s2)),
        learnt=learnt,
    )
