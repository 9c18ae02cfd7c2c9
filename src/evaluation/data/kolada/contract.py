"""What is known about Kolada's API, version 3, in one place.

Addresses, limits, keys, letters and marks stand here and nowhere else, so that a change of the
service is corrected in this file. Gathered from public descriptions of version 3; version 2
answers 410 Gone. What the service sends beside what is read here is ignored; what is read must
look as described, or :class:`ContractError` says what did not.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from evaluation.data.files import LARGEST
from evaluation.data.observations import MISSING, OBSERVED, SUPPRESSED
from evaluation.errors import InputError

__all__ = [
    "BASE_URL",
    "CALLS_PER_SECOND",
    "CITATION_EN",
    "CITATION_SV",
    "LICENCE_EN",
    "LICENCE_SV",
    "MOST_IDS",
    "NATION",
    "PER_PAGE",
    "SOURCE",
    "URL_VARIABLE",
    "ContractError",
    "GroupPage",
    "IncompleteError",
    "Page",
    "Row",
    "base_url",
    "check_code",
    "check_indicator",
    "data_path",
    "groups_path",
    "kpi_path",
    "read_groups",
    "read_page",
    "read_title",
]

BASE_URL: Final = "https://api.kolada.se/v3"
URL_VARIABLE: Final = "EVALUATION_KOLADA_URL"
"""Environment variable that names another server."""
CALLS_PER_SECOND: Final = 5.0
"""No limit is documented; clients keep to this one."""
MOST_IDS: Final = 25
"""Ids in one list of an address, at most."""
PER_PAGE: Final = 5000
"""Entries on a page, at most and by default."""
NATION: Final = "0000"
SOURCE: Final = "Kolada"
CITATION_SV: Final = "Källa: Kolada"
CITATION_EN: Final = "Source: Kolada"
LICENCE_SV: Final = "fri att använda med källa; egna beräkningar får inte tillskrivas Kolada"
LICENCE_EN: Final = "free to use with the source; own calculations may not be ascribed to Kolada"

GENDERS: Final[Mapping[str, str]] = MappingProxyType({"T": "T", "K": "K", "M": "M"})
"""The service's letters and ours. An unknown letter stops the fetch: a guess (F for women?) could
file one group's figures under another's name, and nobody would see it."""
MISSING_STATUSES: Final = frozenset({"", "missing"})
"""Marks of a value that does not exist, in lower case; any other mark means that it is withheld."""

_INDICATOR: Final = re.compile(r"[A-Z][A-Z0-9]{3,11}")
_CODE: Final = re.compile(r"\d{4}")
_AREA: Final = re.compile(r"\d{4}|[A-Z]\w*")

Row = tuple[str, str, int, str, float | None, str]
"""Indicator, area, year, sex, value, state."""


class ContractError(ValueError):
    """An answer does not look as the contract says."""


class IncompleteError(ContractError):
    """An answer that holds less than it says: asking again may help."""


@dataclass(frozen=True)
class Page:
    """One page of an answer.

    ``rows`` hold every area that the page names; ``deleted`` counts the values marked as
    deleted, which are not among them; ``marks`` counts values by a status that is not empty.
    """

    rows: tuple[Row, ...]
    deleted: int
    marks: Mapping[str, int]
    next_url: str | None


@dataclass(frozen=True)
class GroupPage:
    """One page of groups of municipalities: id, title and members' codes of each."""

    groups: tuple[tuple[str, str, tuple[str, ...]], ...]
    next_url: str | None


def base_url(given: str | None = None) -> str:
    """Return the server's address: given, else from the environment, else Kolada's own.

    Parameters
    ----------
    given : str, optional
        An address that begins with ``http://`` or ``https://``.

    Returns
    -------
    str
        Without a slash at its end.

    Raises
    ------
    InputError
        If it is no address of a web server.

    Examples
    --------
    >>> base_url("http://localhost:8000/v3/")
    'http://localhost:8000/v3'
    """
    url = (given or os.environ.get(URL_VARIABLE) or BASE_URL).rstrip("/")
    field = None if given or not os.environ.get(URL_VARIABLE) else URL_VARIABLE
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    # a password in the address would end up in every snapshot's record
    if not known or parts.query or parts.fragment or parts.username:
        raise InputError(f"{url!r} is no address such as {BASE_URL}", field=field)
    return url


