"""The synthetic control: its weights against other solvers, its test by rank, by hand."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from evaluation import InputError, Panel, synthetic_control
from evaluation.estimation import simplex
from evaluation.estimation.simplex import simplex_ridge
from evaluation.estimation.synthetic_control import SyntheticControl

YEARS = list(range(2005, 2020))
FIRST = 2014
NOTHING_MORE = pd.DataFrame(index=[f"u{i}" for i in range(41)])


def objective(w, x, target, penalty):
    miss = target - x @ w
    return miss @ miss + penalty * w @ w


def simulated(effect=0.0, seed=1):
    """Unit u0 and forty donors on two common paths with loadings of their own, and noise."""
    rng = np.random.default_rng(seed)
    paths = np.array([[10.0], [3.0]]) + np.cumsum(rng.normal(size=(2, len(YEARS))), axis=1)
    loadings = rng.uniform(0.2, 1.5, size=(41, 2))
    loadings[0] = [0.8, 0.7]  # inside what the donors span
    values = loadings @ paths + rng.normal(scale=0.1, size=(41, len(YEARS)))
    values[0, [y >= FIRST for y in YEARS]] += effect
    return Panel("y", pd.DataFrame(values, index=NOTHING_MORE.index, columns=YEARS))


def fit(panel, predictors=NOTHING_MORE, unit="u0", first=FIRST):
    return synthetic_control(panel, unit, first, [u for u in panel.units if u != unit], predictors)


# weights


@pytest.mark.parametrize("seed", range(6))
def test_weights_are_those_of_a_general_solver(seed):
    rng = np.random.default_rng(seed)
    x, target = rng.normal(size=(4, 9)), rng.normal(size=4)
    penalty = [0.01, 0.1, 1.0][seed % 3]
    ours = simplex_ridge(x, target, penalty)
    theirs = minimize(
        objective,
        np.full(9, 1 / 9),
        (x, target, penalty),
        jac=lambda w, *_: 2 * x.T @ (x @ w - target) + 2 * penalty * w,
        method="SLSQP",
        bounds=[(0, 1)] * 9,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(9)},
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert ours == pytest.approx(theirs.x, abs=1e-5)
    assert objective(ours, x, target, penalty) <= theirs.fun + 1e-12


@pytest.mark.parametrize("seed", range(6))
def test_weights_are_the_best_over_every_set_of_positive_donors(seed):
    """Small enough to try every set: solve the equality-constrained problem in closed form."""
    rng = np.random.default_rng(100 + seed)
    x, target, penalty = rng.normal(size=(3, 5)), rng.normal(size=3), 0.2
    best = None
    for size in range(1, 6):
        for on in map(list, itertools.combinations(range(5), size)):
            a = x[:, on]
            system = np.block(
                [[a.T @ a + penalty * np.eye(size), np.ones((size, 1))], [np.ones((1, size)), 0]]
            )
            w = np.zeros(5)
            w[on] = np.linalg.solve(system, np.append(a.T @ target, 1.0))[:-1]
            value = objective(w, x, target, penalty)
            if (w >= 0).all() and (best is None or value < best[0]):
                best = value, w
    assert simplex_ridge(x, target, penalty) == pytest.approx(best[1], abs=1e-9)


problems = st.tuples(st.integers(1, 5), st.integers(1, 12)).flatmap(
    lambda shape: st.tuples(
        arrays(float, shape, elements=st.integers(-30, 30).map(lambda v: v / 10)),
        arrays(float, shape[0], elements=st.integers(-30, 30).map(lambda v: v / 10)),
        st.sampled_from([0.005, 0.05, 1.0, 5.0]),
    )
)


@settings(max_examples=150)
@given(problems)
def test_weights_meet_the_conditions_of_the_optimum(problem):
    """On the simplex; the gradient is the same for all donors in use and no lower elsewhere."""
    x, target, penalty = problem
    w = simplex_ridge(x, target, penalty)
    assert w.min() >= 0
    assert w.sum() == pytest.approx(1, abs=1e-12)
    gradient = x.T @ (x @ w - target) + penalty * w
    level = gradient @ w
    assert (gradient >= level - 1e-8).all()
    assert np.abs(gradient[w > 1e-9] - level).max() < 1e-8


@settings(max_examples=60)
@given(problems, st.sampled_from([-100.0, 25.0, 300.0]))
def test_a_common_level_does_not_change_the_weights(problem, level):
    """Weights sum to one, so adding the same to unit and donors leaves the gap as it was."""
    x, target, penalty = problem
    moved = simplex_ridge(x + level, target + level, penalty)
    assert moved == pytest.approx(simplex_ridge(x, target, penalty), abs=1e-6)


@pytest.mark.parametrize("seed", range(60))
def test_a_tiny_penalty_meets_the_conditions_too(seed):
    """Where the dual loses its digits: repeated donors, targets outside what they span."""
    rng = np.random.default_rng(seed)
    p, n = int(rng.integers(1, 10)), int(rng.integers(2, 40))
    x, target = rng.normal(size=(p, n)), rng.normal(size=p) * rng.choice([0.3, 1.0, 3.0])
    penalty = 10.0 ** rng.uniform(-12, -6)
    if seed % 3 == 0:
        x, target = x.round(1), target.round(1)
    if seed % 5 == 0:
        x[:, n // 2 : 2 * (n // 2)] = x[:, : n // 2]
    w = simplex_ridge(x, target, penalty)
    assert w.min() >= 0
    assert w.sum() == pytest.approx(1, abs=1e-12)
    gradient = x.T @ (x @ w - target) + penalty * w
    level = gradient @ w
    assert (gradient >= level - 1e-8).all()
    assert np.abs(gradient[w > 1e-9] - level).max() < 1e-8


def test_most_tiny_penalties_need_the_active_set(monkeypatch):
    """The test above would say nothing if the dual converged on its own."""
    monkeypatch.setattr(simplex, "_active_set", lambda *_: pytest.fail("the dual stalled"))
    rng = np.random.default_rng(3)
    with pytest.raises(pytest.fail.Exception, match="the dual stalled"):
        simplex_ridge(rng.normal(size=(3, 20)), 3 * rng.normal(size=3), 1e-10)


@pytest.mark.parametrize("seed", range(20))
def test_the_active_set_and_the_dual_find_the_same_weights(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    x, target = rng.normal(size=(5, 30)), rng.normal(size=5)
    penalty = 10.0 ** rng.uniform(-4, 0)
    dual = simplex_ridge(x, target, penalty)
    monkeypatch.setattr(simplex, "_dual", lambda x, *_: (np.full(30, 1 / 30), False))
    assert simplex_ridge(x, target, penalty) == pytest.approx(dual, abs=1e-9)


def test_identical_donors_get_equal_weights():
    w = simplex_ridge(np.full((2, 4), 1.5), np.array([2.0, 0.0]), 0.1)
    assert w == pytest.approx([0.25] * 4)


# the fit


def test_a_known_effect_is_recovered():
    """Over twenty panels, where the donors' plain mean is off by more than one on average."""
    after = np.array(YEARS) >= FIRST
    panels = [simulated(effect=5.0, seed=s) for s in range(20)]
    fits = [fit(p) for p in panels]
    found = np.array([f.gap[after].mean() for f in fits])
    assert np.abs(found - 5.0).max() < 0.3
    assert found.mean() == pytest.approx(5.0, abs=0.1)
    assert all(f.contrast({2016: 1.0}, "gap", "test").p_value == 1 / 41 for f in fits)
    plain = [(p.values.loc["u0"] - p.values.loc["u1":].mean())[after].mean() for p in panels]
    assert np.abs(np.array(plain) - 5.0).mean() > 1


