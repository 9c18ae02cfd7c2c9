"""What was revised between two vintages, as files, and on the command line."""

import json

import numpy as np
import pandas as pd
import pytest
import typer
from openpyxl import load_workbook
from store_cases import ABOUT, ROWS, changed, made, table

from evaluation.cli import snapshots
from evaluation.data.observations import observations
from evaluation.data.store import SnapshotStore, diff, export, read_export
from evaluation.errors import InputError

NEW = [
    ("N00973", "0114", 2015, "T", 0.5, "observed"),  # was 0
    ("N00973", "0114", 2015, "K", 30.0, "observed"),  # was suppressed
    ("N00973", "0114", 2016, "T", None, "suppressed"),  # was missing
    ("N00973", "2321", 2015, "T", 85.25, "observed"),  # as it was
    ("N00973", "2321", 2017, "T", 60.0, "observed"),  # new, and U31001 is gone
]


@pytest.fixture
def store(tmp_path):
    return SnapshotStore(tmp_path / "store")


@pytest.fixture
def old(store):
    return store.put(table(), name="old", **ABOUT)


@pytest.fixture
def new(store):
    return store.put(table(NEW), name="new", **ABOUT)


def as_set(found):
    rows = found.table.astype(object).where(found.table.notna(), None)
    return set(rows.itertuples(index=False, name=None))


def test_every_kind_of_revision(old, new):
    found = diff(old, new)
    assert list(found.table.columns) == [
        *("indicator", "code", "year", "sex", "change", "old_value", "new_value"),
        *("old_state", "new_state", "difference"),
    ]
    assert as_set(found) == {
        ("N00973", "0114", 2015, "T", "value", 0.0, 0.5, "observed", "observed", 0.5),
        ("N00973", "0114", 2015, "K", "state", None, 30.0, "suppressed", "observed", None),
        ("N00973", "0114", 2016, "T", "state", None, None, "missing", "suppressed", None),
        ("N00973", "2321", 2017, "T", "added", None, 60.0, None, "observed", None),
        ("U31001", "2321", 2015, "T", "removed", -1.5, None, "observed", None, None),
    }
    assert len(found) == 5
    assert found.tidy() is found.table
    assert found.counts.to_numpy().tolist() == [
        ["N00973", 2015, 3, 1, 1, 0, 0],
        ["N00973", 2016, 1, 0, 1, 0, 0],
        ["N00973", 2017, 0, 0, 0, 1, 0],
        ["U31001", 2015, 0, 0, 0, 0, 1],
    ]
    assert found.revised()["year"].tolist() == [2017, 2016, 2015, 2015]
    assert found.summary("en") == (
        "Of 4 observations that both have, the value differs in 1 (largest +0.50: "
        "N00973 0114 2015 T) and the state in 2; added 1, removed 1."
    )
    assert found.summary("sv") == (
        "Av 4 observationer som finns i båda skiljer sig värdet i 1 (störst +0,50: "
        "N00973 0114 2015 T) och läget i 2; tillkomna är 1 och borttagna 1."
    )


def test_back_again_is_the_mirror(old, new):
    swap = {"added": "removed", "removed": "added"}
    there, back = diff(old, new), diff(new, old)
    mirrored = {
        (*row[:4], swap.get(row[4], row[4]), row[6], row[5], row[8], row[7]) for row in as_set(back)
    }
    assert {row[:9] for row in as_set(there)} == mirrored
    assert back.table["difference"].min() == -0.5


def test_the_same_data_have_no_revisions(store, old):
    again = store.put(table()[::-1], name="again", **ABOUT)
    found = diff(old, again)
    assert len(found) == 0
    assert found.total("both") == 5
    assert found.revised().empty
    assert found.summary("en") == "No revisions: all 5 observations are equal."
    assert found.summary("sv") == "Inga revideringar: alla 5 observationer är lika."


