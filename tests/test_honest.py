"""HonestDiD: R's printed examples, another implementation, and properties of the intervals."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog, minimize
from scipy.stats import norm

from evaluation import InputError, callaway_santanna, event_study
from evaluation.data.files import balanced_panel, read_table
from evaluation.estimation.diagnostics.conditional_test import (
    accepted,
    dual_vertices,
    least_favourable_draws,
)
from evaluation.estimation.diagnostics.event_coefficients import (
    EventCoefficients,
    event_coefficients,
    long_differences,
)
from evaluation.estimation.diagnostics.fixed_length import (
    fixed_length_interval,
    folded_normal_quantile,
)
from evaluation.estimation.diagnostics.honest import (
    honest_relative_magnitudes,
    honest_smoothness,
)
from evaluation.estimation.diagnostics.honest_intervals import honest_check

HERE = Path(__file__).parent / "reference"
R = json.loads((HERE / "honest.json").read_text(encoding="utf-8"))


def study(row):
    n, k = row["n_pre"], len(row["beta"])
    times = (*range(-n - 1, -1), *range(k - n))
    return EventCoefficients(times, np.array(row["beta"]), np.array(row["sigma"]))


def printed(value):
    """Half a unit of the last digit that R printed (three significant ones)."""
    return 0.5 * 10.0 ** (math.floor(math.log10(abs(value))) - 2) if value else 0.0


def test_original_interval_is_that_of_r():
    e = study(R["value_added_tax"])
    found = honest_relative_magnitudes(e, [0.5])
    assert found.original == pytest.approx(R["value_added_tax"]["original"], abs=1e-9)
    assert found.estimate == R["value_added_tax"]["beta"][4]


def polyhedra(e, m, target):
    """The union behind the restriction, written out once more."""
    steps = np.delete(np.diff(np.eye(len(e.beta) + 1), axis=0), e.n_pre, axis=1)
    after = steps[e.n_pre :]
    return [
        dual_vertices(
            after,
            np.tile(m * sign * worst, (len(after), 1)),
            np.zeros(len(after)),
            np.asarray(target, dtype=float),
            e.sigma,
        )
        for worst in steps[: e.n_pre]
        for sign in (1, -1)
    ]


def reachable(e, m, target, grid, seeds=25):
    """The ends that the hybrid reaches on a grid over many seeds of R's 1,000 draws."""
    ends = []
    for seed in range(seeds):
        noise = least_favourable_draws(e.sigma, 1000, seed)
        staged = [v.with_first_stage(noise, 0.005) for v in polyhedra(e, m, target)]
        kept = grid[accepted(staged, e.beta, e.sigma, grid, 0.05, 0.005)]
        ends.append(kept[[0, -1]])
    return np.min(ends, axis=0), np.max(ends, axis=0)


def r_grid(e, target):
    half = 20 * e.std_error(np.asarray(target, dtype=float))
    return np.linspace(-half, half, 1000)


@pytest.mark.parametrize(
    ("name", "key", "target"),
    [
        ("medicaid", "relative_magnitudes", [1, 0]),
        ("medicaid", "relative_magnitudes_mean", [0.5, 0.5]),
        ("medicaid_never", "relative_magnitudes", [1, 0]),
    ],
)
def test_relative_magnitudes_are_those_r_prints(name, key, target):
    """R prints points of its grid, with a critical value from 1,000 draws of its own.

    So its ends must lie among those that 1,000 draws of ours reach on the same grid, and ours,
    from 10,000 draws and without a grid, within a step and that spread.
    """
    e = study(R[name])
    rows = R[name][key]
    found = honest_relative_magnitudes(e, [m for m, *_ in rows], target=target)
    grid = r_grid(e, target)
    step = grid[1] - grid[0]
    for low, high, (m, *ends) in zip(found.conf_low, found.conf_high, rows, strict=True):
        least, most = reachable(e, m, target, grid)
        # the Stata version prints three decimals, R three digits
        slack = [5e-4 if key.endswith("mean") else printed(v) for v in ends]
        for i, ours in enumerate((low, high)):
            assert least[i] - slack[i] - 1e-12 <= ends[i] <= most[i] + slack[i] + 1e-12
            assert least[i] - step <= ours <= most[i] + step


