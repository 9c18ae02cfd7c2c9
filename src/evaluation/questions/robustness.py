"""Does the answer hold? The diagnostics of one outcome, gathered with their checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from evaluation.data.panel import Panel
from evaluation.data.registry import Indicator
from evaluation.errors import InputError
from evaluation.estimation.diagnostics.bacon import (
    BaconDecomposition,
    bacon_check,
    bacon_decomposition,
)
from evaluation.estimation.diagnostics.event_coefficients import event_coefficients
from evaluation.estimation.diagnostics.honest import honest_relative_magnitudes
from evaluation.estimation.diagnostics.honest_intervals import HonestIntervals, honest_check
from evaluation.estimation.diagnostics.miscoded_treated import MiscodedTreated, miscoded_treated
from evaluation.estimation.diagnostics.negative_weights import (
    TwoWayWeights,
    negative_weights_check,
    two_way_weights,
)
from evaluation.estimation.diagnostics.placebo import (
    break_donut,
    leave_one_cohort_out,
    placebo_dates,
)
from evaluation.estimation.diagnostics.refits import (
    Refits,
    by_permutation,
    placebo_check,
    sign_check,
)
from evaluation.estimation.few_treated.auto import ENOUGH_UNITS
from evaluation.estimation.few_treated.contrasts import Contrasts
from evaluation.estimation.robustness.specification_curve import SpecificationCurve
from evaluation.language import Lang, interval, level, listed, number
from evaluation.questions.curve import curve_check, design_curve
from evaluation.questions.inference import DesignInference
from evaluation.questions.power import Power, power
from evaluation.questions.trend_power import (
    TrendPower,
    implied_effect,
    trend_power,
    trend_power_check,
)
from evaluation.results import Check, Estimate, EventStudy, GroupTime

__all__ = ["Robustness", "examine", "honest_finding", "miscoded_check", "power_sentence"]

YEARS_EARLY = (1, 2, 3)
POWER_STUDIES, POWER_ASSIGNMENTS = 1000, 1999
M_BAR = (0.5, 1.0, 1.5, 2.0)


@dataclass(frozen=True)
class Robustness:
    """What was asked of one outcome's answer.

    Parameters
    ----------
    checks : tuple of Check
        One per diagnostic, in the order of the report.
    bacon : BaconDecomposition or None
        What the two-way coefficient is made of; None where the treated leave out years.
    weights : TwoWayWeights or None
        The weights of its effects, likewise.
    trend_power : TrendPower or None
        What the test of the pre-periods would have found.
    honest : HonestIntervals or None
        Only with eight or more on either side: below that its covariance is not valid.
    dates : Refits
        Adoption taken to be one to three years earlier.
    cohorts : Refits or None
        Without one cohort at a time, where some cohort has more than one municipality.
    donut : Refits or None
        Around the outcome's definition break, where it has one within the years.
    miscoded : MiscodedTreated or None
        With some of the treated taken to be miscoded, where there are more than one.
    curve : SpecificationCurve
        Other choices.
    power : Power or None
        The smallest effect that the design finds; None where there is nothing to draw from.
    units : tuple of str
        Unit of a change, in Swedish and in English.
    """

    checks: tuple[Check, ...]
    bacon: BaconDecomposition | None = field(repr=False)
    weights: TwoWayWeights | None = field(repr=False)
    trend_power: TrendPower | None
    honest: HonestIntervals | None
    dates: Refits
    cohorts: Refits | None
    donut: Refits | None
    miscoded: MiscodedTreated | None
    curve: SpecificationCurve = field(repr=False)
    power: Power | None
    units: tuple[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        names = (
            "bacon", "weights", "trend_power", "honest", "dates", "cohorts", "donut", "miscoded",
            "curve", "power",
        )  # fmt: skip
        parts = {name: getattr(self, name) for name in names}
        out: dict[str, Any] = {k: None if v is None else v.to_dict() for k, v in parts.items()}
        if self.power is not None:
            out["power"] |= {
                "sentence_sv": power_sentence(self.power, self.units[0], "sv"),
                "sentence_en": power_sentence(self.power, self.units[1], "en"),
            }
        return out


def power_sentence(found: Power, unit: str, lang: Lang) -> str:
    """Say the smallest effect that the design finds, in which unit and measured on what."""
    share = level(found.target, lang)
    on = (
        f"permutationstestet, prövat på jämförelsegruppen som om alla hade börjat år "
        f"{found.cohort_year}"
        if lang == "sv"
        else "the permutation test, tried on the comparison group as if all had started in "
        f"{found.cohort_year}"
    )
    if found.detectable is None:
        most = number(found.effects[-1], lang)
        if lang == "sv":
            return f"Ingen effekt upp till {most} {unit} hittas i {share} av fallen ({on})."
        return f"No effect up to {most} {unit} is found in {share} of cases ({on})."
    size = number(found.detectable, lang)
    if lang == "sv":
        return f"Den minsta effekt som hittas i {share} av fallen är {size} {unit} ({on})."
    return f"The smallest effect found in {share} of cases is {size} {unit} ({on})."


def honest_finding(
    gt: GroupTime, event: EventStudy, n_controls: int, *, alpha: float, seed: int
) -> tuple[HonestIntervals | None, Check]:
    """Ask how far parallel trends may fail, where the covariance matrix is valid.

    Parameters
    ----------
    gt : GroupTime
        Group-time effects with influence functions.
    event : EventStudy
        Their event study; event times that fewer than eight treated carry are left aside.
    n_controls : int
        Size of the comparison group.
    alpha, seed : float, int
        Level of the intervals, seed of the critical values.

    Returns
    -------
    HonestIntervals or None
        For the mean effect over the event times kept, under relative magnitudes.
    Check
        Undecided, with the reason, where there are no intervals.
    """
    few = min(max(event.n_treated), n_controls)
    if few < ENOUGH_UNITS:
        return None, Check(
            "honest_did",
            None,
            "Visas inte: hur stora avvikelser från parallella trender som resultatet tål kräver "
            "att osäkerheten i varje år är känd, och det är den inte med färre än "
            f"{ENOUGH_UNITS} på någon sida. Intervallen skulle bli för korta.",
            "Not shown: how large violations of parallel trends the result withstands takes the "
            f"uncertainty of every year to be known, which it is not with fewer than "
            f"{ENOUGH_UNITS} on either side. The intervals would be too short.",
            float(few),
            float(ENOUGH_UNITS),
        )
    carried = [
        e for e, n in zip(event.event_time, event.n_treated, strict=True) if n >= ENOUGH_UNITS
    ]
    try:
        # a step from e − 1 to e is the coefficient of e − 1 against the year before adoption
        e = event_coefficients(gt, first=min(carried) - 1, last=max(carried))
        found = honest_relative_magnitudes(
            e, M_BAR, target=[1 / len(e.post)] * len(e.post), alpha=alpha, seed=seed
        )
    except InputError:
        return None, Check(
            "honest_did",
            None,
            f"Visas inte: minst {ENOUGH_UNITS} behandlade med två år före starten och ett efter "
            "behövs.",
            f"Not shown: at least {ENOUGH_UNITS} treated with two years before the start and one "
            "after it are needed.",
        )
    return found, honest_check(found)


def miscoded_check(found: MiscodedTreated, names: Mapping[str, str]) -> Check:
    """Ask whether the sign holds if up to half of the treated were miscoded.

    Parameters
    ----------
    found : MiscodedTreated
        Every group of miscoded treated.
    names : mapping of str to str
        Name by code.
    """
    total = found.miscoded[-1] + 1
    at = found.sign_lost_at
    half = total // 2
    row = found.miscoded.index(max(half, 1))
    low, high = found.low[row], found.high[row]
    sv = (
        f"Om {found.miscoded[row]} av {total} behandlade vore felkodade går skattningen utan dem "
        f"från {interval(low, high, 'sv')}, beroende på vilka."
    )
    en = (
        f"If {found.miscoded[row]} of {total} treated were miscoded the estimate without them goes "
        f"from {interval(low, high, 'en')}, depending on which."
    )
    if at is None:
        sv += " Tecknet vänds inte ens med en enda kvar."
        en += " The sign does not turn even with a single one left."
    else:
        who = [names[c] for c in found.worst[found.miscoded.index(at)]]
        sv += f" Det räcker med {at} ({listed(who, 'sv')}) för att vända tecknet."
        en += f" It takes no more than {at} ({listed(who, 'en')}) to turn the sign."
    return Check(
        "miscoded_treated",
        at is None or at > half,
        sv,
        en,
        None if at is None else float(at),
        float(half),
    )


def examine(
    inference: DesignInference,
    panel: Panel,
    indicator: Indicator,
    headline: Estimate,
    main: Contrasts,
    before: Mapping[int, Contrasts],
    gt: GroupTime,
    event: EventStudy,
) -> Robustness:
    """Run every diagnostic of one outcome.

    Parameters
    ----------
    inference : DesignInference
        The design, its sets and assignments.
    panel : Panel
        All municipalities.
    indicator : Indicator
        What the outcome is.
    headline : Estimate
        What the report says.
    main : Contrasts
        The headline aggregate's.
    before : mapping of int to Contrasts
        Year-to-year steps before adoption.
    gt : GroupTime
        Group-time effects.
    event : EventStudy
        Their event study.

    Returns
    -------
    Robustness
        Results and checks.
    """
    inner, s, design = inference.panel, inference.settings, inference.design
    cohort = design.cohort()
    judge = by_permutation(inference.sets, draws=s.draws, seed=s.seed, alpha=s.alpha)
    trend = trend_power(
        before,
        inference.picks,
        implied=implied_effect(main, inner.years[-1], inference.windows),
        alpha=s.alpha,
    )
    honest, honest_told = honest_finding(
        gt, event, len(design.controls), alpha=s.alpha, seed=s.seed
    )
    windows = inference.windows
    # a placebo date lies before everything that was exposed, in part too
    touched = design.cohort(**{f"c{t.code}": t.base_year + 1 for t in design.treated})
    dates = placebo_dates(inner, touched, YEARS_EARLY, judge=judge)
    years = [t.first_year for t in design.treated]
    shared = 1 < len(set(years)) < len(years)
    cohorts = (
        leave_one_cohort_out(inner, cohort, estimand=s.estimand, judge=judge, windows=windows)
        if shared
        else None
    )
    at = indicator.break_year
    broken = at is not None and inner.years[0] < at <= inner.years[-1]
    donut = (
        break_donut(inner, cohort, at, judge=judge, windows=windows)
        if broken and at is not None
        else None
    )
    miscoded = (
        miscoded_treated(main, inference.picks, alpha=s.alpha, seed=s.seed)
        if len(years) > 1
        else None
    )
    curve = design_curve(inference, panel)
    bacon = bacon_decomposition(inner, cohort) if windows.plain else None
    weights = two_way_weights(inner, cohort) if windows.plain else None
    names = {t.code: t.name for t in design.treated}
    checks = [
        trend_power_check(trend, headline.estimate),
        honest_told,
        _told(
            placebo_check(dates, "placebo_dates", alpha=s.alpha, named=_date_named),
            "Med starten 1, 2 och 3 år tidigare och bara år före den verkliga: ",
            "With the start 1, 2 and 3 years earlier and only years before the real one: ",
        ),
        *([_cohorts_check(cohorts)] if cohorts else []),
        *([_donut_check(donut, at)] if donut and at is not None else []),
        *([miscoded_check(miscoded, names)] if miscoded else []),
        curve_check(curve, headline),
        bacon_check(bacon) if bacon else _not_decomposed("bacon"),
        negative_weights_check(weights) if weights else _not_decomposed("negative_weights"),
    ]
    return Robustness(
        checks=tuple(checks),
        bacon=bacon,
        weights=weights,
        trend_power=trend,
        honest=honest,
        dates=dates,
        cohorts=cohorts,
        donut=donut,
        miscoded=miscoded,
        curve=curve,
        power=_power(inference, round(sum(years) / len(years))),
        units=(indicator.change_sv, indicator.change_en),
    )


def _told(check: Check, sv: str, en: str) -> Check:
    """Say what a check is about before what it found."""
    return replace(check, text_sv=sv + check.text_sv, text_en=en + check.text_en)


def _date_named(label: str) -> tuple[str, str]:
    """Say in words which pretended start a label such as «−3» is."""
    k = int(label.removeprefix("−"))
    plural = "s" if k > 1 else ""
    return f"den med starten {k} år tidigare", f"the one with the start {k} year{plural} earlier"


def _not_decomposed(name: str) -> Check:
    return Check(
        name,
        None,
        "Visas inte: regressionen delas bara upp där varje kommun är behandlad från sitt första "
        "år till slutet, och här är delvis exponerade år eller år efter ett slut utelämnade.",
        "Not shown: the regression is taken apart only where every municipality is treated from "
        "its first year to the end, and here years exposed in part or after an end are left out.",
    )


def _cohorts_check(found: Refits) -> Check:
    return _told(
        sign_check(found, "leave_one_cohort_out"),
        "Utan ett startår i taget: ",
        "Without one start year at a time: ",
    )


def _donut_check(found: Refits, year: int) -> Check:
    return _told(
        sign_check(found, "definition_break"),
        f"Före och efter definitionsbytet {year} och utan åren kring det: ",
        f"Before and after the change of definition in {year} and without the years around it: ",
    )


def _power(inference: DesignInference, year: int) -> Power | None:
    """Simulate the design on its comparison group; None where its members all change alike."""
    s = inference.settings
    try:
        return power(
            inference.panel,
            treated_units=inference.design.treated_codes,
            cohort_year=year,
            size=inference.size,
            donors=s.donors,
            n_assignments=min(s.draws, POWER_ASSIGNMENTS),
            draws=POWER_STUDIES,
            seed=s.seed,
            alpha=s.alpha,
        )
    except InputError:
        return None
