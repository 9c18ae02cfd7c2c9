"""The cost model: worked by hand, against its own algebra, and what it refuses."""

import copy
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from evaluation.errors import InputError
from evaluation.plan import load_plan
from evaluation.plan.yaml_file import read_mapping
from evaluation.questions.costs import (
    assistance_path,
    cost_analysis,
    costs_from_dict,
    effect_from_estimate,
    load_costs,
    panel_costs,
)
from evaluation.questions.costs.decision import (
    acceptability,
    partial_information,
    perfect_information,
    quadrants,
)
from evaluation.questions.costs.draws import quantiles, uniforms
from evaluation.questions.costs.parameters import Parameter
from evaluation.questions.costs.symbols import SYMBOLS
from evaluation.questions.costs.totals import EFFECT, Model
from evaluation.results import Estimate


def estimate(value=5.0, low=-2.0, high=15.0, **kw):
    fields = {
        "term": "att", "method": "cs", "inference": "permutation", "estimand": "cohort",
        "n_obs": 90, "n_units": 9, "n_treated_units": 2, "n_clusters": 9, "alpha": 0.05,
    }  # fmt: skip
    return Estimate(estimate=value, conf_int=(low, high), **(fields | kw))


def content(name="by_hand", **parameters):
    """Return what a shipped file holds, with parameters changed or (None) taken away."""
    found = yaml.safe_load(open(load_costs(name).file, encoding="utf-8"))  # noqa: PTH123, SIM115
    found = copy.deepcopy(found)
    for key, change in parameters.items():
        if change is None:
            del found["parameters"][key]
        elif isinstance(change, dict) and not set(change) <= {*range(3000)}:
            found["parameters"][key] = dict(found["parameters"].get(key, BASE)) | change
        else:
            found["parameters"][key] = dict(found["parameters"].get(key, BASE)) | {"value": change}
    return found


BASE = {"year": 2019, "status": "assumed", "source": "made up"}
TAX = {
    "earnings": {"value": 250_000, "unit": "kronor per worker and year"},
    "basic_deduction": {"value": 50_000, "unit": "kronor per worker and year"},
    "work_share": {"value": 0.5, "unit": "share"},
    "moving_out": {"value": 0.1, "unit": "share per year"},
    "municipal_tax": {"value": 0.2, "unit": "share"},
}
CREDIT = {
    "equalisation_credit": {"value": 100_000, "unit": "kronor per adult and year"},
    "long_term_share": {"value": 0.5, "unit": "share"},
    "equalisation_lag": {"value": 1, "unit": "years"},
}


@pytest.fixture(scope="module")
def example():
    return cost_analysis(load_costs("example"))


# the case worked by hand


def test_the_case_of_the_issue_is_met_to_the_ore():
    households, cost = assistance_path(
        np.array([100, 150, 80]),
        in_work_or_studies=0.40, needing_assistance=0.80, staying=0.75, adults_per_household=1.6,
        exit_rate=0.35, months=6.5, monthly=9000,
    )  # fmt: skip
    np.testing.assert_allclose(households, [22.5, 48.375, 49.44375], rtol=1e-14)
    np.testing.assert_allclose(cost, [1_316_250, 2_829_937.5, 2_892_459.375], rtol=1e-14)


def test_the_same_case_from_its_file():
    path = cost_analysis(load_costs("by_hand"), draws=100).path
    np.testing.assert_allclose(path["households_without"], [22.5, 48.375, 49.44375], rtol=1e-13)
    want = [1_316_250, 2_829_937.5, 2_892_459.375]
    np.testing.assert_allclose(path["cost_without"], want, rtol=1e-13)
    # ten points more in work or studies leave five sixths of every cohort's households
    np.testing.assert_allclose(path["cost_with"], 5 / 6 * np.array(want), rtol=1e-13)


def test_leavers_come_from_those_received_earlier():
    raw = content(received={2015: 10, 2016: 20, 2017: 40, 2018: 80, 2019: 160})
    raw["parameters"]["leaving"]["value"] = {1: 0.5, 2: 0.25}
    raw["effect"] |= {"first_cohort": 2016, "last_cohort": 2016}
    plan = costs_from_dict(raw)
    path = cost_analysis(plan, draws=100).path
    np.testing.assert_allclose(path["leavers"], [12.5, 25, 50])
    # those received in 2016: half leave in 2017, a quarter in 2018
    np.testing.assert_allclose(path["exposed"], [10, 5, 0])
    assert plan.reached(2016)
    assert not plan.reached(2017)


def test_the_effect_fades_and_the_households_return():
    raw = content(fade=0.5)
    raw["effect"]["last_cohort"] = 2017
    path = cost_analysis(costs_from_dict(raw), draws=100).path
    spared = path["households_without"] - path["households_with"]
    # 100 · 0.10 · 0.80 · 0.75 / 1.6 = 3.75; then 0.65 · 0.5 of it a year
    np.testing.assert_allclose(spared, [3.75, 3.75 * 0.325, 3.75 * 0.325**2])


