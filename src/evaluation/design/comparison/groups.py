"""Comparison groups of municipalities, and the rules that leave some out by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import pandas as pd

from evaluation.data import embedded
from evaluation.design.comparison.adjacency import municipality_distances
from evaluation.design.stance import classify
from evaluation.errors import InputError

__all__ = ["BIG_CITIES", "INCOME_FROM_NORWAY", "ComparisonGroup", "Kind", "comparison_group"]

Kind = Literal["never_treated", "not_yet_treated", "not_known_active", "same_county", "neighbours"]
BIG_CITIES = ("0180", "1280", "1480")
"""Stockholm, Malmö and Göteborg."""
INCOME_FROM_NORWAY = ("1486", "1730", "1765")
"""Strömstad, Eda and Årjäng: at the Norwegian border, with much income earned there.

Their share with low economic standard drops by five to seven points in 2015 (SCB, TAB6685). It is
no list of all border municipalities.
"""


@dataclass(frozen=True)
class ComparisonGroup:
    """Whom the treated are compared with, and who was left out and why.

    Parameters
    ----------
    kind : str
        How the candidates were chosen.
    codes : tuple of str
        The group, in the order of the cohorts given.
    treated : tuple of str
        The treated that it is for.
    dropped : tuple of tuple of str
        Every unit in neither, with the reason.
    rules : tuple of str
        What was asked for besides, in words.
    """

    kind: Kind
    codes: tuple[str, ...]
    treated: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]
    rules: tuple[str, ...] = ()

    @property
    def reasons(self) -> dict[str, str]:
        """Why each unit was left out."""
        return dict(self.dropped)

    def tidy(self) -> pd.DataFrame:
        """Return one row per unit: ``unit``, ``group`` and ``reason``."""
        rows = [(u, "treated", "") for u in self.treated]
        rows += [(u, "comparison", "") for u in self.codes]
        rows += [(u, "left out", why) for u, why in self.dropped]
        return pd.DataFrame(rows, columns=["unit", "group", "reason"])

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON."""
        return {
            "kind": self.kind,
            "codes": list(self.codes),
            "treated": list(self.treated),
            "dropped": [{"unit": u, "reason": why} for u, why in self.dropped],
            "rules": list(self.rules),
        }


def comparison_group(
    kind: Kind,
    cohort: pd.Series,
    *,
    year: int | None = None,
    evidence: Collection[str] = ("explicit", "strong"),
    order: int = 1,
    beyond: int = 0,
    big_cities: bool = True,
    without: Sequence[str] = (),
    corners: bool = True,
    water_km: float = 0.0,
) -> ComparisonGroup:
    """Choose the municipalities that the treated are compared with.

    Parameters
    ----------
    kind : str
        ``never_treated``: never treated in the data. ``not_yet_treated``: never, or first
        treated after ``year``; the treated are those treated by then. ``not_known_active``:
        never treated, and no document names it as active, not on weak evidence either.
        ``same_county``: never treated, in the county of some treated. ``neighbours``: never
        treated, at most ``order`` borders from some treated.
    cohort : pandas.Series
        First treated year by municipality code, 0 for never treated; who is not in it is not
        considered.
    year : int, optional
        For ``not_yet_treated`` only.
    evidence : collection of str
        For ``not_known_active``: strengths that suffice to call a municipality active, as in
        :func:`~evaluation.design.stance.classify`.
    order : int
        For ``neighbours``.
    beyond : int
        Leave out whoever is at most this many borders from a treated unit, where the effect
        could spill over; 0 leaves nobody out. With :func:`municipality_distances` the rings can
        be estimated instead, by ``spillover_rings``.
    big_cities : bool
        Whether Stockholm, Malmö and Göteborg may be in the group.
    without : sequence of str
        Codes to leave out besides, such as ``INCOME_FROM_NORWAY`` or border municipalities.
    corners, water_km : bool, float
        Who is beside whom, as in
        :func:`~evaluation.design.comparison.adjacency.neighbour_lists`.

    Returns
    -------
    ComparisonGroup
        The group, and every other unit with its reason.

    Raises
    ------
    InputError
        If the kind is unknown, a code is not of one of the 290 municipalities, a cohort is no
        year, nobody is treated, nobody is left to compare with, or the year is missing or out
        of place.

    Examples
    --------
    >>> cohort = pd.Series({"2321": 2012, "2326": 0, "2361": 0, "0180": 0, "1287": 2013})
    >>> comparison_group("never_treated", cohort, beyond=1, big_cities=False).reasons
    {'2326': '1 border(s) from treated 2321', '0180': 'big city'}
    >>> comparison_group("not_yet_treated", cohort, year=2012).codes
    ('2326', '2361', '0180', '1287')
    """
    if kind not in get_args(Kind):
        raise InputError(f"must be one of {', '.join(get_args(Kind))}, not {kind!r}", field="kind")
    if (year is not None) != (kind == "not_yet_treated"):
        raise InputError("goes with not_yet_treated, and only with it", field="year")
    if order < 1 or beyond < 0:
        name, value, least = ("order", order, 1) if order < 1 else ("beyond", beyond, 0)
        raise InputError(f"must be {least} or more, not {value}", field=name)
    first = _first_years(cohort)
    now = max(first.values(), default=0) if year is None else year
    treated = [c for c, y in first.items() if 0 < y <= now]
    if not treated:
        by = "" if year is None else f" by {year}"
        raise InputError(f"no municipality is treated{by}", field="cohort")
    unknown = [c for c in without if c not in embedded.municipalities().index]
    if unknown:
        raise InputError(
            f"{unknown[0]!r} is not the code of one of the 290 municipalities", field="without"
        )
    steps = municipality_distances(corners=corners, water_km=water_km)[treated]
    nearest, who = steps.min(axis=1), steps.idxmin(axis=1)
    candidates = [c for c in first if c not in set(treated)]
    reason = _not_of_kind(kind, candidates, treated, evidence, order, nearest)
    for c in candidates:
        if c in reason:
            continue
        if c in without:
            reason[c] = "named to be left out"
        elif not big_cities and c in BIG_CITIES:
            reason[c] = "big city"
        elif nearest[c] <= beyond:
            reason[c] = f"{nearest[c]:.0f} border(s) from treated {who[c]}"
    codes = tuple(c for c in candidates if c not in reason)
    if not codes:
        some = f"; {candidates[0]}: {reason[candidates[0]]}" if candidates else ""
        raise InputError(f"nobody is left to compare the treated with{some}", field="kind")
    return ComparisonGroup(
        kind,
        codes,
        tuple(treated),
        tuple((c, reason[c]) for c in candidates if c in reason),
        _rules(kind, year, evidence, order, beyond, big_cities, without),
    )


