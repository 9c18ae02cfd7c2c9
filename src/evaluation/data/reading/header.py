"""Where a printed table begins: its titles, its header rows, its body."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from evaluation.data.grid import Grid
from evaluation.data.reading.cells import is_blank, plain, read_number, read_period, read_sex
from evaluation.data.reading.names import Place, find_place, name_key
from evaluation.errors import InputError

__all__ = ["CODE_WORDS", "NAME_WORDS", "YEAR_WORDS", "Table", "find_table", "frame_table"]

CODE_WORDS = {
    "code", "kod", "kommunkod", "kommun kod", "municipality code", "municipality_code", "knkod",
    "regionkod", "kommunnr", "kommunnummer",
}  # fmt: skip
NAME_WORDS = {
    "name", "namn", "kommun", "kommunnamn", "municipality", "kommuner", "region", "kommun/län",
    "län/kommun", "län och kommun", "bosättningskommun", "folkbokföringskommun", "hemkommun",
    "vistelsekommun", "anvisningskommun", "municipality name",
}  # fmt: skip
YEAR_WORDS = {
    "year", "år", "ar", "period", "tid", "time", "kalenderår", "redovisningsår", "mätår",
}  # fmt: skip
MOST_HEADER_ROWS = 3
_SAMPLE = 2000


@dataclass(frozen=True)
class Table:
    """A table with what its columns are called.

    Parameters
    ----------
    file : str
        The file.
    tokens : list of tuple of str
        By column, its header cells from the top.
    body : pandas.DataFrame
        Cells; columns are numbered from 0, the index is the line in the file.
    code, name : int or None
        Columns of municipalities, by what stands in them.
    above : tuple of str
        Texts above the header.
    header_row : int or None
        Line of the first header row; None where the format has none (Parquet).
    merged : frozenset of tuple of int
        Places (line, column) of the body that are part of a merged cell.
    ragged : mapping of int to tuple of int
        By line of a text file, how many fields it has and how many the header has, where
        they differ.
    """

    file: str
    tokens: list[tuple[str, ...]]
    body: pd.DataFrame = field(repr=False)
    code: int | None = None
    name: int | None = None
    above: tuple[str, ...] = ()
    header_row: int | None = None
    merged: frozenset[tuple[int, int]] = frozenset()
    ragged: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def labels(self) -> list[str]:
        """The columns' names: the header cells joined by a space."""
        return [" ".join(t) for t in self.tokens]


def _cell(row: Sequence[Any], j: int | None) -> Any:
    return row[j] if j is not None and j < len(row) else None


def place_columns(columns: Sequence[Sequence[Any]]) -> tuple[int | None, int | None]:
    """Find the columns of codes and of names by what stands in them.

    A year can be a code, too (2021 is Vansbro): the column with the most different
    municipalities wins, one with a header such as «år» is left out, and digits beside
    names are codes only where the two agree.

    Parameters
    ----------
    columns : sequence of sequence
        Cells by column, the header among them.

    Returns
    -------
    tuple of int or None
        Numbers of the two columns.

    Examples
    --------
    >>> place_columns([["Kommun", "Ale", "Åre"], ["Kod", 1440, 2321], ["Antal", 12, 1480]])
    (1, 0)
    """
    best: dict[str, tuple[int, int | None]] = {"code": (0, None), "name": (0, None)}
    for j, column in enumerate(columns):
        cells = set(map(plain, column)) - {""}
        if any(c.casefold() in YEAR_WORDS for c in cells):
            continue
        digits = {c for c in cells if c.isdecimal()}
        for role, group in (("code", digits), ("name", cells - digits)):
            hits = len({p.code for p in map(find_place, group) if p.code})
            if hits > best[role][0] and (role == "name" or 2 * hits >= len(digits)):
                best[role] = hits, j
    code, name = best["code"][1], best["name"][1]
    if code is not None and name is not None and code != name:
        pairs = [
            (find_place(c).code, find_place(n).code)
            for c, n in zip(columns[code], columns[name], strict=True)
        ]
        agree = [c == n for c, n in pairs if n]
        code = code if 2 * sum(agree) > len(agree) else None
    return code, name if name != code else None


def _labelled(rows: Sequence[Sequence[Any]], words: set[str]) -> tuple[int, int] | None:
    """Return row and column of the first cell that is one of these words."""
    for i, row in enumerate(rows[:60]):
        for j, cell in enumerate(row):
            if plain(cell).casefold() in words:
                return i, j
    return None


def _is_data(row: Sequence[Any]) -> bool:
    """Tell whether a row holds numbers other than years, so that it cannot be a header."""
    filled = [c for c in row if not is_blank(c)]
    numbers = [c for c in filled if read_number(c, ",") is not None and read_period(c) is None]
    return len(filled) > 1 and bool(numbers)


def _is_header(grid: Grid, i: int) -> bool:
    own = [c for j, c in enumerate(grid.rows[i]) if (i, j) not in grid.spread and not is_blank(c)]
    if len(own) > 1:
        return True
    return any(read_period(c) is not None or read_sex(c) is not None for c in own)


