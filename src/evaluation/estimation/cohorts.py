"""A panel and its cohorts, checked together before anything is estimated."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from pandas.api.types import is_string_dtype

from evaluation.data.panel import Panel
from evaluation.errors import InputError

__all__ = ["check_cohorts", "known_cohorts", "without_always_treated"]


def known_cohorts(panel: Panel, cohort: pd.Series) -> np.ndarray:
    """Return each unit's first treated year in the panel's order, 0 for never treated.

    Parameters
    ----------
    panel : Panel
        Shape (units, years).
    cohort : pandas.Series
        First treated year by unit; 0 for never treated.

    Returns
    -------
    numpy.ndarray
        Shape (units,), int.

    Raises
    ------
    InputError
        If a unit has no cohort, or one that is no whole year or lies after the last year.
    """
    if cohort.index.has_duplicates:
        twice = cohort.index[cohort.index.duplicated()][0]
        raise InputError(f"unit {twice} has two cohorts", field="cohort")
    # the same labels in the same order need no search
    same = cohort.index.equals(panel.values.index) and is_string_dtype(cohort.index)
    known = cohort if same else cohort.reindex(panel.units)
    if known.isna().any():
        raise InputError(f"unit {known.index[known.isna()][0]} has no cohort", field="cohort")
    try:
        years = known.to_numpy(dtype=float)
    except (TypeError, ValueError):
        raise InputError("the cohorts must be whole years", field="cohort") from None
    g = np.where(np.isfinite(years), years, -1).astype(int)
    first, last = panel.years[0], panel.years[-1]
    wrong = (years != g) | (g < 0) | (g > last)
    if wrong.any():
        i = int(wrong.argmax())
        raise InputError(
            f"unit {panel.units[i]}: the first treated year {years[i]:g} lies outside the data, "
            f"{first}–{last}; 0 or empty means never treated",
            field="cohort",
        )
    return g


def without_always_treated(panel: Panel, cohort: pd.Series) -> tuple[Panel, tuple[str, ...]]:
    """Leave out units that are treated from the first year on.

    They have no year before treatment, so they neither show an effect nor can serve as
    a comparison; R's ``did`` drops them likewise.

    Parameters
    ----------
    panel : Panel
        Shape (units, years).
    cohort : pandas.Series
        First treated year by unit; 0 for never treated.

    Returns
    -------
    Panel
        The others.
    tuple of str
        Who was left out.

    Raises
    ------
    InputError
        As :func:`known_cohorts`, or if nobody who is treated is left.
    """
    g = known_cohorts(panel, cohort)
    always = (g > 0) & (g <= panel.years[0])
    if not always.any():
        return panel, ()
    if always.all():
        raise InputError(
            f"every unit is treated from the first year, {panel.years[0]}, on, which leaves no "
            "pre-period",
            field="cohort",
        )
    if not (g[~always] > 0).any():
        raise InputError(
            f"no unit is treated after the first year, {panel.years[0]}; those treated from it on "
            "have no pre-period",
            field="cohort",
        )
    names = np.array(panel.units, dtype=object)
    return panel.select(list(names[~always])), tuple(names[always])


def check_cohorts(
    panel: Panel,
    cohort: pd.Series,
    *,
    gaps: bool = False,
    all_treated: bool = False,
    unbalanced: bool = False,
) -> np.ndarray:
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
    all_treated : bool
        Whether every unit may be treated, as long as they are not so from the same year.
    unbalanced : bool
        Whether a unit may lack some years.

    Returns
    -------
    numpy.ndarray
        Shape (units,), int.

    Raises
    ------
    InputError
        If a year is missing, a unit has no cohort, a cohort lies outside the panel's years, a
        treated unit has no pre-period, none or all units are treated, the outcome never
        varies, or the panel is unbalanced where that is not allowed.
    """
    g = known_cohorts(panel, cohort)
    first = panel.years[0]
    early = (g > 0) & (g <= first)
    if early.any():
        i = int(early.argmax())
        raise InputError(
            f"unit {panel.units[i]}: the first treated year {g[i]} "
            + (
                f"leaves no pre-period; the data begin in {first}"
                if g[i] == first
                else f"lies outside the data, {first}–{panel.years[-1]}; 0 or empty means never "
                "treated"
            ),
            field="cohort",
        )
    if not (g > 0).any():
        raise InputError("no unit is treated", field="cohort")
    if not (g == 0).any():
        if not all_treated:
            raise InputError(
                "every unit is treated; a never-treated comparison group is needed "
                "(not-yet-treated controls take the last cohort for it)",
                field="cohort",
            )
        if len(np.unique(g)) == 1:
            raise InputError(
                "every unit is treated from the same year, so there is nobody to compare with",
                field="cohort",
            )
    for before, after in itertools.pairwise(panel.years):
        if after != before + 1 and not gaps:
            raise InputError(
                f"the year after {before} is missing; add it, or number years and cohorts 1, 2, …",
                field=panel.outcome,
            )
    values = panel.values.to_numpy(dtype=float)
    missing = np.isnan(values)
    if missing.any() and not unbalanced:
        i, j = np.argwhere(missing)[0]
        raise InputError(
            f"unit {panel.units[i]} has no value in {panel.years[j]}; this method needs a "
            "balanced panel",
            field=panel.outcome,
        )
    if np.nanmax(values) == np.nanmin(values):
        raise InputError("the outcome never varies", field=panel.outcome)
    return g
