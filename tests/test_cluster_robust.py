"""Errors by cluster: the textbook matrices in full, leave-one-out in full, and what R prints."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from evaluation.errors import InputError
from evaluation.estimation.regression.cluster_robust import cr1, cr2, cr3
from evaluation.estimation.regression.least_squares import (
    demean,
    independent_columns,
    least_squares,
)

HERE = Path(__file__).parent / "reference"
R = json.loads((HERE / "r_mpdta.json").read_text(encoding="utf-8"))


def close(value, tolerance=1e-10):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def panel(seed=3, n=8, years=5, gaps=True, weighted=True):
    """An unbalanced weighted panel with two regressors, and its full dummy matrix."""
    rng = np.random.default_rng(seed)
    unit, year = np.repeat(np.arange(n), years), np.tile(np.arange(years), n)
    if gaps:
        keep = rng.random(n * years) > 0.12
        unit, year = unit[keep], year[keep]
    treated = ((unit < 4) & (year >= 2 + unit % 2)).astype(float)
    x = np.column_stack([treated, rng.standard_normal(len(unit))])
    y = 0.5 * treated + x[:, 1] + rng.standard_normal((n,))[unit] * (1 + year)
    y += rng.standard_normal(len(unit))
    weights = rng.uniform(0.5, 3, len(unit)) if weighted else None
    by_year = (year[:, None] == np.arange(1, years)).astype(float)
    by_unit = (unit[:, None] == np.arange(n)).astype(float)
    return y, x, unit, by_year, by_unit, weights


def fitted(parts, clusters=None):
    y, x, unit, by_year, _, weights = parts
    return least_squares(
        y,
        x,
        unit if clusters is None else clusters,
        names=["treated", "x"],
        nuisance=by_year,
        absorb=unit,
        weights=weights,
    )


def explicit(parts):
    """Everything as dummies, rows scaled by the root of their weight."""
    y, x, unit, by_year, by_unit, weights = parts
    root = np.ones(len(y)) if weights is None else np.sqrt(weights)
    full = np.column_stack([x, by_year, by_unit]) * root[:, None]
    return y * root, full, unit


def inverse_root(matrix):
    """The symmetric square root of the Moore–Penrose inverse."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    power = np.where(values > 1e-9, np.abs(values) ** -0.5, 0.0)
    return vectors @ np.diag(power) @ vectors.T


CASES = [
    {"gaps": True, "weighted": True},
    {"gaps": True, "weighted": False},
    {"gaps": False, "weighted": True},
    {"gaps": False, "weighted": False, "seed": 11},
]


@pytest.mark.parametrize("case", CASES)
def test_coefficients_and_bare_sandwich_by_explicit_dummies(case):
    parts = panel(**case)
    y, full, unit = explicit(parts)
    bread = np.linalg.inv(full.T @ full)
    beta = bread @ full.T @ y
    e = y - full @ beta
    scores = np.array([full[unit == g].T @ e[unit == g] for g in np.unique(unit)])
    se = np.sqrt(np.diag(bread @ scores.T @ scores @ bread))[:2]
    fit = fitted(parts)
    assert fit.coefficients == close(beta[:2])
    assert cr1(fit, small_sample="none").std_error == close(se)


@pytest.mark.parametrize("case", CASES)
def test_cr2_and_its_degrees_of_freedom_by_full_matrices(case):
    """(I − H) and its symmetric root built for all rows; the trace ratio without shortcuts."""
    parts = panel(**case)
    y, full, unit = explicit(parts)
    bread = np.linalg.inv(full.T @ full)
    maker = np.eye(len(y)) - full @ bread @ full.T
    e = maker @ y
    result = cr2(fitted(parts))
    for term in range(2):
        variance, columns = 0.0, []
        for g in np.unique(unit):
            rows = unit == g
            adjust = inverse_root(maker[np.ix_(rows, rows)])
            weight = adjust @ full[rows] @ bread[:, term]
            variance += (weight @ e[rows]) ** 2
            columns.append(maker[:, rows] @ weight)
        p = np.array(columns) @ np.array(columns).T
        assert result.std_error[term] == close(np.sqrt(variance))
        assert result.df[term] == close(np.trace(p) ** 2 / np.trace(p @ p), 1e-8)


def test_cr2_is_unbiased_under_its_working_model():
    """With independent equal errors the expected CR2 variance is the true one, by algebra."""
    parts = panel(weighted=False)
    _, full, unit = explicit(parts)
    bread = np.linalg.inv(full.T @ full)
    maker = np.eye(len(full)) - full @ bread @ full.T
    expected = 0.0
    for g in np.unique(unit):
        rows = unit == g
        weight = inverse_root(maker[np.ix_(rows, rows)]) @ full[rows] @ bread[:, 0]
        expected += weight @ maker[np.ix_(rows, rows)] @ weight
    assert expected == close(bread[0, 0])


