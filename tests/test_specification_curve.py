"""The specification curve: R's numbers, regressions by statsmodels, brute force, bad input."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import norm

from evaluation import InputError, Panel, contrasts
from evaluation.data.files import balanced_panel, number_column, read_table
from evaluation.estimation.few_treated.permutation import (
    free_assignments,
    placebo_estimates,
)
from evaluation.estimation.robustness.specification_curve import specification_curve
from evaluation.estimation.robustness.specifications import RefittedBlock, specification_grid

HERE = Path(__file__).parent / "reference"
R = json.loads((HERE / "r_mpdta.json").read_text(encoding="utf-8"))
N, YEARS = 12, list(range(2000, 2008))
UNITS = [f"u{i:02d}" for i in range(N)]


def panel(seed=1, units=UNITS):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(len(units), len(YEARS))).cumsum(axis=1)
    return Panel("y", pd.DataFrame(values, index=units, columns=YEARS))


def cohorts(**treated):
    return pd.Series(dict.fromkeys(UNITS, 0) | treated)


STAGGERED = cohorts(u02=2003, u05=2005, u09=2003)
COVARIATES = pd.DataFrame(
    np.random.default_rng(8).normal(size=(N, 2)), index=UNITS, columns=["x", "z"]
)
WEIGHTS = pd.Series(np.random.default_rng(9).uniform(1, 5, size=N), index=UNITS)


def estimates(grid, picks=None):
    """Return every specification's estimates, keyed by its choices."""
    picks = [list(grid.slots)] if picks is None else picks
    return {
        tuple(c.values()): row
        for b in grid.blocks
        for c, row in zip(b.choices, b.evaluate(np.array(picks)), strict=True)
    }


def test_the_same_numbers_as_r():
    table = read_table(HERE / "mpdta.csv")
    y = balanced_panel(table, unit="county", time="year", outcome="lemp")
    by_county = table.groupby("county")
    cohort = by_county["first_treat"].first().astype(int)
    lpop = number_column(table, "lpop").groupby(table["county"]).first().to_frame()
    grid = specification_grid(
        {"lemp": y},
        {"coded": cohort},
        estimators=["cs_simple", "cs_cohort", "twfe"],
        controls={"nox": None, "lpop": lpop},
    )
    found = {(k[0], k[2]): v[0] for k, v in estimates(grid).items()}
    for covariate in ("nox", "lpop"):
        for ours, theirs in (("cs_simple", "simple"), ("cs_cohort", "group")):
            att = R[f"mpdta_{covariate}|reg|nevertreated|{theirs}"]["att"]
            assert found[ours, covariate] == pytest.approx(att, abs=1e-10)
    assert found["twfe", "nox"] == pytest.approx(R["mpdta|twfe"]["b"], abs=1e-10)


def by_hand(estimator, y, start, covariates, w):
    """Return the estimate by regressions, the slow way."""
    years = np.array(YEARS)
    x = sm.add_constant(covariates) if covariates is not None else np.ones((N, 1))
    if estimator == "twfe":
        rows, weight = [], []
        for i in range(N):
            for j, t in enumerate(years):
                dummies = [i == k for k in range(N)]
                by_year = [v * (j == k) for k in range(1, len(years)) for v in x[i]]
                rows.append([float(start[i] > 0 and t >= start[i]), *dummies, *by_year])
                weight.append(w[i])
        design, weight = np.array(rows, dtype=float), np.array(weight)
        keep = weight > 0
        design = design[keep][:, (design[keep] != 0).any(axis=0)]
        return sm.WLS(y.ravel()[keep], design, weight[keep]).fit().params[0]
    total, mass = 0.0, 0.0
    never = (start == 0) & (w > 0)
    for i in np.flatnonzero((start > 0) & (w > 0)):
        post = years >= start[i]
        if estimator in {"cs_cohort", "cs_simple"}:
            d = y[:, post].mean(axis=1) - y[:, years == start[i] - 1][:, 0]
        elif estimator == "before_after":
            d = y[:, post].mean(axis=1) - y[:, ~post].mean(axis=1)
        else:
            line = [np.polyfit(years[~post], v[~post], 1) for v in y]
            d = np.array(
                [(v - np.polyval(b, years))[post].mean() for v, b in zip(y, line, strict=True)]
            )
        beta = sm.WLS(d[never], x[never], w[never]).fit().params
        share = w[i] * (post.sum() if estimator == "cs_simple" else 1.0)
        total += share * (d[i] - x[i] @ beta)
        mass += share
    return total / mass


