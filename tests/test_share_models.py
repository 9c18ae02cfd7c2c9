"""Models of shares against individuals: one row per person, one outcome each."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from evaluation.errors import InputError
from evaluation.estimation.regression.models import regress
from evaluation.estimation.regression.shares import share_models

FORMULA = "share ~ x + active + EntityEffects + TimeEffects"


def close(value, tolerance=1e-7):
    return pytest.approx(value, rel=tolerance, abs=tolerance)


@pytest.fixture(scope="module")
def cells():
    """Twelve units over nine years, five to forty people in each, none left out."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"unit": np.repeat(np.arange(12), 9), "year": np.tile(np.arange(9), 12)})
    frame["x"] = rng.standard_normal(108)
    frame["active"] = ((frame.unit < 5) & (frame.year >= 4)).astype(float)
    frame["n"] = rng.integers(5, 40, 108)
    level = rng.normal(0, 0.5, 12)[frame.unit] + 0.3 * frame.x + 0.6 * frame.active
    frame["yes"] = rng.binomial(frame.n, 1 / (1 + np.exp(-level)))
    frame["share"] = frame.yes / frame.n
    frame["region"] = np.array(["a", "b", "c"])[frame.index % 3]
    return frame


def people(cells):
    """Write every cell out as its people."""
    long = cells.loc[cells.index.repeat(cells.n)].reset_index(drop=True)
    order = long.groupby(["unit", "year"]).cumcount()
    long["works"] = (order < long.yes).astype(float)
    dummies = [
        pd.get_dummies(long.unit, prefix="u", dtype=float),
        pd.get_dummies(long.year, prefix="t", drop_first=True, dtype=float),
    ]
    return long, pd.concat([long[["x", "active"]], *dummies], axis=1)


def test_coefficients_and_margins_are_those_of_the_people(cells):
    long, design = people(cells)
    theirs = sm.Logit(long.works, design).fit(
        disp=0,
        maxiter=200,
        tol=1e-12,
        cov_type="cluster",
        cov_kwds={"groups": long.unit.to_numpy(), "use_correction": False},
    )
    ours = share_models(cells, FORMULA, "unit", "year", denominator="n")
    k = 2 + 8 + 1
    factor = np.sqrt(12 / 11 * 107 / (108 - k))
    assert [c.estimate for c in ours.log_odds] == close(theirs.params[:2].tolist())
    assert [c.std_error for c in ours.log_odds] == close((factor * theirs.bse[:2]).tolist(), 1e-6)
    # the margin of x is a derivative, that of active a difference of its two values
    margins = theirs.get_margeff(dummy=True, method="dydx")
    names = margins.summary_frame().index
    at = [list(names).index("x"), list(names).index("active")]
    assert [c.estimate for c in ours.margins] == close((100 * margins.margeff[at]).tolist())
    assert [c.std_error for c in ours.margins] == close(
        (100 * factor * margins.margeff_se[at]).tolist(), 1e-6
    )


def test_the_linear_model_is_the_weighted_regression(cells):
    ours = share_models(cells, FORMULA, "unit", "year", denominator="n")
    linear = regress(cells, FORMULA, "unit", "year", weights="n")
    assert ours.linear.coefficients == linear.coefficients
    tidy = ours.tidy()
    assert tidy.model.tolist() == ["linear probability"] * 2 + ["fractional logit"] * 2
    assert tidy.effect_pp[0] == close(100 * linear["x"].estimate)
    long, design = people(cells)
    by_people = sm.OLS(long.works, design).fit()
    assert linear["active"].estimate == close(by_people.params["active"])


def test_the_linear_errors_scale_the_same_way(cells):
    """Both models use one factor, so their errors are comparable."""
    ours = share_models(cells, FORMULA, "unit", "year", denominator="n")
    assert "K = 11" in ours.small_sample
    assert "K = 11" in ours.linear.small_sample


def test_categories_stand_against_the_reference(cells):
    ours = share_models(cells, "share ~ C(region)", "unit", "year", denominator="n")
    rate = cells.groupby("region").yes.sum() / cells.groupby("region").n.sum()
    expected = [100 * (rate["b"] - rate["a"]), 100 * (rate["c"] - rate["a"])]
    assert [c.estimate for c in ours.margins] == close(expected)
    linear = [100 * c.estimate for c in ours.linear.coefficients[1:]]
    assert linear == close(expected)


def test_units_that_are_always_zero_are_left_out_and_named(cells):
    frame = cells.copy()
    frame.loc[frame.unit == 7, "share"] = 0.0
    ours = share_models(frame, FORMULA, "unit", "year", denominator="n")
    assert ours.left_out == ("7",)
    assert (ours.n_units, ours.n_obs) == (11, 99)
    assert ours.linear.n_units == 12
    assert "always 0 or always 1 are left out of the logit: 7" in str(ours)
    without = share_models(frame[frame.unit != 7], FORMULA, "unit", "year", denominator="n")
    assert [c.estimate for c in ours.margins] == close([c.estimate for c in without.margins])


def test_faults_are_told(cells):
    def model(formula=FORMULA, **change):
        return share_models(cells.assign(**change), formula, "unit", "year", denominator="n")

    with pytest.raises(InputError, match=r"field share: unit 0, 2: the share 1\.5 must lie"):
        model(share=cells.share.where(cells.index != 2, 1.5))
    with pytest.raises(InputError, match="the weight 0 must be above zero"):
        model(n=0)
    with pytest.raises(InputError, match="interaction is no single number"):
        model("share ~ x + x:active + EntityEffects")
    with pytest.raises(InputError, match="residuals are zero"):
        model(share=(cells.unit < 6).astype(float))
    with pytest.raises(InputError, match="does not converge"):
        model(share=cells.share.where(cells.year != 3, 0.0))
