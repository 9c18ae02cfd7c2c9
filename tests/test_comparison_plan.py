"""Against whom a plan compares: its keys, the tests that choose the comparison anew, the report."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest

from evaluation import run_study, write_report
from evaluation.data import embedded
from evaluation.data.panel import Panel, embedded_panel
from evaluation.design.comparison import entropy_balance, mahalanobis_match, municipality_distances
from evaluation.design.comparison.group_file import read_groups
from evaluation.design.comparison.weighting import Weighting
from evaluation.design.treatment import design_from_plan
from evaluation.errors import InputError
from evaluation.estimation.did.aggregation import aggregate
from evaluation.estimation.did.callaway_santanna import callaway_santanna
from evaluation.estimation.few_treated.balancing import balancing_weights
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.estimation.few_treated.permutation import against_placebos, placebo_estimates
from evaluation.estimation.few_treated.reassigned import Balanced, Nearest, NotYet, reassigned
from evaluation.plan import load_plan, plan_from_dict
from evaluation.questions.inference import DesignInference, Settings
from evaluation.questions.weighted import not_yet_treated, weighted
from evaluation.report.against import against_tables
from evaluation.report.against_text import group_text, headline_text, like_text
from evaluation.report.verify import verify

PLACES = embedded.municipalities()
ONE = "foreign_background"
SETTINGS = Settings("cohort", 0.05, 499, 7, 30)


def settlement(tmp_path=None, *, outcomes=(ONE,), draws=199, **comparison):
    """Return the settlement plan with another comparison, in a folder where files may lie."""
    content = load_plan("settlement").model_dump(mode="json")
    content["outcomes"] = list(outcomes)
    content["context"] = []
    content["case"] = None
    content["estimation"]["draws"] = draws
    content["comparison"] = {"donors_per_treated": 30} | comparison
    for key, value in comparison.pop("treatment", {}).items():
        content["treatment"][key] = value
        del content["comparison"]["treatment"]
    return plan_from_dict(content, file=str(tmp_path / "p.yaml") if tmp_path else None)


@pytest.fixture(scope="module")
def real():
    """The settlement design on one outcome, with its assignments."""
    design = design_from_plan(load_plan("settlement"))
    return DesignInference.of(embedded_panel(ONE), design, SETTINGS)


@pytest.fixture(scope="module")
def small():
    """Nine units, seven years, three treated in two years; a contrast that is easily redone."""
    rng = np.random.default_rng(3)
    codes = [f"u{i}" for i in range(9)]
    values = pd.DataFrame(rng.normal(size=(9, 7)).cumsum(axis=1), codes, range(2000, 2007))
    cohort = pd.Series(dict.fromkeys(codes, 0) | {"u0": 2003, "u1": 2005, "u2": 2003})
    panel = Panel("y", values)
    every = [p for p in product(range(9), repeat=3) if len(set(p)) == 3]
    return panel, cohort, contrasts(panel, cohort), np.array(every[::7])


# the tests that choose the comparison anew


@pytest.mark.parametrize("replacement", [True, False])
def test_matches_chosen_anew_are_those_of_the_matching(real, replacement):
    w = Weighting("mahalanobis", exact=("county",), matches=3, replacement=replacement, caliper=1.5)
    units = real.panel.units
    rng = np.random.default_rng(1)
    table = w.table(real.panel, real.design.cohort(), real.size)
    picks = np.vstack([[0, 1, 2, 3], *(rng.choice(len(units), 4, replace=False) for _ in "abcdef")])
    who, there = Nearest(w.distances(table), 3, replacement=replacement).chosen(picks)
    seen = 0
    for d, assigned in enumerate(picks):
        treated = [units[i] for i in assigned]
        found = w.nearest(table, treated).pairs
        for s, code in enumerate(treated):
            mine = found.loc[found["treated"] == code, "control"].tolist()
            assert [units[i] for i in who[d, s][there[d, s]]] == mine
            seen += len(mine)
    assert 40 < seen <= 7 * 4 * 3


def test_weights_found_side_by_side_are_those_of_entropy_balancing(real):
    w = Weighting("entropy")
    table = w.table(real.panel, real.design.cohort(), real.size)
    units = real.panel.units
    rng = np.random.default_rng(2)
    picks = np.array([rng.choice(len(units), 4, replace=False) for _ in range(25)])
    x = table.to_numpy()
    found = balancing_weights((x - x.mean(axis=0)) / x.std(axis=0), picks)
    solved = 0
    for row, assigned in zip(found, picks, strict=True):
        try:
            other = entropy_balance(table, [units[i] for i in assigned]).weights
        except InputError:
            assert np.isnan(row).all()
            continue
        solved += 1
        assert row[assigned].tolist() == [0.0] * 4
        assert row[[units.index(c) for c in other.index]] == pytest.approx(other, abs=1e-7)
    assert solved >= 20


def test_no_weights_outside_the_hull():
    z = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [5.0, 5.0], [0.4, 0.3]])
    found = balancing_weights(z, np.array([[3], [4]]))
    assert np.isnan(found[0]).all()
    assert found[1] @ z == pytest.approx([0.4, 0.3], abs=1e-7)
    assert found[1].sum() == pytest.approx(1)


def test_a_matched_estimate_by_hand(small):
    panel, _, c, _ = small
    distance = np.abs(np.subtract.outer(np.arange(9.0), np.arange(9.0)))
    np.fill_diagonal(distance, np.inf)
    a, b = reassigned(c, np.array([[0, 1, 2]]), Nearest(distance, 2))
    # the nearest two outside {u0, u1, u2} are u3 and u4 for each
    y = panel.values

    def change(unit, g):
        return y.loc[unit, g:].mean() - y.loc[unit, g - 1]

    by_hand = [
        change(u, g) - (change("u3", g) + change("u4", g)) / 2
        for u, g in (("u0", 2003), ("u1", 2005), ("u2", 2003))
    ]
    assert a[0] == pytest.approx(np.mean(by_hand))
    assert b[0] == pytest.approx(1)


def test_all_of_equal_weight_is_the_usual_permutation(small):
    _, _, c, picks = small
    flat = np.ones((9, 9)) - np.diag([np.inf] * 9)
    flat[np.isneginf(flat)] = np.inf
    a, b = reassigned(c, picks, Nearest(flat, 6))
    assert a == pytest.approx(placebo_estimates(c, c.d, picks))
    assert b == pytest.approx(placebo_estimates(c, c.b, picks))


def test_not_yet_treated_is_callaway_and_santannas_in_every_assignment(small):
    panel, cohort, c, picks = small
    years = np.array(panel.years)
    first = cohort.to_numpy()[:, None]
    carrying = ((first > 0) & (years >= first)).astype(float)
    values = panel.values.to_numpy()
    a, b = reassigned(c, picks, NotYet(values, carrying, years))
    for k, assigned in enumerate(picks[:15]):
        moved = pd.Series(0, index=cohort.index)
        moved.iloc[assigned] = c.years
        for table, found in ((values, a[k]), (carrying, b[k])):
            wide = pd.DataFrame(table, panel.units, panel.years)
            gt = callaway_santanna(Panel("y", wide), moved, control_group="not_yet_treated")
            assert found == pytest.approx(aggregate(gt, "cohort").estimate, abs=1e-12)


@pytest.mark.parametrize("method", ["mahalanobis", "entropy"])
def test_a_constant_effect_moves_estimate_and_interval_by_itself(real, method):
    w = Weighting(method)
    before = weighted(real, w).result
    values = real.panel.values.copy()
    for t in real.design.treated:
        values.loc[t.code, t.first_year :] += 2.5
    moved = DesignInference.of(Panel(ONE, values), real.design, SETTINGS)
    after = weighted(moved, w).result
    assert after.estimate == pytest.approx(before.estimate + 2.5)
    assert after.conf_int == pytest.approx([x + 2.5 for x in before.conf_int])


def test_the_interval_is_the_inversion_of_the_test(real):
    w = Weighting("mahalanobis")
    table = w.table(real.panel, real.design.cohort(), real.size)
    c = contrasts(real.panel, real.design.cohort())
    a, b = reassigned(c, real.picks, Nearest(w.distances(table), 5))
    result = weighted(real, w).result
    low, high = result.conf_int

    def p(delta):
        return (1 + (np.abs(a - delta * b) >= abs(result.estimate - delta)).sum()) / (1 + len(a))

    for inside, outside in ((low + 1e-6, low - 1e-6), (high - 1e-6, high + 1e-6)):
        assert p(inside) > 0.05 >= p(outside)


def test_an_assignment_without_a_comparison_counts_against_the_estimate(real):
    like = real.permute(real.design.cohort()).result
    a = np.r_[np.linspace(-1, 1, 97), np.nan, np.nan]
    found = against_placebos(5.0, a, np.zeros(99), seed=1, alpha=0.05, like=like, mechanism="any")
    assert found.result.p_value == pytest.approx(3 / 100)
    assert len(found.placebo) == 97
    assert "2 of 99 assignments give no estimate" in found.result.notes[-1]
    every = against_placebos(
        5.0, np.full(99, np.nan), np.zeros(99), seed=1, alpha=0.05, like=like, mechanism="any"
    )
    assert every.result.p_value == 1
    assert every.result.conf_int == (-np.inf, np.inf)


def test_the_level_of_the_matched_test_under_random_assignment():
    """Enough studies to see a test that takes its matches as given, not to tell 4 from 5 %."""
    rng = np.random.default_rng(11)
    studies, units = 150, 60
    rejected = {"mahalanobis": 0, "entropy": 0}
    for _ in range(studies):
        noise = rng.normal(size=(units, 8))
        noise[:, 1:] += 0.5 * noise[:, :-1]
        codes = [f"u{i}" for i in range(units)]
        panel = Panel("y", pd.DataFrame(noise, codes, range(2000, 2008)))
        cohort = pd.Series(dict.fromkeys(codes, 0) | dict.fromkeys(codes[:3], 2004))
        c = contrasts(panel, cohort)
        picks = np.array([rng.choice(units, 3, replace=False) for _ in range(99)])
        for method in rejected:
            w = Weighting(method, on=("level", "trend"))
            table = w.table(panel, cohort, pd.Series(dtype=float))
            chooser = (
                Nearest(w.distances(table), 3)
                if method == "mahalanobis"
                else Balanced(table.to_numpy())
            )
            real_one = reassigned(c, np.array([[0, 1, 2]]), chooser)[0][0]
            a = reassigned(c, picks, chooser)[0]
            extreme = np.abs(np.where(np.isfinite(a), a, np.inf)) >= abs(real_one)
            # where the real study has no comparison there is nothing to test
            rejected[method] += bool(np.isfinite(real_one) and (1 + extreme.sum()) / 100 <= 0.10)
    for count in rejected.values():
        assert 0.05 < count / studies < 0.15


# the keys of the plan


def test_a_plan_that_says_nothing_new_keeps_its_hash_and_its_comparison():
    plan = load_plan("settlement")
    assert plan.model_dump()["comparison"] == {"donors_per_treated": 30}
    known = "dd716710220b7391fc8d47cfbfd2a1d4338186b920c6e480c69a15e96ba09b5c"
    assert plan.hash() == known
    assert settlement(beyond=0, big_cities=True).hash() == settlement().hash()
    assert settlement(beyond=1).hash() != settlement().hash()


def test_a_plan_survives_its_own_writing():
    plan = settlement(
        group="never_treated",
        beyond=2,
        income_from_norway=False,
        matching={"method": "mahalanobis", "exact": ["county"], "matches": 2},
    )
    again = plan_from_dict(json.loads(json.dumps(plan.model_dump(mode="json"))))
    assert again.hash() == plan.hash()
    assert again.comparison == plan.comparison


@pytest.mark.parametrize(
    ("comparison", "field", "says"),
    [
        ({"group": "waiting"}, "comparison.group", "'not_known_active'"),
        ({"beyond": -1}, "comparison.beyond", "greater than or equal to 0"),
        ({"without": ["0114", "0114"]}, "comparison.without", "'0114' stands twice"),
        ({"matching": {"method": "entropy", "matches": 3}}, "comparison.matching", "mahalanobis"),
        ({"matching": {"method": "entropy", "exact": ["county"]}}, "comparison.matching", "exact"),
        (
            {"matching": {"method": "mahalanobis", "covariates": ["county"]}},
            "comparison.matching",
            "goes into exact",
        ),
        (
            {"matching": {"method": "mahalanobis", "exact": ["level"]}},
            "comparison.matching",
            "goes into covariates",
        ),
        (
            {"matching": {"method": "mahalanobis", "covariates": ["size", "size"]}},
            "comparison.matching",
            "stands twice",
        ),
        ({"matching": {"method": "mahalanobis", "exact": ["skr"]}}, "comparison", "'skr'"),
        ({"groups": "g.csv"}, "comparison", "uses no column"),
        (
            {"group": "not_yet_treated", "matching": {"method": "entropy"}},
            "comparison",
            "never treated",
        ),
    ],
)
def test_keys_that_do_not_go_together_are_refused(comparison, field, says):
    with pytest.raises(InputError, match=says) as error:
        settlement(**comparison)
    assert error.value.field == field


@pytest.mark.parametrize(
    ("comparison", "field", "says"),
    [
        ({"without": ["9999"]}, "comparison.without[1]", "290 municipalities"),
        ({"without": ["2321"]}, "comparison.without[1]", "is treated"),
        (
            {"without": ["0114", "1280"]},
            "comparison.without[2]",
            "not in the comparison group to begin with",
        ),
        (
            {"matching": {"method": "mahalanobis", "caliper": 0.1}},
            "comparison.matching",
            "Skurup has no match.*0488, is 0.41 away; treatment.unfit: leave_out",
        ),
        (
            {"matching": {"method": "mahalanobis", "caliper": 1e-4}},
            "comparison.matching",
            "no treated unit has a match",
        ),
        (
            {"donors_per_treated": 69, "big_cities": False, "beyond": 1},
            "comparison.donors_per_treated",
            "are 276; foreign_background has 271",
        ),
    ],
)
def test_what_the_data_cannot_carry_is_refused(comparison, field, says):
    with pytest.raises(InputError, match=says) as error:
        run_study(settlement(**comparison))
    assert error.value.field == field


def test_one_year_before_the_start_carries_no_trend():
    plan = settlement(outcomes=["low_economic_standard"], matching={"method": "entropy"})
    with pytest.raises(InputError, match=r"1 year.*a trend needs two") as error:
        run_study(plan)
    assert error.value.field == "comparison.matching.covariates"


def test_matching_is_not_tested_by_the_rule():
    plan = settlement(matching={"method": "entropy"})
    auto = plan.estimation.model_copy(update={"inference": "auto"})
    with pytest.raises(InputError, match="tested by permutation") as error:
        run_study(plan.model_copy(update={"estimation": auto}))
    assert error.value.field == "comparison.matching"


# the file of groups


def groups_csv(path, rows):
    path.write_text("code,skr,income\n" + "".join(f"{r}\n" for r in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("rows", "row", "field", "says"),
    [
        (["0114,a,1", "0114,b,2"], 3, "code", "stands twice"),
        (["114,a,1"], 2, "code", "290 municipalities"),
        (["0114,,1"], 2, "skr", "is empty"),
        (["0114, | ,1"], 2, "skr", "is empty"),
        (["0114,a,x"], 2, "income", "'x' is not a number"),
        (["0114,a,"], 2, "income", "is empty"),
    ],
)
def test_a_bad_file_of_groups_names_its_row(tmp_path, rows, row, field, says):
    path = groups_csv(tmp_path / "g.csv", rows)
    with pytest.raises(InputError, match=says) as error:
        read_groups(path, numbers=["income"], groups=["skr"])
    assert (error.value.file, error.value.row, error.value.field) == (str(path), row, field)


def test_a_column_or_a_municipality_that_is_not_in_the_file(tmp_path):
    path = groups_csv(tmp_path / "g.csv", [f"{c},a,1" for c in PLACES.index if c != "0114"])
    with pytest.raises(InputError, match="no such column; there are code, skr, income") as error:
        read_groups(path, groups=["region"])
    assert error.value.field == "region"
    skr = {"method": "mahalanobis", "exact": ["skr"]}
    with pytest.raises(InputError, match=r"there is no file 'h\.csv'; paths start") as error:
        run_study(settlement(tmp_path, groups="h.csv", matching=skr))
    assert error.value.field == "comparison.groups"
    plan = settlement(tmp_path, groups="g.csv", matching=skr)
    with pytest.raises(InputError, match="municipality 0114 of the design is not there") as error:
        run_study(plan)
    assert error.value.file == str(path)


def test_groups_that_overlap_match_where_they_share_one():
    table = pd.DataFrame({"x": [0.0, 0.1, 2.0, 1.0, 3.0]}, index=list("tabcd"))
    table["g"] = [frozenset(s) for s in ("pq", "r", "qr", "p", "s")]
    found = mahalanobis_match(table, ["t"], covariates=["x"], exact=["g"], n_matches=2)
    assert found.pairs["control"].tolist() == ["c", "b"]


# what a study then says


@pytest.fixture(scope="module")
def ruled():
    """A study whose plan uses every rule."""
    plan = settlement(
        beyond=1, big_cities=False, income_from_norway=False, without=["0114", "0115"]
    )
    return run_study(plan)


def test_everyone_is_in_one_place_and_has_a_reason(ruled):
    units = ruled.outcomes[ONE].against.units
    assert sorted(units["code"]) == sorted(PLACES.index)
    counts = ruled.to_dict()["outcomes"][ONE]["against"]["counts"]
    assert sum(counts.values()) == 290
    assert counts["treated"] == 4
    assert (counts["uncertain"], counts["named"], counts["income_from_norway"]) == (7, 2, 3)
    steps = municipality_distances()[["2321", "1233", "1264", "1287"]].min(axis=1)
    out = units[units["reason"] == "neighbour"]
    assert (steps[out["code"]] == 1).all()
    assert (steps[units.loc[units["role"] == "control", "code"]] > 1).all()
    keys = [a.key for a in ruled.outcomes[ONE].against.alternatives]
    assert keys == ["headline", "mahalanobis", "entropy", "not_yet_treated"]


def test_those_left_out_by_rule_do_not_come_back_with_the_uncertain(ruled):
    other = ruled.outcomes[ONE].finding.estimates["uncertain_other_way"]
    n = len(ruled.design.controls)
    assert other.n_units == 4 + n + 7


def test_the_alternatives_of_the_default_plan(study):
    for name, o in study.outcomes.items():
        rows = {a.key: a for a in o.against.alternatives}
        assert rows["headline"].result == o.headline
        balance = o.against.balance["entropy"].table
        assert balance["smd_after"].abs().max() < 1e-6
        smd = o.against.balance["mahalanobis"].table
        assert smd["smd_after"].abs().max() < smd["smd_before"].abs().max()
        gt = callaway_santanna(
            o.inference.panel, o.inference.design.cohort(), control_group="not_yet_treated"
        )
        assert rows["not_yet_treated"].result.estimate == pytest.approx(
            aggregate(gt, "cohort").estimate
        )
        assert rows["without_big_cities"].n_controls == 277, name


def test_never_treated_takes_in_the_uncertain():
    study = run_study(settlement(group="never_treated"))
    assert len(study.design.controls) == 286
    assert study.to_dict()["outcomes"][ONE]["against"]["counts"] == {"treated": 4, "control": 286}


def test_matching_makes_the_headline_and_leaves_the_rest_as_it_was(study):
    plain = study.outcomes[ONE]
    found = run_study(settlement(draws=499, matching={"method": "mahalanobis"})).outcomes[ONE]
    assert next(iter(found.finding.estimates)) == "mahalanobis"
    alternative = next(a for a in plain.against.alternatives if a.key == "mahalanobis")
    assert found.headline.estimate == alternative.result.estimate
    assert found.headline.p_value == alternative.result.p_value
    assert found.finding.estimates["permutation"] == plain.headline
    assert "most alike" in found.finding.sentence_en
    assert {c.name: c.statistic for c in found.checks} == {
        c.name: c.statistic for c in plain.checks
    }


def test_not_yet_treated_makes_the_headline():
    o = run_study(settlement(group="not_yet_treated")).outcomes[ONE]
    assert next(iter(o.finding.estimates)) == "not_yet_treated"
    assert o.headline.estimate == not_yet_treated(o.inference).result.estimate
    assert "themselves before their start" in o.finding.sentence_en


def test_a_treated_without_a_match_is_left_out_by_name():
    plan = settlement(
        treatment={"unfit": "leave_out"}, matching={"method": "mahalanobis", "caliper": 0.1}
    )
    o = run_study(plan).outcomes[ONE]
    assert [(u.name, u.reason) for u in o.left_out_treated] == [
        ("Skurup", "no_match"),
        ("Trelleborg", "no_match"),
    ]
    first = o.against.alternatives[0]
    assert first.n_without > 0
    assert f"{first.n_without} of 199" in o.headline.notes[-1]


def test_the_report_of_a_matched_plan_says_so_and_verifies(tmp_path):
    rows = [f"{c},{'north|coast' if c > '17' else 'south'},{i}" for i, c in enumerate(PLACES.index)]
    groups_csv(tmp_path / "g.csv", rows)
    plan = settlement(
        tmp_path,
        draws=99,
        beyond=1,
        groups="g.csv",
        matching={
            "method": "mahalanobis",
            "covariates": ["level", "trend", "income"],
            "exact": ["skr"],
        },
    )
    out = write_report(plan, tmp_path / "out", formats=["html"])
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Mot vilka" in page
    assert "väljs jämförelsen på nytt" in page
    listed = pd.read_csv(out / "tables" / f"comparison_{ONE}.csv", dtype={"code": str})
    assert len(listed) == 290
    assert listed["weight_mahalanobis"].sum() == pytest.approx(1)
    assert (out / "data" / "comparison-groups.csv").is_file()
    (tmp_path / "g.csv").unlink()
    checked = verify(out)
    assert checked.passed, checked.differences[:3]


def test_the_sentences_in_both_languages_say_the_numbers(ruled):
    results = ruled.to_dict()
    for lang, mark in (("sv", ","), ("en", ".")):
        rule = group_text(results, lang)
        assert "Årjäng" in rule
        assert "Botkyrka" not in rule
        assert str(PLACES.loc["0114", "name"]) in rule
        said = like_text(results, ONE, lang)
        worst = ruled.outcomes[ONE].against.balance["entropy"].table["smd_before"].abs().max()
        assert f"−{worst:.2f}".replace(".", mark) in said
        assert "2010" in said
        assert headline_text(results, lang) == ""
        tables = {t.key: t for t in against_tables(results, lang)}
        shown = {row[0]: row[1] for row in tables["comparison"].rows}
        assert len(tables[f"comparison_{ONE}"].rows) == 290 - int(
            results["outcomes"][ONE]["against"]["counts"]["control"] + 4
        )
        assert "279" not in shown.values()


def test_one_study_without_a_comparison_is_singular(ruled):
    results = ruled.to_dict()
    alternative = results["outcomes"][ONE]["against"]["alternatives"][0]
    alternative["n_without"] = 1
    assert "för 1 placebostudie finns ingen sådan jämförelse; den räknas som minst lika stor," in (
        like_text(results, ONE, "sv")
    )
    assert "for 1 placebo study there is no such comparison; it counts as at least as large," in (
        like_text(results, ONE, "en")
    )
    alternative["n_without"] = 2
    assert "för 2 placebostudier finns ingen sådan jämförelse; de räknas som minst lika stora," in (
        like_text(results, ONE, "sv")
    )


@pytest.mark.parametrize(("lang", "word"), [("sv", "felkodningen"), ("en", "the miscoding")])
def test_the_note_on_a_matched_headline_counts_the_miscoding_among_the_rest(ruled, lang, word):
    results = ruled.to_dict()
    results["plan"]["comparison"]["matching"] = {"method": "entropy"}
    assert word in headline_text(results, lang)