def test_every_estimator_equals_its_regressions_under_every_assignment():
    y = panel()
    small = UNITS[1:11]
    late = cohorts(u02=2004, u05=2006, u09=0)
    adoption = {"coded": STAGGERED, "late": late}
    controls = {"none": None, "x": COVARIATES[["x"]], "xz": COVARIATES}
    samples = {"all": None, "small": small}
    weights = {"equal": None, "size": WEIGHTS}
    grid = specification_grid(
        {"y": y}, adoption, controls=controls, samples=samples, weights=weights
    )
    assert len(grid) == 5 * 3 * 2 * 2 * 2
    picks = np.array([[2, 5, 9], [9, 2, 5], [1, 4, 7], [0, 3, 6]])
    values = y.values.to_numpy()
    for key, row in estimates(grid, picks).items():
        estimator, _, control, sample, weight, coding = key
        w = np.ones(N) if weights[weight] is None else WEIGHTS.to_numpy()
        if samples[sample] is not None:
            w = np.where(np.isin(UNITS, small), w, 0.0)
        covariates = None if controls[control] is None else controls[control].to_numpy()
        for pick, value in zip(picks, row, strict=True):
            start = np.zeros(N, dtype=int)
            start[pick] = adoption[coding].to_numpy()[[2, 5, 9]]
            expected = by_hand(estimator, values, start, covariates, w)
            assert value == pytest.approx(expected, abs=1e-9), (key, pick)


def test_without_covariates_it_is_the_permutation_of_the_contrasts():
    y = panel()
    grid = specification_grid({"y": y}, {"c": STAGGERED}, estimators=["cs_cohort", "cs_simple"])
    picks = free_assignments(N, grid.slots, 50, seed=3)
    for estimand in ("cohort", "simple"):
        c = contrasts(y, STAGGERED, estimand)
        ours = estimates(grid, picks)[f"cs_{estimand}", "y", "none", "all", "equal", "c"]
        assert ours == pytest.approx(placebo_estimates(c, c.d, picks), abs=1e-12)


def test_a_specification_fitted_anew_stands_beside_the_others():
    y = panel()
    one = {"c": cohorts(u03=2004)}
    grid = specification_grid({"y": y}, one, estimators=["cs_cohort", "before_after"])
    d = y.values.loc[:, 2004:].mean(axis=1).to_numpy() - y.values[2003].to_numpy()

    def anew(pick):
        return d[pick[0]] - np.delete(d, pick[0]).mean()

    dimensions = grid.blocks[0].choices[0]
    block = RefittedBlock(dict(dimensions) | {"estimator": "by hand"}, (12, 1, 96), anew)
    both = grid.joined(block)
    assert len(both) == len(grid) + 1
    picks = free_assignments(N, grid.slots, 99, seed=1)
    found = specification_curve(both, picks, seed=1, mechanism="any").tidy()
    found = found.set_index("estimator")
    assert found.loc["by hand", "estimate"] == pytest.approx(found.loc["cs_cohort", "estimate"])
    assert found.loc["by hand", "p_value"] == found.loc["cs_cohort", "p_value"]
    with pytest.raises(InputError, match="estimator: the dimensions are"):
        grid.joined(RefittedBlock({"estimator": "x"}, (12, 1, 96), anew))
    nothing = grid.joined(replace(block, estimate=lambda pick: np.nan))
    with pytest.raises(InputError, match=r"by hand.*no estimate for the real assignment"):
        specification_curve(nothing, picks, seed=1, mechanism="any")