def test_an_effect_goes_into_the_gap_and_nowhere_else():
    after = np.array(YEARS) >= FIRST
    without, with_effect = fit(simulated()), fit(simulated(effect=5.0))
    assert with_effect.gap == pytest.approx(without.gap + 5.0 * after)
    assert with_effect.placebo_gap == pytest.approx(without.placebo_gap)
    assert with_effect.pre_fit == pytest.approx(np.sqrt((with_effect.gap[~after] ** 2).mean()))
    placebo = np.sqrt((without.placebo_gap[:, ~after] ** 2).mean(axis=1))
    assert without.pre_fit_rank == np.mean(placebo < without.pre_fit)


def test_weights_of_the_fit_sum_to_one_and_make_the_twin():
    panel = simulated(seed=4)
    found = fit(panel)
    assert (found.weights > 0).all()
    assert found.weights.is_monotonic_decreasing
    assert found.weights.sum() == pytest.approx(1)
    twin = found.weights @ panel.values.loc[found.weights.index]
    assert found.synthetic == pytest.approx(twin.to_numpy())
    assert found.actual == pytest.approx(panel.values.loc["u0"].to_numpy())
    assert found.effective_donors == pytest.approx(1 / (found.weights**2).sum())


def test_the_penalty_is_a_years_noise():
    panel = simulated(seed=4)
    past = panel.values.loc["u1":, : FIRST - 1].to_numpy()
    noise = np.diff(past, axis=1).std() / past.std()
    assert fit(panel).penalty == pytest.approx(noise**2)


