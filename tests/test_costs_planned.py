"""Costs beside a plan: its own effects, correlated parameters, and reports computed again."""

import copy
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from scipy import stats

from evaluation.errors import InputError
from evaluation.plan import load_plan, plan_from_dict
from evaluation.questions.costs import (
    cost_analysis,
    costs_from_dict,
    effect_from_estimate,
    load_costs,
)
from evaluation.questions.costs.effects import UncertainEffect, effects_of
from evaluation.questions.costs.planned import check_costs, costs_of_plan
from evaluation.questions.costs.sensitivity import BreakEven
from evaluation.questions.costs.totals import EFFECT, STAYING, Model
from evaluation.questions.costs.words import break_even_sentences
from evaluation.report.costs import write_costs
from evaluation.report.costs_figures import make_cost_figures
from evaluation.report.costs_section import cost_words, costs_figures, costs_tables
from evaluation.report.template import template
from evaluation.report.verify import verify
from evaluation.results import Estimate, Finding


def estimate(value=5.0, low=-2.0, high=15.0, inference="permutation"):
    return Estimate(
        term="att", estimate=value, conf_int=(low, high), method="cs", inference=inference,
        estimand="cohort", n_obs=90, n_units=9, n_treated_units=2, n_clusters=9,
    )  # fmt: skip


def raw(name="example"):
    return copy.deepcopy(yaml.safe_load(Path(load_costs(name).file).read_text("utf-8")))


def tied(*correlations):
    found = raw()
    found["analysis"]["correlations"] = [
        {"between": [a, b], "value": value} for a, b, value in correlations
    ]
    return found


# correlations


def drawn(plan, seed=3, n=20_000):
    return Model(plan, effects_of(plan)[0]).draw(seed, n)


def test_rank_correlations_are_those_of_the_copula_and_margins_stay():
    plan = costs_from_dict(
        tied(("on_work_or_studies", "exit_rate", 0.5), ("exit_rate", "staying", -0.4))
    )
    draws, effect, _ = drawn(plan)
    free, free_effect, _ = drawn(load_costs("example"))
    exits, stays = draws["exit_rate"][None], draws["staying"][None]
    for a, b, rho in ((effect, exits, 0.5), (exits, stays, -0.4), (effect, stays, 0.0)):
        # 6/π·arcsin(ρ/2); the standard error at 20,000 draws is 0.007
        want = 6 / np.pi * np.arcsin(rho / 2)
        assert stats.spearmanr(a, b)[0] == pytest.approx(want, abs=0.025)
    for name in ("exit_rate", "staying"):
        law = stats.ks_2samp(draws[name][None], free[name][None])
        assert law.statistic < 0.02
    # the first of the group, and everything outside it, draw what they drew: bit for bit
    np.testing.assert_array_equal(effect, free_effect)
    for name in set(draws) - {"exit_rate", "staying"}:
        for key, values in draws[name].items():
            np.testing.assert_array_equal(values, free[name][key])


def test_none_changes_nothing_and_fewer_draws_are_the_first_of_more():
    empty = raw()
    empty["analysis"]["correlations"] = []
    a, b = cost_analysis(costs_from_dict(empty), draws=500), cost_analysis(
        load_costs("example"), draws=500
    )  # fmt: skip
    assert a.to_dict() == b.to_dict()
    plan = costs_from_dict(tied(("months", "rent", 0.7), ("rent", "staying", 0.6)))
    many, few = drawn(plan, n=4000)[0], drawn(plan, n=700)[0]
    for name in ("months", "staying"):
        np.testing.assert_array_equal(many[name][None][:700], few[name][None])


