"""Panel models against linearmodels, statsmodels, R and arithmetic."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from linearmodels.panel import (
    BetweenOLS,
    FirstDifferenceOLS,
    PanelOLS,
    PooledOLS,
    RandomEffects,
)
from scipy import stats

from evaluation.data.files import balanced_panel, read_table
from evaluation.errors import InputError
from evaluation.estimation.regression.cluster_robust import cr1, cr2
from evaluation.estimation.regression.compare import compare
from evaluation.estimation.regression.least_squares import least_squares
from evaluation.estimation.regression.models import regress
from evaluation.estimation.regression.specification_tests import hausman_test, mundlak_test
from evaluation.estimation.regression.wild_bootstrap import wild_cluster_bootstrap
from evaluation.estimation.regression.wild_two_way import wild_two_way

HERE = Path(__file__).parent / "reference"
R = json.loads((HERE / "r_mpdta.json").read_text(encoding="utf-8"))
BOTH = "y ~ x + z + EntityEffects + TimeEffects"


def close(value, tolerance=1e-9):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


@pytest.fixture(scope="module")
def data():
    """An unbalanced panel of 40 units, effects related to x, a region of four units each."""
    rng = np.random.default_rng(8)
    n, t = 40, 7
    frame = pd.DataFrame(
        {
            "unit": np.repeat([f"u{i:02d}" for i in range(n)], t),
            "year": np.tile(np.arange(2010, 2010 + t), n),
        }
    )
    effect = np.repeat(rng.standard_normal(n), t)
    frame["x"] = 0.5 * effect + rng.standard_normal(n * t)
    frame["z"] = rng.standard_normal(n * t)
    frame["w"] = rng.uniform(0.5, 4, n * t)
    frame["fixed"] = np.repeat(rng.standard_normal(n), t)
    frame["region"] = np.repeat([f"r{i // 4}" for i in range(n)], t)
    frame["y"] = effect + frame.x - 0.3 * frame.z + rng.standard_normal(n * t)
    return frame[rng.random(n * t) > 0.1].reset_index(drop=True)


def indexed(data, *columns):
    table = data.assign(Intercept=1.0).set_index(["unit", "year"])
    return table["y"], table[["Intercept", *columns]]


def values(result, what="estimate"):
    return [getattr(c, what) for c in result.coefficients]


@pytest.mark.parametrize("weights", [None, "w"])
def test_fixed_is_linearmodels(data, weights):
    y, x = indexed(data, "x", "z")
    theirs = PanelOLS(
        y,
        x[["x", "z"]],
        entity_effects=True,
        time_effects=True,
        weights=None if weights is None else data.set_index(["unit", "year"])[weights],
    ).fit(cov_type="clustered", cluster_entity=True, debiased=False, count_effects=False,
          auto_df=False)  # fmt: skip
    ours = regress(data, BOTH, "unit", "year", weights=weights)
    g, n, k = 40, len(data), 2 + 7
    factor = np.sqrt(g / (g - 1) * (n - 1) / (n - k))
    assert values(ours) == close(theirs.params.tolist())
    assert values(ours, "std_error") == close((theirs.std_errors * factor).tolist())
    assert ours["x"].conf_int[1] == close(
        ours["x"].estimate + stats.t.ppf(0.975, 39) * ours["x"].std_error
    )
    assert (ours.n_obs, ours.n_units, ours.n_periods, ours.n_clusters) == (n, 40, 7, 40)


def test_fixest_on_mpdta():
    data = pd.read_csv(HERE / "mpdta.csv")
    data["treated"] = (data.first_treat > 0) & (data.year >= data.first_treat)
    ours = regress(data, "lemp ~ treated + EntityEffects + TimeEffects", "county", "year")
    assert values(ours) == close([R["mpdta|twfe"]["b"]])
    assert values(ours, "std_error") == close([R["mpdta|twfe"]["se"]])


def test_random_effects_with_the_error_of_stata(data):
    y, x = indexed(data, "x", "z", "fixed")
    theirs = RandomEffects(y, x).fit(
        cov_type="clustered", cluster_entity=True, debiased=True, group_debias=True
    )
    ours = regress(data, "y ~ x + z + fixed", "unit", "year", model="random")
    assert [c.term for c in ours.coefficients] == ["Intercept", "x", "z", "fixed"]
    assert values(ours) == close(theirs.params.tolist())
    # linearmodels multiplies (N−1)/N and N/(N−K): the same as (N−1)/(N−K)
    assert values(ours, "std_error") == close(theirs.std_errors.tolist())


@pytest.mark.parametrize("weights", [None, "w"])
def test_first_differences(data, weights):
    y, x = indexed(data, "x", "z")
    w = None if weights is None else data.set_index(["unit", "year"])[weights]
    theirs = FirstDifferenceOLS(y, x[["x", "z"]], weights=w).fit(
        cov_type="clustered", cluster_entity=True, debiased=True, group_debias=True
    )
    ours = regress(data, "y ~ x + z", "unit", "year", model="first_difference", weights=weights)
    assert ours.n_obs == theirs.nobs
    assert values(ours) == close(theirs.params.tolist())
    assert values(ours, "std_error") == close(theirs.std_errors.tolist())
    if weights:
        # linearmodels' own rows give these errors too, so the weights of differences agree
        assert ours.fit.coefficients == close(theirs.params.tolist())


def test_between(data):
    y, x = indexed(data, "x", "fixed")
    theirs = BetweenOLS(y, x).fit(cov_type="unadjusted", debiased=True)
    ours = regress(data, "y ~ x + fixed", "unit", "year", model="between", cov="unadjusted")
    assert values(ours) == close(theirs.params.tolist())
    assert values(ours, "std_error") == close(theirs.std_errors.tolist())
    means = data.groupby("unit")[["y", "x", "fixed"]].mean()
    by_hand = sm.OLS(means.y, sm.add_constant(means[["x", "fixed"]])).fit()
    assert values(ours, "p_value") == close(by_hand.pvalues.tolist())


@pytest.mark.parametrize("weights", [None, "w"])
def test_pooled_is_statsmodels(data, weights):
    w = np.ones(len(data)) if weights is None else data[weights]
    dummies = pd.get_dummies(data.year, drop_first=True, dtype=float)
    design = pd.concat([sm.add_constant(data[["x", "z"]]), dummies], axis=1)
    design.columns = design.columns.astype(str)
    theirs = sm.WLS(data.y, design, w).fit(
        cov_type="cluster", cov_kwds={"groups": pd.factorize(data.unit)[0]}
    )
    ours = regress(data, "y ~ x + z + TimeEffects", "unit", "year", model="pooled", weights=weights)
    assert values(ours) == close(theirs.params[:3].tolist())
    assert values(ours, "std_error") == close(theirs.bse[:3].tolist())


@pytest.mark.parametrize("cov", ["robust", "unadjusted"])
def test_errors_of_independent_rows(data, cov):
    full = pd.concat(
        [
            data[["x", "z"]],
            pd.get_dummies(data.unit, dtype=float),
            pd.get_dummies(data.year, drop_first=True, dtype=float).rename(columns=str),
        ],
        axis=1,
    )
    fit = sm.OLS(data.y, full).fit(cov_type="HC1" if cov == "robust" else "nonrobust")
    ours = regress(data, BOTH, "unit", "year", cov=cov)
    assert values(ours, "std_error") == close(fit.bse[:2].tolist())
    assert ours["x"].df == len(data) - full.shape[1]
    assert bool(ours.notes) == (cov == "robust")


def test_two_way_by_its_three_parts(data):
    full = pd.concat(
        [
            data[["x", "z"]],
            pd.get_dummies(data.unit, dtype=float),
            pd.get_dummies(data.year, drop_first=True, dtype=float).rename(columns=str),
        ],
        axis=1,
    ).to_numpy()
    bread = np.linalg.inv(full.T @ full)
    scores = full * (data.y - full @ bread @ full.T @ data.y).to_numpy()[:, None]
    n, k = len(data), 2 + 7

    def part(groups):
        codes, names = pd.factorize(groups)
        sums = np.array([scores[codes == c].sum(axis=0) for c in range(len(names))])
        g = len(names)
        return g / (g - 1) * (n - 1) / (n - k) * bread @ sums.T @ sums @ bread

    total = part(data.unit) + part(data.year) - part(data.unit + data.year.astype(str))
    ours = regress(data, BOTH, "unit", "year", cov="two-way")
    assert values(ours, "std_error") == close(np.sqrt(np.diag(total)[:2]).tolist())
    assert values(ours, "df") == [6.0, 6.0]


def test_driscoll_kraay_by_hand(data):
    y, x = indexed(data, "x", "z")
    ours = regress(data, "y ~ x + z", "unit", "year", model="pooled", cov="driscoll-kraay",
                   bandwidth=2)  # fmt: skip
    fit = PooledOLS(y, x).fit()
    scores = (x * np.asarray(fit.resids)[:, None]).groupby(level="year").sum().to_numpy()
    middle = scores.T @ scores
    for lag in (1, 2):
        cross = scores[lag:].T @ scores[:-lag]
        middle += (1 - lag / 3) * (cross + cross.T)
    bread = np.linalg.inv(x.T @ x)
    n = len(x)
    expected = np.sqrt(np.diag(n / (n - 3) * bread @ middle @ bread))
    assert values(ours, "std_error") == close(expected.tolist())
    assert "2 lags" in ours.small_sample
    assert "2 lags" in regress(data, BOTH, "unit", "year", cov="driscoll-kraay").small_sample


def test_mundlak_gives_the_within_coefficients_and_time_constant_ones(data):
    balanced = data.groupby("unit").filter(lambda u: len(u) == 7)
    fixed = regress(balanced, BOTH, "unit", "year")
    ours = regress(balanced, "y ~ x + z + fixed + TimeEffects", "unit", "year", model="mundlak")
    names = [c.term for c in ours.coefficients]
    assert names == ["Intercept", "x", "z", "fixed", "mean(x)", "mean(z)"]
    assert [ours["x"].estimate, ours["z"].estimate] == close(values(fixed))


def test_mundlak_in_an_unbalanced_panel_is_within_too(data):
    """With the unit means of the year dummies as well (Wooldridge 2019)."""
    fixed = regress(data, BOTH, "unit", "year")
    ours = regress(data, "y ~ x + z + TimeEffects", "unit", "year", model="mundlak")
    assert [ours["x"].estimate, ours["z"].estimate] == close(values(fixed))


@pytest.mark.parametrize("model", ["fixed", "pooled", "random", "between", "first_difference"])
@pytest.mark.parametrize("cov", ["clustered", "cr2", "cr3"])
def test_every_model_has_rows_of_its_own_estimate(data, model, cov):
    formula = BOTH if model == "fixed" else "y ~ x + z"
    ours = regress(data, formula, "unit", "year", model=model, cov=cov)
    assert ours.fit.coefficients == close(values(ours))
    assert all(c.std_error > 0 and c.df > 1 for c in ours.coefficients)


def test_wild_takes_its_test_from_the_bootstrap(data):
    plain = regress(data, BOTH, "unit", "year")
    ours = regress(data, BOTH, "unit", "year", cov="wild", draws=499, seed=3)
    test = wild_cluster_bootstrap(plain.fit, "x", draws=499, seed=3)
    assert ours["x"].std_error == plain["x"].std_error
    assert ours["x"].p_value == test.p_value
    assert ours["x"].conf_int == test.conf_int
    assert ours.seed == 3
    assert plain.seed is None
    assert ours.inference == "wild cluster bootstrap-t (restricted, rademacher, 499 draws), by unit"


def test_clusters_above_units(data):
    ours = regress(data, BOTH, "unit", "year", cluster="region")
    assert ours.n_clusters == 10
    assert ours["x"].df == 9
    assert regress(data, BOTH, "unit", "year", cluster="region", cov="cr2").n_clusters == 10


def test_wild_two_way_is_the_regression_on_a_panel():
    table = read_table(HERE / "mpdta.csv")
    panel = balanced_panel(table, unit="county", time="year", outcome="lemp")
    cohort = table.groupby("county")["first_treat"].first().astype(int)
    ours = wild_two_way(panel, cohort, draws=999)
    assert ours.estimate == close(R["mpdta|twfe"]["b"])
    assert ours.std_error == close(R["mpdta|twfe"]["se"])
    assert 0.001 <= ours.p_value < 0.03
    assert ours.conf_int[0] < ours.estimate < ours.conf_int[1] < 0
    assert ours.n_treated_units == 191


def test_missing_rows_are_left_out_and_told(data):
    gaps = data.copy()
    gaps.loc[[3, 9], "x"] = np.nan
    gaps.loc[9, "y"] = np.nan
    ours = regress(gaps, BOTH, "unit", "year")
    same = regress(data.drop(index=[3, 9]), BOTH, "unit", "year")
    assert values(ours) == values(same)
    assert ours.data_hash == same.data_hash
    check = ours.checks[0]
    assert (check.name, check.passed, check.statistic) == ("rows_used", False, 2.0)
    assert f"2 of {len(data)} rows left out because a value is missing (x 2, y 1)" in check.text_en


def test_formula_language(data):
    ours = regress(
        data, "y ~ np.exp(x) + I(z**2) + C(region) + x:z", "unit", "year", model="pooled"
    )
    design = pd.get_dummies(data.region, drop_first=True, dtype=float)
    design.insert(0, "const", 1.0)
    design["exp"], design["sq"], design["xz"] = np.exp(data.x), data.z**2, data.x * data.z
    theirs = sm.OLS(data.y, design).fit()
    assert ours["np.exp(x)"].estimate == close(theirs.params["exp"])
    assert ours["I(z ** 2)"].estimate == close(theirs.params["sq"])
    assert ours["x:z"].estimate == close(theirs.params["xz"])
    assert ours["C(region)[T.r3]"].estimate == close(theirs.params["r3"])


def test_effective_clusters_are_few_when_few_are_treated():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"unit": np.repeat(np.arange(60), 6), "year": np.tile(np.arange(6), 60)})
    frame["d"] = ((frame.unit < 3) & (frame.year >= 3)).astype(float)
    frame["y"] = rng.standard_normal(len(frame))
    ours = regress(frame, "y ~ d + EntityEffects + TimeEffects", "unit", "year")
    check = {c.name: c for c in ours.checks}["effective_clusters"]
    # shares: three treated of (57/60)²/n, 57 others of (3/60)²/n, by hand
    parts = np.r_[np.full(3, (57 / 60) ** 2), np.full(57, (3 / 60) ** 2)]
    assert check.statistic == close(parts.sum() ** 2 / (parts**2).sum())
    assert check.passed is False
    assert "d rests on 3.3 effective clusters of 60" in check.text_en
    assert "d vilar på 3,3 effektiva kluster av 60" in check.text_sv
    assert "clustered errors are too short" in check.text_en
    wild = regress(
        frame, "y ~ d + EntityEffects + TimeEffects", "unit", "year", cov="wild", draws=99
    )
    assert "bootstrap then rejects too rarely" in wild.checks[-1].text_en


def test_hausman_by_explicit_matrices(data):
    names = ["x", "z"]
    y, x = indexed(data, *names)
    random = RandomEffects(y, x).fit(cov_type="unadjusted", debiased=True)
    fixed = PanelOLS(y, x[names], entity_effects=True).fit(cov_type="unadjusted", debiased=True)
    gap = (fixed.params - random.params[names]).to_numpy()
    s2 = float(random.resid_ss) / (len(y) - 3)
    s2_fixed = float(fixed.resid_ss) / (len(y) - 2 - 40)
    spread = fixed.cov.to_numpy() / s2_fixed * s2 - random.cov.loc[names, names].to_numpy()
    expected = gap @ np.linalg.inv(spread) @ gap
    ours = hausman_test(data, "y ~ x + z", "unit", "year")
    assert ours.statistic == close(expected, 1e-7)
    assert ours.threshold == close(stats.chi2.ppf(0.95, 2))
    assert ours.passed is False
    assert hausman_test(data, "y ~ x + z + EntityEffects", "unit", "year") == ours


@pytest.mark.parametrize("robust", [True, False])
def test_mundlak_by_explicit_wald_test(data, robust):
    y, x = indexed(data, "x", "z")
    for name in ("x", "z"):
        x[f"mean {name}"] = x[name].groupby(level="unit").transform("mean")
    kind = (
        {"cov_type": "clustered", "cluster_entity": True, "group_debias": True}
        if robust
        else {"cov_type": "unadjusted"}
    )
    theirs = RandomEffects(y, x).fit(debiased=True, **kind)
    last = list(x.columns[-2:])
    b = theirs.params[last].to_numpy()
    expected = b @ np.linalg.solve(theirs.cov.loc[last, last].to_numpy(), b) / 2
    ours = mundlak_test(data, "y ~ x + z", "unit", "year", robust=robust)
    assert ours.name == ("hausman_robust" if robust else "mundlak")
    assert ours.statistic == close(expected, 1e-7)
    df = 39 if robust else len(data) - 5
    assert ours.threshold == close(stats.f.ppf(0.95, 2, df))


def test_specification_tests_keep_their_level_and_find_what_is_there():
    """No relation: about 5 % rejections; a strong one: always found."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"unit": np.repeat(np.arange(40), 4), "year": np.tile(np.arange(4), 40)})
    rejected = found = 0
    for _ in range(25):
        effect = np.repeat(rng.standard_normal(40), 4)
        frame["x"] = rng.standard_normal(160)
        frame["y"] = frame.x + effect + rng.standard_normal(160)
        rejected += mundlak_test(frame, "y ~ x", "unit", "year").passed is False
        frame["x"] += effect
        frame["y"] += effect
        found += mundlak_test(frame, "y ~ x", "unit", "year").passed is False
    # 25 draws at 5 %: more than 6 has probability below 0.1 %
    assert rejected <= 6
    assert found == 25


