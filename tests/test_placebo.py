"""Placebo dates and outcomes, one left out, moved adoption, around a break, rings: by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from evaluation import InputError, Panel, aggregate, callaway_santanna, contrasts
from evaluation.estimation.diagnostics.placebo import (
    break_donut,
    leave_one_cohort_out,
    leave_one_treated_out,
    moved_adoption,
    placebo_dates,
    placebo_outcomes,
)
from evaluation.estimation.diagnostics.refits import by_permutation, placebo_check, sign_check
from evaluation.estimation.diagnostics.spillover import (
    coordinate_distances,
    distance_to_treated,
    neighbour_distances,
    spillover_check,
    spillover_rings,
)
from evaluation.estimation.few_treated.contrasts import custom_contrasts

YEARS = [2014, 2015, 2016, 2017, 2018, 2019]
ROWS = {
    "a": [1.0, 2.0, 4.0, 8.0, 9.0, 10.0],  # from 2017
    "b": [0.0, 1.0, 1.0, 2.0, 6.0, 7.0],  # from 2018
    "c": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
    "d": [2.0, 2.0, 2.0, 2.0, 2.0, 2.0],
    "e": [1.0, 0.0, 1.0, 0.0, 1.0, 0.0],
}
COHORT = pd.Series({"a": 2017, "b": 2018, "c": 0, "d": 0, "e": 0})
# mean of c, d, e: 1, 1, 5/3, 5/3, 7/3, 7/3
CONTROL = np.array([1, 1, 5 / 3, 5 / 3, 7 / 3, 7 / 3])


def panel(rows=ROWS, years=YEARS):
    return Panel("y", pd.DataFrame.from_dict(rows, orient="index", columns=years))


def gap(unit):
    """A treated unit's lead over the mean of the controls, by year."""
    return dict(zip(YEARS, np.array(ROWS[unit]) - CONTROL, strict=True))


A, B = gap("a"), gap("b")


def values(found):
    return dict(zip(found.labels, found.values, strict=True))


def test_placebo_dates_by_hand():
    found = placebo_dates(panel(), COHORT, (1, 2, 3))
    one = ((A[2016] - A[2015]) + (B[2017] - B[2016])) / 2
    two = ((A[2016] + A[2015]) / 2 - A[2014] + (B[2017] + B[2016]) / 2 - B[2015]) / 2
    three = (B[2017] + B[2016] + B[2015]) / 3 - B[2014]  # a has no year for it
    assert values(found) == pytest.approx({"−1": one, "−2": two, "−3": three})
    assert [e.n_treated_units for e in found.estimates] == [2, 2, 1]
    assert "without a" in found.estimates[2].notes[0]
    assert placebo_dates(panel(), COHORT, (4,)).skipped[0][0] == "−4"


def test_placebo_dates_do_not_read_the_years_of_treatment():
    rows = {k: list(v) for k, v in ROWS.items()}
    rows["a"][3:], rows["b"][4:] = [99.0] * 3, [-99.0] * 2
    judge = by_permutation([["a", "c"], ["b", "d"]])
    ours = placebo_dates(panel(rows), COHORT, (1, 2), judge=judge)
    assert ours.values == pytest.approx(placebo_dates(panel(), COHORT, (1, 2), judge=judge).values)


@pytest.mark.parametrize("early", [1, 2])
def test_one_cohort_is_the_estimate_on_the_years_before(early):
    rng = np.random.default_rng(early)
    units = [f"u{i}" for i in range(20)]
    wide = pd.DataFrame(rng.normal(size=(20, 8)), index=units, columns=range(2010, 2018))
    cohort = pd.Series([2015] * 3 + [0] * 17, index=units)
    found = placebo_dates(Panel("y", wide), cohort, (early,))
    cut = Panel("y", wide[[y for y in wide if y < 2015]])
    moved = cohort.replace(2015, 2015 - early)
    usual = aggregate(callaway_santanna(cut, moved), "cohort")
    assert found.estimates[0].estimate == pytest.approx(usual.estimate)


def test_the_interval_of_a_placebo_date_is_the_inversion_of_its_test():
    """The effect taken out stands in the pretended years: the p-value at each end is alpha."""
    rng = np.random.default_rng(4)
    units = [f"u{i}" for i in range(60)]
    y = rng.normal(size=(60, 6))
    cohort = pd.Series([2014] + [0] * 59, index=units)
    judge = by_permutation(alpha=0.1)
    wide = pd.DataFrame(y, index=units, columns=range(2010, 2016))
    low, high = placebo_dates(Panel("y", wide), cohort, (2,), judge=judge).estimates[0].conf_int
    for end, step in ((low, 1e-6), (high, -1e-6)):
        p = []
        for delta in (end - step, end + step):
            moved = wide.copy()
            moved.loc["u0", [2012, 2013]] -= delta
            p.append(placebo_dates(Panel("y", moved), cohort, (2,)).estimates[0].p_value)
        assert p[0] <= 0.1 < p[1]