def test_what_moves_together_widens_or_narrows_by_hand():
    # two normals that add up: the sum's sd is √(a² + b² + 2ρab)
    found = raw("by_hand")
    for name, value in (("norm", 6000), ("rent", 3000)):
        found["parameters"][name] |= {
            "value": value,
            "distribution": {"kind": "normal", "sd": 100},
        }
    found["parameters"]["other_income"]["value"] = 0
    widths = {}
    for rho in (-0.9, 0.0, 0.9):
        found["analysis"] = {
            "draws": 20_000,
            "correlations": [{"between": ["norm", "rent"], "value": rho}] if rho else [],
        }
        path = cost_analysis(costs_from_dict(found)).path
        last = path.iloc[-1]
        widths[rho] = (last["cost_without_high"] - last["cost_without_low"]) / last["cost_without"]
    for rho, width in widths.items():
        sd = np.sqrt(2 * 100**2 * (1 + rho)) / 9000
        assert width == pytest.approx(2 * 1.96 * sd, rel=0.04)


def test_knowing_one_of_two_that_move_together_tells_of_the_other():
    alone = cost_analysis(costs_from_dict(_decided(tied())))
    both = cost_analysis(costs_from_dict(_decided(tied(("on_work_or_studies", "months", 0.95)))))
    name = "months"
    assert alone.information[name] < 0.2 * alone.information[EFFECT]
    assert both.information[name] > 0.6 * both.information[EFFECT]
    # a bar of the tornado moves one at a time either way
    bars = [{b.name: b for b in r.tornado} for r in (alone, both)]
    assert bars[0] == bars[1]
    assert alone.data_hash != both.data_hash


def _decided(content):
    """Return parameters with which the choice is open."""
    content["parameters"]["programme_cost"]["value"] = 1000
    content["parameters"]["programme_cost"]["distribution"] = {"kind": "fixed"}
    content["analysis"]["draws"] = 4000
    return content


@pytest.mark.parametrize(
    ("correlations", "field", "says"),
    [
        ([("rent", "nothing", 0.5)], "correlations[1].between", "'nothing' is none of on_work"),
        ([("rent", "norm", 0.5)], "correlations[1].between", "norm is fixed"),
        ([("rent", "leaving", 0.5)], "correlations[1].between", "several shares"),
        ([("rent", "on_staying", 0.5)], "correlations[1].between", "effect.on_staying is not"),
        ([("rent", "rent", 0.5)], "correlations[1]", "a quantity with itself"),
        ([("rent", "months", 0.5), ("months", "rent", 0.1)], "correlations[2]", "a second time"),
        ([("rent", "months", 1.0)], "correlations[1].value", "less than 1"),
        (
            [("rent", "months", 0.9), ("months", "staying", 0.9), ("rent", "staying", -0.9)],
            "correlations",
            "not positive definite): staying, months, rent",
        ),
    ],
)
def test_correlations_that_cannot_be_name_file_line_and_key(
    cli, tmp_path, correlations, field, says
):
    file = tmp_path / "p.yaml"
    file.write_text(yaml.safe_dump(tied(*correlations), allow_unicode=True), encoding="utf-8")
    answer = cli("costs", file)
    assert answer.code == 2
    assert re.search(rf"p.yaml, row \d+, field analysis\.{re.escape(field)}: ", answer.err)
    assert says in answer.err
    assert answer.err.count("\n") == 1


# the break-even points' intervals


def test_break_even_within_each_draw_is_where_its_net_is_zero():
    plan = costs_from_dict(_cheap())
    effect = effects_of(plan)[0]
    result = cost_analysis(plan, draws=400)
    model = Model(plan, effect)
    draws, _, _ = model.draw(plan.analysis.seed, 400)
    # the net is a line in the effect: the root from two other effects than the code's
    at = [model.totals(draws, np.full(400, e), keep=()).net("municipality") for e in (0.0, 0.1)]
    root = -at[0] * 0.1 / (at[1] - at[0])
    want = np.quantile(root, [0.025, 0.975])
    assert list(result.break_even.effect_bounds) == pytest.approx(list(want), rel=1e-9)
    low, high = result.break_even.effect_bounds
    assert low < result.break_even.effect < high
    net = result.gained * 0 - result.cost
    spent = model.totals(*model.draw(plan.analysis.seed, 400)).lines[
        "municipality", "programme_cost"
    ]
    met = -spent / draws["programme_cost"][None]
    want = np.quantile((net - spent) / met, [0.025, 0.975])
    assert list(result.break_even.cost_bounds) == pytest.approx(list(want), rel=1e-9)


