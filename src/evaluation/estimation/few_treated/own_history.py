r"""A t-test that takes each treated unit's variance from its own years before adoption.

No size is needed, no two units need be alike. For treated unit s with start g, the years
before g are turned into contrasts that sum to zero and are orthogonal to the estimator's
own coefficients there (discrete cosines, then Gram–Schmidt); each is scaled by what it is
among the controls, and their mean square :math:`q_s` is the unit's own variance relative
to the others, with as many degrees of freedom ν as contrasts. The controls tell how the
estimator's contrast relates to it: :math:`a_s'Y_c \sim c\,q_c\, t_\nu`, c by maximum
likelihood. Then :math:`e_s` has variance :math:`c\,q_s` with ν degrees of freedom, and
the effect's are added by Satterthwaite.

It assumes that a unit's ratio of the two variances is common: serial correlation may be
anything, as long as it is the same for all. It fails where it is not (persistent shocks
that are alike in all units, upon sampling noise that falls with size: large units reject
too often), and when treatment changes the variance.
"""

from __future__ import annotations

import numpy as np

from evaluation.estimation.few_treated.collapsed import Collapsed, rounding
from evaluation.estimation.few_treated.welch import StudentTest

__all__ = ["ENOUGH_HISTORY", "cosines", "history_contrasts", "own_history"]

ENOUGH_HISTORY = 3
"""Degrees of freedom below which the test does not keep its level."""


def cosines(length: int) -> np.ndarray:
    """Return contrasts over some years that sum to zero, slow ones first.

    Parameters
    ----------
    length : int
        Number of years.

    Returns
    -------
    numpy.ndarray
        Shape (length, length - 1): orthonormal columns (discrete cosines), which nearly
        separate the parts of a serially correlated series.
    """
    t = np.arange(length) + 0.5
    waves = np.cos(np.pi * np.outer(t, np.arange(1, length)) / length)
    result: np.ndarray = waves / np.sqrt((waves**2).sum(axis=0))
    return result


def history_contrasts(profile: np.ndarray, start: int) -> np.ndarray:
    """Return contrasts over the years before a start, orthogonal to the estimator's.

    Parameters
    ----------
    profile : numpy.ndarray
        Shape (years,): the estimator's coefficients.
    start : int
        Position of the first treated year.

    Returns
    -------
    numpy.ndarray
        Shape (start, contrasts): orthonormal columns, each summing to zero.
    """
    before = profile[:start]
    known = [np.ones(start)]
    centred = before - before.mean()
    if np.abs(centred).max() > 1e-9 * np.abs(profile).max():
        known.append(centred)
    result: np.ndarray = np.linalg.qr(np.column_stack([*known, cosines(start)]))[0]
    return result[:, len(known) :]


SCALE_STEPS = 6


def _relative_variance(square: np.ndarray, n0: int) -> np.ndarray:
    """Return each unit's mean square over contrasts scaled to be alike, shape (draws, units).

    ``square`` has shape (contrasts, draws, units), the first ``n0`` units being controls.
    The scales are those at which every contrast is as large as the unit's own mean square,
    on average over controls: every unit counts the same, whatever its variance. They are
    found from the contrasts' mean squares in :data:`SCALE_STEPS` steps.
    """
    scale = square[:, :, :n0].mean(axis=2)
    for _ in range(SCALE_STEPS):
        inverse = 1 / (np.einsum("krn,kr->rn", square[:, :, :n0], 1 / scale) / len(square))
        scale = np.einsum("krn,rn->kr", square[:, :, :n0], inverse) / n0
    result: np.ndarray = np.einsum("krn,kr->rn", square, 1 / scale) / len(square)
    return result


def _scale(square: np.ndarray, history: np.ndarray, df: int) -> np.ndarray:
    """Fit c in ``square ~ c · history · F(1, df)`` by maximum likelihood, per draw.

    With z = square / (c · history) the likelihood is greatest where the mean of
    (df + 1) z / (df + z) is one: Newton's method on its logarithm against that of c.
    """
    ratio = square / history
    c: np.ndarray = np.median(ratio, axis=1)
    for _ in range(50):
        part = ratio / (ratio + df * c[:, None])
        mean = part.mean(axis=1)
        slope = 1 - np.einsum("rn,rn->r", part, part) / (part.shape[1] * mean)
        step = np.log((df + 1) * mean) / slope
        c = c * np.exp(np.clip(step, -5, 5))
        if np.abs(step).max() < 1e-12:
            break
    # the estimate's logarithm is nearly unbiased, its level is not
    level: np.ndarray = c * np.exp(-_half_variance(df, square.shape[1]))
    return level