# accounts


def account(result, name):
    t = result.tidy()
    return t[t["account"] == name].set_index("line")


def test_each_offset_has_its_own_line_by_hand():
    raw = content(
        **TAX, **CREDIT,
        income_equalisation={"value": 0.9, "unit": "share"},
        other_tax={"value": 0.1, "unit": "share"},
        state_grant={"value": 142_600, "unit": "kronor per adult received"},
    )  # fmt: skip
    raw["years"] = [2017, 2018]
    result = cost_analysis(costs_from_dict(raw), draws=100)
    kommun, state, home = (account(result, a) for a in ("municipality", "state", "household"))
    # workers 100·0.4·0.75·0.5 = 15, then 13.5 + 22.5 = 36; with 18.75, then 16.875 + 28.125 = 45
    gained = 3.75 + 9.0
    assert kommun.loc["municipal_tax", "difference"] == pytest.approx(gained * 200_000 * 0.2)
    assert kommun.loc["municipal_tax", "without"] == pytest.approx(51 * 40_000)
    assert kommun.loc["income_equalisation", "difference"] == pytest.approx(-gained * 36_000)
    assert state.loc["income_equalisation", "difference"] == pytest.approx(gained * 36_000)
    assert state.loc["other_tax", "difference"] == pytest.approx(gained * 20_000)
    assert home.loc["earnings", "difference"] == pytest.approx(gained * 250_000)
    # a year late: 3.75 households fewer in 2017 cost credit in 2018, with 1.6 adults, half of them
    credit = -3.75 * 1.6 * 0.5 * 100_000
    assert kommun.loc["equalisation_credit", "difference"] == pytest.approx(credit)
    assert kommun.loc["programme_cost", "difference"] == pytest.approx(-250 * 3000)
    # the grant is paid already, alike in both
    assert kommun.loc["state_grant", "without"] == pytest.approx(250 * 142_600)
    assert kommun.loc["state_grant", "difference"] == 0
    assert result.check("state_grant").passed
    for t in (kommun, state, home):
        lines = t.drop(index="net")
        for column in ("without", "with", "difference", "discounted"):
            assert t.loc["net", column] == pytest.approx(lines[column].sum())
    assert result.left_out == ()
    # money moves between the accounts and only the programme and the earnings enter or leave
    total = sum(t.loc["net", "difference"] for t in (kommun, state, home))
    assert total == pytest.approx(gained * 250_000 - 250 * 3000)


def test_prices_are_taken_to_the_stated_year_and_discounted():
    raw = content(discount_rate=0.25)
    raw["prices"]["index"] = {2017: 100, 2018: 110, 2019: 120}
    raw["parameters"]["rent"] |= {"year": 2018, "value": 5500}
    raw["parameters"]["norm"] |= {"year": "each", "value": {2017: 4500, 2018: 4950, 2019: 5400}}
    result = cost_analysis(costs_from_dict(raw), draws=100)
    monthly = 4500 * 1.2 + 5500 * 120 / 110 - 1000
    want = np.array([22.5, 48.375, 49.44375]) * 6.5 * monthly
    np.testing.assert_allclose(result.path["cost_without"], want, rtol=1e-12)
    saved = want / 6 * 1.25 ** -np.arange(3.0)
    assert result.estimates["assistance_saved"].estimate == pytest.approx(saved.sum())


def test_norm_for_single_and_couple_follows_the_size_of_households():
    raw = content(norm={"value": {"single": 4080, "couple": 6670}})
    result = cost_analysis(costs_from_dict(raw), draws=100)
    monthly = 0.4 * 4080 + 0.6 * 6670 + 5500 - 1000
    assert result.path["cost_without"][0] == pytest.approx(22.5 * 6.5 * monthly)


def test_staying_enters_both_aid_and_tax():
    raw = content(**TAX)
    raw["effect"]["on_work_or_studies"] |= {"estimate": 0, "conf_int": [0, 0]}
    raw["effect"]["on_staying"] = dict(raw["effect"]["on_work_or_studies"]) | {
        "estimate": 15, "conf_int": [15, 15],
    }  # fmt: skip
    result = cost_analysis(costs_from_dict(raw), draws=100)
    kommun = account(result, "municipality")
    # g from 0.75 to 0.90: a fifth more households and a fifth more workers
    assert kommun.loc["assistance", "with"] == pytest.approx(
        1.2 * kommun.loc["assistance", "without"]
    )
    assert kommun.loc["municipal_tax", "with"] == pytest.approx(
        1.2 * kommun.loc["municipal_tax", "without"]
    )