def test_the_medicaid_example_is_rs_to_the_last_digit_on_its_grid():
    e = study(R["medicaid"])
    grid = r_grid(e, [1, 0])
    noise = least_favourable_draws(e.sigma, 10_000, 0)
    for m, r_low, r_high in R["medicaid"]["relative_magnitudes"]:
        staged = [v.with_first_stage(noise, 0.005) for v in polyhedra(e, m, [1, 0])]
        kept = grid[accepted(staged, e.beta, e.sigma, grid, 0.05, 0.005)]
        assert kept[0] == pytest.approx(r_low, abs=printed(r_low))
        assert kept[-1] == pytest.approx(r_high, abs=printed(r_high))


@pytest.mark.parametrize("name", ["medicaid", "medicaid_never", "value_added_tax"])
def test_fixed_length_intervals_are_those_of_r(name):
    """R simulates the folded normal quantile with 10^6 draws: an error of 0.002 in its unit."""
    e = study(R[name])
    rows = R[name]["smoothness"]
    found = honest_smoothness(e, [m for m, *_ in rows])
    simulated = 0.004 * np.sqrt(np.diag(e.sigma).max())
    digits = (lambda v: 1e-10) if name == "value_added_tax" else printed
    for low, high, (_, r_low, r_high) in zip(found.conf_low, found.conf_high, rows, strict=True):
        assert abs(r_low - low) <= simulated + digits(r_low)
        assert abs(r_high - high) <= simulated + digits(r_high)


def conditional(e, m, target, grid):
    """Accept on a grid by the conditional test alone, which needs no draws."""
    return grid[accepted(polyhedra(e, m, target), e.beta, e.sigma, grid, 0.05, 0.0)]


def test_the_conditional_test_accepts_the_same_grid_points_as_r():
    row = R["value_added_tax"]["conditional_relative_magnitudes"]
    e = study(R["value_added_tax"])
    half = 20 * e.std_error(e.target())
    kept = conditional(e, row["m"], e.target(), np.linspace(-half, half, row["grid_points"]))
    assert kept[[0, -1]] == pytest.approx(row["conf_int"], abs=1e-8)


@pytest.mark.parametrize("i", range(len(R["random"])))
def test_another_implementation_accepts_the_same_grid_points(i):
    """Event studies without a pattern: one to five years before, two to four after."""
    row = R["random"][i]
    e = study(row)
    low, high, points = row["grid"]
    grid = np.linspace(low, high, int(points))
    kept = conditional(e, row["m"], row["target"], grid)
    assert kept[[0, -1]] == pytest.approx(row["conditional"], abs=1e-6)
    # the hybrid's first stage rests on 1,000 draws there: its critical value scatters by 0.1
    least, most = reachable(e, row["m"], row["target"], grid, seeds=150)
    assert (least - 1e-6 <= row["hybrid"]).all()
    assert (row["hybrid"] <= most + 1e-6).all()


@pytest.mark.parametrize("row", [0, 1, 2])
def test_the_conditional_test_under_smoothness_is_that_of_r(row):
    """R's grid of 1,000 spans the identified set and 20 standard errors to either side."""
    m, r_low, r_high = R["value_added_tax"]["conditional_smoothness_1000"][row]
    e = study(R["value_added_tax"])
    bends = np.diff(np.delete(np.diff(np.eye(9), axis=0), 4, axis=1), axis=0)[3:]
    v = dual_vertices(bends, np.zeros((4, 8)), np.full(4, m), e.target(), e.sigma)
    width = (40 * e.std_error(e.target()) + 2 * m) / 999
    grid = np.linspace(-0.1, 0.6, 70_001)
    kept = grid[accepted([v], e.beta, e.sigma, grid, 0.05, 0.0)]
    assert -1e-4 <= r_low - kept[0] <= width + 1e-5
    assert -1e-4 <= kept[-1] - r_high <= width + 1e-5


