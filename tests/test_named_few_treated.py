"""Conley–Taber, Ferman–Pinto, randomisation on t, conformal: by hand, by brute force, by others."""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import nnls
from scipy.stats import binom

from evaluation import InputError, Panel, aggregate, callaway_santanna, contrasts
from evaluation.estimation.did.aggregation import ESTIMANDS, event_study
from evaluation.estimation.did.imputation import imputation, two_stage
from evaluation.estimation.did.saturated import extended_two_way, sun_abraham
from evaluation.estimation.did.two_way import two_way_fixed_effects
from evaluation.estimation.few_treated.auto import auto_inference
from evaluation.estimation.few_treated.coefficients import linear_estimator
from evaluation.estimation.few_treated.collapsed import collapse, sampling_variance
from evaluation.estimation.few_treated.conformal import conformal
from evaluation.estimation.few_treated.conley_taber import conley_taber
from evaluation.estimation.few_treated.ferman_pinto import ferman_pinto, variance_line
from evaluation.estimation.few_treated.permutation import (
    assignments,
    free_assignments,
    placebo_estimates,
)
from evaluation.estimation.few_treated.placebo_size import analytic_errors
from evaluation.estimation.few_treated.placebo_test import PlaceboTest
from evaluation.estimation.few_treated.randomisation import (
    randomisation_t,
    size_class_assignments,
    size_classes,
    welch_errors,
)
from evaluation.estimation.few_treated.simulation import Cell, cell_studies
from evaluation.estimation.few_treated.welch import welch

THEIRS = json.loads(
    (Path(__file__).parent / "reference" / "statspai_few_treated.json").read_text("utf-8")
)
YEARS = list(range(2000, 2009))


def example(treated=((0, 2004), (3, 2006)), units=20, seed=1):
    """A panel of random walks and the cohorts of some of its units."""
    rng = np.random.default_rng(seed)
    names = [f"u{i:02d}" for i in range(units)]
    values = rng.normal(size=(units, len(YEARS))).cumsum(axis=1)
    cohort = pd.Series(0, index=names)
    for i, year in treated:
        cohort.iloc[i] = year
    return Panel("y", pd.DataFrame(values, index=names, columns=YEARS)), cohort


def collapsed(panel, cohort, **kw):
    return collapse(panel.values.to_numpy(), linear_estimator(panel, cohort, **kw))


def by_formula():
    """The panel of the reference file."""
    i, t = np.arange(24)[:, None], np.arange(8)[None, :]
    size = 10.0 + 7 * ((5 * np.arange(24)) % 24)
    y = np.sin(3 * i + t**2) * np.sqrt(0.3 + 20 / size)[:, None] + np.cos(i) * 2 + 0.1 * t
    names = [f"u{k:02d}" for k in range(24)]
    cohort = pd.Series(0, index=names)
    cohort.iloc[4] = 2005
    panel = Panel("y", pd.DataFrame(y, index=names, columns=range(2000, 2008)))
    return panel, cohort, size


# linear estimators with weights and anticipation


