"""What the command gives away about persons: nothing that disclosure control hides."""

import ast
import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog
from test_retention import run

import evaluation
from evaluation import SimulatedData, simulate
from evaluation.data.disclosure import Rules
from evaluation.errors import InputError
from evaluation.estimation.survival.curves import (
    cumulative_incidence,
    kaplan_meier,
    restricted_mean,
)
from evaluation.estimation.survival.discrete_hazard import discrete_hazard
from evaluation.estimation.survival.life_table import KINDS, life_table
from evaluation.estimation.survival.persons import life_table_from_persons
from evaluation.estimation.survival.released import (
    ReleasedLifeTable,
    coarse_cells,
    release_life_table,
    step_of,
)
from evaluation.questions.retention.answer import retention
from evaluation.questions.retention.reading import read_retention

SMALL = "2321"
COLUMNS = ["received_code", "received", "moved", "move", "sex", "data"]


@pytest.fixture(scope="module")
def persons():
    twin = simulate(SimulatedData(seed=3, years=(2008, 2018), adoption=(2011, 2013)))
    return twin.persons[COLUMNS]


@pytest.fixture(scope="module")
def one_kommun(persons, tmp_path_factory):
    path = tmp_path_factory.mktemp("persons") / "persons.parquet"
    persons[persons["received_code"] == SMALL].to_parquet(path)
    return path


def table_of(persons, *keys):
    return life_table_from_persons(persons, until="2018-12", by=keys)


def flow(rows):
    """Return a life table of one group from (at risk, moved, censored, entered) by month."""
    frame = pd.DataFrame(rows, columns=["at_risk", "moved", "censored", "entered"])
    return life_table(frame.assign(month=range(1, len(rows) + 1)), kinds=["moved"])


# the released table


def test_months_give_the_curves_of_the_life_table_itself(persons):
    table = table_of(persons, "municipality", "cohort")
    life = release_life_table(table, width=1)
    for mine, theirs in (
        (life.staying(), kaplan_meier(table.collapse(until=36))),
        (life.leaving(), cumulative_incidence(table.collapse(until=36))),
        (life.mean(), restricted_mean(table, 36)),
    ):
        numbers = ["estimate", "std_error", "conf_low", "conf_high"]
        np.testing.assert_allclose(mine.table[numbers], theirs.table[numbers], rtol=1e-12)


def test_steps_by_hand():
    # 100 come, 10 leave in each month; 12 are lost in the second and 40 in the last
    life = release_life_table(
        flow([(100, 10, 0, 100), (90, 10, 12, 0), (68, 10, 0, 0), (58, 10, 48, 0)]),
        horizon=4,
        width=2,
        rules=Rules(k=2),
    )
    # those lost in a step of two months were seen for three quarters of it
    first, second = 20 / (100 - 12 / 4), 20 / (68 - 48 / 4)
    s = np.cumprod([1 - first, 1 - second])
    np.testing.assert_allclose(life.staying().table["estimate"], s)
    assert life.staying().table["month"].tolist() == [2, 4]
    mean = 2 * s.sum() + 1.5 * (1 - s[0]) + 1.5 * (s[0] - s[1])
    assert life.mean().table["estimate"][0] == pytest.approx(mean)
    assert life.left_after() == [0]


def test_coarser_steps_come_near_the_months(persons):
    table = table_of(persons, "municipality", "cohort", "sex")
    fine = kaplan_meier(table.collapse(("sex",), until=36), ["sex"]).at(36)["estimate"]
    for width, near in ((3, 2e-4), (12, 1.2e-3)):
        coarse = release_life_table(table, ["sex"], width=width).staying().at(36)["estimate"]
        assert np.abs(coarse - fine).max() < near


def test_the_finest_step_without_small_counts_is_taken():
    months = [(200 - 3 * m, 3, 0, 200 if m == 0 else 0) for m in range(11)]
    table = flow([*months, (167, 3, 164, 0)])
    assert step_of(table, (), 12, Rules(k=3)) == 1
    assert step_of(table, (), 12, Rules()) == 3
    assert step_of(table, (), 12, Rules(k=10)) == 6
    assert step_of(table, (), 12, Rules(k=100)) == 12


