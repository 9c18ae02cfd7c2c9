"""Which inference ``evaluation estimate`` takes, against the library called by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from evaluation import (
    Panel,
    aggregate,
    callaway_santanna,
    contrasts,
    event_study,
    two_way_fixed_effects,
)
from evaluation.estimation.few_treated.auto import auto_inference
from evaluation.estimation.few_treated.coefficients import linear_estimator
from evaluation.estimation.few_treated.collapsed import collapse
from evaluation.estimation.few_treated.conley_taber import conley_taber
from evaluation.estimation.few_treated.ferman_pinto import ferman_pinto
from evaluation.estimation.few_treated.integrated_t import integrated_t
from evaluation.estimation.few_treated.own_history import own_history
from evaluation.estimation.few_treated.permutation import free_assignments
from evaluation.estimation.few_treated.randomisation import (
    randomisation_t,
    size_class_assignments,
)
from evaluation.estimation.few_treated.welch import welch
from evaluation.estimation.regression.models import regress

UNITS, YEARS = 40, list(range(2000, 2014))
COHORTS = {2: 2008, 9: 2008, 20: 2010, 21: 2010}
ROLES = ("--unit", "unit", "--time", "year", "--outcome", "y", "--cohort", "first")


def table(cohorts=COHORTS, units=UNITS):
    """Long rows: outcome, cohort, a size, a size that changes, a cluster, a covariate."""
    rng = np.random.default_rng(3)
    size = np.exp(rng.normal(3.5, 1, units)).round() + 5
    y = rng.normal(size=(units, len(YEARS))) * np.sqrt(1 + 20 / size)[:, None]
    x = rng.normal(size=y.shape)
    rows = [
        {"unit": f"k{i:02d}", "year": year, "y": round(y[i, t] + 2 * (0 < first <= year), 4),
         "first": first, "n": size[i], "m": size[i] + t % 3, "c": i % 20, "x": round(x[i, t], 3)}
        for i in range(units) for t, year in enumerate(YEARS) for first in [cohorts.get(i, 0)]
    ]  # fmt: skip
    return pd.DataFrame(rows)


FRAME = table()
PANEL = Panel("y", FRAME.pivot(index="unit", columns="year", values="y"))
COHORT = FRAME.groupby("unit")["first"].first()
SIZE = FRAME.groupby("unit")["n"].first()
CHANGING = FRAME.pivot(index="unit", columns="year", values="m")


@pytest.fixture
def run(cli, tmp_path):
    """Estimate from a frame; return the JSON."""

    def call(*options, frame=FRAME, code=0):
        file = tmp_path / "own.csv"
        frame.to_csv(file, index=False)
        answer = cli("estimate", "--data", file, *ROLES, *options, "--json")
        assert answer.code == code, answer.err
        return json.loads(answer.out) if code == 0 else answer.err

    return call


def same(found, expected):
    """Hold the command line's numbers against an estimate of the library."""
    assert found["estimate"] == pytest.approx(expected.estimate, abs=1e-9)
    assert found["p_value"] == pytest.approx(expected.p_value, abs=1e-9)
    assert found["conf_int"] == pytest.approx(list(expected.conf_int), abs=1e-9)
    if expected.std_error is not None:
        assert found["std_error"] == pytest.approx(expected.std_error, abs=1e-9)


def by_name(checks):
    return {c["name"]: c for c in checks}


# the default


def test_few_treated_get_the_rule_by_default(run):
    found = run()
    expected = auto_inference(PANEL, COHORT, estimand="simple")
    same(found, expected.result)
    assert found["rule"] == expected.rule == "own_history"
    assert found["reason"] == expected.reason_en
    assert found["inference"].startswith("auto: ")
    assert found == run("--inference", "auto")
    check = by_name(found["checks"])["few_treated"]
    assert check["passed"] is False
    assert "The interval comes from another test (own_history)" in check["text"]


@pytest.mark.parametrize(("column", "size"), [("n", SIZE), ("m", CHANGING)])
def test_sizes_feed_the_rule(run, column, size):
    found = run("--size", column)
    expected = auto_inference(PANEL, COHORT, estimand="simple", size=size)
    same(found, expected.result)
    assert found["rule"] == "integrated_t"
    assert [c["inference"] for c in found["companions"]] == [
        c.inference for c in expected.companions
    ]
    assert found["companions"][0]["p_value"] == pytest.approx(expected.companions[0].p_value)
    assert {"variance_function", "change_and_size"} <= set(by_name(found["checks"]))


