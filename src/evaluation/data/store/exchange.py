"""Snapshots as files for other programs, and those files read again."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from evaluation.data.observations import COLUMNS, observations
from evaluation.data.store.provenance import Provenance
from evaluation.data.store.snapshot import Snapshot
from evaluation.data.store.writing import read_bytes, replace
from evaluation.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FORMATS", "SOURCE", "export", "read_export"]

FORMATS = (".csv", ".xlsx", ".parquet")
SOURCE = "source"
"""The column that says on every row where the data are from, or that they are simulated."""
MOST_XLSX_ROWS = 1_048_575
"""A sheet has 1 048 576 rows, one of them the header."""
_MARK = "\ufeff".encode()


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise InputError(f"must end with one of {', '.join(FORMATS)}", file=str(path))
    return suffix


def export(snapshot: Snapshot, path: str | Path) -> Path:
    """Write a snapshot's observations for other programs.

    Value and state stand in columns of their own: a value that was suppressed or is
    missing is an empty cell, told apart by ``state``; zero is 0. A last column ``source``
    bears the source, the day and the content hash on every row, or says that the data are
    simulated.

    Parameters
    ----------
    snapshot : Snapshot
        What to write; its hash is checked first.
    path : str or pathlib.Path
        Ends with ``.csv`` (UTF-8 with a byte-order mark, commas, decimal points),
        ``.xlsx`` (codes as text, sixteen significant digits; a second sheet holds the
        provenance) or ``.parquet`` (the provenance is in the file's metadata). An
        existing file gives way.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If the snapshot is damaged, the ending is another, the rows are too many for a
        sheet, or the file cannot be written.
    """
    import pyarrow as pa

    path = Path(path)
    suffix = _suffix(path)
    content = snapshot.content()
    if suffix == ".xlsx" and len(content) > MOST_XLSX_ROWS:
        raise InputError(
            f"a sheet holds {MOST_XLSX_ROWS} rows and there are {len(content)}; "
            "use .csv or .parquet",
            file=str(path),
        )
    label = snapshot.provenance.label
    origin = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(len(content), dtype=np.int32)), pa.array([label])
    )
    table = content.table().append_column(SOURCE, origin)
    write = {".csv": _to_csv, ".xlsx": _to_xlsx, ".parquet": _to_parquet}[suffix]
    replace(path, write(table, snapshot.provenance), path.parent)
    return path


def _to_csv(table: pa.Table, _: Provenance) -> bytes:
    import pyarrow as pa
    from pyarrow import csv

    sink = pa.BufferOutputStream()
    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    csv.write_csv(_plain_text(table), sink, options)
    header = ",".join(table.column_names) + "\n"
    return _MARK + header.encode() + bytes(sink.getvalue())


def _plain_text(table: pa.Table) -> pa.Table:
    """Return the table with its dictionaries written out."""
    import pyarrow as pa

    fields = [
        (f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type)
        for f in table.schema
    ]
    return table.cast(pa.schema(fields))


def _to_parquet(table: pa.Table, provenance: Provenance) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    metadata = {"title": provenance.label, "provenance": provenance.to_json()}
    pq.write_table(table.replace_schema_metadata(metadata), sink, compression="zstd")
    return bytes(sink.getvalue())


def _to_xlsx(table: pa.Table, provenance: Provenance) -> bytes:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    book.properties.title = provenance.label
    sheet = book.create_sheet("SIMULATED" if provenance.simulated else "observations")
    sheet.freeze_panes = "A2"
    sheet.append(table.column_names)
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        sheet.append(row)
    about = book.create_sheet("provenance")
    lines = _flat(provenance.to_dict())
    lines += [(f"citation line, {lang}", provenance.citation(lang)) for lang in ("sv", "en")]
    for line in lines:
        cells = [WriteOnlyCell(about, text) for text in line]
        for cell in cells:
            # a note or a file's name may begin with an equals sign
            cell.data_type = "s"
        about.append(cells)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _flat(content: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Return nested plain types as lines of key and text."""
    out: list[tuple[str, str]] = []
    for key, value in content.items():
        name = f"{above}{key}"
        if isinstance(value, dict):
            out += _flat(value, f"{name}.")
        elif isinstance(value, list):
            out.append((name, ", ".join(map(str, value))))
        else:
            out.append((name, str(value)))
    return out


def read_export(path: str | Path) -> pd.DataFrame:
    """Read a file that :func:`export` wrote.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    pandas.DataFrame
        The tidy form; suppressed, missing and zero are three things still.

    Raises
    ------
    InputError
        If the file is missing or no such export, a cell is not what its column needs, or
        value and state contradict each other. File, row and field are named.
    """
    path = Path(path)
    suffix = _suffix(path)
    raw = read_bytes(path, "there is no such file")
    read = {".csv": _from_csv, ".xlsx": _from_xlsx, ".parquet": _from_parquet}[suffix]
    file = str(path)
    try:
        frame = read(raw)
        for name in (n for n in COLUMNS if n not in frame.columns):
            raise InputError("there is no such column", field=name)
        for name in ("indicator", "code", "sex", "state"):
            _refuse(frame, name, ~frame[name].map(_is_text), "is not text")
        frame["year"] = _numbers(frame, "year")
        whole = frame["year"] == frame["year"].round()
        _refuse(frame, "year", ~whole, "is not a whole year")
        frame["value"] = _numbers(frame, "value")
        return observations(frame)
    except InputError as error:
        row = None if error.row is None else error.row + 2
        raise InputError(error.problem, file=file, row=row, field=error.field) from None


def _is_text(cell: object) -> bool:
    return isinstance(cell, str) and cell != ""


def _refuse(frame: pd.DataFrame, name: str, bad: pd.Series, why: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(f"{frame[name].iloc[row]!r} {why}", row=row, field=name)


def _numbers(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column as float64; an empty cell is NaN."""
    column = frame[name]
    empty = column.isna() | (column == "")
    found = pd.to_numeric(column.mask(empty), errors="coerce")
    _refuse(frame, name, found.isna() & ~empty, "is not a number")
    return found.astype("float64")


def _from_csv(raw: bytes) -> pd.DataFrame:
    try:
        return pd.read_csv(
            io.BytesIO(raw), dtype="str", keep_default_na=False, encoding="utf-8-sig"
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise InputError(f"is not a CSV: {str(error).strip()}") from None


def _from_xlsx(raw: bytes) -> pd.DataFrame:
    from zipfile import BadZipFile

    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        rows = book.worksheets[0].iter_rows(values_only=True)
        header = next(rows, ())
        return pd.DataFrame(list(rows), columns=list(header), dtype=object)
    except (BadZipFile, KeyError, ValueError, OSError) as error:
        raise InputError(f"is no Excel file: {error}") from None


def _from_parquet(raw: bytes) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        frame: pd.DataFrame = _plain_text(pq.read_table(pa.BufferReader(raw))).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"is no Parquet file: {str(error).splitlines()[0]}") from None
    return frame