def check_indicator(indicator: str) -> None:
    """Raise InputError where an id cannot be one of Kolada's (``N00973``)."""
    if not isinstance(indicator, str) or not _INDICATOR.fullmatch(indicator):
        raise InputError(f"{indicator!r} is no id of an indicator in Kolada; one is N00973")


def check_code(code: str) -> None:
    """Raise InputError where a code is not four digits as text (``0114``)."""
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise InputError(f"{code!r} is no municipality's code; one is the text '0114'")


def data_path(indicator: str, codes: Sequence[str], years: Sequence[int]) -> str:
    """Return the path and query of the values of one indicator.

    Parameters
    ----------
    indicator : str
        One id.
    codes : sequence of str
        At most 25.
    years : sequence of int
        At most 25.

    Returns
    -------
    str
        To be put behind the base address.

    Examples
    --------
    >>> data_path("N00973", ["0114", "2321"], [2015, 2016])
    '/data/kpi/N00973/municipality/0114,2321/year/2015,2016?per_page=5000'
    """
    if len(codes) > MOST_IDS or len(years) > MOST_IDS:
        raise ValueError(f"a list may hold {MOST_IDS} ids")
    areas, periods = ",".join(codes), ",".join(map(str, years))
    return f"/data/kpi/{indicator}/municipality/{areas}/year/{periods}?per_page={PER_PAGE}"


def kpi_path(indicator: str) -> str:
    """Return the path of what is known about an indicator.

    Examples
    --------
    >>> kpi_path("N00973")
    '/kpi/N00973'
    """
    return f"/kpi/{indicator}"


def groups_path() -> str:
    """Return the path and query of all groups of municipalities.

    Titles are searched on our side: what the service's own search takes for a match is not
    documented.

    Examples
    --------
    >>> groups_path()
    '/municipality_groups?per_page=5000'
    """
    return f"/municipality_groups?per_page={PER_PAGE}"


def read_page(content: Any) -> Page:
    """Read one page of values.

    A value is *observed* where it is a number; zero is one. ``null`` is *missing* where its
    status is empty or says so, and *suppressed* under any other status: a withheld value that is
    taken for a lacking one would be dropped in silence, the other way round it only widens a
    bound. A zero that bears a status is read as ``null``: it may stand in for a value.

    Parameters
    ----------
    content : object
        The decoded JSON.

    Returns
    -------
    Page
        Its rows without deleted ones, and the address of the next page.

    Raises
    ------
    IncompleteError
        If the page holds another number of entries than it says.
    ContractError
        If anything that is read looks otherwise than the contract says.

    Examples
    --------
    >>> entry = {"kpi": "N00973", "municipality": "2321", "period": 2016, "values": [
    ...     {"gender": "T", "status": "", "value": 75.0, "isdeleted": False},
    ...     {"gender": "K", "status": "Private", "value": None, "isdeleted": False}]}
    >>> page = read_page({"values": [entry], "count": 1, "next_url": None})
    >>> [row[3:] for row in page.rows]
    [('T', 75.0, 'observed'), ('K', None, 'suppressed')]
    """
    entries, next_url = _envelope(content)
    rows: list[Row] = []
    marks: Counter[str] = Counter()
    deleted = 0
    for entry in entries:
        indicator, code, year = _head(entry)
        for cell in _list(entry, "values"):
            if _flag(cell, "isdeleted"):
                deleted += 1
                continue
            letter = cell.get("gender")
            if not isinstance(letter, str) or letter not in GENDERS:
                known = ", ".join(GENDERS)
                raise ContractError(
                    f"{code} {year}: the gender {letter!r} is unknown; known are {known}"
                )
            status = cell.get("status")
            if status is not None and not isinstance(status, str):
                raise ContractError(f"{code} {year}: the status {status!r} is no text")
            mark = (status or "").strip()
            if mark:
                marks[mark] += 1
            if "value" not in cell:
                raise ContractError(f"{code} {year}: value is lacking")
            try:
                value, state = _value(cell["value"], mark.lower())
            except ContractError as error:
                raise ContractError(f"{code} {year}: {error}") from None
            rows.append((indicator, code, year, GENDERS[letter], value, state))
    return Page(tuple(rows), deleted, dict(marks), next_url)


