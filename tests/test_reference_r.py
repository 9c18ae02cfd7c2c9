"""The same numbers as R: packages did and fixest on mpdta (how they were made: reference/)."""

import itertools
import json
from pathlib import Path

import pandas as pd
import pytest

from evaluation import aggregate, callaway_santanna, event_study, two_way_fixed_effects
from evaluation.data.files import balanced_panel, read_table
from evaluation.estimation.did.imputation import imputation, two_stage
from evaluation.estimation.did.saturated import extended_two_way, sun_abraham

HERE = Path(__file__).parent / "reference"
R = json.loads((HERE / "r_mpdta.json").read_text(encoding="utf-8"))
GROUPS = {"never_treated": "nevertreated", "not_yet_treated": "notyettreated"}
# our name of the aggregate -> R's
ESTIMANDS = {"simple": "simple", "cohort": "group", "dynamic": "dynamic", "calendar": "calendar"}


@pytest.fixture(scope="module")
def mpdta():
    table = read_table(HERE / "mpdta.csv")
    panel = balanced_panel(table, unit="county", time="year", outcome="lemp")
    cohort = table.groupby("county")["first_treat"].first().astype(int)
    return panel, cohort


@pytest.fixture(scope="module", params=GROUPS)
def fitted(request, mpdta):
    gt = callaway_santanna(*mpdta, control_group=request.param)
    return gt, f"mpdta_nox|reg|{GROUPS[request.param]}"


def close(value):
    return pytest.approx(value, rel=0, abs=1e-9)


def test_the_reference_data_are_the_500_counties(mpdta):
    panel, cohort = mpdta
    assert panel.values.shape == (500, 5)
    assert panel.years == [2003, 2004, 2005, 2006, 2007]
    assert cohort.value_counts().to_dict() == {0: 309, 2007: 131, 2006: 40, 2004: 20}


def test_group_time_effects(fitted):
    gt, key = fitted
    ours = gt.tidy().set_index(["cohort", "period"])
    theirs = pd.DataFrame(R[f"{key}|gt"]).set_index(["g", "t"])
    assert len(ours) == len(theirs) == 12
    for cell, row in theirs.iterrows():
        assert ours.loc[cell, "estimate"] == close(row["att"])
        assert ours.loc[cell, "std_error"] == close(row["se"])


@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_aggregates(fitted, estimand):
    gt, key = fitted
    theirs = R[f"{key}|{ESTIMANDS[estimand]}"]
    ours = aggregate(gt, estimand)
    assert ours.estimate == close(theirs["att"])
    assert ours.std_error == close(theirs["se"])
    assert ours.estimand == estimand
    assert (ours.n_obs, ours.n_units, ours.n_treated_units) == (2500, 500, 191)


def test_event_study(fitted):
    gt, key = fitted
    theirs = R[f"{key}|dynamic"]
    ours = event_study(gt)
    assert list(ours.event_time) == theirs["egt"]
    assert list(ours.estimate) == close(theirs["att.egt"])
    assert list(ours.std_error) == close(theirs["se.egt"])


@pytest.mark.parametrize("method", ["dr", "ipw", "reg"])
@pytest.mark.parametrize("control", GROUPS)
def test_with_a_covariate(mpdta, control, method):
    """The doubly robust numbers, which a library gets wrong in the sixth digit, to 1e-9."""
    panel, cohort = mpdta
    lpop = read_table(HERE / "mpdta.csv").groupby("county")["lpop"].first().astype(float)
    gt = callaway_santanna(
        panel, cohort, control_group=control, covariates={"lpop": lpop}, est_method=method
    )
    key = f"mpdta_lpop|{method}|{GROUPS[control]}"
    theirs = pd.DataFrame(R[f"{key}|gt"])
    assert list(gt.cohort) == theirs["g"].to_list()
    assert list(gt.period) == theirs["t"].to_list()
    assert list(gt.estimate) == close(theirs["att"].to_list())
    assert list(gt.std_error) == close(theirs["se"].to_list())
    for ours, name in ESTIMANDS.items():
        total = aggregate(gt, ours)
        assert total.estimate == close(R[f"{key}|{name}"]["att"])
        assert total.std_error == close(R[f"{key}|{name}"]["se"])
    by_time = event_study(gt)
    assert list(by_time.estimate) == close(R[f"{key}|dynamic"]["att.egt"])
    assert list(by_time.std_error) == close(R[f"{key}|dynamic"]["se.egt"])


