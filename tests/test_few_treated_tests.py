"""Welch, own-history and integrated t-tests: textbook cases, hand, and plain loops."""

from math import cos, exp, isclose, log, pi, sqrt

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from evaluation.data.panel import Panel
from evaluation.estimation.few_treated.coefficients import linear_estimator
from evaluation.estimation.few_treated.collapsed import collapse, sampling_variance
from evaluation.estimation.few_treated.integrated_t import integrated_t
from evaluation.estimation.few_treated.own_history import (
    ENOUGH_HISTORY,
    cosines,
    history_contrasts,
    own_history,
)
from evaluation.estimation.few_treated.variance_models import (
    log_prior,
    placebo_likelihood,
    restricted_likelihood,
    variances,
)
from evaluation.estimation.few_treated.welch import welch

FIRST = 2000


def study(seed, starts, n0, years, *, draws=None, estimand="cohort", method="cs", order=None):
    """Noise of unequal variance, sizes, and an estimator; the treated stand among the rest."""
    rng = np.random.default_rng(seed)
    n = len(starts) + n0
    size = np.exp(rng.normal(5, 1.2, n))
    shape = (n, years) if draws is None else (draws, n, years)
    y = rng.normal(size=shape) * np.sqrt(0.3 + 100 / size)[:, None] + rng.normal(size=years)
    first = np.zeros(n, dtype=int)
    first[rng.permutation(n)[: len(starts)]] = FIRST + np.array(starts)
    if order is not None:
        y, size, first = y[..., order, :], size[order], first[order]
    index = [f"u{i:03d}" for i in range(n)]
    wide = pd.DataFrame(
        y if draws is None else y[0], index=index, columns=range(FIRST, FIRST + years)
    )
    wide.columns = wide.columns.astype(int)
    cohort = pd.Series(first, index=index)
    found = linear_estimator(Panel("y", wide), cohort, method=method, estimand=estimand)
    return found, y, size


DESIGNS = [
    ((6,), 11, 12, "cs", "cohort"),
    ((6, 6, 6), 9, 12, "imputation", "cohort"),
    ((5, 7, 9), 20, 12, "cs", "cohort"),
    ((5, 5, 7, 11), 16, 12, "cs", "simple"),
    ((6, 7, 7, 9), 14, 13, "imputation", "dynamic"),
    ((6, 9), 12, 13, "twfe", "simple"),
    ((5, 7, 11), 12, 12, "cs", "event:2"),
    ((6, 8), 12, 12, "cs", "event:-2"),
]
designs = pytest.mark.parametrize("design", DESIGNS, ids=lambda d: f"{d[3]}-{d[4]}-{len(d[0])}")


def from_design(design, seed=0, draws=None, order=None):
    starts, n0, years, method, estimand = design
    return study(
        seed, starts, n0, years, method=method, estimand=estimand, draws=draws, order=order
    )


# --- Welch ---------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 3, 8])
@pytest.mark.parametrize("method", ["cs", "imputation", "twfe"])
def test_welch_is_welchs_for_one_adoption_year(k, method):
    found, y, _ = study(k, (4,) * k, 10, 8, method=method)
    profile = found.profile[0]
    treated, controls = y[found.treated] @ profile, y[found.controls] @ profile
    theirs = stats.ttest_ind(treated, controls, equal_var=False)
    test = welch(collapse(y, found))
    assert test.p_value()[0] == pytest.approx(theirs.pvalue, rel=1e-10)
    assert test.df[0] == pytest.approx(theirs.df, rel=1e-10)
    low, high = theirs.confidence_interval(0.9)
    half = test.half_width(0.1)[0]
    assert (test.estimate[0] - half, test.estimate[0] + half) == pytest.approx((low, high))


