"""The wild cluster bootstrap against refitting the whole regression for every draw."""

import itertools

import numpy as np
import pytest
from diff_diff.utils import wild_bootstrap_se
from test_cluster_robust import explicit, fitted, panel

from evaluation.errors import InputError
from evaluation.estimation.regression.cluster_robust import cr1
from evaluation.estimation.regression.least_squares import demean, least_squares
from evaluation.estimation.regression.wild_bootstrap import wild_cluster_bootstrap


def close(value, tolerance=1e-10):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def t_statistic(y, full, unit, null, n_parameters):
    """Fit with every dummy and return the CR1 t-statistic of the first column."""
    bread = np.linalg.inv(full.T @ full)
    beta = bread @ full.T @ y
    e = y - full @ beta
    groups = np.unique(unit)
    scores = np.array([full[unit == g].T @ e[unit == g] for g in groups])
    n, g = len(y), len(groups)
    factor = g / (g - 1) * (n - 1) / (n - n_parameters)
    return (beta[0] - null) / np.sqrt(factor * ((scores @ bread[0]) ** 2).sum())


def refitted(parts, signs, null=0.0, restricted=True):
    """Make every bootstrap sample in full and fit it in full."""
    y, full, unit = explicit(parts)
    k = 2 + 4 + 1
    if restricted:
        rest = full[:, 1:]
        shifted = y - null * full[:, 0]
        fit = rest @ np.linalg.lstsq(rest, shifted, rcond=None)[0]
        centre, residual, target = fit + null * full[:, 0], shifted - fit, null
    else:
        beta = np.linalg.lstsq(full, y, rcond=None)[0]
        centre, residual, target = full @ beta, y - full @ beta, beta[0]
    codes = np.unique(unit, return_inverse=True)[1]
    stars = [t_statistic(centre + v[codes] * residual, full, unit, target, k) for v in signs]
    return np.array(stars), t_statistic(y, full, unit, null, k)


def patterns(g):
    return np.array([[1 - 2 * ((i >> j) & 1) for j in range(g)] for i in range(2**g)], dtype=float)


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("null", [0.0, 0.7])
@pytest.mark.parametrize("weighted", [True, False])
def test_all_sign_patterns_by_refitting(restricted, null, weighted):
    parts = panel(weighted=weighted)
    stars, t = refitted(parts, patterns(8), null, restricted)
    ours = wild_cluster_bootstrap(fitted(parts), "treated", null=null, restricted=restricted)
    assert ours.enumerated
    assert ours.seed is None
    assert ours.statistic == close(t)
    assert ours.t_star == close(stars)
    extreme = np.abs(stars) >= abs(t) * (1 - 1e-9)
    # unrestricted, the sample is none of the patterns and is counted beside them
    beside = 0 if restricted else 1
    assert ours.p_value == (extreme.sum() + beside) / (len(stars) + beside)
    assert ours.std_error == cr1(fitted(parts)).std_error[0]


@pytest.mark.parametrize("multiplier", ["rademacher", "webb"])
@pytest.mark.parametrize("restricted", [True, False])
def test_random_draws_by_refitting(multiplier, restricted):
    """The signs are those that the documented stream gives: 256 draws to a stream."""
    parts = panel(n=10)
    draws, seed = 300, 7
    signs = []
    for block in range(2):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block,)))
        if multiplier == "webb":
            half = np.sqrt([0.5, 1.0, 1.5])
            points = np.concatenate([-half[::-1], half])
            signs.append(points[rng.integers(0, 6, size=(256, 10), dtype=np.uint8)])
        else:
            coins = rng.integers(0, 256, size=(256, 2), dtype=np.uint8)
            signs.append(1.0 - 2.0 * np.unpackbits(coins, axis=1)[:, :10])
    stars, t = refitted(parts, np.vstack(signs)[:draws], restricted=restricted)
    ours = wild_cluster_bootstrap(
        fitted(parts),
        "treated",
        multiplier=multiplier,
        restricted=restricted,
        draws=draws,
        seed=seed,
    )
    assert not ours.enumerated
    assert ours.t_star == close(stars)
    # a draw of the real signs gives the real statistic, up to how the refit rounds
    assert ours.p_value == (1 + (np.abs(stars) >= abs(t) * (1 - 1e-9)).sum()) / 301


def test_interval_is_where_the_refitted_test_turns():
    parts = panel(n=9, seed=4)
    ours = wild_cluster_bootstrap(fitted(parts), "treated", alpha=0.1)
    low, high = ours.conf_int
    assert np.isfinite([low, high]).all()

    def p(null):
        stars, t = refitted(parts, patterns(9), null)
        return (np.abs(stars) >= abs(t) * (1 - 1e-9)).mean()

    width = high - low
    assert p(low - 1e-6 * width) <= 0.1 < p(low + 1e-6 * width)
    assert p(high + 1e-6 * width) <= 0.1 < p(high - 1e-6 * width)


def test_unrestricted_interval_agrees_with_its_p_value():
    fit = fitted(panel(n=12))
    ours = wild_cluster_bootstrap(fit, "treated", restricted=False, draws=999)
    low, high = ours.conf_int
    for null, inside in ((low, True), (high, True), (low - 1e-6, False), (high + 1e-6, False)):
        step = 1e-9 * (high - low) if inside else 0.0
        at = null + (step if null == low else -step)
        p = wild_cluster_bootstrap(fit, "treated", restricted=False, draws=999, null=at).p_value
        assert (p > 0.05) == inside


