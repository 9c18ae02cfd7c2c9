"""Years left out unit by unit: partly exposed ones before the first treated, and after an end."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaluation.data.panel import Panel, embedded_panel
from evaluation.data.tidy_panel import build_panel
from evaluation.data.twin import simulate
from evaluation.design.exposure import RULES, Span, exposed_years
from evaluation.design.treatment import design_from_plan, estimable_years
from evaluation.errors import InputError
from evaluation.estimation.diagnostics.placebo import break_donut, leave_one_cohort_out
from evaluation.estimation.did.aggregation import aggregate, event_study
from evaluation.estimation.did.callaway_santanna import callaway_santanna
from evaluation.estimation.did.two_way import two_way_fixed_effects
from evaluation.estimation.did.windowed import windowed_group_time
from evaluation.estimation.few_treated.auto import auto_inference
from evaluation.estimation.few_treated.coefficients import linear_estimator
from evaluation.estimation.few_treated.contrasts import (
    contrasts,
    event_contrasts,
    partial_contrasts,
)
from evaluation.estimation.few_treated.permutation import placebo_estimates
from evaluation.estimation.robustness.specifications import specification_grid
from evaluation.estimation.windows import WHOLE, Windows, spells, without_left_out
from evaluation.plan import SimulatedData, load_plan, plan_from_dict
from evaluation.questions.left_out import left_out_checks
from evaluation.questions.study import run_study
from evaluation.questions.trend_power import implied_effect
from evaluation.questions.truth import real_att
from evaluation.results import Estimate

YEARS = list(range(2010, 2022))
EFFECT = 4.0
# a starts inside 2014 and b in a January; c starts inside 2015 and ends inside 2018; d is plain
COHORT = pd.Series({"a": 2015, "b": 2015, "c": 2016, "d": 2018} | {f"u{i}": 0 for i in range(9)})
WINDOWS = Windows({"a": 1, "c": 1}, {"c": 2017})


def noise_free(part=0.6, after=0.3):
    """Return unit and year effects with the effect, a part of it in partial years and after."""
    rng = np.random.default_rng(np.random.SeedSequence(3))
    y = rng.normal(size=(len(COHORT), 1)) + rng.normal(size=(1, len(YEARS)))
    panel = Panel("y", pd.DataFrame(y, index=COHORT.index, columns=YEARS))
    s = spells(panel, COHORT, WINDOWS)
    t = np.array(YEARS)
    gone = s.left_out(t)
    late = t[None, :] > s.last[:, None]
    y = y + EFFECT * (s.treated(t) + gone * np.where(late, after, part))
    return Panel("y", pd.DataFrame(y, index=COHORT.index, columns=YEARS))


@pytest.fixture(scope="module")
def noisy():
    rng = np.random.default_rng(np.random.SeedSequence(4))
    wide = pd.DataFrame(rng.normal(size=(len(COHORT), len(YEARS))), COHORT.index, YEARS)
    return Panel("y", wide)


# a known effect without noise


@pytest.mark.parametrize("estimand", ["cohort", "simple"])
def test_a_known_effect_is_found_exactly(estimand):
    panel = noise_free()
    c = contrasts(panel, COHORT, estimand, windows=WINDOWS)
    assert c.estimate() == pytest.approx(EFFECT, abs=1e-12)
    gt = windowed_group_time(panel, COHORT, WINDOWS)
    assert aggregate(gt, estimand).estimate == pytest.approx(EFFECT, abs=1e-12)
    found = linear_estimator(panel, COHORT, estimand=estimand, windows=WINDOWS)
    assert found.estimate(panel.values.to_numpy()) == pytest.approx(EFFECT, abs=1e-12)
    cut = without_left_out(panel, COHORT, WINDOWS)
    assert two_way_fixed_effects(cut, COHORT).estimate == pytest.approx(EFFECT, abs=1e-10)


def test_without_windows_the_effect_is_missed():
    """The base of a and c is partly exposed, and c's years after the end count as treated."""
    found = contrasts(noise_free(), COHORT).estimate()
    # a: 0.4 of the effect is left; c: base 0.6, two whole years and four at 0.3; b and d whole
    c = (2 * 1 + 4 * 0.3) / 6 - 0.6
    assert found == pytest.approx(EFFECT * (0.4 + 1 + c + 1) / 4)


