"""The rule that chooses the inference: which for which design, and when it gives none."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.few_treated.auto import (
    ENOUGH_UNITS,
    FEWEST_UNITS,
    LEANS,
    LEANS_TOO_MUCH,
    auto_inference,
    auto_p_values,
)
from evaluation.estimation.few_treated.coefficients import linear_estimator
from evaluation.estimation.few_treated.collapsed import collapse
from evaluation.estimation.few_treated.integrated_t import integrated_t
from evaluation.estimation.few_treated.own_history import own_history
from evaluation.estimation.few_treated.welch import welch

YEARS = list(range(2000, 2012))


def study(n1, n0, *, start=2006, spread=0.2, seed=0, tiny=False):
    """Noise, cohort and sizes; the treated come last, and are tiny if asked for."""
    rng = np.random.default_rng(seed)
    index = [f"u{i:02d}" for i in range(n1 + n0)]
    wide = pd.DataFrame(rng.normal(size=(n1 + n0, len(YEARS))), index=index, columns=YEARS)
    cohort = pd.Series([*[0] * n0, *[start] * n1], index=index)
    size = pd.Series(np.exp(rng.normal(5, spread, n1 + n0)), index=index)
    if tiny:
        size.iloc[n0:] = size.min() / 50
    return Panel("noise", wide), cohort, size


@pytest.mark.parametrize(
    ("n1", "n0", "start", "sizes", "tiny", "rule"),
    [
        (8, 8, 2006, True, False, "welch"),
        (8, 8, 2006, False, False, "welch"),
        (8, 8, 2001, False, False, "welch"),
        (8, 8, 2006, True, True, "welch"),
        (7, 8, 2006, True, False, "integrated_t"),
        (8, 7, 2006, True, False, "integrated_t"),
        (1, 11, 2006, True, False, "integrated_t"),
        (1, 11, 2001, True, False, "integrated_t"),
        (9, 3, 2006, True, False, "integrated_t"),
        (7, 8, 2006, False, False, "own_history"),
        (1, 11, 2006, False, False, "own_history"),
        (9, 3, 2005, False, False, "own_history"),
        # the answer leans on how variance falls with size: history takes over
        (1, 30, 2006, True, True, "own_history"),
        # five years before adoption are the fewest for history
        (4, 20, 2004, False, False, "none"),
        (4, 20, 2001, False, False, "none"),
        (1, 30, 2002, True, True, "none"),
        # too few units, too few controls
        (1, 10, 2006, True, False, "none"),
        (5, 6, 2006, True, False, "none"),
        (5, 6, 2006, False, False, "none"),
        (10, 2, 2006, True, False, "none"),
        (20, 2, 2006, False, False, "none"),
    ],
)
def test_the_rule_follows_the_design(n1, n0, start, sizes, tiny, rule):
    panel, cohort, size = study(n1, n0, start=start, tiny=tiny)
    found = auto_inference(panel, cohort, size=size if sizes else None)
    assert found.rule == rule
    result = found.result
    est = linear_estimator(panel, cohort)
    y = panel.values.to_numpy()
    assert result.estimate == pytest.approx(float(est.estimate(y)), rel=0, abs=1e-12)
    c = collapse(y, est)
    if rule == "none":
        assert result.p_value is result.std_error is result.statistic is None
        assert result.conf_int == (-np.inf, np.inf)
        assert result.small_sample == ""
        assert result.inference == "auto: no valid test"
        assert "without a p-value" in found.reason_en
        assert "utan p-värde" in found.reason_sv
    else:
        test = {
            "welch": lambda: welch(c),
            "integrated_t": lambda: integrated_t(c, y, size.to_numpy()),
            "own_history": lambda: own_history(c, y),
        }[rule]()
        assert result.p_value == pytest.approx(float(test.p_value()[0]), rel=1e-12)
        assert result.std_error == pytest.approx(float(test.std_error[0]), rel=1e-12)
        assert result.statistic == pytest.approx(result.estimate / result.std_error)
        half = float(test.half_width(0.05)[0])
        assert result.conf_int == pytest.approx((result.estimate - half, result.estimate + half))
    batch = auto_p_values(c, y[None], size.to_numpy() if sizes else None)
    if result.p_value is None:
        assert np.isnan(batch).all()
    else:
        assert batch == pytest.approx([result.p_value], rel=1e-10)
    # the reason is whole: no gap left to fill in either language
    assert found.reason_en in result.notes
    assert not re.search("[{}]", found.reason_sv + found.reason_en)
    number = FEWEST_UNITS if rule == "none" else ENOUGH_UNITS
    assert str(number) in found.reason_sv
    assert str(number) in found.reason_en
    # never its own companion, and the very same estimate
    names = [e.inference for e in found.companions]
    assert len(set(names)) == len(names)
    assert result.inference.removeprefix("auto: ") not in names
    assert all(e.estimate == result.estimate for e in found.companions)


def test_companions():
    panel, cohort, size = study(5, 20)
    found = auto_inference(panel, cohort, size=size)
    assert found.rule == "integrated_t"
    sides, history = found.companions
    assert sides.inference.startswith("each side's own variance")
    assert history.inference.startswith("t-test with each treated unit's own variance")
    y = panel.values.to_numpy()
    theirs = stats.ttest_ind(*(
        y[rows, 6:].mean(axis=1) - y[rows, 5] for rows in (slice(20, None), slice(20))
    ), equal_var=False)  # fmt: skip
    assert sides.p_value == pytest.approx(theirs.pvalue, rel=1e-10)
    assert sides.small_sample == f"t({theirs.df:.1f})"
    assert history.p_value == pytest.approx(
        float(own_history(collapse(y, linear_estimator(panel, cohort)), y).p_value()[0])
    )
    assert found.result.small_sample == "mixture of t(23) over 35 variance models"
    # fewer than four treated know too little of their own spread to be shown
    panel, cohort, size = study(3, 20)
    names = [e.inference for e in auto_inference(panel, cohort, size=size).companions]
    assert len(names) == 1
    assert names[0].startswith("t-test with each treated")
    # the test that leans too far is a companion to the history, not the headline
    panel, cohort, size = study(1, 30, tiny=True)
    found = auto_inference(panel, cohort, size=size)
    assert [e.inference for e in found.companions] == [
        "t-test integrated over the variance function"
    ]
    panel, cohort, size = study(8, 8)
    found = auto_inference(panel, cohort, size=size)
    assert len(found.companions) == 2
    assert {c.name for c in found.checks} == {"change_and_size"}


def test_the_result_says_where_it_comes_from():
    panel, cohort, size = study(2, 20)
    found = auto_inference(panel, cohort, size=size, estimand="simple", alpha=0.1)
    r = found.result
    assert (r.method, r.estimand, r.alpha, r.data_hash) == ("cs", "simple", 0.1, panel.hash())
    assert (r.n_obs, r.n_units, r.n_treated_units, r.n_clusters) == (22 * 12, 22, 2, 22)
    at_five = auto_inference(panel, cohort, size=size, estimand="simple").result
    assert at_five.p_value == r.p_value
    assert at_five.conf_int[0] < r.conf_int[0] < r.conf_int[1] < at_five.conf_int[1]
    assert json.loads(json.dumps(r.to_dict()))["p_value"] == r.p_value
    for method, estimand in (("imputation", "dynamic"), ("twfe", "twfe")):
        other = auto_inference(panel, cohort, size=size, method=method, estimand="dynamic").result
        assert (other.method, other.estimand) == (method, estimand)
    none = auto_inference(*study(1, 9)[:2]).result
    assert none.to_dict()["conf_int"] == [None, None]


def test_units_that_are_not_reached_are_not_counted():
    panel, cohort, size = study(3, 20)
    cohort.iloc[-1] = 2011
    found = auto_inference(panel, cohort, size=size, estimand="event:3").result
    assert found.n_treated_units == 2
    with pytest.raises(InputError, match="serve as a comparison"):
        auto_inference(panel, cohort, size=size, estimand="event:3", method="imputation")


def test_the_check_of_the_variance_function():
    for tiny, passed, words in (
        (False, True, ("föga", "little")),
        (True, False, ("för mycket för ett p-värde", "too much for a p-value")),
    ):
        panel, cohort, size = study(1, 30, tiny=tiny)
        found = auto_inference(panel, cohort, size=size)
        check = next(c for c in found.checks if c.name == "variance_function")
        c = collapse(panel.values.to_numpy(), linear_estimator(panel, cohort))
        test = integrated_t(c, panel.values.to_numpy(), size.to_numpy())
        assert check.statistic == pytest.approx(float(test.leaning[0]))
        assert (check.passed, check.threshold) == (passed, LEANS)
        assert words[0] in check.text_sv
        assert words[1] in check.text_en
        assert f"{check.statistic:.2f}" in check.text_en
        assert f"{check.statistic:.2f}".replace(".", ",") in check.text_sv
    # between the two thresholds it is said, and the test stands
    between = [
        found
        for seed in range(40)
        for panel, cohort, size in [study(2, 30, seed=seed, tiny=True)]
        for found in [auto_inference(panel, cohort, size=size)]
        if LEANS < found.checks[0].statistic <= LEANS_TOO_MUCH
    ]
    assert between
    for found in between:
        assert found.rule == "integrated_t"
        assert not found.checks[0].passed
        assert "noticeably" in found.checks[0].text_en
        assert "märkbart" in found.checks[0].text_sv


def test_the_check_of_change_and_size():
    """Equal to the textbook's slope with HC3, and silent where there is nothing to test."""
    import statsmodels.api as sm

    panel, cohort, size = study(2, 30, spread=1.0)
    check = auto_inference(panel, cohort, size=size).checks[-1]
    y = panel.values.to_numpy()[:30]
    change = y[:, 6:].mean(axis=1) - y[:, 5]
    fit = sm.OLS(change, sm.add_constant(np.log(size.to_numpy()[:30]))).fit(
        cov_type="HC3", use_t=True
    )
    assert check.name == "change_and_size"
    assert check.statistic == pytest.approx(fit.pvalues[1], rel=1e-9)
    assert check.passed is bool(fit.pvalues[1] >= 0.05)
    tilted = panel.values.copy()
    tilted.iloc[:, 6:] += np.log(size.to_numpy())[:, None]
    check = auto_inference(Panel("noise", tilted), cohort, size=size).checks[-1]
    assert check.passed is False
    assert "change goes with size" in check.text_en
    assert "hänger förändringen ihop" in check.text_sv
    by_year = pd.DataFrame(dict.fromkeys(YEARS, size))
    assert auto_inference(panel, cohort, size=by_year).checks[-1].statistic == pytest.approx(
        fit.pvalues[1]
    )
    for alike in (30, 29):
        # all alike, or one unit unlike the others: the slope would be that unit's own change
        sizes = pd.Series([*[50.0] * alike, *[70.0] * (30 - alike), 60, 60], index=size.index)
        check = auto_inference(panel, cohort, size=sizes).checks[-1]
        assert (check.name, check.passed, check.statistic) == ("change_and_size", None, None)
        assert "do not vary enough" in check.text_en
    # the same sizes in other years: means that differ by rounding do not vary either
    turned = np.array([np.roll(50 + np.arange(12) / 7, k) for k in range(32)])
    sizes = pd.DataFrame(turned, index=size.index, columns=YEARS)
    assert np.ptp(turned.mean(axis=1)) > 0
    assert auto_inference(panel, cohort, size=sizes).checks[-1].passed is None