def test_weights_see_nothing_after_adoption():
    plain, moved = simulated(), simulated().values.copy()
    moved.loc[:, FIRST:] = np.random.default_rng(0).normal(size=moved.loc[:, FIRST:].shape)
    pd.testing.assert_series_equal(fit(plain).weights, fit(Panel("y", moved)).weights)


def test_further_predictors_are_used_and_their_unit_does_not_matter():
    panel = simulated()
    rng = np.random.default_rng(7)
    size = pd.DataFrame({"size": rng.normal(size=41)}, index=NOTHING_MORE.index)
    plain, with_size = fit(panel), fit(panel, size)
    assert not with_size.weights.equals(plain.weights)
    in_thousands = fit(panel, size * 1000)
    pd.testing.assert_series_equal(in_thousands.weights, with_size.weights)


def test_the_treated_unit_is_in_no_placebos_pool():
    moved = simulated().values.copy()
    moved.loc["u0"] = 1000.0
    assert fit(Panel("y", moved)).placebo_gap == pytest.approx(fit(simulated()).placebo_gap)


def test_every_placebo_is_fitted_from_the_other_donors():
    panel = simulated()
    found = fit(panel)
    donors = panel.values.loc["u1":].to_numpy()
    past = donors[:, : YEARS.index(FIRST)]
    for i in (0, 17, 39):
        rest = np.delete(np.arange(40), i)
        scaled = (past / past.std()).T
        w = simplex_ridge(scaled[:, rest], scaled[:, i], found.penalty)
        assert found.placebo_gap[i] == pytest.approx(donors[i] - w @ donors[rest])


def test_the_unit_of_measurement_does_not_matter():
    panel = simulated(effect=2.0)
    found, scaled = fit(panel), fit(Panel("y", panel.values * 1000))
    assert scaled.gap == pytest.approx(found.gap * 1000)
    pd.testing.assert_series_equal(scaled.weights, found.weights)


def test_an_outcome_at_a_high_level_is_no_different():
    panel = simulated(effect=2.0)
    found, lifted = fit(panel), fit(Panel("y", panel.values + 2000))
    assert lifted.gap == pytest.approx(found.gap, abs=1e-6)


# inference


@pytest.mark.parametrize("weights", [{2016: 1.0}, {2019: 1.0, 2015: -1.0}])
@pytest.mark.parametrize("effect", [0.0, 0.2, 5.0])
def test_the_p_value_is_the_rank(effect, weights):
    found = fit(simulated(effect=effect))
    a = np.array([weights.get(y, 0.0) for y in YEARS])
    ours = found.contrast(weights, "gap", "test")
    others = [abs(float(a @ gap)) for gap in found.placebo_gap]
    rank = 1 + sum(v >= abs(float(a @ found.gap)) for v in others)
    assert ours.estimate == pytest.approx(float(a @ found.gap))
    assert ours.p_value == rank / 41
    assert (ours.n_units, ours.n_treated_units) == (41, 1)