def test_an_outcome_that_lacks_units_is_estimated_on_those_it_has():
    wide, narrow = panel(1), panel(1).select([u for u in UNITS if u != "u09"])
    grid = specification_grid({"wide": wide, "narrow": narrow}, {"c": STAGGERED})
    alone = specification_grid({"narrow": narrow}, {"c": STAGGERED.drop("u09")})
    pooled, single = estimates(grid), estimates(alone)
    for key, value in single.items():
        assert pooled[key] == pytest.approx(value, abs=1e-10)
    counts = {n for b in grid.blocks for n in b.counts}
    assert counts == {(12, 3, 96), (11, 2, 88)}


@pytest.fixture
def curve():
    grid = specification_grid(
        {"y": panel(1), "other": panel(2)},
        {"coded": STAGGERED},
        controls={"none": None, "x": COVARIATES[["x"]]},
    )
    picks = free_assignments(N, grid.slots, 300, seed=4)
    return grid, picks, specification_curve(grid, picks, seed=4, mechanism="any unit", alpha=0.1)


def test_the_joint_tests_by_brute_force(curve):
    grid, picks, found = curve
    every = np.vstack([[grid.slots], picks])
    values = np.vstack(list(estimates(grid, every).values()))
    k = len(values)
    p = np.array([[(abs(row) >= abs(v) - 1e-10).mean() for v in row] for row in values])
    z = (np.sign(values) * norm.isf(p / 2)).sum(axis=0) / np.sqrt(k)
    median = np.median(values, axis=0)
    positive, negative = (values > 0).sum(axis=0), (values < 0).sum(axis=0)
    dominant = np.maximum(positive, negative) / k
    sure = p <= 0.1
    up, down = (sure & (values > 0)).sum(axis=0) / k, (sure & (values < 0)).sum(axis=0) / k
    share = np.where(positive > negative, up, np.where(negative > positive, down, 0))
    tied = positive == negative
    share[tied] = np.maximum(up, down)[tied]
    joint = {t.name: t for t in found.joint}
    for name, statistic in {
        "median": median,
        "share_dominant_sign": dominant,
        "share_significant": share,
        "stouffer_z": z,
    }.items():
        assert joint[name].statistic == pytest.approx(statistic[0], abs=1e-9)
        expected = (abs(statistic) >= abs(statistic[0]) - 1e-10).mean()
        assert joint[name].p_value == pytest.approx(expected), name
    order = np.argsort(values[:, 0])
    table = found.tidy()
    assert table["estimate"].to_numpy() == pytest.approx(values[order, 0])
    assert table["p_value"].to_numpy() == pytest.approx(p[order, 0])
    ranked = np.sort(values[:, 1:], axis=0)
    assert table["null_high"].to_numpy() == pytest.approx(np.quantile(ranked, 0.95, axis=1))
    # each row still carries its own choices
    labels = [tuple(c.values()) for b in grid.blocks for c in b.choices]
    assert [tuple(c.values()) for c in found.choices] == [labels[i] for i in order]


def test_under_the_null_every_joint_test_keeps_its_level():
    # every assignment takes its turn as the real one: the p-values are uniform on their ranks
    y = panel(5)
    # the nine units of the smaller sample, each in turn
    below = {}
    for i in range(9):
        turned = {"c": cohorts(**{UNITS[i]: 2004})}
        grid = specification_grid({"y": y}, turned, samples={"all": None, "some": UNITS[:9]})
        others = free_assignments(N, [i], 99, seed=1)
        found = specification_curve(grid, others, seed=1, mechanism="any")
        assert found.n_assignments == 8
        assert "3 of 11 assignments" in found.notes[0]
        for t in found.joint:
            below.setdefault(t.name, []).append(t.p_value)
    for name in ("median", "stouffer_z"):
        ranks = np.sort(below[name])
        # no more than a share q of the assignments has p <= q
        assert (ranks >= np.arange(1, 10) / 9 - 1e-12).all()


def test_specifications_that_are_the_same_thing_are_counted(curve):
    single = specification_grid({"y": panel()}, {"c": cohorts(u03=2004)})
    picks = free_assignments(N, single.slots, 99, seed=1)
    found = specification_curve(single, picks, seed=1, mechanism="any")
    # one cohort: both aggregates agree, and before_after is twfe
    assert "5 specifications give 3 different estimates" in found.notes[0]
    assert curve[2].notes == ()


