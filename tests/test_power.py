"""Power: exact small designs, the permutation test itself, known variances, bad input."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from evaluation import InputError, Panel, contrasts, permutation_test
from evaluation.estimation.did.aggregation import aggregate
from evaluation.estimation.did.callaway_santanna import callaway_santanna
from evaluation.estimation.few_treated.permutation import free_assignments
from evaluation.estimation.robustness.simulated_studies import draw_mechanism, refit_inference
from evaluation.questions.power import power
from evaluation.questions.power_curves import (
    power_curve,
    variance_function,
    with_more_leavers,
)


def panel(units=40, years=8, seed=1, sd=1.0):
    values = np.random.default_rng(seed).normal(size=(units, years)) * sd
    names = [f"u{i:03d}" for i in range(units)]
    return Panel("y", pd.DataFrame(values, index=names, columns=range(2000, 2000 + years)))


def permutation_p(used, cohort):
    """The package's own permutation test of one panel, every assignment listed."""
    c = contrasts(used, cohort)
    picks = free_assignments(len(c.units), c.slots, 20_000, seed=1)
    like = aggregate(callaway_santanna(used, cohort), "cohort")
    return permutation_test(c, picks, seed=1, like=like, mechanism="any").result.p_value


@pytest.mark.parametrize("n_treated", [1, 3, 5])
def test_the_shortcut_is_the_permutation_test_fitted_anew(n_treated):
    used = panel(units=9, years=5)
    settings = {"n_treated": n_treated, "cohort_year": 2003, "draws": 6, "seed": 4, "alpha": 0.25}
    effects = [0.0, 0.7, 1.5, 4.0]
    quick = power(used, effects=effects, **settings)
    slow = power(used, effects=effects, inference=refit_inference(permutation_p), **settings)
    assert quick.power == slow.power
    assert 0 < quick.power[-1] <= 1
    assert len(set(quick.power)) > 1
    assert slow.inference == "inference"


def test_one_treated_of_twenty_by_brute_force():
    used = panel(units=20, years=4, seed=3)
    y = used.values.to_numpy()
    d = y[:, 2:].mean(axis=1) - y[:, 1]
    effects = np.array([0.0, 1.0, 2.0, 4.0])
    # every unit takes its turn as the treated one; it must be the most extreme of twenty
    rejects = np.empty((20, 4))
    for i in range(20):
        for k, effect in enumerate(effects):
            moved = d + effect * (np.arange(20) == i)
            size = [abs(moved[j] - np.delete(moved, j).mean()) for j in range(20)]
            rejects[i, k] = sum(s >= size[i] for s in size) / 20 <= 0.05
    found = power(used, n_treated=1, cohort_year=2002, effects=effects, draws=4000)
    truth = rejects.mean(axis=0)
    assert truth[0] == 1 / 20
    error = np.sqrt(truth * (1 - truth) / 4000)
    assert (np.abs(np.array(found.power) - truth) <= 4 * error + 1e-12).all()
    assert found.tidy()["simulation_error"].to_numpy() == pytest.approx(
        np.sqrt(np.array(found.power) * (1 - np.array(found.power)) / 4000)
    )


def test_with_normal_errors_it_is_the_textbook_number():
    # the contrast is the mean of four years minus one: variance 1/4 + 1, times 1/10 + 1/190
    used = panel(units=200, years=8, seed=7)
    found = power(used, n_treated=10, cohort_year=2004, draws=2000, n_assignments=3999)
    d = used.values.loc[:, 2004:].mean(axis=1) - used.values[2003]
    noise = math.sqrt(d.var(ddof=1) * (1 / 10 + 1 / 190))
    assert found.noise == pytest.approx(noise, rel=0.03)
    assert noise == pytest.approx(math.sqrt(1.25 * (1 / 10 + 1 / 190)), rel=0.15)
    # z(0.975) + z(0.8) = 2.80; 2,000 studies place it to some hundredths
    assert found.detectable / found.noise == pytest.approx(2.80, abs=0.12)
    # the size of the test, to four simulation errors
    assert found.power[0] == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 2000))


def test_a_level_that_the_assignments_cannot_reach_finds_nothing():
    found = power(panel(units=10), n_treated=1, alpha=0.05, draws=60)
    assert set(found.power) == {0.0}
    assert found.detectable is None
    assert found.notes[0].startswith("the smallest possible p-value is 0.100")
    assert "ingen effekt" in found.sentence("sv")
    assert found.check(1.0).passed is False