# draws


@pytest.mark.parametrize(
    ("symbol", "value", "distribution", "law"),
    [
        ("staying", 0.68, {"kind": "beta", "sd": 0.08}, stats.beta(22.4400, 10.5600)),
        ("rent", 5000, {"kind": "gamma", "sd": 1000}, stats.gamma(25, scale=200)),
        ("rent", 5000, {"kind": "normal", "sd": 100}, stats.norm(5000, 100)),
        ("rent", 5000, {"kind": "uniform", "low": 4000, "high": 6500}, stats.uniform(4000, 2500)),
        ("rent", 5000, {"kind": "triangular", "low": 4000, "high": 6500},
         stats.triang(0.4, 4000, 2500)),
    ],
)  # fmt: skip
def test_quantiles_are_those_of_scipy(symbol, value, distribution, law):
    p = Parameter(value=value, unit=SYMBOLS[symbol].unit, distribution=distribution, **BASE)
    if distribution["kind"] == "beta":
        nu = 0.68 * 0.32 / 0.0064 - 1
        law = stats.beta(0.68 * nu, 0.32 * nu)
    u = np.linspace(0.001, 0.999, 41)
    found = quantiles(p, SYMBOLS[symbol], u[:, None])[None]
    np.testing.assert_allclose(found, law.ppf(u), rtol=1e-9)


def test_a_normal_is_cut_at_the_bounds_and_dirichlet_shares_sum_below_one():
    p = Parameter(value=0.95, unit="share", distribution={"kind": "normal", "sd": 0.1}, **BASE)
    found = quantiles(p, SYMBOLS["staying"], uniforms(1, "x", 5000))[None]
    law = stats.truncnorm(-9.5, 0.5, 0.95, 0.1)
    np.testing.assert_allclose(found, law.ppf(uniforms(1, "x", 5000)[:, 0]), rtol=1e-7)
    d = {"kind": "dirichlet", "concentration": 50}
    p = Parameter(value={2: 0.6, 3: 0.3}, unit="share", distribution=d, **BASE)
    shares = quantiles(p, SYMBOLS["leaving"], uniforms(1, "y", 40_000, 3))
    assert (shares[2] + shares[3] < 1).all()
    # mean and variance of a Dirichlet share: a, a(1 - a)/(51)
    assert shares[2].mean() == pytest.approx(0.6, abs=4 * np.sqrt(0.24 / 51 / 40_000))
    assert shares[2].var() == pytest.approx(0.24 / 51, rel=0.05)


def test_the_effects_draws_have_the_interval_of_the_estimate():
    e = effect_from_estimate(estimate(5, -2, 15))
    np.testing.assert_allclose(e.quantile(np.array([0.025, 0.5, 0.975])), [-0.02, 0.05, 0.15])
    symmetric = effect_from_estimate(estimate(5, 1, 9))
    u = np.linspace(0.01, 0.99, 9)
    sd = 0.04 / stats.norm.ppf(0.975)
    np.testing.assert_allclose(symmetric.quantile(u), stats.norm(0.05, sd).ppf(u), rtol=1e-12)


def test_the_interval_of_the_saving_carries_that_of_the_effect():
    plan = load_costs("by_hand")
    result = cost_analysis(plan, effect_from_estimate(estimate(5, -2, 15)), draws=200_000)
    bounds = result.estimates["assistance_saved_effect_only"].conf_int
    # by hand: a sixth less for ten points, so in proportion
    per_point = 7_038_646.875 / 60
    np.testing.assert_allclose(bounds, [-2 * per_point, 15 * per_point], rtol=0.02)
    both = result.estimates["assistance_saved"]
    assert both.conf_int == bounds
    assert (both.n_units, both.n_treated_units) == (9, 2)
    assert "permutation" in both.inference


def test_the_same_seed_gives_the_same_numbers_whatever_the_block_or_the_number_of_draws():
    plan = load_costs("example")
    model = Model(plan, effect_from_estimate(estimate()))
    draws, effect, staying = model.draw(7, 3000)
    whole = model.totals(draws, effect, staying)
    parts = model.totals(draws, effect, staying, block=700)
    for key, values in whole.lines.items():
        np.testing.assert_array_equal(values, parts.lines[key])
    fewer, _, _ = model.draw(7, 1000)
    np.testing.assert_array_equal(fewer["months"][None], draws["months"][None][:1000])
    # what one quantity draws does not depend on which others are drawn
    alone, _, _ = model.draw(7, 3000, ("months",))
    np.testing.assert_array_equal(alone["months"][None], draws["months"][None])
    assert cost_analysis(plan, draws=500).to_dict() == cost_analysis(plan, draws=500).to_dict()
    other = cost_analysis(plan, draws=500, seed=8).estimates["net_municipality"]
    assert other.conf_int != cost_analysis(plan, draws=500).estimates["net_municipality"].conf_int