def _cheap():
    found = raw()
    found["parameters"]["programme_cost"] |= {
        "value": 800,
        "distribution": {"kind": "gamma", "sd": 100},
    }
    for name in ("equalisation_credit", "long_term_share", "equalisation_lag"):
        del found["parameters"][name]
    return found


@pytest.mark.parametrize(
    ("bounds", "en", "sv"),
    [
        ((0.01, 0.05), "(95 % interval 1.0 to 5.0)", "(95 % intervall 1,0 till 5,0)"),
        ((0.01, None), "from 1.0 to beyond what is possible", "till över det möjliga"),
        ((None, 0.05), "from below what is possible to 5.0", "från under det möjliga till 5,0"),
    ],
)
def test_the_sentence_has_the_interval(bounds, en, sv):
    even = BreakEven(0.02, (-0.4, 0.6), (-9.0, 9.0), 5.0, 5.0, bounds, (4.0, 7.0))
    in_en, in_sv = (
        [t.replace("\u00a0", " ") for t in break_even_sentences(even, lang)]
        for lang in ("en", "sv")
    )
    assert en in in_en[0]
    assert sv in in_sv[0]
    assert "(95 % interval 4 to 7)" in in_en[1]


# a plan's own effects


def planned(**costs):
    content = load_plan("day_one_simulated").model_dump(mode="json")
    content["costs"] = content["costs"] | costs
    plan = plan_from_dict(content, file=load_plan("day_one_simulated").file)
    plan._lines = dict(load_plan("day_one_simulated")._lines)
    return plan


def outcome(entry="N00973", sex="T", unit="percentage points"):
    return SimpleNamespace(entry=entry, sex=sex, indicator=SimpleNamespace(change_en=unit))


READ = {
    "N00973": outcome(),
    "N00973_k": outcome(sex="K"),
    "retention_3_years": outcome("retention_3_years"),
    "U31001": outcome("U31001", unit="kronor per inhabitant"),
}


def analysed(key, value, low, high, grade="weak"):
    found = {
        key: estimate(value, low, high),
        "rule_welch": estimate(value, low - 1, high + 1, "welch"),
    }
    return SimpleNamespace(
        finding=Finding("effect", found, (), "s", "s", grade, "r", "r"),
        rule=SimpleNamespace(rule="welch"),
        indicator=SimpleNamespace(definite_sv="andelen", label_en="share"),
    )


OUTCOMES = {
    "N00973": analysed("permutation", 6.0, 1.0, 12.0),
    "retention_3_years": analysed("permutation", 3.0, 0.5, 6.0),
}


def test_the_plans_own_estimates_are_the_effects():
    plan = planned()
    parameters = check_costs(plan, READ)
    result = costs_of_plan(plan, parameters, OUTCOMES, "SIMULATED / SIMULERADE DATA: made up")
    assert (result.effect.low, result.effect.estimate, result.effect.high) == (0.01, 0.06, 0.12)
    assert (result.on_staying.low, result.on_staying.high) == (0.005, 0.06)
    assert result.effect.grade == "weak"
    assert result.finding.sentence_en.startswith("SIMULATED DATA: ")
    assert result.check("effect_known").passed
    assert "own estimate of the share (permutation interval)" in (
        result.check("effect_known").text_en
    )
    assert "egen skattning av andelen (permutationsintervall)" in (
        result.check("effect_known").text_sv
    )
    direct = cost_analysis(
        load_costs("example"),
        effect_from_estimate(estimate(6.0, 1.0, 12.0)),
        on_staying=effect_from_estimate(estimate(3.0, 0.5, 6.0)),
    )
    for name, found in direct.estimates.items():
        assert result.estimates[name].conf_int == found.conf_int
    assert set(dict(result.to_dict())["value_of_information"]) >= {EFFECT, STAYING}


