"""Disclosure control: what is hidden, why, and what an attack can make of the rest."""

import itertools
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from disclosure_cases import leaves, life_table, random_table, with_margins
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.data.disclosure import (
    Constraints,
    Dominance,
    Flow,
    FromPersons,
    Previous,
    Released,
    Rules,
    Spec,
    attack,
    bounds,
    cell_amounts,
    cleared,
    protect,
    release,
    round_table,
)
from evaluation.errors import InputError

SEX = {"T": ["K", "M"]}


def rng(*key):
    return np.random.default_rng(np.random.SeedSequence(20171205, spawn_key=key))


def grid(counts, rules=None, **more):
    """Return a table kommun × sex with margins, and its specification."""
    kommuner = [chr(65 + i) for i in range(len(counts))]
    levels = {"kommun": kommuner, "sex": ["K", "M"]}
    sums = {"kommun": {"all": kommuner}, "sex": SEX}
    table = with_margins(leaves(levels, np.ravel(counts)), list(levels), sums)
    return table, Spec(by=("kommun", "sex"), sums=sums, rules=rules or Rules(), **more)


def shown(protected, *key):
    t = protected.tidy()
    row = t[(t[list(protected.spec.by)].astype(str) == list(key)).all(axis=1)]
    return row.iloc[0]


def enumerated(seen, constraints):
    """Return the least and most of each hidden cell over all whole tables, one by one."""
    low, high = bounds(seen, constraints)
    matrix = constraints.matrix.toarray()
    free = np.flatnonzero(np.isnan(seen))
    spans = [np.arange(low[c], high[c] + 1) for c in free]
    assert math.prod(map(len, spans)) < 3_000_000
    every = np.stack(np.meshgrid(*spans, indexing="ij"), -1).reshape(-1, len(free))
    off = matrix @ np.nan_to_num(seen)
    good = every[(np.abs(every @ matrix[:, free].T + off) < 1e-9).all(axis=1)]
    return free, good.min(axis=0), good.max(axis=0)


# by hand


def test_two_by_two_must_hide_all_four():
    table, spec = grid([[2, 20], [30, 14]])
    done = protect(table, spec)
    assert done.tidy().loc[:3, "suppressed"].all()
    assert not done.tidy().loc[4:, "suppressed"].any()
    assert done.log["reason"].tolist() == ["small", "secondary", "secondary", "secondary"]
    assert (done.n_primary, done.n_secondary, done.n_cells) == (1, 3, 9)
    # one free number: A's women run from 0 to 22, and the rest with them
    found = done.attack(exact=True)
    assert found.low[:4].tolist() == [0, 0, 10, 12]
    assert found.high[:4].tolist() == [22, 22, 32, 34]
    assert shown(done, "A", "K")[["low", "high"]].tolist() == [0, 22]


def test_nothing_small_nothing_hidden():
    table, spec = grid([[20, 20], [30, 14]])
    done = protect(table, spec)
    assert done.tidy()["n"].tolist() == table["n"].tolist()
    assert len(done.log) == 0
    assert done.check().passed


@pytest.mark.parametrize(("k", "hidden"), [(2, 0), (3, 4), (5, 4)])
def test_threshold(k, hidden):
    table, spec = grid([[2, 20], [30, 14]], Rules(k=k))
    assert protect(table, spec).tidy()["suppressed"].sum() == hidden


def test_zeros_only_where_asked():
    table, spec = grid([[0, 20], [30, 14]])
    assert not protect(table, spec).tidy()["suppressed"].any()
    table, spec = grid([[0, 20], [30, 14]], Rules(zeros=True))
    assert shown(protect(table, spec), "A", "K")["suppressed"]