# break-even, tornado, decision


def test_break_even_is_where_the_net_is_zero():
    plan = load_costs("by_hand")
    result = cost_analysis(plan, draws=100)
    even = result.break_even
    # 330 adults at 3,000 kronor over 7,038,646.875 / 0.6 kronor of assistance per unit of effect
    assert even.effect == pytest.approx(330 * 3000 * 0.6 / 7_038_646.875)
    assert even.cost_per_person == pytest.approx(7_038_646.875 / 6 / 330)
    at = 100 * even.effect
    there = cost_analysis(plan, effect_from_estimate(estimate(at, at, at)), draws=100)
    assert there.estimates["net_municipality"].estimate == pytest.approx(0, abs=1e-6)
    dear = costs_from_dict(content(programme_cost=even.cost_per_person))
    net = cost_analysis(dear, draws=100).estimates["net_municipality"].estimate
    assert net == pytest.approx(0, abs=1e-6)


def test_no_break_even_in_the_range_is_said():
    result = cost_analysis(costs_from_dict(content(programme_cost=900_000)), draws=100)
    assert result.break_even.effect is None
    assert result.break_even.effect_range == (-0.4, 0.6)
    assert "No break-even in the range" in result.finding.sentence_en
    assert "Ingen brytpunkt inom området" in result.finding.sentence_sv
    worse = cost_analysis(
        load_costs("by_hand"), effect_from_estimate(estimate(-5, -5, -5)), draws=100
    )
    assert worse.break_even.cost_per_person is None
    assert "No cost per person breaks even" in worse.finding.sentence_en


def test_a_bar_of_the_tornado_is_the_model_run_at_the_ends(example):
    plan = load_costs("example")
    bar = next(b for b in example.tornado if b.name == "months")
    raw = content("example")
    for value, net in ((bar.low, bar.net_low), (bar.high, bar.net_high)):
        raw["parameters"]["months"] |= {"value": value, "distribution": {"kind": "fixed"}}
        moved = cost_analysis(costs_from_dict(raw), draws=100)
        assert moved.estimates["net_municipality"].estimate == pytest.approx(net)
    effect = next(b for b in example.tornado if b.name == EFFECT)
    assert (effect.low, effect.high) == pytest.approx((-0.05, 0.15))
    assert list(example.tornado) == sorted(example.tornado, key=lambda b: -b.span)
    names = {n for n, p in plan.parameters.items() if p.distribution.kind != "fixed"} | {EFFECT}
    assert {b.name for b in example.tornado} == names


def test_value_of_information_against_the_normal_formula():
    """EVPI of a normal net benefit is sd·(φ(k) − k·(1 − Φ(k))), k = |mean|/sd (Raiffa)."""
    u = uniforms(3, "benefit", 400_000)[:, 0]
    benefit = stats.norm(0.3, 1).ppf(u)
    k = 0.3
    want = stats.norm.pdf(k) - k * stats.norm.sf(k)
    assert perfect_information(benefit) == pytest.approx(want, rel=0.01)
    # of two independent halves, each is worth the same formula with its own sd
    v = uniforms(3, "other", 400_000)
    mixed = 0.3 + 0.6 * stats.norm.ppf(u) + 0.8 * stats.norm.ppf(v[:, 0])
    k = 0.3 / 0.8
    want = 0.8 * (stats.norm.pdf(k) - k * stats.norm.sf(k))
    assert partial_information(mixed, v) == pytest.approx(want, rel=0.02)
    noise = uniforms(3, "nothing to do with it", 400_000)
    assert partial_information(mixed, noise) == pytest.approx(0, abs=0.003)


def test_the_curve_is_the_share_of_the_plane_below_the_line(example):
    t = example.acceptability
    for at, shown in zip(t["willingness"], t["probability"], strict=True):
        assert shown == (at * example.gained - example.cost > 0).mean()
    assert t["probability"].iloc[0] == example.probability["municipality"]
    assert sum(example.quadrants.values()) == pytest.approx(1)
    assert (t["evpi"] >= 0).all()
    best = example.information["everything"]
    assert all(v <= best + 1e-6 for k, v in example.information.items() if k != "everything")
    assert quadrants(np.array([0.0]), np.array([0.0]))["fewer_cheaper"] == 1
    assert len(acceptability(example.gained, example.cost, 100.0, steps=3)) == 3


