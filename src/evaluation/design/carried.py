"""Which of a design's municipalities an outcome can carry, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass, replace

from evaluation.data.panel import Panel
from evaluation.design.treatment import Design, TreatedUnit
from evaluation.errors import InputError
from evaluation.plan import Plan, SheetCoding

__all__ = ["LEAVE_OUT", "Carried", "LeftOut", "carried"]

LEAVE_OUT = "treatment.unfit: leave_out leaves it out of this outcome, by name"


@dataclass(frozen=True)
class LeftOut:
    """A treated municipality that an outcome cannot carry.

    Parameters
    ----------
    code, name : str
        Municipality.
    first_year : int
        First treated year of this outcome.
    reason : {"no_values", "no_pre_year", "outside", "no_match"}
        A year without a value; no year before the first treated one; the first treated
        year lies outside the data; the plan's matching finds nobody for it.
    """

    code: str
    name: str
    first_year: int
    reason: str


@dataclass(frozen=True)
class Carried:
    """A design as one outcome can carry it.

    Parameters
    ----------
    design : Design
        The treated and controls that the outcome has values for, first treated years
        moved by the outcome's lag.
    controls : tuple of str
        Codes of the comparison group without a value in every year.
    treated : tuple of LeftOut
        Treated municipalities left out of this outcome; they join no group.
    """

    design: Design
    controls: tuple[str, ...]
    treated: tuple[LeftOut, ...]


def _problem(unit: TreatedUnit, panel: Panel) -> tuple[str, str] | None:
    """Return the reason why an outcome cannot carry a treated unit, and its sentence."""
    first, last = panel.years[0], panel.years[-1]
    label = f"{unit.name}'s first treated year {unit.first_year}"
    if not first <= unit.first_year <= last:
        return "outside", f"{label} lies outside {panel.outcome}, {first}–{last}"
    if unit.base_year < first:
        part = (
            f", after {unit.partial} partly exposed year{'s' if unit.partial > 1 else ''},"
            if unit.partial
            else ""
        )
        return "no_pre_year", (
            f"{label}{part} leaves no pre-period: {panel.outcome} begins in {first}, "
            f"so {first + 1 + unit.partial} is the earliest possible"
        )
    return None


def carried(plan: Plan, i: int, design: Design, panel: Panel, lag: int = 0) -> Carried:
    """Fit a design to an outcome.

    Parameters
    ----------
    plan : Plan
        For where its keys stand, and ``treatment.unfit``: whether a treated municipality
        that the outcome cannot carry is refused or left out of this outcome.
    i : int
        The outcome's place in the plan.
    design : Design
        Who is treated since when.
    panel : Panel
        The outcome.
    lag : int
        Years from reception to the year that the outcome is written in.

    Returns
    -------
    Carried
        The design with first treated years moved by the lag, and who is left out.

    Raises
    ------
    InputError
        If a treated municipality cannot be carried and the plan refuses that, or none
        can be carried.

    Examples
    --------
    >>> from evaluation.data.panel import embedded_panel
    >>> from evaluation.design.treatment import design_from_plan
    >>> from evaluation.plan import load_plan
    >>> plan = load_plan("settlement")
    >>> found = carried(plan, 0, design_from_plan(plan), embedded_panel("foreign_background"))
    >>> len(found.design.treated), len(found.design.controls), found.treated
    (4, 279, ())
    """
    lagged = design.lagged(lag)
    have = set(panel.units)
    out = []
    for place, unit in enumerate(lagged.treated):
        found = _problem(unit, panel)
        if found and plan.treatment.unfit == "refuse":
            problem = f"{found[1]}; {LEAVE_OUT}"
            if isinstance(plan.treatment.coding, SheetCoding):
                raise InputError(
                    problem, file=unit.start_document, row=int(unit.start_line), field="began"
                )
            raise plan.fault(_here(plan, place, i), problem)
        if unit.code not in have:
            problem = f"{unit.name} ({unit.code}) has no value in every year"
            if plan.treatment.unfit == "refuse":
                raise plan.fault(("outcomes", i), f"{problem}; {LEAVE_OUT}")
            found = "no_values", problem
        if found:
            out.append(LeftOut(unit.code, unit.name, unit.first_year, found[0]))
    if len(out) == len(lagged.treated):
        why = "; ".join(f"{u.name}: {u.reason.replace('_', ' ')}" for u in out)
        raise plan.fault(
            ("outcomes", i), f"{panel.outcome} can carry no treated municipality ({why})"
        )
    gone = {u.code for u in out}
    return Carried(
        replace(
            lagged,
            treated=tuple(t for t in lagged.treated if t.code not in gone),
            controls=tuple(c for c in lagged.controls if c in have),
        ),
        tuple(c for c in lagged.controls if c not in have),
        tuple(out),
    )


def _here(plan: Plan, place: int, outcome: int) -> tuple[str | int, ...]:
    """Return the key that a treated municipality's first year comes from."""
    if place >= len(plan.treatment.adoption):
        return ("outcomes", outcome)
    entry = plan.treatment.adoption[place]
    key = "model" if entry.assumed_first_year is None else "assumed_first_year"
    return ("treatment", "adoption", place, key)
