"""What all the tables of counted person records give away together: no small cell."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from persons_cases import write
from scipy.optimize import LinearConstraint, milp

from evaluation.data.disclosure import (
    Dominance,
    Flow,
    KnownSum,
    Rules,
    Spec,
    cleared,
    protect,
    release,
    round_table,
)
from evaluation.data.persons import KINDS, cohorts, releases
from evaluation.errors import InputError

WHOLE = "received three years before"
UNTIL = "2015-12"


def came(received, left):
    """Return the rows of one municipality's file from persons by year and sex."""
    rows = []
    for (year, sex), n in received.items():
        for i in range(n):
            gone = i < left.get((year, sex), 0)
            date = pd.Timestamp(year, 11, 1)
            rows.append(
                {
                    "person": len(rows) + 1,
                    "received_code": "2321",
                    "received": date,
                    "sex": sex,
                    "moved": date + pd.DateOffset(months=14) if gone else pd.NaT,
                    "move": "elsewhere" if gone else None,
                }
            )
    return pd.DataFrame(rows).astype({"move": "str", "received": "datetime64[us]"})


ONE_WOMAN = came(
    {(2010, "K"): 20, (2010, "M"): 22, (2011, "K"): 1, (2011, "M"): 15, (2012, "K"): 18,
     (2012, "M"): 25, (2013, "K"): 14, (2013, "M"): 16},
    {(2010, "K"): 6, (2010, "M"): 7, (2011, "M"): 6, (2012, "K"): 6, (2012, "M"): 8},
)  # fmt: skip
"""In 2011 one woman came, and stays."""


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    return cohorts(write(ONE_WOMAN, tmp_path_factory.mktemp("p") / "p.parquet"), until=UNTIL)


@pytest.fixture(scope="module")
def released(counted):
    return releases(counted)


class Stranger:
    """Has the released tables and the number of rows that count; knows what the tables are of."""

    def __init__(self, released, kept):
        self.at, self.rows = {}, []
        for name, table in released.items():
            cells = table.tidy()
            value = next(c for c in ("n", "received") if c in cells)
            by = list(cells.columns[: cells.columns.get_loc(value)])
            for row in cells.to_dict("records"):
                cell = (name, *(str(row[b]) for b in by))
                self.at[cell] = len(self.at)
                if not row["suppressed"]:
                    self.say({cell: 1.0}, float(row[value]))
        for cell in list(self.at):
            self.add_up(cell, "K", "M", "T")
            self.add_up(cell, "still there", "left", WHOLE)
        by_sex = {s: [c for c in self.at if c[0] != "life_table" and s in c] for s in "KMT"}
        everyone = {
            s: [c for c in cells if c[0] == "received" or WHOLE in c] for s, cells in by_sex.items()
        }
        self.say(dict.fromkeys(everyone["T"], 1.0), kept)
        if "life_table" in released:
            self.know_life(by_sex, everyone)

    def say(self, terms, side=0.0):
        self.rows.append((terms, side))

    def add_up(self, cell, *parts):
        if parts[0] in cell:
            names = [tuple(p if c == parts[0] else c for c in cell) for p in parts]
            if all(n in self.at for n in names):
                self.say(dict.fromkeys(names[:-1], 1.0) | {names[-1]: -1.0})

    def know_life(self, by_sex, everyone):
        sexes = [s for s in "KMT" if ("life_table", s, "1", "at_risk") in self.at]
        last = max(int(c[2]) for c in self.at if c[0] == "life_table")
        for s in sexes:
            for m in range(1, last):
                here = {("life_table", s, str(m), k): -1.0 for k in (*KINDS, "censored")}
                here |= {("life_table", s, str(m), "at_risk"): 1.0}
                self.say(here | {("life_table", s, str(m + 1), "at_risk"): -1.0})
            # nobody came in the last month
            first = {("life_table", s, "1", "at_risk"): -1.0}
            self.say(dict.fromkeys(everyone[s], 1.0) | first)
            stayed = [c for c in by_sex[s] if "still there" in c]
            after = {("life_table", s, "37", "at_risk"): -1.0}
            after |= {("life_table", s, "36", "censored"): -1.0}
            self.say(dict.fromkeys(stayed, 1.0) | after)

    def range_of(self, cell):
        matrix = np.zeros((len(self.rows), len(self.at)))
        for i, (terms, _) in enumerate(self.rows):
            for name, weight in terms.items():
                matrix[i, self.at[name]] += weight
        sides = [side for _, side in self.rows]
        cost = np.zeros(len(self.at))
        cost[self.at[cell]] = 1.0
        ends = []
        for sign in (1, -1):
            found = milp(
                sign * cost,
                constraints=LinearConstraint(matrix, sides, sides),
                integrality=np.ones(len(self.at)),
            )
            ends.append(sign * found.fun if found.status == 0 else np.inf)
        return ends

    def hidden(self, released, name):
        cells = released[name].tidy()
        gone = cells[cells["suppressed"].astype(bool)]
        return [(name, *map(str, r)) for r in gone.iloc[:, :4].itertuples(index=False, name=None)]