@pytest.mark.parametrize("case", CASES)
def test_cr3_by_leaving_every_cluster_out(case):
    parts = panel(**case)
    y, x, unit, by_year, _, weights = parts
    fit = fitted(parts)
    groups = np.unique(unit)
    changes = []
    for g in groups:
        keep = unit != g
        again = least_squares(
            y[keep],
            x[keep],
            unit[keep],
            nuisance=by_year[keep],
            absorb=unit[keep],
            weights=None if weights is None else weights[keep],
        )
        changes.append(again.coefficients - fit.coefficients)
    scale = (len(groups) - 1) / len(groups)
    assert cr3(fit).std_error == close(np.sqrt(scale * (np.array(changes) ** 2).sum(axis=0)))


def test_a_year_seen_in_one_cluster_only_does_not_disturb_the_jackknife():
    y, x, unit, by_year, by_unit, _ = panel(gaps=False, weighted=False)
    year = by_year @ np.arange(1, 5)
    keep = (year != 4) | (unit == 7)
    y, x, unit, by_year = y[keep], x[keep], unit[keep], by_year[keep]
    fit = fitted((y, x, unit, by_year, by_unit[keep], None))
    changes = []
    for g in range(8):
        rows = unit != g
        full = np.column_stack([x, by_year, by_unit[keep]])[rows]
        changes.append(np.linalg.lstsq(full, y[rows], rcond=None)[0][:2] - fit.coefficients)
    expected = np.sqrt(7 / 8 * (np.array(changes) ** 2).sum(axis=0))
    assert cr3(fit).std_error == close(expected)
    assert (cr2(fit).df > 1).all()


def test_clusters_of_several_units():
    parts = panel(n=12)
    unit = parts[2]
    group = unit // 3
    y, full, _ = explicit(parts)
    bread = np.linalg.inv(full.T @ full)
    e = y - full @ bread @ full.T @ y
    scores = np.array([full[group == g].T @ e[group == g] for g in range(4)])
    n, k = len(y), 2 + 4 + 1
    factor = 4 / 3 * (n - 1) / (n - k)
    expected = np.sqrt(factor * np.diag(bread @ scores.T @ scores @ bread))[:2]
    fit = fitted(parts, group)
    assert cr1(fit).std_error == close(expected)
    assert cr1(fit).df.tolist() == [3.0, 3.0]
    stata = cr1(fit, small_sample="stata")
    assert stata.std_error == close(expected * np.sqrt((n - k) / (n - (2 + 4 + 12))))
    assert "K = 18" in stata.small_sample
    assert "K = 7" in cr1(fit).small_sample


def test_no_effects_is_what_statsmodels_says():
    y, x, unit, *_ = panel(weighted=False)
    design = sm.add_constant(x)
    theirs = sm.OLS(y, design).fit(cov_type="cluster", cov_kwds={"groups": unit})
    ours = cr1(least_squares(y, design, unit, names=["const", "treated", "x"]))
    assert ours.std_error == close(theirs.bse)


def test_weights_are_what_statsmodels_says():
    y, x, unit, _, _, weights = panel()
    design = sm.add_constant(x)
    theirs = sm.WLS(y, design, weights).fit(cov_type="cluster", cov_kwds={"groups": unit})
    ours = least_squares(y, design, unit, weights=weights)
    assert ours.coefficients == close(theirs.params)
    assert cr1(ours).std_error == close(theirs.bse)


def test_weights_have_no_scale():
    y, x, unit, by_year, by_unit, weights = panel()
    one = fitted((y, x, unit, by_year, by_unit, weights))
    other = fitted((y, x, unit, by_year, by_unit, 1000 * weights))
    for method in (cr1, cr2, cr3):
        assert method(one).std_error == close(method(other).std_error)


def test_fixest_on_mpdta():
    data = pd.read_csv(HERE / "mpdta.csv")
    treated = (data.first_treat > 0) & (data.year >= data.first_treat)
    fit = least_squares(
        data.lemp.to_numpy(),
        treated.to_numpy(dtype=float)[:, None],
        data.county.to_numpy(),
        names=["treated"],
        nuisance=(data.year.to_numpy()[:, None] == np.arange(2004, 2008)).astype(float),
        absorb=data.county.to_numpy(),
    )
    theirs = R["mpdta|twfe"]
    assert fit.coefficients[0] == close(theirs["b"])
    assert cr1(fit).std_error[0] == close(theirs["se"])
    assert fit.n_obs == theirs["n"]