def read_title(content: Any) -> str | None:
    """Return an indicator's title from the answer about it, None where there is none.

    Examples
    --------
    >>> read_title({"values": [{"id": "N00973", "title": "Left the programme"}], "count": 1})
    'Left the programme'
    """
    entries, _ = _envelope(content)
    title = entries[0].get("title") if entries else None
    return title if isinstance(title, str) else None


def read_groups(content: Any) -> GroupPage:
    """Read one page of groups of municipalities.

    Parameters
    ----------
    content : object
        The decoded JSON.

    Returns
    -------
    GroupPage
        Its groups, and the address of the next page.

    Raises
    ------
    IncompleteError
        If the page holds another number of entries than it says.
    ContractError
        If an id, a title or a member's code is not as the contract says.

    Examples
    --------
    >>> entry = {"id": "G1", "title": "A", "members": [{"member_id": "2321"}]}
    >>> read_groups({"values": [entry], "count": 1, "next_url": None}).groups
    (('G1', 'A', ('2321',)),)
    """
    entries, next_url = _envelope(content)
    found = []
    for entry in entries:
        id, title = entry.get("id"), entry.get("title")
        if not isinstance(id, str) or not _AREA.fullmatch(id):
            raise ContractError(f"the group's id {id!r} is none")
        if not isinstance(title, str) or not title.strip():
            raise ContractError(f"the title {title!r} of group {id} is none")
        members = []
        for member in _list(entry, "members"):
            code = member.get("member_id")
            if not isinstance(code, str) or not _AREA.fullmatch(code):
                raise ContractError(f"the member {code!r} of group {id} is no code")
            members.append(code)
        found.append((id, title, tuple(members)))
    return GroupPage(tuple(found), next_url)


def _list(content: Any, key: str) -> list[Mapping[str, Any]]:
    """Return the list of objects that stands under a key."""
    inner = content.get(key) if isinstance(content, dict) else None
    if not isinstance(inner, list) or not all(isinstance(item, dict) for item in inner):
        raise ContractError(f"holds no list of objects under {key}")
    return inner


def _envelope(content: Any) -> tuple[list[Mapping[str, Any]], str | None]:
    entries = _list(content, "values")
    count, next_url = content.get("count"), content.get("next_url")
    if count is not None and (count != len(entries) or isinstance(count, bool)):
        raise IncompleteError(f"says that it holds {count!r} entries and holds {len(entries)}")
    if next_url is not None and not isinstance(next_url, str):
        raise ContractError(f"the next_url {next_url!r} is no address")
    return entries, next_url or None


def _head(entry: Mapping[str, Any]) -> tuple[str, str, int]:
    """Return the indicator, area and year of an entry."""
    indicator, code, year = (entry.get(k) for k in ("kpi", "municipality", "period"))
    if not isinstance(indicator, str) or not indicator:
        raise ContractError(f"the kpi {indicator!r} is no id")
    # 114 instead of "0114" must not pass for another area
    if not isinstance(code, str) or not _AREA.fullmatch(code):
        raise ContractError(f"the municipality {code!r} is no code of four digits")
    if not isinstance(year, int) or isinstance(year, bool):
        raise ContractError(f"the period {year!r} of {code} is no whole year")
    return indicator, code, year


def _flag(cell: Mapping[str, Any], key: str) -> bool:
    flag = cell.get(key, False)
    if flag is not None and not isinstance(flag, bool):
        raise ContractError(f"{key} is {flag!r}, neither true nor false")
    return bool(flag)


def _value(value: Any, mark: str) -> tuple[float | None, str]:
    """Return the value and its state."""
    withheld = MISSING if mark in MISSING_STATUSES else SUPPRESSED
    if value is None:
        return None, withheld
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ContractError(f"the value {value!r} is no number")
    if abs(value) > LARGEST or math.isnan(value):
        raise ContractError(f"the value {str(value)[:40]} is too large to be a figure")
    if not mark:
        return float(value), OBSERVED
    if value == 0:
        return None, withheld
    if withheld == MISSING:
        raise ContractError(f"the value {value!r} is marked {mark}")
    return float(value), OBSERVED