def test_coverage_of_cr2_with_three_treated_of_twelve():
    """Under the working model its 95 % intervals cover the truth; those of CR1 do not."""
    rng = np.random.default_rng(21)
    n, t = 12, 4
    unit, year = np.repeat(np.arange(n), t), np.tile(np.arange(t), n)
    d = ((unit < 3) & (year >= 2)).astype(float)[:, None]
    by_year = (year[:, None] == np.arange(1, t)).astype(float)
    covered = short = 0
    draws = 2000
    for _ in range(draws):
        y = 0.4 * d[:, 0] + rng.standard_normal(n * t)
        fit = least_squares(y, d, unit, nuisance=by_year, absorb=unit)
        errors = cr2(fit)
        half = stats.t.ppf(0.975, errors.df[0]) * errors.std_error[0]
        covered += abs(fit.coefficients[0] - 0.4) <= half
        half = stats.t.ppf(0.975, n - 1) * cr1(fit).std_error[0]
        short += abs(fit.coefficients[0] - 0.4) <= half
    assert 0.935 <= covered / draws <= 0.965
    assert short / draws < 0.93


def test_compare(data):
    one = regress(data, BOTH, "unit", "year")
    two = regress(data, "y ~ x + fixed", "unit", "year", model="random")
    table = compare({"within": one, "random | GLS": two}, decimals=2)
    shown = table.table()
    assert list(shown.index[:4]) == ["x", "z", "Intercept", "fixed"]
    assert shown.loc["z", "random | GLS"] == ""
    assert shown.loc["unit effects"].tolist() == ["yes", "no"]
    assert shown.loc["N"].tolist() == [str(len(data))] * 2
    b = one["x"].estimate
    assert shown.loc["x", "within"] == f"{b:.2f} ({one['x'].std_error:.2f})"
    assert "*" not in table.to_text()
    assert compare({"a": one}, decimals=2, stars=True).table().loc["x", "a"].startswith(f"{b:.2f}*")
    assert len(table.tidy()) == 5
    lines = table.to_markdown().splitlines()
    assert len(lines) == 2 + len(shown)
    assert "random \\| GLS" in lines[0]
    assert "<table" in table._repr_html_()
    with pytest.raises(InputError, match="nothing to compare"):
        compare({})


