"""A plan that describes its outcome's file; workbooks and Parquet for every command; import."""

import json

import openpyxl
import pandas as pd
import pytest
from pydantic import ValidationError

from evaluation import embedded_panel, load_plan
from evaluation.data.files import balanced_panel, number_column, read_table
from evaluation.data.reading import read_observations, read_outcome_file
from evaluation.data.store import SnapshotStore, export
from evaluation.errors import InputError
from evaluation.plan import OutcomeFile, plan_from_dict

BASE = {
    "id": "own_share", "file": "own.csv", "label": {"sv": "a", "en": "a"},
    "unit": {"sv": "b", "en": "b"}, "source": "c",
}  # fmt: skip
PRINTED = """Mottagna efter kön;;;;
;2015;;2016;
Kommun;Kvinnor;Män;Kvinnor;Män
Ale;1;2;3;4
Åre;5;..;7;8
Riket;1;1;1;1
"""


def entry(**more):
    return OutcomeFile(**(BASE | more))


@pytest.fixture
def printed(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text(PRINTED, encoding="utf-8")
    return file


# the plan


def test_a_plan_describes_a_printed_file(printed):
    reading = read_outcome_file(entry(sex="K", columns={"name": "Kommun"}), printed)
    panel = reading.panel("own_share", "K")
    assert panel.values.to_dict("index") == {"1440": {2015: 1, 2016: 3}, "2321": {2015: 5, 2016: 7}}
    men = read_outcome_file(entry(sex="M"), printed).panel("own_share")
    assert men.dropped == ("2321",)
    both = read_outcome_file(entry(), printed)
    with pytest.raises(InputError, match="holds K, M; say sex"):
        both.panel("own_share")
    with pytest.raises(InputError, match="holds no T, only K, M"):
        both.panel("own_share", "T")


def test_a_plain_file_is_read_as_it_always_was(tmp_path):
    file = tmp_path / "own.csv"
    long = embedded_panel("foreign_background").long().rename(
        columns={"unit": "code", "time": "year"}
    )  # fmt: skip
    long.loc[3, "value"] = None
    long.to_csv(file, index=False)
    before = balanced_panel(read_table(file), unit="code", time="year", outcome="value")
    after = read_outcome_file(entry(), file).panel("value")
    assert after.hash() == before.hash()
    assert after.dropped == before.dropped != ()


@pytest.mark.parametrize(
    ("content", "row", "field", "says"),
    [
        ("code,year,value\n9999,2015,1\n", 2, "code", "is not the code of one of the 290"),
        ("code,year,value\n0114,2015,ca 1\n", 2, "value", "is not a number"),
        ("code,year,value\n0114,2015,1\n0114,2015,1\n", 3, "code", "stands twice"),
        ("code,year,value\n0114,MMXV,1\n", 2, "year", "whole year"),
    ],
)
def test_a_plain_file_is_held_to_its_columns_strictly(tmp_path, content, row, field, says):
    file = tmp_path / "own.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_outcome_file(entry(), file)
    assert (error.value.row, error.value.field) == (row, field)
    assert says in str(error.value)


def test_a_plain_files_marks_keep_their_states(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text("code,year,value\n0114,2015,..\n0114,2016,\n0114,2017,0\n", encoding="utf-8")
    states = read_outcome_file(entry(), file).frame["state"]
    assert list(states) == ["suppressed", "missing", "observed"]


def test_keys_of_the_layout_do_not_change_the_hash_of_a_plan_without_them():
    assert set(entry().model_dump(mode="json")) == {
        "id", "file", "label", "definite_sv", "unit", "source", "break_year"
    }  # fmt: skip
    told = entry(sheet="a", marks={"c": "missing"})
    assert OutcomeFile(**told.model_dump(mode="json")) == told


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"sex": "F"}, "outcomes\\[1\\].sex: .*'T', 'K' or 'M'"),
        ({"year": 15}, "outcomes\\[1\\].year"),
        ({"header_row": 0}, "outcomes\\[1\\].header_row"),
        ({"decimal": ";"}, "outcomes\\[1\\].decimal"),
        ({"months": "mean"}, "outcomes\\[1\\].months"),
        ({"marks": {"c": "gone"}}, "outcomes\\[1\\].marks.c: .*'suppressed', 'zero' or 'missing'"),
        (
            {"columns": {"kommun": "a"}},
            "outcomes\\[1\\].columns.kommun: unknown key; known here are code, name, year",
        ),
        ({"sheets": "a"}, "unknown key; known here are id, file, .* sheet, header_row"),
    ],
)
def test_a_wrong_key_is_named(more, says):
    with pytest.raises(ValidationError):
        entry(**more)
    with pytest.raises(InputError, match=says):
        plan_from_dict(
            load_plan("settlement").model_dump(mode="json") | {"outcomes": [BASE | more]}
        )


# workbooks and Parquet wherever a CSV is taken


def workbook(file, rows, sheets=1):
    made = openpyxl.Workbook()
    for _ in range(sheets - 1):
        made.create_sheet()
    for sheet in made.worksheets:
        for row in rows:
            sheet.append(row)
    made.save(file)


LONG = [["unit", "year", "y"], ["a", 2015, 0.1], ["a", 2016, 1 / 3], ["b", 2015, None],
        ["b", 2016, 4.5]]  # fmt: skip