def test_a_share_of_everybody_in_a_small_group():
    levels = {"kommun": ["A", "B", "C"], "status": ["work", "none"]}
    sums = {"status": {"all": ["work", "none"]}}
    table = with_margins(leaves(levels, [7, 0, 0, 30, 12, 9]), list(levels), sums)
    spec = Spec(by=("kommun", "status"), sums=sums, shares=("status",))
    done = protect(table, spec)
    reasons = done.log.set_index(["kommun", "status"])["reason"].to_dict()
    assert reasons == {("A", "work"): "share 100 %", ("A", "none"): "share 0 %"}
    assert done.attack(exact=True).high[table.index[table.n == 7][0]] == 7
    bigger = Spec(by=spec.by, sums=sums, shares=("status",), rules=Rules(small_group=31))
    assert set(protect(table, bigger).log["kommun"]) == {"A", "B"}
    assert len(protect(table, Spec(by=spec.by, sums=sums)).log) == 0


def test_a_small_complement_that_is_not_printed_is_guarded():
    """12 of 14 in work says that 2 are not."""
    table = pd.DataFrame({"status": ["work", "all"], "n": [12, 14]})
    spec = Spec(by=("status",), sums={"status": {"all": ["work", "not in work"]}})
    done = protect(table, spec)
    assert done.tidy()["suppressed"].any()
    log = done.log.set_index("status")
    assert log.loc["not in work", ["reason", "kind"]].tolist() == ["small", "worked out"]
    assert done.check(exact=True).passed
    alone = protect(table, Spec(by=("status",)))
    assert not alone.tidy()["suppressed"].any()


def test_men_that_are_not_printed_are_guarded():
    table = pd.DataFrame({"sex": ["K", "T"], "n": [41, 44]})
    assert release(table, Spec(by=("sex",), sums={"sex": SEX})).n_suppressed >= 1


def test_derived_columns_follow_their_cells():
    levels = {"kommun": ["A", "B", "C"], "status": ["work", "none"]}
    sums = {"status": {"all": ["work", "none"]}}
    table = with_margins(leaves(levels, [3, 20, 18, 30, 25, 9]), list(levels), sums)
    group = table[table.status == "all"].set_index("kommun")["n"]
    table["share"] = 100 * table["n"] / table["kommun"].map(group)
    spec = Spec(by=("kommun", "status"), sums=sums, derived={"share": ({}, {"status": "all"})})
    done = protect(table, spec).tidy()
    assert done.loc[done.kommun == "A", "suppressed"].sum() == 2
    a, rest = done.kommun == "A", done.kommun != "A"
    assert done.loc[a & (done.status != "all"), "share"].isna().all()
    pd.testing.assert_series_equal(done.loc[rest, "share"], table.loc[rest, "share"])


def test_withheld_and_known_cells():
    table, spec = grid([[20, 20], [30, 14]])
    table["hide"] = table.index == 0
    done = protect(table, Spec(by=spec.by, sums=spec.sums, withhold="hide"))
    assert done.log["reason"].tolist()[0] == "withheld"
    assert done.tidy().loc[0, "suppressed"]
    table, spec = grid([[2, 20], [30, 14], [16, 18]])
    table["public"] = table["kommun"] == "B"
    done = protect(table, Spec(by=spec.by, sums=spec.sums, known="public"))
    assert not done.tidy().loc[table["public"], "suppressed"].any()
    assert done.check(exact=True).passed


def test_what_is_public_already_cannot_be_hidden():
    table, spec = grid([[2, 20], [30, 14]])
    table["public"] = table["kommun"].isin(["B", "all"])
    with pytest.raises(InputError, match="kommun=A, sex=K cannot be protected"):
        protect(table, Spec(by=spec.by, sums=spec.sums, known="public"))


# the attack


def test_attack_by_hand_on_a_row():
    c = Constraints.of(4, [([0, 1, 2, 3], [1, 1, 1, -1], "row")])
    found = attack(np.array([np.nan, 5, np.nan, 12.0]), c)
    assert found.low.tolist() == [0, 5, 0, 12]
    assert found.high.tolist() == [7, 5, 7, 12]
    assert found.exact.all()


def test_attack_finds_what_one_hidden_cell_gives_away():
    table, spec = grid([[2, 20], [30, 14]])
    p = protect(table, spec).problem
    seen = p.values.copy()
    seen[0] = np.nan
    found = attack(seen, p.constraints)
    assert (found.low[0], found.high[0]) == (2, 2)


