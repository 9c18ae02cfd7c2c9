"""Group-time effects where units leave out years: partly exposed ones, and those after the end.

One run of :func:`evaluation.estimation.did.callaway_santanna.callaway_santanna` per kind of unit
(partly exposed years, last treated year), with those years as its anticipation. The runs share the
never treated; cells of the same cohort and period are averaged over their units.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.estimation.did.aggregation import cell_errors
from evaluation.estimation.did.callaway_santanna import callaway_santanna
from evaluation.estimation.windows import Spells, Windows, spells
from evaluation.results import GroupTime

__all__ = ["left_out_notes", "windowed_group_time"]


def windowed_group_time(
    panel: Panel, cohort: pd.Series, windows: Windows, *, aligned: bool = False, alpha: float = 0.05
) -> GroupTime:
    r"""Estimate ATT(g, t) with each unit's own base and last treated year.

    .. math:: ATT(g,t) = E[Y_t - Y_{b_i} \mid G=g] - E[Y_t - Y_{b_i} \mid C],
        \qquad g \le t \le l_i,\quad b_i = g - 1 - k_i

    with k_i partly exposed years left out. Before the base, cells are one-year placebo effects.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    windows : Windows
        What is left out.
    aligned : bool
        Whether the placebo periods are moved later by the partly exposed years, so that the
        base is event time −1 for every unit. For event studies; the calendar years of placebo
        cells are then not the true ones.
    alpha : float
        One minus the level of later intervals.

    Returns
    -------
    GroupTime
        As the plain estimator gives, and the same where nothing is left out. Where units of one
        cohort end in different years, the ``cohort`` aggregate weighs the cohort's years
        alike, not its units.

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.windows.spells`.
    """
    if windows.plain:
        return callaway_santanna(panel, cohort, alpha=alpha)
    s = spells(panel, cohort, windows)
    units = np.array(panel.units, dtype=object)
    never = s.first == 0
    cells: dict[tuple[int, int], list[tuple[np.ndarray, float, np.ndarray]]] = {}
    part: GroupTime | None = None
    for k, last in sorted({(int(k), int(e)) for k, e in zip(s.partial, s.last, strict=True) if e}):
        kind = ~never & (s.partial == k) & (s.last == last)
        rows = np.flatnonzero(kind | never)
        part = callaway_santanna(
            panel.select(list(units[rows])), cohort, anticipation=k, alpha=alpha
        )
        for j, (g, t) in enumerate(zip(part.cohort, part.period, strict=True)):
            if t > last or g - k <= t < g:
                continue
            influence = np.zeros(len(units))
            influence[rows] = part.influence[:, j]
            key = (g, t + k if aligned and t < g else t)
            cells.setdefault(key, []).append((kind & (s.first == g), part.estimate[j], influence))
    assert part is not None
    keys = sorted(cells)
    value, columns, carrying = [], [], []
    for key in keys:
        members, estimates, influences = zip(*cells[key], strict=True)
        size = [int(m.sum()) for m in members]
        value.append(float(np.average(estimates, weights=size)))
        columns.append(np.average(influences, axis=0, weights=size))
        # units of the cohort that a cell does not reach weigh nothing in it
        carrying.append(never | np.any(members, axis=0))
    psi = np.column_stack(columns)
    return replace(
        part,
        cohort=tuple(g for g, _ in keys),
        period=tuple(t for _, t in keys),
        estimate=tuple(value),
        std_error=cell_errors(psi, None),
        influence=psi,
        unit_cohort=s.first,
        n_obs=panel.values.size - int(s.left_out(np.array(panel.years)).sum()),
        data_hash=panel.hash(),
        notes=(*part.notes, *left_out_notes(panel, s)),
        weight=np.column_stack(carrying).astype(float),
    )


def left_out_notes(panel: Panel, s: Spells) -> tuple[str, ...]:
    """Say how many unit-years were left out, and of how many units.

    Parameters
    ----------
    panel : Panel
        Its years.
    s : Spells
        Its units.

    Returns
    -------
    tuple of str
        One sentence for partly exposed years and one for years after the end, as far as there
        are any.
    """
    years = np.array(panel.years)
    part = int(s.partial[s.first > 0].sum())
    after = np.where(s.first > 0, years[-1] - s.last, 0)
    notes = []
    if part:
        n = int((s.partial > 0).sum())
        notes.append(
            f"{part} partly exposed unit-years before the first treated year of {n} "
            f"{'unit' if n == 1 else 'units'} were left out, neither base nor treated"
        )
    if after.sum():
        n = int((after > 0).sum())
        notes.append(
            f"{int(after.sum())} unit-years after the end of treatment of {n} "
            f"{'unit' if n == 1 else 'units'} were left out"
        )
    return tuple(notes)
