"""Kitagawa and Oaxaca–Blinder: by hand, against statsmodels, against simulated truth."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.oaxaca import OaxacaBlinder

from evaluation.errors import InputError
from evaluation.estimation.decomposition import (
    gradient,
    kitagawa,
    kitagawa_parts,
    oaxaca_blinder,
)
from evaluation.estimation.gap_change import gap_change

# two populations of three groups, shares .2 .5 .3 and .4 .4 .2, rates .1 .2 .5 and .2 .3 .4
PERSONS = np.array([[20, 50, 30], [40, 40, 20]])
SUCCESSES = np.array([[2, 10, 15], [8, 12, 8]])


def test_kitagawa_by_hand():
    # rates .27 and .28; composition −.2·.15 + .1·.25 + .1·.45; rates −.1·.3 − .1·.45 + .1·.25
    two = kitagawa_parts(PERSONS, SUCCESSES)
    assert two["difference"] == pytest.approx(-0.01)
    assert two["composition"] == pytest.approx(0.04)
    assert two["rates"] == pytest.approx(-0.05)
    # composition −.2·.2 + .1·.3 + .1·.4; rates −.1·.4 − .1·.4 + .1·.2; interaction .02 −.01 + .01
    three = kitagawa_parts(PERSONS, SUCCESSES, 3)
    assert three["composition"] == pytest.approx(0.03)
    assert three["rates"] == pytest.approx(-0.06)
    assert three["interaction"] == pytest.approx(0.02)


def units(seed=1, n=40, mix=(0.5, 0.3), rates=((0.2, 0.5), (0.3, 0.6))):
    """Return counts (units, groups, categories) with a rate of each unit's own."""
    rng = np.random.default_rng(seed)
    persons = np.zeros((n, 2, 2))
    successes = np.zeros((n, 2, 2))
    for i in range(n):
        shift = rng.normal(0, 0.05)
        for g in (0, 1):
            total = rng.poisson(60) + 2
            low = rng.binomial(total - 2, mix[g]) + 1
            persons[i, g] = low, total - low
            p = np.clip(np.array(rates[g]) + shift, 0.01, 0.99)
            successes[i, g] = rng.binomial(persons[i, g].astype(int), p)
    return persons, successes


@pytest.mark.parametrize("fold", [2, 3])
def test_the_parts_sum_to_the_difference_exactly(fold):
    found = kitagawa(*units(), fold=fold)
    parts = [k for k in found.estimates if k != "difference"]
    assert sum(found[k] for k in parts) == pytest.approx(found["difference"], abs=1e-12)
    assert found.estimates["difference"].n_clusters == 40


def test_the_errors_are_those_of_the_jackknife():
    persons, successes = units(n=200)
    found = kitagawa(persons, successes)
    n = len(persons)
    for part in ("composition", "rates"):
        without = np.array(
            [
                100
                * kitagawa_parts(*(np.delete(x, i, 0).sum(0) for x in (persons, successes)))[part]
                for i in range(n)
            ]
        )
        jackknife = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
        assert found.estimates[part].std_error == pytest.approx(jackknife, rel=0.02)


def test_the_intervals_cover_the_parts():
    hits, n = np.zeros(2), 400
    # one of each category is certain: 31 and 19 of 62 on average in the first; rates −.1 in both
    truth = ((31 - 19) / 62 * (0.25 - 0.55) * 100, -10.0)
    for seed in range(n):
        found = kitagawa(*units(seed)).estimates
        for k, part in enumerate(("composition", "rates")):
            low, high = found[part].conf_int
            hits[k] += low <= truth[k] <= high
    assert np.all(np.abs(hits / n - 0.95) < 4 * np.sqrt(0.95 * 0.05 / n))


def test_the_gradient_is_exact():
    x = np.array([[2.0, 3.0], [4.0, 5.0]])
    got = gradient(lambda v: {"f": v[0, 0] * v[1, 1] / v[0, 1]}, x)["f"]
    assert got == pytest.approx(np.array([[5 / 3, -10 / 9], [0, 2 / 3]]), rel=1e-14)


def rows(persons, successes):
    """Return one row per person: outcome, dummy of the second category, first group, unit."""
    out = []
    for i, g, k in np.ndindex(persons.shape):
        n, s = int(persons[i, g, k]), int(successes[i, g, k])
        out += [(1.0, k, g == 0, i)] * s + [(0.0, k, g == 0, i)] * (n - s)
    y, x, first, unit = map(np.array, zip(*out, strict=True))
    return y, x[:, None].astype(float), first, unit


def test_with_one_set_of_dummies_oaxaca_blinder_is_kitagawa():
    persons, successes = units()
    y, x, first, unit = rows(persons, successes)
    for fold in (2, 3):
        one = kitagawa(persons, successes, fold=fold).estimates
        two = oaxaca_blinder(y, x, first, cluster=unit, fold=fold).estimates
        assert list(one) == list(two)
        for k in one:
            assert one[k].estimate == pytest.approx(100 * two[k].estimate, abs=1e-9)
            assert one[k].std_error == pytest.approx(100 * two[k].std_error, rel=1e-6)


