"""Each panel model as least squares on transformed rows: what its name does to the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import InputError
from evaluation.estimation.regression.formula import ModelRows
from evaluation.estimation.regression.least_squares import (
    LeastSquares,
    demean,
    independent_columns,
    least_squares,
)

__all__ = [
    "Transformed",
    "library_columns",
    "transform",
    "unit_means",
    "varying_within",
    "with_unit_means",
]

SAME = 1e-10  # differences below this share of a column's size are rounding


@dataclass(frozen=True)
class Transformed:
    """Rows on which a model is least squares.

    Parameters
    ----------
    y : numpy.ndarray
        Shape (rows,).
    x : pandas.DataFrame
        Shape (rows, terms).
    nuisance : numpy.ndarray
        Shape (rows, m): year effects and the like.
    absorb : numpy.ndarray or None
        Unit codes whose effects are taken out.
    weights : numpy.ndarray or None
        Weights.
    cluster : numpy.ndarray
        Labels of the clusters.
    """

    y: np.ndarray
    x: pd.DataFrame
    nuisance: np.ndarray
    absorb: np.ndarray | None
    weights: np.ndarray | None
    cluster: np.ndarray

    def fit(self) -> LeastSquares:
        """Fit them."""
        return least_squares(
            self.y,
            self.x.to_numpy(),
            self.cluster,
            names=[str(c) for c in self.x],
            nuisance=self.nuisance,
            absorb=self.absorb,
            weights=self.weights,
        )


def _years(rows: ModelRows, constant: bool) -> np.ndarray:
    """Year effects: all of them where no constant or unit effect stands for one."""
    if not rows.time_effects:
        return np.zeros((len(rows.y), 0))
    dummies = rows.year_dummies()
    return dummies if constant else np.column_stack([1 - dummies.sum(axis=1), dummies])


def unit_means(rows: ModelRows, values: np.ndarray) -> np.ndarray:
    """Return the mean over each unit's usable rows, shape (units, columns)."""
    counts = np.bincount(rows.unit)
    sums = [np.bincount(rows.unit, values[:, j]) for j in range(values.shape[1])]
    return np.array(sums).reshape(values.shape[1], -1).T / counts[:, None]


def varying_within(rows: ModelRows) -> list[str]:
    """Return the regressors that vary within units."""
    names = []
    for name in [c for c in rows.x if c != "Intercept"]:
        column = rows.x[[name]].to_numpy()
        off = np.abs(column - unit_means(rows, column)[rows.unit]).max()
        if off > SAME * np.abs(column).max():
            names.append(str(name))
    return names


def with_unit_means(rows: ModelRows) -> tuple[pd.DataFrame, np.ndarray]:
    """Add the unit means of what varies within units (Mundlak 1978).

    Returns
    -------
    x : pandas.DataFrame
        The regressors and ``mean(x)`` of each that varies both within and between units.
    years : numpy.ndarray
        Year effects, in an unbalanced panel with their unit means as well (Wooldridge 2019).
    """
    x = rows.x.copy()
    for name in varying_within(rows):
        mean = unit_means(rows, rows.x[[name]].to_numpy())[rows.unit, 0]
        if np.ptp(mean) > SAME * np.abs(mean).max():
            x[f"mean({name})"] = mean
    years = _years(rows, "Intercept" in rows.x)
    if rows.time_effects:
        means = unit_means(rows, years)[rows.unit]
        before = np.column_stack([np.ones(len(rows.y)), years, x.to_numpy()])
        # in a balanced panel they are the same for all units, and with few gaps they may be
        # what regressors that are constant in time already say
        kept = independent_columns(np.column_stack([before, means])) - before.shape[1]
        years = np.column_stack([years, means[:, kept[kept >= 0]]])
    return x, years