def test_too_few_clusters_for_the_level_give_an_infinite_interval():
    """With four clusters the sample and its mirror are 2 of 16 patterns: p is never below 1/8."""
    ours = wild_cluster_bootstrap(fitted(panel(n=4, years=5, gaps=False)), "x")
    assert ours.conf_int == (-np.inf, np.inf)
    assert ours.p_value >= 1 / 8
    assert len(ours.t_star) == 16


def test_hand_computable_mean():
    """The mean of three clusters of one row, restricted at zero: only the signs of y change."""
    y = np.array([1.0, 2.0, 4.0])
    fit = least_squares(y, np.ones((3, 1)), np.arange(3), names=["mean"])
    ours = wild_cluster_bootstrap(fit, "mean")
    stars = []
    for v in itertools.product([1, -1], repeat=3):
        sample = y * v
        stars.append(sample.mean() / (sample.std(ddof=1) / np.sqrt(3)))
    assert sorted(ours.t_star) == close(sorted(stars))
    assert ours.p_value == 2 / 8


def test_seed_decides_and_the_number_of_draws_does_not_reshuffle():
    fit = fitted(panel(n=30))
    one = wild_cluster_bootstrap(fit, "treated", draws=999, seed=1)
    same = wild_cluster_bootstrap(fit, "treated", draws=999, seed=1)
    fewer = wild_cluster_bootstrap(fit, "treated", draws=700, seed=1)
    other = wild_cluster_bootstrap(fit, "treated", draws=999, seed=2)
    assert (one.t_star == same.t_star).all()
    assert one.conf_int == same.conf_int
    assert one.t_star[:700] == close(fewer.t_star, 1e-12)
    assert np.abs(one.t_star - other.t_star).max() > 0.1


def test_memory_chunks_do_not_change_the_numbers(monkeypatch):
    fit = fitted(panel(n=60))
    one = wild_cluster_bootstrap(fit, "treated", draws=500)
    monkeypatch.setattr("evaluation.estimation.regression.wild_bootstrap.CHUNK", 16)
    other = wild_cluster_bootstrap(fit, "treated", draws=500)
    assert one.t_star == close(other.t_star)
    assert one.p_value == other.p_value
    assert one.conf_int == close(other.conf_int, 1e-9)


def test_size_of_the_restricted_test():
    """Under a true null with ten clusters of ten the 10 % test keeps its level."""
    rejections = 0
    unit, year = np.repeat(np.arange(20), 5), np.tile(np.arange(5), 20)
    treated = ((unit < 10) & (year >= 2)).astype(float)[:, None]
    by_year = (year[:, None] == np.arange(1, 5)).astype(float)
    rng = np.random.default_rng(12)
    for _ in range(500):
        walk = rng.standard_normal((20, 5)).cumsum(axis=1).ravel()
        fit = least_squares(walk, treated, unit, names=["d"], nuisance=by_year, absorb=unit)
        rejections += wild_cluster_bootstrap(fit, "d", draws=199, alpha=0.1).p_value <= 0.1
    # three standard errors of 500 draws at 10 %
    assert 0.06 < rejections / 500 < 0.14


def test_the_library_says_the_same():
    """diff-diff on the same rows, which leaves the sample's own pattern and its mirror out.

    Both are at least as extreme as the sample, so they are 2 of 512 in p, and in the level.
    """
    parts = panel(weighted=False, n=9, seed=4)
    y, x, unit, by_year, _, _ = parts
    rows = demean(np.column_stack([y, x, by_year]), unit)
    theirs = wild_bootstrap_se(rows[:, 1:], rows[:, 0], rows[:, 0], unit, 0, n_bootstrap=999)
    ours = wild_cluster_bootstrap(fitted(parts), "treated", draws=999, alpha=0.05 + 2 / 512)
    assert len(ours.t_star) == 512
    assert ours.p_value == close(theirs.p_value + 2 / 512)
    assert ours.conf_int == close((theirs.ci_lower, theirs.ci_upper), 1e-6)


@pytest.mark.parametrize("restricted", [True, False])
def test_one_treated_cluster_gives_numbers(restricted):
    """No draw divides by zero; that the answer is worth little is said elsewhere."""
    unit, year = np.repeat(np.arange(40), 6), np.tile(np.arange(6), 40)
    treated = ((unit == 0) & (year >= 3)).astype(float)[:, None]
    by_year = (year[:, None] == np.arange(1, 6)).astype(float)
    y = np.random.default_rng(1).standard_normal(240)
    fit = least_squares(y, treated, unit, names=["d"], nuisance=by_year, absorb=unit)
    ours = wild_cluster_bootstrap(fit, "d", draws=999, restricted=restricted)
    assert 0 < ours.p_value <= 1
    assert ours.conf_int[0] < ours.estimate < ours.conf_int[1]
    assert not np.isnan(ours.t_star).any()


def test_refusals():
    parts = panel()
    fit = fitted(parts)
    with pytest.raises(InputError, match="no term 'z'; the model has treated, x"):
        wild_cluster_bootstrap(fit, "z")
    with pytest.raises(InputError, match="0 draws are too few"):
        wild_cluster_bootstrap(fit, "x", draws=0)
    with pytest.raises(InputError, match="'mammen' is not"):
        wild_cluster_bootstrap(fit, "x", multiplier="mammen")
    by_time = fitted(parts, parts[3] @ np.arange(1, 5))
    with pytest.raises(InputError, match="clusters that hold whole units"):
        wild_cluster_bootstrap(by_time, "x")
    with pytest.raises(InputError, match="residuals are zero"):
        least_squares(2 * parts[1][:, 1], parts[1][:, 1:], parts[2], names=["x"])