@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
def test_a_typed_table_reads_as_the_same_csv_would(tmp_path, kind):
    csv, typed = tmp_path / "a.csv", tmp_path / f"a.{kind}"
    frame = pd.DataFrame(LONG[1:], columns=LONG[0])
    frame.to_csv(csv, index=False)
    if kind == "xlsx":
        workbook(typed, LONG)
    else:
        frame.to_parquet(typed)
    one, other = read_table(csv), read_table(typed)
    pd.testing.assert_frame_equal(one, other)
    numbers = [number_column(t, "y", missing=True) for t in (one, other)]
    pd.testing.assert_series_equal(*numbers)


@pytest.mark.parametrize(
    ("rows", "sheets", "row", "field", "says"),
    [
        ([*LONG, ["c", 2015, "hej"]], 1, 6, "y", "'hej' is not a number"),
        ([*LONG, ["c", 2015, 1, 9]], 1, 6, None, "has 4 fields where the header has 3"),
        ([["unit", "y", "y"], ["a", 1, 2]], 1, 1, "y", "stands twice"),
        (LONG[:1], 1, None, None, "has a header but no data rows"),
        (LONG, 2, None, None, "has 2 sheets with data; one is needed"),
        ([], 1, None, None, "is empty"),
    ],
)
def test_a_faulty_workbook_names_row_and_field(tmp_path, rows, sheets, row, field, says):
    file = tmp_path / "a.xlsx"
    workbook(file, rows, sheets)
    with pytest.raises(InputError) as error:
        number_column(read_table(file), "y", missing=True)
    assert (error.value.row, error.value.field) == (row, field)
    assert says in str(error.value)


# the command


@pytest.fixture
def importing(cli, tmp_path, monkeypatch):
    """Call the command, wired as it is told to be."""
    import typer

    from evaluation import cli as command
    from evaluation.cli import data, imports

    if "import" not in [c.name for c in data.app.registered_commands]:
        app = typer.Typer()
        inner = typer.Typer()
        imports.attach(inner)
        inner.command("check")(data.data_check)
        app.add_typer(inner, name="data")
        monkeypatch.setattr(command, "app", app)

    def call(file, *more):
        known = ("--indicator", "X1", "--source", "Migrationsverket")
        return cli("data", "import", file, *known, "--store", tmp_path / "store", *more)

    return call


def test_import_shows_the_layout_and_keeps_a_snapshot(importing, printed, tmp_path):
    answer = importing(printed)
    assert (answer.code, answer.err) == (0, "")
    assert "header row 2" in answer.out
    assert "a total" in answer.out
    snapshot = SnapshotStore(tmp_path / "store").get("x1")
    assert snapshot.id[:12] in answer.out
    frame = snapshot.observations()
    assert list(frame["state"]).count("suppressed") == 1
    assert snapshot.provenance.request["file"] == "own.csv"
    assert snapshot.provenance.request["left_out"] == {"a total": 1}


def test_import_answers_in_json_and_may_keep_nothing(importing, printed, tmp_path):
    answer = importing(printed, "--dry-run", "--json", "--sex", "K", "--column", "name=Kommun")
    said = json.loads(answer.out)
    assert said["snapshot"] is None
    assert (said["rows"], said["states"]) == (4, {"observed": 4})
    assert said["rejected"][0]["reason"] == "a total"
    assert not (tmp_path / "store").exists()


def test_a_value_that_breaks_a_rule_is_named_with_its_line(importing, tmp_path):
    file = tmp_path / "share.csv"
    file.write_text("Titel\n\nKommun;År;Värde\nÅre;2015;45,5\nAle;2016;145,5\n", encoding="utf-8")
    answer = importing(file, "--indicator", "N00973")
    assert answer.code == 2
    assert "share.csv, row 5, field value: N00973 1440 2016 T: 145.5" in answer.err
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--column", "antal"], "field --column: 'antal' is not ROLE=NAME"),
        (["--column", "x=y"], "field --column: 'x=y' is not ROLE=NAME"),
        (["--column", "name=Kommun", "--column", "name=Kommun"], "'name' is given twice"),
        (["--mark", "c"], "field --mark: 'c' is not TEXT=suppressed|zero|missing"),
        (["--sex", "F"], "field --sex: 'F' is none of T K M"),
        (["--decimal", ";"], "field --decimal"),
        (["--column", "value=Antal"], "field value: there is no measure 'Antal'"),
    ],
)
def test_a_call_that_is_wrong_keeps_nothing(importing, printed, tmp_path, more, says):
    answer = importing(printed, *more)
    assert answer.code == 2
    assert says in answer.err
    assert answer.err.count("\n") == 1
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_what_the_store_exports_is_read_back_with_its_three_states(tmp_path, kind):
    frame = pd.DataFrame(
        {
            "indicator": "X1", "code": ["0114", "0115", "1280", "2321"], "year": 2015, "sex": "K",
            "value": [0.1 + 0.2, None, None, 0.0],
            "state": ["observed", "suppressed", "missing", "observed"],
        }
    )  # fmt: skip
    texts = dict.fromkeys(("licence_sv", "licence_en", "citation_sv", "citation_en"), "a")
    store = SnapshotStore(tmp_path / "store")
    kept = store.put(frame, name="x", source="a", request={}, **texts)
    file = export(kept, tmp_path / f"out.{kind}")
    found = read_observations(file, indicator="X1")
    pd.testing.assert_frame_equal(found.frame, kept.observations())