def _half_variance(df: int, n: int) -> float:
    r"""Half the variance of log c: the information in n draws is :math:`n\nu / (2(\nu + 3))`."""
    return (df + 3) / (df * n)


def _common_part(c: Collapsed, parts: np.ndarray, df: np.ndarray) -> np.ndarray:
    r"""Half the variance that estimating c gives the treated units' total, shape (draws,).

    Between profiles the estimates of c go together as their squared contrasts do.
    """
    n0 = c.n_controls
    spread = (c.own**2).sum(axis=2)
    sums, size = [], []
    for p in range(len(c.own)):
        slots = np.flatnonzero(c.which == p)
        sums.append(parts[:, slots].sum(axis=1))
        size.append(np.sqrt(_half_variance(int(df[slots[0]]), n0)))
    total = np.zeros(len(parts))
    for p in range(len(c.own)):
        for q in range(len(c.own)):
            together = (c.own[p] * c.own[q]).sum(axis=1) ** 2 / (spread[p] * spread[q])
            total = total + size[p] * size[q] * together * sums[p] * sums[q]
    return total


def own_history(c: Collapsed, y: np.ndarray) -> StudentTest | None:
    """Test with variances from each treated unit's own years before adoption.

    Parameters
    ----------
    c : Collapsed
        From the same panels.
    y : numpy.ndarray
        Shape (units, years) or (draws, units, years).

    Returns
    -------
    StudentTest or None
        None where a treated unit has too few years before adoption. Infinite errors where a
        treated unit, or every control, did not vary before it, or half the controls show no
        change.

    Notes
    -----
    The idea of scaling a treated unit's effect by its own variance before treatment is
    that of the synthetic control's ratio (Abadie, Diamond & Hainmueller 2010); the
    reference distribution here is Student's with the history's degrees of freedom, so it
    needs no exchangeability between units. Its level is measured in the calibration.
    """
    if y.ndim == 2:
        y = y[None]
    est, n0 = c.estimator, c.n_controls
    variance = np.empty_like(c.effect)
    still = np.zeros(len(y), dtype=bool)
    floor = rounding(y) ** 2
    df = np.empty(len(est.weight))
    for p in range(len(c.own)):
        slots = np.flatnonzero(c.which == p)
        start = int(est.start[slots[0]])
        basis = history_contrasts(est.profile[slots[0]], start)
        df[slots] = basis.shape[1]
        if basis.shape[1] < ENOUGH_HISTORY:
            return None
        everyone = np.concatenate([est.controls, est.treated[slots]])
        values = np.moveaxis(y[:, everyone, :start] @ basis, 2, 0)
        values = np.ascontiguousarray(values)
        square = (values - values[:, :, :n0].mean(axis=2, keepdims=True)) ** 2
        # a control is part of the mean that is taken out, a treated unit is not
        square[:, :, :n0] *= n0 / (n0 - 1)
        square[:, :, n0:] *= n0 / (n0 + 1)
        still |= (square[:, :, :n0].sum(axis=2) <= n0 * floor).any(axis=0)
        for own in (square[:, :, n0:], values[:, :, n0:] ** 2):
            still |= (own.sum(axis=0) <= floor[:, None]).any(axis=1)
        # a floor keeps a control that never moved from dividing by zero
        square = np.maximum(square, floor[:, None] + 1e-300)
        relative = _relative_variance(square, n0)
        change = c.own[p] ** 2 / c.leverage
        unmoved = change <= floor[:, None] * np.abs(est.profile[slots[0]]).sum() ** 2
        most = 2 * unmoved.sum(axis=1) >= n0
        still |= most
        change[most] = 1.0
        factor = _scale(change, relative[:, :n0], basis.shape[1])
        variance[:, slots] = factor[:, None] * relative[:, n0:]
    parts = variance * est.weight**2
    controls, others = c.control_variance()
    total = parts.sum(axis=1) + controls
    # squares of estimated variances are too large by (df + 2)/df, and so is their total
    squares = (parts**2 / (df + 2)).sum(axis=1) + controls**2 / (others + 2)
    squares = squares + _common_part(c, parts, df)
    freedom = np.maximum(total**2 / squares - 2, 1.0)
    return StudentTest(c.estimate, np.where(still, np.inf, np.sqrt(total)), freedom)
