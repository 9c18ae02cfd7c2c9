"""A plan carried out: every question it asks, in one object that the report reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from evaluation.data import embedded
from evaluation.data.files import balanced_panel, read_table
from evaluation.data.panel import Panel, embedded_panel
from evaluation.data.registry import INDICATORS, REGISTRY, Break, Indicator
from evaluation.design.treatment import Design, TreatedUnit, check_years, design_from_plan
from evaluation.errors import InputError
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.estimation.robustness.adjusted_p_values import holm
from evaluation.estimation.robustness.multiple_testing import MultipleTesting, adjust_outcomes
from evaluation.plan import OutcomeFile, Plan
from evaluation.questions.case import CaseAnalysis, analyse_case
from evaluation.questions.context import CONTEXT, ContextSeries, context_series
from evaluation.questions.effect import OutcomeAnalysis, analyse_outcome
from evaluation.questions.inference import DesignInference, Settings
from evaluation.questions.selection import Selection, selection

__all__ = ["Study", "run_study"]

Progress = Callable[[str], None]
SCHEMA = 1


@dataclass(frozen=True)
class Study:
    """The results of a plan.

    Parameters
    ----------
    plan : Plan
        What was asked.
    design : Design
        Who is treated and compared.
    outcomes : dict of str to OutcomeAnalysis
        By outcome.
    case : CaseAnalysis or None
        One municipality on its own.
    context : tuple of ContextSeries
        Figures around the question.
    data_hashes : dict of str to str
        SHA-256 of every panel.
    """

    plan: Plan
    design: Design
    outcomes: dict[str, OutcomeAnalysis]
    case: CaseAnalysis | None
    context: tuple[ContextSeries, ...]
    data_hashes: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return every number of the report as plain types, keyed."""
        counts = self.design.counts
        places = embedded.municipalities()
        used = ["municipalities", "stance", "models"]
        used += [o for o in self.outcomes if o in embedded.DATA_SETS]
        used += [c.name for c in self.context]
        if any(o.cell for o in self.outcomes.values()):
            used.append("calibration")
        together = _together(self.outcomes)
        return {
            "schema": SCHEMA,
            "plan": self.plan.model_dump(mode="json"),
            "plan_hash": self.plan.hash(),
            "data": {
                n: {
                    "title_sv": embedded.DATA_SETS[n].title_sv,
                    "title_en": embedded.DATA_SETS[n].title_en,
                    "source_sv": embedded.DATA_SETS[n].source_sv,
                    "source_en": embedded.DATA_SETS[n].source_en,
                    "licence_sv": embedded.DATA_SETS[n].licence_sv,
                    "licence_en": embedded.DATA_SETS[n].licence_en,
                    "sha256": embedded.DATA_SETS[n].sha256,
                }
                for n in used
            },
            "panel_hashes": self.data_hashes,
            "indicators": {k: asdict(o.indicator) for k, o in self.outcomes.items()},
            "design": {
                "treated": [
                    asdict(t) | {"neighbours": list(t.neighbours)} for t in self.design.treated
                ],
                "n_municipalities": len(places),
                "n_treated": len(self.design.treated),
                "n_controls": len(self.design.controls),
                "n_not_known_active": len(counts.not_known),
                "n_uncertain": len(counts.uncertain),
                "n_excluded": len(self.design.excluded),
                "n_anonymous": counts.anonymous,
                "uncertain": [
                    {"code": c, "name": str(places.loc[c, "name"])} for c in counts.uncertain
                ],
            },
            "outcomes": {k: o.to_dict() for k, o in self.outcomes.items()},
            "holm": _holm(self.outcomes),
            "multiple_testing": together.to_dict() if together else None,
            "case": self.case.to_dict() if self.case else None,
            "context": [c.to_dict() for c in self.context],
            "places": {
                c: str(places.loc[c, "name"])
                for s in self.context
                for c in s.values.columns
                if c in places.index
            },
        }


