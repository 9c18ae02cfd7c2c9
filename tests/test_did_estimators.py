"""Each estimator against brute force, other libraries, hand-made panels and known truth."""

import diff_diff
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from linearmodels.panel import PanelOLS

from evaluation import InputError, Panel, aggregate, callaway_santanna, event_study
from evaluation import two_way_fixed_effects as twfe
from evaluation.estimation.did.imputation import imputation, two_stage
from evaluation.estimation.did.multiplier import multiplier_bootstrap
from evaluation.estimation.did.multiplier_draws import multipliers
from evaluation.estimation.did.sample import prepare
from evaluation.estimation.did.saturated import extended_two_way, sun_abraham
from evaluation.estimation.did.stacked import stacked
from evaluation.estimation.did.synthetic_did import synthetic_did
from evaluation.estimation.did.triple import gap_panel, triple_difference

YEARS = range(2000, 2007)
GROUP_TIME = [callaway_santanna, sun_abraham, extended_two_way, imputation, two_stage]


def staggered(n=60, seed=3, gaps=0.0, cohorts=(0, 0, 2003, 2004, 2005)):
    """Return a panel with cohorts, weights by unit and year, a covariate and clusters."""
    rng = np.random.default_rng(seed)
    units = [f"u{i:03d}" for i in range(n)]
    g = pd.Series(rng.choice(cohorts, n), index=units)
    t = np.array(YEARS)
    x = rng.normal(size=(n, len(t)))
    y = rng.normal(size=(n, 1)) + 0.1 * (t - 2000) + rng.normal(size=(n, len(t))).cumsum(axis=1) / 2
    y += 0.5 * x + np.where((g.to_numpy()[:, None] > 0) & (t >= g.to_numpy()[:, None]), 1.0, 0.0)
    if gaps:
        y[rng.random(y.shape) < gaps] = np.nan
    frames = [pd.DataFrame(v, index=units, columns=list(YEARS)) for v in (y, x)]
    w = pd.DataFrame(rng.uniform(0.5, 2.0, y.shape), index=units, columns=list(YEARS))
    cluster = pd.Series([f"c{i % (n // 3)}" for i in range(n)], index=units)
    keep = frames[0].notna().any(axis=1)
    panel = Panel("y", frames[0][keep], unbalanced=gaps > 0)
    return panel, g[keep], w[keep], frames[1][keep], cluster[keep]


def close(value, tolerance=1e-9):
    return pytest.approx(value, rel=0, abs=tolerance)


def long(panel, g, w, x, cluster):
    table = panel.long().dropna()
    table["g"] = table["unit"].map(g)
    table["w"] = [w.at[u, t] for u, t in zip(table.unit, table.time, strict=True)]
    table["x"] = [x.at[u, t] for u, t in zip(table.unit, table.time, strict=True)]
    table["c"] = table["unit"].map(cluster)
    return table.reset_index(drop=True)


def dummies(values):
    return pd.get_dummies(values).to_numpy(dtype=float)


def by_least_squares(table, cells, *, weighted, covariate, clustered):
    """Regress with every dummy spelled out; errors with fixest's factor."""
    d = np.column_stack([(table.g == g) & (table.time == t) for g, t in cells]).astype(float)
    parts = [d, dummies(table.time)[:, 1:], dummies(table.unit)]
    if covariate:
        parts.insert(1, table[["x"]].to_numpy())
    z = np.hstack(parts)
    w = table.w.to_numpy() if weighted else np.ones(len(table))
    bread = np.linalg.inv((z * w[:, None]).T @ z)
    beta = bread @ (z * w[:, None]).T @ table.value.to_numpy()
    score = z * (w * (table.value.to_numpy() - z @ beta))[:, None]
    by = pd.DataFrame(score).groupby((table.c if clustered else table.unit).to_numpy()).sum()
    groups, n = len(by), len(table)
    k = len(cells) + len(set(table.time)) + covariate
    factor = groups / (groups - 1) * (n - 1) / (n - k)
    v = factor * bread @ (by.T @ by).to_numpy() @ bread
    return beta[: len(cells)], np.sqrt(np.diag(v))[: len(cells)]


@pytest.mark.parametrize("gaps", [0.0, 0.15])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("covariate", [False, True])
@pytest.mark.parametrize("estimate", [sun_abraham, extended_two_way])
def test_saturated_regressions_equal_least_squares(estimate, gaps, weighted, covariate):
    panel, g, w, x, cluster = data = staggered(gaps=gaps)
    ours = estimate(
        panel,
        g,
        weights=w if weighted else None,
        covariates={"x": x} if covariate else None,
        cluster=cluster if gaps else None,
    )
    cells = list(zip(ours.cohort, ours.period, strict=True))
    leads = any(t < c for c, t in cells)
    assert leads == (estimate is sun_abraham)
    beta, se = by_least_squares(
        long(*data), cells, weighted=weighted, covariate=covariate, clustered=gaps > 0
    )
    assert list(ours.estimate) == close(beta)
    assert list(ours.std_error) == close(se)


