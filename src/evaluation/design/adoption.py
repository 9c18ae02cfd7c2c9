"""A list of who is active since when: municipality and first active month."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evaluation.data.files import read_table
from evaluation.data.places import codes, explain
from evaluation.design.exposure import first_treated_year, parse_start
from evaluation.errors import InputError

__all__ = ["first_whole_years", "read_adoption"]


def read_adoption(path: str | Path) -> dict[str, int]:
    """Read who is active since when.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV, workbook or Parquet with ``code`` and either ``start`` (``2012``, ``2012-03``,
        ``2012-H2``; empty for not known to be active) or ``coded_year`` and ``coded_month`` (the
        twin's own coding).

    Returns
    -------
    dict of str to int
        First active month by code, counted from January of year 0.

    Raises
    ------
    InputError
        If a column is missing, a code is no municipality's or stands twice, a start is no date,
        or nobody is active.
    """
    table = read_table(path)
    name = str(path)
    by_parts = "start" not in table and "coded_year" in table
    for column in ("code", "coded_year", "coded_month") if by_parts else ("code", "start"):
        if column not in table:
            raise InputError(
                "the column is missing; give code and start (such as 2012-03), or code, "
                "coded_year and coded_month",
                file=name,
                field=column,
            )
    found: dict[str, int] = {}
    seen: set[str] = set()
    for row, cells in table.iterrows():
        line = int(str(row))
        code = str(cells["code"])
        if code not in codes():
            raise InputError(explain(code), file=name, row=line, field="code")
        if code in seen:
            raise InputError(f"{code} stands twice", file=name, row=line, field="code")
        seen.add(code)
        field = "coded_year" if by_parts else "start"
        text = str(cells[field]).strip()
        if not text:
            continue
        if by_parts:
            text = f"{text}-{str(cells['coded_month']).strip():0>2}"
        start = parse_start(text)
        if start is None:
            raise InputError(
                f"{text!r} is no start such as 2012 or 2012-03", file=name, row=line, field=field
            )
        found[code] = 12 * start[0] + start[1] - 1
    if not found:
        raise InputError("no municipality has a start", file=name, field="code")
    return found


def first_whole_years(start: Mapping[str, int]) -> dict[str, int]:
    """Return the first year whose whole cohort met an active municipality.

    Parameters
    ----------
    start : mapping of str to int
        First active month by code, counted from January of year 0.

    Returns
    -------
    dict of str to int
        Year by code.

    Examples
    --------
    >>> first_whole_years({"2321": 12 * 2012, "2303": 12 * 2012 + 5})
    {'2321': 2012, '2303': 2013}
    """
    return {
        code: first_treated_year((m // 12, m % 12 + 1), "first_whole_year")
        for code, m in start.items()
    }
