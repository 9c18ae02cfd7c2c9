"""A panel and its cohorts, checked together before anything is estimated."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError

__all__ = ["check_cohorts"]


def check_cohorts(panel: Panel, cohort: pd.Series, *, gaps: bool = False) -> np.ndarray:
    """Return the first treated year of each unit in the panel's order, 0 for never treated.

    Parameters
    ----------
    panel : Panel
        Shape (units, years).
    cohort : pandas.Series
        First treated year by unit; 0 for never treated.
    gaps : bool
        Whether years may be missing between the first and the last. An effect that is
        counted from the year before adoption does not allow it.

    Returns
    -------
    numpy.ndarray
        Shape (units,), int.

    Raises
    ------
    InputError
        If a year is missing, a unit has no cohort, a cohort lies outside the panel's years, a
        treated unit has no pre-period, none or all units are treated, or the outcome never
        varies.
    """
    known = cohort.reindex(panel.units)
    if known.isna().any():
        raise InputError(f"unit {known.index[known.isna()][0]} has no cohort", field="cohort")
    g = known.to_numpy(dtype=int)
    first, last = panel.years[0], panel.years[-1]
    for unit, year in zip(panel.units, g, strict=True):
        if year == 0:
            continue
        if year < first or year > last:
            raise InputError(
                f"unit {unit}: the first treated year {year} lies outside the data, "
                f"{first}–{last}; 0 or empty means never treated",
                field="cohort",
            )
        if year == first:
            raise InputError(
                f"unit {unit}: the first treated year {year} leaves no pre-period; "
                f"the data begin in {first}",
                field="cohort",
            )
    if not (g > 0).any():
        raise InputError("no unit is treated", field="cohort")
    if not (g == 0).any():
        raise InputError(
            "every unit is treated; a never-treated comparison group is needed", field="cohort"
        )
    for before, after in itertools.pairwise(panel.years):
        if after != before + 1 and not gaps:
            raise InputError(f"the year after {before} is missing", field=panel.outcome)
    if np.ptp(panel.values.to_numpy(dtype=float)) == 0:
        raise InputError("the outcome never varies", field=panel.outcome)
    return g