def test_the_life_table_and_the_number_of_rows_give_no_municipality_away(counted, released):
    assert "life_table" in released
    stranger = Stranger(released, counted.quality.kept)
    woman = ("retention", "2321", "2014", "K", WHOLE)
    hidden = stranger.hidden(released, "retention")
    assert woman in hidden
    low, high = stranger.range_of(woman)
    assert low <= 1
    assert high >= 5
    for cell in hidden:
        low, high = stranger.range_of(cell)
        assert high - low >= 4, (cell, low, high)


def test_without_the_known_sums_the_woman_would_be_found(counted, released):
    panel = counted.panel.table
    old = panel[panel["retention_base"].notna()]
    wide = old.assign(left=old["retention_base"] - old["retained"])[
        ["code", "year", "sex", "retention_base", "retained", "left"]
    ].set_axis(["code", "year", "sex", WHOLE, "still there", "left"], axis=1)
    cells = wide.melt(["code", "year", "sex"], var_name="group", value_name="n")
    alone = release(
        cells,
        Spec(
            by=("code", "year", "sex", "group"),
            sums={"sex": {"T": ["K", "M"]}, "group": {WHOLE: ["still there", "left"]}},
            shares=("group",),
        ),
    )
    stranger = Stranger({**released, "retention": alone}, counted.quality.kept)
    assert stranger.range_of(("retention", "2321", "2014", "K", WHOLE)) == [1, 1]


def test_few_of_one_sex_leave_no_life_table_by_sex(tmp_path):
    received = {(2010, "K"): 2, (2010, "M"): 22, (2011, "K"): 1, (2011, "M"): 15}
    late = {(2013, "K"): 14, (2013, "M"): 16}
    frame = came(received | late, {(2010, "M"): 7, (2011, "M"): 6})
    counted = cohorts(write(frame, tmp_path / "p.parquet"), until=UNTIL)
    released = releases(counted)
    assert set(released["life_table"].tidy()["sex"]) == {"T"}
    stranger = Stranger(released, counted.quality.kept)
    for cell in stranger.hidden(released, "retention"):
        low, high = stranger.range_of(cell)
        assert high - low >= 4, (cell, low, high)


def test_how_many_cohorts_have_one_person_does_not_leave(counted):
    assert counted.quality.cohorts_of_one == 1
    assert "cohorts_of_one" not in counted.quality.to_dict()
    assert "cohorts_of_one" not in repr(counted)


# the sum that is public elsewhere

CELLS = pd.DataFrame(
    {"code": list("AAABBB"), "sex": list("KMTKMT"), "n": [2, 30, 32, 40, 50, 90], "all": True}
)
BY_SEX = {"sex": {"T": ["K", "M"]}}