@pytest.mark.parametrize("starts", [(5, 5, 7), (3, 4, 5, 6, 7, 7, 8, 8), (4, 7)])
def test_welch_is_hc2_of_the_collapsed_data(starts):
    """HC2 is CR2 with one value per unit; equal weights also when adoption is staggered."""
    found, y, _ = study(3, starts, 9, 10)
    assert found.weight == pytest.approx(1 / len(starts))
    controls = composite_of(found, y)
    treated = [
        y[unit] @ a - (y[found.controls] @ a).mean() + controls.mean()
        for unit, a in zip(found.treated, found.profile, strict=True)
    ]
    d = np.r_[np.ones(len(treated)), np.zeros(9)]
    fit = sm.OLS(np.r_[treated, controls], sm.add_constant(d)).fit(cov_type="HC2")
    test = welch(collapse(y, found))
    assert test.estimate[0] == pytest.approx(fit.params[1], rel=1e-10)
    assert test.std_error[0] == pytest.approx(fit.bse[1], rel=1e-10)


def plain_welch(found, y):
    """Welch's test with explicit matrices; controls' spread under each profile."""
    weight, n1 = found.weight, len(found.weight)
    d = np.array([y[found.controls] @ a for a in found.profile])
    n0 = d.shape[1]
    effect = np.array([y[i] @ a for i, a in zip(found.treated, found.profile, strict=True)])
    effect -= d.mean(axis=1)
    composite = weight @ d
    estimate = weight @ effect
    controls = composite.var(ddof=1) / n0
    form = np.zeros((n1, n1))
    for s in range(n1):
        row = np.eye(n1)[s] - weight
        form += weight[s] ** 2 / (row @ row) * np.outer(row, row)
    treated = effect @ form @ effect
    m = form @ np.diag([x.var() for x in d])
    own = np.trace(m) ** 2 / np.trace(m @ m)
    df = (treated + controls) ** 2 / (treated**2 / own + controls**2 / (n0 - 1))
    return estimate, sqrt(treated + controls), df


@pytest.mark.parametrize("design", DESIGNS[1:], ids=lambda d: f"{d[3]}-{d[4]}")
def test_welch_is_its_formula(design):
    found, y, _ = from_design(design)
    reached = found.weight != 0
    estimate, error, df = plain_welch(reduced(found, reached), y)
    test = welch(collapse(y, found))
    assert test.estimate[0] == pytest.approx(estimate, rel=1e-9)
    assert test.std_error[0] == pytest.approx(error, rel=1e-9)
    assert test.df[0] == pytest.approx(df, rel=1e-9)


def composite_of(found, y):
    """The controls' composite contrast."""
    rows = y[found.controls]
    return sum(w * rows @ a for w, a in zip(found.weight, found.profile, strict=True))


def reduced(found, kept):
    """The treated units that the estimator reaches."""
    parts = ("weight", "profile", "start", "treated")
    return type(found)(**{
        k: v[kept] if k in parts else v for k, v in vars(found).items()
    })  # fmt: skip


def test_welch_has_no_error_for_one_treated_unit():
    found, y, _ = study(1, (6,), 10, 12)
    test = welch(collapse(y, found))
    assert test.std_error[0] == np.inf
    assert test.p_value()[0] == 1
    assert test.half_width(0.05)[0] == np.inf


# --- history -------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [2, 3, 8])
def test_cosines(length):
    waves = cosines(length)
    assert waves.shape == (length, length - 1)
    assert waves.T @ waves == pytest.approx(np.eye(length - 1), abs=1e-12)
    assert np.abs(waves.sum(axis=0)).max() < 1e-12
    # slow ones first: each crosses zero once more than the one before
    for k, wave in enumerate(waves.T, 1):
        signs = np.sign(wave.round(9))
        assert (np.diff(signs[signs != 0]) != 0).sum() == k
    assert waves[:, 0] == pytest.approx(-waves[::-1, 0])
    assert (np.diff(waves[:, 0]) < 0).all()


