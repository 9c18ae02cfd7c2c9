"""Hidden active municipalities: the worst case against trying every case."""

import itertools

import numpy as np
import pandas as pd
import pytest

from evaluation import Panel, contrasts, hidden_active
from evaluation.estimation.few_treated.permutation import assignments


def one_treated(own, others):
    """One treated unit whose outcome changes by ``own``, controls by ``others``."""
    units = ["t", *(f"c{i}" for i in range(len(others)))]
    values = pd.DataFrame({2000: 0.0, 2001: 0.0, 2002: [own, *others]}, index=units)
    cohort = pd.Series([2002, *([0] * len(others))], index=units)
    return contrasts(Panel("y", values), cohort)


def run(c, sets=None, *, alpha=0.05, draws=999):
    sets = sets or [[0, *range(1, len(c.units))]]
    return hidden_active(c, assignments(sets, draws, seed=1), alpha=alpha)


def fewest(own, others):
    """Try every group of controls: the smallest whose leaving turns the sign."""
    start = np.sign(own - np.mean(others))
    for size in range(1, len(others)):
        for stay in itertools.combinations(others, len(others) - size):
            if np.sign(own - np.mean(stay)) != start:
                return size
    return None


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("own", [-2.0, -0.5, 0.4, 1.5])
def test_the_sign_is_lost_at_the_fewest_that_can_turn_it(seed, own):
    others = np.random.default_rng(seed).normal(size=9).round(2)
    found = run(one_treated(own, others))
    assert found.sign_lost_at == fewest(own, others)
    assert found.n_controls == 9
    if found.sign_lost_at is None:
        assert found.sign_share is None
    else:
        assert found.sign_share == found.sign_lost_at / 9


def test_both_outcomes_of_the_search_occur():
    assert run(one_treated(5.0, [0.0, 1.0, 2.0])).sign_lost_at is None
    # without the lowest the mean of the rest is 2.5 and the estimate -0.5
    assert run(one_treated(2.0, [-1.0, 2.0, 3.0])).sign_lost_at == 1


def test_an_estimate_of_exactly_zero_after_leaving_has_lost_its_sign():
    assert run(one_treated(2.0, [0.0, 2.0])).sign_lost_at == 1


@pytest.mark.parametrize(("seed", "by_hand"), [(2, 3), (3, None), (16, 1), (12, 6)])
def test_with_several_treated_by_brute_force(seed, by_hand):
    rng = np.random.default_rng(seed)
    units = list("abcdefghij")
    values = pd.DataFrame(rng.normal(size=(10, 5)), index=units, columns=range(2000, 2005))
    cohort = pd.Series(0, index=units)
    cohort[["a", "b"]] = [2002, 2003]
    panel = Panel("y", values)
    c = contrasts(panel, cohort)
    start = np.sign(c.estimate())

    def turns(size):
        """Whether some group of that size turns the sign by leaving."""
        return any(
            np.sign(contrasts(panel.select(["a", "b", *stay]), cohort).estimate()) != start
            for stay in itertools.combinations(units[2:], 8 - size)
        )

    fewest_found = next((size for size in range(1, 8) if turns(size)), None)
    assert fewest_found == by_hand
    assert run(c, [[0, 2, 3, 4, 5], [1, 6, 7, 8, 9]]).sign_lost_at == by_hand


def test_the_curve_starts_at_the_estimate_and_falls_towards_zero():
    c = one_treated(0.8, np.random.default_rng(1).normal(size=12))
    found = run(c)
    assert found.shares[0] == 0
    assert found.estimates[0] == pytest.approx(c.estimate())
    assert found.shares[:3] == pytest.approx((0, 1 / 12, 2 / 12))
    curve = np.array(found.estimates) * np.sign(c.estimate())
    assert (np.diff(curve) <= 1e-12).all()
    assert (curve[: found.sign_lost_at] > 0).all()
    assert curve[found.sign_lost_at] <= 0


def test_the_curve_is_the_estimate_without_those_that_left():
    others = [3.0, -1.0, 0.5, 2.0]
    found = run(one_treated(4.0, others))
    by_hand = [4 - np.mean(others), 4 - np.mean([3.0, 0.5, 2.0]), 4 - np.mean([3.0, 2.0]), 4 - 3.0]
    assert found.estimates == pytest.approx(by_hand)


def test_significance_cannot_be_lost_where_there_was_none():
    found = run(one_treated(0.1, [-1.0, 1.0, 0.5, -0.5]))
    assert found.p_at_start > 0.05
    assert found.significance_lost_at == 0
    assert found.significance_share == 0


def test_p_just_above_alpha_is_not_significant():
    found = run(one_treated(10.0, np.linspace(-1, 1, 15)))
    assert found.p_at_start == pytest.approx(1 / 16)
    assert found.significance_lost_at == 0


@pytest.mark.parametrize(("members", "lost_at"), [(20, 1), (21, 2), (25, 6)])
def test_significance_is_lost_when_too_few_are_left_to_compare_with(members, lost_at):
    """The real one is most extreme: p is one over the number left, and 1/19 is over 0.05."""
    found = run(one_treated(10.0, np.linspace(-1, 1, members - 1)))
    assert found.p_at_start == pytest.approx(1 / members)
    assert found.sign_lost_at is None
    assert found.significance_lost_at == lost_at
    assert found.significance_share == lost_at / (members - 1)


def test_significance_is_lost_by_brute_force():
    """Two sets; after each leaving the p-value over every remaining assignment."""
    rng = np.random.default_rng(2)
    change = rng.normal(size=16)
    change[[0, 8]] = [2.6, 2.4]
    units = [f"u{i}" for i in range(16)]
    values = pd.DataFrame({2000: 0.0, 2001: 0.0, 2002: change}, index=units)
    cohort = pd.Series(0, index=units)
    cohort[["u0", "u8"]] = 2002
    sets = [list(range(8)), list(range(8, 16))]
    found = run(contrasts(Panel("y", values), cohort), sets)

    def p_without(gone):
        stay = [i for i in range(16) if i not in gone]
        stats = []
        for pair in itertools.product(*[[i for i in s if i not in gone] for s in sets]):
            rest = [i for i in stay if i not in pair]
            stats.append(abs(change[list(pair)].mean() - change[rest].mean()))
        return np.mean([s >= stats[0] - 1e-9 for s in stats])

    worst_first = sorted((i for i in range(16) if i not in (0, 8)), key=lambda i: change[i])
    path = [p_without(worst_first[:m]) for m in range(14)]
    assert found.p_at_start == pytest.approx(path[0])
    assert path[0] <= 0.05
    assert found.significance_lost_at == next(m for m, p in enumerate(path) if p > 0.05)
    assert found.significance_lost_at > 1


def test_plain_types():
    found = run(one_treated(1.0, [0.0, 3.0, -2.0, 0.5])).to_dict()
    assert found["n_controls"] == 4
    assert found["curve"][0] == {"share": 0.0, "estimate": 1.0 - 1.5 / 4}