def test_the_placebo_interval_by_hand():
    found = fit(simulated(effect=1.0))
    ours = found.contrast({2016: 1.0}, "gap", "test", alpha=0.1)
    others = np.sort(found.placebo_gap[:, YEARS.index(2016)])
    # 0.05 of 41 is two: the second from either end
    assert ours.conf_int == pytest.approx((ours.estimate - others[-2], ours.estimate - others[1]))
    # 0.005 of 41 is none
    none = found.contrast({2016: 1.0}, "gap", "test", alpha=0.01)
    assert none.conf_int == (-np.inf, np.inf)


def by_hand():
    """A unit with a gap of its own and three placebos, typed in."""
    return SyntheticControl(
        unit="x",
        first_year=2002,
        years=(2000, 2001, 2002, 2003, 2004),
        actual=np.array([0.0, 9.0, 3.0, 4.0, 1.0]),
        synthetic=np.zeros(5),
        placebo_gap=np.array(
            [
                [0.0, 0.0, 1.0, 5.0, 4.0],  # peak 5, fall 1
                [0.0, 0.0, 4.0, 0.0, 0.0],  # peak 4, fall 4
                [99.0, 0.0, 1.0, -4.0, 3.0],  # peak 3 (the past does not count), fall 0
            ]
        ),
        weights=pd.Series([1.0]),
        penalty=1.0,
        pre_fit=0.0,
        pre_fit_rank=0.0,
        data_hash="",
    )


def test_own_peak_by_hand():
    # its own: peak 4 in 2003, fall 3; a tie counts
    assert by_hand().own_peak_p() == (2003, 3 / 4, 2 / 4)


def test_the_ratio_of_fits_by_hand():
    # root mean squares after and before: its own sqrt(26/3) over sqrt(81/2); the placebos'
    # infinite, infinite, and sqrt(26/3) over 99/sqrt(2)
    ratio, p = by_hand().rmspe_ratio()
    assert ratio == pytest.approx(np.sqrt(26 / 3) / np.sqrt(81 / 2))
    assert p == 3 / 4
    perfect = dataclasses.replace(by_hand(), actual=np.array([0.0, 0.0, 3.0, 4.0, 1.0]))
    assert perfect.rmspe_ratio() == (np.inf, 3 / 4)


def test_the_ratio_finds_an_effect():
    ratio, p = fit(simulated(effect=3.0)).rmspe_ratio()
    assert ratio > 5
    assert p == 1 / 41
    plain = fit(simulated()).rmspe_ratio()
    assert plain[0] < ratio / 3
    assert plain[1] > p


@pytest.mark.parametrize("year", [2002, 2004])
def test_no_fall_is_told_from_a_peak_at_either_end(year):
    control = by_hand()
    actual = control.actual.copy()
    actual[control.years.index(year)] = 6.0  # above every placebo's peak
    found = dataclasses.replace(control, actual=actual).own_peak_p()
    assert found == (year, 1 / 4, None)


def test_ties_and_both_signs_count_in_the_rank():
    # 4 in 2003 against 5, 0 and -4
    assert by_hand().contrast({2003: 1.0}, "gap", "test").p_value == 3 / 4


# refusals


def test_one_year_before_adoption_is_refused():
    with pytest.raises(InputError, match="needs two years before 2006; y has 1"):
        fit(simulated(), first=YEARS[0] + 1)
    assert len(fit(simulated(), first=YEARS[0] + 2).placebo_gap) == 40


def test_too_few_donors_are_refused():
    with pytest.raises(InputError, match="9 donors; at least ten are needed"):
        synthetic_control(simulated(), "u0", FIRST, [f"u{i}" for i in range(1, 10)], NOTHING_MORE)


def test_donors_that_never_differed_before_are_refused():
    """Nothing to scale by and nothing to fit on."""
    values = simulated().values.copy()
    values.loc[:, : FIRST - 1] = 5.0
    with pytest.raises(InputError):
        fit(Panel("y", values))
