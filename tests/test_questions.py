"""What a study says: the headline beside its checks, each recomputed another way."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest

from evaluation import (
    Check,
    Panel,
    aggregate,
    callaway_santanna,
    contrasts,
    embedded_panel,
    load_plan,
    municipalities,
    run_study,
    two_way_fixed_effects,
)
from evaluation.data.registry import INDICATORS
from evaluation.design.treatment import design_from_plan
from evaluation.plan import plan_from_dict
from evaluation.questions.case import analyse_case
from evaluation.questions.checks import ENOUGH_HIDDEN, turned_without
from evaluation.questions.grading import REASONS, RULE_REASONS, grade, reasons
from evaluation.report.tables import make_tables

OUTCOMES = ["foreign_background", "low_economic_standard"]


@pytest.fixture(params=OUTCOMES)
def analysis(request, study):
    """An outcome's analysis, with the panel and the cohorts that it rests on."""
    panel = embedded_panel(request.param)
    inner = panel.select([*study.design.treated_codes, *study.design.controls])
    return study.outcomes[request.param], inner, study.design.cohort()


def checks(outcome):
    return {c.name: c for c in outcome.checks}


def without(panel, cohort, *codes):
    keep = [u for u in panel.units if u not in codes]
    return panel.select(keep), cohort[keep]


def test_the_headline_and_the_usual_numbers_are_those_of_the_library(analysis):
    outcome, panel, cohort = analysis
    found = outcome.finding.estimates
    gt = callaway_santanna(panel, cohort)
    assert next(iter(found)) == "permutation"
    assert found["permutation"].estimate == pytest.approx(aggregate(gt, "cohort").estimate)
    for estimand in ("simple", "cohort", "dynamic", "calendar"):
        assert found[f"cs_{estimand}"] == aggregate(gt, estimand)
    assert found["twfe"] == two_way_fixed_effects(panel, cohort)
    assert outcome.headline.seed == 20171205
    assert len(outcome.placebo) == 499


def test_nobody_uncertain_is_compared_unless_the_plan_says_so(analysis, study):
    outcome, _, _ = analysis
    assert outcome.headline.n_units == 4 + 279
    other = outcome.finding.estimates["uncertain_other_way"]
    assert other.n_units == 4 + 286
    codes = [*study.design.treated_codes, *study.design.controls, *study.design.excluded]
    panel = embedded_panel(outcome.indicator.id).select(codes)
    cohort = pd.Series(0, index=codes)
    cohort.update(study.design.cohort())
    assert other.estimate == pytest.approx(contrasts(panel, cohort).estimate())


def test_every_municipality_alone(analysis, study):
    outcome, panel, cohort = analysis
    treated = study.design.treated_codes
    assert list(outcome.per_unit) == treated
    for code, found in outcome.per_unit.items():
        alone = without(panel, cohort, *(c for c in treated if c != code))
        assert found.estimate == pytest.approx(contrasts(*alone).estimate())
        assert found.n_treated_units == 1
    mean = np.mean([e.estimate for e in outcome.per_unit.values()])
    assert outcome.headline.estimate == pytest.approx(mean)


def test_leaving_one_out(analysis, study):
    outcome, panel, cohort = analysis
    assert list(outcome.without) == study.design.treated_codes
    for code, found in outcome.without.items():
        assert found.estimate == pytest.approx(contrasts(*without(panel, cohort, code)).estimate())
        assert (found.n_treated_units, found.n_units) == (3, 282)
    signs = {np.sign(e.estimate) for e in outcome.without.values()}
    assert checks(outcome)["leave_one_out"].passed is (
        signs == {np.sign(outcome.headline.estimate)}
    )


