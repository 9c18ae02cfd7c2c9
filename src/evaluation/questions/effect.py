"""Effect: did an outcome change after adoption, compared with those not known to be active."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.data.registry import Indicator
from evaluation.design.carried import LeftOut
from evaluation.design.treatment import Design, estimable_years
from evaluation.errors import InputError
from evaluation.estimation.diagnostics.hidden_active import HiddenActive, hidden_active
from evaluation.estimation.did.aggregation import ESTIMANDS, aggregate, event_study
from evaluation.estimation.did.two_way import two_way_fixed_effects
from evaluation.estimation.did.windowed import windowed_group_time
from evaluation.estimation.few_treated.auto import FewTreated
from evaluation.estimation.few_treated.calibration import Cited
from evaluation.estimation.few_treated.contrasts import contrasts, event_contrasts
from evaluation.estimation.few_treated.permutation import max_statistic_p
from evaluation.estimation.few_treated.placebo_size import (
    analytic_rejection_rate,
    twfe_rejection_rate,
)
from evaluation.estimation.windows import without_left_out
from evaluation.questions import checks as ask
from evaluation.questions.against import Against, against_whom
from evaluation.questions.effect_words import effect_sentences
from evaluation.questions.evaluated import same_place_check
from evaluation.questions.grading import grade
from evaluation.questions.horizons import Horizons, analyse_horizons
from evaluation.questions.inference import DesignInference, Settings
from evaluation.questions.left_out import left_out_checks, partial_years
from evaluation.questions.robustness import Robustness, examine
from evaluation.questions.rule import cited_cell, rule_checks, rule_estimates
from evaluation.questions.weighted import stated
from evaluation.results import Check, Estimate, EventStudy, Finding, GroupTime

__all__ = ["OutcomeAnalysis", "analyse_outcome"]

TWFE_STUDIES = 500
"""Placebo studies behind the rejection rate of the regression's test."""


@dataclass(frozen=True)
class NeighbourYear:
    """The headline with one municipality's start moved to another year."""

    code: str
    name: str
    year: int
    chosen: bool
    result: Estimate | None


