"""The result types: what they promise to notebooks, tables and JSON."""

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest

from evaluation import Check, Estimate, EventStudy, Finding, GroupTime

ESTIMATE = Estimate(
    term="att",
    estimate=1.25,
    conf_int=(0.25, 2.25),
    method="some method",
    inference="analytic",
    estimand="cohort",
    std_error=0.5,
    statistic=2.5,
    p_value=0.012,
    n_obs=40,
    n_units=10,
    n_treated_units=3,
    n_clusters=10,
    small_sample="none",
    seed=7,
    data_hash="abc",
    notes=("one", "two"),
)
UNBOUNDED = dataclasses.replace(
    ESTIMATE, conf_int=(-math.inf, math.inf), std_error=None, statistic=math.nan
)
EVENTS = EventStudy(
    event_time=(-1, 0),
    estimate=(0.0, 1.0),
    std_error=(0.5, 0.25),
    conf_low=(-1.0, 0.5),
    conf_high=(1.0, 1.5),
    band_low=(-1.5, -math.inf),
    band_high=(1.5, math.inf),
    n_treated=(2, 3),
    method="m",
    inference="i",
    band="b",
)
GROUP_TIME = GroupTime(
    cohort=(2002, 2002),
    period=(2001, 2002),
    estimate=(0.5, math.nan),
    std_error=(0.1, 0.2),
    influence=np.ones((3, 2)),
    unit_cohort=np.array([2002, 0, 0]),
    method="m",
    control_group="never_treated",
    n_obs=9,
)
CHECK = Check("few_treated", None, "Få.", "Few.", 4.0, math.inf)
FINDING = Finding(
    "effect", {"a": ESTIMATE, "b": UNBOUNDED}, (CHECK,), "Svar.", "Answer.", "weak", "Skäl.", "Why."
)
ALL = [ESTIMATE, UNBOUNDED, EVENTS, GROUP_TIME, CHECK, FINDING]
NAMES = ["estimate", "unbounded", "event study", "group time", "check", "finding"]


@pytest.mark.parametrize("result", ALL, ids=NAMES)
def test_results_cannot_be_changed(result):
    for field in dataclasses.fields(result):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(result, field.name, 0)


@pytest.mark.parametrize("result", ALL, ids=NAMES)
def test_plain_types_are_json_without_exceptions(result):
    text = json.dumps(result.to_dict(), allow_nan=False)
    assert json.loads(text) == result.to_dict()


@pytest.mark.parametrize("result", ALL, ids=NAMES)
def test_tidy_is_a_table_with_rows(result):
    assert len(result.tidy()) == {"event study": 2, "group time": 2, "finding": 2}.get(
        NAMES[ALL.index(result)], 1
    )


def test_the_interval_at_another_level_is_refused():
    assert ESTIMATE.interval() == ESTIMATE.interval(0.05) == (0.25, 2.25)
    for alpha in (0.1, 0.01, 0.0500001):
        with pytest.raises(ValueError, match=f"fit again with alpha = {alpha}"):
            ESTIMATE.interval(alpha)


def test_plain_types_of_an_estimate():
    plain = ESTIMATE.to_dict()
    assert plain["conf_int"] == [0.25, 2.25]
    assert plain["notes"] == ["one", "two"]
    assert plain["std_error"] == 0.5
    assert set(plain) == {f.name for f in dataclasses.fields(Estimate)}


def test_what_the_design_cannot_give_is_null():
    plain = UNBOUNDED.to_dict()
    assert plain["conf_int"] == [None, None]
    assert plain["std_error"] is None
    assert plain["statistic"] is None
    half = dataclasses.replace(ESTIMATE, conf_int=(0.0, math.inf)).to_dict()
    assert half["conf_int"] == [0.0, None]


