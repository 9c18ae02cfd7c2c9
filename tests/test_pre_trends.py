"""Pre-trends: the joint tests, their power, and what passing them does to the estimate."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, multivariate_normal, norm

from evaluation import InputError, Panel, callaway_santanna
from evaluation.data.files import balanced_panel, read_table
from evaluation.estimation.diagnostics.event_coefficients import (
    EventCoefficients,
    event_coefficients,
)
from evaluation.estimation.diagnostics.pre_trends import (
    pre_trends_permutation,
    pre_trends_test_check,
    pre_trends_wald,
)
from evaluation.estimation.diagnostics.pre_trends_power import (
    mean_if_passed,
    power_against,
    pre_trends_power,
    pre_trends_power_check,
)
from evaluation.estimation.few_treated.contrasts import event_contrasts
from evaluation.estimation.few_treated.permutation import free_assignments

HERE = Path(__file__).parent / "reference"
R = json.loads((HERE / "pretrends.json").read_text(encoding="utf-8"))
E = EventCoefficients(tuple(R["event_time"]), np.array(R["beta"]), np.array(R["sigma"]))


def test_slope_detected_half_the_time_is_that_of_the_authors_package():
    found = pre_trends_power(E, (0.5,))
    assert found.slope[0] == pytest.approx(R["slope_50"], abs=1e-6)
    assert found.trend[0] == pytest.approx(R["trend"], abs=1e-6)


def test_means_after_pre_testing_are_those_of_the_authors_package():
    moved = mean_if_passed(E, R["slope_50"] * (np.array(R["event_time"]) + 1.0))
    assert moved == pytest.approx(R["mean_after_pretesting"], abs=1e-6)


def test_power_against_a_quadratic_trend():
    trend = R["quadratic"] * (np.array(R["event_time"]) + 1.0) ** 2
    assert power_against(E, trend) == pytest.approx(R["quadratic_power"], abs=2e-6)


def test_one_coefficient_before_adoption_by_hand():
    """P(|N(2, 1)| > 1.96), and the mean of a normal truncated to ±1.96."""
    e = EventCoefficients((-2, 0), np.zeros(2), np.array([[1.0, 0.5], [0.5, 1.0]]))
    z = norm.ppf(0.975)
    assert power_against(e, np.array([2.0, 0.0])) == pytest.approx(
        norm.sf(z - 2) + norm.cdf(-z - 2)
    )
    moved = mean_if_passed(e, np.array([2.0, 0.0]))
    inside = norm.cdf(z - 2) - norm.cdf(-z - 2)
    push = (norm.pdf(-z - 2) - norm.pdf(z - 2)) / inside
    assert moved == pytest.approx([2 + push, 0.5 * push])


def test_means_after_pre_testing_by_simulation():
    rng = np.random.default_rng(1)
    trend = 0.06 * (np.array(R["event_time"]) + 1.0)
    draws = rng.multivariate_normal(trend, E.sigma, size=400_000)
    z = norm.ppf(0.975) * np.sqrt(np.diag(E.sigma))[: E.n_pre]
    passed = draws[(np.abs(draws[:, : E.n_pre]) <= z).all(axis=1)]
    error = passed.std(axis=0) / np.sqrt(len(passed))
    assert (np.abs(mean_if_passed(E, trend) - passed.mean(axis=0)) <= 4 * error).all()
    assert power_against(E, trend) == pytest.approx(1 - len(passed) / len(draws), abs=0.004)


@pytest.mark.parametrize("n", [2, 4, 6])
def test_power_is_the_normal_integral(n):
    """Against scipy's adaptive integration, which is exact to 1e-5 here."""
    rng = np.random.default_rng(n)
    a = rng.normal(size=(n + 1, n + 4))
    e = EventCoefficients((*range(-n - 1, -1), 0), np.zeros(n + 1), a @ a.T)
    trend = rng.normal(size=n + 1) * 2
    half = norm.ppf(0.975) * np.sqrt(np.diag(e.sigma))[:n]
    inside = multivariate_normal.cdf(
        half, trend[:n], e.sigma[:n, :n], lower_limit=-half, abseps=1e-6, maxpts=2_000_000
    )
    assert power_against(e, trend) == pytest.approx(1 - inside, abs=2e-5)
    assert power_against(e, trend, seed=7) == pytest.approx(1 - inside, abs=2e-5)


def test_coefficients_that_move_as_one_count_once():
    sigma = np.eye(3)
    sigma[:2, :2] = 1.0
    e = EventCoefficients((-3, -2, 0), np.zeros(3), sigma)
    assert power_against(e, np.zeros(3)) == pytest.approx(0.05, abs=1e-4)


def test_passing_changes_nothing_after_adoption_where_errors_are_independent():
    e = EventCoefficients((-3, -2, 0, 1), np.zeros(4), np.diag([1.0, 2.0, 3.0, 1.0]))
    trend = np.array([-1.0, -0.5, 0.5, 1.0])
    moved = mean_if_passed(e, trend)
    assert moved[2:] == pytest.approx(trend[2:])
    assert (np.abs(moved[:2]) < np.abs(trend[:2])).all()


def test_more_power_needs_a_steeper_trend_and_the_power_is_kept():
    found = pre_trends_power(E, (0.3, 0.8, 0.95))
    assert (np.diff(found.slope) > 0).all()
    for power, trend in zip(found.power, found.trend, strict=True):
        assert power_against(E, trend) == pytest.approx(power, abs=1e-4)


