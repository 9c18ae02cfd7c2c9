"""The effect question on a file of one's own, and the checks of data files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data import embedded
from evaluation.data.files import MISSING, balanced_panel, number_column, read_table, year_column
from evaluation.data.panel import Panel
from evaluation.design.comparison import matched_sets
from evaluation.errors import InputError
from evaluation.estimation.cohorts import check_cohorts
from evaluation.estimation.did.aggregation import aggregate as aggregate_effects
from evaluation.estimation.did.aggregation import event_study
from evaluation.estimation.did.callaway_santanna import callaway_santanna
from evaluation.estimation.did.two_way import two_way_fixed_effects
from evaluation.estimation.few_treated.contrasts import Contrasts, contrasts
from evaluation.estimation.few_treated.permutation import (
    free_assignments,
    matched_assignments,
    permutation_test,
)
from evaluation.questions.checks import ENOUGH_TREATED
from evaluation.results import Check, Estimate, EventStudy, GroupTime

__all__ = ["OwnEstimate", "check_file", "estimate_file"]


@dataclass(frozen=True)
class OwnEstimate:
    """What ``evaluation estimate`` prints.

    Parameters
    ----------
    result : Estimate
        The number asked for.
    event : EventStudy or None
        By time since adoption (not for twfe).
    group_time : GroupTime or None
        By cohort and period (not for twfe).
    checks : tuple of Check
        What a reader must know.
    """

    result: Estimate
    event: EventStudy | None
    group_time: GroupTime | None
    checks: tuple[Check, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON, in the command line's contract."""
        e = self.result.to_dict()
        events = self.event.to_dict()["rows"] if self.event else []
        return e | {
            "control_group": self.group_time.control_group if self.group_time else None,
            "event_study": [
                {
                    "time": x["event_time"],
                    "estimate": x["estimate"],
                    "std_error": x["std_error"],
                    "conf_int": [x["conf_low"], x["conf_high"]],
                    "band": [x["band_low"], x["band_high"]],
                    "n_treated": x["n_treated"],
                }
                for x in events
            ],
            "group_time": self.group_time.to_dict()["rows"] if self.group_time else [],
            "checks": [
                {"name": c.name, "passed": c.passed, "text": c.text_en} for c in self.checks
            ],
        }

    def summary(self) -> str:
        """Return the result as text for people."""
        parts = [self.result.summary()]
        if self.event:
            table = self.event.tidy().to_string(index=False, float_format=lambda v: f"{v:.4f}")
            parts.append(
                f"by event time ({self.event.inference}; band: {self.event.band})\n{table}"
            )
        mark = {True: "passed", False: "NOT PASSED", None: "cannot be judged"}
        parts.extend(f"{c.name}: {mark[c.passed]}. {c.text_en}" for c in self.checks)
        return "\n\n".join(parts)


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
            raise InputError(
                f"unit {name} has {value:g} here and {seen[1]:g} in row {seen[0]}; "
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
        if year != 0 and not panel.years[0] < year <= panel.years[-1]:
            row = int(table.index[table[unit] == name][0])
            reason = (
                f"leaves no pre-period; the data begin in {panel.years[0]}"
                if year == panel.years[0]
                else f"lies outside the data, {panel.years[0]}–{panel.years[-1]}; "
                "empty or 0 means never treated"
            )
            raise InputError(
                f"unit {name}: the first treated year {year} {reason}",
                file=table.attrs.get("file"),
                row=row,
                field=column,
            )
    try:
        check_cohorts(panel, cohort, gaps=True)
    except InputError as error:
        field = column if error.field == "cohort" else error.field
        raise error.placed(file=table.attrs.get("file"), field=field) from None
    return cohort


def _checks(panel: Panel, cohort: pd.Series) -> tuple[Check, ...]:
    n1 = int((cohort > 0).sum())
    n0 = len(cohort) - n1
    return (
        Check(
            "few_treated",
            min(n1, n0) >= ENOUGH_TREATED,
            f"{n1} behandlade mot {n0}.",
            f"{n1} treated against {n0} never treated; with fewer than {ENOUGH_TREATED} on "
            "either side analytic intervals are too short.",
            float(min(n1, n0)),
            float(ENOUGH_TREATED),
        ),
        Check(
            "balanced",
            not panel.dropped,
            f"{len(panel.dropped)} enheter utelämnade.",
            f"{len(panel.dropped)} units without a value in every year were left out"
            + (f": {', '.join(panel.dropped[:10])}." if panel.dropped else "."),
            float(len(panel.dropped)),
            0.0,
        ),
    )


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
    size: str | None = None,
    donors: int = 30,
    draws: int = 9999,
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
    method : {"cs", "twfe"}
        Callaway–Sant'Anna or two-way fixed effects.
    control : {"never", "notyet"}
        Comparison group (cs).
    aggregate : {"simple", "cohort", "dynamic", "calendar"}
        Which aggregate (cs).
    inference : {"analytic", "permutation"}
        Permutation takes cs, never-treated controls and the aggregates simple or cohort.
    size : str, optional
        Column of size for matched sets; without it any units may take the slots.
    donors : int
        Donors per treated unit, with ``size``.
    draws, seed : int
        Draws of permutation and band.
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
    if inference == "permutation":
        if method != "cs":
            raise InputError("permutation is there for method cs", field="--inference")
        if control != "never":
            raise InputError("permutation needs --control never", field="--control")
        if aggregate not in {"simple", "cohort"}:
            raise InputError(
                f"permutation takes simple or cohort, not {aggregate}", field="--aggregate"
            )
    elif size is not None:
        raise InputError("is used by --inference permutation only", field="--size")
    if method == "twfe" and (control != "never" or aggregate != "simple"):
        raise InputError("twfe takes neither --control nor --aggregate", field="--method")
    progress("data")
    table = read_table(path)
    panel = balanced_panel(table, unit=unit, time=time, outcome=outcome)
    cohorts = _cohort(table, unit, cohort, panel)
    checks = _checks(panel, cohorts)
    progress("estimation")
    try:
        if method == "twfe":
            fit = two_way_fixed_effects(panel, cohorts, alpha=alpha)
            return OwnEstimate(fit, None, None, checks)
        gt = callaway_santanna(
            panel,
            cohorts,
            control_group="never_treated" if control == "never" else "not_yet_treated",
            alpha=alpha,
        )
    except InputError as error:
        raise error.placed(file=str(path)) from None
    result = aggregate_effects(gt, aggregate)  # type: ignore[arg-type]
    if inference == "permutation":
        progress("permutation")
        c = contrasts(panel, cohorts, aggregate)
        sizes = None
        if size is not None:
            numbers = number_column(table, size, positive=True)
            sizes = _constant_by_unit(table, unit, numbers, size, panel)
        picks, mechanism = _assignments(c, sizes, donors, draws, seed)
        result = permutation_test(
            c, picks, seed=seed, alpha=alpha, like=result, mechanism=mechanism
        ).result
    return OwnEstimate(result, event_study(gt, draws=999, seed=seed), gt, checks)


def _assignments(
    c: Contrasts, sizes: pd.Series | None, donors: int, draws: int, seed: int
) -> tuple[np.ndarray, str]:
    """Draw assignments, matched on size where there is one, and say by what mechanism."""
    if sizes is None:
        picks = free_assignments(len(c.units), c.slots, draws, seed)
        return picks, "any units may have been the treated ones"
    treated = [c.units[s] for s in c.slots]
    others = [c.units[int(j)] for j in c.controls]
    try:
        sets = matched_sets(treated, others, sizes, donors)
    except InputError as error:
        raise error.placed(field="--donors") from None
    mechanism = f"any of {donors + 1} units nearest in {sizes.name} in each set"
    return matched_assignments(c, sets, draws, seed), mechanism


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
        found["treated"] = int((cohorts > 0).sum())
        found["cohorts"] = [int(c) for c in np.unique(cohorts[cohorts > 0])]
    return found