@pytest.mark.parametrize("gaps", [0.0, 0.15])
def test_two_way_effects_equal_linearmodels(gaps):
    panel, g, w, x, cluster = data = staggered(gaps=gaps)
    ours = twfe(panel, g, weights=w, covariates={"x": x}, cluster=cluster)
    table = long(*data)
    table["d"] = ((table.g > 0) & (table.time >= table.g)).astype(float)
    table["time"] = table["time"].astype(int)
    table = table.set_index(["unit", "time"])
    codes = table[["c"]].apply(lambda s: s.astype("category").cat.codes)
    fit = PanelOLS(
        table["value"], table[["d", "x"]], weights=table["w"], entity_effects=True,
        time_effects=True,
    ).fit(
        cov_type="clustered", clusters=codes, debiased=False, auto_df=False, count_effects=False
    )  # fmt: skip
    n, groups, k = len(table), codes.c.nunique(), 2 + len(YEARS)
    factor = groups / (groups - 1) * (n - 1) / (n - k)
    assert ours.estimate == close(fit.params["d"])
    assert ours.std_error == close(fit.std_errors["d"] * factor**0.5)
    assert (ours.n_obs, ours.n_clusters) == (n, groups)


def first_stage(table, *, weighted, covariate):
    """Return Z of all rows, the clean rows and the weights, for imputation by matrices."""
    clean = ~((table.g > 0) & (table.time >= table.g)).to_numpy()
    z = np.hstack([dummies(table.time)[:, 1:], dummies(table.unit)])
    if covariate:
        z = np.hstack([table[["x"]].to_numpy(), z])
    return z, clean, table.w.to_numpy() if weighted else np.ones(len(table))