def test_event_times_follow_the_same_rule(run):
    found = run("--size", "n")
    plain = event_study(callaway_santanna(PANEL, COHORT), draws=9)
    assert [r["time"] for r in found["event_study"]] == list(plain.event_time)
    for row, value in zip(found["event_study"], plain.estimate, strict=True):
        estimand = f"event:{row['time']}"
        expected = auto_inference(PANEL, COHORT, estimand=estimand, size=SIZE).result
        same(row, expected)
        assert row["estimate"] == pytest.approx(value)
        assert row["band"] == [None, None]


ENOUGH = table({i: 2008 + i % 3 for i in range(10)})


MANY = table({i: 2008 + i % 3 for i in range(20)})


def test_many_units_get_the_analytic_error_by_default(run):
    found = run(frame=MANY)
    assert found == run("--inference", "analytic", frame=MANY) | {"reason": found["reason"]}
    assert (found["rule"], found["inference"]) == ("analytic", "analytic")
    assert "20 treated against 20 in the comparison: at least 20" in found["reason"]
    assert found["p_value"] is not None
    assert found["companions"] == []
    assert by_name(found["checks"])["few_treated"]["passed"] is True


def test_the_rule_asked_for_with_enough_units(run):
    found = run("--inference", "auto", frame=ENOUGH)
    panel = Panel("y", ENOUGH.pivot(index="unit", columns="year", values="y"))
    expected = auto_inference(panel, ENOUGH.groupby("unit")["first"].first(), estimand="simple")
    same(found, expected.result)
    assert found["rule"] == "welch"
    # what the rule does not cover keeps the error that the design supports
    clustered = run("--inference", "auto", "--cluster", "c", frame=ENOUGH)
    assert clustered["rule"] == "analytic"
    assert "units are clustered" in clustered["reason"]
    assert clustered["p_value"] is not None


def test_the_borders_of_the_rule_and_of_the_analytic_error(run):
    """Eight of either for each side's own variance, twenty for the analytic error."""
    for n, rule in ((7, "own_history"), (8, "welch"), (19, "welch"), (20, "analytic")):
        assert run(frame=table(dict.fromkeys(range(n), 2008)))["rule"] == rule
        late = dict.fromkeys(range(n, 40), 2009)
        assert run(frame=table(dict.fromkeys(range(40 - n), 2009)))["rule"] == rule
        assert len(late) == 40 - n


@pytest.mark.parametrize(
    ("method", "linear"),
    [("sunab", "cs"), ("imputation", "imputation"), ("twostage", "imputation"),
     ("etwfe", "imputation"), ("twfe", "twfe")],
)  # fmt: skip
def test_the_rule_covers_the_linear_methods(run, method, linear):
    found = run("--method", method, "--size", "n")
    expected = auto_inference(PANEL, COHORT, method=linear, estimand="simple", size=SIZE)
    same(found, expected.result)
    assert found["rule"] == "integrated_t"
    assert found["method"] != "cs"


@pytest.mark.parametrize(
    ("options", "more"),
    [
        (("--control", "notyet"), {"control_group": "not_yet_treated"}),
        (("--anticipation", "2"), {"anticipation": 2}),
        (("--aggregate", "calendar"), {"estimand": "calendar"}),
        (("--weights", "n"), {"weights": SIZE}),
        (("--method", "imputation", "--weights", "n"), {"weights": SIZE, "method": "imputation"}),
        (("--est-method", "reg", "--base", "universal"), {}),
    ],
)
def test_the_rule_covers_options_that_keep_the_estimate_linear(run, options, more):
    found = run(*options, "--size", "n")
    same(found, auto_inference(PANEL, COHORT, size=SIZE, **{"estimand": "simple"} | more).result)


def test_weights_serve_as_sizes(run):
    found = run("--weights", "n")
    both = run("--weights", "n", "--size", "n")
    assert found["rule"] == both["rule"] == "integrated_t"
    assert found["p_value"] == both["p_value"]
    note = "the weights also serve as sizes: persons behind each value"
    assert note in found["notes"]
    assert note not in both["notes"]


def test_nobody_never_treated(run):
    """The last cohort is the comparison, and the rule sees the same panel."""
    frame = table({i: (2006 if i < 3 else 2011) for i in range(40)})
    found = run("--control", "notyet", "--size", "n", frame=frame)
    early = frame[frame.year < 2011].assign(first=frame["first"].where(frame["first"] < 2011, 0))
    panel = Panel("y", early.pivot(index="unit", columns="year", values="y"))
    expected = auto_inference(
        panel, early.groupby("unit")["first"].first(), estimand="simple", size=SIZE
    )
    same(found, expected.result)
    assert found["n_treated_units"] == 3


# no valid test