def test_placebo_outcomes_and_their_check():
    rng = np.random.default_rng(0)
    units = [f"u{i}" for i in range(80)]
    cohort = pd.Series([2012] * 2 + [0] * 78, index=units)

    def outcome(effect, years=range(2008, 2016)):
        y = pd.DataFrame(rng.normal(size=(80, len(years))), index=units, columns=years)
        y.loc[["u0", "u1"], [t for t in years if t >= 2012]] += effect
        return Panel("y", y)

    quiet = {"one": outcome(0), "two": outcome(0), "late": outcome(0, range(2012, 2016))}
    found = placebo_outcomes(quiet, cohort)
    assert found.labels == ("one", "two")
    assert found.skipped[0][0] == "late"
    check = placebo_check(found, "placebo_outcomes")
    assert check.passed is True
    p = sorted(e.p_value for e in found.estimates)
    assert check.statistic == pytest.approx(min(1, 2 * p[0]))
    loud = placebo_check(placebo_outcomes(quiet | {"moved": outcome(4)}, cohort), "x")
    assert loud.passed is False
    assert "längst från noll är moved" in loud.text_sv
    assert "farthest from zero is moved" in loud.text_en
    named = placebo_check(found, "x", named=lambda label: (f"utfallet {label}", f"outcome {label}"))
    worst = found.labels[int(np.abs(found.values).argmax())]
    assert f"längst från noll är utfallet {worst})" in named.text_sv
    assert f"farthest from zero is outcome {worst})" in named.text_en
    alone = placebo_check(placebo_outcomes({"one": quiet["one"]}, cohort), "x")
    assert alone.text_sv.startswith("En placeboskattning, one: ")
    assert alone.text_en.startswith("One placebo estimate, one: ")
    assert placebo_check(placebo_outcomes({}, cohort), "x").passed is None


def test_leave_one_treated_out_by_hand():
    found = leave_one_treated_out(panel(), COHORT)
    only_a = (A[2017] + A[2018] + A[2019]) / 3 - A[2016]
    only_b = (B[2018] + B[2019]) / 2 - B[2017]
    assert values(found) == pytest.approx({"a": only_b, "b": only_a})
    assert found.base.estimate == pytest.approx((only_a + only_b) / 2)
    assert [e.n_units for e in found.estimates] == [4, 4]
    assert sign_check(found, "leave_one_out").passed is True
    cohorts = leave_one_cohort_out(panel(), COHORT)
    assert values(cohorts) == pytest.approx({"2017": only_b, "2018": only_a})


def test_without_the_only_treated_unit_nothing_is_left():
    found = leave_one_treated_out(panel(), COHORT.where(COHORT != 2018, 0))
    assert found.labels == ()
    assert found.skipped == (("a", "no treated unit is left"),)
    assert sign_check(found, "leave_one_out").passed is None


def test_a_turned_sign_is_told():
    rows = ROWS | {"b": [9.0, 9.0, 9.0, 9.0, 0.0, 0.0]}
    check = sign_check(leave_one_treated_out(panel(rows), COHORT), "leave_one_out")
    assert check.passed is False
    assert "the sign turns for b" in check.text_en


def test_moved_adoption():
    found = moved_adoption(panel(), COHORT)
    got = values(found)
    assert set(got) == {f"{who} {move}" for who in ("all", "a", "b") for move in ("−1", "+1")}
    for label, moved in (
        ("all +1", {"a": 2018, "b": 2019}),
        ("a −1", {"a": 2016, "b": 2018}),
        ("b +1", {"a": 2017, "b": 2019}),
    ):
        cohort = pd.Series(dict(COHORT) | moved)
        assert got[label] == pytest.approx(contrasts(panel(), cohort).estimate())
    far = moved_adoption(panel(), COHORT, (2,))
    assert [label for label, _ in far.skipped] == ["all +2", "b +2"]
    assert far.labels == ("a +2",)


def test_around_the_break_by_hand():
    found = break_donut(panel(), COHORT, 2018)
    got = values(found)
    # before 2018 only a has a treated year, 2017; none adopts with a base of 2018 or later
    assert got["before"] == pytest.approx(A[2017] - A[2016])
    assert found.skipped == (("after", "no treated unit has a base year and a treated year there"),)
    # without 2017 and 2018: a and b both in 2019 against 2016
    assert got["donut"] == pytest.approx((A[2019] - A[2016] + B[2019] - B[2016]) / 2)
    assert found.base.estimate == pytest.approx(contrasts(panel(), COHORT).estimate())
    later = pd.Series(dict(COHORT) | {"b": 2019})
    after = values(break_donut(panel(), later, 2018))["after"]
    assert after == pytest.approx(B[2019] - B[2018])


def test_a_break_that_moves_all_alike_moves_no_estimate():
    """Year effects absorb it; one that moves the treated only shows between base and donut."""
    y = panel().values.copy()
    y.loc[:, 2018:] += 10
    same = break_donut(Panel("y", y), COHORT, 2018)
    assert same.values == pytest.approx(break_donut(panel(), COHORT, 2018).values)