def test_every_number_of_the_model_is_inside_its_interval_as_often_as_it_says():
    """The truth is drawn from the stated distributions: 95 % intervals must hold it in 95 %."""
    plan = load_costs("example")
    result = cost_analysis(plan, draws=4000)
    from evaluation.questions.costs.effects import effects_of

    model = Model(plan, effects_of(plan)[0])
    worlds = model.totals(*model.draw(99, 4000))
    for name in ("municipality", "state", "household"):
        low, high = result.estimates[f"net_{name}"].conf_int
        inside = ((worlds.net(name) >= low) & (worlds.net(name) <= high)).mean()
        assert 0.935 <= inside <= 0.965


# the result


def test_the_result_says_what_it_is(example):
    out = json.loads(json.dumps(example.to_dict(), allow_nan=False))
    assert out["finding"]["estimates"]["net_municipality"]["seed"] == 20190101
    assert out["parameters"][0].keys() >= {"value", "unit", "year", "status", "source_sv"}
    assert len(example.tidy()) == len(out["accounts"])
    assert "<table" in example._repr_html_()
    for lang, words in (("sv", "Kommunen vinner i"), ("en", "The municipality gains in")):
        assert words in example.summary(lang)
    assert example.finding.grade == "very weak"
    assert not example.check("effect_known").passed
    with pytest.raises(AttributeError):
        example.seed = 1
    with pytest.raises(KeyError):
        example.check("nothing")


@pytest.mark.parametrize("kind", ["path", "tornado", "plane", "acceptability"])
def test_every_plot_is_drawn_with_labels(example, kind):
    import matplotlib.pyplot as plt

    ax = example.plot(kind, lang="sv")
    assert ax.get_xlabel() or kind == "path"
    assert ax.has_data()
    plt.close(ax.figure)


def test_a_grade_is_never_stronger_than_the_effects():
    raw = content(**TAX, **CREDIT, income_equalisation={"value": 0.9, "unit": "share"},
                  other_tax={"value": 0.1, "unit": "share"},
                  state_grant={"value": 1, "unit": "kronor per adult received"})  # fmt: skip
    for p in raw["parameters"].values():
        p["status"] = "found"
    plan = costs_from_dict(raw)
    for grade, want in (("strong", "moderate"), ("", "moderate"), ("very weak", "very weak")):
        effect = effect_from_estimate(estimate(), grade=grade)
        assert cost_analysis(plan, effect, draws=100).finding.grade == want


# the panel side


def test_costs_per_inhabitant_become_kronor():
    paid, first, second = estimate(-50, -90, -10), estimate(-5, -20, 10), estimate(-30, -60, 5)
    one, two = panel_costs({"U31001": paid, "N31001": first, "N40010": second}, 10_000)
    assert (one.outcome, two.outcome) == ("U31001", "N31001 + N40010")
    assert one.total.conf_int == (-900_000, -100_000)
    assert two.per_inhabitant.conf_int == (-80, 15)
    assert two.per_inhabitant.alpha == 0.1
    assert "90\u00a0% interval" in two.sentence("en")
    assert "kronor per invånare" in one.sentence("sv")
    assert len(two.tidy()) == 2
    [own] = panel_costs({"social_assistance_refugees_included": paid}, 10_000)
    assert own.per_inhabitant.alpha == 0.05
    # the sum that was estimated itself is taken before the bounds of the parts
    both = {"N31001": first, "N40010": second, "social_assistance_refugees_included": paid}
    assert panel_costs(both, 1)[0].per_inhabitant == paid


@pytest.mark.parametrize(
    ("effects", "inhabitants", "says"),
    [
        ({"N31001": estimate()}, 1, r"N31001 cannot stand alone.*left out.*N40010"),
        ({"N40010": estimate()}, 1, r"neither U31001 nor N31001 \+ N40010"),
        ({}, 1, "found nothing"),
        ({"N00973": estimate()}, 1, "N00973 is in .* no kronor per inhabitant"),
        ({"U31001": estimate()}, 0, "inhabitants: must be above 0"),
        ({"N31001": estimate(), "N40010": estimate(alpha=0.1)}, 1, "same level"),
    ],
)
def test_a_cost_that_misleads_is_refused(effects, inhabitants, says):
    with pytest.raises(InputError, match=says):
        panel_costs(effects, inhabitants)


# bad input


def changed(path, value):
    raw = content("example")
    node = raw
    for step in path[:-1]:
        node = node[step]
    if value is None:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return raw


