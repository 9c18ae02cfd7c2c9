"""The question of women and men alone, without the rest of a plan."""

from __future__ import annotations

from collections.abc import Callable

from evaluation.data.sources import open_sources
from evaluation.data.store import SnapshotStore
from evaluation.plan import Plan, RegistryOutcome
from evaluation.questions.gender.plan import GenderAnalysis, gender_analyses
from evaluation.questions.prepared import prepare

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
    ready = prepare(plan, sources, entries=both)
    return gender_analyses(plan, sources, ready.read, ready.fitted, ready.settings, progress)
