"""Users' files: read, checked cell by cell, refused with file, row and field."""

from __future__ import annotations

import csv
import datetime
import io
import math
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from evaluation.data.grid import EXCEL, PARQUET, read_grids, read_parquet
from evaluation.data.panel import Panel
from evaluation.errors import InputError, read_text

__all__ = [
    "balanced_panel",
    "long_values",
    "number_column",
    "panel_from_long",
    "read_table",
    "text_column",
    "year_column",
]

LAST_YEAR = 9999
LARGEST = 1e100
MISSING = frozenset({"", "NA", "NaN", "nan", ".."})


def read_table(path: str | Path, *, columns: Collection[str] = ()) -> pd.DataFrame:
    """Read a CSV, a workbook or Parquet as text, with the line number of each row as index.

    Comma, semicolon and tab are told apart by the header line; a decimal comma is read
    where the separator is a semicolon. A byte-order mark is ignored. A workbook
    (``.xlsx``) must have one visible sheet with the header in its first row; cells in per
    cent format are multiplied by 100, as they are shown. Rows of Parquet are counted as
    if a header stood above them.

    Parameters
    ----------
    path : str or pathlib.Path
        A CSV file in UTF-8 with one header line, a workbook, or Parquet.
    columns : collection of str
        Tell the sheet to read where a workbook has several: the one that bears them all.

    Returns
    -------
    pandas.DataFrame
        Text columns; the index is the line in the file, the header being line 1.

    Raises
    ------
    InputError
        If the file is missing, unreadable, empty, has no data rows, repeats a column
        name, or a row has more or fewer fields than the header.
    """
    name = str(path)
    if Path(path).suffix.lower() in EXCEL | PARQUET:
        return _table(name, *_cells(Path(path), columns), separator="")
    text = read_text(path, "utf-8-sig", "; in Excel save as «CSV UTF-8»")
    if not text.strip():
        raise InputError("is empty; a header line and data rows are needed", file=name)
    header = text.lstrip().splitlines()[0]
    separator = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        start = 1
        for row in reader:
            line, start = start, reader.line_num + 1
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                lines.append(line)
    except csv.Error as error:
        raise InputError(f"is not a CSV: {error}", file=name, row=start) from None
    return _table(name, rows[0], rows[1:], lines[1:], separator)


def _table(
    name: str, columns: list[str], rows: list[list[str]], lines: list[int], separator: str
) -> pd.DataFrame:
    """Check that rows are as long as their header and columns have names of their own."""
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(columns):
            printed = "; «evaluation data import» reads printed tables" if len(columns) == 1 else ""
            problem = f"has {len(row)} fields where the header has {len(columns)}{printed}"
            raise InputError(problem, file=name, row=line)
    for column in columns:
        if columns.count(column) > 1:
            raise InputError("this column name stands twice", file=name, row=1, field=column)
    if not rows:
        raise InputError("has a header but no data rows", file=name)
    table = pd.DataFrame(rows, columns=columns, index=pd.Index(lines, name="row"), dtype=str)
    table.attrs.update(file=name, separator=separator, decimal_comma=separator == ";")
    return table


def _cells(path: Path, columns: Collection[str]) -> tuple[list[str], list[list[str]], list[int]]:
    """Return header, rows and line numbers of a workbook or of Parquet, as text."""
    if path.suffix.lower() in PARQUET:
        frame = read_parquet(path)
        texts = [[_as_text(c) for c in frame[column]] for column in frame.columns]
        rows = [list(r) for r in zip(*texts, strict=True)]
        return list(frame.columns), rows, list(range(2, len(rows) + 2))
    grids = [g for g in read_grids(path) if g.rows]
    if len(grids) > 1 and columns:
        grids = [g for g in grids if set(columns) <= {_as_text(c) for c in g.rows[0]}]
    if len(grids) != 1:
        if grids:
            problem = f"has {len(grids)} sheets with data; one is needed"
        elif columns:
            problem = f"no sheet has the columns {', '.join(columns)}"
        else:
            problem = "is empty; a header line and data rows are needed"
        raise InputError(problem, file=str(path))
    first, *rest = [[_as_text(c) for c in row] for row in grids[0].rows]
    width = max((j + 1 for j, c in enumerate(first) if c), default=0)
    # empty cells right of the table are nothing; a filled one makes the row too long
    rows = [r[: max([width, *(j + 1 for j, c in enumerate(r) if c)])] for r in rest]
    return first[:width], rows, grids[0].lines[1:]


