"""Life tables and what is made of them: by hand, by simulation, and bad input."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import InputError
from evaluation.estimation.survival.cox import cox
from evaluation.estimation.survival.curves import (
    cumulative_incidence,
    kaplan_meier,
    restricted_mean,
)
from evaluation.estimation.survival.discrete_hazard import (
    discrete_hazard,
)
from evaluation.estimation.survival.group_tests import gray, logrank
from evaluation.estimation.survival.hazard_did import hazard_did
from evaluation.estimation.survival.lee_bounds import lee_bounds
from evaluation.estimation.survival.life_table import KINDS, life_table
from evaluation.estimation.survival.persons import count_spells, life_table_from_persons

GOOD = pd.DataFrame(
    {
        "sex": ["K", "K", "K"],
        "month": [1, 2, 3],
        "at_risk": [10, 9, 4],
        "moved": [2, 3, 0],
        "died": [0, 1, 1],
        "censored": [1, 1, 3],
        "entered": [10, 2, 0],
    }
)


def made(**columns):
    return life_table(GOOD.assign(**columns), kinds=["moved", "died"])


def spells(end, kind, **keys):
    n = len(end)
    return count_spells(pd.DataFrame(keys), np.zeros(n), np.array(end), np.array(kind), kinds="ab")


def test_curves_by_hand():
    t = made()
    s = kaplan_meier(t).table
    np.testing.assert_allclose(s["estimate"], [0.8, 0.8 * 5 / 9, 0.8 * 5 / 9 * 3 / 4])
    greenwood = 0.8 * 5 / 9 * np.sqrt(2 / (10 * 8) + 4 / (9 * 5))
    assert s["std_error"][1] == pytest.approx(greenwood)
    f = cumulative_incidence(t).table.set_index(["kind", "month"])["estimate"]
    assert f["moved", 2] == pytest.approx(0.2 + 0.8 * 3 / 9)
    assert f["died", 2] == pytest.approx(0.8 / 9)
    assert restricted_mean(t, 3).table["estimate"][0] == pytest.approx(1 + 0.8 + 0.8 * 5 / 9)


@settings(max_examples=20)
@given(st.data())
def test_kinds_and_those_still_there_add_up(data):
    n = data.draw(st.integers(5, 25))
    end = data.draw(st.lists(st.integers(1, 12), min_size=n, max_size=n))
    kind = data.draw(st.lists(st.integers(-1, 1), min_size=n, max_size=n))
    entry = [data.draw(st.integers(0, e - 1)) for e in end]
    t = count_spells(
        pd.DataFrame({"g": ["x"] * n}), np.array(entry), np.array(end), np.array(kind), kinds="ab"
    )
    # what was counted passes the checks of a table from a file, and is the same
    pd.testing.assert_frame_equal(life_table(t.tidy(), kinds="ab").tidy(), t.tidy())
    s = kaplan_meier(t).table["estimate"].to_numpy()
    f = cumulative_incidence(t).table.groupby("month")["estimate"].sum().to_numpy()
    np.testing.assert_allclose(s + f, 1)
    brute = [sum(a < m <= b for a, b in zip(entry, end, strict=True)) for m in range(1, 13)]
    there = t.counts().at_risk[0]
    assert there.tolist() == brute[: len(there)]


PERSONS = pd.DataFrame(
    {
        "received_code": ["0114", "0114", "0115", "0115"],
        "received": ["2015-03-01", "2015-03-01", "2015-12-01", "2016-01-01"],
        "moved": ["2015-05-01", None, "2015-12-01", None],
        "move": ["abroad", None, "within county", None],
        "sex": ["K", "M", "K", "M"],
    }
)


def test_persons_by_hand():
    t = life_table_from_persons(PERSONS, until="2016-02", by=["municipality"]).tidy()
    a = t[t.municipality == "0114"].set_index("month")
    assert a["at_risk"].tolist() == [2, 2, *[1] * 9]
    assert a.loc[2, "abroad"] == 1
    assert a.loc[11, "censored"] == 1
    b = t[t.municipality == "0115"]
    # a move in the month of reception counts in month 1
    assert b[["at_risk", "within_county", "censored"]].values.tolist() == [[2, 1, 1]]


def test_exposure_over_time_splits_a_stay():
    adoption = {"0114": 12 * 2015 + 8}  # September: six months after the reception
    at = life_table_from_persons(PERSONS, until="2016-02", by=["exposed"], adoption=adoption)
    assert set(at.groups["exposed"]) == {0}
    t = life_table_from_persons(
        PERSONS, until="2016-02", by=["exposed"], adoption=adoption, exposure="over time"
    )
    rows = t.tidy().set_index(["exposed", "month"])
    assert rows.loc[(0, 6), "censored"] == 1
    assert rows.loc[(1, 7), ["at_risk", "entered"]].tolist() == [1, 1]
    assert rows.loc[(1, 11), "censored"] == 1
    assert t.collapse().tidy()["at_risk"].sum() == at.collapse().tidy()["at_risk"].sum()


def test_tests_by_hand_and_alike_groups_give_zero():
    t = spells([1, 2, 2, 3], [0, 0, 0, 0], g=["x", "x", "y", "y"])
    assert logrank(t, ["g"]).statistic == pytest.approx((2 - 1 / 2 - 2 / 3) ** 2 / (1 / 4 + 2 / 9))
    same = spells([1, 2, 3, 5, 1, 2, 3, 5], [0, 1, 0, -1] * 2, g=["x"] * 4 + ["y"] * 4)
    assert gray(same, ["g"], "a").statistic == pytest.approx(0, abs=1e-20)
    # without competing events Gray's score is the log-rank's: R is Y
    lone = spells([1, 2, 2, 3, 4, 6], [0, 0, 0, 0, -1, 0], g=["x", "x", "y", "y", "x", "y"])
    assert gray(lone, ["g"], "a").expected == pytest.approx(logrank(lone, ["g"]).expected)


def test_gray_keeps_its_size_with_many_ties_and_competing_groups_unlike():
    """The kind tested is alike in both groups, the other kind twice as frequent in one."""
    rng = np.random.default_rng(np.random.SeedSequence(1988))
    studies, n, p1 = 1000, 300, np.array([0.12, 0.10, 0.08, 0.06])
    found = []
    for _ in range(studies):
        end, kind, group = [], [], []
        for g, p2 in (("x", 0.06), ("y", 0.12)):
            # one uniform number decides the subdistribution, which is the same in both groups
            u = rng.random(n)
            month = np.searchsorted(np.cumsum(p1), u, "right")
            first = month < 4
            other = rng.geometric(p2 / (1 - p1.sum()), n)
            end.append(np.where(first, month + 1, np.minimum(other, 4)))
            kind.append(np.where(first, 0, np.where(other <= 4, 1, -1)))
            group += [g] * n
        t = spells(np.concatenate(end), np.concatenate(kind), g=group)
        found.append(gray(t, ["g"], "a"))
    statistic = np.array([f.statistic for f in found])
    # mean of chi-squared is 1 with standard error sqrt(2/1000) = 0.045; size 0.05 ± 0.007
    assert abs(statistic.mean() - 1) < 0.135
    assert abs(np.mean([f.p_value < 0.05 for f in found]) - 0.05) < 0.021


def hazards(seed, effect, units=30, treated=6, size=60):
    """Cohorts 2010–2015 of many municipalities; treated from 2013 on with a known ratio."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    codes = [f"{i:04d}" for i in range(units)]
    frame = pd.DataFrame(
        [(c, y) for c in codes for y in range(2010, 2016) for _ in range(size)],
        columns=["municipality", "cohort"],
    )
    base = pd.Series(rng.normal(0, 0.3, units), index=codes)
    on = frame["municipality"].isin(codes[:treated]) & (frame["cohort"] >= 2013)
    rate = np.exp(-3.5 + frame["municipality"].map(base) + effect * on).to_numpy()
    time = np.ceil(rng.exponential(1 / rate)).astype(int)
    end = np.minimum(time, 36)
    t = count_spells(frame, np.zeros(len(frame)), end, np.where(time <= 36, 0, -1), kinds="a")
    return t, dict.fromkeys(codes[:treated], 2013)


