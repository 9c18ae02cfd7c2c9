"""From counted cells to the panel, the life tables and the cost flows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from evaluation.data.persons.contract import KINDS, STATUS_VALUES, STATUSES
from evaluation.data.persons.counting import ORE, Cells
from evaluation.data.places import codes

__all__ = [
    "HORIZONS",
    "RETENTION",
    "cost_flows",
    "costs_with_total",
    "life_tables",
    "outcome_panel",
]

HORIZONS: Final = dict(zip(STATUSES, (0, 1, 2, 3), strict=True))
"""Years after the programme of each status; 90 days count with the year of leaving."""
RETENTION: Final = 36
_SEXES: Final = np.array(["K", "M"])


def _places(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.array(sorted(codes()), dtype=object)[values])


def _with_total(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Name codes and sexes and add the sum of women and men."""
    total = frame.drop(columns="sex").groupby(by, as_index=False).sum().assign(sex="T")
    named = frame.assign(sex=_SEXES[frame["sex"].to_numpy()])
    both = pd.concat([named, total[named.columns]], ignore_index=True)
    both["code"] = _places(both["code"].to_numpy())
    return both.sort_values([*by, "sex"], ignore_index=True)


def outcome_panel(cells: Cells, until: int) -> pd.DataFrame:
    """Return the panel of counts by municipality, year and sex.

    Leavers are those whose programme ended in the year, by residence in its December. Of a
    later year's statuses nothing is shown before all who left in the year have reached it.

    Parameters
    ----------
    cells : Cells
        The counts.
    until : int
        The last month that is known, from January of year 0.

    Returns
    -------
    pandas.DataFrame
        ``code``, ``year``, ``sex`` (T, K, M); ``received`` in the year; ``retention_base`` and
        ``retained``: those received three years before and followed since, and those of them
        still there; ``leavers``; for each status ``known_…``, ``work_…``, ``studies_…``.
        Nullable integers: missing where the data end too early, 0 where there is nobody.
    """
    spell, leaver = cells.spell, cells.leaver
    by = ["code", "year", "sex"]
    n, kind, end = (spell[c].to_numpy() for c in ("n", "kind", "end"))
    gone = (kind > 0) & (end <= RETENTION)
    there = ~gone & (end >= RETENTION)
    whole = spell["entry"].to_numpy() == 0
    cohorts, which = cells.spell_cohorts

    def received(use: np.ndarray | slice) -> np.ndarray:
        # weights are floats, exact for whole numbers below 2^53
        return np.bincount(which[use], n[use], len(cohorts)).astype(np.int64)

    came = cohorts.assign(received=received(slice(None)))
    kept = cohorts.assign(
        year=cohorts["year"] + RETENTION // 12,
        retention_base=received((gone | there) & whole),
        retained=received(there & whole),
    )
    columns = {"leavers": leaver["n"]}
    for status in STATUSES:
        columns[f"known_{status[7:]}"] = leaver["n"].where(leaver[status] >= 0, 0)
        for value in STATUS_VALUES[1:]:
            hit = leaver[status] == STATUS_VALUES.index(value)
            columns[f"{value}_{status[7:]}"] = leaver["n"].where(hit, 0)
    left = leaver.rename(columns={"place": "code", "left": "year"})[by].assign(**columns)
    left = left.groupby(by, as_index=False).sum()
    # every sex of every place and year that somebody was in: 0 is a number
    keys = pd.concat([p[["code", "year"]] for p in (came, kept, left)]).drop_duplicates()
    grid = keys.merge(pd.DataFrame({"sex": [0, 1]}), how="cross")
    for part in (came, kept, left):
        grid = grid.merge(part, on=by, how="left")
    grid = grid[12 * grid["year"] + 11 <= until]
    out = _with_total(grid.fillna(0).astype(np.int64), ["code", "year"])
    out = out.astype({c: "Int64" for c in out.columns if c not in ("code", "year", "sex")})
    first = int(spell["year"].min()) + RETENTION // 12 if len(spell) else 0
    out.loc[out["year"] < first, ["retention_base", "retained"]] = pd.NA
    for status, years in HORIZONS.items():
        early = 12 * (out["year"] + years) + 11 > until
        out.loc[early, [c for c in out.columns if c.endswith(status[7:])]] = pd.NA
    return out


