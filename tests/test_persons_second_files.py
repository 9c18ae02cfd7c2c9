"""Files of moves and of assistance by the month beside the persons; both by hand."""

import json
import shutil
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from persons_cases import UNTIL, rows, ten_persons, write

from evaluation.data.persons import cohorts
from evaluation.errors import InputError

HAS_SPARK = bool(find_spec("pyspark")) and bool(shutil.which("java"))


def months(frame):
    """Return the persons' own spells as a file with one row a month."""
    out = []
    for p in frame[frame["assisted_from"].notna()].to_dict("records"):
        for k in range(int(p["assisted_months"])):
            day = p["assisted_from"] + pd.DateOffset(months=k)
            out.append((p["person"], day.strftime("%Y-%m"), p["assisted_kronor"]))
    return pd.DataFrame(out, columns=["person", "month", "kronor"])


def own_moves(frame):
    """Return the persons' own first moves as a file of moves."""
    gone = frame[frame["moved"].notna()]
    return pd.DataFrame(
        {
            "person": gone["person"],
            "date": gone["moved"].dt.strftime("%Y-%m-%d"),
            "from_code": gone["received_code"],
            "to_code": gone["destination_code"],
            "move": gone["move"],
        }
    )


@pytest.fixture
def ten(tmp_path):
    return write(ten_persons(), tmp_path / "ten.parquet")


def test_months_say_what_the_spells_say(ten, tmp_path):
    path = write(months(ten_persons()), tmp_path / "months.csv")
    spells = cohorts(ten, until=UNTIL)
    monthly = cohorts(ten, until=UNTIL, assistance=path)
    same = ["code", "year", "sex", "persons", "months", "kronor"]
    wanted = spells.costs.table[same]
    wanted = wanted[wanted["persons"] > 0].reset_index(drop=True)
    found = monthly.costs.table[same]
    found = found[found["persons"] > 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, wanted)
    n = len(months(ten_persons()))
    assert monthly.quality.beside["assistance"]["kept"] == n > 20
    # and the largest is a person's own, where the spells know a bound only
    most = monthly.costs.table.set_index(["code", "year", "sex"])
    assert most.loc[("2321", 2016, "T"), "largest_kronor"] == 12_000  # six months at 2,000
    assert monthly.panel.table.equals(spells.panel.table)


def test_months_that_cannot_be_right_are_counted_by_reason(ten, tmp_path):
    bad = pd.DataFrame(
        [
            (2, "2016-05", "1000"),  # kept
            (2, "2016-06", "-1"),
            (2, "2019-01", "1000"),
            (77, "2016-05", "1000"),
            (2, "2013-05", "1000"),
            (2, "2016-08", "1000"),
            (2, "2016-08", "1000"),
            (2, "2016-13", "1000"),
            (None, "2016-05", "1000"),
            (2, "2016-09", "0"),  # kept, and no month of assistance
        ],
        columns=["person", "month", "kronor"],
    )
    bad["person"] = bad["person"].astype("Int64")
    found = cohorts(ten, until=UNTIL, assistance=write(bad, tmp_path / "bad.csv"))
    counted = found.quality.beside["assistance"]
    assert counted["rows"] == 10 == counted["kept"] + sum(counted["dropped"].values())
    assert counted["dropped"] == {
        "missing": 1, "unreadable": 1, "negative": 1, "after_data_end": 1, "unknown_person": 1,
        "person_left_out": 0, "before_reception": 1, "double_month": 2,
    }  # fmt: skip
    [year] = [r for r in rows(found.costs.table, code="2321", sex="T") if r["months"]]
    assert (year["year"], year["persons"], year["months"], year["kronor"]) == (2016, 1, 1, 1000)


def test_assistance_of_persons_left_out_is_left_out(tmp_path):
    frame = ten_persons()
    frame.loc[frame["person"] == 2, "sex"] = "X"
    path = write(frame, tmp_path / "ten.parquet")
    beside = write(months(ten_persons()), tmp_path / "months.csv")
    counted = cohorts(path, until=UNTIL, assistance=beside, largest_share=0.2).quality.beside
    assert counted["assistance"]["dropped"]["person_left_out"] == 12


def test_moves_say_what_the_persons_say(ten, tmp_path):
    path = write(own_moves(ten_persons()), tmp_path / "moves.csv")
    moved = cohorts(ten, until=UNTIL, moves=path)
    plain = cohorts(ten, until=UNTIL)
    pd.testing.assert_frame_equal(moved.life_tables.table, plain.life_tables.table)
    pd.testing.assert_frame_equal(moved.panel.table, plain.panel.table)
    assert moved.quality.beside["moves"]["kept"] == 6