@pytest.mark.parametrize("gaps", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("covariate", [False, True])
def test_imputation_equals_its_formula(gaps, weighted, covariate):
    """Weights v on every observation and the conservative variance, by full matrices."""
    data = staggered(gaps=gaps)
    panel, g, w, x, _ = data
    options = {"weights": w if weighted else None, "covariates": {"x": x} if covariate else None}
    gt = imputation(panel, g, **options)
    table = long(*data)
    before = table[(table.g == 0) | (table.time < table.g)].unit.unique()
    table = table[table.unit.isin(before)].reset_index(drop=True)
    z, clean, weight = first_stage(table, weighted=weighted, covariate=covariate)
    y = table.value.to_numpy()
    z0, w0 = z[clean], weight[clean]
    pinv = np.linalg.pinv((z0 * w0[:, None]).T @ z0)
    fitted = z @ pinv @ (z0 * w0[:, None]).T @ y[clean]
    tau = y - fitted
    v1 = np.where(clean, 0.0, weight)
    v1 /= v1.sum()
    v = v1.copy()
    v[clean] = -w0 * (z0 @ pinv @ z.T @ v1)
    assert aggregate(gt).estimate == close(v @ y)
    residual = tau.copy()
    for _, rows in table[~clean].groupby(["g", "time"]).groups.items():
        square = v1[rows] ** 2
        residual[rows] = tau[rows] - square @ tau[rows] / square.sum()
    by_unit = pd.Series(v * residual).groupby(table.unit).sum()
    assert aggregate(gt).std_error == close(np.sqrt((by_unit**2).sum()))
    assert aggregate(gt).estimate == close(aggregate(two_stage(panel, g, **options)).estimate)


@pytest.mark.parametrize("gaps", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dynamic", [False, True])
def test_two_stage_equals_its_gmm_error(gaps, weighted, dynamic):
    data = staggered(gaps=gaps)
    panel, g, w, _, cluster = data
    gt = two_stage(panel, g, weights=w if weighted else None, cluster=cluster)
    table = long(*data)
    before = table[(table.g == 0) | (table.time < table.g)].unit.unique()
    table = table[table.unit.isin(before)].reset_index(drop=True)
    z, clean, weight = first_stage(table, weighted=weighted, covariate=False)
    y = table.value.to_numpy()
    wz0 = z * (weight * clean)[:, None]
    pinv = np.linalg.pinv(wz0.T @ z)
    epsilon = y - z @ pinv @ wz0.T @ y
    age = (table.time - table.g).to_numpy(dtype=float)
    ages = np.unique(age[~clean])
    x2 = np.column_stack([~clean & (age == e) for e in ages]) if dynamic else (~clean)[:, None]
    wx2 = x2 * weight[:, None]
    bread = np.linalg.inv(wx2.T @ x2)
    beta = bread @ wx2.T @ epsilon
    u = epsilon - x2 @ beta
    score = wx2 * u[:, None] - (wz0 * epsilon[:, None]) @ pinv @ z.T @ wx2
    by = pd.DataFrame(score).groupby(table.c.to_numpy()).sum().to_numpy() @ bread
    se = np.sqrt((by**2).sum(axis=0))
    if dynamic:
        ours = event_study(gt)
        assert list(ours.event_time) == ages.tolist()
        assert list(ours.estimate) == close(beta)
        assert list(ours.std_error) == close(se)
    else:
        assert aggregate(gt).estimate == close(beta[0])
        assert aggregate(gt).std_error == close(se[0])


@pytest.mark.parametrize("gaps", [0.0, 0.15])
def test_stacked_equals_the_weighted_regression_on_the_stack(gaps):
    panel, g, *rest = staggered(gaps=gaps)
    ours = stacked(panel, g, pre=2, post=1)
    table = long(panel, g, *rest)
    parts = []
    for a in (2003, 2004, 2005):
        part = table[(table.g == a) | (table.g == 0) | (table.g > a + 1)].copy()
        part["d"], part["e"], part["a"] = (part.g == a).astype(float), part.time - a, a
        parts.append(part[part.e.between(-2, 1)])
    s = pd.concat(parts, ignore_index=True)
    d = s.groupby(["a", "e"]).d.transform("sum") / s.groupby("e").d.transform("sum")
    c = (1 - s.d).groupby([s.a, s.e]).transform("sum") / (1 - s.d).groupby(s.e).transform("sum")
    q = np.where(s.d == 1, 1.0, d / c)
    e = np.column_stack([(s.e == k) for k in (-2, 0, 1)]).astype(float)
    z = np.column_stack([e * s.d.to_numpy()[:, None], s.d, np.ones(len(s)), e])
    fit = sm.WLS(s.value.to_numpy(), z, weights=q).fit()
    codes = s.unit.astype("category").cat.codes.to_numpy()
    fit = fit.get_robustcov_results(
        "cluster", groups=codes, use_correction=True, df_correction=True
    )
    assert ours.event.event_time == (-2, 0, 1)
    assert list(ours.event.estimate) == close(fit.params[:3])
    assert list(ours.event.std_error) == close(fit.bse[:3])
    mean = fit.t_test(np.array([0, 0.5, 0.5, 0, 0, 0, 0, 0]))
    assert ours.result.estimate == close(mean.effect[0])
    assert ours.result.std_error == close(mean.sd[0, 0])
    assert (ours.result.n_obs, ours.result.estimand) == (len(s), "dynamic, event times 0 to 1")


def test_stacked_names_the_cohorts_that_do_not_fill_the_window():
    panel, g, *_ = staggered()
    fit = stacked(panel, g, pre=3, post=2)
    assert set(fit.group_time.cohort) == {2003, 2004}
    assert any(n.startswith("left out") and n.endswith(": cohort 2005") for n in fit.result.notes)
    assert stacked(panel, g).event.event_time == (-3, -2, 0, 1)


def library(panel, g, cls, **fit):
    table = panel.long().dropna()
    table["g"], table["time"] = table["unit"].map(g), table["time"].astype(int)
    return cls.fit(
        table, outcome="value", unit="unit", time="time", first_treat="g", **fit
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("control", ["never_treated", "not_yet_treated"])
@pytest.mark.parametrize("anticipation", [0, 1])
def test_group_time_effects_equal_diff_diff(control, anticipation):
    panel, g, *_ = staggered()
    theirs = library(
        panel, g, diff_diff.CallawaySantAnna(
            control_group=control, anticipation=anticipation, estimation_method="reg"
        ),
    )  # fmt: skip
    ours = callaway_santanna(panel, g, control_group=control, anticipation=anticipation)
    rows = ours.tidy().set_index(["cohort", "period"])
    after = 0
    for cell, effect in theirs.group_time_effects.items():
        if cell[1] >= cell[0]:
            after += 1
            assert rows.loc[cell, "estimate"] == close(effect["effect"])
            assert rows.loc[cell, "std_error"] == close(effect["se"])
    assert after == 4 + 3 + 2


def test_anticipation_moves_the_base_back():
    """A unit treated from 2003 on whose outcome moves in 2002 already."""
    rows = {"a": [1, 1, 3, 5], "b": [0, 0, 0, 0], "c": [0, 1, 1, 1]}
    panel = Panel("y", pd.DataFrame(rows, index=range(2000, 2004)).T.astype(float))
    g = pd.Series({"a": 2003, "b": 0, "c": 0})
    assert aggregate(callaway_santanna(panel, g)).estimate == close(5 - 3)
    with_one = callaway_santanna(panel, g, anticipation=1)
    assert aggregate(with_one).estimate == close(5 - 1)
    assert dict(zip(with_one.period, with_one.estimate, strict=True))[2002] == close(2)
    for estimate in (imputation, two_stage, extended_two_way):
        fit = estimate(panel, g, anticipation=1)
        # pre-periods 2000 and 2001: 4 after the mean of both, less the controls' 0.25
        assert aggregate(fit).estimate == close(4 - 0.25)
        assert event_study(fit).event_time == (-1, 0)
    assert aggregate(sun_abraham(panel, g, anticipation=1)).estimate == close(5 - 1)


def test_the_universal_base_is_the_year_before_adoption():
    panel, g, *_ = staggered()
    varying = callaway_santanna(panel, g).tidy().set_index(["cohort", "period"])
    fixed = callaway_santanna(panel, g, base="universal").tidy().set_index(["cohort", "period"])
    for c in (2003, 2004, 2005):
        assert fixed.loc[(c, c - 1), "estimate"] == 0
        change = varying.loc[(c, c - 1), "estimate"] + varying.loc[(c, c - 2), "estimate"]
        assert fixed.loc[(c, c - 3), "estimate"] == close(-change)
        assert fixed.loc[(c, 2006), "estimate"] == close(varying.loc[(c, 2006), "estimate"])


# weights, clusters, gaps


@pytest.mark.parametrize("method", ["dr", "ipw", "reg"])
def test_a_weight_of_two_is_a_unit_twice(method):
    panel, g, _, x, _ = staggered()
    twice = panel.units[::3]
    weights = pd.Series(1.0, index=panel.units)
    weights[twice] = 2.0
    copies = panel.values.loc[twice].rename(index=lambda u: f"{u}-again")
    more = Panel("y", pd.concat([panel.values, copies]))

    def again(v):
        return pd.concat([v, v.loc[twice].rename(index=lambda u: f"{u}-again")])

    ours = callaway_santanna(panel, g, weights=weights, covariates={"x": x}, est_method=method)
    copied = callaway_santanna(more, again(g), covariates={"x": again(x)}, est_method=method)
    assert list(ours.estimate) == close(copied.estimate)
    for estimand in ("simple", "cohort", "dynamic", "calendar"):
        assert aggregate(ours, estimand).estimate == close(aggregate(copied, estimand).estimate)


@pytest.mark.parametrize("estimate", GROUP_TIME)
def test_equal_weights_are_none(estimate):
    panel, g, *_ = staggered(gaps=0.1)
    plain = estimate(panel, g)
    for weights in (pd.Series(7.0, index=panel.units), panel.values * 0 + 7.0):
        same = estimate(panel, g, weights=weights)
        assert list(same.estimate) == close(plain.estimate)
        assert list(same.std_error) == close(plain.std_error)
        assert aggregate(same).std_error == close(aggregate(plain).std_error)


@pytest.mark.parametrize("method", ["dr", "ipw", "reg"])
def test_copies_of_a_unit_in_its_cluster_change_nothing(method):
    panel, g, _, x, _ = staggered()

    def twice(v):
        return pd.concat([v, v.rename(index=lambda u: f"{u}-again")])

    cluster = pd.Series(panel.units * 2, index=twice(g).index)
    one = callaway_santanna(panel, g, covariates={"x": x}, est_method=method)
    two = callaway_santanna(
        Panel("y", twice(panel.values)), twice(g), cluster=cluster,
        covariates={"x": twice(x)}, est_method=method,
    )  # fmt: skip
    assert list(two.std_error) == close(one.std_error)
    for estimand in ("simple", "cohort", "dynamic", "calendar"):
        a, b = aggregate(one, estimand), aggregate(two, estimand)
        assert (b.estimate, b.std_error) == close((a.estimate, a.std_error))
        assert (a.n_clusters, b.n_clusters, b.n_units) == (60, 60, 120)
    assert aggregate(two).inference == "analytic, clustered"


def test_a_cell_of_an_unbalanced_panel_takes_whom_it_sees_twice():
    rows = {
        "a": [1, 2, 9],
        "b": [1, np.nan, 4],
        "c": [0, 1, 1],
        "d": [0, np.nan, 3],
        "e": [2, 2, 3],
    }
    wide = pd.DataFrame(rows, index=[2000, 2001, 2002]).T
    panel = Panel("y", wide.astype(float), unbalanced=True)
    g = pd.Series({"a": 2002, "b": 2002, "c": 0, "d": 0, "e": 0})
    gt = callaway_santanna(panel, g)
    cells = dict(zip(gt.period, gt.estimate, strict=True))
    assert cells[2001] == close(1 - 0.5)
    assert cells[2002] == close(7 - (0 + 1) / 2)
    assert gt.n_obs == 13
    with pytest.raises(InputError, match="cohort 2002, year 2001: no treated unit is observed"):
        callaway_santanna(Panel("y", wide.drop("a"), unbalanced=True), g)


@pytest.mark.parametrize("estimate", GROUP_TIME)
def test_gaps_at_random_leave_the_estimate_near(estimate):
    panel, g, *_ = staggered(n=400)
    holes, gh, *_ = staggered(n=400, gaps=0.05)
    whole, part = aggregate(estimate(panel, g)), aggregate(estimate(holes, gh))
    assert part.estimate != whole.estimate
    assert abs(part.estimate - whole.estimate) < whole.std_error


def test_methods_that_need_a_balanced_panel_say_so():
    panel, g, *_ = staggered(gaps=0.1)
    with pytest.raises(InputError, match="needs a balanced panel"):
        synthetic_did(panel, g)


def test_stacked_counts_weights_and_clusters():
    """A weight of two is a unit twice; copies within a cluster change nothing."""
    panel, g, *_ = staggered()
    copies = panel.units[::3]
    weights = pd.Series(1.0, index=panel.units)
    weights[copies] = 2.0

    def more(v, who):
        return pd.concat([v, v.loc[who].rename(index=lambda u: f"{u}-again")])

    weighted = stacked(panel, g, pre=2, post=1, weights=weights)
    copied = stacked(Panel("y", more(panel.values, copies)), more(g, copies), pre=2, post=1)
    assert list(weighted.event.estimate) == close(copied.event.estimate)
    everyone = panel.units
    cluster = pd.Series(everyone * 2, index=more(g, everyone).index)
    one = stacked(panel, g, pre=2, post=1)
    two = stacked(
        Panel("y", more(panel.values, everyone)), more(g, everyone), pre=2, post=1, cluster=cluster
    )
    n, k = one.result.n_obs, 8
    # only the factor (N − 1)/(N − K) counts the rows
    ratio = ((2 * n - 1) / (2 * n - k)) / ((n - 1) / (n - k))
    assert two.result.std_error == close(one.result.std_error * ratio**0.5)
    assert two.result.n_clusters == one.result.n_clusters == 60


@pytest.mark.parametrize("estimate", [*GROUP_TIME, twfe, stacked])
def test_without_any_noise_there_is_no_error(estimate):
    """Exact unit and year effects and one exact effect: the effect, and no invented precision."""
    t = np.array(YEARS)
    g = pd.Series([0, 0, 0, 2004, 2004], index=list("abcde"))
    y = np.arange(5)[:, None] * 0.3 + 0.1 * t + 1.7 * ((g.to_numpy()[:, None] > 0) & (t >= 2004))
    fit = estimate(Panel("y", pd.DataFrame(y, g.index, list(YEARS))), g)
    if estimate is not twfe:
        fit = fit.result if estimate is stacked else aggregate(fit)
    assert fit.estimate == close(1.7)
    # rounding of numbers as large as 200 must not pass for a standard error
    assert (fit.std_error, fit.p_value) == (None, None)
    assert fit.conf_int == (-np.inf, np.inf)
    assert "no error can be estimated" in fit.small_sample


def test_where_another_package_differs_the_result_says_so():
    panel, g, _, x, _ = staggered()
    assert any(
        "diff-diff 3.13.0" in n for n in callaway_santanna(panel, g, covariates={"x": x}).notes
    )
    assert callaway_santanna(panel, g).notes == ()
    early = g.replace(2003, 2001)
    assert any("cohort 2001" in n and "didimputation" in n for n in imputation(panel, early).notes)
    assert imputation(panel, g).notes == two_stage(panel, early).notes == ()


@pytest.mark.parametrize("estimate", [sun_abraham, extended_two_way, twfe])
def test_units_observed_once_do_not_count_in_a_regression(estimate):
    """As in R's fixest: the numbers, the factor too, are those without them."""
    panel, g, *_ = staggered()
    values = panel.values.copy()
    values.iloc[[1, 5], 1:] = np.nan
    ours = estimate(Panel("y", values, unbalanced=True), g)
    without = estimate(panel.select([u for u in panel.units if u not in ("u001", "u005")]), g)
    assert ours.estimate == without.estimate
    assert ours.std_error == without.std_error
    assert ours.n_obs == without.n_obs == 58 * 7
    assert "2 units observed in one year only were left out: u001, u005" in ours.notes


# edge cases


@pytest.mark.parametrize("estimate", GROUP_TIME)
def test_without_never_treated_the_last_cohort_is_the_comparison(estimate):
    panel, g, *_ = staggered(cohorts=(2003, 2004, 2006))
    options = {"control_group": "not_yet_treated"} if estimate is callaway_santanna else {}
    ours = estimate(panel, g, **options)
    assert max(ours.period) == 2005
    assert any("the last cohort, 2006, serves as comparison" in n for n in ours.notes)
    years = [y for y in YEARS if y < 2006]
    as_never = estimate(Panel("y", panel.values[years]), g.replace(2006, 0), **options)
    assert ours.estimate == as_never.estimate
    assert ours.std_error == as_never.std_error


def test_without_never_treated_never_controls_are_refused_and_twfe_is_not():
    panel, g, *_ = staggered(cohorts=(2003, 2004, 2006))
    with pytest.raises(InputError, match="not-yet-treated controls take the last cohort"):
        callaway_santanna(panel, g)
    with pytest.raises(InputError, match="every unit is treated; a never-treated"):
        synthetic_did(panel, g)
    fit = twfe(panel, g)
    assert fit.n_treated_units == fit.n_units == 60
    with pytest.raises(InputError, match="from the same year"):
        sun_abraham(panel, pd.Series(2003, index=panel.units))
    early = g.replace({2003: 2001, 2004: 2001, 2006: 2002})
    with pytest.raises(InputError, match="the last cohort, 2002, leaves 1 year"):
        imputation(panel, early, anticipation=1)


@pytest.mark.parametrize("estimate", [*GROUP_TIME, twfe])
def test_a_singleton_cohort_has_its_number(estimate):
    panel, g, *_ = staggered(cohorts=(0, 0, 2003))
    alone = g[g == 0].index[0]
    g = g.copy()
    g[alone] = 2005
    fit = estimate(panel, g)
    if estimate is twfe:
        assert fit.std_error > 0
        return
    rows = fit.tidy().set_index(["cohort", "period"])
    controls = panel.values.loc[g[g == 0].index].mean()
    gap = panel.values.loc[alone] - controls
    if estimate in (callaway_santanna, sun_abraham):
        assert rows.loc[(2005, 2006), "estimate"] == close(gap[2006] - gap[2004])
    assert np.isfinite(rows.loc[(2005, 2006), "estimate"])
    assert aggregate(fit).std_error > 0


@pytest.mark.parametrize("estimate", GROUP_TIME)
def test_treated_in_the_last_year_only(estimate):
    panel, g, *_ = staggered(cohorts=(0, 0, 2006))
    fit = aggregate(estimate(panel, g))
    same = {estimand: aggregate(estimate(panel, g), estimand).estimate
            for estimand in ("simple", "cohort", "dynamic", "calendar")}  # fmt: skip
    assert len({round(v, 12) for v in same.values()}) == 1
    assert fit.std_error > 0


@pytest.mark.parametrize("estimate", [*GROUP_TIME, stacked, synthetic_did])
def test_a_year_left_out_is_refused(estimate):
    panel, g, *_ = staggered()
    with pytest.raises(InputError, match="the year after 2000 is missing"):
        estimate(Panel("y", panel.values.drop(columns=2001)), g)


def test_a_missing_cell_is_left_out_and_named():
    panel, g, *_ = staggered()
    values = panel.values.copy()
    values.loc[g == 2003, 2006] = np.nan
    holes = Panel("y", values, unbalanced=True)
    fit = sun_abraham(holes, g)
    assert (2003, 2006) not in list(zip(fit.cohort, fit.period, strict=True))
    assert any("2003 in 2006" in n for n in fit.notes)
    fit = imputation(holes, g)
    assert (2003, 2006) not in list(zip(fit.cohort, fit.period, strict=True))
    values.loc[g == 2003, 2002] = np.nan
    with pytest.raises(InputError, match="cohort 2003 is not observed in 2002"):
        sun_abraham(Panel("y", values, unbalanced=True), g)


def test_treated_units_never_seen_before_treatment_are_named():
    panel, g, *_ = staggered()
    values = panel.values.copy()
    who = g[g == 2003].index[0]
    values.loc[who, values.columns < 2003] = np.nan
    holes = Panel("y", values, unbalanced=True)
    fit = imputation(holes, g)
    assert any("without an observation before treatment" in n and who in n for n in fit.notes)
    without = panel.select([u for u in panel.units if u != who])
    fresh = imputation(without, g.drop(who))
    assert list(fit.estimate) == close(fresh.estimate)
    ours, theirs = aggregate(fit, "cohort"), aggregate(fresh, "cohort")
    assert ours.std_error == close(theirs.std_error)
    assert (ours.n_units, ours.n_treated_units) == (theirs.n_units, theirs.n_treated_units)
    values.loc[g > 0, values.columns < 2005] = np.nan
    with pytest.raises(InputError, match="no treated unit is observed before treatment"):
        imputation(Panel("y", values, unbalanced=True), g)


# covariates that cannot be


@pytest.mark.parametrize("method", ["dr", "ipw"])
def test_a_covariate_that_varies_only_with_treatment_is_refused(method):
    panel, g, *_ = staggered()
    only = (g > 0).astype(float)
    with pytest.raises(InputError, match="covariates tell treated from controls"):
        callaway_santanna(panel, g, covariates={"z": only}, est_method=method)


def test_it_is_refused_by_outcome_regression_too():
    panel, g, *_ = staggered()
    with pytest.raises(InputError, match="collinear among the controls"):
        callaway_santanna(
            panel, g, covariates={"z": (g > 0).astype(float)}, est_method="reg"
        )  # fmt: skip


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda x: {"a": x, "b": 2 * x + 1}, "the covariate b is collinear"),
        (lambda x: {"a": x * 0 + 3}, "the covariate a is constant"),
        (lambda x: {"a": x * np.nan}, "a finite number is needed"),
        (lambda x: {"a": x.replace(x.iloc[0, 0], np.inf)}, "unit u000, year 2000: a finite number"),
    ],
)
def test_covariates_that_say_nothing_new(make, says):
    panel, g, _, x, _ = staggered()
    with pytest.raises(InputError, match=says):
        callaway_santanna(panel, g, covariates=make(x))


