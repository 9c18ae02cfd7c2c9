"""From tidy rows to a panel and back: states, weights, bounds, and who was left out and why."""

import io
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from evaluation.data.observations import COLUMNS, observations
from evaluation.data.panel import Panel, embedded_panel
from evaluation.data.places import codes
from evaluation.data.registry import REGISTRY
from evaluation.data.tidy_panel import ABSENT, build_panel, to_wide
from evaluation.data.wilson import wilson_interval
from evaluation.errors import InputError

NAN = float("nan")


def rows(*cells):
    """Make observations from (indicator, code, year, sex, value); None withheld, nan missing."""
    out = []
    for indicator, code, year, sex, value in cells:
        state = "suppressed" if value is None else "missing" if math.isnan(value) else "observed"
        out.append((indicator, code, year, sex, NAN if value is None else value, state))
    return observations(pd.DataFrame(out, columns=list(COLUMNS)))


def series(indicator, code, values, first=2015, sex="T"):
    return [(indicator, code, first + k, sex, v) for k, v in enumerate(values)]


# long and wide

CELL = st.one_of(st.none(), st.just(NAN), st.just(0.0), st.floats(0, 100, allow_subnormal=False))
KEYS = st.tuples(
    st.sampled_from(["N00973", "N00964"]),
    st.sampled_from(["0114", "0330", "2321", "0000"]),
    st.integers(2010, 2014),
    st.sampled_from(["T", "K", "M"]),
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(KEYS, CELL, min_size=1, max_size=30))
def test_suppressed_missing_zero_and_absent_survive_the_round_trip(cells):
    frame = rows(*[(*key, value) for key, value in cells.items()])
    for indicator, sex in {(k[0], k[3]) for k in cells}:
        wide = to_wide(frame, indicator, sex)
        mine = frame[(frame["indicator"] == indicator) & (frame["sex"] == sex)]
        pd.testing.assert_frame_equal(wide.long(), mine.reset_index(drop=True))
        assert (wide.states != ABSENT).to_numpy().sum() == len(mine)
        assert (wide.values.notna() == (wide.states == "observed")).to_numpy().all()


def test_the_wide_form_survives_a_csv():
    frame = rows(*series("N00964", "0114", [0.0, None, NAN]), ("N00964", "2321", 2016, "T", 7.0))
    wide = to_wide(frame, "N00964")
    again = []
    for table in (wide.values, wide.states):
        text = io.StringIO(table.to_csv())
        read = pd.read_csv(text, dtype={"code": str}, index_col="code", keep_default_na=False)
        again.append(read.rename(columns=int))
    values = again[0].apply(pd.to_numeric, errors="coerce")
    pd.testing.assert_frame_equal(replace(wide, values=values, states=again[1]).long(), frame)


def test_wide_refuses_what_contradicts_itself():
    wide = to_wide(rows(*series("N00964", "0114", [0.0, None])), "N00964")
    with pytest.raises(InputError, match="same rows and columns"):
        replace(wide, states=wide.states.iloc[:0]).long()
    with pytest.raises(InputError, match="is marked suppressed"):
        replace(wide, values=wide.values.fillna(3.0)).long()
    with pytest.raises(InputError, match="there is no N00973; there is N00964"):
        to_wide(rows(*series("N00964", "0114", [0.0])), "N00973")
    twice = pd.concat([rows(("N00964", "0114", 2015, "T", 1.0))] * 2)
    with pytest.raises(InputError, match="0114, 2015 stands twice"):
        to_wide(twice, "N00964")


# balanced and unbalanced

MIXED = rows(
    *series("N00973", "0114", [30.0, 31.0, 32.0]),
    *series("N00973", "0115", [40.0, None, 42.0]),
    *series("N00973", "0117", [NAN, None, 52.0]),
    *series("N00973", "0120", [0.0, 0.0]),
    *series("N00973", "0123", [None, None, None]),
    *series("N00973", "0000", [35.0, 36.0, 37.0]),
    *series("N00973", "0114", [90.0, 90.0, 90.0], sex="K"),
)


