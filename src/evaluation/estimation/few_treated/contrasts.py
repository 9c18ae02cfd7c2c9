"""Every aggregate of group-time effects is a weighted sum of unit contrasts.

With never-treated controls and no covariates,

    estimate = Σ_s λ_s ( d_{i(s)}(s) − mean over controls of d_c(s) ),
    d_i(s)   = Σ_t a_s(t) Y_it ,

one slot s per treated unit, with weights a_s over years and λ over slots. That makes
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
from evaluation.estimation.windows import WHOLE, Spells, Windows, spells

__all__ = [
    "Contrasts",
    "contrasts",
    "custom_contrasts",
    "event_contrasts",
    "partial_contrasts",
    "year_profiles",
]


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
    panel: Panel, s: Spells, rows: Mapping[int, np.ndarray], weight: Mapping[int, float]
) -> Contrasts:
    years = np.array(panel.years)
    treated = [int(i) for i in np.flatnonzero(s.first > 0)]
    y = panel.values.to_numpy(dtype=float)
    # a slot that this aggregate does not reach keeps its place with weight zero, so that
    # its unit never slips into the comparison group
    idle = np.zeros(len(years))
    lam = np.array([weight.get(i, 0.0) for i in treated])
    a = np.array([rows.get(i, idle) for i in treated])
    return Contrasts(
        units=tuple(panel.units),
        slots=tuple(treated),
        years=tuple(int(s.first[i]) for i in treated),
        weight=lam / lam.sum(),
        d=a @ y.T,
        b=a @ s.treated(years).astype(float).T,
    )


def year_profiles(
    panel: Panel, s: Spells, estimand: str
) -> tuple[dict[int, np.ndarray], dict[int, float]]:
    """Return each treated unit's weights over years, and its own weight.

    Parameters
    ----------
    panel : Panel
        Its years.
    s : Spells
        Its units.
    estimand : {"cohort", "simple"}
        The aggregate.

    Returns
    -------
    rows : dict of int to numpy.ndarray
        By position of the unit, shape (years,): the mean of its treated years less its base.
    weight : dict of int to float
        By position of the unit: 1, or the number of treated years.

    Raises
    ------
    InputError
        If the estimand is another one.
    """
    if estimand not in {"cohort", "simple"}:
        raise InputError(
            f"{estimand!r} cannot be permuted here; cohort and simple can", field="estimand"
        )
    years = np.array(panel.years)
    treated = s.treated(years)
    rows, weight = {}, {}
    for i in map(int, np.flatnonzero(s.first > 0)):
        post = treated[i]
        rows[i] = post / post.sum() - (years == s.base[i])
        weight[i] = 1.0 if estimand == "cohort" else float(post.sum())
    return rows, weight


def contrasts(
    panel: Panel, cohort: pd.Series, estimand: str = "cohort", *, windows: Windows = WHOLE
) -> Contrasts:
    """Return the unit contrasts of an aggregate.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    estimand : {"cohort", "simple"}
        As in :func:`evaluation.estimation.did.aggregation.aggregate`.
    windows : Windows
        Years that some units leave out: a slot's base lies before its partly exposed years, its
        treated years end with its treatment. A unit that an assignment puts into the slot has the
        slot's years, not its own.

    Returns
    -------
    Contrasts
        Its ``estimate()`` equals the aggregate of the group-time effects.

    Raises
    ------
    InputError
        If the estimand is another one, or as for
        :func:`evaluation.estimation.windows.spells`.

    Examples
    --------
    >>> import pandas as pd
    >>> wide = pd.DataFrame([[1., 2., 5.], [1., 1., 1.], [0., 1., 2.]],
    ...                     index=["a", "b", "c"], columns=[2000, 2001, 2002])
    >>> c = contrasts(Panel("y", wide), pd.Series({"a": 2002, "b": 0, "c": 0}))
    >>> c.estimate()  # (5 - 2) - mean(1 - 1, 2 - 1)
    2.5
    """
    s = spells(panel, cohort, windows)
    return _build(panel, s, *year_profiles(panel, s, estimand))


def event_contrasts(
    panel: Panel, cohort: pd.Series, *, windows: Windows = WHOLE
) -> dict[int, Contrasts]:
    """Return the unit contrasts of every event time, varying base before adoption.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    windows : Windows
        Years that some units leave out. The base is event time −1 for every unit, so that the
        times before it count from the base and those from 0 on from the first treated year;
        partly exposed years lie between and are in :func:`partial_contrasts`.

    Returns
    -------
    dict of int to Contrasts
        By event time; a slot weighs zero where the panel does not reach its event year.
    """
    s = spells(panel, cohort, windows)
    years = np.array(panel.years)
    out: dict[int, Contrasts] = {}
    treated = [int(i) for i in np.flatnonzero(s.first > 0)]
    ages = [int(y - s.first[i]) for i in treated for y in (years[0], years[-1])]
    for e in range(min(ages) + 1, max(ages) + 1):
        rows = {}
        for i in treated:
            t = (s.first[i] if e >= 0 else s.base[i] + 1) + e
            base = s.base[i] if e >= 0 else t - 1
            if t <= s.last[i] and base >= years[0]:
                rows[i] = (years == t).astype(float) - (years == base)
        if rows:
            out[e] = _build(panel, s, rows, dict.fromkeys(rows, 1.0))
    return out


def partial_contrasts(panel: Panel, cohort: pd.Series, windows: Windows) -> Contrasts | None:
    """Return the contrasts of the partly exposed years against the base.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    windows : Windows
        Which years are partly exposed.

    Returns
    -------
    Contrasts or None
        Every unit with such years weighs the same; None where no unit has any.

    Examples
    --------
    >>> import pandas as pd
    >>> wide = pd.DataFrame([[1., 2., 5.], [1., 1., 1.], [0., 1., 2.]],
    ...                     index=["a", "b", "c"], columns=[2000, 2001, 2002])
    >>> g = pd.Series({"a": 2002, "b": 0, "c": 0})
    >>> partial_contrasts(Panel("y", wide), g, Windows({"a": 1})).estimate()
    0.5
    """
    s = spells(panel, cohort, windows)
    years = np.array(panel.years)
    t = years[None, :]
    between = (s.first > 0)[:, None] & (t > s.base[:, None]) & (t < s.first[:, None])
    rows = {
        panel.units[i]: between[i] / between[i].sum() - (years == s.base[i])
        for i in map(int, np.flatnonzero(s.partial > 0))
    }
    return custom_contrasts(panel, cohort, rows, carrying=between) if rows else None


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
        Shape (units, years): where the hypothesised effect stands, or how much of it; from
        adoption on by default.

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