def find_table(
    grid: Grid,
    *,
    header_row: int | None = None,
    code: str | None = None,
    name: str | None = None,
    by_words: bool = True,
) -> Table | None:
    """Find the table in a grid.

    Parameters
    ----------
    grid : Grid
        The cells.
    header_row : int, optional
        Line of the first header row, if it is known.
    code, name : str, optional
        What the columns of codes and names are called, if that is known.
    by_words : bool
        Whether a header such as «Kommun» will do where no municipality is recognised.

    Returns
    -------
    Table or None
        None where there are no municipalities and no such header.

    Raises
    ------
    InputError
        If there is no header, or two rows could both be it.
    """
    rows, lines = grid.rows, grid.lines
    first = 0
    if header_row is not None:
        below = [k for k, line in enumerate(lines) if line >= header_row]
        if not below or lines[below[0]] != header_row:
            raise InputError("the row is blank or beyond the end", file=grid.file, row=header_row)
        first = below[0]
    sample = rows[first : first + _SAMPLE]
    width = max(map(len, rows))
    at_code, at_name = place_columns([[_cell(r, j) for r in sample] for j in range(width)])
    found: tuple[int, int] | None = None
    pinned = {k.casefold() for k in (code, name) if k}
    if pinned:
        found = _labelled(sample, pinned)
        for label, is_code in ((code, True), (name, False)):
            where = _labelled(sample, {label.casefold()}) if label else None
            if where is not None:
                at_code, at_name = (where[1], at_name) if is_code else (at_code, where[1])
    if at_code is None and at_name is None:
        found = _labelled(sample, CODE_WORDS | NAME_WORDS) if by_words else None
        if found is None:
            return None
        at_name = found[1]

    def place(row: Sequence[Any]) -> Place:
        return find_place(_cell(row, at_code), _cell(row, at_name))

    start = next(
        (
            i
            for i in range(first, len(rows))
            if place(rows[i]).kind != "none" and sum(not is_blank(c) for c in rows[i]) > 1
        ),
        None,
    )
    if start is None:
        start = first + found[0] + 1 if found else None
        if start is None or start >= len(rows):
            raise InputError("has a header but no data rows", file=grid.file)
    while start > first and _is_data(rows[start - 1]):
        start -= 1
    top = first if header_row is not None else _top(grid, start)
    if top == start:
        raise InputError("there is no header above the first row of data", file=grid.file,
                         row=lines[start])  # fmt: skip
    tokens = _tokens(grid, top, start, (at_code, at_name))
    _one_header(grid, top, start, (at_code, at_name))
    above = tuple(
        text
        for i in range(top)
        for j, c in enumerate(rows[i])
        if (i, j) not in grid.spread and (text := plain(c))
    )
    tokens += [()] * (width - len(tokens))
    body = pd.DataFrame(
        [[*r, *[None] * (width - len(r))] for r in rows[start:]],
        index=pd.Index(lines[start:], name="row"),
        columns=range(width),
        dtype=object,
    )
    merged = frozenset((lines[i], j) for i, j in grid.merged if i >= start)
    ragged = {}
    if grid.separator is not None:
        head = max(len(r) for r in rows[top:start])
        # empty fields beyond the header are nothing
        widths = {lines[i]: _used(rows[i], head) for i in range(start, len(rows))}
        ragged = {line: (n, head) for line, n in widths.items() if n != head}
    return Table(
        grid.file, tokens, body, at_code, at_name, above, lines[top], merged, ragged
    )  # fmt: skip


def _used(row: Sequence[Any], head: int) -> int:
    """Return how many fields a row has, empty ones beyond the header not counted."""
    if len(row) <= head:
        return len(row)
    filled = max((j + 1 for j, c in enumerate(row) if not is_blank(c)), default=0)
    return max(head, filled)


def _top(grid: Grid, start: int) -> int:
    """Return the index of the first header row."""
    top = start
    while top > 0 and start - top < MOST_HEADER_ROWS:
        gap = top < start and grid.lines[top - 1] != grid.lines[top] - 1
        if gap or not _is_header(grid, top - 1):
            break
        top -= 1
    return top


def _tokens(
    grid: Grid, top: int, start: int, places: tuple[int | None, int | None]
) -> list[tuple[str, ...]]:
    """Return each column's header cells, an upper one standing for those to its right."""
    rows = [[plain(c) for c in grid.rows[i]] for i in range(top, start)]
    width = max(map(len, rows))
    rows = [r + [""] * (width - len(r)) for r in rows]

    def told(text: str) -> bool:
        return read_period(text) is not None or read_sex(text) is not None

    for k, row in enumerate(rows[:-1]):
        carried = ""
        for j in range(width):
            below = [r[j] for r in rows[k + 1 :] if r[j]]
            if row[j]:
                carried = "" if j in places else row[j]
            elif below and (told(carried) or any(map(told, below))):
                row[j] = carried
    tokens = []
    for j in range(width):
        texts = [r[j] for r in rows if r[j]]
        tokens.append(tuple(t for i, t in enumerate(texts) if t not in texts[:i]))
    return tokens


def _one_header(grid: Grid, top: int, start: int, places: tuple[int | None, int | None]) -> None:
    """Refuse two rows that both name the places or the years of the same column."""
    for a, b in itertools.combinations(range(top, start), 2):
        for j in range(min(len(grid.rows[a]), len(grid.rows[b]))):
            if (b, j) in grid.spread:
                continue
            one, two = plain(grid.rows[a][j]), plain(grid.rows[b][j])
            years = [p is not None and p.year > 0 for p in (read_period(one), read_period(two))]
            named = j in places and one and two and name_key(one) != name_key(two)
            if named or (all(years) and one != two):
                raise InputError(
                    f"rows {grid.lines[a]} and {grid.lines[b]} could both be the header "
                    f"({one!r} and {two!r}); say header_row",
                    file=grid.file,
                    row=grid.lines[a],
                    field="header_row",
                )


def frame_table(frame: pd.DataFrame, file: str) -> Table:
    """Return a table whose header is known, as Parquet's is."""
    body = frame.set_axis(range(frame.shape[1]), axis=1)
    body.index = pd.RangeIndex(2, len(frame) + 2, name="row")
    labels = [plain(c) for c in frame.columns]
    columns = [[label, *body[j].head(_SAMPLE)] for j, label in enumerate(labels)]
    return Table(file, [(t,) for t in labels], body, *place_columns(columns))
