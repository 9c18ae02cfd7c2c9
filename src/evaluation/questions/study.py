"""A plan carried out: every question it asks, in one object that the report reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evaluation.data import embedded
from evaluation.data.panel import Coverage, Panel
from evaluation.data.reading import Reading
from evaluation.data.registry import Indicator
from evaluation.data.sources import Sources, open_sources
from evaluation.design.carried import Carried
from evaluation.design.coded import Coded
from evaluation.design.counties import counties, place_name
from evaluation.design.evaluated import EvaluatedModel
from evaluation.design.treatment import Design, TreatedUnit
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.estimation.robustness.adjusted_p_values import holm
from evaluation.estimation.robustness.multiple_testing import MultipleTesting, adjust_outcomes
from evaluation.plan import Plan
from evaluation.questions.case import CaseAnalysis, analyse_case
from evaluation.questions.coding import Miscoded, miscoded
from evaluation.questions.context import CONTEXT, ContextSeries, context_series
from evaluation.questions.costs.planned import check_costs, costs_of_plan
from evaluation.questions.costs.result import CostResult
from evaluation.questions.effect import OutcomeAnalysis
from evaluation.questions.gender import GenderAnalysis, check_margin, gender_analyses
from evaluation.questions.growth import GrowthAnalysis, analyse_growth
from evaluation.questions.inference import DesignInference, Settings
from evaluation.questions.prepared import prepare
from evaluation.questions.retention.published import PublishedRetention, retention_of_study
from evaluation.questions.selection import Selection, selection
from evaluation.questions.truth import Truth, truths

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
    sources : Sources
        Where the outcomes were read.
    truth : tuple of Truth
        Each headline beside the truth, where the data are simulated.
    readings : mapping of str to Reading
        How the plan's own files were read, by outcome.
    coverage : mapping of str to Coverage
        Years observed, suppressed and missing by municipality, by outcome of a snapshot or
        the twin.
    growth : GrowthAnalysis or None
        The single municipality's own population table against its estimate.
    coded : Coded or None
        What the plan's own coders say, where it has coding sheets.
    miscoded : mapping of str to Miscoded
        The headlines corrected for errors of the coding, by outcome.
    gender : mapping of str to GenderAnalysis
        Women and men, by outcome that the plan has for both.
    retention : PublishedRetention or None
        The published counts of those received and still there, where that is an outcome.
    costs : CostResult or None
        What being active saves and costs, where the plan names a parameter file.
    """

    plan: Plan
    design: Design
    outcomes: dict[str, OutcomeAnalysis]
    case: CaseAnalysis | None
    context: tuple[ContextSeries, ...]
    data_hashes: dict[str, str]
    sources: Sources = field(repr=False)
    truth: tuple[Truth, ...] = ()
    readings: Mapping[str, Reading] = field(default_factory=dict, repr=False)
    coverage: Mapping[str, Coverage] = field(default_factory=dict, repr=False)
    growth: GrowthAnalysis | None = None
    coded: Coded | None = field(default=None, repr=False)
    miscoded: Mapping[str, Miscoded] = field(default_factory=dict, repr=False)
    gender: Mapping[str, GenderAnalysis] = field(default_factory=dict, repr=False)
    retention: PublishedRetention | None = field(default=None, repr=False)
    costs: CostResult | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return every number of the report as plain types, keyed."""
        counts = self.design.counts
        places = embedded.municipalities()
        origin = self.sources.origin
        by_county = self.design.model is not None and self.design.model.counties
        used = ["municipalities", "neighbours"]
        used += ["stance", "models"] if self.plan.treatment.coding == "documents" else []
        used += [o for o in self.outcomes if o in embedded.DATA_SETS]
        used += ["document_figures"] if self.growth else []
        used += [c.name for c in self.context]
        if any(o.cell for o in self.outcomes.values()):
            used.append("calibration")
        together = _together(self.outcomes)
        notice = {"notice": origin.notice_en} if origin and origin.notice_en else {}
        return notice | {
            "schema": SCHEMA,
            "origin": origin.to_dict() if origin else None,
            "truth": [t.to_dict() for t in self.truth],
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
                "treated": [t.to_dict() for t in self.design.treated],
                "n_municipalities": len(counties() if by_county else places),
                "n_treated": len(self.design.treated),
                "n_controls": len(self.design.controls),
                "n_not_known_active": len(counts.not_known),
                "n_uncertain": len(counts.uncertain),
                "n_excluded": len(self.design.excluded),
                "n_dropped": len(self.design.dropped),
                "n_anonymous": counts.anonymous,
                "uncertain": [
                    {"code": c, "name": str(places.loc[c, "name"])} for c in counts.uncertain
                ],
            }
            | ({"model": _model(self.design.model)} if self.design.model else {}),
            "coding": self.coded.to_dict() if self.coded else None,
            "miscoding": {k: m.to_dict() for k, m in self.miscoded.items()},
            "coverage": {
                k: c.table[~c.table["kept"]].drop(columns="kept").reset_index().to_dict("records")
                for k, c in self.coverage.items()
            },
            "computed": {
                k: {"outside": c.outside, "zero_denominators": c.zero_denominators}
                for k, c in self.coverage.items()
                if c.outside or c.zero_denominators
            },
            "readings": {k: _reading(r) for k, r in self.readings.items()},
            "outcomes": {k: o.to_dict() for k, o in self.outcomes.items()},
            "gender": {k: g.to_dict() for k, g in self.gender.items()},
            "holm": _holm(self.outcomes),
            "multiple_testing": together.to_dict() if together else None,
            "case": self.case.to_dict() if self.case else None,
            "growth": self.growth.to_dict() if self.growth else None,
            **({"retention": self.retention.to_dict()} if self.retention else {}),
            **({"costs": self.costs.to_dict(points=True)} if self.costs else {}),
            "context": [c.to_dict() for c in self.context],
            "places": {
                c: str(places.loc[c, "name"])
                for s in self.context
                for c in s.values.columns
                if c in places.index
            },
        }


def _model(model: EvaluatedModel) -> dict[str, Any]:
    """Return the evaluated model as plain types, with the names of those in neither group."""
    out = model.to_dict()
    return out | {
        k: [{"code": c, "name": place_name(c)} for c in out[k]] for k in ("partly", "others")
    }


def _reading(r: Reading) -> dict[str, Any]:
    """Return how a file was read, and every row that could not be used, as plain types."""
    return {
        "sha256": r.hash,
        "notes": list(r.notes),
        "counts": r.counts,
        "rejected": r.rejected.to_dict("records"),
    }


def _selection(plan: Plan, unit: TreatedUnit, year: int, inference: DesignInference) -> Selection:
    """Look at the years after the pick, which must lie within the data and not be the base."""
    here = ("case", "picked", "year")
    last = min(inference.panel.years[-1], unit.last_year or inference.panel.years[-1])
    if not unit.first_year <= year <= last:
        raise plan.fault(
            here,
            f"must lie between {unit.name}'s first treated year {unit.first_year} and the last "
            f"{'treated year' if unit.last_year == last else 'year with data'} {last}, "
            f"found {year}",
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

    The p-values that Romano and Wolf's method adjusts are those of the permutation against the
    whole group, so there is none where the plan's comparison makes another the headline.
    """
    known = {k: o.inference for k, o in outcomes.items()}
    first = next(iter(known.values()))
    if first.settings.weighting or first.settings.not_yet:
        return None
    if len(known) < 2 or any(i.panel.units != first.panel.units for i in known.values()):
        return None
    s = first.settings
    return adjust_outcomes(
        {
            k: contrasts(i.panel, i.design.cohort(), s.estimand, windows=i.windows)
            for k, i in known.items()
        },
        first.picks,
        seed=s.seed,
        mechanism=first.mechanism,
        alpha=s.alpha,
        data_hash=[i.panel.hash() for i in known.values()],
    )


