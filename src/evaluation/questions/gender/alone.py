"""The question of women and men alone, without the rest of a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evaluation.data.sources import Outcome, open_sources
from evaluation.data.store import SnapshotStore
from evaluation.design.carried import Carried, carried
from evaluation.design.comparison.restricted import restricted
from evaluation.design.comparison.weighting import weighting_from_plan
from evaluation.design.counties import county_panel
from evaluation.plan import Plan, RegistryOutcome
from evaluation.questions.coding import resolve_design
from evaluation.questions.gender.plan import GenderAnalysis, gender_analyses
from evaluation.questions.inference import Settings
from evaluation.questions.matchable import matchable

__all__ = ["plan_gender"]


def plan_gender(
    plan: Plan,
    *,
    store: SnapshotStore | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, GenderAnalysis]:
    """Answer the question of women and men alone, without the rest of a plan.

    Parameters
    ----------
    plan : Plan
        With an outcome for both K and M.
    store : SnapshotStore, optional
        Where its snapshot lies.
    progress : callable
        Called with the name of each step.

    Returns
    -------
    dict of str to GenderAnalysis
        By entry; the same as in the whole report.

    Raises
    ------
    InputError
        If the plan has totals only, and as for the whole plan.
    """
    progress("design")
    sexes: dict[str, set[str]] = {}
    for o in plan.outcomes:
        if isinstance(o, RegistryOutcome):
            sexes.setdefault(o.indicator, set()).add(o.sex)
    both = {k for k, found in sexes.items() if {"K", "M"} <= found}
    if not both:
        raise plan.fault(
            ("outcomes",),
            "only totals: the question of women and men needs an outcome for both, such as "
            "{indicator: N00973, sex: K} and {indicator: N00973, sex: M}",
        )
    sources = open_sources(plan, store=store)
    design, _ = resolve_design(plan, sources, None)
    design = restricted(plan, design)
    weighting = weighting_from_plan(plan, [*design.treated_codes, *design.controls])
    read: dict[str, Outcome] = {}
    fitted: dict[str, Carried] = {}
    for i, o in enumerate(plan.outcomes):
        if (o.indicator if isinstance(o, RegistryOutcome) else o) not in both:
            continue
        found = sources.outcome(i)
        if design.model and design.model.counties:
            found = replace(found, panel=county_panel(found.panel))
        name = found.indicator.id
        fits = carried(plan, i, design, found.panel, found.indicator.lag_years)
        fitted[name] = matchable(plan, name, fits, found.panel, weighting)
        read[name] = found
    settings = Settings.of_plan(plan, weighting)
    return gender_analyses(plan, sources, read, fitted, settings, progress)
