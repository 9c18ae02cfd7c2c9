"""Women and men in a plan: the outcomes that stand for both, on the municipalities they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.data.registry import Indicator
from evaluation.data.sources import Outcome, Sources
from evaluation.design.carried import Carried
from evaluation.design.treatment import Design
from evaluation.errors import InputError
from evaluation.plan import Plan, RegistryOutcome
from evaluation.questions import checks as ask
from evaluation.questions.gender.gap import GapAnalysis, Test, analyse_gap
from evaluation.questions.gender.sample import CommonSample, common_sample, persons_behind
from evaluation.questions.gender.words import finding_sentence, sample_check
from evaluation.questions.grading import grade
from evaluation.questions.inference import DesignInference, Settings
from evaluation.questions.truth import real_att
from evaluation.results import Check, Finding

__all__ = ["GenderAnalysis", "analyse_gender", "check_margin", "gender_analyses", "pairs"]


@dataclass(frozen=True)
class GenderAnalysis:
    """The question of women and men, answered for one outcome.

    Parameters
    ----------
    entry : str
        The outcome, both sexes of it.
    indicator : Indicator
        What it is, for both.
    finding : Finding
        ``gap`` first, then women, men, all and the log ratio.
    gap : GapAnalysis
        Covariance, levels, the joint test, equivalence.
    sample : CommonSample
        Who is lost for whom.
    representation : dict of str to float
        Women's share among the persons and among the successes, and their ratio; description.
    truth : dict of str to float
        Women's, men's and the gap's real effects, where the data are simulated.
    donors : int
        Donors per treated municipality; fewer than the plan asks for where the common sample has
        no more.
    """

    entry: str
    indicator: Indicator
    finding: Finding
    gap: GapAnalysis
    sample: CommonSample
    representation: dict[str, float]
    truth: dict[str, float]
    donors: int
    treated: tuple[str, ...] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "entry": self.entry,
            "indicator": asdict(self.indicator),
            "finding": self.finding.to_dict(),
            "gap": self.gap.to_dict(),
            "sample": self.sample.to_dict(),
            "representation": self.representation,
            "truth": self.truth,
            "donors": self.donors,
            "treated": list(self.treated),
        }


def _shared(design: Design, other: Design, units: tuple[str, ...]) -> Design:
    """Return the design of the municipalities that both sexes carry."""
    here, there = set(units), set(other.treated_codes)
    return replace(
        design,
        treated=tuple(t for t in design.treated if t.code in here & there),
        controls=tuple(c for c in design.controls if c in here and c in set(other.controls)),
    )


def _representation(women: Panel, men: Panel, design: Design) -> dict[str, float]:
    """Describe women's share of the treated municipalities' persons and successes since the start.

    Their denominators differ: those who left the programme are not those who were received.
    """
    if women.weights is None or men.weights is None:
        return {}
    totals = np.zeros((2, 2))
    for t in design.treated:
        years = [y for y in women.years if t.first_year <= y <= (t.last_year or women.years[-1])]
        for k, panel in enumerate((women, men)):
            assert panel.weights is not None
            n = panel.weights.loc[t.code, years].to_numpy(dtype=float)
            totals[k] += n.sum(), (n * panel.values.loc[t.code, years].to_numpy()).sum() / 100
    if (totals.sum(axis=0) <= 0).any():
        return {}
    persons, successes = totals[0] / totals.sum(axis=0)
    if persons == 0:
        return {}
    return {
        "women_of_persons": float(persons),
        "women_of_successes": float(successes),
        "ratio": float(successes / persons),
    }


def analyse_gender(
    read: Mapping[str, Outcome],
    designs: Mapping[str, Design],
    settings: Settings,
    *,
    margin: float | None = None,
    persons: Mapping[str, pd.Series] | None = None,
) -> GenderAnalysis:
    """Answer the question of women and men for one outcome.

    Parameters
    ----------
    read : mapping of str to Outcome
        ``K``, ``M`` and, if the plan has it, ``T``: the outcome as read.
    designs : mapping of str to Design
        By sex: who of the design the outcome carries, first treated years moved by its lag.
    settings : Settings
        Aggregate, level, draws, seed, donors, inference. Matching, weighting and the not yet
        treated are for the outcomes' own sections: here everybody not known to be active is
        compared, each treated municipality within its matched set.
    margin : float, optional
        The largest change of the gap that counts as none.
    persons : mapping of str to pandas.Series, optional
        By sex: persons by municipality, for what the common sample holds.

    Returns
    -------
    GenderAnalysis
        On the municipalities that both have; the same matched sets and assignments for both.

    Raises
    ------
    InputError
        If only totals are given, no treated municipality has both sexes, or there are fewer
        comparison than treated municipalities.
    """
    sample = common_sample({s: o.panel for s, o in read.items()}, persons)
    indicator = read["K"].indicator
    women, men = (read[s].panel for s in ("K", "M"))
    if women.years != men.years:
        raise InputError(
            f"the years differ: women {women.years[0]}–{women.years[-1]}, men "
            f"{men.years[0]}–{men.years[-1]}",
            field=read["K"].entry,
        )
    design = _shared(designs["K"], designs["M"], sample.units)
    if not design.treated:
        raise InputError(
            f"no treated municipality has {read['K'].entry} for both women and men in every year",
            field="sex",
        )
    donors = min(settings.donors, len(design.controls) // len(design.treated))
    if donors < 1:
        raise InputError(
            f"{len(design.treated)} treated municipalities have {read['K'].entry} for both sexes, "
            f"and {len(design.controls)} of the comparison group; at least as many are needed",
            field="sex",
        )
    codes = [*design.treated_codes, *design.controls]
    women, men = women.select(codes), men.select(codes)
    # both sexes' persons, so that a set's members are alike for both
    if women.weights is not None and men.weights is not None:
        sized = replace(women, weights=women.weights + men.weights)
    else:
        sized = replace(women, weights=None)
    plain = replace(settings, donors=donors, weighting=None, not_yet=False)
    base = DesignInference.of(sized, design, plain)
    test = Test(base.picks, base.mechanism, settings.inference, base.size, settings.seed)
    options = {"estimand": settings.estimand, "windows": base.windows, "alpha": settings.alpha}
    cohort = design.cohort()
    gap = analyse_gap(women, men, cohort, test, margin=margin, **options)  # type: ignore[arg-type]
    estimates = dict(gap.estimates)
    if "T" in read and set(codes) <= set(read["T"].panel.units):
        everyone, _ = test.estimate(
            read["T"].panel.select(codes), cohort, settings.estimand, base.windows, settings.alpha
        )
        estimates["all"] = replace(everyone, term="all")
    checks = _checks(gap, sample, design, women, indicator, settings.alpha)
    narrower = settings.weighting is not None or settings.not_yet
    sv, en = (
        finding_sentence(gap, indicator, design, lang, narrower=narrower) for lang in ("sv", "en")
    )
    finding = Finding("gender", estimates, checks, sv, en, *grade(checks))
    return GenderAnalysis(
        read["K"].entry,
        indicator,
        finding,
        gap,
        sample,
        _representation(women, men, design) if indicator.scale == "share" else {},
        {},
        donors,
        tuple(design.treated_codes),
    )


def _checks(
    gap: GapAnalysis,
    sample: CommonSample,
    design: Design,
    panel: Panel,
    indicator: Indicator,
    alpha: float,
) -> tuple[Check, ...]:
    found = [
        sample_check(sample),
        ask.few_treated_check(design),
        ask.pre_period_check(design, panel),
        *ask.years_stated_checks(design),
    ]
    if gap.pre_p is not None:
        found.append(ask.pre_trends_check(gap.pre_p, gap.n_pre, alpha))
    if gap.equivalence is not None:
        found.append(gap.equivalence.check(indicator.change_sv, indicator.change_en))
    return tuple(found)


def pairs(read: Mapping[str, Outcome]) -> dict[str, dict[str, str]]:
    """Find the outcomes that a plan has for both women and men.

    Parameters
    ----------
    read : mapping of str to Outcome
        By name.

    Returns
    -------
    dict of str to dict of str to str
        By entry: the outcome's name by sex.
    """
    found: dict[str, dict[str, str]] = {}
    for name, outcome in read.items():
        found.setdefault(outcome.entry, {})[outcome.sex] = name
    return {k: v for k, v in found.items() if {"K", "M"} <= set(v)}


def _indicator_of_both(indicator: Indicator) -> Indicator:
    """Return the indicator without the words for one sex."""
    return replace(
        indicator,
        label_sv=indicator.label_sv.removesuffix(" (kvinnor)"),
        definite_sv=indicator.definite_sv.removesuffix(" (kvinnor)"),
        label_en=indicator.label_en.removesuffix(" (women)"),
    )


def gender_analyses(
    plan: Plan,
    sources: Sources,
    read: Mapping[str, Outcome],
    fitted: Mapping[str, Carried],
    settings: Settings,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, GenderAnalysis]:
    """Answer the question for every outcome that a plan has for both sexes.

    Parameters
    ----------
    plan : Plan
        For its margin and for where its keys stand.
    sources : Sources
        What the outcomes were read from: counts of persons, and the truth if simulated.
    read : mapping of str to Outcome
        The outcomes by name.
    fitted : mapping of str to Carried
        The design as each outcome carries it.
    settings : Settings
        How the outcomes are estimated.
    progress : callable
        Called before each.

    Returns
    -------
    dict of str to GenderAnalysis
        By entry; empty where the plan has no outcome for both sexes.

    Raises
    ------
    InputError
        As :func:`analyse_gender`, with the plan's file and key.
    """
    out = {}
    for entry, names in pairs(read).items():
        progress(f"gender {entry}")
        both = {s: read[n] for s, n in names.items()}
        both["K"] = replace(both["K"], indicator=_indicator_of_both(both["K"].indicator))
        indicator, counted = both["K"].indicator, None
        if sources.observations is not None and indicator.weight:
            counted = persons_behind(
                sources.observations,
                indicator.weight,
                indicator.weight_lag_years,
                both["K"].panel.years,
            )
        try:
            found = analyse_gender(
                both,
                {s: fitted[n].design for s, n in names.items()},
                settings,
                margin=plan.gender.margin if plan.gender else None,
                persons=counted,
            )
        except InputError as error:
            raise plan.fault(("outcomes", _place(plan, entry)), error.problem) from None
        if sources.twin is not None:
            found = _with_truth(found, sources, fitted[names["K"]].design, settings.estimand)
        out[entry] = found
    return out


def check_margin(plan: Plan, read: Mapping[str, Outcome]) -> None:
    """Refuse a margin for a gap that a plan has not, before anything is estimated.

    Parameters
    ----------
    plan : Plan
        The plan.
    read : mapping of str to Outcome
        Its outcomes by name.

    Raises
    ------
    InputError
        If no outcome is there for both women and men.
    """
    if plan.gender is not None and not pairs(read):
        raise plan.fault(
            ("gender", "margin"),
            "is for the gap between women and men, and the plan has no outcome for both; add "
            "{indicator: …, sex: K} and {indicator: …, sex: M}, or leave gender out",
        )


def _place(plan: Plan, entry: str) -> int:
    """Return where the women's outcome stands in the plan."""
    return next(
        i
        for i, o in enumerate(plan.outcomes)
        if isinstance(o, RegistryOutcome) and (o.indicator, o.sex) == (entry, "K")
    )


def _with_truth(
    found: GenderAnalysis, sources: Sources, design: Design, estimand: str
) -> GenderAnalysis:
    """Put the simulation's truth beside the estimates."""
    twin = sources.twin
    assert twin is not None
    chosen = set(found.treated)
    starts = {t.code: t.first_year for t in design.treated if t.code in chosen}
    ends = {c: y for c, y in design.last_years.items() if c in chosen}
    truth = {}
    for name, sex in (("women", "K"), ("men", "M")):
        effect = twin.truth.effect(found.entry, sex)
        truth[name] = real_att(effect, twin.truth.codes, twin.truth.years, starts, estimand, ends)
    truth["gap"] = truth["women"] - truth["men"]
    told = replace(
        found.finding,
        sentence_sv=f"SIMULERADE DATA: {found.finding.sentence_sv}",
        sentence_en=f"SIMULATED DATA: {found.finding.sentence_en}",
    )
    return replace(found, truth=truth, finding=told)