def test_every_combination_of_neighbouring_years(analysis, study):
    """All of them fitted anew, years that the outcome cannot carry left out."""
    outcome, panel, cohort = analysis
    spans = [
        [y for y in range(t.neighbours[0], t.neighbours[1] + 1) if y > panel.years[0]]
        for t in study.design.treated
    ]
    estimates = []
    for years in itertools.product(*spans):
        moved = cohort.copy()
        moved[study.design.treated_codes] = years
        estimates.append(contrasts(panel, moved).estimate())
    low, high, n = outcome.neighbour_range
    assert n == len(estimates)
    # 3·3·4·4; with data from 2011 the years 2011 of Åre and of Trelleborg fall away
    assert n == {"foreign_background": 144, "low_economic_standard": 72}[outcome.indicator.id]
    assert (low, high) == pytest.approx((min(estimates), max(estimates)))
    same = np.sign(low) == np.sign(high) == np.sign(outcome.headline.estimate)
    assert checks(outcome)["neighbour_years"].passed is bool(same)


def test_one_start_year_moved(analysis):
    outcome, panel, cohort = analysis
    assert sum(n.chosen for n in outcome.neighbours) == 4
    for n in outcome.neighbours:
        assert n.chosen == (cohort[n.code] == n.year)
        if n.year <= panel.years[0]:
            assert n.result is None
            continue
        moved = cohort.copy()
        moved[n.code] = n.year
        assert n.result.estimate == pytest.approx(contrasts(panel, moved).estimate())


def test_matched_sets_hold_municipalities_of_the_same_size(analysis, study):
    outcome, _, _ = analysis
    size = municipalities()["population_2017"]
    for t in study.design.treated:
        donors, smallest, largest = outcome.set_sizes[t.code]
        assert donors == 30
        assert smallest < size[t.code] < largest
        assert largest / smallest < 2.5


def test_the_worst_case_starts_at_the_headline(analysis):
    outcome, _, _ = analysis
    assert outcome.hidden.p_at_start == pytest.approx(outcome.headline.p_value)
    assert outcome.hidden.estimates[0] == pytest.approx(outcome.headline.estimate)
    share = outcome.hidden.sign_share
    assert checks(outcome)["hidden_active"].passed is (share is None or share > ENOUGH_HIDDEN)


def test_checks_of_the_design(analysis, study):
    outcome, panel, cohort = analysis
    found = checks(outcome)
    assert found["few_treated"].passed is False
    assert found["few_treated"].statistic == 4
    assert found["years_stated"].passed is False
    assert "Skurup och Trelleborg" in found["years_stated"].text_sv
    shortest = cohort[cohort > 0].min() - panel.years[0]
    assert found["pre_period"].statistic == shortest
    assert found["pre_period"].passed is bool(shortest >= 3)
    assert "Åre" in found["pre_period"].text_en
    assert outcome.finding.grade == grade(outcome.checks)[0]


def test_adjusting_for_two_outcomes_by_hand(study):
    p = {k: o.headline.p_value for k, o in study.outcomes.items()}
    first, second = sorted(p, key=lambda k: p[k])
    smaller = min(1.0, 2 * p[first])
    by_hand = {first: smaller, second: max(smaller, p[second])}
    assert study.to_dict()["holm"] == pytest.approx(by_hand)


def test_the_case_rises_and_falls(study):
    case = study.case
    path = embedded_panel("foreign_background").values.loc["2321"]
    assert (case.unit.name, case.peak_year) == ("Åre", int(path.loc[2012:].idxmax()))
    found = case.finding.estimates
    gap = dict(zip(case.control.years, case.control.gap, strict=True))
    assert found["rise"].estimate == pytest.approx(gap[case.peak_year])
    assert found["last"].estimate == pytest.approx(gap[2025])
    assert found["change"].estimate == pytest.approx(gap[2025] - gap[case.peak_year])
    assert len(case.control.placebo_gap) == 279
    # the other outcome serves as a predictor by its only year before the start
    assert case.predictors == ("log population 2017", "low_economic_standard, 2011")


def own_path(values):
    """Return the case of Åre with the share of these years laid on its path since 2010."""
    panel = embedded_panel("foreign_background")
    changed = panel.values.copy()
    changed.loc["2321"] = values
    plan = load_plan("settlement")
    design = design_from_plan(plan)
    panels = {"foreign_background": Panel("foreign_background", changed)}
    unit = design.treated[0]
    return analyse_case(unit, INDICATORS["foreign_background"], panels, design, 0.05)


