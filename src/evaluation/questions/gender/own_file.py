"""Women and men from a file of one's own: one row per unit, year and sex."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.data.files import (
    balanced_panel,
    number_column,
    read_table,
    text_column,
    year_column,
)
from evaluation.data.panel import Panel
from evaluation.design.comparison import matched_sets
from evaluation.errors import InputError
from evaluation.estimation.cohorts import without_always_treated
from evaluation.estimation.decomposition import Decomposition
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.estimation.few_treated.permutation import free_assignments, matched_assignments
from evaluation.estimation.gap_change import gap_change
from evaluation.estimation.joint import common_units
from evaluation.estimation.rounded import POINTS, rounded_estimate
from evaluation.language import Lang
from evaluation.questions.gender.gap import GapAnalysis, Test, analyse_gap
from evaluation.questions.gender.own_finding import cells_finding, gap_finding
from evaluation.questions.gender.printed import printed_cells, printed_gap
from evaluation.questions.gender.sample import CommonSample, common_sample
from evaluation.questions.own_columns import cohort_column, constant_by_unit, sex_column
from evaluation.results import Finding

__all__ = ["OwnCells", "OwnGap", "cells_file", "gap_file"]


@dataclass(frozen=True)
class OwnGap:
    """The answer for a file.

    Parameters
    ----------
    gap : GapAnalysis
        Effects, covariance, the joint test.
    sample : CommonSample
        Units lost for women, for men, and kept for both.
    finding : Finding
        Sentences, checks and grade.
    """

    gap: GapAnalysis
    sample: CommonSample
    finding: Finding

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "finding": self.finding.to_dict(),
            "gap": self.gap.to_dict(),
            "sample": self.sample.to_dict(),
        }

    def summary(self, lang: Lang = "en") -> str:
        """Return the answer as text for people."""
        return printed_gap(self.gap, self.sample, self.finding, lang)


@dataclass(frozen=True)
class OwnCells:
    """The answer for a file of counts of persons.

    Parameters
    ----------
    split : Decomposition
        The change of the gap and its parts, rounded.
    finding : Finding
        Sentences, checks and grade.
    """

    split: Decomposition
    finding: Finding

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return self.split.to_dict() | {"finding": self.finding.to_dict()}

    def summary(self, lang: Lang = "en") -> str:
        """Return the answer as text for people."""
        return printed_cells(self.split, self.finding, lang)


def _sexes(table: pd.DataFrame, column: str) -> pd.Series:
    """Read the column of sexes; totals alone are refused."""
    found = sex_column(table, column)
    there = set(found)
    if not {"K", "M"} <= there:
        what = "only totals" if there == {"T"} else f"only {' and '.join(sorted(there))}"
        raise InputError(
            f"{what}: the question of women and men needs rows for both, K and M",
            file=table.attrs.get("file"),
            field=column,
        )
    return found


def gap_file(
    path: str | Path,
    *,
    unit: str,
    time: str,
    outcome: str,
    cohort: str,
    sex: str,
    size: str | None = None,
    donors: int = 8,
    estimand: str = "cohort",
    inference: str = "permutation",
    margin: float | None = None,
    draws: int = 9999,
    seed: int = 1,
    alpha: float = 0.05,
) -> OwnGap:
    """Answer the question of women and men from a file.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV, .xlsx or .parquet: one row per unit, year and sex.
    unit, time, outcome, cohort, sex : str
        Columns; rows of totals are passed over.
    size : str, optional
        Column of size by unit: matched sets instead of any units, and for the rule.
    donors : int
        Donors per treated unit in matched sets.
    estimand, inference, margin, draws, seed, alpha
        As in :func:`evaluation.questions.gender.gap.analyse_gap`.

    Returns
    -------
    OwnGap
        On the units that have both sexes in every year.

    Raises
    ------
    InputError
        If only totals are there, with file, row and column; or as for the estimates.
    """
    table = read_table(path)
    sexes = _sexes(table, sex)
    rows = {s: table[sexes == s] for s in ("K", "M")}
    panels = {
        s: balanced_panel(part, unit=unit, time=time, outcome=outcome) for s, part in rows.items()
    }
    try:
        sample = common_sample(panels)
        women, men = common_units(panels["K"], panels["M"])
        cohorts = cohort_column(table, unit, cohort, women)
        women, always = without_always_treated(women, cohorts)
        if always:
            men, cohorts = men.select(women.units), cohorts[women.units]
        sizes = None
        if size is not None:
            numbers = number_column(table, size, positive=True)
            sizes = constant_by_unit(table, unit, numbers, size, women)
        treated = int((cohorts > 0).sum())
        others = len(cohorts) - treated
        if sizes is not None and treated * donors > others:
            raise InputError(
                f"{donors} for each of {treated} treated units are {treated * donors}; there are "
                f"{others}",
                field="--donors",
            )
        test = _test(women, cohorts, sizes, estimand, inference, donors, draws, seed)
        found = analyse_gap(
            women, men, cohorts, test, estimand=estimand, alpha=alpha, margin=margin
        )
    except InputError as error:
        raise error.placed(file=error.file or str(path)) from None
    finding = gap_finding(found, sample, women, cohorts, outcome, by_rule=inference == "auto")
    return OwnGap(found, sample, finding)


def _test(
    panel: Panel,
    cohort: pd.Series,
    size: pd.Series | None,
    estimand: str,
    inference: str,
    donors: int,
    draws: int,
    seed: int,
) -> Test:
    c = contrasts(panel, cohort, estimand)
    if size is None:
        picks = free_assignments(len(c.units), c.slots, draws, seed)
        return Test(picks, "any units", inference, None, seed)
    treated = [c.units[i] for i in c.slots]
    controls = [c.units[int(i)] for i in c.controls]
    sets = matched_sets(treated, controls, size, donors)
    picks = matched_assignments(c, sets, draws, seed)
    mechanism = f"any of {donors + 1} units of similar size in each set"
    return Test(picks, mechanism, inference, size, seed)


def cells_file(
    path: str | Path,
    *,
    unit: str,
    time: str,
    sex: str,
    category: str,
    persons: str,
    successes: str,
    cohort: str,
    alpha: float = 0.05,
) -> OwnCells:
    """Decompose the change of the gap from a file of counts.

    Parameters
    ----------
    path : str or pathlib.Path
        One row per unit, year, sex and category.
    unit, time, sex, category, persons, successes, cohort : str
        Columns.
    alpha : float
        One minus the level.

    Returns
    -------
    OwnCells
        What :func:`evaluation.estimation.gap_change.gap_change` gives, to one decimal and without
        a hash, and its finding. Small counts could be worked out from all digits, and tried out
        until a hash fits. Rounded parts may miss their sum by 0.1.

    Raises
    ------
    InputError
        With file, and row and column where one is at fault.
    """
    table = read_table(path, columns=(unit, time, sex, category, persons, successes, cohort))
    sexes = _sexes(table, sex)
    table = table[sexes != "T"]
    cells = pd.DataFrame(
        {
            "unit": text_column(table, unit),
            "year": year_column(table, time),
            "sex": sexes[table.index],
            "category": text_column(table, category),
            "persons": number_column(table, persons),
            "successes": number_column(table, successes),
        }
    )
    if cells["category"].nunique() < 2:
        raise InputError(
            f"the only category is {cells['category'].iloc[0]}; composition needs two",
            file=str(path),
            field=category,
        )
    starts = year_column(table, cohort, empty_is_zero=True)
    first = starts.groupby(cells["unit"]).agg(["min", "max"])
    unlike = first[first["min"] != first["max"]]
    if len(unlike):
        raise InputError(
            f"unit {unlike.index[0]} has two first treated years", file=str(path), field=cohort
        )
    try:
        split = gap_change(cells, first["min"], alpha=alpha)
    except InputError as error:
        raise error.placed(file=error.file or str(path)) from None
    shown = Decomposition(
        split.method,
        {k: rounded_estimate(e, POINTS, data_hash="") for k, e in split.estimates.items()},
    )
    return OwnCells(shown, cells_finding(shown))
