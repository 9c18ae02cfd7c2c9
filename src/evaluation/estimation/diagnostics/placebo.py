r"""Placebos and stability: other dates, other outcomes, without one unit, around a break.

Every estimate here is a mean of unit contrasts against the never treated, so that it can be
permuted like the headline: a placebo date k years early is

.. math:: \frac{1}{k}\sum_{t=g-k}^{g-1} Y_{it} - Y_{i,g-k-1},

which uses nothing from the true adoption year g on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.cohorts import check_cohorts
from evaluation.estimation.diagnostics.refits import (
    Judge,
    Refits,
    by_permutation,
    contrast_estimate,
)
from evaluation.estimation.few_treated.contrasts import contrasts, custom_contrasts
from evaluation.estimation.windows import WHOLE, Windows, spells
from evaluation.results import Estimate

__all__ = [
    "break_donut",
    "leave_one_cohort_out",
    "leave_one_treated_out",
    "moved_adoption",
    "placebo_dates",
    "placebo_outcomes",
]


def _years_of(panel: Panel, cohort: pd.Series) -> dict[str, int]:
    """Return the first treated year of each treated unit."""
    g = check_cohorts(panel, cohort)
    return {u: int(year) for u, year in zip(panel.units, g, strict=True) if year > 0}


def _headline(
    panel: Panel, cohort: pd.Series, estimand: str, judge: Judge, windows: Windows = WHOLE
) -> Estimate:
    c = contrasts(panel, cohort, estimand, windows=windows)
    return contrast_estimate(panel, c, estimand, judge)


def placebo_dates(
    panel: Panel,
    cohort: pd.Series,
    years_early: Sequence[int] = (1, 2, 3),
    *,
    judge: Judge | None = None,
) -> Refits:
    """Estimate as if adoption had come earlier, on the years before it alone.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    years_early : sequence of int
        How many years earlier, each one an estimate.
    judge : Judge, optional
        P-values and intervals; free permutation by default.

    Returns
    -------
    Refits
        Treated units without the years for it are left out of that estimate, and noted.

    Raises
    ------
    InputError
        If a number of years is not positive, or as
        :func:`evaluation.estimation.cohorts.check_cohorts`.
    """
    judge = judge or by_permutation()
    first = _years_of(panel, cohort)
    years = np.array(panel.years)
    labels, estimates, skipped = [], [], []
    for k in years_early:
        if k < 1:
            raise InputError(f"adoption must be moved at least one year, not {k}", field="years")
        label = f"−{k}"
        rows = {
            u: ((years >= start - k) & (years < start)) / k - (years == start - k - 1)
            for u, start in first.items()
            if start - k - 1 >= years[0]
        }
        if not rows:
            skipped.append((label, "no treated unit has years enough before adoption"))
            continue
        without = [u for u in first if u not in rows]
        notes = (f"without {', '.join(without)}: too few years before",) if without else ()
        g = cohort.reindex(panel.units).to_numpy(dtype=int)[:, None]
        pretended = (g > 0) & (years[None, :] >= g - k) & (years[None, :] < g)
        c = custom_contrasts(panel, cohort, rows, carrying=pretended)
        labels.append(label)
        estimates.append(
            contrast_estimate(panel, c, f"placebo date, adoption {k} earlier", judge, notes=notes)
        )
    return Refits("placebo dates", None, tuple(labels), tuple(estimates), tuple(skipped))


def placebo_outcomes(
    panels: Mapping[str, Panel],
    cohort: pd.Series,
    *,
    estimand: str = "cohort",
    judge: Judge | None = None,
) -> Refits:
    """Estimate on outcomes that the treatment cannot have moved.

    Parameters
    ----------
    panels : mapping of str to Panel
        By name; each may have its own years.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    estimand : {"cohort", "simple"}
        The aggregate.
    judge : Judge, optional
        P-values and intervals; free permutation by default.

    Returns
    -------
    Refits
        One estimate per outcome; an outcome whose years do not span adoption is skipped.
    """
    judge = judge or by_permutation()
    labels, estimates, skipped = [], [], []
    for name, panel in panels.items():
        try:
            found = _headline(panel, cohort, estimand, judge)
        except InputError as error:
            skipped.append((name, error.problem))
            continue
        labels.append(name)
        estimates.append(found)
    return Refits("placebo outcomes", None, tuple(labels), tuple(estimates), tuple(skipped))


def _leave_out(
    kind: str,
    panel: Panel,
    cohort: pd.Series,
    groups: Mapping[str, Sequence[str]],
    estimand: str,
    judge: Judge,
    windows: Windows = WHOLE,
) -> Refits:
    base = _headline(panel, cohort, estimand, judge, windows)
    labels, estimates, skipped = [], [], []
    for label, gone in groups.items():
        rest = panel.select([u for u in panel.units if u not in gone])
        if not (cohort.reindex(rest.units) > 0).any():
            skipped.append((label, "no treated unit is left"))
            continue
        labels.append(label)
        estimates.append(_headline(rest, cohort, estimand, judge, windows))
    return Refits(kind, base, tuple(labels), tuple(estimates), tuple(skipped))


def leave_one_treated_out(
    panel: Panel, cohort: pd.Series, *, estimand: str = "cohort", judge: Judge | None = None
) -> Refits:
    """Estimate without each treated unit in turn; it does not become a control.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    estimand : {"cohort", "simple"}
        The aggregate.
    judge : Judge, optional
        P-values and intervals; free permutation by default.
    """
    groups = {u: [u] for u in _years_of(panel, cohort)}
    judge = judge or by_permutation()
    return _leave_out("without one treated unit", panel, cohort, groups, estimand, judge)


def leave_one_cohort_out(
    panel: Panel,
    cohort: pd.Series,
    *,
    estimand: str = "cohort",
    judge: Judge | None = None,
    windows: Windows = WHOLE,
) -> Refits:
    """Estimate without each cohort in turn; its units do not become controls.

    Parameters
    ----------
    panel, cohort, estimand, judge
        As in :func:`leave_one_treated_out`.
    windows : Windows
        Years that some units leave out.
    """
    groups: dict[str, list[str]] = {}
    for unit, year in sorted(_years_of(panel, cohort).items(), key=lambda item: item[1]):
        groups.setdefault(str(year), []).append(unit)
    judge = judge or by_permutation()
    return _leave_out("without one cohort", panel, cohort, groups, estimand, judge, windows)


def moved_adoption(
    panel: Panel,
    cohort: pd.Series,
    moves: Sequence[int] = (-1, 1),
    *,
    estimand: str = "cohort",
    judge: Judge | None = None,
) -> Refits:
    """Estimate with adoption a year earlier or later: all units together, and each alone.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    moves : sequence of int
        Years to move by.
    estimand : {"cohort", "simple"}
        The aggregate.
    judge : Judge, optional
        P-values and intervals; free permutation by default.

    Returns
    -------
    Refits
        Labels are ``"all +1"`` or ``"unit +1"``; a year that leaves no year before adoption, or
        lies after the last, is skipped.
    """
    judge = judge or by_permutation()
    first = _years_of(panel, cohort)
    base = _headline(panel, cohort, estimand, judge)
    labels, estimates, skipped = [], [], []
    for move in moves:
        shown = f"+{move}" if move > 0 else f"−{-move}"
        groups: dict[str, list[str]] = {f"all {shown}": list(first)}
        if len(first) > 1:
            groups |= {f"{u} {shown}": [u] for u in first}
        for label, moved in groups.items():
            other = cohort.copy()
            other.loc[moved] = [first[u] + move for u in moved]
            try:
                found = _headline(panel, other, estimand, judge)
            except InputError as error:
                skipped.append((label, error.problem))
                continue
            labels.append(label)
            estimates.append(found)
    return Refits("moved adoption", base, tuple(labels), tuple(estimates), tuple(skipped))


def break_donut(
    panel: Panel,
    cohort: pd.Series,
    break_year: int,
    *,
    width: int = 1,
    judge: Judge | None = None,
    windows: Windows = WHOLE,
) -> Refits:
    r"""Estimate on each side of a definition break, and without the years around it.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    break_year : int
        First year of the new definition: 2018 for a law of 1 January 2018.
    width : int
        Years left out on either side of the break in the donut.
    judge : Judge, optional
        P-values and intervals; free permutation by default.
    windows : Windows
        Years that some units leave out.

    Returns
    -------
    Refits
        ``before``: only years of the old definition. ``after``: base year and later years all of
        the new one, so only units that adopted at least a year after the break. ``donut``: the
        years ``break_year - width`` to ``break_year + width - 1`` are left out, also as base:
        then the last year before them is the base. Year effects absorb what the break does to all
        units alike, so these differ from the base estimate only if it did not.

    Raises
    ------
    InputError
        If the break does not lie within the panel's years, or the width is not positive.
    """
    judge = judge or by_permutation()
    first = _years_of(panel, cohort)
    years = np.array(panel.years)
    if not years[0] < break_year <= years[-1]:
        raise InputError(
            f"the break {break_year} must lie after {years[0]} and not after {years[-1]}",
            field="break_year",
        )
    if width < 1:
        raise InputError(f"the donut must leave out at least a year, not {width}", field="width")
    every = np.ones(len(years), dtype=bool)
    s = spells(panel, cohort, windows)
    treated = dict(zip(panel.units, s.treated(years), strict=True))
    carrying = s.treated(years)
    sides = {
        "before": years < break_year,
        "after": years >= break_year,
        "donut": (years < break_year - width) | (years >= break_year + width),
    }

    def rows(usable: np.ndarray, nearest: bool) -> dict[str, np.ndarray]:
        out = {}
        for unit, g in first.items():
            post = usable & treated[unit]
            bases = np.flatnonzero(usable & (years <= windows.base(unit, g)))
            if not post.any() or not len(bases):
                continue
            if not nearest and years[bases[-1]] != windows.base(unit, g):
                continue
            out[unit] = post / post.sum() - (np.arange(len(years)) == bases[-1])
        return out

    base = contrast_estimate(
        panel,
        custom_contrasts(panel, cohort, rows(every, False), carrying=carrying),
        "cohort",
        judge,
    )
    labels, estimates, skipped = [], [], []
    for label, usable in sides.items():
        found = rows(usable, label == "donut")
        if not found:
            skipped.append((label, "no treated unit has a base year and a treated year there"))
            continue
        without = [u for u in first if u not in found]
        notes = (f"without {', '.join(without)}",) if without else ()
        c = custom_contrasts(panel, cohort, found, carrying=carrying)
        labels.append(label)
        estimates.append(contrast_estimate(panel, c, f"cohort, {label}", judge, notes=notes))
    return Refits("definition break", base, tuple(labels), tuple(estimates), tuple(skipped))
