"""The coding sheet: who coded which municipality's stance, for when, on what evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.data import embedded
from evaluation.data.files import read_table
from evaluation.data.reading.cells import plain
from evaluation.design.coding.rows import FIELDS, check_rows
from evaluation.design.coding.vocabulary import (
    ADJUDICATED,
    ANONYMOUS,
    COLUMNS,
    EVIDENCE,
    STANCES,
    UNCLEAR,
    suggestion,
)
from evaluation.design.stance import stance_table
from evaluation.errors import InputError

__all__ = ["CodingSheet", "coding_sheet", "combine", "read_sheet", "sheet_from_documents"]

_NEEDED = tuple(c.name for c in COLUMNS if c.needed)
DOCUMENT_CODER = "documents"
"""The one coder of the documents that ship."""


@dataclass(frozen=True, repr=False)
class CodingSheet:
    """Codings of one or several coders, checked.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row per municipality, coder and period: the columns of a sheet as text,
        ``municipality``, ``file`` and ``row``, and the ``first`` and ``last`` month
        (12 × year + month − 1; 0 and 120,000 where open). Sorted by code, coder and time.
    anonymous : pandas.DataFrame
        Rows without a municipality; they are counted and used for nothing else.
    notes : tuple of str
        What was noticed and is no fault.
    last_year : int, optional
        Last year of the data that the rows were checked against.
    """

    rows: pd.DataFrame = field(repr=False)
    anonymous: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()
    last_year: int | None = None

    @property
    def coders(self) -> tuple[str, ...]:
        """Who coded, without decisions."""
        names = self.rows["coder"].unique()
        return tuple(sorted(str(n) for n in names if n != ADJUDICATED))

    @property
    def codings(self) -> pd.DataFrame:
        """The coders' own rows."""
        return self.rows[self.rows["coder"] != ADJUDICATED]

    @property
    def decisions(self) -> pd.DataFrame:
        """The rows that settle a disagreement."""
        return self.rows[self.rows["coder"] == ADJUDICATED]

    @property
    def anonymous_counts(self) -> dict[str, int]:
        """Number of anonymous rows by stance."""
        found = self.anonymous["stance"].value_counts()
        return {s: int(found[s]) for s in STANCES if s in found}

    @property
    def hash(self) -> str:
        """SHA-256 of the rows and the anonymous rows, without the files they stand in."""
        parts = [t.loc[:, list(FIELDS)].to_csv(index=False) for t in (self.rows, self.anonymous)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def tidy(self) -> pd.DataFrame:
        """Return one row per municipality, coder and period, as text."""
        code, *others = FIELDS
        return self.rows.loc[:, [code, "municipality", *others]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "rows": self.tidy().to_dict("records"),
            "coders": list(self.coders),
            "anonymous": self.anonymous_counts,
            "data_hash": self.hash,
            "notes": list(self.notes),
        }

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return (
            f"<CodingSheet, {len(self.rows)} rows, {self.rows['code'].nunique()} municipalities, "
            f"coders: {', '.join(self.coders) or 'none'}>"
        )

    def _repr_html_(self) -> str:
        return self.tidy().to_html(index=False, border=0)


def coding_sheet(
    rows: pd.DataFrame | Sequence[Mapping[str, str]], *, last_year: int | None = None
) -> CodingSheet:
    """Make a sheet from rows at hand.

    Parameters
    ----------
    rows : pandas.DataFrame or sequence of mapping
        ``code``, ``coder``, ``stance``, ``evidence``, and as far as they are known ``began``,
        ``ended``, ``components``, ``source``, ``page``, ``note``; all text. Rows with the coder
        ``adjudicated`` also have ``decided_by``, ``decided_on`` and ``reason``.
    last_year : int, optional
        Last year of the data: a stance that began later is refused.

    Returns
    -------
    CodingSheet
        The rows, checked.

    Raises
    ------
    InputError
        At the first row that is not as it should be; the row's number is the frame's index
        where that is whole numbers, else its place from 0.

    Examples
    --------
    >>> rows = [{"code": "2321", "coder": c, "stance": "active_day_one", "evidence": "strong",
    ...          "source": "are_2017"} for c in "AB"]
    >>> coding_sheet(rows)
    <CodingSheet, 2 rows, 1 municipalities, coders: A, B>
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    for column in _NEEDED:
        if column not in frame.columns:
            raise InputError(f"there is no such column; needed are {', '.join(_NEEDED)}",
                             field=column)  # fmt: skip
    frame = frame.astype(object).where(frame.notna(), None)
    texts = {c: [plain(v) for v in frame[c]] if c in frame.columns else "" for c in FIELDS}
    rows = pd.DataFrame(texts, index=range(len(frame)))
    numbered = pd.api.types.is_integer_dtype(frame.index)
    rows["row"] = list(frame.index) if numbered else range(len(frame))
    rows["file"] = frame.attrs.get("file", "")
    return _checked(rows, last_year)


def _checked(rows: pd.DataFrame, last_year: int | None, notes: Sequence[str] = ()) -> CodingSheet:
    coded, anonymous = check_rows(rows, last_year)
    sheet = CodingSheet(coded, anonymous, last_year=last_year)
    found = [*notes]
    for coder, count in sheet.codings["coder"].value_counts(sort=False).items():
        if count == 1:
            found.append(f"coder {coder!r} has one row only")
    stated = (coded["evidence"] != EVIDENCE[0]) & (coded["source"] == "")
    if stated.any():
        found.append(f"{int(stated.sum())} rows state evidence and name no source")
    unfounded = (coded["evidence"] == EVIDENCE[0]) & (coded["stance"] != UNCLEAR)
    if unfounded.any():
        found.append(
            f"{int(unfounded.sum())} rows state a stance on no evidence; they make nobody active"
        )
    if len(anonymous):
        found.append(f"{len(anonymous)} anonymous rows are counted and tied to no municipality")
    return CodingSheet(coded, anonymous, tuple(found), last_year)


def read_sheet(path: str | Path, *, last_year: int | None = None) -> CodingSheet:
    """Read a coding sheet.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV (UTF-8; comma, semicolon or tab) or workbook; of several sheets the one with the
        columns is read. A row whose first filled cell begins with ``#`` is a comment.
    last_year : int, optional
        Last year of the data: a stance that began later is refused.

    Returns
    -------
    CodingSheet
        The rows, checked; empty for a template that nobody has filled in.

    Raises
    ------
    InputError
        With file, row and field: an unknown column or word (with the nearest one), a code that
        is no municipality's, a date that is none, an end before its start, a stance that begins
        after the data, overlapping periods of one coder, a row that stands twice, an anonymous
        answer with a code.
    """
    file = str(path)
    table = read_table(path, columns=_NEEDED)
    for column in table.columns:
        if column not in FIELDS and column != "municipality":
            raise InputError(suggestion(str(column), FIELDS), file=file, row=1, field=str(column))
    for column in _NEEDED:
        if column not in table.columns:
            raise InputError(
                f"there is no such column; needed are {', '.join(_NEEDED)}",
                file=file,
                row=1,
                field=column,
            )
    leading = [next((c for c in cells if c), "") for cells in table.itertuples(False, None)]
    rows = table[[not text.startswith("#") for text in leading]]
    rows.attrs["file"] = file
    return coding_sheet(rows, last_year=last_year)


def combine(sheets: Sequence[CodingSheet]) -> CodingSheet:
    """Put several sheets together, as where each coder filled in one.

    Parameters
    ----------
    sheets : sequence of CodingSheet
        At least one.

    Returns
    -------
    CodingSheet
        All rows, checked against each other.

    Raises
    ------
    InputError
        If periods of one coder overlap between two sheets, or there is no sheet.
    """
    if not sheets:
        raise InputError("there is no coding sheet to put together; one is needed")
    years = [s.last_year for s in sheets if s.last_year is not None]
    columns = ["file", "row", *FIELDS]
    every = [t.loc[:, columns] for s in sheets for t in (s.rows, s.anonymous)]
    return _checked(pd.concat(every, ignore_index=True), min(years, default=None))


def sheet_from_documents() -> CodingSheet:
    """Return the coding of the documents that ship, as a sheet of one coder.

    Returns
    -------
    CodingSheet
        Every municipality that the five documents name, without dates; ``page`` is the line
        of the document's extracted text. The anonymous answers are counted.

    Examples
    --------
    >>> sheet = sheet_from_documents()
    >>> len(sheet), sheet.coders, sum(sheet.anonymous_counts.values())
    (95, ('documents',), 3)
    """
    named = stance_table().reset_index().rename(
        columns={"strength": "evidence", "document": "source", "line": "page"}
    )  # fmt: skip
    table = embedded.load("stance")
    apart = table[table["code"].isna()].rename(columns={"document": "source", "line": "page"})
    rows = pd.concat([named, apart.assign(code="", evidence=ANONYMOUS)], ignore_index=True)
    kept = ["code", "stance", "evidence", "source", "page"]
    return coding_sheet(rows[kept].assign(coder=DOCUMENT_CODER))