def _as_text(cell: object) -> str:
    """Return a typed cell as the text that a CSV would hold."""
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return ""
    if isinstance(cell, float):
        return "" if math.isnan(cell) else repr(int(cell) if cell.is_integer() else float(cell))
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    return str(cell).strip()


def _column(table: pd.DataFrame, column: str) -> pd.Series:
    if column not in table.columns:
        have = ", ".join(map(str, table.columns))
        raise _fault(table, 1, column, f"there is no such column; the file has {have}")
    return table[column]


def _fault(table: pd.DataFrame, row: object, field: str, problem: str) -> InputError:
    """Make the error that names the table's file, the line and the column."""
    return InputError(problem, file=table.attrs.get("file"), row=int(str(row)), field=field)


def text_column(table: pd.DataFrame, column: str) -> pd.Series:
    """Return a column as text, with something in every cell.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`read_table`.
    column : str
        Name of the column.

    Returns
    -------
    pandas.Series
        Text, indexed by line number.

    Raises
    ------
    InputError
        If there is no such column, or at its first empty cell.
    """
    found = _column(table, column)
    empty = found.index[found == ""]
    if len(empty):
        raise _fault(table, empty[0], column, "is empty; a name or code is needed")
    return found


def number_column(
    table: pd.DataFrame, column: str, *, missing: bool = False, positive: bool = False
) -> pd.Series:
    """Return a column as numbers.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`read_table`.
    column : str
        Name of the column.
    missing : bool
        Whether empty cells, ``NA`` and ``..`` may stand there (they become NaN).
    positive : bool
        Whether every number must be above zero.

    Returns
    -------
    pandas.Series
        Floats, indexed by line number.

    Raises
    ------
    InputError
        At the first cell that is not a finite number, or is beyond 1e100.
    """
    out: dict[object, float] = {}
    for row, text in _column(table, column).items():
        if text in MISSING:
            if not missing:
                raise _fault(table, row, column, "is empty; a number is needed")
            out[row] = math.nan
            continue
        plain = text.replace(",", ".") if table.attrs.get("decimal_comma") else text
        try:
            # float() would also read 1_000
            value = float(plain.replace("_", "?"))
        except ValueError:
            raise _fault(table, row, column, f"{text!r} is not a number") from None
        if not math.isfinite(value):
            raise _fault(table, row, column, f"{text!r} is not finite")
        if abs(value) > LARGEST:
            problem = f"{text!r} is too large to be squared; take a larger unit of measurement"
            raise _fault(table, row, column, problem)
        if positive and value <= 0:
            raise _fault(table, row, column, f"{text!r} must be above zero")
        out[row] = value
    return pd.Series(out, name=column, dtype=float).rename_axis("row")


def year_column(table: pd.DataFrame, column: str, *, empty_is_zero: bool = False) -> pd.Series:
    """Return a column as whole years.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`read_table`.
    column : str
        Name of the column.
    empty_is_zero : bool
        Whether an empty cell means 0, as in a cohort column («never treated»).

    Returns
    -------
    pandas.Series
        Integers, indexed by line number.

    Raises
    ------
    InputError
        At the first cell that is not a whole number.
    """
    try:
        numbers = number_column(table, column, missing=empty_is_zero)
    except InputError as error:
        if not error.problem.endswith("is not a number"):
            raise
        never = ", or nothing (or 0) for never" if empty_is_zero else ""
        problem = f"{error.problem}; a whole year such as 2015 is needed{never}"
        raise InputError(problem, file=error.file, row=error.row, field=error.field) from None
    if empty_is_zero:
        numbers = numbers.fillna(0)
    for row, value in numbers.items():
        if value != int(value) or abs(value) > LAST_YEAR:
            text = str(table.at[row, column])
            raise _fault(table, row, column, f"{text!r} is not a whole year")
    return numbers.astype(int)