@pytest.mark.parametrize("start", range(1, 9))
@pytest.mark.parametrize("kind", ["last year", "mean", "wave", "noise"])
def test_history_contrasts_are_orthogonal_to_the_estimator(start, kind):
    years = 10
    profile = np.zeros(years)
    profile[start:] = 1 / (years - start)
    before = {
        "last year": -np.eye(years)[start - 1][:start],
        "mean": np.full(start, -1 / start),
        # a contrast that is itself a cosine leaves all the others
        "wave": -1 / start + (cosines(start)[:, 0] if start > 1 else np.zeros(1)),
        "noise": -np.random.default_rng(start).dirichlet(np.ones(start)),
    }[kind]
    profile[:start] = before
    basis = history_contrasts(profile, start)
    taken = 1 if kind == "mean" or start == 1 else 2
    assert basis.shape == (start, start - taken)
    assert basis.T @ basis == pytest.approx(np.eye(start - taken), abs=1e-12)
    assert np.abs(basis.sum(axis=0)).max(initial=0) < 1e-12
    assert np.abs(before @ basis).max(initial=0) < 1e-12


def test_own_history_by_hand():
    """Four controls whose every contrast is 1, one treated unit whose contrasts are 2."""
    signs = np.array([[1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1.0]])
    change = np.array([1, -1, -1, 1.0])
    waves = cosines(4)
    y = np.zeros((5, 5))
    y[0, :4], y[0, 4] = waves @ [2, -2, 2], 3
    for j in range(4):
        y[1 + j, :4], y[1 + j, 4] = waves @ signs[:, j], change[j]
    index = list("abcde")
    wide = pd.DataFrame(y, index=index, columns=list(range(2000, 2005)))
    cohort = pd.Series([2004, 0, 0, 0, 0], index=index)
    found = linear_estimator(Panel("y", wide), cohort, method="imputation")
    assert found.profile[0] == pytest.approx([-0.25] * 4 + [1])
    test = own_history(collapse(y, found), y)
    # three contrasts; among the controls each has the unbiased square 4/3, hence q = 1; the
    # treated unit's is 4 * 4/5, hence q = 12/5; c = 4/3 less half the variance of its logarithm,
    # (3 + 3)/(3 * 4); the controls' mean has 4/(4 * 3)
    treated, controls = 4 / 3 * exp(-1 / 2) * 12 / 5, 1 / 3
    total = treated + controls
    assert test.estimate[0] == pytest.approx(3)
    assert test.std_error[0] == pytest.approx(sqrt(total))
    df = total**2 / (treated**2 / 5 + controls**2 / 5 + treated**2 / 2) - 2
    assert df < 1
    assert test.df[0] == 1
    assert test.p_value()[0] == pytest.approx(2 * stats.t.sf(3 / sqrt(total), 1))


def gram_schmidt(vectors):
    """Orthonormal columns from vectors, dependent ones left out."""
    kept = []
    for v in vectors:
        rest = np.array(v, dtype=float)
        for _ in range(2):
            for q in kept:
                rest = rest - (q @ rest) * q
        if rest @ rest > 1e-16:
            kept.append(rest / sqrt(rest @ rest))
    return kept