P = "parameters"
BAD = [
    ((P, "rent", "value"), -1, "must be 0 or more kronor per household and month"),
    ((P, "rent", "value"), {"single": 1, "couple": -2}, r"value.couple: must be 0 or more"),
    ((P, "staying", "value"), 1.2, r"must be between 0 and 1 share \(found 1.2\)"),
    ((P, "staying", "value"), -0.1, "must be between 0 and 1"),
    ((P, "months", "value"), 13, "must be between 0 and 12 months per year"),
    ((P, "months", "value"), "seven", "must be a finite number"),
    ((P, "months", "value"), float("nan"), "must be a finite number"),
    ((P, "months", "value"), True, "must be a finite number"),
    ((P, "staying", "source"), None, "source is missing: a found value"),
    ((P, "staying", "source"), "  ", "source is missing: a found value"),
    ((P, "months", "source"), None, "source is missing: an assumed value"),
    ((P, "staying", "status"), "known", "'found' or 'assumed'"),
    ((P, "staying", "status"), None, "status: is missing"),
    ((P, "staying", "unit"), "per cent", "must be 'share'"),
    ((P, "staying"), None, "staying: is missing: share still living"),
    ((P, "rent", "year"), 1997, "prices.index has no value for 1997"),
    ((P, "rent", "year"), "each", "each is for a value by year"),
    ((P, "staying", "year"), "each", "must be a year"),
    (("prices", "index"), {2018: 1.0}, "index has no value for 2019"),
    (("prices", "source"), "", "source is missing"),
    ((P, "staying", "distribution"), {"kind": "lognormal", "sd": 1}, "'fixed', 'beta', 'gamma'"),
    ((P, "staying", "distribution"), {"kind": "beta"}, "beta needs sd, given nothing"),
    ((P, "staying", "distribution"), {"kind": "beta", "sd": 0.6}, "beta is for a share with sd²"),
    ((P, "months", "distribution"), {"kind": "gamma", "sd": 1}, "gamma is for"),
    ((P, "months", "distribution"), {"kind": "uniform", "low": 7.5, "high": 8}, "must enclose"),
    ((P, "months", "distribution"), {"kind": "uniform", "low": 5, "high": 14}, "between 0 and 12"),
    ((P, "norm", "distribution"), {"kind": "uniform", "low": 5, "high": 14}, "by key takes"),
    ((P, "months", "distribution"), {"kind": "dirichlet", "concentration": 9}, "no dirichlet"),
    ((P, "leaving", "distribution"), {"kind": "beta", "sd": 0.1}, "must be fixed or dirichlet"),
    ((P, "leaving", "value"), {2: 0.9, 3: 0.2}, r"must sum to 1 at most \(found 1.1\)"),
    ((P, "leaving", "value"), 0.9, "for each age"),
    ((P, "received", "value"), {2019: 100}, "has no value for 2016; those leaving in 2019–2032"),
    ((P, "exit_rate", "value"), {2019: 0.3}, "has no value for 2020; all of 2019–2032"),
    ((P, "fade", "value"), dict.fromkeys(range(2019, 2033), 0.1), "must be a single number"),
    ((P, "equalisation_lag", "value"), 1.5, "whole number of years"),
    ((P, "long_term_share"), None, "is missing: equalisation_credit needs"),
    ((P, "earnings"), None, "earnings: is missing: basic_deduction needs"),
    ((P, "adults_per_household", "value"), 2.5, "must enclose the value 2.5"),
    ((P, "child_benefit"), {"value": 1, "unit": "x", **BASE}, "unknown key; known here are rec"),
    ((P, "staying", "colour"), "red", "unknown key; known here are status"),
    ((P, "other_income", "value"), 2000, "must enclose|above zero"),
    (("years",), [2030, 2019], r"must be \[first, last\]"),
    (("effect", "first_cohort"), 2040, "must be 2032 or earlier|last_cohort"),
    (("effect", "on_work_or_studies", "conf_int"), [6, 15], "must hold 5"),
    (("effect", "on_work_or_studies", "conf_int"), [-500, 600], "what a share can change by"),
    (("effect", "on_work_or_studies", "source"), None, "source is missing"),
    (("effect", "on_work_or_studies", "results"), "results.json", "give results and key"),
    (("analysis", "draws"), 10, "greater than or equal to 100"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "says"), BAD)
def test_bad_input_names_file_line_and_key(cli, refused, tmp_path, path, value, says):
    file = tmp_path / "p.yaml"
    raw = changed(path, value)
    if path == (P, "other_income", "value"):
        raw[P]["other_income"] |= {"value": 90_000, "distribution": {"kind": "fixed"}}
    file.write_text(yaml.safe_dump(raw, allow_unicode=True, sort_keys=False), encoding="utf-8")
    before = sorted(p.name for p in tmp_path.iterdir())
    answer = cli("costs", file)
    assert answer.code == 2, answer
    assert answer.out == ""
    assert re.match(rf"evaluation: {re.escape(str(file))}, row \d+, field [\w.\[\]]+: ", answer.err)
    assert answer.err.count("\n") == 1
    assert re.search(says, answer.err), answer.err
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_a_line_is_that_of_the_key(tmp_path, cli):
    text = open(load_costs("example").file, encoding="utf-8").read()  # noqa: PTH123, SIM115
    wrong = text.replace("value: 7.0", "value: 70.0")
    line = next(i for i, row in enumerate(wrong.splitlines(), 1) if "value: 70.0" in row)
    file = tmp_path / "p.yaml"
    file.write_text(wrong, encoding="utf-8")
    assert f"row {line}, field parameters.months.value: " in cli("costs", file).err


