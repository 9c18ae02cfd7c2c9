"""Miscoded stances: the analytic bound, simulation, and every group of miscoded treated."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from evaluation import InputError, Panel, contrasts, hidden_active
from evaluation.estimation.diagnostics.misclassification import (
    attenuation,
    misclassification_check,
    simulate_hidden_active,
)
from evaluation.estimation.diagnostics.miscoded_treated import _extreme_group, miscoded_treated
from evaluation.estimation.few_treated.permutation import free_assignments


def study(effect, *, treated=4, controls=36, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    n = treated + controls
    units = [f"u{i}" for i in range(n)]
    y = rng.normal(scale=noise, size=(n, 6))
    y[:treated, 3:] += effect
    cohort = pd.Series([2013] * treated + [0] * controls, index=units)
    panel = Panel("y", pd.DataFrame(y, index=units, columns=range(2010, 2016)))
    c = contrasts(panel, cohort)
    return panel, cohort, c, free_assignments(n, c.slots, draws=199, seed=1)


@pytest.mark.parametrize(
    ("hidden", "miscoded"), [(0.0, 0.0), (0.25, 0.0), (0.2, 0.25), (0.5, 0.25)]
)
def test_the_bound_is_what_miscoding_leaves_without_noise(hidden, miscoded):
    """Twenty controls and four treated, an effect of 3 where units are truly active."""
    units = [f"u{i}" for i in range(24)]
    y = pd.DataFrame(0.0, index=units, columns=range(2010, 2014))
    truly = [*units[round(4 * miscoded) : 4], *units[4 : 4 + round(20 * hidden)]]
    y.loc[truly, [2012, 2013]] = 3.0
    cohort = pd.Series([2012] * 4 + [0] * 20, index=units)
    estimate = contrasts(Panel("y", y), cohort).estimate()
    found = attenuation(estimate, hidden, miscoded)
    assert estimate == pytest.approx(3 * found.factor)
    assert found.corrected == pytest.approx(3)
    assert found.sign_lost_share == 1 - miscoded


def test_without_noise_leaving_out_the_hidden_restores_the_effect():
    units = [f"u{i}" for i in range(12)]
    y = pd.DataFrame(0.0, index=units, columns=range(2010, 2014))
    y.loc[units[:2], [2012, 2013]] = 3.0
    cohort = pd.Series([2012] * 2 + [0] * 10, index=units)
    c = contrasts(Panel("y", y), cohort)
    picks = free_assignments(12, c.slots, draws=50, seed=0)
    found = simulate_hidden_active(c, picks, [0.3], draws=20)
    assert (found.mean, found.low, found.high) == ((3.0,), (3.0,), (3.0,))
    assert found.sign_lost == (0.0,)


def test_random_hiding_does_not_bias_but_adverse_hiding_does():
    *_, c, picks = study(1.5)
    shares = [0.1, 0.3, 0.5]
    random = simulate_hidden_active(c, picks, shares, draws=400)
    adverse = simulate_hidden_active(c, picks, shares, who="adverse", draws=400)
    start = c.estimate()
    for mean, low, high in zip(random.mean, random.low, random.high, strict=True):
        # the spread over 400 draws, generously a third of the 5-95 % range, over its root
        assert mean == pytest.approx(start, abs=4 * (high - low) / 3 / 20)
    assert (np.diff([start, *adverse.mean]) < 0).all()
    assert (np.array(adverse.mean) < random.mean).all()


def test_the_worst_case_bounds_the_adverse_draws():
    *_, c, picks = study(0.6, seed=3)
    adverse = simulate_hidden_active(c, picks, [0.1, 0.25, 0.5], who="adverse", draws=100)
    worst = hidden_active(c, picks, alpha=0.05)
    curve = dict(zip([round(s * 36) for s in worst.shares], worst.estimates, strict=True))
    for share, low in zip(adverse.share, adverse.low, strict=True):
        if round(share * 36) in curve:
            assert low >= curve[round(share * 36)] - 1e-12
    # all of the adverse half hidden is the worst case itself
    assert adverse.mean[2] == pytest.approx(curve.get(18, adverse.mean[2]))
    assert adverse.high[2] == pytest.approx(adverse.low[2])


def test_significance_goes_where_there_are_too_few_left():
    """Five times alpha's inverse is needed: with one in ten hidden 36 of 40 are left, and so on."""
    *_, c, picks = study(6.0, treated=1, controls=39, noise=0.1)
    found = simulate_hidden_active(c, picks, [0.2, 0.6], draws=20)
    # alone, the real one is the most extreme of those left: 1/32 and 1/17
    assert found.significance_lost == (0.0, 1.0)
    assert found.lost_at("significance") == 0.6
    assert found.lost_at("sign") is None
    none = simulate_hidden_active(*study(0.0, treated=1, controls=39)[2:], [0.1], draws=5)
    assert none.p_value > 0.05
    assert none.lost_at("significance") == 0


def test_the_same_seed_gives_the_same_draws_and_shares_do_not_touch_each_other():
    *_, c, picks = study(1.0)
    one = simulate_hidden_active(c, picks, [0.1, 0.3], draws=30, seed=5)
    assert one == simulate_hidden_active(c, picks, [0.1, 0.3], draws=30, seed=5)
    assert one.mean[:1] == simulate_hidden_active(c, picks, [0.1], draws=30, seed=5).mean
    assert one != simulate_hidden_active(c, picks, [0.1, 0.3], draws=30, seed=6)