def test_the_tolerance_is_zero(store, old):
    last_digit = store.put(changed(3, value=np.nextafter(85.25, 90)), name="a", **ABOUT)
    found = diff(old, last_digit)
    assert found.table["change"].tolist() == ["value"]
    assert "largest +0.000000000000014:" in found.summary("en")
    assert found.table["difference"].iloc[0] == np.nextafter(85.25, 90) - 85.25
    far = [store.put(changed(3, value=v), name="b", **ABOUT) for v in (1.7e308, -1.7e308)]
    assert diff(*far).table["difference"].tolist() == [-np.inf]
    assert "largest −∞" in diff(*far).summary("en")
    assert diff(*far).to_dict()["revisions"][0]["difference"] is None


def test_data_with_nothing_in_common(store, old):
    other = store.put(made(3), name="other", **ABOUT)
    found = diff(old, other)
    assert [found.total(c) for c in ("both", "value", "state", "added", "removed")] == [
        *(0, 0, 0, 3, 5)
    ]


def test_revisions_are_those_that_a_merge_finds(store):
    rng = np.random.default_rng(11)
    a = made(3000)
    b = a.drop(index=rng.choice(3000, 200, replace=False)).copy()
    hit = rng.choice(len(b), 300, replace=False)
    b.iloc[hit, b.columns.get_loc("value")] += 1.0
    b.loc[b.index[hit[:50]], ["value", "state"]] = [np.nan, "missing"]
    more = made(3100).iloc[3000:]
    b = pd.concat([b, more]).sample(frac=1, random_state=1)
    pair = [store.put(f, name="x", **ABOUT) for f in (a, b)]
    found = diff(*pair)
    keys = ["indicator", "code", "year", "sex"]
    joined = a.merge(b, on=keys, how="outer", suffixes=("_old", "_new"), indicator=True)
    assert found.total("removed") == (joined["_merge"] == "left_only").sum() == 200
    assert found.total("added") == (joined["_merge"] == "right_only").sum() == 100
    both = joined[joined["_merge"] == "both"]
    assert found.total("both") == len(both)
    assert found.total("state") == (both["state_old"] != both["state_new"]).sum() == 50
    changes = (both["value_new"] - both["value_old"]).dropna()
    assert found.total("value") == (changes != 0).sum() == 250
    assert found.table["difference"].sum() == pytest.approx(changes.sum(), abs=1e-9)
    assert found.table[keys].equals(found.table[keys].sort_values(keys))


def test_only_some_indicators(old, new):
    found = diff(old, new).select(["U31001"])
    assert found.table["change"].tolist() == ["removed"]
    assert found.summary("en").startswith("Of 0 observations")
    with pytest.raises(InputError, match="neither snapshot has 'N1'; they have N00973, U31001"):
        diff(old, new).select(["N1"])


def test_revisions_as_plain_types_and_in_a_notebook(old, new):
    found = diff(old, new)
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (content["old"], content["new"]["name"]) == ({"id": old.id, "name": "old"}, "new")
    assert [content[k] for k in ("both", "value", "state", "added", "removed")] == [4, 1, 2, 1, 1]
    assert {r["old_value"] for r in content["revisions"]} == {0.0, None, -1.5}
    page = found._repr_html_()
    assert page.count("<table") == 2
    assert "largest +0.50" in page
    assert diff(old, old)._repr_html_().count("<table") == 0


def test_a_damaged_vintage_is_named(old, new):
    new.path.write_bytes(b"x")
    with pytest.raises(InputError, match="is damaged") as error:
        diff(old, new)
    assert error.value.file == str(new.path)


# files