def test_a_large_effect_passes_the_check_and_none_does_not(curve):
    assert curve[2].check().passed is False
    y = panel()
    values = y.values.copy()
    values.loc["u03", 2004:] += 50.0
    grid = specification_grid({"y": Panel("y", values)}, {"c": cohorts(u03=2004)})
    picks = free_assignments(N, grid.slots, 99, seed=1)
    check = specification_curve(grid, picks, seed=1, mechanism="any", alpha=0.1).check()
    assert check.passed is True
    assert check.statistic == pytest.approx(1 / 12)
    assert "5 specifikationer" in check.text_sv
    assert "100\u00a0% har samma tecken" in check.text_sv
    assert "differs from no effect" in check.text_en
    few = specification_curve(grid, picks, seed=1, mechanism="any", alpha=0.05).check()
    assert few.passed is None
    assert "för få" in few.text_sv


@pytest.mark.parametrize(("lang", "label"), [("sv", "Skattare"), ("en", "Estimator")])
def test_the_picture_has_two_panels_in_the_language(curve, lang, label):
    figure = curve[2].plot(lang)
    above, below = figure.axes
    assert label in [t.get_text() for t in below.texts]
    # estimator, outcome and controls vary: 5 + 2 + 2 choices
    assert len(below.get_yticks()) == 9
    drawn = sum(len(c.get_offsets()) for c in above.collections if hasattr(c, "get_offsets")) - 1
    assert drawn >= len(curve[2].estimate)


def test_results_are_plain_for_json(curve):
    text = json.dumps(curve[2].to_dict(), allow_nan=False)
    assert json.loads(text)["joint"][0]["name"] == "median"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"estimators": []}, "estimators: at least one"),
        ({"estimators": ["ols"]}, "'ols' is none of"),
        ({"samples": {"s": ["u00", "nowhere"]}}, "there is no unit nowhere"),
        ({"samples": {"s": ["u00", "u01"]}}, "no treated unit is left"),
        ({"samples": {"s": ["u02", "u05", "u09"]}}, "no control is left"),
        ({"weights": {"w": WEIGHTS.mask(WEIGHTS.index == "u04", 0.0)}}, "u04 has a weight of zero"),
        ({"weights": {"w": WEIGHTS.drop("u04")}}, "u04 has no finite number"),
        ({"controls": {"x": COVARIATES.assign(y=2 * COVARIATES["x"])}}, "sum of others"),
        ({"controls": {"x": COVARIATES.assign(y=1.0)}}, "do not vary"),
        ({"controls": {"x": COVARIATES.replace(COVARIATES.iat[0, 0], np.inf)}}, "u00 has no"),
        (
            {"controls": {"x": pd.DataFrame({"t": (STAGGERED > 0).astype(float)})}},
            "do not identify",
        ),
        ({"adoption": {"c": cohorts()}}, "no unit is treated"),
        ({"adoption": {"c": STAGGERED.drop("u04")}}, "c: unit u04 has no first treated year"),
        ({"adoption": {"c": STAGGERED.mask(STAGGERED == 0)}}, "c: unit u00 has no first"),
        ({"adoption": {"c": cohorts(u01=2000)}}, "leaves no pre-period"),
        ({"adoption": {"c": cohorts(u01=2001)}}, "two years before adoption"),
        ({"outcomes": {"a": panel().select(UNITS[:11]), "b": panel()}}, "the widest first"),
    ],
)
def test_bad_input_is_refused_with_its_place(change, says):
    given = {"outcomes": {"y": panel()}, "adoption": {"c": STAGGERED}} | change
    with pytest.raises(InputError, match=says):
        specification_grid(**given)


@pytest.mark.parametrize(
    ("picks", "alpha", "says"),
    [
        ([[1, 2]], 0.05, "3 columns"),
        ([[1, 2, 12]], 0.05, "column 12"),
        (np.empty((0, 3), dtype=int), 0.05, "no other assignment"),
        ([[1, 2, 3]], 5, "between 0 and 1"),
    ],
)
def test_bad_assignments_are_refused(curve, picks, alpha, says):
    with pytest.raises(InputError, match=says):
        specification_curve(curve[0], np.array(picks), seed=1, mechanism="m", alpha=alpha)
