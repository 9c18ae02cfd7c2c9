"""Entropy balancing and balance tables."""

import numpy as np
import pandas as pd
import pytest
from diff_diff.balancing import BalanceError
from scipy.optimize import minimize
from scipy.stats import ks_2samp

from evaluation.design.comparison import balance_table, entropy_balance, mahalanobis_match
from evaluation.errors import InputError


def problem(seed, variances=False):
    """Return a table whose treated lie well within the controls, units of measurement mixed."""
    rng = np.random.default_rng([seed, 7])
    n, k, t = int(rng.integers(60, 300)), int(rng.integers(1, 6)), int(rng.integers(2, 12))
    unit, origin = 10.0 ** rng.integers(-4, 5, size=k), 10.0 ** rng.integers(-2, 4, size=k)
    spread = 0.8 if variances else 0.5
    x = np.vstack([spread * rng.normal(size=(t, k)) + 0.3, rng.normal(size=(n, k))])
    table = pd.DataFrame(x * unit + origin, [f"u{i}" for i in range(n + t)])
    return table.rename(columns="x{}".format), [f"u{i}" for i in range(t)]


def line(**values):
    return pd.DataFrame({"x": values}, dtype=float)


# entropy balancing


def test_two_controls_by_hand():
    found = entropy_balance(line(t=1.5, a=1, b=3), ["t"])
    assert found.weights.to_dict() == pytest.approx({"a": 0.75, "b": 0.25}, abs=1e-8)
    assert found.effective_size == pytest.approx(1.6, abs=1e-7)
    assert found.largest_share == pytest.approx(0.75, abs=1e-8)
    assert (found.n_treated, found.n_controls) == (1, 2)


def test_weights_are_exponential_in_the_covariate():
    # weights 1 : 2 : 4 over 0, 1, 2 have the mean 10/7
    found = entropy_balance(line(t=10 / 7, a=0, b=1, c=2), ["t"])
    np.testing.assert_allclose(found.weights, [1 / 7, 2 / 7, 4 / 7], atol=1e-8)


def test_base_weights_are_kept_where_nothing_is_to_be_moved():
    base = pd.Series({"c": 4.0, "a": 1.0, "b": 2.0})
    found = entropy_balance(line(t=10 / 7, a=0, b=1, c=2), ["t"], base=base)
    np.testing.assert_allclose(found.weights, [1 / 7, 2 / 7, 4 / 7], atol=1e-12)
    assert found.based
    assert found.iterations == 1
    even = entropy_balance(line(t=1, a=0, b=1, c=2), ["t"])
    np.testing.assert_allclose(even.weights, 1 / 3, atol=1e-12)
    assert even.effective_size == pytest.approx(3.0)


@pytest.mark.parametrize("seed", range(50))
def test_moments_are_met_and_weights_solve_the_dual(seed):
    variances = seed % 3 == 0
    table, treated = problem(seed, variances)
    table = table.iloc[:, :2] if variances else table
    found = entropy_balance(table, treated, variances=variances)
    x1, x0 = table.loc[treated].to_numpy(), table.drop(treated).to_numpy()
    w = found.weights.to_numpy()
    assert (w > 0).all()
    assert w.sum() == pytest.approx(1.0, abs=1e-12)
    mean, target = w @ x0, x1.mean(axis=0)
    np.testing.assert_array_less(np.abs(mean - target) / x0.std(axis=0), 1e-6)
    c = x0
    if variances:
        spread = w @ (x0 - mean) ** 2
        np.testing.assert_array_less(np.abs(spread - x1.var(axis=0)) / x0.var(axis=0), 1e-6)
        c, target = np.hstack([x0, (x0 - target) ** 2]), np.append(target, x1.var(axis=0))
    assert found.moments["difference"].abs().max() < 1e-6
    z = (c - target) / c.std(axis=0)

    def dual(lam):
        a = -z @ lam
        e = np.exp(a - a.max())
        return np.log(e.sum()) + a.max(), -(e @ z) / e.sum()

    solved = minimize(dual, np.zeros(z.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-9})
    e = np.exp(-z @ solved.x)
    np.testing.assert_allclose(w, e / e.sum(), atol=2e-7)