def test_leverages_count_the_effective_clusters():
    """Two treated of two, by hand: the treated year deviates alike in all four units."""
    unit, year = np.repeat(np.arange(4), 2), np.tile(np.arange(2), 4)
    treated = ((unit < 2) & (year == 1)).astype(float)
    y = np.array([0.0, 1, 0, 3, 0, 0, 1, 2])
    by_year = (year[:, None] == 1).astype(float)
    fit = least_squares(y, treated[:, None], unit, nuisance=by_year, absorb=unit)
    assert fit.coefficients[0] == close(2 - 0.5)
    assert fit.leverages(0) == close(np.full(4, 0.25))


def test_order_of_rows_does_not_matter():
    y, x, unit, by_year, by_unit, weights = panel()
    one = fitted((y, x, unit, by_year, by_unit, weights))
    mix = np.random.default_rng(5).permutation(len(y))
    other = fitted((y[mix], x[mix], unit[mix], by_year[mix], by_unit[mix], weights[mix]))
    assert one.coefficients == close(other.coefficients)
    for method in (cr1, cr2, cr3):
        assert method(one).std_error == close(method(other).std_error)


def test_one_treated_unit_is_refused_by_cr2_and_cr3():
    y, x, unit, by_year, by_unit, weights = panel(gaps=False)
    treated = ((unit == 0) & (by_year[:, 2:].sum(axis=1) > 0)).astype(float)
    fit = fitted((y, np.column_stack([treated, x[:, 1]]), unit, by_year, by_unit, weights))
    only = least_squares(y, treated[:, None], unit, nuisance=by_year, absorb=unit, weights=weights)
    for method in (cr2, cr3):
        with pytest.raises(InputError, match="x1: rests on cluster 0 alone"):
            method(only)
        # the other coefficient keeps its error, whatever is not known of this one
        assert method(fit).undefined == {"treated": "0"}
        assert np.isnan(method(fit).std_error[0])
        assert np.isfinite(method(fit).df[1])
        if method is cr3:
            changes = []
            for g in range(8):
                keep = unit != g
                root = np.sqrt(weights[keep])[:, None]
                full = np.column_stack([x[:, 1], treated, by_year, by_unit])[keep] * root
                b = np.linalg.lstsq(full, y[keep] * root[:, 0], rcond=None)[0][0]
                changes.append(b - fit.coefficients[1])
            assert method(fit).std_error[1] == close(np.sqrt(7 / 8 * np.sum(np.square(changes))))


def test_effects_that_cross_clusters():
    parts = panel()
    year = parts[3] @ np.arange(1, 5)
    fit = fitted(parts, year)
    assert not fit.nested
    y, full, _ = explicit(parts)
    bread = np.linalg.inv(full.T @ full)
    e = y - full @ bread @ full.T @ y
    scores = np.array([full[year == t].T @ e[year == t] for t in range(5)])
    n, k = full.shape
    expected = np.sqrt(5 / 4 * (n - 1) / (n - k) * np.diag(bread @ scores.T @ scores @ bread))[:2]
    assert cr1(fit).std_error == close(expected)
    for method in (cr2, cr3):
        with pytest.raises(InputError, match="clusters that hold whole units"):
            method(fit)


def test_redundant_dummies_are_dropped():
    y, x, unit, by_year, by_unit, _ = panel(weighted=False)
    all_years = np.column_stack([1 - by_year.sum(axis=1), by_year, by_year[:, 0]])
    fit = least_squares(y, x, unit, nuisance=all_years, absorb=unit)
    assert fit.coefficients == close(fitted((y, x, unit, by_year, by_unit, None)).coefficients)
    assert independent_columns(demean(all_years, unit)).tolist() == [0, 1, 2, 3]


def test_bad_regressors():
    y, x, unit, by_year, _, _ = panel(weighted=False)
    kwargs = {"nuisance": by_year, "absorb": unit}

    def fit(columns, names, **more):
        return least_squares(y, np.column_stack(columns), unit, names=names, **kwargs, **more)

    with pytest.raises(InputError, match="size: nothing of it is left beside the effects"):
        fit([x[:, 0], unit * 1e6], ["treated", "size"])
    with pytest.raises(InputError, match="trend: nothing of it is left"):
        fit([x[:, 0], 2010 + by_year @ np.arange(1, 5)], ["treated", "trend"])
    with pytest.raises(InputError, match="c: is a perfect linear combination of treated and x"):
        fit([x[:, 0], x[:, 1], 2 * x[:, 0] - x[:, 1] + unit], ["treated", "x", "c"])
    with pytest.raises(InputError, match="only one cluster"):
        least_squares(y, x, np.zeros(len(y)))
    with pytest.raises(InputError, match="cannot carry"):
        least_squares(y[:4], x[:4], np.array([0, 0, 1, 1]), absorb=np.array([0, 0, 1, 1]))