def test_hazard_did_finds_the_ratio_and_repeats():
    t, first = hazards(1, -0.4)
    found = hazard_did(t, first, draws=199)
    low, high = found.result.conf_int
    assert low <= -0.4 <= high
    assert found.result.p_value == 1 / 200
    assert high < 0
    again = hazard_did(t, first, draws=199)
    assert again.result == found.result
    np.testing.assert_array_equal(again.placebo, found.placebo)


def test_hazard_did_permutation_keeps_its_level():
    p = [hazard_did(*hazards(s, 0.0, units=14, treated=2, size=20), draws=99, seed=s).result.p_value
         for s in range(60)]  # fmt: skip
    # 60 studies at 10 per cent: 6 ± 2.3
    assert 0 < np.mean(np.array(p) <= 0.1) < 0.24


def test_a_spline_of_duration_comes_near_the_dummies():
    t, _ = hazards(3, 0.5)
    active = t.groups["municipality"].astype(int).lt(6) & t.groups["cohort"].ge(2013)
    t = t.with_key("active", active.to_numpy().astype(int))
    with_months = discrete_hazard(t, ["active"]).coefficients[0]
    smooth = discrete_hazard(t, ["active"], duration=4).coefficients[0]
    assert smooth.estimate == pytest.approx(with_months.estimate, abs=0.01)