def plain_history(found, y):
    """The own-history test from its description, one unit and one contrast at a time."""
    n0 = len(found.controls)
    parts, freedoms = [], []
    slots = zip(found.weight, found.profile, found.start, found.treated, strict=True)
    for weight, a, start, unit in slots:
        before = a[:start]
        known = [np.ones(start)]
        if max(abs(before - before.mean())) > 1e-9 * max(abs(a)):
            known.append(before)
        waves = [[cos(pi * (t + 0.5) * k / start) for t in range(start)] for k in range(1, start)]
        basis = gram_schmidt([*known, *waves])[len(known) :]
        df = len(basis)
        square = {}
        for k, v in enumerate(basis):
            middle = sum(v @ y[j, :start] for j in found.controls) / n0
            for j in [*found.controls, unit]:
                square[j, k] = (v @ y[j, :start] - middle) ** 2
                square[j, k] *= n0 / (n0 + 1) if j == unit else n0 / (n0 - 1)
        scale = [sum(square[j, k] for j in found.controls) / n0 for k in range(df)]
        for _ in range(6):
            own = {j: sum(square[j, k] / scale[k] for k in range(df)) / df for j in found.controls}
            scale = [sum(square[j, k] / own[j] for j in found.controls) / n0 for k in range(df)]
        q = {
            j: sum(square[j, k] / scale[k] for k in range(df)) / df for j in [*found.controls, unit]
        }
        changes = {j: a @ y[j] for j in found.controls}
        mean = sum(changes.values()) / n0
        x = [(changes[j] - mean) * sqrt(n0 / (n0 - 1)) / sqrt(q[j]) for j in found.controls]

        def loss(logc, x=x, df=df):
            z = np.array(x) / exp(logc / 2)
            return -(stats.t.logpdf(z, df) - logc / 2).sum()

        middle = log(np.median(np.square(x)))
        c = exp(optimize.minimize_scalar(loss, (middle - 1, middle + 1), tol=1e-12).x)
        c *= exp(-(df + 3) / (df * n0))
        parts.append(weight**2 * c * q[unit])
        freedoms.append(df)
    composite = composite_of(found, y)
    controls = composite.var(ddof=1) / n0
    total = sum(parts) + controls
    squares = controls**2 / (n0 + 1)
    squares += sum(p**2 / (df + 2) for p, df in zip(parts, freedoms, strict=True))
    rho = np.corrcoef(y[found.controls] @ found.profile.T, rowvar=False).reshape(len(parts), -1)
    for s, (p, df) in enumerate(zip(parts, freedoms, strict=True)):
        for r, (q, other) in enumerate(zip(parts, freedoms, strict=True)):
            half = sqrt((df + 3) / (df * n0)) * sqrt((other + 3) / (other * n0))
            squares += half * rho[s, r] ** 2 * p * q
    return sqrt(total), max(total**2 / squares - 2, 1)


@designs
@pytest.mark.parametrize("seed", range(2))
def test_own_history_is_its_description(design, seed):
    found, y, _ = from_design(design, seed)
    kept = reduced(found, found.weight != 0)
    test = own_history(collapse(y, found), y)
    slots = zip(kept.profile, kept.start, strict=True)
    if min(history_contrasts(a, g).shape[1] for a, g in slots) < ENOUGH_HISTORY:
        assert test is None
        return
    error, df = plain_history(kept, y)
    assert test.std_error[0] == pytest.approx(error, rel=1e-6)
    assert test.df[0] == pytest.approx(df, rel=1e-6)


def test_own_history_needs_three_contrasts():
    """Two years before adoption are taken by the mean and by the estimator itself."""
    for start, enough in ((2, False), (4, False), (5, True)):
        found, y, _ = study(1, (start, 8), 10, 12)
        assert (own_history(collapse(y, found), y) is not None) is enough


def test_a_treated_unit_that_never_moved_has_no_history():
    found, y, _ = study(1, (6,), 12, 12, draws=3)
    y[1, found.treated, :6] = 37.3
    y[2][found.controls, :6] = 37.3
    test = own_history(collapse(y, found), y)
    assert list(np.isfinite(test.std_error)) == [True, False, False]
    # a control that never moved is one among many
    y[0][found.controls[0], :6] = 0
    assert np.isfinite(own_history(collapse(y[:1], found), y[:1]).std_error[0])


@pytest.mark.parametrize(("unmoved", "enough"), [(5, True), (6, False), (10, False)])
def test_controls_that_did_not_change(unmoved, enough):
    """Where half of them stand still the likelihood knows no scale; size still does."""
    found, y, size = study(1, (6,), 12, 12, draws=4)
    y[:, found.controls[:unmoved], 5:] = 0
    movers = found.controls[unmoved:]
    y[:, movers[0], 5:] = 0
    y[:, movers[0], 8] = (
        -y[:, movers[1:], 5:]
        @ found.profile[0, 5:]
        @ np.ones(len(movers) - 1)
        / found.profile[0, 8]
    )
    kinds = every_test(found, y, size)
    assert np.isfinite(kinds["own_history"].std_error).all() == enough
    assert np.isfinite(numbers(kinds["integrated_t"])).all()