def run_study(
    plan: Plan,
    progress: Progress = lambda _: None,
    sources: Sources | None = None,
    groups: Path | None = None,
    sheets: Mapping[str, Path] | None = None,
    costs: Path | None = None,
) -> Study:
    """Carry out a plan.

    Parameters
    ----------
    plan : Plan
        The evaluation plan.
    progress : callable
        Called with the name of each step as it begins.
    sources : Sources, optional
        Where the outcomes are read; by default as the plan says, snapshots in the usual store.
    groups : pathlib.Path, optional
        Where the plan's file of groups lies, if not where the plan says.
    sheets : mapping of str to pathlib.Path, optional
        Where the plan's coding sheets lie, if not where the plan says.
    costs : pathlib.Path, optional
        Where the cost model's parameter file lies, if not where the plan says.

    Returns
    -------
    Study
        Deterministic given the plan and the data.

    Raises
    ------
    InputError
        If the plan asks for what does not exist, for what the data cannot carry, or for an
        outcome that misleads alone (N31001).
    """
    progress("design")
    sources = sources or open_sources(plan)
    ready = prepare(plan, sources, groups=groups, sheets=sheets)
    design, coded, read, fitted = ready.design, ready.coded, ready.read, ready.fitted
    settings = ready.settings
    panels = {k: o.panel for k, o in read.items()}
    indicators = {k: o.indicator for k, o in read.items()}
    _check_case(plan, panels, fitted)
    _check_context(plan)
    check_margin(plan, read)
    parameters = check_costs(plan, read, costs)
    outcomes = {}
    for name in panels:
        progress(name)
        outcomes[name] = ready.answer(name)
    gender = gender_analyses(plan, sources, read, fitted, settings)
    case = None
    if plan.case:
        progress("case")
        case = _case(plan, panels, indicators, fitted, settings)
    # a table of real people says nothing about made-up ones
    growth = analyse_growth(case) if case and not sources.twin else None
    progress("context")
    context = tuple(context_series(n) for n in plan.context)
    hashes = {k: p.hash() for k, p in panels.items()}
    truth = truths(sources.twin, read, outcomes) if sources.twin else ()
    coverage = {k: p.coverage for k, p in panels.items() if p.coverage is not None}
    readings = {k: o.reading for k, o in read.items() if o.reading is not None}
    corrected = {
        k: miscoded(o.headline, o.inference, coded.rates if coded else None)
        for k, o in outcomes.items()
    }
    return Study(
        plan,
        design,
        outcomes,
        case,
        context,
        hashes,
        sources,
        truth,
        readings,
        coverage,
        growth,
        coded,
        corrected,
        gender,
        retention_of_study(sources, panels, fitted, settings.alpha),
        costs_of_plan(
            plan, parameters, outcomes, sources.origin.notice_en if sources.origin else ""
        ),
    )