def test_the_partly_exposed_years_alone():
    panel = noise_free()
    found = partial_contrasts(panel, COHORT, WINDOWS)
    assert found.estimate() == pytest.approx(0.6 * EFFECT)
    assert partial_contrasts(panel, COHORT, Windows({}, {"c": 2017})) is None


def test_event_times_count_from_the_base_and_from_the_first_treated_year():
    parts = event_contrasts(noise_free(), COHORT, windows=WINDOWS)
    values = {e: c.estimate() for e, c in parts.items()}
    assert all(values[e] == pytest.approx(0, abs=1e-12) for e in values if e < 0)
    assert all(values[e] == pytest.approx(EFFECT) for e in values if e >= 0)
    # c is treated for two years only, and weighs nothing from event time 2 on
    weights = dict(zip(parts[2].slots, parts[2].weight, strict=True))
    assert weights[2] == 0
    assert parts[1].weight.tolist() == [0.25] * 4


# against each other, with noise


@pytest.mark.parametrize("estimand", ["cohort", "simple"])
def test_all_ways_to_the_same_number(noisy, estimand):
    value = contrasts(noisy, COHORT, estimand, windows=WINDOWS).estimate()
    gt = windowed_group_time(noisy, COHORT, WINDOWS)
    assert aggregate(gt, estimand).estimate == pytest.approx(value, abs=1e-12)
    y = noisy.values.to_numpy()
    linear = linear_estimator(noisy, COHORT, estimand=estimand, windows=WINDOWS)
    assert linear.estimate(y) == pytest.approx(value, abs=1e-12)
    found = auto_inference(noisy, COHORT, estimand=estimand, windows=WINDOWS)
    assert found.result.estimate == pytest.approx(value, abs=1e-12)
    if estimand == "cohort":
        grid = specification_grid(
            {"y": noisy}, {"coded": COHORT}, estimators=["cs_cohort"], windows=WINDOWS
        )
        (block,) = grid.blocks
        assert block.evaluate([grid.slots])[0, 0] == pytest.approx(value, abs=1e-12)


def test_by_hand(noisy):
    y = noisy.values
    base = {"a": 2013, "b": 2014, "c": 2014, "d": 2017}
    last = {"a": 2021, "b": 2021, "c": 2017, "d": 2021}
    controls = y.loc[[u for u in y.index if u.startswith("u")]].mean()
    change = y - controls
    terms = [
        change.loc[u, list(range(COHORT[u], last[u] + 1))].mean() - change.loc[u, base[u]]
        for u in "abcd"
    ]
    assert contrasts(noisy, COHORT, windows=WINDOWS).estimate() == pytest.approx(np.mean(terms))


def test_event_study_equals_its_contrasts(noisy):
    gt = windowed_group_time(noisy, COHORT, WINDOWS, aligned=True)
    study = event_study(gt).tidy().set_index("event_time")
    parts = event_contrasts(noisy, COHORT, windows=WINDOWS)
    assert set(parts) == set(study.index)
    for e, c in parts.items():
        assert study.loc[e, "estimate"] == pytest.approx(c.estimate(), abs=1e-12)
        assert study.loc[e, "n_treated"] == (c.weight > 0).sum()


def test_one_offset_for_all_is_anticipation(noisy):
    everyone = Windows(dict.fromkeys("abcd", 1))
    found = windowed_group_time(noisy, COHORT, everyone)
    plain = callaway_santanna(noisy, COHORT, anticipation=1)
    one, two = (aggregate(gt, "cohort") for gt in (found, plain))
    assert one.estimate == pytest.approx(two.estimate, abs=1e-12)
    assert one.std_error == pytest.approx(two.std_error, rel=1e-9)
    by_contrast = contrasts(noisy, COHORT, windows=everyone).estimate()
    est = linear_estimator(noisy, COHORT, anticipation=1)
    assert by_contrast == pytest.approx(float(est.estimate(noisy.values.to_numpy())), abs=1e-12)


def test_nothing_left_out_changes_nothing(noisy):
    plain, windowed = contrasts(noisy, COHORT), contrasts(noisy, COHORT, windows=WHOLE)
    assert (plain.d == windowed.d).all()
    assert (
        windowed_group_time(noisy, COHORT, WHOLE)
        .tidy()
        .equals(callaway_santanna(noisy, COHORT).tidy())
    )
    assert without_left_out(noisy, COHORT, WHOLE) is noisy


