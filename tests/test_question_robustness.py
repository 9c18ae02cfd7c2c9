"""Does the answer hold: every diagnostic of a study, computed another way."""

import dataclasses
import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from evaluation import (
    Panel,
    callaway_santanna,
    contrasts,
    embedded_panel,
    event_study,
    load_plan,
    municipalities,
    run_study,
    write_report,
)
from evaluation.data.embedded import load
from evaluation.data.registry import INDICATORS
from evaluation.design.comparison import nearest_in_size
from evaluation.estimation.diagnostics.bacon import bacon_decomposition
from evaluation.estimation.diagnostics.refits import Refits
from evaluation.estimation.few_treated.auto import auto_inference
from evaluation.estimation.few_treated.contrasts import event_contrasts
from evaluation.estimation.few_treated.permutation import (
    matched_assignments,
    max_statistic_p,
    permutation_test,
    placebo_estimates,
)
from evaluation.plan import plan_from_dict
from evaluation.questions.curve import curve_check
from evaluation.questions.robustness import honest_finding
from evaluation.questions.rule import calibrated_level_check, rule_checks
from evaluation.questions.selection import selection_checks
from evaluation.questions.trend_power import implied_effect, trend_power, trend_power_check
from evaluation.report.curve_figure import read_curve

OUTCOMES = ["foreign_background", "low_economic_standard"]


@pytest.fixture(params=OUTCOMES)
def outcome(request, study):
    return study.outcomes[request.param]


def checks(outcome):
    return {c.name: c for c in outcome.checks}


def own_plan(folder, panel, text, **changes):
    """Write a plan on a panel of one's own; ``changes`` go into its parts."""
    long = panel.long().rename(columns={"unit": "code", "time": "year"})
    long.to_csv(folder / "own.csv", index=False)
    plan = yaml.safe_load(text)
    entry = {
        "id": "own_share",
        "file": "own.csv",
        "label": {"sv": "egen andel", "en": "own share"},
        "unit": {"sv": "procent", "en": "per cent"},
        "source": "Egen fil",
    }
    plan["outcomes"] = [entry | changes.pop("outcome", {})]
    del plan["case"], plan["context"]
    for part, values in changes.items():
        plan[part] |= values
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan, allow_unicode=True), encoding="utf-8")
    return load_plan(folder / "plan.yaml")


# the rule's test


def test_the_rules_rows_are_the_librarys(outcome, study):
    panel = embedded_panel(outcome.indicator.id)
    inner = panel.select([*study.design.treated_codes, *study.design.controls])
    size = municipalities()["population_2017"]
    direct = auto_inference(inner, study.design.cohort(), size=size)
    found = outcome.finding.estimates
    rows = ["permutation", "rule_integrated_t", "rule_among_peers", "companion_welch"]
    assert list(found)[:4] == rows
    near = nearest_in_size(study.design.treated_codes, study.design.controls, size, 30)
    codes = [*study.design.treated_codes, *near]
    peers = auto_inference(panel.select(codes), study.design.cohort()[codes], size=size)
    assert found["rule_among_peers"] == peers.result
    assert found["rule_integrated_t"] == direct.result
    assert (found["companion_welch"],) == direct.companions
    assert found["rule_integrated_t"].estimate == pytest.approx(outcome.headline.estimate)
    assert {c.name for c in direct.checks} <= set(checks(outcome))


def test_the_calibration_is_cited_from_its_own_rows(outcome):
    table = load("calibration")
    rows = table[
        (table["n_units"] == "290")
        & (table["n_treated"] == "4")
        & (table["treated"] == "random")
        & (table["adoption"] == "staggered")
    ]
    shares = [
        f"{100 * float(v):.1f}".replace(".", ",")
        for column in ("size", "analytic")
        for v in (rows[column].astype(float).min(), rows[column].astype(float).max())
    ]
    text = checks(outcome)["calibrated_level"].text_sv.replace("\u00a0", " ")
    assert f"i {shares[0]}–{shares[1]} % av fallen" in text
    assert f"det analytiska testet i {shares[2]}–{shares[3]} %" in text
    assert "290 enheter, 4 behandlade" in text