@pytest.mark.parametrize("seed", [1, 2])
def test_no_other_weights_with_these_moments_are_nearer_to_the_base(seed):
    table, treated = problem(seed)
    rng = np.random.default_rng(seed)
    base = pd.Series(rng.uniform(0.5, 2, len(table)), table.index)
    w = entropy_balance(table, treated, base=base).weights
    q = (base[w.index] / base[w.index].sum()).to_numpy()
    x0 = table.loc[w.index].to_numpy()
    columns = np.column_stack([np.ones(len(w)), (x0 - x0.mean(axis=0)) / x0.std(axis=0)])
    divergence = (w * np.log(w / q)).sum()
    for _ in range(20):
        step = rng.normal(size=len(w))
        step -= columns @ np.linalg.lstsq(columns, step, rcond=None)[0]
        other = w + 0.2 * w.min() / np.abs(step).max() * step
        assert (other * np.log(other / q)).sum() > divergence


def test_the_spread_of_a_binary_covariate_follows_from_its_mean():
    table = pd.DataFrame({"city": [1, 1, 0, 1, 0, 0, 0]}, list("tuvabcd"))
    found = entropy_balance(table, ["t", "u", "v"], variances=True)
    assert found.moments["moment"].tolist() == ["mean"]
    assert found.weights.to_dict() == pytest.approx(
        {"a": 2 / 3, "b": 1 / 9, "c": 1 / 9, "d": 1 / 9}, abs=1e-8
    )


def test_the_heaviest_control_is_told():
    found = entropy_balance(line(t=1.5, a=1, b=3), ["t"])
    check = found.check(0.7)
    assert check.passed is False
    assert check.statistic == pytest.approx(0.75)
    assert "a carries 75.0\u00a0% of the weight; the 2 weigh as 1.6" in check.text_en
    assert "75,0\u00a0%" in check.text_sv
    assert found.check(0.8).passed is True
    with pytest.raises(InputError, match="must be a share between 0 and 1"):
        found.check(1.5)
    kept = found.to_dict()
    assert kept["weights"]["a"] == pytest.approx(0.75)
    assert kept["moments"][0]["before"] == 2.0


PLANE = pd.DataFrame({"x": [0.9, 0, 1, 0, 0.4], "y": [0.9, 0, 0, 1, 0.4]}, list("tabcd"))


@pytest.mark.parametrize(
    ("table", "treated", "options", "says"),
    [
        (
            line(t=5, a=1, b=3),
            ["t"],
            {},
            "field x: no overlap: the treated units' mean is 5, while the controls go from 1 to 3",
        ),
        (PLANE, ["t"], {}, "field [xy]: no overlap: its mean cannot be met together"),
        (
            line(t=1, u=9, a=4, b=5, c=6),
            ["t", "u"],
            {"variances": True},
            "field x: no overlap: the treated units' variance is 16, .* goes from 0 to 1",
        ),
        (line(t=1, a=0, b=2), ["t"], {"variances": True}, "variance of one treated unit is 0"),
        (line(t=2, a=2, b=2), ["t"], {}, "field x: does not vary among the controls"),
        (
            PLANE.assign(z=2 * PLANE["x"] - PLANE["y"]),
            ["t"],
            {},
            "field z: its mean is a combination of the moments before it",
        ),
        (line(t=1, a=0, b=2), [], {}, "no unit is treated"),
        (line(t=1, a=0, b=2), ["t", "a", "b"], {}, "every unit is treated"),
        (line(t=1, a=np.nan, b=2), ["t"], {}, "field x: unit a has no finite value"),
        (line(t=1, a=0, b=2), ["t"], {"tolerance": 1e-3}, "field tolerance: must be above 0"),
        (
            line(t=1, a=0, b=2),
            ["t"],
            {"base": pd.Series({"a": 1.0})},
            "field base: control b has no base weight above 0",
        ),
        (
            line(t=1, a=0, b=2),
            ["t"],
            {"base": pd.Series({"a": 1.0, "b": 0.0})},
            "control b has no base weight above 0",
        ),
    ],
)
def test_balancing_that_cannot_be_done(table, treated, options, says):
    with pytest.raises(InputError, match=says):
        entropy_balance(table, treated, **options)


def test_next_to_the_edge_the_moments_are_still_met():
    found = entropy_balance(line(t=2.999, a=1, b=2, c=3), ["t"])
    assert found.weights["c"] > 0.99
    assert abs(found.moments["achieved"][0] - 2.999) < 1e-6


