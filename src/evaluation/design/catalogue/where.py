"""Where a model is: municipalities by code, or a region, which stays one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from evaluation.data import embedded
from evaluation.errors import InputError

__all__ = ["Scope", "Where", "read_where"]

Scope = Literal["municipalities", "region", "part_of_region", "nation"]
_PIECE = re.compile(r"([^,;+/()]+)(?:\(([^)]*)\))?")


@dataclass(frozen=True)
class Where:
    """Where a model is.

    Parameters
    ----------
    text : str
        What the catalogue says.
    scope : {"municipalities", "region", "part_of_region", "nation"}
        Named municipalities only; a whole county; some municipalities of a county that are
        not named; all of Sweden.
    codes : tuple of str
        The named municipalities, as in the text's order.
    regions : tuple of str
        Counties.
    unnamed_partners : bool
        Whether others than the named take part.
    """

    text: str
    scope: Scope
    codes: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    unnamed_partners: bool = False


@cache
def _codes() -> dict[str, str]:
    return {str(name): str(code) for code, name in embedded.municipalities()["name"].items()}


@cache
def _counties() -> dict[str, tuple[str, int]]:
    """Return each county's full name and number of municipalities, by its short name."""
    sizes = embedded.municipalities()["county"].value_counts()
    return {
        re.sub(r"s? län$", "", str(county)): (str(county), int(n)) for county, n in sizes.items()
    }


def read_where(text: str) -> Where:
    """Resolve where a model is.

    Parameters
    ----------
    text : str
        As in ``data/models``: names of municipalities, a county, «Sverige».

    Returns
    -------
    Where
        Codes of the municipalities that are named; a county is never spelt out into them.

    Raises
    ------
    InputError
        If a name is neither a municipality, a county nor the nation.

    Examples
    --------
    >>> read_where("Vindeln, Lycksele").codes
    ('2404', '2481')
    >>> read_where("Skåne (33) + Sölvesborg").scope, read_where("Skåne (16 kommuner)").scope
    ('region', 'part_of_region')
    """
    codes, regions, partners = [], [], False
    scope: Scope = "municipalities"
    for base, bracket in _PIECE.findall(text):
        name = base.strip()
        if not name:
            continue
        partners |= "partners" in bracket
        if name in _codes():
            codes.append(_codes()[name])
            continue
        if name == "Sverige":
            scope = "nation"
            continue
        some = re.fullmatch(r"\d+ kommuner (?:[NSVEW]+ )?(\S.*)", name)
        county = some[1] if some else name
        if county not in _counties():
            problem = f"{name!r} is no municipality, no county and not Sverige"
            raise InputError(problem, field="municipality_region")
        full, size = _counties()[county]
        regions.append(full)
        if scope != "nation":
            whole = not some and bracket in ("", str(size))
            scope = "region" if whole else "part_of_region"
    if not (codes or regions or scope == "nation"):
        raise InputError(f"{text!r} names no place", field="municipality_region")
    return Where(text, scope, tuple(codes), tuple(regions), partners)
