"""The permutation of adoption on the hazard and its inversion, against the long way round."""

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import norm

from evaluation.estimation.survival.discrete_hazard import dummies, fit_cloglog, informative
from evaluation.estimation.survival.hazard_did import hazard_did
from evaluation.estimation.survival.hazard_permutation import hazard_cells, permutation_interval
from evaluation.estimation.survival.persons import count_spells

MONTHS = 6


def country(seed, effect, units=12, treated=2, size=60, shock=0.0, years=6):
    """Return municipalities with cohorts from 2010, the first ones treated from 2012 or 2013 on."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    codes = [f"{i:04d}" for i in range(units)]
    first = {c: 2012 + i % 2 for i, c in enumerate(codes[:treated])}
    log_rate = rng.normal(-2.2, 0.3, units)[:, None] + rng.normal(0, shock, (units, years))
    rows = []
    for (i, c), y in itertools.product(enumerate(codes), range(years)):
        # sizes from a third of the mean to two thirds above it
        n = int(size * (1 / 3 + 4 / 3 * i / units))
        on = 2010 + y >= first.get(c, 9999)
        end = np.ceil(rng.exponential(1 / np.exp(log_rate[i, y] + effect * on), n))
        rows.append(pd.DataFrame({"municipality": c, "cohort": 2010 + y, "end": end}))
    frame = pd.concat(rows, ignore_index=True)
    end = frame["end"].to_numpy()
    table = count_spells(
        frame[["municipality", "cohort"]],
        np.zeros(len(frame), int),
        np.minimum(end, MONTHS).astype(int),
        np.where(end <= MONTHS, 0, -1),
        kinds=["left"],
    )
    return table, first


def prepared(table, first, draws=999):
    """Return cells, picks with the real ones first, and years."""
    cells = hazard_cells(table)
    real = [cells.units.index(c) for c in first]
    every = [p for p in itertools.permutations(range(len(cells.units)), len(real)) if [*p] != real]
    assert len(every) <= draws
    return cells, np.array([real, *every]), np.array(list(first.values()))


class Long:
    """Everything with dense matrices and the models of statsmodels."""

    def __init__(self, table):
        rows = table.tidy()
        d, n = rows["left"].to_numpy(), rows["at_risk"].to_numpy()
        kept, _ = informative(rows, ["municipality", "cohort", "month"], d, n)
        self.rows = rows[kept].reset_index(drop=True)
        self.d, self.n = d[kept].astype(float), n[kept].astype(float)
        self.place = pd.factorize(self.rows["municipality"], sort=True)[0]
        parts = [dummies(self.place, first=True).toarray()]
        for key in ("cohort", "month"):
            parts.append(dummies(pd.factorize(self.rows[key], sort=True)[0], first=False).toarray())
        self.x = np.column_stack(parts)
        self.cell = self.rows.groupby(["municipality", "cohort"]).ngroup().to_numpy()

    def active(self, picks, years):
        """Return the exposure of each cell under an assignment."""
        start = np.full(self.place.max() + 1, 9999)
        start[picks] = years
        return (self.rows["cohort"].to_numpy() >= start[self.place]).astype(float)

    def fit(self, effect, real):
        """Fit without the term."""
        family = sm.families.Binomial(link=sm.families.links.CLogLog())
        model = sm.GLM(
            np.column_stack([self.d, self.n - self.d]), self.x, family=family, offset=effect * real
        )
        p = model.fit(tol=1e-13, maxiter=100).fittedvalues
        rate = -np.log1p(-p)
        slope = rate * np.exp(-rate)
        variance = p * np.exp(-rate)
        return (self.d - self.n * p) * slope / variance, self.n * slope**2 / variance

    def moments(self, effect, real, exposures):
        """Return score, information, shocks, slope and the municipalities' own scores."""
        residual, weight = self.fit(effect, real)
        root = np.sqrt(weight)[:, None]
        d = exposures.T
        net = d - self.x @ np.linalg.lstsq(self.x * root, d * root, rcond=None)[0]
        heavy = net * weight[:, None]
        cells = np.stack([np.bincount(self.cell, weights=c) for c in heavy.T])
        own = np.stack([np.bincount(self.place, weights=c * residual) for c in net.T])
        return d.T @ residual, (heavy * d).sum(0), (cells**2).sum(1), real @ heavy, own


@pytest.mark.parametrize("effect", [0.0, -0.8])
def test_the_moments_are_those_of_weighted_least_squares_at_any_effect(effect):
    table, first = country(1, -0.5, years=4)
    cells, picks, years = prepared(table, first)
    long = Long(table)
    real = long.active(picks[0], years)
    some = picks[:40]
    exposures = np.stack([long.active(p, years) for p in some])
    active = np.zeros((len(cells.units), len(cells.cohorts)))
    active[picks[0]] = cells.cohorts[None, :] >= years[:, None]
    found = cells.at(effect, active).moments(some, years)
    expected = long.moments(effect, real, exposures)
    # the two programs stop within 1e-8 of the root
    for name, ours, theirs in zip("uihc", found, expected, strict=False):
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, atol=1e-7 * scale, rtol=1e-6, err_msg=name)


def test_a_warm_start_and_an_offset_give_the_same_fit():
    table, first = country(2, -0.5)
    cells, picks, years = prepared(table, first)
    active = np.zeros((len(cells.units), len(cells.cohorts)))
    active[picks[0]] = cells.cohorts[None, :] >= years[:, None]
    zero = cells.at(0.0, active)
    there = cells.at(1.5, active)
    np.testing.assert_allclose(cells.at(1.5, active, zero.beta).beta, there.beta, atol=1e-9)
    # an offset that the effects can take up changes nothing but them
    known = 0.7 * cells.x[:, [3]].toarray().ravel()
    fit = fit_cloglog(cells.x, cells.events, cells.at_risk, offset=known)
    plain = fit_cloglog(cells.x, cells.events, cells.at_risk)
    shift = np.zeros(len(plain.beta))
    shift[3] = 0.7
    np.testing.assert_allclose(fit.beta, plain.beta - shift, atol=1e-9)