def test_wald_by_hand():
    sigma = np.eye(3)
    sigma[0, 1] = sigma[1, 0] = 0.5
    e = EventCoefficients((-3, -2, 0), np.array([1.0, 1.0, 9.0]), sigma)
    found = pre_trends_wald(e)
    assert found.statistic == pytest.approx(4 / 3)  # (1, 1) [1 .5; .5 1]^-1 (1, 1)'
    assert found.p_value == pytest.approx(chi2.sf(4 / 3, 2))
    assert found.df == 2


@pytest.fixture(scope="module")
def mpdta():
    table = read_table(HERE / "mpdta.csv")
    panel = balanced_panel(table, unit="county", time="year", outcome="lemp")
    return panel, table.groupby("county")["first_treat"].first().astype(int)


def test_wald_does_not_depend_on_the_base(mpdta):
    """The one-year steps are a linear map of the long differences of one cohort."""
    panel, cohort = mpdta
    one = cohort.where(cohort.isin([0, 2007]), 0)
    gt = callaway_santanna(panel, one)
    before = np.array(gt.period) < 2007
    b = np.array(gt.estimate)[before]
    psi = gt.influence[:, before]
    w = b @ np.linalg.solve(psi.T @ psi, b)
    assert pre_trends_wald(event_coefficients(gt)).statistic == pytest.approx(w, rel=1e-9)


def test_wald_keeps_its_level_with_many_treated():
    rng = np.random.default_rng(3)
    cohort = pd.Series(np.repeat([0, 2005], 100), index=[f"u{i}" for i in range(200)])
    rejected = 0
    for _ in range(150):
        y = rng.normal(size=(200, 6))
        panel = Panel("y", pd.DataFrame(y, index=cohort.index, columns=range(2001, 2007)))
        found = pre_trends_wald(event_coefficients(callaway_santanna(panel, cohort)))
        assert found.notes == ()
        rejected += found.p_value <= 0.05
    # three Monte Carlo errors
    assert rejected / 150 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)


def few(jump=0.0):
    rng = np.random.default_rng(2)
    y = rng.normal(size=(30, 7))
    y[:2, 2:] += jump
    units = [f"u{i}" for i in range(30)]
    cohort = pd.Series(0, index=units)
    cohort.iloc[:2] = 2005
    return Panel("y", pd.DataFrame(y, index=units, columns=range(2000, 2007))), cohort


def test_with_few_treated_the_wald_check_does_not_decide():
    panel, cohort = few()
    found = pre_trends_wald(event_coefficients(callaway_santanna(panel, cohort), first=-3))
    assert "permutation" in found.notes[-1]
    check = pre_trends_test_check(found)
    assert check.passed is None
    assert "cannot be trusted" in check.text_en


@pytest.mark.parametrize(("jump", "passes"), [(0.0, True), (8.0, False)])
def test_permutation_finds_a_jump_before_adoption(jump, passes):
    panel, cohort = few(jump)
    parts = event_contrasts(panel, cohort)
    picks = free_assignments(30, parts[0].slots, draws=500, seed=1)
    found = pre_trends_permutation(parts, picks, data_hash=panel.hash())
    check = pre_trends_test_check(found)
    assert check.passed is passes
    assert found.df == 4
    assert found.n_treated_units == 2
    assert "permutationstest" in check.text_sv


def test_check_of_power():
    found = pre_trends_power(E, (0.8,))
    check = pre_trends_power_check(found)
    after = np.array(E.event_time) >= 0
    assert check.threshold == pytest.approx(found.mean_if_passed[0][after].mean())
    assert check.statistic == pytest.approx(E.beta[after].mean())
    assert check.passed is bool(check.statistic > check.threshold)
    assert "80" in check.text_sv
    large = replace(E, beta=E.beta + 1)
    assert (pre_trends_power(large, (0.8,)).observed == large.beta).all()
    assert pre_trends_power_check(replace(found, observed=large.beta)).passed is True
    # the same trend downwards would make an estimate below zero
    assert pre_trends_power_check(replace(found, observed=-large.beta)).passed is True


def test_plain_types():
    found = pre_trends_power(E, (0.5,))
    rows = json.loads(json.dumps(found.to_dict()))["rows"]
    assert len(rows) == len(found.tidy()) == 7
    assert rows[0]["power"] == 0.5
    wald = pre_trends_wald(E)
    assert json.loads(json.dumps(wald.to_dict()))["df"] == 3
    assert wald.tidy().shape[0] == 1


def test_bad_calls_are_refused():
    with pytest.raises(InputError, match="own size"):
        pre_trends_power(E, (0.05,))
    with pytest.raises(InputError, match="alpha"):
        pre_trends_power(E, alpha=0.0)
    with pytest.raises(InputError, match="never passes"):
        mean_if_passed(E, 100.0 * np.ones(7))
    singular = replace(E, sigma=np.outer(np.ones(7), np.ones(7)) + 1e-15 * np.eye(7))
    with pytest.raises(InputError, match="singular"):
        pre_trends_wald(singular)
    panel, cohort = few()
    after = {k: c for k, c in event_contrasts(panel, cohort).items() if k >= 0}
    with pytest.raises(InputError, match="two years before"):
        pre_trends_permutation(after, np.array([[2, 3]]))
