r"""The sums behind the curves, on arrays: groups in rows, steps of equal width in columns.

A step may be a month or several. Where it is several, ``at_risk`` is the actuarial number:
those there at its start, less the part of the step in which the censored were not seen.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from evaluation.errors import InputError

__all__ = ["critical_value", "incidence", "mean_months", "survival", "survival_steps"]

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]


def critical_value(alpha: float) -> float:
    """Return the normal quantile of a two-sided interval.

    Raises
    ------
    InputError
        If ``alpha`` does not lie between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise InputError(f"{alpha:g} must lie between 0 and 1", field="alpha")
    return float(norm.ppf(1 - alpha / 2))


def survival_steps(hazard: _Floats) -> tuple[_Floats, _Floats]:
    """Return the share still there after each step and before it, shape (groups, steps)."""
    after = np.asarray(np.cumprod(1 - hazard, axis=1), dtype=np.float64)
    return after, np.concatenate([np.ones((len(after), 1)), after[:, :-1]], axis=1)


def _hazard(at_risk: _Floats, left: _Floats, there: _Bools) -> _Floats:
    return np.divide(left, at_risk, out=np.zeros(at_risk.shape), where=there)


def survival(at_risk: _Floats, left: _Floats, there: _Bools, z: float) -> dict[str, _Floats]:
    r"""Return the share still there with Greenwood's error and a log-log interval.

    Parameters
    ----------
    at_risk, left : numpy.ndarray
        Shape (groups, steps).
    there : numpy.ndarray
        Shape (groups, steps): the steps that can be estimated, the first ones of each group.
    z : float
        Normal quantile.

    Returns
    -------
    dict
        ``estimate``, ``std_error``, ``conf_low``, ``conf_high``.
    """
    s, _ = survival_steps(_hazard(at_risk, left, there))
    square = at_risk * (at_risk - left)
    sums = np.cumsum(
        np.divide(left, square, out=np.zeros(s.shape), where=there & (left < at_risk)), axis=1
    )
    inside = (s > 0) & (s < 1)
    log = np.log(s, out=np.full(s.shape, -1.0), where=inside)
    width = np.where(inside, z * np.sqrt(sums) / np.abs(log), 0.0)
    return {
        "estimate": s,
        "std_error": s * np.sqrt(sums),
        "conf_low": s ** np.exp(width),
        "conf_high": s ** np.exp(-width),
    }


def incidence(
    at_risk: _Floats, left: _Floats, kind: _Floats, there: _Bools, z: float
) -> dict[str, _Floats]:
    r"""Return the share that has left by one kind, with the delta method's error.

    Parameters
    ----------
    at_risk, left, kind : numpy.ndarray
        Shape (groups, steps): at risk, all who left, those who left by the kind.
    there : numpy.ndarray
        Shape (groups, steps): the steps that can be estimated, the first ones of each group.
    z : float
        Normal quantile.

    Returns
    -------
    dict
        As :func:`survival`.
    """
    y = np.where(there, at_risk, 1).astype(float)
    d, dk = np.where(there, left, 0), np.where(there, kind, 0)
    _, before = survival_steps(d / y)
    # in a last step in which everybody leaves F(t) − F(s) is zero, so the term vanishes
    every = np.divide(d, y * (y - d), out=np.zeros(y.shape), where=d < y)
    f = np.cumsum(before * dk / y, axis=1)

    def around(w: _Floats) -> _Floats:
        # sum over s ≤ t of (F(t) − F(s))² w_s, from three running sums
        one, two, three = (np.cumsum(p, axis=1) for p in (w, f * w, f * f * w))
        return np.asarray(f * f * one - 2 * f * two + three)

    v = around(every) + np.cumsum(before**2 * (y - dk) * dk / y**3, axis=1)
    cross = before * dk / y**2
    v = v - 2 * (f * np.cumsum(cross, axis=1) - np.cumsum(f * cross, axis=1))
    error = np.sqrt(np.maximum(v, 0.0))
    inside = (f > 0) & (f < 1 - 1e-12)
    rest = np.where(inside, 1 - f, 0.5)
    width = np.where(inside, z * error / (rest * np.abs(np.log(rest))), 0.0)
    return {
        "estimate": f,
        "std_error": error,
        "conf_low": np.where(inside, 1 - rest ** np.exp(-width), f),
        "conf_high": np.where(inside, 1 - rest ** np.exp(width), f),
    }


def mean_months(
    at_risk: _Floats, left: _Floats, there: _Bools, width: int = 1
) -> tuple[_Floats, _Floats]:
    r"""Return the mean months within all steps, and its error.

    Those who leave in a step of w months leave in each of them alike, so that they stay
    (w + 1)/2 months of it (one of one):

    .. math::
        \hat\mu = \sum_p w S_p + \tfrac{w+1}{2} (S_{p-1} - S_p), \qquad
        \hat V = \sum_s A_s^2 \frac{d_s}{Y_s (Y_s - d_s)},

    with :math:`A_s` the part of μ that is proportional to the survival after s.

    Parameters
    ----------
    at_risk, left : numpy.ndarray
        Shape (groups, steps).
    there : numpy.ndarray
        Shape (groups, steps).
    width : int
        Months of a step.

    Returns
    -------
    mean, error : numpy.ndarray
        Shape (groups,).
    """
    s, _ = survival_steps(_hazard(at_risk, left, there))
    part = (width + 1) / 2
    weight = np.full(s.shape[1], float(width))
    weight[-1] -= part
    later = np.cumsum((weight * s)[:, ::-1], axis=1)[:, ::-1]
    square = at_risk * (at_risk - left)
    w = np.divide(left, square, out=np.zeros(s.shape), where=there & (left < at_risk))
    return part + later[:, 0], np.sqrt((later**2 * w).sum(axis=1))