@pytest.mark.parametrize(("seed", "effect"), [(3, -0.5), (4, 0.0), (5, 1.2)])
def test_bounds_are_where_a_refitted_test_changes_its_mind(seed, effect):
    table, first = country(seed, effect)
    cells, picks, years = prepared(table, first)
    found = hazard_did(table, first, horizon=MONTHS, draws=999)
    low, high = found.result.conf_int
    assert found.result.small_sample.startswith("131 other assignments")
    assert low < found.result.estimate < high
    active = np.zeros((len(cells.units), len(cells.cohorts)))
    active[picks[0]] = cells.cohorts[None, :] >= years[:, None]
    tau2 = cells.at(found.result.estimate, active).shock_variance(years)
    long = Long(table)
    real = long.active(picks[0], years)
    exposures = np.stack([long.active(p, years) for p in picks])

    def p_value(value):
        u, i, h, _, _ = long.moments(value, real, exposures)
        z = np.abs(u) / np.sqrt(i + tau2 * h)
        return np.mean(z >= z[0] - 1e-7)

    assert found.result.p_value == p_value(0.0)
    step = 2e-3 * found.clustered.std_error
    for bound, side in ((low, -1), (high, 1)):
        assert p_value(bound) > 0.05
        assert p_value(bound + side * step) <= 0.05
        # and nothing further out is accepted
        assert p_value(bound + side * 0.3) <= 0.05
        assert p_value(bound + side * 1.0) <= 0.05


def test_the_first_step_is_near_the_end_of_the_search():
    table, first = country(3, -0.5)
    cells, picks, years = prepared(table, first)
    found = hazard_did(table, first, horizon=MONTHS)
    options = {"estimate": found.result.estimate, "tolerance": 1e-4}
    _, exact = permutation_interval(cells, picks, years, **options)
    assert exact == pytest.approx(found.result.conf_int, abs=2e-4)
    active = np.zeros((len(cells.units), len(cells.cohorts)))
    active[picks[0]] = cells.cohorts[None, :] >= years[:, None]
    at_zero = permutation_interval(cells, picks, years, **options)[0]
    # linear at no effect: half a unit away the scores have bent by some hundredths
    assert at_zero.near == pytest.approx(exact, abs=0.1)


def test_interval_and_p_value_never_disagree():
    sides = []
    for seed in range(12):
        effect = (-0.35, 0.0, 0.3)[seed % 3]
        table, first = country(seed, effect, units=14, size=50, shock=0.1)
        found = hazard_did(table, first, horizon=MONTHS, draws=199, seed=seed)
        low, high = found.result.conf_int
        assert low <= found.result.estimate <= high
        assert (low <= 0 <= high) == (found.result.p_value > 0.05)
        sides.append(found.result.p_value > 0.05)
    assert 0 < sum(sides) < len(sides)


def test_an_effect_that_anybody_could_see_is_found_however_few_are_active():
    """The municipalities' own scores would not do: the effect is in their spread as well."""
    table, first = country(6, -2.0, units=60, treated=1, size=150)
    found = hazard_did(table, first, horizon=MONTHS)
    assert found.result.p_value == 1 / 60
    low, high = found.result.conf_int
    assert low <= -2.0 <= high < 0
    _, picks, years = prepared(table, first)
    long = Long(table)
    exposures = np.stack([long.active(p, years) for p in picks])
    u, *_, own = long.moments(0.0, exposures[0], exposures)
    studentised = np.abs(u) / np.sqrt((own**2).sum(axis=1))
    assert np.mean(studentised >= studentised[0] - 1e-9) > 0.05
    assert found.hazard_ratio[2] == pytest.approx(np.exp(high))


def test_too_few_assignments_give_no_bound_and_say_so():
    table, first = country(7, -1.5, units=12, treated=1)
    found = hazard_did(table, first, horizon=MONTHS)
    assert found.result.conf_int == (-np.inf, np.inf)
    assert found.result.p_value == 1 / 12
    assert any("only 12 assignments" in n for n in found.result.notes)
    low, high = found.clustered.conf_int
    assert np.isfinite([low, high]).all()
    z = norm.ppf(0.975) * found.clustered.std_error
    assert (low, high) == pytest.approx((found.result.estimate - z, found.result.estimate + z))
    assert list(found.tidy()["inference"]) == [found.result.inference, found.clustered.inference]
    assert found.tidy()["inference"][1].startswith("clustered by municipality")


def test_the_variance_of_shocks_is_found():
    got = []
    for seed in range(6):
        table, _ = country(seed, 0.0, units=60, treated=1, size=120, shock=0.3)
        cells = hazard_cells(table)
        none = cells.at(0.0, np.zeros((len(cells.units), len(cells.cohorts))))
        got.append(none.shock_variance(np.array([2012, 2013])))
    # 0.09; one country's error is about a fifth of it, six of them less than a tenth
    assert np.mean(got) == pytest.approx(0.09, rel=0.25)
    table, _ = country(1, 0.0, units=60, treated=1, size=120)
    cells = hazard_cells(table)
    none = cells.at(0.0, np.zeros((len(cells.units), len(cells.cohorts))))
    assert 0 <= none.shock_variance(np.array([2012, 2013])) < 0.02