def _first_years(cohort: pd.Series) -> dict[str, int]:
    places = embedded.municipalities().index
    if cohort.index.has_duplicates:
        who = cohort.index[cohort.index.duplicated()][0]
        raise InputError(f"municipality {who} stands twice", field="cohort")
    if not pd.api.types.is_numeric_dtype(cohort):
        raise InputError("holds no numbers; give first treated years", field="cohort")
    out = {}
    for code, value in cohort.items():
        if code not in places:
            raise InputError(
                f"{code!r} is not the code of one of the 290 municipalities", field="cohort"
            )
        if pd.isna(value) or value < 0 or value != int(value):
            raise InputError(
                f"municipality {code} has {value:g}, no year or 0 for never treated",
                field="cohort",
            )
        out[str(code)] = int(value)
    return out


def _not_of_kind(
    kind: Kind,
    candidates: list[str],
    treated: list[str],
    evidence: Collection[str],
    order: int,
    nearest: pd.Series,
) -> dict[str, str]:
    """Return why candidates do not belong to this kind of group."""
    if kind == "not_known_active":
        counts = classify(evidence)
        named = dict.fromkeys(counts.active, "a document names it as active")
        weakly = dict.fromkeys(counts.uncertain, "named as active on weaker evidence")
        return {c: why for c, why in (named | weakly).items() if c in set(candidates)}
    if kind == "same_county":
        county = embedded.municipalities()["county"]
        theirs = set(county[treated])
        return {c: f"in {county[c]}" for c in candidates if county[c] not in theirs}
    if kind == "neighbours":
        far = f"more than {order} border(s) from every treated unit"
        return {c: far for c in candidates if not nearest[c] <= order}
    return {}


def _rules(
    kind: Kind,
    year: int | None,
    evidence: Collection[str],
    order: int,
    beyond: int,
    big_cities: bool,
    without: Sequence[str],
) -> tuple[str, ...]:
    said = {
        f"first treated after {year}, or never": kind == "not_yet_treated",
        f"named as active on {' or '.join(evidence)} evidence, or on weaker: left out": (
            kind == "not_known_active"
        ),
        f"at most {order} border(s) from a treated unit": kind == "neighbours",
        f"more than {beyond} border(s) from every treated unit": beyond > 0,
        "without the big cities": not big_cities,
        f"without {', '.join(without)}": bool(without),
    }
    return tuple(text for text, holds in said.items() if holds)