@pytest.mark.parametrize("estimate", [sun_abraham, extended_two_way, imputation, two_stage, twfe])
def test_regressions_refuse_what_the_effects_explain(estimate):
    panel, g, _, x, _ = staggered()
    fixed = pd.Series(np.arange(60.0), index=panel.units)
    with pytest.raises(InputError, match="the covariate z does not vary within units"):
        estimate(panel, g, covariates={"z": fixed})
    trend = x * 0 + np.array(YEARS)
    with pytest.raises(InputError, match="the covariate z is collinear"):
        estimate(panel, g, covariates={"z": trend})
    with pytest.raises(InputError, match="the covariate b is collinear"):
        estimate(panel, g, covariates={"a": x, "b": 3 * x})


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        (lambda w: w * 0, "the weight 0 must be above zero"),
        (lambda w: -w, "must be above zero"),
        (lambda w: w.replace(w.iloc[0, 0], np.inf), "unit u000, year 2000: a finite number"),
        (lambda w: w.iloc[1:], "unit u000, year 2000: a finite number"),
        (lambda w: w.astype(str) + "x", "must be numbers"),
    ],
)
def test_weights_that_are_none(weights, says):
    panel, g, w, *_ = staggered()
    with pytest.raises(InputError, match=says):
        prepare(panel, g, weights=weights(w))


