"""Entropy balancing for many assignments at once, where one solver call each is too slow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["balancing_weights"]

_Array = npt.NDArray[np.float64]
STEPS = 60
TOLERANCE = 1e-8


def _log_sum(z: _Array, target: _Array, out: _Array, lam: _Array) -> tuple[_Array, _Array]:
    """Return the dual, shape (draws,), and the weights, shape (draws, units)."""
    x = lam @ z.T - (lam * target).sum(axis=1, keepdims=True)
    x[out] = -np.inf
    top = x.max(axis=1, keepdims=True)
    e = np.exp(x - top)
    whole = e.sum(axis=1, keepdims=True)
    return (top + np.log(whole))[:, 0], e / whole


def balancing_weights(z: _Array, picks: npt.NDArray[np.intp]) -> _Array:
    r"""Weigh the units outside each assignment so that their means equal the assigned units'.

    The dual of entropy balancing, :math:`\min_\lambda \log \sum_c e^{\lambda'(z_c - \bar z)}`
    (Hainmueller 2012, Political Analysis 20, section 3.2), by Newton's method with halved steps,
    all assignments side by side.

    Parameters
    ----------
    z : numpy.ndarray
        Shape (units, covariates), standardised.
    picks : numpy.ndarray
        Shape (draws, slots): the assigned units.

    Returns
    -------
    numpy.ndarray
        Shape (draws, units): 0 for the assigned; NaN in the whole row where no weights meet the
        means to 1e-8 standard deviations.

    Examples
    --------
    >>> z = np.array([[2.0], [1.0], [2.0], [4.0]])
    >>> w = balancing_weights(z, np.array([[0], [3]]))
    >>> float(round((w[0] @ z)[0], 6)), bool(np.isnan(w[1]).all())
    (2.0, True)
    """
    draws, p = len(picks), z.shape[1]
    out = np.zeros((draws, len(z)), dtype=bool)
    np.put_along_axis(out, picks, True, axis=1)
    target = z[picks].mean(axis=1)
    weights = np.full((draws, len(z)), np.nan)
    square = (z[:, :, None] * z[:, None, :]).reshape(len(z), -1)
    left = np.arange(draws)
    lam = np.zeros((draws, p))
    value, w = _log_sum(z, target, out, lam)
    for _ in range(STEPS):
        gap = w @ z - target
        done = np.abs(gap).max(axis=1) <= TOLERANCE
        weights[left[done]] = w[done]
        keep = ~done
        # without a solution λ grows beyond all bounds while the gap stays
        keep &= np.abs(lam).max(axis=1) < 1e3
        left, lam, value, w, gap = left[keep], lam[keep], value[keep], w[keep], gap[keep]
        target, out = target[keep], out[keep]
        if not len(left):
            break
        mean = w @ z
        h = (w @ square).reshape(-1, p, p) - mean[:, :, None] * mean[:, None, :]
        h += 1e-12 * np.eye(p)
        step = -np.linalg.solve(h, gap[:, :, None])[:, :, 0]
        slope = (gap * step).sum(axis=1)
        size = np.ones(len(left))
        for _ in range(40):
            tried, tried_w = _log_sum(z, target, out, lam + size[:, None] * step)
            worse = tried > value + 1e-4 * size * slope + 1e-13
            if not worse.any():
                break
            size[worse] /= 2
        lam = lam + size[:, None] * step
        value, w = tried, tried_w
    return weights
