"""The last known month against the latest date of any row."""

import json

import pandas as pd
import pytest
from persons_cases import ten_persons, write
from test_persons_bad_input import run
from test_persons_second_files import months, own_moves

from evaluation.data.persons import cohorts
from evaluation.data.persons.data_end import ends_early, last_known
from evaluation.data.persons.engine import open_engine
from evaluation.data.persons.footers import column_bounds
from evaluation.data.persons.typed import typed_records
from evaluation.errors import InputError

LATEST = "2018-12"
"""The month in which one of the ten came and the programme of another ended."""


def number(month):
    return 12 * int(month[:4]) + int(month[5:]) - 1


def early(frame):
    """Return the ten without whom the dates end in 2018-06, with a move."""
    return frame[~frame["person"].isin([8, 9])]


@pytest.mark.parametrize("ending", ["parquet", "csv"])
@pytest.mark.parametrize(("until", "said"), [(LATEST, 0), ("2019-03", 0), ("2019-04", 1)])
def test_more_than_three_months_after_the_latest_date_there_is_a_note(
    tmp_path, ending, until, said
):
    path = write(ten_persons(), tmp_path / f"ten.{ending}")
    notes = cohorts(path, until=until).quality.notes
    assert len(notes) == said
    for note in notes:
        assert f"until {until}, " in note
        assert f"is in {LATEST}: " in note


def test_the_note_is_said_written_and_summed_up(tmp_path):
    many = pd.concat([ten_persons()] * 6, ignore_index=True)
    path = write(many.assign(person=many.index), tmp_path / "many.parquet")
    args = ("cohorts", path, "--until", "2020-12")
    found = run(*args, "--out", tmp_path / "out")
    assert found.exit_code == 0
    note = json.loads((tmp_path / "out" / "quality.json").read_text(encoding="utf-8"))["notes"][0]
    assert "until 2020-12, " in note
    assert "give --until 2018-12" in note
    assert found.stderr.splitlines() == [note]
    assert f"{'note':<24}{note}" in found.stdout.splitlines()
    told = run(*args, "--json")
    assert json.loads(told.stdout)["notes"] == [note]
    assert told.stderr.splitlines() == [note]
    assert "notes" not in json.loads(run("cohorts", path, "--json").stdout)


@pytest.mark.parametrize("column", ["moved", "programme_end", "assisted_from"])
def test_any_date_tells_that_the_data_go_on(tmp_path, column):
    frame = early(ten_persons()).reset_index(drop=True)
    path = write(frame, tmp_path / "early.parquet")
    (note,) = cohorts(path, until="2019-06").quality.notes
    assert "in 2018-06: " in note
    # who left in 2018-06, and who had been assisted for 20 months, are the fourth
    at = {"moved": 3, "programme_end": 0, "assisted_from": 1}[column]
    frame.loc[at, column] = pd.Timestamp("2019-04-03")
    if column == "programme_end":
        frame.loc[at, ["status_90_days", "status_1_year"]] = None
    assert not cohorts(write(frame, path), until="2019-06", largest_share=0.2).quality.notes


def test_the_last_month_of_a_spell_of_assistance_counts(tmp_path):
    frame = early(ten_persons()).reset_index(drop=True)
    frame.loc[3, "assisted_months"] = 30  # from 2016-07: to 2018-12
    path = write(frame, tmp_path / "early.parquet")
    assert not cohorts(path, until="2019-03").quality.notes
    (note,) = cohorts(path, until="2019-04").quality.notes
    assert "in 2018-12: " in note


def test_files_of_moves_and_of_assistance_count(tmp_path):
    frame = early(ten_persons()).reset_index(drop=True)
    path = write(frame, tmp_path / "early.parquet")
    moves = write(own_moves(frame), tmp_path / "moves.csv")
    paid = months(frame)
    assistance = write(paid, tmp_path / "months.csv")
    (note,) = cohorts(path, until="2019-06", moves=moves, assistance=assistance).quality.notes
    assert "in 2018-06: " in note
    late = paid.iloc[[-1]].assign(month="2019-02")
    write(pd.concat([paid, late]), assistance)
    assert not cohorts(path, until="2019-05", assistance=assistance).quality.notes
    (note,) = cohorts(path, until="2019-06", assistance=assistance).quality.notes
    assert "in 2019-02: " in note


class NoReading:
    """An engine that must not be asked."""

    def arrow(self, expression):
        raise AssertionError("the rows are read")


def test_rows_are_read_only_where_the_footers_do_not_tell(tmp_path):
    frame = ten_persons()
    wrong = frame.copy()
    wrong.loc[0, "programme_end"] = pd.Timestamp("2198-01-01")
    files = [write(f, tmp_path / n) for f, n in ((frame, "a.parquet"), (wrong, "b.parquet"))]
    with open_engine("duckdb") as engine:
        right, later = (
            typed_records(engine.read([f], "parquet"), bounds=column_bounds([f], "parquet"))
            for f in files
        )
        assert last_known(NoReading(), right, "a") == number(LATEST)
        assert "in 2018-12" in ends_early(NoReading(), right, number("2019-12"), None)
        # a date that has not been: the rows say which is the latest that has
        with pytest.raises(AssertionError, match="the rows are read"):
            last_known(NoReading(), later, "b")
        assert last_known(engine, later, "b") == number(LATEST)
        # one column's footer is enough where it reaches far enough, and assistance is
        assert ends_early(NoReading(), later, number("2019-03"), None) is None
        assert ends_early(NoReading(), later, number("2019-06"), number("2019-03")) is None


def test_a_last_month_in_the_future_is_refused_by_the_function_too(tmp_path):
    path = write(ten_persons(), tmp_path / "ten.parquet")
    with pytest.raises(InputError, match="2199-12 has not been yet"):
        cohorts(path, until="2199-12")
    this_month = pd.Timestamp.today().strftime("%Y-%m")
    assert cohorts(path, until=this_month).provenance["until"] == this_month