def hidden_of(spec):
    table = protect(CELLS, spec).tidy()
    return table.loc[table["suppressed"], "code"].tolist()


def test_a_known_sum_takes_partners_from_another_municipality():
    alone = Spec(by=("code", "sex"), sums=BY_SEX)
    assert hidden_of(alone) == ["A", "A"]
    beside = dataclasses.replace(alone, known_sums=(KnownSum("all", ("sex",)),))
    assert hidden_of(beside) == ["A", "A", "B", "B"]
    found = protect(CELLS, beside)
    ranges = found.attack(exact=True)
    assert (ranges.low[0], ranges.high[0]) == (0, 32)
    # what is printed beside the table rests on the table alone
    assert found.tidy()["high"].tolist() == [32, 32, 32, 90, 90, 90]


def test_a_sum_of_marked_rows_only():
    spec = Spec(by=("code", "sex"), sums=BY_SEX, known_sums=(KnownSum("all"),))
    some = CELLS.assign(all=CELLS["sex"] == "K")
    found = protect(some, spec)
    assert found.tidy().loc[[0, 3], "suppressed"].all()
    ranges = found.attack(exact=True)
    assert (ranges.low[0], ranges.high[0]) == (0, 32)


def test_a_known_sum_that_gives_a_cell_away_is_refused():
    spec = Spec(by=("code", "sex"), sums=BY_SEX, known_sums=(KnownSum("all", ("code", "sex")),))
    with pytest.raises(InputError, match="what is public already gives it away"):
        release(CELLS, spec)


def test_known_sums_that_cannot_be():
    known = (KnownSum("all"),)
    with pytest.raises(InputError, match="amounts have no known sums"):
        Spec(by=("code",), dominance=Dominance(), known_sums=known)
    with pytest.raises(InputError, match="'year' is not among the dimensions"):
        Spec(by=("code",), known_sums=(KnownSum("all", ("year",)),))
    spec = Spec(by=("code", "sex"), sums=BY_SEX, known_sums=known)
    with pytest.raises(InputError, match="the table has no column 'all'"):
        protect(CELLS.drop(columns="all"), spec)
    with pytest.raises(InputError, match="must be true or false"):
        protect(CELLS.assign(all=2), spec)
    with pytest.raises(InputError, match="are not rounded"):
        round_table(CELLS, spec)


def test_a_known_sum_within_a_flow():
    months = pd.DataFrame(
        [("A", 1, "at_risk", 30), ("A", 1, "events", 2), ("A", 2, "at_risk", 28),
         ("A", 2, "events", 6), ("B", 1, "at_risk", 30), ("B", 1, "events", 8),
         ("B", 2, "at_risk", 22), ("B", 2, "events", 6)],
        columns=["group", "month", "measure", "n"],
    )  # fmt: skip
    spec = Spec(
        by=("group", "month", "measure"),
        flow=Flow("month", "measure", leaving=("events",)),
        rules=Rules(),
    )
    known = months.assign(whole=(months["month"] == 1) & (months["measure"] == "events"))
    beside = dataclasses.replace(spec, known_sums=(KnownSum("whole"),))
    assert protect(known, spec).tidy()["suppressed"].sum() == 2
    found = protect(known, beside).tidy()
    assert found["suppressed"].sum() == 4
    assert found.loc[found["suppressed"], "group"].tolist() == ["A", "A", "B", "B"]


# what was released stays as it was


def test_a_released_table_that_was_changed_may_not_be_written():
    out = release(CELLS, Spec(by=("code", "sex"), sums=BY_SEX))
    assert len(cleared(out)) == 6
    out.table.loc[:, "n"] = CELLS["n"].to_numpy()
    with pytest.raises(InputError, match="has been changed since it was released"):
        cleared(out)
    with pytest.raises(InputError, match="has been changed since it was released"):
        out.tidy()