def test_a_dummy_of_one_cluster_has_no_error_and_it_is_told(data):
    alone = data.assign(area=data.region.where(data.unit != "u00", "alone"))
    ours = regress(alone, "y ~ x + C(area)", "unit", "year", model="pooled", cov="cr2")
    terms = ["Intercept", *(f"C(area)[T.r{j}]" for j in range(10))]
    expected = [f"{t} rests on cluster u00 alone, so it has no cr2 error" for t in terms]
    assert sorted(ours.notes) == sorted(expected)
    assert np.isnan(ours["Intercept"].std_error)
    assert ours["x"].std_error > 0
    content = ours.to_dict()["coefficients"]
    assert content[0]["std_error"] is None
    assert content[0]["conf_int"] == [None, None]
    assert "–" in ours.summary()


def test_types_and_labels_of_tables(data):
    """Nullable and boolean columns, numbers as units, repeated labels of rows."""
    plain = regress(data.assign(d=(data.z > 0).astype(float)), "y ~ x + d + EntityEffects",
                    "unit", "year")  # fmt: skip
    frame = data.assign(d=data.z > 0, unit=data.unit.str[1:].astype(int))
    frame = frame.astype({"x": "Float64", "year": "Int64"})
    frame.index = np.zeros(len(frame), dtype=int)
    ours = regress(frame, "y ~ x + d + EntityEffects", "unit", "year")
    assert values(ours) == close(values(plain))
    frame.loc[0, "x"] = frame["x"].where(frame.y > -1, pd.NA)
    assert regress(frame, "y ~ x + d + EntityEffects", "unit", "year").n_obs < len(data)


