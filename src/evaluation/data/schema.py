"""The schema of observations at every border: all faults found, the first one named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.data.observations import COLUMNS, observations
from evaluation.data.places import CHANGES, explain
from evaluation.data.schema_rules import PERTURBATION, RULES, TEXT, Mask, Table
from evaluation.errors import InputError

__all__ = ["PERTURBATION", "report", "validate"]


def _wrong_text(found: pd.Series) -> Mask:
    if isinstance(found.dtype, pd.CategoricalDtype):
        found = found.astype(found.cat.categories.dtype)
    if isinstance(found.dtype, pd.StringDtype):
        return np.asarray(found.isna().to_numpy())
    return np.array([not isinstance(x, str) for x in found], dtype=bool)


def _wrong_number(found: pd.Series, *, year: bool) -> Mask:
    """Return what is no number; for a year also what is empty or not whole."""
    if pd.api.types.is_bool_dtype(found.dtype):
        return np.ones(len(found), dtype=bool)
    numbers = pd.to_numeric(found, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    if not pd.api.types.is_numeric_dtype(found.dtype):
        # digits as text are no numbers yet: whoever read them chose the decimal mark
        numbers = np.where([isinstance(x, str | bool) for x in found], np.nan, numbers)
    if year:
        return np.asarray(~np.isfinite(numbers) | (numbers != np.rint(numbers)))
    return np.asarray(np.isnan(numbers) & found.notna().to_numpy())


Fault = tuple[int, str, object, str, Callable[[], str]]


def _of_wrong_type(frame: pd.DataFrame) -> list[Fault]:
    """Return the cells that are no text, no whole year or no number."""
    masks = {c: _wrong_text(frame[c]) for c in TEXT}
    masks["year"] = _wrong_number(frame["year"], year=True)
    masks["value"] = _wrong_number(frame["value"], year=False)
    right = {"year": "a whole year is needed", "value": "a number is needed"}
    found: list[Fault] = []
    for column, wrong in masks.items():
        for row in map(int, np.flatnonzero(wrong)):
            cell = frame[column].iloc[row]
            plain = cell.item() if isinstance(cell, np.generic) else cell
            if pd.isna(plain):
                said = f"is empty; {right.get(column, 'text is needed')}"
            elif column == "code":
                said = explain(plain)
            else:
                said = f"{plain!r} is of the wrong type; {right.get(column, 'text is needed')}"
            found.append((row, column, plain, "type", lambda said=said: said))
    return found


def _of_wrong_content(frame: pd.DataFrame, origin: str | None) -> list[Fault]:
    """Ask every rule through pandera, which gathers all that fail."""
    import pandera.pandas as pa

    plain = frame.reset_index(drop=True)
    t = Table(plain, origin)
    schema = pa.DataFrameSchema(
        {column: pa.Column(nullable=column == "value") for column in COLUMNS},
        checks=[
            pa.Check(
                lambda _, rule=rule: pd.Series(~rule.fails(t)),
                name=rule.name,
                error=rule.name,
                ignore_na=False,
            )
            for rule in RULES
        ],
    )
    try:
        schema.validate(plain, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
    else:
        return []
    found: list[Fault] = []
    for rule in RULES:
        rows = cases.loc[(cases["check"] == rule.name) & (cases["column"] == rule.field), "index"]
        for row in map(int, rows):
            cell = plain[rule.field].iloc[row]
            value = cell.item() if isinstance(cell, np.generic) else cell
            said = lambda rule=rule, row=row: rule.problem(t, row)  # noqa: E731
            found.append((row, rule.field, value, rule.name, said))
    return found


def _faults(frame: pd.DataFrame, origin: str | None) -> list[Fault]:
    lacking = [c for c in COLUMNS if c not in frame.columns]
    if lacking:
        raise InputError(f"the column {lacking[0]} is lacking; needed are {', '.join(COLUMNS)}")
    if frame.empty:
        return []
    return sorted(
        _of_wrong_type(frame) or _of_wrong_content(frame, origin), key=lambda fault: fault[0]
    )


def _line(frame: pd.DataFrame, row: int) -> int:
    """Return the line in the file: the index where it is called row, else as in a CSV."""
    return int(frame.index[row]) if frame.index.name == "row" else row + 2


def report(frame: pd.DataFrame, *, origin: Literal["SCB"] | None = None) -> pd.DataFrame:
    """Return everything that is wrong with a table of observations.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``indicator, code, year, sex, value, state``. An index called ``row``
        holds lines of a file; any other is ignored and lines count from 2, as in a CSV
        with one header line.
    origin : {"SCB"}, optional
        SCB's own tables carry random protection from 2025 on, whatever the indicator.

    Returns
    -------
    pandas.DataFrame
        Columns ``row, field, value, rule, problem``, one line per fault, in the order of
        the rows; empty if nothing is wrong. If cells are of the wrong type, only they
        are listed: the other rules cannot be asked.

    Raises
    ------
    InputError
        If a column is lacking.

    Examples
    --------
    >>> rows = {"indicator": "N00973", "code": "114", "year": [2015, 2016], "sex": "T",
    ...         "value": [35.5, 104.0], "state": "observed"}
    >>> report(pd.DataFrame(rows))[["row", "field", "rule"]].values.tolist()
    [[2, 'code', 'code'], [3, 'code', 'code'], [3, 'value', 'range']]
    """
    return pd.DataFrame(
        [
            (_line(frame, row), field, value, rule, said())
            for row, field, value, rule, said in _faults(frame, origin)
        ],
        columns=["row", "field", "value", "rule", "problem"],
    )


def validate(
    frame: pd.DataFrame, *, file: str | None = None, origin: Literal["SCB"] | None = None
) -> pd.DataFrame:
    """Return observations in the tidy form, or refuse them with the first fault named.

    Codes are text and among the 290 or the nation's 0000, in the years in which they
    were in use; years whole; sex T, K or M; values in the registry's range, counts whole;
    a suppressed or missing value has no number; no key twice; nothing after a series
    that has ended. Where all three are observed, women and men make the total of a count,
    and the total of a share lies between them, within 1.5 (1) units of the last decimal,
    from ``perturbed_from`` on also within the random protection (``PERTURBATION`` persons
    on each of the three numbers, one percentage point for a share).

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``indicator, code, year, sex, value, state``; see :func:`report` for rows.
    file : str, optional
        Name for the error.
    origin : {"SCB"}, optional
        SCB's own tables carry random protection from 2025 on, whatever the indicator.

    Returns
    -------
    pandas.DataFrame
        As :func:`evaluation.data.observations.observations` gives it, with today's codes.

    Raises
    ------
    InputError
        If a column is lacking or anything is wrong: names file, row, field, value and what
        would be right, and how many more faults there are. :func:`report` lists all.

    Examples
    --------
    >>> rows = {"indicator": "N00973", "code": "2321", "year": [2015, 2016], "sex": "T",
    ...         "value": [35.5, 104.0], "state": "observed"}
    >>> validate(pd.DataFrame(rows), file="a.csv")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    evaluation.errors.InputError: a.csv, row 3, field value: N00973 2321 2016 T: 104 is ...
    """
    try:
        faults = _faults(frame, origin)
    except InputError as error:
        raise error.placed(file=file) from None
    if faults:
        row, field, _, _, said = faults[0]
        more = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
        raise InputError(f"{said()}{more}", file=file, row=_line(frame, row), field=field)
    old = {c.before: c.code for c in CHANGES if c.kind == "recoded"}
    return observations(frame.assign(code=frame["code"].replace(old)))
