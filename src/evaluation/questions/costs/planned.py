"""The costs of a plan: its parameter file with the effects that the plan estimates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from evaluation.data.registry import REGISTRY, refuse_mixing
from evaluation.data.sources import Outcome
from evaluation.errors import InputError
from evaluation.plan import Plan
from evaluation.questions.costs.analysis import cost_analysis
from evaluation.questions.costs.beside import panel_check, panel_of_plan
from evaluation.questions.costs.effects import (
    MEASURES,
    UncertainEffect,
    effect_from_estimate,
)
from evaluation.questions.costs.loading import load_costs
from evaluation.questions.costs.parameters import CostPlan
from evaluation.questions.costs.result import CostResult
from evaluation.questions.effect import OutcomeAnalysis

__all__ = ["check_costs", "costs_of_plan", "parameter_file"]


def parameter_file(plan: Plan) -> str | Path | None:
    """Return the plan's parameter file: a path from the plan's folder, or a name that ships.

    Parameters
    ----------
    plan : Plan
        The evaluation plan.

    Returns
    -------
    str or pathlib.Path or None
        None where the plan has no costs.
    """
    if plan.costs is None:
        return None
    given = plan.costs.parameters
    return plan.folder / given if Path(given).suffix else given


def check_costs(
    plan: Plan, read: Mapping[str, Outcome], parameters: Path | None = None
) -> CostPlan | None:
    """Read a plan's parameter file and refuse what cannot be counted, before anything is estimated.

    Parameters
    ----------
    plan : Plan
        The evaluation plan.
    read : mapping of str to Outcome
        Its outcomes as read.
    parameters : pathlib.Path, optional
        Where the parameter file lies, if not where the plan says.

    Returns
    -------
    CostPlan or None
        The parameters; None where the plan has no costs.

    Raises
    ------
    InputError
        If the file cannot be read (naming the plan's key) or is wrong (naming its own), or an
        outcome is not the plan's, or is no such share.
    """
    named = plan.costs
    source = parameters or parameter_file(plan)
    if named is None or source is None:
        return None
    asked = {"outcome": named.outcome, "on_staying": named.on_staying}
    for key, measure in zip(asked, ("on_work_or_studies", "on_staying"), strict=True):
        _check_outcome(plan, read, key, asked[key], measure)
    try:
        loaded = load_costs(source)
    except InputError as error:
        if error.row is not None or error.field is not None:
            raise
        problem = f"{named.parameters}: {error.problem}"
        raise plan.fault(("costs", "parameters"), problem) from None
    staying = loaded.effect.on_staying
    if named.on_staying is None and staying is not None and staying.results is not None:
        raise plan.fault(
            ("costs", "parameters"),
            f"{named.parameters} reads its effect on staying from another report; name an outcome "
            "of the plan in costs.on_staying, or state the effect",
        )
    return loaded


def _check_outcome(
    plan: Plan, read: Mapping[str, Outcome], key: str, name: str | None, measure: str
) -> None:
    if name is None:
        return
    here = ("costs", key)
    if name not in read:
        raise plan.fault(here, f"{name!r} is not among the plan's outcomes {', '.join(read)}")
    outcome = read[name]
    if outcome.sex != "T":
        raise plan.fault(here, f"{name!r} is about one sex; the cost model counts everybody")
    if outcome.indicator.change_en != "percentage points":
        raise plan.fault(
            here, f"{name!r} is in {outcome.indicator.change_en}, not percentage points"
        )
    if outcome.entry in REGISTRY:
        try:
            refuse_mixing([MEASURES[measure], REGISTRY[outcome.entry]])
        except InputError as error:
            raise plan.fault(here, error.problem) from None


def costs_of_plan(
    plan: Plan,
    parameters: CostPlan | None,
    outcomes: Mapping[str, OutcomeAnalysis],
    notice: str = "",
) -> CostResult | None:
    """Run the cost model on the effects that a plan estimates.

    Parameters
    ----------
    plan : Plan
        The evaluation plan.
    parameters : CostPlan or None
        From :func:`check_costs`.
    outcomes : mapping of str to OutcomeAnalysis
        The plan's outcomes, analysed.
    notice : str
        What a reader must know of the data, such as that they are simulated.

    Returns
    -------
    CostResult or None
        With the panel's own effects on the municipal accounts where the plan has them; None
        where it has no costs.

    Raises
    ------
    InputError
        If the estimate's interval has no finite bounds, or the model cannot be run on it.
    """
    named = plan.costs
    if named is None or parameters is None:
        return None
    effect = _effect(plan, "outcome", named.outcome, outcomes, notice)
    staying = None
    if named.on_staying is not None:
        staying = _effect(plan, "on_staying", named.on_staying, outcomes, notice)
    result = cost_analysis(parameters, effect, on_staying=staying)
    panel = panel_of_plan(outcomes)
    beside = tuple(panel_check(result.estimates["assistance_saved"], c) for c in panel)
    finding = replace(result.finding, checks=(*result.checks, *beside))
    return replace(result, finding=finding, panel=panel)


def _effect(
    plan: Plan, at: str, name: str, outcomes: Mapping[str, OutcomeAnalysis], notice: str
) -> UncertainEffect:
    assert plan.costs is not None
    finding = outcomes[name].finding
    estimates = finding.estimates
    key = next(iter(estimates))
    if plan.costs.key is not None:
        wanted = plan.costs.key
        rule = f"rule_{outcomes[name].rule.rule}"
        key = rule if wanted == "rule" else wanted
    try:
        found = effect_from_estimate(estimates[key], grade=finding.grade)
    except InputError as error:
        raise plan.fault(("costs", at), error.problem) from None
    indicator = outcomes[name].indicator
    sv, en = ("permutationsintervall", "permutation interval")
    if key.startswith("rule_"):
        sv, en = (
            "intervall enligt regeln för få behandlade",
            "interval by the rule for few treated",
        )
    return replace(
        found,
        source_sv=f"denna rapports egen skattning av {indicator.definite_sv} ({sv})",
        source_en=f"this report's own estimate of the {indicator.label_en} ({en})",
        notes=(*found.notes, notice) if notice else found.notes,
    )