def test_column_names_with_blanks(data):
    frame = data.rename(columns={"x": "share of x", "region": "the region", "y": "my y"})
    ours = regress(frame, "`my y` ~ `share of x` + C(`the region`)", "unit", "year", model="pooled")
    same = regress(data, "y ~ x + C(region)", "unit", "year", model="pooled")
    assert sorted(values(ours)) == close(sorted(values(same)))
    assert ours.outcome == "my y"
    assert ours["share of x"].estimate == close(same["x"].estimate)


def test_result_as_data(data):
    ours = regress(data, BOTH, "unit", "year", cov="cr2")
    tidy = ours.tidy()
    assert tidy.columns.tolist() == [
        "term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high",
    ]  # fmt: skip
    content = json.loads(json.dumps(ours.to_dict(), allow_nan=False))
    assert [c["term"] for c in content["coefficients"]] == ["x", "z"]
    assert content["small_sample"].startswith("CR2")
    assert len(ours.data_hash) == 64
    assert ours.__maketables_coef_table__.loc["x", "b"] == ours["x"].estimate
    assert ours.__maketables_stat__("N") == len(data)
    assert "y ~ x + z" in str(ours)
    assert "CR2" in ours._repr_html_()
    with pytest.raises(InputError, match="no term 'q'"):
        ours["q"]