def test_discrete_hazard_gives_the_ratio_that_coarse_months_bias_in_cox():
    rng = np.random.default_rng(np.random.SeedSequence(4))
    n = 40_000
    x = rng.integers(0, 2, n)
    time = np.ceil(rng.exponential(1 / np.exp(-1.2 + 0.7 * x))).astype(int)
    end, kind = np.minimum(time, 8), np.where(time <= 8, 0, -1)
    t = spells(end, kind, x=x, municipality=rng.integers(0, 40, n))
    exact = discrete_hazard(t, ["x"]).coefficients[0]
    assert exact.conf_int[0] <= 0.7 <= exact.conf_int[1]
    assert cox(t, ["x"]).coefficients[0].estimate < exact.estimate


def test_lee_bounds_by_hand():
    y = np.array([1.0, 2, 3, 4, 2, 3, 0, 0])
    seen = np.array([1, 1, 1, 1, 1, 1, 0, 0], bool)
    treated = np.array([1, 1, 1, 1, 0, 0, 0, 0], bool)
    b = lee_bounds(y, seen, treated)
    assert (b.lower, b.upper, b.trimmed, b.side) == (-1.0, 1.0, 0.5, "treated")
    mirrored = lee_bounds(y, seen, ~treated)
    assert (mirrored.lower, mirrored.upper, mirrored.side) == (-1.0, 1.0, "comparison")
    # a yes or no: of 4 stayers with 2 yes half are trimmed, so none or all remain yes
    yes = lee_bounds(np.array([1.0, 1, 0, 0, 1, 0, 0, 0]), seen, treated)
    assert (yes.lower, yes.upper) == (-0.5, 0.5)


def test_lee_bounds_hold_the_truth_and_their_errors_are_those_of_repeated_samples():
    rng = np.random.default_rng(np.random.SeedSequence(2009))
    effect, draws = 0.3, []
    for _ in range(400):
        n = 1500
        d = rng.random(n) < 0.5
        taste, noise = rng.normal(size=n), rng.normal(size=n)
        stays = taste + 0.3 * d > -0.4
        draws.append(lee_bounds(0.5 * taste + noise + effect * d, stays, d))
    low = np.array([b.lower for b in draws])
    errors = np.array([b.std_errors for b in draws])
    high = np.array([b.upper for b in draws])
    assert low.mean() < effect < high.mean()
    # 400 samples know a standard deviation to 3.5 per cent
    assert errors[:, 0].mean() == pytest.approx(low.std(), rel=0.11)
    assert errors[:, 1].mean() == pytest.approx(high.std(), rel=0.11)
    cover = np.mean([b.conf_int[0] <= effect <= b.conf_int[1] for b in draws])
    assert cover > 0.93
    inner = draws[0]
    assert inner.bounds_conf_int[0] <= inner.conf_int[0] <= inner.lower


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"month": [1, -2, 3]}, "row 3, field month: -2 is no whole number of at least 0"),
        ({"month": [0, 1, 2]}, "row 2, field month: months count from 1"),
        ({"at_risk": [10, 9.5, 4]}, "row 3, field at_risk: 9.5 is no whole number"),
        ({"moved": [2, 30, 0]}, "row 3, field at_risk: month 2: 9 at risk and 32 who left"),
        ({"at_risk": [10, 8, 4]}, "row 3, field at_risk: month 2: 8 at risk, but 7 were left"),
        ({"censored": [1, 1, 2]}, "row 4, field censored: month 3: 1 are left"),
        ({"sex": ["K", None, "K"]}, "row 3, field sex: is empty"),
        ({"month": [1, 1, 2]}, "row 3, field month: the same group and month stands twice"),
    ],
)
def test_tables_that_cannot_be_are_refused(columns, says):
    with pytest.raises(InputError) as error:
        made(**columns)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_kinds_and_lonely_groups_are_refused():
    with pytest.raises(InputError, match="field within_county: a column of events is missing"):
        life_table(GOOD, kinds=KINDS)
    with pytest.raises(InputError, match="the only group is K; a test needs two"):
        logrank(made(), ["sex"])
    with pytest.raises(InputError, match="field stance: is no key of the life table"):
        kaplan_meier(made(), ["stance"])
    with pytest.raises(InputError, match="was observed for 3 months"):
        restricted_mean(made(), 4)
    with pytest.raises(InputError, match="has the value K only"):
        discrete_hazard(made(), ["sex"], cluster="sex")
    with pytest.raises(InputError, match="is none of moved, died"):
        gray(made(), ["sex"], "left")
    with pytest.raises(InputError, match="field rho: -1 is negative"):
        gray(made(), ["sex"], "moved", rho=-1)


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        ("moved", ["2015-01-01", None, None, None], "row 2, field moved: lies before reception"),
        ("moved", ["2016-05-01", None, None, None], "lies after the data's end"),
        ("moved", ["in May", None, None, None], "row 2, field moved: is no date such as"),
        ("move", ["away", None, "abroad", None], "row 2, field move: is none of within_county"),
        ("received", [None, "2015-03-01", "2015-12-01", "2016-01-01"], "received: is empty"),
        ("received_code", [None, "0114", "0115", "0115"], "row 2, field received_code: is empty"),
    ],
)
def test_records_that_cannot_be_are_refused(column, values, says):
    with pytest.raises(InputError) as error:
        life_table_from_persons(PERSONS.assign(**{column: values}), until="2016-02")
    assert says in str(error.value)
    assert not any(v in str(error.value) for v in ("in May", "away"))