def test_named_units_do_not_enter_with_their_own_values():
    used = panel()
    size = pd.Series(np.arange(1.0, 41.0), index=used.units)
    settings = {"treated_units": ["u010", "u030"], "size": size, "donors": 5, "draws": 100}
    plain = power(used, **settings)
    moved = used.values.copy()
    moved.loc[["u010", "u030"]] += 1e6
    assert power(Panel("y", moved), **settings).power == plain.power
    assert (plain.n_units, plain.n_treated_units) == (38, 2)
    # five by five pairs are all there are
    assert plain.inference == "permutation against 25 assignments"
    assert "u010, u030" in plain.mechanism


def test_stand_ins_are_the_units_of_like_variance_before_adoption():
    used = panel(units=30, years=10)
    scale = np.repeat([0.1, 1.0, 10.0], 10)[:, None]
    loud = Panel("y", used.values * scale)
    quiet_found, loud_found = (
        power(loud, treated_units=[u], cohort_year=2006, donors=8, draws=100, alpha=0.2)
        for u in ("u003", "u025")
    )
    assert loud_found.noise > 20 * quiet_found.noise
    m = draw_mechanism(loud, None, ["u003"], 2006, None, 8)
    assert {m.panel.units[j] for j in m.sets[0]} <= set(loud.units[:10])


def test_the_numbers_do_not_depend_on_the_workers():
    one, two = (power(panel(), n_treated=3, draws=60, workers=w) for w in (1, 2))
    assert one == two
    assert power(panel(), n_treated=3, draws=60, seed=2) != one


def test_a_test_that_refuses_counts_as_not_rejecting():
    def refuses(used, cohort):
        return None if used.values.to_numpy().max() < 50 else 0.001

    found = power(
        panel(),
        n_treated=2,
        effects=[0.0, 100.0],
        inference=refit_inference(refuses),
        inference_name="a rule",
        draws=20,
    )
    assert found.power == (0.0, 1.0)
    assert found.n_refused == 20
    assert found.notes == ("20 of 40 tests gave no p-value and count as not rejecting",)
    assert found.inference == "a rule"


def test_the_refitted_panel_holds_the_effect_in_treated_years_only():
    used = panel(units=4, years=4)
    cohort = pd.Series({"u000": 2002, "u001": 0, "u002": 0, "u003": 2003})
    seen = []
    infer = refit_inference(lambda p, c: seen.append(p.values - used.values) or 0.5)
    assert infer(used, cohort, np.array([2.0]), None).tolist() == [0.5]
    added = [[0, 0, 2, 2], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 2]]
    assert seen[0].to_numpy() == pytest.approx(np.array(added, dtype=float))


def test_the_smallest_effect_lies_between_those_tried():
    found = power(panel(), n_treated=4, draws=400)
    table = found.tidy().set_index("effect")["power"]
    assert found.detectable is not None
    below = table[table.index < found.detectable].iloc[-1]
    above = table[table.index >= found.detectable].iloc[0]
    assert below < 0.8 <= above
    assert np.interp(0.8, [below, above], [0, 1]) == pytest.approx(
        np.interp(
            found.detectable,
            [table.index[table.index < found.detectable][-1],
             table.index[table.index >= found.detectable][0]],
            [0, 1],
        )
    )  # fmt: skip
    check = found.check(plausible=1.01 * found.detectable)
    assert check.passed is True
    assert "den minsta effekt som hittas med styrkan 80\u00a0%" in check.text_sv
    assert found.check(plausible=0.5 * found.detectable).passed is False


# curves


def test_more_treated_and_more_years_find_smaller_effects():
    used = panel(units=60, years=12)
    for over, values in (("treated", [2, 8, 24]), ("years", [1, 3, 6])):
        curve = power_curve(used, over, values, n_treated=6, draws=400, n_assignments=1999)
        found = curve.tidy()
        assert found["value"].tolist() == values
        assert found["detectable"].is_monotonic_decreasing
    assert found["n_years_after"].tolist() == [1, 3, 6]
    assert all(p.n_years_before == 6 for p in curve.points)


def test_the_variance_function_is_found_again():
    rng = np.random.default_rng(11)
    used = panel(units=2000, years=12)
    n = np.exp(rng.uniform(np.log(5), np.log(500), size=2000))
    leavers = pd.DataFrame(np.tile(n[:, None], 12), index=used.units, columns=used.values.columns)
    scale = np.sqrt(0.5 + 20.0 / n)[:, None]
    fitted = variance_function(Panel("y", used.values * scale), leavers)
    assert fitted.constant == pytest.approx(0.5, rel=0.05)
    assert fitted.sampling == pytest.approx(20.0, rel=0.05)
    assert fitted.variance(2.0) == pytest.approx(
        fitted.constant + fitted.sampling / n / 2, rel=1e-9
    )


