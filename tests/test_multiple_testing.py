"""Several outcomes at once: by hand, against the definitions, and on simulated nulls."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation import InputError, Panel, contrasts, permutation_test
from evaluation.estimation.did.aggregation import aggregate
from evaluation.estimation.did.callaway_santanna import callaway_santanna
from evaluation.estimation.few_treated.permutation import free_assignments
from evaluation.estimation.robustness.adjusted_p_values import (
    benjamini_hochberg,
    holm,
    romano_wolf,
)
from evaluation.estimation.robustness.multiple_testing import adjust_outcomes, multiple_testing

DRAWS = np.array([[1.0, -2.0, 0.1], [2.0, 0.5, 0.2], [-3.5, 0.5, 0.3], [0.2, 1.5, -0.9]])


def test_romano_wolf_by_hand():
    # sorted: 3 (first), 1.2 (second), 0.25 (third)
    # step 1: maxima over all three 2, 2, 3.5, 1.5 -> one of four reaches 3: 2/5
    # step 2: without the first 2, .5, .5, 1.5 -> two reach 1.2: 3/5
    # step 3: the third alone .1, .2, .3, .9 -> two reach .25: 3/5
    p = romano_wolf([-3.0, 1.2, 0.25], DRAWS, studentize=False)
    assert p.tolist() == pytest.approx([2 / 5, 3 / 5, 3 / 5])


def test_romano_wolf_never_lets_a_smaller_statistic_have_the_smaller_p():
    # alone the second would have 1/5; the first, with more noise, has 3/5 and leads
    draws = np.array([[5.0, 0.1], [4.0, 0.1], [0.1, 0.1], [0.1, 0.1]])
    assert romano_wolf([3.0, 2.9], draws, studentize=False).tolist() == [3 / 5, 3 / 5]


def test_the_same_outcome_twice_costs_nothing_with_romano_wolf_and_double_with_holm():
    draws = np.random.default_rng(1).normal(size=(199, 1)) @ np.ones((1, 2))
    found = multiple_testing(["a", "b"], [2.4, 2.4], draws, inference="test")
    assert found.romano_wolf == found.p_value
    assert found.holm[0] == pytest.approx(2 * found.p_value[0])


def test_one_outcome_is_left_as_it_is():
    draws = np.random.default_rng(2).normal(size=(99, 1))
    found = multiple_testing(["a"], [1.7], draws, inference="test")
    assert found.p_value == found.holm == found.benjamini_hochberg == found.romano_wolf


def test_units_of_measurement_do_not_matter():
    draws = np.random.default_rng(3).normal(size=(199, 3))
    real = np.array([1.5, -2.2, 0.4])
    scale = np.array([1.0, 1000.0, 1e-4])
    assert romano_wolf(real * scale, draws * scale) == pytest.approx(romano_wolf(real, draws))


def test_holm_and_benjamini_hochberg_by_hand():
    p = [0.01, 0.02, 0.03, 0.5]
    assert holm(p).tolist() == pytest.approx([0.04, 0.06, 0.06, 0.5])
    assert benjamini_hochberg(p).tolist() == pytest.approx([0.04, 0.04, 0.04, 0.5])


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_adjusted_p_values_lie_where_they_must(seed, k):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(60, 1))
    draws = rng.normal(size=(60, k)) + rng.uniform(0, 3) * shared
    real = rng.normal(size=k) * 2
    found = multiple_testing([str(i) for i in range(k)], real, draws, inference="test")
    p, rw = np.array(found.p_value), np.array(found.romano_wolf)
    assert (rw >= p - 1e-12).all()
    assert (rw <= 1).all()
    # Romano and Wolf: never worse than the one-step maximum (Westfall and Young)
    scale = np.sqrt((real**2 + (draws**2).sum(axis=0)) / 61)
    largest = np.abs(draws / scale).max(axis=1)
    one_step = (1 + (largest[:, None] >= np.abs(real / scale) - 1e-9).sum(axis=0)) / 61
    assert (rw <= one_step + 1e-12).all()
    assert (np.array(found.benjamini_hochberg) <= np.array(found.holm) + 1e-12).all()
    # the order of the outcomes changes nothing
    turn = rng.permutation(k)
    assert romano_wolf(real[turn], draws[:, turn]) == pytest.approx(rw[turn])


def test_a_false_rejection_is_as_rare_as_promised():
    # every null true, outcomes correlated: the smallest adjusted p is below 0.1 in 10 % of draws
    rng = np.random.default_rng(20)
    n = 2000
    hits = 0
    for _ in range(n):
        sample = rng.normal(size=(100, 1)) + rng.normal(size=(100, 4))
        hits += romano_wolf(sample[0], sample[1:]).min() <= 0.1
    # 10 % of the hundred rows, by symmetry between the real one and the others
    assert hits / n == pytest.approx(0.10, abs=4 * np.sqrt(0.1 * 0.9 / n))


def wide(values):
    return pd.DataFrame(values, index=list("abcdef"), columns=[2000, 2001, 2002])


@pytest.fixture
def family():
    rng = np.random.default_rng(5)
    cohort = pd.Series({"a": 2001, "b": 2002} | dict.fromkeys("cdef", 0))
    panels = {k: Panel(k, wide(rng.normal(size=(6, 3)))) for k in ("work", "study")}
    return panels, cohort


def test_outcomes_share_their_assignments_and_keep_their_own_p_values(family):
    panels, cohort = family
    parts = {k: contrasts(p, cohort) for k, p in panels.items()}
    picks = free_assignments(6, parts["work"].slots, 99, seed=1)
    found = adjust_outcomes(parts, picks, seed=1, mechanism="any unit")
    assert found.n_draws == len(picks) == 29
    for k, name in enumerate(found.outcome):
        like = aggregate(callaway_santanna(panels[name], cohort), "cohort")
        alone = permutation_test(parts[name], picks, seed=1, like=like, mechanism="any unit").result
        assert found.statistic[k] == pytest.approx(alone.estimate)
        assert found.p_value[k] == alone.p_value
    assert list(found.tidy().columns[:3]) == ["outcome", "statistic", "p_value"]
    assert found.to_dict()["rows"][0]["outcome"] == "work"


def test_the_check_names_what_drops_out():
    draws = np.random.default_rng(6).normal(size=(999, 4))
    found = multiple_testing(
        ["arbete", "studier", "kvar", "kostnad"], [5.0, 2.1, 0.1, 0.2], draws, inference="test"
    )
    check = found.check()
    assert check.passed is False
    assert check.text_sv.startswith("2 av 4 utfall är signifikanta var för sig, 1 när alla")
    assert check.text_sv.endswith("studier faller bort.")
    assert check.text_en.endswith("studier no longer.")
    nothing = multiple_testing(["a"], [0.1], draws[:, :1], inference="test").check()
    assert nothing.passed is None


@pytest.mark.parametrize("p", [[], [0.1, float("nan")], [1.2], [-0.1], [[0.1]]])
def test_bad_p_values_are_refused(p):
    with pytest.raises(InputError, match="p_values"):
        holm(p)


@pytest.mark.parametrize(
    ("real", "draws", "says"),
    [
        ([1.0], np.ones((5, 2)), "one column per hypothesis"),
        ([1.0], np.ones((0, 1)), "one row per draw"),
        ([np.inf], np.ones((5, 1)), "finite"),
        ([1.0], np.full((5, 1), np.nan), "finite"),
        ([1.0, 0.0], np.array([[1.0, 0.0]]), "hypothesis 2 is zero"),
    ],
)
def test_bad_draws_are_refused(real, draws, says):
    with pytest.raises(InputError, match=says):
        romano_wolf(real, draws)


def test_outcomes_that_differ_in_units_are_refused(family):
    panels, cohort = family
    one = contrasts(panels["work"], cohort)
    two = contrasts(panels["study"].select(list("abcde")), cohort)
    with pytest.raises(InputError, match="study and work differ"):
        adjust_outcomes({"work": one, "study": two}, np.array([[2, 3]]), seed=1, mechanism="m")
    with pytest.raises(InputError, match="at least one outcome"):
        adjust_outcomes({}, np.array([[2, 3]]), seed=1, mechanism="m")
    with pytest.raises(InputError, match="2 names for 1 statistics"):
        multiple_testing(["a", "b"], [1.0], np.ones((3, 1)), inference="m")