def test_a_balanced_panel_names_everyone_left_out_with_the_reason():
    panel = build_panel(MIXED, "N00973")
    assert (panel.outcome, panel.units, panel.years) == ("N00973", ["0114"], [2015, 2016, 2017])
    assert panel.values.loc["0114"].tolist() == [30.0, 31.0, 32.0]
    assert panel.dropped == ("0115", "0117", "0120", "0123")
    assert panel.coverage.reasons == {
        "0115": "suppressed in 2016",
        "0117": "suppressed in 2016; missing in 2015",
        "0120": "missing in 2017",
        "0123": "suppressed in 2015, 2016, 2017",
    }
    counts = panel.coverage.table[["observed", "suppressed", "missing", "no_weight"]]
    assert counts.values.tolist() == [
        [3, 0, 0, 0],
        [2, 1, 0, 0],
        [1, 1, 1, 0],
        [2, 0, 1, 0],
        [0, 3, 0, 0],
    ]
    assert (counts.sum(axis=1) == 3).all()
    assert panel.weights is None


def test_an_unbalanced_panel_keeps_whoever_is_seen_and_zero_is_a_value():
    panel = build_panel(MIXED, "N00973", unbalanced=True)
    assert panel.units == ["0114", "0115", "0117", "0120"]
    assert panel.unbalanced
    assert panel.coverage.reasons == {"0123": "suppressed in 2015, 2016, 2017"}
    assert panel.coverage.table.loc["0115", "reason"] == ""
    assert panel.values.loc["0120"].tolist()[:2] == [0.0, 0.0]
    assert panel.values.isna().to_numpy().tolist() == [
        [False] * 3,
        [False, True, False],
        [True, True, False],
        [False, False, True],
    ]


def test_bounds_of_suppressed_cells_also_of_the_dropped():
    b = build_panel(MIXED, "N00973").bounds
    assert b.low.index.tolist() == ["0114", "0115", "0117", "0120", "0123"]
    assert b.low.loc["0115"].tolist() == [40.0, 0.0, 42.0]
    assert b.high.loc["0115"].tolist() == [40.0, 100.0, 42.0]
    assert b.low.loc["0117"].isna().tolist() == [True, False, False]
    assert (b.low.fillna(0) <= b.high.fillna(0)).to_numpy().all()
    count = rows(*series("N00964", "0114", [None, 7.0]))
    b = build_panel(count, "N00964", unbalanced=True, years=(2015, 2016)).bounds
    assert (b.low.loc["0114"].tolist(), b.high.loc["0114"].tolist()) == ([0.0, 7.0], [4.0, 7.0])
    own = rows(*series("own_outcome", "0114", [None, 7.0, 8.0]))
    b = build_panel(own, "own_outcome", unbalanced=True, years=(2015, 2017)).bounds
    assert (b.low.loc["0114", 2015], b.high.loc["0114", 2015]) == (-np.inf, np.inf)


def test_years_and_codes_that_are_asked_for():
    panel = build_panel(MIXED, "N00973", years=(2015, 2016), codes=["0120", "0114", "2321"])
    assert panel.units == ["0120", "0114"]
    assert panel.coverage.reasons == {"2321": "missing in 2015, 2016"}
    assert build_panel(MIXED, "N00973", codes=["0000"]).units == ["0000"]
    late = build_panel(rows(*series("N00973", "0114", [None, 1.0, 2.0, NAN])), "N00973")
    assert late.years == [2016, 2017]


