r"""A panel collapsed to what a test of a linear estimator needs.

For one or many panels at once (the leading axis), so that a simulation, a power curve and
a single study run through the same code.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.few_treated.coefficients import LinearEstimator

__all__ = ["Collapsed", "collapse", "rounding", "sampling_variance", "unit_sizes"]


ROUNDING = 1e-12
"""What is smaller than this, relative to the numbers it came from, is taken for zero."""


@dataclass(frozen=True)
class Collapsed:
    r"""Contrasts of the treated and of the controls.

    Parameters
    ----------
    estimator : LinearEstimator
        The coefficients.
    estimate : numpy.ndarray
        Shape (draws,): the estimate.
    effect : numpy.ndarray
        Shape (draws, treated): :math:`e_s = a_s'Y_{i(s)} - \sum_c \kappa_c a_s'Y_c`.
    own : numpy.ndarray
        Shape (profiles, draws, controls): the controls' contrasts under each distinct
        profile of the treated, their mean taken out.
    which : numpy.ndarray
        Shape (treated,): the distinct profile of each treated unit.
    composite : numpy.ndarray
        Shape (draws, controls): :math:`D_c = \sum_s \lambda_s a_s'Y_c`, mean taken out.
    """

    estimator: LinearEstimator
    estimate: np.ndarray = field(repr=False)
    effect: np.ndarray = field(repr=False)
    own: np.ndarray = field(repr=False)
    which: np.ndarray = field(repr=False)
    composite: np.ndarray = field(repr=False)

    @property
    def n_controls(self) -> int:
        """Never-treated units."""
        return int(self.composite.shape[1])

    @property
    def shares(self) -> np.ndarray:
        """Weight of each distinct profile, shape (profiles,)."""
        return np.bincount(self.which, self.estimator.weight, minlength=len(self.own))

    @property
    def leverage(self) -> np.ndarray:
        r"""Expected square of a control's centred contrast, its variance being one.

        :math:`1 - 2\kappa_c + \sum \kappa^2`, which is :math:`1 - 1/N_0` without weights;
        shape (controls,).
        """
        k = self.estimator.control_share
        result: np.ndarray = 1 - 2 * k + k @ k
        return result

    def control_variance(self) -> tuple[np.ndarray, float]:
        r"""Return the variance that the controls' mean adds, and its degrees of freedom.

        .. math:: \sum_c \kappa_c^2 D_c^2 / (1 - 2\kappa_c + \sum \kappa^2)

        unbiased where the controls' variances are equal; Satterthwaite degrees of freedom
        for that case. Without weights they are :math:`\sum_c D_c^2 / (N_0 (N_0 - 1))` and
        :math:`N_0 - 1`.

        Returns
        -------
        variance : numpy.ndarray
            Shape (draws,).
        df : float
            Degrees of freedom.
        """
        k = self.estimator.control_share
        f = k**2 / self.leverage
        q = float(k @ k)
        f0, f1, f2 = float(f.sum()), float(f @ k), float(f @ k**2)
        # trace of the squared form, without writing out controls by controls
        square = (
            q**2 * f0**2 + 2 * f2 * f0 + 2 * f1**2 - 4 * q * f1 * f0
            + float(f**2 @ (1 + 2 * (q - 2 * k)))
        )  # fmt: skip
        return self.composite**2 @ f, q**2 / square

    def spread(self) -> np.ndarray:
        """Variance of the controls under each treated unit's profile over the composite's.

        Returns
        -------
        numpy.ndarray
            Shape (draws, treated).
        """
        each = (self.own**2).sum(axis=2) / (self.composite**2).sum(axis=1)[None, :]
        result: np.ndarray = each[self.which].T
        return result


def rounding(y: np.ndarray) -> np.ndarray:
    """Return the size below which a panel's contrasts are rounding, shape (draws,)."""
    result: np.ndarray = ROUNDING * np.maximum(y.max(axis=(1, 2)), -y.min(axis=(1, 2)))
    return result