FAULTS = [
    ({"formula": "y ~ q + EntityEffects"}, "field q: there is no column 'q'"),
    ({"formula": "y ~ x +* z"}, "is not a formula"),
    ({"formula": "y x"}, "is not a formula"),
    ({"formula": "y ~ EntityEffects"}, "names no regressor"),
    ({"formula": "y ~ x"}, "needs EntityEffects or TimeEffects"),
    ({"formula": "y ~ x:EntityEffects"}, "stand as terms of their own"),
    ({"formula": "y ~ fixed + EntityEffects"}, "field fixed: does not vary within any unit"),
    ({"formula": "y ~ trend + TimeEffects"}, "field trend: is the same in all units each year"),
    ({"formula": "y ~ x + I(2*x) + EntityEffects"}, "is a perfect linear combination of x"),
    ({"formula": "y ~ same + EntityEffects"}, "field same: never varies"),
    ({"formula": "same ~ x + EntityEffects"}, "field same: never varies"),
    ({"formula": "y ~ endless + EntityEffects"}, "field endless: row 4: is infinite"),
    ({"formula": "y ~ np.log(z) + EntityEffects"}, r"field np.log\(z\): row \d+: has no finite"),
    ({"formula": "y ~ region + EntityEffects"}, r"holds 'r0', which is no number; write C\(regio"),
    ({"weights": "zero"}, "field zero: row 4: the weight 0 must be above zero"),
    ({"time": "text"}, "field text: row 0: 'y2010' is not a whole year"),
    ({"unit": "twice"}, "field twice: row 1: unit a, 2010 stands twice"),
    ({"cluster": "same"}, "only one cluster"),
    ({"cluster": "year", "cov": "cr2"}, "field cluster: CR2 needs clusters that hold whole units"),
    ({"model": "random"}, "EntityEffects belong to the fixed model"),
    ({"model": "tobit"}, "'tobit' is not one of"),
    ({"cov": "hc3"}, "'hc3' is not one of"),
    ({"alpha": 0}, "must lie between 0 and 1"),
    ({"cov": "driscoll-kraay", "bandwidth": 7}, "7 lags are not possible with 7 periods"),
    ({"formula": "y ~ x", "model": "random", "weights": "w"}, "takes no weights"),
    ({"formula": "y ~ x", "model": "between", "cov": "two-way"}, "have no years"),
    ({"formula": "y ~ x", "model": "first_difference", "cov": "two-way"}, "lies in two years"),
    ({"formula": "y ~ x", "model": "random", "cluster": "year"}, "lies in two clusters"),
    ({"formula": "y ~ x + TimeEffects", "model": "between"}, "no TimeEffects"),
]