RISE = np.linspace(7.0, 22.0, 16)


@pytest.mark.parametrize(
    ("values", "verb_sv", "verb_en"),
    [
        (RISE, "steg andelen med utländsk bakgrund från 7,00 procent år 2010 till 22,00", "rose"),
        (RISE[::-1], "sjönk andelen med utländsk bakgrund från 22,00 procent år 2010", "fell"),
        (RISE * 0 + 9, "var andelen med utländsk bakgrund oförändrad, 9,00 procent", "unchanged"),
    ],
    ids=["highest last", "highest first", "flat"],
)
def test_a_path_without_a_peak_within_tells_only_its_ends(study, values, verb_sv, verb_en):
    case = own_path(values)
    assert list(case.finding.estimates) == ["last"]
    gap = case.control.gap[-1]
    assert case.finding.estimates["last"].estimate == pytest.approx(gap)
    assert verb_sv in case.finding.sentence_sv
    assert verb_en in case.finding.sentence_en
    assert "därefter" not in case.finding.sentence_sv
    assert "and then" not in case.finding.sentence_en
    table = make_tables(study.to_dict() | {"case": case.to_dict()}, "sv")["case"]
    assert [row["key"] for row in table.raw.to_dict("records")] == ["last"]
    assert len(table.rows) == 1


def test_no_fall_is_printed_where_the_gap_is_largest_at_the_end():
    case = own_path(RISE)
    year, rise, fall = case.own_peak
    assert (year, fall) == (2025, None)
    check = next(c for c in case.finding.checks if c.name == "own_peak")
    assert "Ingen nedgång prövas" in check.text_sv
    assert "No fall is tested" in check.text_en
    assert check.statistic == rise
    assert check.passed is (rise <= 0.05)
    assert case.to_dict()["largest_gap"]["p_fall"] is None


def test_no_fall_is_printed_where_the_outcome_never_falls():
    """Trelleborg's share rises to the last year, its gap is largest two years before."""
    plan = load_plan("settlement")
    design = design_from_plan(plan)
    panels = {o: embedded_panel(o) for o in OUTCOMES}
    unit = next(t for t in design.treated if t.name == "Trelleborg")
    case = analyse_case(unit, INDICATORS[OUTCOMES[0]], panels, design, 0.05)
    assert case.peak_year == 2025
    assert case.control.own_peak_p()[2] is not None
    assert case.own_peak == (*case.control.own_peak_p()[:2], None)
    check = next(c for c in case.finding.checks if c.name == "own_peak")
    assert "nedgången" not in check.text_sv
    assert ", the fall" not in check.text_en


def test_a_peak_within_is_told_with_units(study):
    sentence = study.case.finding.sentence_sv
    assert "steg andelen med utländsk bakgrund från 7,40 procent år 2010 till 14,77 procent" in (
        sentence
    )
    assert "sjönk sedan till 13,34 procent år 2025" in sentence
    assert "+0,18 år 2025" in sentence


def test_another_estimand_is_another_number(quick_plan, study):
    content = quick_plan.model_dump(mode="json")
    content["estimation"]["estimand"] = "simple"
    content |= {"outcomes": ["foreign_background"], "case": None, "context": []}
    other = run_study(plan_from_dict(content)).outcomes["foreign_background"]
    plain = study.outcomes["foreign_background"]
    assert other.headline.estimand == "simple"
    expected = plain.finding.estimates["cs_simple"].estimate
    assert other.headline.estimate == pytest.approx(expected)
    assert other.headline.estimate != pytest.approx(plain.headline.estimate, abs=1e-3)