def test_the_key_names_whose_interval():
    plan = planned(key="rule", on_staying=None)
    result = costs_of_plan(plan, check_costs(plan, READ), OUTCOMES)
    assert (result.effect.low, result.effect.high) == (0.0, 0.13)
    assert "(intervall enligt regeln för få behandlade)" in result.check("effect_known").text_sv
    assert "(interval by the rule for few treated)" in result.check("effect_known").text_en
    assert result.on_staying is None
    assert not result.finding.sentence_en.startswith("SIMULATED")


def account(value, low, high):
    """Return the analysis of a cost per inhabitant in two municipalities."""
    treated = [SimpleNamespace(code="2321", population=9_000),
               SimpleNamespace(code="1233", population=15_000)]  # fmt: skip
    design = SimpleNamespace(treated=treated)
    return SimpleNamespace(
        headline=estimate(value, low, high), inference=SimpleNamespace(design=design)
    )


@pytest.mark.parametrize(
    ("work", "paid", "passed", "sv"),
    [
        # more in work: the model's assistance falls
        ((6.0, 1.0, 12.0), (-500.0, -900.0, -100.0), True, "de pekar åt samma håll"),
        ((6.0, 1.0, 12.0), (500.0, 100.0, 900.0), False, "de pekar åt olika håll"),
        ((6.0, 1.0, 12.0), (500.0, -100.0, 900.0), None, "om de säger emot varandra går inte"),
        ((-6.0, -12.0, -1.0), (-500.0, -900.0, -100.0), False, "de pekar åt olika håll"),
        ((-6.0, -12.0, 1.0), (-500.0, -900.0, -100.0), None, "om de säger emot varandra går inte"),
    ],
)
def test_the_panels_own_cost_stands_beside_the_models(work, paid, passed, sv):
    plan = planned(on_staying=None)
    outcomes = {"N00973": analysed("permutation", *work), "U31001": account(*paid)}
    result = costs_of_plan(plan, check_costs(plan, READ), outcomes)
    [cost] = result.panel
    # 12,000 inhabitants are the mean of 9,000 and 15,000
    assert cost.total.estimate == paid[0] * 12_000
    check = result.check("panel_U31001")
    assert check.passed is passed
    assert sv in check.text_sv
    verb = "falls" if work[0] > 0 else "rises"
    assert f"In the model assistance {verb} (" in check.text_en
    alone = costs_of_plan(plan, check_costs(plan, READ), {"N00973": outcomes["N00973"]})
    assert alone.panel == ()
    assert "panel" not in alone.to_dict()
    # they measure different people: nothing of the model's own answer moves
    assert result.finding.sentence_sv == alone.finding.sentence_sv
    assert result.finding.grade == alone.finding.grade
    assert result.checks[: len(alone.checks)] == alone.checks
    r = json.loads(json.dumps(result.to_dict(points=True)))
    assert r["panel"][0]["per_inhabitant"]["estimate"] == paid[0]
    for lang, head in (("sv", "Vad panelen själv säger"), ("en", "What the panel itself says")):
        text, none = body(r, lang), body(alone.to_dict(points=True), lang)
        assert head in text
        assert head not in none
        for said in (cost.sentence(lang), getattr(check, f"text_{lang}")):
            assert said.replace("\u00a0", " ") in text


def test_the_accounts_that_leave_refugees_out_are_taken_with_the_others_only():
    plan = planned(on_staying=None)
    parts = {"N31001": account(20.0, 5.0, 40.0), "N40010": account(-90.0, -150.0, -30.0)}
    found = costs_of_plan(plan, check_costs(plan, READ), OUTCOMES | parts)
    [cost] = found.panel
    assert (cost.outcome, cost.per_inhabitant.conf_int) == ("N31001 + N40010", (-145.0, 10.0))
    assert "90" in cost.sentence("en")
    assert found.check("panel_N31001_N40010").passed
    del parts["N40010"]
    assert costs_of_plan(plan, check_costs(plan, READ), OUTCOMES | parts).panel == ()