def test_clusters_that_are_none():
    panel, g, *_ = staggered()
    with pytest.raises(InputError, match="in one cluster"):
        sun_abraham(panel, g, cluster=pd.Series("c", index=panel.units))
    with pytest.raises(InputError, match="unit u000 has no cluster"):
        sun_abraham(panel, g, cluster=pd.Series("c", index=panel.units[1:]))


def test_nullable_and_text_values():
    panel, g, *_ = staggered()
    nullable = Panel("y", panel.values.astype("Float64"))
    assert (
        callaway_santanna(nullable, g.astype("Int64")).estimate
        == callaway_santanna(panel, g).estimate
    )
    with pytest.raises(InputError, match="the values must be numbers"):
        Panel("y", panel.values.astype(str) + "x")
    with pytest.raises(InputError, match="cohorts must be whole years"):
        callaway_santanna(panel, g.astype(str) + "x")
    with pytest.raises(InputError, match=r"2003.5 lies outside"):
        callaway_santanna(panel, g.replace(2003, 2003.5))
    holes = panel.values.astype("Float64").copy()
    holes.iloc[0, 0] = pd.NA
    plain = holes.astype(float)
    kept = imputation(Panel("y", holes, unbalanced=True), g)
    assert kept.estimate == imputation(Panel("y", plain, unbalanced=True), g).estimate
    nobody = panel.values.copy()
    nobody[2002] = np.nan
    with pytest.raises(InputError, match="nobody is observed in 2002"):
        twfe(Panel("y", nobody, unbalanced=True), g)
    missing = panel.values.astype("Float64").copy()
    missing.iloc[0, 0] = pd.NA
    with pytest.raises(InputError, match="unit u000, year 2000: a finite number is needed"):
        Panel("y", missing)