@pytest.mark.parametrize("anticipation", [0, 2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("estimate", "linear", "options"),
    [
        (callaway_santanna, "cs", {}),
        (callaway_santanna, "cs", {"control_group": "not_yet_treated"}),
        (sun_abraham, "cs", {}),
        (imputation, "imputation", {}),
        (two_stage, "imputation", {}),
        (extended_two_way, "imputation", {}),
    ],
)
def test_linear_form_of_every_aggregate(estimate, linear, options, weighted, anticipation):
    panel, cohort = example(((0, 2004), (3, 2006), (5, 2008), (7, 2004)))
    weights = pd.Series(np.linspace(0.4, 3, 20), index=cohort.index) if weighted else None
    more = options | {"anticipation": anticipation, "weights": weights}
    gt = estimate(panel, cohort, **more)
    y = panel.values.to_numpy()
    for estimand in ESTIMANDS:
        est = linear_estimator(panel, cohort, method=linear, estimand=estimand, **more)
        assert float(est.estimate(y)) == pytest.approx(aggregate(gt, estimand).estimate, abs=1e-10)
        assert est.control_share.sum() == pytest.approx(1)
    by_time = event_study(gt, draws=9)
    for e, value in zip(by_time.event_time, by_time.estimate, strict=True):
        if estimate is callaway_santanna and not options:
            est = linear_estimator(panel, cohort, estimand=f"event:{e}", **more)
            assert float(est.estimate(y)) == pytest.approx(value, abs=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
def test_linear_form_of_two_way(weighted):
    panel, cohort = example()
    weights = pd.Series(np.linspace(0.4, 3, 20), index=cohort.index) if weighted else None
    est = linear_estimator(panel, cohort, method="twfe", weights=weights)
    theirs = two_way_fixed_effects(panel, cohort, weights=weights).estimate
    assert float(est.estimate(panel.values.to_numpy())) == pytest.approx(theirs, abs=1e-12)


def test_an_event_time_that_later_cohorts_serve_as_comparison_for_is_refused():
    """Their rows would be lost: the number would silently be another one."""
    panel, cohort = example(((0, 2004), (3, 2008)))
    est = linear_estimator(panel, cohort, estimand="event:1", control_group="not_yet_treated")
    with pytest.raises(InputError, match="that do not reach it serve as a comparison"):
        collapse(panel.values.to_numpy(), est)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"anticipation": -1}, "zero or more"),
        ({"anticipation": 4}, "leave cohort 2004 no pre-period"),
        ({"anticipation": 1, "method": "twfe"}, "twfe takes none"),
        ({"weights": pd.Series({"u00": 1.0})}, "unit u01 has no weight above zero"),
    ],
)
def test_bad_linear_estimators(options, says):
    with pytest.raises(InputError, match=says):
        linear_estimator(*example(), **options)


def test_controls_variance_and_its_degrees_of_freedom():
    """Against the quadratic form written out, units by units."""
    panel, cohort = example()
    for weights in (None, pd.Series(np.linspace(0.2, 5, 20), index=cohort.index)):
        c = collapsed(panel, cohort, weights=weights)
        variance, df = c.control_variance()
        k = c.estimator.control_share
        centre = np.eye(len(k)) - k[None, :]
        form = centre.T @ np.diag(k**2 / c.leverage) @ centre
        assert df == pytest.approx(np.trace(form) ** 2 / np.trace(form @ form))
        # unbiased: its mean is the variance of the weighted mean, where variances are equal
        assert np.trace(form) == pytest.approx(k @ k)
        raw = panel.values.to_numpy()[c.estimator.controls] @ (
            c.estimator.weight @ c.estimator.profile
        )
        assert variance[0] == pytest.approx(raw @ form @ raw)
    assert collapsed(panel, cohort).control_variance()[1] == pytest.approx(17)


def test_constant_weights_change_nothing():
    panel, cohort = example()
    same = pd.Series(7.0, index=cohort.index)
    size = pd.Series(np.linspace(10, 90, 20), index=cohort.index)
    for sizes in (None, size):
        ours = auto_inference(panel, cohort, size=sizes, weights=same).result
        plain = auto_inference(panel, cohort, size=sizes).result
        assert ours.estimate == pytest.approx(plain.estimate, abs=1e-12)
        assert ours.p_value == pytest.approx(plain.p_value, abs=1e-12)
        assert ours.conf_int == pytest.approx(plain.conf_int)


# Conley–Taber


def test_conley_taber_by_hand():
    """One treated unit: its change against the changes of four others, 1, 2, 3, 6."""
    values = [[0, 9], [0, 1], [0, 2], [0, 3], [0, 6]]
    panel = Panel("y", pd.DataFrame(values, index=list("abcde"), columns=[2000, 2001], dtype=float))
    test = conley_taber(collapsed(panel, pd.Series([2001, 0, 0, 0, 0], index=list("abcde"))))
    assert test.estimate.tolist() == [6]
    assert test.placebo.tolist() == [[-2, -1, 0, 3]]
    assert test.p_value().tolist() == [1 / 5]
    assert test.p_value(3.0).tolist() == [2 / 5]  # 3 is as far as 6 - 3
    assert test.p_value(4.5).tolist() == [3 / 5]
    assert test.smallest_p == 1 / 5
    # nulls with p above 0.4: fewer than two placebos are as far out beyond 2
    assert test.half_width(0.4).tolist() == [2]
    assert test.half_width(0.1).tolist() == [np.inf]


def test_conley_taber_is_that_of_another_package():
    panel, cohort, _ = by_formula()
    test = conley_taber(collapsed(panel, cohort, method="twfe"))
    theirs = THEIRS["conley_taber"]
    assert test.estimate[0] == pytest.approx(theirs["estimate"], abs=1e-12)
    assert test.placebo[0] == pytest.approx(theirs["placebo"], abs=1e-12)
    further = np.sum(np.abs(theirs["placebo"]) >= abs(theirs["estimate"]))
    assert test.p_value()[0] == (1 + further) / 24