def test_more_leavers_shrink_what_unit_and_year_means_leave():
    used = panel(units=30, years=6)
    leavers = used.values * 0 + np.arange(5, 35)[:, None]
    fitted = variance_function(used, leavers)
    same = with_more_leavers(used, fitted, 1.0).values
    assert same.to_numpy() == pytest.approx(used.values.to_numpy())
    more = with_more_leavers(used, fitted, 4.0).values
    for axis in (0, 1):
        # each unit's and each year's mean is about where it was
        assert more.mean(axis=1).to_numpy() == pytest.approx(used.values.mean(axis=1).to_numpy())
        assert (more.var(axis=axis) <= used.values.var(axis=axis) * 1.5).all()


def test_where_all_variance_is_sampling_four_times_the_leavers_halve_the_effect():
    rng = np.random.default_rng(12)
    n = rng.integers(10, 200, size=(80, 8)).astype(float)
    n[:] = n[:, :1]
    values = rng.normal(size=(80, 8)) / np.sqrt(n)
    names = [f"u{i}" for i in range(80)]
    used = Panel("y", pd.DataFrame(values, index=names, columns=range(2000, 2008)))
    leavers = pd.DataFrame(n, index=names, columns=used.values.columns)
    curve = power_curve(
        used, "leavers", [1.0, 4.0], leavers=leavers, n_treated=8, draws=300, n_assignments=999
    )
    fitted = variance_function(used, leavers)
    assert fitted.constant < 0.1 * fitted.variance().mean()
    one, four = curve.tidy()["noise"]
    assert one / four == pytest.approx(2.0, rel=0.1)


# bad input


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "treated: either a number"),
        ({"n_treated": 2, "treated_units": ["u001"]}, "treated: either a number"),
        ({"n_treated": 0}, "0 treated of 40"),
        ({"n_treated": 40}, "40 treated of 40"),
        ({"treated_units": ["nobody"]}, "there is no unit nobody"),
        ({"treated_units": []}, "no unit is named"),
        ({"treated_units": ["u001"], "donors": 40}, "donors: 1 treated units with 40"),
        (
            {"treated_units": ["u001"], "size": pd.Series({"u001": 1}, name="people")},
            "people: unit u000 has no size",
        ),
        ({"treated_units": ["u001"], "cohort_year": 2001}, "two years before adoption"),
        ({"n_treated": 2, "cohort_year": 2000}, "cohort_year: 2000 leaves no year"),
        ({"n_treated": 2, "cohort_year": 2008}, "cohort_year: 2008 leaves no year"),
        ({"n_treated": 2, "effects": [-1.0]}, "effects: finite effects of zero or above"),
        ({"n_treated": 2, "effects": []}, "effects: finite"),
        ({"n_treated": 2, "effects": [math.nan]}, "effects: finite"),
        ({"n_treated": 2, "target": 1.0}, "target: 1.0 does not lie"),
        ({"n_treated": 2, "alpha": 0.0}, "alpha: 0.0 does not lie"),
        ({"n_treated": 2, "n_assignments": 0}, "n_assignments: 0"),
        ({"n_treated": 2, "draws": 0}, "draws: 0 draws"),
        ({"n_treated": 2, "size": pd.Series({"u001": 1})}, "named treated units only"),
        ({"n_treated": 2, "inference": lambda *_: np.zeros(2)}, "p-values for 33 effects"),
    ],
)
def test_bad_designs_are_refused(given, says):
    with pytest.raises(InputError, match=says):
        power(panel(), **({"draws": 50, "n_assignments": 99} | given))


def test_units_that_all_change_alike_are_refused():
    used = panel()
    alike = used.values * 0 + np.arange(8.0) + np.arange(40.0)[:, None]
    with pytest.raises(InputError, match="all units change alike"):
        power(Panel("y", alike), n_treated=2)