def test_on_the_edge_only_the_controls_there_are_left():
    on_edge = PLANE.copy()
    on_edge.loc["t"] = [0.5, 0.5]
    found = entropy_balance(on_edge, ["t"])
    np.testing.assert_allclose(found.weights, [0, 0.5, 0.5, 0], atol=1e-7)
    assert found.effective_size == pytest.approx(2, abs=1e-6)
    kind = pd.DataFrame({"rural": [1, 1, 0, 1, 0, 1], "x": [2, 3, 9, 1, 5, 4.0]}, list("tuabcd"))
    weights = entropy_balance(kind, ["t", "u"]).weights
    np.testing.assert_allclose(weights, [0, 0.5, 0, 0.5], atol=1e-6)


def test_a_solver_that_stops_short_of_what_can_be_met_is_an_error(monkeypatch):
    def stops(z, *rest, **options):
        raise BalanceError("stopped", max_residual=3e-4, residuals=z[0])

    monkeypatch.setattr("diff_diff.balancing.entropy_balance", stops)
    with pytest.raises(InputError, match=r"stopped 0.0003 standard deviations from the moments"):
        entropy_balance(line(t=2.9, a=1, b=2, c=3), ["t"])


# balance


def test_balance_by_hand():
    table = line(t=4, u=8, a=1, b=3, c=5, d=7)
    found = balance_table(table, ["t", "u"], pd.Series({"c": 3.0, "d": 1.0}))
    row = found.tidy().iloc[0]
    # variances with n − 1: 8 and 20/3
    sd = np.sqrt((8 + 20 / 3) / 2)
    assert (row["mean_treated"], row["mean_before"], row["mean_after"]) == (6.0, 4.0, 5.5)
    assert row["smd_before"] == pytest.approx(2 / sd, rel=1e-12)
    assert row["smd_after"] == pytest.approx(0.5 / sd, rel=1e-12)
    assert row["variance_ratio_before"] == pytest.approx(4 / 5)
    assert row["variance_ratio_after"] == pytest.approx(4 / 0.75)
    # at 3: none of the treated, half the controls; at 5: one half, three quarters of the weight
    assert row["ks_before"] == pytest.approx(0.5)
    assert row["ks_after"] == pytest.approx(0.5)
    assert found.effective_size == pytest.approx(1.6)
    assert found.weighted


@pytest.mark.parametrize(("scale", "sd"), [("treated", np.sqrt(8)), ("controls", np.sqrt(20 / 3))])
def test_differences_in_the_scale_asked_for(scale, sd):
    found = balance_table(line(t=4, u=8, a=1, b=3, c=5, d=7), ["t", "u"], scale=scale)
    assert found.scale == scale
    assert found.table["smd_before"][0] == pytest.approx(2 / sd)
    assert not found.weighted
    assert found.table["smd_after"][0] == found.table["smd_before"][0]


def test_one_treated_unit_is_measured_in_the_controls_spread():
    found = balance_table(line(t=4, a=1, b=3, c=5), ["t"])
    assert found.scale == "controls"
    assert found.table["smd_before"][0] == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(5))
def test_distances_of_distributions_equal_scipy(seed):
    table, treated = problem(seed)
    table = (table / table.std()).round(1)
    rng = np.random.default_rng(seed)
    times = pd.Series(rng.integers(0, 4, len(table)), table.index).drop(treated)
    found = balance_table(table, treated, times.astype(float)).table.set_index("covariate")
    for name, x in table.items():
        control = x.drop(treated)
        before = ks_2samp(x[treated], control).statistic
        after = ks_2samp(x[treated], control.repeat(times)).statistic
        assert found.loc[name, "ks_before"] == pytest.approx(before, abs=1e-12)
        assert found.loc[name, "ks_after"] == pytest.approx(after, abs=1e-12)


@pytest.mark.parametrize("seed", range(0, 12, 3))
def test_entropy_balancing_shows_as_balance(seed):
    table, treated = problem(seed, variances=True)
    table = table.iloc[:, :2]
    weights = entropy_balance(table, treated, variances=True).weights
    found = balance_table(table, treated, weights)
    assert found.table["smd_after"].abs().max() < 1e-6
    np.testing.assert_allclose(found.table["variance_ratio_after"], 1.0, atol=1e-5)
    assert found.check().passed is True


