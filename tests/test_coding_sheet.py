"""Coding sheets: read row by row, refused with file, row and field."""

import csv
import datetime

import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook

from evaluation.data import embedded
from evaluation.design.coding.periods import month_text, read_period
from evaluation.design.coding.sheet import (
    coding_sheet,
    combine,
    read_sheet,
    sheet_from_documents,
)
from evaluation.design.coding.template import write_template
from evaluation.design.coding.vocabulary import COLUMNS, EVIDENCE, STANCES
from evaluation.design.exposure import parse_end, parse_start
from evaluation.design.stance import stance_table
from evaluation.errors import InputError

HEADER = "code,coder,stance,began,ended,components,evidence,source,page,note"
GOOD = "2321,A,active_day_one,2011-H2,2018-09,sfi;praktik,explicit,are_2017,84,as stated"
SECOND = "1287,A,active_during_establishment,2013,,,strong,kfsk_2018,995,"


def sheet(tmp_path, *lines, header=HEADER, **options):
    path = tmp_path / "coding.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return read_sheet(path, **options)


def row(**cells):
    return {"code": "2321", "coder": "A", "stance": "active_day_one", "evidence": "strong",
            "source": "s"} | cells  # fmt: skip


# what is read


def test_a_sheet(tmp_path):
    found = sheet(tmp_path, GOOD, SECOND)
    assert found.coders == ("A",)
    assert found.tidy()["municipality"].tolist() == ["Trelleborg", "Åre"]
    are = found.rows.iloc[1]
    assert (month_text(are["first"]), month_text(are["last"])) == ("2011-07", "2018-09")
    assert (are["row"], are["components"]) == (2, "sfi;praktik")
    assert found.notes == ()


def test_semicolons_separate_where_the_header_says_so(tmp_path):
    line = GOOD.replace("sfi;praktik", '"sfi|praktik"').replace(",", ";")
    found = sheet(
        tmp_path, line.replace("sfi|praktik", "sfi;praktik"), header=HEADER.replace(",", ";")
    )
    assert found.rows.loc[0, "components"] == "sfi;praktik"


def test_a_workbook_with_dates_numbers_and_another_sheet(tmp_path):
    book = Workbook()
    about = book.active
    about.append(["something", "else"])
    coding = book.create_sheet("mine")
    coding.append(HEADER.split(","))
    day = datetime.datetime(2016, 10, 1)
    coding.append(["1287", "A", "active_day_one", day, 2018, None, "strong", "s", 12, None])
    book.save(tmp_path / "coding.xlsx")
    found = read_sheet(tmp_path / "coding.xlsx").rows.iloc[0]
    assert (month_text(found["first"]), month_text(found["last"])) == ("2016-10", "2018-12")
    assert (found["page"], found["note"]) == ("12", "")


def test_only_needed_columns_and_the_old_code_of_heby(tmp_path):
    found = sheet(tmp_path, "1917,A,unclear,none", header="code,coder,stance,evidence")
    assert found.rows.loc[0, ["code", "municipality"]].tolist() == ["0331", "Heby"]


def test_what_is_noticed_and_no_fault():
    rows = [row(), row(code="1287", coder="B", source=""), row(code="1264", evidence="none"),
            row(code="", evidence="anonymous")]  # fmt: skip
    notes = "\n".join(coding_sheet(rows).notes)
    assert "coder 'B' has one row only" in notes
    assert "coder 'A'" not in notes
    assert "1 rows state evidence and name no source" in notes
    assert "1 rows state a stance on no evidence" in notes
    assert "1 anonymous rows are counted" in notes


def test_anonymous_rows_are_counted_and_have_no_municipality():
    found = coding_sheet(
        [row(), row(code="", coder="", stance="waits_two_years", evidence="anonymous"),
         row(code="", stance="waits_two_years", source="anonymt svar")]
    )  # fmt: skip
    assert found.anonymous_counts == {"waits_two_years": 2}
    assert found.rows["code"].tolist() == ["2321"]


def test_the_hash_is_of_the_content(tmp_path):
    one = coding_sheet([row(), row(code="1287")])
    assert one.hash == coding_sheet([row(code="1287"), row()]).hash
    assert one.hash != coding_sheet([row(), row(code="1287", note="x")]).hash


# periods


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [("2018", 1, 12), ("2018-H1", 1, 6), ("2018-H2", 7, 12), ("2018-winter", 1, 2),
     ("2018-spring", 3, 5), ("2018-summer", 6, 8), ("2018-autumn", 9, 11), ("2018-09", 9, 9)],
)  # fmt: skip
def test_a_date_has_a_first_and_a_last_month(text, start, end):
    assert parse_start(text) == (2018, start)
    assert parse_end(text) == (2018, end)