@pytest.mark.parametrize("moved", ["dropped", "controls"])
def test_miscoded_treated_by_estimating_anew(moved):
    panel, cohort, c, picks = study(1.0, treated=3, controls=9)
    found = miscoded_treated(c, picks, moved=moved)
    assert found.miscoded == (1, 2)
    assert found.tried == (3, 3)
    for size in (1, 2):
        anew = {}
        for group in itertools.combinations(["u0", "u1", "u2"], size):
            other = cohort.copy()
            other[list(group)] = 0
            stay = [u for u in panel.units if moved == "controls" or u not in group]
            anew[group] = contrasts(panel.select(stay), other).estimate()
        assert found.low[size - 1] == pytest.approx(min(anew.values()))
        assert found.high[size - 1] == pytest.approx(max(anew.values()))
        worst = min(anew, key=lambda g: anew[g] * np.sign(c.estimate()))
        assert found.worst[size - 1] == worst


def test_one_unit_that_carries_the_finding():
    """Three do nothing, the fourth does it all: without it the sign turns."""
    panel, cohort, *_ = study(0.0, noise=0.01)
    y = panel.values.copy()
    y.loc["u3", 2013:] += 8
    y.loc[["u0", "u1", "u2"], 2013:] -= 1
    c = contrasts(Panel("y", y), cohort)
    found = miscoded_treated(c, free_assignments(40, c.slots, draws=199, seed=0))
    assert found.sign_lost_at == 1
    assert found.worst[0] == ("u3",)
    even = miscoded_treated(*study(5.0, noise=0.1)[2:], most=2)
    assert even.sign_lost_at is None
    assert even.miscoded == (1, 2)
    hidden = simulate_hidden_active(*study(5.0, noise=0.1)[2:], [0.1, 0.5], draws=10)
    assert misclassification_check(hidden, even).passed is True
    check = misclassification_check(hidden, found)
    assert check.passed is False
    assert "50" in check.text_sv
    assert "Not even" in check.text_en


def test_a_sign_lost_to_hidden_controls_is_told():
    *_, c, picks = study(0.2, seed=8)
    hidden = simulate_hidden_active(c, picks, [0.1, 0.3, 0.5], who="adverse", draws=20)
    share = hidden.lost_at("sign")
    assert share is not None
    check = misclassification_check(hidden, miscoded_treated(c, picks, most=1))
    assert check.statistic == share
    assert "vänds tecknet" in check.text_sv


def test_many_treated_are_drawn_and_the_ends_are_those_of_every_group():
    *_, c, picks = study(1.0, treated=64, controls=20)
    one, two, other = (miscoded_treated(c, picks[:50], most=2, seed=s) for s in (1, 1, 2))
    assert one.tried == (64, 1002)  # of 2,016: 2,000 in all, and the two ends
    assert one == two
    own = c.d[np.arange(64), list(c.slots)] - c.d[:, c.controls].mean(axis=1)
    every = [np.delete(own, g).mean() for g in itertools.combinations(range(64), 2)]
    assert one.low[1] == other.low[1] == pytest.approx(min(every), abs=1e-12)
    assert one.high[1] == other.high[1] == pytest.approx(max(every), abs=1e-12)


def test_the_ends_are_found_under_unequal_weights():
    panel, cohort, *_ = study(1.0, treated=9, controls=20)
    cohort = cohort.mask(cohort > 0, 2012 + np.arange(len(cohort)) % 4)
    c = contrasts(panel, cohort, "simple")
    own = c.d[np.arange(9), list(c.slots)] - c.d[:, c.controls].mean(axis=1)
    every = [
        np.average(np.delete(own, g), weights=np.delete(c.weight, g))
        for g in itertools.combinations(range(9), 4)
    ]
    few = miscoded_treated(c, free_assignments(29, c.slots, draws=20, seed=1), most=8)
    # 9 choose 4 is 126, within the 250 of its size; drawn from 30 units on
    assert few.tried[3] == 126
    assert few.low[3] == pytest.approx(min(every), abs=1e-12)
    assert few.high[3] == pytest.approx(max(every), abs=1e-12)
    for sign, end in ((1, min(every)), (-1, max(every))):
        group = _extreme_group(c.weight, own, 4, sign)
        found = np.average(np.delete(own, group), weights=np.delete(c.weight, group))
        assert found == pytest.approx(end, abs=1e-12)


def test_plain_types():
    *_, c, picks = study(1.0)
    for found in (
        simulate_hidden_active(c, picks, [0.1], draws=5),
        miscoded_treated(c, picks, most=1),
        attenuation(1.0, 0.1),
    ):
        assert json.loads(json.dumps(found.to_dict()))
        assert len(found.tidy()) == 1


def test_bad_calls_are_refused():
    *_, c, picks = study(1.0)
    with pytest.raises(InputError, match="between 0 and 1"):
        attenuation(1.0, hidden_share=1.5)
    with pytest.raises(InputError, match="no difference"):
        attenuation(1.0, hidden_share=0.6, miscoded_share=0.4)
    for shares, who in (([0.0], "random"), ([1.0], "random"), ([0.7], "adverse")):
        with pytest.raises(InputError, match="share above 0"):
            simulate_hidden_active(c, picks, shares, who=who)
    with pytest.raises(InputError, match="neither random nor adverse"):
        simulate_hidden_active(c, picks, who="all")
    for most in (0, 4):
        with pytest.raises(InputError, match="from 1 to 3"):
            miscoded_treated(c, picks, most=most)
    with pytest.raises(InputError, match="neither dropped nor controls"):
        miscoded_treated(c, picks, moved="away")
