"""Checks of a difference-in-differences with few treated municipalities."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evaluation.data.panel import Panel
from evaluation.design.treatment import Design
from evaluation.estimation.diagnostics.hidden_active import HiddenActive
from evaluation.estimation.few_treated.auto import ENOUGH_UNITS
from evaluation.language import interval, level, listed, number, p_value, per_cent
from evaluation.results import Check, Estimate

__all__ = [
    "analytic_size_check",
    "few_treated_check",
    "hidden_active_check",
    "leave_one_out_check",
    "neighbour_years_check",
    "pre_period_check",
    "pre_trends_check",
    "turned_without",
    "uncertain_check",
    "years_stated_checks",
]

ENOUGH_PRE_YEARS = 3
TOLERATED_SIZE = 1.3
ENOUGH_HIDDEN = 0.10


def few_treated_check(design: Design) -> Check:
    """Ask whether there are enough treated and controls for an analytic error."""
    n1, n0 = len(design.treated), len(design.controls)
    return Check(
        "few_treated",
        min(n1, n0) >= ENOUGH_UNITS,
        f"{n1} behandlade kommuner mot {n0}; under {ENOUGH_UNITS} på någon sida "
        "håller vanliga intervall inte sin nivå.",
        f"{n1} treated municipalities against {n0}; with fewer than {ENOUGH_UNITS} on either "
        "side the usual intervals do not keep their level.",
        float(min(n1, n0)),
        float(ENOUGH_UNITS),
    )


def analytic_size_check(cs: float, twfe: float, alpha: float) -> Check:
    """Ask how often the usual tests reject where nothing is known to have happened."""
    limit = TOLERATED_SIZE * alpha
    if not np.isfinite(cs):
        return Check(
            "analytic_size",
            None,
            "Ingen placebostudie utan en behandlad kommun finns att mäta på.",
            "There is no placebo study without a treated municipality to measure on.",
        )
    return Check(
        "analytic_size",
        max(cs, twfe) <= limit,
        "När samma startår ges åt kommuner av liknande storlek i jämförelsegruppen förkastar "
        f"Callaway–Sant'Annas test (kohortmedel) i {per_cent(cs, 'sv', 1)} av fallen och "
        f"regressionens i {per_cent(twfe, 'sv', 1)}, i stället för {level(alpha, 'sv')}. "
        "Påverkar inte graden: huvudresultatet vilar inte på dem.",
        "When the same start years are given to municipalities of similar size in the comparison "
        f"group, the Callaway–Sant'Anna test (cohort aggregate) rejects in "
        f"{per_cent(cs, 'en', 1)} of cases and the regression's in {per_cent(twfe, 'en', 1)}, "
        f"instead of {level(alpha, 'en')}. Does not touch the grade: the headline does not rest "
        "on them.",
        cs,
        limit,
    )


def pre_period_check(design: Design, panel: Panel) -> Check:
    """Ask whether every treated municipality has years enough before adoption."""
    years = {t.name: t.base_year + 1 - panel.years[0] for t in design.treated}
    name = min(years, key=lambda k: years[k])
    shortest = years[name]
    return Check(
        "pre_period",
        shortest >= ENOUGH_PRE_YEARS,
        f"Kortaste förperioden är {shortest} år ({name}); under {ENOUGH_PRE_YEARS} kan "
        "parallella trender inte bedömas.",
        f"The shortest pre-period is {shortest} year(s) ({name}); with fewer than "
        f"{ENOUGH_PRE_YEARS} parallel trends cannot be judged.",
        float(shortest),
        float(ENOUGH_PRE_YEARS),
    )


def pre_trends_check(p: float, n_times: int, alpha: float) -> Check:
    """Ask whether the years before adoption differ more than in placebo studies."""
    return Check(
        "pre_trends",
        p > alpha,
        f"Största avvikelsen bland {n_times} förperioder, permutationstest: "
        f"{p_value(p, 'sv')}. Ett högt värde är ingen garanti för parallella trender.",
        f"Largest deviation among {n_times} pre-periods, permutation test: {p_value(p, 'en')}. "
        "A high value does not guarantee parallel trends.",
        p,
        alpha,
    )


def years_stated_checks(design: Design) -> tuple[Check, ...]:
    """Ask whether every start year stands in a document, or in the plan's coding sheets.

    Empty where the data are simulated: such a start stands nowhere, and is known to the month.
    """
    if not any(t.start_document for t in design.treated):
        return ()
    assumed = [t.name for t in design.treated if t.assumed]
    # only a coder's start belongs to no model of the documents
    sheets = not any(t.model for t in design.treated)
    where_sv, where_en = (
        ("kodbladen", "the coding sheets") if sheets else ("ett dokument", "a document")
    )
    check = Check(
        "years_stated",
        not assumed,
        f"Startåret är antaget för {listed(assumed, 'sv')}."
        if assumed
        else f"Varje startår står i {where_sv}.",
        f"The start year is assumed for {listed(assumed, 'en')}."
        if assumed
        else f"Every start year stands in {where_en}.",
        float(len(assumed)),
        0.0,
    )
    return (check,)


def neighbour_years_check(estimate: float, low: float, high: float, n: int) -> Check:
    """Ask whether the sign holds over all combinations of neighbouring start years."""
    same = bool(np.sign(low) == np.sign(high) == np.sign(estimate))
    return Check(
        "neighbour_years",
        same,
        f"Över alla {number(n, 'sv', 0)} kombinationer av närliggande startår går skattningen från "
        f"{interval(low, high, 'sv')}; tecknet är {'detsamma' if same else 'inte detsamma'}.",
        f"Over all {number(n, 'en', 0)} combinations of neighbouring start years the estimate goes "
        f"from {interval(low, high, 'en')}; the sign is {'the same' if same else 'not the same'}.",
        low if abs(low) < abs(high) else high,
        0.0,
    )


def hidden_active_check(hidden: HiddenActive) -> Check:
    """Ask what share of the comparison group would have to be active to turn the sign."""
    share = hidden.sign_share
    if share is None:
        sv = "Ingen andel av jämförelsegruppen vänder tecknet."
        en = "No share of the comparison group turns the sign."
    else:
        sv = (
            f"I värsta fall räcker det att {hidden.sign_lost_at} av {hidden.n_controls} "
            f"jämförelsekommuner ({per_cent(share, 'sv', 1)}) också är aktiva för att tecknet ska "
            "vändas."
        )
        en = (
            f"In the worst case it takes {hidden.sign_lost_at} of {hidden.n_controls} comparison "
            f"municipalities ({per_cent(share, 'en', 1)}) being active too to turn the sign."
        )
    lost, at = hidden.significance_share, hidden.significance_lost_at
    if at == 0:
        sv += " Signifikansen kan inte gå förlorad: skattningen är inte signifikant."
        en += " Significance cannot be lost: the estimate is not significant."
    elif lost is not None:
        sv += f" Signifikansen går förlorad vid {at} ({per_cent(lost, 'sv', 1)})."
        en += f" Significance is lost at {at} ({per_cent(lost, 'en', 1)})."
    else:
        sv += " Signifikansen håller tills tecknet vänds."
        en += " Significance holds until the sign turns."
    return Check(
        "hidden_active",
        share is None or share > ENOUGH_HIDDEN,
        sv,
        en,
        share,
        ENOUGH_HIDDEN,
    )


def turned_without(
    estimate: float, without: Mapping[str, Estimate], design: Design
) -> tuple[str, str] | None:
    """Name each municipality without which the sign turns, one at a time, in both languages."""
    names = {t.code: t.name for t in design.treated}
    turned = [names[c] for c, e in without.items() if np.sign(e.estimate) != np.sign(estimate)]
    if not turned:
        return None
    sv, en = [f"utan {n}" for n in turned], [f"without {n}" for n in turned]
    if len(turned) == 1:
        return sv[0], en[0]
    return (
        f"{', '.join(sv[:-1])} respektive {sv[-1]}",
        f"{', '.join(en[:-1])} or {en[-1]}",
    )


def leave_one_out_check(estimate: float, without: Mapping[str, Estimate], design: Design) -> Check:
    """Ask whether the sign holds without each treated municipality in turn."""
    turned = turned_without(estimate, without, design)
    values = [e.estimate for e in without.values()]
    low, high = min(values), max(values)
    sv = f"Utan en kommun i taget går skattningen från {interval(low, high, 'sv')}"
    en = f"Without one municipality at a time the estimate goes from {interval(low, high, 'en')}"
    if turned:
        sv += f"; tecknet vänds {turned[0]}."
        en += f"; the sign turns {turned[1]}."
    else:
        sv += "; tecknet är detsamma."
        en += "; the sign is the same."
    return Check("leave_one_out", turned is None, sv, en, low if estimate > 0 else high, 0.0)


def uncertain_check(estimate: float, alternative: float, n: int, *, joined: bool) -> Check:
    """Ask whether the sign holds when the uncertain municipalities change their part."""
    same = bool(np.sign(estimate) == np.sign(alternative))
    where_sv = "räknade till jämförelsen" if joined else "utanför jämförelsen"
    where_en = "counted in the comparison" if joined else "out of the comparison"
    return Check(
        "same_treatment_of_uncertain",
        same,
        f"Med de {n} kommunerna med osäker hållning {where_sv} blir skattningen "
        f"{number(alternative, 'sv')} i stället för {number(estimate, 'sv')}.",
        f"With the {n} municipalities of uncertain stance {where_en} the estimate is "
        f"{number(alternative, 'en')} instead of {number(estimate, 'en')}.",
        alternative,
        0.0,
    )