def test_conley_taber_lists_all_pairs_of_controls():
    panel, cohort = example()
    c = collapsed(panel, cohort)
    test = conley_taber(c, draws=400)
    g = {2004: c.own[c.which[0], 0], 2006: c.own[c.which[1], 0]}
    every = [(a + b) / 2 for a in g[2004] for b in g[2006]]
    assert np.sort(test.placebo[0]) == pytest.approx(np.sort(every))
    assert "all 324" in test.convention


def test_draws_are_those_of_the_seed_for_one_panel_and_for_many():
    panel, cohort = example()
    est = linear_estimator(panel, cohort)
    rng = np.random.default_rng(3)
    many = np.concatenate([panel.values.to_numpy()[None], rng.normal(size=(4, 20, 9))])
    size = np.linspace(10, 90, 20)
    for run in (
        lambda c, seed: conley_taber(c, draws=300, seed=seed),
        lambda c, seed: ferman_pinto(c, size, draws=600, seed=seed),
    ):
        together, alone = run(collapse(many, est), 1), run(collapse(many[0], est), 1)
        assert together.placebo[0] == pytest.approx(alone.placebo[0], abs=1e-12)
        assert together.p_value()[0] == alone.p_value()[0]
        assert (run(collapse(many, est), 2).placebo != together.placebo).any()
    # fewer draws are the first of more
    more = ferman_pinto(collapse(many, est), size, draws=900, seed=1).placebo[:, :600]
    assert more == pytest.approx(together.placebo, abs=1e-12)


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.31])
def test_the_interval_inverts_the_test(alpha):
    test = conley_taber(collapsed(*example()), draws=200, seed=4)
    half = test.half_width(alpha)[0]
    centre = test.estimate[0]
    for side in (-1, 1):
        assert test.p_value(centre + side * half * (1 - 1e-6))[0] > alpha
        assert test.p_value(centre + side * half * (1 + 1e-6))[0] <= alpha


# Ferman–Pinto


def test_variance_line_is_the_constrained_minimum():
    rng = np.random.default_rng(2)
    h = rng.uniform(0.2, 4, size=30)
    rows = np.concatenate(
        [rng.exponential(size=(20, 30)), 0.1 * h + 2 / h + 0 * rng.normal(size=(5, 30)),
         np.maximum(h - 1, 0)[None]]
    )  # fmt: skip
    a, b = variance_line(rows, h)
    for k, row in enumerate(rows):
        theirs = nnls(np.column_stack([np.ones(30), h]), row)[0]
        assert (a[k], b[k]) == pytest.approx(tuple(theirs), abs=1e-9)
    assert (a[20], b[20]) == (pytest.approx(rows[20].mean()), 0)
    assert a[25] == 0
    # sizes that do not vary: a constant
    a, b = variance_line(rows[:1], np.ones(30))
    assert (a[0], b[0]) == (pytest.approx(rows[0].mean()), 0)


def test_ferman_pintos_variance_function_is_that_of_another_package():
    panel, cohort, size = by_formula()
    c = collapsed(panel, cohort, method="twfe")
    h = sampling_variance(size, c.estimator.profile[0])
    a, b = variance_line(c.own[0] ** 2, h[c.estimator.controls])
    theirs = THEIRS["ferman_pinto"]
    assert a[0] == pytest.approx(theirs["variance"]["A"], abs=1e-12)
    assert b[0] * h[4] == pytest.approx(theirs["variance"]["B"] / size[4], abs=1e-12)
    scale = np.sqrt((a[0] + b[0] * h[4]) / (a[0] + b[0] * h[c.estimator.controls]))
    assert c.own[0, 0] * scale == pytest.approx(theirs["placebo"], abs=1e-12)