def test_a_placebo_unit_gets_the_slots_years(noisy):
    """Another unit in a's slot is measured from 2013 on, as a is."""
    c = contrasts(noisy, COHORT, windows=WINDOWS)
    pick = [4, 1, 2, 3]
    others = [j for j in range(len(c.units)) if j not in pick]
    y = noisy.values
    after = list(range(2015, 2022))
    terms = [y.iloc[4][after].mean() - y.iloc[4][2013]]
    terms[0] -= (y.iloc[others][after].mean(axis=1) - y.iloc[others][2013]).mean()
    for s in (1, 2, 3):
        terms.append(c.d[s, pick[s]] - c.d[s, others].mean())
    assert placebo_estimates(c, c.d, np.array([pick]))[0] == pytest.approx(np.mean(terms))


def test_what_is_left_out_is_counted_and_said(noisy):
    found = aggregate(windowed_group_time(noisy, COHORT, WINDOWS), "cohort")
    assert found.n_obs == noisy.values.size - 2 - 4
    assert any("2 partly exposed unit-years" in n and "of 2 units" in n for n in found.notes)
    assert any("4 unit-years after the end of treatment of 1 unit were" in n for n in found.notes)


def test_refits_keep_the_windows():
    panel = noise_free()
    cohorts = leave_one_cohort_out(panel, COHORT, windows=WINDOWS)
    assert [e.estimate for e in cohorts.estimates] == pytest.approx([EFFECT] * 3)
    donut = break_donut(panel, COHORT, 2017, windows=WINDOWS)
    assert donut.base.estimate == pytest.approx(EFFECT)
    assert [e.estimate for e in donut.estimates] == pytest.approx([EFFECT] * len(donut.estimates))


def test_a_trend_through_a_partial_year_looks_larger(noisy):
    drift = pd.DataFrame(0.0, COHORT.index, YEARS)
    drift.loc[list("abcd")] += np.array(YEARS)
    c = contrasts(Panel("y", drift), COHORT, windows=WINDOWS)
    assert implied_effect(c, YEARS[-1], WINDOWS) == pytest.approx(c.estimate())


# bad input


@pytest.mark.parametrize(
    ("windows", "says"),
    [
        (
            Windows({"a": 6}),
            "unit a: treated from 2015 on .* leaves no base; the data begin",
        ),
        (
            Windows({}, {"d": 2017}),
            "unit d: the last treated year 2017 lies before the first",
        ),
    ],
)
def test_windows_that_cannot_be_are_refused(noisy, windows, says):
    with pytest.raises(InputError, match=says):
        contrasts(noisy, COHORT, windows=windows)


def test_a_negative_number_of_years_is_refused():
    with pytest.raises(InputError, match="unit a: partly exposed years must be zero or more"):
        Windows({"a": -1})


def test_what_cannot_leave_out_years_says_so(noisy):
    with pytest.raises(InputError, match="never_treated controls"):
        linear_estimator(noisy, COHORT, method="imputation", windows=WINDOWS)
    with pytest.raises(InputError, match="twfe cannot leave out"):
        specification_grid({"y": noisy}, {"coded": COHORT}, windows=WINDOWS)


# from the plan to the answer


def changed(**treatment):
    content = load_plan("settlement").model_dump(mode="json")
    content["treatment"] |= treatment
    return plan_from_dict(content)


def test_a_plan_leaves_out_partly_exposed_years():
    design = design_from_plan(changed(exposure="leave_out_partial"))
    years = {t.name: (t.base_year, t.partial, t.first_year) for t in design.treated}
    assert years["Åre"] == (2010, 1, 2012)
    assert years["Vellinge"] == (2016, 1, 2018)
    # an assumed first treated year is assumed whole
    assert years["Skurup"] == (2016, 0, 2017)
    moved = design.lagged(2)
    assert [t.base_year for t in moved.treated] == [t.base_year + 2 for t in design.treated]


def test_a_model_that_ended_is_treated_until_then(monkeypatch):
    from evaluation.data import embedded

    def altered(name, load=embedded.load):
        table = load(name)
        if name == "models":
            table.loc[table["model_id"] == "vellinge_upprop", "end"] = "2022-09"
            table.loc[table["model_id"] == "are_modellen", "end"] = "2011-10"
        return table

    monkeypatch.setattr(embedded, "load", altered)
    with pytest.raises(InputError, match=r"adoption\[1\].model: Åre: no whole year lies between"):
        design_from_plan(changed(exposure="leave_out_partial"))
    design = design_from_plan(changed(exposure="first_year_touched"))
    assert design.last_years == {"1233": 2022, "2321": 2011}
    assert design.lagged(2).last_years == {"1233": 2024, "2321": 2013}


