"""Covariates, nearest neighbours in Mahalanobis distance, and common support."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import Delaunay
from scipy.spatial.distance import cdist
from scipy.stats import linregress, rankdata

from evaluation.data.panel import Panel, embedded_panel
from evaluation.design.comparison import (
    INCOME_FROM_NORWAY,
    mahalanobis_match,
    match_table,
    overlap,
)
from evaluation.design.comparison.covariates import split
from evaluation.design.comparison.mahalanobis import mahalanobis_distances
from evaluation.errors import InputError


def panel(values, first=2010):
    values = np.asarray(values, dtype=float)
    units = [f"u{i}" for i in range(len(values))]
    return Panel("y", pd.DataFrame(values, units, range(first, first + values.shape[1])))


def random_table(seed, n=40, k=3, treated=4):
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(k, k)) + 2 * np.eye(k)
    x = rng.normal(size=(n, k)) @ mix * 10.0 ** rng.integers(-3, 4, size=k)
    table = pd.DataFrame(x, [f"u{i}" for i in range(n)], [f"x{j}" for j in range(k)])
    return table, [f"u{i}" for i in rng.permutation(n)[:treated]]


# covariates


def test_level_trend_and_size_by_hand():
    found = match_table(
        panel([[1, 2, 6, 99], [4, 4, 4, 99]]),
        before=2013,
        size=pd.Series({"u0": np.e, "u1": 1.0}),
        extra=pd.DataFrame({"county": ["A", "B"]}, ["u0", "u1"]),
    )
    assert list(found.columns) == ["level", "trend", "log_size", "county"]
    assert found.loc["u0"].tolist() == [3.0, 2.5, 1.0, "A"]
    assert found.loc["u1"].tolist() == [4.0, 0.0, 0.0, "B"]


def test_trend_is_the_regression_line():
    p = embedded_panel("foreign_background")
    found = match_table(p, before=2018)
    line = linregress(range(2010, 2018), p.values.loc["2321", range(2010, 2018)])
    assert found.loc["2321", "trend"] == pytest.approx(line.slope, rel=1e-12)


def test_nothing_from_the_first_treated_year_on_is_used():
    before = np.array([[1.0, 2.0], [3.0, 5.0], [2.0, 2.0]])
    cohort = pd.Series({"u0": 2014, "u1": 2012, "u2": 0, "elsewhere": 1999})
    tables = [
        match_table(panel(np.hstack([before, after])), before=cohort)
        for after in (np.zeros((3, 4)), np.full((3, 4), 1e6))
    ]
    pd.testing.assert_frame_equal(*tables)
    pd.testing.assert_frame_equal(tables[0], match_table(panel(before), before=2012))


def test_a_window_takes_the_last_years_before():
    p = panel([[100, 1, 2, 3, 7], [0, 5, 5, 5, 7]])
    assert match_table(p, before=2014, window=2).loc["u0"].tolist() == [2.5, 1.0]
    assert match_table(p, before=2014, window=1, trend=False).loc["u0"].tolist() == [3.0]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"before": 2010}, "field before: y has 0 year\\(s\\) before 2010 .* a trend needs two"),
        ({"before": 2011}, "1 year\\(s\\) before 2011 .* a trend needs two"),
        ({"before": 2010, "trend": False}, "a level needs one"),
        ({"before": {"u0": 0, "u1": 0}}, "no unit of the panel is ever treated"),
        ({"before": 2012, "window": 0}, "field window: must be 1 year or more, not 0"),
        ({"before": 2012, "size": pd.Series({"u0": 5.0})}, "field size: unit u1 has no size"),
        ({"before": 2012, "size": pd.Series({"u0": 5.0, "u1": 0.0})}, "unit u1 has no size"),
        (
            {"before": 2012, "extra": pd.DataFrame({"level": [1, 2]}, ["u0", "u1"])},
            "field extra: the column level is there twice",
        ),
        ({"before": 2012, "extra": pd.DataFrame({"a": [1]}, ["u0"])}, "unit u1 has no a"),
        (
            {"before": 2012, "extra": pd.DataFrame({"a": [1, 1, 2]}, ["u0", "u0", "u1"])},
            "unit u0 stands twice",
        ),
    ],
)
def test_covariates_that_cannot_be_made(options, says):
    with pytest.raises(InputError, match=says):
        match_table(panel([[1, 2, 3], [4, 5, 6]]), **options)


def test_a_gap_before_the_treatment_is_named():
    values = pd.DataFrame([[1.0, np.nan, 2.0], [1.0, 1.0, 1.0]], ["a", "b"], [2010, 2011, 2012])
    with pytest.raises(InputError, match="field y: unit a has no value in 2011"):
        match_table(Panel("y", values, unbalanced=True), before=2012)


# distances


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("treated", [1, 4])
def test_distances_equal_scipy(seed, treated):
    table, codes = random_table(seed, treated=treated)
    parts = split(table, codes)
    x1, x0 = table.loc[codes], table.drop(codes)
    groups = [g for g in (x1, x0) if len(g) > 1]
    pooled = sum((len(g) - 1) * g.cov() for g in groups) / sum(len(g) - 1 for g in groups)
    expected = cdist(x1, x0, "mahalanobis", VI=np.linalg.inv(pooled.to_numpy()))
    np.testing.assert_allclose(mahalanobis_distances(parts), expected, rtol=1e-8)


def test_rank_distances_by_their_formula():
    table, codes = random_table(3)
    table["x0"] = table["x0"].rank() // 8
    table["x1"] = (table["x1"] > 0).astype(float)
    parts = split(table, codes)
    r = pd.DataFrame(rankdata(table, axis=0), table.index)
    n = len(table)
    up = np.sqrt(np.arange(1, n + 1).var(ddof=1)) / r.std()
    vi = np.linalg.inv(np.diag(up) @ r.cov().to_numpy() @ np.diag(up))
    expected = cdist(r.loc[codes], r.drop(codes), "mahalanobis", VI=vi)
    np.testing.assert_allclose(mahalanobis_distances(parts, ranks=True), expected, rtol=1e-9)


def test_ranks_do_not_see_how_far_out_an_outlier_is():
    table, codes = random_table(5)
    far = table.copy()
    far.loc[far["x0"].idxmax(), "x0"] = 1e9
    a = mahalanobis_match(table, codes, ranks=True).pairs
    pd.testing.assert_frame_equal(a, mahalanobis_match(far, codes, ranks=True).pairs)


@pytest.mark.parametrize("seed", range(5))
def test_units_of_measurement_and_mixtures_of_covariates_do_not_matter(seed):
    table, codes = random_table(seed)
    rng = np.random.default_rng(seed)
    even = table / table.std()
    mixed = pd.DataFrame(even.to_numpy() @ rng.normal(size=(3, 3)) + 7, table.index)
    a, b = (mahalanobis_match(t, codes, n_matches=3).pairs for t in (table, mixed))
    assert a["control"].tolist() == b["control"].tolist()
    np.testing.assert_allclose(a["distance"], b["distance"], rtol=1e-6)


def test_columns_and_units_may_be_numbers():
    table = pd.DataFrame({0: [1.0, 2.0, 4.0, 9.0]}, [10, 11, 12, 13])
    assert mahalanobis_match(table, ["10"]).pairs["control"].tolist() == ["11"]
    assert overlap(table, ["10"]).table["covariate"].tolist() == ["0"]


# matching


@pytest.mark.parametrize("seed", range(5))
def test_nearest_by_brute_force(seed):
    table, codes = random_table(seed)
    d = mahalanobis_distances(split(table, codes))
    found = mahalanobis_match(table, codes, n_matches=3)
    for code in codes:
        mine = found.pairs[found.pairs["treated"] == code]
        best = sorted(d.columns, key=lambda c: d.loc[code, c])[:3]
        assert mine["control"].tolist() == best
        assert mine["rank"].tolist() == [1, 2, 3]
        assert mine["distance"].tolist() == [d.loc[code, c] for c in best]


def line(**values):
    return pd.DataFrame({"x": values}, dtype=float)


def test_ties_go_to_the_first_in_the_table():
    table = line(c=4, t=5, b=6, a=4, d=9)
    assert mahalanobis_match(table, ["t"], n_matches=3).pairs["control"].tolist() == ["c", "b", "a"]
    turned = table.iloc[::-1]
    found = mahalanobis_match(turned, ["t"], n_matches=3).pairs["control"].tolist()
    assert found == ["a", "b", "c"]


def test_with_replacement_a_control_serves_several_and_weighs_more():
    found = mahalanobis_match(line(t=1, u=2, a=1.4, b=8, c=9), ["t", "u"])
    assert found.pairs["control"].tolist() == ["a", "a"]
    assert found.weights.to_dict() == {"a": 1.0, "b": 0.0, "c": 0.0}
    with pytest.raises(InputError, match="control a is matched with several"):
        found.sets()


def test_without_replacement_the_treated_choose_in_rounds():
    table = line(t=1, u=2, a=1.4, b=8, c=9, d=0)
    found = mahalanobis_match(table, ["t", "u"], n_matches=2, replacement=False)
    assert found.sets() == [["t", "a", "b"], ["u", "d", "c"]]
    # the other order gives the other their first choice
    other = mahalanobis_match(table, ["u", "t"], n_matches=2, replacement=False)
    assert other.sets() == [["u", "a", "b"], ["t", "d", "c"]]
    assert found.weights.sum() == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("seed", range(5))
def test_weights_give_every_matched_treated_unit_the_same_share(seed):
    table, codes = random_table(seed)
    found = mahalanobis_match(table, codes, n_matches=3)
    means = [table.loc[g["control"], "x0"].mean() for _, g in found.pairs.groupby("treated")]
    weighted = (found.weights * table["x0"].reindex(found.weights.index)).sum()
    assert weighted == pytest.approx(np.mean(means), rel=1e-12)


def test_exact_matching_stays_within_the_group():
    table = line(t=1, u=5, a=1, b=4, c=2).assign(county=["X", "Y", "Y", "X", "Y"])
    found = mahalanobis_match(table, ["t", "u"], exact=["county"], n_matches=2)
    assert found.pairs["control"].tolist() == ["b", "c", "a"]
    assert found.short == (("t", "only 1 control within reach"),)
    assert found.covariates == ("x",)


def test_who_is_not_matched_is_listed_with_the_reason():
    table = line(t=1, u=50, v=2, a=1, b=4, c=2).assign(county=["X", "X", "Z", "X", "X", "X"])
    found = mahalanobis_match(table, ["t", "u", "v"], exact=["county"], caliper=1.0)
    assert dict(found.dropped)["v"] == "no control has the same county"
    assert dict(found.dropped)["u"].startswith("no control within the caliper; the nearest, b, is ")
    assert found.treated == ("t",)
    tidy = found.tidy()
    assert tidy["treated"].tolist() == ["t", "u", "v"]
    assert tidy["reason"].eq("").tolist() == [True, False, False]
    assert [d["treated"] for d in found.to_dict()["dropped"]] == ["u", "v"]


def test_taken_by_others_is_a_reason_too():
    table = line(t=1, u=2, a=1, b=9)
    found = mahalanobis_match(table, ["t", "u"], caliper={"x": 2}, replacement=False)
    assert found.dropped == (("u", "others took the 1 control within reach"),)


def test_a_caliper_by_covariate_is_in_its_own_unit():
    table = pd.DataFrame({"x": [0, 1, 2, 3, 9], "y": [0, 5, 0, 1, 2.0]}, list("tabcd"))
    found = mahalanobis_match(table, ["t"], n_matches=4, caliper={"x": 3, "y": 1})
    assert sorted(found.pairs["control"]) == ["b", "c"]
    assert found.short == (("t", "only 2 controls within reach"),)


def test_matching_is_for_numbers_and_the_table_is_left_alone():
    table, codes = random_table(1)
    copy = table.copy()
    a, b = (mahalanobis_match(table, codes, n_matches=2, replacement=False) for _ in range(2))
    pd.testing.assert_frame_equal(a.pairs, b.pairs)
    pd.testing.assert_frame_equal(table, copy)


BAD = line(t=1, u=2, a=3, b=4, c=6)


@pytest.mark.parametrize(
    ("table", "treated", "options", "says"),
    [
        (BAD, [], {}, "no unit is treated"),
        (BAD, list(BAD.index), {}, "every unit is treated; there is nobody to compare with"),
        (BAD, ["z"], {}, "unit z is not in the table"),
        (BAD, ["t", "t"], {}, "unit t stands twice"),
        (pd.concat([BAD, BAD]), ["t"], {}, "unit t stands twice"),
        (BAD, ["t"], {"covariates": ["y"]}, "there is no covariate 'y'; there are x"),
        (BAD.assign(g="A"), ["t"], {"covariates": ["g"]}, "field g: holds no numbers"),
        (BAD.assign(g="A")[["g"]], ["t"], {}, "no covariate with numbers"),
        (BAD.assign(y=[1, 2, np.nan, 4, 5]), ["t"], {}, "field y: unit a has no finite value"),
        (BAD.assign(y=[1, 2, np.inf, 4, 5]), ["t"], {}, "field y: unit a has no finite value"),
        (BAD.assign(y=0.1), ["t"], {}, "field y: does not vary"),
        (BAD.assign(y=0.1), ["t"], {"ranks": True}, "field y: does not vary"),
        (BAD.assign(y=BAD["x"] * 1e6 + 3), ["t"], {}, "field y: the covariance is singular"),
        (BAD, ["t"], {"n_matches": 0}, "field n_matches: must be 1 or more"),
        (BAD, ["t"], {"caliper": 0.0}, "field caliper: must be above 0"),
        (BAD, ["t"], {"caliper": {"y": 1}}, "field caliper: there is no column 'y'"),
        (BAD, ["t"], {"exact": ["y"]}, "field exact: there is no column 'y'"),
        (BAD, ["t"], {"caliper": 1e-9}, "no treated unit has a match; t: no control within"),
        (
            BAD.assign(g=["X", None, "X", "X", "X"]),
            ["t"],
            {"exact": ["g"]},
            "field g: unit u has no value to match exactly on",
        ),
    ],
)
def test_matching_that_cannot_be_done(table, treated, options, says):
    with pytest.raises(InputError, match=says):
        mahalanobis_match(table, treated, **options)


# overlap


def test_a_unit_outside_the_range_is_named_with_its_covariate():
    table = pd.DataFrame(
        {"level": [9, 2, 1, 2, 3, 4.0], "size": [5, 5, 4, 5, 6, 5.5]}, list("tuabcd")
    )
    found = overlap(table, ["t", "u"])
    assert found.outside == ("t",)
    row = found.tidy().set_index("unit").loc["t"]
    assert (row["covariate"], row["value"], row["low"], row["high"]) == ("level", 9.0, 1.0, 4.0)
    assert row["reason"] == "level is 9, outside the controls' 1 to 4"
    assert not row["in_ranges"]
    assert not row["in_hull"]
    check = found.check()
    assert check.passed is False
    assert check.text_en.startswith("1 of 2 treated (t) lack comparable")
    assert found.to_dict()["rows"][1]["value"] is None


def test_a_unit_in_a_hole_is_inside_the_ranges_and_outside_support():
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    ring = pd.DataFrame({"x": 10 * np.cos(angle), "y": np.sin(angle)})
    ring.index = [f"c{i}" for i in ring.index]
    table = pd.concat([pd.DataFrame({"x": [0.1], "y": [0.3]}, ["t"]), ring])
    found = overlap(table, ["t"])
    row = found.table.iloc[0]
    assert row["in_ranges"]
    assert row["in_hull"]
    assert not row["supported"]
    assert row["covariate"] == "y"
    assert "away, more than" in row["reason"]


def test_a_corner_outside_the_hull_is_told():
    controls = pd.DataFrame({"x": [0, 1, 0, 0.3, 0.2], "y": [0, 0, 1, 0.3, 0.5]}, list("abcde"))
    table = pd.concat([pd.DataFrame({"x": [0.8, 0.2], "y": [0.8, 0.2]}, ["t", "u"]), controls])
    found = overlap(table, ["t", "u"], quantile=1.0).table.set_index("unit")
    assert found["in_ranges"].tolist() == [True, True]
    assert found["in_hull"].tolist() == [False, True]


@pytest.mark.parametrize("seed", range(5))
def test_the_hull_is_scipys(seed):
    table, codes = random_table(seed, n=60, treated=20)
    found = overlap(table, codes)
    hull = Delaunay(table.drop(codes).to_numpy() / table.std().to_numpy())
    inside = hull.find_simplex(table.loc[codes].to_numpy() / table.std().to_numpy()) >= 0
    assert found.table["in_hull"].tolist() == inside.tolist()
    assert 0 < inside.sum() < 20


def test_the_limit_is_the_controls_own_distance():
    table, codes = random_table(2)
    found = overlap(table, codes, quantile=1.0)
    d = mahalanobis_distances(split(table, codes))
    z = np.linalg.cholesky(np.linalg.inv(split(table, codes).pooled_covariance))
    own = cdist(table.drop(codes) @ z, table.drop(codes) @ z)
    np.fill_diagonal(own, np.inf)
    assert found.limit == pytest.approx(own.min(axis=1).max(), rel=1e-9)
    np.testing.assert_allclose(found.table["distance"], d.min(axis=1))
    assert found.table["nearest"].tolist() == d.idxmin(axis=1).tolist()


def test_controls_that_are_all_alike_support_nobody_else():
    table = pd.DataFrame({"x": [1, 4, 2, 2, 2.0], "y": [1, 2, 1, 2, 3.0]}, list("tuabc"))
    found = overlap(table, ["t", "u"])
    assert found.table["covariate"].tolist() == ["x", "x"]
    assert found.outside == ("t", "u")


def test_income_from_norway_is_outside_what_others_are():
    table = match_table(embedded_panel("low_economic_standard"), before=2018)
    found = overlap(table, [*INCOME_FROM_NORWAY, "2321"])
    assert found.outside == INCOME_FROM_NORWAY
    assert found.table["covariate"].tolist() == ["trend"] * 3 + [""]


@pytest.mark.parametrize(
    ("treated", "options", "says"),
    [
        (["t"], {"quantile": 0.0}, "field quantile: must be above 0 and at most 1"),
        (["t", "u", "a", "b"], {}, "two controls or more are needed"),
        (list("tuabc"), {}, "every unit is treated"),
        ([], {}, "no unit is treated"),
    ],
)
def test_overlap_that_cannot_be_judged(treated, options, says):
    with pytest.raises(InputError, match=says):
        overlap(BAD, treated, **options)
