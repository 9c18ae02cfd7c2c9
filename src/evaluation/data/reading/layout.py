"""What each column of a table is, found out or told, and shown so that it can be told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from evaluation.data.observations import Sex
from evaluation.data.reading.cells import (
    DEFAULT_MARKS,
    Decimal,
    Meaning,
    is_blank,
    plain,
    read_number,
    read_period,
    read_sex,
)
from evaluation.data.reading.header import CODE_WORDS, NAME_WORDS, YEAR_WORDS, Table
from evaluation.errors import InputError

__all__ = ["SEX_WORDS", "Columns", "Layout", "Roles", "ValueColumn", "find_roles"]

SEX_WORDS = {"sex", "kön", "kon", "gender"}
_MONTH_WORDS = {"månad", "month", "manad"}
_VALUE_WORDS = {
    "value", "värde", "antal", "andel", "procent", "antal personer", "number", "share",
    "per cent", "percent", "count", "%", "andel, %", "andel (%)", "varde",
}  # fmt: skip
_COUNTY_WORDS = {"län", "county", "länskod", "länsnamn", "lan", "landsdel"}


@dataclass(frozen=True)
class Columns:
    """Names of the columns; None where a file has none, or where it is to be found out."""

    code: str | None = None
    name: str | None = None
    year: str | None = None
    sex: str | None = None
    value: str | None = None
    weight: str | None = None


@dataclass(frozen=True)
class ValueColumn:
    """One column of values: what it is called, and the year, month and sex that it is about."""

    label: str
    year: int | None = None
    month: int | None = None
    sex: Sex | None = None


@dataclass(frozen=True)
class Layout:
    """How a file is laid out. What is given is kept, the rest is found out.

    Parameters
    ----------
    header_row : int, optional
        Line of the first header row, from 1.
    columns : Columns
        Names of the columns. For a table with years or sexes side by side, ``value``
        names which of several measures is meant («Andel» of «2015 Antal», «2015 Andel»).
    sheet : str, optional
        Sheet of a workbook.
    year : int, optional
        The year of a file that does not tell, or the only one to be read.
    sex : {"T", "K", "M"}, optional
        The sex of a file that does not tell, or the only one to be read.
    decimal : {",", "."}, optional
        The decimal mark.
    marks : mapping of str to {"suppressed", "zero", "missing"}
        What marks mean, beside :data:`DEFAULT_MARKS` and before them.
    months : {"sum"}, optional
        Months are added up to years only if this is given.
    wide : tuple of ValueColumn
        Found out: the columns of values.
    """

    header_row: int | None = None
    columns: Columns = Columns()
    sheet: str | None = None
    year: int | None = None
    sex: Sex | None = None
    decimal: Decimal | None = None
    marks: Mapping[str, Meaning] = field(default_factory=dict)
    months: Literal["sum"] | None = None
    wide: tuple[ValueColumn, ...] = ()

    @property
    def all_marks(self) -> Mapping[str, Meaning]:
        """The default marks with the given ones over them."""
        return {**DEFAULT_MARKS, **{plain(k): v for k, v in self.marks.items()}}

    def to_dict(self) -> dict[str, Any]:
        """Return what can be written under an outcome of the plan, without what is unset."""
        columns = {k: v for k, v in vars(self.columns).items() if v is not None}
        keys = ("sheet", "header_row", "year", "sex", "decimal", "months")
        found = {k: getattr(self, k) for k in keys if getattr(self, k) is not None}
        return (
            found
            | ({"columns": columns} if columns else {})
            | ({"marks": dict(self.marks)} if self.marks else {})
        )


@dataclass(frozen=True)
class Roles:
    """Which column is what, by number, and the layout in words."""

    layout: Layout
    code: int | None
    name: int | None
    year: int | None
    month: int | None
    sex: int | None
    state: int | None
    indicator: int | None
    weight: int | None
    values: tuple[tuple[int, ValueColumn], ...]
    notes: tuple[str, ...]


def _key(text: str) -> str:
    return plain(text).casefold()


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(repr(t) for t in labels if t)


def _pinned(table: Table, label: str, role: str) -> int:
    """Return the column of this name."""
    key = _key(label)
    hits = [j for j, t in enumerate(table.labels) if _key(t) == key]
    if not hits:
        hits = [j for j, t in enumerate(table.tokens) if key in map(_key, t)]
    if len(hits) == 1:
        return hits[0]
    problem = (
        f"{len(hits)} columns are called {label!r}; one is needed"
        if hits
        else f"there is no column {label!r}; the file has {_listed(table.labels)}"
    )
    raise InputError(problem, file=table.file, row=table.header_row, field=role)


def _worded(table: Table, words: set[str], role: str, taken: set[int]) -> int | None:
    hits = [j for j, t in enumerate(table.labels) if j not in taken and _key(t) in words]
    if len(hits) > 1:
        problem = (
            f"{_listed([table.labels[j] for j in hits])} could each be the {role}; "
            f"say columns: {{{role}: …}}"
        )
        raise InputError(problem, file=table.file, row=table.header_row, field=role)
    return hits[0] if hits else None


def _sample(table: Table, j: int) -> list[Any]:
    return [c for c in table.body[j].head(2000) if not is_blank(c)]


def _place_columns(table: Table, columns: Columns) -> tuple[int | None, int | None]:
    """Return the columns of codes and names: as told, else by their cells, else by their header."""
    code = _pinned(table, columns.code, "code") if columns.code else table.code
    name = _pinned(table, columns.name, "name") if columns.name else table.name
    if code is None and name is None:
        code = _worded(table, CODE_WORDS, "code", set())
        name = _worded(table, NAME_WORDS, "name", set())
    if code is None and name is None:
        raise InputError(
            "no column holds municipalities; say columns: {code: …} or {name: …} "
            f"(the file has {_listed(table.labels)})",
            file=table.file,
            row=table.header_row,
            field="code",
        )
    return code, name if name != code else None


def _meaning(tokens: Sequence[str]) -> tuple[ValueColumn, str]:
    """Read a column's header: year, month, sex, and the words that are left (the measure)."""
    year = month = None
    sex: Sex | None = None
    words = []
    for token in tokens:
        period = read_period(token)
        parts = [token] if period or read_sex(token) else re.split(r"[,:;_/]\s*|\s[–-]\s|\s", token)
        rest = []
        for part in parts:
            found = read_period(part) or (
                read_period(match[1])
                if (match := re.fullmatch(r"\D?((?:19|20)\d\d)", part))
                else None
            )
            if found and found.day is None:
                # two different years in one header are a span, not a year
                if found.year and year and found.year != year:
                    return ValueColumn(" ".join(tokens)), " ".join(tokens)
                year, month = found.year or year, found.month or month
            elif read_sex(part) and sex is None:
                sex = read_sex(part)
            elif part:
                rest.append(part)
        if rest:
            words.append(" ".join(rest) if len(rest) < len(parts) else token)
    return ValueColumn(" ".join(tokens), year, month, sex), " ".join(words)