@pytest.mark.parametrize(
    ("changed", "field", "says"),
    [
        ({"outcome": "N00971"}, "costs.outcome", "'N00971' is not among the plan's outcomes"),
        ({"outcome": "N00973_k"}, "costs.outcome", "one sex"),
        ({"outcome": "U31001"}, "costs.outcome", "kronor per inhabitant, not percentage"),
        ({"outcome": "retention_3_years"}, "costs.outcome", "cannot be one"),
        ({"on_staying": "N00973"}, "costs.on_staying", "cannot be one"),
        ({"parameters": "costs/none.yaml"}, "costs.parameters", "none.yaml: there is no such"),
        ({"parameters": "none"}, "costs.parameters", "none: there is no such parameter file"),
    ],
)
def test_a_wrong_key_names_plan_line_and_key(changed, field, says):
    with pytest.raises(InputError, match=says) as raised:
        check_costs(planned(**changed), READ)
    assert raised.value.field == field
    assert raised.value.row
    assert raised.value.file.endswith("day_one_simulated.yaml")


def test_an_unknown_key_of_the_plan_is_refused(tmp_path):
    text = Path(load_plan("day_one_simulated").file).read_text("utf-8")
    (tmp_path / "p.yaml").write_text(text + "  colour: blue\n", encoding="utf-8")
    with pytest.raises(InputError, match="unknown key") as raised:
        load_plan(tmp_path / "p.yaml")
    assert raised.value.field == "costs.colour"
    (tmp_path / "p.yaml").write_text(text + "  key: welch\n", encoding="utf-8")
    with pytest.raises(InputError, match="permutation") as raised:
        load_plan(tmp_path / "p.yaml")
    assert raised.value.field == "costs.key"


def test_a_fault_inside_the_parameter_file_names_that_file(tmp_path):
    bad = raw()
    bad["parameters"]["months"]["value"] = 40
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(bad, allow_unicode=True), encoding="utf-8")
    with pytest.raises(InputError) as raised:
        check_costs(planned(parameters=str(tmp_path / "mine.yaml")), READ)
    assert raised.value.file.endswith("mine.yaml")
    assert raised.value.field == "parameters.months.value"


def test_an_interval_without_bounds_names_the_plans_key():
    plan = planned(on_staying=None)
    wide = {"N00973": analysed("permutation", 6.0, -np.inf, np.inf)}
    with pytest.raises(InputError, match="no finite bounds") as raised:
        costs_of_plan(plan, check_costs(plan, READ), wide)
    assert raised.value.field == "costs.outcome"


def test_an_effect_on_staying_in_another_report_cannot_be_carried(tmp_path):
    other = raw()
    other["effect"]["on_staying"] = {"results": "x.json", "key": "outcomes.a.b"}
    (tmp_path / "o.yaml").write_text(yaml.safe_dump(other, allow_unicode=True), encoding="utf-8")
    with pytest.raises(InputError, match=r"name an outcome of the plan in costs\.on_staying"):
        check_costs(planned(parameters=str(tmp_path / "o.yaml"), on_staying=None), READ)


def test_a_plan_without_costs_keeps_its_hash():
    content = load_plan("settlement").model_dump(mode="json")
    assert "costs" not in content
    assert check_costs(load_plan("settlement"), {}) is None