def life_tables(cells: Cells, adoption: Mapping[str, int] | None = None) -> pd.DataFrame:
    """Return events and numbers at risk per month since reception.

    Parameters
    ----------
    cells : Cells
        The counts.
    adoption : mapping of str to int, optional
        First whole active year by municipality, 0 for none; gives the key ``exposed``, 1 for
        those received in that year or later.

    Returns
    -------
    pandas.DataFrame
        ``municipality``, ``cohort`` (year of reception), ``sex``, maybe ``exposed``, ``month``,
        ``at_risk``, one column per kind of event, ``censored``, ``entered``: what
        :func:`evaluation.estimation.survival.life_table` takes. Month t is the interval
        (t − 1, t]; a move in the month of reception counts in month 1; events come before
        censoring. Months with nobody at risk have no row.
    """
    cohorts, numbers = cells.spell_cohorts[0], _by_month(cells)
    g, t = np.nonzero(numbers["at_risk"])
    named = pd.DataFrame(
        {
            "municipality": pd.Series(_places(cohorts["code"].to_numpy())).array.take(g),
            "cohort": cohorts["year"].to_numpy()[g],
            "sex": pd.Series(_SEXES[cohorts["sex"].to_numpy()]).array.take(g),
        }
    )
    if adoption is not None:
        begun = named["municipality"].map(dict(adoption)).fillna(0).astype(np.int64)
        named["exposed"] = ((begun > 0) & (named["cohort"] >= begun)).astype(np.int64)
    named["month"] = t + 1
    for name in ("at_risk", *KINDS, "censored", "entered"):
        named[name] = numbers.pop(name)[g, t]
    return named


def _by_month(cells: Cells) -> dict[str, np.ndarray]:
    """Return the life tables' numbers, each with a row per cohort and a column per month."""
    spell, (cohorts, which) = cells.spell, cells.spell_cohorts
    # nobody is at risk who enters after the end
    there = spell["end"].to_numpy() > spell["entry"].to_numpy()
    use = slice(None) if there.all() else there
    entry, end, kind, n = (spell[c].to_numpy()[use] for c in ("entry", "end", "kind", "n"))
    # groups and months as a grid of cells, which is small however many spells there are
    months = int(end.max()) if len(end) else 0
    size = len(cohorts) * months
    cell, n = which[use].astype(np.int64), n.astype(float)

    def grid(chosen: np.ndarray | slice) -> np.ndarray:
        # weights are floats, exact for whole numbers below 2^53
        counted = np.bincount(cell[chosen], n[chosen], size).astype(np.int64)
        return counted.reshape(len(cohorts), months)

    # from here on in place: there may be millions of spells
    cell *= months
    cell += entry
    entered = grid(slice(None))
    cell += end - entry - 1
    numbers = {"at_risk": entered.cumsum(axis=1)}
    gone = np.zeros_like(entered)
    for position, name in enumerate(("censored", *KINDS)):
        numbers[name] = grid(kind == position)
        gone += numbers[name]
    numbers["at_risk"] -= gone.cumsum(axis=1) - gone
    numbers["entered"] = entered
    return numbers