def test_the_first_of_several_moves_ends_staying(ten, tmp_path):
    more = pd.DataFrame(
        [
            (3, "2017-05-01", "2303", "2321"),  # comes back, two years after leaving
            (4, "2018-11-01", "1480", "0180"),
        ],
        columns=["person", "date", "from_code", "to_code"],
    )
    # in any order
    both = pd.concat([more, own_moves(ten_persons())], ignore_index=True)
    found = cohorts(ten, until=UNTIL, moves=write(both, tmp_path / "moves.csv"))
    assert found.quality.beside["moves"]["kept"] == 8
    plain = cohorts(ten, until=UNTIL)
    pd.testing.assert_frame_equal(found.life_tables.table, plain.life_tables.table)


MOVE_FAULTS = [
    ("2013-05-01", "2321", "2303", "move_before_reception"),
    ("2016-05-01", "0114", "2303", "two_kommuner"),
    ("2016-05-01", "2321", "9999", "unknown_code"),
    ("2019-05-01", "2321", "2303", "after_data_end"),
    ("2016-05-01", "2321", "2321", "same_municipality"),
    ("2016-02-31", "2321", "2303", "unreadable"),
    (None, "2321", "2303", "missing"),
]


@pytest.mark.parametrize(("date", "start", "end", "reason"), MOVE_FAULTS)
def test_a_move_that_cannot_be_right_leaves_its_person_out(ten, tmp_path, date, start, end, reason):
    one = pd.DataFrame([(2, date, start, end)], columns=["person", "date", "from_code", "to_code"])
    both = pd.concat([one, own_moves(ten_persons())], ignore_index=True)
    path = write(both, tmp_path / "moves.csv")
    found = cohorts(ten, until=UNTIL, moves=path, largest_share=0.1).quality
    counted = found.beside["moves"]
    assert {k: v for k, v in counted["dropped"].items() if v} == {reason: 1}
    assert {k: v for k, v in found.dropped.items() if v} == {"moves": 1}


def test_broken_chains_and_two_moves_a_day(ten, tmp_path):
    chain = pd.DataFrame(
        [
            (2, "2016-05-01", "2321", "2303"),
            (2, "2017-05-01", "0180", "2321"),  # from where the person was not
            (1, "2016-05-01", "2321", "2303"),
            (1, "2016-05-01", "2321", "0180"),
            (99, "2016-05-01", "2321", "0180"),
        ],
        columns=["person", "date", "from_code", "to_code"],
    )
    path = write(chain, tmp_path / "moves.csv")
    with pytest.raises(InputError, match="rows cannot be counted"):
        cohorts(ten, until=UNTIL, moves=path, largest_share=0.1)
    # 3, whose residence says that it moved, has no move in the file
    found = cohorts(ten, until=UNTIL, moves=path, largest_share=0.5).quality
    dropped = found.beside["moves"]["dropped"]
    assert (dropped["two_kommuner"], dropped["double_day"], dropped["unknown_person"]) == (1, 2, 1)
    assert found.dropped["moves"] == 2


def test_what_the_file_stands_in_for_is_not_judged(tmp_path):
    frame = ten_persons()
    frame.loc[frame["person"] == 2, "assisted_kronor"] = -5.0
    path = write(frame, tmp_path / "ten.parquet")
    beside = write(months(ten_persons()), tmp_path / "months.csv")
    assert cohorts(path, until=UNTIL, assistance=beside).quality.kept == 10


@pytest.mark.parametrize(("option", "column"), [("moves", "from_code"), ("assistance", "kronor")])
def test_a_file_that_lacks_a_column_is_refused(ten, tmp_path, option, column):
    made = own_moves(ten_persons()) if option == "moves" else months(ten_persons())
    path = write(made.drop(columns=column), tmp_path / "beside.csv")
    with pytest.raises(InputError, match=f"field {column}: the column is missing"):
        cohorts(ten, until=UNTIL, **{option: path})


def test_identity_numbers_in_a_second_file_are_refused(ten, tmp_path):
    path = write(months(ten_persons()).assign(person="19121212-1212"), tmp_path / "months.csv")
    with pytest.raises(InputError, match="personal identity numbers"):
        cohorts(ten, until=UNTIL, assistance=path)


@pytest.mark.skipif(not HAS_SPARK, reason="needs pyspark and Java")
def test_spark_counts_the_second_files_alike(ten, tmp_path):
    moves = own_moves(ten_persons())
    moves.loc[moves.index[0], "from_code"] = "0180"
    beside = months(ten_persons())
    beside.loc[0, "kronor"] = -1
    given = {
        "moves": write(moves, tmp_path / "moves.csv"),
        "assistance": write(beside, tmp_path / "months.csv"),
        "until": UNTIL,
        "largest_share": 0.5,
    }
    duck, spark = (cohorts(ten, engine=e, **given) for e in ("duckdb", "spark"))
    assert duck.quality == spark.quality
    assert json.dumps(duck.quality.beside)
    for name in ("panel", "life_tables", "costs"):
        pd.testing.assert_frame_equal(getattr(duck, name).table, getattr(spark, name).table)
    assert np.isfinite(duck.costs.table["kronor"].to_numpy(float)).all()