def test_rings_by_hand():
    distances = neighbour_distances(
        {"a": ["c"], "c": ["a", "d"], "d": ["c", "b"], "b": ["d"], "e": []}
    )
    assert distance_to_treated(panel(), COHORT, distances).to_dict() == {
        "a": 0.0, "b": 0.0, "c": 1.0, "d": 1.0, "e": np.inf,
    }  # fmt: skip
    found = spillover_rings(panel(), COHORT, distances, [1, 2])
    got = values(found)

    def against(units):
        return contrasts(panel().select(["a", "b", *units]), COHORT).estimate()

    assert got == pytest.approx(
        {"beyond 1": against(["e"]), "ring 1": against(["c", "d"]), "beyond 2": against(["e"])}
    )
    assert found.skipped == (("ring 2", "no control lies there"),)
    assert [e.n_units for e in found.estimates] == [3, 4, 3]


def test_a_spillover_is_found_by_the_ring():
    rng = np.random.default_rng(1)
    units = [f"u{i}" for i in range(40)]
    points = pd.DataFrame({"x": np.arange(40.0), "y": 0.0}, index=units)
    cohort = pd.Series([2013] + [0] * 39, index=units)
    y = rng.normal(scale=0.1, size=(40, 6))
    y[0, 3:] += 2
    y[1:4, 3:] += 1
    data = Panel("y", pd.DataFrame(y, index=units, columns=range(2010, 2016)))
    got = values(spillover_rings(data, cohort, coordinate_distances(points), [3.5, 20]))
    assert got["beyond 3.5"] == pytest.approx(2, abs=0.2)
    assert got["beyond 3.5"] - got["ring 3.5"] == pytest.approx(1, abs=0.2)
    assert got["ring 20"] == pytest.approx(2, abs=0.2)


def test_the_check_of_spillovers():
    near = neighbour_distances({"a": ["c"], "c": ["a", "d"], "d": ["c"], "b": [], "e": []})
    check = spillover_check(spillover_rings(panel(), COHORT, near, [1]))
    assert check.passed is True
    assert "närmaste" in check.text_sv
    assert "nearest" in check.text_en
    wide = spillover_check(spillover_rings(panel(), COHORT, near.replace(np.inf, 3), [3]))
    assert wide.passed is None


def test_matched_sets_follow_the_units_that_are_left():
    sets = [["a", "c", "e"], ["b", "d"]]
    judge = by_permutation(sets)
    found = leave_one_treated_out(panel(), COHORT, judge=judge)
    # without a: b against d, one other assignment; without b: a against c and e
    assert [e.p_value for e in found.estimates] == pytest.approx([1 / 2, 1 / 3])
    assert "matched" in found.estimates[0].inference
    assert "assignments" in found.estimates[0].notes[-1]


def test_custom_contrasts_refuse_what_does_not_fit():
    zero = np.zeros(6)
    for rows, says in (
        ({}, "no treated unit is left"),
        ({"c": zero}, "c is not treated"),
        ({"a": zero[:3]}, "weights over 6 years"),
        ({"a": zero + 1}, "sum to zero"),
    ):
        with pytest.raises(InputError, match=says):
            custom_contrasts(panel(), COHORT, rows)


def test_bad_calls_are_refused():
    with pytest.raises(InputError, match="at least one year"):
        placebo_dates(panel(), COHORT, (0,))
    for year in (2014, 2020):
        with pytest.raises(InputError, match="must lie after"):
            break_donut(panel(), COHORT, year)
    with pytest.raises(InputError, match="at least a year"):
        break_donut(panel(), COHORT, 2018, width=0)
    distances = coordinate_distances(pd.DataFrame(np.eye(5, 2), index=list("abcde")))
    for rings in ([], [0], [2, 1]):
        with pytest.raises(InputError, match="ascend"):
            spillover_rings(panel(), COHORT, distances, rings)
    with pytest.raises(InputError, match="unit e has no distances"):
        spillover_rings(panel(), COHORT, distances.drop(index="e"))
    with pytest.raises(InputError, match="zero or above"):
        spillover_rings(panel(), COHORT, -distances - 1)
    with pytest.raises(InputError, match="not listed"):
        neighbour_distances({"a": ["b"]})
    with pytest.raises(InputError, match="not on a"):
        neighbour_distances({"a": ["b"], "b": []})
    with pytest.raises(InputError, match="two finite"):
        coordinate_distances(pd.DataFrame({"x": [1.0]}))


def test_plain_types():
    found = moved_adoption(panel(), COHORT)
    out = json.loads(json.dumps(found.to_dict()))
    assert out["kind"] == "moved adoption"
    assert len(out["rows"]) == len(found.tidy()) == 6
    assert found.tidy().label.tolist() == list(found.labels)