UNSUPPORTED = [
    (("--covariates", "x", "--est-method", "reg"), "covariates are adjusted for"),
    (("--cluster", "c"), "units are clustered"),
    (("--weights", "m"), "the weights change from year to year"),
    (("--method", "stacked"), "stacked is not a fixed weighting"),
    (("--method", "sdid", "--variance", "jackknife"), "sdid is not a fixed weighting"),
    (("--method", "twfe", "--covariates", "x"), "covariates are adjusted for"),
]


@pytest.mark.parametrize(("options", "why"), UNSUPPORTED)
def test_an_analytic_error_that_the_design_does_not_support_is_no_headline(run, options, why):
    found = run(*options)
    assert found["p_value"] is None
    assert found["conf_int"] == [None, None]
    assert found["rule"] == "none"
    assert why in found["reason"]
    assert any(
        "the standard error is the estimator's own and too small" in n for n in found["notes"]
    )
    check = by_name(found["checks"])["few_treated"]
    assert check["passed"] is False
    assert "no p-value and interval are given" in check["text"]
    for row in found["event_study"]:
        assert row["conf_int"] == row["band"] == [None, None]
        assert row["p_value"] is row["std_error"] is None
    asked = run(*options, "--inference", "analytic")
    assert asked["std_error"] == found["std_error"]
    assert asked["estimate"] == found["estimate"]
    assert asked["p_value"] is not None
    assert asked["conf_int"][0] < asked["estimate"] < asked["conf_int"][1]
    assert any("analytic asked for by name" in n for n in asked["notes"])
    assert by_name(asked["checks"])["few_treated"]["passed"] is False


def test_gaps_that_are_kept(run):
    frame = FRAME.drop(index=FRAME.index[33])
    found = run("--unbalanced", "keep", frame=frame)
    assert found["p_value"] is None
    assert "the panel has gaps" in found["reason"]
    assert run("--unbalanced", "keep")["p_value"] is not None


def test_no_test_at_all(run):
    """Ten units, or three years before adoption and no size."""
    few = FRAME[FRAME.unit.isin([f"k{i:02d}" for i in (2, 9, *range(10, 18))])]
    for frame in (few, FRAME[FRAME.year >= 2006]):
        found = run(frame=frame)
        assert found["rule"] == "none"
        assert found["p_value"] is None
        assert found["conf_int"] == [None, None]
        assert found["std_error"] == run("--inference", "analytic", frame=frame)["std_error"]


def test_placebo_variance_is_its_own(run):
    """It takes the treated to vary as the controls do, which few treated cannot show."""
    found = run("--method", "sdid", "--draws", "99", frame=ENOUGH)
    assert found["rule"] == "placebo"
    assert found["p_value"] is not None
    few = run("--method", "sdid", "--draws", "99")
    assert (few["rule"], few["p_value"], few["conf_int"]) == ("none", None, [None, None])
    asked = run("--method", "sdid", "--draws", "99", "--inference", "analytic")
    assert asked["p_value"] is not None


