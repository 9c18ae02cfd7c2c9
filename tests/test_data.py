"""The data that ship, the panel, and how users' files are read."""

import numpy as np
import pandas as pd
import pytest

from evaluation import DATA_SETS, INDICATORS, InputError, Panel, embedded_panel, municipalities
from evaluation.data import embedded
from evaluation.data.files import balanced_panel, number_column, read_table, year_column
from evaluation.questions.context import CONTEXT, context_series

# embedded data


@pytest.mark.parametrize("name", DATA_SETS)
def test_checksum_and_number_of_rows(name):
    data = DATA_SETS[name]
    assert embedded.file_hash(data.path) == data.sha256
    assert len(embedded.load(name)) == data.rows
    assert all([data.source_sv, data.source_en, data.licence_sv, data.licence_en])


def test_an_altered_file_is_refused(monkeypatch, tmp_path):
    data = DATA_SETS["municipalities"]
    (tmp_path / "municipalities").mkdir()
    copy = tmp_path / "municipalities" / "municipalities.csv"
    copy.write_bytes(data.path.read_bytes().replace(b"44605", b"44606"))
    monkeypatch.setattr(embedded, "data_folder", lambda: tmp_path)
    with pytest.raises(InputError, match="was altered"):
        embedded.load("municipalities")
    copy.unlink()
    with pytest.raises(InputError, match="is missing"):
        embedded.load("municipalities")


def test_an_unknown_data_set_is_refused():
    with pytest.raises(InputError, match="'gdp' is no embedded data set; known are municipalities"):
        embedded.load("gdp")
    with pytest.raises(InputError, match="there is no outcome 'gdp'"):
        embedded_panel("gdp")


def test_290_municipalities():
    places = municipalities()
    assert len(places) == 290
    assert not places.index.has_duplicates
    assert places.index.str.fullmatch(r"\d{4}").all()
    assert places["name"].is_unique
    assert places["county"].nunique() == 21
    assert list(places.loc[["0180", "2321"], "name"]) == ["Stockholm", "Åre"]


def test_population_sums_to_the_nations():
    """Sweden had 10 120 242 inhabitants on 31 December 2017."""
    assert municipalities()["population_2017"].sum() == 10_120_242


@pytest.mark.parametrize(
    ("outcome", "first", "last"),
    [("foreign_background", 2010, 2025), ("low_economic_standard", 2011, 2024)],
)
def test_outcomes_have_every_municipality_and_year(outcome, first, last):
    panel = embedded_panel(outcome)
    assert panel.units == sorted(municipalities().index)
    assert panel.years == list(range(first, last + 1))
    assert panel.dropped == ()
    values = panel.values.to_numpy()
    assert np.isfinite(values).all()
    assert (values > 0).all()
    assert (values < 100).all()


def test_every_indicator_has_a_data_set():
    assert set(INDICATORS) <= set(DATA_SETS)
    assert all(key == i.id for key, i in INDICATORS.items())


@pytest.mark.parametrize(("year", "share"), [(2010, 7.40), (2018, 14.77), (2025, 13.34)])
def test_foreign_background_in_are(year, share):
    assert embedded_panel("foreign_background").values.loc["2321", year] == share


def test_low_economic_standard_is_in_whole_per_cent():
    values = embedded_panel("low_economic_standard").values
    assert (values == values.round()).all(axis=None)


@pytest.mark.parametrize(("year", "share"), [(2017, 35.58), (2018, 45.4), (2019, 34.45)])
def test_national_share_after_90_days_around_the_change_of_law(year, share):
    assert context_series("establishment_90_days").values.loc[year, "0000"] == share
    assert context_series("establishment_90_days").law_change == 2018


@pytest.mark.parametrize("name", CONTEXT)
def test_context_shows_the_nation_and_single_municipalities_only(name):
    series = context_series(name)
    codes = list(series.values.columns)
    assert codes == ["0000", "0180", "0980", "1280", "1480"]
    assert set(codes[1:]) <= set(municipalities().index)


# the panel