def collapse(y: np.ndarray, estimator: LinearEstimator) -> Collapsed:
    """Collapse panels to contrasts.

    Parameters
    ----------
    y : numpy.ndarray
        Shape (units, years) or (draws, units, years).
    estimator : LinearEstimator
        Made for the same units and years.

    Returns
    -------
    Collapsed
        With a leading axis of draws, of length one for a single panel.

    Raises
    ------
    InputError
        If the aggregate reaches no treated unit, if a treated unit that it does not reach
        serves as a comparison, or if there are no two controls that differ.
    """
    if y.ndim == 2:
        y = y[None]
    kept = np.flatnonzero(estimator.weight != 0)
    if len(kept) == 0:
        raise InputError("the aggregate reaches no treated unit", field="estimand")
    beside = estimator.treated[estimator.weight == 0]
    scale = np.abs(estimator.coefficients).max()
    if (np.abs(estimator.coefficients[beside]) > ROUNDING * scale).any():
        raise InputError(
            f"{estimator.estimand} ({estimator.method}): treated units that do not reach it serve "
            "as a comparison, which the tests for few treated do not cover; cs with never_treated "
            "controls has a test",
            field="estimand",
        )
    if len(estimator.controls) < 2:
        raise InputError(
            "there is one never-treated unit; at least two are needed to judge the effect against",
            field="cohort",
        )
    est = replace(
        estimator,
        weight=estimator.weight[kept],
        profile=estimator.profile[kept],
        start=estimator.start[kept],
        treated=estimator.treated[kept],
    )
    distinct, which = np.unique(est.profile.round(12), axis=0, return_inverse=True)
    which = which.ravel()
    first = [int(np.flatnonzero(which == p)[0]) for p in range(len(distinct))]
    contrast = np.moveaxis(y[:, est.controls] @ est.profile[first].T, 2, 0)
    mean = contrast @ est.control_share
    own = contrast - mean[:, :, None]
    effect = np.einsum("rst,st->rs", y[:, est.treated], est.profile) - mean[which].T
    shares = np.bincount(which, est.weight, minlength=len(distinct))
    composite = np.einsum("p,prc->rc", shares, own)
    # what is left of equal numbers after rounding is no variation
    steps = np.abs(np.vstack([est.profile[first], shares @ est.profile[first]])).sum(axis=1)
    varies = np.abs(np.concatenate([own, composite[None]])).max(axis=2)
    if (varies <= steps[:, None] * rounding(y)).any():
        raise InputError(
            "the comparison units' change never varies, so there is nothing to judge the "
            "effect against",
            field="outcome",
        )
    return Collapsed(est, effect @ est.weight, effect, own, which, composite)


def sampling_variance(size: np.ndarray, profile: np.ndarray) -> np.ndarray:
    r"""Return the relative sampling variance of a contrast, by unit.

    .. math:: h_i = \frac{\sum_t a_t^2 / n_{it}}{m \sum_t a_t^2},
        \qquad m = \mathrm{median}_i\ \overline{1/n_{it}}

    Parameters
    ----------
    size : numpy.ndarray
        Shape (units,) or (units, years): persons behind each value.
    profile : numpy.ndarray
        Shape (years,): the contrast's coefficients.

    Returns
    -------
    numpy.ndarray
        Shape (units,): one for a unit of middling size.
    """
    inverse = 1.0 / (size[:, None] if size.ndim == 1 else size)
    inverse = np.broadcast_to(inverse, (len(inverse), len(profile)))
    squares = profile**2
    middle = float(np.median(inverse.mean(axis=1)))
    result: np.ndarray = inverse @ squares / (middle * squares.sum())
    return result


def unit_sizes(panel: Panel, size: pd.Series | pd.DataFrame) -> np.ndarray:
    """Return sizes in the panel's order, checked.

    Parameters
    ----------
    panel : Panel
        Its units and years.
    size : pandas.Series or pandas.DataFrame
        Persons behind each value, by unit or by unit and year.

    Returns
    -------
    numpy.ndarray
        Shape (units,) or (units, years), above zero.

    Raises
    ------
    InputError
        If a size is missing, no number or not above zero, or a unit has two.
    """
    if size.index.has_duplicates:
        twice = size.index[size.index.duplicated()][0]
        raise InputError(f"unit {twice} has two sizes", field="size")
    known = size.reindex(panel.units)
    if isinstance(known, pd.DataFrame):
        known = known.reindex(columns=panel.years)
    try:
        values = known.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise InputError("the sizes must be numbers", field="size") from None
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        where = np.argwhere(bad)[0]
        year = f" in {panel.years[where[1]]}" if len(where) > 1 else ""
        raise InputError(f"unit {panel.units[where[0]]} has no size above zero{year}", field="size")
    return values
