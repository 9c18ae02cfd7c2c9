"""What the benchmark runs of the four questions: life tables of many persons, and costs.

The life table is of municipality, cohort and sex by month. Its estimators read counts, so the
same table is made of some hundred thousand and of some hundred million persons.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from evaluation.data.places import codes
from evaluation.estimation.survival.curves import cumulative_incidence, kaplan_meier
from evaluation.estimation.survival.discrete_hazard import discrete_hazard
from evaluation.estimation.survival.group_tests import gray
from evaluation.estimation.survival.hazard_did import hazard_did
from evaluation.estimation.survival.life_table import KINDS, LifeTable, life_table
from evaluation.questions.costs import cost_analysis, load_costs

Run = Callable[[], float]
Case = Callable[[int], Run]
COHORTS = range(2010, 2022)
MONTHS = 36
SMALL, LARGE = 25, 15_000
"""Persons of each sex in a municipality and year: 174,000 and 104 million in all."""
ACTIVE = 8
"""Municipalities that adopt, in 2015."""


def _table(units: int, persons: int) -> LifeTable:
    """Return a table in which those received by an active municipality stay somewhat longer."""
    rng = np.random.default_rng([units, persons])
    keys = pd.MultiIndex.from_product(
        [sorted(codes())[:units], COHORTS, ("K", "M")], names=["municipality", "cohort", "sex"]
    ).to_frame(index=False)
    place = keys["municipality"].to_numpy()
    exposed = np.isin(place, np.unique(place)[:ACTIVE]) & (keys["cohort"].to_numpy() >= 2015)
    keys["exposed"] = exposed.astype(int)
    share = np.array([0.25, 0.35, 0.3, 0.07, 0.03])
    left = np.full(len(keys), persons)
    rows = []
    for month in range(1, MONTHS + 1):
        chance = np.outer(np.where(exposed, 0.011, 0.014), share)
        events = rng.multinomial(left, np.column_stack([chance, 1 - chance.sum(axis=1)]))[:, :-1]
        rows.append(
            keys.assign(month=month, at_risk=left, **dict(zip(KINDS, events.T, strict=True)))
        )
        left = left - events.sum(axis=1)
    table = pd.concat(rows, ignore_index=True)
    last = table["month"] == MONTHS
    gone = table[list(KINDS)].sum(axis=1)
    table["censored"] = np.where(last, table["at_risk"] - gone, 0)
    table["entered"] = np.where(table["month"] == 1, table["at_risk"], 0)
    return life_table(table[table["at_risk"] > 0])


def _of_table(persons: int, estimate: Callable[[LifeTable], float]) -> Case:
    def prepare(units: int) -> Run:
        table = _table(units, persons)
        return lambda: estimate(table)

    return prepare


def _curve(table: LifeTable) -> float:
    return float(kaplan_meier(table, ["exposed"]).at(MONTHS)["estimate"].iloc[0])


def _incidence(table: LifeTable) -> float:
    return float(cumulative_incidence(table, ["exposed"]).at(MONTHS)["estimate"].iloc[0])


def _gray(table: LifeTable) -> float:
    return float(gray(table, ["exposed"], kind="metropolitan").statistic)


def _hazard(table: LifeTable) -> float:
    found = discrete_hazard(table, ["exposed", "sex"], effects=["municipality", "cohort"])
    return float(found.tidy()["estimate"].iloc[0])


def _hazard_did(table: LifeTable) -> float:
    active = np.unique(table.groups["municipality"])[:ACTIVE]
    return float(hazard_did(table, dict.fromkeys(active, 2015)).result.estimate)


def _costs(_: int) -> Run:
    plan = load_costs("example")
    return lambda: cost_analysis(plan, draws=10_000).estimates["net_municipality"].estimate


CASES: dict[str, Case] = {
    "costs": _costs,
    **{
        f"{name}, {size}": _of_table(persons, run)
        for size, persons in (("few", SMALL), ("many", LARGE))
        for name, run in (
            ("kaplan-meier", _curve),
            ("incidence", _incidence),
            ("gray", _gray),
            ("hazard", _hazard),
            ("hazard did", _hazard_did),
        )
    },
}
