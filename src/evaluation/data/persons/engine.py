"""The engine: DuckDB on one machine, Spark where one is outgrown; the expressions are the same."""

from __future__ import annotations

import csv
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from evaluation.errors import InputError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

__all__ = [
    "ENGINES",
    "Engine",
    "EngineName",
    "number_at",
    "open_engine",
    "person_files",
    "word_number",
]

EngineName = Literal["duckdb", "spark"]
ENGINES: Final = ("duckdb", "spark")
_SUFFIXES: Final = {".parquet": "parquet", ".csv": "csv"}
_FUNCTIONS: Final = {
    "duckdb": (
        """CREATE TEMPORARY MACRO number_at(numbers, place) AS
            list_extract(string_split(numbers, '|')::BIGINT[], place)""",
        """CREATE TEMPORARY MACRO word_number(words, numbers, word) AS
            number_at(numbers, list_position(list_append(string_split(words, '|'), NULL), word))
        """,
    ),
    "spark": (
        """CREATE TEMPORARY FUNCTION number_at(
            numbers STRING, place BIGINT) RETURNS BIGINT RETURN
            element_at(CAST(split(numbers, '[|]') AS ARRAY<BIGINT>), CAST(
                CASE WHEN place BETWEEN 1 AND size(split(numbers, '[|]')) THEN place END AS INT))
        """,
        """CREATE TEMPORARY FUNCTION word_number(
            words STRING, numbers STRING, word STRING) RETURNS BIGINT RETURN
            number_at(numbers, CASE WHEN word IS NULL THEN size(split(numbers, '[|]'))
                               ELSE nullif(array_position(split(words, '[|]'), word), 0) END)""",
    ),
}
"""The same functions for each: DuckDB finds a missing word in a list, Spark does not."""
_DENSE: Final = 1 << 28
"""Bytes of all threads in which DuckDB may count every cell that may be, found or not."""


def word_number(words: Sequence[str], numbers: Sequence[int], word: ir.Value) -> ir.IntegerValue:
    """Return the number that stands where the word does in the list.

    The last of the numbers, one more than the words, is for a missing word; a word that is not in
    the list gets a missing number. A function of one column and nothing else, which DuckDB works
    out once per word of a block of rows; ``CASE``, ``COALESCE`` and casts it would for every row.
    """
    import ibis

    @ibis.udf.scalar.builtin(name="word_number", signature=(("string",) * 3, "int64"))
    def look_up(words, numbers, word):  # type: ignore[no-untyped-def]
        """Look a word up."""

    return cast("ir.IntegerValue", look_up(_listed(words), _listed(numbers), word))


def number_at(numbers: Sequence[int], place: ir.IntegerValue) -> ir.IntegerValue:
    """Return the number that stands at a place, from 1; what none is outside is not settled.

    DuckDB knows between which numbers the answer lies, as it does of :func:`word_number`: sums of
    such numbers are not looked at for being too large, and groups of them are counted in an array.
    """
    import ibis

    @ibis.udf.scalar.builtin(name="number_at", signature=(("string", "int64"), "int64"))
    def take(numbers, place):  # type: ignore[no-untyped-def]
        """Take a number."""

    return cast("ir.IntegerValue", take(_listed(numbers), place))


def _listed(values: Sequence[str] | Sequence[int]) -> str:
    """Return a list as one text: Ibis takes longer to write many literals than it is to count."""
    return "|".join(map(str, values))


def person_files(path: str | Path) -> tuple[list[Path], str]:
    """Return the files of a path, and their kind.

    Parameters
    ----------
    path : str or pathlib.Path
        A file ending with .parquet or .csv, or a folder of such files, all of one kind.

    Returns
    -------
    files : list of pathlib.Path
        Sorted by name.
    kind : str
        ``parquet`` or ``csv``.

    Raises
    ------
    InputError
        If there is none, or kinds are mixed.
    """
    place = Path(path)
    if not place.exists():
        raise InputError("there is no such file or folder", file=str(path))
    found = sorted(place.iterdir()) if place.is_dir() else [place]
    files = [f for f in found if f.is_file() and f.suffix.lower() in _SUFFIXES]
    if not files:
        raise InputError("must be .parquet or .csv, or a folder of such files", file=str(path))
    kinds = {_SUFFIXES[f.suffix.lower()] for f in files}
    if len(kinds) > 1:
        raise InputError("mixes .parquet and .csv; keep one kind in the folder", file=str(path))
    return files, kinds.pop()