def test_tidy_of_an_estimate():
    row = ESTIMATE.tidy().iloc[0]
    quintet = ["estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]
    assert list(row[quintet]) == [1.25, 0.5, 2.5, 0.012, 0.25, 2.25]
    provenance = {
        "term", "method", "inference", "estimand", "n_obs", "n_units", "n_treated_units",
        "n_clusters", "small_sample", "alpha", "seed", "data_hash", "notes",
    }  # fmt: skip
    assert set(ESTIMATE.tidy().columns) == {*quintet, *provenance}
    assert row["notes"] == "one; two"


def test_tidy_of_an_event_study():
    assert list(EVENTS.tidy().columns) == [
        "event_time", "estimate", "std_error", "conf_low", "conf_high", "band_low", "band_high",
        "n_treated",
    ]  # fmt: skip
    assert list(EVENTS.tidy()["n_treated"]) == [2, 3]
    rows = EVENTS.to_dict()["rows"]
    assert rows[0]["event_time"] == -1
    assert isinstance(rows[0]["n_treated"], int)
    assert rows[1]["band_low"] is rows[1]["band_high"] is None


def test_tidy_of_group_time_effects():
    assert list(GROUP_TIME.tidy().columns) == ["cohort", "period", "estimate", "std_error"]
    rows = GROUP_TIME.to_dict()["rows"]
    assert rows[0] == {"cohort": 2002, "period": 2001, "estimate": 0.5, "std_error": 0.1}
    assert rows[1]["estimate"] is None


def test_tidy_of_a_finding_keeps_the_keys():
    assert list(FINDING.tidy()["key"]) == ["a", "b"]
    assert list(FINDING.to_dict()["estimates"]) == ["a", "b"]


def test_a_check_carries_no_quintet():
    assert not {"estimate", "std_error", "p_value", "conf_int"} & set(CHECK.to_dict())
    assert CHECK.to_dict()["passed"] is None


def test_hooks_for_regression_tables():
    table = ESTIMATE.__maketables_coef_table__
    assert list(table.columns) == ["b", "se", "t", "p"]
    assert table.loc["att"].to_list() == [1.25, 0.5, 2.5, 0.012]
    empty = UNBOUNDED.__maketables_coef_table__
    assert empty["b"].to_list() == [1.25]
    assert empty[["se", "t"]].isna().all(axis=None)
    assert ESTIMATE.__maketables_stat__("N") == 40
    assert ESTIMATE.__maketables_stat__("n_units") == 10
    assert ESTIMATE.__maketables_stat__("n_treated") == 3
    assert ESTIMATE.__maketables_stat__("r2") is None
    assert ESTIMATE.__maketables_depvar__ == "att"
    assert ESTIMATE.__maketables_vcov_info__["vcov_type"] == "analytic"


@pytest.mark.parametrize("result", ALL[:4], ids=NAMES[:4])
def test_notebooks_get_a_table_with_four_decimals(result):
    html = result._repr_html_()
    assert html.count("<table") == 1
    shown = pd.DataFrame(result.tidy())
    assert f"<td>{shown['estimate'].iloc[0]:.4f}</td>" in html
    assert "e-" not in html


def test_the_summary_names_estimand_method_and_inference():
    text = str(ESTIMATE)
    for part in ("cohort", "some method", "analytic", "1.2500", "[0.2500, 2.2500]", "0.0120"):
        assert part in text
    assert "95 % interval" in text
    assert "note: one" in text
    assert "3 treated" in text
    assert "standard error" not in str(UNBOUNDED)
    assert str(FINDING) == "Answer.\nEvidence: weak. Why."


def test_plots_show_the_numbers():
    axes = ESTIMATE.plot()
    bars = [list(line.get_xdata()) for line in axes.lines]
    assert [0.25, 2.25] in bars
    assert [1.25] in bars
    same = EVENTS.plot()
    points = [tuple(line.get_ydata()) for line in same.lines]
    assert (0.0, 1.0) in points
    assert EVENTS.plot(same) is same
