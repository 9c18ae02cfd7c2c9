"""A plan made ready: design, outcomes as read, the design as each carries it, settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evaluation.data.registry import REGISTRY, refuse_alone
from evaluation.data.sources import Outcome, Sources
from evaluation.design.carried import Carried, carried
from evaluation.design.coded import Coded
from evaluation.design.comparison.restricted import restricted
from evaluation.design.comparison.weighting import divisions_from_plan, weighting_from_plan
from evaluation.design.counties import county_panel
from evaluation.design.treatment import Design
from evaluation.errors import InputError
from evaluation.plan import Plan, RegistryOutcome
from evaluation.questions.coding import resolve_design
from evaluation.questions.effect import OutcomeAnalysis, analyse_outcome
from evaluation.questions.horizons.truth import true_parts
from evaluation.questions.inference import Settings
from evaluation.questions.matchable import matchable
from evaluation.results import Finding

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """A plan whose outcomes can be answered one by one.

    Parameters
    ----------
    plan : Plan
        What was asked.
    sources : Sources
        Where the outcomes were read.
    design : Design
        Who is treated and compared, before any outcome.
    coded : Coded or None
        What the plan's own coders say.
    read : dict of str to Outcome
        By name.
    fitted : dict of str to Carried
        The design as each outcome carries it.
    place : dict of str to int
        Where each outcome stands in the plan.
    settings : Settings
        How the outcomes are estimated.
    """

    plan: Plan
    sources: Sources = field(repr=False)
    design: Design
    coded: Coded | None = field(repr=False)
    read: dict[str, Outcome]
    fitted: dict[str, Carried]
    place: dict[str, int]
    settings: Settings

    def answer(self, name: str) -> OutcomeAnalysis:
        """Answer the effect question for one outcome.

        Raises
        ------
        InputError
            If there are too few municipalities to compare with, or the data cannot carry it;
            it names the plan's file and key.
        """
        fits, plan = self.fitted[name], self.plan
        need = self.settings.donors * len(fits.design.treated)
        if need > len(fits.design.controls):
            raise plan.fault(
                ("comparison", "donors_per_treated"),
                f"{self.settings.donors} donors for each of {len(fits.design.treated)} treated "
                f"municipalities are {need}; {name} has {len(fits.design.controls)}",
            )
        outcome = self.read[name]
        try:
            found = analyse_outcome(
                outcome.panel,
                outcome.indicator,
                fits.design,
                self.settings,
                fits.controls,
                fits.treated,
            )
        except InputError as error:
            if error.file:
                raise
            raise plan.fault(("outcomes", self.place[name]), error.problem) from None
        twin = self.sources.twin
        if twin is None:
            return found
        truth = true_parts(found.horizons, found.inference, twin, outcome.entry, outcome.sex)
        return replace(
            found,
            finding=_made_up(found.finding),
            horizons=replace(found.horizons, truth=truth),
        )


def prepare(
    plan: Plan,
    sources: Sources,
    *,
    groups: Path | None = None,
    sheets: Mapping[str, Path] | None = None,
    only: Collection[str] | None = None,
    divide: Sequence[str] | None = None,
    entries: Collection[str] | None = None,
) -> Prepared:
    """Read a plan's outcomes and fit its design to each.

    Parameters
    ----------
    plan : Plan
        The plan.
    sources : Sources
        Where the outcomes are read.
    groups : pathlib.Path, optional
        Where the file of groups lies, if not where the plan says.
    sheets : mapping of str to pathlib.Path, optional
        Where the plan's coding sheets lie, if not where the plan says.
    only : collection of str, optional
        Names of the outcomes to fit; all are read.
    divide : sequence of str, optional
        Columns of ``groups`` to divide the treated by, instead of the plan's ``subgroups``;
        ``groups`` is then a file beside the plan's own.
    entries : collection of str, optional
        Keys of the registry: outcomes that are none of these are not read at all.

    Returns
    -------
    Prepared
        Ready to answer.

    Raises
    ------
    InputError
        If an outcome does not exist, stands twice, misleads alone (N31001), or the design does
        not fit one; or ``only`` names none of the plan's.
    """
    design, coded = resolve_design(plan, sources, sheets)
    design = restricted(plan, design)
    codes = [*design.treated_codes, *design.controls]
    weighting = weighting_from_plan(plan, codes, groups if divide is None else None)
    divisions = divisions_from_plan(plan, design.treated_codes, groups, divide)
    read: dict[str, Outcome] = {}
    place: dict[str, int] = {}
    for i, entry in enumerate(plan.outcomes):
        key = entry.indicator if isinstance(entry, RegistryOutcome) else entry
        if entries is not None and key not in entries:
            continue
        found = sources.outcome(i)
        name = found.indicator.id
        if name in read:
            raise plan.fault(("outcomes", i), f"the outcome {name!r} stands twice")
        if design.model and design.model.counties:
            found = replace(found, panel=county_panel(found.panel))
        read[name], place[name] = found, i
    strange = [n for n in only or () if n not in read]
    if strange:
        raise plan.fault(
            ("outcomes",), f"{strange[0]!r} is none of the plan's outcomes {', '.join(read)}"
        )
    chosen = read if only is None else {n: read[n] for n in read if n in only}
    try:
        refuse_alone([o.entry for o in chosen.values() if o.entry in REGISTRY])
    except InputError as error:
        raise plan.fault(("outcomes",), error.problem) from None
    fitted: dict[str, Carried] = {}
    for name, found in chosen.items():
        fits = carried(plan, place[name], design, found.panel, found.indicator.lag_years)
        fitted[name] = matchable(plan, name, fits, found.panel, weighting)
    if plan.comparison.group == "not_yet_treated" and (design.partial or design.last_years):
        raise plan.fault(
            ("comparison", "group"),
            "not_yet_treated compares year by year, which partly exposed years or years after an "
            "end have no place in; use not_known_active, or another treatment.exposure",
        )
    settings = Settings.of_plan(plan, weighting, divisions)
    return Prepared(plan, sources, design, coded, read, fitted, place, settings)


def _made_up(finding: Finding) -> Finding:
    """Let a sentence that is copied out of its report say that its figures are made up."""
    return replace(
        finding,
        sentence_sv=f"SIMULERADE DATA: {finding.sentence_sv}",
        sentence_en=f"SIMULATED DATA: {finding.sentence_en}",
    )