# --- the variance function -------------------------------------------------------------------

THETA = [-6 + k / 2 for k in range(25)]
GAMMA = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.25, 1.5, 1.75]


def plain_h(size, profile):
    """Relative sampling variance by unit."""
    by_year = np.array([np.full(len(profile), s) if np.ndim(s) == 0 else s for s in size])
    middle = np.median([np.mean(1 / row) for row in by_year])
    scale = middle * sum(a * a for a in profile)
    return np.array(
        [sum(a * a / n for a, n in zip(profile, row, strict=True)) / scale for row in by_year]
    )


def plain_models():
    """(prior, function of h) of every model."""
    models = []
    for k, logit in enumerate(THETA):
        theta = 1 / (1 + exp(-logit))
        prior = 0.9 * (0.5 / 25 + (0.4 if k == 0 else 0) + (0.1 if k == 24 else 0))
        models.append((prior, lambda h, theta=theta: (1 - theta) + theta * h))
    models += [(0.01, lambda h, gamma=gamma: h**gamma) for gamma in GAMMA]
    return models


def projection(v):
    """P with x'Px the weighted squares about the weighted mean."""
    inverse = np.diag(1 / v) if v.ndim == 1 else np.linalg.inv(v)
    one = np.ones(len(v))
    return inverse - np.outer(inverse @ one, inverse @ one) / (one @ inverse @ one)


def plain_restricted(x, v):
    """Restricted log likelihood, scale taken out, with the whole covariance matrix."""
    one = np.ones(len(x))
    _, logdet = np.linalg.slogdet(np.diag(v))
    information = one @ np.linalg.inv(np.diag(v)) @ one
    return -0.5 * logdet - 0.5 * log(information) - 0.5 * (len(x) - 1) * log(x @ projection(v) @ x)


def plain_placebo(y, h, first, last, controls):
    """Placebo log likelihood by model, smoothed over neighbours of the same family."""
    raw = []
    for _, law in plain_models():
        v = law(h)
        total = 0.0
        for rows, years in (
            (np.arange(len(y)), list(range(first))),
            (controls, list(range(last, y.shape[1]))),
        ):
            for k in (1, 2):
                if k >= len(years):
                    continue
                wave = np.array([cos(pi * (t + 0.5) * k / len(years)) for t in range(len(years))])
                wave /= sqrt(wave @ wave)
                total += plain_restricted(y[rows][:, years] @ wave, v[rows])
        raw.append(total)
    smooth = []
    for k in range(35):
        grid, own, width = (THETA, range(25), 0.75) if k < 25 else (GAMMA, range(25, 35), 0.225)
        near = [exp(-0.5 * ((grid[k - own[0]] - grid[j - own[0]]) / width) ** 2) for j in own]
        top = max(raw)
        mean = sum(w * exp(raw[j] - top) for w, j in zip(near, own, strict=True)) / sum(near)
        smooth.append(log(mean + 1e-300) + top)
    return smooth


