"""What of the counts leaves the package: every table through the gate of disclosure control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.data.disclosure import (
    Dominance,
    FromPersons,
    Previous,
    Released,
    Rules,
    Spec,
    pass_gate,
    protect,
)
from evaluation.data.observations import OBSERVED, SUPPRESSED, observations
from evaluation.data.persons.cohorts import Cohorts
from evaluation.data.persons.contract import KINDS, STATUS_VALUES
from evaluation.data.persons.education import (
    AREA,
    EDUCATION_TABLE,
    areas,
    release_education,
    with_areas,
)
from evaluation.data.persons.table_specs import (
    BY,
    CAME,
    LEAVERS,
    assisted_spec,
    life_spec,
    received_spec,
    retention_spec,
    status_spec,
    status_words,
)
from evaluation.data.persons.tables import HORIZONS
from evaluation.errors import InputError

__all__ = ["outcomes", "releases"]

_MONTHS = 60
"""Months of the life table that leaves; later ones have few."""


def releases(
    counted: Cohorts, *, follow_ups: bool = False, education: bool = False
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
        If a table cannot be protected.
    """
    panel, rules = counted.panel.table, counted.panel.spec.rules
    horizons = tuple(HORIZONS) if follow_ups else tuple(HORIZONS)[:1]
    return {
        **_statuses(panel, rules, horizons, counted if education else None),
        **_stays(panel, counted.life_tables, rules),
        **_assistance(counted.costs.table, rules),
    }


def _stays(panel: pd.DataFrame, tables: FromPersons, rules: Rules) -> dict[str, Released]:
    """Release receptions and who stayed beside the life table of the same persons.

    Numbers of the life table, and the number of rows that count, are sums over municipalities
    and years of what the panel shows. Both are guarded as if those sums were printed; where they
    cannot be, the life table leaves for women and men together, or not at all.
    """
    for sexes in (("K", "M"), ("T",)):
        try:
            return {**_receptions(panel, rules, sexes), **_life(tables, rules, sexes)}
        except InputError:
            continue
    return _receptions(panel, rules, ())


def _refuse_small_sums(cells: pd.DataFrame, spec: Spec) -> None:
    """Refuse sums that are public elsewhere and small."""
    for known in spec.known_sums:
        found = cells[cells[known.rows]].groupby(list(known.each))[spec.value].sum()
        if found.between(1, spec.rules.k - 1).any():
            raise InputError("a sum over the whole file is small", field=spec.value)


def _out(cells: pd.DataFrame, spec: Spec) -> Released:
    """Protect and pass the gate; cells that were hidden are not tried again one by one."""
    return pass_gate(protect(cells, spec, free=False))


def _stacked(frame: pd.DataFrame, columns: Mapping[str, str], name: str) -> pd.DataFrame:
    """Return one row per cell, ``n`` persons."""
    wide = frame[[*BY, *columns]].rename(columns=columns)
    return wide.melt(list(BY), var_name=name, value_name="n").astype({"n": np.int64})