@dataclass(frozen=True)
class OutcomeAnalysis:
    """Everything the report says about one outcome."""

    indicator: Indicator
    finding: Finding
    group_time: GroupTime
    event: EventStudy
    envelope: dict[int, tuple[float, float]]
    placebo: np.ndarray = field(repr=False)
    rule: FewTreated
    cell: Cited | None
    robust: Robustness
    inference: DesignInference = field(repr=False)
    per_unit: dict[str, Estimate]
    neighbours: tuple[NeighbourYear, ...]
    neighbour_range: tuple[float, float, int]
    without: dict[str, Estimate]
    hidden: HiddenActive
    rejection: tuple[float, float]
    n_controls: int
    alone_donors: int
    left_out: tuple[str, ...]
    left_out_treated: tuple[LeftOut, ...]
    set_sizes: dict[str, tuple[int, int, int]]
    against: Against
    horizons: Horizons
    paths: pd.DataFrame = field(repr=False)

    @property
    def headline(self) -> Estimate:
        """The estimate that the answer rests on, first of its finding."""
        return next(iter(self.finding.estimates.values()))

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks behind the grade."""
        return tuple(self.finding.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        # rounded, so that a value on an edge falls on the same side on every machine
        counts, edges = np.histogram(self.placebo.round(9), bins=50)
        return {
            "indicator": self.indicator.id,
            "finding": self.finding.to_dict(),
            "group_time": self.group_time.to_dict(),
            "event_study": self.event.to_dict(),
            "event_envelope": {
                str(e): {"low": low, "high": high} for e, (low, high) in self.envelope.items()
            },
            "placebo_histogram": {"counts": counts.tolist(), "edges": edges.tolist()},
            "per_unit": {c: e.to_dict() for c, e in self.per_unit.items()},
            "neighbours": [
                {
                    "code": n.code,
                    "name": n.name,
                    "year": n.year,
                    "chosen": n.chosen,
                    "result": n.result.to_dict() if n.result else None,
                }
                for n in self.neighbours
            ],
            "neighbour_range": {
                "low": self.neighbour_range[0],
                "high": self.neighbour_range[1],
                "combinations": self.neighbour_range[2],
            },
            "leave_one_out": {c: e.to_dict() for c, e in self.without.items()},
            "hidden_active": self.hidden.to_dict(),
            "analytic_rejection": {
                k: v if np.isfinite(v) else None
                for k, v in zip(("cs", "twfe"), self.rejection, strict=True)
            },
            "rule": {
                "name": self.rule.rule,
                "reason_sv": self.rule.reason_sv,
                "reason_en": self.rule.reason_en,
                "cell": asdict(self.cell) if self.cell else None,
            },
            "robustness": self.robust.to_dict(),
            "n_controls": self.n_controls,
            "alone_donors": self.alone_donors,
            "left_out": list(self.left_out),
            "left_out_treated": [asdict(u) for u in self.left_out_treated],
            "first_years": {t.code: t.first_year for t in self.inference.design.treated},
            "sized_by": self.inference.sized_by,
            "matched_sets": {
                c: {
                    "donors": n,
                    "smallest": lo,
                    "largest": hi,
                    "size": round(self.inference.size[c]),
                }
                for c, (n, lo, hi) in self.set_sizes.items()
            },
            "against": self.against.to_dict(),
            "horizons": self.horizons.to_dict(),
            "paths": self.paths.reset_index().to_dict("records"),
        }


def _neighbours(
    inference: DesignInference, design: Design, headline: Estimate
) -> tuple[tuple[NeighbourYear, ...], tuple[float, float, int]]:
    panel, s = inference.panel, inference.settings
    rows: list[NeighbourYear] = []
    choices: list[list[tuple[str, int]]] = []
    for t in design.treated:
        good, bad = estimable_years(t.neighbours, panel.years, t.partial, t.last_year)
        choices.append([(t.code, y) for y in good])
        for year in sorted([*good, *bad]):
            chosen = year == t.first_year
            result = headline if chosen else None
            if year in good and not chosen:
                result = inference.headline(design.cohort(**{f"c{t.code}": year}))
            rows.append(NeighbourYear(t.code, t.name, year, chosen, result))
    # a slot's contrast depends on its own year alone, so every combination is a weighted
    # mean of per-municipality terms that are computed once
    years = np.array(panel.years)
    controls = list(design.controls)

    def term(code: str, year: int) -> tuple[float, float]:
        last = inference.windows.last.get(code, panel.years[-1])
        treated = float(((years >= year) & (years <= last)).sum())
        alone = pd.Series({code: year} | dict.fromkeys(controls, 0))
        c = contrasts(panel.select([code, *controls]), alone, s.estimand, windows=inference.windows)
        return (1.0 if s.estimand == "cohort" else treated), c.estimate()

    terms = [[term(*pair) for pair in options] for options in choices]
    return tuple(rows), (
        _extreme_mean(terms, min),
        _extreme_mean(terms, max),
        math.prod(map(len, terms)),
    )


def _extreme_mean(
    terms: Sequence[Sequence[tuple[float, float]]], extreme: Callable[..., Any]
) -> float:
    """Return the lowest or highest weighted mean of one (weight, value) out of each slot.

    The combinations multiply, so none is tried: at the extreme mean m every slot holds the
    option with the extreme w (v - m), which gives m by iteration (Dinkelbach 1967, section 2).
    """
    m = math.inf
    chosen = [options[0] for options in terms]
    while True:
        mean = sum(w * v for w, v in chosen) / sum(w for w, _ in chosen)
        if mean == m:
            return mean
        m = mean
        better = [extreme(options, key=lambda t: t[0] * (t[1] - m)) for options in terms]
        # rounding must not make the iteration alternate between two equal choices
        gain = sum(w * (v - m) for w, v in better)
        if abs(gain) <= 1e-14 * (1 + sum(abs(w * v) for w, v in better)):
            return mean
        chosen = better


def _leave_one_out(inference: DesignInference) -> dict[str, Estimate]:
    """Estimate without each treated municipality in turn; the one left out joins no group."""
    if len(inference.design.treated) < 2:
        return {}
    out = {}
    for code in inference.design.treated_codes:
        smaller = inference.without([code])
        out[code] = smaller.headline(smaller.design.cohort())
    return out


def _uncertain_other_way(
    inference: DesignInference, panel: Panel, headline: Estimate
) -> tuple[Estimate, Check] | None:
    """Estimate with those of uncertain stance in the other part; None where there are none."""
    design, settings = inference.design, inference.settings
    counts, have = design.counts, set(panel.units)
    if not set(counts.uncertain) & have:
        return None
    joined = bool(set(design.excluded) & set(counts.uncertain))
    dropped = {c for c, _, _ in design.dropped}
    both = {*design.controls, *counts.uncertain} if joined else set(counts.not_known)
    others = tuple(sorted(both & have - dropped))
    other = Design(design.treated, others, (), counts)
    found = DesignInference.of(panel, other, settings).headline(other.cohort())
    moved = len(set(others) ^ set(design.controls))
    return found, ask.uncertain_check(headline.estimate, found.estimate, moved, joined=joined)


def _paths(panel: Panel, design: Design) -> pd.DataFrame:
    others = panel.values.loc[list(design.controls)]
    low, middle, high = np.quantile(others.to_numpy(dtype=float), [0.1, 0.5, 0.9], axis=0)
    frame = pd.DataFrame(
        {"p10": low, "median": middle, "p90": high},
        index=pd.Index(panel.years, name="time"),
    )
    for t in design.treated:
        frame[t.code] = panel.values.loc[t.code].to_numpy(dtype=float)
    return frame


def analyse_outcome(
    panel: Panel,
    indicator: Indicator,
    design: Design,
    settings: Settings,
    left_out: tuple[str, ...] = (),
    left_out_treated: tuple[LeftOut, ...] = (),
) -> OutcomeAnalysis:
    """Answer the effect question for one outcome.

    Parameters
    ----------
    panel : Panel
        All 290 municipalities.
    indicator : Indicator
        What the outcome is.
    design : Design
        Who is treated and compared.
    settings : Settings
        Aggregate, level, draws, seed, donors.
    left_out : tuple of str
        Municipalities of the comparison group that the outcome has no values for.
    left_out_treated : tuple of LeftOut
        Treated municipalities that the outcome cannot carry, and why.

    Returns
    -------
    OutcomeAnalysis
        The finding with the permutation estimate first, the usual numbers beside it,
        checks, sensitivity and what the figures need.

    Raises
    ------
    InputError
        If a municipality of the design is not in the panel.
    """
    missing = [u for u in (*design.treated_codes, *design.controls) if u not in panel.units]
    if missing:
        raise InputError(
            f"municipality {missing[0]} has no values in every year", field=panel.outcome
        )
    inference = DesignInference.of(panel, design, settings)
    inner = inference.panel
    cohort = design.cohort()
    windows = inference.windows
    gt = windowed_group_time(inner, cohort, windows, alpha=settings.alpha)
    aligned = windowed_group_time(inner, cohort, windows, aligned=True, alpha=settings.alpha)
    permuted = inference.permute(cohort)
    rule = inference.rule(cohort)
    by_rule = settings.inference == "auto"
    # what a plan's matching gives stands first; the checks judge the estimate of the whole group
    own = stated(inference)
    reference = rule.result if by_rule else permuted.result
    headline = own[1].result if own else reference
    picks = inference.picks
    main = contrasts(inner, cohort, settings.estimand, windows=windows)
    by_time = event_contrasts(inner, cohort, windows=windows)
    before = {e: c for e, c in by_time.items() if e < 0}
    _, p_before, _ = max_statistic_p(before, picks) if before else (0.0, float("nan"), {})
    _, _, envelope = max_statistic_p(by_time, picks)
    equal_weights = contrasts(inner, cohort, "cohort", windows=windows)
    rate = analytic_rejection_rate(equal_weights, picks, settings.alpha)
    rate_twfe = twfe_rejection_rate(inner, equal_weights, picks[:TWFE_STUDIES], settings.alpha)
    hidden = hidden_active(main, picks, alpha=settings.alpha)
    without = _leave_one_out(inference)
    rows, span = _neighbours(inference, design, reference)
    other_way = _uncertain_other_way(inference, panel, reference)
    event = event_study(aligned, seed=settings.seed)
    robust = examine(inference, panel, indicator, reference, main, before, aligned, event)
    tested = [
        {"permutation": permuted.result},
        rule_estimates(rule, inference.rule_among_peers(cohort)),
    ]
    estimates = {own[0]: headline} if own else {}
    estimates |= dict(itertools.chain(*(t.items() for t in tested[:: -1 if by_rule else 1])))
    estimates |= {f"cs_{name}": aggregate(gt, name) for name in ESTIMANDS}
    # the regression knows no year that is neither treated nor untreated: those are blank
    regressed = without_left_out(inner, cohort, windows)
    estimates["twfe"] = two_way_fixed_effects(regressed, cohort, alpha=settings.alpha)
    partly = partial_years(inference, cohort)
    if partly:
        estimates["partial_years"] = partly
    if other_way:
        estimates["uncertain_other_way"] = other_way[0]
    cell = cited_cell(inference)
    asked = [
        ask.few_treated_check(design),
        ask.analytic_size_check(rate, rate_twfe, settings.alpha),
        *rule_checks(rule, cell, headline=by_rule),
        ask.pre_period_check(design, panel),
        *left_out_checks(design, panel, headline, partly),
        *([ask.pre_trends_check(p_before, len(before), settings.alpha)] if before else []),
        *ask.years_stated_checks(design),
        *([ask.neighbour_years_check(reference.estimate, *span)] if span[2] > 1 else []),
        ask.hidden_active_check(hidden),
        *([ask.leave_one_out_check(reference.estimate, without, design)] if without else []),
        *([other_way[1]] if other_way else []),
        *robust.checks,
        *([same_place_check(design.model)] if design.model else []),
    ]
    horizons = analyse_horizons(inference, indicator)
    # one horizon alone is never the headline: effects fade, or come late
    sv, en = (
        f"{one} {by_time_since}"
        for one, by_time_since in zip(
            effect_sentences(indicator, headline, design, by_rule, own[0] if own else ""),
            (horizons.sentence_sv, horizons.sentence_en),
            strict=True,
        )
    )
    turned = ask.turned_without(reference.estimate, without, design)
    graded, why_sv, why_en = grade(
        asked, {"leave_one_out": turned} if turned else None, by_rule=by_rule
    )
    sizes = inference.size
    return OutcomeAnalysis(
        indicator=indicator,
        finding=Finding("effect", estimates, tuple(asked), sv, en, graded, why_sv, why_en),
        group_time=gt,
        event=event,
        envelope=envelope,
        placebo=(own[1] if own else permuted).placebo,
        rule=rule,
        cell=cell,
        robust=robust,
        inference=inference,
        per_unit={t.code: inference.alone(t) for t in design.treated},
        neighbours=rows,
        neighbour_range=span,
        without=without,
        hidden=hidden,
        rejection=(rate, rate_twfe),
        n_controls=len(design.controls),
        alone_donors=inference.alone_donors,
        left_out=left_out,
        left_out_treated=left_out_treated,
        set_sizes={
            s[0]: (len(s) - 1, round(sizes[s[1:]].min()), round(sizes[s[1:]].max()))
            for s in inference.sets
        },
        against=against_whom(inference, headline, left_out, [u.code for u in left_out_treated]),
        horizons=horizons,
        paths=_paths(panel, design),
    )