def plain_integrated(found, y, size):
    """The integrated t-test from its description, one model at a time, explicit matrices."""
    lam, n0, n1 = found.weight, len(found.controls), len(found.weight)
    d = [y[found.controls] @ a for a in found.profile]
    composite = sum(w * x for w, x in zip(lam, d, strict=True))
    law_of = [plain_h(size, a) for a in found.profile]
    h_composite = plain_h(size, sum(w * a for w, a in zip(lam, found.profile, strict=True)))
    rows = sorted([*found.controls, *found.treated])
    placebo = plain_placebo(
        y[rows], plain_h(size, np.ones(y.shape[1]))[rows], min(found.start), max(found.start),
        [rows.index(j) for j in found.controls],
    )  # fmt: skip
    errors, logs, freedoms = [], [], []
    for (prior, law), from_placebo in zip(plain_models(), placebo, strict=True):
        vc = law(h_composite)[found.controls]
        p = projection(vc)
        total = (1 / vc).sum()
        rss_controls = composite @ p @ composite
        v_star = np.array(
            [law(law_of[s])[found.treated[s]] * (d[s] @ p @ d[s]) / rss_controls for s in range(n1)]
        )
        effect = np.array(
            [y[found.treated[s]] @ found.profile[s] - ((1 / vc) @ d[s]) / total for s in range(n1)]
        )
        omega = np.diag(v_star)
        for s in range(n1):
            for r in range(n1):
                omega[s, r] += d[s] @ p @ d[r] / rss_controls / total
        rss = rss_controls + effect @ projection(omega) @ effect
        freedom = n0 + n1 - 2
        variance = rss / freedom * ((lam**2 * v_star).sum() + vc.sum() / n0**2)
        one = np.ones(n1)

        logs.append(
            log(prior)
            - 0.5 * np.log(vc).sum()
            - 0.5 * log(total)
            - 0.5 * np.linalg.slogdet(omega)[1]
            - 0.5 * log(one @ np.linalg.inv(omega) @ one)
            - 0.5 * freedom * log(rss)
            + from_placebo
        )
        errors.append(sqrt(variance))
        # the parts of the variance, and the contrast of the controls that each is learnt from
        parts = np.array([*(lam**2 * v_star), vc.sum() / n0**2])
        contrasts = np.array([*d, composite])
        squares = contrasts @ p @ contrasts.T
        rho = squares / np.sqrt(np.outer(np.diag(squares), np.diag(squares)))
        shares = parts / parts.sum()
        freedoms.append(freedom / (shares @ rho**2 @ shares))
    weights = np.exp(np.array(logs) - max(logs))
    return np.array(errors), weights / weights.sum(), np.array(freedoms)


@designs
@pytest.mark.parametrize("by_year", [False, True])
def test_integrated_t_is_its_description(design, by_year):
    found, y, size = from_design(design)
    if by_year:
        size = size[:, None] * np.exp(np.random.default_rng(1).normal(0, 0.5, y.shape))
    errors, weights, df = plain_integrated(reduced(found, found.weight != 0), y, size)
    test = integrated_t(collapse(y, found), y, size)
    assert test.df[0] == pytest.approx(df, rel=1e-9)
    # several contrasts tell more than one, never less
    least = len(y) - (found.weight == 0).sum() - 2
    assert (df > least * (1 + 1e-9)).all() == (len(set(design[0])) > 1)
    assert test.std_errors[0] == pytest.approx(errors, rel=1e-9)
    assert test.weights[0] == pytest.approx(weights, rel=1e-7, abs=1e-12)
    estimate = float(found.estimate(y))
    for effect in (0.0, estimate, 0.7):
        each = 2 * stats.t.sf(abs(estimate - effect) / errors, df)
        expected = weights @ each
        assert test.p_value(effect)[0] == pytest.approx(expected, rel=1e-9)
    assert test.std_error[0] == pytest.approx(sqrt(weights @ errors**2), rel=1e-9)
    middle = weights @ np.log(errors)
    assert test.leaning[0] == pytest.approx(sqrt(weights @ (np.log(errors) - middle) ** 2))


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("method", ["cs", "imputation"])
def test_integrated_t_with_equal_sizes_is_the_pooled_t_test(k, method):
    found, y, _ = study(k, (6,) * k, 14, 12, method=method)
    profile = found.profile[0]
    treated, controls = y[found.treated] @ profile, y[found.controls] @ profile
    test = integrated_t(collapse(y, found), y, np.full(14 + k, 40.0))
    assert test.df == pytest.approx(12 + k)
    assert test.leaning[0] == pytest.approx(0, abs=1e-12)
    if k == 1:
        error = controls.std(ddof=1) * sqrt(1 + 1 / 14)
        expected = 2 * stats.t.sf(abs(treated[0] - controls.mean()) / error, 13)
    else:
        expected = stats.ttest_ind(treated, controls).pvalue
    assert test.p_value()[0] == pytest.approx(expected, rel=1e-10)
    assert test.std_error[0] == pytest.approx(test.std_errors[0, 0])