def test_a_file_for_people(old, tmp_path):
    file = export(old, tmp_path / "new folder" / "a.csv")
    raw = file.read_bytes()
    assert raw.startswith("\ufeffindicator,code,year,sex,value,state,source\n".encode())
    source = f'"{old.provenance.label}"'
    assert raw.decode("utf-8-sig").splitlines()[1:4] == [
        f'"N00973","0114",2015,"K",,"suppressed",{source}',
        f'"N00973","0114",2015,"T",0,"observed",{source}',
        f'"N00973","0114",2016,"T",,"missing",{source}',
    ]
    assert [p.name for p in file.parent.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet"])
def test_simulated_data_keep_the_words_in_every_file(store, tmp_path, suffix):
    kept = store.put(table(), name="a", **ABOUT | {"source": "simulated"})
    file = export(kept, tmp_path / f"a.{suffix}")
    read = {"csv": pd.read_csv, "xlsx": pd.read_excel, "parquet": pd.read_parquet}[suffix]
    assert read(file)["source"].str.startswith("SIMULATED / SIMULERADE DATA").all()
    pd.testing.assert_frame_equal(read_export(file), observations(table()))


def test_a_sheet_says_where_it_is_from(old, tmp_path):
    file = export(old, tmp_path / "a.XLSX")
    about = pd.read_excel(file, sheet_name="provenance", header=None, index_col=0)[1]
    assert about["id"] == old.id
    assert about["citation line, sv"] == old.provenance.citation("sv")
    assert about["states.suppressed"] == "1"
    cells = pd.read_excel(file, dtype=object)
    assert cells["code"].tolist()[0] == "0114"


def test_too_many_rows_for_a_sheet(old, tmp_path, monkeypatch):
    monkeypatch.setattr("evaluation.data.store.exchange.MOST_XLSX_ROWS", 4)
    with pytest.raises(InputError, match=r"a sheet holds 4 rows and there are 5; use .csv or"):
        export(old, tmp_path / "a.xlsx")
    assert not (tmp_path / "a.xlsx").exists()


HEAD = "indicator,code,year,sex,value,state\n"
GOOD = "N00973,0114,2015,T,1.5,observed\n"


@pytest.mark.parametrize(
    ("text", "row", "field", "says"),
    [
        ("", None, None, "is not a CSV"),
        (HEAD.replace(",state", "") + "a,b,2015,T,1\n", None, "state", "no such column"),
        (HEAD + GOOD + "N00973,0115,2015,T,1 5,observed\n", 3, "value", "'1 5' is not a number"),
        (HEAD + GOOD + "N00973,0115,MMXV,T,1,observed\n", 3, "year", "'MMXV' is not a number"),
        (HEAD + GOOD + "N00973,0115,2015.5,T,1,observed\n", 3, "year", "is not a whole year"),
        (HEAD + GOOD + "N00973,0115,,T,1,observed\n", 3, "year", "is not a whole year"),
        (HEAD + GOOD + "N00973,,2015,T,1,observed\n", 3, "code", "'' is not text"),
        (HEAD + GOOD + "N00973,0115,2015,T,,..\n", 3, "state", "'..' is none of observed"),
        (HEAD + GOOD + "N00973,0115,2015,T,,observed\n", None, "value", "value nan is marked"),
        (HEAD + GOOD + "N00973,0115,2015,T,1,observed,x,y\n", None, None, "is not a CSV"),
        (HEAD.encode() + b"N\xe5,0115,2015,T,1,observed\n", None, None, "is not a CSV"),
    ],
)
def test_files_that_are_no_export(tmp_path, text, row, field, says):
    file = tmp_path / "a.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as error:
        read_export(file)
    assert says in error.value.problem
    assert (error.value.file, error.value.row, error.value.field) == (str(file), row, field)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.txt", "must end with one of .csv, .xlsx, .parquet"),
        ("gone.csv", "there is no such file"),
        ("a.xlsx", "is no Excel file"),
        ("a.parquet", "is no Parquet file"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, says):
    for kind in ("txt", "xlsx", "parquet"):
        (tmp_path / f"a.{kind}").write_text("x")
    with pytest.raises(InputError, match=says) as error:
        read_export(tmp_path / name)
    assert error.value.file == str(tmp_path / name)


def test_a_code_that_a_spreadsheet_made_a_number_of(old, tmp_path):
    frame = pd.read_excel(export(old, tmp_path / "a.xlsx"), dtype=object)
    frame.loc[1, "code"] = 114
    frame.to_excel(tmp_path / "b.xlsx", index=False)
    with pytest.raises(InputError, match="row 3, field code: 114 is not text"):
        read_export(tmp_path / "b.xlsx")


# the command line


@pytest.fixture
def data(cli, monkeypatch, store):
    """Call one of the store's commands."""
    app, group = typer.Typer(), typer.Typer()
    snapshots.attach(group)
    app.add_typer(group, name="data")
    monkeypatch.setattr("evaluation.cli.app", app)
    return lambda *arguments: cli("data", *arguments, "--store", store.root)


def test_listing(data, old, new, store):
    answer = data("snapshots")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert [line.split()[0] for line in lines] == [new.id[:12], old.id[:12]]
    assert "5 rows  N00973, U31001  2015–2016" in lines[1]
    listed = json.loads(data("snapshots", "--json").out)
    assert [s["name"] for s in listed] == ["new", "old"]
    assert listed[1]["file"] == str(old.path)
    store.put(made(2), name="twin", **ABOUT | {"source": "simulated"})
    assert "SIMULATED / SIMULERADE DATA" in data("snapshots").out.splitlines()[0]


def test_listing_nothing(data, store):
    assert data("snapshots").out == f"{store.root} has no snapshots\n"
    assert json.loads(data("snapshots", "--json").out) == []


def test_showing(data, old):
    answer = data("show", "old")
    assert answer.code == 0
    for text in (old.id, old.provenance.citation("sv"), old.provenance.citation("en"), "KT"):
        assert text in answer.out
    shown = json.loads(data("show", old.id[:12], "--json").out)
    assert shown["line_sv"] == old.provenance.citation("sv")
    assert shown["coverage"][0]["suppressed"] == 1


def test_showing_what_is_damaged(data, old):
    old.path.write_bytes(b"x")
    answer = data("show", "old")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"evaluation: {old.path}: is damaged: the file's SHA-256 is ")


