"""Which year a row or a whole file is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from evaluation.data.reading.cells import Period
from evaluation.data.reading.layout import Layout
from evaluation.errors import InputError

__all__ = ["file_year", "settle_years"]

_YEAR = re.compile(r"(?<![\d-])((?:19|20)\d\d)(?!\d)")
_MONTH = "(?:jan|feb|mar|apr|ma[jy]|jun|jul|aug|sep|o[kc]t|nov|dec)"
_DATE = re.compile(rf"\d{{4}}-\d\d-\d\d|(?<!\d)\d{{1,2}} {_MONTH}\w* \d{{4}}", re.IGNORECASE)


def settle_years(periods: Sequence[Period | None]) -> tuple[list[Period | None], str]:
    """Say what dates in a column of years mean.

    The same day in every row (31 December, 1 January) stands for the year; the first of
    each month for the month; anything else is no year.

    Parameters
    ----------
    periods : sequence of Period or None
        What each cell says.

    Returns
    -------
    tuple
        Periods without days, None where there is no year; and a note, or "".

    Examples
    --------
    >>> settle_years([Period(2015, 12, 31), Period(2016, 12, 31)])[0][1]
    Period(year=2016, month=None, day=None)
    """
    days = {(p.month, p.day) for p in periods if p and p.day}
    out = [p if p and p.year else None for p in periods]
    if not days:
        return out, ""
    if len(days) == 1:
        (month, day) = days.pop()
        note = f"dates ({day} {month}) in the column of years were read as their year"
        return [replace(p, month=None, day=None) if p and p.day else p for p in out], note
    if {day for _, day in days} == {1}:
        return [replace(p, day=None) if p else None for p in out], "dates were read as months"
    return [None if p and p.day else p for p in out], ""


def file_year(
    layout: Layout, above: Sequence[str], sheet: str | None, file: str
) -> tuple[int, str]:
    """Find the year of a file that has it neither in rows nor in columns.

    Parameters
    ----------
    layout : Layout
        May tell it.
    above : sequence of str
        Titles over the table.
    sheet : str, optional
        Name of the sheet.
    file : str
        Name of the file.

    Returns
    -------
    tuple of int and str
        The year and a note on where it stands, or "".

    Raises
    ------
    InputError
        If there is none, or more than one.

    Examples
    --------
    >>> file_year(Layout(), ["Mottagna 2023. Uttag 2024-02-01"], "Blad1", "a.xlsx")
    (2023, 'the year 2023 was read in the titles')
    """
    if layout.year is not None:
        return layout.year, ""
    places = (("name of the sheet", [sheet or ""]), ("titles", above),
              ("name of the file", [Path(file).stem]))  # fmt: skip
    for where, texts in places:
        years = {int(y) for t in texts for y in _YEAR.findall(_DATE.sub(" ", t))}
        if len(years) == 1:
            (year,) = years
            return year, f"the year {year} was read in the {where}"
        if years:
            found = ", ".join(map(str, sorted(years)))
            raise InputError(f"the {where} name several years ({found}); say year",
                             file=file, field="year")  # fmt: skip
    raise InputError("no column and no title tells the year; say year", file=file, field="year")
