"""Estimators as coefficients: the estimators' own numbers, and what coefficients must obey."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation import aggregate, callaway_santanna, event_study, two_way_fixed_effects
from evaluation.data.files import balanced_panel, read_table
from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.did.imputation import imputation, two_stage
from evaluation.estimation.did.saturated import extended_two_way
from evaluation.estimation.few_treated.coefficients import linear_estimator
from evaluation.estimation.few_treated.collapsed import collapse

HERE = Path(__file__).parent / "reference"
ESTIMANDS = ("simple", "cohort", "dynamic", "calendar")
GROUPS = ("never_treated", "not_yet_treated")
EXACT = 1e-10


def staggered(seed, n_units=None, years=None):
    """A panel of noise with adoption in any year but the first, units in no order."""
    rng = np.random.default_rng(seed)
    n = n_units or int(rng.integers(8, 25))
    t = years or int(rng.integers(3, 10))
    index = [f"u{i:02d}" for i in range(n)]
    first = np.zeros(n, dtype=int)
    treated = rng.choice(n, int(rng.integers(2, n - 3)), replace=False)
    first[treated] = 2000 + rng.integers(1, t, len(treated))
    columns = list(range(2000, 2000 + t))
    wide = pd.DataFrame(rng.normal(size=(n, t)), index=index, columns=columns)
    return Panel("noise", wide), pd.Series(first, index=index)


def mpdta():
    table = read_table(HERE / "mpdta.csv")
    panel = balanced_panel(table, unit="county", time="year", outcome="lemp")
    return panel, table.groupby("county")["first_treat"].first().astype(int)


STUDIES = ["mpdta", *range(5)]


@pytest.fixture(scope="module", params=STUDIES, ids=str)
def study(request):
    return mpdta() if request.param == "mpdta" else staggered(request.param)


def ours(study, **options):
    panel, cohort = study
    found = linear_estimator(panel, cohort, **options)
    return float(found.estimate(panel.values.to_numpy()))


def same(value):
    return pytest.approx(value, rel=0, abs=EXACT)


@pytest.mark.parametrize("group", GROUPS)
def test_callaway_santanna(study, group):
    gt = callaway_santanna(*study, control_group=group)
    for estimand in ESTIMANDS:
        expected = aggregate(gt, estimand).estimate
        assert ours(study, estimand=estimand, control_group=group) == same(expected)
    by_time = event_study(gt)
    assert min(by_time.event_time) < 0 < max(by_time.event_time)
    for e, expected in zip(by_time.event_time, by_time.estimate, strict=True):
        assert ours(study, estimand=f"event:{e}", control_group=group) == same(expected)


@pytest.mark.parametrize("fit", [imputation, two_stage, extended_two_way])
def test_imputation_and_its_equals(study, fit):
    gt = fit(*study)
    for estimand in ESTIMANDS:
        expected = aggregate(gt, estimand).estimate
        assert ours(study, estimand=estimand, method="imputation") == same(expected)
    by_time = event_study(gt)
    after = [(e, v) for e, v in zip(by_time.event_time, by_time.estimate, strict=True) if e >= 0]
    assert after
    for e, expected in after:
        assert ours(study, estimand=f"event:{e}", method="imputation") == same(expected)


def test_two_way_fixed_effects(study):
    found = linear_estimator(*study, method="twfe")
    assert found.estimand == "twfe"
    assert ours(study, method="twfe") == same(two_way_fixed_effects(*study).estimate)


def test_by_hand():
    """Two cohorts, two controls, three years: every coefficient of the simple aggregate."""
    wide = pd.DataFrame(
        np.arange(12.0).reshape(4, 3), index=list("abcd"), columns=[2000, 2001, 2002]
    )
    cohort = pd.Series({"a": 2001, "b": 0, "c": 2002, "d": 0})
    found = linear_estimator(Panel("y", wide), cohort, estimand="simple")
    # cells (2001, 2001), (2001, 2002), (2002, 2002), a third each
    expected = np.array([[-2, 1, 1], [1, 0, -1], [0, -1, 1], [1, 0, -1]]) / 3
    assert found.coefficients == pytest.approx(expected, abs=1e-15)
    assert list(found.treated) == [0, 2]
    assert list(found.controls) == [1, 3]
    assert list(found.start) == [1, 2]
    assert found.weight == pytest.approx([2 / 3, 1 / 3])
    assert found.profile == pytest.approx(np.array([[-1, 0.5, 0.5], [0, -1, 1]]))


options = st.one_of(
    st.tuples(
        st.just("cs"), st.sampled_from([*ESTIMANDS, "event:0", "event:1"]), st.sampled_from(GROUPS)
    ),
    st.tuples(
        st.just("imputation"), st.sampled_from([*ESTIMANDS, "event:0"]), st.just("never_treated")
    ),
    st.tuples(st.just("twfe"), st.just("simple"), st.just("never_treated")),
)


def fit(seed, option):
    panel, cohort = staggered(seed)
    method, estimand, group = option
    if estimand == "event:1" and (cohort == panel.years[-1]).sum() == (cohort > 0).sum():
        estimand = "event:0"
    return (
        panel,
        cohort,
        linear_estimator(panel, cohort, method=method, estimand=estimand, control_group=group),
    )


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), option=options)
def test_coefficients_obey_their_laws(seed, option):
    panel, cohort, found = fit(seed, option)
    c, g = found.coefficients, cohort.to_numpy()
    assert np.abs(c.sum(axis=0)).max() < EXACT
    assert np.abs(c.sum(axis=1)).max() < EXACT
    never = c[g == 0]
    assert np.abs(never - never[0]).max() < EXACT
    assert found.weight.sum() == same(1)
    assert list(np.array(panel.years)[found.start]) == list(g[found.treated])
    # what the treated units' rows say is what the whole matrix says
    reached = found.weight != 0
    own = found.weight[reached, None] * found.profile[reached]
    assert np.abs(own - c[found.treated][reached]).max() < EXACT
    if found.method != "twfe":
        # one unit's own treated cells weigh one, so a constant effect is found as it is
        after = np.arange(c.shape[1]) >= found.start[:, None]
        assert np.abs((found.profile * after).sum(axis=1)[reached] - 1).max() < EXACT


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), option=options, effect=st.floats(-5, 5))
def test_unit_and_year_effects_drop_out_and_a_constant_effect_is_found(seed, option, effect):
    panel, cohort, found = fit(seed, option)
    rng = np.random.default_rng(seed + 1)
    y = panel.values.to_numpy()
    fixed = 10 * rng.normal(size=(len(y), 1)) + 10 * rng.normal(size=y.shape[1])
    treated = (cohort.to_numpy() > 0)[:, None] & (
        np.array(panel.years) >= cohort.to_numpy()[:, None]
    )
    moved = y + fixed + effect * treated
    assert float(found.estimate(moved)) == pytest.approx(
        float(found.estimate(y)) + effect, rel=0, abs=1e-9
    )


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), option=options)
def test_the_order_of_units_does_not_matter(seed, option):
    panel, cohort, found = fit(seed, option)
    order = np.random.default_rng(seed).permutation(len(cohort))
    turned = Panel("noise", panel.values.iloc[order])
    again = linear_estimator(
        turned, cohort, method=found.method,
        estimand="simple" if found.method == "twfe" else found.estimand, control_group=option[2],
    )  # fmt: skip
    assert np.abs(again.coefficients - found.coefficients[order]).max() < EXACT


@pytest.mark.parametrize("estimand", ESTIMANDS)
@pytest.mark.parametrize("method", ["cs", "imputation", "twfe"])
@pytest.mark.parametrize("seed", range(3))
def test_collapsing_keeps_the_estimate(method, estimand, seed):
    """Effects against the mean of the controls, weighted, are the estimate: in a batch too."""
    panel, cohort = staggered(seed)
    found = linear_estimator(panel, cohort, method=method, estimand=estimand)
    batch = np.random.default_rng(seed).normal(size=(3, *panel.values.shape))
    c = collapse(batch, found)
    assert c.estimate == same(found.estimate(batch))
    assert c.effect @ c.estimator.weight == same(c.estimate)
    controls = batch[:, found.controls]
    by_loop = np.zeros((3, len(found.controls)))
    for s, weight in enumerate(found.weight):
        by_loop += weight * controls @ found.profile[s]
    assert c.composite == same(by_loop - by_loop.mean(axis=1, keepdims=True))
    for s, unit in enumerate(c.estimator.treated):
        profile = c.estimator.profile[s]
        contrast = controls @ profile
        assert c.effect[:, s] == same(batch[:, unit] @ profile - contrast.mean(axis=1))
        assert c.own[c.which[s]] == same(contrast - contrast.mean(axis=1, keepdims=True))
    assert c.shares.sum() == same(1)
    spread = np.array([(controls @ a).var(axis=1) for a in c.estimator.profile])
    assert c.spread() == same((spread / by_loop.var(axis=1)).T)


def test_units_that_an_event_time_does_not_reach():
    """They weigh nothing; those that serve as comparison beside it are no test's business."""
    wide = pd.DataFrame(
        np.random.default_rng(0).normal(size=(7, 5)),
        index=list("abcdefg"), columns=list(range(2000, 2005)),
    )  # fmt: skip
    panel = Panel("y", wide)
    cohort = pd.Series({"a": 2001, "b": 2001, "c": 2004, "d": 0, "e": 0, "f": 0, "g": 0})
    never = linear_estimator(panel, cohort, estimand="event:2")
    assert list(never.weight) == [0.5, 0.5, 0]
    c = collapse(wide.to_numpy(), never)
    assert list(c.estimator.treated) == [0, 1]
    assert c.estimate[0] == same(float(never.estimate(wide.to_numpy())))
    for options in ({"control_group": "not_yet_treated"}, {"method": "imputation"}):
        beside = linear_estimator(panel, cohort, estimand="event:2", **options)
        assert list(beside.weight) == [0.5, 0.5, 0]
        assert np.abs(beside.coefficients[2]).max() > 1e-3
        with pytest.raises(InputError, match="treated units that do not reach it serve as a comp"):
            collapse(wide.to_numpy(), beside)


