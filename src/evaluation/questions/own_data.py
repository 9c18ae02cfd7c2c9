"""The effect question on a file of one's own, and the checks of data files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data import embedded
from evaluation.data.files import MISSING, balanced_panel, number_column, read_table, year_column
from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.cohorts import without_always_treated
from evaluation.estimation.did.aggregation import aggregate as aggregate_effects
from evaluation.estimation.did.aggregation import event_study
from evaluation.estimation.did.callaway_santanna import callaway_santanna
from evaluation.estimation.did.imputation import imputation, two_stage
from evaluation.estimation.did.multiplier import multiplier_bootstrap
from evaluation.estimation.did.sample import prepare
from evaluation.estimation.did.saturated import extended_two_way, sun_abraham
from evaluation.estimation.did.stacked import stacked
from evaluation.estimation.did.synthetic_did import synthetic_did
from evaluation.estimation.did.triple import gap_panel
from evaluation.estimation.did.two_way import two_way_fixed_effects
from evaluation.questions.own_options import METHODS, check_options
from evaluation.questions.own_permutation import permuted
from evaluation.questions.own_result import OwnEstimate, own_checks
from evaluation.results import Estimate, EventStudy, GroupTime

__all__ = ["METHODS", "OwnEstimate", "check_file", "estimate_file"]

BAND_DRAWS = 999
GROUP_TIME: Mapping[str, Callable[..., GroupTime]] = {
    "cs": callaway_santanna,
    "sunab": sun_abraham,
    "imputation": imputation,
    "twostage": two_stage,
    "etwfe": extended_two_way,
}
CONTROLS = {"never": "never_treated", "notyet": "not_yet_treated"}


def _constant_by_unit(
    table: pd.DataFrame, unit: str, values: pd.Series, column: str, panel: Panel
) -> pd.Series:
    units = table[unit]
    first: dict[str, tuple[int, Any]] = {}
    for row, name in units.items():
        line = int(str(row))
        value = values[line]
        seen = first.setdefault(name, (line, value))
        if seen[1] != value:
            here, there = (f"{v:g}" if isinstance(v, float) else v for v in (value, seen[1]))
            raise InputError(
                f"unit {name} has {here} here and {there} in row {seen[0]}; "
                "one value per unit is needed",
                file=table.attrs.get("file"),
                row=line,
                field=column,
            )
    return pd.Series({u: first[u][1] for u in panel.units}, name=column)


def _cohort(table: pd.DataFrame, unit: str, column: str, panel: Panel) -> pd.Series:
    """Read the cohort column; a fault is reported with the row that shows it."""
    years = year_column(table, column, empty_is_zero=True)
    cohort = _constant_by_unit(table, unit, years, column, panel)
    for name, year in cohort.items():
        if year < 0 or year > panel.years[-1]:
            raise InputError(
                f"unit {name}: the first treated year {year} lies outside the data, "
                f"{panel.years[0]}–{panel.years[-1]}; empty or 0 means never treated",
                file=table.attrs.get("file"),
                row=int(table.index[table[unit] == name][0]),
                field=column,
            )
    return cohort


def _by_cell(
    table: pd.DataFrame, unit: str, time: str, outcome: str, column: str, *, positive: bool = False
) -> pd.DataFrame:
    """Spread a number column over units and years; it may be empty where the outcome is."""
    rows = table[~table[outcome].isin(list(MISSING))]
    values = number_column(rows, column, positive=positive)
    frame = pd.DataFrame({"unit": rows[unit], "time": year_column(rows, time), "value": values})
    return frame.pivot(index="unit", columns="time", values="value")


def _two_groups(
    table: pd.DataFrame, column: str, unit: str, time: str, outcome: str, keep_gaps: bool
) -> tuple[Panel, str]:
    """Read the gap between the two groups that a column names, in alphabetical order."""
    if column not in table.columns:
        raise InputError(
            f"there is no such column; the file has {', '.join(map(str, table.columns))}",
            file=table.attrs.get("file"),
            row=1,
            field=column,
        )
    names = sorted(set(table[column]))
    if len(names) != 2 or "" in names:
        raise InputError(
            f"a triple difference needs two groups; there are {len(names)}: "
            + ", ".join(map(repr, names[:5])),
            file=table.attrs.get("file"),
            field=column,
        )
    one, two = (
        balanced_panel(
            table[table[column] == n], unit=unit, time=time, outcome=outcome, keep_gaps=keep_gaps
        )
        for n in names
    )
    return gap_panel(one, two), f"{names[0]} minus {names[1]}"


def estimate_file(
    path: str | Path,
    *,
    unit: str,
    time: str,
    outcome: str,
    cohort: str,
    method: str = "cs",
    control: str = "never",
    aggregate: str = "simple",
    inference: str = "analytic",
    weights: str | None = None,
    covariates: tuple[str, ...] = (),
    cluster: str | None = None,
    anticipation: int = 0,
    est_method: str | None = None,
    base: str | None = None,
    unbalanced: str = "drop",
    window: tuple[int, int] | None = None,
    variance: str | None = None,
    triple: str | None = None,
    multiplier: str = "rademacher",
    size: str | None = None,
    donors: int = 30,
    draws: int | None = None,
    seed: int = 1,
    alpha: float = 0.05,
    progress: Callable[[str], None] = lambda _: None,
) -> OwnEstimate:
    """Estimate an effect from a CSV with one row per unit and year.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    unit, time, outcome, cohort : str
        Columns; ``cohort`` is the first treated year, empty or 0 for never treated.
    method : str
        A key of ``METHODS``.
    control : {"never", "notyet"}
        Comparison group (cs, stacked).
    aggregate : {"simple", "cohort", "dynamic", "calendar"}
        Which aggregate; stacked, twfe and sdid have one number of their own.
    inference : {"analytic", "multiplier", "permutation"}
        Permutation takes cs, never-treated controls and the aggregates simple or cohort.
    weights, cluster : str, optional
        Columns: weights of the observations; clusters that units are nested in.
    covariates : tuple of str
        Columns.
    anticipation : int
        Years before adoption in which the effect may already show.
    est_method : {"dr", "ipw", "reg"}, optional
        How cs uses covariates; dr without it.
    base : {"varying", "universal"}, optional
        Base of the years before adoption (cs); varying without it.
    unbalanced : {"drop", "keep"}
        Leave out units with a gap, or use what there is of them.
    window : tuple of int, optional
        Years before and after adoption (stacked).
    variance : {"placebo", "jackknife"}, optional
        Of sdid; placebo without it.
    triple : str, optional
        Column of two groups within every unit and year: the effect on their gap.
    multiplier : {"rademacher", "mammen"}
        Distribution of the multiplier bootstrap.
    size : str, optional
        Column of size for matched sets; without it any units may take the slots.
    donors : int
        Donors per treated unit, with ``size``.
    draws : int, optional
        Draws of permutation and multiplier bootstrap (9,999) or of sdid's placebos (200).
    seed : int
        Seed of all draws.
    alpha : float
        One minus the level.
    progress : callable
        Called with the name of each step as it begins.

    Returns
    -------
    OwnEstimate
        The result with event study, group-time effects and checks.

    Raises
    ------
    InputError
        If the file or the combination of options is at fault.
    """
    asked = {
        "control": control != "never",
        "covariates": bool(covariates),
        "weights": weights is not None,
        "cluster": cluster is not None,
        "anticipation": anticipation != 0,
        "est_method": est_method is not None,
        "base": base is not None,
        "unbalanced": unbalanced != "drop",
        "window": window is not None,
        "variance": variance is not None,
    }
    check_options(method, inference, aggregate, asked, size)
    if triple is not None and (covariates or weights):
        name = "--covariates" if covariates else "--weights"
        raise InputError("cannot be combined with --triple", field=name)
    progress("data")
    table = read_table(path)
    keep = unbalanced == "keep"
    names = {"unit": unit, "time": time, "outcome": outcome}
    gap = ""
    if triple is None:
        panel = balanced_panel(table, **names, keep_gaps=keep)
    else:
        panel, gap = _two_groups(table, triple, **names, keep_gaps=keep)
    try:
        cohorts = _cohort(table, unit, cohort, panel)
        given: dict[str, Any] = {}
        if weights is not None:
            given["weights"] = _by_cell(table, unit, time, outcome, weights, positive=True)
        if covariates:
            given["covariates"] = {c: _by_cell(table, unit, time, outcome, c) for c in covariates}
        if cluster is not None:
            given["cluster"] = _clusters(table, unit, cluster, panel)
        if anticipation:
            given["anticipation"] = anticipation
        inner, always = without_always_treated(panel, cohorts)
        progress("estimation")
        result: Estimate
        event: EventStudy | None = None
        gt: GroupTime | None = None
        if method == "twfe":
            result = two_way_fixed_effects(panel, cohorts, alpha=alpha, **given)
        elif method == "sdid":
            more = {k: v for k, v in (("variance", variance), ("draws", draws)) if v is not None}
            fit = synthetic_did(panel, cohorts, seed=seed, alpha=alpha, **more)  # type: ignore[arg-type]
            result, event = fit.result, fit.event
        elif method == "stacked":
            pre, post = window or (None, None)
            stack = stacked(
                panel, cohorts, pre=pre, post=post, control_group=CONTROLS[control],  # type: ignore[arg-type]
                alpha=alpha, draws=BAND_DRAWS, seed=seed, **given,
            )  # fmt: skip
            result, event, gt = stack.result, stack.event, stack.group_time
        else:
            if method == "cs":
                given["control_group"] = CONTROLS[control]
                given |= {k: v for k, v in (("est_method", est_method), ("base", base)) if v}
            gt = GROUP_TIME[method](panel, cohorts, alpha=alpha, **given)
            result = aggregate_effects(gt, aggregate)  # type: ignore[arg-type]
            if inference == "multiplier":
                result = multiplier_bootstrap(
                    gt, aggregate, kind=multiplier, draws=draws or 9999, seed=seed  # type: ignore[arg-type]
                )  # fmt: skip
            if inference == "permutation":
                progress("permutation")
                sizes = None
                if size is not None:
                    numbers = number_column(table, size, positive=True)
                    sizes = _constant_by_unit(table, unit, numbers, size, panel)
                result, event = permuted(
                    inner, cohorts, aggregate, result,
                    sizes=sizes, donors=donors, draws=draws or 9999, seed=seed,
                )  # fmt: skip
            else:
                event = event_study(gt, draws=BAND_DRAWS, seed=seed)
    except InputError as error:
        columns = {"cohort": cohort, "weights": weights, "cluster": cluster, "time": time,
                   "covariates": "--covariates", "anticipation": "--anticipation",
                   "window": "--window", "variance": "--variance",
                   panel.outcome: outcome}  # fmt: skip
        field = columns.get(error.field or "", error.field)
        # an option is named alone, whatever else stands in the file
        place = error.file or (None if (field or "").startswith("--") else str(path))
        raise InputError(error.problem, file=place, row=error.row, field=field) from None
    if gap:
        result = _as_triple(result, gap)
    return OwnEstimate(result, event, gt, own_checks(panel, always, result))


def _clusters(table: pd.DataFrame, unit: str, column: str, panel: Panel) -> pd.Series:
    """Read the cluster column: any text, one per unit."""
    if column not in table.columns:
        raise InputError(
            f"there is no such column; the file has {', '.join(map(str, table.columns))}",
            file=table.attrs.get("file"),
            row=1,
            field=column,
        )
    for row, text in table[column].items():
        if text in MISSING:
            raise InputError(
                "is empty; a cluster is needed",
                file=table.attrs.get("file"),
                row=int(str(row)),
                field=column,
            )
    return _constant_by_unit(table, unit, table[column], column, panel)


def _as_triple(result: Estimate, gap: str) -> Estimate:
    """Say that the number is an effect on a gap, and which."""
    from dataclasses import replace

    return replace(
        result,
        method=f"triple difference, {result.method}",
        notes=(*result.notes, f"the effect is on the gap {gap} within unit and year"),
    )


def check_file(
    path: str | Path, *, unit: str, time: str, outcome: str, cohort: str | None = None
) -> dict[str, Any]:
    """Check a file cell by cell and say what it holds.

    Parameters
    ----------
    path : str or pathlib.Path
        A CSV with one row per unit and year.
    unit, time, outcome : str
        Columns.
    cohort : str, optional
        Column of the first treated year.

    Returns
    -------
    dict of str to object
        Counts of rows, units, years and missing values, and the units that an estimate
        would leave out.

    Raises
    ------
    InputError
        At the first cell that is not what it should be.
    """
    table = read_table(path)
    panel = balanced_panel(table, unit=unit, time=time, outcome=outcome)
    known = set(embedded.municipalities().index)
    units = set(table[unit])
    found: dict[str, Any] = {
        "rows": len(table),
        "units": len(units),
        "units_of_the_290": len(units & known),
        "years": f"{panel.years[0]}–{panel.years[-1]}",
        "years_missing": sorted(set(range(panel.years[0], panel.years[-1])) - set(panel.years)),
        "missing_values": int(table[outcome].isin(list(MISSING)).sum()),
        "units_left_out": list(panel.dropped),
    }
    if cohort is not None:
        cohorts = _cohort(table, unit, cohort, panel)
        try:
            prepare(panel, cohorts, all_treated=True, gaps=True)
        except InputError as error:
            field = cohort if error.field == "cohort" else error.field
            raise InputError(error.problem, file=str(path), field=field) from None
        found["always_treated"] = list(without_always_treated(panel, cohorts)[1])
        found["treated"] = int((cohorts > 0).sum())
        found["cohorts"] = [int(c) for c in np.unique(cohorts[cohorts > 0])]
    return found