def test_estimable_years_leave_room_for_the_base():
    assert estimable_years((2011, 2014), [2010, 2011, 2012, 2013, 2014], 1, 2013) == (
        [2012, 2013],
        [2011, 2014],
    )


def test_a_study_with_years_left_out(tmp_path):
    content = {
        "name": "mid_year",
        "title": {"sv": "Prov", "en": "Trial"},
        "data": {"source": "simulated", "seed": 7, "mid_year": 0.7},
        "outcomes": ["N00973"],
        "treatment": {
            "coding": "simulated",
            "exposure": "leave_out_partial",
            "unfit": "leave_out",
        },
        "comparison": {"donors_per_treated": 8},
        "estimation": {"draws": 199, "seed": 1},
    }
    study = run_study(plan_from_dict(content))
    (o,) = study.outcomes.values()
    design = o.inference.design
    assert 0 < len(design.partial) < len(design.treated)
    estimates = o.finding.estimates
    for key in ("permutation", "cs_cohort", f"rule_{o.rule.rule}"):
        assert estimates[key].estimate == pytest.approx(o.headline.estimate, abs=1e-10)
    checks = {c.name: c for c in o.checks}
    assert checks["partial_years"].statistic == estimates["partial_years"].estimate
    assert f"left out: {sum(design.partial.values())}, in" in checks["partial_years"].text_en
    assert checks["bacon"].passed is None
    alone = o.per_unit[next(iter(design.partial))]
    assert alone.estimate != o.headline.estimate
    treated = study.to_dict()["design"]["treated"]
    assert [t.get("partial", 0) for t in treated].count(1) == sum(
        t.partial for t in study.design.treated
    )


def test_the_checks_say_what_is_left_out():
    design = design_from_plan(changed(exposure="leave_out_partial"))
    treated = [replace(design.treated[0], last_year=2012), *design.treated[1:]]
    design = replace(design, treated=tuple(treated))
    panel = embedded_panel("foreign_background")
    counts = dict.fromkeys(("n_obs", "n_units", "n_treated_units", "n_clusters"), 1)
    like = Estimate("att", 2.0, (1.0, 3.0), "m", "i", "cohort", **counts)
    part, ends = left_out_checks(design, panel, like, replace(like, estimate=0.5))
    assert part.passed
    assert "delvis exponerade kommunår: 2, i 2 kommuner" in part.text_sv
    assert (ends.passed, ends.statistic) == (False, 1.0)
    assert "Åre (2012). 13 municipality-years after it are left out" in ends.text_en
    beyond, _ = left_out_checks(design, panel, like, replace(like, estimate=-0.5))
    assert not beyond.passed


# the three rules on countries whose truth is known (tools/exposure_rules.py on more of them)


def test_leaving_out_the_partial_year_is_unbiased_and_undiluted():
    """Each country a second time without effect, so that chance cancels."""
    errors = {rule: [] for rule in RULES}
    for seed in range(100, 103):
        same = {"seed": seed, "mid_year": 1.0, "persons": False}
        twin = simulate(SimulatedData(**same))
        nothing = simulate(SimulatedData(**same, effect={"women": 0.0, "men": 0.0}))
        panels = [build_panel(t.observations, "N00973") for t in (twin, nothing)]
        coded = twin.stance[twin.stance["coded_active"]].set_index("code")
        coded = coded.loc[[c for c in coded.index if c in panels[0].units]]
        months = 12 * coded["coded_year"].astype(int) + coded["coded_month"].astype(int) - 1
        whole = {c: -(-int(m) // 12) + 2 for c, m in months.items()}
        truth = real_att(
            twin.truth.effect("N00973"), twin.truth.codes, twin.truth.years, whole, "cohort"
        )
        for rule, found in errors.items():
            years = {c: exposed_years(Span(m, m), None, rule) for c, m in months.items()}
            windows = Windows({c: e.partial for c, e in years.items()})
            cohort = pd.Series(
                {u: years[u].first + 2 if u in years else 0 for u in panels[0].units}
            )
            effect, chance = (contrasts(p, cohort, windows=windows).estimate() for p in panels)
            found.append(effect - chance - truth)
    mean = {rule: float(np.mean(e)) for rule, e in errors.items()}
    assert mean["first_whole_year"] < -1.5
    assert -0.6 < mean["first_year_touched"] < -0.1
    assert abs(mean["leave_out_partial"]) < 0.15