@pytest.mark.parametrize(
    ("low", "high", "passed"), [(0.04, 0.06, True), (0.04, 0.08, False), (0.01, 0.05, False)]
)
def test_a_cell_outside_the_band_does_not_pass(outcome, low, high, passed):
    cell = dataclasses.replace(outcome.cell, lowest=low, highest=high)
    assert calibrated_level_check(outcome.rule, cell).passed is passed


def test_no_cell_and_no_p_value(outcome):
    assert calibrated_level_check(outcome.rule, None).passed is None
    refused = dataclasses.replace(
        outcome.rule, result=dataclasses.replace(outcome.rule.result, p_value=None)
    )
    check = calibrated_level_check(refused, outcome.cell)
    assert check.passed is False
    assert "inget p-värde" in check.text_sv
    assert "no p-value" in check.text_en


def test_change_that_goes_with_size_says_why_matched_sets_are_the_headline(study):
    found = {k: checks(o)["change_and_size"] for k, o in study.outcomes.items()}
    assert found["foreign_background"].passed is False
    assert "Därför är permutationen huvudresultat: den mäter skattningen mot vad kommuner av" in (
        found["foreign_background"].text_sv
    )
    assert found["low_economic_standard"].passed is True
    assert "huvudresultat" not in found["low_economic_standard"].text_sv
    outcome = study.outcomes["foreign_background"]
    ruled = {c.name: c for c in rule_checks(outcome.rule, outcome.cell, headline=True)}
    assert "Huvudresultatet vilar på regeln" in ruled["change_and_size"].text_sv
    assert "The headline rests on the rule" in ruled["change_and_size"].text_en


@pytest.fixture(scope="module")
def by_rule(quick_plan, tmp_path_factory):
    """The first outcome under the rule: its study and its page."""
    content = quick_plan.model_dump(mode="json")
    content["estimation"] |= {"inference": "auto", "draws": 99}
    content |= {"outcomes": ["foreign_background"], "case": None, "context": []}
    plan = plan_from_dict(content)
    folder = write_report(plan, tmp_path_factory.mktemp("rule") / "out", formats=["html"])
    return run_study(plan), folder


def test_under_auto_headline_sentence_and_grade_follow_the_rule(by_rule, study):
    found, folder = by_rule
    outcome, plain = found.outcomes["foreign_background"], study.outcomes["foreign_background"]
    rule = plain.finding.estimates["rule_integrated_t"]
    assert next(iter(outcome.finding.estimates)) == "rule_integrated_t"
    assert outcome.headline == rule
    assert "intervall enligt regeln −1,74 till 1,56" in outcome.finding.sentence_sv
    assert "interval by the rule −1.74 to 1.56" in outcome.finding.sentence_en
    assert "förändringen hänger ihop med kommunens storlek" in outcome.finding.grade_reason_sv
    assert "förändringen hänger ihop" not in plain.finding.grade_reason_sv
    chosen = next(n for n in outcome.neighbours if n.chosen)
    assert chosen.result == rule
    assert all(e.inference.startswith("auto") for e in outcome.without.values())
    assert all(e.inference.startswith("auto") for e in outcome.per_unit.values())
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "varianssamband (huvudresultat)" in html
    assert "permutationsintervall (huvudresultat)" not in html
    assert "följer regeln för få behandlade" in " ".join(html.split())


def test_where_no_test_is_valid_the_report_says_so_and_gives_none(tmp_path, plan_text):
    """Four treated and six others: fewer units than the rule takes."""
    treated = ["2321", "1233", "1264", "1287"]
    others = ["0114", "0115", "0117", "0120", "0123", "0125"]
    panel = embedded_panel("foreign_background").select([*treated, *others])
    plan = own_plan(
        tmp_path,
        panel,
        plan_text,
        comparison={"donors_per_treated": 1},
        estimation={"inference": "auto", "draws": 99},
    )
    out = write_report(plan, tmp_path / "out", formats=["html"])
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    found = results["outcomes"]["own_share"]
    assert found["rule"]["name"] == "none"
    assert found["rule"]["cell"] is None
    headline = found["finding"]["estimates"]["rule_none"]
    assert headline["p_value"] is None
    assert headline["conf_int"] == [None, None]
    assert "Inget känt test håller sin nivå här" in found["finding"]["sentence_sv"]
    assert "testets nivå är inte belagd" in found["finding"]["grade_reason_sv"]
    assert results["holm"] == {"own_share": None}
    assert "calibration" not in results["data"]
    html = (out / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"\bnan\b", html, re.IGNORECASE)
    # one donor each: every municipality of a set changes like itself alone
    assert found["robustness"]["power"] is None


