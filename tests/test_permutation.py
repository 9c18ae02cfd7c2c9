"""Randomisation inference, against brute force that shares no code with it."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from evaluation import (
    Panel,
    aggregate,
    callaway_santanna,
    contrasts,
    permutation_test,
    two_way_fixed_effects,
)
from evaluation.errors import InputError
from evaluation.estimation.few_treated.contrasts import Contrasts, event_contrasts
from evaluation.estimation.few_treated.permutation import (
    assignments,
    free_assignments,
    matched_assignments,
    max_statistic_p,
    placebo_estimates,
)
from evaluation.estimation.few_treated.placebo_size import (
    analytic_errors,
    analytic_rejection_rate,
    twfe_rejection_rate,
)

YEARS = list(range(2010, 2018))


def example(seed=0, sets=((2012, 6), (2014, 5)), whole_numbers=False):
    """A panel of matched sets: the first unit of each adopts in the set's year."""
    rng = np.random.default_rng(seed)
    names = [[f"s{k}_{j}" for j in range(n)] for k, (_, n) in enumerate(sets)]
    units = [u for s in names for u in s]
    values = rng.normal(scale=3, size=(len(units), len(YEARS))).cumsum(axis=1)
    values = values.round() if whole_numbers else values
    cohort = pd.Series(0, index=units)
    for (year, _), s in zip(sets, names, strict=True):
        cohort[s[0]] = year
    return Panel("y", pd.DataFrame(values, index=units, columns=YEARS)), cohort, names


def columns(panel, names):
    """Return the sets as columns of the panel, in the order of the contrasts' slots."""
    place = {u: i for i, u in enumerate(panel.units)}
    return sorted([place[u] for u in s] for s in names)


def by_hand(values, slots):
    """Return the cohort aggregate, slot by slot, for units given as (row, first year)."""
    taken = [i for i, _ in slots]
    others = [i for i in range(len(values)) if i not in taken]
    effects = []
    for i, year in slots:
        post = [k for k, y in enumerate(YEARS) if y >= year]
        base = YEARS.index(year - 1)
        change = values[:, post].mean(axis=1) - values[:, base]
        effects.append(change[i] - change[others].mean())
    return float(np.mean(effects))


def run(panel, cohort, names, *, draws=9999, seed=1, alpha=0.05, picks=None):
    c = contrasts(panel, cohort, "cohort")
    like = aggregate(callaway_santanna(panel, cohort), "cohort")
    if picks is None:
        picks = assignments(columns(panel, names), draws, seed)
    return permutation_test(c, picks, seed=seed, alpha=alpha, like=like, mechanism="test")


# assignments


def test_all_other_assignments_are_listed_where_they_are_few():
    sets = [[0, 1, 2], [3, 4]]
    found = {tuple(map(int, a)) for a in assignments(sets, draws=5, seed=1)}
    assert found == set(itertools.product(*sets)) - {(0, 3)}


def test_more_assignments_than_draws_are_drawn():
    sets = [list(range(10)), list(range(10, 30))]
    found = assignments(sets, draws=150, seed=1)
    assert found.shape == (150, 2)
    assert set(found[:, 0]) <= set(sets[0])
    assert set(found[:, 1]) <= set(sets[1])
    assert (found == assignments(sets, draws=150, seed=1)).all()
    assert (found != assignments(sets, draws=150, seed=2)).any()


def test_drawn_members_are_equally_likely():
    sets = [list(range(10)), list(range(10, 30))]
    found = assignments(sets, draws=190, seed=1)
    many = np.vstack([assignments(sets, draws=190, seed=s) for s in range(100)])
    assert len(found) == 190
    for k, s in enumerate(sets):
        low, high = binom.ppf([1e-6, 1 - 1e-6], len(many), 1 / len(s))
        counts = np.array([(many[:, k] == unit).sum() for unit in s])
        assert (counts >= low).all()
        assert (counts <= high).all()


def test_free_assignments_are_ordered_and_without_repetition():
    found = {tuple(map(int, a)) for a in free_assignments(5, [0, 3], draws=99, seed=1)}
    assert found == set(itertools.permutations(range(5), 2)) - {(0, 3)}
    drawn = free_assignments(50, [0, 3], draws=99, seed=1)
    assert drawn.shape == (99, 2)
    assert (drawn[:, 0] != drawn[:, 1]).all()
    assert (drawn == free_assignments(50, [0, 3], draws=99, seed=1)).all()