@pytest.mark.parametrize(
    ("low", "high", "value", "says"),
    [
        (-np.inf, np.inf, 5, "no finite bounds"),
        (6, 9, 5, "does not hold the estimate"),
        (-300, 900, 5, "beyond what a share can change by"),
    ],
)
def test_an_estimate_that_gives_no_draws_is_refused(low, high, value, says):
    with pytest.raises(InputError, match=says):
        effect_from_estimate(estimate(value, low, high))


# the effect of a report


def report(**outcome):
    return {
        "plan": {"name": "day_one"},
        "origin": None,
        "indicators": {
            "N00973": {"id": "N00973", "change_en": "percentage points"},
            "U31001": {"id": "U31001", "change_en": "kronor per inhabitant"},
            "foreign_background": {"id": "foreign_background", "change_en": "percentage points"},
        },
        "outcomes": {
            name: {"finding": {"grade": "weak", "estimates": {"permutation": estimate().to_dict()}}}
            for name in ("N00973", "U31001", "foreign_background")
        },
    } | outcome  # fmt: skip


def from_report(tmp_path, key, text=None):
    (tmp_path / "results.json").write_text(text or json.dumps(report()), encoding="utf-8")
    raw = content("example")
    raw["effect"]["on_work_or_studies"] = {"results": "results.json", "key": key}
    file = tmp_path / "p.yaml"
    file.write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")
    return file


def test_the_effect_is_read_from_a_report(tmp_path):
    file = from_report(tmp_path, "outcomes.N00973.finding.estimates.permutation")
    result = cost_analysis(load_costs(file), draws=200)
    assert (result.effect.low, result.effect.high) == (-0.02, 0.15)
    assert result.effect.grade == "weak"
    assert result.check("effect_known").passed
    assert result.estimates["net_municipality"].n_units == 9


def test_simulated_data_stay_marked(tmp_path):
    text = json.dumps(report(origin={"notice_en": "SIMULATED / SIMULERADE DATA"}))
    file = from_report(tmp_path, "outcomes.N00973.finding.estimates.permutation", text)
    result = cost_analysis(load_costs(file), draws=200)
    assert result.finding.sentence_sv.startswith("SIMULERADE DATA: ")
    assert result.finding.sentence_en.startswith("SIMULATED DATA: ")


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("outcomes.N00973.finding.estimates.welch", "has no 'welch' under .*has permutation"),
        ("outcomes.N00973.finding", "is no estimate"),
        ("plan.name.x", "has no 'x' under plan.name, which has no keys"),
        ("outcomes.U31001.finding.estimates.permutation", "kronor per inhabitant, not perc"),
        (
            "outcomes.foreign_background.finding.estimates.permutation",
            "N00973 and foreign_background cannot be one",
        ),
    ],
)
def test_a_report_without_such_an_effect_is_refused(tmp_path, cli, key, says):
    answer = cli("costs", from_report(tmp_path, key))
    assert answer.code == 2
    assert re.search(rf"p.yaml, row \d+, field effect.on_work_or_studies.key: .*{says}", answer.err)
    assert answer.err.count("\n") == 1


def test_a_report_that_cannot_be_read_is_refused(tmp_path, cli):
    file = from_report(tmp_path, "outcomes.N00973", text="{")
    assert "results: results.json: is not JSON" in cli("costs", file).err
    (tmp_path / "results.json").unlink()
    assert "results: results.json: there is no such file" in cli("costs", file).err


# the command


def test_the_command_prints_and_writes(cli, tmp_path):
    out = tmp_path / "costs"
    answer = cli("costs", "by_hand", "--out", out, "--format", "html", "--draws", 200)
    assert answer.code == 0, answer.err
    assert "2\u202f892\u202f459" in answer.out
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert results["path"][1]["cost_without"] == pytest.approx(2_829_937.5)
    assert results["draws"] == 200
    table = pd.read_csv(out / "tables" / "account_municipality.csv")
    assert table["line"].tolist() == ["assistance", "programme_cost", "net"]
    assert (out / "parameters.yaml").is_file()
    assert sorted(p.name for p in (out / "figures").iterdir()) == [
        "acceptability.svg", "path.svg", "plane.svg",
    ]  # fmt: skip
    html = " ".join((out / "report.html").read_text(encoding="utf-8").split())
    assert "arbetssättets kostnad" in html.lower()
    # again into the same folder: a former report gives way, anything else does not
    assert cli("costs", "by_hand", "--out", out, "--format", "html").code == 0
    (out / "mine.txt").write_text("x", encoding="utf-8")
    answer = cli("costs", "by_hand", "--out", out, "--format", "html")
    assert answer.code == 2
    assert "mine.txt" in answer.err
    assert (out / "mine.txt").is_file()