def _differences(rows: ModelRows) -> Transformed:
    position = np.searchsorted(rows.years, rows.year)
    follows = np.r_[False, (np.diff(rows.unit) == 0) & (np.diff(position) == 1)]
    now = np.flatnonzero(follows)
    if len(now) == 0:
        raise InputError("no unit has two neighbouring periods, so there is no difference to take")
    x = rows.x.drop(columns="Intercept", errors="ignore")
    years = rows.year_dummies() if rows.time_effects else np.zeros((len(rows.y), 0))
    w = rows.weights
    return Transformed(
        rows.y[now] - rows.y[now - 1],
        x.iloc[now] - x.iloc[now - 1].to_numpy(),
        years[now] - years[now - 1],
        None,
        # the variance of a difference is the sum of the two
        None if w is None else 1 / (1 / w[now] + 1 / w[now - 1]),
        rows.cluster[now],
    )


def _one_per_unit(rows: ModelRows) -> np.ndarray:
    """Return each unit's cluster, refusing a unit that lies in two."""
    first = np.unique(rows.unit, return_index=True)[1]
    same = rows.cluster == rows.cluster[first][rows.unit]
    if not same.all():
        at = int(np.argmin(same))
        raise InputError(
            f"unit {rows.units[rows.unit[at]]} lies in two clusters; this model needs clusters "
            "that hold whole units",
            field="cluster",
        )
    return rows.cluster[first]


def transform(rows: ModelRows, model: str, theta: np.ndarray | None = None) -> Transformed:
    """Return the rows on which a model is least squares.

    Parameters
    ----------
    rows : ModelRows
        The usable rows.
    model : {"fixed", "pooled", "first_difference", "between", "random", "mundlak"}
        The model.
    theta : numpy.ndarray, optional
        Shape (units,): share of the unit mean that is taken off (random, mundlak).

    Returns
    -------
    Transformed
        For the fixed model the unit effect stays to be absorbed.

    Raises
    ------
    InputError
        If a cluster cuts a unit in two, or there are no differences.
    """
    if model in ("fixed", "pooled"):
        x = rows.x.drop(columns="Intercept", errors="ignore") if model == "fixed" else rows.x
        constant = rows.entity_effects or "Intercept" in x
        absorb = rows.unit if rows.entity_effects else None
        return Transformed(rows.y, x, _years(rows, constant), absorb, rows.weights, rows.cluster)
    clusters = _one_per_unit(rows)
    if model == "first_difference":
        return _differences(rows)
    if model == "between":
        x = pd.DataFrame(unit_means(rows, rows.x.to_numpy()), columns=rows.x.columns)
        y = unit_means(rows, rows.y[:, None])[:, 0]
        for name in x:
            if name != "Intercept" and np.ptp(x[name]) <= SAME * np.abs(x[name]).max():
                raise InputError("has the same mean in every unit", field=str(name))
        return Transformed(y, x, np.zeros((len(y), 0)), None, None, clusters)
    if model == "mundlak":
        x, years = with_unit_means(rows)
    else:
        x, years = rows.x, _years(rows, "Intercept" in rows.x)
    if theta is None:
        theta = np.zeros(len(rows.units))
    whole = np.column_stack([rows.y, x.to_numpy(), years])
    off = theta[rows.unit, None] * (whole - demean(whole, rows.unit))
    part = whole - off
    k = 1 + x.shape[1]
    quasi = pd.DataFrame(part[:, 1:k], columns=x.columns, index=x.index)
    return Transformed(part[:, 0], quasi, part[:, k:], None, None, rows.cluster)


def library_columns(rows: ModelRows, model: str) -> pd.DataFrame:
    """Return the untransformed regressors of a model, year effects as columns at the end.

    For :mod:`linearmodels`, which transforms them itself; redundant columns are left out.
    """
    plain = transform(rows, "pooled" if model in ("first_difference", "random") else model)
    x, years = plain.x, plain.nuisance
    if model == "first_difference":
        x = x.drop(columns="Intercept", errors="ignore")
        differenced = _differences(rows).nuisance
        years = rows.year_dummies()[:, independent_columns(differenced)] if len(years.T) else years
    columns = pd.DataFrame(
        years, index=x.index, columns=[f"year {j}" for j in range(years.shape[1])]
    )
    return pd.concat([x, columns], axis=1)
