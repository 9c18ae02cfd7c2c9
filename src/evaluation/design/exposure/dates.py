"""From the start that a document states to the first treated year: computed, never typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from evaluation.errors import InputError

__all__ = [
    "RULES",
    "ExposedYears",
    "Rule",
    "Span",
    "exposed_years",
    "first_treated_year",
    "parse_end",
    "parse_start",
    "read_span",
]

Rule = Literal["first_whole_year", "first_year_touched", "leave_out_partial"]
RULES: tuple[Rule, ...] = get_args(Rule)
"""What a year that was exposed in part counts as: not treated, treated, or neither."""

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


@dataclass(frozen=True)
class Span:
    """The months in which something may have happened; one month where it is known.

    Months are counted from January of the year 0: 12 × year + month − 1.

    Parameters
    ----------
    first, last : int
        Earliest and latest month.

    Examples
    --------
    >>> str(Span(12 * 2014 + 3, 12 * 2014 + 3)), str(Span(12 * 2017 + 2, 12 * 2017 + 4))
    ('2014-04', '2017-03 to 2017-05')
    """

    first: int
    last: int

    @property
    def known(self) -> bool:
        """Whether it is known to the month."""
        return self.first == self.last

    def __str__(self) -> str:
        months = [f"{m // 12}-{m % 12 + 1:02d}" for m in (self.first, self.last)]
        return months[0] if self.known else " to ".join(months)


def read_span(text: str) -> Span | None:
    """Read a date of a document as the months that it may mean.

    Parameters
    ----------
    text : str
        As :func:`parse_start` takes it.

    Returns
    -------
    Span or None
        None when the text gives no single date.

    Examples
    --------
    >>> str(read_span("2011")), str(read_span("2018-09")), read_span("2013-2014")
    ('2011-01 to 2011-12', '2018-09', None)
    """
    months = _months(text)
    if months is None:
        return None
    year, first, last = months
    return Span(12 * year + first - 1, 12 * year + last - 1)


@dataclass(frozen=True)
class ExposedYears:
    """Which calendar years count as treated.

    Parameters
    ----------
    first : int
        First treated year.
    partial : int
        Years right before it that were exposed in part, or may have been: neither treated nor
        base. Zero under the rules that count such a year on one side or the other.
    last : int or None
        Last treated year, None without an end. The years after it count as nothing.
    """

    first: int
    partial: int = 0
    last: int | None = None


def exposed_years(start: Span, end: Span | None, rule: Rule) -> ExposedYears:
    """Return the treated years between a start and an end.

    A start is on the first of its month and an end on the last of its own.

    Parameters
    ----------
    start : Span
        When it began.
    end : Span, optional
        When it ended.
    rule : {"first_whole_year", "first_year_touched", "leave_out_partial"}
        ``first_whole_year`` and ``first_year_touched`` take an uncertain start at its earliest
        and an uncertain end at its latest month. ``leave_out_partial`` calls a year treated
        that was surely exposed from January to December, base that was surely not exposed at
        all, and leaves out those between.

    Returns
    -------
    ExposedYears
        In years of reception; an outcome with a lag has them that many years later.

    Raises
    ------
    InputError
        If the end lies before the start, or no year between them counts as treated.

    Examples
    --------
    >>> exposed_years(read_span("2014-04"), None, "leave_out_partial")
    ExposedYears(first=2015, partial=1, last=None)
    >>> exposed_years(read_span("2016-10"), read_span("2018-09"), "leave_out_partial")
    ExposedYears(first=2017, partial=1, last=2017)
    >>> exposed_years(read_span("2016-10"), read_span("2018-09"), "first_year_touched")
    ExposedYears(first=2016, partial=0, last=2018)
    """
    if end is not None and end.last < start.first:
        raise InputError(f"ends ({end}) before it starts ({start})", field="end")
    partial = 0
    if rule == "leave_out_partial":
        first = -(-start.last // 12)
        partial = first - start.first // 12
        last = None if end is None else (end.first + 1) // 12 - 1
    elif rule == "first_whole_year":
        first = -(-start.first // 12)
        last = None if end is None else (end.last + 1) // 12 - 1
    else:
        first = start.first // 12
        last = None if end is None else end.last // 12
    if last is not None and last < first:
        raise InputError(
            f"no whole year lies between the start ({start}) and the end ({end}); "
            "first_year_touched counts years that were exposed in part",
            field="end",
        )
    return ExposedYears(first, partial, last)


def first_treated_year(start: tuple[int, int], rule: Rule) -> int:
    """Return the first year that counts as treated.

    Parameters
    ----------
    start : tuple of int
        Year and month.
    rule : {"first_whole_year", "first_year_touched", "leave_out_partial"}
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
    month = 12 * start[0] + start[1] - 1
    return exposed_years(Span(month, month), None, rule).first
