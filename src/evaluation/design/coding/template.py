"""An empty coding sheet with its columns explained."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from evaluation.data.grid import EXCEL
from evaluation.data.store.writing import publish
from evaluation.design.coding.vocabulary import (
    ADJUDICATED,
    COLUMNS,
    DECISION_COLUMNS,
    EVIDENCE,
    STANCES,
    UNCLEAR,
)
from evaluation.errors import InputError

__all__ = ["write_template"]

_COLUMNS = tuple(c for c in COLUMNS if c.name not in DECISION_COLUMNS)
_EXAMPLE = ("# " + _COLUMNS[0].example, *(c.example for c in _COLUMNS[1:]))
_ROWS = 600
"""How far down a workbook's cells are text and its lists of words reach."""


def write_template(path: str | Path) -> Path:
    """Write an empty coding sheet: a header and one example, commented out.

    Parameters
    ----------
    path : str or pathlib.Path
        Ends with ``.xlsx`` (a second sheet explains every column in Swedish and English; codes
        and dates are text; stance and evidence are chosen from lists) or ``.csv`` (UTF-8 with a
        byte-order mark; the explanations are comments).

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If the ending is another, or there is a file of that name: it may be filled in.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".xlsx"):
        raise InputError("must end with .csv or .xlsx", file=str(path))
    content = _workbook() if suffix in EXCEL else _text()
    if not publish(path, content, path.parent):
        problem = "is there already and may be filled in; name another file"
        raise InputError(problem, file=str(path))
    return path


def _text() -> bytes:
    sink = io.StringIO()
    write = csv.writer(sink, lineterminator="\n")
    write.writerow([c.name for c in _COLUMNS])
    write.writerow(_EXAMPLE)
    empty = [""] * (len(_COLUMNS) - 1)
    for column in _COLUMNS:
        write.writerow([f"# {column.name}: {column.sv} / {column.en}", *empty])
    return sink.getvalue().encode("utf-8-sig")


def _workbook() -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    sheet = book.active
    sheet.title = "coding"
    sheet.append([c.name for c in _COLUMNS])
    sheet.append(_EXAMPLE)
    sheet.freeze_panes = "A2"
    names = [c.name for c in _COLUMNS]
    for j, column in enumerate(_COLUMNS, start=1):
        sheet.cell(1, j).font = Font(bold=True)
        sheet.column_dimensions[sheet.cell(1, j).column_letter].width = 28 if j == 3 else 16
        if column.name in ("code", "began", "ended", "page"):
            # as numbers, codes lose their zero and months become days
            for i in range(2, _ROWS):
                sheet.cell(i, j).number_format = "@"
    for name, words in (("stance", STANCES), ("evidence", EVIDENCE)):
        letter = sheet.cell(1, names.index(name) + 1).column_letter
        listed = DataValidation(type="list", formula1=f'"{",".join(words)}"', allow_blank=True)
        listed.add(f"{letter}3:{letter}{_ROWS}")
        sheet.add_data_validation(listed)
    about = book.create_sheet("columns")
    about.append(["column", "needed", "sv", "en"])
    for column in COLUMNS:
        about.append([column.name, "yes" if column.needed else "", column.sv, column.en])
    about.append([ADJUDICATED, "", *_DECISIONS])
    about.append([UNCLEAR, "", *_UNCLEAR])
    for letter, width in zip("ABCD", (14, 8, 80, 80), strict=True):
        about.column_dimensions[letter].width = width
    for line in about.iter_rows():
        for cell in line:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


_DECISIONS = (
    "Ett avgörande av en oenighet är en egen rad med denna kodare; kodarnas rader står kvar.",
    "A decision on a disagreement is a row of its own with this coder; the coders' rows remain.",
)
_UNCLEAR = (
    "Har ingen plats i ordningen: räknas som saknat värde i måtten på samstämmighet.",
    "Has no place in the order: a missing value in the measures of agreement.",
)