def test_the_parts_equal_those_of_statsmodels():
    rng = np.random.default_rng(5)
    n = 400
    x = rng.normal(size=(n, 2)) + np.where(np.arange(n) < 150, 0.5, 0.0)[:, None]
    first = np.arange(n) < 150
    y = 2 + x @ [1.0, -0.5] + first * (1 + 0.3 * x[:, 0]) + rng.normal(size=n)
    model = OaxacaBlinder(
        y, np.column_stack([x, first.astype(float)]), 2, swap=False, hasconst=False
    )
    endowment, coefficient, interaction, gap = model.three_fold().params
    ours = oaxaca_blinder(y, x, first, cluster=np.arange(n), fold=3)
    # statsmodels sorts the groups itself, so the sign may be the other
    sign = np.sign(gap) * np.sign(ours["difference"])
    assert ours["difference"] == pytest.approx(sign * gap, abs=1e-10)
    two = model.two_fold(two_fold_type="self_submitted", submitted_weight=0.5)
    unexplained, explained, _ = two.params
    half = oaxaca_blinder(y, x, first, cluster=np.arange(n), reference=0.5)
    assert half["composition"] == pytest.approx(sign * explained, abs=1e-10)
    assert half["rates"] == pytest.approx(sign * unexplained, abs=1e-10)
    like = oaxaca_blinder(y, x, first if sign > 0 else ~first, cluster=np.arange(n), fold=3)
    assert [like[k] for k in ("composition", "rates", "interaction")] == pytest.approx(
        [endowment, coefficient, interaction], abs=1e-10
    )


def test_a_weight_counts_as_so_many_rows():
    rng = np.random.default_rng(2)
    n = 60
    y, x = rng.normal(size=n), rng.normal(size=(n, 1))
    first, w = np.arange(n) % 2 == 0, rng.integers(1, 4, n)
    unit = np.arange(n) // 4
    again = np.repeat(np.arange(n), w)
    one = oaxaca_blinder(y, x, first, cluster=unit, weight=w.astype(float)).estimates
    two = oaxaca_blinder(y[again], x[again], first[again], cluster=unit[again]).estimates
    for k in one:
        assert one[k].estimate == pytest.approx(two[k].estimate, abs=1e-12)
        assert one[k].std_error == pytest.approx(two[k].std_error, rel=1e-9)


def cells(seed=0, n=60, treated=20, shift=0.0, rise=0.0, trend=0.05):
    """Return cells: treated women's mix moves by shift, their rates by rise, all by trend."""
    rng = np.random.default_rng(seed)
    out = []
    first = {f"u{i}": (2015 + i % 2 if i < treated else 0) for i in range(n)}
    for unit, g in first.items():
        own = rng.normal(0, 0.03)
        for year in range(2012, 2019):
            for sex in ("K", "M"):
                on = bool(g) and year >= g and sex == "K"
                total = 40
                high = rng.binomial(total, 0.4 + shift * on)
                for category, persons, base in (("low", total - high, 0.3), ("high", high, 0.6)):
                    p = base + own + rise * on + trend * (year >= 2015) - 0.1 * (sex == "K")
                    s = rng.binomial(persons, p)
                    out.append((unit, year, sex, category, persons, s))
    columns = ["unit", "year", "sex", "category", "persons", "successes"]
    return pd.DataFrame(out, columns=columns), pd.Series(first)


def test_the_change_of_the_gap_is_split_exactly_and_finds_the_truth():
    table, cohort = cells(shift=0.2, rise=0.1, n=200, treated=80)
    found = gap_change(table, cohort)
    e = found.estimates
    assert found["composition"] + found["rates"] == pytest.approx(found["difference"], abs=1e-10)
    assert found["women_rates"] - found["men_rates"] == pytest.approx(found["rates"], abs=1e-10)
    assert found["treated"] - found["comparison"] == pytest.approx(found["difference"], abs=1e-10)
    # .2 of women move to a category whose rate is .3 higher; rates rise by .1
    for part, truth in (("composition", 6.0), ("rates", 10.0), ("difference", 16.0)):
        assert e[part].conf_int[0] < truth < e[part].conf_int[1], part
        assert e[part].std_error < 1.5


def test_the_trend_of_everyone_is_no_part_of_it():
    """Starts in different years and a trend: the calendar weights take it out."""
    table, cohort = cells(trend=0.3, n=200, treated=80, seed=4)
    e = gap_change(table, cohort).estimates
    for part in ("composition", "rates", "women_rates", "men_rates"):
        assert abs(e[part].estimate) < 3.5 * e[part].std_error