def _outcome(plan: Plan, i: int, files: Mapping[str, Path]) -> tuple[Panel, Indicator]:
    entry = plan.outcomes[i]
    if isinstance(entry, str):
        if entry not in INDICATORS:
            known = ", ".join(INDICATORS)
            raise plan.fault(("outcomes", i), f"there is no outcome {entry!r}; known are {known}")
        return embedded_panel(entry), INDICATORS[entry]
    return _own_outcome(plan, i, entry, files.get(entry.id, plan.folder / entry.file))


def _own_outcome(plan: Plan, i: int, entry: OutcomeFile, path: Path) -> tuple[Panel, Indicator]:
    if entry.id in REGISTRY or entry.id == "case":
        raise plan.fault(("outcomes", i, "id"), f"{entry.id!r} is taken; choose another")
    table = read_table(path)
    known = set(embedded.municipalities().index)
    if "code" in table.columns:
        for row, code in table["code"].items():
            if code not in known:
                raise InputError(
                    f"{code!r} is not the code of one of the 290 municipalities",
                    file=str(path),
                    row=int(str(row)),
                    field="code",
                )
    found = balanced_panel(table, unit="code", time="year", outcome="value")
    panel = Panel(entry.id, found.values, found.dropped)
    unit_sv, unit_en = entry.unit.sv, entry.unit.en
    return panel, Indicator(
        id=entry.id,
        label_sv=entry.label.sv,
        definite_sv=entry.definite_sv or entry.label.sv,
        label_en=entry.label.en,
        unit_sv=unit_sv,
        unit_en=unit_en,
        change_sv="procentenheter" if unit_sv.startswith("procent") else unit_sv,
        change_en="percentage points" if unit_en.startswith("per cent") else unit_en,
        source=entry.source,
        decimals=2,
        limit_sv=f"Utfallet {entry.label.sv} kommer ur planens egen fil.",
        limit_en=f"The outcome {entry.label.en} comes from the plan's own file.",
        breaks=_own_breaks(entry),
    )


def _own_breaks(entry: OutcomeFile) -> tuple[Break, ...]:
    if entry.break_year is None:
        return ()
    return (
        Break(
            entry.break_year,
            f"Planen anger en ny definition från och med {entry.break_year}.",
            f"The plan states a new definition from {entry.break_year} on.",
        ),
    )


def _restrict(design: Design, panel: Panel, plan: Plan, i: int) -> tuple[Design, tuple[str, ...]]:
    """Leave controls without values out, by name, and refuse treated without values."""
    have = set(panel.units)
    for t in design.treated:
        if t.code not in have:
            raise plan.fault(("outcomes", i), f"{t.name} ({t.code}) has no value in every year")
    left_out = tuple(c for c in design.controls if c not in have)
    controls = tuple(c for c in design.controls if c in have)
    return replace(design, controls=controls), left_out


def _selection(plan: Plan, unit: TreatedUnit, year: int, inference: DesignInference) -> Selection:
    """Look at the years after the pick, which must lie within the data and not be the base."""
    here = ("case", "picked", "year")
    if not unit.first_year <= year <= inference.panel.years[-1]:
        raise plan.fault(
            here,
            f"must lie between {unit.name}'s first treated year {unit.first_year} and the last "
            f"year with data {inference.panel.years[-1]}, found {year}",
        )
    return selection(unit, year, inference)


def _holm(outcomes: Mapping[str, OutcomeAnalysis]) -> dict[str, float | None]:
    """Adjust the headline p-values for there being several outcomes; None stays None."""
    p = {k: o.headline.p_value for k, o in outcomes.items()}
    known = {k: v for k, v in p.items() if v is not None}
    adjusted = dict(zip(known, holm(list(known.values())), strict=True)) if known else {}
    return {k: float(adjusted[k]) if k in adjusted else None for k in p}


def _together(outcomes: Mapping[str, OutcomeAnalysis]) -> MultipleTesting | None:
    """Test the outcomes jointly under the same assignments, where they share their units.

    The p-values that Romano and Wolf's method adjusts are those of the permutation.
    """
    known = {k: o.inference for k, o in outcomes.items()}
    first = next(iter(known.values()))
    if len(known) < 2 or any(i.panel.units != first.panel.units for i in known.values()):
        return None
    s = first.settings
    return adjust_outcomes(
        {k: contrasts(i.panel, i.design.cohort(), s.estimand) for k, i in known.items()},
        first.picks,
        seed=s.seed,
        mechanism=first.mechanism,
        alpha=s.alpha,
        data_hash=[i.panel.hash() for i in known.values()],
    )