def test_one_key_is_given_as_a_string():
    both = pd.concat([GOOD.assign(sex="K"), GOOD.assign(sex="M")])
    t = life_table(both, kinds=["moved", "died"])
    assert logrank(t, "sex") == logrank(t, ["sex"])
    assert gray(t, "sex", "moved") == gray(t, ["sex"], "moved")
    assert t.collapse("sex").keys == ("sex",)
    for curve in (kaplan_meier, cumulative_incidence):
        pd.testing.assert_frame_equal(curve(t, "sex").table, curve(t, ["sex"]).table)
        assert curve(t, "sex").by == ("sex",)
    pd.testing.assert_frame_equal(
        restricted_mean(t, 2, "sex").table, restricted_mean(t, 2, ["sex"]).table
    )
    h, _ = hazards(40, 0.0)
    h = h.with_key("active", (h.groups["municipality"] < "0010").astype(int).to_numpy())
    for model, also in ((discrete_hazard, "effects"), (cox, "strata")):
        one, several = (
            model(h, "active", **{also: "cohort"}),
            model(h, ["active"], **{also: ["cohort"]}),
        )
        assert one.coefficients == several.coefficients
        assert one.effects == ("cohort",)


def test_a_table_of_persons_is_not_written_and_leaves_no_hash():
    t = life_table_from_persons(PERSONS, until="2016-02")
    for made_of_it in (t, t.collapse("sex"), t.with_key("x", np.arange(len(t.groups)))):
        assert made_of_it.from_persons
        assert made_of_it.hash == ""
        with pytest.raises(TypeError, match="not to be written to disk"):
            pickle.dumps(made_of_it)
    assert logrank(count_spells(
        pd.DataFrame({"sex": ["K", "K", "M", "M"]}), np.zeros(4), np.array([1, 2, 2, 3]),
        np.zeros(4, int), kinds=["moved"]), "sex").data_hash == ""  # fmt: skip
    # one from a file of counts is the caller's own, and may
    own = life_table(t.collapse().tidy(), kinds=t.kinds)
    again = pickle.loads(pickle.dumps(own))
    assert again.hash == own.hash != ""


def test_negative_spells_and_sides_without_stayers_are_refused():
    with pytest.raises(InputError, match="row 2, field end: -1 months"):
        count_spells(pd.DataFrame({"g": ["x"]}), np.zeros(1), np.array([-1]), np.zeros(1, int))
    with pytest.raises(InputError, match="the comparison side has nobody"):
        lee_bounds(np.ones(4), np.array([1, 1, 0, 0], bool), np.array([1, 1, 0, 0], bool))
    t, _ = hazards(5, 0.0, units=4, treated=1, size=5)
    with pytest.raises(InputError, match="nobody of the life table was received by an active"):
        hazard_did(t, {"0999": 2012})