def _is_numeric(table: Table, j: int, layout: Layout) -> bool:
    marks = layout.all_marks
    cells = _sample(table, j)
    told = [
        plain(c) in marks or any(read_number(c, d) is not None for d in (",", ".")) for c in cells
    ]
    return bool(cells) and 2 * sum(told) > len(told)


def find_roles(table: Table, layout: Layout) -> Roles:
    """Find out which column is what.

    Parameters
    ----------
    table : Table
        The table.
    layout : Layout
        What is known already.

    Returns
    -------
    Roles
        With the completed layout.

    Raises
    ------
    InputError
        If a named column does not exist or stands twice, or more than one could be meant.
    """
    named = layout.columns
    code, name = _place_columns(table, named)
    taken = {j for j in (code, name) if j is not None}

    def role(label: str | None, words: set[str], what: str) -> int | None:
        j = _pinned(table, label, what) if label else _worded(table, words, what, taken)
        if j is not None:
            taken.add(j)
        return j

    year = role(named.year, YEAR_WORDS, "year")
    month = role(None, _MONTH_WORDS, "month")
    sex = role(named.sex, SEX_WORDS, "sex")
    state = role(None, {"state"}, "state")
    indicator = role(None, {"indicator"}, "indicator")
    weight = _pinned(table, named.weight, "weight") if named.weight else None
    if weight is not None:
        taken.add(weight)
    others = [
        j
        for j in range(len(table.tokens))
        if j not in taken and _key(table.labels[j]) not in _COUNTY_WORDS
    ]
    values, notes = _values(
        table, layout, others, has_year=year is not None, has_sex=sex is not None
    )
    if weight is not None and len(values) > 1:
        raise InputError(
            "weights need one value in a row; here years or sexes stand side by side",
            file=table.file,
            field="weight",
        )
    label = table.labels
    whole = len(values) == 1 and values[0][1] == ValueColumn(label[values[0][0]])
    of = [label[j] if j is not None else None for j in (code, name, year, sex)]
    value = label[values[0][0]] if whole else named.value
    found = Columns(of[0], of[1], of[2], of[3], value, named.weight)
    done = replace(
        layout,
        header_row=table.header_row,
        columns=found,
        wide=() if whole else tuple(v for _, v in values),
    )
    return Roles(done, code, name, year, month, sex, state, indicator, weight, values, notes)


