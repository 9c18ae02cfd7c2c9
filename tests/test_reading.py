"""Users' files in the layouts that agencies publish; the numbers are made up."""

import datetime

import numpy as np
import openpyxl
import pandas as pd
import pytest

from evaluation import municipalities
from evaluation.data.observations import observations
from evaluation.data.reading import Columns, Layout, read_observations
from evaluation.errors import InputError


@pytest.fixture
def text(tmp_path):
    """Write a text file."""

    def write(content, encoding="utf-8", name="own.csv"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return file

    return write


@pytest.fixture
def book(tmp_path):
    """Write a workbook: sheets by name, merged areas of the first one."""

    def write(sheets, merged=(), change=lambda _: None):
        made = openpyxl.Workbook()
        made.remove(made.active)
        for name, rows in (sheets if isinstance(sheets, dict) else {"Blad1": sheets}).items():
            sheet = made.create_sheet(name)
            for row in rows:
                sheet.append(row)
        for area in merged:
            made.worksheets[0].merge_cells(area)
        change(made)
        file = tmp_path / "own.xlsx"
        made.save(file)
        return file

    return write


def read(file, **layout):
    return read_observations(file, indicator="x", layout=Layout(**layout))


def cells(reading):
    """Return value or state by code, year and sex."""
    return {
        (r.code, r.year, r.sex): r.value if r.state == "observed" else r.state
        for r in reading.frame.itertuples()
    }


def faults(reading):
    left = reading.rejected[reading.rejected["fault"]]
    return list(zip(left["row"], left["reason"], strict=True))


# printed layouts

RECEPTION = [
    ["Tabell 3. Mottagna nyanlända efter kommun, kön och år"],
    ["Uppgifterna avser 2015–2016. Uttag 2017-02-01"],
    [],
    ["Län", "Kommun", 2015, None, None, 2016, None, None],
    [None, None, "Kvinnor", "Män", "Totalt", "Kvinnor", "Män", "Totalt"],
    ["Stockholms län", "Upplands Väsby", 12, "..", 25, "1 234", "–", "1 300"],
    [None, "Vallentuna", 3, 4, 7, "X", "X", 11],
    [None, "Summa", 15, 4, 32, 1234, 0, 1311],
    ["Skåne län", "Malmö stad", 100, 110, 210, 120, 130, 250],
    ["Jämtlands län", "Åre kommun 1)", 5, 6, 11, 7, 8, 15],
    ["Okänd", "Okänd", 1, 1, 2, 1, 1, 2],
    ["Riket", None, 120, 120, 240, 1, 1, 2],
    [],
    ["1) Preliminära uppgifter."],
    ["Källa: Migrationsverket"],
]
MERGED = ["A1:H1", "A4:A5", "B4:B5", "C4:E4", "F4:H4", "A6:A8"]
EXPECTED = {
    ("0114", 2015, "K"): 12, ("0114", 2015, "M"): "suppressed", ("0114", 2015, "T"): 25,
    ("0114", 2016, "K"): 1234, ("0114", 2016, "M"): 0, ("0114", 2016, "T"): 1300,
    ("0115", 2015, "K"): 3, ("0115", 2015, "M"): 4, ("0115", 2015, "T"): 7,
    ("0115", 2016, "K"): "suppressed", ("0115", 2016, "M"): "suppressed", ("0115", 2016, "T"): 11,
    ("1280", 2015, "K"): 100, ("1280", 2015, "M"): 110, ("1280", 2015, "T"): 210,
    ("1280", 2016, "K"): 120, ("1280", 2016, "M"): 130, ("1280", 2016, "T"): 250,
    ("2321", 2015, "K"): 5, ("2321", 2015, "M"): 6, ("2321", 2015, "T"): 11,
    ("2321", 2016, "K"): 7, ("2321", 2016, "M"): 8, ("2321", 2016, "T"): 15,
}  # fmt: skip


def test_a_printed_table_with_merged_headers_marks_and_footnotes(book):
    found = read(book(RECEPTION, MERGED))
    assert cells(found) == EXPECTED
    assert (found.header_row, found.sheet) == (4, "Blad1")
    assert not found.rejected["fault"].any()
    left = dict(zip(found.rejected["row"], found.rejected["reason"], strict=True))
    assert left == {
        8: "a total",
        11: "the source does not know the municipality",
        12: "a total",
        14: "text without values",
        15: "text without values",
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_the_same_table_as_text_in_any_encoding(text, encoding, separator):
    lines = [separator.join("" if c is None else str(c) for c in row) for row in RECEPTION]
    found = read(text("\n".join(lines), encoding))
    assert cells(found) == EXPECTED
    assert found.separator == separator
    if encoding == "cp1252":
        assert found.encoding == "cp1252"
        assert "Windows-1252" in found.notes[0]


def test_what_was_found_out_can_be_pinned_and_gives_the_same(book):
    file = book(RECEPTION, MERGED)
    found = read(file)
    said = found.layout.to_dict()
    assert said == {
        "sheet": "Blad1", "header_row": 4, "columns": {"name": "Kommun"}
    }  # fmt: skip
    again = read(file, **(said | {"columns": Columns(**said["columns"])}))
    pd.testing.assert_frame_equal(again.frame, found.frame)
    assert again.layout == found.layout


def test_a_summary_says_how_and_what_was_left_out(book):
    said = str(read(book(RECEPTION, MERGED)))
    assert "24 values (21 observed, 3 suppressed, 0 missing), 4 municipalities" in said
    assert "header row 4" in said
    assert "left out: 2 × a total" in said


def test_one_year_in_the_file_and_sexes_side_by_side(book):
    rows = [["Inskrivna i etableringen, 2023"], [], ["Kommun", "Kvinnor", "Män", "Totalt"],
            ["0114 Upplands Väsby", 1, 2, 3], ["2321 Åre", 4, 5, 9]]  # fmt: skip
    found = read(book(rows))
    assert cells(found)["2321", 2023, "M"] == 5
    assert "the year 2023 was read in the titles" in found.notes
    assert cells(read(book(rows), year=2022))["2321", 2022, "M"] == 5


def test_the_year_may_be_the_name_of_the_sheet_or_of_the_file(book, text):
    rows = [["Kommun", "Antal"], ["Ale", 1], ["Åre", 2]]
    assert read(book({"2019": rows})).frame["year"].unique() == [2019]
    file = text("Kommun;Antal\nAle;1\nÅre;2\n", name="mottagna_2018.csv")
    assert read(file).frame["year"].unique() == [2018]
    with pytest.raises(InputError, match="no column and no title tells the year; say year"):
        read(text("Kommun;Antal\nAle;1\nÅre;2\n"))
    with pytest.raises(InputError, match=r"several years \(2018, 2019\)"):
        read(text("Från 2018 till 2019\nKommun;Antal\nAle;1\nÅre;2\n"))


def test_one_sheet_of_several_must_be_meant(book):
    rows = [["Kommun", 2015], ["Ale", 1], ["Åre", 2]]
    with pytest.raises(InputError, match="field sheet: 2 sheets hold municipalities: 'a', 'b'"):
        read(book({"a": rows, "b": rows}))
    assert len(read(book({"a": rows, "b": rows}), sheet="b").frame) == 2
    assert read(book({"Om statistiken": [["Se Ale"]], "b": rows})).sheet == "b"
    with pytest.raises(InputError, match="no sheet 'c'; there are 'a', 'b'"):
        read(book({"a": rows, "b": rows}), sheet="c")

    def hide(made):
        made.worksheets[0].sheet_state = "hidden"

    assert read(book({"a": rows, "b": rows}, change=hide)).sheet == "b"


def test_a_long_table_with_code_sex_and_state(text):
    found = read(text(
        "code,year,sex,value,state\n0114,2015,K,1.5,observed\n0114,2015,M,,suppressed\n"
        "0115,2015,F,,missing\n0115,2015,män,2,observed\n"
    ))  # fmt: skip
    assert cells(found) == {
        ("0114", 2015, "K"): 1.5, ("0114", 2015, "M"): "suppressed",
        ("0115", 2015, "K"): "missing", ("0115", 2015, "M"): 2,
    }  # fmt: skip


def test_a_state_that_does_not_go_with_its_value_is_a_fault(text):
    body = "".join(f"{c},2015,1,observed\n" for c in ("0115", "0117", "0120"))
    found = read(text(f"code,year,value,state\n0114,2015,5,suppressed\n2321,2015,1,?\n{body}"))
    assert faults(found) == [
        (2, "the value does not go with the state suppressed"),
        (3, "the state '?' is none of observed, suppressed, missing"),
    ]


# places


def test_every_municipality_is_found_by_every_form_of_its_name(text):
    forms = {
        "as it is": lambda n: n,
        "upper case": str.upper,
        "kommun": lambda n: f"{n} kommun",
        "genitive": lambda n: f"{n}{'' if n[-1] in 'sxz' else 's'} kommun",
        "stad": lambda n: f"{n} Stad",
        "spaces": lambda n: "  " + n.replace(" ", "\u00a0 ") + " ",
        "footnote": lambda n: f"{n} 1)",
        "star": lambda n: f"{n}*",
    }
    places = municipalities()
    for form, change in forms.items():
        rows = "\n".join(f"{change(name)};7" for name in places["name"])
        found = read(text(f"Kommun;Antal\n{rows}\n"), year=2020)
        assert list(found.frame["code"]) == sorted(places.index), form


def test_codes_without_their_zero_are_read_and_told(text):
    found = read(text("Kommunkod;Antal\n114;1\n2321;2\n"), year=2020)
    assert list(found.frame["code"]) == ["0114", "2321"]
    assert "1 codes lacked their leading zero (114 was read as 0114)" in found.notes


def test_numbers_that_are_no_codes_make_short_codes_uncertain(text):
    rows = "114;1\n2321;2\n1440;3\n999;4\n1280;2\n"
    found = read(text(f"Kommunkod;Antal\n{rows}"), year=2020)
    assert list(found.frame["code"]) == ["1280", "1440", "2321"]
    assert faults(found) == [
        (2, "could be 0114, but 999 in the same column is no code"),
        (5, "not a municipality's code"),
    ]


def test_code_and_name_must_agree(text):
    rows = "0114;Upplands Väsby;1\n0115;Åre;2\n2321;Åre;3\n"
    found = read(text(f"Kod;Kommun;Antal\n{rows}"), year=2020)
    assert faults(found) == [(3, "code 0115 and name Åre (2321) disagree")]


def test_a_code_of_before_a_change_of_county_is_todays(text):
    """Heby was 1917 until 2006."""
    found = read(text("Kod;År;Antal\n1917;2006;1\n0331;2007;2\n0114;2006;3\n"))
    assert cells(found)["0331", 2006, "T"] == 1
    assert cells(found)["0331", 2007, "T"] == 2
    assert dict(zip(found.frame["year"], found.lines, strict=True))[2007] == 3


def test_years_that_are_codes_are_not_taken_for_places(text):
    """2021 is Vansbro and 2023 Malung-Sälen."""
    found = read(text("År;Kommun;Antal\n2021;Ale;5\n2023;Ale;6\n2021;Åre;7\n"))
    assert cells(found) == {("1440", 2021, "T"): 5, ("1440", 2023, "T"): 6, ("2321", 2021, "T"): 7}


def test_an_unknown_place_above_the_first_known_one_is_not_taken_for_a_header(text):
    found = read(text("Kommun;Antal\nAtlantis;5\nAle;5\nÅre;6\n"), year=2020)
    assert faults(found) == [(2, "not a municipality")]


def test_a_header_that_comes_again_is_no_fault(text):
    found = read(text("Kommun;År;Antal\nAle;2020;1\nKommun;År;Antal\nÅre;2020;2\n"))
    assert list(found.counts) == ["the header again"]
    assert not faults(found)


# years and months


def test_dates_in_the_column_of_years(book):
    def rows(*days):
        return [["Kommun", "År", "Antal"]] + [["Ale", d, i] for i, d in enumerate(days)]

    ends = [datetime.date(2015, 12, 31), datetime.date(2016, 12, 31)]
    found = read(book(rows(*ends)))
    assert sorted(cells(found)) == [("1440", 2015, "T"), ("1440", 2016, "T")]
    assert "dates (31 12) in the column of years" in found.notes[0]
    mixed = [datetime.date(2015, 3, 5), datetime.date(2016, 7, 9)]
    with pytest.raises(InputError, match="not a year"):
        read(book(rows(*mixed)))


@pytest.mark.parametrize("form", ["{y}-{m:02}", "{y}M{m:02}", "{y}{m:02}"])
def test_months_are_added_up_only_if_asked(text, form):
    rows = [("Ale", 2015, m, m) for m in range(1, 13)] + [("Ale", 2016, m, 1) for m in range(1, 5)]
    rows += [("Åre", 2015, m, ".." if m == 3 else 1) for m in range(1, 13)]
    file = text("Kommun;Period;Antal\n" + "".join(
        f"{n};{form.format(y=y, m=m)};{v}\n" for n, y, m, v in rows
    ))  # fmt: skip
    with pytest.raises(InputError, match='row 2, field months: holds months; say months: "sum"'):
        read(file)
    found = read(file, months="sum")
    assert cells(found) == {("1440", 2015, "T"): 78, ("2321", 2015, "T"): "suppressed"}
    assert faults(found) == [(14, "only 4 of 12 months")]
    with pytest.raises(InputError, match="there are no months to add up"):
        read(text("Kommun;År;Antal\nAle;2015;1\n"), months="sum")


def test_months_side_by_side_and_in_words(text):
    names = ["jan", "feb", "mar", "apr", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "dec"]
    head = "Kommun;" + "2015;" + ";" * 11 + "\n;" + ";".join(names) + ";Totalt\n"
    file = text(head + "Ale;" + ";".join("1" * 12) + ";12\nÅre;" + ";".join("2" * 12) + ";24\n")
    assert cells(read(file, months="sum"))["2321", 2015, "T"] == 24
    assert cells(read(file))["2321", 2015, "T"] == 24
    months = "".join(f"Ale;2015;{w};1\n" for w in ("januari", "februari", "mars"))
    with pytest.raises(InputError, match="holds months"):
        read(text("Kommun;År;Månad;Antal\n" + months))


# choices that are the user's


@pytest.mark.parametrize(
    ("content", "layout", "says"),
    [
        ("Kommun;År;Antal;Andel\nAle;2015;1;2\n", {}, "'Antal', 'Andel' could each be the value"),
        ("Kommun;År;a;b\nAle;2015;1;2\nÅre;2015;3;4\n", {}, "'a', 'b' could each be the value"),
        ("Kommun;År;a\nAle;2015;b\nÅre;2015;c\n", {}, "no column holds numbers"),
        (
            "Kommun;År;Antal\nAle;2015;1\n",
            {"columns": Columns(value="x")},
            "there is no column 'x'",
        ),
        ("Kommun;År;a;a\nAle;2015;1;2\n", {"columns": Columns(value="a")}, "2 columns are called"),
        ("Kommun;2015;2015\nAle;1;2\n", {}, "are about the same year and sex"),
        ("Kommun;Antal 2015;Andel 2015\nAle;1;2\n", {}, "more than one measure: 'Antal', 'Andel'"),
        ("Kommun;2015;2016\nKommunnamn;2017;2018\nAle;1;2\n", {}, "rows 1 and 2 could both be"),
        ("Kommun;År;Antal\nAle;2015;1.234\n", {}, "'1.234' could mean thousands"),
        ("Kommun;År;Antal\nAle;2015;1,5\nÅre;2015;1.5\n", {}, "decimal comma, '1.5' with a"),
        ("Kommun;År;Antal\nAle;2015;1\nAle;2015;2\n", {}, "row 3, field Antal: 1440, 2015, T"),
        ("Kommun;År;Antal\nAle;2015;1\n", {"sex": "K", "year": 2014}, "nothing for 2014"),
        ("Kommun;År;Kön;Antal\nAle;2015;K;1\n", {"sex": "M"}, "nothing for M; there is K"),
        ("Kommun;År;Antal\nAle;2015;1\n", {"header_row": 9}, "row 9: the row is blank or beyond"),
        ("Ale;2015;1\nÅre;2015;2\n", {}, "there is no header above"),
        ("Stad;År;Antal\nRom;2015;1\n", {}, "no column holds municipalities"),
        ("Kommun;År;Antal\nRom;2015;1\nParis;2015;1\nAle;2015;1\n", {}, "2 of 3 values cannot"),
        ("Kommun;År;Antal\nRom;2015;1\n", {}, "not a municipality (such as 'Rom | 2015 | 1')"),
        ("Kommun;År;Antal\nRiket;2015;1\n", {}, "no value of a municipality was found"),
        ("Kommun;År;Antal\n", {}, "has a header but no data rows"),
        ("", {}, "is empty"),
        ("\n \n", {}, "is empty"),
        ("Kommun\nAle\n", {}, "has only one column"),
        ("Kommun;År;Antal\nAle;2015;1\n", {"sheet": "a"}, "only a workbook (.xlsx) has sheets"),
        ("Kommun;2015;2016;w\nAle;1;2;3\n", {"columns": Columns(weight="w")}, "weights need one"),
        (
            "Kommun;Antal 2015;Andel 2015\nAle;1;2\n",
            {"columns": Columns(value="x")},
            "there is no measure 'x'; there are 'Andel', 'Antal'",
        ),
    ],
)
def test_what_leaves_a_choice_or_nothing_is_refused(text, content, layout, says):
    with pytest.raises(InputError) as error:
        read(text(content), **layout)
    assert says in str(error.value)
    assert "own.csv" in str(error.value)


def test_a_measure_of_several_side_by_side_is_chosen_by_name(text):
    file = text("Kommun;Antal 2015;Andel 2015;Antal 2016;Andel 2016\nAle;1;20,5;2;30,5\n")
    found = read(file, columns=Columns(value="Andel"))
    assert cells(found) == {("1440", 2015, "T"): 20.5, ("1440", 2016, "T"): 30.5}
    assert found.notes[0] == "columns not read: Antal 2015, Antal 2016"


def test_a_row_with_fields_too_few_or_too_many_is_a_fault(text):
    rows = "Ale;1\nÅre;3;4;;\nSala;1;2;3\nYstad;1;2\nMalmö;;\n* not\n"
    found = read(text(f"Kommun;2015;2016\n{rows}"))
    assert faults(found) == [
        (2, "has 2 fields where the header has 3"),
        (4, "has 4 fields where the header has 3"),
    ]
    assert cells(found) == {
        ("2321", 2015, "T"): 3, ("2321", 2016, "T"): 4, ("1286", 2015, "T"): 1,
        ("1286", 2016, "T"): 2, ("1280", 2015, "T"): "missing", ("1280", 2016, "T"): "missing",
    }  # fmt: skip


def test_a_measure_may_stand_over_its_years(text):
    head = "Kommun;Antal;;Andel;\n;2015;2016;2015;2016\n"
    file = text(f"{head}Ale;1;2;1,5;2,5\nÅre;3;4;3,5;4,5\n")
    with pytest.raises(InputError, match="more than one measure: 'Antal', 'Andel'"):
        read(file)
    found = cells(read(file, columns=Columns(value="Andel")))
    assert found["2321", 2016, "T"] == 4.5
    assert len(found) == 4


def test_columns_beside_the_years_are_named(text):
    found = read(text("Kommun;2015;2016;Totalt;\nAle;1;2;3;9\nÅre;3;4;7;9\n"))
    assert "columns not read: Totalt, column 5 (no header)" in found.notes


def test_marks_of_ones_own_come_before_the_usual_ones(text):
    file = text("Kommun;År;Antal\nAle;2015;-\nÅre;2015;c\nMalmö;2015;1\n")
    assert cells(read(file))["1440", 2015, "T"] == 0
    assert faults(read(file)) == [(3, "not a number")]
    found = cells(read(file, marks={"-": "missing", "c": "suppressed"}))
    assert found["1440", 2015, "T"] == "missing"
    assert found["2321", 2015, "T"] == "suppressed"


def test_one_sex_is_selected_where_the_file_tells_and_assigned_where_it_does_not(text):
    told = read(text("Kommun;År;Kön;Antal\nAle;2015;K;1\nAle;2015;M;2\n"), sex="M")
    assert cells(told) == {("1440", 2015, "M"): 2}
    assert "1 values of another sex were left out" in told.notes
    silent = read(text("Kommun;År;Antal\nAle;2015;1\n"), sex="K")
    assert cells(silent) == {("1440", 2015, "K"): 1}


def test_weights_stand_beside_the_values(text):
    file = text(
        "Kommun;År;Andel;Avslutade\nAle;2015;50,5;12\nÅre;2015;40,5;..\nMalmö;2015;4,5;-3\n"
        "Ystad;2015;4;1 200\n"
    )
    found = read(file, columns=Columns(value="Andel", weight="Avslutade"))
    weights = found.weights.set_index("code")
    assert weights["state"].to_dict() == {
        "1440": "observed", "2321": "suppressed", "1286": "observed"
    }  # fmt: skip
    assert weights.loc["1286", "weight"] == 1200
    assert faults(found) == [(4, "a weight below zero")]


def test_a_repeated_row_is_listed_and_used_once(text):
    found = read(text("Kommun;År;Antal\nAle;2015;1\nAle;2015;1\n"))
    assert len(found.frame) == 1
    assert found.counts == {"repeats row 2": 1}


def test_rows_of_other_indicators_are_left_out(text):
    file = text("indicator;code;year;value\nx;0114;2015;1\ny;0114;2015;2\n")
    found = read(file)
    assert cells(found) == {("0114", 2015, "T"): 1}
    assert "1 rows of other indicators were left out" in found.notes
    with pytest.raises(InputError, match="there is no 'z'; there are x, y"):
        read_observations(file, indicator="z")


# workbooks


def test_a_formula_without_a_stored_value_is_a_fault(book):
    rows = [["Kommun", "År", "Antal"], ["Ale", 2015, "=1+1"], ["Åre", 2015, 3], ["Sala", 2015, 3]]
    assert faults(read(book(rows))) == [(2, "a formula without a stored value")]


def test_a_merged_value_is_spread_over_nothing(book):
    rows = [["Kommun", "År", "Antal"], ["Ale", 2015, 5], ["Åre", 2015, None]]
    rows += [[n, 2015, 1] for n in ("Sala", "Ystad", "Malmö")]
    found = read(book(rows, ["C2:C3"]))
    assert faults(found) == [(2, "part of a merged cell"), (3, "part of a merged cell")]


def test_a_merged_place_stands_for_all_its_rows(book):
    rows = [["Kommun", "Kön", "År", "Antal"], ["Ale", "Kvinnor", 2015, 1], [None, "Män", 2015, 2],
            ["Åre", "Kvinnor", 2015, 3], [None, "Män", 2015, 4]]  # fmt: skip
    found = read(book(rows, ["A2:A3", "A4:A5"]))
    assert cells(found)["2321", 2015, "M"] == 4
    assert len(found.frame) == 4


def test_per_cent_cells_are_read_as_they_are_shown(book):
    def show(made):
        for row in made.worksheets[0]["C2:C3"]:
            row[0].number_format = "0.0%"

    rows = [["Kommun", "År", "Andel"], ["Ale", 2015, 0.454], ["Åre", 2015, 0.07]]
    found = read(book(rows, change=show))
    assert cells(found) == {("1440", 2015, "T"): 45.4, ("2321", 2015, "T"): 7}
    assert "2 cells in per cent format were multiplied by 100" in found.notes


def test_errors_and_truth_values_in_cells_are_faults(book):
    rows = [["Kommun", "År", "Antal"], ["Ale", 2015, "#DIV/0!"], ["Åre", 2015, True],
            ["Sala", 2015, 1], ["Ystad", 2015, 1]]  # fmt: skip
    assert faults(read(book(rows))) == [(2, "not a number"), (3, "not a number")]


BAD_BYTES = {
    "no workbook": ("own.xlsx", b"hello", "is not a readable workbook"),
    "half a workbook": ("own.xlsx", b"PK\x03\x04" + b"x" * 200, "is not a readable workbook"),
    "protected": (
        "own.xlsx",
        b"\xd0\xcf\x11\xe0" + b"x" * 600,
        "password-protected or an old .xls",
    ),
    "old": ("own.xls", b"\xd0\xcf\x11\xe0", "is an old .xls"),
    "workbook called csv": ("own.csv", b"PK\x03\x04....", "is a workbook, not text"),
    "no Parquet": ("own.parquet", b"hello", "is not a readable Parquet file"),
    "Mac letters": ("own.csv", "Kommun;Antal\nMalmö;1\n".encode("mac-roman"), "neither UTF-8"),
    "DOS letters": ("own.csv", "Kommun;Antal\nMalmö;1\n".encode("cp850"), "neither UTF-8"),
    "binary": ("own.csv", bytes(range(256)) * 4, "neither UTF-8"),
}


@pytest.mark.parametrize("case", BAD_BYTES)
def test_a_file_that_cannot_be_read_says_why(text, case):
    name, content, says = BAD_BYTES[case]
    with pytest.raises(InputError) as error:
        read(text(content, name=name))
    assert says in str(error.value)
    assert str(error.value).count("\n") == 0


@pytest.mark.parametrize("name", ["no.csv", "no.xlsx", "no.parquet"])
def test_a_file_that_is_not_there(tmp_path, name):
    with pytest.raises(InputError, match="there is no such file"):
        read(tmp_path / name)


def test_an_empty_sheet_is_told(book):
    with pytest.raises(InputError, match="is empty"):
        read(book([]))


def test_a_workbook_that_unpacks_beyond_reason_is_refused(book, monkeypatch):
    file = book([["Kommun", 2015], ["Ale", 1]])
    monkeypatch.setattr("evaluation.data.grid.MOST_BYTES", 1000)
    with pytest.raises(InputError, match="unpacks to"):
        read(file)


def test_a_damaged_part_of_a_workbook_is_told(book, tmp_path):
    import zipfile

    whole = book([["Kommun", 2015], ["Ale", 1]])
    broken = tmp_path / "broken.xlsx"
    with zipfile.ZipFile(whole) as a, zipfile.ZipFile(broken, "w") as b:
        for name in a.namelist():
            content = a.read(name)
            b.writestr(name, content[: len(content) // 2] if "sheet1" in name else content)
    with pytest.raises(InputError, match="is not a readable workbook"):
        read(broken)


# Parquet


def test_a_million_rows_of_parquet(tmp_path):
    codes = municipalities().index.to_numpy()
    n = 1_000_000
    frame = pd.DataFrame(
        {
            "indicator": np.repeat([f"i{k}" for k in range(50)], n // 50),
            "code": np.resize(codes, n),
            "year": 2000 + np.arange(n) // 290 % 20,
            "sex": np.array(["T", "K", "M"])[np.arange(n) // 5800 % 3],
            "value": np.arange(n, dtype=float),
        }
    ).drop_duplicates(["indicator", "code", "year", "sex"])
    file = tmp_path / "large.parquet"
    frame.to_parquet(file)
    found = read_observations(file, indicator="i7")
    own = frame[frame["indicator"] == "i7"]
    assert len(found.frame) == len(own)
    expected = observations(own.assign(state="observed"))
    pd.testing.assert_frame_equal(found.frame, expected)


def test_types_of_parquet_are_respected(tmp_path):
    frame = pd.DataFrame(
        {
            "kommun": ["0114 Upplands Väsby", "2321 Åre", "1440 Ale"],
            "år": pd.array([2015, 2015, 2015], dtype="Int64"),
            "antal": pd.array([1, None, 3], dtype="Int64"),
        }
    )
    file = tmp_path / "own.parquet"
    frame.to_parquet(file)
    found = read(file)
    assert cells(found) == {
        ("0114", 2015, "T"): 1, ("2321", 2015, "T"): "missing", ("1440", 2015, "T"): 3
    }  # fmt: skip
    frame.iloc[:0].to_parquet(file)
    with pytest.raises(InputError, match="has no rows"):
        read(file)
