"""Which municipality a row is about: by code, by code and name, or by name as it is printed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Literal

from evaluation.data import embedded
from evaluation.data.places import CHANGES, codes
from evaluation.data.reading.cells import plain, without_note

__all__ = ["Place", "find_place", "name_key"]

Kind = Literal["municipality", "total", "county", "unknown place", "none"]
_TOTALS = {
    "riket", "hela riket", "sverige", "sweden", "summa", "summa riket", "totalt", "total",
    "totalsumma", "totalt riket", "samtliga", "samtliga kommuner", "alla kommuner", "whole country",
    "grand total", "the whole country",
}  # fmt: skip
_UNKNOWN = {
    "okänd", "okänt", "okänd kommun", "uppgift saknas", "ej angivet", "ej angiven", "saknas",
    "unknown", "övriga", "övrigt", "utan kommun", "kommun saknas", "ospecificerad",
    "ej fastställd", "ingen kommun", "utlandet", "(tom)", "(tomma)",
}  # fmt: skip
_COUNTY_CODES = {
    "01", "03", "04", "05", "06", "07", "08", "09", "10", "12", "13", "14", "17", "18", "19",
    "20", "21", "22", "23", "24", "25",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """What a row's place is.

    Parameters
    ----------
    kind : str
        ``municipality``, ``total``, ``county``, ``unknown place`` (the source says that it
        does not know) or ``none`` (nothing that is recognised).
    code : str, optional
        Four digits, of a municipality.
    padded : bool
        Whether the code lacked its leading zero.
    reason : str
        Why there is no municipality.
    """

    kind: Kind
    code: str | None = None
    padded: bool = False
    reason: str = ""


def name_key(text: str) -> str:
    """Return the form in which names are compared: case, hyphens and spaces do not matter.

    Examples
    --------
    >>> name_key("UPPLANDS-BRO  1)") == name_key("Upplands Bro")
    True
    """
    folded = unicodedata.normalize("NFC", without_note(plain(text))).casefold()
    return " ".join(re.sub(r"[-–]", " ", folded).split())


@cache
def _names() -> dict[str, str]:
    """Return the code by every form of a name: Ale, Ale kommun, Ales kommun, Malmö stad."""
    found: dict[str, str] = {}
    for code, name in embedded.municipalities()["name"].items():
        key = name_key(name)
        genitive = key if key[-1] in "sxz" else f"{key}s"
        for form in {key, *(f"{k} {w}" for k in (key, genitive) for w in ("kommun", "stad"))}:
            assert form not in found, f"{form} is {found.get(form)} and {code}"
            found[form] = str(code)
        found[f"region {key}"] = str(code) if key == "gotland" else ""
    return {k: v for k, v in found.items() if v}


@cache
def _codes() -> dict[str, str]:
    """Return today's code by every code, those of before a change of county too."""
    return {c: c for c in codes()} | {c.before: c.code for c in CHANGES if c.kind == "recoded"}


def _by_name(text: str) -> Place:
    key = name_key(text)
    if key in _names():
        return Place("municipality", _names()[key])
    if key in _TOTALS or key.startswith(("summa ", "totalt ", "total ")):
        return Place("total", reason="a total")
    if key.endswith((" län", " county")):
        return Place("county", reason="a county")
    if key in _UNKNOWN:
        return Place("unknown place", reason="the source does not know the municipality")
    close = get_close_matches(key, _names(), n=1, cutoff=0.8)
    meant = f"; is it {embedded.municipalities()['name'][_names()[close[0]]]}?" if close else ""
    return Place("none", reason=f"not a municipality{meant}")


def _by_code(text: str) -> Place | None:
    """Read digits; None where the text is no code."""
    if not text.isdecimal():
        return None
    if text in _codes():
        return Place("municipality", _codes()[text])
    if len(text) == 3 and f"0{text}" in _codes():
        return Place("municipality", f"0{text}", padded=True)
    if text in {"00", "0000"}:
        return Place("total", reason="a total")
    if text in _COUNTY_CODES or (len(text) == 4 and text.startswith("00")):
        return Place("county", reason="a county")
    return Place("none", reason="not a municipality's code")


def find_place(code: object, name: object = None) -> Place:
    """Say which municipality a row is about.

    Parameters
    ----------
    code, name : object
        The cells; either may be empty, and either may hold «0114 Upplands Väsby».

    Returns
    -------
    Place
        With its code, or with the reason why there is none. Where code and name are
        two different municipalities there is none.

    Examples
    --------
    >>> find_place("0114 Upplands Väsby").code, find_place("malmö  stad").code
    ('0114', '1280')
    >>> find_place(114).padded, find_place("Stockholms län").kind, find_place("Riket").kind
    (True, 'county', 'total')
    >>> find_place("0114", "Vallentuna").reason
    'code 0114 and name Vallentuna (0115) disagree'
    """
    first = _one(plain(code)) if plain(code) else None
    second = _one(plain(name)) if plain(name) else None
    if first is None or second is None:
        return first or second or Place("none", reason="no municipality is given")
    if first.code and second.code and first.code != second.code:
        reason = f"code {first.code} and name {plain(name)} ({second.code}) disagree"
        return Place("none", reason=reason)
    if second.kind in ("total", "county", "unknown place") and first.code:
        return Place("none", reason=f"code {first.code} and name {plain(name)} disagree")
    if first.kind == "none" and second.kind != "none":
        # a row number or a region's letter stands where a code was looked for
        return second
    return first


def _one(text: str) -> Place:
    found = _by_code(without_note(text))
    if found is not None:
        return found
    if match := re.fullmatch(r"(\d{2,4})[\s:–-]+(\D.*)", text):
        code, name = _by_code(match[1]), _by_name(match[2])
        if code is not None and code.code and name.code and code.code != name.code:
            reason = f"code {code.code} and name {match[2]} ({name.code}) disagree"
            return Place("none", reason=reason)
        return code if code is not None and code.kind != "none" else name
    return _by_name(text)