@pytest.mark.parametrize(("change", "says"), FAULTS)
def test_faults_are_told(data, change, says):
    frame = data.assign(
        same=1.0,
        trend=data.year * 2.0,
        endless=np.where(data.index == 4, np.inf, data.x),
        zero=np.where(data.index == 4, 0.0, 1.0),
        text="y" + data.year.astype(str),
        twice="a",
    )
    call = {"formula": BOTH, "unit": "unit", "time": "year"} | change
    if "twice" in call.values():
        frame.loc[1, "year"] = frame.loc[0, "year"]
    with pytest.raises(InputError, match=says):
        regress(frame, **call)


def test_too_little_data_is_told(data):
    with pytest.raises(InputError, match="field unit: the usable rows hold 1 unit"):
        regress(data[data.unit == "u00"], BOTH, "unit", "year")
    with pytest.raises(InputError, match="field year: the usable rows hold 1 period"):
        regress(data[data.year == 2012], BOTH, "unit", "year")
    with pytest.raises(InputError, match="no row has a value in every column"):
        regress(data.assign(x=np.nan), BOTH, "unit", "year")
    with pytest.raises(InputError, match="residuals are zero"):
        regress(data.assign(y=2 * data.x), "y ~ x", "unit", "year", model="pooled")
    few = data[data.unit.isin(["u00", "u01", "u02"])]
    with pytest.raises(InputError, match="field model: The variance of the effects cannot be est"):
        regress(few, "y ~ x + z", "unit", "year", model="random")
    with pytest.raises(InputError, match="cannot be compared"):
        mundlak_test(data, "y ~ fixed", "unit", "year")