def cost_flows(cells: Cells, until: int) -> pd.DataFrame:
    """Return assistance by municipality of residence, calendar year and sex.

    Parameters
    ----------
    cells : Cells
        The counts.
    until : int
        The last month that is known, from January of year 0.

    Returns
    -------
    pandas.DataFrame
        ``code``, ``year``, ``sex`` (T, K, M); ``persons`` assisted in the year, ``months``,
        ``kronor``; ``largest_kronor`` and ``largest_months``: no person can have had more.
        Only whole years.
    """
    by = ["place", "sex"]
    ends = cells.ended
    empty = pd.DataFrame(columns=["code", "year", "sex", *_FLOWS])
    if cells.begins.empty:
        return empty
    first = int(cells.begins["begin"].min()) // 12
    years = np.arange(first, (until + 1) // 12)
    if not len(years):
        return empty
    months = 12 * len(years)
    groups = cells.begins[by].drop_duplicates().sort_values(by, ignore_index=True)
    at = pd.MultiIndex.from_frame(groups)

    def spread(frame: pd.DataFrame, month: str, value: str, largest: bool = False) -> np.ndarray:
        dense = np.zeros((len(at), months), dtype=np.int64)
        column = frame[month].to_numpy() - 12 * first
        use = column < months
        row = at.get_indexer(pd.MultiIndex.from_frame(frame[by]))
        cell = (row[use], column[use])
        if largest:
            np.maximum.at(dense, cell, frame[value].to_numpy()[use])
        else:
            np.add.at(dense, cell, frame[value].to_numpy()[use])
        return dense

    def yearly(dense: np.ndarray) -> np.ndarray:
        return dense.reshape(len(at), len(years), 12)

    new = spread(cells.begins, "begin", "n")
    active = np.cumsum(new - spread(ends, "stop", "n"), axis=1)
    paid = np.cumsum(
        spread(cells.begins, "begin", "amount") - spread(ends, "stop", "amount"), axis=1
    )
    # each has one unbroken spell: there in January or begun later in the year
    persons = yearly(active)[:, :, 0] + yearly(new)[:, :, 1:].sum(axis=2)
    # nobody had more a month than the largest begun so far, nor than the largest still to end
    so_far = np.maximum.accumulate(spread(cells.begins, "begin", "largest", True), axis=1)
    later = ends.assign(stop=np.minimum(ends["stop"], 12 * first + months - 1))
    still = spread(later, "stop", "largest", True)
    still = np.maximum.accumulate(still[:, ::-1], axis=1)[:, ::-1]
    most = np.minimum(yearly(so_far)[:, :, -1], yearly(still)[:, :, 0])
    kronor = yearly(paid).sum(axis=2)
    flat = pd.DataFrame(
        {
            "code": np.repeat(groups["place"].to_numpy(), len(years)),
            "year": np.tile(years, len(at)),
            "sex": np.repeat(groups["sex"].to_numpy(), len(years)),
            "persons": persons.ravel(),
            "months": yearly(active).sum(axis=2).ravel(),
            "kronor": kronor.ravel(),
            "largest": np.minimum(12 * most, kronor).ravel(),
        }
    )
    return costs_with_total(flat)


_FLOWS: Final = ("persons", "months", "kronor", "largest_kronor", "largest_months")


def costs_with_total(flat: pd.DataFrame) -> pd.DataFrame:
    """Name municipalities and sexes, add the sum of women and men, and turn öre to kronor."""
    if flat.empty:
        return pd.DataFrame(columns=["code", "year", "sex", *_FLOWS])
    both = (
        flat[["code", "year"]].drop_duplicates().merge(pd.DataFrame({"sex": [0, 1]}), how="cross")
    )
    both = both.merge(flat, on=["code", "year", "sex"], how="left").fillna(0).astype(np.int64)
    top = both.groupby(["code", "year"])["largest"].max()
    out = _with_total(both.drop(columns="largest"), ["code", "year"])
    own = both.assign(code=_places(both["code"].to_numpy()), sex=_SEXES[both["sex"].to_numpy()])
    totals = top.reset_index().assign(sex="T")
    totals["code"] = _places(totals["code"].to_numpy())
    largest = pd.concat([own[["code", "year", "sex", "largest"]], totals])
    out = out.merge(largest, on=["code", "year", "sex"])
    out["kronor"] /= ORE
    out["largest_kronor"] = out.pop("largest") / ORE
    out["largest_months"] = np.minimum(out["months"], 12)
    return out