@pytest.mark.parametrize(
    ("over", "values", "given", "says"),
    [
        ("size", None, {}, "'size' is none of"),
        ("years", [9], {}, "9 years after adoption in 2004; the data have 4"),
        ("years", [1.5], {}, "1.5 is not a whole number"),
        ("treated", [], {}, "at least one value"),
        ("treated", [40], {}, "40 treated of 40"),
        ("treated", None, {"n_treated": None, "treated_units": ["u001"]}, "name none"),
        ("leavers", None, {}, "the people behind each value"),
        ("leavers", [0.0], {"leavers": panel().values ** 2 + 1}, "a multiple above zero"),
        ("leavers", [1.0], {"leavers": panel().values * 0}, "unit u000, year 2000: leavers above"),
        ("leavers", [1.0], {"leavers": panel(units=39).values ** 2}, "unit u039, year 2000"),
    ],
)
def test_bad_curves_are_refused(over, values, given, says):
    with pytest.raises(InputError, match=says):
        power_curve(panel(), over, values, **({"n_treated": 2, "draws": 50} | given))


# the command line


@pytest.fixture
def file(tmp_path):
    used = panel(units=30, years=6)
    table = used.long()
    table["people"] = 20 + table.index % 7
    path = tmp_path / "data.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture
def command(file):
    columns = ("--unit", "unit", "--time", "time", "--outcome", "value", "--draws", "80")
    return ("power", "--data", file, *columns)


def test_the_command_says_what_the_library_says(cli, command):
    answer = cli(*command, "--treated", 3, "--cohort-year", 2003, "--seed", 5, "--json")
    assert answer.code == 0
    assert answer.err == ""
    out = json.loads(answer.out)
    used = panel(units=30, years=6)
    ours = power(used, n_treated=3, cohort_year=2003, seed=5, draws=80)
    assert out["smallest_detectable_effect"] == pytest.approx(ours.detectable)
    assert [r["power"] for r in out["power"]] == list(ours.power)
    assert out["curves"] == []


def test_the_command_draws_curves_and_a_figure(cli, command, tmp_path):
    figures = []
    for name in ("a.svg", "b.svg"):
        figure = tmp_path / name
        answer = cli(
            *command, "--treated", 3, "--effects", "0,1,2,3", "--assignments", 99,
            "--curve", "treated", "--curve", "years", "--curve", "leavers",
            "--leavers", "people", "--plot", figure,
        )  # fmt: skip
        assert answer.code == 0, answer.err
        figures.append(figure.read_bytes())
    assert figures[0] == figures[1]
    assert "With 3 of 30 units treated and 3 years after adoption" in answer.out
    for over in ("treated", "years", "leavers"):
        assert f"smallest detectable effect by {over}" in answer.out


def test_the_command_takes_names(cli, command):
    answer = cli(*command, "--treated-units", "u001,u004", "--size", "people", "--donors", 6)
    assert answer.code == 0, answer.err
    assert "one of the 6 units nearest in size to each of u001, u004" in answer.out


@pytest.mark.parametrize(
    ("options", "where", "says"),
    [
        ((), "field --treated", "either --treated N or"),
        (("--treated", 2, "--treated-units", "u001"), "field --treated", "either"),
        (("--treated-units", "u001,"), "field --treated-units", "empty place"),
        (("--treated", 2, "--size", "people"), "field --size", "--treated-units only"),
        (("--treated", 2, "--effects", "1,x"), "field --effects", "'x' is not a number"),
        (("--treated", 2, "--curve", "leavers"), "field --curve", "needs --leavers"),
        (("--treated-units", "u001", "--curve", "treated"), "field --curve", "--treated N only"),
        (("--treated-units", "u001,u001"), "field --treated-units", "names a unit twice"),
        (("--treated", 2, "--donors", 3), "field --donors", "--treated-units only"),
        (("--treated", 2, "--leavers", "people"), "field --leavers", "--curve leavers only"),
        (("--treated", 2, "--plot", "a.gif"), "a.gif, field --plot", "a figure ends in"),
    ],
)
def test_a_bad_call_is_refused(cli, command, refused, options, where, says):
    refused(cli, *command, *options, where=where, says=says)


def test_a_fault_of_the_file_names_it(cli, command, refused, file):
    answer = refused(cli, *command, "--treated-units", "xx", where=f"{file}, field --treated-units")
    assert "there is no unit xx" in answer.err
    refused(
        cli, *command, "--treated", 2, "--cohort-year", 1999, where=f"{file}, field --cohort-year"
    )


def test_a_fault_of_the_environment_does_not_name_the_file(cli, command, refused, monkeypatch):
    monkeypatch.setenv("EVALUATION_BACKEND", "spark")
    refused(cli, *command, "--treated", 2, where="field EVALUATION_BACKEND", says="'spark'")