def test_what_has_no_coefficients_is_refused():
    panel, cohort = staggered(3, 10, 5)
    for options, says in (
        ({"method": "sunab"}, "'sunab' is none of cs, imputation, twfe"),
        ({"estimand": "overall"}, "'overall' is none of simple, cohort"),
        ({"estimand": "event:soon"}, "'event:soon' is none of simple"),
        ({"estimand": "event:9"}, "no cohort reaches event time 9"),
        ({"estimand": "event:-5"}, "no cohort reaches event time -5"),
        ({"estimand": "overall", "method": "imputation"}, "'overall' is none of"),
        ({"estimand": "event:-2", "method": "imputation"}, "from adoption on only"),
        ({"control_group": "nobody"}, "'nobody' is none of never_treated, not_yet"),
    ):
        with pytest.raises(InputError, match=says):
            linear_estimator(panel, cohort, **options)


def test_no_variation_is_no_evidence():
    """Controls that all moved alike, up to rounding, give no test however large the effect."""
    rng = np.random.default_rng(1)
    n, t = 12, 6
    alike = rng.normal(size=(n, 1)) + rng.normal(size=t)
    alike[0, 3:] += 1
    index = [f"u{i:02d}" for i in range(n)]
    panel = Panel("y", pd.DataFrame(alike, index=index, columns=list(range(2000, 2000 + t))))
    cohort = pd.Series([2003, *[0] * (n - 1)], index=index)
    found = linear_estimator(panel, cohort)
    assert float(found.estimate(alike)) == same(1)
    with pytest.raises(InputError, match="never varies"):
        collapse(alike, found)
    cohort[:] = [0, *[2003] * (n - 1)]
    with pytest.raises(InputError, match="one never-treated unit"):
        collapse(rng.normal(size=(n, t)), linear_estimator(panel, cohort))
