"""Regression to the mean: components, maxima, picks on the panel, years after selection."""

import json

import numpy as np
import pandas as pd
import pytest

from evaluation import InputError, Panel, embedded_panel
from evaluation.estimation.diagnostics.selection import (
    after_selection,
    expected_maximum,
    picked_best,
    regression_to_the_mean_check,
)
from evaluation.estimation.diagnostics.variance_components import (
    VarianceComponents,
    variance_components,
)


def simulated(level, fading, noise, rho, *, n=2000, years=12, seed=0):
    rng = np.random.default_rng(seed)
    v = rng.normal(size=n) * np.sqrt(fading)
    y = np.empty((n, years))
    mu = rng.normal(size=n) * np.sqrt(level)
    for t in range(years):
        y[:, t] = mu + v + rng.normal(size=n) * np.sqrt(noise)
        v = rho * v + rng.normal(size=n) * np.sqrt(fading * (1 - rho**2))
    y += rng.normal(size=years) * 10  # year effects do not matter
    units = [f"u{i}" for i in range(n)]
    return Panel("y", pd.DataFrame(y, index=units, columns=range(2000, 2000 + years)))


@pytest.mark.parametrize(
    ("n", "expected"), [(1, 0.0), (2, 1 / np.sqrt(np.pi)), (3, 1.5 / np.sqrt(np.pi))]
)
def test_small_maxima_are_known_in_closed_form(n, expected):
    assert expected_maximum(n) == pytest.approx(expected, abs=1e-10)


def test_the_maximum_of_290_by_simulation():
    draws = np.random.default_rng(0).normal(size=(20_000, 290)).max(axis=1)
    error = draws.std() / np.sqrt(len(draws))
    assert expected_maximum(290) == pytest.approx(draws.mean(), abs=4 * error)


@pytest.mark.parametrize(
    ("level", "fading", "noise", "rho"), [(1, 1, 1, 0.6), (0, 0, 2, 0), (3, 0, 1, 0)]
)
def test_components_are_found_again(level, fading, noise, rho):
    found = variance_components(simulated(level, fading, noise, rho))
    total = level + fading + noise
    assert found.level + found.fading + found.noise == pytest.approx(total, rel=0.1)
    for lag in range(6):
        true = level + fading * rho**lag + (noise if lag == 0 else 0)
        assert found.gamma(lag) == pytest.approx(true, abs=0.12 * total)


def test_what_is_kept_by_hand():
    parts = VarianceComponents(1.0, 2.0, 3.0, 0.5, (6.0,), 10, 5, "")
    assert parts.gamma(0) == 6
    assert parts.gamma(-2) == 1.5
    assert parts.window_variance(1) == 6
    assert parts.window_variance(2) == (6 + 6 + 2 + 2) / 4
    assert parts.kept(1, 1) == 2 / 6
    assert parts.kept(2, 1) == ((2 + 1.5) / 2) / 4


def test_pure_noise_keeps_nothing_and_pure_level_everything():
    noise = picked_best(simulated(0, 0, 4, 0, n=300, years=20, seed=1), years=2, horizon=3)
    assert noise.expected_lead == pytest.approx(2 / np.sqrt(2) * expected_maximum(300), rel=0.1)
    assert noise.lead == pytest.approx(noise.expected_lead, rel=0.15)
    assert noise.apparent == pytest.approx(noise.lead, rel=0.25)
    assert abs(noise.kept) < 0.15
    level = picked_best(simulated(4, 0, 1e-6, 0, n=300, years=20, seed=1))
    assert level.kept == pytest.approx(1, abs=1e-2)
    assert level.expected_kept == pytest.approx(1, abs=1e-2)
    assert abs(level.apparent) < 0.01


def test_picks_by_hand():
    rows = {
        "a": [0.0, 5.0, 0.0, 0.0],
        "b": [0.0, 0.0, 4.0, 1.0],
        "c": [0.0, 1.0, 1.0, 1.0],
    }
    panel = Panel(
        "y", pd.DataFrame.from_dict(rows, orient="index", columns=[2000, 2001, 2002, 2003])
    )
    found = picked_best(panel, years=1, horizon=1)
    assert found.picks == ((2001, "a"), (2002, "b"))
    # against the mean of the other two: a 5 - 0.5, then 0 - 2.5; b 4 - 0.5, then 1 - 0.5
    assert found.apparent_each == pytest.approx((4.5, 3.5 - (0 - 3)))
    assert found.later_each == pytest.approx((-2.5, 0.5 - (0 - 3)))
    # leads over the mean of all: 5 - 2, 4 - 5/3
    assert found.lead == pytest.approx((3 + 4 - 5 / 3) / 2)
    assert found.n_units == 3