def test_a_small_group_is_hidden_and_named():
    big = pd.DataFrame({"sex": "K", "month": [1, 2], "at_risk": [300, 200], "moved": [100, 80],
                        "censored": [0, 120], "entered": [300, 0]})  # fmt: skip
    small = pd.DataFrame({"sex": "M", "month": [1, 2], "at_risk": [3, 2], "moved": [1, 1],
                          "censored": [0, 1], "entered": [3, 0]})  # fmt: skip
    table = life_table(pd.concat([big, small]), kinds=["moved"])
    life = release_life_table(table, ["sex"], horizon=2)
    assert not life.whole
    assert "M" not in set(life.staying().table["group"])
    assert life.total("entered") is None
    assert len(life.mean().table) == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"width": 5}, "steps of 5 months do not divide 36 months"),
        ({"by": ("sex",), "label": "all"}, "a group is called 'all', which is the total"),
        ({"by": ("age",)}, "field age: is no key"),
    ],
)
def test_steps_and_groups_that_cannot_be_are_refused(persons, change, says):
    some = persons[persons["received_code"] == SMALL]
    if "label" in change:
        some = some.assign(sex=change["label"])
    table = table_of(some, "sex")
    with pytest.raises(InputError, match=says):
        coarse_cells(table, change.get("by", ()), 36, change.get("width", 3), Rules())


def test_curves_are_of_what_was_released():
    with pytest.raises(InputError, match="may not be written; release it"):
        ReleasedLifeTable(pd.DataFrame({"n": [1]}), (), ("all",), ("moved",), 1, 1)


# the answer


def test_nothing_rests_on_hidden_numbers(one_kommun):
    found = retention(read_retention(one_kommun), by=["sex"])
    assert 0 < found.life.released.n_suppressed < found.life.released.n_cells
    assert not found.models
    for test in found.tests:
        assert found.life.total(test.kind or "left") is not None
        assert sum(test.observed) == found.life.total(test.kind or "left")
    hidden = [k for k in KINDS if found.life.total(k) is None]
    assert hidden
    for kind in hidden:
        assert any(n.startswith(f"no test of {kind}:") for n in found.notes)


def test_models_are_shown_without_what_tells_counts(persons, tmp_path):
    persons.to_parquet(tmp_path / "persons.parquet")
    found = retention(read_retention(tmp_path / "persons.parquet"), by=["sex"])
    assert len(found.models) == 2
    for model in found.models:
        assert model.naive_std_error == ()
        assert model.n_obs is model.log_likelihood is None
        assert model.n_events == found.life.total("left")
        assert "naive" not in json.dumps(found.to_dict())
    fine = table_of(persons, "municipality", "cohort", "sex")
    # the hash that the counts would have as anybody's own file
    own = life_table(fine.tidy(), kinds=fine.kinds)
    assert own.hash not in json.dumps(found.to_dict())
    full = discrete_hazard(fine, "sex", effects="cohort", until=36).coefficients[0]
    shown = found.models[0].coefficients[0]
    assert (shown.estimate, shown.p_value) == (round(full.estimate, 2), round(full.p_value, 3))
    assert shown.conf_int == tuple(round(b, 2) for b in full.conf_int)
    assert shown.std_error == float(f"{full.std_error:.2g}")
    assert found.models[0].tidy()["hazard_ratio"][0] == np.exp(shown.estimate)


def test_too_few_received_by_the_active_give_no_effect(persons, tmp_path):
    active = persons["received_code"] == SMALL
    early = active & (persons["received"] < "2012")
    few = pd.concat([persons[~active], persons[early], persons[active & ~early].head(9)])
    few.to_parquet(tmp_path / "persons.parquet")
    (tmp_path / "stance.csv").write_text(f"code,start\n{SMALL},2012\n", "utf-8")
    data = read_retention(tmp_path / "persons.parquet", stance=tmp_path / "stance.csv")
    found = retention(data)
    assert found.effect is None
    # the finding is then the shares, and says nothing of the few
    assert list(found.finding.estimates) == ["all"]
    assert "no effect: the active municipalities received fewer than 10" in " ".join(found.notes)