def test_ferman_pinto_draws_have_the_variance_of_the_formula():
    panel, cohort = example(units=60)
    size = np.concatenate([[4.0] * 4, np.linspace(10, 200, 56)])
    c = collapsed(panel, cohort)
    test = ferman_pinto(c, size, draws=40_000, seed=1)
    expected = 0.0
    est, parts = c.estimator, []
    for s in range(2):
        residual = c.own[c.which[s], 0]
        h = sampling_variance(size, est.profile[s])
        a, b = variance_line(residual[None] ** 2, h[est.controls])
        sd = np.sqrt(a + b * h)
        z = residual / sd[est.controls]
        expected += est.weight[s] ** 2 * sd[est.treated[s]] ** 2 * z.var()
        parts.append(est.weight[s] * sd[est.treated[s]] * z.mean())
    h = sampling_variance(size, est.weight @ est.profile)
    a, b = variance_line(c.composite**2, h[est.controls])
    sd = np.sqrt(a + b * h)[est.controls]
    z = c.composite[0] / sd
    expected += (sd**2).sum() * z.var() / len(sd) ** 2
    assert test.placebo.var() == pytest.approx(expected, rel=0.03)
    mean = sum(parts) - sd.mean() * z.mean()
    assert test.placebo.mean() == pytest.approx(mean, abs=4 * np.sqrt(expected / 40_000))


@pytest.mark.parametrize(
    ("law", "who", "ct", "fp"),
    [
        ("equal", "random", (3.5, 6.5), (3.5, 6.5)),
        ("size", "small", (10, 30), (3.5, 8.5)),
        ("size", "large", (0, 0.5), (1.5, 5.0)),
    ],
)
def test_levels_without_effect(law, who, ct, fp):
    """Where they hold and where they fail, as the methods text says (2,000 studies)."""
    size = np.exp(np.random.default_rng(5).normal(9.5, 1, size=200))
    p: tuple[list, list] = ([], [])
    for est, y in cell_studies(Cell(200, 4, law, who, "staggered", 0.5), size, draws=2000, seed=9):
        c = collapse(y, est)
        p[0].append(conley_taber(c, draws=499).p_value())
        p[1].append(ferman_pinto(c, size, draws=499).p_value())
    levels = [100 * float((np.concatenate(x) <= 0.05).mean()) for x in p]
    assert ct[0] <= levels[0] <= ct[1]
    assert fp[0] <= levels[1] <= fp[1]


def test_too_few_controls_or_draws():
    panel, cohort = example(units=6, treated=((0, 2004), (1, 2004), (2, 2004), (3, 2004)))
    c = collapsed(panel, cohort)
    with pytest.raises(InputError, match="three never-treated"):
        ferman_pinto(c, np.ones(6))
    for run in (lambda: conley_taber(c, draws=0), lambda: ferman_pinto(c, np.ones(6), draws=0)):
        with pytest.raises(InputError, match="0 draws are too few"):
            run()


def test_placebos_that_tie_count():
    test = PlaceboTest(np.array([0.3]), np.array([[0.1 + 0.2, -0.3, 0.0]]), "")
    assert test.p_value()[0] == 3 / 4


# randomisation on t


def t_by_hand(values, slots):
    """Return estimate and Welch error of the cohort aggregate, units given as (row, year)."""
    taken = [i for i, _ in slots]
    others = [i for i in range(len(values)) if i not in taken]
    effects, composite = [], 0
    for i, year in slots:
        post = [k for k, y in enumerate(YEARS) if y >= year]
        change = values[:, post].mean(axis=1) - values[:, YEARS.index(year - 1)]
        effects.append(change[i] - change[others].mean())
        composite = composite + change / len(slots)
    own = np.var(effects, ddof=1) / len(slots)
    return np.mean(effects), np.sqrt(own + np.var(composite[others], ddof=1) / len(others))


def run_t(panel, cohort, picks, **kw):
    like = aggregate(callaway_santanna(panel, cohort), "cohort")
    c = contrasts(panel, cohort, "cohort")
    return randomisation_t(c, picks, seed=1, like=like, mechanism="test", **kw)


@pytest.mark.parametrize("seed", range(4))
def test_randomisation_on_t_by_brute_force(seed):
    panel, cohort = example(units=7, seed=seed)
    c = contrasts(panel, cohort, "cohort")
    found = run_t(panel, cohort, free_assignments(7, c.slots, 999, 1))
    values = panel.values.to_numpy()
    every = {
        pick: t_by_hand(values, list(zip(pick, (2004, 2006), strict=True)))
        for pick in itertools.permutations(range(7), 2)
    }
    estimate, error = every.pop((0, 3))
    assert found.result.estimate == pytest.approx(estimate)
    assert found.result.std_error == pytest.approx(error)
    t = np.array([a / b for a, b in every.values()])
    assert np.sort(found.placebo) == pytest.approx(np.sort(t))
    share = (1 + np.sum(np.abs(t) >= abs(estimate / error) - 1e-9)) / 42
    assert found.result.p_value == pytest.approx(share)
    assert found.smallest_p == 1 / 42


