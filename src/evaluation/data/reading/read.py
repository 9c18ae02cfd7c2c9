"""From a user's file to observations, with every cell that could not be used and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data.embedded import file_hash
from evaluation.data.observations import COLUMNS, OBSERVED, STATES, SUPPRESSED, observations
from evaluation.data.reading.cells import (
    Period,
    find_decimal,
    is_blank,
    plain,
    read_period,
    read_sex,
    read_value,
)
from evaluation.data.reading.grid import PARQUET, Grid, read_grids, read_parquet
from evaluation.data.reading.header import Table, find_table, frame_table
from evaluation.data.reading.layout import Layout, Roles, find_roles
from evaluation.data.reading.names import find_place
from evaluation.data.reading.reading import REJECTED, Reading
from evaluation.data.reading.years import file_year, settle_years
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
    return _Reader(table, roles, indicator, grid).reading(file_hash(path))


def _choose(grids: Sequence[Grid], layout: Layout) -> tuple[Grid, Table]:
    """Take the one sheet that holds municipalities."""
    named = layout.columns
    file = grids[0].file if grids else ""
    found = []
    for grid in grids:
        if not grid.rows:
            continue
        table = find_table(grid, header_row=layout.header_row, code=named.code, name=named.name)
        if table is not None:
            found.append((grid, table))
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
    return [results[k] for k in numbers]


@dataclass
class _Reader:
    """One pass over a table; the lists of faults grow as it goes."""

    table: Table
    roles: Roles
    indicator: str
    grid: Grid
    rejected: list[tuple[int, str, str, str, bool]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lost: int = 0

    @property
    def _lines(self) -> list[int]:
        return [int(i) for i in self.table.body.index]

    def _column(self, j: int | None) -> pd.Series | None:
        return None if j is None else self.table.body[j]

    def _field(self, j: int | None) -> str:
        return self.table.labels[j] if j is not None else ""

    def reading(self, digest: str) -> Reading:
        """Read it all."""
        self.notes += [*self.grid.notes, *self.roles.notes]
        layout = self.roles.layout
        codes = self._places()
        years = self._years()
        sexes = self._sexes()
        decimal = layout.decimal or find_decimal(self._number_texts(), file=self.table.file)
        frame = self._cells(codes, years, sexes, decimal or ".")
        frame = self._selected(frame)
        weights = self._weights(frame, decimal or ".")
        frame = self._once(frame)
        frame = self._months(frame)
        layout = replace(layout, decimal=decimal)
        rejected = pd.DataFrame(self.rejected, columns=list(REJECTED)).astype(
            {"row": np.int64, "field": "str", "text": "str", "reason": "str", "fault": bool}
        )
        rejected = rejected.sort_values("row", kind="stable", ignore_index=True)
        self._enough(len(frame), rejected)
        tidy = observations(frame.assign(indicator=self.indicator)[list(COLUMNS)])
        return Reading(
            frame=tidy,
            rejected=rejected,
            notes=tuple(self.notes),
            encoding=self.grid.encoding,
            separator=self.grid.separator,
            decimal=decimal,
            header_row=self.table.header_row,
            sheet=self.grid.sheet,
            hash=digest,
            file=self.table.file,
            layout=layout,
            weights=weights,
        )

    def _reject(self, line: int, where: str, text: str, reason: str, fault: bool = True) -> None:
        self.rejected.append((line, where, text[:80], reason, fault))

    def _places(self) -> list[str | None]:
        """Return each row's code; rows without one are listed."""
        code, name = self._column(self.roles.code), self._column(self.roles.name)
        blank = pd.Series([None] * len(self.table.body), index=self.table.body.index, dtype=object)
        codes, names = (blank if c is None else c for c in (code, name))
        ids = [pd.factorize(c, use_na_sentinel=False) for c in (codes, names)]
        known: dict[tuple[int, int], Any] = {}
        places = []
        for pair in zip(ids[0][0], ids[1][0], strict=True):
            if pair not in known:
                known[pair] = find_place(ids[0][1][pair[0]], ids[1][1][pair[1]])
            places.append(known[pair])
        where = self._field(self.roles.code if self.roles.code is not None else self.roles.name)
        padded = {p.code for p in places if p.padded}
        odd = {
            plain(c) for c in (ids[0][1] if code is not None else ids[1][1])
            if re.fullmatch(r"\d{3}", plain(c)) and find_place(c).code is None
        }  # fmt: skip
        if padded and not odd:
            n = sum(p.padded for p in places)
            self.notes.append(f"{n} codes lacked their leading zero: {min(padded)} was "
                              f"{int(min(padded))}, and so on")  # fmt: skip
        out: list[str | None] = []
        value_columns = [j for j, _ in self.roles.values]
        for k, place in enumerate(places):
            reason = place.reason
            if place.padded and odd:
                reason = f"could be {place.code}, but {min(odd)} in the same column is no code"
            if place.code is not None and not reason:
                out.append(place.code)
                continue
            out.append(None)
            self._reject_row(k, place.kind, reason, where, value_columns)
        return out

    def _reject_row(
        self, k: int, kind: str, reason: str, where: str, values: Sequence[int]
    ) -> None:
        line = int(self.table.body.index[k])
        row = list(self.table.body.iloc[k])
        texts = [plain(c) for c in row if not is_blank(c)]
        if not texts:
            return
        labels = {t for t in self.table.labels if t}
        if kind == "none":
            others = [find_place(None, c) for c in row if isinstance(c, str)]
            beside = next((p for p in others if p.kind in ("total", "county")), None)
            if all(is_blank(row[j]) for j in values):
                kind, reason = "text", "text without values"
            elif beside is not None and reason == "no municipality is given":
                kind, reason = beside.kind, beside.reason
            elif len(set(texts) & labels) > len(texts) / 2:
                kind, reason = "header", "the header again"
        fault = kind in ("none", "municipality")
        self.lost += len(values) if fault else 0
        self._reject(line, where, " | ".join(texts), reason, fault)

    def _years(self) -> list[Period | None] | None:
        """Return each row's period, or None where the columns or the file tell it."""
        column = self._column(self.roles.year)
        if column is None:
            return None
        periods = _mapped(column, read_period)
        month = self._column(self.roles.month)
        if month is not None:
            months = _mapped(month, read_period)
            numbers = _mapped(month, lambda c: int(plain(c)) if plain(c).isdecimal() else None)
            periods = [
                replace(p, month=m.month if m else n) if p and (m or n) else p
                for p, m, n in zip(periods, months, numbers, strict=True)
            ]
        settled, note = settle_years(periods)
        self.notes += [note] if note else []
        return settled

    def _sexes(self) -> list[str | None] | None:
        column = self._column(self.roles.sex)
        return None if column is None else _mapped(column, read_sex)

    def _number_texts(self) -> list[str]:
        """Return the different texts of the value columns that are no marks."""
        marks = self.roles.layout.all_marks
        columns = [j for j, _ in self.roles.values]
        columns += [self.roles.weight] if self.roles.weight is not None else []
        texts: dict[str, None] = {}
        for j in columns:
            column = self.table.body[j]
            if not pd.api.types.is_numeric_dtype(column):
                texts |= dict.fromkeys(c for c in map(plain, _texts(column)) if c not in marks)
        return list(texts)

    def _values_of(self, j: int, decimal: Any) -> tuple[np.ndarray, list[str]]:
        """Return a column's values and their states, a reason standing in for a state."""
        column = self.table.body[j]
        if pd.api.types.is_float_dtype(column) or pd.api.types.is_integer_dtype(column):
            numbers = column.to_numpy(dtype=float, na_value=np.nan)
            if not np.isinf(numbers).any():
                return numbers, np.where(np.isnan(numbers), "missing", OBSERVED).tolist()
        marks = self.roles.layout.all_marks
        read = _mapped(column, lambda c: read_value(c, decimal, marks))
        values = np.array([np.nan if isinstance(r, str) else r[0] for r in read])
        states = [r if isinstance(r, str) else r[1] for r in read]
        if self.table.merged:
            lines = self._lines
            for k, line in enumerate(lines):
                if (line, j) in self.table.merged:
                    states[k] = "part of a merged cell"
        return values, states

    def _cells(
        self,
        codes: list[str | None],
        years: list[Period | None] | None,
        sexes: list[str | None] | None,
        decimal: Any,
    ) -> pd.DataFrame:
        """Return one row per cell that could be read."""
        rows = np.array([c is not None for c in codes])
        lines = self._lines
        rows &= self._told(years, self.roles.year, rows, "not a year")
        rows &= self._told(sexes, self.roles.sex, rows, "neither women, men nor total")
        rows &= self._of_indicator(rows)
        layout = self.roles.layout
        whole = None
        if years is None and any(v.year is None for _, v in self.roles.values):
            whole, note = file_year(layout, self.table.above, self.grid.sheet, self.table.file)
            self.notes += [note] if note else []
        if sexes is None and all(v.sex is None for _, v in self.roles.values):
            self.notes += [] if layout.sex else ["the file tells no sex: taken as T (total)"]
        parts = []
        for j, column in self.roles.values:
            values, states = self._values_of(j, decimal)
            states = self._given_states(j, values, states, rows)
            known = np.isin(states, STATES) & rows
            for k in np.flatnonzero(rows & ~known):
                text = plain(self.table.body.iat[int(k), j])
                self._reject(lines[k], column.label, text, states[k])
                self.lost += 1
            at = np.flatnonzero(known)
            parts.append(
                pd.DataFrame(
                    {
                        "row": np.asarray(lines)[at],
                        "field": column.label,
                        "code": [codes[k] for k in at],
                        "year": [years[k].year for k in at]  # type: ignore[union-attr]
                        if years is not None
                        else (column.year or whole),
                        "month": [years[k].month or 0 for k in at]  # type: ignore[union-attr]
                        if years is not None
                        else (column.month or 0),
                        "sex": [sexes[k] for k in at]
                        if sexes is not None
                        else (column.sex or layout.sex or "T"),
                        "value": values[at],
                        "state": np.asarray(states, dtype=object)[at],
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)

    def _told(
        self, found: Sequence[Any] | None, j: int | None, rows: np.ndarray, reason: str
    ) -> np.ndarray:
        """List rows with a municipality whose year or sex cannot be read."""
        if found is None or j is None:
            return np.ones_like(rows)
        known = np.array([f is not None for f in found])
        for k in np.flatnonzero(rows & ~known):
            text = plain(self.table.body.iat[int(k), j])
            self._reject(self._lines[k], self._field(j), text, reason)
            self.lost += len(self.roles.values)
        return known

    def _of_indicator(self, rows: np.ndarray) -> np.ndarray:
        """Leave out rows of other indicators, where the file has a column of them."""
        column = self._column(self.roles.indicator)
        if column is None:
            return np.ones_like(rows)
        own = np.array(_mapped(column, lambda c: plain(c) == self.indicator))
        if rows.any() and not (rows & own).any():
            found = ", ".join(sorted({plain(c) for c in column})[:5])
            raise InputError(f"there is no {self.indicator!r}; there are {found}",
                             file=self.table.file, field="indicator")  # fmt: skip
        others = int((rows & ~own).sum())
        self.notes += [f"{others} rows of other indicators were left out"] if others else []
        return own

    def _given_states(
        self, j: int, values: np.ndarray, states: list[str], rows: np.ndarray
    ) -> list[str]:
        """Keep the states that a column ``state`` tells, if it does not contradict the value."""
        column = self._column(self.roles.state)
        if column is None:
            return states
        told = _mapped(column, plain)
        out = list(states)
        for k in np.flatnonzero(rows):
            if told[k] not in STATES:
                out[k] = f"the state {told[k]!r} is none of {', '.join(STATES)}"
            elif states[k] in STATES and (told[k] == OBSERVED) != (states[k] == OBSERVED):
                out[k] = f"the value does not go with the state {told[k]}"
            elif states[k] in STATES:
                out[k] = told[k]
        return out

    def _selected(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Keep the one year and sex that were asked for."""
        layout = self.roles.layout
        for column, wanted in (("year", layout.year), ("sex", layout.sex)):
            if wanted is None or frame.empty:
                continue
            kept = frame[column] == wanted
            if not kept.any():
                have = ", ".join(map(str, sorted(frame[column].unique())))
                raise InputError(f"there is nothing for {wanted}; there is {have}",
                                 file=self.table.file, field=column)  # fmt: skip
            if not kept.all():
                self.notes.append(f"{int((~kept).sum())} values of another {column} were left out")
            frame = frame[kept]
        return frame.reset_index(drop=True)

    def _weights(self, frame: pd.DataFrame, decimal: Any) -> pd.DataFrame | None:
        """Return the weights beside the values, with their states."""
        j = self.roles.weight
        if j is None:
            return None
        values, states = self._values_of(j, decimal)
        read = pd.DataFrame({"weight": values, "state": states}, index=self.table.body.index)
        out = frame[["row", "code", "year", "sex"]].join(read, on="row")
        negative = out["weight"] < 0
        out.loc[negative, "state"] = "a weight below zero"
        for k in np.flatnonzero(~out["state"].isin(STATES)):
            line = int(out["row"].iat[k])
            text = plain(self.table.body.at[line, j])
            self._reject(line, self._field(j), text, str(out["state"].iat[k]))
            self.lost += 1
        kept = out[out["state"].isin(STATES)]
        return kept.drop(columns="row").reset_index(drop=True)

    def _once(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Refuse a cell that stands twice with different values; list one that is repeated."""
        keys = ["code", "year", "month", "sex"]
        again = frame.duplicated(keys)
        if not again.any():
            return frame
        first = frame.drop_duplicates(keys).set_index(keys)
        for later in frame[again].itertuples():
            key = (later.code, later.year, later.month, later.sex)
            one = first.loc[key]
            if later.state != one["state"] or (
                later.state == OBSERVED and later.value != one["value"]
            ):
                raise InputError(
                    f"{later.code}, {later.year}, {later.sex} stands twice with different values "
                    f"(first in row {one['row']}); one row per municipality, year and sex is "
                    "needed",
                    file=self.table.file,
                    row=int(str(later.row)),
                    field=str(later.field),
                )
            self._reject(int(str(later.row)), str(later.field), f"{later.code}, {later.year}",
                         f"repeats row {one['row']}", False)  # fmt: skip
        return frame[~again].reset_index(drop=True)

    def _months(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Add twelve months up to a year, if that was asked for."""
        monthly = frame["month"] > 0
        if not monthly.any():
            if self.roles.layout.months:
                raise InputError("there are no months to add up", file=self.table.file,
                                 field="months")  # fmt: skip
            return frame
        if self.roles.layout.months is None:
            row = frame[monthly].iloc[0]
            raise InputError(
                'holds months; say months: "sum" to add them up to years',
                file=self.table.file,
                row=int(row["row"]),
                field=self._field(self.roles.year) or str(row["field"]),
            )
        keys = ["code", "year", "sex"]
        groups = frame.groupby(keys, sort=False)
        size = groups["month"].transform("nunique")
        short = frame[size < 12].drop_duplicates(keys)
        for row in short.itertuples():
            n = int(size.loc[row.Index])
            self._reject(int(str(row.row)), str(row.field), f"{row.code}, {row.year}",
                         f"only {n} of 12 months")  # fmt: skip
            self.lost += 1
        whole = frame[size == 12]
        self.notes.append(f"months were added up to {len(whole) // 12} years")
        out = whole.groupby(keys, sort=False, as_index=False).agg(
            row=("row", "first"),
            field=("field", "first"),
            value=("value", lambda v: v.sum(skipna=False)),
            state=("state", _joint_state),
        )
        return out.assign(month=0)

    def _enough(self, used: int, rejected: pd.DataFrame) -> None:
        faults = rejected[rejected["fault"]]
        if used > 0 and self.lost <= used:
            return
        if faults.empty:
            raise InputError("no value of a municipality was found", file=self.table.file)
        reasons = faults["reason"].value_counts()
        example = faults[faults["reason"] == reasons.index[0]].iloc[0]
        raise InputError(
            f"{self.lost} of {self.lost + used} values cannot be used, most often because: "
            f"{reasons.index[0]} (such as {example['text']!r})",
            file=self.table.file,
            row=int(example["row"]),
            field=str(example["field"]),
        )


def _texts(column: pd.Series) -> list[str]:
    return [c for c in column.unique() if isinstance(c, str)]


def _joint_state(states: pd.Series) -> str:
    """Return the state of a sum: known only if every part is."""
    found = set(states)
    if found == {OBSERVED}:
        return OBSERVED
    return SUPPRESSED if SUPPRESSED in found else "missing"