def test_the_change_by_hand():
    """One year before and after, two units each side, all alike within sides."""
    rows = []
    for unit in ("a", "b", "c", "d"):
        active = unit in "ab"
        for year in (2014, 2015):
            late = year == 2015
            # treated women: from 10 of 20 low, 10 of 20 high educated to 5 and 15, rates as before
            low, high = (5, 15) if active and late else (10, 10)
            rows += [
                (unit, year, "K", "low", low, 0.2 * low),
                (unit, year, "K", "high", high, 0.6 * high),
            ]
            rows += [(unit, year, "M", "low", 10, 3), (unit, year, "M", "high", 10, 7 + 2 * late)]
    table = pd.DataFrame(rows, columns=["unit", "year", "sex", "category", "persons", "successes"])
    cohort = pd.Series({"a": 2015, "b": 2015, "c": 0, "d": 0})
    found = gap_change(table, cohort)
    assert found["women_composition"] == pytest.approx(10.0)
    assert found["women_rates"] == pytest.approx(0.0, abs=1e-12)
    # men rise by 10 points on both sides alike
    assert found["men_rates"] == pytest.approx(0.0, abs=1e-12)
    assert found["treated"] == pytest.approx(0.0, abs=1e-12)
    assert found["comparison"] == pytest.approx(-10.0)
    assert found["difference"] == pytest.approx(10.0)


def test_the_intervals_of_the_change_cover_the_truth():
    hits, n = np.zeros(2), 80
    for seed in range(n):
        e = gap_change(*cells(seed, n=30, treated=10, shift=0.2, rise=0.1)).estimates
        for k, (part, truth) in enumerate((("composition", 6.0), ("rates", 10.0))):
            hits[k] += e[part].conf_int[0] <= truth <= e[part].conf_int[1]
    assert np.all(np.abs(hits / n - 0.95) < 4 * np.sqrt(0.95 * 0.05 / n))


def _broken(kind):
    table, cohort = cells(n=6, treated=3)
    if kind == "totals":
        table["sex"] = "T"
    elif kind == "women":
        table = table[table["sex"] == "K"]
    elif kind == "code":
        table.loc[0, "sex"] = "X"
    elif kind == "column":
        table = table.drop(columns="persons")
    elif kind == "many":
        table.loc[0, "successes"] = 1000
    elif kind == "twice":
        table = pd.concat([table, table.head(1)])
    elif kind == "empty":
        table.loc[table["sex"].eq("M") & table["category"].eq("high"), ["persons", "successes"]] = 0
    elif kind == "one":
        there = table["category"].eq("high") & table["unit"].isin(["u0", "u2"])
        table.loc[there, ["persons", "successes"]] = 0
    elif kind == "alone":
        cohort = cohort.where(cohort.index != "u1", 0).where(cohort.index != "u2", 0)
    return table, cohort


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("totals", "only totals"),
        ("women", r"women \(K\) and men \(M\) are needed"),
        ("code", "'X' is none of K, M"),
        ("column", "the column persons is missing"),
        ("many", "successes of"),
        ("twice", "stands twice"),
        ("empty", "category high, sex M: nobody in the treated units before"),
        ("one", "all persons of a sex and period are in unit u1"),
        ("alone", "two treated and two comparison"),
    ],
)
def test_bad_cells_are_refused(kind, says):
    with pytest.raises(InputError, match=says):
        gap_change(*_broken(kind))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"y": np.array([1.0, np.nan, 0.0, 1.0])}, "finite"),
        ({"first": np.ones(4, bool)}, "no rows"),
        ({"cluster": np.zeros(4)}, "two clusters"),
        ({"weight": np.array([1.0, 0, 1, 1])}, "above zero"),
        ({"x": np.ones((4, 1))}, "collinear"),
        ({"reference": 2.0}, "between 0 and 1"),
        ({"fold": 4}, "2 or 3"),
        ({"x": np.ones((3, 1))}, "one row each"),
    ],
)
def test_bad_rows_are_refused(change, says):
    given = {
        "y": np.array([1.0, 0.0, 0.0, 1.0]),
        "x": np.array([[0.0], [1.0], [0.0], [1.0]]),
        "first": np.array([True, True, False, False]),
        "cluster": np.arange(4),
    } | change
    with pytest.raises(InputError, match=says):
        oaxaca_blinder(**given)


@pytest.mark.parametrize(
    ("persons", "successes", "says"),
    [
        (np.ones((3, 2)), np.ones((3, 2)), "shape"),
        (np.ones((3, 2, 2)), 2 * np.ones((3, 2, 2)), "2 successes of 1 persons"),
        (np.zeros((3, 2, 2)), np.zeros((3, 2, 2)), "category short: nobody in the first"),
    ],
)
def test_bad_counts_are_refused(persons, successes, says):
    with pytest.raises(InputError, match=says):
        kitagawa(persons, successes, categories=("short", "long"))
