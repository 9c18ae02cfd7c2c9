"""Bad input through the commands: one line and exit code 2, or counted; nothing half-written."""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pandas as pd
import pytest
from persons_cases import UNTIL, ten_persons, write

from evaluation.cli import main
from evaluation.data.persons import cohorts


@dataclass
class Ran:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self):
        return self.stdout + self.stderr


def run(*args):
    """Run the command line as a shell would, without starting Python again."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", ["evaluation", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main()
    return Ran(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def refused(found, *words):
    """Check that a command said in one line what was wrong."""
    assert found.exit_code == 2, found.output
    lines = [line for line in found.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, found.stderr
    for word in words:
        assert word in lines[0]
    assert "Traceback" not in found.output


def text(frame):
    out = frame.copy()
    for name in ("received", "moved", "programme_end", "assisted_from"):
        out[name] = out[name].dt.strftime("%Y-%m-%d")
    return out


COUNTED = [
    ("moved", "2014-02-01", "move_before_reception", 3),
    ("residence_code", "0180", "two_kommuner", 1),
    ("programme_end", "2018-12-15", "status_too_early", 1),
    ("assisted_kronor", -1.0, "assistance", 2),
    ("sex", "X", "unknown_sex", 2),
    ("received_code", "9999", "unknown_code", 2),
    ("received_code", "114", "unknown_code", 2),
    ("education", "doktor", "unknown_education", 2),
    ("moved", "2031-01-01", "after_data_end", 3),
]


@pytest.mark.parametrize(("column", "value", "reason", "person"), COUNTED)
def test_a_row_that_cannot_be_right_is_counted_and_a_file_of_them_refused(
    tmp_path, column, value, reason, person
):
    frame = text(ten_persons()).assign(education="short")
    frame.loc[frame["person"] == person, column] = value
    path = write(frame, tmp_path / "persons.csv")
    found = run("cohorts", path, "--until", UNTIL, "--max-dropped", "0.2", "--json")
    assert found.exit_code == 0, found.output
    dropped = json.loads(found.stdout)["dropped"]
    assert {k: v for k, v in dropped.items() if v} == {reason: 1}
    out = tmp_path / "out"
    refused(run("cohorts", path, "--until", UNTIL, "--out", out), "1 of 10 rows", "--max-dropped")
    assert not out.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["persons.csv"]


def test_an_amount_beyond_every_range_is_one_line_without_the_value(tmp_path):
    frame = ten_persons()
    frame.loc[frame["person"] == 2, "assisted_kronor"] = 1.25e203
    path = write(frame, tmp_path / "persons.parquet")
    found = run("cohorts", path, "--until", UNTIL, "--out", tmp_path / "out")
    refused(found, "cannot be counted", "out of every range")
    assert "125" not in found.output
    assert not (tmp_path / "out").exists()


def test_no_hash_or_size_of_the_person_file_leaves(tmp_path):
    frame = pd.concat([ten_persons()] * 30, ignore_index=True)
    path = write(text(frame.assign(person=range(300))), tmp_path / "persons.csv")
    found = run("cohorts", path, "--until", UNTIL, "--out", tmp_path / "out", "--json")
    assert found.exit_code == 0, found.output
    for shown in (found.stdout, (tmp_path / "out" / "quality.json").read_text(encoding="utf-8")):
        assert json.loads(shown)["provenance"]["files"] == ["persons.csv"]
        assert "sha256" not in shown
        assert "bytes" not in shown


def test_cohorts_of_one_are_counted_and_their_number_does_not_leave(tmp_path):
    path = write(ten_persons(), tmp_path / "persons.parquet")
    assert cohorts(path, until=UNTIL).quality.cohorts_of_one > 0
    assert "cohorts_of_one" not in run("cohorts", path, "--until", UNTIL, "--json").stdout


@pytest.mark.parametrize("memory", ["much", "500", "-1MB", ""])
def test_memory_that_is_none(tmp_path, memory):
    path = write(ten_persons(), tmp_path / "persons.parquet")
    refused(run("cohorts", path, "--memory", memory), "field --memory")


@pytest.mark.parametrize("until", ["2025-13", "2025", "soon"])
def test_last_months_that_are_none(tmp_path, until):
    path = write(ten_persons(), tmp_path / "persons.parquet")
    refused(run("cohorts", path, "--until", until), f"'{until}' is not a month such as 2025-12")
    call = ("retention", "--data", path, "--pseudonymised")
    refused(run(*call, "--until", until), f"'{until}' is not a month such as 2025-12")


@pytest.mark.parametrize("command", ["cohorts", "retention"])
def test_empty_files(tmp_path, command):
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    header = tmp_path / "header.csv"
    header.write_text("person,received_code,received,sex\n")
    for path in (empty, header):
        args = [path] if command == "cohorts" else ["--data", path]
        refused(run(command, *args, "--out", tmp_path / "out"), path.name)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["cohorts", "retention", "gender", "costs"])
def test_wrong_encodings(tmp_path, command):
    path = tmp_path / ("file.yaml" if command == "costs" else "file.csv")
    path.write_bytes(
        "person,received_code,received,sex,ort\n1,0114,2014-01-01,K,Västerås\n".encode("cp1252")
    )
    option = {"retention": ["--data"], "gender": ["--cells"]}.get(command, [])
    refused(run(command, *option, path), path.name)


@pytest.mark.parametrize("command", ["cohorts", "retention", "gender"])
def test_columns_that_stand_twice(tmp_path, command):
    path = tmp_path / "twice.csv"
    path.write_text("person,received_code,received,sex,sex\n1,0114,2014-01-01,K,M\n")
    option = {"retention": ["--data"], "gender": ["--cells"]}.get(command, [])
    refused(run(command, *option, path), "sex")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("code,start\n114,2012\n", "0114"),
        ("code,start\n0114,2012\n0114,2013\n", "stands twice"),
        ("code,start\n0114,soon\n", "soon"),
        ("code,begun\n0114,2012\n", "field start"),
        ("code,start\n0114,\n", "no municipality has a start"),
    ],
)
def test_lists_of_who_is_active(tmp_path, rows, words):
    stance = tmp_path / "stance.csv"
    stance.write_text(rows)
    path = write(ten_persons(), tmp_path / "persons.parquet")
    refused(run("cohorts", path, "--adoption", stance), "stance.csv", words)
    refused(run("retention", "--data", path, "--stance", stance), "stance.csv", words)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("X,1,30,10", "'X' is none of"),
        ("K,1,-3,0", ""),
        ("K,1,10,11", ""),
        ("K,1,..,..", ""),
    ],
)
def test_counts_of_women_and_men_that_cannot_be(tmp_path, row, words):
    path = tmp_path / "cells.csv"
    path.write_text(
        "unit,year,sex,category,persons,successes,cohort\n"
        f"0114,2015,M,1,30,10,0\n0114,2015,{row},0\n"
    )
    refused(run("gender", "--cells", path), "cells.csv", words)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("month,measure,n\n1,at_risk,x\n", "no number"),
        ("month,measure,n\n1,at_risk,10\n", "has no rows for"),
        ("month,measure\n1,at_risk\n", "field n"),
        ("month,measure,n\n1,at_risk,10\n1,at_risk,10\n", "stands twice"),
    ],
)
def test_released_life_tables_that_cannot_be_read(tmp_path, rows, words):
    path = tmp_path / "table.csv"
    path.write_text(rows)
    refused(run("retention", "--data", path), "table.csv", words)


def test_education_that_is_not_there(tmp_path):
    path = write(ten_persons(), tmp_path / "persons.parquet")
    found = run("cohorts", path, "--until", UNTIL, "--education", "--out", tmp_path / "out")
    refused(found, "--education")
    assert not (tmp_path / "out").exists()


def test_months_none_of_which_counts(tmp_path):
    path = write(ten_persons(), tmp_path / "persons.parquet")
    months = tmp_path / "months.csv"
    pd.DataFrame([(2, "2016-05", -5)], columns=["person", "month", "kronor"]).to_csv(
        months, index=False
    )
    refused(
        run("cohorts", path, "--until", UNTIL, "--assistance", months), "months.csv", "negative"
    )
