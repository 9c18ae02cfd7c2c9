"""What the two-way coefficient is made of: R's decomposition, by hand, by brute force."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from evaluation import InputError, Panel, two_way_fixed_effects
from evaluation.data.files import balanced_panel, read_table
from evaluation.estimation.diagnostics.bacon import bacon_check, bacon_decomposition
from evaluation.estimation.diagnostics.negative_weights import (
    negative_weights_check,
    two_way_weights,
)

HERE = Path(__file__).parent / "reference"
R = json.loads((HERE / "r_mpdta.json").read_text(encoding="utf-8"))
NEVER = "treated against never treated"
EARLIER = "earlier against later treated"
LATER = "later against earlier treated"


@pytest.fixture(scope="module")
def mpdta():
    table = read_table(HERE / "mpdta.csv")
    panel = balanced_panel(table, unit="county", time="year", outcome="lemp")
    return panel, table.groupby("county")["first_treat"].first().astype(int)


def random_panel(seed):
    rng = np.random.default_rng(seed)
    units = [f"u{i}" for i in range(12)]
    cohort = pd.Series(rng.choice([0, 2002, 2004, 2005], size=12), index=units)
    cohort.iloc[:3] = [0, 2002, 2005]
    y = rng.normal(size=(12, 6)).cumsum(axis=1)
    return Panel("y", pd.DataFrame(y, index=units, columns=range(2000, 2006))), cohort


def test_the_decomposition_is_that_of_r(mpdta):
    theirs = R["mpdta|bacon"]
    found = bacon_decomposition(*mpdta)
    kinds = found.by_kind().sort_index()
    assert list(kinds.index) == [EARLIER, LATER, NEVER]
    by_weight = dict(zip(theirs["type"], theirs["est"], strict=True))
    for row in kinds.itertuples():
        weight = min(by_weight, key=lambda w: abs(w - row.weight))
        assert row.weight == pytest.approx(weight, abs=1e-9)
        assert row.estimate == pytest.approx(by_weight[weight], abs=1e-9)
    assert found.beta == pytest.approx(theirs["total"], abs=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_weights_sum_to_one_and_give_the_coefficient(seed):
    panel, cohort = random_panel(seed)
    found = bacon_decomposition(panel, cohort)
    beta = two_way_fixed_effects(panel, cohort).estimate
    assert sum(found.weight) == pytest.approx(1, abs=1e-12)
    assert min(found.weight) > 0
    assert found.beta == pytest.approx(beta, abs=1e-10)
    weights = two_way_weights(panel, cohort)
    assert sum(weights.weight) == pytest.approx(1, abs=1e-12)
    assert weights.beta == pytest.approx(beta, abs=1e-10)


def test_every_comparison_is_the_regression_on_its_own_sample():
    panel, cohort = random_panel(3)
    y = panel.values
    for row in bacon_decomposition(panel, cohort).tidy().itertuples():
        years = [
            t
            for t in panel.years
            if (row.kind != EARLIER or t < row.control) and (row.kind != LATER or t >= row.control)
        ]
        own, other = (cohort.index[cohort == g] for g in (row.treated, row.control))
        after = np.array(years) >= row.treated
        gap = (y.loc[own, years].mean() - y.loc[other, years].mean()).to_numpy()
        assert row.estimate == pytest.approx(gap[after].mean() - gap[~after].mean())


def test_two_cohorts_by_hand():
    """A from 2001, B from 2002, C never; one unit each, three years."""
    rows = {"A": [0.0, 1.0, 4.0], "B": [0.0, 0.0, 2.0], "C": [0.0, 0.0, 0.0]}
    panel = Panel("y", pd.DataFrame.from_dict(rows, orient="index", columns=[2000, 2001, 2002]))
    found = bacon_decomposition(panel, pd.Series({"A": 2001, "B": 2002, "C": 0})).tidy()
    got = {(r.kind, r.treated): r.estimate for r in found.itertuples()}
    assert got == pytest.approx(
        {
            (NEVER, 2001): 2.5,  # (1 + 4) / 2 - 0
            (NEVER, 2002): 2.0,  # 2 - 0
            (EARLIER, 2001): 1.0,  # in 2001 against 2000, B not yet
            (LATER, 2002): -1.0,  # (2 - 0) - (4 - 1): A's effect still grows
        }
    )
    # all cells alike but for the years each is treated: 2/9, 2/9, and 1/4 of (2/3)^2 twice
    raw = {NEVER: 2 / 9, EARLIER: 1 / 9, LATER: 1 / 9}
    total = 2 * raw[NEVER] + raw[EARLIER] + raw[LATER]
    for r in found.itertuples():
        assert r.weight == pytest.approx(raw[r.kind] / total)


def test_one_cohort_has_one_comparison():
    panel, cohort = random_panel(1)
    cohort = cohort.where(cohort == 2002, 0)
    found = bacon_decomposition(panel, cohort)
    assert found.kind == (NEVER,)
    assert found.weight == (1.0,)
    check = bacon_check(found)
    assert check.passed is True
    assert check.statistic == 0
    weights = two_way_weights(panel, cohort)
    assert weights.n_negative == 0
    assert math.isinf(weights.sign_reversal_sd)
    assert math.isinf(weights.all_opposite_sd)
    assert negative_weights_check(weights).passed is True


def test_the_check_of_the_decomposition(mpdta):
    check = bacon_check(bacon_decomposition(*mpdta))
    assert check.passed is True
    assert check.statistic == pytest.approx(0.0539242, abs=1e-6)
    assert "5.4" in check.text_en
    assert "5,4" in check.text_sv
    assert bacon_check(bacon_decomposition(*mpdta), tolerated=0.05).passed is False


@pytest.mark.parametrize("seed", range(4))
def test_the_coefficient_is_the_weighted_sum_of_any_effects(seed):
    """Without noise, whatever the effects: β = Σ w Δ, cell by cell."""
    panel, cohort = random_panel(seed)
    rng = np.random.default_rng(seed + 100)
    weights = two_way_weights(panel, cohort)
    effects = pd.Series(
        rng.normal(size=len(weights.cohort)),
        index=pd.MultiIndex.from_arrays([weights.cohort, weights.period]),
    )
    y = rng.normal(size=(12, 1)) + rng.normal(size=(1, 6))
    for i, g in enumerate(cohort):
        for j, t in enumerate(panel.years):
            if g and t >= g:
                y[i, j] += effects[(g, t)]
    made = Panel("y", pd.DataFrame(y, index=panel.units, columns=panel.years))
    beta = two_way_fixed_effects(made, cohort).estimate
    assert beta == pytest.approx(np.dot(weights.weight, effects.to_numpy()), abs=1e-10)


def test_weights_by_hand():
    """Treated half the years with half the units: β weighs the four cells alike."""
    panel = Panel("y", pd.DataFrame(np.eye(4, 4), index=list("abcd"), columns=range(4)))
    found = two_way_weights(panel, pd.Series({"a": 2, "b": 2, "c": 0, "d": 0}))
    assert found.weight == pytest.approx((0.5, 0.5))
    assert found.n_units == (2, 2)
    assert found.n_treated == 4
    # nine units treated early, one late: the early ones serve as controls late
    units = [f"u{i}" for i in range(11)]
    wide = pd.DataFrame(np.arange(33.0).reshape(11, 3) ** 2, index=units, columns=[0, 1, 2])
    cohort = pd.Series([1] * 9 + [2, 0], index=units)
    negative = two_way_weights(Panel("y", wide), cohort).tidy().set_index(["cohort", "period"])
    # residuals: the early 1 - 2/3 - 9/11 + 19/33 = 1/11 in year 1, 0 in year 2, the late 1/3 then
    scale = 9 * 3 / 33 + (1 - 1 / 3 - 10 / 11 + 19 / 33)
    assert negative.weight[(1, 2)] == pytest.approx(0, abs=1e-12)
    assert negative.weight[(1, 1)] == pytest.approx(9 * 3 / 33 / scale)


def smallest_sd(w, beta, signed):
    """Search the effects themselves: the smallest standard deviation that gives β."""
    n = len(w)
    constraints = [{"type": "eq", "fun": lambda d: w @ d - beta}]
    bounds = None
    if signed:
        bounds = [(None, 0.0) if beta > 0 else (0.0, None)] * n
    else:
        constraints.append({"type": "eq", "fun": lambda d: d.mean()})
    best = math.inf
    rng = np.random.default_rng(0)
    for _ in range(5):
        start = -np.sign(beta) * np.abs(rng.normal(size=n))
        fit = minimize(
            lambda d: d.var(),
            start,
            method="SLSQP",
            bounds=bounds,
            constraints=constraints,
            options={"maxiter": 2000, "ftol": 1e-14},
        )
        if fit.success:
            best = min(best, math.sqrt(max(fit.fun, 0)))
    return best


@pytest.mark.parametrize("seed", [0, 2, 5])
def test_heterogeneity_that_reverses_the_sign_by_search(seed):
    rng = np.random.default_rng(seed)
    units = [f"u{i}" for i in range(8)]
    cohort = pd.Series([2001, 2001, 2001, 2001, 2001, 2004, 2004, 0], index=units)
    y = rng.normal(size=(8, 6)).cumsum(axis=1)
    panel = Panel("y", pd.DataFrame(y, index=units, columns=range(2000, 2006)))
    found = two_way_weights(panel, cohort)
    assert 0 < found.n_negative < found.n_treated
    own = found.tidy()
    w = np.repeat(own.weight / own.n_units, own.n_units).to_numpy()
    assert found.sign_reversal_sd == pytest.approx(smallest_sd(w, found.beta, False), rel=1e-4)
    assert found.all_opposite_sd == pytest.approx(smallest_sd(w, found.beta, True), rel=1e-4)
    assert found.negative_sum == pytest.approx(w[w < -1e-12].sum())
    assert found.all_opposite_sd >= found.sign_reversal_sd


def test_the_check_of_the_weights(mpdta):
    found = two_way_weights(*mpdta)
    check = negative_weights_check(found)
    assert check.passed is False
    assert found.n_negative == 20
    assert check.statistic == pytest.approx(20 / 291)
    assert "20 av 291" in check.text_sv
    assert "wrong sign" in check.text_en


def test_plain_types(mpdta):
    out = json.loads(json.dumps(bacon_decomposition(*mpdta).to_dict()))
    assert len(out["rows"]) == 9
    out = json.loads(json.dumps(two_way_weights(*mpdta).to_dict()))
    assert len(out["rows"]) == 7
    assert out["negative_share"] == 20 / 291


def test_bad_input_is_refused():
    panel, cohort = random_panel(0)
    for make in (bacon_decomposition, two_way_weights):
        with pytest.raises(InputError, match="no unit is treated"):
            make(panel, 0 * cohort)
        with pytest.raises(InputError, match="has no cohort"):
            make(panel, cohort.iloc[1:])
