"""Columns of a file of one's own, read in the roles that an estimate gives them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evaluation.data.files import (
    MISSING,
    balanced_panel,
    number_column,
    text_column,
    year_column,
)
from evaluation.data.panel import Panel
from evaluation.data.reading.cells import read_sex
from evaluation.errors import InputError
from evaluation.estimation.did.triple import gap_panel

__all__ = [
    "by_cell",
    "cluster_column",
    "cohort_column",
    "constant_by_unit",
    "sex_column",
    "two_groups",
]


def constant_by_unit(
    table: pd.DataFrame, unit: str, values: pd.Series, column: str, panel: Panel
) -> pd.Series:
    """Take one value per unit of values by row; a unit with two is reported with both rows."""
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


def cohort_column(table: pd.DataFrame, unit: str, column: str, panel: Panel) -> pd.Series:
    """Read the cohort column; a fault is reported with the row that shows it."""
    years = year_column(table, column, empty_is_zero=True)
    cohort = constant_by_unit(table, unit, years, column, panel)
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


def sex_column(table: pd.DataFrame, column: str) -> pd.Series:
    """Read a column of sexes as K, M and T, in the words that other files may use.

    Numbers are refused: files differ in which sex is 1.
    """
    sexes = text_column(table, column).map(read_sex)
    if sexes.isna().any():
        row = sexes.index[sexes.isna()][0]
        text = str(table.at[row, column])
        which = (
            "; files differ in which sex a number is, so write letters" if text.isdigit() else ""
        )
        raise InputError(
            f"{text!r} is none of K (women), M (men), T (all){which}",
            file=table.attrs.get("file"),
            row=int(str(row)),
            field=column,
        )
    return sexes


def by_cell(
    table: pd.DataFrame, unit: str, time: str, outcome: str, column: str, *, positive: bool = False
) -> pd.DataFrame:
    """Spread a number column over units and years; it may be empty where the outcome is."""
    rows = table[~table[outcome].isin(list(MISSING))]
    values = number_column(rows, column, positive=positive)
    frame = pd.DataFrame({"unit": rows[unit], "time": year_column(rows, time), "value": values})
    return frame.pivot(index="unit", columns="time", values="value")


def two_groups(
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


def cluster_column(table: pd.DataFrame, unit: str, column: str, panel: Panel) -> pd.Series:
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
    return constant_by_unit(table, unit, table[column], column, panel)