def test_the_order_of_the_rows_does_not_matter():
    mixed = MIXED.sample(frac=1, random_state=3)
    for options in ({}, {"unbalanced": True}):
        a, b = (build_panel(f, "N00973", **options) for f in (MIXED, mixed))
        assert a.hash() == b.hash()
        pd.testing.assert_frame_equal(a.coverage.table, b.coverage.table)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: build_panel(MIXED, "N00700"), "there is no N00700; there is N00973"),
        (lambda: build_panel(MIXED, "N00973", "M"), "there is no N00973 for sex M"),
        (lambda: build_panel(MIXED, "N00973", years=(2016, 2016)), "two years or more"),
        (lambda: build_panel(MIXED, "N00973", codes=["0114", "0114"]), "stands twice"),
        (
            lambda: build_panel(MIXED, "N00973", years=(2015, 2020)),
            "no municipality has N00973 for sex T in every year 2015–2020; fewest, 0 of 5, have ",
        ),
        (
            lambda: build_panel(MIXED, "N00973", codes=["0123"], unbalanced=True),
            "in any year 2015–2017; fewest, 0 of 1",
        ),
        (
            lambda: build_panel(rows(*series("N00973", "0114", [None, NAN])), "N00973"),
            "has no observed value",
        ),
        (lambda: build_panel(pd.concat([MIXED, MIXED]), "N00973"), "0114, 2015 stands twice"),
        (lambda: build_panel(MIXED.assign(code=None), "N00973"), "a row of N00973 has no code"),
        (lambda: build_panel(MIXED.assign(state="seen"), "N00973"), "'seen' is none of"),
        (lambda: build_panel(MIXED, "retention_3_years"), "needs N00732"),
        (lambda: build_panel(MIXED, "N00700", weight="registry"), "there is no N00700"),
    ],
)
def test_what_a_panel_cannot_be_built_from(call, says):
    with pytest.raises(InputError, match=says):
        call()


# weights

WEIGHED = pd.concat(
    [
        MIXED,
        rows(
            *series("N00964", "0114", [10.0, 20.0, 30.0]),
            *series("N00964", "0115", [5.0, 6.0, 7.0]),
            *series("N00964", "0117", [5.0, 6.0, None]),
            *series("N00964", "0120", [0.0, 9.0, 9.0]),
        ),
    ]
)


def test_weights_are_carried_along():
    panel = build_panel(WEIGHED, "N00973", weight="registry")
    assert panel.weights.loc["0114"].tolist() == [10.0, 20.0, 30.0]
    named = build_panel(WEIGHED, "N00973", weight="N00964")
    assert named.hash() == panel.hash()
    assert panel.hash() != build_panel(WEIGHED, "N00973").hash()
    assert panel.select(["0114"]).weights.shape == (1, 3)


def test_a_value_without_a_weight_is_a_gap_that_is_told():
    panel = build_panel(WEIGHED, "N00973", weight="registry", unbalanced=True)
    assert panel.units == ["0114", "0115", "0120"]
    assert panel.coverage.reasons["0117"] == (
        "suppressed in 2016; missing in 2015; without a weight in 2017"
    )
    assert panel.values.loc["0120"].isna().tolist() == [True, False, True]
    assert panel.weights.isna().equals(panel.values.isna())
    assert panel.coverage.table.loc["0120", ["observed", "missing", "no_weight"]].tolist() == [
        1,
        1,
        1,
    ]
    balanced = build_panel(WEIGHED, "N00973", weight="registry", years=(2015, 2016))
    assert balanced.coverage.reasons["0120"] == "without a weight in 2015"


def test_weights_that_are_not_there_are_refused():
    with pytest.raises(
        InputError, match="field weight: N00973 is weighed by N00964, which must be among the data"
    ):
        build_panel(MIXED, "N00973", weight="registry")
    with pytest.raises(InputError, match="the registry has no weight for N00964; name one"):
        build_panel(WEIGHED, "N00964", weight="registry")
    with pytest.raises(InputError, match="weight: N00973 is weighed by N99, which must be among"):
        build_panel(WEIGHED, "N00973", weight="N99")


def test_a_panel_checks_its_weights():
    values = pd.DataFrame([[1.0, 2.0]], index=["a"], columns=[2015, 2016])
    assert Panel("y", values, weights=values * 2).weights.iloc[0, 1] == 4.0
    with pytest.raises(InputError, match="unit a, year 2016: a weight above 0 is needed"):
        Panel("y", values, weights=pd.DataFrame([[1.0, 0.0]], ["a"], [2015, 2016]))
    with pytest.raises(InputError, match="weight above 0"):
        Panel("y", values, weights=values.where(values > 1))
    with pytest.raises(InputError, match="the values' units and years"):
        Panel("y", values, weights=pd.DataFrame([[1.0, 1.0]], ["b"], [2015, 2016]))
    gap = values.where(values > 1)
    assert Panel("y", gap, (), True, weights=gap).weights.isna().iloc[0, 0]