def run_study(
    plan: Plan,
    progress: Progress = lambda _: None,
    files: Mapping[str, Path] | None = None,
) -> Study:
    """Carry out a plan.

    Parameters
    ----------
    plan : Plan
        The evaluation plan.
    progress : callable
        Called with the name of each step as it begins.
    files : mapping of str to pathlib.Path, optional
        Where the plan's own outcomes lie, by id, if not where the plan says.

    Returns
    -------
    Study
        Deterministic given the plan and the data.

    Raises
    ------
    InputError
        If the plan asks for what does not exist or what the data cannot carry.
    """
    progress("design")
    design = design_from_plan(plan)
    loaded: dict[str, tuple[Panel, Indicator]] = {}
    for i in range(len(plan.outcomes)):
        panel, indicator = _outcome(plan, i, files or {})
        if indicator.id in loaded:
            raise plan.fault(("outcomes", i), f"the outcome {indicator.id!r} stands twice")
        check_years(plan, design, panel)
        loaded[indicator.id] = panel, indicator
    if plan.case:
        if plan.case.outcome not in loaded:
            raise plan.fault(
                ("case", "outcome"),
                f"{plan.case.outcome!r} is not among the plan's outcomes {', '.join(loaded)}",
            )
        if plan.case.code not in design.treated_codes:
            raise plan.fault(
                ("case", "code"), f"{plan.case.code!r} is not among the treated municipalities"
            )
        panel, _ = loaded[plan.case.outcome]
        start = next(t.first_year for t in design.treated if t.code == plan.case.code)
        before = sum(y < start for y in panel.years)
        if before < 2:
            raise plan.fault(
                ("case", "outcome"),
                f"a synthetic control needs two years before {start}; "
                f"{plan.case.outcome} has {before}",
            )
    for i, name in enumerate(plan.context):
        if name not in CONTEXT:
            raise plan.fault(
                ("context", i), f"there is no series {name!r}; known are {', '.join(CONTEXT)}"
            )
        if name in plan.context[:i]:
            raise plan.fault(("context", i), f"the series {name!r} stands twice")
    e = plan.estimation
    settings = Settings(
        e.estimand, e.alpha, e.draws, e.seed, plan.comparison.donors_per_treated, e.inference
    )
    outcomes = {}
    for i, (name, (panel, indicator)) in enumerate(loaded.items()):
        progress(name)
        inner, left_out = _restrict(design, panel, plan, i)
        need = settings.donors * len(inner.treated)
        if need > len(inner.controls):
            raise plan.fault(
                ("comparison", "donors_per_treated"),
                f"{settings.donors} donors for each of {len(inner.treated)} treated municipalities "
                f"are {need}; {name} has {len(inner.controls)}",
            )
        try:
            outcomes[name] = analyse_outcome(panel, indicator, inner, settings, left_out)
        except InputError as error:
            if error.file:
                raise
            raise plan.fault(("outcomes", i), error.problem) from None
    case = None
    if plan.case:
        progress("case")
        chosen = plan.case
        unit = next(t for t in design.treated if t.code == chosen.code)
        panels = {k: p for k, (p, _) in loaded.items()}
        where = list(loaded).index(chosen.outcome)
        inner, _ = _restrict(design, panels[chosen.outcome], plan, where)
        picked = None
        if chosen.picked:
            base = DesignInference.of(panels[chosen.outcome], inner, settings)
            picked = _selection(plan, unit, chosen.picked.year, base)
        case = analyse_case(unit, loaded[chosen.outcome][1], panels, inner, e.alpha, picked)
    progress("context")
    context = tuple(context_series(n) for n in plan.context)
    hashes = {k: p.hash() for k, (p, _) in loaded.items()}
    return Study(plan, design, outcomes, case, context, hashes)