def _check_case(plan: Plan, panels: Mapping[str, Panel], fitted: Mapping[str, Carried]) -> None:
    """Refuse a case that its outcome cannot carry."""
    if not plan.case:
        return
    name = plan.case.outcome
    if name not in panels:
        raise plan.fault(
            ("case", "outcome"), f"{name!r} is not among the plan's outcomes {', '.join(panels)}"
        )
    unit = next((t for t in fitted[name].design.treated if t.code == plan.case.code), None)
    if unit is None:
        raise plan.fault(
            ("case", "code"), f"{plan.case.code!r} is not among the treated municipalities"
        )
    before = sum(y <= unit.base_year for y in panels[name].years)
    if before < 2:
        raise plan.fault(
            ("case", "outcome"),
            f"a synthetic control needs two years before {unit.base_year + 1}; {name} has {before}",
        )


def _check_context(plan: Plan) -> None:
    """Refuse a context series that does not exist or stands twice."""
    for i, name in enumerate(plan.context):
        if name not in CONTEXT:
            raise plan.fault(
                ("context", i), f"there is no series {name!r}; known are {', '.join(CONTEXT)}"
            )
        if name in plan.context[:i]:
            raise plan.fault(("context", i), f"the series {name!r} stands twice")


def _case(
    plan: Plan,
    panels: Mapping[str, Panel],
    indicators: Mapping[str, Indicator],
    fitted: Mapping[str, Carried],
    settings: Settings,
) -> CaseAnalysis:
    """Analyse the plan's single municipality, with the other outcomes before its start."""
    chosen = plan.case
    assert chosen is not None
    inner = fitted[chosen.outcome].design
    unit = next(t for t in inner.treated if t.code == chosen.code)
    picked = None
    if chosen.picked:
        base = DesignInference.of(panels[chosen.outcome], inner, settings)
        picked = _selection(plan, unit, chosen.picked.year, base)
    # an outcome without lag sees the start before one that is measured years later
    start = unit.first_year - indicators[chosen.outcome].lag_years
    starts = {k: start + i.lag_years for k, i in indicators.items()}
    return analyse_case(
        unit, indicators[chosen.outcome], panels, inner, plan.estimation.alpha, picked, starts
    )