def frame(values, index=("a", "b"), columns=(2000, 2001)):
    return pd.DataFrame(values, index=list(index), columns=list(columns))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (frame([[1.0, 2.0], [3.0, 4.0]], index="aa"), "unit a stands twice"),
        (frame([[1.0, 2.0], [3.0, 4.0]], columns=(2000, 2000)), "2000"),
        (frame([[1.0, 2.0], [3.0, 4.0]], columns=(2001, 2000)), "2000"),
        (frame([[1.0, 2.0], [np.nan, 4.0]]), "unit b, year 2000: a finite number is needed"),
        (frame([[1.0, np.inf], [3.0, 4.0]]), "unit a, year 2001: a finite number is needed"),
        (frame([[1.0], [3.0]], columns=(2000,)), r"has 1 year\(s\) with data"),
    ],
    ids=["unit twice", "year twice", "years not ascending", "nan", "infinite", "one year"],
)
def test_panels_that_cannot_be_are_refused(values, says):
    with pytest.raises(InputError, match=says):
        Panel("y", values)


def test_panel_long_and_select():
    panel = Panel("y", frame([[1.0, 2.0], [3.0, 4.0]]))
    long = panel.long().set_index(["unit", "time"])["value"]
    assert long.to_dict() == {("a", 2000): 1, ("a", 2001): 2, ("b", 2000): 3, ("b", 2001): 4}
    assert panel.select(["b", "a"]).units == ["b", "a"]


def test_the_panels_hash_sees_values_units_years_and_name():
    panel = Panel("y", frame([[1.0, 2.0], [3.0, 4.0]]))
    others = [
        Panel("z", panel.values),
        Panel("y", frame([[1.0, 2.0], [3.0, 4.0 + 1e-9]])),
        Panel("y", frame(panel.values.to_numpy(), index="ac")),
        Panel("y", frame(panel.values.to_numpy(), columns=(2000, 2002))),
        panel.select(["b", "a"]),
    ]
    assert panel.hash() == Panel("y", panel.values.copy()).hash()
    assert len({panel.hash(), *(o.hash() for o in others)}) == 6


# users' files


@pytest.fixture
def csv(tmp_path):
    """Write a file and read it; bytes stay as they are."""

    def read(content):
        file = tmp_path / "file.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(file)

    return read


def test_a_plain_file(csv):
    table = csv("code,year,value\n0114,2010,1.5\n0115,2011,2\n")
    assert list(table.columns) == ["code", "year", "value"]
    assert list(table.index) == [2, 3]
    assert list(table["code"]) == ["0114", "0115"]
    assert number_column(table, "value").to_dict() == {2: 1.5, 3: 2.0}
    assert year_column(table, "year").to_dict() == {2: 2010, 3: 2011}


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfunit,value\na,1.5\n",
        b"unit;value\r\na;1,5\r\n",
        b"\xef\xbb\xbfunit;value\na;1.5\n",
        b"unit\tvalue\na\t1.5\n",
        b"unit,value\ra,1.5\r",
        b" unit , value \n a , 1.5 \n",
        b'"unit";"value"\n"a";"1,5"\n',
    ],
    ids=["mark", "semicolon", "mark and semicolon", "tab", "old line ends", "spaces", "quotes"],
)
def test_dialects(csv, content):
    table = csv(content)
    assert list(table.columns) == ["unit", "value"]
    assert list(table["unit"]) == ["a"]
    assert number_column(table, "value").to_dict() == {2: 1.5}


@pytest.mark.parametrize("text", ['unit,value\na,"1,5"\n', "unit\tvalue\na\t1,5\n"])
def test_a_comma_that_may_mark_thousands_is_refused(csv, text):
    with pytest.raises(InputError, match="row 2, field value: '1,5' is not a number"):
        number_column(csv(text), "value")


def test_rows_are_lines_of_the_file(csv):
    table = csv('\nunit,value\n\na,1\n   \n"two\nlines",2\n,\nb,3\n')
    assert table["unit"].to_dict() == {4: "a", 6: "two\nlines", 9: "b"}
    with pytest.raises(InputError) as error:
        number_column(csv('unit,value\n"two\nlines",1\nb,x\n'), "value")
    assert (error.value.row, error.value.field) == (4, "value")


@pytest.mark.parametrize(
    ("content", "row", "says"),
    [
        (b"", None, "is empty"),
        (b"  \n \n", None, "is empty"),
        (b"\xef\xbb\xbf", None, "is empty"),
        (b"unit,value\n", None, "no data rows"),
        (b"unit,value\na,1\nb\n", 3, "has 1 fields where the header has 2"),
        (b'unit,value\n"a\nb",1\nc,2,3\n', 4, "has 3 fields where the header has 2"),
        (b"unit,unit\na,1\n", 1, "stands twice"),
        (
            b"unit,value\n\xe5,1\n",
            None,
            "is not UTF-8 text (byte 11); in Excel save as «CSV UTF-8»",
        ),
        ("unit,value\na,1\n".encode("utf-16"), None, "is not UTF-8"),
        (b"unit,value\na," + b"1" * 200_000 + b"\n", 2, "is not a CSV"),
    ],
)
def test_files_that_cannot_be_read_are_refused(csv, tmp_path, content, row, says):
    with pytest.raises(InputError) as error:
        csv(content)
    assert says in error.value.problem
    assert error.value.file == str(tmp_path / "file.csv")
    assert error.value.row == row