def test_comparing(data, old, new):
    answer = data("diff", "old", "new")
    assert answer.code == 0
    assert answer.out.startswith("Of 4 observations that both have, the value differs in 1")
    assert "suppressed" in answer.out
    found = json.loads(data("diff", "old", "new", "--json", "--indicator", "U31001").out)
    assert (found["removed"], found["value"], len(found["revisions"])) == (1, 0, 1)
    same = data("diff", "old", old.id[:12])
    assert (same.code, same.out) == (0, "No revisions: all 5 observations are equal.\n")
    wrong = data("diff", "old", "gone")
    assert wrong.code == 2
    assert "there is no snapshot 'gone'" in wrong.err


def test_comparing_says_how_many_are_not_shown(data, old, store):
    store.put(made(50), name="long", **ABOUT)
    assert "… and 35 more; --json has them all" in data("diff", "old", "long").out


def test_exporting(data, old, tmp_path):
    file = tmp_path / "a.csv"
    answer = data("export", "old", file)
    assert (answer.code, answer.out) == (0, f"{file}: 5 rows of {old.provenance.label}\n")
    assert len(read_export(file)) == len(ROWS)
    made_file = json.loads(data("export", "old", tmp_path / "a.parquet", "--json").out)
    assert made_file == {"file": str(tmp_path / "a.parquet"), "rows": 5, "id": old.id}
    assert data("export", "old", tmp_path / "a.doc").code == 2


def test_nothing_in_an_export_is_a_formula(store, tmp_path):
    about = ABOUT | {"citation_sv": "=1+1", "request": {"file": "=HYPERLINK(1)"}}
    kept = store.put(table(), name="formula", notes=["=cmd|' /C calc'!A0", "+1"], **about)
    book = load_workbook(export(kept, tmp_path / "a.xlsx"))
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row]
    assert [c.value for c in cells if c.data_type == "f"] == []
    assert "=HYPERLINK(1)" in [c.value for c in cells]
    for source in ("=1+1", "+1", "-1", "@a", "\tSCB"):
        with pytest.raises(InputError, match="must begin with a letter or a digit"):
            store.put(table(), name="formula", **ABOUT | {"source": source})
