"""What of the models, the effect and the bounds may leave: few digits, of enough persons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from evaluation.data.disclosure import Rules
from evaluation.estimation.few_treated.auto import FEWEST_UNITS
from evaluation.estimation.rounded import (
    LOG_RATIO,
    POINTS,
    decimals,
    rounded_check,
    rounded_estimate,
    two_digits,
)
from evaluation.estimation.survival.hazard_model import HazardModel
from evaluation.estimation.survival.lee_bounds import LeeBounds
from evaluation.estimation.survival.life_table import Counts, LifeTable
from evaluation.estimation.survival.released import ReleasedLifeTable
from evaluation.questions.retention.effect import RetentionEffect
from evaluation.results import Check, Estimate

__all__ = [
    "FEWEST_COMPARED",
    "FEWEST_LEAVERS",
    "ShownEffect",
    "few_leavers",
    "few_persons",
    "none_or_all_leave",
    "show_bounds",
    "show_effect",
    "show_model",
]

FEWEST_COMPARED: Final = FEWEST_UNITS
"""Municipalities below which no effect and no model is shown: each number hides in others."""
FEWEST_LEAVERS: Final = 10
"""Times the threshold of disclosure control: who must have left of every group, for a model."""


@dataclass(frozen=True)
class ShownEffect:
    """The effect on staying as it may be published: rounded, and no municipality's shares.

    Parameters
    ----------
    share, permutation, hazard, hazard_clustered : Estimate
        Percentage points by the rule, the same number by permutation, the log hazard ratio by
        permutation, and the same by clustered errors.
    ratio : tuple of float
        Hazard ratio with its interval by permutation, from the rounded logarithms.
    clustered_ratio : tuple of float
        The ends of the clustered interval.
    rule : str
        Which rule gave the interval of ``share``.
    n_out, n_panel : int
        Municipalities that are not in the comparison of shares, and that are.
    checks : tuple of Check
        Those of the rule.
    horizon : int
        Months.
    notes : tuple of str
        Active municipalities that are in neither group, and why.
    """

    share: Estimate
    permutation: Estimate
    hazard: Estimate
    hazard_clustered: Estimate
    ratio: tuple[float, float, float]
    clustered_ratio: tuple[float, float]
    rule: str
    n_out: int
    n_panel: int
    checks: tuple[Check, ...]
    horizon: int
    notes: tuple[str, ...]


def show_effect(effect: RetentionEffect, data_hash: str) -> ShownEffect:
    """Return what may be shown of the effect: rounded before anybody can read it.

    Parameters
    ----------
    effect : RetentionEffect
        From :func:`~evaluation.questions.retention.effect.retention_effect`.
    data_hash : str
        SHA-256 of the released life table, in place of that of the shares.
    """
    hazard = effect.hazard
    cells = len(effect.panel.units) * len(effect.panel.years)
    left_out = hazard.model.shown(n_events=0, n_persons=0, data_hash=data_hash).notes

    def log_ratio(e: Estimate) -> Estimate:
        # what the library says of a model names municipalities that few left
        own = tuple(n for n in e.notes if n not in hazard.model.notes)
        return replace(
            rounded_estimate(e, LOG_RATIO, data_hash=data_hash),
            n_obs=cells,
            notes=(*left_out, *own, "n_obs counts cohorts of municipalities, not persons"),
        )

    permuted, clustered = log_ratio(hazard.result), log_ratio(hazard.clustered)
    ends = (permuted.estimate, *permuted.conf_int, *clustered.conf_int)
    ratio, low, high, short, tall = (decimals(float(np.exp(v)), LOG_RATIO) for v in ends)
    return ShownEffect(
        share=rounded_estimate(effect.share.result, POINTS, data_hash=data_hash),
        permutation=rounded_estimate(effect.permutation, POINTS, data_hash=data_hash),
        hazard=permuted,
        hazard_clustered=clustered,
        ratio=(ratio, low, high),
        clustered_ratio=(short, tall),
        rule=effect.share.rule,
        n_out=len(effect.panel.dropped),
        n_panel=len(effect.panel.units),
        checks=tuple(rounded_check(c) for c in effect.share.checks),
        horizon=effect.horizon,
        notes=effect.notes,
    )


def show_model(model: HazardModel, life: ReleasedLifeTable) -> HazardModel:
    """Return what may be shown of a model: rounded, with the released table's counts.

    Parameters
    ----------
    model : HazardModel
        Fitted by month and municipality.
    life : ReleasedLifeTable
        Whose numbers are all published.
    """
    events, persons = life.total("left"), life.total("entered")
    return model.shown(n_events=events or 0, n_persons=persons or 0, data_hash=life.hash)


def show_bounds(bounds: LeeBounds, data_hash: str) -> LeeBounds:
    """Return bounds in percentage points with one decimal, shares with three.

    Parameters
    ----------
    bounds : LeeBounds
        From counts that are all published; their errors are by municipality and are not.
    data_hash : str
        SHA-256 of the released life table.
    """

    def pair(ends: tuple[float, float]) -> tuple[float, float]:
        return decimals(ends[0], POINTS), decimals(ends[1], POINTS)

    return replace(
        bounds,
        lower=decimals(bounds.lower, POINTS),
        upper=decimals(bounds.upper, POINTS),
        naive=decimals(bounds.naive, POINTS),
        std_errors=(two_digits(bounds.std_errors[0]), two_digits(bounds.std_errors[1])),
        conf_int=pair(bounds.conf_int),
        bounds_conf_int=pair(bounds.bounds_conf_int),
        trimmed=decimals(bounds.trimmed, POINTS + 2),
        stay_treated=decimals(bounds.stay_treated, POINTS + 2),
        stay_comparison=decimals(bounds.stay_comparison, POINTS + 2),
        data_hash=data_hash,
    )


def few_leavers(life: ReleasedLifeTable, municipalities: int, rules: Rules) -> str:
    """Say why no model is shown; empty where one is.

    A model is fitted to counts by month and municipality that are not released. Its digits are
    few, and it must rest on enough: ``FEWEST_COMPARED`` municipalities, and in every group
    ``FEWEST_LEAVERS`` times ``k`` who left.

    Parameters
    ----------
    life : ReleasedLifeTable
        Whose numbers are all published.
    municipalities : int
        How many there are.
    rules : Rules
        The threshold.
    """
    if municipalities < FEWEST_COMPARED:
        return f"no models: {municipalities} municipalities; they need {FEWEST_COMPARED}"
    least = FEWEST_LEAVERS * rules.k
    if min(n or 0 for n in life.by_group("left")) < least:
        return f"no models: fewer than {least} left of some group"
    return ""


def few_persons(table: LifeTable, first_year: Mapping[str, int], rules: Rules) -> bool:
    """Say whether the active municipalities received too few, before or since, to speak of them.

    Parameters
    ----------
    table : LifeTable
        By ``municipality`` and ``cohort`` at least.
    first_year : mapping of str to int
        First whole year of activity.
    rules : Rules
        Twice ``k`` persons are asked for on either side.
    """
    counts = table.counts(("municipality", "cohort"))
    persons = counts.entered.sum(axis=1)
    active, since = _since(counts, first_year)
    least = rules.small_group_of
    return bool(min(persons[since].sum(), persons[active & ~since].sum()) < least)


def none_or_all_leave(table: LifeTable, first_year: Mapping[str, int], horizon: int) -> bool:
    """Say whether those received by an active municipality, or the others, all stay or all leave.

    Then no rate of leaving can be compared: its effect is infinite, or there is no rate.

    Parameters
    ----------
    table : LifeTable
        By ``municipality`` and ``cohort`` at least.
    first_year : mapping of str to int
        First whole year of activity.
    horizon : int
        Months.
    """
    keys = ("municipality", "cohort")
    counts = table.collapse(keys, until=horizon).counts(keys)
    entered, left = counts.entered.sum(axis=1), counts.all_events.sum(axis=1)
    _, since = _since(counts, first_year)
    return any(left[side].sum() in (0, entered[side].sum()) for side in (since, ~since))


def _since(counts: Counts, first_year: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return which groups' municipality is ever active, and which were received since."""
    start = counts.groups["municipality"].astype(str).map(dict(first_year))
    first = start.to_numpy(dtype=float, na_value=np.nan)
    active = ~np.isnan(first)
    return active, active & (counts.groups["cohort"].to_numpy(float) >= np.nan_to_num(first))