@pytest.mark.parametrize("text", ["x", "1_000", "1 000", "0x10", "1,5", "--1", "inf", "1e999"])
def test_cells_that_are_no_finite_number_are_refused(csv, text):
    with pytest.raises(InputError) as error:
        number_column(csv(f'unit,value\na,1\nb,"{text}"\n'), "value")
    assert (error.value.row, error.value.field) == (3, "value")
    assert repr(text) in error.value.problem


@pytest.mark.parametrize("text", ["", "NA", "NaN", "nan", ".."])
def test_missing_numbers_are_allowed_only_where_asked_for(csv, text):
    table = csv(f"unit,value\na,1\nb,{text}\n")
    found = number_column(table, "value", missing=True)
    assert found[2] == 1
    assert np.isnan(found[3])
    with pytest.raises(InputError, match="row 3, field value: is empty; a number is needed"):
        number_column(table, "value")


def test_numbers_that_must_be_positive(csv):
    with pytest.raises(InputError, match="row 3, field value: '0' must be above zero"):
        number_column(csv("unit,value\na,1\nb,0\n"), "value", positive=True)


@pytest.mark.parametrize(("text", "year"), [("2010", 2010), ("2010.0", 2010), ("", 0)])
def test_years(csv, text, year):
    assert year_column(csv(f"unit,first\na,{text}\n"), "first", empty_is_zero=True)[2] == year


@pytest.mark.parametrize("text", ["2010.5", "2010-01", "MMX", "1e300", "99999999999999999999"])
def test_cells_that_are_no_year_are_refused(csv, text):
    with pytest.raises(InputError) as error:
        year_column(csv(f"unit,first\na,{text}\n"), "first")
    assert (error.value.row, error.value.field) == (2, "first")
    assert repr(text) in error.value.problem


def test_a_missing_column_is_named_with_those_that_are_there(csv):
    with pytest.raises(InputError, match="field value: there is no such column; the file has a, b"):
        number_column(csv("a,b\n1,2\n"), "value")


LONG = "unit,year,value\na,2000,1\na,2001,2\nb,2000,3\nb,2001,4\n"


def panel_of(table):
    return balanced_panel(table, unit="unit", time="year", outcome="value")


def test_a_balanced_panel(csv):
    panel = panel_of(csv(LONG))
    assert panel.outcome == "value"
    assert panel.units == ["a", "b"]
    assert panel.years == [2000, 2001]
    assert panel.values.to_numpy().tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("gap", ["c,2000,5\n", "c,2000,5\nc,2001,\n", "c,2000,5\nc,2001,NA\n"])
def test_units_with_a_gap_are_left_out_and_named(csv, gap):
    panel = panel_of(csv(LONG + gap))
    assert panel.units == ["a", "b"]
    assert panel.dropped == ("c",)


@pytest.mark.parametrize(
    ("content", "row", "field", "says"),
    [
        (LONG + "a,2001,2\n", 6, "unit", "unit a, 2001 stands twice (first in row 3)"),
        (LONG + "a,2001,\n", 6, "unit", "stands twice"),
        (LONG + ",2001,2\n", 6, "unit", "a unit is needed"),
        (LONG + "c,,2\n", 6, "year", "is empty"),
        (LONG + "c,2001,two\n", 6, "value", "'two' is not a number"),
        ("unit,year\na,2000\n", 1, "value", "no such column"),
        ("unit,year,value\na,2000,1\nb,2001,1\n", None, None, "no unit is observed in every year"),
        ("unit,year,value\na,2000,1\nb,2000,2\n", None, None, "at least two are needed"),
    ],
)
def test_panels_that_a_file_cannot_give(csv, tmp_path, content, row, field, says):
    with pytest.raises(InputError) as error:
        panel_of(csv(content))
    assert says in error.value.problem
    assert (error.value.row, error.value.field) == (row, field)
    assert error.value.file == str(tmp_path / "file.csv")
