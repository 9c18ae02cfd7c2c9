"""What a person record holds: columns, codes, and why a row is not counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluation.data.twin.moves import KINDS as _TWIN_KINDS
from evaluation.errors import InputError, read_text

__all__ = [
    "CODES",
    "COLUMNS",
    "DATES",
    "EDUCATION",
    "EDUCATION_WORDS",
    "KINDS",
    "MEN",
    "NEEDED",
    "NUMBERS",
    "REASONS",
    "STATUSES",
    "STATUS_VALUES",
    "TEXTS",
    "WOMEN",
    "Reason",
    "check_mapping",
    "read_mapping",
]

KINDS: Final = tuple(k.replace(" ", "_") for k in _TWIN_KINDS)
"""Ways to leave; a file may write them with a space or an underscore."""
STATUSES: Final = ("status_90_days", "status_1_year", "status_2_years", "status_3_years")
STATUS_VALUES: Final = ("neither", "work", "studies")
CODES: Final = ("received_code", "residence_code", "destination_code")
DATES: Final = (
    "received",
    "programme_start",
    "programme_end",
    "moved",
    "assisted_from",
    "observed_from",
    "observed_until",
)
NUMBERS: Final = ("age", "assisted_months", "assisted_kronor")
TEXTS: Final = (*CODES, "sex", *STATUSES, "move", "education")
NEEDED: Final = ("person", "received_code", "received", "sex")
COLUMNS: Final = ("person", *TEXTS, *DATES, *NUMBERS)
"""Every column that is read; all but ``NEEDED`` may be absent."""
EDUCATION: Final = ("short", "secondary", "higher", "unknown")
"""Levels: before upper secondary, upper secondary, after it; not known."""
EDUCATION_WORDS: Final = (
    *EDUCATION,
    *("low", "upper secondary", "tertiary", "missing"),
    *("primary", "upper_secondary", "higher education", "Unknown"),
    *("förgymnasial", "gymnasial", "eftergymnasial", "okänd"),
    *("Förgymnasial", "Gymnasial", "Eftergymnasial", "Okänd"),
    *(f"{w}gymnasial utbildning" for w in ("för", "", "efter")),
    "uppgift saknas",
    *("grundskola", "gymnasium", "högskola", "Uppgift saknas"),
    # first digit of SUN 2000 level: 0 to 2, 3, 4 to 6, 9
    *("0", "3", "4", "9", "1", "3", "5", "9", "2", "3", "6", "9"),
)
"""A word's level is its place modulo the number of levels."""
WOMEN: Final = ("K", "k", "F", "f", "W", "w", "kvinna", "Kvinna", "female", "Female", "woman")
MEN: Final = ("M", "m", "man", "Man", "male", "Male")


@dataclass(frozen=True)
class Reason:
    """Why a row is not counted.

    Parameters
    ----------
    key : str
        Its name in the quality report.
    sv, en : str
        What is wrong, as the end of a sentence about a row.
    """

    key: str
    sv: str
    en: str


REASONS: Final = (
    Reason("missing", "kod, datum för mottagande eller kön saknas", "code, reception or sex empty"),
    Reason("unreadable", "ett datum eller tal går inte att läsa", "a date or number is none"),
    Reason("unknown_code", "en kommunkod finns inte", "no municipality has the code"),
    Reason("unknown_sex", "kön är varken kvinna eller man", "sex is neither woman nor man"),
    Reason(
        "unknown_value",
        "status eller slag av flytt är inget av de kända värdena",
        "status or kind of move is none of the known values",
    ),
    Reason(
        "unknown_education",
        "utbildning är inget av de kända värdena",
        "education is none of the known values",
    ),
    Reason("age", "ålder under 0 eller över 110", "age below 0 or above 110"),
    Reason("after_data_end", "ett datum ligger efter datas slut", "a date after the data's end"),
    Reason(
        "status_too_early",
        "en status gäller en dag efter datas slut, eller programmet har inte slutat",
        "a status for a day after the data's end, or of a programme that has not ended",
    ),
    Reason("move_before_reception", "flytt före mottagande", "moved before reception"),
    Reason(
        "programme_dates",
        "programmet börjar före mottagandet eller slutar före sin början",
        "the programme begins before reception or ends before it begins",
    ),
    Reason(
        "observation_dates",
        "observerad före mottagandet eller till före sin början",
        "observed before reception or until before it begins",
    ),
    Reason(
        "assistance",
        "negativt belopp eller antal månader, eller bara en del av uppgiften",
        "a negative amount or number of months, or only a part of the three",
    ),
    Reason(
        "move_contradicts_itself",
        "flyttens datum, slag och mål stämmer inte med varandra",
        "date, kind and destination of the move contradict each other",
    ),
    Reason(
        "two_kommuner",
        "bosatt i två kommuner på samma gång",
        "in two municipalities at once",
    ),
    Reason(
        "moves",
        "någon av personens flyttar i flyttfilen kan inte stämma",
        "a move of the person in the file of moves cannot be right",
    ),
    Reason("duplicate", "personen har flera rader", "the person has several rows"),
)
"""In the order in which a row with several faults is counted: under the first."""


def read_mapping(path: str | Path) -> dict[str, str]:
    """Read which column of a file is which of the contract.

    Parameters
    ----------
    path : str or pathlib.Path
        YAML, one line per column: ``received: mottagningsdatum``.

    Returns
    -------
    dict
        Column of the contract to column of the file.

    Raises
    ------
    InputError
        If it is no such file, or names a column that the contract does not have.
    """
    import yaml

    name = str(path)
    try:
        content = yaml.safe_load(read_text(path))
    except yaml.YAMLError:
        raise InputError("is not YAML", file=name) from None
    if not isinstance(content, dict) or not content:
        raise InputError("must have lines such as «received: mottagningsdatum»", file=name)
    return check_mapping({str(k): str(v) for k, v in content.items()}, file=name)


def check_mapping(mapping: Mapping[str, str], *, file: str | None = None) -> dict[str, str]:
    """Return the mapping if every key is a column of the contract and no value stands twice.

    Raises
    ------
    InputError
        Otherwise.

    Examples
    --------
    >>> check_mapping({"received": "mottagen"})
    {'received': 'mottagen'}
    """
    for key in mapping:
        if key not in COLUMNS:
            raise InputError(f"is none of {', '.join(COLUMNS)}", file=file, field=key)
    values = list(mapping.values())
    for key, value in mapping.items():
        if values.count(value) > 1:
            raise InputError(f"{value!r} is given twice", file=file, field=key)
    return dict(mapping)
