"""Women and men jointly: covariance, the joint test, equivalence, the common sample, a plan."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.did.aggregation import aggregate
from evaluation.estimation.did.callaway_santanna import callaway_santanna
from evaluation.estimation.did.triple import triple_difference
from evaluation.estimation.equivalence import equivalence
from evaluation.estimation.few_treated.auto import auto_inference
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.estimation.few_treated.permutation import free_assignments, permutation_test
from evaluation.estimation.joint import combined, common_units, joint_effects, joint_placebos
from evaluation.estimation.joint_test import OUTCOMES, gap_movement, region_p_values
from evaluation.estimation.windows import Windows
from evaluation.plan import load_plan, plan_from_dict
from evaluation.questions.gender import analyse_gap, common_sample, plan_gender
from evaluation.questions.gender.gap import Test as Inference
from evaluation.questions.gender.sample import persons_behind
from evaluation.results import Estimate

YEARS = list(range(2010, 2020))


def world(effects=(6.0, 4.0), n=60, treated=12, seed=1, noise=2.0):
    """Return women's and men's panels with correlated errors, and cohorts."""
    rng = np.random.default_rng(seed)
    units = [f"u{i:03d}" for i in range(n)]
    first = np.where(np.arange(n) < treated, 2014 + np.arange(n) % 3, 0)
    on = (first[:, None] > 0) & (np.array(YEARS)[None, :] >= first[:, None])
    shared = rng.normal(0, noise, (n, len(YEARS)))
    panels = []
    for name, level, effect in zip(("K", "M"), (30.0, 41.0), effects, strict=True):
        own = rng.normal(0, noise, (n, len(YEARS))) + rng.normal(0, 4, (n, 1))
        y = level + own + shared + effect * on
        panels.append(Panel(name, pd.DataFrame(y, index=units, columns=YEARS)))
    return (*panels, pd.Series(first, index=units))


@pytest.fixture(scope="module")
def case():
    return world()


# joint effects


def test_two_units_each_side_by_hand():
    units = ["a", "b", "c", "d"]
    cohort = pd.Series([2001, 2001, 0, 0], index=units)
    # changes of women 5, 7 | 1, 3 and of men 2, 6 | 4, 0
    women = Panel(
        "K", pd.DataFrame([[0, 5], [0, 7], [0, 1], [0, 3.0]], index=units, columns=[2000, 2001])
    )
    men = Panel(
        "M", pd.DataFrame([[1, 3], [1, 7], [1, 5], [1, 1.0]], index=units, columns=[2000, 2001])
    )
    j = joint_effects(women, men, cohort)
    assert j.estimate == pytest.approx([4.0, 2.0])
    # each side: sum of cross products of deviations over n (n − 1)
    assert j.covariance == pytest.approx(np.array([[1 + 1, 2 - 2], [2 - 2, 4 + 4]]))
    # the influence function divides by n instead
    assert j.influence_covariance == pytest.approx(j.covariance / 2)
    assert j.level == pytest.approx([6.0, 5.0])
    assert j.before == pytest.approx([0.0, 1.0])
    assert j.counterfactual == pytest.approx([2.0, 3.0])
    change, slope = j.log_ratio()
    assert change == pytest.approx(math.log((6 / 5) / (2 / 3)))
    assert slope == pytest.approx([1 / 2, -1 / 3])


def test_the_difference_is_the_triple_difference(case):
    women, men, cohort = case
    for estimand in ("cohort", "simple"):
        j = joint_effects(women, men, cohort, estimand=estimand)
        triple = aggregate(triple_difference(women, men, cohort), estimand)
        assert j.difference == pytest.approx(triple.estimate, abs=1e-12)
        a = np.array([1.0, -1.0])
        assert a @ j.influence_covariance @ a == pytest.approx(triple.std_error**2, rel=1e-9)


def test_each_part_equals_the_estimate_alone(case):
    women, men, cohort = case
    windows = Windows({"u001": 1}, {"u002": 2017})
    j = joint_effects(women, men, cohort, windows=windows)
    for k, panel in enumerate((women, men)):
        alone = auto_inference(panel, cohort, windows=windows)
        assert alone.rule == "welch"
        assert j.estimate[k] == pytest.approx(alone.result.estimate, abs=1e-12)
        assert j.covariance[k, k] == pytest.approx(alone.result.std_error**2, rel=1e-9)


@pytest.mark.parametrize("loading", [(1.0, -1.0), (0.5, 2.0), (-1.0, 3.0)])
def test_the_covariance_gives_the_variance_of_any_combination(case, loading):
    women, men, cohort = case
    j = joint_effects(women, men, cohort)
    a = np.array(loading)
    alone = auto_inference(combined(women, men, a), cohort).result
    assert a @ j.estimate == pytest.approx(alone.estimate, abs=1e-10)
    assert a @ j.covariance @ a == pytest.approx(alone.std_error**2, rel=1e-9)


def test_the_placebos_of_the_gap_are_the_difference_of_the_joint_ones(case):
    women, men, cohort = case
    picks = free_assignments(60, contrasts(women, cohort).slots, 199, 7)
    both = joint_placebos(women, men, cohort, picks)
    gap = combined(women, men, np.array([1.0, -1.0]))
    alone = permutation_test(
        contrasts(gap, cohort),
        picks,
        seed=7,
        like=aggregate(callaway_santanna(gap, cohort), "cohort"),
        mechanism="any",
    )
    assert both[:, 0] - both[:, 1] == pytest.approx(alone.placebo, abs=1e-12)


def test_one_treated_unit_has_no_variance_of_its_own():
    women, men, cohort = world(treated=1)
    j = joint_effects(women, men, cohort)
    assert not np.isfinite(j.covariance).any()
    assert math.isnan(j.correlation)


def test_coverage_of_each_effect_and_of_the_gap():
    """Own variances keep 95 % with nine treated; the short form of tools/gender_coverage.py."""
    hits, n = np.zeros(3), 300
    a = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]])
    for seed in range(n):
        women, men, cohort = world(n=50, treated=9, seed=seed)
        j = joint_effects(women, men, cohort)
        se = np.sqrt(np.einsum("ki,ij,kj->k", a, j.covariance, a))
        half = student.ppf(0.975, j.df) * se
        hits += np.abs(a @ j.estimate - [6.0, 4.0, 2.0]) <= half
    # four standard errors of 300 draws
    assert np.all(np.abs(hits / n - 0.95) < 4 * math.sqrt(0.95 * 0.05 / n))


@pytest.mark.parametrize("change", ["units", "years"])
def test_panels_that_differ_are_refused(case, change):
    women, men, cohort = case
    other = (
        men.select(men.units[1:]) if change == "units" else Panel("M", men.values[YEARS[1:]].copy())
    )
    with pytest.raises(InputError, match="same units and years"):
        joint_effects(women, other, cohort)
    if change == "units":
        assert common_units(women, other)[0].units == men.units[1:]


def test_a_ratio_of_levels_not_above_zero_is_refused(case):
    women, men, cohort = case
    low = replace(women, values=women.values - 50)
    with pytest.raises(InputError, match="levels above zero"):
        joint_effects(low, men, cohort).log_ratio()


# the joint test


@pytest.mark.parametrize(
    ("estimate", "outcome"),
    [
        ((9.0, 4.0), "lagging_rose"),
        ((5.0, -5.0), "both"),
        ((-4.0, -9.0), "leading_fell"),
        ((-4.0, 2.0), "not_closed"),
        ((0.5, 0.0), "cannot_tell"),
        ((6.0, 0.0), "cannot_tell"),
    ],
)
def test_the_four_outcomes_and_none(estimate, outcome):
    assert gap_movement(np.array(estimate), np.eye(2)).outcome == outcome


def test_p_values_by_hand():
    # cones of 45, 90, 45 and 180 degrees; distances to (0, 2)
    p = {k: float(v) for k, v in region_p_values(np.array([0.0, 2.0]), np.eye(2)).items()}
    assert p["not_closed"] == 1.0
    chi1, chi2 = 2 * 0.0227501319, math.exp(-2)
    # nearest is the apex for both: squared distance 4; weights (π − φ) / 2π
    assert p["both"] == pytest.approx(chi1 / 2 + chi2 / 4, abs=1e-8)
    assert p["leading_fell"] == pytest.approx(chi1 / 2 + 3 * chi2 / 8, abs=1e-8)
    # the diagonal edge: squared distance 2
    assert p["lagging_rose"] == pytest.approx(0.1572992070 / 2 + 3 * math.exp(-1) / 8, abs=1e-8)


def test_not_closed_is_the_one_sided_t_test_of_the_gap():
    v = np.array([[2.0, 0.7], [0.7, 1.0]])
    for estimate in ((3.0, 1.0), (2.0, 0.0)):
        gap = estimate[0] - estimate[1]
        t = gap / math.sqrt(2.0 + 1.0 - 1.4)
        p = region_p_values(np.array(estimate), v, df=7.0)["not_closed"]
        assert float(p) == pytest.approx(student.sf(t, 7), rel=1e-6)


@pytest.mark.parametrize(
    ("truth", "right"),
    [
        ((0.0, 0.0), "not_closed"),
        ((3.0, 3.0), "not_closed"),
        ((8.0, 8.0), "not_closed"),
        ((-5.0, -5.0), "not_closed"),
        ((4.0, 0.0), "lagging_rose"),
        ((9.0, 0.0), "lagging_rose"),
        ((0.0, -4.0), "leading_fell"),
        ((3.0, -0.5), "both"),
    ],
)
def test_a_wrong_outcome_is_named_in_at_most_alpha_of_studies(truth, right):
    """On the edges, where it is hardest; and each region is rejected at alpha at its apex."""
    v = np.array([[2.0, 0.6], [0.6, 1.0]])
    n = 40_000
    draws = np.random.default_rng(3).standard_normal((n, 2)) @ np.linalg.cholesky(v).T
    p = region_p_values(np.array(truth) + draws, v)
    kept = np.stack([p[k] > 0.05 for k in OUTCOMES], axis=1)
    named = kept.sum(axis=1) == 1
    wrong = named & ~kept[:, OUTCOMES.index(right)]
    error = math.sqrt(0.05 * 0.95 / n)
    assert wrong.mean() < 0.05 + 3 * error
    if truth == (0.0, 0.0):
        for k in OUTCOMES:
            assert (p[k] <= 0.05).mean() == pytest.approx(0.05, abs=3.5 * error)


def test_few_treated_keep_the_level_by_permutation():
    """Four treated, effects equal: «not closed» is true and rejected in 5 % at most."""
    rejected, n = 0, 200
    for seed in range(n):
        women, men, cohort = world(effects=(3.0, 3.0), n=24, treated=4, seed=seed)
        picks = free_assignments(24, contrasts(women, cohort).slots, 199, seed)
        placebo = joint_placebos(women, men, cohort, picks)
        j = joint_effects(women, men, cohort)
        p = region_p_values(j.estimate, np.cov(placebo.T), placebo=placebo)
        rejected += p["not_closed"] <= 0.05
    assert rejected / n < 0.05 + 3 * math.sqrt(0.05 * 0.95 / n)


def test_a_singular_covariance_and_a_bad_level_are_refused():
    with pytest.raises(InputError, match="not one and the same"):
        gap_movement(np.array([1.0, 1.0]), np.ones((2, 2)))
    with pytest.raises(InputError, match="between 0 and 1"):
        gap_movement(np.array([1.0, 1.0]), np.eye(2), alpha=1.0)


# equivalence


def made(low, high, alpha=0.1):
    return Estimate("gap", 0.0, (low, high), "cs", "t", "cohort", 9, 3, 1, 3, alpha=alpha)


@pytest.mark.parametrize(
    ("bounds", "margin", "equivalent"),
    [
        ((-1.0, 1.5), 2.0, True),
        ((-1.0, 2.0), 2.0, False),
        ((-2.5, 0.0), 2.0, False),
        ((-math.inf, math.inf), 99.0, False),
    ],
)
def test_two_one_sided_tests(bounds, margin, equivalent):
    found = equivalence(made(*bounds), margin)
    assert found.equivalent is equivalent
    assert found.smallest == max(abs(b) for b in bounds)
    assert json.dumps(found.to_dict(), allow_nan=False)
    assert found.check("procentenheter", "percentage points").passed is equivalent


def test_the_interval_of_equivalence_is_the_two_t_tests(case):
    women, men, cohort = case
    gap = combined(women, men, np.array([1.0, -1.0]))
    wide = auto_inference(gap, cohort, alpha=0.1).result
    j = joint_effects(women, men, cohort)
    for margin in (2.0, 3.0, 4.0, 6.0):
        p = max(
            student.sf((margin - wide.estimate) / wide.std_error, j.df[2]),
            student.sf((margin + wide.estimate) / wide.std_error, j.df[2]),
        )
        assert equivalence(wide, margin).equivalent == (p < 0.05)


@pytest.mark.parametrize(
    ("estimate", "margin", "alpha", "says"),
    [
        (made(0, 1), 0.0, 0.05, "above zero"),
        (made(0, 1), math.nan, 0.05, "above zero"),
        (made(0, 1, alpha=0.05), 1.0, 0.05, "need it at 0.1"),
        (made(0, 1), 1.0, 0.5, "one half"),
    ],
)
def test_bad_equivalence_is_refused(estimate, margin, alpha, says):
    with pytest.raises(InputError, match=says):
        equivalence(estimate, margin, alpha)


# the question


def inference(panel, cohort, how="permutation"):
    slots = contrasts(panel, cohort).slots
    return Inference(free_assignments(60, slots, 499, 5), "any units", how, None, 5)


@pytest.mark.parametrize("how", ["permutation", "auto"])
def test_the_question_holds_together(case, how):
    women, men, cohort = case
    found = analyse_gap(women, men, cohort, inference(women, cohort, how), margin=4.0)
    e = found.estimates
    assert list(e) == ["gap", "women", "men", "log_ratio"]
    assert e["gap"].estimate == pytest.approx(e["women"].estimate - e["men"].estimate, abs=1e-12)
    for name, truth in (("women", 6.0), ("men", 4.0), ("gap", 2.0)):
        assert e[name].conf_int[0] < truth < e[name].conf_int[1]
    levels = found.levels()
    assert levels["ratio_after"] / levels["ratio_without"] == pytest.approx(
        math.exp(e["log_ratio"].estimate)
    )
    assert found.lower == "K"
    # the interval of equivalence lies within the wider level's
    assert e["gap"].conf_int[0] < found.gap_wide.conf_int[0]
    assert found.gap_wide.conf_int[1] < e["gap"].conf_int[1]
    assert found.equivalence.equivalent == (max(map(abs, found.gap_wide.conf_int)) < 4.0)
    assert ("permutation" in found.movement.inference) == (how == "permutation")
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_a_large_effect_on_women_alone_is_told_as_that():
    women, men, cohort = world(effects=(16.0, 7.0))
    found = analyse_gap(women, men, cohort, inference(women, cohort, "auto"))
    assert found.movement.outcome == "lagging_rose"
    # the same with the sexes' names exchanged: men lag, and men rose
    turned = analyse_gap(men, women, cohort, inference(women, cohort, "auto"))
    assert turned.lower == "M"
    assert turned.movement.outcome == "lagging_rose"
    assert turned.movement.p_values == pytest.approx(found.movement.p_values)


def test_without_a_ratio_the_rest_stands(case):
    women, men, cohort = case
    low = replace(women, values=women.values - 50)
    found = analyse_gap(low, men, cohort, inference(women, cohort))
    assert "log_ratio" not in found.estimates
    assert "above zero" in found.ratio_problem
    assert "ratio_after" not in found.levels()


# the common sample


def test_the_common_sample_says_who_is_lost_for_whom():
    years = [2015, 2016]
    women = Panel("y", pd.DataFrame(1.0, index=["a", "b"], columns=years), ("c", "d"))
    men = Panel("y", pd.DataFrame(1.0, index=["b", "c"], columns=years), ("a", "d"))
    rows = [("w", c, 2015, s, v, "observed") for c, s, v in (
        ("a", "K", 10.0), ("b", "K", 30.0), ("a", "M", 5.0), ("b", "M", 1.0), ("c", "M", 14.0),
        ("0000", "K", 99.0))]  # fmt: skip
    table = pd.DataFrame(rows, columns=["indicator", "code", "year", "sex", "value", "state"])
    found = common_sample({"K": women, "M": men}, persons_behind(table, "w", 0, years))
    assert found.units == ("b",)
    assert found.kept == {"K": 2, "M": 2, "common": 1}
    assert set(found.lost["K"]) == {"c", "d"}
    assert found.persons["common_K"] == pytest.approx(0.75)
    assert found.persons["common_M"] == pytest.approx(0.05)
    assert found.persons["K"] == 1.0
    assert found.n_units == 4


def test_totals_alone_and_no_common_unit_are_refused():
    years = [2015, 2016]
    one = Panel("y", pd.DataFrame(1.0, index=["a"], columns=years))
    two = Panel("y", pd.DataFrame(1.0, index=["b"], columns=years))
    with pytest.raises(InputError, match="only totals"):
        common_sample({"T": one})
    with pytest.raises(InputError, match="no municipality has y for both"):
        common_sample({"K": one, "M": two})


# a plan


@pytest.fixture(scope="module")
def planned():
    return plan_gender(load_plan("day_one_simulated"))["N00973"]


def test_a_plan_with_both_sexes_is_answered(planned):
    f = planned.finding
    assert list(f.estimates) == ["gap", "women", "men", "log_ratio", "all"]
    assert f.sentence_sv.startswith("SIMULERADE DATA: ")
    for key in ("women", "men", "gap"):
        low, high = f.estimates[key].conf_int
        assert low < planned.truth[key] < high
    assert planned.sample.kept["common"] < min(planned.sample.kept[s] for s in ("T", "K", "M"))
    assert 0.5 < planned.sample.persons["common_K"] < planned.sample.persons["K"] < 1
    r = planned.representation
    assert r["ratio"] == pytest.approx(r["women_of_successes"] / r["women_of_persons"])
    assert json.dumps(planned.to_dict(), allow_nan=False)
    # a made-up start stands in no document and no coding sheet
    assert "years_stated" not in {c.name for c in f.checks}
    assert "whole comparison group" not in f.sentence_en


def test_a_matched_plan_says_that_the_sexes_are_not_matched(planned):
    content = load_plan("day_one_simulated").model_dump(mode="json")
    content["comparison"] |= {"matching": {"method": "entropy"}}
    matched = plan_gender(plan_from_dict(content))["N00973"].finding
    assert matched.estimates["gap"].estimate == planned.finding.estimates["gap"].estimate
    assert "Both sexes are compared with the whole comparison group" in matched.sentence_en
    assert "Båda könen jämförs med hela jämförelsegruppen" in matched.sentence_sv


def test_the_margin_stands_in_the_plan_and_leaves_other_plans_alone():
    plan = load_plan("day_one_simulated")
    content = plan.model_dump(mode="json")
    assert "gender" not in content
    with_margin = plan_from_dict(content | {"gender": {"margin": 2.0}})
    assert with_margin.gender.margin == 2.0
    assert with_margin.hash() != plan.hash()
    with pytest.raises(InputError, match="margin"):
        plan_from_dict(content | {"gender": {"margin": -1.0}})


def test_a_margin_without_both_sexes_is_refused_with_the_key(tmp_path, cli, refused):
    text = Path(load_plan("settlement").file).read_text(encoding="utf-8")
    (tmp_path / "p.yaml").write_text(text + "gender:\n  margin: 2.0\n", encoding="utf-8")
    row = text.count("\n") + 2
    where = f"{tmp_path / 'p.yaml'}, row {row}, field gender.margin"
    out = tmp_path / "out"
    says = "the plan has no outcome for both"
    refused(cli, "run", tmp_path / "p.yaml", "--out", out, where=where, says=says)


def test_a_plan_with_totals_only_is_refused():
    with pytest.raises(InputError, match="only totals"):
        plan_gender(load_plan("settlement"))


def test_women_without_men_are_refused_with_the_key(tmp_path):
    shutil.copy(load_plan("day_one_simulated").file, tmp_path / "p.yaml")
    text = (tmp_path / "p.yaml").read_text(encoding="utf-8").replace("sex: M", "sex: T")
    (tmp_path / "p.yaml").write_text(text.replace("  - N00973\n", ""), encoding="utf-8")
    with pytest.raises(InputError, match="only totals") as raised:
        plan_gender(load_plan(tmp_path / "p.yaml"))
    assert raised.value.field == "outcomes"