# synthetic difference-in-differences


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_synthetic_did_equals_diff_diff_for_one_cohort():
    panel, g, *_ = staggered(cohorts=(0, 0, 0, 2004))
    table = panel.long()
    table["d"] = (table.unit.map(g) > 0).astype(int)
    table["time"] = table["time"].astype(int)
    theirs = diff_diff.SyntheticDiD(variance_method="jackknife").fit(
        table, outcome="value", treatment="d", unit="unit", time="time",
        post_periods=[2004, 2005, 2006],
    )  # fmt: skip
    ours = synthetic_did(panel, g, variance="jackknife")
    assert ours.result.estimate == close(theirs.att)
    assert ours.result.std_error == close(theirs.se)
    post = [v for e, v in zip(ours.event.event_time, ours.event.estimate, strict=True) if e >= 0]
    assert ours.result.estimate == close(np.mean(post))


def test_synthetic_did_averages_cohorts_by_treated_unit_years():
    panel, g, *_ = staggered(n=120, cohorts=(0, 0, 0, 2003, 2005))
    fit = synthetic_did(panel, g, draws=20, seed=4)
    parts, weight = [], []
    for c, years in ((2003, 4), (2005, 2)):
        some = g[(g == 0) | (g == c)]
        one = synthetic_did(panel.select(list(some.index)), some, variance="jackknife")
        parts.append(one.result.estimate)
        weight.append(years * (g == c).sum())
        assert fit.unit_weights[c].sum() == close(1)
        assert fit.time_weights[c].sum() == close(1)
    assert fit.result.estimate == close(np.average(parts, weights=weight))
    assert fit.result.std_error == close(fit.draws.std())
    again = synthetic_did(panel, g, draws=20, seed=4)
    assert np.array_equal(again.draws, fit.draws)
    assert not np.array_equal(synthetic_did(panel, g, draws=20, seed=5).draws, fit.draws)