def test_the_interval_on_t_is_the_test_with_the_effect_taken_out():
    panel, cohort = example(units=12)
    c = contrasts(panel, cohort, "cohort")
    picks = free_assignments(12, c.slots, 999, 1)
    alpha = 0.1
    low, high = run_t(panel, cohort, picks, alpha=alpha).result.conf_int
    g = cohort.to_numpy()
    post = (g[:, None] > 0) & (np.array(YEARS)[None, :] >= g[:, None])

    def p(effect):
        moved = panel.values - effect * post
        return run_t(Panel("y", moved), cohort, picks).result.p_value

    gap = 1e-6 * (high - low)
    assert p(low + gap) > alpha >= p(low - gap)
    assert p(high - gap) > alpha >= p(high + gap)


def test_welch_errors_are_those_of_the_collapsed_panel():
    """For real and placebo assignments, and unequal weights."""
    panel, cohort = example(((0, 2004), (3, 2006), (5, 2004)))
    for estimand in ("cohort", "simple"):
        c = contrasts(panel, cohort, estimand)
        for pick in (c.slots, (7, 9, 2)):
            placebo = pd.Series(0, index=cohort.index)
            placebo.iloc[list(pick)] = c.years
            theirs = welch(collapsed(panel, placebo, estimand=estimand))
            assert welch_errors(c, np.array([pick]))[0] == pytest.approx(theirs.std_error[0])


def test_one_treated_unit_takes_the_controls_error():
    panel, cohort = example(((0, 2004),))
    c = contrasts(panel, cohort, "cohort")
    picks = free_assignments(20, c.slots, 99, 1)
    found = run_t(panel, cohort, picks, studentise="analytic")
    assert found.result.std_error == pytest.approx(analytic_errors(c, np.array([c.slots]))[0])
    with pytest.raises(InputError, match="one treated unit shows no variance"):
        run_t(panel, cohort, picks)


def test_refusals_of_randomisation_on_t():
    panel, cohort = example()
    c = contrasts(panel, cohort, "cohort")
    picks = free_assignments(20, c.slots, 99, 1)
    with pytest.raises(InputError, match="is not welch or analytic"):
        run_t(panel, cohort, picks, studentise="hc3")
    with pytest.raises(InputError, match="no other assignment"):
        run_t(panel, cohort, picks[:0])
    few = run_t(panel, cohort, picks[:9]).result
    assert few.conf_int == (-np.inf, np.inf)
    assert "only 10 assignments" in few.notes[-1]


# classes of size


def test_size_classes():
    assert size_classes(np.array([1.0, 2, 3, 4, 5, 6, 7]), 3).tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert size_classes(np.array([2.0, 2, 2, 1]), 2).tolist() == [0, 0, 0, 0]


def test_all_assignments_within_classes_are_listed():
    panel, cohort = example(units=7)  # treated: columns 0 and 3
    c = contrasts(panel, cohort, "cohort")
    size = pd.Series([1.0, 2, 3, 10, 11, 12, 13], index=cohort.index)
    found = size_class_assignments(c, size, 2, 99, 1)
    # seven units in two classes: the four smallest, the three largest; both treated are small
    wanted = set(itertools.permutations(range(4), 2)) - {(0, 3)}
    assert {tuple(map(int, a)) for a in found} == wanted
    assert len(found) == len(wanted)
    size.iloc[3] = 20.0
    found = size_class_assignments(c, size, 2, 99, 1)
    small = [0, 1, 2, 4]
    wanted = set(itertools.product(small, [3, 5, 6])) - {(0, 3)}
    assert {tuple(map(int, a)) for a in found} == wanted


