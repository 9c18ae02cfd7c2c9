"""Sums over many blocks: what is shown block by block holds for the integer program of all."""

import contextlib
import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from evaluation.data.disclosure import KnownSum, Spec, programs, protect, secondary
from evaluation.data.disclosure.problem import Problem
from evaluation.data.disclosure.ties import blocks_of
from evaluation.errors import InputError

SPEC = Spec(
    by=("code", "sex"),
    sums={"sex": {"T": ["K", "M"]}},
    known_sums=(KnownSum("all", ("sex",)),),
)


def some_table(seed):
    """Return women, men and totals of ten places, many of them small, the sums marked."""
    draw = np.random.default_rng(seed)
    n = draw.negative_binomial(1, 0.06, size=(10, 2))
    rows = [
        (f"p{place}", sex, int(count), True)
        for place, (women, men) in enumerate(n)
        for sex, count in zip("KMT", (women, men, women + men), strict=True)
    ]
    return pd.DataFrame(rows, columns=["code", "sex", "n", "all"])


def jointly_bad(problem: Problem) -> set[int]:
    """Return the hidden cells that one integer program over everything finds too narrow."""
    seen = problem.published()
    there = ~np.isnan(seen)
    low, high = np.where(there, seen, problem.low), np.where(there, seen, problem.high)
    asked, bad = problem.asked, set()
    for cell in np.flatnonzero(problem.hidden & (asked.width > 0)):
        ends = []
        for sign in (1.0, -1.0):
            goal = np.zeros(len(seen))
            goal[cell] = sign
            found = milp(
                goal,
                constraints=LinearConstraint(problem.constraints.matrix, 0, 0),
                bounds=Bounds(low, high),
                integrality=np.ones(len(seen)),
            )
            ends.append(sign * found.fun)
        reach = problem.values[cell] + asked.above[cell]
        narrow = ends[1] - ends[0] < asked.width[cell] - 1e-6
        if narrow or (asked.above[cell] > 0 and ends[1] < reach - 1e-6):
            bad.add(int(cell))
    return bad


def test_what_is_proved_block_by_block_holds_in_the_joint_program(monkeypatch):
    # the walk of the audit is for large tables: let it begin at once
    monkeypatch.setattr(programs, "BATCH", 8)
    monkeypatch.setattr(programs, "_LONG", 3)
    monkeypatch.setattr(programs, "_FEWEST", 2)
    walks, walk = [], programs.Block._walk
    monkeypatch.setattr(
        programs.Block, "_walk", lambda self, *a: (walks.append(1), walk(self, *a))[1]
    )
    passed = spoiled = 0
    for seed in range(50):
        table = some_table(seed)
        try:
            found = protect(table, SPEC, free=False)
        except InputError:
            continue
        passed += 1
        assert len(blocks_of(found.problem).cells) == 10
        assert jointly_bad(found.problem) == set()
        assert found.check().passed
        # one cell too many is published: the audit finds as many as the joint program
        secondary = np.flatnonzero(found.problem.hidden & (found.problem.values >= 5))
        if len(secondary):
            hidden = found.problem.hidden.copy()
            hidden[secondary[seed % len(secondary)]] = False
            width = np.where(hidden, found.problem.asked.width, 0.0)
            asked = dataclasses.replace(found.problem.asked, width=width)
            problem = dataclasses.replace(found.problem, hidden=hidden, asked=asked)
            bad = jointly_bad(problem)
            spoiled += bool(bad)
            check = dataclasses.replace(found, problem=problem).check()
            assert check.statistic == len(bad)
    assert passed >= 40
    assert spoiled >= 20
    assert len(walks) >= 40, len(walks)


def test_an_attack_before_the_searches_leaves_fewer_of_them_and_no_cell_pinned(monkeypatch):
    """Where many cells lack a proof, an attack says first which of them are pinned."""

    def hidden(many):
        monkeypatch.setattr(secondary, "_MANY", many)
        found = {}
        for seed in range(16):
            with contextlib.suppress(InputError):
                found[seed] = protect(some_table(seed), SPEC, free=False)
        return found

    searched, search = [], secondary.Pool.satisfy
    monkeypatch.setattr(
        secondary.Pool,
        "satisfy",
        lambda self, *a, **k: (searched.append(1), search(self, *a, **k))[1],
    )
    one_by_one = hidden(1_000)
    times = len(searched)
    at_once = hidden(-1)
    assert len(searched) - times < times
    assert at_once.keys() == one_by_one.keys()
    assert len(at_once) >= 12
    for seed, found in at_once.items():
        assert jointly_bad(found.problem) == set()
        assert found.check(exact=True).passed
        assert found.problem.hidden.sum() <= one_by_one[seed].problem.hidden.sum()


def test_what_a_block_cannot_do_alone_is_refused():
    table = some_table(1).assign(public=False)
    table.loc[(table["code"] == "p0"), ["n", "public"]] = [[2, True], [3, False], [5, True]]
    with pytest.raises(InputError, match="what is public already gives it away"):
        protect(table, dataclasses.replace(SPEC, known="public"), free=False)
