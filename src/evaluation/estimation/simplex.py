"""Weights on the simplex: ridge-penalised least squares, by its dual and by active sets."""

from __future__ import annotations

import numpy as np
from scipy.linalg import helmert

from evaluation.errors import InputError

__all__ = ["simplex_ridge"]

_STEPS = 100


def simplex_ridge(x: np.ndarray, target: np.ndarray, penalty: float) -> np.ndarray:
    r"""Minimise :math:`\|target - x w\|^2 + \zeta \|w\|^2` over weights that sum to one.

    No weight is negative. Solved in the dual, which has one dimension per predictor plus
    one: with residual r and multiplier μ, :math:`w_j = \max(0, x_j'r - \mu)/\zeta`; damped
    Newton steps on the convex dual, exact once the set of positive weights is right. A tiny
    penalty divides the rounding error of :math:`x_j'r`; where the steps stall for that
    reason, the set of positive weights that they found is corrected, one donor at a time,
    in the weights themselves (an active-set method, as for non-negative least squares).

    Parameters
    ----------
    x : numpy.ndarray
        Shape (predictors, donors).
    target : numpy.ndarray
        Shape (predictors,).
    penalty : float
        ζ, above zero.

    Returns
    -------
    numpy.ndarray
        Shape (donors,).

    Raises
    ------
    InputError
        If the penalty is lost in the rounding of the predictors.

    References
    ----------
    Lawson, C. L. & Hanson, R. J. (1974). Solving Least Squares Problems, chapter 23.
    Nocedal, J. & Wright, S. J. (2006). Numerical Optimization, section 16.5.

    Examples
    --------
    >>> w = simplex_ridge(np.array([[0.0, 1.0, 2.0]]), np.array([1.0]), 1e-3)
    >>> w.round(6).tolist()
    [0.333333, 0.333333, 0.333333]
    """
    # the weights sum to one, so a common level changes nothing but the rounding
    level = x.mean(axis=1)
    x, target = x - level[:, None], target - level
    weights, converged = _dual(x, target, penalty)
    return weights if converged else _active_set(x, target, penalty, weights)


def _dual(x: np.ndarray, target: np.ndarray, penalty: float) -> tuple[np.ndarray, bool]:
    """Take Newton steps in the dual; return the weights and whether the steps converged."""
    p, n = x.shape
    r = target
    mu = float((x.T @ r).mean() - penalty / n)

    def parts(r: np.ndarray, mu: float) -> tuple[float, np.ndarray, np.ndarray]:
        w = np.maximum(0.0, x.T @ r - mu) / penalty
        value = 0.5 * r @ r - r @ target + mu + 0.5 * penalty * w @ w
        return float(value), w, np.append(r - target + x @ w, 1.0 - w.sum())

    value, w, gradient = parts(r, mu)
    tolerance = 1e-11 * (1.0 + np.abs(x).max() + np.abs(target).max())
    for _ in range(_STEPS):
        if np.abs(gradient).max() < tolerance:
            return w / w.sum(), True
        on = w > 0
        a = x[:, on]
        hessian = np.empty((p + 1, p + 1))
        hessian[:p, :p] = np.eye(p) + a @ a.T / penalty
        hessian[:p, p] = hessian[p, :p] = -a.sum(axis=1) / penalty
        hessian[p, p] = max(int(on.sum()), 1e-9) / penalty
        step = -np.linalg.lstsq(hessian, gradient, rcond=None)[0]
        slope = float(gradient @ step)
        size = 1.0
        while size > 1e-14:
            trial = parts(r + size * step[:p], mu + size * float(step[p]))
            if trial[0] <= value + 1e-4 * size * slope + 1e-15 * abs(value):
                break
            size /= 2
        if size <= 1e-14:
            break
        r, mu = r + size * step[:p], mu + size * float(step[p])
        value, w, gradient = trial
    total = w.sum()
    return (w / total if total > 0 else np.full(n, 1 / n)), False


def _on_support(x: np.ndarray, target: np.ndarray, penalty: float, on: np.ndarray) -> np.ndarray:
    """Minimise over the weights of these donors, free in sign but summing to one."""
    k = int(on.sum())
    w = np.zeros(x.shape[1])
    w[on] = 1 / k
    if k > 1:
        # orthonormal directions in which the sum stays one
        free = helmert(k).T
        a = np.vstack([x[:, on], np.sqrt(penalty) * np.eye(k)])
        miss = np.append(target - x @ w, -np.sqrt(penalty) * w[on])
        w[on] += free @ np.linalg.lstsq(a @ free, miss, rcond=None)[0]
    return w


def _active_set(x: np.ndarray, target: np.ndarray, penalty: float, start: np.ndarray) -> np.ndarray:
    """Correct the set of positive weights until no donor outside it would lower the sum."""
    n = x.shape[1]
    scale = 1.0 + np.abs(x).max() + np.abs(target).max()
    w, on = start, start > 0
    barred = np.zeros(n, dtype=bool)
    for _ in range(10 * n + 100):
        z = _on_support(x, target, penalty, on)
        out = on & (z <= 0)
        if out.any():
            # go towards the minimum until the first weight is used up
            ratio = np.full(n, np.inf)
            ratio[out] = w[out] / (w[out] - z[out])
            step = ratio.min()
            gone = ratio <= step
            # a donor that came in and cannot gain weight is a matter of rounding
            barred = barred | gone if step == 0 else np.zeros(n, dtype=bool)
            w = np.where(gone, 0.0, w + step * (z - w))
            on = on & ~gone
            continue
        w = z
        gradient = x.T @ (x @ w - target) + penalty * w
        gain = gradient @ w - gradient
        gain[on | barred] = -np.inf
        best = int(gain.argmax())
        if gain[best] <= np.finfo(float).eps * scale**2:
            return w
        on[best] = True
    raise InputError(
        f"the synthetic control's weights did not converge at the penalty {penalty:.2g}; "
        "the outcome hardly changes from year to year before the start"
    )