# the attack


class Attacker:
    """Knows the files, the sums of a life table and the formulas of the curves; no counts."""

    def __init__(self, folder):
        self.life = pd.read_csv(folder / "life_table.csv", dtype={"group": str})
        self.results = json.loads((folder / "results.json").read_text("utf-8"))
        self.width = self.results["life_table"]["months_per_step"]
        self.steps = int(self.life["step"].max())
        self.groups = [g for g in self.life["group"].unique() if g != "all"]
        cells = list(zip(self.life["group"], self.life["step"], self.life["measure"], strict=True))
        cells += [(g, self.steps + 1, "before") for g in (*self.groups, "all")]
        self.at = {c: i for i, c in enumerate(cells)}
        self.rows, self.sides = [], []
        for cell, n in zip(cells, self.life["n"], strict=False):
            if n != "..":
                self.say({cell: 1.0}, float(n))
        self.know_sums()
        self.know_curves(folder)

    def say(self, terms, side=0.0):
        row = np.zeros(len(self.at))
        for cell, weight in terms.items():
            row[self.at[cell]] += weight
        self.rows.append(row)
        self.sides.append(side)

    def know_sums(self):
        for g, p in itertools.product((*self.groups, "all"), range(1, self.steps + 1)):
            self.say({(g, p, k): 1.0 for k in KINDS} | {(g, p, "left"): -1.0})
            self.say({(g, p, "before"): 1, (g, p, "entered"): 1, (g, p, "left"): -1,
                      (g, p, "censored"): -1, (g, p + 1, "before"): -1})  # fmt: skip
        for p, m in itertools.product(range(1, self.steps + 1), self.life["measure"].unique()):
            self.say({(g, p, m): 1.0 for g in self.groups} | {("all", p, m): -1.0})

    def exposed(self, g, p, scale):
        """Return the terms of the actuarial number at risk, times a scale."""
        part = (self.width - 1) / (2 * self.width)
        return {(g, p, "before"): scale, (g, p, "censored"): -scale * part,
                (g, p, "entered"): scale * (1 if p == 1 else 1 - part)}  # fmt: skip

    def know_curves(self, folder):
        staying = pd.read_csv(folder / "staying.csv", dtype={"group": str})
        incidence = pd.read_csv(folder / "incidence.csv", dtype={"group": str})
        before = {}
        for r in staying.itertuples():
            p = r.month // self.width
            s = before.get((r.group, p - 1), 1.0)
            before[r.group, p] = r.estimate
            self.say({(r.group, p, "left"): 1.0} | self.exposed(r.group, p, r.estimate / s - 1))
            self.say({(r.group, p, "before"): 1, (r.group, p, "entered"): 1}, r.at_risk)
            self.say({(r.group, p, "left"): 1}, r.events)
        last = {}
        for r in incidence.itertuples():
            p = r.month // self.width
            s = before.get((r.group, p - 1), 1.0)
            step = (r.estimate - last.get((r.group, r.kind), 0.0)) / s
            last[r.group, r.kind] = r.estimate
            self.say({(r.group, p, r.kind): 1.0} | self.exposed(r.group, p, -step))
            self.say({(r.group, p, r.kind): 1}, r.events)

    def range_of(self, cell):
        ends = []
        matrix, sides = np.array(self.rows), np.array(self.sides)
        for sign in (1, -1):
            cost = np.zeros(len(self.at))
            cost[self.at[cell]] = sign
            # the curves are printed with 16 digits: what they say is true to rounding
            found = linprog(
                cost,
                A_ub=np.vstack([matrix, -matrix]),
                b_ub=np.r_[sides, -sides] + 1e-7,
                bounds=(0, None),
            )
            assert found.status in (0, 3), found.message
            ends.append(sign * found.fun if found.status == 0 else np.inf)
        return ends


