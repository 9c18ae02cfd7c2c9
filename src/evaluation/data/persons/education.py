"""Leavers by education: for areas large enough that whole tables of them may leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from evaluation.data.disclosure import Former, Released, Rules, Spec, in_common, pass_gate, protect
from evaluation.data.embedded import municipalities
from evaluation.data.persons.contract import EDUCATION, STATUS_VALUES
from evaluation.data.persons.counting import Cells
from evaluation.data.places import codes
from evaluation.data.registry import REGISTRY

__all__ = [
    "AREA",
    "EDUCATION_TABLE",
    "areas",
    "education_spec",
    "gender_cells",
    "leavers_by_education",
    "release_education",
    "with_areas",
]

INHABITANTS: Final = 200_000
"""Inhabitants of an area at the end of 2017: with fewer, most counts by education are small."""
AREA: Final = "area "
"""What an area's name begins with where it stands among municipalities."""
EDUCATION_TABLE: Final = "leavers_by_education"
_SMALLEST: Final = 4
"""An area's year has at least this many times k women and as many men."""
_ALL: Final = "all"
_BY: Final = ("area", "year", "sex", "education", "status")


def areas(adoption: Mapping[str, int] | None = None) -> pd.DataFrame:
    """Join municipalities to areas: those active since the same year, in the order of codes.

    Municipalities are joined until they have 200,000 inhabitants (31 December 2017); what is
    left over goes to the area before it. Nothing of the persons goes into it.

    Parameters
    ----------
    adoption : mapping of str to int, optional
        First whole active year by municipality.

    Returns
    -------
    pandas.DataFrame
        ``code``, ``area`` (first code and start, such as ``0114`` or ``0604-2012``), ``start``
        (0 for not known to be active); a row per municipality.

    Examples
    --------
    >>> areas({"0604": 2012}).query("code == '0604'")["area"].item()
    '0604-2012'
    """
    people = municipalities()["population_2017"].sort_index()
    start = pd.Series(dict(adoption or {}), dtype=object).reindex(people.index).fillna(0)
    rows: list[tuple[str, str, int]] = []
    for year in sorted({int(y) for y in start}):
        own = people[(start == year).to_numpy()]
        groups: list[list[str]] = [[]]
        inhabitants = 0
        for code, n in own.items():
            if inhabitants >= INHABITANTS:
                groups.append([])
                inhabitants = 0
            groups[-1].append(str(code))
            inhabitants += int(n)
        if inhabitants < INHABITANTS and len(groups) > 1:
            rest = groups.pop()
            groups[-1] += rest
        for group in groups:
            name = f"{group[0]}-{year}" if year else group[0]
            rows += [(code, name, year) for code in group]
    return pd.DataFrame(rows, columns=["code", "area", "start"])


def leavers_by_education(cells: Cells, until: int) -> pd.DataFrame:
    """Return leavers by residence, year of leaving, sex and education.

    Parameters
    ----------
    cells : Cells
        The counts.
    until : int
        The last month that is known, from January of year 0.

    Returns
    -------
    pandas.DataFrame
        ``code``, ``year``, ``sex`` (K, M), ``education``, ``leavers``, ``either`` (of them in
        work or studies after 90 days). Whole years only.
    """
    frame = cells.leaver
    frame = frame[12 * frame["left"] + 11 <= until]
    hit = frame["status_90_days"].isin([STATUS_VALUES.index(v) for v in ("work", "studies")])
    out = pd.DataFrame(
        {
            "code": np.array(sorted(codes()), dtype=object)[frame["place"].to_numpy()],
            "year": frame["left"].astype(int),
            "sex": np.array(["K", "M"], dtype=object)[frame["sex"].to_numpy()],
            "education": np.array(EDUCATION, dtype=object)[frame["education"].to_numpy()],
            "leavers": frame["n"],
            "either": frame["n"].where(hit, 0),
        }
    )
    return out.groupby(["code", "year", "sex", "education"], as_index=False).sum()


def with_areas(cells: pd.DataFrame, of: pd.DataFrame) -> pd.DataFrame:
    """Add the areas' sums to counts by municipality, year, sex and status.

    Parameters
    ----------
    cells : pandas.DataFrame
        ``code, year, sex, status, n``.
    of : pandas.DataFrame
        What :func:`areas` gives.

    Returns
    -------
    pandas.DataFrame
        With a row of 0 where a municipality of an area had nobody.
    """
    levels = [sorted(of["code"])] + [sorted(cells[c].unique()) for c in ("year", "sex", "status")]
    whole = pd.MultiIndex.from_product(levels, names=["code", "year", "sex", "status"])
    full = cells.set_index(list(whole.names))["n"].reindex(whole, fill_value=0).reset_index()
    named = full.merge(of[["code", "area"]], on="code").drop(columns="code")
    summed = named.rename(columns={"area": "code"}).groupby(list(whole.names)).sum().reset_index()
    summed["code"] = AREA + summed["code"]
    return pd.concat([full, summed], ignore_index=True)