def test_check_fails_where_too_little_is_hidden():
    """The audit does not rest on the work of the suppression: it sees the published alone."""
    import dataclasses

    table, spec = grid([[2, 20], [30, 14], [16, 18]])
    done = protect(table, spec)
    naive = np.zeros(len(table), dtype=bool)
    naive[0] = True
    p = done.problem
    leaky = dataclasses.replace(done, problem=dataclasses.replace(p, hidden=naive))
    check = leaky.check()
    assert check.passed is False
    assert check.statistic == 1
    assert check.text_en.endswith("on 1 hidden cells leaves 0 with a range as wide as asked.")
    assert done.check().statistic == 0


def test_attack_without_an_upper_end():
    found = attack(np.full(3, np.nan), Constraints.of(3, [([0, 1, 2], [1, 1, -1], "T")]))
    assert found.low.tolist() == [0, 0, 0]
    assert np.isinf(found.high).all()


def test_attack_refuses_what_contradicts_itself():
    c = Constraints.of(3, [([0, 1, 2], [1, 1, -1], "T")])
    for seen in ([4.0, 5, 10], [np.nan, 11, 10]):
        with pytest.raises(InputError, match="contradict"):
            attack(np.array(seen, float), c)


def test_whole_numbers_can_be_narrower_than_the_linear_program():
    """2 x + 2 y = z with z of 3 at most: a half is no person."""
    c = Constraints.of(3, [([0, 1, 2], [2, 2, -1], "row")])
    seen = np.full(3, np.nan)
    high = np.array([np.inf, np.inf, 3.0])
    assert attack(seen, c, high=high).high.tolist() == [1, 1, 2]
    assert attack(seen, c, high=high, whole=False).high == pytest.approx([1.5, 1.5, 3])


@pytest.mark.parametrize("seed", range(30))
def test_attack_agrees_with_going_through_all_tables(seed):
    r = rng(1, seed)
    shape = [(2, 3), (3, 3), (2, 2, 2)][seed % 3]
    names = ["kommun", "year", "sex"][: len(shape)]
    levels = {d: [f"{d[0]}{i}" for i in range(n)] for d, n in zip(names, shape, strict=True)}
    sums = {d: {"all": v} for d, v in levels.items()}
    table = with_margins(leaves(levels, r.integers(0, 5, math.prod(shape))), names, sums)
    p = protect(table, Spec(by=tuple(names), sums=sums, rules=Rules(k=2, width=1))).problem
    seen = p.values.copy()
    seen[r.permutation(math.prod(shape))[:6]] = np.nan
    free, low, high = enumerated(seen, p.constraints)
    found = attack(seen, p.constraints)
    assert found.exact.all()
    np.testing.assert_array_equal(found.low[free], low)
    np.testing.assert_array_equal(found.high[free], high)


# the guarantee on many tables (tools/disclosure_attack.py goes through 1,000)


@pytest.mark.parametrize("seed", range(24))
def test_nothing_is_recovered_from_random_tables(seed):
    r = rng(2, seed)
    table, spec = random_table(r, largest=5) if seed % 4 else life_table(r)
    done = protect(table, spec)
    found = done.attack(exact=True)
    p = done.problem
    n = done.n_cells
    hidden = done.tidy()["suppressed"].to_numpy(bool)
    x = table[spec.value].to_numpy()
    assert found.exact.all()
    assert ((found.high - found.low)[:n][hidden] >= spec.rules.width_of).all()
    small = (x > 0) & (x < spec.rules.k)
    assert hidden[small].all()
    assert (found.high[:n][small] >= spec.rules.k).all()
    assert (found.low <= p.values).all()
    assert (found.high >= p.values).all()
    # what is worked out but small keeps the same width
    apart = np.arange(len(x), len(p.values))
    few = apart[(p.values[apart] > 0) & (p.values[apart] < spec.rules.k)]
    assert ((found.high - found.low)[few] >= spec.rules.width_of).all()
    assert (done.table["low"] <= found.low[:n] + 1e-9).all()
    assert (done.table["high"] >= found.high[:n] - 1e-9).all()


