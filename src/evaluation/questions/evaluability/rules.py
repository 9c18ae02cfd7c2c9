"""The rules of the verdict, and what the evidence of a design can be at most."""

from __future__ import annotations

from evaluation.design.catalogue import Model
from evaluation.estimation.few_treated.auto import ENOUGH_UNITS
from evaluation.questions.checks import ENOUGH_PRE_YEARS
from evaluation.questions.evaluability.fitting import ASSUMPTIONS
from evaluation.questions.evaluability.result import OutcomeFit, Verdict
from evaluation.results import Check

__all__ = ["ADVICE", "decide", "design_checks"]

ADVICE = ("recommendation", "success_factor")


def _obstacles(model: Model, start: object, fits: tuple[OutcomeFit, ...]) -> list[str]:
    """Return what no data can mend: nobody named, no date, nothing that measures the goal."""
    found = []
    if model.kind in ADVICE:
        found.append("advice")
    elif model.where.scope == "part_of_region":
        found.append("unnamed")
    if start is None:
        found.append("no_start")
    if not fits:
        found.append("no_outcome")
    person = any(f.counts_as_success for f in fits)
    if model.where.scope == "nation" and fits and not person:
        found.append("no_comparison")
    return found


def decide(
    model: Model, start: tuple[int, int] | None, fits: tuple[OutcomeFit, ...]
) -> tuple[Verdict, list[str], OutcomeFit | None, str]:
    """Return verdict, obstacles, the outcome it rests on, and the design: the rules in order.

    Parameters
    ----------
    model : Model
        Its kind, place, and whether it is for a group.
    start : tuple of int or None
        Year and month.
    fits : tuple of OutcomeFit
        Outcomes that fit its goal, direct ones first.

    Returns
    -------
    tuple
        Verdict, keys of all obstacles, outcome or None, key of the design or empty.
    """
    obstacles = _obstacles(model, start, fits)
    if obstacles:
        return "not evaluable", obstacles, None, ""
    person = next((f for f in fits if f.counts_as_success), None)
    if model.where.scope == "nation":
        return "with person records", ["everywhere"], person, "arrival_date"
    if model.for_a_group:
        if person is None:
            return "not evaluable", ["group", "no_person_outcome"], None, ""
        return "with person records", ["group"], person, "participants"
    region = model.where.scope == "region"
    shipped = [f for f in fits if f.ships and f.carries and not region]
    if shipped:
        ships = max(shipped, key=lambda f: f.years_before or 0)
        enough = (ships.years_before or 0) >= ENOUGH_PRE_YEARS
        alone = len(model.where.codes) == 1
        return "now", [], ships, "synthetic_control" if alone and enough else "permutation"
    live = next((f for f in fits if not f.ships and f.carries), None)
    if live:
        return "with live data", ["not_shipped"], live, "counties" if region else "permutation"
    if person:
        return "with person records", ["too_early"], person, "registers"
    return "not evaluable", ["too_early", "no_person_outcome"], None, ""


def design_checks(n_treated: int, start_from: str, fit: OutcomeFit) -> tuple[Check, ...]:
    """Return what the grade of a design rests on, before any data are seen.

    Parameters
    ----------
    n_treated : int
        Treated units.
    start_from : str
        Where the start is from.
    fit : OutcomeFit
        The outcome.

    Returns
    -------
    tuple of Check
        ``few_treated``, ``pre_period`` and ``years_stated``, as the grade knows them.
    """
    before = fit.years_before
    years = (
        ("okänt antal år före starten", "unknown number of years before the start")
        if before is None
        else (f"{before} år före starten", f"{before} year(s) before the start")
    )
    stated = start_from == "stated"
    return (
        Check(
            "few_treated",
            n_treated >= ENOUGH_UNITS,
            f"Behandlade enheter: {n_treated} (minst {ENOUGH_UNITS} behövs).",
            f"Treated units: {n_treated} (at least {ENOUGH_UNITS} are needed).",
            float(n_treated),
            float(ENOUGH_UNITS),
        ),
        Check(
            "pre_period",
            None if before is None else before >= ENOUGH_PRE_YEARS,
            f"Förperiod: {years[0]} (minst {ENOUGH_PRE_YEARS} behövs).",
            f"Pre-period: {years[1]} (at least {ENOUGH_PRE_YEARS} are needed).",
            None if before is None else float(before),
            float(ENOUGH_PRE_YEARS),
        ),
        Check(
            "years_stated",
            stated,
            "Dokumentet anger starten." if stated else f"Starten antas av planen {ASSUMPTIONS}.",
            "The document states the start."
            if stated
            else f"The start is assumed by the plan {ASSUMPTIONS}.",
        ),
    )