def test_drawn_assignments_stay_in_their_class_and_are_equally_likely():
    panel, cohort = example(((0, 2004), (3, 2006), (399, 2006)), units=400)
    c = contrasts(panel, cohort, "cohort")
    size = pd.Series(np.arange(400.0), index=cohort.index)
    found = size_class_assignments(c, size, 4, 20_000, 1)
    assert found.shape == (20_000, 3)
    assert (found[:, :2] < 100).all()
    assert (found[:, 2] >= 300).all()
    assert (found[:, 0] != found[:, 1]).all()
    low, high = binom.ppf([1e-6, 1 - 1e-6], len(found), 0.01)
    for slot, first in ((0, 0), (1, 0), (2, 300)):
        counts = np.bincount(found[:, slot] - first, minlength=100)
        assert ((counts >= low) & (counts <= high)).all()
    assert (found == size_class_assignments(c, size, 4, 20_000, 1)).all()
    with pytest.raises(InputError, match="401 classes are not possible"):
        size_class_assignments(c, size, 401, 99, 1)
    with pytest.raises(InputError, match="unit u02 has no size"):
        size_class_assignments(c, size.drop("u02"), 4, 99, 1)


def test_one_class_is_free_assignment():
    panel, cohort = example(units=6)
    c = contrasts(panel, cohort, "cohort")
    size = pd.Series(1.0, index=cohort.index)
    ours = size_class_assignments(c, size, 1, 99, 1)
    theirs = free_assignments(6, c.slots, 99, 1)
    assert {tuple(a) for a in ours.tolist()} == {tuple(a) for a in theirs.tolist()}


def test_studentised_randomisation_keeps_its_level_better_when_the_treated_are_small():
    """Four treated units of three times the standard deviation: 600 studies."""
    rng = np.random.default_rng(8)
    beta, t = [], []
    names = [f"u{i}" for i in range(24)]
    cohort = pd.Series([2004] * 4 + [0] * 20, index=names)
    picks = assignments([[k, *range(4 + 5 * k, 9 + 5 * k)] for k in range(4)], 199, 1)
    for _ in range(600):
        values = rng.normal(size=(24, 9)) * np.r_[[3.0] * 4, [1.0] * 20][:, None]
        c = contrasts(Panel("y", pd.DataFrame(values, index=names, columns=YEARS)), cohort)
        real = np.array([c.slots])
        both = np.vstack([real, picks])
        error = welch_errors(c, both)
        b = placebo_estimates(c, c.d, both)
        beta.append((np.abs(b) >= abs(b[0]) - 1e-12).mean() <= 0.05)
        z = np.abs(b / error)
        t.append((z >= z[0] - 1e-12).mean() <= 0.05)
    assert np.mean(beta) > 0.25
    assert np.mean(t) < 0.12


# conformal


def one_unit(effect=0.0, seed=0, years=24, first=18, units=12):
    rng = np.random.default_rng(seed)
    names = [f"u{i}" for i in range(units)]
    frame = pd.DataFrame(rng.normal(size=(units, years)), names, range(2000, 2000 + years))
    frame.iloc[0, first:] += effect
    return Panel("y", frame), names[1:], 2000 + first


def test_conformal_by_hand():
    """Four years, the last treated, controls all zero: residuals 0, 1, 2, 5 less their mean."""
    frame = pd.DataFrame([[0.0, 1, 2, 5], [0, 0, 0, 0]], ["a", "b"], [2000, 2001, 2002, 2003])
    found = conformal(Panel("y", frame), "a", 2003, ["b"], alpha=0.25)
    assert found.residual.tolist() == [-2, -1, 0, 3]
    assert found.result.estimate == 4
    assert found.result.p_value == 1 / 4
    assert found.smallest_p == 1 / 4
    # with δ out: 0, 1, 2, 5−δ less their mean (8−δ)/4; the last is largest unless its
    # distance |3 − 3δ/4| is below the first's, 2 − δ/4, or the third's, δ/4: between 2 and 6
    low, high = found.result.conf_int
    assert low == pytest.approx(2, abs=1e-6)
    assert high == pytest.approx(6, abs=1e-6)


def test_conformal_by_brute_force():
    panel, controls, first = one_unit(1.0, years=9, first=6)
    gap = panel.values.loc["u0"] - panel.values.loc[controls].mean()
    u = (gap - gap.mean()).to_numpy()
    for kind, sets in (
        ("moving_block", [[(j + k) % 9 for j in (6, 7, 8)] for k in range(9)]),
        ("iid", list(itertools.combinations(range(9), 3))),
    ):
        found = conformal(panel, "u0", first, controls, permutations=kind, alpha=0.2)
        s = np.array([np.abs(u[list(k)]).sum() for k in sets])
        real = np.abs(u[6:]).sum()
        assert found.result.p_value == pytest.approx((s >= real - 1e-12).mean())
        assert found.smallest_p == 1 / len(sets)


