"""The effect behind an estimate whose coding has errors: by hand, from coders, and on the twin."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from evaluation.data.twin import simulate
from evaluation.design.coding.error_rates import (
    MISS,
    CoderCalls,
    MiscodingRates,
    coder_calls,
    miscoding_rates,
)
from evaluation.design.coding.sheet import coding_sheet
from evaluation.errors import InputError
from evaluation.estimation.diagnostics.corrected_bound import corrected_bound, what_if
from evaluation.plan import SimulatedData
from evaluation.questions.miscoding_study import miscoding_study
from evaluation.results import Estimate

ROOT = Path(__file__).resolve().parents[1]
FIRST = 20261123


def estimate(low, high, *, alpha=0.05, p=0.5, inference="a test"):
    return Estimate(
        term="att", estimate=(low + high) / 2, conf_int=(low, high), method="cs",
        inference=inference, estimand="cohort", n_obs=20, n_units=10, n_treated_units=3,
        n_clusters=10, p_value=p, alpha=alpha,
    )  # fmt: skip


# the bound by hand


@pytest.mark.parametrize(
    ("interval", "m", "s", "bound"),
    [
        # all factors from 1 - 0.2 - 0.3 to 1
        ((1.0, 3.0), (0, 0.2), (0, 0.3), (1.0, 6.0)),
        ((-3.0, -1.0), (0, 0.2), (0, 0.3), (-6.0, -1.0)),
        ((-1.0, 3.0), (0, 0.2), (0, 0.3), (-2.0, 6.0)),
        # at least a fifth is wrongly active: at most four fifths of the effect are left
        ((1.0, 3.0), (0.2, 0.2), (0, 0.3), (1.25, 6.0)),
        # a hidden active municipality may take nothing away: its smallest share does not count
        ((1.0, 3.0), (0, 0), (0.5, 0.5), (1.0, 6.0)),
        ((1.0, 3.0), (0, 0), (0, 0), (1.0, 3.0)),
        # the groups may be alike
        ((1.0, 3.0), (0, 0.7), (0, 0.3), (-np.inf, np.inf)),
        ((1.0, 3.0), (0, 0.9), (0, 0.9), (-np.inf, np.inf)),
    ],
)
def test_the_bound_is_the_union_over_the_factors(interval, m, s, bound):
    found = corrected_bound(estimate(*interval), MiscodingRates(m, s))
    assert found.conf_int == pytest.approx(bound)


def test_every_factor_is_inside():
    rates = MiscodingRates((0.05, 0.2), (0.0, 0.3))
    low, high = corrected_bound(estimate(-0.4, 1.7), rates).conf_int
    for m, s, kappa in itertools.product(
        np.linspace(0.05, 0.2, 5), np.linspace(0, 0.3, 5), (0, 0.5, 1)
    ):
        f = 1 - m - kappa * s
        assert low <= -0.4 / f + 1e-12
        assert high >= 1.7 / f - 1e-12


def test_several_tests_are_taken_together_and_one_without_a_value_is_passed_over():
    rates = MiscodingRates((0, 0.5), (0, 0))
    one, two = estimate(1.0, 3.0, inference="one"), estimate(0.5, 2.0, inference="two")
    none = estimate(-np.inf, np.inf, p=None, inference="none")
    found = corrected_bound(one, rates, beside=[two, none])
    assert (found.interval, found.conf_int) == ((0.5, 3.0), (0.5, 6.0))
    assert found.inference == ("one", "two")
    assert corrected_bound(none, rates, beside=[two]).interval == (0.5, 2.0)
    assert corrected_bound(none, rates).conf_int == (-np.inf, np.inf)
    assert corrected_bound(none, rates).to_dict()["conf_int"] == [None, None]


def test_no_interval_is_relabelled():
    rates = MiscodingRates((0, 0.1), (0, 0.1), miss=0.005)
    with pytest.raises(InputError, match=r"computed at alpha = 0.05; a bound at 0.05 .* at 0.045"):
        corrected_bound(estimate(0, 1), rates)
    assert corrected_bound(estimate(0, 1, alpha=0.045), rates).alpha == 0.05
    with pytest.raises(InputError, match="must lie above the probability that the ranges fail"):
        corrected_bound(estimate(0, 1), rates, alpha=0.005)


def test_what_if_tries_every_pair():
    found = what_if(estimate(1.0, 2.0))
    factors = [b.rates.factor[0] for b in found]
    assert factors == pytest.approx([1, 0.9, 0.7, 0.9, 0.8, 0.6, 0.7, 0.6, 0.4])
    assert found[0].conf_int == (1.0, 2.0)
    assert found[-1].tidy().loc[0, "conf_high"] == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("m", "s", "miss", "words"),
    [
        ((0.2, 0.1), (0, 0), 0, r"false_active: must be \[low, high\] between 0 and 1"),
        ((0, 0), (0, 1.2), 0, "hidden_active"),
        ((-0.1, 0), (0, 0), 0, "false_active"),
        ((0, 0), (0, 0), 1, "miss"),
    ],
)
def test_impossible_rates_are_refused(m, s, miss, words):
    with pytest.raises(InputError, match=words):
        MiscodingRates(m, s, miss)


# rates from coders


def row(code, coder, stance, **cells):
    return {"code": code, "coder": coder, "stance": stance, "evidence": "strong",
            "source": "s"} | cells  # fmt: skip


def test_how_coders_divide_the_municipalities():
    day_one, needed = "active_day_one", "active_when_support_needed"
    settled = {"decided_by": "A and B", "decided_on": "2026-11-23", "reason": "page 3"}
    rows = [
        row("2321", "A", day_one), row("2321", "B", "active_from_asylum"),
        row("1287", "A", day_one), row("1287", "B", needed),
        row("1264", "A", day_one), row("1264", "B", "unclear"),
        row("1264", "adjudicated", day_one, **settled),
        row("1233", "A", day_one), row("1233", "B", needed),
        row("1233", "adjudicated", needed, **settled),
        row("0180", "A", needed), row("0180", "B", needed),
        row("0114", "A", day_one),
        # a claim on weak evidence is no call here, and one of two periods is enough
        row("0115", "A", day_one, evidence="weak"), row("0115", "B", needed),
        row("0117", "A", needed, ended="2012"), row("0117", "A", day_one, began="2013"),
        row("0117", "B", day_one),
    ]  # fmt: skip
    calls = coder_calls(coding_sheet(rows), evidence=("explicit", "strong"))
    assert calls == CoderCalls(2, 2, 1, 1, 1, 1)
    assert calls.n_split == 3
    assert calls.open_share == pytest.approx(1 / 3)
    assert coder_calls(coding_sheet(rows)).both_not == 1
    assert CoderCalls(1, 1, 0, 0, 0, 0).open_share is None


def test_the_limit_is_clopper_and_pearsons():
    rates = miscoding_rates(CoderCalls(40, 200, 3, 1, 2, 9), alpha=0.1, shared=0.5)
    assert rates.miss == pytest.approx(0.1 * MISS)
    for limit, split, agreed in ((rates.false_active[1], 3, 40), (rates.hidden_active[1], 5, 200)):
        # at the limit so few splits are seen with probability miss/2
        q = 2 * limit / (1 + 2 * limit)
        assert binom.cdf(split, split + agreed, q) == pytest.approx(rates.miss / 2, rel=1e-6)


def test_what_coders_share_sets_the_limit():
    calls = CoderCalls(40, 200, 3, 1, 2, 9)
    half, third, never = (miscoding_rates(calls, shared=s) for s in (0.5, 1 / 3, 0.0))
    assert half.false_active[1] == pytest.approx(2 * third.false_active[1])
    assert never.factor == (1.0, 1.0)
    nobody = miscoding_rates(CoderCalls(0, 3, 0, 0, 0, 0))
    assert nobody.false_active == (0.0, 1.0)
    assert nobody.factor[0] == 0.0
    with pytest.raises(InputError, match="shared"):
        miscoding_rates(calls, shared=1.0)


def test_independent_errors_stay_below_the_limit():
    """Of 4,000 codings by two coders who each miss 20 % and invent 2 %, at most miss exceed it."""
    rng = np.random.default_rng(7)
    active = np.arange(290) < 60
    exceeded = 0
    for _ in range(4_000):
        says = np.where(active, rng.random((2, 290)) >= 0.2, rng.random((2, 290)) < 0.02)
        both, none = says.all(axis=0), ~says.any(axis=0)
        split = int((~both & ~none).sum())
        rates = miscoding_rates(CoderCalls(int(both.sum()), int(none.sum()), 0, 0, split, 0))
        exceeded += (both & ~active).sum() / both.sum() > rates.false_active[1]
        exceeded += (none & active).sum() / none.sum() > rates.hidden_active[1]
    assert exceeded / 4_000 <= 0.005


# the simulated twin


def test_the_bound_covers_the_twins_truth():
    """The short form of tools/miscoding_coverage.py, on its first seeds."""
    found = miscoding_study(range(FIRST, FIRST + 12), (0.3,))
    stated = found[found["rates"] == "stated"]
    assert len(found) == 12 * (1 + 2) * 2
    covered = found.groupby(["rates", "effect"])["bound"].mean()
    assert (covered >= 11 / 12).all()
    assert covered["coders, unsettled", "effect"] == 1.0
    # given its rates the bound holds both tests' intervals and is no longer than the factor asks
    f = 1 - stated["false_active"] - stated["hidden_active"]
    hull = stated[["length_permutation", "length_rule"]].max(axis=1)
    assert (stated["length_bound"] >= hull - 1e-9).all()
    assert (stated["length_bound"] <= 1.6 * hull / f).all()
    assert (stated["false_active"] > 0.05).all()
    assert (stated["hidden_active"] > 0).mean() > 0.9
    again = miscoding_study([FIRST + 3], (0.3,))
    assert again.equals(found[found["seed"] == FIRST + 3].reset_index(drop=True))


def test_without_errors_the_bound_is_what_the_two_tests_do_not_reject():
    found = miscoding_study([FIRST], (0.0,))
    stated = found[found["rates"] == "stated"]
    assert (stated[["false_active", "hidden_active"]] == 0).all(axis=None)
    longest = stated[["length_permutation", "length_rule"]].max(axis=1)
    assert (stated["length_bound"] >= longest - 1e-9).all()
    # the study's short way to the truth is the twin's own, for the active with a value every year
    twin = simulate(SimulatedData(seed=FIRST, persons=False))
    seen = twin.observations.query("indicator == 'N00973' and sex == 'T'")
    whole = (seen["state"] == "observed").groupby(seen["code"]).all()
    active = [c for c in twin.truth.first_year if whole[c]]
    real = twin.truth.att("N00973", codes=active)
    assert stated["truth"].tolist() == [pytest.approx(real, rel=1e-12), 0.0]
    assert set(stated["n_treated"]) == {len(active)}
    # coders who never err still leave room for errors that they would have shared
    coders = found[found["rates"] == "coders, settled"]
    assert (coders["length_bound"] > stated["length_bound"].to_numpy() * 1.05).all()


def test_the_measured_coverage_is_at_least_nominal():
    """Held to the table that tools/miscoding_coverage.py wrote."""
    table = pd.read_csv(ROOT / "reports" / "calibration" / "miscoding.csv")
    assert (table["draws"] >= 500).all()
    assert (table["bound"] >= 0.95).all()
    assert len(table) == (9 + 6) * 2


def test_a_study_needs_seeds():
    with pytest.raises(InputError, match="seeds"):
        miscoding_study([])