Values = tuple[tuple[int, ValueColumn], ...]


def _values(
    table: Table, layout: Layout, others: Sequence[int], *, has_year: bool, has_sex: bool
) -> tuple[Values, tuple[str, ...]]:
    told = {j: _meaning(table.tokens[j]) for j in others}
    wanted = _key(layout.columns.value) if layout.columns.value else None
    exact = [j for j in others if _key(table.labels[j]) == wanted]
    if len(exact) > 1:
        _pinned(table, layout.columns.value or "", "value")
    wide = [] if has_year else [j for j in others if told[j][0].year]
    if not wide and not has_sex:
        wide = [j for j in others if told[j][0].sex]
        if not {told[j][0].sex for j in wide} & {"K", "M"}:
            wide = []
    if wanted is not None and wide:
        chosen = [j for j in wide if _key(told[j][1]) == wanted]
        wide = chosen or ([] if exact else wide)
        if not chosen and not exact:
            measures = _listed(sorted({told[j][1] for j in wide}))
            raise InputError(
                f"there is no measure {layout.columns.value!r}; there are {measures}",
                file=table.file, row=table.header_row, field="value",
            )  # fmt: skip
    if wide:
        return _wide(table, layout, {j: told[j] for j in wide}, others)
    if wanted is not None:
        j = _pinned(table, layout.columns.value or "", "value")
    else:
        found = _worded(table, _VALUE_WORDS, "value", set(range(len(table.tokens))) - set(others))
        numeric = [j for j in others if _is_numeric(table, j, layout)]
        if found is None and len(numeric) != 1:
            problem = (
                f"{_listed([table.labels[j] for j in numeric])} could each be the value; "
                "say columns: {value: …}"
                if numeric
                else f"no column holds numbers; the file has {_listed(table.labels)}"
            )
            raise InputError(problem, file=table.file, row=table.header_row, field="value")
        j = numeric[0] if found is None else found
    return ((j, ValueColumn(table.labels[j])),), ()


def _wide(
    table: Table,
    layout: Layout,
    told: Mapping[int, tuple[ValueColumn, str]],
    others: Sequence[int],
) -> tuple[Values, tuple[str, ...]]:
    """Check that years, months and sexes side by side leave no choice."""
    measures = Counter(_key(words) for _, words in told.values())
    if len(measures) > 1:
        texts = _listed(list(dict.fromkeys(words for _, words in told.values())))
        raise InputError(
            f"the columns hold more than one measure: {texts}; say columns: {{value: …}}",
            file=table.file, row=table.header_row, field="value",
        )  # fmt: skip
    columns = {j: v for j, (v, _) in told.items()}
    monthly = {j for j, v in columns.items() if v.month}
    if monthly and len(monthly) < len(columns):
        kept = monthly if layout.months else columns.keys() - monthly
        columns = {j: v for j, v in columns.items() if j in kept}
    seen: dict[tuple[object, ...], str] = {}
    for v in columns.values():
        key = (v.year, v.month, v.sex)
        if key in seen:
            raise InputError(
                f"columns {seen[key]!r} and {v.label!r} are about the same year and sex",
                file=table.file, row=table.header_row, field="value",
            )  # fmt: skip
        seen[key] = v.label
    unused = [
        table.labels[j] or f"column {j + 1} (no header)"
        for j in others
        if j not in columns and _is_numeric(table, j, layout)
    ]
    notes = (f"columns not read: {', '.join(unused)}",) if unused else ()
    return tuple(columns.items()), notes
