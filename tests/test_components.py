"""Components across municipalities: overlap, shrunk regression, and how little can be told."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from evaluation.data.embedded import municipalities
from evaluation.data.panel import Panel, embedded_panel
from evaluation.design.catalogue import catalogue
from evaluation.design.components import component_matrix, overlap
from evaluation.design.stance import classify
from evaluation.errors import InputError
from evaluation.estimation.regression.shrinkage import (
    leave_one_out_errors,
    ridge,
    shrunk,
    smoother,
)
from evaluation.questions.components import component_study

CODES = list(component_matrix().index)


# the matrix


def test_the_matrix_is_the_catalogue():
    m = component_matrix()
    told = {
        (code, part.split("(")[0])
        for row in catalogue().values()
        if row.kind in ("model", "project")
        for code in row.where.codes
        for part in row.components
    }
    assert int(m.to_numpy().sum()) == len(told)
    assert all(m.loc[code, component] == 1 for code, component in told)
    # a project of several named municipalities counts in each, a county in none
    assert m.loc[["2510", "2521", "2523", "2584"], "mentors"].tolist() == [1, 1, 1, 1]
    assert m["sfi_plus_vocational"].sum() == 3
    assert "early_validation" in m.columns


def test_overlap_by_hand():
    found = overlap(
        pd.DataFrame(
            {"a": [1, 1, 0, 0], "b": [1, 1, 0, 0], "c": [0, 1, 1, 0], "d": [0, 0, 0, 1]},
            index=["1", "2", "3", "4"],
        )
    )
    assert [b.name for b in found.bundles] == ["a + 1", "c", "d"]
    assert found.bundles[0].codes == ("1", "2")
    assert (found.never_apart, found.in_one, found.cells, found.rank) == (2, 1, 4, 3)
    assert found.together.loc["a + 1", "c"] == 1
    assert found.jaccard.loc["a + 1", "c"] == pytest.approx(1 / 3)
    assert found.jaccard.loc["c", "d"] == 0


def test_two_crossed_components_have_condition_one():
    x = pd.DataFrame({"a": [0, 1, 0, 1], "b": [0, 0, 1, 1]})
    assert overlap(x).condition == pytest.approx(1)
    # the third is there exactly where one of the first two is: they add up
    y = pd.DataFrame({"a": [1, 0, 0, 0], "b": [0, 1, 0, 0], "c": [1, 1, 0, 0]})
    assert overlap(y).condition == np.inf
    assert overlap(y).rank == 2


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"a": [1, 0]}, "three municipalities and a component are needed, found 2 and 1"),
        ({"a": [1, 0, 2]}, "field a: must be 0 or 1, found 2 for 2"),
        ({"a": [1, 0, 1], "b": [1, 1, 1]}, "field b: every municipality has it"),
        ({"a": [1, 0, 1], "b": [0, 0, 0]}, "field b: no municipality has it"),
    ],
)
def test_a_matrix_that_says_nothing_is_refused(table, says):
    with pytest.raises(InputError, match=says):
        overlap(pd.DataFrame(table))


# shrinkage


CROSSED = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
RESULTS = np.array([1.0, 3, 4, 10])


def test_two_by_two_by_hand():
    """Less their means the columns are orthogonal with length 1, with y they give 4 and 5.

    Least squares gives 4 and 5, λ = 1 halves them. Squares of y about its mean, 45, are 16 + 25
    along the columns and 4 beside them: s² = (41/2 + 4)/3, and V = 1/2.
    """
    assert ridge(CROSSED, RESULTS, 1.0) == pytest.approx([2, 2.5])
    assert ridge(CROSSED, RESULTS, 1e-12) == pytest.approx([4, 5])
    found = shrunk(CROSSED, RESULTS, 1.0)
    assert found.coefficients == pytest.approx([2, 2.5])
    assert found.noise == pytest.approx(np.sqrt(24.5 / 3))
    assert found.scale == pytest.approx(np.sqrt([24.5 / 6] * 2))
    assert found.learnt == pytest.approx([0.5, 0.5])
    low, high = found.interval(0.05)
    # t with three degrees of freedom
    assert high - low == pytest.approx(2 * 3.182446305 * np.sqrt([24.5 / 6] * 2))


@pytest.fixture(scope="module")
def wide():
    rng = np.random.default_rng(5)
    x = (rng.random((12, 20)) < 0.4).astype(float)
    return x, x[:, 0] * 2 + rng.normal(size=12)


@pytest.mark.parametrize("penalty", [0.3, 4.0, 100.0])
def test_the_posterior_is_least_squares_with_the_prior_as_rows(wide, penalty):
    x, y = wide
    p = x.shape[1]
    rows = np.vstack(
        [sm.add_constant(x), np.hstack([np.zeros((p, 1)), np.sqrt(penalty) * np.eye(p)])]
    )
    theirs = sm.OLS(np.append(y, np.zeros(p)), rows).fit()
    mine = shrunk(x, y, penalty)
    assert mine.coefficients == pytest.approx(theirs.params[1:], abs=1e-10)
    assert mine.scale == pytest.approx(theirs.bse[1:], rel=1e-10)
    assert mine.df == theirs.df_resid
    assert ridge(x, y, penalty) == pytest.approx(mine.coefficients, abs=1e-12)


def test_ridge_is_statsmodels(wide):
    x, y = wide
    theirs = sm.OLS(y - y.mean(), x - x.mean(axis=0)).fit_regularized(L1_wt=0, alpha=4 / len(y))
    assert ridge(x, y, 4.0) == pytest.approx(theirs.params, abs=1e-10)


@pytest.mark.parametrize("penalty", [0.3, 4.0, np.inf])
def test_leave_one_out_is_what_refitting_gives(wide, penalty):
    x, y = wide
    slow = []
    for i in range(len(y)):
        rest = np.arange(len(y)) != i
        b = ridge(x[rest], y[rest], penalty)
        slow.append(y[i] - y[rest].mean() - (x[i] - x[rest].mean(axis=0)) @ b)
    assert leave_one_out_errors(x, y, penalty) == pytest.approx(slow, abs=1e-10)
    both = leave_one_out_errors(x, np.column_stack([y, 2 * y]), penalty)
    assert both == pytest.approx(np.column_stack([slow, np.multiply(2, slow)]), abs=1e-10)


def test_the_smoother_keeps_the_mean(wide):
    x, _ = wide
    for penalty in (0.3, np.inf):
        assert smoother(x, penalty) @ np.ones(len(x)) == pytest.approx(1)
    assert np.trace(smoother(x, 1e9)) == pytest.approx(1, abs=1e-6)


def test_intervals_cover_effects_that_the_prior_draws():
    """With the documents' own matrix: 95 % over effects and noise, whatever the noise's size."""
    x = overlap(component_matrix()).reduced.to_numpy(dtype=float)
    rng = np.random.default_rng(11)
    draws, inside = 600, np.zeros(x.shape[1])
    for _ in range(draws):
        sigma = rng.uniform(0.2, 5)
        beta = rng.normal(0, 0.5 * sigma, x.shape[1])
        low, high = shrunk(x, 7 + x @ beta + rng.normal(0, sigma, len(x)), 4.0).interval(0.05)
        inside += (low <= beta) & (beta <= high)
    # four standard errors about 95 % for each of 39 bundles
    assert np.abs(inside / draws - 0.95).max() < 4 * np.sqrt(0.95 * 0.05 / draws)


@pytest.mark.parametrize(
    ("x", "y", "penalty", "says"),
    [
        ([[1.0], [0]], [1.0, 2], 1.0, "three rows are needed"),
        ([[1.0], [0], [1]], [1.0, 2], 1.0, "rows must agree"),
        ([[1.0], [0], [np.nan]], [1.0, 2, 3], 1.0, "must be a finite number"),
        ([[1.0], [0], [1]], [1.0, 2, 3], 0.0, "field penalty: must be above 0"),
        ([[1.0], [0], [1]], [1.0, 2, 3], np.inf, "field penalty: must be finite"),
        ([[1.0], [0], [1]], [2.0, 2, 2], 1.0, "the outcomes are all the same"),
    ],
)
def test_what_cannot_be_shrunk_is_refused(x, y, penalty, says):
    with pytest.raises(InputError, match=says):
        shrunk(x, y, penalty)


# the question


@pytest.fixture(scope="module")
def found():
    return component_study(draws=499)


def planted(size, noise=1.0, seed=3):
    """A panel where grants to associations moved the outcome by ``size`` and nothing else did."""
    places = municipalities().index
    rng = np.random.default_rng(seed)
    values = pd.DataFrame({2011: 50 + rng.normal(0, noise, len(places))}, index=places)
    has = component_matrix()["grants_to_associations"].reindex(places).fillna(0)
    values[2019] = values[2011] + size * has + rng.normal(0, noise, len(places))
    return Panel("y", values)


def test_the_change_is_that_beside_municipalities_of_its_size(found):
    panel = embedded_panel("foreign_background")
    size = municipalities()["population_2017"]
    known = classify(("explicit", "strong", "indirect", "weak")).not_known
    others = [c for c in known if c not in CODES]
    near = sorted(others, key=lambda c: abs(np.log(size[c] / size["2321"])))[:30]
    moved = panel.values[2019] - panel.values[2011]
    assert found.change["2321"] == pytest.approx(moved["2321"] - moved[near].mean())


def test_the_warning_stands_first_and_is_counted(found):
    o = found.overlap
    columns = component_matrix().T.drop_duplicates()
    assert len(o.bundles) == len(columns) == 39
    assert o.never_apart == 92
    assert o.cells == len(component_matrix().drop_duplicates()) == 31
    assert o.rank == o.cells - 1
    assert o.condition == np.inf
    assert found.sentence("en").startswith(
        "34 municipalities carry 110 components. 92 of them never vary apart from some other: no "
        "data can tell them apart."
    )
    assert found.sentence("sv").startswith("34 kommuner bär 110 komponenter. 92 av dem varierar")
    apart, together, priors = found.check()
    assert (apart.passed, together.passed, priors.passed) == (False, False, False)
    assert 0 < found.effective < o.rank


def test_what_was_learnt_is_the_narrowing_of_the_prior(found):
    t = found.tidy()
    assert t["learnt"].between(0, 1).all()
    assert (t["n_municipalities"].diff().dropna() <= 0).all()
    # a bundle that more municipalities have is learnt of more
    assert t["learnt"].iloc[0] > 2 * t.loc[t["n_municipalities"] == 1, "learnt"].max()
    s = found.posterior
    assert s.scale**2 == pytest.approx(s.noise**2 * found.prior**2 * (1 - s.learnt))


def test_leaving_out_the_only_one_leaves_the_prior(found):
    t = found.tidy()
    alone = t["n_municipalities"] == 1
    assert ((t["without_low"] <= 1e-12) & (t["without_high"] >= -1e-12))[alone].all()
    x = found.overlap.reduced.to_numpy(dtype=float)
    y = found.change.to_numpy()
    rest = np.arange(len(y)) != CODES.index("2321")
    mine = ridge(x[rest], y[rest], 4.0)
    assert (mine >= t["without_low"] - 1e-12).all()
    assert (mine <= t["without_high"] + 1e-12).all()


def test_the_chosen_penalty_has_the_smallest_leave_one_out_error(found):
    x = found.overlap.reduced.to_numpy(dtype=float)
    y = found.change.to_numpy()
    best = (leave_one_out_errors(x, y, found.chosen_penalty) ** 2).sum()
    for penalty in (0.05, 1.0, 10.0, 1000.0, np.inf):
        assert best <= (leave_one_out_errors(x, y, penalty) ** 2).sum() + 1e-12
    assert found.tidy()["ridge"].to_numpy() == pytest.approx(ridge(x, y, found.chosen_penalty))


def test_an_effect_that_is_there_is_found_with_its_bundle():
    found = component_study(planted(30.0), draws=199)
    assert found.p_value == pytest.approx(1 / 200)
    assert [b.name for b in found.clear] == ["grants_to_associations"]
    row = found.tidy().set_index("term").loc["grants_to_associations"]
    assert 0 < row["conf_low"] < row["estimate"] < 30
    assert all(c.passed for c in found.check()[1:])
    assert "grants_to_associations (9 municipalities)" in found.sentence("en")


def test_nothing_is_found_where_nothing_is():
    p = [component_study(planted(0.0, seed=s), draws=199).p_value for s in range(24)]
    # a test at 5 %: more than four of twenty-four in 0.6 % of cases
    assert sum(v <= 0.05 for v in p) <= 4
    assert min(p) < 0.3 < max(p)


def test_the_same_seed_gives_the_same_answer():
    first, again, other = (component_study(draws=199, seed=s) for s in (1, 1, 2))
    assert first.to_dict() == again.to_dict()
    assert other.p_value != first.p_value
    pd.testing.assert_frame_equal(first.tidy(), other.tidy())


def test_a_wide_prior_lets_the_data_speak(found):
    width = [(p.table["high"] - p.table["low"]).mean() for p in found.priors]
    assert [p.sd for p in found.priors] == [0.25, 0.5, 1.0, 2.0]
    assert width == sorted(width)
    mine = next(p for p in found.priors if p.sd == 0.5).table
    assert mine["estimate"].to_numpy() == pytest.approx(found.posterior.coefficients)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"outcome": "N00973"}, "there is no outcome 'N00973'"),
        ({"first": 2009}, "field foreign_background: 2009 is outside the data, 2010–2025"),
        ({"first": 2019, "last": 2011}, "the first year must come before the last"),
        ({"prior": 0.0}, "field prior: must be above 0"),
        ({"alpha": 0.7}, "field alpha: must be between 0 and 0.5"),
        ({"draws": 10}, "field draws: must be 99"),
        ({"donors": 0}, "field donors: must be 1 to 2"),
        ({"matrix": pd.DataFrame({"a": [1, 0, 0]}, index=["0114", "0115", "9999"])},
         "municipality 9999 has no values"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(given, says):
    with pytest.raises(InputError, match=says):
        component_study(**given)


def test_it_shows_itself(found):
    html = found._repr_html_()
    assert "34 municipalities carry 110 components" in html
    assert html.count("<tr") == 1 + 39
    ax = found.plot(lang="sv")
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert len(labels) == 17
    assert labels[-1] == "friend families + 1 (10)"
    assert ax.get_xlabel() == "procentenheter"
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert len(plain["rows"]) == len(plain["bundles"]) == 39
    assert plain["condition"] is None
    pair = next(p for p in plain["pairs"] if {p["first"], p["second"]} == {
        "friend_families + 1", "grants_to_associations"})  # fmt: skip
    assert pair["together"] == 4
    assert pair["jaccard"] == pytest.approx(4 / 15)


# the command


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_the_command_fits_100_columns_and_warns_first(cli, lang):
    said = cli("models", "components", "--draws", 99, "--lang", lang)
    assert said.code == 0
    assert said.out.startswith("34 ")
    assert max(map(len, said.out.splitlines())) <= 100
    assert len([x for x in said.out.splitlines() if "grants to associations" in x]) == 1


def test_the_command_for_machines(cli):
    said = cli(
        "models", "components", "--outcome", "low_economic_standard", "--draws", 99, "--json"
    )
    found = json.loads(said.out)
    assert found == component_study("low_economic_standard", draws=99).to_dict()


def test_the_command_refuses(cli):
    said = cli("models", "components", "--first", 2005)
    assert said.code == 2
    assert said.err == (
        "evaluation: field foreign_background: 2005 is outside the data, 2010–2025\n"
    )


def test_no_outcome_makes_a_bundle_of_two_clear_under_the_narrowest_prior():
    """The best case, an outcome that is the bundle itself: t is at most √(k(n − 1)) / 4."""
    n = len(CODES)
    x = np.zeros((n, 1))
    x[:2] = 1
    found = shrunk(x, x[:, 0], 1 / 0.25**2)
    k = 2 * (1 - 2 / n)
    assert found.coefficients[0] / found.scale[0] == pytest.approx(np.sqrt(k * (n - 1)) / 4)
    assert found.interval(0.05)[0][0] < 0