def test_clusters_are_counted(run):
    """Ten treated units in two clusters are few; so are clusters without anybody treated."""
    frame = ENOUGH.assign(c=ENOUGH.unit.str[1:].astype(int) // 5)
    found = run("--cluster", "c", frame=frame)
    assert found["rule"] == "none"
    assert "2 treated clusters against 6" in by_name(found["checks"])["few_treated"]["text"]


def test_two_way_without_never_treated(run):
    """Earlier and later cohorts are compared; both must be many."""
    many = table({i: 2006 + i % 4 for i in range(40)})
    assert run("--method", "twfe", frame=many)["rule"] == "analytic"
    few = table({i: (2006 if i < 3 else 2009) for i in range(40)})
    found = run("--method", "twfe", frame=few)
    assert found["rule"] == "none"
    assert "every unit is treated" in found["reason"]


# by name


def test_tests_by_name(run):
    y = PANEL.values.to_numpy()
    c = collapse(y, linear_estimator(PANEL, COHORT, estimand="simple"))
    size = SIZE.to_numpy()
    wanted = {
        "conley-taber": conley_taber(c, draws=999, seed=5),
        "ferman-pinto": ferman_pinto(c, size, draws=999, seed=5),
        "cr2": welch(c),
        "own-history": own_history(c, y),
        "integrated-t": integrated_t(c, y, size),
    }
    for name, test in wanted.items():
        sized = ("--size", "n") if name in {"ferman-pinto", "integrated-t"} else ()
        drawn = name in {"conley-taber", "ferman-pinto"}
        found = run("--inference", name, *sized, "--draws", "999", "--seed", "5")
        half = float(test.half_width(0.05)[0])
        assert found["p_value"] == pytest.approx(float(test.p_value()[0]), abs=1e-9)
        assert found["conf_int"] == pytest.approx(
            [found["estimate"] - half, found["estimate"] + half]
        )
        assert found["rule"] == name
        assert found["seed"] == (5 if drawn else None)
        assert (found["std_error"] is None) == drawn
        assert any(n.startswith(f"{name}: ") for n in found["notes"])
        assert "analytic" not in found["inference"]
        at = next(r for r in found["event_study"] if r["time"] == 0)
        assert at["p_value"] is not None
        assert at["conf_int"][0] < at["estimate"] < at["conf_int"][1]


def test_one_treated_unit_and_cr2(run):
    frame = table({2: 2008})
    assert "cr2 needs two treated units or more" in run("--inference", "cr2", frame=frame, code=2)
    found = run("--inference", "conley-taber", frame=frame)
    assert found["p_value"] * 40 == pytest.approx(round(found["p_value"] * 40))


def test_wild_bootstrap_of_the_two_way_regression(run):
    options = ("--method", "twfe", "--covariates", "x", "--weights", "n", "--cluster", "c")
    found = run(*options, "--inference", "wild", "--multiplier", "webb", "--draws", "499")
    frame = FRAME.assign(d=((FRAME["first"] > 0) & (FRAME.year >= FRAME["first"])).astype(float))
    theirs = regress(
        frame, "y ~ d + x + EntityEffects + TimeEffects", "unit", "year", weights="n",
        cluster="c", cov="wild", multiplier="webb", draws=499, seed=1,
    )["d"]  # fmt: skip
    assert found["estimate"] == pytest.approx(theirs.estimate, abs=1e-9)
    assert found["p_value"] == pytest.approx(theirs.p_value)
    assert found["conf_int"] == pytest.approx(list(theirs.conf_int))
    analytic = two_way_fixed_effects(
        PANEL,
        COHORT,
        covariates={"x": FRAME.pivot(index="unit", columns="year", values="x")},
        weights=SIZE,
        cluster=FRAME.groupby("unit")["c"].first(),
    )
    assert found["std_error"] == pytest.approx(analytic.std_error, rel=1e-9)
    assert found["n_clusters"] == 20


def test_permutation_shows_the_test_of_t_beside_it(run):
    c = contrasts(PANEL, COHORT, "cohort")
    like = aggregate(callaway_santanna(PANEL, COHORT), "cohort")
    options = ("--inference", "permutation", "--aggregate", "cohort", "--draws", "499")
    for more, picks in (
        ((), free_assignments(UNITS, c.slots, 499, 1)),
        (("--size", "n", "--classes", "4"), size_class_assignments(c, SIZE, 4, 499, 1)),
    ):
        found = run(*options, *more)
        (beside,) = found["companions"]
        theirs = randomisation_t(c, picks, seed=1, like=like, mechanism="").result
        assert beside["p_value"] == pytest.approx(theirs.p_value)
        assert beside["conf_int"] == pytest.approx(list(theirs.conf_int))
        assert "t-statistic" in beside["inference"]
    assert "any units of the same of 4 classes of n" in found["inference"]


def test_triple_difference_with_few_treated(run):
    both = pd.concat([FRAME.assign(sex="men"), FRAME.assign(sex="women", y=3 * FRAME.y)])
    found = run("--triple", "sex", "--size", "n", frame=both)
    gap = Panel("y", -2 * PANEL.values)
    expected = auto_inference(gap, COHORT, estimand="simple", size=SIZE)
    same(found, expected.result)
    assert found["method"].startswith("triple difference, ")


# the text for people


def test_the_terminal_says_which_test_and_why(cli, tmp_path):
    FRAME.to_csv(tmp_path / "own.csv", index=False)
    out = cli("estimate", "--data", tmp_path / "own.csv", *ROLES, "--size", "n").out
    assert "rule: integrated_t. Fewer than 8 treated or comparison units and sizes known" in out
    assert "the same estimate under other tests\n  each side's own variance (CR2" in out
    assert "  t-test with each treated unit's own variance before adoption: p = " in out
    assert "p_value" in out
    assert "inf" not in out.replace("inference", "")
    none = cli("estimate", "--data", tmp_path / "own.csv", *ROLES, "--cluster", "c").out
    assert "no 95 % interval (none: units are clustered)" in none
    assert "p = " not in none
    helped = " ".join(cli("estimate", "--help").out.replace("│", " ").split())
    assert "analytic with twenty or more treated and comparison units, auto with fewer" in helped


def test_a_treated_unit_lost_to_a_gap_is_named(run):
    frame = table()
    treated = sorted(COHORTS)[0]
    rows = frame.index[frame.unit == f"k{treated:02d}"]
    frame.loc[rows[3], "y"] = np.nan
    check = by_name(run(frame=frame)["checks"])["balanced"]
    assert check["passed"] is False
    assert f"TREATED units among them: k{treated:02d}" in check["text"]
