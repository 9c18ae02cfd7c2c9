"""A release beside a former one of which only what was published is left."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from disclosure_cases import leaves, life_table, random_releases, with_margins
from scipy.optimize import linprog

from evaluation.data.disclosure import (
    Constraints,
    Dominance,
    Former,
    KnownSum,
    Previous,
    Rules,
    Spec,
    attack,
    protect,
    release,
)
from evaluation.data.disclosure.constraints import stacked
from evaluation.data.disclosure.former import in_common, likeliest
from evaluation.data.disclosure.layout import lay_out
from evaluation.errors import InputError

SEX = {"T": ["K", "M"]}


def grid(counts, rules=None):
    """Return a table kommun × sex with margins, and its specification."""
    kommuner = [chr(65 + i) for i in range(len(counts))]
    levels = {"kommun": kommuner, "sex": ["K", "M"]}
    sums = {"kommun": {"all": kommuner}, "sex": SEX}
    table = with_margins(leaves(levels, np.ravel(counts)), list(levels), sums)
    return table, Spec(by=("kommun", "sex"), sums=sums, rules=rules or Rules())


def published(table, spec):
    """Return what is left of a release: what it printed."""
    return Former(protect(table, spec).tidy()[[*spec.by, spec.value]], spec)


def stranger(releases, spec, same):
    """Return the range of every cell of some releases, by a linear program written out here.

    ``same`` are the cells that he knows not to have changed.
    """
    first = releases[0]
    place = {
        key: i for i, key in enumerate(first[list(spec.by)].itertuples(index=False, name=None))
    }
    n = len(first)
    rows, sides = [], []

    def say(terms, side):
        row = np.zeros(n * len(releases))
        for at, weight in terms:
            row[at] += weight
        rows.append(row)
        sides.append(side)

    for r, table in enumerate(releases):
        for key, i in place.items():
            for d, dim in enumerate(spec.by):
                for total, parts in spec.sums[dim].items():
                    if key[d] == total:
                        own = [place[(*key[:d], p, *key[d + 1 :])] for p in parts]
                        say([(r * n + i, -1.0), *((r * n + j, 1.0) for j in own)], 0.0)
        for i, (x, gone) in enumerate(zip(table[spec.value], table["suppressed"], strict=True)):
            if not gone:
                say([(r * n + i, 1.0)], float(x))
    for i in np.flatnonzero(same):
        say([(i, 1.0), (n + i, -1.0)], 0.0)
    out = []
    for i in range(n * len(releases)):
        ends = []
        for sign in (1.0, -1.0):
            cost = np.zeros(n * len(releases))
            cost[i] = sign
            found = linprog(cost, A_eq=np.array(rows), b_eq=np.array(sides))
            ends.append(sign * found.fun if found.status == 0 else np.inf)
        out.append(ends)
    return np.array(out)


OLD = [[2, 20], [30, 14], [18, 22]]
JOINED = [[7, 20], [30, 14], [18, 22]]
"""Five women have come to A, where there were two."""


def test_a_later_table_gives_an_earlier_womans_cell_away_and_is_kept_from_it():
    old, spec = grid(OLD)
    new, _ = grid(JOINED)
    first = protect(old, spec).tidy()
    assert first["suppressed"].sum() == 4  # A and C
    same = (old["n"] == new["n"]).to_numpy()
    alone = protect(new, spec).tidy()
    assert not alone["suppressed"].any()
    # C has 18 women still: then A had 50 − 30 − 18
    assert stranger([first, alone], spec, same)[0].tolist() == [2, 2]
    beside = protect(new, spec, before=published(old, spec))
    ranges = stranger([first, beside.tidy()], spec, same)
    hidden = np.concatenate([first["suppressed"], beside.tidy()["suppressed"]]).astype(bool)
    width = ranges[:, 1] - ranges[:, 0]
    assert (width[hidden] >= 4).all()
    assert (width[~hidden] == 0).all()
    kinds = beside.log.set_index(["kommun", "sex"])["reason"]
    assert kinds["C", "K"] == kinds["C", "M"] == "hidden before"
    assert beside.check(exact=True).passed


def test_one_more_person_does_not_show():
    old, spec = grid([[20, 25], [30, 14]])
    new, _ = grid([[21, 25], [30, 14]])
    assert not protect(new, spec).tidy()["suppressed"].any()
    beside = protect(new, spec, before=published(old, spec))
    gone = beside.tidy().set_index(["kommun", "sex"])["suppressed"]
    assert gone["A", "K"]
    assert gone["all", "T"]
    named = beside.log[beside.log["reason"] == "difference"]
    assert set(zip(named["kommun"], named["sex"], strict=True)) >= {("A", "K"), ("all", "T")}
    assert beside.check(exact=True).passed


def test_the_same_table_again_is_the_same_release():
    for seed in range(6):
        rng = np.random.default_rng(np.random.SeedSequence(91, spawn_key=(seed,)))
        table, spec = random_releases(rng, largest=4)[0] if seed % 3 else life_table(rng)
        first = protect(table, spec)
        again = protect(table, spec, before=published(table, spec))
        pd.testing.assert_frame_equal(again.tidy(), first.tidy())
        assert again.check(exact=True).passed


@pytest.mark.parametrize("seed", range(8))
def test_two_releases_together_pin_no_cell(seed):
    """Even one who knows which cells did not change finds every hidden one as wide as asked."""
    rng = np.random.default_rng(np.random.SeedSequence(92, spawn_key=(seed,)))
    (old, spec), (new, _) = random_releases(rng, largest=4, releases=2)
    first = protect(old, spec)
    beside = protect(new, spec, before=Former(first.tidy(), spec))
    assert beside.check(exact=True).passed
    system = lay_out(new, spec.value, spec.by, spec.sums).constraints
    m, same = system.n_cells, np.flatnonzero(old["n"].to_numpy() == new["n"].to_numpy())
    links = [([i, m + i], [1.0, -1.0], "same") for i in same]
    seen = np.full(2 * m, np.nan)
    for r, done in enumerate((beside, first)):
        own = done.tidy()["n"].astype("Float64").to_numpy(float, na_value=np.nan)
        seen[r * m : r * m + len(new)] = own
    found = attack(seen, stacked([system, system], links))
    width = (found.high - found.low).reshape(2, m)[:, : len(new)]
    hidden = np.isnan(seen).reshape(2, m)[:, : len(new)]
    assert hidden.any()
    assert (width[hidden] >= spec.rules.width_of).all()


def test_three_releases():
    old, spec = grid(OLD)
    middle, _ = grid(JOINED)
    first = published(old, spec)
    second = protect(middle, spec, before=first)
    latest, _ = grid([[7, 20], [30, 14], [18, 40]])
    third = protect(latest, spec, before=[first, Former(second.tidy(), spec)])
    gone = third.tidy().set_index(["kommun", "sex"])["suppressed"]
    assert gone["A", "K"]
    assert gone["C", "K"]  # else the first release's A follows
    assert third.check(exact=True).passed


def test_a_release_of_the_same_run_and_one_of_which_only_the_print_is_left():
    old, spec = grid(OLD)
    loose = dataclasses.replace(spec, rules=Rules(k=2))
    inside = Previous(old, protect(old, spec))
    both = protect(old, loose, before=[inside, published(old, spec)])
    assert (both.tidy()["suppressed"] == inside.protected.tidy()["suppressed"]).all()


def test_a_smaller_k_does_not_undo_what_was_hidden():
    old, spec = grid(OLD)
    loose = dataclasses.replace(spec, rules=Rules(k=2))
    assert not protect(old, loose).tidy()["suppressed"].any()
    again = protect(old, loose, before=published(old, spec))
    assert again.tidy()["suppressed"].sum() == 4


def test_what_was_shown_under_a_smaller_k_cannot_be_hidden_any_more():
    table, spec = grid(OLD)
    loose = dataclasses.replace(spec, rules=Rules(k=2))
    shown = published(table, loose)
    assert not shown.table["n"].isna().any()
    with pytest.raises(InputError, match="what is public already gives it away"):
        protect(table, spec, before=shown)


def statuses(women, men):
    """Return two municipalities: A by all and those in work of women and men, B with many."""
    cells = [("A", s, w, n) for s, own in (("K", women), ("M", men)) for w, n in own.items()]
    cells += [("B", s, w, n) for s in "KM" for w, n in (("work", 40), ("none", 50))]
    table = pd.DataFrame(cells, columns=["code", "sex", "status", "n"])
    by, sums = ("code", "sex", "status"), {"sex": SEX, "status": {"all": ["work", "none"]}}
    return with_margins(table, by, sums), Spec(by=by, sums=sums, shares=("status",))


def test_where_what_was_shown_stands_in_the_way_nothing_of_the_block_is_shown():
    men = {"work": 9, "none": 11}
    old, spec = statuses({"work": 0, "none": 12}, men)
    # four women fewer: that none of eight works is not to be told, and the men's 9 are all 9
    new, _ = statuses({"work": 0, "none": 8}, men)
    former = published(old, spec)
    assert not former.table["n"].isna().any()
    beside = protect(new, spec, before=former)
    gone = beside.tidy()
    assert gone.loc[gone["code"] == "A", "suppressed"].all()
    assert not gone.loc[gone["code"] == "B", "suppressed"].any()
    assert set(beside.log["reason"]) >= {"share 0 %", "shown before"}
    assert beside.check(exact=True).passed


def test_amounts_hidden_before_stay_hidden():
    table = pd.DataFrame(
        {
            "kommun": ["A", "B", "all"],
            "kr": [900.0, 700.0, 1600.0],
            "contributors": [9, 12, 21],
            "largest_1": [850.0, 100.0, 850.0],
            "largest_2": [10.0, 90.0, 100.0],
        }
    )
    spec = Spec(
        by=("kommun",), value="kr", sums={"kommun": {"all": ["A", "B"]}}, dominance=Dominance()
    )
    first = protect(table, spec)
    assert first.tidy()["suppressed"].tolist() == [True, True, False]
    # the largest is not so large any more, or was not told: beside the first it stays hidden
    mild = table.assign(largest_1=[200.0, 100.0, 200.0])
    assert not protect(mild, spec).tidy()["suppressed"].any()
    again = protect(mild, spec, before=Former(first.tidy(), spec))
    assert again.tidy()["suppressed"].tolist() == [True, True, False]
    assert again.check(exact=True).passed


def test_sums_known_elsewhere_hold_in_both_releases():
    cells = pd.DataFrame(
        {"code": list("AAABBB"), "sex": list("KMTKMT"), "n": [2, 30, 32, 40, 50, 90], "all": True}
    )
    spec = Spec(by=("code", "sex"), sums={"sex": SEX}, known_sums=(KnownSum("all", ("sex",)),))
    first = protect(cells, spec)
    former = Former(first.tidy().assign(all=True), spec)
    again = protect(cells, spec, before=former)
    assert (again.tidy()["suppressed"] == first.tidy()["suppressed"]).all()
    # a man more in each, and two in the country: who got them is not told
    more = cells.assign(n=[2, 31, 33, 40, 51, 91])
    beside = protect(more, spec, before=former)
    assert beside.tidy()["suppressed"].all()
    assert beside.check(exact=True).passed
    # one man more in the country, and B as it was: he came to A
    with pytest.raises(InputError, match="what is public already gives it away"):
        protect(cells.assign(n=[2, 31, 33, 40, 50, 90]), spec, before=former)


def test_the_likeliest_table_is_the_nearest():
    sums = Constraints.of(3, [([0, 1, 2], [1, 1, -1], "sex T")])
    found = likeliest(np.array([np.nan, np.nan, 20.0]), sums, np.array([3.0, 18.0, 21.0]))
    assert found.sum() == 40
    assert np.abs(found[:2] - [3, 18]).sum() == 1
    # what agrees is left as it is, and what the other table does not have is found
    assert likeliest(np.array([np.nan, np.nan, 21.0]), sums, np.array([3.0, 18, 21])).tolist() == [
        3,
        18,
        21,
    ]
    assert likeliest(
        np.array([np.nan, np.nan, 21.0]), sums, np.array([3.0, np.nan, 1])
    ).tolist() == [
        3,
        18,
        21,
    ]
    with pytest.raises(InputError, match="contradict each other"):
        likeliest(np.array([np.nan, 30.0, 20.0]), sums, np.array([3.0, 18, 21]))


def test_a_former_release_that_contradicts_itself_is_refused():
    table, spec = grid(OLD)
    seen = protect(table, spec).tidy()
    at = {key: i for i, key in enumerate(zip(seen["kommun"], seen["sex"], strict=True))}
    for key, value in ((("B", "K"), 31), (("all", "K"), 20), (("all", "T"), 17)):
        off = seen.copy()
        off.loc[at[key], "n"] = value
        with pytest.raises(InputError, match="contradict each other"):
            Former(off, spec)
    with pytest.raises(InputError, match="row 4, field n: -1 is not a count"):
        Former(seen.assign(n=[None, None, -1, *seen["n"][3:]]), spec)
    with pytest.raises(InputError, match="is not a count"):
        Former(seen.assign(n=seen["n"].astype("Float64") + 0.5), spec)


def test_other_dimensions_are_refused_and_other_places_left_alone():
    table, spec = grid(OLD)
    former = published(table, spec)
    years = pd.DataFrame({"year": ["2015"], "n": [50]})
    with pytest.raises(InputError, match="other columns"):
        release(years, Spec(by=("year",)), before=former)
    moved = table.assign(kommun=table["kommun"] + "x")
    elsewhere = dataclasses.replace(spec, sums={"kommun": {"allx": ["Ax", "Bx", "Cx"]}, "sex": SEX})
    with pytest.raises(InputError, match="no cell in common"):
        protect(moved, elsewhere, before=former)
    assert in_common(moved, elsewhere, [former]) == []
    assert in_common(table, spec, [former]) == [former]