def test_the_section_has_every_table_and_figure_once_and_in_both_languages():
    plan = planned()
    result = costs_of_plan(plan, check_costs(plan, READ), OUTCOMES)
    r = {"costs": json.loads(json.dumps(result.to_dict(points=True)))}
    for lang in ("sv", "en"):
        tables, figures = costs_tables(r, lang), costs_figures(r, lang)
        keys = [t.key for t in tables]
        assert len(set(keys)) == len(keys)
        assert {"costs_account_municipality", "costs_tornado", "costs_parameters"} <= set(keys)
        assert [f.key for f in figures] == [
            "costs_path", "costs_tornado", "costs_plane", "costs_acceptability",
        ]  # fmt: skip
        words = cost_words(r["costs"], lang)
        assert words["effect"][0] == ("6,0" if lang == "sv" else "6.0")
        assert words["staying"][0] == ("3,0" if lang == "sv" else "3.0")
    assert costs_tables({}, "sv") == []


def body(costs, lang):
    """Return the text of the section, without its tables and figures."""
    made = template(f"costs.body.{lang}.md.j2").render(
        r=costs,
        c=cost_words(costs, lang),
        h="#",
        p="",
        table=lambda key: "",
        figure=lambda key: "",
    )
    return made.replace("\u00a0", " ")


def test_the_section_says_an_effect_below_zero_and_rare_draws_as_they_are():
    found = cost_analysis(
        load_costs("example"), UncertainEffect(-0.117, -0.2, -0.01, 0.05, "s", "a", "a", True),
        draws=200,
    ).to_dict(points=True)  # fmt: skip
    quadrants = {"more_cheaper": 0.0, "more_dearer": 0.003}
    found["plane"] = quadrants | {"fewer_cheaper": 0.0021, "fewer_dearer": 0.9949}
    sv, en = body(found, "sv"), body(found, "en")
    assert "**Effekten** på andelen i arbete eller studier är −11,7 procentenheter (95" in sv
    assert "**The effect** on the share in work or studies is −11.7 percentage points (95" in en
    assert "I 0 % av dragningarna kommer fler" in sv
    assert "i mindre än 1 % kommer fler dit" in sv
    assert "i mindre än 1 % färre och billigare, i mer än 99 % färre och dyrare" in sv
    assert "In 0 % of the draws more people" in en
    assert "in less than 1 % fewer and cheaper, in more than 99 % fewer and dearer" in en
    alt = make_cost_figures(found, "sv")["plane"].alt.replace("\u00a0", " ")
    assert "i 0 % av dragningarna fler och billigare, i mindre än 1 % fler och dyrare" in alt


# a cost report computed again


@pytest.fixture(scope="module")
def stated(tmp_path_factory):
    """Return a report whose effect stands in its file."""
    out = tmp_path_factory.mktemp("verified") / "costs"
    return write_costs(cost_analysis(load_costs("example"), draws=300, seed=4), out, formats=())


@pytest.fixture
def again(stated, tmp_path):
    return Path(shutil.copytree(stated, tmp_path / "again"))


def test_a_cost_report_is_computed_again(again, cli):
    answer = cli("verify", again, "--json")
    assert answer.code == 0, answer.out + answer.err
    found = json.loads(answer.out)
    assert found["passed"]
    assert found["n_numbers"] > 1000


def test_effects_from_elsewhere_are_carried(tmp_path):
    def given(value, low, high, **kw):
        return effect_from_estimate(estimate(value, low, high), **kw)

    parameters = costs_from_dict(raw())  # without a file
    result = cost_analysis(
        parameters, given(6, 1, 12, grade="weak"), on_staying=given(2, 0, 5), draws=200
    )
    out = write_costs(result, tmp_path / "out", formats=())
    assert set(json.loads((out / "effects.json").read_text("utf-8"))) == {
        "on_work_or_studies", "on_staying",
    }  # fmt: skip
    assert verify(out).passed
    # the file's own effect is another, so that without the carried one nothing fits
    (out / "effects.json").unlink()
    keys = {d.key for d in verify(out).differences}
    assert "effect.estimate" in keys
    assert "file" in keys