# placebo estimates and p-value


def test_placebo_estimates_are_those_of_the_estimator():
    """Some placebo assignments, each fitted from scratch as if it were real."""
    panel, cohort, names = example(3)
    c = contrasts(panel, cohort, "cohort")
    picks = assignments(columns(panel, names), 99, 1)
    found = placebo_estimates(c, c.d, picks)
    for k in (0, 7, 19, 28):
        placebo = pd.Series(0, index=panel.units)
        for slot, unit in enumerate(picks[k]):
            placebo.iloc[unit] = c.years[slot]
        fitted = aggregate(callaway_santanna(panel, placebo), "cohort").estimate
        assert found[k] == pytest.approx(fitted, abs=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_p_value_by_brute_force(seed):
    panel, cohort, names = example(seed)
    values = panel.values.to_numpy()
    every = [
        by_hand(values, list(zip(chosen, (2012, 2014), strict=True)))
        for chosen in itertools.product(*columns(panel, names))
    ]
    found = run(panel, cohort, names)
    assert found.result.estimate == pytest.approx(every[0], abs=1e-10)
    assert np.sort(found.placebo) == pytest.approx(np.sort(every[1:]), abs=1e-10)
    share = np.mean([abs(v) >= abs(every[0]) - 1e-9 for v in every])
    assert found.result.p_value == pytest.approx(share, abs=1e-12)
    assert found.smallest_p == 1 / 30


def test_free_permutation_by_brute_force():
    panel, cohort, _ = example(4, sets=((2012, 3), (2014, 3)))
    c = contrasts(panel, cohort, "cohort")
    picks = free_assignments(len(c.units), c.slots, 99, 1)
    found = run(panel, cohort, None, picks=picks)
    values = panel.values.to_numpy()
    every = {
        chosen: by_hand(values, list(zip(chosen, (2012, 2014), strict=True)))
        for chosen in itertools.permutations(range(6), 2)
    }
    real = every[0, 3]
    share = np.mean([abs(v) >= abs(real) - 1e-9 for v in every.values()])
    assert found.result.p_value == pytest.approx(share, abs=1e-12)


def test_ties_count_against_the_finding():
    """A placebo as extreme as the real estimate is not less extreme, whatever the last digit."""
    assert 0.4 - 0.1 > 0.5 - 0.2  # the same change, but not to a computer
    rows = [[0.1, 0.1, 0.4], [0.2, 0.2, 0.5], *([[0.0, 0.0, 0.0]] * 4)]
    panel = Panel("y", pd.DataFrame(rows, index=list("abcdef"), columns=[2000, 2001, 2002]))
    cohort = pd.Series(dict.fromkeys("abcdef", 0) | {"a": 2002})
    found = run(panel, cohort, [list("abcdef")])
    assert found.result.p_value == 2 / 6


# interval


def p_at(delta, values, real, years, every):
    """Return p(delta): the effect taken out of the treated, then every assignment anew."""
    clean = values.copy()
    for i, year in zip(real, years, strict=True):
        clean[i, [k for k, y in enumerate(YEARS) if y >= year]] -= delta
    stats = [abs(by_hand(clean, list(zip(a, years, strict=True)))) for a in every]
    own = abs(by_hand(clean, list(zip(real, years, strict=True))))
    return np.mean([s >= own - 1e-9 for s in stats])


@pytest.mark.parametrize(("seed", "alpha"), [(0, 0.05), (1, 0.05), (2, 0.1), (3, 0.2)])
def test_interval_is_the_inverted_test(seed, alpha):
    panel, cohort, names = example(seed)
    values, every = panel.values.to_numpy(), list(itertools.product(*columns(panel, names)))
    low, high = run(panel, cohort, names, alpha=alpha).result.conf_int
    assert np.isfinite([low, high]).all()
    width = high - low
    for delta in np.linspace(low - width / 2, high + width / 2, 62):
        p = p_at(delta, values, every[0], (2012, 2014), every)
        assert (p > alpha) == (low <= delta <= high), delta
    # right at the bounds, which a grid may miss
    step = 1e-6
    for bound, inward in ((low, step), (high, -step)):
        assert p_at(bound + inward, values, every[0], (2012, 2014), every) > alpha
        assert p_at(bound - inward, values, every[0], (2012, 2014), every) <= alpha


def test_interval_without_matching_is_the_inverted_test():
    """Free assignments move the treated to each other's slots, where an effect counts in part."""
    panel, cohort, _ = example(6, sets=((2012, 3), (2014, 3)))
    every = [(0, 3), *(a for a in itertools.permutations(range(6), 2) if a != (0, 3))]
    found = run(panel, cohort, None, alpha=0.1, picks=np.array(every[1:])).result
    low, high = found.conf_int
    values = panel.values.to_numpy()
    for delta in np.linspace(low - 5, high + 5, 81):
        p = p_at(delta, values, every[0], (2012, 2014), every)
        assert (p > 0.1) == (low <= delta <= high), delta


def test_too_few_assignments_give_no_interval_and_say_so():
    panel, cohort, names = example(0, sets=((2012, 8),))
    found = run(panel, cohort, names)
    assert found.result.conf_int == (-np.inf, np.inf)
    assert found.smallest_p == 1 / 8
    assert any("only 8 assignments" in n and "0.125" in n for n in found.result.notes)
    assert found.result.to_dict()["conf_int"] == [None, None]


def test_just_enough_assignments_give_an_interval():
    """Twenty assignments can reach p = 0.05 and no lower; nineteen cannot."""
    panel, cohort, names = example(0, sets=((2012, 20),))
    assert np.isfinite(run(panel, cohort, names).result.conf_int).all()
    assert run(panel, cohort, names).result.notes == ()
    panel, cohort, names = example(0, sets=((2012, 19),))
    assert np.isinf(run(panel, cohort, names).result.conf_int).all()


def test_the_same_seed_gives_the_same_numbers():
    panel, cohort, names = example(8, sets=((2012, 12), (2014, 12), (2015, 12)))
    first, again = (run(panel, cohort, names, draws=199, seed=3) for _ in range(2))
    other = run(panel, cohort, names, draws=199, seed=4)
    assert first.result == again.result
    assert (first.placebo == again.placebo).all()
    assert (first.placebo != other.placebo).any()
    assert first.result.seed == 3
    assert len(first.placebo) == 199


def test_what_the_result_says_about_itself():
    panel, cohort, names = example(0)
    found = run(panel, cohort, names).result
    assert found.inference == "permutation: test"
    assert found.std_error is None
    assert (found.n_units, found.n_treated_units, found.n_obs) == (11, 2, 88)
    assert found.data_hash == panel.hash()


# properties


problems = st.builds(
    example,
    seed=st.integers(0, 10_000),
    sets=st.sampled_from(
        [((2012, 21),), ((2011, 5), (2015, 6)), ((2013, 4), (2013, 4), (2016, 4)), ((2017, 7),)]
    ),
    whole_numbers=st.booleans(),
)


@settings(max_examples=40)
@given(problems, st.sampled_from([0.05, 0.1, 0.25]))
def test_p_is_a_probability_and_the_estimate_lies_in_its_interval(problem, alpha):
    found = run(*problem, alpha=alpha).result
    low, high = found.conf_int
    assert 0 < found.p_value <= 1
    assert low - 1e-9 <= found.estimate <= high + 1e-9
    # test and interval say the same about no effect
    if not (abs(low) < 1e-9 or abs(high) < 1e-9):
        assert (found.p_value > alpha) == (low <= 0 <= high)


@settings(max_examples=30)
@given(problems, st.randoms(use_true_random=False))
def test_the_order_of_units_changes_nothing(problem, random):
    panel, cohort, names = problem
    turned = panel.units
    random.shuffle(turned)
    first = run(panel, cohort, names).result
    second = run(panel.select(turned), cohort, names).result
    assert second.estimate == pytest.approx(first.estimate, abs=1e-9)
    assert second.p_value == first.p_value
    assert second.conf_int == pytest.approx(first.conf_int, abs=1e-9)


@settings(max_examples=30)
@given(problems, st.floats(-50, 50))
def test_a_constant_effect_shifts_estimate_and_interval_by_itself(problem, effect):
    panel, cohort, names = problem
    g = cohort[panel.units].to_numpy()[:, None]
    post = (g > 0) & (np.array(YEARS) >= g)
    moved = Panel("y", panel.values + effect * post)
    first, second = run(panel, cohort, names).result, run(moved, cohort, names).result
    assert second.estimate == pytest.approx(first.estimate + effect, abs=1e-8)
    shifted = [b + effect for b in first.conf_int]
    assert second.conf_int == pytest.approx(shifted, abs=1e-8)


# several aggregates at once


def test_joint_test_of_the_years_before_by_brute_force():
    panel, cohort, names = example(5)
    before = {e: c for e, c in event_contrasts(panel, cohort).items() if e < 0}
    picks = assignments(columns(panel, names), 999, 1)
    statistic, p, spread = max_statistic_p(before, picks)
    real, placebo = [], []
    for e in before:
        taken = [u for u in panel.units if cohort[u] > 0]
        fitted = []
        for chosen in [[panel.units.index(u) for u in taken], *picks]:
            values = panel.values.to_numpy()
            others = [i for i in range(len(values)) if i not in list(chosen)]
            effects = []
            for i, year in zip(chosen, (2012, 2014), strict=True):
                if year + e - 1 >= YEARS[0]:
                    now, base = YEARS.index(year + e), YEARS.index(year + e - 1)
                    change = values[:, now] - values[:, base]
                    effects.append(change[i] - change[others].mean())
            fitted.append(np.mean(effects))
        scale = np.std(fitted[1:])
        real.append(abs(fitted[0]) / scale)
        placebo.append(np.abs(fitted[1:]) / scale)
        assert spread[e] == pytest.approx(tuple(np.quantile(fitted[1:], [0.025, 0.975])))
    assert statistic == pytest.approx(max(real))
    reached = (np.max(placebo, axis=0) >= max(real) - 1e-9).sum()
    assert p == pytest.approx((1 + reached) / (1 + len(picks)))


def test_ties_count_against_the_finding_in_the_joint_test_too():
    rows = [[0.1, 0.4, 0.4], [0.2, 0.5, 0.5], *([[0.0, 0.0, 0.0]] * 4)]
    panel = Panel("y", pd.DataFrame(rows, index=list("abcdef"), columns=[2000, 2001, 2002]))
    cohort = pd.Series(dict.fromkeys("abcdef", 0) | {"a": 2002})
    before = {-1: event_contrasts(panel, cohort)[-1]}
    assert max_statistic_p(before, np.arange(1, 6)[:, None])[1] == 2 / 6


# the analytic error and its real size


@pytest.mark.parametrize(
    "sets",
    [
        ((2012, 6), (2014, 5)),
        ((2012, 5), (2012, 5), (2012, 5), (2015, 4)),
        ((2013, 7), (2013, 7)),
        ((2016, 9),),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_analytic_errors_are_the_estimators(sets, seed):
    """For the real assignment and for placebos, several treated per cohort among them."""
    panel, cohort, names = example(seed, sets=sets)
    c = contrasts(panel, cohort, "cohort")
    picks = np.vstack([[list(c.slots)], assignments(columns(panel, names), 99, 1)[[0, 2]]])
    found = analytic_errors(c, picks)
    for k, pick in enumerate(picks):
        placebo = pd.Series(0, index=panel.units)
        placebo.iloc[pick] = c.years
        fitted = aggregate(callaway_santanna(panel, placebo), "cohort")
        assert found[k] == pytest.approx(fitted.std_error, abs=1e-10)


def test_rejection_rates_count_intervals_without_zero():
    """Placebo studies by refitting: the really treated units are in none of them."""
    panel, cohort, names = example(2)
    c = contrasts(panel, cohort, "cohort")
    picks = assignments(columns(panel, names), 99, 1)
    untreated = [u for u in panel.units if cohort[u] == 0]
    rejected = {"cs": [], "twfe": []}
    for pick in picks:
        chosen = [panel.units[i] for i in pick]
        if not set(chosen) <= set(untreated):
            continue
        placebo = pd.Series(0, index=untreated)
        placebo[chosen] = c.years
        among = panel.select(untreated)
        found = {
            "cs": aggregate(callaway_santanna(among, placebo), "cohort"),
            "twfe": two_way_fixed_effects(among, placebo),
        }
        for name, e in found.items():
            rejected[name].append(not e.conf_int[0] <= 0 <= e.conf_int[1])
    cs, twfe = np.mean(rejected["cs"]), np.mean(rejected["twfe"])
    assert 0 < cs < 1
    assert 0 < twfe < 1
    assert analytic_rejection_rate(c, picks, 0.05) == pytest.approx(cs)
    assert twfe_rejection_rate(panel, c, picks, 0.05) == pytest.approx(twfe)


@pytest.mark.parametrize("method", ["cs", "twfe"])
def test_rejection_rates_at_every_level(method):
    """Between any two p-values of the refitted studies the rate is the share below."""
    panel, cohort, names = example(3)
    c = contrasts(panel, cohort, "cohort")
    picks = assignments(columns(panel, names), 99, 1)
    among = panel.select([u for u in panel.units if cohort[u] == 0])
    p = []
    for chosen in itertools.product(*[s[1:] for s in names]):
        placebo = pd.Series(0, index=among.units)
        placebo[list(chosen)] = c.years
        if method == "cs":
            p.append(aggregate(callaway_santanna(among, placebo), "cohort").p_value)
        else:
            p.append(two_way_fixed_effects(among, placebo).p_value)
    p = np.sort(p)
    for below, alpha in enumerate((p[1:] + p[:-1]) / 2, start=1):
        found = (
            analytic_rejection_rate(c, picks, alpha)
            if method == "cs"
            else twfe_rejection_rate(panel, c, picks, alpha)
        )
        assert found == pytest.approx(below / len(p), abs=1e-12)


def test_no_rejection_rate_without_a_placebo_study():
    panel, cohort, _ = example(2)
    c = contrasts(panel, cohort, "cohort")
    real = np.array([list(c.slots)])
    assert np.isnan(analytic_rejection_rate(c, real, 0.05))
    assert np.isnan(twfe_rejection_rate(panel, c, real, 0.05))


def test_permutation_keeps_its_level_where_the_analytic_test_does_not():
    """Four treated of 124, smaller units noisier, nothing happens: who cries wolf how often.

    In each draw one unit of every matched set is treated at random, so the permutation test
    has exactly the level 5 %: with 399 assignments drawn beside the real one, p ≤ 0.05 where
    the real estimate is among the 20 most extreme of 400.
    """
    rng = np.random.default_rng(20171205)
    simulations, n_sets, n, years = 2000, 4, 31, 12
    adoption = [4, 6, 7, 9]
    units = n_sets * n
    size = np.sort(rng.lognormal(9.5, 1.0, units))
    scale = 400 / np.sqrt(size)
    sets = [list(range(k * n, (k + 1) * n)) for k in range(n_sets)]
    t = np.arange(years)
    a = np.array([(t >= g) / (t >= g).sum() - (t == g - 1) for g in adoption])
    lam = np.full(n_sets, 1 / n_sets)
    like = run(*example(0)).result  # names and counts only
    permutation = analytic = 0
    for i in range(simulations):
        steps = rng.normal(size=(units, years)) * scale[:, None]
        y = steps.cumsum(axis=1) + rng.normal(size=(1, years)).cumsum(axis=1)
        slots = tuple(int(rng.choice(s)) for s in sets)
        c = Contrasts(
            units=tuple(map(str, range(units))),
            slots=slots,
            years=tuple(adoption),
            weight=lam,
            d=a @ y.T,
            b=np.zeros((n_sets, units)),
        )
        picks = assignments(sets, 399, i)
        found = permutation_test(c, picks, seed=i, like=like, mechanism="test").result
        permutation += found.p_value <= 0.05
        error = analytic_errors(c, np.array([slots]))[0]
        analytic += abs(found.estimate) > norm.ppf(0.975) * error
    low, high = binom.ppf([0.0005, 0.9995], simulations, 0.05)
    assert low <= permutation <= high
    assert analytic / simulations > 0.10


def test_matched_sets_in_any_order_give_the_same_assignments():
    """The order of sets is the user's; the order of slots is the panel's."""
    panel, cohort, names = example(2)
    c = contrasts(panel, cohort, "cohort")
    found = matched_assignments(c, names[::-1], 99, 1)
    assert found.tolist() == assignments(columns(panel, names), 99, 1).tolist()


def test_sets_that_do_not_begin_with_the_treated_are_refused():
    panel, cohort, names = example(2)
    c = contrasts(panel, cohort, "cohort")
    for wrong in (names[1:], [s[::-1] for s in names]):
        with pytest.raises(InputError, match="begin with a treated unit"):
            matched_assignments(c, wrong, 99, 1)