# what the pre-periods can show


def small_design(seed, n_units=24, treated=(0, 1)):
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    values = pd.DataFrame(rng.normal(size=(n_units, 9)).cumsum(axis=1), columns=range(2000, 2009))
    values.index = [f"u{i:02d}" for i in range(n_units)]
    cohort = pd.Series(0, index=values.index)
    cohort.iloc[list(treated)] = [2004, 2006]
    panel = Panel("y", values)
    main = contrasts(panel, cohort)
    half = n_units // 2
    sets = [[f"u{i:02d}" for i in (k, *range(2 + k, n_units, 2))] for k in treated]
    assert half == len(sets[0])
    return panel, cohort, main, matched_assignments(main, sets, 10_000, 1)


def test_the_power_against_a_trend_is_that_of_refitted_studies():
    panel, cohort, main, picks = small_design(5)
    before = {e: c for e, c in event_contrasts(panel, cohort).items() if e < 0}
    found = trend_power(before, picks, implied=implied_effect(main, 2008))
    reference = picks[:499]
    studies = picks[~np.isin(picks, main.slots).any(axis=1)][:500]
    assert found.n_studies == len(studies)
    assert found.n_assignments == len(reference) == len(picks)
    for k in (0, 3, 6):
        slope, rejected = found.slopes[k], 0
        for treated in studies:
            values = panel.values.copy()
            values.iloc[treated] += slope * np.arange(9)
            moved = event_contrasts(Panel("y", values), cohort)
            parts = {}
            for e in before:
                # the study's own units in the slots, so that its estimate is the real one
                c = moved[e]
                own = SimpleNamespace(d=c.d, slots=c.slots, weight=c.weight, units=c.units)
                own.estimate = lambda c=c, t=treated: float(
                    placebo_estimates(c, c.d, t[None, :])[0]
                )
                parts[e] = own
            rejected += max_statistic_p(parts, reference)[1] <= 0.05
        assert found.power[k] == pytest.approx(rejected / len(studies))
    assert found.power[-1] == 1.0
    assert np.interp(found.found_mostly, found.slopes, found.power) == pytest.approx(0.8, abs=0.05)


def test_a_trend_alone_looks_like_the_implied_effect():
    _, cohort, _, _ = small_design(5)
    flat = pd.DataFrame(0.0, index=cohort.index, columns=range(2000, 2009))
    flat.loc[cohort > 0] = 0.3 * np.arange(9)
    for estimand in ("cohort", "simple"):
        c = contrasts(Panel("y", flat), cohort, estimand)
        assert c.estimate() == pytest.approx(0.3 * implied_effect(c, 2008))


def test_too_few_assignments_have_no_power_to_measure():
    panel, cohort, main, picks = small_design(5)
    before = {e: c for e, c in event_contrasts(panel, cohort).items() if e < 0}
    implied = implied_effect(main, 2008)
    assert trend_power(before, picks[:10], implied=implied) is None
    assert trend_power({}, picks, implied=implied) is None
    with_treated = picks[np.isin(picks, main.slots).any(axis=1)]
    assert trend_power(before, with_treated, implied=implied) is None
    assert trend_power_check(None, 1.0).passed is None


def test_the_check_on_trends_weighs_the_estimate_against_what_could_hide(outcome):
    found = outcome.robust.trend_power
    looks = found.found_mostly * found.implied
    assert trend_power_check(found, 1.01 * looks).passed is True
    assert trend_power_check(found, -0.99 * looks).passed is False
    blind = dataclasses.replace(found, found_mostly=None)
    assert trend_power_check(blind, 100.0).passed is False


# sensitivity to parallel trends


def long_panel(n_treated, first=2005):
    rng = np.random.default_rng(np.random.SeedSequence(7))
    values = pd.DataFrame(rng.normal(size=(60, 10)), columns=range(2000, 2010))
    values.index = [f"u{i:02d}" for i in range(60)]
    cohort = pd.Series(0, index=values.index)
    cohort.iloc[:n_treated] = first
    values.iloc[:n_treated, first - 2000 :] += 5
    return Panel("y", values), cohort