@pytest.mark.parametrize("proxy", ["mean", "synthetic"])
@pytest.mark.parametrize("kind", ["moving_block", "iid"])
def test_the_conformal_interval_inverts_its_test(proxy, kind):
    panel, controls, first = one_unit(4.0)
    found = conformal(panel, "u0", first, controls, proxy=proxy, permutations=kind, draws=999)
    low, high = found.result.conf_int
    assert low < 4 < high
    gap = 1e-5 * (high - low)
    for inside, outside in ((low + gap, low - gap), (high - gap, high + gap)):
        p = []
        for effect in (inside, outside):
            moved = panel.values.copy()
            moved.loc["u0", first:] -= effect
            again = conformal(
                Panel("y", moved), "u0", first, controls, proxy=proxy, permutations=kind, draws=999
            )
            p.append(again.result.p_value)
        assert p[0] > 0.05 >= p[1]


def test_conformal_keeps_its_level_without_effect():
    """Independent errors: exact, 1 of 20 at most, in 1,000 studies."""
    reject = 0
    for seed in range(1000):
        panel, controls, first = one_unit(seed=seed, years=20, first=15, units=6)
        reject += conformal(panel, "u0", first, controls).result.p_value <= 0.05
    assert binom.ppf(1e-4, 1000, 0.05) <= reject <= binom.ppf(1 - 1e-4, 1000, 0.05)


def test_a_level_that_the_permutations_cannot_give_is_refused():
    panel, controls, first = one_unit(years=15, first=10)
    with pytest.raises(InputError, match=r"smallest p-value of all 15 cyclic shifts is 0\.067"):
        conformal(panel, "u0", first, controls)
    assert conformal(panel, "u0", first, controls, alpha=0.1).result.alpha == 0.1
    assert conformal(panel, "u0", first, controls, permutations="iid").result.p_value > 0


def test_a_side_that_is_never_rejected_is_unbounded():
    """More treated years than others: a large effect would spoil the fit of the others more."""
    panel, controls, first = one_unit(years=24, first=8)
    assert conformal(panel, "u0", first, controls).result.conf_int == (-np.inf, np.inf)


def test_effects_given_by_hand():
    panel, controls, first = one_unit(4.0)
    found = conformal(panel, "u0", first, controls, grid=[-10, 0, 3, 4, 5, 30])
    accepted = [e for e, p in zip(found.grid, found.p_values, strict=True) if p > 0.05]
    assert found.result.conf_int == (accepted[0], accepted[-1])
    assert -10 not in accepted
    assert 4 in accepted


def test_no_constant_effect_fits():
    """A treated stretch that swings: no interval, and the note says why."""
    panel, controls, first = one_unit()
    moved = panel.values.copy()
    moved.loc["u0", first:] += np.resize([40.0, -40.0], 6)
    found = conformal(Panel("y", moved), "u0", first, controls, permutations="iid").result
    assert found.p_value <= 2 / 10_000
    assert found.conf_int == (-np.inf, np.inf)
    assert "every constant effect is rejected" in found.notes[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"unit": "x"}, "unit x is not in the panel"),
        ({"controls": ["u0", "u1"]}, "must be other units"),
        ({"controls": []}, "must be other units"),
        ({"first_year": 2000}, "leaves no year before or after"),
        ({"first_year": 2099}, "leaves no year before or after"),
        ({"proxy": "lasso"}, "is not mean or synthetic"),
        ({"permutations": "block"}, "is not moving_block or iid"),
        ({"power": 0.0}, "must be above zero"),
        ({"draws": 0}, "0 draws are too few"),
        ({"grid": [1.0]}, "two or more, ascending"),
        ({"grid": [50.0, 60.0]}, "every effect on the grid is rejected"),
    ],
)
def test_refusals_of_conformal(change, says):
    panel, controls, first = one_unit()
    call = {"unit": "u0", "first_year": first, "controls": controls} | change
    with pytest.raises(InputError, match=says):
        conformal(panel, **call)


def test_a_unit_that_equals_its_controls_is_refused():
    frame = pd.DataFrame(np.tile(np.arange(24.0), (3, 1)), list("abc"), range(2000, 2024))
    for proxy, says in (("mean", "the residuals are zero"), ("synthetic", "do not differ")):
        with pytest.raises(InputError, match=says):
            conformal(Panel("y", frame), "a", 2018, ["b", "c"], proxy=proxy)