def test_a_large_effect_is_found_and_said(tmp_path, plan_text):
    """Twenty points are added after the start: estimate, test, words and worst case follow."""
    panel = embedded_panel("foreign_background")
    values = panel.values.copy()
    for code, year in {"2321": 2012, "1233": 2018, "1264": 2017, "1287": 2013}.items():
        values.loc[code, year:] += 20
    long = Panel("value", values).long()
    long.columns = ["code", "year", "value"]
    long.to_csv(tmp_path / "own.csv", index=False)
    own = "{id: lifted, file: own.csv, label: {sv: a, en: a}, unit: {sv: b, en: b}, source: c}"
    text = plan_text[: plan_text.index("case:")]
    text = text.replace("[foreign_background, low_economic_standard]", f"[{own}]")
    (tmp_path / "plan.yaml").write_text(text.replace("draws: 99", "draws: 499"), encoding="utf-8")
    outcome = run_study(load_plan(tmp_path / "plan.yaml")).outcomes["lifted"]
    low, high = outcome.headline.conf_int
    assert outcome.headline.estimate == pytest.approx(20, abs=1.5)
    assert low < 20 < high
    assert outcome.headline.p_value == pytest.approx(1 / 500)
    share = "It is at least that large in 0.2\xa0% of the placebo studies"
    assert share in outcome.finding.sentence_en
    assert "är skillnaden i 0,2\xa0% av placebostudierna" in outcome.finding.sentence_sv
    assert outcome.hidden.sign_lost_at is None
    assert outcome.hidden.significance_lost_at != 0
    assert checks(outcome)["leave_one_out"].passed is True


# the grade


def answers(**passed):
    return [Check(name, value, "", "") for name, value in passed.items()]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answers(few_treated=True, pre_period=True), "moderate"),
        (answers(few_treated=False, pre_period=True), "weak"),
        (answers(few_treated=None, pre_period=True), "weak"),
        (answers(few_treated=False, pre_period=False), "very weak"),
        (answers(few_treated=False, pre_period=False, years_stated=False), "very weak"),
        (answers(analytic_size=False), "moderate"),  # it informs and does not grade
        ([], "moderate"),
    ],
)
def test_the_grade_is_a_rule(given, expected):
    assert grade(given)[0] == expected


def test_the_reason_names_who_turns_the_sign(study):
    outcome = study.outcomes["foreign_background"]
    sign = np.sign(outcome.headline.estimate)
    assert {c for c, e in outcome.without.items() if np.sign(e.estimate) != sign} == {
        "1233",
        "1287",
    }
    why = outcome.finding.grade_reason_sv, outcome.finding.grade_reason_en
    assert "utelämnas (utan Vellinge respektive utan Trelleborg)" in why[0]
    assert "left out (without Vellinge or without Trelleborg)" in why[1]
    text = checks(outcome)["leave_one_out"].text_sv
    assert text.endswith("tecknet vänds utan Vellinge respektive utan Trelleborg.")


@pytest.mark.parametrize(
    ("turned", "expected"),
    [
        ([], None),
        (["2321"], ("utan Åre", "without Åre")),
        (
            ["2321", "1233", "1264"],
            (
                "utan Åre, utan Vellinge respektive utan Skurup",
                "without Åre, without Vellinge or without Skurup",
            ),
        ),
    ],
)
def test_each_that_turns_the_sign_alone(study, turned, expected):
    outcome = study.outcomes["foreign_background"]
    without = {
        c: dataclasses.replace(e, estimate=-1.0 if c in turned else 1.0)
        for c, e in outcome.without.items()
    }
    assert turned_without(1.0, without, study.design) == expected


@pytest.mark.parametrize("name", RULE_REASONS)
def test_the_rules_checks_grade_only_where_the_headline_rests_on_it(name):
    failed = answers(**{name: False})
    assert grade(failed)[0] == "moderate"
    graded, sv, en = grade(failed, by_rule=True)
    assert graded == "weak"
    assert RULE_REASONS[name][0] in sv
    assert RULE_REASONS[name][1] in en
    assert set(reasons(by_rule=True)) == {*REASONS, *RULE_REASONS}


@pytest.mark.parametrize("name", REASONS)
def test_every_reason_is_said_in_both_languages(name):
    _, sv, en = grade(answers(**{name: False}))
    assert REASONS[name][0] in sv
    assert REASONS[name][1] in en