counts = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=5)


@settings(max_examples=25)
@given(counts, st.integers(2, 6))
def test_published_numbers_are_the_originals_and_primaries_are_hidden(found, k):
    table, spec = grid(found, Rules(k=k))
    done = protect(table, spec)
    t = done.tidy()
    open_cells = ~t["suppressed"]
    assert (t.loc[open_cells, "n"] == table.loc[open_cells, "n"]).all()
    assert t.loc[~open_cells, "n"].isna().all()
    assert t["suppressed"][(table.n > 0) & (table.n < k)].all()
    assert len(done.log) == t["suppressed"].sum() == done.n_primary + done.n_secondary
    assert done.check().passed


@pytest.mark.parametrize("seed", range(8))
def test_freeing_never_hides_more_and_stays_safe(seed):
    table, spec = random_table(rng(3, seed), largest=4)
    full, freed = protect(table, spec, free=False), protect(table, spec)
    assert freed.n_secondary <= full.n_secondary
    assert (full.table["suppressed"] | ~freed.table["suppressed"]).all()
    assert freed.check(exact=True).passed


def test_the_same_table_gives_the_same_pattern():
    table, spec = random_table(rng(4, 0), largest=4)
    pd.testing.assert_frame_equal(protect(table, spec).tidy(), protect(table, spec).tidy())


# life tables


def test_at_risk_minus_at_risk_gives_events_away():
    """40, 37, 35: the three and two that left are there although no event is printed."""
    table = pd.DataFrame({"month": ["0", "1", "2"], "n": [40, 37, 35]})
    table["measure"] = "at_risk"
    spec = Spec(
        by=("month", "measure"), flow=Flow(time="month", measure="measure", leaving=("left",))
    )
    done = protect(table, spec)
    log = done.log[done.log["kind"] == "worked out"]
    assert log[["month", "measure", "reason"]].to_numpy().tolist() == [
        ["0", "left", "small"],
        ["1", "left", "small"],
    ]
    assert done.check(exact=True).passed
    found = done.attack(exact=True)
    # left after the last month is a cell too: 35, or what is not known to have gone
    left = found.high - found.low
    assert left[done.problem.asked.width > 0].min() >= 4


def test_no_more_can_go_than_are_at_risk():
    """Censoring is not printed; the events of the last month are 8 at most all the same."""
    rows = [("0", "at_risk", 20), ("0", "events", 6), ("1", "at_risk", 8), ("1", "events", 3)]
    table = pd.DataFrame(rows, columns=["month", "measure", "n"])
    spec = Spec(by=("month", "measure"), flow=Flow(time="month", measure="measure"))
    done = protect(table, spec, free=False)
    seen = done.problem.values.copy()
    seen[[3, *range(4, len(seen))]] = np.nan
    found = attack(seen, done.problem.constraints)
    assert (found.low[3], found.high[3]) == (0, 8)
    assert found.low[4] == found.high[4] == 6  # 20 − 6 − 8 were censored
    assert done.check(exact=True).passed


def test_a_life_table_that_does_not_add_up_is_refused():
    table, spec = life_table(rng(5))
    wrong = table.copy()
    i = wrong.index[(wrong.measure == "at_risk") & (wrong.month == "3") & (wrong.sex != "T")][0]
    wrong.loc[i, "n"] += 1
    with pytest.raises(InputError, match=r"month 2 to 3 at sex=K is off by -1"):
        protect(wrong, spec)


# two releases


def test_a_release_that_differs_by_few_is_guarded_with_the_earlier():
    old, spec = grid([[20, 25], [30, 14], [18, 22]])
    new, _ = grid([[21, 25], [30, 14], [18, 22]])
    first = protect(old, spec)
    assert not first.tidy()["suppressed"].any()
    assert not protect(new, spec).tidy()["suppressed"].any()
    both = protect(new, spec, before=Previous(old, first))
    assert shown(both, "A", "K")["suppressed"]
    assert shown(both, "all", "T")["suppressed"]
    assert (both.log["kind"] == "difference").sum() == 4
    assert both.check(exact=True).passed


