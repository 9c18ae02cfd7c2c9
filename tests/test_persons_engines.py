"""DuckDB and Spark count the same; runs where pyspark and Java are there, as in CI."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from persons_cases import UNTIL, ten_persons, write
from typer.testing import CliRunner

from evaluation.data.persons import cohorts, engine
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