@pytest.mark.parametrize("seed", range(6))
def test_the_vertices_give_the_profiled_maximum(seed):
    """The largest of the P + 2 statistics is the solution of the linear programme."""
    rng = np.random.default_rng(seed)
    n, post = rng.integers(1, 4), rng.integers(1, 5)
    k = int(n + post)
    a = rng.normal(size=(k, k + 2))
    sigma, beta = a @ a.T, rng.normal(size=k) * 3
    target = rng.normal(size=post)
    steps = np.delete(np.diff(np.eye(k + 1), axis=0), n, axis=1)
    u, d = np.tile(0.7 * steps[0], (post, 1)), rng.uniform(size=post)
    v = dual_vertices(steps[n:], u, d, target, sigma)
    theta = 0.8
    ours = (v.a @ beta - v.offset - v.slope * theta).max()
    # minimise eta over effects tau with l'tau = theta, every studentised moment below eta
    rows = np.vstack([steps[n:] - u, -steps[n:] - u])
    sd = np.sqrt(np.diag(rows @ sigma @ rows.T))
    moment = rows @ beta - np.tile(d, 2)
    fit = linprog(
        np.r_[1.0, np.zeros(post)],
        A_ub=np.hstack([-sd[:, None], -rows[:, n:]]),
        b_ub=-moment,
        A_eq=[np.r_[0.0, target]],
        b_eq=[theta],
        bounds=[(None, None)] * (post + 1),
    )
    assert ours == pytest.approx(fit.fun, abs=1e-9)


def test_the_weights_of_the_vertices_are_normalised():
    e = study(R["value_added_tax"])
    steps = np.delete(np.diff(np.eye(9), axis=0), 4, axis=1)
    v = dual_vertices(steps[4:], np.tile(steps[0], (4, 1)), np.zeros(4), e.target(), e.sigma)
    assert len(v.slope) == 6
    assert v.slope[0] > 0 > v.slope[1]
    assert (v.slope[2:] == 0).all()
    # profiled: no effect but the target moves the statistics
    assert v.a[0, 4:] == pytest.approx(v.slope[0] * e.target(), abs=1e-12)


def test_without_violations_the_interval_is_the_usual_one_but_for_the_hybrid():
    """At M̄ = 0 the statistic is |t|: κ goes to the first stage, the rest to a two-sided test."""
    e = study(R["medicaid"])
    found = honest_relative_magnitudes(e, [0.0])
    half = (found.conf_high[0] - found.conf_low[0]) / 2
    # P(|Z| > c | |Z| <= lf) = (alpha - kappa) / (1 - kappa) with P(|Z| > lf) = kappa: alpha in all
    assert half / e.std_error(e.target()) == pytest.approx(norm.ppf(0.975), abs=0.01)


def test_wider_bounds_give_wider_intervals():
    e = study(R["value_added_tax"])
    m = [0, 0.25, 0.5, 1, 2, 4, 8, 50]
    for found in (
        honest_relative_magnitudes(e, m),
        honest_smoothness(e, m, method="c-lf"),
        honest_smoothness(e, m[1:]),
    ):
        assert (np.diff(found.conf_low) < 0).all()
        assert (np.diff(found.conf_high) > 0).all()
        assert np.isfinite(found.tidy()[["conf_low", "conf_high"]]).all(axis=None)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_breakdown_value_is_where_the_interval_reaches_zero(sign):
    e = study(R["medicaid"])
    e = replace(e, beta=sign * e.beta)
    found = honest_relative_magnitudes(e)
    at, beyond = (
        honest_relative_magnitudes(e, [found.breakdown, found.breakdown + 2e-4])
        .tidy()[["conf_low", "conf_high"]]
        .to_numpy()
    )
    assert at[0] * at[1] > 0
    assert beyond[0] <= 0 <= beyond[1]
    assert found.breakdown == pytest.approx(1.942, abs=0.01)


def test_breakdown_of_smoothness():
    """Medicaid: R's interval still excludes zero at M = 0.02 and holds it at 0.03."""
    found = honest_smoothness(study(R["medicaid"]), [0])
    assert 0.02 < found.breakdown < 0.03
    low, _ = fixed_length_interval(
        *(np.array(R["medicaid"][k]) for k in ("beta", "sigma")),
        5,
        np.array([1.0, 0.0]),
        found.breakdown,
        0.05,
    )
    assert low == pytest.approx(0, abs=1e-5)


def test_nothing_to_break_and_nothing_that_breaks():
    flat = EventCoefficients((-3, -2, 0), np.array([0.1, 0.0, 0.1]), 0.04 * np.eye(3))
    none = honest_relative_magnitudes(flat)
    assert none.breakdown == 0
    check = honest_check(none)
    assert check.passed is None
    assert "no finding" in check.text_en
    with pytest.raises(InputError, match="natural threshold"):
        honest_check(honest_smoothness(flat, [0]))


