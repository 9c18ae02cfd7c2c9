"""Draws and seeds that were given where nothing is drawn: said on stderr, in one line."""

import json

import numpy as np
import pandas as pd
import pytest

from evaluation.cli import main


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    rng = np.random.default_rng(1)
    rows = [
        (f"u{i}", year, sex, rng.normal(10, 1), 2015 if i < 25 else "", 100 + i)
        for i in range(60)
        for year in range(2011, 2018)
        for sex in "KM"
    ]
    columns = ["unit", "year", "sex", "value", "cohort", "size"]
    path = tmp_path_factory.mktemp("panel") / "both.csv"
    frame = pd.DataFrame(rows, columns=columns)
    frame.to_csv(path, index=False)
    frame[frame["sex"] == "K"].to_csv(path.with_name("panel.csv"), index=False)
    return path.with_name("panel.csv")


@pytest.fixture
def call(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["evaluation", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        assert stop.value.code == 0, err
        return out, err

    return run


def columns(path):
    named = ("unit", "unit", "time", "year", "outcome", "value", "cohort", "cohort")
    pairs = [f"--{n}" if i % 2 == 0 else n for i, n in enumerate(named)]
    return ["--data", path, *pairs]


@pytest.mark.parametrize(
    ("more", "unused"),
    [
        (["--inference", "cr2"], "--draws, --seed are not used"),
        (["--inference", "analytic"], "--draws is not used"),
        (["--method", "twfe"], "--draws, --seed are not used"),
        (["--inference", "conley-taber"], ""),
        (["--inference", "permutation"], ""),
        (["--inference", "multiplier"], ""),
    ],
)
def test_estimate(call, panel, more, unused):
    asked = ("estimate", *columns(panel), *more)
    out, err = call(*asked, "--draws", 99, "--seed", 3, "--json")
    assert err.count("\n") == bool(unused)
    assert err.startswith(f"evaluation: {unused}" if unused else "")
    json.loads(out)
    # nobody asked for draws, and nothing is said of them
    assert call(*asked)[1] == ""


def test_a_seed_that_the_band_takes_is_used(call, panel):
    asked = ("estimate", *columns(panel), "--inference", "analytic", "--aggregate", "dynamic")
    bands = [
        json.loads(call(*asked, "--seed", seed, "--json")[0])["event_study"][0]["band"]
        for seed in (1, 2)
    ]
    assert bands[0] != bands[1]


def test_regress(call, panel):
    asked = ("regress", "--data", panel, "--unit", "unit", "--time", "year")
    asked = (*asked, "--formula", "value ~ size + TimeEffects", "--model", "pooled")
    assert call(*asked, "--seed", 3)[1] == (
        "evaluation: --seed is not used: nothing is drawn by --cov clustered\n"
    )
    assert call(*asked, "--cov", "wild", "--draws", 99, "--seed", 3)[1] == ""


def test_costs(call):
    assert (
        "--draws is not used: nothing is uncertain" in call("costs", "by_hand", "--draws", 100)[1]
    )
    assert call("costs", "by_hand")[1] == ""
    assert call("costs", "example", "--draws", 100)[1] == ""


def test_women_and_men(call, panel):
    asked = ("gender", "--data", panel.with_name("both.csv"))
    assert call(*asked, "--draws", 99, "--seed", 3)[1] == ""
    assert call(*asked, "--draws", 99, "--donors", 3, "--category", "x")[1].splitlines() == [
        "evaluation: --category is not used: this is for --cells",
        "evaluation: --donors is not used: without --size any units stand in",
    ]


def test_a_plan_says_for_itself_how(call):
    asked = ("effect", "settlement", "--outcome", "foreign_background")
    _, err = call(*asked, "--draws", 99, "--alpha", 0.1)
    assert err.startswith("evaluation: --draws, --alpha are not used: a plan says for itself how")