def _statuses(
    panel: pd.DataFrame, rules: Rules, statuses: Sequence[str], counted: Cohorts | None
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
        protected = protect(cells, spec, before=first, free=False)
        out[status] = pass_gate(protected)
        if by_education is not None and first is None:
            table = release_education(by_education, out[status], of, words)
            out |= {} if table is None else {EDUCATION_TABLE: table}
        first = first or Previous(cells, protected)
    return out


def _receptions(panel: pd.DataFrame, rules: Rules, sexes: Sequence[str]) -> dict[str, Released]:
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
        out["retention"] = _out(cells, spec)
    new = panel[panel["year"] > panel["year"].max() - 3]
    if len(new) and new["received"].sum():
        cells = new[[*BY, "received"]].astype({"received": np.int64})
        cells, spec = received_spec(cells, rules, sexes)
        _refuse_small_sums(cells, spec)
        out["received"] = _out(cells, spec)
    return out


def _assistance(costs: pd.DataFrame, rules: Rules) -> dict[str, Released]:
    if costs.empty:
        return {}
    spec = assisted_spec(rules)
    persons = _out(costs[[*BY, "persons"]], spec)
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
        amounts = replace(spec, value=name, dominance=Dominance(few=rules.k), withhold="hidden")
        out[f"assisted_{name}"] = _out(cells, amounts)
    return out


def _life(tables: FromPersons, rules: Rules, sexes: Sequence[str]) -> dict[str, Released]:
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
    return {"life_table": _out(cells, spec)}


def outcomes(released: Mapping[str, Released]) -> pd.DataFrame:
    """Return the panel that may leave, in the tidy form of observations.

    Parameters
    ----------
    released : mapping of str to Released
        From :func:`releases`.

    Returns
    -------
    pandas.DataFrame
        ``indicator``, ``code``, ``year``, ``sex``, ``value``, ``state``. Counts: ``leavers``,
        ``received_3_years_before``, ``received``, ``assisted_…``. Per cent:
        ``work_or_studies_90_days`` and so on and ``retention_3_years``, shown only where both
        the count and its whole are. Where the whole is 0 there is no share and no row.

    Raises
    ------
    InputError
        If a table has not been through the gate.
    """
    parts: list[pd.DataFrame] = []
    for name, table in released.items():
        if not isinstance(table, Released):
            raise InputError(f"a {type(table).__name__} has not been released", field=name)
        if name.startswith("status_"):
            word = f"work or studies, {name[7:]}"
            parts.append(_share(table, f"work_or_studies_{name[7:]}", "status", LEAVERS, word))
            if name == "status_90_days":
                parts.append(_count(table, "leavers", "status", LEAVERS))
        elif name == "retention":
            parts.append(_share(table, "retention_3_years", "group", CAME, "still there"))
            parts.append(_count(table, "received_3_years_before", "group", CAME))
        elif name not in ("life_table", EDUCATION_TABLE):
            parts.append(_count(table, name))
    if not parts:
        raise InputError("nothing was counted that could be shown")
    return observations(pd.concat(parts, ignore_index=True))


def _rows(table: Released) -> pd.DataFrame:
    """Return the municipalities' rows, without the areas'."""
    rows = table.tidy()
    return rows[~rows["code"].str.startswith(AREA)]


def _count(
    table: Released, indicator: str, column: str | None = None, word: str | None = None
) -> pd.DataFrame:
    rows = _rows(table)
    if column is not None:
        rows = rows[rows[column] == word]
    value = next(c for c in ("n", "received", "persons", "months", "kronor") if c in rows)
    return _observed(rows, indicator, rows[value].astype("Float64"), rows["suppressed"])


def _observed(
    rows: pd.DataFrame, indicator: str, value: pd.Series, hidden: pd.Series
) -> pd.DataFrame:
    away = hidden.astype(bool).to_numpy()
    number = value.to_numpy(dtype=float, na_value=np.nan)
    return pd.DataFrame(
        {
            "indicator": indicator,
            "code": rows["code"].to_numpy(),
            "year": rows["year"].astype(int).to_numpy(),
            "sex": rows["sex"].to_numpy(),
            "value": np.where(away, np.nan, number),
            "state": np.where(away, SUPPRESSED, OBSERVED),
        }
    )


def _share(table: Released, indicator: str, column: str, whole: str, word: str) -> pd.DataFrame:
    rows = _rows(table)
    base = rows[rows[column] == whole].set_index(list(BY))
    part = rows[rows[column] == word].set_index(list(BY))
    base = base.reindex(part.index)
    n, all_ = (f["n"].to_numpy(dtype=float, na_value=np.nan) for f in (part, base))
    hidden = part["suppressed"].astype(bool) | base["suppressed"].astype(bool)
    some = pd.Series(all_ != 0, index=part.index)
    share = pd.Series(100 * n[some.to_numpy()] / all_[some.to_numpy()])
    return _observed(part[some].reset_index(), indicator, share, hidden[some])