def test_the_models_and_their_prior():
    h = np.array([0.25, 1.0, 9.0])
    v = variances(h)
    assert v.shape == (35, 3)
    expected = np.array([law(h) for _, law in plain_models()])
    assert v == pytest.approx(expected, rel=1e-12)
    assert v[:, 1] == pytest.approx(1)
    assert v[12] == pytest.approx((1 + h) / 2)
    assert np.exp(log_prior()) == pytest.approx([p for p, _ in plain_models()])
    assert np.exp(log_prior()).sum() == pytest.approx(1)


def test_sampling_variance_by_hand():
    size = np.array([[10.0, 40.0], [20.0, 20.0], [40.0, 10.0]])
    # means of 1/n: 1/16, 1/20, 1/16; squares 1 and 4
    found = sampling_variance(size, np.array([-1.0, 2.0]))
    assert found == pytest.approx(np.array([1 / 10 + 4 / 40, 5 / 20, 1 / 40 + 4 / 10]) / (5 / 16))
    assert sampling_variance(np.array([10.0, 20.0, 80.0]), np.array([-1, 0.5, 0.5])) == (
        pytest.approx([2, 1, 0.25])
    )


def test_restricted_likelihood_is_that_of_the_matrix():
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(3, 8)), rng.uniform(0.2, 5, size=(4, 8))
    ours = restricted_likelihood(x, v)
    for r in range(3):
        for k in range(4):
            assert isclose(ours[r, k], plain_restricted(x[r], v[k]), rel_tol=1e-11)
    # neither level nor unit of measurement decides between models
    again = restricted_likelihood(3 + 7 * x, v)
    assert again - again[:, :1] == pytest.approx(ours - ours[:, :1], abs=1e-9)


def test_placebo_contrasts_that_do_not_vary_say_nothing():
    rng = np.random.default_rng(0)
    y, h = rng.normal(size=(2, 12, 9)), np.exp(rng.normal(size=12))
    controls = np.arange(2, 12)
    y[1, :, :4] = 37.3
    v = variances(h)
    found = placebo_likelihood(y, v, 4, 6, controls)
    assert found[0] == pytest.approx(plain_placebo(y[0], h, 4, 6, controls), rel=1e-9)
    only_after = placebo_likelihood(y, v, 1, 6, controls)
    assert found[1] == pytest.approx(only_after[1], rel=1e-12)
    # stretches of one year hold no contrast: all models alike
    nothing = placebo_likelihood(y, v, 1, 8, controls)
    assert nothing == pytest.approx(0, abs=1e-12)


def test_effects_of_units_that_are_not_reached_do_not_touch_the_placebos():
    """A unit treated before the first that counts may have any effect: nothing changes."""
    found, y, size = study(5, (2, 8, 8), 12, 12, estimand="event:-4")
    early = found.treated[found.weight == 0]
    assert len(early) == 1
    before = integrated_t(collapse(y, found), y, size)
    y[early, 2:] += np.arange(10) * 50
    after = integrated_t(collapse(y, found), y, size)
    assert after.weights == pytest.approx(before.weights, rel=1e-9, abs=1e-300)


# --- what every test obeys ---------------------------------------------------------------------


def every_test(found, y, size):
    c = collapse(y, found)
    out = {"integrated_t": integrated_t(c, y, size), "own_history": own_history(c, y)}
    if len(c.estimator.weight) > 1:
        out["welch"] = welch(c)
    return {k: v for k, v in out.items() if v is not None}


def numbers(test, effect=0.0):
    return np.array([test.estimate, test.std_error, test.p_value(effect), test.half_width(0.05)])


