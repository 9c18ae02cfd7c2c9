"""What of the counts leaves the package: every table through the gate of disclosure control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data.disclosure import (
    Dominance,
    Former,
    FromPersons,
    Previous,
    Protected,
    Released,
    Rules,
    Spec,
    in_common,
    pass_gate,
    protect,
)
from evaluation.data.persons.cohorts import Cohorts
from evaluation.data.persons.contract import KINDS, STATUS_VALUES
from evaluation.data.persons.education import (
    EDUCATION_TABLE,
    areas,
    release_education,
    with_areas,
)
from evaluation.data.persons.previous import PublishedFolder
from evaluation.data.persons.table_specs import (
    BY,
    CAME,
    assisted_spec,
    life_spec,
    received_spec,
    retention_spec,
    status_spec,
    status_words,
)
from evaluation.data.persons.tables import HORIZONS
from evaluation.errors import InputError

__all__ = ["releases"]

_MONTHS = 60
"""Months of the life table that leaves; later ones have few."""


def releases(
    counted: Cohorts,
    *,
    follow_ups: bool = False,
    education: bool = False,
    previous: Sequence[PublishedFolder] = (),
) -> dict[str, Released]:
    """Protect every table that may leave.

    Parameters
    ----------
    counted : Cohorts
        From :func:`evaluation.data.persons.cohorts`.
    follow_ups : bool
        Whether statuses after one, two and three years are to leave as well. Each is protected
        beside the table of 90 days, whose totals it shares, which takes minutes for the country.

    education : bool
        Whether leavers by area, sex and education are to leave as well: the table of 90 days is
        then protected with its sums over areas, which takes minutes for the country.
    previous : sequence of PublishedFolder
        What earlier runs published (:func:`read_published`): nothing that leaves now says, beside
        it, what either hides.

    Returns
    -------
    dict of str to Released
        ``status_90_days`` (and later ones): leavers by whether they work or study; «other» are
        those who do not and those of whom no status is known. ``retention``: those received
        three years before, still there or not. ``received``: those of years too late for that.
        ``leavers_by_education``: by area, where it can be shown.
        ``assisted_persons``, ``assisted_months``, ``assisted_kronor``; the amounts are hidden
        where the persons are. ``life_table``: everybody by month, sex and exposure; by month
        and exposure only, or not at all, where its numbers at risk would give a municipality
        away. Tables without rows are left out.

    Raises
    ------
    InputError
        If a table cannot be protected, or an earlier run cannot be set beside this one.
    """
    for folder in previous:
        folder.refuse_unlike(
            until=str(counted.provenance["until"]),
            k=counted.panel.spec.rules.k,
            simulated=counted.simulated,
            exposed="exposed" in counted.life_tables.table,
            of=areas(counted.adoption) if education else None,
        )
    panel, rules = counted.panel.table, counted.panel.spec.rules
    horizons = tuple(HORIZONS) if follow_ups else tuple(HORIZONS)[:1]
    return {
        **_statuses(panel, rules, horizons, counted if education else None, previous),
        **_stays(panel, counted.life_tables, rules, previous),
        **_assistance(counted.costs.table, rules, previous),
    }


def _published(previous: Sequence[PublishedFolder], *names: str) -> list[Former]:
    """Return the tables of these names that were published before."""
    return [f.former[name] for f in previous for name in names if name in f.former]


def _stays(
    panel: pd.DataFrame, tables: FromPersons, rules: Rules, previous: Sequence[PublishedFolder]
) -> dict[str, Released]:
    """Release receptions and who stayed beside the life table of the same persons.

    Numbers of the life table, and the number of rows that count, are sums over municipalities
    and years of what the panel shows. Both are guarded as if those sums were printed; where they
    cannot be, the life table leaves for women and men together, or not at all.
    """
    for sexes in (("K", "M"), ("T",)):
        try:
            came = _receptions(panel, rules, sexes, previous)
            return {**came, **_life(tables, rules, sexes, previous)}
        except InputError:
            continue
    return _receptions(panel, rules, (), previous)


def _refuse_small_sums(cells: pd.DataFrame, spec: Spec) -> None:
    """Refuse sums that are public elsewhere and small."""
    for known in spec.known_sums:
        found = cells[cells[known.rows]].groupby(list(known.each))[spec.value].sum()
        if found.between(1, spec.rules.k - 1).any():
            raise InputError("a sum over the whole file is small", field=spec.value)


def _out(cells: pd.DataFrame, spec: Spec, before: Sequence[Former]) -> Released:
    """Protect and pass the gate; cells that were hidden are not tried again one by one."""
    former = in_common(cells, spec, before)
    return pass_gate(_protected(cells, spec, former))


def _protected(cells: pd.DataFrame, spec: Spec, before: Sequence[Previous | Former]) -> Protected:
    """Protect, and say why where a former release is what makes it impossible."""
    try:
        return protect(cells, spec, before=before, free=False)
    except InputError as error:
        if not any(isinstance(b, Former) for b in before):
            raise
        raise InputError(
            f"{error.problem}. Beside what was published before: where the two differ by few "
            "persons the new one may not leave; keep the former one until more has changed",
            field=error.field,
        ) from None


def _stacked(frame: pd.DataFrame, columns: Mapping[str, str], name: str) -> pd.DataFrame:
    """Return one row per cell, ``n`` persons."""
    wide = frame[[*BY, *columns]].rename(columns=columns)
    return wide.melt(list(BY), var_name=name, value_name="n").astype({"n": np.int64})


def _statuses(
    panel: pd.DataFrame,
    rules: Rules,
    statuses: Sequence[str],
    counted: Cohorts | None,
    previous: Sequence[PublishedFolder],
) -> dict[str, Released]:
    out: dict[str, Released] = {}
    first: Previous | None = None
    by_education = None
    if counted is not None:
        if counted.education is None:
            raise InputError("the file has no education with status_90_days", field="--education")
        by_education = counted.education.table
        of = areas(counted.adoption)
    for status in statuses:
        name = status[7:]
        work, studies = (f"{v}_{name}" for v in STATUS_VALUES[1:])
        frame = panel[panel[f"known_{name}"].notna() & panel["leavers"].notna()]
        if not frame[f"known_{name}"].sum():
            continue
        frame = frame.assign(
            either=frame[work] + frame[studies],
            other=frame["leavers"] - frame[work] - frame[studies],
        )
        words = status_words(name)
        cells = _stacked(frame, words, "status")
        if by_education is not None and first is None:
            cells = with_areas(cells, of)
        spec = status_spec(cells, name, rules, None if by_education is None else of)
        # the totals are in the table of 90 days as well
        names = dict.fromkeys([status, next(iter(out), status)])
        former = in_common(cells, spec, _published(previous, *names))
        same_run = [] if first is None else [first]
        protected = _protected(cells, spec, [*same_run, *former])
        out[status] = pass_gate(protected)
        if by_education is not None and first is None:
            table = release_education(
                by_education, out[status], of, words, _published(previous, EDUCATION_TABLE)
            )
            out |= {} if table is None else {EDUCATION_TABLE: table}
        first = first or Previous(cells, protected)
    return out


def _receptions(
    panel: pd.DataFrame, rules: Rules, sexes: Sequence[str], previous: Sequence[PublishedFolder]
) -> dict[str, Released]:
    out = {}
    old = panel[panel["retention_base"].notna()]
    came = panel.set_index(list(BY))["received"]
    old = old.assign(cohort=old["year"] - 3)
    whole = pd.MultiIndex.from_arrays([old["code"], old["cohort"], old["sex"]])
    old = old.assign(whole=came.reindex(whole).fillna(0).to_numpy())
    old = old.assign(
        left=old["retention_base"] - old["retained"], unknown=old["whole"] - old["retention_base"]
    )
    if len(old) and old["whole"].sum():
        words = {
            "whole": CAME,
            "retained": "still there",
            "left": "left",
        }
        if old["unknown"].any():
            words["unknown"] = "not followed"
        cells = _stacked(old, words, "group")
        cells, spec = retention_spec(cells, rules, sexes)
        _refuse_small_sums(cells, spec)
        moved_on = [f.received_as_retention() for f in previous]
        former = [*_published(previous, "retention"), *(f for f in moved_on if f is not None)]
        out["retention"] = _out(cells, spec, former)
    new = panel[panel["year"] > panel["year"].max() - 3]
    if len(new) and new["received"].sum():
        cells = new[[*BY, "received"]].astype({"received": np.int64})
        cells, spec = received_spec(cells, rules, sexes)
        _refuse_small_sums(cells, spec)
        out["received"] = _out(cells, spec, _published(previous, "received"))
    return out


def _assistance(
    costs: pd.DataFrame, rules: Rules, previous: Sequence[PublishedFolder]
) -> dict[str, Released]:
    if costs.empty:
        return {}
    spec = assisted_spec(rules)
    persons = _out(costs[[*BY, "persons"]], spec, _published(previous, "assisted_persons"))
    hidden = persons.tidy()["suppressed"].to_numpy(bool)
    out = {"assisted_persons": persons}
    for name in ("months", "kronor"):
        largest = costs[f"largest_{name}"].to_numpy(float)
        total = costs[name].to_numpy(float)
        # a bound and not the number itself: it hides rather more than less
        second = np.where(costs["persons"] > 1, np.minimum(largest, total - largest), 0.0)
        cells = costs[list(BY)].assign(
            **{name: total},
            contributors=costs["persons"],
            largest_1=largest,
            largest_2=second,
            hidden=hidden,
        )
        for folder in previous:
            cells["hidden"] |= _changed_by_few(costs, name, folder, rules.k)
        amounts = replace(spec, value=name, dominance=Dominance(few=rules.k), withhold="hidden")
        out[f"assisted_{name}"] = _out(cells, amounts, _published(previous, f"assisted_{name}"))
    return out


def _changed_by_few(
    costs: pd.DataFrame, name: str, folder: PublishedFolder, k: int
) -> npt.NDArray[np.bool_]:
    """Say which amounts changed since they were shown, and perhaps those of few persons only.

    Where as many persons or nearly as many are assisted as before, the difference of the amounts
    may be one person's: how many had a part in it is not known.
    """
    own = pd.MultiIndex.from_frame(costs[list(BY)].astype(str))
    change = {}
    for value in ("persons", name):
        former = folder.former.get(f"assisted_{value}")
        if former is None:
            return np.zeros(len(costs), dtype=bool)
        keys = pd.MultiIndex.from_frame(former.table[list(BY)].astype(str))
        shown = pd.Series(former.table[value].to_numpy(float), index=keys)
        change[value] = np.abs(costs[value].to_numpy(float) - shown.reindex(own).to_numpy(float))
    # a number of persons that was hidden may have been any
    few = ~(change["persons"] >= k)
    other: npt.NDArray[np.bool_] = few & (change[name] > 1e-9 * costs[name].to_numpy(float))
    return other


def _life(
    tables: FromPersons,
    rules: Rules,
    sexes: Sequence[str],
    previous: Sequence[PublishedFolder],
) -> dict[str, Released]:
    rows = tables.table
    if rows.empty:
        return {}
    keys = [c for c in ("exposed", "sex") if c in rows]
    names = ["at_risk", *KINDS, "censored", "entered"]
    wide = rows[rows["month"] <= _MONTHS].groupby([*keys, "month"])[names].sum()
    levels = [sorted(rows[k].unique()) for k in keys] + [
        range(1, int(wide.index.get_level_values("month").max()) + 1)
    ]
    wide = wide.reindex(pd.MultiIndex.from_product(levels, names=[*keys, "month"]), fill_value=0)
    wide = wide.reset_index()
    wide["sex"] = wide["sex"].astype(str)
    both = wide.drop(columns="sex").groupby([*keys[:-1], "month"], as_index=False).sum()
    parts = [wide, both.assign(sex="T")] if "T" not in sexes else [both.assign(sex="T")]
    wide = pd.concat(parts, ignore_index=True)
    late = (wide.loc[wide["month"] > 1, "entered"] > 0).any()
    # whoever enters in a month is at risk in it: in the flow, that is the step before
    wide["enters_next"] = wide.groupby(keys)["entered"].shift(-1, fill_value=0)
    measures = ["at_risk", *KINDS, "censored", *(["enters_next"] if late else [])]
    cells = wide.melt([*keys, "month"], measures, var_name="measure", value_name="n")
    cells, spec = life_spec(cells, rules, sexes)
    _refuse_small_sums(cells, spec)
    return {"life_table": _out(cells, spec, _published(previous, "life_table"))}
