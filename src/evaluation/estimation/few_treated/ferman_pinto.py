r"""Ferman & Pinto (2019): the controls' residuals rescaled to the treated units' size.

A unit's contrast has variance :math:`A + B h_i`, h the relative sampling variance by size;
A and B come from the controls. The controls' residuals, each divided by its own standard
deviation, are drawn and multiplied by that of the unit they are put in the place of.
"""

from __future__ import annotations

import numpy as np

from evaluation.errors import InputError
from evaluation.estimation.few_treated.collapsed import Collapsed, sampling_variance
from evaluation.estimation.few_treated.placebo_test import PlaceboTest

__all__ = ["ferman_pinto", "variance_line"]

STREAM = 256  # draws made at a time; memory only


def variance_line(square: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Fit :math:`A + B h` to squared residuals by least squares, neither negative.

    Parameters
    ----------
    square : numpy.ndarray
        Shape (draws, units).
    h : numpy.ndarray
        Shape (units,), above zero.

    Returns
    -------
    constant, slope : numpy.ndarray
        Shape (draws,); where the plain fit makes one of them negative it is zero and the
        other is fitted alone, which is the constrained minimum.

    Examples
    --------
    >>> a, b = variance_line(np.array([[3.0, 5.0, 7.0]]), np.array([1.0, 2.0, 3.0]))
    >>> float(a[0]), float(b[0])
    (1.0, 2.0)
    """
    x = h - h.mean()
    mean = square.mean(axis=1)
    spread = float(x @ x)
    slope = square @ x / spread if spread > 1e-12 * float(h @ h) else np.zeros_like(mean)
    constant = mean - slope * h.mean()
    through_origin = square @ h / float(h @ h)
    falls, below = slope < 0, constant < 0
    return (
        np.where(falls, mean, np.where(below, 0.0, constant)),
        np.where(falls, 0.0, np.where(below, through_origin, slope)),
    )


def ferman_pinto(
    c: Collapsed, size: np.ndarray, *, draws: int = 9999, seed: int = 1
) -> PlaceboTest:
    r"""Test with residuals rescaled by an estimated variance function of size.

    .. math::
        T_b = \sum_s \lambda_s \hat\sigma_s \tilde W_{b,s}
        - \sum_c \kappa_c \hat\sigma_c \tilde W_{b,c}, \qquad
        \hat\sigma_i^2 = \hat A + \hat B h_i

    with all :math:`\tilde W_b` drawn with replacement from the controls' residuals over
    their own :math:`\hat\sigma`. Treated unit s has the function of its own coefficients
    over years, the controls that of the composite.

    Parameters
    ----------
    c : Collapsed
        One or many panels.
    size : numpy.ndarray
        Shape (units,) or (units, years): persons behind each value, above zero.
    draws : int
        Draws of the residuals.
    seed : int
        Seed of the draws; all panels share them.

    Returns
    -------
    PlaceboTest
        Two-sided, with the interval from inversion.

    Raises
    ------
    InputError
        If there are fewer than three controls or no draws.

    Notes
    -----
    The residuals are the controls' own. The paper puts the treated unit's under the null
    among them, which matters little with many controls and would make the draws depend on
    the effect that is tested.

    References
    ----------
    Ferman, B. & Pinto, C. (2019). Inference in differences-in-differences with few treated
    groups and heteroskedasticity. Review of Economics and Statistics 101(3), section III.
    """
    if draws < 1:
        raise InputError(f"{draws} draws are too few; at least 1 is needed", field="draws")
    est, n0 = c.estimator, c.n_controls
    if n0 < 3:
        raise InputError("Ferman–Pinto needs three never-treated units or more", field="cohort")
    slots = len(est.weight)
    first = [int(np.flatnonzero(c.which == p)[0]) for p in range(len(c.own))]

    def fitted(residual: np.ndarray, profile: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return every unit's standard deviation and the controls' rescaled residuals."""
        h = sampling_variance(size, profile)
        constant, slope = variance_line(residual**2, h[est.controls])
        sd = np.sqrt(constant[:, None] + slope[:, None] * h)
        own = sd[:, est.controls]
        return sd, np.divide(residual, own, out=np.zeros_like(residual), where=own > 0)

    by_profile = [fitted(c.own[p], est.profile[first[p]]) for p in range(len(c.own))]
    everyone, z = fitted(c.composite, c.shares @ est.profile[first])
    sd = everyone[:, est.controls] * est.control_share
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    placebo = np.empty((len(c.estimate), draws))
    for low in range(0, draws, STREAM):
        high = min(low + STREAM, draws)
        picks = rng.integers(0, n0, size=(STREAM, slots + n0))[: high - low]
        for r in range(len(placebo)):
            total = -(z[r][picks[:, slots:]] @ sd[r])
            for s, weight in enumerate(est.weight):
                own_sd, own_z = by_profile[c.which[s]]
                total += weight * own_sd[r, est.treated[s]] * own_z[r][picks[:, s]]
            placebo[r, low:high] = total
    return PlaceboTest(
        c.estimate, placebo, f"{draws} draws of residuals rescaled by size (A + B·h)"
    )
