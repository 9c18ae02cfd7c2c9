"""The effect of activity on staying: share and hazard, with inference for few municipalities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.few_treated.auto import FewTreated, auto_inference
from evaluation.estimation.few_treated.contrasts import custom_contrasts
from evaluation.estimation.few_treated.permutation import free_assignments, permutation_test
from evaluation.estimation.survival.hazard_did import HazardDiD, hazard_did
from evaluation.estimation.survival.life_table import LifeTable
from evaluation.results import Estimate

__all__ = ["RetentionEffect", "retention_effect", "retention_panel"]


@dataclass(frozen=True)
class RetentionEffect:
    """The effect on the share that stays, in percentage points, and on the hazard of leaving.

    Parameters
    ----------
    share : FewTreated
        ATT on the share still there at the horizon, with the inference of the design.
    permutation : Estimate
        The same number, tested over any assignment of the adoption years.
    hazard : HazardDiD
        The log hazard ratio by permutation, and clustered.
    panel : Panel
        The outcome by municipality and year of reception; ``dropped`` says who is not in it.
    horizon : int
        Months.
    notes : tuple of str
        Active municipalities that are in neither group, and why.
    """

    share: FewTreated
    permutation: Estimate
    hazard: HazardDiD
    panel: Panel
    horizon: int
    notes: tuple[str, ...] = ()


def retention_panel(
    table: LifeTable, horizon: int = 36, *, smallest: int = 1
) -> tuple[Panel, pd.Series]:
    """Return the share still in the kommun at the horizon, by municipality and year of reception.

    Kaplan–Meier of each municipality's cohort. Cohorts that were not followed to the horizon by
    anybody are left out; so is a municipality that lacks a cohort that others have.

    Parameters
    ----------
    table : LifeTable
        By ``municipality`` and ``cohort`` at least.
    horizon : int
        Months.
    smallest : int
        Cohorts of fewer persons are not used, as in published statistics.

    Returns
    -------
    panel : Panel
        Per cent, years of reception as years, balanced.
    received : pandas.Series
        Mean persons per cohort, by municipality: what the share is of.

    Raises
    ------
    InputError
        If fewer than two cohorts were followed that long, or no municipality has them all.
    """
    table.need("municipality", "cohort")
    if not 1 <= horizon <= table.months:
        raise InputError(
            f"{horizon} months; the life table has 1 to {table.months}", field="horizon"
        )
    few = table.collapse(("municipality", "cohort"), until=horizon)
    counts = few.counts(("municipality", "cohort"))
    who = counts.groups.assign(
        municipality=counts.groups["municipality"].astype(str),
        persons=counts.entered.sum(axis=1),
    )
    # everybody who is left must be seen at the horizon, or have left altogether before it
    alive = np.logical_and.accumulate(counts.at_risk > 0, axis=1)
    hazard = np.divide(counts.all_events, counts.at_risk, out=np.zeros(alive.shape), where=alive)
    s = np.cumprod(1 - hazard, axis=1)[:, -1]
    followed = alive.all(axis=1) | (s == 0)
    # a cohort that nobody could be followed in shows only the cells that all have left
    seen = who["persons"].where(counts.at_risk[:, -1] > 0, 0).groupby(who["cohort"]).sum()
    followed &= who["cohort"].map(seen > 0).to_numpy(dtype=bool)
    followed &= (who["persons"] >= smallest).to_numpy(dtype=bool)
    who["share"] = np.where(followed, 100 * s, np.nan)
    wide = who.pivot(index="municipality", columns="cohort", values="share").sort_index()
    wide = wide.loc[:, wide.notna().any()]
    if wide.shape[1] < 2:
        raise InputError(
            f"{wide.shape[1]} cohort(s) were followed for {horizon} months; two are needed",
            field="horizon",
        )
    whole = wide.notna().all(axis=1)
    if not whole.any():
        least = "somebody" if smallest == 1 else f"at least {smallest} persons"
        raise InputError(f"no municipality received {least} in every year", field="cohort")
    wide.columns = wide.columns.astype(int)
    size = who.pivot(index="municipality", columns="cohort", values="persons")
    panel = Panel(
        f"retention_{horizon}_months",
        wide[whole].astype(float),
        dropped=tuple(map(str, wide.index[~whole])),
    )
    received = size.loc[wide.index[whole], list(wide.columns)].mean(axis=1)
    return panel, received


def _usable(
    panel: Panel, first_year: Mapping[str, int], smallest: int
) -> tuple[Panel, pd.Series, list[str], tuple[str, ...]]:
    """Leave out the active that show no effect: begun before the first cohort or after the last."""
    years = panel.years
    early = [u for u in panel.units if u in first_year and first_year[u] <= years[0]]
    late = [u for u in panel.units if u in first_year and first_year[u] > years[-1]]
    out = {*early, *late}
    units = [u for u in panel.units if u not in out]
    if not any(u in first_year for u in units):
        raise InputError(
            f"no active municipality has cohorts before and after its start in {years[0]}–"
            f"{years[-1]}",
            field="stance",
        )
    if all(u in first_year for u in units):
        raise InputError("every municipality is active; none is left to compare", field="stance")
    few = "" if smallest == 1 else f", or with one of fewer than {smallest}"
    lacking = f"active and without a cohort{few} in some year"
    notes = []
    for names, text in (
        (early, f"active from the first cohort ({years[0]}) on"),
        (late, f"active after the last cohort ({years[-1]})"),
    ):
        if names:
            notes.append(f"in neither group, {text}: {', '.join(names)}")
    dropped = [u for u in panel.dropped if u in first_year]
    if dropped:
        # by name it would say of whom a cohort is small
        named = ", ".join(dropped) if smallest == 1 else str(len(dropped))
        notes.append(f"in neither group, {lacking}: {named}")
    cohort = pd.Series({u: first_year.get(u, 0) for u in units})
    return panel.select(units), cohort, sorted(out), tuple(notes)


def retention_effect(
    table: LifeTable,
    first_year: Mapping[str, int],
    *,
    horizon: int = 36,
    anticipation: int = 0,
    smallest: int = 1,
    draws: int = 999,
    seed: int = 1,
    alpha: float = 0.05,
) -> RetentionEffect:
    """Estimate the effect of being received by an active municipality on staying.

    Difference-in-differences over years of reception: adoption × cohort, against municipalities
    not known to be active. The share is averaged over municipalities (estimand ``cohort``: each
    active one weighs the same), the hazard over persons.

    Parameters
    ----------
    table : LifeTable
        By ``municipality`` and ``cohort`` at least.
    first_year : mapping of str to int
        First year whose whole cohort met an active municipality.
    horizon : int
        Months.
    anticipation : int
        Cohorts before it that were partly exposed: 1 where a start was within a year. They are
        no base for the share and are left out of the hazard model of the municipality.
    smallest : int
        As for :func:`retention_panel`.
    draws, seed : int
        Of the permutations.
    alpha : float
        One minus the level.

    Returns
    -------
    RetentionEffect
        Two scales: parallel trends of shares and of log hazards are different assumptions.

    Raises
    ------
    InputError
        If nobody or everybody is active in the years that can be used, or as
        :func:`retention_panel`.
    """
    known = {str(k): int(v) for k, v in first_year.items()}
    whole, received = retention_panel(table, horizon, smallest=smallest)
    panel, cohort, out, notes = _usable(whole, known, smallest)
    share = auto_inference(
        panel,
        cohort,
        size=received.loc[panel.units],
        anticipation=anticipation,
        alpha=alpha,
    )
    permutation = _permutation(panel, cohort, share.result, anticipation, draws, seed)
    used = table.collapse(("municipality", "cohort"), until=horizon)
    codes = used.groups["municipality"].astype(str)
    year = used.groups["cohort"].to_numpy(dtype=np.int64)
    start = codes.map(known).to_numpy(dtype=float, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        partly = (year < start) & (year >= start - anticipation)
    kept = ~partly & ~codes.isin(out).to_numpy() & np.isin(year, panel.years)
    hazard = hazard_did(
        used.keep(kept),
        {c: y for c, y in known.items() if c not in out},
        horizon=horizon,
        draws=draws,
        seed=seed,
        alpha=alpha,
    )
    return RetentionEffect(share, permutation, hazard, panel, horizon, notes)


def _permutation(
    panel: Panel, cohort: pd.Series, like: Estimate, anticipation: int, draws: int, seed: int
) -> Estimate:
    """Test the same number over any assignment of the adoption years."""
    years = np.array(panel.years)
    weights = {}
    for unit, first in cohort[cohort > 0].items():
        post = years >= first
        weights[str(unit)] = post / post.sum() - (years == first - 1 - anticipation)
    c = custom_contrasts(panel, cohort, weights)
    picks = free_assignments(len(c.units), c.slots, draws, seed)
    return permutation_test(
        c,
        picks,
        seed=seed,
        alpha=like.alpha,
        like=like,
        mechanism="any municipality might have been active",
    ).result
