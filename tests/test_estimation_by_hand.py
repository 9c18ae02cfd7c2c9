"""Numbers that can be worked out on paper, and what must not change them."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from evaluation import (
    InputError,
    Panel,
    aggregate,
    callaway_santanna,
    contrasts,
    event_study,
    two_way_fixed_effects,
)
from evaluation.data.files import balanced_panel, read_table
from evaluation.estimation.few_treated.contrasts import event_contrasts

YEARS = [2000, 2001, 2002, 2003]
#        2000  2001  2002  2003
ROWS = {
    "a": [1.0, 2.0, 6.0, 12.0],  # treated from 2002
    "b": [3.0, 3.0, 4.0, 9.0],  # treated from 2003
    "e": [5.0, 5.0, 7.0, 9.0],  # treated from 2003
    "c": [2.0, 3.0, 4.0, 5.0],  # never
    "d": [0.0, 1.0, 1.0, 2.0],  # never
}
COHORT = pd.Series({"a": 2002, "b": 2003, "e": 2003, "c": 0, "d": 0})
# mean of the never treated: 1, 2, 2.5, 3.5
NEVER = {
    (2002, 2001): 0.0,  # (2 - 1) - (2 - 1)
    (2002, 2002): 3.5,  # (6 - 2) - (2.5 - 2)
    (2002, 2003): 8.5,  # (12 - 2) - (3.5 - 2)
    (2003, 2001): -1.0,  # (0 + 0) / 2 - (2 - 1)
    (2003, 2002): 1.0,  # (1 + 2) / 2 - (2.5 - 2)
    (2003, 2003): 2.5,  # (5 + 2) / 2 - (3.5 - 2.5)
}
# the not yet treated join the comparison until they adopt
NOT_YET = NEVER | {
    (2002, 2001): 0.5,  # 1 - (1 + 1 + 0 + 0) / 4
    (2002, 2002): 3.0,  # 4 - (1 + 0 + 1 + 2) / 4
    (2003, 2001): -1.0,  # 0 - (1 + 1 + 1) / 3
}


def wide(rows, years=YEARS):
    return pd.DataFrame.from_dict(rows, orient="index", columns=years)


PANEL = Panel("y", wide(ROWS))


def random_panel(seed, n_units=9, n_years=7):
    """Some units treated at different years, numbers without a pattern."""
    rng = np.random.default_rng(seed)
    units = [f"u{i}" for i in range(n_units)]
    years = range(2010, 2010 + n_years)
    values = rng.normal(size=(n_units, n_years)).cumsum(axis=1)
    cohort = pd.Series(0, index=units)
    n_treated = int(rng.integers(1, n_units - 2))
    cohort.iloc[:n_treated] = rng.integers(2011, 2010 + n_years, size=n_treated)
    return Panel("y", pd.DataFrame(values, index=units, columns=list(years))), cohort


@pytest.mark.parametrize(
    ("group", "by_hand"), [("never_treated", NEVER), ("not_yet_treated", NOT_YET)]
)
def test_group_time_effects(group, by_hand):
    gt = callaway_santanna(PANEL, COHORT, control_group=group)
    found = dict(zip(zip(gt.cohort, gt.period, strict=True), gt.estimate, strict=True))
    assert found == pytest.approx(by_hand, abs=1e-12)


def test_standard_errors_of_group_time_effects():
    gt = callaway_santanna(PANEL, COHORT)
    se = dict(zip(zip(gt.cohort, gt.period, strict=True), gt.std_error, strict=True))
    # one treated unit has no spread; the controls' changes 1 and 0 deviate by 1/2 each
    assert se[2002, 2002] == pytest.approx(np.sqrt(2 * 0.5**2 / 2**2))
    # the treated units' changes 5 and 2 deviate by 3/2 each, the controls' 1 and 1 not at all
    assert se[2003, 2003] == pytest.approx(np.sqrt(2 * 1.5**2 / 2**2))


@pytest.mark.parametrize(
    ("estimand", "by_hand"),
    [
        ("simple", (3.5 + 8.5 + 2 * 2.5) / 4),  # cells weighted by their number of units
        ("cohort", ((3.5 + 8.5) / 2 + 2 * 2.5) / 3),  # each unit's own mean, then units
        ("dynamic", ((3.5 + 2 * 2.5) / 3 + 8.5) / 2),  # year 0, then year 1
        ("calendar", (3.5 + (8.5 + 2 * 2.5) / 3) / 2),  # 2002, then 2003
    ],
)
def test_aggregates(estimand, by_hand):
    found = aggregate(callaway_santanna(PANEL, COHORT), estimand)
    assert found.estimate == pytest.approx(by_hand, abs=1e-12)
    assert found.estimand == estimand
    assert (found.n_obs, found.n_units, found.n_treated_units) == (20, 5, 3)


def test_event_study():
    found = event_study(callaway_santanna(PANEL, COHORT))
    assert found.event_time == (-2, -1, 0, 1)
    by_hand = [-1.0, (0 + 2 * 1.0) / 3, (3.5 + 2 * 2.5) / 3, 8.5]
    assert found.estimate == pytest.approx(by_hand, abs=1e-12)
    assert found.n_treated == (2, 3, 3, 1)


def test_analytic_interval_is_estimate_and_normal_quantile():
    found = aggregate(callaway_santanna(PANEL, COHORT, alpha=0.1), "simple")
    low, high = found.conf_int
    assert high - found.estimate == pytest.approx(1.6448536269514722 * found.std_error)
    assert found.estimate - low == pytest.approx(1.6448536269514722 * found.std_error)
    assert found.alpha == 0.1


def test_one_treated_unit_is_told():
    """Its own variance is taken to be zero, so the analytic error is too small."""
    one = pd.Series(dict.fromkeys("abecd", 0) | {"a": 2002})
    found = aggregate(callaway_santanna(PANEL, one), "cohort")
    assert "one treated unit" in found.small_sample
    three = aggregate(callaway_santanna(PANEL, COHORT), "cohort")
    assert "one treated unit" not in three.small_sample


def test_unknown_estimand_is_refused():
    with pytest.raises(InputError, match="'overall' is none of simple, cohort, dynamic, calendar"):
        aggregate(callaway_santanna(PANEL, COHORT), "overall")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("estimand", ["simple", "cohort"])
def test_contrasts_give_the_aggregate(seed, estimand):
    panel, cohort = random_panel(seed)
    by_effects = aggregate(callaway_santanna(panel, cohort), estimand).estimate
    assert contrasts(panel, cohort, estimand).estimate() == pytest.approx(by_effects, abs=1e-10)


@pytest.mark.parametrize("seed", range(8))
def test_event_contrasts_give_the_event_study(seed):
    panel, cohort = random_panel(seed)
    by_effects = event_study(callaway_santanna(panel, cohort))
    by_contrasts = event_contrasts(panel, cohort)
    assert tuple(sorted(by_contrasts)) == by_effects.event_time
    found = [by_contrasts[e].estimate() for e in by_effects.event_time]
    assert found == pytest.approx(by_effects.estimate, abs=1e-10)


@pytest.mark.parametrize("estimand", ["dynamic", "calendar"])
def test_contrasts_of_other_estimands_are_refused(estimand):
    with pytest.raises(InputError, match="cohort and simple can"):
        contrasts(PANEL, COHORT, estimand)


@pytest.mark.parametrize(
    "estimate",
    [callaway_santanna, contrasts, event_contrasts],
    ids=["callaway_santanna", "contrasts", "event_contrasts"],
)
def test_a_missing_year_is_refused(estimate):
    """Without the year before adoption there is no base to count from."""
    gap = Panel("y", wide(ROWS, [2000, 2001, 2003, 2004]))
    cohort = COHORT.replace({2002: 2003, 2003: 2004})
    with pytest.raises(InputError, match="the year after 2001 is missing"):
        estimate(gap, cohort)


def test_two_way_fixed_effects_is_two_by_two_with_one_adoption_date():
    rows = {k: ROWS[k] for k in "abcd"}
    cohort = pd.Series({"a": 2002, "b": 2002, "c": 0, "d": 0})
    table = wide(rows)
    before, after = table[[2000, 2001]].mean(axis=1), table[[2002, 2003]].mean(axis=1)
    change = after - before
    by_hand = change[["a", "b"]].mean() - change[["c", "d"]].mean()
    found = two_way_fixed_effects(Panel("y", table), cohort)
    assert found.estimate == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_two_way_fixed_effects_is_the_regression_with_dummies(seed):
    """Point and clustered error from the normal equations, dummies and all."""
    panel, cohort = random_panel(seed)
    n, t = panel.values.shape
    y = panel.values.to_numpy().ravel()
    treated = [
        float(0 < cohort[u] <= year) for u in panel.units for year in panel.years
    ]  # unit by unit
    unit = np.kron(np.eye(n), np.ones((t, 1)))
    year = np.kron(np.ones((n, 1)), np.eye(t))[:, 1:]
    x = np.column_stack([treated, unit, year])
    bread = np.linalg.pinv(x.T @ x)
    beta = bread @ x.T @ y
    scores = ((y - x @ beta)[:, None] * x).reshape(n, t, -1).sum(axis=1)
    sandwich = bread @ scores.T @ scores @ bread
    factor = n / (n - 1) * (n * t - 1) / (n * t - 1 - t)
    found = two_way_fixed_effects(panel, cohort)
    assert found.estimate == pytest.approx(beta[0], abs=1e-9)
    se = np.sqrt(factor * sandwich[0, 0])
    assert found.std_error == pytest.approx(se, abs=1e-9)
    # quantiles of t with as many degrees of freedom as clusters less one
    quantile = student.ppf(0.975, n - 1)
    assert found.conf_int == pytest.approx((beta[0] - quantile * se, beta[0] + quantile * se))
    assert found.p_value == pytest.approx(2 * student.sf(abs(beta[0] / se), n - 1))


def everything(panel, cohort):
    """Every point, error and bound that must not move."""
    gt = callaway_santanna(panel, cohort)
    shown = [two_way_fixed_effects(panel, cohort)]
    shown += [aggregate(gt, e) for e in ("simple", "cohort", "dynamic", "calendar")]
    events = event_study(gt)
    return [
        *(v for e in shown for v in (e.estimate, e.std_error, *e.conf_int)),
        *events.estimate,
        *events.std_error,
    ]


def test_the_order_of_rows_does_not_matter(tmp_path):
    long = PANEL.long().sort_values(["unit", "time"])
    panels = []
    for name, table in (("sorted", long), ("shuffled", long.sample(frac=1, random_state=3))):
        file = tmp_path / f"{name}.csv"
        table.to_csv(file, index=False)
        panels.append(balanced_panel(read_table(file), unit="unit", time="time", outcome="value"))
    assert panels[0].hash() == panels[1].hash()
    pd.testing.assert_frame_equal(panels[0].values, panels[1].values)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_units_does_not_matter(seed):
    panel, cohort = random_panel(seed)
    turned = panel.select(panel.units[::-1])
    assert everything(turned, cohort) == pytest.approx(everything(panel, cohort), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_constants_per_unit_and_per_year_change_nothing(seed):
    panel, cohort = random_panel(seed)
    rng = np.random.default_rng(seed + 100)
    by_unit = pd.Series(rng.normal(scale=50, size=len(panel.units)), index=panel.units)
    by_year = pd.Series(rng.normal(scale=50, size=len(panel.years)), index=panel.years)
    moved = Panel("y", panel.values.add(by_unit, axis=0).add(by_year, axis=1))
    assert everything(moved, cohort) == pytest.approx(everything(panel, cohort), abs=1e-9)


def test_a_constant_effect_is_found_whole():
    panel, cohort = random_panel(5)
    years = np.array(panel.years)
    post = (cohort.to_numpy()[:, None] > 0) & (years >= cohort.to_numpy()[:, None])
    moved = Panel("y", panel.values + 2.5 * post)
    before, after = (callaway_santanna(p, cohort) for p in (panel, moved))
    for estimand in ("simple", "cohort", "dynamic", "calendar"):
        gain = aggregate(after, estimand).estimate - aggregate(before, estimand).estimate
        assert gain == pytest.approx(2.5, abs=1e-10)


def test_the_simultaneous_band():
    """Its critical value is a quantile of the largest of correlated normal variables."""
    panel, _ = random_panel(2, n_units=300, n_years=6)
    cohort = pd.Series([2013] * 120 + [0] * 180, index=panel.units)
    gt = callaway_santanna(panel, cohort)
    found = event_study(gt, draws=10_000, seed=1)
    half = np.array(found.band_high) - np.array(found.estimate)
    critical = half / np.array(found.std_error)
    assert critical == pytest.approx(np.full(len(half), critical[0]))
    assert f"critical value {critical[0]:.3f}" in found.band
    # with one cohort the influence on each event time is that of its only cell
    covariance = gt.influence.T @ gt.influence
    scale = np.sqrt(np.diag(covariance))
    assert scale == pytest.approx(found.std_error)
    rng = np.random.default_rng(0)
    normal = rng.multivariate_normal(np.zeros(len(scale)), covariance, 100_000) / scale
    expected = np.quantile(np.abs(normal).max(axis=1), 0.95)
    # 10,000 draws leave a standard error of about 0.02
    assert critical[0] == pytest.approx(expected, abs=0.05)
    assert expected > 2.3  # far from the pointwise 1.96


def test_the_band_is_the_same_with_the_same_seed():
    gt = callaway_santanna(*random_panel(2, n_units=30))
    assert event_study(gt, seed=4) == event_study(gt, seed=4)
    assert event_study(gt, seed=4).band_high != event_study(gt, seed=5).band_high


@pytest.mark.parametrize("inference", ["aggregate", "event study"])
def test_one_treated_and_one_control_unit(inference):
    """No spread on either side: points are right, and nothing breaks."""
    pair = Panel("y", wide({k: ROWS[k] for k in "ac"}))
    gt = callaway_santanna(pair, COHORT[["a", "c"]])
    if inference == "aggregate":
        found = aggregate(gt, "simple")
        assert found.estimate == pytest.approx(((6 - 2) - 1 + (12 - 2) - 2) / 2)
        assert found.std_error is None
        assert found.p_value is None
        assert found.conf_int == (-np.inf, np.inf)
    else:
        assert event_study(gt).estimate == pytest.approx([0.0, 3.0, 8.0])


@pytest.mark.parametrize(
    ("cohort", "says"),
    [
        ({"a": 2002, "b": 0, "e": 0, "c": 0}, "unit d has no cohort"),
        (dict.fromkeys("abecd", 0), "no unit is treated"),
        (dict.fromkeys("abecd", 2002), "every unit is treated"),
        (COHORT.to_dict() | {"a": 2010}, "2010 lies outside the data, 2000–2003"),
        (COHORT.to_dict() | {"a": -1}, "-1 lies outside the data, 2000–2003"),
    ],
)
@pytest.mark.parametrize(
    "estimate", [callaway_santanna, two_way_fixed_effects, contrasts, event_contrasts]
)
def test_cohorts_that_cannot_be_are_refused(estimate, cohort, says):
    with pytest.raises(InputError, match=says):
        estimate(PANEL, pd.Series(cohort))


@pytest.mark.parametrize(
    ("year", "says"),
    [(1990, "1990 lies outside the data, 2000–2003"), (2000, "2000 leaves no pre-period")],
)
@pytest.mark.parametrize("weigh", [contrasts, event_contrasts])
def test_contrasts_refuse_always_treated_units(weigh, year, says):
    with pytest.raises(InputError, match=says):
        weigh(PANEL, pd.Series(COHORT.to_dict() | {"a": year}))


def test_an_outcome_that_never_varies_is_refused():
    flat = Panel("y", wide(dict.fromkeys("abecd", [1.0] * 4)))
    with pytest.raises(InputError, match="the outcome never varies"):
        callaway_santanna(flat, COHORT)


def test_left_out_units_are_told():
    panel = Panel("y", PANEL.values, dropped=("x", "z"))
    gt = callaway_santanna(panel, COHORT)
    assert gt.notes == ("2 units without a value in every year were left out: x, z",)
    assert aggregate(gt, "simple").notes == gt.notes


@pytest.mark.parametrize("base", ["varying", "universal"])
def test_event_times_without_variation_have_no_error(base):
    """Not an error of zero, with an interval that is a point."""
    units = ["a", "b", "c", "d"]
    y = pd.DataFrame([[1.0, 2, 5], [1, 2, 6], [0, 1, 2], [3, 4, 5]], units, [2000, 2001, 2002])
    g = pd.Series([2002, 2002, 0, 0], index=units)
    events = event_study(callaway_santanna(Panel("y", y), g, base=base))
    assert events.event_time == ((-2, -1, 0) if base == "universal" else (-1, 0))
    for k, e in enumerate(events.event_time):
        bounds = (events.conf_low[k], events.conf_high[k], events.band_low[k], events.band_high[k])
        assert np.isnan(events.std_error[k]) == (e < 0)
        assert np.isinf(bounds).all() == (e < 0)
    # the treated rise by 3 and 4, the controls by 1: (0.5² + 0.5²)/2² under the root
    assert events.estimate[-1] == pytest.approx(2.5)
    assert events.std_error[-1] == pytest.approx(np.sqrt(0.5) / 2)