def test_the_hash_of_a_panel_without_weights_is_as_published():
    """The fingerprints stand in published reports and must not move."""
    values = pd.DataFrame([[1.0, 2.0]], index=["a"], columns=[2015, 2016])
    assert Panel("y", values).hash().startswith("7ceefed27baff66b")


# derived


def test_retention_is_built_from_its_parts_with_the_weight_of_three_years_before():
    frame = rows(
        *series("N00732", "0114", [75.0, 80.0], 2018),
        *series("N00732", "0115", [None, 8.0], 2018),
        *series("N01986", "0114", [100.0, 160.0], 2015),
        *series("N01986", "0115", [20.0, 16.0], 2015),
    )
    panel = build_panel(frame, "retention_3_years", weight="registry", unbalanced=True)
    assert panel.years == [2018, 2019]
    assert panel.values.loc["0114"].tolist() == [75.0, 50.0]
    assert panel.weights.loc["0114"].tolist() == [100.0, 160.0]
    assert panel.bounds.low.loc["0115"].tolist() == [0.0, 50.0]
    # four of twenty at most
    assert panel.bounds.high.loc["0115"].tolist() == [20.0, 50.0]
    assert REGISTRY["retention_3_years"].highest == 100


def test_a_derived_series_that_is_there_already_is_taken():
    frame = rows(*series("retention_3_years", "0114", [75.0, 80.0]))
    assert build_panel(frame, "retention_3_years").values.loc["0114"].tolist() == [75.0, 80.0]


def test_an_embedded_outcome_survives_the_tidy_form():
    panel = embedded_panel("foreign_background")
    long = panel.long().rename(columns={"unit": "code", "time": "year"})
    frame = observations(long.assign(indicator="foreign_background", sex="T", state="observed"))
    again = build_panel(frame, "foreign_background", codes=sorted(codes()))
    assert again.hash() == panel.hash()
    assert again.coverage.table["kept"].all()


# Wilson


@pytest.mark.parametrize(("count", "n"), [(0, 1), (1, 1), (0, 20), (20, 20), (3, 7), (350, 1000)])
@pytest.mark.parametrize("alpha", [0.05, 0.1])
def test_wilsons_interval_solves_its_own_equation(count, n, alpha):
    """The ends are where the score test just rejects: (p − q)² = z² q (1 − q) / n."""
    from scipy.stats import norm

    p = count / n
    low, high = wilson_interval(100 * p, n, alpha=alpha)
    for q in (float(low) / 100, float(high) / 100):
        # squared: at q = 0 and 1 the root would blow the last digit of q up to 1e-9
        variance = norm.isf(alpha / 2) ** 2 * q * (1 - q) / n
        assert (p - q) ** 2 == pytest.approx(variance, abs=1e-12)
    assert 0 <= float(low) <= 100 * p <= float(high) <= 100
    known = proportion_confint(count, n, alpha, method="wilson")
    assert (float(low) / 100, float(high) / 100) == pytest.approx(known, abs=1e-12)


def test_wilsons_interval_of_a_whole_table():
    shares = np.array([[50.0, NAN], [0.0, 100.0]])
    low, high = wilson_interval(shares, np.array([[10.0, NAN], [5.0, 5.0]]))
    assert np.isnan([low[0, 1], high[0, 1]]).all()
    assert (low[1, 0], high[1, 1]) == (0.0, 100.0)
    assert high[1, 0] == pytest.approx(100 - low[1, 1])


@pytest.mark.parametrize(
    ("share", "n", "alpha", "says"),
    [
        (101.0, 10, 0.05, "field share"),
        (-1.0, 10, 0.05, "field share"),
        (50.0, 0, 0.05, "field n: a share needs at least one person"),
        (50.0, NAN, 0.05, "field n"),
        (50.0, 10, 1.0, "field alpha: must lie between 0 and 1, found 1.0"),
    ],
)
def test_wilsons_interval_refuses(share, n, alpha, says):
    with pytest.raises(InputError, match=says):
        wilson_interval(share, n, alpha=alpha)
