"""Municipality codes: which there are, what they were before, and what a wrong one may be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import numpy as np

from evaluation.data.embedded import municipalities
from evaluation.errors import InputError

__all__ = [
    "CHANGES",
    "NATION",
    "Change",
    "canonical",
    "codes",
    "county",
    "county_code",
    "explain",
    "name",
]

NATION: Final = "0000"


@dataclass(frozen=True)
class Change:
    """A municipality that left another, or got another code.

    Parameters
    ----------
    kind : {"split", "recoded"}
        A new municipality, or a new code for an old one.
    code : str
        Today's code.
    before : str
        The municipality it was part of, or its old code.
    year : int
        First year of the new state of affairs.
    sv, en : str
        What happened.
    """

    kind: Literal["split", "recoded"]
    code: str
    before: str
    year: int
    sv: str
    en: str


CHANGES: Final = (
    Change(
        "split",
        "0140",
        "0181",
        1999,
        "Nykvarn bröts ut ur Södertälje 1999.",
        "Nykvarn left Södertälje in 1999.",
    ),
    Change(
        "split",
        "0330",
        "0380",
        2003,
        "Knivsta bröts ut ur Uppsala 2003.",
        "Knivsta left Uppsala in 2003.",
    ),
    Change(
        "recoded",
        "0331",
        "1917",
        2007,
        "Heby flyttades från Västmanlands till Uppsala län 2007 och fick koden 0331 i stället för "
        "1917.",
        "Heby moved from the county of Västmanland to that of Uppsala in 2007 and got the code "
        "0331 in place of 1917.",
    ),
)
"""From 1999 on; the counties that were merged in 1997 and 1998 lie before every series here."""


@cache
def codes() -> frozenset[str]:
    """Return the codes of the 290 municipalities, without the nation's.

    Examples
    --------
    >>> len(codes()), "0331" in codes(), NATION in codes()
    (290, True, False)
    """
    return frozenset(municipalities().index)


@cache
def _counties() -> dict[str, str]:
    table = municipalities()
    return {str(code)[:2]: str(county) for code, county in table["county"].items()}


@cache
def _names() -> dict[str, str]:
    return {str(k): str(v) for k, v in municipalities()["name"].items()} | {NATION: "Riket"}


def name(code: str) -> str:
    """Return the name of a municipality or of the nation.

    Raises
    ------
    InputError
        If it is not such a code.

    Examples
    --------
    >>> name("2321"), name("1917"), name("0000")
    ('Åre', 'Heby', 'Riket')
    """
    return _names()[canonical(code)]


def canonical(code: str, year: int | None = None) -> str:
    """Return today's code of a municipality, or the nation's.

    A source that has carried today's code back (Heby's 0331 before 2007) is let through.

    Parameters
    ----------
    code : str
        A code of today or of the year.
    year : int, optional
        The year that the value is about.

    Returns
    -------
    str
        Four digits.

    Raises
    ------
    InputError
        If it is no municipality's code, or not in that year.

    Examples
    --------
    >>> canonical("1917", 2005), canonical("0331", 2010)
    ('0331', '0331')
    >>> canonical("0330", 2001)
    Traceback (most recent call last):
    ...
    evaluation.errors.InputError: field code: '0330' in 2001: Knivsta left Uppsala in 2003. \
Before that it is counted in 0380
    """
    for c in CHANGES:
        if c.kind == "recoded" and code == c.before:
            if year is not None and year >= c.year:
                raise InputError(f"{code!r} in {year}: {c.en}", field="code")
            return c.code
        if c.kind == "split" and code == c.code and year is not None and year < c.year:
            problem = f"{code!r} in {year}: {c.en} Before that it is counted in {c.before}"
            raise InputError(problem, field="code")
    if code == NATION or code in codes():
        return code
    raise InputError(explain(code), field="code")


def county_code(code: str) -> str:
    """Return the two digits of the county that a municipality lies in today.

    Examples
    --------
    >>> county_code("0114"), county_code("1917")
    ('01', '03')
    """
    found = canonical(code)
    if found == NATION:
        raise InputError("the nation lies in no county", field="code")
    return found[:2]


def county(code: str) -> str:
    """Return the county that a municipality lies in today.

    Examples
    --------
    >>> county("2321"), county("0331")
    ('Jämtlands län', 'Uppsala län')
    """
    return _counties()[county_code(code)]


def explain(code: object) -> str:
    """Say what a thing is that is no municipality's code, and which code may be meant.

    Parameters
    ----------
    code : object
        What stands where a code should; any type.

    Returns
    -------
    str
        One sentence without a full stop, fit for an error.

    Examples
    --------
    >>> explain(114)
    "114 is a number and has lost its leading zero; write '0114' (Upplands Väsby)"
    >>> explain("01")
    "'01' is the code of Stockholms län; municipalities have four digits"
    >>> explain("G35894")
    "'G35894' is the code of a group of municipalities, not of one"
    >>> explain("Åre")
    "'Åre' is a name; the code is '2321'"
    """
    if isinstance(code, np.generic):
        code = code.item()
    text = str(code).strip()
    names, counties = _names(), _counties()
    digits = text.removesuffix(".0")
    if digits.isascii() and digits.isdigit():
        if len(digits) <= 2 and digits.zfill(2) in counties:
            place = counties[digits.zfill(2)]
            return f"{code!r} is the code of {place}; municipalities have four digits"
        right = digits.zfill(4)
        if right in names:
            lost = len(digits) < 4
            if isinstance(code, str):
                why = "has lost its leading zero" if lost else "must be four digits and no more"
            else:
                why = (
                    "is a number and has lost its leading zero" if lost else "is a number, not text"
                )
            return f"{code!r} {why}; write {right!r} ({names[right]})"
        if digits.startswith("00") and digits[2:] in counties:
            place = counties[digits[2:]]
            return f"{code!r} is the code of a region ({place}), not of a municipality"
    if len(text) > 1 and text[0] in "Gg" and text[1:].isdigit():
        return f"{code!r} is the code of a group of municipalities, not of one"
    by_name = {n.casefold(): c for c, n in names.items()}
    plain = text.casefold()
    for attempt in (plain, plain.removesuffix(" kommun"), plain.removesuffix("s kommun")):
        if attempt in by_name:
            return f"{code!r} is a name; the code is {by_name[attempt]!r}"
    return f"{code!r} is not the code of one of the 290 municipalities, nor {NATION} for the nation"