def test_a_cell_hidden_before_is_not_given_away_now():
    """The same table again, cut otherwise: what was hidden then must not be printed now."""
    old, spec = grid([[3, 20], [30, 14], [18, 22]])
    first = protect(old, spec)
    loose = Spec(by=spec.by, sums=spec.sums, rules=Rules(k=2))
    assert not protect(old, loose).tidy()["suppressed"].any()
    again = protect(old, loose, before=Previous(old, first))
    assert again.tidy()["suppressed"].sum() == first.tidy()["suppressed"].sum()
    found = again.attack(exact=True)
    assert found.high[0] - found.low[0] >= 4


def test_a_municipality_that_joins_shows_in_the_nations_difference():
    old, spec = grid([[20, 25], [30, 14]])
    new, more = grid([[20, 25], [30, 14], [2, 30]])
    both = protect(new, more, before=Previous(old, protect(old, spec)))
    assert shown(both, "all", "K")["suppressed"]
    assert both.check(exact=True).passed
    # alone, hiding within the municipalities is enough
    assert not shown(protect(new, more), "all", "K")["suppressed"]


def test_the_earlier_release_must_be_the_one_named():
    old, spec = grid([[20, 25], [30, 14]])
    first = protect(old, spec)
    other, _ = grid([[21, 25], [30, 14]])
    with pytest.raises(InputError, match="not the one that was protected"):
        protect(old, spec, before=Previous(other, first))
    years = pd.DataFrame({"year": ["2015"], "n": [50]})
    with pytest.raises(InputError, match="other columns"):
        protect(years, Spec(by=("year",)), before=Previous(old, first))
    apart = old.assign(kommun=old["kommun"] + "x")
    moved = Spec(by=spec.by, sums={"kommun": {"allx": ["Ax", "Bx"]}, "sex": SEX})
    with pytest.raises(InputError, match="no cell in common"):
        protect(apart, moved, before=Previous(old, first))


# amounts


def payments(seed=0):
    r = rng(6, seed)
    rows = [
        {"kommun": k, "sex": s, "who": f"{k}{s}{i}", "kr": float(r.integers(2_000, 9_000))}
        for k, s in itertools.product("ABCD", "KM")
        for i in range(int(r.integers(9, 20)))
    ]
    rows.append({"kommun": "A", "sex": "K", "who": "one", "kr": 900_000.0})
    sums = {"kommun": {"all": list("ABCD")}, "sex": SEX}
    table = cell_amounts(pd.DataFrame(rows), ("kommun", "sex"), "kr", "who", sums)
    return table, Spec(by=("kommun", "sex"), value="kr", sums=sums, dominance=Dominance())


def test_dominance_by_hand():
    rows = pd.DataFrame({"kommun": ["A"] * 6, "who": range(6), "kr": [800.0, 100, 40, 30, 20, 10]})
    table = cell_amounts(rows, ("kommun",), "kr", "who")
    assert table.iloc[0].tolist() == ["A", 1000.0, 6, 800.0, 100.0]
    # p %: 1000 − 800 − 100 = 100 is not less than 10 % of 800; 800 is more than 75 % of 1000
    for rule, hidden in (
        (Dominance(k=85), False),
        (Dominance(k=75), True),
        (Dominance(k=85, p=15), True),
        (Dominance(k=85, few=7), True),
    ):
        done = protect(table, Spec(by=("kommun",), value="kr", dominance=rule))
        assert done.tidy()["suppressed"].tolist() == [hidden]
    reach = protect(table, Spec(by=("kommun",), value="kr", dominance=Dominance())).problem.asked
    assert reach.above[0] == pytest.approx(800 / 0.75 - 1000)
    assert reach.below[0] == pytest.approx(800 / 0.75 - 1000)


