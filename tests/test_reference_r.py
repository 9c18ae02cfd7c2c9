"""The same numbers as R: packages did and fixest on mpdta (how they were made: reference/)."""

import itertools
import json
from pathlib import Path

import pandas as pd
import pytest

from evaluation import aggregate, callaway_santanna, event_study, two_way_fixed_effects
from evaluation.data.files import balanced_panel, read_table

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


def test_the_contract_of_the_command_lines_json(cli):
    ours = json.loads(cli(*command()).out)
    keys = {
        "method", "inference", "estimate", "std_error", "p_value", "conf_int", "n_obs", "n_units",
        "n_treated_units", "n_clusters", "event_study", "group_time", "checks", "data_hash", "seed",
    }  # fmt: skip
    assert keys <= set(ours)
    low, high = ours["conf_int"]
    assert low < ours["estimate"] < high
    assert {"time", "estimate", "std_error", "conf_int"} <= set(ours["event_study"][0])
    assert {"cohort", "period", "estimate", "std_error"} <= set(ours["group_time"][0])
    assert {"name", "passed", "text"} <= set(ours["checks"][0])
    assert (ours["n_obs"], ours["n_units"], ours["n_treated_units"]) == (2500, 500, 191)
    assert len(ours["data_hash"]) == 64
