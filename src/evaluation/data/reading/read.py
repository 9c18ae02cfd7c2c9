"""From a user's file to observations, with every cell that could not be used and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data.embedded import file_hash
from evaluation.data.grid import PARQUET, Grid, read_grids, read_parquet
from evaluation.data.observations import COLUMNS, KEYS, MISSING, OBSERVED, STATES, observations
from evaluation.data.reading.assemble import each_once, selected, years_of_months
from evaluation.data.reading.cells import (
    Decimal,
    Period,
    find_decimal,
    is_blank,
    plain,
    read_month,
    read_period,
    read_sex,
    read_value,
    without_note,
)
from evaluation.data.reading.findings import Findings
from evaluation.data.reading.header import Table, find_table, frame_table
from evaluation.data.reading.layout import Layout, Roles, find_roles
from evaluation.data.reading.names import Place, find_place
from evaluation.data.reading.reading import SAYS_SIMULATED, Reading, says_simulated
from evaluation.data.reading.years import file_year, settle_years
from evaluation.data.registry import REGISTRY
from evaluation.errors import InputError

__all__ = ["read_observations"]

NO_GRID = Grid("", [], [])


def read_observations(path: str | Path, *, indicator: str, layout: Layout | None = None) -> Reading:
    """Read a file of one indicator by municipality, in the layouts that agencies publish.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV (UTF-8, UTF-16 or Windows-1252; semicolon, tab, comma or ``|``), workbook
        (``.xlsx``) or Parquet.
    indicator : str
        What the values are; goes into the column ``indicator``.
    layout : Layout, optional
        What is known of the layout. The rest is found out and stands in the result.

    Returns
    -------
    Reading
        The observations, and every row and cell that could not be used with its reason.

    Raises
    ------
    InputError
        If the file cannot be read, its layout leaves a choice, a municipality's year
        stands twice with different values, or more than half of the cells cannot be used.

    Notes
    -----
    Titles, notes, totals, counties and «okänd» are listed as well but are no faults.
    An empty cell or ``.`` is *missing*, ``..`` and ``X`` are *suppressed*, a dash is zero
    (SCB's convention for printed tables), unless the layout's ``marks`` say otherwise.
    """
    path = Path(path)
    layout = layout or Layout()
    if path.suffix.lower() in PARQUET:
        if layout.sheet is not None:
            raise InputError("only a workbook has sheets", file=str(path), field="sheet")
        grid = replace(NO_GRID, file=str(path))
        table = frame_table(read_parquet(path), str(path))
    else:
        grid, table = _choose(read_grids(path, layout.sheet), layout)
    roles = find_roles(table, replace(layout, sheet=grid.sheet))
    reader = _Reader(table, roles, indicator, grid, Findings(str(path)))
    return reader.reading(file_hash(path))


def _choose(grids: Sequence[Grid], layout: Layout) -> tuple[Grid, Table]:
    """Take the one sheet that holds municipalities."""
    named = layout.columns
    file = grids[0].file if grids else ""
    found: list[tuple[Grid, Table]] = []
    # a sheet about the statistics may bear such words: municipalities themselves go first
    for by_words in (False, True):
        for grid in grids if not found else ():
            if grid.rows:
                table = find_table(
                    grid,
                    header_row=layout.header_row,
                    code=named.code,
                    name=named.name,
                    by_words=by_words,
                )
                found += [(grid, table)] if table is not None else []
    if len(found) > 1:
        sheets = ", ".join(repr(g.sheet) for g, _ in found)
        raise InputError(f"{len(found)} sheets hold municipalities: {sheets}; say which",
                         file=file, field="sheet")  # fmt: skip
    if found:
        return found[0]
    if not any(g.rows for g in grids):
        raise InputError("is empty; a header and data rows are needed", file=file)
    raise InputError(
        "no column holds municipalities; say header_row and columns: {code: …} or {name: …}",
        file=file,
        field="code",
    )


def _mapped(cells: pd.Series, function: Callable[[Any], Any]) -> list[Any]:
    """Apply a function to each different cell once."""
    numbers, different = pd.factorize(cells, use_na_sentinel=False)
    results = [function(c) for c in different]
    return [results[k] for k in numbers.tolist()]


@dataclass
class _Reader:
    """One pass over a table."""

    table: Table
    roles: Roles
    indicator: str
    grid: Grid
    findings: Findings

    def __post_init__(self) -> None:
        self.lines = [int(i) for i in self.table.body.index.tolist()]

    def _column(self, j: int | None) -> pd.Series | None:
        return None if j is None else self.table.body[j]

    def _text(self, k: int, j: int) -> str:
        return plain(self.table.body.iat[k, j])

    def _labelled(self, j: int | None) -> str:
        return self.table.labels[j] if j is not None else ""

    def reading(self, digest: str) -> Reading:
        """Read it all."""
        findings, layout = self.findings, self.roles.layout
        for text in (*self.grid.notes, *self.roles.notes):
            findings.note(text)
        # every row of such a file bears the words, or a title above or below them
        body = self.table.body
        edges = body.iloc[[0, -1]].to_numpy(dtype=object).ravel() if len(body) else ()
        if says_simulated((*self.table.above, *self.table.labels, *edges)):
            findings.note(SAYS_SIMULATED)
        codes, years, sexes = self._places(), self._years(), self._sexes()
        rows = np.array([c is not None for c in codes])
        rows &= self._of_indicator(rows)
        rows &= self._told(years, self.roles.year, rows, "not a year")
        rows &= self._told(sexes, self.roles.sex, rows, "neither women, men nor total")
        decimal = layout.decimal or find_decimal(self._number_texts(), file=self.table.file)
        self._note_marks(rows)
        frame = self._cells(rows, codes, years, sexes, decimal or ".")
        frame = selected(frame, layout, findings)
        weights = self._weights(frame, decimal or ".")
        frame = years_of_months(each_once(frame, findings), layout, findings)
        findings.check_share(len(frame))
        frame = frame.assign(indicator=self.indicator).sort_values(list(KEYS), kind="stable")
        return Reading(
            frame=observations(frame[list(COLUMNS)]),
            lines=tuple(int(r) for r in frame["row"]),
            rejected=findings.table(),
            notes=tuple(findings.notes),
            encoding=self.grid.encoding,
            separator=self.grid.separator,
            decimal=decimal,
            header_row=self.table.header_row,
            sheet=self.grid.sheet,
            hash=digest,
            file=self.table.file,
            layout=replace(layout, decimal=decimal),
            weights=weights,
        )

    def _places(self) -> list[str | None]:
        """Return each row's code; rows without one are listed."""
        blank = pd.Series([None] * len(self.lines), index=self.table.body.index, dtype=object)
        columns = [self._column(j) for j in (self.roles.code, self.roles.name)]
        ids, different = zip(
            *(pd.factorize(blank if c is None else c, use_na_sentinel=False) for c in columns),
            strict=True,
        )
        known: dict[tuple[int, int], Place] = {}
        places = []
        for pair in zip(ids[0].tolist(), ids[1].tolist(), strict=True):
            if pair not in known:
                known[pair] = find_place(different[0][pair[0]], different[1][pair[1]])
            places.append(known[pair])
        odd = sorted(
            text
            for text in map(plain, different[0] if columns[0] is not None else different[1])
            if re.fullmatch(r"\d{3}", text) and find_place(text).code is None
        )
        padded = [p.code for p in places if p.padded and p.code]
        if padded and not odd:
            low = min(padded)
            self.findings.note(
                f"{len(padded)} codes lacked their leading zero ({int(low)} was read as {low})"
            )
        return [self._code(k, place, odd) for k, place in enumerate(places)]

    def _code(self, k: int, place: Place, odd: Sequence[str]) -> str | None:
        """Return the code of a row, or list the row."""
        ragged = self.table.ragged.get(self.lines[k])
        if place.code is not None and not (place.padded and odd) and ragged is None:
            return place.code
        row = self.table.body.iloc[k].tolist()
        texts = [plain(c) for c in row if not is_blank(c)]
        values = [j for j, _ in self.roles.values]
        kind: str = place.kind
        reason = place.reason
        if place.padded and odd:
            reason = f"could be {place.code}, but {odd[0]} in the same column is no code"
        if place.code is not None and ragged is not None:
            reason = f"has {ragged[0]} fields where the header has {ragged[1]}"
        if kind == "none":
            others = [find_place(None, c) for c in row if isinstance(c, str)]
            beside = next((p for p in others if p.kind in ("total", "county")), None)
            if all(is_blank(row[j]) for j in values):
                kind, reason = "text", "text without values"
            elif beside is not None and reason == "no municipality is given":
                kind, reason = beside.kind, beside.reason
            elif 2 * len(set(texts) & set(self.table.labels)) > len(texts):
                kind, reason = "header", "the header again"
        if texts:
            first = self.roles.code if self.roles.code is not None else self.roles.name
            lost = len(values) if kind in ("none", "municipality") else 0
            self.findings.reject(
                self.lines[k], self._labelled(first), " | ".join(texts), reason, lost=lost
            )
        return None

    def _years(self) -> list[Period | None] | None:
        """Return each row's period, or None where the columns or the file tell it."""
        column, month = self._column(self.roles.year), self._column(self.roles.month)
        if column is None:
            return None
        periods = _mapped(column, read_period)
        if month is not None:
            months = _mapped(month, read_month)
            periods = [
                replace(p, month=m) if p and m else None
                for p, m in zip(periods, months, strict=True)
            ]
        settled, note = settle_years(periods)
        self.findings.note(note)
        return settled

    def _sexes(self) -> list[str | None] | None:
        column = self._column(self.roles.sex)
        return None if column is None else _mapped(column, read_sex)

    def _told(
        self, found: Sequence[Any] | None, j: int | None, rows: np.ndarray, reason: str
    ) -> np.ndarray:
        """List rows with a municipality whose year or sex cannot be read."""
        if found is None or j is None:
            return np.ones_like(rows)
        known = np.array([f is not None for f in found])
        for k in np.flatnonzero(rows & ~known).tolist():
            lost = len(self.roles.values)
            where, text = self._labelled(j), self._text(k, j)
            self.findings.reject(self.lines[k], where, text, reason, lost=lost)
        return known

    def _of_indicator(self, rows: np.ndarray) -> np.ndarray:
        """Leave out rows of other indicators, where the file has a column of them."""
        column = self._column(self.roles.indicator)
        if column is None:
            return np.ones_like(rows)
        found = sorted({plain(c) for c in column.unique()})
        if len(found) == 1 and self.indicator not in REGISTRY:
            self.findings.note(f"the file calls it {found[0]}")
            return np.ones_like(rows)
        own = np.array(_mapped(column, lambda c: plain(c) == self.indicator))
        if rows.any() and not (rows & own).any():
            problem = f"there is no {self.indicator!r}; there are {', '.join(found)}"
            raise InputError(problem, file=self.table.file, field="indicator")
        others = int((rows & ~own).sum())
        self.findings.note(f"{others} rows of other indicators were left out" if others else "")
        return own

    def _note_marks(self, rows: np.ndarray) -> None:
        """Say how often each mark was read, and as what."""
        marks = self.roles.layout.all_marks
        found: dict[str, int] = {}
        for j, _ in self.roles.values:
            column = self.table.body[j]
            if pd.api.types.is_numeric_dtype(column):
                continue
            for cell, n in column[rows].value_counts().items():
                text = plain(cell)
                text = text if text in marks else without_note(text)
                if text in marks and text:
                    found[text] = found.get(text, 0) + int(n)
        for text, n in found.items():
            read = "0" if marks[text] == "zero" else marks[text]
            self.findings.note(f"{n} × {text!r} read as {read}; marks in the layout says otherwise")

    def _number_texts(self) -> list[str]:
        """Return the different texts of the value columns that are no marks."""
        marks = self.roles.layout.all_marks
        columns = [j for j, _ in self.roles.values]
        columns += [self.roles.weight] if self.roles.weight is not None else []
        texts: dict[str, None] = {}
        for j in columns:
            column = self.table.body[j]
            if not pd.api.types.is_numeric_dtype(column):
                found = (plain(c) for c in column.unique() if isinstance(c, str))
                texts |= dict.fromkeys(c for c in found if c not in marks)
        return list(texts)

    def _values_of(self, j: int, decimal: Decimal) -> tuple[np.ndarray, list[str]]:
        """Return a column's values and their states, a reason standing in for a state."""
        column = self.table.body[j]
        if pd.api.types.is_float_dtype(column) or pd.api.types.is_integer_dtype(column):
            numbers = column.to_numpy(dtype=float, na_value=np.nan)
            if not np.isinf(numbers).any():
                return numbers, np.where(np.isnan(numbers), MISSING, OBSERVED).tolist()
        marks = self.roles.layout.all_marks
        read = _mapped(column, lambda c: read_value(c, decimal, marks))
        values = np.array([np.nan if isinstance(r, str) else r[0] for r in read])
        states = [r if isinstance(r, str) else r[1] for r in read]
        for k, line in enumerate(self.lines if self.table.merged else ()):
            if (line, j) in self.table.merged:
                states[k] = "part of a merged cell"
        return values, states

    def _cells(
        self,
        rows: np.ndarray,
        codes: list[str | None],
        years: list[Period | None] | None,
        sexes: list[str | None] | None,
        decimal: Decimal,
    ) -> pd.DataFrame:
        """Return one row per cell that could be read."""
        layout = self.roles.layout
        whole = None
        if years is None and any(v.year is None for _, v in self.roles.values):
            whole, note = file_year(layout, self.table.above, self.grid.sheet, self.table.file)
            self.findings.note(note)
        if (
            sexes is None
            and layout.sex is None
            and all(v.sex is None for _, v in self.roles.values)
        ):
            self.findings.note("the file tells no sex: taken as T (total)")
        parts = []
        for j, column in self.roles.values:
            values, states = self._values_of(j, decimal)
            states = self._given_states(states, rows)
            known = np.isin(np.array(states, dtype=object), STATES)
            for k in np.flatnonzero(rows & ~known).tolist():
                where, text = column.label, self._text(k, j)
                self.findings.reject(self.lines[k], where, text, states[k], lost=1)
            at = np.flatnonzero(rows & known)
            periods = None if years is None else [p for k in at.tolist() if (p := years[k])]
            part = {
                "row": np.array(self.lines)[at],
                "field": column.label,
                "code": np.array(codes, dtype=object)[at],
                "year": [p.year for p in periods] if periods is not None else column.year or whole,
                "month": 0 if periods is None else [p.month or 0 for p in periods],
                "sex": column.sex or layout.sex or "T",
                "value": values[at],
                "state": np.array(states, dtype=object)[at],
            }
            if periods is None:
                part["month"] = column.month or 0
            if sexes is not None:
                part["sex"] = np.array(sexes, dtype=object)[at]
            parts.append(pd.DataFrame(part))
        return pd.concat(parts, ignore_index=True)

    def _given_states(self, states: list[str], rows: np.ndarray) -> list[str]:
        """Keep the states that a column ``state`` tells, if they go with the values."""
        column = self._column(self.roles.state)
        if column is None:
            return states
        told = _mapped(column, plain)
        out = list(states)
        for k in np.flatnonzero(rows).tolist():
            if told[k] not in STATES:
                out[k] = f"the state {told[k]!r} is none of {', '.join(STATES)}"
            elif states[k] in STATES and (told[k] == OBSERVED) != (states[k] == OBSERVED):
                out[k] = f"the value does not go with the state {told[k]}"
            elif states[k] in STATES:
                out[k] = told[k]
        return out

    def _weights(self, frame: pd.DataFrame, decimal: Decimal) -> pd.DataFrame | None:
        """Return the weights beside the values, with their states."""
        j = self.roles.weight
        if j is None:
            return None
        values, states = self._values_of(j, decimal)
        read = pd.DataFrame({"weight": values, "state": states}, index=self.table.body.index)
        out = frame[["row", "code", "year", "sex"]].join(read, on="row")
        out.loc[out["weight"] < 0, "state"] = "a weight below zero"
        known = out["state"].isin(STATES)
        place = {line: k for k, line in enumerate(self.lines)}
        for row, reason in zip(out.loc[~known, "row"], out.loc[~known, "state"], strict=True):
            where, text = self._labelled(j), self._text(place[row], j)
            self.findings.reject(row, where, text, reason, lost=1)
        return out[known].drop(columns="row").reset_index(drop=True)