def test_sun_abraham(mpdta):
    gt = sun_abraham(*mpdta)
    theirs = R["mpdta|sunab_es"]
    ours = event_study(gt)
    assert [f"year::{e}" for e in ours.event_time] == theirs["n"]
    assert list(ours.estimate) == close(theirs["b"])
    assert list(ours.std_error) == close(theirs["se"])
    total = aggregate(gt)
    assert total.estimate == close(R["mpdta|sunab_att"]["b"])
    assert total.std_error == close(R["mpdta|sunab_att"]["se"])


def test_imputation(mpdta):
    gt = imputation(*mpdta)
    static, by_time = R["mpdta|bjs_static"], R["mpdta|bjs_es"]
    assert aggregate(gt).estimate == close(static["estimate"])
    assert aggregate(gt).std_error == close(static["std.error"])
    ours = event_study(gt)
    assert ours.event_time == (0, 1, 2, 3)
    # these references were written with nine and with six decimals
    assert list(ours.estimate) == pytest.approx([by_time[k] for k in "0123"], rel=0, abs=1e-9)
    assert list(ours.std_error) == pytest.approx([by_time["se"][k] for k in "0123"], abs=5.1e-7)


def test_two_stage_and_extended_two_way_have_the_points_of_imputation(mpdta):
    for estimate in (two_stage, extended_two_way):
        assert aggregate(estimate(*mpdta)).estimate == close(R["mpdta|bjs_static"]["estimate"])


def test_the_aggregates_are_four_different_numbers(fitted):
    """«Overall ATT» is not one name: on these data the largest is twice the smallest."""
    gt, _ = fitted
    values = sorted(aggregate(gt, e).estimate for e in ESTIMANDS)
    assert values[0] / values[-1] > 2
    assert all(b - a > 1e-3 for a, b in itertools.pairwise(values))


def test_two_way_fixed_effects(mpdta):
    theirs = R["mpdta|twfe"]
    ours = two_way_fixed_effects(*mpdta)
    assert ours.estimate == close(theirs["b"])
    assert ours.std_error == close(theirs["se"])
    assert ours.n_obs == theirs["n"]


def command(*more):
    return (
        "estimate", "--data", HERE / "mpdta.csv", "--unit", "county", "--time", "year",
        "--outcome", "lemp", "--cohort", "first_treat", "--json", *more,
    )  # fmt: skip


@pytest.mark.parametrize("estimand", ["simple", "dynamic"])
def test_command_line(cli, estimand):
    answer = cli(*command("--method", "cs", "--aggregate", estimand))
    assert (answer.code, answer.err) == (0, "")
    ours = json.loads(answer.out)
    theirs = R[f"mpdta_nox|dr|nevertreated|{estimand}"]
    assert ours["estimate"] == pytest.approx(theirs["att"], rel=0, abs=1e-6)
    assert ours["std_error"] == pytest.approx(theirs["se"], rel=0, abs=1e-5)
    by_time = R["mpdta_nox|dr|nevertreated|dynamic"]
    rows = ours["event_study"]
    assert [r["time"] for r in rows] == by_time["egt"]
    assert [r["estimate"] for r in rows] == pytest.approx(by_time["att.egt"], rel=0, abs=1e-6)
    assert [r["std_error"] for r in rows] == pytest.approx(by_time["se.egt"], rel=0, abs=1e-5)


def test_command_line_not_yet_treated_and_twfe(cli):
    ours = json.loads(cli(*command("--control", "notyet")).out)
    theirs = R["mpdta_nox|dr|notyettreated|simple"]
    assert ours["estimate"] == pytest.approx(theirs["att"], rel=0, abs=1e-6)
    assert ours["control_group"] == "not_yet_treated"
    ours = json.loads(cli(*command("--method", "twfe")).out)
    assert ours["estimate"] == pytest.approx(R["mpdta|twfe"]["b"], rel=0, abs=1e-6)
    assert ours["event_study"] == ours["group_time"] == []