@pytest.mark.parametrize("n_treated", [4, 10])
def test_honest_intervals_only_where_the_covariance_is_valid(n_treated):
    panel, cohort = long_panel(n_treated)
    gt = callaway_santanna(panel, cohort)
    found, check = honest_finding(gt, event_study(gt, seed=1), 60 - n_treated, alpha=0.05, seed=1)
    assert check.name == "honest_did"
    if n_treated < 8:
        assert (found, check.passed) == (None, None)
        assert "Visas inte" in check.text_sv
        return
    assert found.estimate == pytest.approx(5, abs=1)
    assert found.target == pytest.approx([0.2] * 5)
    assert 0 < found.breakdown < np.inf
    assert check.statistic == found.breakdown


def test_honest_intervals_need_two_years_before():
    panel, cohort = long_panel(10, first=2001)
    gt = callaway_santanna(panel, cohort)
    found, check = honest_finding(gt, event_study(gt, seed=1), 50, alpha=0.05, seed=1)
    assert (found, check.passed) == (None, None)
    assert "två år före starten" in check.text_sv


# other choices


def test_the_curve_holds_the_headline_and_its_neighbours(outcome):
    rows = outcome.robust.curve.tidy()
    assert len(rows) == 4 * 2 * 3 * 2 * 3
    plain = rows[
        (rows["sample"] == "all") & (rows["weights"] == "equal") & (rows["adoption"] == "chosen")
    ].set_index(["estimator", "controls"])["estimate"]
    found = outcome.finding.estimates
    assert plain["cs_cohort", "not_known"] == pytest.approx(found["permutation"].estimate)
    assert plain["cs_simple", "not_known"] == pytest.approx(found["cs_simple"].estimate)
    assert plain["twfe", "not_known"] == pytest.approx(found["twfe"].estimate)
    moved = found["uncertain_other_way"].estimate
    assert plain["cs_cohort", "with_uncertain"] == pytest.approx(moved)


def test_a_sample_of_the_curve_is_the_panel_without_the_others(outcome, study):
    panel = embedded_panel(outcome.indicator.id)
    rows = outcome.robust.curve.tidy().set_index(
        ["estimator", "controls", "sample", "weights", "adoption"]
    )
    codes = [*study.design.treated_codes, *study.design.controls]
    smaller = [c for c in codes if c not in ("0180", "1480", "1280")]
    expected = contrasts(panel.select(smaller), study.design.cohort()[smaller]).estimate()
    key = ("cs_cohort", "not_known", "without_metropolitan", "equal", "chosen")
    assert rows.loc[key, "estimate"] == pytest.approx(expected)
    low, high = (f([s[k] for s in outcome.set_sizes.values()]) for f, k in ((min, 1), (max, 2)))
    size = municipalities()["population_2017"]
    peers = [c for c in codes if low <= size[c] <= high]
    expected = contrasts(panel.select(peers), study.design.cohort()[peers]).estimate()
    key = ("cs_cohort", "not_known", "similar_size", "equal", "chosen")
    assert rows.loc[key, "estimate"] == pytest.approx(expected)
    latest = {t.code: t.neighbours[1] for t in study.design.treated}
    moved = study.design.cohort(**{f"c{c}": y for c, y in latest.items()})
    expected = contrasts(panel.select(codes), moved).estimate()
    key = ("cs_cohort", "not_known", "all", "equal", "latest")
    assert rows.loc[key, "estimate"] == pytest.approx(expected)


def test_the_curve_is_judged_beside_the_headline(outcome):
    curve = outcome.robust.curve
    sure = curve.check().passed
    alike = dataclasses.replace(
        outcome.headline, p_value=0.01 if sure else 0.5, estimate=float(np.median(curve.estimate))
    )
    unlike = dataclasses.replace(alike, p_value=0.5 if sure else 0.01)
    turned = dataclasses.replace(alike, estimate=-alike.estimate)
    assert curve_check(curve, alike).passed is True
    assert curve_check(curve, unlike).passed is False
    assert "säger inte detsamma" in curve_check(curve, unlike).text_sv
    assert curve_check(curve, turned).passed is False