def test_synthetic_did_says_which_variance_it_lacks():
    panel, g, *_ = staggered(cohorts=(0, 2003, 2003))
    with pytest.raises(InputError, match="more never-treated units"):
        synthetic_did(panel, g)
    g = g.where(g == 0, 0)
    g.iloc[0] = 2003
    with pytest.raises(InputError, match="at least two units in every cohort"):
        synthetic_did(panel, g, variance="jackknife")
    g.iloc[0] = 2001
    with pytest.raises(InputError, match="one year before adoption"):
        synthetic_did(panel, g)


# triple difference


def test_triple_difference_is_the_three_way_regression():
    women, g, *_ = staggered(seed=1)
    men, *_ = staggered(seed=2)
    g = g.where(g == 0, 2004)
    ours = triple_difference(women, men, g, estimator=twfe)
    rows = pd.concat([women.long().assign(j=1.0), men.long().assign(j=0.0)], ignore_index=True)
    d = ((rows.unit.map(g) > 0) & (rows.time >= 2004)).astype(float) * rows.j
    z = np.hstack([
        d.to_numpy()[:, None], dummies(rows.unit + rows.j.astype(str)),
        dummies(rows.unit + rows.time.astype(str)),
        dummies(rows.j.astype(str) + rows.time.astype(str)),
    ])  # fmt: skip
    beta = np.linalg.lstsq(z, rows.value.to_numpy(), rcond=None)[0]
    assert ours.estimate == close(beta[0])
    assert ours.method == "triple difference, two-way fixed effects"
    both = triple_difference(women, men, g)
    apart = [callaway_santanna(p, g) for p in (women, men)]
    assert list(both.estimate) == close(np.subtract(*(a.estimate for a in apart)))
    assert list(gap_panel(women, men).values.columns) == list(YEARS)