def test_json_is_one_object(cli):
    answer = cli("costs", "example", "--json", "--draws", 300, "--seed", 5, "--lang", "en")
    found = json.loads(answer.out)
    assert (found["draws"], found["seed"]) == (300, 5)
    assert found["break_even"].keys() >= {"effect", "cost_per_person"}


@pytest.mark.parametrize(
    ("arguments", "where", "says"),
    [
        (["no_such"], "no_such", "by_hand, example ship"),
        (["no.yaml"], "no.yaml", "there is no such file"),
        (["by_hand", "--format", "odt"], "field --format", "'odt' is none of"),
    ],
)
def test_a_wrong_call_is_one_line(cli, refused, arguments, where, says):
    refused(cli, "costs", *arguments, where=where, says=says)


def test_the_shipped_report_speaks_both_languages(tmp_path, example):
    from evaluation.report.costs import write_costs

    for lang, words in (("sv", "Vem betalar och vem vinner"), ("en", "Who pays and who gains")):
        out = write_costs(example, tmp_path / lang, lang=lang, formats=("html",))
        html = " ".join((out / "report.html").read_text(encoding="utf-8").split())
        assert words in html
        assert "142" in html
        number = "1,6" if lang == "sv" else "1.6"
        assert f"{number} {'vuxna per hushåll' if lang == 'sv' else 'adults per household'}" in html


def test_where_nothing_is_uncertain_no_interval_is_printed():
    result = cost_analysis(load_costs("by_hand"), draws=100)
    sv, en = result.finding.sentence_sv, result.finding.sentence_en
    assert "sparar kommunen 1\u202f173\u202f108\u00a0kronor på bistånd 2017–2019 (brutto, " in sv
    assert "är osäkert i filen; därför ges inga intervall" in sv
    assert "is uncertain in the file, so no intervals are given" in en
    for text in (sv, result.summary("sv")):
        assert " till " not in text
        assert "dragningarna." not in text.partition("\n\n")[0]
    checks = {c.name: c for c in result.finding.checks}
    assert checks["sign_of_net"].passed is None
    assert checks["effect_known"].text_sv == (
        "Effekten, 10,0 procentenheter utan osäkerhet, är antagen: påhittad."
    )
    # a line that is fixed among others that are not
    uncertain = cost_analysis(load_costs("example"), draws=200).summary("sv")
    assert re.search(r"kommunen: statens schablon.* 0 +–$", uncertain, re.MULTILINE)
    assert re.search(r"kommunen: netto .* till ", uncertain)


@pytest.mark.parametrize("given", ["settlement", str(Path(load_plan("settlement").file))])
def test_a_plan_in_the_place_of_a_parameter_file_is_told_where_it_goes(cli, given):
    answer = cli("costs", given)
    assert answer.code == 2
    assert len(answer.err.splitlines()) == 1
    assert f"{given}: looks like a plan, which evaluation run takes" in answer.err


def test_a_parameter_file_in_the_place_of_a_plan_is_told_where_it_goes(cli, tmp_path):
    answer = cli("run", load_costs("example").file, "--out", tmp_path / "out")
    assert answer.code == 2
    assert "looks like a parameter file of the cost model, which evaluation costs" in answer.err


BLOCK = "\n    <<: *made_up\n    value: 0,40\n    unit: share"


@pytest.mark.parametrize(
    ("written", "row", "says"),
    [
        ("{<<: *made_up, value: 0,40, unit: share}", 21, "value: 0,40 is a value and a key; write"),
        ("{<<: *made_up, unit: share, value: -0,40}", 21, "with a decimal point, -0.40"),
        (BLOCK, 23, "(found '0,40'); write it with a decimal point, 0.40"),
    ],
)
def test_a_decimal_comma_is_said_to_be_one(tmp_path, written, row, says):
    text = Path(load_costs("by_hand").file).read_text("utf-8")
    right = "{<<: *made_up, value: 0.40, unit: share}"
    assert text.count(right) == 1
    (tmp_path / "c.yaml").write_text(text.replace(right, written), encoding="utf-8")
    with pytest.raises(InputError) as raised:
        load_costs(tmp_path / "c.yaml")
    assert says in raised.value.problem
    assert raised.value.row == row


def test_a_year_without_a_value_is_no_decimal_comma():
    content, _ = read_mapping("a: {2017: 100, 2018: }\nb: [0,5]\nc: {x: 1,y: 2}", "x.yaml")
    assert content == {"a": {2017: 100, 2018: None}, "b": [0, 5], "c": {"x": 1, "y": 2}}