@pytest.mark.parametrize("text", ["not stated", "2013-2014", "2018-13", ""])
def test_what_is_no_date_has_no_end(text):
    assert parse_end(text) is None


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        (("2011", "2013"), ("2014", ""), False),
        (("2011", "2014"), ("2014", ""), False),  # may abut within the year
        (("2011", "2014-06"), ("2014-07", ""), False),
        (("2011", "2014-H2"), ("2014-H1", ""), True),
        (("2011", "2015"), ("2014", ""), True),
        (("2011", ""), ("2014", ""), True),
        (("", "2013"), ("2014", ""), False),
        (("", ""), ("2014", ""), True),
        (("", "2013"), ("", "2015"), True),
        (("2014", "2014"), ("2014", "2015"), True),  # which came first cannot be told
    ],
)
def test_overlap(one, other, overlap):
    a, b = read_period(*one), read_period(*other)
    assert a.overlaps(b) is overlap
    assert b.overlaps(a) is overlap


def test_a_period_known_to_the_year_gives_way_to_the_next():
    rows = [row(began="2012", ended="2014"), row(began="2014", stance="unclear")]
    found = coding_sheet(rows).rows
    assert [month_text(m) for m in found["last"]] == ["2013-12", ""]


# what is refused


@pytest.mark.parametrize(
    ("line", "field", "says"),
    [
        (GOOD.replace("active_day_one", "active_dayone"), "stance", "mean 'active_day_one'"),
        (GOOD.replace("active_day_one", "lazy"), "stance", "'lazy' is none of waits_two_years"),
        (GOOD.replace("explicit", "explict"), "evidence", "did you mean 'explicit'"),
        (GOOD.replace("2321", "23"), "code", "'23' is the code of Jämtlands län"),
        (GOOD.replace("2321", "114"), "code", "write '0114' (Upplands Väsby)"),
        (GOOD.replace("2321", "Åre"), "code", "the code is '2321'"),
        (GOOD.replace("2321", "0000"), "code", "the nation has no stance"),
        (GOOD.replace("2321", ""), "code", "only an anonymous answer has none"),
        (GOOD.replace(",A,", ",,"), "coder", "who coded the row is needed"),
        (GOOD.replace("2011-H2", "2011-H3"), "began", "'2011-H3' is not a date such as 2017"),
        (GOOD.replace("2018-09", "soon"), "ended", "'soon' is not a date"),
        (GOOD.replace("2018-09", "2011-03"), "ended", "ends (2011-03) before it began (2011-H2)"),
        (GOOD.replace("explicit", "anonymous"), "evidence", "never tied to a municipality"),
        (GOOD.replace("are_2017", "anonymt svar"), "source", "never tied to a municipality"),
        (GOOD.replace("as stated", "ANON_2"), "note", "never tied to a municipality"),
        (GOOD.replace("are_2017,84", "kfsk_2018,1116"), "page", "is an anonymous answer"),
        (GOOD.replace("are_2017,84", "kfsk_2018,1110-1118"), "page", "line 1116 of kfsk_2018"),
        (GOOD, "began", "Åre (2321), coder 'A' stands twice for the same period (first in row 2)"),
        (GOOD.replace("2011-H2,2018-09", "2015,"), "began", "overlaps that in row 2"),
    ],
)  # fmt: skip
def test_a_row_is_refused_with_its_place(tmp_path, line, field, says):
    with pytest.raises(InputError) as error:
        sheet(tmp_path, GOOD, SECOND, line)
    assert error.value.row == (4 if line != "" else 3)
    assert error.value.field == field
    assert error.value.file.endswith("coding.csv")
    assert says in str(error.value)


def test_every_anonymous_answer_of_the_documents_is_guarded():
    table = embedded.load("stance")
    anonymous = table[table["code"].isna()]
    assert len(anonymous) == 3
    for document, line in zip(anonymous["document"], anonymous["line"], strict=True):
        with pytest.raises(InputError, match="never tied to a municipality"):
            coding_sheet([row(source=f"are_2017; {document}", page=f"line {line}")])
    # and no line of a named municipality is
    assert len(sheet_from_documents()) == len(stance_table())


def test_a_stance_after_the_data_is_refused(tmp_path):
    assert len(sheet(tmp_path, SECOND, last_year=2013)) == 1
    with pytest.raises(InputError, match="2013 lies after the last year of the data, 2012"):
        sheet(tmp_path, SECOND, last_year=2012)


@pytest.mark.parametrize(
    ("header", "field", "says"),
    [
        (HEADER.replace("stance", "stanse"), "stanse", "did you mean 'stance'"),
        (HEADER.replace("evidence,", "").replace("note", "note,municipality"), "evidence",
         "there is no such column; needed are code, coder, stance, evidence"),
    ],
)  # fmt: skip
def test_a_wrong_header_is_refused(tmp_path, header, field, says):
    with pytest.raises(InputError) as error:
        sheet(tmp_path, GOOD, header=header)
    assert (error.value.row, error.value.field) == (1, field)
    assert says in str(error.value)


def test_rows_at_hand_need_their_columns_too():
    with pytest.raises(InputError, match="field evidence: there is no such column"):
        coding_sheet([{"code": "2321", "coder": "A", "stance": "unclear"}])


def test_a_workbook_without_such_a_sheet_is_refused(tmp_path):
    book = Workbook()
    book.active.append(["a", "b"])
    book.create_sheet("other").append(["c", "d"])
    book.save(tmp_path / "x.xlsx")
    with pytest.raises(InputError, match="no sheet has the columns code, coder, stance, evidence"):
        read_sheet(tmp_path / "x.xlsx")


