"""Whether a plan's matching finds somebody for every treated municipality of an outcome."""

from __future__ import annotations

from dataclasses import replace

from evaluation.data.panel import Panel
from evaluation.design.carried import LEAVE_OUT, Carried, LeftOut
from evaluation.design.comparison.weighting import Weighting
from evaluation.errors import InputError
from evaluation.plan import Plan
from evaluation.questions.inference import unit_size

__all__ = ["matchable"]


def matchable(
    plan: Plan, outcome: str, fitted: Carried, panel: Panel, weighting: Weighting | None
) -> Carried:
    """Refuse or leave out, as ``treatment.unfit`` says, the treated without any match.

    Parameters
    ----------
    plan : Plan
        For ``treatment.unfit`` and where its keys stand.
    outcome : str
        The outcome.
    fitted : Carried
        The design as the outcome carries it.
    panel : Panel
        The outcome.
    weighting : Weighting or None
        The plan's matching.

    Returns
    -------
    Carried
        Without the treated that have no match, each named.

    Raises
    ------
    InputError
        If a treated municipality has no match and the plan refuses that, none has one, no
        weights balance the groups, or too few years lie before the first treated one.
    """
    if weighting is None:
        return fitted
    design = fitted.design
    inner = panel.select([*design.treated_codes, *design.controls])
    try:
        table = weighting.table(inner, design.touched(), unit_size(panel))
        if weighting.method == "entropy":
            weighting.balanced(table, design.treated_codes)
            return fitted
        found = weighting.nearest(table, design.treated_codes)
    except InputError as error:
        key = "covariates" if error.field == "before" else None
        here = ("comparison", "matching", *([key] if key else []))
        about = f"{error.field}: " if error.field not in (None, "before", "treated") else ""
        start = "" if error.problem.startswith(outcome) else f"{outcome}: "
        raise plan.fault(here, f"{start}{about}{error.problem}") from None
    if not found.dropped:
        return fitted
    reasons = dict(found.dropped)
    gone = [t for t in design.treated if t.code in reasons]
    if plan.treatment.unfit == "refuse":
        problem = f"{outcome}: {gone[0].name} has no match, {reasons[gone[0].code]}; {LEAVE_OUT}"
        raise plan.fault(("comparison", "matching"), problem)
    smaller = replace(
        fitted,
        design=replace(design, treated=tuple(t for t in design.treated if t.code not in reasons)),
        treated=(
            *fitted.treated,
            *(LeftOut(t.code, t.name, t.first_year, "no_match") for t in gone),
        ),
    )
    # without them more years may lie before the first start, and the distances change
    return matchable(plan, outcome, smaller, panel, weighting)