def test_triple_difference_keeps_who_is_in_both_groups():
    women = staggered(seed=1)[0]
    men = women.select(women.units[3:])
    assert gap_panel(women, men).dropped == ("u000", "u001", "u002")
    with pytest.raises(InputError, match="the groups' years differ"):
        gap_panel(women, Panel("y", women.values.drop(columns=2006)))
    with pytest.raises(InputError, match="no unit is observed in both groups"):
        gap_panel(women.select(["u000"]), women.select(["u001"]))


# multiplier bootstrap


@pytest.mark.parametrize("kind", ["rademacher", "mammen"])
@pytest.mark.parametrize("clustered", [False, True])
def test_the_multiplier_bootstrap_meets_the_analytic_error(kind, clustered):
    panel, g, _, _, cluster = staggered(n=300)
    gt = callaway_santanna(panel, g, cluster=cluster if clustered else None)
    analytic = aggregate(gt, "cohort")
    ours = multiplier_bootstrap(gt, "cohort", kind=kind, draws=20_000, seed=7)
    assert ours.estimate == analytic.estimate
    # the interquartile range of 20,000 draws is off by about 0.8 %
    assert ours.std_error == pytest.approx(analytic.std_error, rel=0.03)
    assert ours.conf_int == pytest.approx(analytic.conf_int, abs=0.05 * analytic.std_error * 2)
    assert multiplier_bootstrap(gt, "cohort", kind=kind, draws=99, seed=7) == multiplier_bootstrap(
        gt, "cohort", kind=kind, draws=99, seed=7
    )


def test_multipliers_have_their_moments():
    rng = np.random.default_rng(1)
    for kind, third in (("rademacher", 0.0), ("mammen", 1.0)):
        v = multipliers(rng, (400, 1000), kind)
        moments = [(v**k).mean() for k in (1, 2, 3)]
        assert moments == pytest.approx([0, 1, third], abs=0.02)
        assert len(np.unique(v)) == 2
    with pytest.raises(InputError, match="none of rademacher, mammen"):
        multipliers(rng, (2, 2), "webb")


# known truth


@pytest.mark.parametrize("estimate", GROUP_TIME)
def test_bias_and_coverage_under_known_truth(estimate):
    """Effects that grow with exposure and differ by cohort; 800 panels of 120 units."""
    rng = np.random.default_rng(20)
    n, draws = 120, 800
    g = np.repeat([0, 2003, 2005], 40)
    t = np.array(YEARS)
    age = np.where(g[:, None] > 0, t - g[:, None] + 1, 0).clip(min=0)
    effect = age * np.where(g == 2003, 0.5, 1.0)[:, None]
    # cells 1..4 of the early cohort, 1..2 of the late one, equal cohorts
    truth = (0.5 * (1 + 2 + 3 + 4) + 1.0 * (1 + 2)) / 6
    cohort = pd.Series(g, index=[f"u{i}" for i in range(n)])
    found = []
    for _ in range(draws):
        y = rng.normal(size=(n, 1)) + rng.normal(size=(n, len(t))) + effect
        fit = aggregate(estimate(Panel("y", pd.DataFrame(y, cohort.index, list(YEARS))), cohort))
        low, high = fit.conf_int
        found.append((fit.estimate - truth, low <= truth <= high))
    errors, covered = np.array(found).T
    assert abs(errors.mean()) < 3 * errors.std() / draws**0.5
    assert 0.935 <= covered.mean() <= 0.965


@pytest.mark.parametrize("variance", ["placebo", "jackknife"])
def test_synthetic_error_that_is_rounding_is_none(variance):
    """Units that only move together leave no error, and no p-value of zero."""
    units = [f"u{i}" for i in range(9)]
    g = pd.Series([2004] * 3 + [0] * 6, index=units)
    t = np.array(YEARS)
    y = 0.1 * np.arange(9.0)[:, None] + 1000.3 * (t - 1990)
    y = y + ((g.to_numpy()[:, None] > 0) & (t >= 2004))
    fit = synthetic_did(
        Panel("y", pd.DataFrame(y, index=units, columns=list(YEARS))), g, variance=variance
    )
    found = fit.result
    assert found.estimate == close(1.0)
    assert (found.std_error, found.statistic, found.p_value) == (None, None, None)
    assert found.conf_int == (-np.inf, np.inf)
    assert "no error can be estimated" in found.small_sample


def test_neither_variance_is_recommended_where_neither_can_be_had():
    panel, g, *_ = staggered()
    few = [*g.index[g == 2004][:1], *g.index[g == 0][:1]]
    for variance in ("placebo", "jackknife"):
        with pytest.raises(InputError) as error:
            synthetic_did(panel.select(few), g[few], variance=variance)
        assert "does not" not in str(error.value)


def test_covariates_collinear_in_one_cell_only():
    panel, g, _, x, _ = staggered()
    other = x.copy()
    other[:] = np.random.default_rng(1).normal(size=x.shape)
    other[2001] = 2 * x[2001] + 1
    for how, who in (("dr", "the units compared"), ("reg", "the controls")):
        with pytest.raises(
            InputError, match=f"year 2002: the covariates are collinear among {who}"
        ):
            callaway_santanna(
                panel, g, covariates={"x": x, "z": other},
                est_method=how,
            )  # fmt: skip