@pytest.mark.parametrize(
    ("options", "key", "point", "error"),
    [
        (("--method", "sunab"), "mpdta|sunab_att", "b", "se"),
        (("--method", "imputation"), "mpdta|bjs_static", "estimate", "std.error"),
        (("--covariates", "lpop"), "mpdta_lpop|dr|nevertreated|simple", "att", "se"),
        (
            ("--covariates", "lpop", "--est-method", "ipw", "--control", "notyet"),
            "mpdta_lpop|ipw|notyettreated|simple", "att", "se",
        ),
    ],
)  # fmt: skip
def test_command_line_of_the_other_methods(cli, options, key, point, error):
    ours = json.loads(cli(*command(*options)).out)
    assert ours["estimate"] == pytest.approx(R[key][point], rel=0, abs=1e-6)
    assert ours["std_error"] == pytest.approx(R[key][error], rel=0, abs=1e-5)


OPTIONS = [
    (), ("--method", "twostage"), ("--method", "etwfe"), ("--method", "stacked"),
    ("--method", "sunab", "--aggregate", "dynamic"), ("--method", "twfe"),
    ("--method", "sdid", "--variance", "jackknife"), ("--inference", "multiplier"),
    ("--method", "imputation", "--inference", "multiplier", "--multiplier", "mammen"),
    ("--inference", "permutation", "--draws", "99"), ("--unbalanced", "keep"),
    ("--weights", "lpop_weight"), ("--cluster", "state"), ("--base", "universal"),
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: " ".join(o) or "defaults")
def test_the_contract_of_the_command_lines_json(cli, tmp_path, options):
    table = pd.read_csv(HERE / "mpdta.csv", dtype=str)
    # a weight, a cluster, and no cohort with a single year before it (sdid needs two)
    table["lpop_weight"], table["state"] = "2.5", table["county"].str[:2]
    if "sdid" in options:
        table = table[table.first_treat != "2004"]
    file = tmp_path / "mpdta.csv"
    table.to_csv(file, index=False)
    answer = cli(*(file if part == HERE / "mpdta.csv" else part for part in command(*options)))
    assert (answer.code, answer.err) == (0, "")
    ours = json.loads(answer.out)
    keys = {
        "method", "inference", "estimate", "std_error", "p_value", "conf_int", "n_obs", "n_units",
        "n_treated_units", "n_clusters", "event_study", "group_time", "checks", "data_hash", "seed",
    }  # fmt: skip
    assert keys <= set(ours)
    low, high = ours["conf_int"]
    assert low < ours["estimate"] < high
    assert 0 < ours["p_value"] <= 1
    if "twfe" not in options:
        assert {"time", "estimate", "std_error", "conf_int"} <= set(ours["event_study"][0])
    if not {"twfe", "sdid"} & set(options):
        assert {"cohort", "period", "estimate", "std_error"} <= set(ours["group_time"][0])
    assert {"name", "passed", "text"} <= set(ours["checks"][0])
    treated = 171 if "sdid" in options else 191
    assert (ours["n_units"], ours["n_treated_units"]) == (309 + treated, treated)
    # each cohort in two years, and the never treated in two years of three experiments
    rows = 2 * 191 + 3 * 2 * 309 if "stacked" in options else 5 * ours["n_units"]
    assert ours["n_obs"] == rows
    assert ours["n_clusters"] == (
        table["state"].nunique() if "state" in options else ours["n_units"]
    )
    assert len(ours["data_hash"]) == 64
    assert "note:" not in cli(*command()).out


def test_triple_difference_on_the_command_line(cli, tmp_path, mpdta):
    """The gap between two groups: what one has more than the other, and only that."""
    panel, cohort = mpdta
    rows = panel.long()
    rows["first"] = rows["unit"].map(cohort)
    extra = rows["value"] * 0.5 + rows["time"].astype(int)
    both = pd.concat(
        [rows.assign(sex="men"), rows.assign(sex="women", value=rows["value"] + extra)]
    )
    both.to_csv(tmp_path / "two.csv", index=False)
    call = (
        "estimate", "--data", tmp_path / "two.csv", "--unit", "unit", "--time", "time",
        "--outcome", "value", "--cohort", "first", "--json", "--triple",
    )  # fmt: skip
    ours = json.loads(cli(*call, "sex").out)
    # men minus women: half the outcome, with the sign turned
    assert ours["estimate"] == close(-0.5 * R["mpdta_nox|dr|nevertreated|simple"]["att"])
    assert ours["std_error"] == close(0.5 * R["mpdta_nox|dr|nevertreated|simple"]["se"])
    assert any("men minus women" in n for n in ours["notes"])
    assert ours["method"].startswith("triple difference, ")
    answer = cli(*call, "time")
    assert answer.code == 2
    assert "a triple difference needs two groups; there are 5" in answer.err
