"""Simulated data of any size that every library in the benchmark starts from.

Needs numpy and pandas only, because the peers run it in an environment of their own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

YEARS = 15
FIRST_YEAR = 2010
ADOPTION = (2015, 2018, 2021)


def long_table(units: int) -> pd.DataFrame:
    """Make a balanced panel: a tenth of the units adopts in each of three years, small effect.

    Parameters
    ----------
    units : int
        At least ten.

    Returns
    -------
    pandas.DataFrame
        One row per unit and year, sorted: ``unit`` (int), ``time``, ``value``, ``cohort`` (0 for
        never treated), ``treated`` (0 or 1) and a covariate ``x``.
    """
    rng = np.random.default_rng(units)
    cohort = np.zeros(units, dtype=int)
    tenth = units // 10
    for place, year in enumerate(ADOPTION):
        cohort[place * tenth : (place + 1) * tenth] = year
    years = np.arange(FIRST_YEAR, FIRST_YEAR + YEARS)
    treated = (cohort[:, None] > 0) & (years[None, :] >= cohort[:, None])
    x = rng.standard_normal((units, YEARS))
    noise = rng.standard_normal((units, 1)) + rng.standard_normal((units, YEARS))
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(units), YEARS),
            "time": np.tile(years, units),
            "value": (noise + 0.2 * x + 0.1 * treated).ravel(),
            "cohort": np.repeat(cohort, YEARS),
            "treated": treated.ravel().astype(float),
            "x": x.ravel(),
        }
    )


def demeaned(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the two-way regression as arrays, unit effects taken out.

    Returns
    -------
    y : numpy.ndarray
        Shape (rows,).
    x : numpy.ndarray
        Shape (rows, years): treatment, then dummies of every year but the first.
    unit : numpy.ndarray
        Shape (rows,).
    """
    units = len(table) // YEARS
    dummies = np.tile(np.eye(YEARS)[:, 1:], (units, 1))
    columns = np.column_stack([table["value"], table["treated"], dummies])
    cube = columns.reshape(units, YEARS, -1)
    flat = (cube - cube.mean(axis=1, keepdims=True)).reshape(len(table), -1)
    return flat[:, 0], flat[:, 1:], table["unit"].to_numpy()


def event_moments(units: int) -> tuple[tuple[int, ...], np.ndarray, np.ndarray]:
    """Return event times −6 … 4 without −1 of the middle cohort, their effects and covariance."""
    table = long_table(units)
    values = table["value"].to_numpy().reshape(units, YEARS)
    cohort = table["cohort"].to_numpy()[::YEARS]
    base = ADOPTION[1] - 1 - FIRST_YEAR
    times = (-6, -5, -4, -3, -2, 0, 1, 2, 3, 4)
    change = values[:, [base + 1 + e for e in times]] - values[:, [base]]
    one, zero = change[cohort == ADOPTION[1]], change[cohort == 0]
    sigma = np.cov(one.T) / len(one) + np.cov(zero.T) / len(zero)
    return times, one.mean(axis=0) - zero.mean(axis=0), sigma
