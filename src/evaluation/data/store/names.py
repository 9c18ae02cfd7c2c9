"""How snapshots and the files of their records are called."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

from evaluation.errors import InputError

__all__ = ["HASH", "RECORD", "check_name", "file_order", "last_moment", "parts", "stem"]

HASH = re.compile(r"[0-9a-f]{12,64}")
"""A content hash, or enough of its digits."""
NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,99}")
RECORD = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{12}-\d+\.json")
"""The file of a record: time, first digits of the content hash, a number."""


def stem(moment: datetime, id: str) -> str:
    """Return how the file of a record begins.

    Examples
    --------
    >>> stem(datetime(2026, 11, 23, 10, 15), "0123456789abcdef")
    '20261123T101500.000000Z-0123456789ab'
    """
    return f"{moment:%Y%m%dT%H%M%S.%fZ}-{id[:12]}"


def parts(file: Path) -> tuple[str, str, int]:
    """Return time, digits and number from the file of a record.

    Examples
    --------
    >>> parts(Path("20261123T101500.000000Z-0123456789ab-1.json"))
    ('20261123T101500.000000Z', '0123456789ab', 1)
    """
    moment, digits, number = file.stem.rsplit("-", 2)
    return moment, digits, int(number)


def file_order(file: Path) -> tuple[str, int, str]:
    """Return what sorts the files of records, the oldest first."""
    moment, digits, number = parts(file)
    return moment, number, digits


def last_moment(day: str) -> str:
    """Return what every moment of a day is below, as it is written in a file's name.

    Raises
    ------
    InputError
        If it is no day.

    Examples
    --------
    >>> "20261123T235959.999999Z" < last_moment("2026-11-23") < "20261124T000000.000000Z"
    True
    """
    try:
        return f"{date.fromisoformat(day):%Y%m%d}U"
    except ValueError:
        raise InputError(f"{day!r} is no day; write it as 2026-11-23") from None


def check_name(name: str) -> None:
    """Refuse what cannot be a snapshot's name.

    Raises
    ------
    InputError
        If it has other signs than small letters, digits, ``_`` and ``-``, or looks like
        a content hash.
    """
    if not NAME.fullmatch(name) or HASH.fullmatch(name):
        looks = " and not look like a content hash" if HASH.fullmatch(name) else ""
        raise InputError(
            f"{name!r} cannot be a snapshot's name; it must be small letters a–z, digits, _ and - "
            "(--name gives another)"
            f"{looks}",
            field="name",
        )