def test_checks_say_the_number_in_both_languages():
    found = honest_relative_magnitudes(study(R["medicaid"]))
    check = honest_check(found)
    assert check.passed is True
    assert check.statistic == found.breakdown
    assert "1,94 gånger" in check.text_sv
    assert "1.94 times" in check.text_en
    assert honest_check(found, enough=2.0).passed is False
    endless = honest_check(replace(found, breakdown=math.inf))
    assert endless.passed is True
    assert "however large" in endless.text_en


@pytest.mark.parametrize("post", [1, 3])
def test_with_one_year_before_and_some_after(post):
    e = EventCoefficients(
        (-2, *range(post)), np.r_[0.1, np.full(post, 2.0)], 0.01 * np.eye(post + 1)
    )
    found = honest_relative_magnitudes(e, [1.0])
    assert 0 < found.conf_low[0] < 2 < found.conf_high[0]
    # a linear trend through the one year before: 2 + 0.1 (it fell by 0.1 before), error sqrt 2
    line = honest_smoothness(e, [0.0])
    assert (line.conf_low[0] + line.conf_high[0]) / 2 == pytest.approx(2.1)
    half = (line.conf_high[0] - line.conf_low[0]) / 2
    assert half == pytest.approx(norm.ppf(0.975) * np.sqrt(0.02), rel=1e-6)


@pytest.mark.parametrize("m", [0.0, 0.03, 0.1, 1.0])
@pytest.mark.parametrize("name", ["medicaid", "value_added_tax"])
def test_no_affine_estimator_gives_a_shorter_interval(name, m):
    """Against a direct minimisation over the weights that cancel a linear trend."""
    row = R[name]
    e, n = study(row), row["n_pre"]
    target = e.target()
    low, high = fixed_length_interval(e.beta, e.sigma, n, target, m, 0.05)
    distance = np.arange(n, 0, -1.0)

    def half(free):
        v = np.append(free, 1.0 - distance[:-1] @ free)
        load = np.r_[v, target]
        sd = np.sqrt(load @ e.sigma @ load)
        inner = [sum((distance[i] - j) * v[i] for i in range(n - j)) for j in range(1, n)]
        bias = m * (1 + np.abs(inner).sum())
        return sd * folded_normal_quantile(0.95, bias / sd)

    rng = np.random.default_rng(1)
    tries = [rng.normal(size=n - 1) * 0.3 for _ in range(4)] + [np.zeros(n - 1)]
    best = min(
        minimize(half, x, method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-9}).fun
        for x in tries
    )
    ours = (high - low) / 2
    assert ours <= best * (1 + 1e-7)
    assert ours >= best * (1 - 1e-3)


def test_coverage_where_the_worst_trend_is_true():
    """2,000 event studies whose trend grows after adoption as much as M̄ = 1 allows."""
    rng = np.random.default_rng(5)
    trend = np.array([0.5, 0.0, -0.5, -1.0])  # steps of a half before, -0.5 to 0 in the base year
    sigma = 0.04 * (np.eye(4) + 0.5)
    root = np.linalg.cholesky(sigma)
    inside = 0
    noise = least_favourable_draws(sigma, 10_000, 0)
    e = EventCoefficients((-3, -2, 0, 1), trend, sigma)
    staged = [v.with_first_stage(noise, 0.005) for v in polyhedra(e, 1.0, [1, 0])]
    for draw in trend + rng.standard_normal((2000, 4)) @ root.T:
        inside += accepted(staged, draw, sigma, np.zeros(1), 0.05, 0.005)[0]
    # three Monte Carlo errors below 95 %
    assert inside / 2000 >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 2000)


def test_the_same_seed_gives_the_same_numbers():
    e = study(R["value_added_tax"])
    one, two = (honest_relative_magnitudes(e, [1.0], seed=3) for _ in range(2))
    assert one == two
    other = honest_relative_magnitudes(e, [1.0], seed=4)
    assert other.conf_low != one.conf_low
    assert other.conf_low == pytest.approx(one.conf_low, abs=0.05 * e.std_error(e.target()))


def test_plain_types():
    found = honest_relative_magnitudes(study(R["medicaid"]), [1.0])
    out = json.loads(json.dumps(found.to_dict()))
    assert out["rows"][0]["m"] == 1
    assert out["rows"][0]["conf_int"] == [found.conf_low[0], found.conf_high[0]]
    assert list(found.tidy().columns) == ["restriction", "method", "m", "conf_low", "conf_high"]


