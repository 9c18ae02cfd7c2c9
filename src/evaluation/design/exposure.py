"""From the start that a document states to the first treated year: computed, never typed."""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["Rule", "first_treated_year", "parse_end", "parse_start"]

Rule = Literal["first_whole_year", "first_year_touched"]

# first and last month of the part of the year that a document names
_PARTS = {
    "H1": (1, 6),
    "H2": (7, 12),
    "winter": (1, 2),
    "spring": (3, 5),
    "summer": (6, 8),
    "autumn": (9, 11),
}
_START = re.compile(r"^(?P<year>(?:19|20)\d\d)(?:-(?P<part>[A-Za-z0-9]+))?$")


def parse_start(text: str) -> tuple[int, int] | None:
    """Read a start as stated in a document.

    Parameters
    ----------
    text : str
        ``"2011"``, ``"2011-H2"``, ``"2017-spring"`` or ``"2017-03"``; anything else
        («not stated», a span of years) is not a date.

    Returns
    -------
    tuple of int or None
        Year and earliest month; None when the text gives no single date.

    Examples
    --------
    >>> parse_start("2011-H2"), parse_start("2017-spring"), parse_start("2013-2014")
    ((2011, 7), (2017, 3), None)
    """
    months = _months(text)
    return None if months is None else (months[0], months[1])


def parse_end(text: str) -> tuple[int, int] | None:
    """Read an end as stated in a document: the same texts as a start, taken to their last month.

    Parameters
    ----------
    text : str
        As :func:`parse_start` takes it.

    Returns
    -------
    tuple of int or None
        Year and last month; None when the text gives no single date.

    Examples
    --------
    >>> parse_end("2018-09"), parse_end("2018"), parse_end("2018-spring")
    ((2018, 9), (2018, 12), (2018, 5))
    """
    months = _months(text)
    return None if months is None else (months[0], months[2])


def _months(text: str) -> tuple[int, int, int] | None:
    """Return the year and the first and last month that a text may mean."""
    found = _START.match(text.strip())
    if not found:
        return None
    year, part = int(found["year"]), found["part"]
    if part is None:
        return year, 1, 12
    if part in _PARTS:
        return year, *_PARTS[part]
    if part.isdigit() and len(part) == 2 and 1 <= int(part) <= 12:
        return year, int(part), int(part)
    return None


def first_treated_year(start: tuple[int, int], rule: Rule) -> int:
    """Return the first year that counts as treated.

    Parameters
    ----------
    start : tuple of int
        Year and month.
    rule : {"first_whole_year", "first_year_touched"}
        Whether a year that was only partly treated counts.

    Returns
    -------
    int
        Calendar year.

    Examples
    --------
    >>> first_treated_year((2011, 7), "first_whole_year")
    2012
    >>> first_treated_year((2011, 7), "first_year_touched")
    2011
    """
    year, month = start
    return year + 1 if rule == "first_whole_year" and month > 1 else year
