"""Wilson's interval: how sure a share of few persons is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaluation.errors import InputError

__all__ = ["wilson_interval"]


def wilson_interval(
    share: npt.ArrayLike, n: npt.ArrayLike, *, alpha: float = 0.05
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    r"""Return Wilson's score interval for shares of n persons (Wilson 1927).

    With :math:`p` the share, :math:`z` the normal quantile of :math:`1 - \alpha/2`:

    .. math:: \frac{p + z^2/2n \pm z\sqrt{p(1-p)/n + z^2/4n^2}}{1 + z^2/n}

    Parameters
    ----------
    share : array_like
        Per cent, 0 to 100.
    n : array_like
        Persons that each share is of; at least 1.
    alpha : float
        One minus the coverage.

    Returns
    -------
    tuple of numpy.ndarray
        Low and high end, per cent; NaN where the share is NaN.

    Raises
    ------
    InputError
        If a share lies outside 0–100 or n is below 1 where there is a share.

    Examples
    --------
    >>> low, high = wilson_interval([50.0], [10])
    >>> [round(float(x[0]), 2) for x in (low, high)]
    [23.66, 76.34]
    """
    from statsmodels.stats.proportion import proportion_confint

    p, size = np.broadcast_arrays(np.asarray(share, float), np.asarray(n, float))
    if not 0 < alpha < 1:
        raise InputError(f"must lie between 0 and 1, found {alpha}", field="alpha")
    there = ~np.isnan(p)
    if ((p[there] < 0) | (p[there] > 100)).any():
        raise InputError("a share must lie between 0 and 100 per cent", field="share")
    if not (size[there] >= 1).all():
        raise InputError("a share needs at least one person", field="n")
    low, high = np.full(p.shape, np.nan), np.full(p.shape, np.nan)
    ends = proportion_confint(p[there] / 100 * size[there], size[there], alpha, method="wilson")
    # at shares of 0 and 100 the last digit may fall on the wrong side of the share itself
    low[there] = np.clip(100 * np.asarray(ends[0]), 0, p[there])
    high[there] = np.clip(100 * np.asarray(ends[1]), p[there], 100)
    return low, high