def test_the_best_municipality_falls_back():
    """On an embedded outcome, nothing done: part of the lead is gone in the years after."""
    found = picked_best(embedded_panel("foreign_background"), years=2, horizon=3)
    assert found.n_units == 290
    assert len(found.picks) == 16 - 2 - 3
    assert 0 < found.kept <= 1.1
    assert found.expected_kept == pytest.approx(found.kept, abs=0.15)


ROWS = {
    "a": [1.0, 2.0, 4.0, 9.0, 9.0, 5.0],
    "b": [0.0, 1.0, 1.0, 2.0, 6.0, 7.0],
    "c": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
    "d": [2.0, 2.0, 2.0, 2.0, 2.0, 2.0],
}
PANEL = Panel("y", pd.DataFrame.from_dict(ROWS, orient="index", columns=range(2010, 2016)))
COHORT = pd.Series({"a": 2012, "b": 2013, "c": 0, "d": 0})


def test_years_after_selection_by_hand():
    lead = PANEL.values.loc[["a", "b"]] - PANEL.values.loc[["c", "d"]].mean()
    found = after_selection(PANEL, COHORT, {"a": 2014})
    a, b = lead.loc["a"], lead.loc["b"]
    whole_a, whole_b = (
        a[[2012, 2013, 2014, 2015]].mean() - a[2011],
        b[[2013, 2014, 2015]].mean() - b[2012],
    )
    assert found.base.estimate == pytest.approx((whole_a + whole_b) / 2)
    assert found.estimates[0].estimate == pytest.approx((a[2015] - a[2011] + whole_b) / 2)
    last = after_selection(PANEL, COHORT, {"a": 2015})
    assert last.estimates[0].estimate == pytest.approx(whole_b)
    assert "without a" in last.estimates[0].notes[0]
    both = after_selection(PANEL, COHORT, {"a": 2015, "b": 2015})
    assert both.labels == ()
    assert both.skipped[0][1] == "no treated unit has a year after its selection"
    # chosen long before adoption: nothing to leave out
    early = after_selection(PANEL, COHORT, {"a": 2010})
    assert early.estimates[0].estimate == pytest.approx(found.base.estimate)


def test_a_winner_without_an_effect_loses_it_in_the_years_after():
    """Pick the best of 200 on noise; its own estimate is large, the one after selection not."""
    rng = np.random.default_rng(3)
    whole, after = [], []
    for _ in range(30):
        units = [f"u{i}" for i in range(200)]
        y = pd.DataFrame(rng.normal(size=(200, 8)), index=units, columns=range(2010, 2018))
        best = str(y[[2013, 2014]].mean(axis=1).idxmax())
        cohort = pd.Series({u: 2013 * (u == best) for u in units})
        found = after_selection(Panel("y", y), cohort, {best: 2014}, judge=lambda c, like: like)
        whole.append(found.base.estimate)
        after.append(found.estimates[0].estimate)
    assert np.mean(whole) > 0.5
    assert abs(np.mean(after)) < 4 * np.std(after) / np.sqrt(30)


def test_the_check():
    found = picked_best(simulated(1, 0, 4, 0, n=290, years=15))
    check = regression_to_the_mean_check(found, found.apparent + 1)
    assert check.passed is True
    assert regression_to_the_mean_check(found, found.apparent / 2).passed is False
    assert "290" in check.text_sv
    assert "nothing done" in check.text_en
    assert json.loads(json.dumps(found.to_dict()))["n_units"] == 290
    assert len(found.tidy()) == len(found.picks)
    parts = variance_components(simulated(1, 1, 1, 0.5, n=50))
    assert len(json.loads(json.dumps(parts.to_dict()))["rows"]) == len(parts.tidy()) == 12


def test_bad_calls_are_refused():
    short = Panel("y", PANEL.values[[2010, 2011, 2012]])
    with pytest.raises(InputError, match="four years"):
        variance_components(short)
    with pytest.raises(InputError, match="do not hold"):
        picked_best(PANEL, years=3, horizon=3)
    with pytest.raises(InputError, match="without a gap"):
        variance_components(Panel("y", PANEL.values[[2010, 2011, 2013, 2014]]))
    with pytest.raises(InputError, match="does not differ"):
        variance_components(Panel("y", 0 * PANEL.values))
    with pytest.raises(InputError, match="c is not treated"):
        after_selection(PANEL, COHORT, {"c": 2014})
    with pytest.raises(InputError, match="free of the choice"):
        after_selection(PANEL, COHORT, {"a": 2011})
    with pytest.raises(InputError, match="at least one unit"):
        expected_maximum(0)
