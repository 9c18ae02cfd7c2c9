"""Every aggregate of group-time effects is a weighted sum of unit contrasts.

With never-treated controls and no covariates,

    estimate = Σ_s λ_s ( d_{i(s)}(g_s) − mean over controls of d_c(g_s) ),
    d_i(g)   = Σ_t a_g(t) Y_it ,

one slot s per treated unit, with weights a_g over years and λ over slots. That makes
permutation a table look-up: all d are computed once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.cohorts import check_cohorts

__all__ = ["Contrasts", "contrasts", "custom_contrasts", "event_contrasts"]


@dataclass(frozen=True)
class Contrasts:
    """Slots of the treated, and every unit's contrast at each slot's adoption year.

    Parameters
    ----------
    units : tuple of str
        Codes: the columns of ``d`` and ``b``.
    slots : tuple of int
        Column of each treated unit; slot s adopted in ``years[s]``.
    years : tuple of int
        First treated year per slot.
    weight : numpy.ndarray
        Shape (slots,): λ, sums to one.
    d : numpy.ndarray
        Shape (slots, units): outcome contrasts.
    b : numpy.ndarray
        Shape (slots, units): how each contrast moves per unit of a constant effect on
        the unit's own treated years; zero for controls, one for the slot's own unit.
    """

    units: tuple[str, ...]
    slots: tuple[int, ...]
    years: tuple[int, ...]
    weight: np.ndarray
    d: np.ndarray
    b: np.ndarray

    @property
    def controls(self) -> np.ndarray:
        """Columns of the comparison group."""
        return np.setdiff1d(np.arange(len(self.units)), self.slots)

    def estimate(self) -> float:
        """Return the aggregate for the real assignment."""
        own = self.d[np.arange(len(self.slots)), list(self.slots)]
        return float(self.weight @ (own - self.d[:, self.controls].mean(axis=1)))


def _build(
    panel: Panel, g: np.ndarray, a: dict[int, np.ndarray], weight: dict[int, float]
) -> Contrasts:
    years = np.array(panel.years)
    treated = [int(i) for i in np.flatnonzero(g > 0)]
    y = panel.values.to_numpy(dtype=float)
    own = np.where(g[:, None] > 0, years[None, :] >= g[:, None], False).astype(float)
    # a slot that this aggregate does not reach keeps its place with weight zero, so that
    # its unit never slips into the comparison group
    idle = np.zeros(len(years))
    rows = np.array([a.get(int(g[i]), idle) for i in treated])
    lam = np.array([weight.get(int(g[i]), 0.0) for i in treated])
    return Contrasts(
        units=tuple(panel.units),
        slots=tuple(treated),
        years=tuple(int(g[i]) for i in treated),
        weight=lam / lam.sum(),
        d=rows @ y.T,
        b=rows @ own.T,
    )


def contrasts(panel: Panel, cohort: pd.Series, estimand: str = "cohort") -> Contrasts:
    """Return the unit contrasts of an aggregate.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    estimand : {"cohort", "simple"}
        As in :func:`evaluation.estimation.did.aggregation.aggregate`.

    Returns
    -------
    Contrasts
        Its ``estimate()`` equals the aggregate of the group-time effects.

    Raises
    ------
    InputError
        If the estimand is another one, or as for
        :func:`evaluation.estimation.cohorts.check_cohorts`.

    Examples
    --------
    >>> import pandas as pd
    >>> wide = pd.DataFrame([[1., 2., 5.], [1., 1., 1.], [0., 1., 2.]],
    ...                     index=["a", "b", "c"], columns=[2000, 2001, 2002])
    >>> c = contrasts(Panel("y", wide), pd.Series({"a": 2002, "b": 0, "c": 0}))
    >>> c.estimate()  # (5 - 2) - mean(1 - 1, 2 - 1)
    2.5
    """
    g = check_cohorts(panel, cohort)
    years = np.array(panel.years)
    a: dict[int, np.ndarray] = {}
    weight: dict[int, float] = {}
    for year in np.unique(g[g > 0]):
        post = years >= year
        a[int(year)] = post / post.sum() - (years == year - 1)
        if estimand == "cohort":
            weight[int(year)] = 1.0
        elif estimand == "simple":
            weight[int(year)] = float(post.sum())
        else:
            raise InputError(
                f"{estimand!r} cannot be permuted here; cohort and simple can", field="estimand"
            )
    return _build(panel, g, a, weight)


def event_contrasts(panel: Panel, cohort: pd.Series) -> dict[int, Contrasts]:
    """Return the unit contrasts of every event time, varying base before adoption.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.

    Returns
    -------
    dict of int to Contrasts
        By event time; a slot weighs zero where the panel does not reach its event year.
    """
    g = check_cohorts(panel, cohort)
    years = np.array(panel.years)
    out: dict[int, Contrasts] = {}
    cohorts = [int(c) for c in np.unique(g[g > 0])]
    for e in range(int(years[0]) - max(cohorts) + 1, int(years[-1]) - min(cohorts) + 1):
        a = {}
        for c in cohorts:
            t, base = c + e, (c - 1 if e >= 0 else c + e - 1)
            if t <= years[-1] and base >= years[0]:
                a[c] = (years == t).astype(float) - (years == base)
        if a:
            out[e] = _build(panel, g, a, dict.fromkeys(a, 1.0))
    return out


def custom_contrasts(
    panel: Panel,
    cohort: pd.Series,
    years: Mapping[str, np.ndarray],
    *,
    carrying: np.ndarray | None = None,
) -> Contrasts:
    """Return the contrasts of any weights over years, one set per treated unit.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    years : mapping of str to numpy.ndarray
        By treated unit: weights over the panel's years that sum to zero. A treated unit that is
        not among them has no say, and stays out of the comparison.
    carrying : numpy.ndarray, optional
        Shape (units, years), bool: where the hypothesised effect stands; from adoption on by
        default.

    Returns
    -------
    Contrasts
        Every unit of ``years`` weighs the same.

    Raises
    ------
    InputError
        If no treated unit has weights, a unit is not treated, or its weights do not fit the years
        or do not sum to zero.

    Examples
    --------
    >>> import pandas as pd
    >>> wide = pd.DataFrame([[1., 2., 5.], [1., 1., 1.], [0., 1., 2.]],
    ...                     index=["a", "b", "c"], columns=[2000, 2001, 2002])
    >>> g = pd.Series({"a": 2002, "b": 0, "c": 0})
    >>> custom_contrasts(Panel("y", wide), g, {"a": np.array([-1, 0, 1])}).estimate()
    3.0
    """
    g = check_cohorts(panel, cohort)
    treated = [int(i) for i in np.flatnonzero(g > 0)]
    names = [panel.units[i] for i in treated]
    strange = [u for u in years if u not in names]
    if strange or not years:
        what = f"unit {strange[0]} is not treated" if strange else "no treated unit is left"
        raise InputError(what, field="cohort")
    for unit, row in years.items():
        if np.shape(row) != (len(panel.years),) or abs(float(np.sum(row))) > 1e-9:
            raise InputError(
                f"unit {unit}: weights over {len(panel.years)} years that sum to zero are needed",
                field="years",
            )
    idle = np.zeros(len(panel.years))
    rows = np.array([years.get(u, idle) for u in names], dtype=float)
    if carrying is None:
        carrying = (g[:, None] > 0) & (np.array(panel.years)[None, :] >= g[:, None])
    lam = np.array([float(u in years) for u in names])
    return Contrasts(
        units=tuple(panel.units),
        slots=tuple(treated),
        years=tuple(int(g[i]) for i in treated),
        weight=lam / lam.sum(),
        d=rows @ panel.values.to_numpy(dtype=float).T,
        b=rows @ carrying.astype(float).T,
    )