# several sheets


def test_coders_in_files_of_their_own(tmp_path):
    a = sheet(tmp_path, GOOD, SECOND)
    b = sheet(tmp_path, GOOD.replace(",A,", ",B,"), SECOND.replace(",A,", ",B,"))
    both = combine([a, b])
    assert both.coders == ("A", "B")
    assert len(both) == 4
    with pytest.raises(InputError, match="stands twice"):
        combine([a, a])
    with pytest.raises(InputError, match="there is no coding sheet"):
        combine([])


def test_the_overlap_between_two_files_names_both(tmp_path):
    first = sheet(tmp_path, GOOD)
    other = tmp_path / "other.csv"
    other.write_text(f"{HEADER}\n{GOOD.replace('2011-H2', '2012')}\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        combine([first, read_sheet(other)])
    assert error.value.file == str(other)
    assert f"row 2 of {tmp_path / 'coding.csv'}" in str(error.value)


# the shipped documents


def test_the_shipped_coding_as_a_sheet():
    found = sheet_from_documents()
    table = stance_table()
    rows = found.rows.set_index("code")
    assert set(rows.index) == set(table.index)
    assert (rows["stance"] == table["stance"].reindex(rows.index)).all()
    assert (rows["evidence"] == table["strength"].reindex(rows.index)).all()
    assert (rows["page"] == table["line"].reindex(rows.index)).all()
    assert found.anonymous_counts == {
        "waits_two_years": 1, "active_when_support_needed": 1, "active_day_one": 1,
    }  # fmt: skip
    assert "waits_two_years" not in set(rows["stance"])


# the template


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx"])
def test_a_template_reads_back_as_empty(tmp_path, name):
    path = write_template(tmp_path / name)
    found = read_sheet(path)
    assert len(found) == 0
    assert len(found.anonymous) == 0
    assert found.coders == ()


def test_a_filled_template_is_read(tmp_path):
    path = write_template(tmp_path / "t.xlsx")
    book = load_workbook(path)
    book["coding"].append(GOOD.split(","))
    row_ = book["coding"].max_row
    book.save(path)
    found = read_sheet(path)
    assert found.rows.loc[0, ["code", "stance", "row"]].tolist() == ["2321", "active_day_one", row_]


def test_the_example_is_a_row_that_would_be_taken(tmp_path):
    path = write_template(tmp_path / "t.csv")
    text = path.read_text(encoding="utf-8-sig").splitlines()
    assert text[1].startswith("# 2321,")
    path.write_text("\n".join([text[0], text[1].removeprefix("# ")]), encoding="utf-8")
    assert read_sheet(path).rows.loc[0, "municipality"] == "Åre"


def test_the_template_explains_every_column_in_both_languages(tmp_path):
    book = load_workbook(write_template(tmp_path / "t.xlsx"))
    header = [c.value for c in book["coding"][1]]
    assert header == HEADER.split(",")
    told = {r[0]: r[2:4] for r in book["columns"].iter_rows(values_only=True)}
    assert {c.name for c in COLUMNS} <= set(told)
    assert all(sv and en and sv != en for sv, en in told.values())
    assert all(word in told["stance"][0] and word in told["stance"][1] for word in STANCES)
    lists = {v.formula1.strip('"') for v in book["coding"].data_validations.dataValidation}
    assert lists == {",".join(STANCES), ",".join(EVIDENCE)}
    assert book["coding"]["A9"].number_format == "@"
    with write_template(tmp_path / "t.csv").open(encoding="utf-8-sig") as file:
        comments = [r[0] for r in csv.reader(file)][2:]
    assert [c.split(":")[0] for c in comments] == [f"# {name}" for name in header]


def test_a_filled_sheet_is_never_written_over(tmp_path):
    path = write_template(tmp_path / "t.csv")
    before = path.read_bytes()
    with pytest.raises(InputError, match="may be filled in"):
        write_template(path)
    assert path.read_bytes() == before
    with pytest.raises(InputError, match=r"must end with \.csv or \.xlsx"):
        write_template(tmp_path / "t.ods")


def test_a_frame_with_empty_cells_is_taken():
    frame = pd.DataFrame([row(), row(code="1287", began="2014")])
    assert coding_sheet(frame).rows["began"].tolist() == ["2014", ""]


def test_numbers_in_a_frame_are_read_as_they_were_meant():
    frame = pd.DataFrame([row(code=2321, began=2012.0), row(code="1287")], index=["x", "y"])
    found = coding_sheet(frame).rows
    assert found["began"].tolist() == ["", "2012"]
    assert found["row"].tolist() == [1, 0]
    with pytest.raises(InputError, match="row 1, field code: '114' has lost its leading zero"):
        coding_sheet([row(), row(code=114)])


def test_no_rows_are_an_empty_sheet():
    assert len(coding_sheet(pd.DataFrame(columns=["code", "coder", "stance", "evidence"]))) == 0