def test_a_report_with_an_effect_of_another_report_stands_alone(tmp_path):
    node = estimate(5.0, -2.0, 15.0).to_dict()
    source = {
        "plan": {"name": "x"},
        "indicators": {"N00973": {"id": "N00973", "change_en": "percentage points"}},
        "outcomes": {"N00973": {"finding": {"estimates": {"permutation": node}, "grade": "weak"}}},
    }
    (tmp_path / "results.json").write_text(json.dumps(source), encoding="utf-8")
    found = raw()
    found["effect"]["on_work_or_studies"] = {
        "results": "results.json",
        "key": "outcomes.N00973.finding.estimates.permutation",
    }
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(found, allow_unicode=True), encoding="utf-8")
    result = cost_analysis(load_costs(tmp_path / "p.yaml"), draws=200)
    out = write_costs(result, tmp_path / "out", formats=())
    (tmp_path / "results.json").unlink()
    assert verify(out).passed


@pytest.mark.parametrize(
    ("file", "old", "new", "key"),
    [
        ("results.json", r'"seed": 4', '"seed": 5', "estimates.net_municipality.conf_int"),
        ("results.json", r'"cost_now": [\d.]+', '"cost_now": 1.0', "break_even.cost_now"),
        ("tables/path.csv", r"^2019,", "2018,", "[1][0]"),
        ("parameters.yaml", r"value: 0\.68\b", "value: 0.69", "net_municipality"),
        ("figures/path.svg", r"<path ", "<circle ", "drawing"),
    ],
)
def test_every_changed_number_and_file_is_named(again, cli, file, old, new, key):
    text = (again / file).read_text("utf-8")
    changed = re.sub(old, new, text, count=1, flags=re.MULTILINE)
    assert changed != text
    (again / file).write_text(changed, encoding="utf-8")
    answer = cli("verify", again, "--json")
    assert answer.code == 1
    found = json.loads(answer.out)["differences"]
    assert any(d["file"] == file and d["key"] == "sha256" for d in found)
    assert any(key in d["key"] for d in found)


def test_files_that_come_and_go_are_named(again, cli):
    (again / "more.txt").write_text("x", encoding="utf-8")
    (again / "figures" / "plane.svg").unlink()
    answer = cli("verify", again)
    assert answer.code == 1
    assert "more.txt" in answer.err
    assert "figures/plane.svg" in answer.err


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("parameters.yaml", "a: b", "parameters.yaml"),
        ("parameters.yaml", None, "parameters.yaml: there is no such file"),
        ("effects.json", "[1]", "effects as a cost report writes them"),
        ("effects.json", '{"on_staying": {}}', "effects as a cost report writes them"),
        ("results.json", '{"accounts": [], "seed": "x", "draws": 200}', "field seed"),
    ],
)
def test_a_report_that_cannot_be_computed_is_one_line(again, cli, file, text, says):
    if text is None:
        (again / file).unlink()
    else:
        (again / file).write_text(text, encoding="utf-8")
    answer = cli("verify", again)
    assert answer.code == 2
    assert says in answer.err
    assert answer.err.count("\n") == 1


# the finding


def test_json_and_library_give_a_finding(cli):
    found = json.loads(cli("costs", "example", "--json", "--draws", 200).out)["finding"]
    assert found["estimates"].keys() >= {"net_municipality", "assistance_saved"}
    assert {c["name"] for c in found["checks"]} >= {"effect_known", "horizon"}
    assert found["sentence_sv"]
    assert found["grade"] == "very weak"
    own = cost_analysis(load_costs("example"), draws=200).finding
    assert isinstance(own, Finding)
    assert json.loads(json.dumps(own.to_dict())) == found


def test_an_effect_without_width_moves_nothing():
    fixed = UncertainEffect(0.05, 0.05, 0.05, 0.05, "x", "y", "y", True)
    plan = costs_from_dict(tied(("on_work_or_studies", "months", 0.5)))
    assert EFFECT not in cost_analysis(plan, fixed, draws=200).information
