"""DuckDB and Spark count the same; runs where pyspark and Java are there, as in CI."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from persons_cases import UNTIL, ten_persons, write
from typer.testing import CliRunner

from evaluation.data.persons import cohorts, engine
from evaluation.data.persons.faults import faulty_rows
from evaluation.data.persons.footers import Bounds, column_bounds
from evaluation.data.persons.typed import typed_records
from evaluation.errors import InputError

HAS_SPARK = bool(find_spec("pyspark")) and bool(shutil.which("java"))


def many(seed=5, n=400):
    """Return sound and faulty rows, some persons twice."""
    rng = np.random.default_rng(seed)
    frame = ten_persons().iloc[rng.integers(0, 10, n)].reset_index(drop=True)
    frame["person"] = np.r_[np.arange(n - 4), 0, 1, 2, 3]
    shift = pd.to_timedelta(rng.integers(0, 28, n), unit="D")
    frame["received"] = (frame["received"] + shift).astype("datetime64[us]")
    frame["assisted_kronor"] = frame["assisted_kronor"] + rng.integers(0, 100, n) / 100
    frame.loc[10, "sex"] = "X"
    frame.loc[11, "age"] = 200
    frame.loc[12, "received_code"] = "9999"
    frame.loc[13, "residence_code"] = "0180"
    frame.loc[14, "received"] = pd.NaT
    return frame


@pytest.mark.skipif(not HAS_SPARK, reason="needs pyspark and Java")
def test_spark_counts_what_duckdb_counts(tmp_path):
    frame = many()
    text = many().astype(object).where(lambda f: f.notna(), None)
    for name in ("received", "moved", "programme_end", "assisted_from"):
        text[name] = pd.to_datetime(frame[name]).dt.strftime("%Y-%m-%d")
    text.loc[20, "moved"] = "2015-02-30"
    text.loc[21, "age"] = "3O"
    for path in (
        write(frame, tmp_path / "many.parquet"),
        write(text, tmp_path / "many.csv"),
        write(frame.assign(person="p" + frame["person"].astype(str)), tmp_path / "text.parquet"),
    ):
        duck, spark = (
            cohorts(path, engine=e, until=UNTIL, largest_share=0.5) for e in ("duckdb", "spark")
        )
        assert duck.quality == spark.quality
        assert sum(duck.quality.dropped.values()) > 9
        assert len(duck.costs.table)
        for name in ("panel", "life_tables", "costs"):
            pd.testing.assert_frame_equal(getattr(duck, name).table, getattr(spark, name).table)
    assert spark.provenance["versions"].keys() == {"ibis-framework", "pyspark"}
    with pytest.raises(InputError, match="field person: holds what looks like"):
        cohorts(
            write(frame.assign(person="191212121212"), tmp_path / "pnr.parquet"), engine="spark"
        )


def test_spark_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    path = write(ten_persons(), tmp_path / "ten.parquet")
    with pytest.raises(InputError, match="Spark is not installed"):
        cohorts(path, engine="spark")


def test_memory_and_threads_do_not_change_the_counts(tmp_path):
    path = write(many(n=3_000), tmp_path / "many.parquet")
    one, two = (
        cohorts(path, until=UNTIL, memory=m, threads=t, largest_share=0.5)
        for m, t in (("200MB", 1), ("700MB", 2))
    )
    assert one.quality == two.quality
    pd.testing.assert_frame_equal(one.life_tables.table, two.life_tables.table)


def without_statistics(frame, path):
    """Write Parquet whose footer bounds nothing."""
    pq.write_table(pa.Table.from_pandas(frame), path, write_statistics=False)
    return path


def test_the_footer_leaves_out_only_what_cannot_be(tmp_path):
    frame = many()
    frame.loc[30, "moved"] = pd.Timestamp("2031-01-01")
    frame.loc[31, "assisted_kronor"] = -1.0
    told, silent = write(frame, tmp_path / "a.parquet"), tmp_path / "b.parquet"
    without_statistics(frame, silent)
    assert column_bounds([told], "parquet")["age"].high == 200
    assert column_bounds([silent], "parquet")["age"] == Bounds()
    one, two = (cohorts(f, until=UNTIL, largest_share=0.5) for f in (told, silent))
    assert one.quality == two.quality
    assert one.quality.dropped["age"] == one.quality.dropped["missing"] == 1
    for name in ("panel", "life_tables", "costs"):
        pd.testing.assert_frame_equal(getattr(one, name).table, getattr(two, name).table)


def test_bounds_are_those_of_all_files_and_blocks(tmp_path):
    frame = pd.DataFrame({"n": [3, 5, 9], "t": ["b", "a", None], "f": [1.0, np.nan, 2.0]})
    frame["d"] = pd.to_datetime(["2015-01-01", "2014-01-01", "2016-01-01"])
    first, second = tmp_path / "1.parquet", tmp_path / "2.parquet"
    pq.write_table(pa.Table.from_pandas(frame), first, row_group_size=1)
    pq.write_table(pa.Table.from_pandas(frame.assign(n=[1, 2, 12]).drop(columns="d")), second)
    one = column_bounds([first], "parquet")
    assert (one["n"], one["d"].low) == (Bounds(3, 9, 0), pd.Timestamp("2014-01-01"))
    # a block with nothing but missing values bounds nothing
    assert one["t"] == Bounds(None, None, 1)
    both = column_bounds([first, second], "parquet")
    assert both["n"] == Bounds(1, 12, 0)
    assert "d" not in both
    assert column_bounds([first], "csv") == {}


def test_which_conditions_a_footer_rules_out(tmp_path):
    frame = ten_persons()

    def sql(bounds):
        with engine.open_engine("duckdb") as running:
            path = write(frame, tmp_path / "p.parquet")
            records = typed_records(running.read([path], "parquet"), bounds=bounds)
            return ibis.to_sql(faulty_rows(records, 12 * 2018 + 11)).split("WHERE")[-1]

    assert '"age" > 110' in sql({})
    assert '"age" > 110' in sql({"age": Bounds(0, 111)})
    assert '"age" > 110' not in sql({"age": Bounds(0, 110)})
    late = '"moved" >= MAKE_TIMESTAMP(2019, 1, 1'
    assert late in sql({"moved": Bounds(high=pd.Timestamp("2019-01-01"))})
    assert late not in sql({"moved": Bounds(high=pd.Timestamp("2018-12-31"))})
    assert '"person" IS NULL' in sql({"person": Bounds(1, 10, 1)})
    assert '"person" IS NULL' not in sql({"person": Bounds(1, 10, 0)})


def test_an_identity_number_hides_behind_no_footer(tmp_path):
    frame = pd.concat([ten_persons()] * 300, ignore_index=True).assign(person=np.arange(3_000))
    # beyond the rows that are looked at first, and between bounds that begin with letters or not
    for column, other in (("note", "a"), ("note", ""), ("received_code", "2321")):
        bad = frame.assign(**{column: [*[other] * 2_999, "191212121212"]})
        with pytest.raises(InputError, match=f"field {column}: holds what looks like"):
            cohorts(write(bad, tmp_path / "p.parquet"), until=UNTIL, largest_share=0.5)
    fine = frame.assign(note="SIMULATED 191212121212")
    assert cohorts(write(fine, tmp_path / "p.parquet"), until=UNTIL).quality.rows == 3_000


def test_a_date_before_the_calendar_is_unreadable(tmp_path):
    frame = ten_persons()
    path = write(frame, tmp_path / "p.parquet")
    table = pq.read_table(path)
    old = pa.array([-(10**17), *[None] * 9], pa.timestamp("us"))
    place = table.schema.get_field_index("assisted_from")
    pq.write_table(table.set_column(place, "assisted_from", old), path)
    found = cohorts(path, until=UNTIL, largest_share=0.5).quality.dropped
    assert found["unreadable"] == 1


def test_a_year_9999_stays_in_its_column(tmp_path):
    frame = ten_persons()
    frame["observed_from"] = pd.Series([pd.Timestamp("9999-12-01"), *[pd.NaT] * 9]).astype(
        "datetime64[us]"
    )
    far = cohorts(write(frame, tmp_path / "far.parquet"), until=UNTIL)
    frame.loc[0, "observed_from"] = pd.Timestamp("2019-01-01")
    near = cohorts(write(frame, tmp_path / "near.parquet"), until=UNTIL)
    assert far.quality == near.quality
    assert far.quality.kept == 10
    for name in ("panel", "life_tables", "costs"):
        pd.testing.assert_frame_equal(getattr(far, name).table, getattr(near, name).table)


def test_a_folder_may_hold_other_files(tmp_path):
    write(ten_persons(), tmp_path / "a.parquet")
    (tmp_path / "README.txt").write_text("x", encoding="utf-8")
    files, kind = engine.person_files(tmp_path)
    assert ([f.name for f in files], kind) == (["a.parquet"], "parquet")


# ---- the command


@pytest.fixture
def command():
    import typer

    from evaluation.cli import cohorts as room

    app = typer.Typer()
    room.attach(app)
    app.command("other")(lambda: None)

    def run(*arguments):
        found = CliRunner().invoke(app, ["cohorts", *map(str, arguments)])
        if found.exception and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found.output

    return run


def test_the_command_counts_and_writes(command, tmp_path):
    frame = pd.concat([ten_persons()[7:9]] * 6, ignore_index=True).assign(person=np.arange(12))
    frame.loc[0, "sex"] = "X"
    path = write(frame, tmp_path / "p.parquet")
    call = (path, "--until", UNTIL, "--max-dropped", "0.1")
    text = command(*call, "--out", tmp_path / "out")
    assert "1: sex is neither woman nor man" in text
    assert (tmp_path / "out" / "outcomes.csv").is_file()
    found = json.loads(command(*call, "--out", tmp_path / "out", "--json"))
    assert (found["rows"], found["kept"], found["dropped"]["unknown_sex"]) == (12, 11, 1)
    assert found["hidden"]["status_90_days"] > 0
    assert "data" not in found
    with pytest.raises(InputError, match="1 of 12 rows cannot be counted"):
        command(path, "--until", UNTIL, "--max-dropped", "0.01")


def test_the_command_imports_nothing_heavy():
    code = "import sys, evaluation.cli.cohorts; print([m for m in ('ibis', 'duckdb', 'pandas', " \
        "'pyarrow', 'pyspark') if m in sys.modules])"  # fmt: skip
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


SPARK = pytest.param(
    "spark", marks=pytest.mark.skipif(not HAS_SPARK, reason="needs pyspark and Java")
)


@pytest.mark.parametrize("engine_name", ["duckdb", SPARK])
def test_moves_in_the_first_and_the_last_month(tmp_path, engine_name):
    """Four spells by hand, where the footers say the first month and where they do not."""
    come, leave = (
        ("2014-03-31", "2015-12-05", "2015-12-05", "2014-03-02"),
        (
            "2014-03-31",  # in the month of reception: there for a month
            "2015-12-30",  # in the data's last month too: nothing of it is seen
            None,
            "2015-12-31",
        ),
    )
    frame = pd.DataFrame(
        {
            "person": [1, 2, 3, 4],
            "received_code": "0114",
            "received": pd.to_datetime(list(come)).astype("datetime64[us]"),
            "sex": "K",
            "moved": pd.to_datetime(list(leave)).astype("datetime64[us]"),
            "move": ["abroad", "elsewhere", None, "death"],
        }
    )
    seen = frame.assign(observed_until=pd.NaT).astype({"observed_until": "datetime64[us]"})
    told, silent, until = (tmp_path / f"{n}.parquet" for n in ("told", "silent", "until"))
    write(frame, told), without_statistics(frame, silent), write(seen, until)
    for path in (told, silent, until):
        counted = cohorts(path, until="2015-12", engine=engine_name)
        assert counted.quality.kept == 4
        table = counted.life_tables.table.set_index("month")
        assert set(table["cohort"]) == {2014}
        assert table["at_risk"].to_dict() == {1: 2} | dict.fromkeys(range(2, 22), 1)
        events = table[["elsewhere", "abroad", "death", "censored"]].stack()
        assert events[events > 0].to_dict() == {(1, "abroad"): 1, (21, "death"): 1}
        panel = counted.panel.table.set_index(["year", "sex"])
        assert panel["received"].loc[[(2014, "K"), (2015, "K")]].tolist() == [2, 2]