@pytest.fixture(scope="module")
def mpdta():
    table = read_table(HERE / "mpdta.csv")
    panel = balanced_panel(table, unit="county", time="year", outcome="lemp")
    return panel, table.groupby("county")["first_treat"].first().astype(int)


def test_event_coefficients_of_adoption_and_later_are_the_event_study(mpdta):
    gt = callaway_santanna(*mpdta)
    e = event_coefficients(gt)
    usual = event_study(gt).tidy().set_index("event_time")
    ours = e.tidy().set_index("event_time")
    for time in e.post:
        assert ours.estimate[time] == pytest.approx(usual.estimate[time], abs=1e-12)
        assert ours.std_error[time] == pytest.approx(usual.std_error[time], abs=1e-12)
    assert e.event_time == (-4, -3, -2, 0, 1, 2, 3)
    assert (e.n_obs, e.n_units, e.n_treated_units) == (2500, 500, 191)


def test_coefficients_before_adoption_are_long_differences(mpdta):
    panel, cohort = mpdta
    path = long_differences(callaway_santanna(panel, cohort)).tidy().set_index(["cohort", "period"])
    y, never = panel.values, cohort[cohort == 0].index.astype(str)
    for (g, t), row in path.iterrows():
        members = cohort[cohort == g].index.astype(str)
        change = y[t] - y[g - 1]
        assert row.estimate == pytest.approx(change[members].mean() - change[never].mean())
    assert (2004, 2003) not in path.index
    assert len(path) == 4 + 4 + 4


def test_a_universal_base_is_recognised(mpdta):
    gt = callaway_santanna(*mpdta)
    path = long_differences(gt)
    based = replace(
        path,
        cohort=(*path.cohort, 2004, 2006, 2007),
        period=(*path.period, 2003, 2005, 2006),
        estimate=(*path.estimate, 0.0, 0.0, 0.0),
        std_error=(*path.std_error, 0.0, 0.0, 0.0),
        influence=np.hstack([path.influence, np.zeros((500, 3))]),
    )
    again = long_differences(based)
    assert again.tidy().equals(path.tidy())
    assert event_coefficients(based).beta == pytest.approx(event_coefficients(gt).beta, abs=1e-15)


def test_not_yet_treated_controls_are_noted(mpdta):
    notes = event_coefficients(callaway_santanna(*mpdta, control_group="not_yet_treated")).notes
    assert "not yet" in notes[-1]


def test_event_times_can_be_cut(mpdta):
    e = event_coefficients(callaway_santanna(*mpdta), first=-3, last=1)
    assert e.event_time == (-3, -2, 0, 1)
    whole = event_coefficients(callaway_santanna(*mpdta))
    assert e.beta == pytest.approx(whole.beta[1:5], abs=1e-15)
    assert e.sigma == pytest.approx(whole.sigma[1:5, 1:5], abs=1e-15)


GOOD = ((-2, 0), np.array([0.0, 1.0]), np.eye(2))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({1: np.array([0.0])}, "2 event times need 2 coefficients"),
        ({1: np.array([0.0, np.nan])}, "finite"),
        ({2: np.array([[1.0, 0.5], [0.4, 1.0]])}, "not symmetric"),
        ({2: np.array([[1.0, 2.0], [2.0, 1.0]])}, "negative eigenvalue"),
        ({2: np.diag([1.0, 0.0])}, "event time 0 has no error"),
        ({0: (-1, 0)}, "without the base"),
        ({0: (-3, 0)}, "consecutive"),
        ({0: (0, -2)}, "ascend"),
        ({0: (0, 1)}, "before −1"),
    ],
)
def test_bad_event_studies_are_refused(change, says):
    arguments = [change.get(i, GOOD[i]) for i in range(3)]
    with pytest.raises(InputError, match=says):
        EventCoefficients(*arguments)


def test_bad_calls_are_refused():
    e = EventCoefficients(*GOOD)
    for m in ([-1.0], [], [math.nan]):
        with pytest.raises(InputError, match="zero or above"):
            honest_relative_magnitudes(e, m)
    for target in ([1.0, 0.0], [0.0], [math.inf]):
        with pytest.raises(InputError, match="finite weights"):
            honest_relative_magnitudes(e, [1.0], target=target)
    with pytest.raises(InputError, match="alpha"):
        honest_smoothness(e, [1.0], alpha=1.5)
    with pytest.raises(InputError, match="neither flci nor c-lf"):
        honest_smoothness(e, [1.0], method="other")