def test_history_that_never_moved_is_none():
    panel, cohort, _ = study(1, 30)
    values = panel.values.copy()
    values.iloc[-1, :6] = 0.0
    panel = Panel("noise", values)
    found = auto_inference(panel, cohort)
    assert (found.rule, found.result.p_value, found.companions) == ("none", None, ())
    y = values.to_numpy()
    c = collapse(y, linear_estimator(panel, cohort))
    assert np.isnan(auto_p_values(c, y[None], None)).all()
    # controls that never moved tell as little
    values.iloc[:-1, :6] = 0.0
    values.iloc[-1, :6] = range(6)
    assert auto_inference(Panel("noise", values), cohort).rule == "none"


def test_many_panels_at_once_are_each_as_alone():
    """Also where some lean too far and fall back to history, or to nothing."""
    for start in (2006, 2002):
        panel, cohort, size = study(2, 30, start=start, spread=0.5, seed=4, tiny=True)
        rng = np.random.default_rng(1)
        y = rng.normal(size=(40, 32, 12)) * np.sqrt(0.2 + 60 / size.to_numpy())[:, None]
        c = collapse(y, linear_estimator(panel, cohort))
        for sizes in (size, None):
            batch = auto_p_values(c, y, None if sizes is None else sizes.to_numpy())
            rules = set()
            for draw in range(40):
                wide = pd.DataFrame(y[draw], index=panel.units, columns=YEARS)
                found = auto_inference(Panel("noise", wide), cohort, size=sizes)
                rules.add(found.rule)
                if found.result.p_value is None:
                    assert np.isnan(batch[draw])
                else:
                    assert batch[draw] == pytest.approx(found.result.p_value, rel=1e-9)
            # the p-value of an effect is that of no effect once it is taken away
            moved = y.copy()
            moved[:, -2:, start - 2000 :] -= 0.4
            moved_c = collapse(moved, c.estimator)
            expected = auto_p_values(moved_c, moved, None if sizes is None else sizes.to_numpy())
            found = auto_p_values(c, y, None if sizes is None else sizes.to_numpy(), effect=0.4)
            assert found == pytest.approx(expected, rel=1e-6, nan_ok=True)
            fallback = "own_history" if start == 2006 else "none"
            assert rules == ({fallback} if sizes is None else {"integrated_t", fallback})


