"""A file as a grid of cells, before anything is known about what they mean."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from evaluation.errors import InputError

__all__ = ["EXCEL", "PARQUET", "Grid", "decode", "find_separator", "read_grids", "read_parquet"]

EXCEL: Final = frozenset({".xlsx", ".xlsm"})
PARQUET: Final = frozenset({".parquet", ".pq"})
MOST_BYTES = 300_000_000
"""Unpacked size of a workbook beyond which it is refused: a table of every municipality
over 50 years takes a few."""
_OLE = b"\xd0\xcf\x11\xe0"
# å, ä and ö of Mac Roman and of DOS after a letter; in Windows-1252 these bytes are †, „ or š, so
# they count as letters only where the file has none of Windows' own
_OTHER_LETTERS = re.compile(rb"[A-Za-z][\x84\x86\x8a\x8c\x94\x9a]")
_WINDOWS_LETTERS = re.compile(rb"[\xe5\xe4\xf6\xc5\xc4\xd6]")


@dataclass(frozen=True)
class Grid:
    """Cells as they stand in a file or on a sheet.

    Parameters
    ----------
    file : str
        The file.
    rows : list of list
        Cells, by row; blank rows are left out.
    lines : list of int
        Line or row number of each row in the file, from 1.
    encoding, separator : str, optional
        Of a text file.
    sheet : str, optional
        Of a workbook.
    spread, merged : frozenset of tuple of int
        Places (index of the row, index of the column) filled from a merged cell, and
        all places of merged cells.
    notes : tuple of str
        What was noticed.
    """

    file: str
    rows: list[list[Any]] = field(repr=False)
    lines: list[int] = field(repr=False)
    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None
    spread: frozenset[tuple[int, int]] = frozenset()
    merged: frozenset[tuple[int, int]] = frozenset()
    notes: tuple[str, ...] = ()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError("there is no such file", file=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=str(path)) from None


def decode(content: bytes, file: str) -> tuple[str, str]:
    """Decode a text file: UTF-8, UTF-16 or Windows-1252.

    Parameters
    ----------
    content : bytes
        What the file holds.
    file : str
        Its name, for the error.

    Returns
    -------
    tuple of str
        Text and name of the encoding.

    Raises
    ------
    InputError
        If it is none of these, or its letters are those of an old Mac or of DOS.

    Examples
    --------
    >>> decode("Åre;1".encode("cp1252"), "a.csv")
    ('Åre;1', 'cp1252')
    """
    trials = ["utf-8-sig", "utf-8"] if content.startswith(b"\xef\xbb\xbf") else ["utf-8"]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        trials = ["utf-16"]
    elif b"\x00" in content[:200]:
        # Excel's «Unicode text» without its mark: every second byte is zero
        trials = ["utf-16-le" if content[1:2] == b"\x00" else "utf-16-be"]
    elif _WINDOWS_LETTERS.search(content) or not _OTHER_LETTERS.search(content):
        trials.append("cp1252")
    for encoding in trials:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text, encoding
    raise InputError("is neither UTF-8, UTF-16 nor Windows-1252 text; save it as UTF-8", file=file)


def find_separator(text: str) -> str | None:
    r"""Find what separates the fields: the mark that cuts most lines into equally many.

    Parameters
    ----------
    text : str
        The file's text.

    Returns
    -------
    {";", "\t", ",", "|"} or None
        None where no mark makes two columns.

    Examples
    --------
    >>> find_separator("Tabell 1, mottagna\nkommun;antal\nÅre;1,5\nAle;2,5\n")
    ';'
    """
    sample = "\n".join(text.splitlines()[:500])
    best: tuple[float, str | None] = (0.0, None)
    for mark in ";\t,|":
        try:
            rows = [r for r in csv.reader(io.StringIO(sample), delimiter=mark) if any(r)]
        except csv.Error:
            continue
        widths = Counter(len(r) for r in rows if len(r) > 1)
        if widths:
            share = widths.most_common(1)[0][1] / len(rows)
            if share > best[0] + 1e-9:
                best = share, mark
    return best[1]


def _read_text(path: Path) -> Grid:
    name = str(path)
    content = _bytes(path)
    if content.startswith((b"PK\x03\x04", _OLE)):
        raise InputError(f"is a workbook, not text; its name should end in {min(EXCEL)}", file=name)
    if content.startswith(b"PAR1"):
        raise InputError("is Parquet; its name should end in .parquet", file=name)
    text, encoding = decode(content, name)
    if not text.strip():
        raise InputError("is empty; a header line and data rows are needed", file=name)
    separator = find_separator(text)
    if separator is None:
        raise InputError(
            "has only one column; fields must be separated by semicolon, tab, comma or |", file=name
        )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[list[Any]] = []
    lines: list[int] = []
    start = 1
    try:
        for row in reader:
            line, start = start, reader.line_num + 1
            if any(cell.strip() for cell in row):
                rows.append(list(row))
                lines.append(line)
    except csv.Error as error:
        raise InputError(f"is not a CSV: {error}", file=name, row=start) from None
    notes: tuple[str, ...] = ()
    if encoding not in ("utf-8", "utf-8-sig"):
        notes = (f"the text is {'Windows-1252' if encoding == 'cp1252' else 'UTF-16'}, not UTF-8",)
    return Grid(name, rows, lines, encoding, separator, notes=notes)


def _check_workbook(path: Path) -> bool:
    """Refuse what is no workbook or is too large; tell whether there are formulas."""
    name = str(path)
    with path.open("rb") as stream:
        head = stream.read(4)
    if head == _OLE:
        raise InputError(
            "is password-protected or an old .xls; save it as .xlsx without a password", file=name
        )
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(i.file_size for i in packed.infolist())
            if size > MOST_BYTES:
                raise InputError(
                    f"unpacks to {size / 1e6:,.0f} MB; at most {MOST_BYTES / 1e6:,.0f} MB are "
                    "read: save the sheet as CSV or Parquet",
                    file=name,
                )
            sheets = [n for n in packed.namelist() if n.startswith("xl/worksheets/")]
            return any(b"<f" in packed.read(n) for n in sheets)
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError) as error:
        # RuntimeError: an encrypted member
        raise InputError(f"is not a readable workbook: {error}", file=name) from None


def _read_workbook(path: Path, sheet: str | None) -> list[Grid]:
    from openpyxl import load_workbook

    name = str(path)
    if not path.is_file():
        raise InputError("there is no such file", file=name)
    formulas = _check_workbook(path)
    try:
        book = load_workbook(path, data_only=True)
        written = load_workbook(path) if formulas else None
    except Exception as error:
        # a damaged part can raise nearly anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"is not a readable workbook: {reason}", file=name) from None
    visible = [s for s in book.worksheets if s.sheet_state == "visible"]
    if sheet is not None:
        chosen = [s for s in book.worksheets if s.title.strip() == sheet.strip()]
        if not chosen:
            have = ", ".join(repr(s.title) for s in book.worksheets)
            raise InputError(f"there is no sheet {sheet!r}; there are {have}", file=name)
        visible = chosen
    return [_sheet_grid(name, s, written[s.title] if written else None) for s in visible]


def _sheet_grid(file: str, sheet: Any, written: Any) -> Grid:
    cells: list[list[Any]] = []
    per_cent = 0
    for i, row in enumerate(sheet.iter_rows()):
        values = []
        for j, cell in enumerate(row):
            value = cell.value
            if value is None and written is not None:
                typed = written.cell(i + 1, j + 1)
                value = str(typed.value) if typed.data_type == "f" else None
            elif isinstance(value, bool):
                value = str(value)
            elif isinstance(value, int | float) and str(cell.number_format).endswith("%"):
                # what is shown as 45.4 % is stored as 0.454
                value = float(f"{100 * value:.12g}")
                per_cent += 1
            values.append(value)
        cells.append(values)
    spread, merged = set(), set()
    for area in sheet.merged_cells.ranges:
        left, top, right, bottom = area.bounds
        for i in range(top - 1, min(bottom, len(cells))):
            for j in range(left - 1, min(right, len(cells[i]))):
                merged.add((i, j))
                if (i, j) != (top - 1, left - 1):
                    cells[i][j] = cells[top - 1][left - 1]
                    spread.add((i, j))
    kept = [i for i, row in enumerate(cells) if any(v is not None and str(v).strip() for v in row)]
    place = {i: k for k, i in enumerate(kept)}
    notes = (f"{per_cent} cells in per cent format were multiplied by 100",) if per_cent else ()
    return Grid(
        file,
        [cells[i] for i in kept],
        [i + 1 for i in kept],
        sheet=sheet.title,
        spread=frozenset((place[i], j) for i, j in spread if i in place),
        merged=frozenset((place[i], j) for i, j in merged if i in place),
        notes=notes,
    )


def read_grids(path: Path, sheet: str | None = None) -> list[Grid]:
    """Read a text file or a workbook.

    Parameters
    ----------
    path : pathlib.Path
        A CSV in UTF-8, UTF-16 or Windows-1252, or a workbook (``.xlsx``).
    sheet : str, optional
        Name of the sheet; without it every visible one.

    Returns
    -------
    list of Grid
        One per sheet; one for a text file.

    Raises
    ------
    InputError
        If the file is missing, damaged, empty, protected or unreasonably large.
    """
    if path.suffix.lower() in EXCEL:
        return _read_workbook(path, sheet)
    if path.suffix.lower() == ".xls":
        raise InputError("is an old .xls; save it as .xlsx", file=str(path))
    if sheet is not None:
        raise InputError("only a workbook (.xlsx) has sheets", file=str(path), field="sheet")
    return [_read_text(path)]


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet file as it is.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    pandas.DataFrame
        Its columns; the row of the file is the index plus 2, as if a header stood above.

    Raises
    ------
    InputError
        If the file is missing, damaged or has no rows.
    """
    name = str(path)
    if not path.is_file():
        raise InputError("there is no such file", file=name)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # one file, not a partitioned folder; the index that pandas left becomes columns again
        table = pq.ParquetFile(path).read()
        frame = table.to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"is not a readable Parquet file: {reason}", file=name) from None
    if frame.empty:
        raise InputError("has no rows", file=name)
    frame.columns = [str(c) for c in frame.columns]
    kept = [c for c in frame.columns if not c.startswith("__index_level_")]
    return pd.DataFrame(frame.loc[:, kept])