def test_matching_weights_are_taken_as_they_are():
    table, treated = problem(4)
    matching = mahalanobis_match(table, treated, n_matches=3)
    found = balance_table(table, matching.treated, matching.weights)
    pairs = matching.pairs
    means = table["x0"].reindex(pairs["control"]).groupby(pairs["treated"].to_numpy()).mean()
    assert found.table["mean_after"][0] == pytest.approx(means.mean(), rel=1e-10)


def test_the_check_names_the_worst():
    table = pd.DataFrame({"x": [3, 4, 3, 4, 3, 4.0], "y": [9, 8, 2, 4, 2, 4.0]}, list("tuabcd"))
    check = balance_table(table, ["t", "u"]).check()
    assert check.passed is False
    assert check.statistic == pytest.approx(5.5 / np.sqrt((0.5 + 4 / 3) / 2))
    assert check.text_en.startswith("1 of 2 covariates differ by 0.10")
    assert "mest skiljer y, 5,74." in check.text_sv
    with pytest.raises(InputError, match="field most: must be above 0"):
        balance_table(table, ["t"]).check(0)


def test_the_love_plot_shows_the_table():
    table, treated = problem(4)
    found = balance_table(table, treated, entropy_balance(table, treated).weights)
    ax = found.love_plot(lang="sv")
    before, after = (x for x in ax.lines if x.get_marker() == "o")
    np.testing.assert_allclose(before.get_xdata(), found.table["smd_before"])
    np.testing.assert_allclose(after.get_xdata(), found.table["smd_after"])
    labels = dict(zip(ax.get_yticks(), [t.get_text() for t in ax.get_yticklabels()], strict=True))
    assert [labels[y] for y in before.get_ydata()] == found.table["covariate"].tolist()
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["före", "efter"]
    assert sorted(x.get_xdata()[0] for x in ax.lines if len(x.get_xdata()) == 2) == [-0.1, 0, 0.1]
    ax.figure.canvas.draw()
    assert any("," in t.get_text() for t in ax.get_xticklabels())
    plain = balance_table(table, treated).love_plot(lang="en")
    assert sum(x.get_marker() == "o" for x in plain.lines) == 1
    assert plain.get_legend() is None


def test_what_is_not_defined_is_none_in_json():
    found = balance_table(line(t=4, u=8, a=1, b=3, c=5), ["t", "u"], pd.Series({"a": 1.0}))
    assert np.isnan(found.table["variance_ratio_after"][0])
    assert found.to_dict()["rows"][0]["variance_ratio_after"] is None


FOUR = line(t=4, u=8, a=1, b=3)


@pytest.mark.parametrize(
    ("treated", "weights", "options", "says"),
    [
        (["t"], {"z": 1.0}, {}, "unit z has a weight but is no control"),
        (["t"], {"t": 1.0}, {}, "unit t has a weight but is no control"),
        (["t"], {"a": -1.0, "b": 2.0}, {}, "control a has no weight of 0 or above"),
        (["t"], {"a": np.nan, "b": 2.0}, {}, "control a has no weight of 0 or above"),
        (["t"], {"a": 0.0}, {}, "no control has a weight above 0"),
        (["t"], None, {"scale": "treated"}, "a group of one unit has no standard deviation"),
        (["t"], None, {"scale": "both"}, "must be one of pooled, treated, controls, not 'both'"),
        (["t", "u", "a"], None, {}, "field scale: a group of one unit"),
        ([], None, {}, "no unit is treated"),
        (list(FOUR.index), None, {}, "every unit is treated"),
    ],
)
def test_balance_that_cannot_be_told(treated, weights, options, says):
    given = None if weights is None else pd.Series(weights, dtype=float)
    with pytest.raises(InputError, match=says):
        balance_table(FOUR, treated, given, **options)


def test_a_covariate_without_spread_and_a_weight_given_twice():
    with pytest.raises(InputError, match="field y: does not vary"):
        balance_table(FOUR.assign(y=3.3), ["t", "u"])
    with pytest.raises(InputError, match="unit a has two weights"):
        balance_table(FOUR, ["t"], pd.Series([1.0, 2.0], ["a", "a"]))


def test_results_carry_the_hash_of_what_they_were_made_from():
    makers = (entropy_balance, mahalanobis_match, balance_table)
    inside = line(t=2, a=1, b=3, c=4)
    first, second = (
        {make(table, ["t"]).to_dict()["data_hash"] for make in makers}
        for table in (inside, inside + 1)
    )
    assert len(first) == len(second) == 1
    assert first != second