@pytest.mark.parametrize("seed", range(4))
def test_amounts_are_protected_as_far_as_the_rule_asks(seed):
    table, spec = payments(seed)
    done = protect(table, spec)
    i = table.index[(table.kommun == "A") & (table.sex == "K")][0]
    assert done.tidy().loc[i, "suppressed"]
    found = done.attack(exact=True)
    asked = done.problem.asked
    assert found.high[i] >= table.kr[i] + asked.above[i] - 1e-3
    assert found.low[i] <= table.kr[i] - asked.below[i] + 1e-3
    assert asked.above[i] > 80_000
    assert done.check(exact=True).passed
    assert done.n_secondary >= 3
    assert list(done.tidy().columns) == ["kommun", "sex", "kr", "suppressed", "low", "high"]


# rounding


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("base", [3, 5])
def test_rounded_tables_add_up_and_pin_nothing(seed, base):
    table, spec = random_table(rng(7, seed), largest=4)
    done = round_table(table, spec, base=base, seed=seed if seed % 2 else None)
    t = done.tidy()
    assert (t["n"] % base == 0).all()
    assert (t["n"] >= 0).all()
    assert ((t["n"] - table["n"]).abs() < done.reach * base).all()
    assert np.abs(done.constraints.residual(done.values)).max() == 0
    assert ((t["low"] <= table["n"]) & (table["n"] <= t["high"])).all()
    assert done.check().passed


def test_random_rounding_is_fair_and_seeded():
    table = pd.DataFrame({"kommun": [str(i) for i in range(3000)], "n": 4})
    spec = Spec(by=("kommun",))
    one = round_table(table, spec, base=3, seed=1).tidy()["n"]
    assert one.mean() == pytest.approx(4, abs=4 * math.sqrt(2 / 3000))
    assert set(one) == {3, 6}
    assert one.equals(round_table(table, spec, base=3, seed=1).tidy()["n"])
    assert not one.equals(round_table(table, spec, base=3, seed=2).tidy()["n"])
    assert set(round_table(table, spec, base=3).tidy()["n"]) == {3}


# the gate