def test_the_drawn_curve_is_that_of_the_results(outcome):
    plain = json.loads(json.dumps(outcome.robust.curve.to_dict()))
    again = read_curve(plain, "sv")
    assert again.estimate == outcome.robust.curve.estimate
    assert again.null_low == outcome.robust.curve.null_low
    assert again.choices[0].keys() == {
        "estimator", "Jämförelsegrupp", "sample", "weights", "adoption"
    }  # fmt: skip
    assert {c["sample"] for c in again.choices} == {"alla", "utan storstäder", "liknande storlek"}


# placebos, miscoding, weights, power


def test_placebo_dates_use_nothing_from_the_start_on(outcome, study):
    panel = embedded_panel(outcome.indicator.id)
    found = outcome.robust.dates
    assert found.labels == ("−1", "−2", "−3")
    wide = panel.values
    for k, estimate in zip((1, 2, 3), found.values, strict=True):
        own = []
        for t in study.design.treated:
            if t.first_year - k - 1 < panel.years[0]:
                continue
            years = list(range(t.first_year - k, t.first_year))
            change = wide[years].mean(axis=1) - wide[t.first_year - k - 1]
            own.append(change[t.code] - change[list(study.design.controls)].mean())
        assert estimate == pytest.approx(np.mean(own))
    smallest = min(e.p_value for e in found.estimates)
    check = checks(outcome)["placebo_dates"]
    assert check.statistic == pytest.approx(min(1.0, 3 * smallest))


def test_one_miscoded_is_one_left_out(outcome, study):
    found = outcome.robust.miscoded
    alone = [e.estimate for e in outcome.without.values()]
    assert (found.low[0], found.high[0]) == pytest.approx((min(alone), max(alone)))
    check = checks(outcome)["miscoded_treated"]
    at = found.sign_lost_at
    assert check.passed is (at is None or at > 2)
    names = {t.code: t.name for t in study.design.treated}
    if at is not None:
        assert all(names[c] in check.text_sv for c in found.worst[at - 1])


def test_the_regression_is_taken_apart(outcome):
    found = outcome.robust
    beta = outcome.finding.estimates["twfe"].estimate
    assert found.bacon.beta == pytest.approx(beta)
    assert found.weights.beta == pytest.approx(beta)
    inner = outcome.inference.panel
    assert found.bacon == bacon_decomposition(inner, outcome.inference.design.cohort())
    assert {"bacon", "negative_weights"} <= set(checks(outcome))


def test_power_is_measured_on_the_comparison_group(outcome, study):
    found = outcome.robust.power
    assert found.n_units == outcome.n_controls
    assert found.n_treated_units == 4
    assert found.cohort_year == 2015  # the mean of 2012, 2013, 2017 and 2018
    assert found.detectable is not None
    # an effect of that size lies outside the interval's half-width, about 2.8 to 2 errors
    low, high = outcome.headline.conf_int
    assert 1.1 < found.detectable / ((high - low) / 2) < 1.8
    text = study.to_dict()["outcomes"][outcome.indicator.id]["robustness"]["power"]
    assert "som om alla hade börjat år 2015" in text["sentence_sv"]
    assert "as if all had started in 2015" in text["sentence_en"]


def test_a_shared_start_year_and_a_change_of_definition(tmp_path, plan_text):
    """Two municipalities of one cohort: it is left out whole. The break is looked at too."""
    text = plan_text.replace("assumed_first_year: 2017", "assumed_first_year: 2018")
    panel = embedded_panel("foreign_background")
    plan = own_plan(tmp_path, panel, text, outcome={"break_year": 2018})
    outcome = run_study(plan).outcomes["own_share"]
    assert outcome.robust.cohorts.labels == ("2012", "2013", "2018")
    alone = outcome.without["2321"].estimate
    assert outcome.robust.cohorts.values[0] == pytest.approx(alone)
    design = outcome.inference.design
    keep = [c for c in [*design.treated_codes, *design.controls] if c not in ("1233", "1264")]
    expected = contrasts(panel.select(keep), design.cohort()[keep]).estimate()
    assert outcome.robust.cohorts.values[2] == pytest.approx(expected)
    assert outcome.robust.donut.labels == ("before", "donut")
    found = checks(outcome)
    assert "definitionsbytet 2018" in found["definition_break"].text_sv
    assert found["leave_one_cohort_out"].text_en.startswith("Without one start year at a time")


def test_cohorts_of_one_and_outcomes_without_a_break_are_not_asked(outcome):
    assert outcome.robust.cohorts is None
    assert outcome.robust.donut is None
    assert not {"leave_one_cohort_out", "definition_break"} & set(checks(outcome))