@dataclass(frozen=True)
class Engine:
    """A running engine.

    Parameters
    ----------
    name : {"duckdb", "spark"}
        Which.
    backend : object
        Ibis' connection.
    session : object
        Spark's session; None for DuckDB.
    """

    name: EngineName
    backend: Any = field(repr=False)
    session: Any = field(repr=False, default=None)

    @property
    def versions(self) -> dict[str, str]:
        """Versions of what counted."""
        own = "duckdb" if self.name == "duckdb" else "pyspark"
        return {p: metadata.version(p) for p in ("ibis-framework", own)}

    def read(self, files: list[Path], kind: str, name: str = "person_records") -> ir.Table:
        """Return the files as one table; every column of a CSV is text.

        A view is replaced by the next of the same name.

        Raises
        ------
        InputError
            If the engine cannot read them, or a CSV has a column twice.
        """
        paths = [str(f.absolute()) for f in files]
        if kind == "csv":
            _refuse_double_columns(files)
        try:
            if self.session is not None:
                reader = self.session.read
                if kind == "csv":
                    reader = reader.options(header=True, inferSchema=False, mode="FAILFAST")
                reader.format(kind).load(paths).createOrReplaceTempView(name)
                return self.backend.table(name)
            if kind == "csv":
                return self.backend.read_csv(paths, all_varchar=True, header=True)
            return self.backend.read_parquet(paths)
        except Exception as error:
            text = str(error).strip().splitlines()[0][:200]
            raise InputError(f"cannot be read: {text}", file=str(files[0])) from None

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        """Run an expression once and return its rows as a table, which goes with the engine.

        Raises
        ------
        InputError
            As :meth:`arrow`.
        """
        with self._own_words():
            if self.session is None:
                return self.backend.create_table(name, expression, temp=True)
            frame = self.session.sql(self.backend.compile(expression)).persist()
            frame.createOrReplaceTempView(name)
            return self.backend.table(name)

    def arrow(self, expression: ir.Table) -> pa.Table:
        """Run an expression.

        Raises
        ------
        InputError
            If the engine cannot: a value out of every range, too little memory or disk.
        """
        with self._own_words():
            if self.session is not None:
                return self.session.sql(self.backend.compile(expression)).toArrow()
            return self.backend.to_pyarrow(expression)

    @contextmanager
    def _own_words(self) -> Iterator[None]:
        """Replace an engine's error, whose text may hold a person's value."""
        failure: type[Exception]
        if self.session is None:
            import duckdb

            failure = duckdb.Error
        else:
            from pyspark.errors import PySparkException

            failure = PySparkException
        try:
            yield
        except failure as error:
            kind = type(error).__name__
            what = "a number or date is out of every range"
            if "Memory" in kind or "IO" in kind:
                what = "give more --memory, or more room for temporary files"
            raise InputError(f"the records cannot be counted ({kind}): {what}") from None


def _refuse_double_columns(files: list[Path]) -> None:
    """Refuse a CSV with a column twice: the engines would give one of them another name."""
    for file in files:
        with file.open(encoding="utf-8", errors="replace") as handle:
            line = handle.readline().lstrip("\ufeff").strip()
        cut = max(",;\t|", key=line.count)
        names = [n.strip().casefold() for n in next(csv.reader([line], delimiter=cut), [])]
        for name in names:
            if names.count(name) > 1:
                raise InputError("this column name stands twice", file=str(file), row=1, field=name)


@contextmanager
def open_engine(
    name: EngineName,
    *,
    master: str = "local[2]",
    memory: str = "500MB",
    threads: int | None = None,
) -> Iterator[Engine]:
    """Start an engine, and stop it.

    Parameters
    ----------
    name : {"duckdb", "spark"}
        Which.
    master : str
        Spark's master address.
    memory : str
        DuckDB's limit; beyond it, it works on disk in a folder that is removed afterwards.
    threads : int, optional
        DuckDB's; as many as there are cores without.

    Raises
    ------
    InputError
        If there is no such engine, or it cannot start.
    """
    if name not in ENGINES:
        raise InputError(f"{name!r} is none of {', '.join(ENGINES)}", field="--engine")
    with tempfile.TemporaryDirectory(prefix="evaluation-persons-") as place:
        if name == "duckdb":
            yield from _duckdb(place, memory, threads)
        else:
            yield from _spark(place, master)


def _duckdb(place: str, memory: str, threads: int | None) -> Iterator[Engine]:
    import duckdb
    import ibis

    fault = InputError(
        f"{memory!r} is not enough, or not an amount such as 500MB", field="--memory"
    )
    # DuckDB would take a negative amount for no limit at all
    if not memory[:1].isdigit():
        raise fault
    more: dict[str, Any] = {} if threads is None else {"threads": threads}
    try:
        backend = ibis.duckdb.connect(
            memory_limit=memory, temp_directory=place, preserve_insertion_order=False, **more
        )
        with suppress(duckdb.InvalidInputException):
            # refused in a notebook without ipywidgets, where there is no bar to begin with
            backend.raw_sql("SET enable_progress_bar = false")
        for function in _FUNCTIONS["duckdb"]:
            backend.raw_sql(function)
        (running,) = backend.raw_sql("SELECT current_setting('threads')").fetchone()
        # a count takes 8 bytes, and each thread has an array of its own
        bits = max((_DENSE // 8 // running).bit_length() - 1, 12)
        backend.raw_sql(f"SET perfect_ht_threshold = {bits}")
    except duckdb.Error:
        raise fault from None
    try:
        yield Engine("duckdb", backend)
    finally:
        backend.disconnect()


def _spark(place: str, master: str) -> Iterator[Engine]:
    try:
        with warnings.catch_warnings():
            # it warns of pandas 3, of which nothing here is used: results come as Arrow
            warnings.simplefilter("ignore", FutureWarning)
            import pyspark.sql
    except ImportError:
        raise InputError(
            "Spark is not installed; pip install 'integration-evaluation[spark]'", field="--engine"
        ) from None
    import ibis

    warnings.filterwarnings("ignore", ".*pandas >= 3.0.0.*", FutureWarning, "pyspark")
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "8",
        "spark.local.dir": place,
        "spark.sql.warehouse.dir": place,
        "spark.log.level": "ERROR",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = pyspark.sql.SparkSession.builder.master(master).appName("evaluation cohorts")
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:
        text = str(error).strip().splitlines()[0][:200]
        raise InputError(f"Spark does not start at {master!r}: {text}", field="--master") from None
    for function in _FUNCTIONS["spark"]:
        session.sql(function)
    try:
        yield Engine("spark", ibis.pyspark.connect(session), session)
    finally:
        with suppress(Exception):
            session.stop()