def test_only_release_makes_what_a_writer_takes(tmp_path):
    table, spec = grid([[2, 20], [30, 14]])
    out = release(table, spec)
    assert out.check.passed
    pd.testing.assert_frame_equal(cleared(out), out.tidy())
    text = out.write(tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert text[0] == "kommun,sex,n,suppressed,low,high"
    assert text[1] == "A,K,..,True,0.0,22.0"
    with pytest.raises(TypeError, match="release"):
        Released(table, {}, 9, 0, out.check)
    for thing in (table, protect(table, spec), FromPersons(table, spec), None):
        with pytest.raises(InputError, match="may not be written"):
            cleared(thing)


def test_what_holds_originals_is_not_shown_and_not_pickled():
    table, spec = grid([[2, 20], [30, 14]])
    for thing in (protect(table, spec), FromPersons(table, spec)):
        assert "20" not in repr(thing)
        with pytest.raises(TypeError, match="not to be written"):
            pickle.dumps(thing)
    held = FromPersons(table, spec).release()
    assert held.n_suppressed == 4
    assert pickle.loads(pickle.dumps(held)).n_suppressed == 4


def test_no_original_of_a_hidden_cell_is_in_what_is_shown():
    table, spec = grid([[3, 1017], [1031, 1013]])
    done = protect(table, spec)
    out = release(table, spec)
    for text in (str(done.to_dict()), done._repr_html_(), str(out.to_dict()), out._repr_html_()):
        assert not any(str(n) in text for n in (1017, 1031, 1013))
        assert "1020" in text
    assert done.to_dict()["rows"][0]["n"] is None
    assert done.to_dict()["parameters"] == {"k": 5, "zeros": False, "small_group": 10, "width": 4}
    assert "reason" not in str(done.to_dict())


def test_rounded_release():
    table, spec = grid([[2, 20], [30, 14]])
    out = release(table, spec, base=3, seed=9)
    assert (cleared(out)["n"] % 3 == 0).all()
    assert out.parameters == {"base": 3, "reach": 1, "random": True}
    with pytest.raises(InputError, match="earlier release"):
        release(table, spec, base=3, before=Previous(table, protect(table, spec)))


@pytest.mark.parametrize(
    ("table", "by", "says"),
    [
        ({"person_id": [1, 2], "n": [1, 9]}, ("person_id",), "identifies persons"),
        ({"lopnr": [1, 2], "sex": ["K", "M"], "n": [8, 9]}, ("sex",), "identifies persons"),
        ({"code": ["19900101-1234", "x"], "n": [8, 9]}, ("code",), "identity number"),
        ({"sex": ["K", "K"], "n": [8, 9]}, ("sex",), "not cells"),
        ({"a": ["1", "2"], "n": [1, 1]}, ("a",), "every row counts one"),
    ],
)
def test_persons_do_not_pass(table, by, says):
    with pytest.raises(InputError, match=says):
        release(pd.DataFrame(table), Spec(by=by))


# bad input


def changed(**values):
    table, _ = grid([[20, 25], [30, 14]])
    table["n"] = table["n"].astype(object)
    for row, value in values.items():
        table.loc[int(row[1:]), "n"] = value
    return table


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (changed(r1=-1), r"row 3, field n: must be 0 or more, not -1"),
        (changed(r0=2.5), r"row 2, field n: must be a whole number, not 2.5"),
        (changed(r0="many"), r"row 2, field n: 'many' is not a number"),
        (changed(r0=None), r"row 2, field n: None is not a number"),
        (changed(r0=21), r"kommun all at sex=K is off by 1 \(2 of 6 sums fail\)"),
        (grid([[20, 25], [30, 14]])[0].drop(index=8), r"field kommun: the total 'all' is missing"),
        (grid([[20, 25], [30, 14]])[0].drop(index=0), r"the part 'A' is missing at sex=K"),
        (grid([[20, 25], [30, 14]])[0].iloc[:6], r"the total 'T' is missing"),
        (grid([[20, 25], [30, 14]])[0].rename(columns={"sex": "kon"}), r"no column 'sex'"),
        (grid([[20, 25], [30, 14]])[0].iloc[[0, *range(9)]], r"row 3: the cell kommun=A, sex=K"),
        (grid([[20, 25], [30, 14]])[0].iloc[:0], r"no rows"),
    ],
)
def test_bad_tables_name_the_place(table, says):
    _, spec = grid([[20, 25], [30, 14]])
    with pytest.raises(InputError, match=says):
        protect(table, spec)


def test_bad_rules_and_specifications():
    for bad in ({"k": 1}, {"k": 2.5}, {"width": 0}, {"small_group": -1}):
        with pytest.raises(InputError, match="must be a whole number"):
            Rules(**bad)
    with pytest.raises(InputError, match="no sums to take shares of"):
        Spec(by=("a",), shares=("a",))
    with pytest.raises(InputError, match="largest contributions"):
        Dominance(largest=("one",))
    with pytest.raises(InputError, match="neither shares nor"):
        Spec(by=("a",), sums={"a": {"T": ["b"]}}, shares=("a",), dominance=Dominance())
    table, spec = grid([[20, 25], [30, 14]])
    with pytest.raises(InputError, match="at most one may be"):
        protect(table, Spec(by=spec.by, sums={"sex": {"T": ["K", "M", "x", "y"]}}))
    with pytest.raises(InputError, match="must be as large as its parts"):
        protect(
            table.assign(n=[20, 25, 30, 14, 50, 39, 10, 10, 20]),
            Spec(by=spec.by, sums={"sex": {"T": ["K", "M", "x"]}}),
        )
    with pytest.raises(InputError, match="base"):
        round_table(table, spec, base=1)
    with pytest.raises(InputError, match="not among the dimensions"):
        protect(table, Spec(by=spec.by, sums={"n": {"T": ["K"]}}))