def long_values(table: pd.DataFrame, *, unit: str, time: str, outcome: str) -> pd.DataFrame:
    """Return the long rows of a table, checked cell by cell.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`read_table`: one row per unit and year.
    unit, time, outcome : str
        Names of the columns.

    Returns
    -------
    pandas.DataFrame
        ``unit`` (text), ``time`` (whole years) and ``value`` (NaN where it is missing),
        indexed by line number.

    Raises
    ------
    InputError
        If a column is missing, a cell is not what it should be, or a unit-year stands twice.
    """
    units = _column(table, unit)
    for row, text in units.items():
        if text in MISSING:
            raise _fault(table, row, unit, "is empty; a unit is needed")
    frame = pd.DataFrame(
        {
            "unit": units,
            "time": year_column(table, time),
            "value": number_column(table, outcome, missing=True),
        }
    )
    twice = frame.duplicated(["unit", "time"])
    if twice.any():
        row = frame.index[twice][0]
        who, when = frame.loc[row, "unit"], frame.loc[row, "time"]
        first = frame.index[(frame.unit == who) & (frame.time == when)][0]
        raise _fault(table, row, unit, f"unit {who}, {when} stands twice (first in row {first})")
    return frame


def panel_from_long(
    frame: pd.DataFrame, outcome: str, *, keep_gaps: bool = False, file: str | None = None
) -> Panel:
    """Build a panel from long rows; units with a gap are left out and named.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``unit``, ``time`` and ``value``, each unit-year once.
    outcome : str
        Name of the outcome.
    keep_gaps : bool
        Keep units with a gap instead: the panel is then unbalanced. A unit without any
        value is left out all the same.
    file : str, optional
        For the error.

    Returns
    -------
    Panel
        Units observed in every year of the frame. The others are in ``dropped``.

    Raises
    ------
    InputError
        If no unit is observed in every year.

    Examples
    --------
    >>> long = {"unit": ["a", "a", "b"], "time": [2015, 2016, 2015], "value": [1.0, 2.0, 3.0]}
    >>> panel_from_long(pd.DataFrame(long), "y").dropped
    ('b',)
    """
    wide = frame.pivot(index="unit", columns="time", values="value").sort_index(axis=1)
    whole = wide.notna().any(axis=1) if keep_gaps else wide.notna().all(axis=1)
    if not whole.any():
        raise InputError("no unit is observed in every year", file=file)
    dropped = tuple(str(u) for u in wide.index[~whole])
    try:
        return Panel(outcome, wide[whole], dropped, unbalanced=keep_gaps)
    except InputError as error:
        raise error.placed(file=file) from None


def balanced_panel(
    table: pd.DataFrame, *, unit: str, time: str, outcome: str, keep_gaps: bool = False
) -> Panel:
    """Build a panel from long rows; units with a gap are left out and named.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`read_table`: one row per unit and year.
    unit, time, outcome : str
        Names of the columns.
    keep_gaps : bool
        Keep units with a gap instead: the panel is then unbalanced. A unit without any
        value is left out all the same.

    Returns
    -------
    Panel
        Units observed in every year of the file. The others are in ``dropped``.

    Raises
    ------
    InputError
        If a column is missing, a cell is not what it should be, a unit-year stands
        twice, or no unit is observed in every year.
    """
    frame = long_values(table, unit=unit, time=time, outcome=outcome)
    return panel_from_long(frame, outcome, keep_gaps=keep_gaps, file=table.attrs.get("file"))
