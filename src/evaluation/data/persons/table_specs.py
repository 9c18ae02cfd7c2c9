"""What each table that leaves holds, told by its cells: its sums, and what else prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from evaluation.data.disclosure import Flow, KnownSum, Rules, Spec
from evaluation.data.persons.contract import KINDS
from evaluation.data.persons.education import AREA
from evaluation.data.persons.tables import RETENTION

__all__ = [
    "BY",
    "CAME",
    "LEAVERS",
    "assisted_spec",
    "life_spec",
    "received_spec",
    "retention_spec",
    "status_spec",
    "status_words",
]

BY: Final = ("code", "year", "sex")
LEAVERS: Final = "leavers"
CAME: Final = "received three years before"
_GROUPS: Final = ("still there", "left", "not followed")
_SEX: Final = {"T": ["K", "M"]}


def status_words(name: str) -> dict[str, str]:
    """Return what a table of statuses calls its columns, ``90_days`` and so on.

    The words carry the horizon: only the total is the same cell in all of these tables.

    Examples
    --------
    >>> status_words("90_days")["either"]
    'work or studies, 90_days'
    """
    return {
        "leavers": LEAVERS,
        "either": f"work or studies, {name}",
        "other": f"other, {name}",
    }


def status_spec(cells: pd.DataFrame, name: str, rules: Rules, of: pd.DataFrame | None) -> Spec:
    """Return the specification of leavers by status.

    Parameters
    ----------
    cells : pandas.DataFrame
        ``code, year, sex, status``; sums over areas stand as «area …».
    name : str
        The horizon, ``90_days``.
    rules : Rules
        The thresholds.
    of : pandas.DataFrame, optional
        Areas, where their sums are among the cells.
    """
    words = status_words(name)
    sums = {"sex": _SEX, "status": {words["leavers"]: [words["either"], words["other"]]}}
    if of is not None and cells["code"].str.startswith(AREA).any():
        members = of.groupby("area")["code"]
        sums["code"] = {AREA + str(area): list(own) for area, own in members}
    return Spec(by=(*BY, "status"), sums=sums, rules=rules, shares=("status",))


def retention_spec(
    cells: pd.DataFrame, rules: Rules, sexes: Sequence[str]
) -> tuple[pd.DataFrame, Spec]:
    """Return those received three years before by whether they stayed, with their specification.

    Parameters
    ----------
    cells : pandas.DataFrame
        ``code, year, sex, group``.
    rules : Rules
        The thresholds.
    sexes : sequence of str
        For whom a life table of the same persons is public; without any, all rows that count
        still are.

    Returns
    -------
    tuple
        The cells with the column that marks sums public elsewhere, and the specification.
    """
    both = cells["sex"].isin(sexes or ["T"])
    # the rows that count are a sum of receptions, and the life table says who stayed as well
    marked = both if sexes else both & (cells["group"] == CAME)
    there = set(cells["group"])
    spec = Spec(
        by=(*BY, "group"),
        sums={"sex": _SEX, "group": {CAME: [g for g in _GROUPS if g in there]}},
        rules=rules,
        shares=("group",),
        known_sums=(KnownSum("public", ("group", "sex")),),
    )
    return cells.assign(public=marked), spec


def received_spec(
    cells: pd.DataFrame, rules: Rules, sexes: Sequence[str]
) -> tuple[pd.DataFrame, Spec]:
    """Return those received of late with their specification; see :func:`retention_spec`.

    Parameters
    ----------
    cells : pandas.DataFrame
        ``code, year, sex``.
    rules, sexes
        As there.
    """
    known = (KnownSum("public", ("sex",)),)
    spec = Spec(by=BY, value="received", sums={"sex": _SEX}, rules=rules, known_sums=known)
    return cells.assign(public=cells["sex"].isin(sexes or ["T"])), spec


def assisted_spec(rules: Rules) -> Spec:
    """Return the specification of assisted persons."""
    return Spec(by=BY, value="persons", sums={"sex": _SEX}, rules=rules)


def life_spec(cells: pd.DataFrame, rules: Rules, sexes: Sequence[str]) -> tuple[pd.DataFrame, Spec]:
    """Return a life table with its specification.

    Who came, and who was still there after three years, is also a sum of the municipalities.

    Parameters
    ----------
    cells : pandas.DataFrame
        ``month`` (whole numbers), ``measure``, ``sex`` and maybe ``exposed``.
    rules : Rules
        The thresholds.
    sexes : sequence of str
        For whom it leaves.
    """
    keys = [c for c in ("exposed", "sex") if c in cells]
    m, what, own = cells["month"], cells["measure"], cells["sex"].isin(sexes)
    came = own & (m == 1) & (what == "at_risk")
    still = own & (
        ((m == RETENTION + 1) & (what == "at_risk")) | ((m == RETENTION) & (what == "censored"))
    )
    late = (what == "enters_next").any()
    spec = Spec(
        by=(*keys, "month", "measure"),
        sums={"sex": _SEX if set(cells["sex"]) >= {"K", "M"} else {}},
        flow=Flow(
            time="month",
            measure="measure",
            leaving=(*KINDS, "censored"),
            entering=("enters_next",) if late else (),
        ),
        rules=rules,
        known_sums=tuple(KnownSum(name, ("sex",)) for name in ("came", "stayed")),
    )
    return cells.assign(came=came, stayed=still), spec