@pytest.mark.parametrize("step", [None, 3])
def test_no_hidden_count_can_be_worked_out_from_the_files(one_kommun, tmp_path, capsys, step):
    run(data=one_kommun, by=["sex"], out=tmp_path / "out", step=step)
    said = capsys.readouterr().out
    attacker = Attacker(tmp_path / "out")
    true = coarse_cells(
        read_retention(one_kommun).table, ["sex"], 36, attacker.width, Rules()
    ).table.set_index(["group", "step", "measure"])["n"]
    hidden = attacker.life[attacker.life["n"] == ".."]
    assert f"{len(hidden)} of {len(true)} cells are hidden" in said
    small = 0
    for cell in zip(hidden["group"], hidden["step"], hidden["measure"], strict=True):
        low, high = attacker.range_of(cell)
        assert low - 1e-4 <= true[cell] <= high + 1e-4
        assert high - low >= 4 - 1e-4, (cell, low, high)
        if 1 <= true[cell] < 5:
            small += 1
            assert high >= 5 - 1e-4, (cell, low, high)
    assert small >= 5
    shown = true.drop(hidden.set_index(["group", "step", "measure"]).index)
    assert not ((shown > 0) & (shown < 5)).any()


def test_the_attack_would_find_a_count_that_a_curve_gives_away(one_kommun, tmp_path, capsys):
    run(data=one_kommun, by=["sex"], out=tmp_path / "out")
    capsys.readouterr()
    attacker = Attacker(tmp_path / "out")
    hidden = attacker.life[(attacker.life["n"] == "..") & (attacker.life["group"] == "K")].iloc[0]
    cell = (hidden["group"], hidden["step"], hidden["measure"])
    # the month's own share, as a curve by month would print it
    true = coarse_cells(read_retention(one_kommun).table, ["sex"], 36, attacker.width, Rules())
    n = true.table.set_index(["group", "step", "measure"])["n"]
    at_risk = n[cell[0], cell[1], "before"] + n[cell[0], cell[1], "entered"]
    attacker.say(
        {cell: 1.0, (*cell[:2], "before"): -n[cell] / at_risk,
         (*cell[:2], "entered"): -n[cell] / at_risk}
    )  # fmt: skip
    low, high = attacker.range_of(cell)
    assert high - low < 1e-3


# the house

SOURCE = Path(evaluation.__file__).parent
WRITES = {"to_csv", "to_parquet", "to_json", "to_excel", "write_text", "write_bytes", "write_csv"}


def called(node):
    return getattr(node.func, "attr", None) or getattr(node.func, "id", "")


def unguarded(tree):
    """Return the writing calls of functions that did not clear what they write before."""
    found = []
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            calls = [n for n in ast.walk(function) if isinstance(n, ast.Call)]
            clear = [n.lineno for n in calls if called(n) == "cleared"]
            first = min(clear, default=10**9)
            found += [n.lineno for n in calls if called(n) in WRITES and n.lineno < first]
    return found


def of_persons(tree):
    """Say whether a module reads what is made from person records."""
    names = [
        getattr(n, "module", "") or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)
    ]
    rooms = ("evaluation.questions.retention", "evaluation.estimation.survival")
    return any(n.startswith(rooms) for n in names)


MODULES = {
    p: ast.parse(p.read_text("utf-8")) for d in ("cli", "report") for p in (SOURCE / d).glob("*.py")
}


def test_writers_of_what_is_made_from_persons_take_released_tables():
    concerned = [p for p, tree in MODULES.items() if of_persons(tree)]
    assert {p.name for p in concerned} >= {"retention.py", "retention_files.py"}
    assert [(p.name, unguarded(MODULES[p])) for p in concerned if unguarded(MODULES[p])] == []


def test_what_writes_and_draws_reads_no_life_table_itself():
    for path, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                assert not node.module.startswith("evaluation.estimation.survival"), path


def test_the_rule_finds_a_writer_that_clears_nothing():
    code = "from evaluation.questions.retention.result import Retention\n{}"
    bad = ast.parse(code.format("def f(t):\n    t.to_csv('x')\n    cleared(t)"))
    good = ast.parse(code.format("def f(t):\n    cleared(t).to_csv('x')"))
    assert of_persons(bad)
    assert unguarded(bad) == [3]
    assert unguarded(good) == []