# several outcomes


def test_outcomes_are_tested_together_under_the_same_assignments(study):
    together = study.to_dict()["multiple_testing"]
    rows = {r["outcome"]: r for r in together["rows"]}
    for name, outcome in study.outcomes.items():
        assert rows[name]["p_value"] == pytest.approx(outcome.headline.p_value)
        assert rows[name]["p_value"] <= rows[name]["romano_wolf"] <= rows[name]["holm"] + 1e-12
    assert {k: r["holm"] for k, r in rows.items()} == pytest.approx(study.to_dict()["holm"])


def test_outcomes_of_unlike_units_are_not_tested_together(study):
    first = study.outcomes["foreign_background"]
    fewer = first.inference.panel.units[:-1]
    smaller = dataclasses.replace(first.inference, panel=first.inference.panel.select(fewer))
    changed = study.outcomes | {"foreign_background": dataclasses.replace(first, inference=smaller)}
    found = dataclasses.replace(study, outcomes=changed).to_dict()
    assert found["multiple_testing"] is None
    assert set(found["holm"]) == set(OUTCOMES)


# a municipality picked for its figures


def test_the_picked_municipality_is_followed_after_the_pick(study):
    found = study.case.selection
    panel = embedded_panel("foreign_background")
    wide, controls = panel.values, list(study.design.controls)

    def change(years):
        moved = wide[years].mean(axis=1) - wide[2011]
        return moved["2321"] - moved[controls].mean()

    assert found.after.base.estimate == pytest.approx(change(list(range(2012, 2026))))
    assert found.after.estimates[0].estimate == pytest.approx(change(list(range(2018, 2026))))
    alone = study.outcomes["foreign_background"].per_unit["2321"]
    assert found.after.base.estimate == pytest.approx(alone.estimate)
    assert found.after.base.p_value == pytest.approx(alone.p_value)
    told = {c.name: c for c in study.case.finding.checks}
    assert "på åren efter 2017" in told["after_selection"].text_sv
    assert told["after_selection"].passed is True


def test_the_highest_and_the_fastest_of_the_comparison_group_by_hand(study):
    found = study.case.selection
    wide = embedded_panel("foreign_background").values.loc[list(study.design.controls)]
    steps = wide.diff(axis=1).iloc[:, 1:]
    lead = []
    for start in range(1, steps.shape[1] - 2 - 3 + 1):
        window = steps.iloc[:, start : start + 2].mean(axis=1)
        lead.append(window.max() - window.mean())
    assert found.growth.lead == pytest.approx(np.mean(lead))
    assert found.growth.n_units == found.level.n_units == 279
    assert "2321" not in {u for _, u in found.level.picks}


def test_a_pick_in_the_last_year_leaves_nothing_to_estimate(study):
    found = study.case.selection
    nothing = dataclasses.replace(
        found, year=2025, level=None, after=Refits("selection", found.after.base, (), ())
    )
    (check,) = selection_checks(nothing, INDICATORS["foreign_background"])
    assert (check.name, check.passed) == ("after_selection", None)


def test_a_case_without_a_pick_has_no_such_checks(quick_plan):
    content = quick_plan.model_dump(mode="json")
    content["case"]["picked"] = None
    content["estimation"]["draws"] = 99
    content |= {"outcomes": ["foreign_background"], "context": []}
    case = run_study(plan_from_dict(content)).case
    assert case.selection is None
    assert {c.name for c in case.finding.checks} == {"pre_period", "own_peak"}


def test_the_alone_interval_is_a_permutation_over_its_set(outcome):
    inference = outcome.inference
    unit = inference.design.treated[0]
    (members,) = inference.alone_sets(unit)
    panel = inference.panel.select([unit.code, *inference.design.controls])
    cohort = pd.Series(0, index=panel.units)
    cohort[unit.code] = unit.first_year
    c = contrasts(panel, cohort)
    picks = np.array([[panel.units.index(u)] for u in members[1:]])
    like = outcome.per_unit[unit.code]
    direct = permutation_test(c, picks, seed=1, like=like, mechanism="all").result
    assert like.p_value == pytest.approx(direct.p_value)
    assert like.conf_int == pytest.approx(direct.conf_int)
