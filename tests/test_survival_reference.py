"""Survival against R (reference/r_survival.R) and statsmodels."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight, survdiff

from evaluation.estimation.survival.cox import cox
from evaluation.estimation.survival.curves import (
    cumulative_incidence,
    kaplan_meier,
    restricted_mean,
)
from evaluation.estimation.survival.discrete_hazard import discrete_hazard
from evaluation.estimation.survival.group_tests import gray, logrank
from evaluation.estimation.survival.persons import count_spells

HERE = Path(__file__).parent / "reference"
R = json.loads((HERE / "r_survival.json").read_text("utf-8"))
SPELLS = pd.read_csv(HERE / "survival_spells.csv").assign(group=lambda d: "g" + d.group.astype(str))
ON_TIME = SPELLS[SPELLS.entry == 0]
TIMES = [6, 12, 24, 36]


def counted(d, keys=("group", "x", "cluster")):
    return count_spells(
        d[list(keys)], d.entry.to_numpy(), d.time.to_numpy(), d.status.to_numpy() - 1, kinds="ab"
    )


ALL, EARLY = counted(SPELLS), counted(ON_TIME)


@pytest.mark.parametrize("group", ["all", "g0", "g1", "g2"])
def test_kaplan_meier_is_that_of_r_with_late_entry(group):
    table = ALL if group == "all" else ALL.select(group=group)
    found = kaplan_meier(table).table.set_index("month").loc[TIMES]
    r = R["km_" + group.removeprefix("g")]
    for mine, theirs in (
        ("estimate", "surv"),
        ("std_error", "se"),
        ("conf_low", "lower"),
        ("conf_high", "upper"),
    ):
        np.testing.assert_allclose(found[mine], r[theirs], rtol=1e-12)


def test_kaplan_meier_is_that_of_statsmodels():
    theirs = SurvfuncRight(SPELLS.time, SPELLS.status > 0, entry=SPELLS.entry)
    mine = kaplan_meier(ALL).table.set_index("month").loc[theirs.surv_times.astype(int)]
    np.testing.assert_allclose(mine["estimate"], theirs.surv_prob, rtol=1e-12)


@pytest.mark.parametrize("kind", ["a", "b"])
def test_cumulative_incidence_is_that_of_r_and_statsmodels(kind):
    mine = cumulative_incidence(EARLY).table.set_index(["kind", "month"]).loc[kind]
    np.testing.assert_allclose(mine.loc[TIMES, "estimate"], R["aj"][kind], rtol=1e-12)
    np.testing.assert_allclose(mine.loc[TIMES, "std_error"], R["aj"]["se_" + kind], rtol=1e-12)
    theirs = CumIncidenceRight(ON_TIME.time.to_numpy(), ON_TIME.status.to_numpy())
    k = "ab".index(kind)
    months = theirs.times.astype(int)
    np.testing.assert_allclose(mine.loc[months, "estimate"], theirs.cinc[k], rtol=1e-12)
    np.testing.assert_allclose(mine.loc[months, "std_error"], theirs.cinc_se[k], rtol=1e-10)


def test_restricted_mean_is_that_of_r():
    found = restricted_mean(EARLY, 36).table.iloc[0]
    np.testing.assert_allclose(
        [found["estimate"], found["std_error"]], [R["rmst"]["mean"], R["rmst"]["se"]], rtol=1e-12
    )


def test_logrank_is_that_of_r_and_statsmodels():
    plain = logrank(EARLY, ["group"])
    np.testing.assert_allclose(plain.statistic, R["logrank"]["chisq"], rtol=1e-12)
    np.testing.assert_allclose(plain.expected, R["logrank"]["exp"], rtol=1e-12)
    within = logrank(EARLY, ["group"], strata=["x"])
    np.testing.assert_allclose(within.statistic, R["logrank_strata"]["chisq"], rtol=1e-12)
    chi, p = survdiff(ON_TIME.time, ON_TIME.status > 0, ON_TIME.group)
    np.testing.assert_allclose([plain.statistic, plain.p_value], [chi, p], rtol=1e-10)


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("gray", {"by": ["group"]}),
        ("gray_x", {"by": ["x"]}),
        ("gray_rho", {"by": ["group"], "rho": 1}),
        ("gray_strata", {"by": ["group"], "strata": ["x"]}),
    ],
)
def test_gray_is_that_of_cmprsk(key, options):
    for k, kind in enumerate("ab"):
        found = gray(EARLY, kind=kind, **options)
        statistic, p, df = R[key][k]
        assert found.statistic == pytest.approx(statistic, rel=1e-11)
        assert found.p_value == pytest.approx(p, rel=1e-11)
        assert found.df == df


def test_gray_is_that_of_cmprsk_where_dozens_leave_at_once_and_where_groups_are_nearly_alike():
    half_years = counted(ON_TIME.assign(time=-(-ON_TIME.time // 6)))
    # two large groups: forty copies of the spells, and three more of 150 of them
    rows = np.r_[np.tile(np.arange(len(ON_TIME)), 40), np.tile(np.arange(150), 3)]
    side = np.r_[np.repeat([0, 1], 20 * len(ON_TIME)), np.zeros(450, int)]
    alike = counted(ON_TIME.iloc[rows].assign(side=side), keys=("side",))
    for k, kind in enumerate("ab"):
        found = gray(half_years, ["group"], kind).statistic
        assert found == pytest.approx(R["gray_half_years"][k][0], rel=1e-11)
        # the score is a small difference of large sums, here and there
        assert gray(alike, ["side"], kind).statistic == pytest.approx(
            R["gray_alike"][k][0], rel=1e-9
        )


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_is_that_of_r(ties):
    r, found = R[f"cox_{ties}"], cox(ALL, ["x", "group"], cluster="cluster", ties=ties)
    table = found.tidy()
    np.testing.assert_allclose(table["estimate"], r["coef"], rtol=1e-9)
    np.testing.assert_allclose(table["std_error"], r["robust"], rtol=1e-9)
    np.testing.assert_allclose(table["naive_std_error"], r["naive"], rtol=1e-9)
    assert found.log_likelihood == pytest.approx(r["loglik"][1], rel=1e-12)


def test_cox_in_strata_is_that_of_r_and_of_statsmodels():
    r = R["cox_strata"]
    found = cox(ALL, ["x"], strata=["group"], cluster="cluster").tidy().iloc[0]
    np.testing.assert_allclose(
        found[["estimate", "std_error"]].astype(float), [r["coef"], r["robust"]], rtol=1e-9
    )
    # PHReg counts an entry in the month itself as at risk, R does not: without late entry
    theirs = PHReg(
        ON_TIME.time, ON_TIME[["x"]], ON_TIME.status > 0, strata=ON_TIME.group, ties="efron"
    ).fit()
    mine = cox(EARLY, ["x"], strata=["group"], cluster="cluster").coefficients[0]
    assert mine.estimate == pytest.approx(theirs.params[0], rel=1e-6)


def test_discrete_hazard_is_the_glm_of_r():
    for key, terms, effects in (
        ("cloglog", ["x", "group"], []),
        ("cloglog_effects", ["x"], ["cluster"]),
    ):
        r = R[key]
        found = discrete_hazard(ALL, terms, effects=effects, cluster="cluster", until=36).tidy()
        for mine, theirs in (
            ("estimate", "coef"),
            ("std_error", "robust"),
            ("naive_std_error", "naive"),
        ):
            np.testing.assert_allclose(found[mine], np.atleast_1d(r[theirs]), rtol=1e-7)


def test_discrete_hazard_is_the_glm_of_statsmodels_on_grouped_cells():
    cells = ALL.collapse(("x", "cluster"), until=12).tidy()
    d = cells[["a", "b"]].sum(axis=1)
    months = pd.get_dummies(cells["month"], dtype=float)
    design = np.column_stack([cells["x"], months])
    glm = sm.GLM(
        np.column_stack([d, cells["at_risk"] - d]),
        design,
        family=sm.families.Binomial(sm.families.links.CLogLog()),
    ).fit(tol=1e-14, maxiter=60)
    found = discrete_hazard(ALL, ["x"], cluster="cluster", until=12).coefficients[0]
    assert found.estimate == pytest.approx(glm.params[0], rel=1e-8)
    # the observed information of statsmodels differs from the expected one; errors are R's above