@designs
def test_the_interval_inverts_the_test(design):
    found, y, size = from_design(design, draws=3)
    for test in every_test(found, y, size).values():
        for alpha in (0.01, 0.05, 0.2):
            half = test.half_width(alpha)
            for draw in range(3):
                for sign in (-1, 1):
                    end = test.estimate[draw] + sign * half[draw]
                    assert test.p_value(end)[draw] == pytest.approx(alpha, rel=1e-8)
        assert test.p_value(test.estimate.mean()).max() <= 1
        centre = test.p_value(float(test.estimate[0]))[0]
        assert centre == pytest.approx(1, abs=1e-12)


@designs
def test_scale_and_shift(design):
    found, y, size = from_design(design)
    moved = -3 * (y + np.arange(len(y))[:, None] + np.arange(y.shape[1]) ** 2)
    post = np.arange(y.shape[1]) >= found.start[:, None]
    for name, test in every_test(found, y, size).items():
        plain, turned = numbers(test), numbers(every_test(found, moved, size)[name])
        assert turned == pytest.approx(plain * [[-3], [3], [1], [3]], rel=1e-7)
        # a constant effect moves the estimate and nothing else
        shifted = y.copy()
        shifted[found.treated] += 2.0 * post
        found_effect = float(found.estimate(shifted) - found.estimate(y))
        again = every_test(found, shifted, size)[name]
        assert again.p_value(found_effect)[0] == pytest.approx(plain[2, 0], rel=1e-6)
        if design[3] != "twfe":
            assert again.std_error[0] == pytest.approx(plain[1, 0], rel=1e-6)
    # sizes matter only relative to one another
    one, other = (every_test(found, y, s)["integrated_t"] for s in (size, 9 * size))
    assert numbers(one) == pytest.approx(numbers(other), rel=1e-9)


@designs
def test_the_order_of_units_does_not_matter(design):
    found, y, size = from_design(design)
    order = np.random.default_rng(9).permutation(len(y))
    turned, y2, size2 = from_design(design, order=order)
    assert (y2 == y[order]).all()
    again = every_test(turned, y2, size2)
    for name, test in every_test(found, y, size).items():
        assert numbers(again[name]) == pytest.approx(numbers(test), rel=1e-9)


@designs
def test_one_panel_in_a_batch_is_as_if_alone(design):
    found, y, size = from_design(design, draws=7)
    batch = every_test(found, y, size)
    for draw in (0, 6):
        for name, test in every_test(found, y[draw], size).items():
            assert numbers(batch[name])[:, draw] == pytest.approx(numbers(test)[:, 0], rel=1e-11)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    starts=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    n0=st.integers(3, 12),
)
def test_any_design_gives_numbers(seed, starts, n0):
    """Any adoption years, three controls or more: finite errors, p between 0 and 1."""
    found, y, size = study(seed, starts, n0, 10)
    for test in every_test(found, y, size).values():
        estimate, error, p, half = numbers(test)[:, 0]
        assert estimate == pytest.approx(float(found.estimate(y)), abs=1e-10)
        assert 0 < error < np.inf
        assert 0 <= p <= 1
        assert error < half < np.inf
        assert (p < 0.05) == (abs(estimate) > half)


@pytest.mark.parametrize("years", [2, 3, 4])
def test_two_to_four_years(years):
    for starts in ((1,), (1, years - 1), (years - 1,) * 3):
        found, y, size = study(years, starts, 6, years)
        kinds = every_test(found, y, size)
        assert "own_history" not in kinds
        assert np.isfinite(numbers(kinds["integrated_t"])).all()


def test_treated_in_the_last_year_only():
    found, y, size = study(4, (6, 11), 14, 12, estimand="cohort")
    kinds = every_test(found, y, size)
    assert set(kinds) == {"welch", "own_history", "integrated_t"}
    for test in kinds.values():
        assert np.isfinite(numbers(test)).all()