@pytest.mark.parametrize(("n1", "n0"), [(8, 8), (3, 20)])
def test_the_p_value_of_an_effect(n1, n0):
    """Where every panel has the same rule, too: the ends of the interval have p = 0.05."""
    panel, cohort, size = study(n1, n0)
    found = auto_inference(panel, cohort, size=size)
    y = panel.values.to_numpy()[None]
    c = collapse(y, linear_estimator(panel, cohort))
    for end in found.result.conf_int:
        assert auto_p_values(c, y, size.to_numpy(), effect=end) == pytest.approx([0.05], rel=1e-8)


def test_sizes_at_fault_are_refused():
    panel, cohort, size = study(2, 20)
    by_year = pd.DataFrame(dict.fromkeys(YEARS, size))

    def broken(value, table=size):
        out = table.copy()
        if table is size:
            out.iloc[3] = value
        else:
            out.loc["u03", 2004] = value
        return out

    for bad, says in (
        (broken(0.0), "unit u03 has no size above zero"),
        (broken(-1.0), "unit u03 has no size above zero"),
        (broken(np.nan), "unit u03 has no size above zero"),
        (broken(np.inf), "unit u03 has no size above zero"),
        (size.drop("u03"), "unit u03 has no size above zero"),
        (broken(0.0, by_year), "unit u03 has no size above zero in 2004"),
        (by_year.drop(columns=2005), "unit u00 has no size above zero in 2005"),
        (size.astype(object).where(size.index != "u03", "many"), "the sizes must be numbers"),
        (pd.concat([size, size[:1]]), "unit u00 has two sizes"),
    ):
        with pytest.raises(InputError, match=says) as error:
            auto_inference(panel, cohort, size=bad)
        assert error.value.field == "size"
    for alpha in (0.0, 1.0, -0.1, np.nan):
        with pytest.raises(InputError, match="must lie between 0 and 1"):
            auto_inference(panel, cohort, size=size, alpha=alpha)
    # sizes in another order, of other units too, and whole numbers are all one
    usual = auto_inference(panel, cohort, size=size.round()).result.p_value
    more = pd.concat([size.round().sample(frac=1, random_state=1), pd.Series({"z": np.nan})])
    assert auto_inference(panel, cohort, size=more).result.p_value == usual
    whole = size.round().astype("Int64")
    assert auto_inference(panel, cohort, size=whole).result.p_value == usual
    constant = pd.DataFrame({t: size.round() for t in YEARS})
    assert auto_inference(panel, cohort, size=constant).result.p_value == pytest.approx(usual)
