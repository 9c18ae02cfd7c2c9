"""A short, seeded form of the calibration: level and power in telling cells of the grid.

2,000 draws give the share of rejections a standard error of half a percentage point. The
seeds are fixed, so a failure is a change of the tests, not of luck.
"""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evaluation import aggregate, callaway_santanna, municipalities
from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.few_treated import calibration
from evaluation.estimation.few_treated.auto import auto_p_values
from evaluation.estimation.few_treated.calibration import analytic_p
from evaluation.estimation.few_treated.collapsed import collapse
from evaluation.estimation.few_treated.own_history import own_history
from evaluation.estimation.few_treated.simulation import (
    FIRST_YEAR,
    GRID,
    YEARS,
    Cell,
    cell_studies,
    null_panels,
    pick_treated,
    relative_size,
)

DRAWS = 2000

# floors of the power at three oracle standard errors (a z-test with the variance known: 0.85)
CELLS = [
    (Cell(33, 1, "equal", "random", "simultaneous", 0.0), 0.78, 0.57),
    (Cell(33, 1, "size", "small", "simultaneous", 0.5), 0.78, 0.57),
    (Cell(33, 2, "size", "large", "staggered", 0.5), 0.76, 0.64),
    (Cell(33, 4, "equal", "random", "simultaneous", 0.5), 0.77, 0.73),
    (Cell(33, 4, "size", "small", "staggered", 0.5), 0.78, 0.73),
    (Cell(33, 4, "size", "large", "staggered", 0.0), 0.73, 0.66),
    (Cell(33, 8, "size", "random", "staggered", 0.5), 0.68, 0.71),
    (Cell(33, 16, "equal", "large", "staggered", 0.0), 0.75, 0.70),
    (Cell(290, 1, "size", "large", "simultaneous", 0.5), 0.77, 0.60),
]
named = [pytest.param(*c, id="-".join(map(str, c[0].to_dict().values()))) for c in CELLS]


@cache
def sizes(n):
    """The 290 municipalities' populations, or those of Skåne's 33."""
    people = municipalities()["population_2017"].sort_index()
    return people[people.index.str.startswith("12")] if n == 33 else people


def oracle_error(est, cell, size):
    """The estimate's standard deviation, the variance law being known."""
    t = np.arange(cell.years)
    years = cell.autocorrelation ** np.abs(t[:, None] - t)
    by_unit = np.einsum("it,ts,is->i", est.coefficients, years, est.coefficients)
    return float(np.sqrt(relative_size(cell.variance, size) @ by_unit))


def test_the_oracle_knows_the_error():
    cell = CELLS[4][0]
    size = sizes(33).to_numpy(dtype=float)
    est, y = next(iter(cell_studies(cell, size, draws=40, seed=1)))
    expected = oracle_error(est, cell, size)
    law = relative_size(cell.variance, size)
    assert calibration.oracle_error(est, law, 0.5) == pytest.approx(expected, rel=1e-10)
    y = null_panels(np.random.default_rng(0), 20_000, law, cell.years, 0.5)
    assert est.estimate(y).std() == pytest.approx(expected, rel=4 / np.sqrt(2 * 20_000))


def shares_rejected(cell, draws=DRAWS):
    """Rejections at 5 % under no effect and under one of three oracle standard errors."""
    size = sizes(cell.n_units).to_numpy(dtype=float)
    found = {"auto": [], "own_history": [], "auto power": [], "own_history power": []}
    for est, y in cell_studies(cell, size, draws=draws, seed=20260701):
        post = np.arange(cell.years) >= est.start[:, None]
        for suffix, effect in (("", 0.0), (" power", 3 * oracle_error(est, cell, size))):
            y[:, est.treated] += effect * post
            c = collapse(y, est)
            found[f"auto{suffix}"].append(auto_p_values(c, y, size))
            found[f"own_history{suffix}"].append(own_history(c, y).p_value())
    p = {name: np.concatenate(values) for name, values in found.items()}
    assert all(np.isfinite(v).all() and len(v) == draws for v in p.values())
    return {name: float((v < 0.05).mean()) for name, v in p.items()}


@pytest.mark.parametrize(("cell", "floor", "history_floor"), named)
def test_level_and_power(cell, floor, history_floor):
    assert cell in GRID
    share = shares_rejected(cell)
    assert 0.035 <= share["auto"] <= 0.065
    assert 0.025 <= share["own_history"] <= 0.065
    assert floor <= share["auto power"] <= 0.88
    assert history_floor <= share["own_history power"] <= 0.88


@pytest.mark.parametrize("law", ["mixed", "root"])
def test_laws_that_no_model_of_the_grid_was_chosen_for(law):
    # the mixed law has a true level of 5.4 %: enough draws to tell that from 6.5
    share = shares_rejected(Cell(33, 2, law, "small", "staggered", 0.5, years=18), draws=6000)
    assert 0.035 <= share["auto"] <= 0.065
    assert 0.025 <= share["own_history"] <= 0.065


