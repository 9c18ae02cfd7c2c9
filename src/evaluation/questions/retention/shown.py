"""What of the models and the effect may leave: nothing that a released life table hides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from evaluation.data.disclosure import Rules
from evaluation.estimation.survival.group_tests import GroupTest
from evaluation.estimation.survival.life_table import LifeTable
from evaluation.estimation.survival.released import ReleasedLifeTable
from evaluation.questions.retention.effect import RetentionEffect
from evaluation.results import Check, Estimate

__all__ = ["ShownEffect", "few_persons", "show_effect", "show_test"]


@dataclass(frozen=True)
class ShownEffect:
    """The effect on staying as it may be published: estimates, and no municipality's shares.

    Parameters
    ----------
    share, permutation, hazard : Estimate
        Percentage points by the rule, the same number by permutation, the log hazard ratio.
    ratio : tuple of float
        Hazard ratio with its interval.
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
    ratio: tuple[float, float, float]
    rule: str
    n_out: int
    n_panel: int
    checks: tuple[Check, ...]
    horizon: int
    notes: tuple[str, ...]


def show_effect(effect: RetentionEffect, data_hash: str) -> ShownEffect:
    """Return what may be shown of the effect.

    Parameters
    ----------
    effect : RetentionEffect
        From :func:`~evaluation.questions.retention.effect.retention_effect`.
    data_hash : str
        SHA-256 of the released life table, in place of that of the shares.
    """
    hazard = effect.hazard
    cells = len(effect.panel.units) * len(effect.panel.years)
    shown = hazard.model.shown(n_events=0, n_persons=0, data_hash=data_hash)
    return ShownEffect(
        share=replace(effect.share.result, data_hash=data_hash),
        permutation=replace(effect.permutation, data_hash=data_hash),
        hazard=replace(
            hazard.result,
            n_obs=cells,
            data_hash=data_hash,
            notes=(*shown.notes, "n_obs counts cohorts of municipalities, not persons"),
        ),
        ratio=hazard.hazard_ratio,
        rule=effect.share.rule,
        n_out=len(effect.panel.dropped),
        n_panel=len(effect.panel.units),
        checks=effect.share.checks,
        horizon=effect.horizon,
        notes=effect.notes,
    )


def show_test(test: GroupTest, life: ReleasedLifeTable) -> GroupTest:
    """Return a test without the events that it observed and expected."""
    persons = life.total("entered")
    return replace(test, observed=(), expected=(), n_persons=persons or 0, data_hash=life.hash)


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
    start = counts.groups["municipality"].astype(str).map(dict(first_year))
    first = start.to_numpy(dtype=float, na_value=np.nan)
    cohort = counts.groups["cohort"].to_numpy(dtype=float)
    active = ~np.isnan(first)
    since = active & (cohort >= np.nan_to_num(first))
    least = rules.small_group_of
    return bool(min(persons[since].sum(), persons[active & ~since].sum()) < least)