def release_education(
    counts: pd.DataFrame,
    statuses: Released,
    of: pd.DataFrame,
    words: Mapping[str, str],
    before: Sequence[Former] = (),
) -> Released | None:
    """Protect leavers by area, year, sex, education and status.

    Areas' totals are public already, from the table by municipality: a year of an area whose
    totals are all shown there has nothing in common with that table but what both publish, so
    that the two cannot be set against each other. Other years of areas are left out.

    Parameters
    ----------
    counts : pandas.DataFrame
        What :func:`leavers_by_education` gives.
    statuses : Released
        By municipality and area, which stand there as «area …».
    of : pandas.DataFrame
        What :func:`areas` gives.
    words : mapping
        The total and its parts: ``leavers``, ``either``, ``other`` to what ``statuses`` calls
        them.
    before : sequence of Former
        The same table as it was published before.

    Returns
    -------
    Released or None
        None where no year of an area can be shown.
    """
    seen = statuses.tidy()
    seen = seen[seen["code"].str.startswith(AREA)]
    k = int(statuses.parameters["k"])
    wide = seen.pivot(index=["code", "year"], columns=["status", "sex"], values="n")
    many = [(words["leavers"], s) for s in ("K", "M")]
    shown = wide.notna().all(axis=1)
    shown &= (wide[many].fillna(0) >= _SMALLEST * k).all(axis=1)
    keep = wide.index[shown.to_numpy()]
    if not len(keep):
        return None
    rows = counts.merge(of[["code", "area"]], on="code")
    levels = [e for e in EDUCATION if e != "unknown" or (rows["education"] == e).any()]
    grid = pd.MultiIndex.from_tuples(
        [(c.removeprefix(AREA), y, s, e) for c, y in keep for s in ("K", "M") for e in levels],
        names=["area", "year", "sex", "education"],
    )
    cells = rows.groupby(list(grid.names))[["leavers", "either"]].sum()
    cells = cells.reindex(grid, fill_value=0).reset_index()
    cells["other"] = cells["leavers"] - cells["either"]
    for name, total in (("education", _ALL), ("sex", "T")):
        rest = [c for c in ("area", "year", "sex", "education") if c != name]
        both = cells.drop(columns=name).groupby(rest, as_index=False).sum()
        cells = pd.concat([cells, both.assign(**{name: total})], ignore_index=True)
    table = cells.melt(
        ["area", "year", "sex", "education"], var_name="status", value_name="n"
    ).astype({"n": np.int64})
    table["public"] = (table["education"] == _ALL).to_numpy()
    spec = education_spec(table, Rules(**statuses.parameters))
    former = in_common(table, spec, before)
    return pass_gate(protect(table, spec, before=former, free=False))


def education_spec(cells: pd.DataFrame, rules: Rules) -> Spec:
    """Return the specification of leavers by area, year, sex, education and status.

    Parameters
    ----------
    cells : pandas.DataFrame
        The cells; ``public`` marks the areas' totals.
    rules : Rules
        The thresholds.
    """
    there = set(cells["education"])
    return Spec(
        by=_BY,
        sums={
            "sex": {"T": ["K", "M"]},
            "education": {_ALL: [e for e in EDUCATION if e in there]},
            "status": {"leavers": ["either", "other"]},
        },
        rules=rules,
        shares=("status",),
        known="public",
    )


def gender_cells(released: Released, of: pd.DataFrame) -> pd.DataFrame:
    """Return what ``evaluation gender --cells`` reads, out of what was released.

    Only areas all of whose cells are shown in all years used enter: an area that comes and goes,
    or a category that does, would look like a change of who the persons are. Years used are those
    from the one on with which most cells enter, at least two of them before anybody's first
    treated year. All of this is told by what is published.

    Parameters
    ----------
    released : Released
        What :func:`release_education` gives.
    of : pandas.DataFrame
        What :func:`areas` gives.

    Returns
    -------
    pandas.DataFrame
        ``unit, year, sex, category, persons, successes, cohort``; the first treated year is the
        start and as many years as the registry says that leavers came before.
    """
    rows = released.tidy()
    rows = rows[(rows["education"] != _ALL) & (rows["sex"] != "T")]
    lag = REGISTRY["N00973"].lag_years
    starts = of.drop_duplicates("area").set_index("area")["start"]
    shown = ~rows.groupby(["area", "year"])["suppressed"].any().unstack("year", fill_value=True)
    some = starts.reindex(shown.index)
    first = int(some[some > 0].min()) + lag if (some > 0).any() else None
    use = shown.loc[:, []]
    for year in shown.columns:
        if first is not None and int(year) > first - 2:
            break
        part = shown.loc[:, year:]
        part = part[part.all(axis=1)]
        use = part if part.size > use.size else use
    rows = rows[rows["area"].isin(use.index) & rows["year"].isin(use.columns)]
    wide = rows.pivot(index=list(_BY[:-1]), columns="status", values="n").reset_index()
    begun = starts.reindex(wide["area"]).to_numpy()
    out = pd.DataFrame(
        {
            "unit": wide["area"],
            "year": wide["year"],
            "sex": wide["sex"],
            "category": wide["education"],
            "persons": wide["leavers"].astype(int),
            "successes": wide["either"].astype(int),
            "cohort": np.where(begun > 0, begun + lag, 0),
        }
    )
    used = out.groupby("category")["persons"].transform("sum") > 0
    return out[used].reset_index(drop=True)