@pytest.mark.parametrize("adoption", ["simultaneous", "staggered"])
def test_the_usual_analytic_test_rejects_far_too_often(adoption):
    """4 of 33 treated: the influence-function error of Callaway and Sant'Anna."""
    cell = Cell(33, 4, "size", "random", adoption, 0.5)
    people = sizes(33)
    rejected = []
    for block, (est, y) in enumerate(
        cell_studies(cell, people.to_numpy(dtype=float), draws=DRAWS, seed=7)
    ):
        c = collapse(y, est)
        spread = (c.effect - c.estimate[:, None]) ** 2
        variance = (c.composite**2).sum(axis=1) / c.n_controls**2 + spread.sum(axis=1) / 16
        if block == 0:
            # the very error that the library's aggregate reports
            first = np.zeros(33, dtype=int)
            first[est.treated] = FIRST_YEAR + est.start
            years = list(range(FIRST_YEAR, FIRST_YEAR + YEARS))
            panel = Panel("null", pd.DataFrame(y[0], index=people.index, columns=years))
            gt = callaway_santanna(panel, pd.Series(first, index=people.index))
            theirs = aggregate(gt, "cohort")
            assert theirs.std_error == pytest.approx(np.sqrt(variance[0]), rel=1e-9)
            assert theirs.estimate == pytest.approx(c.estimate[0], rel=0, abs=1e-12)
            assert analytic_p(c)[0] == pytest.approx(theirs.p_value, rel=1e-9)
        rejected.append(np.abs(c.estimate) > stats.norm.ppf(0.975) * np.sqrt(variance))
    assert np.concatenate(rejected).mean() > 0.10


# --- the panels themselves ---------------------------------------------------------------------


def test_the_grid_is_the_one_that_was_promised():
    assert len(GRID) == len(set(GRID)) == 240
    assert {c.n_treated for c in GRID} == {1, 2, 4, 8, 16}
    assert {c.n_units for c in GRID} == {33, 290}
    assert {c.autocorrelation for c in GRID} == {0.0, 0.5}
    assert {len(sizes(n)) for n in (33, 290)} == {33, 290}


def test_panels_have_the_law_they_are_named_for():
    rng = np.random.default_rng(0)
    law = np.array([0.25, 1.0, 4.0])
    y = null_panels(rng, 20_000, law, 4, 0.5)
    assert y.shape == (20_000, 3, 4)
    expected = 0.5 ** np.abs(np.arange(4)[:, None] - np.arange(4))
    for unit in range(3):
        # four standard errors of an estimated covariance
        found = np.cov(y[:, unit].T)
        assert np.abs(found / law[unit] - expected).max() < 4 * np.sqrt(2 / 20_000)
    assert abs(np.corrcoef(y[:, 0, 0], y[:, 1, 0])[0, 1]) < 4 / np.sqrt(20_000)


def test_laws_of_size():
    size = np.array([10.0, 40.0, 160.0])
    assert list(relative_size("equal", size)) == [1, 1, 1]
    assert list(relative_size("size", size)) == [4, 1, 0.25]
    assert list(relative_size("mixed", size)) == [2.5, 1, 0.625]
    assert list(relative_size("root", size)) == [2, 1, 0.5]
    with pytest.raises(InputError, match="'flat' is none of equal, size, mixed, root"):
        relative_size("flat", size)


def test_who_is_treated():
    rng = np.random.default_rng(0)
    size = rng.permutation(40) + 1.0
    for who, low, high in (
        ("random", 1, 40), ("small", 1, 10), ("large", 31, 40), ("smallest", 1, 4),
        ("largest", 37, 40),
    ):  # fmt: skip
        seen = set()
        for _ in range(200):
            picked = pick_treated(rng, size, 4, who)
            assert len(set(picked)) == 4
            seen |= set(size[picked])
        assert seen == set(range(low, high + 1))
    assert len(pick_treated(rng, size, 16, "small")) == 16
    with pytest.raises(InputError, match="'rich' is none of random"):
        pick_treated(rng, size, 4, "rich")


def test_when_they_adopt():
    assert list(Cell(33, 6, "equal", "random", "staggered", 0.0).starts()) == [5, 7, 9, 11, 5, 7]
    assert list(Cell(33, 2, "equal", "random", "simultaneous", 0.0).starts()) == [7, 7]
    assert list(Cell(33, 1, "equal", "random", "staggered", 0.0).starts()) == [7]
    assert list(Cell(33, 4, "equal", "random", "staggered", 0.0, 30).starts()) == [10, 14, 18, 22]


def test_a_seed_gives_the_same_studies_and_the_count_is_kept():
    cell = Cell(33, 4, "size", "large", "staggered", 0.5)
    size = sizes(33).to_numpy(dtype=float)
    one = list(cell_studies(cell, size, draws=103, seed=5))
    two = list(cell_studies(cell, size, draws=103, seed=5))
    assert sum(len(y) for _, y in one) == 103
    for (est, y), (again, z) in zip(one, two, strict=True):
        assert (y == z).all()
        assert (est.coefficients == again.coefficients).all()
    largest = set(np.argsort(size)[-8:])
    assert all(set(est.treated) <= largest for est, _ in one)
    assert all(sorted(est.start) == [5, 7, 9, 11] for est, _ in one)
    other = next(iter(cell_studies(cell, size, draws=103, seed=6)))[1]
    assert not np.allclose(one[0][1], other)
    # panels from elsewhere take the place of the drawn ones
    flat = np.random.default_rng(0).normal(size=(33, 15))
    own = cell_studies(cell, size, draws=4, seed=5, sample=lambda rng, k: np.stack([flat] * k))
    assert all((y == flat).all() for _, y in own)
