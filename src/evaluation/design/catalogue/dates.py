"""When a model began and ended, as its document states it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from evaluation.design.exposure import parse_start

__all__ = ["How", "Stated", "length_in_years", "read_date"]

How = Literal["stated", "qualified", "planned", "span", "bound", "not_stated"]
_NOTE = re.compile(r"^(?P<core>.*?)\s*(?:\((?P<note>.*)\))?$")
_SPAN = re.compile(r"^\d{4}-\d{2}(?:\d{2})?$")
_LENGTH = {"one-year": 1, "two-year": 2, "three-year": 3}


@dataclass(frozen=True)
class Stated:
    """A date as stated.

    Parameters
    ----------
    text : str
        What the catalogue says.
    date : tuple of int or None
        Year and earliest month; None where the text gives no single date.
    how : {"stated", "qualified", "planned", "span", "bound", "not_stated"}
        A date; a date of one part of the model, or from outside its document (``note``); a plan
        that need not have come about; a span of years; a latest year; or no date.
    note : str
        What stands in brackets after it.
    """

    text: str
    date: tuple[int, int] | None
    how: How
    note: str = ""

    @property
    def year(self) -> int | None:
        """The year, None without a date."""
        return self.date[0] if self.date else None


def length_in_years(text: str) -> int | None:
    """Return the years of an end that is stated as a length, None of any other.

    Examples
    --------
    >>> length_in_years("two-year"), length_in_years("2018")
    (2, None)
    """
    return _LENGTH.get(text.partition("(")[0].strip())


def read_date(text: str, begins: tuple[int, int] | None = None) -> Stated:
    """Read a start, or an end.

    Parameters
    ----------
    text : str
        As in ``data/models``.
    begins : tuple of int, optional
        Year and month of the start, for an end that is stated as a length («two-year»).

    Returns
    -------
    Stated
        With a date where the text gives a single one.

    Examples
    --------
    >>> read_date("2018-01-01").date, read_date("2017-02 (portal)").how
    ((2018, 1), 'qualified')
    >>> [read_date(t).how for t in ("2016 (planned)", "2016-17", "<=2014 (URL)", "not stated")]
    ['planned', 'span', 'bound', 'not_stated']
    >>> read_date("two-year", (2016, 8)).date
    (2018, 7)
    """
    found = _NOTE.match(text.strip())
    assert found
    core, note = found["core"], found["note"] or ""
    if core in _LENGTH:
        # the last month: two years from August 2016 end with July 2018
        last = divmod(12 * (begins[0] + _LENGTH[core]) + begins[1] - 2, 12) if begins else None
        date = (last[0], last[1] + 1) if last else None
        return Stated(text, date, "stated" if date else "not_stated", note)
    if core.startswith("<"):
        return Stated(text, None, "bound", note)
    if "planned" in note:
        return Stated(text, None, "planned", note)
    whole_day = re.fullmatch(r"(\d{4}-\d\d)-\d\d", core)
    date = parse_start(whole_day[1] if whole_day else core)
    if date:
        return Stated(text, date, "qualified" if note else "stated", note)
    return Stated(text, None, "span" if _SPAN.match(core) else "not_stated", note)
