r"""The counts of the rows that count: spells, leavers, assistance.

First the rows that do not count are found, with why, and kept with the cells in which they would
be: they are few. Then three counts follow: spells in the municipality of reception; leavers of the
programme by residence and statuses; assistance by the month in which it begins, and by the month
after its last. The first two count all rows and take those that do not count off their cells
again, which is less work than to ask of every row whether it counts. A largest amount cannot be
taken off, so that assistance does ask. Each
groups by one whole number that holds all its columns. That is less work than one pass with four
grouping sets, where every row goes through every set, and where no set can be filtered before.
Everything else (shares, numbers at risk, kronor by calendar year) follows from these counts by
addition, and so costs the same however many persons there are. Assistance paid in month c is

.. math:: A_c = \sum_{s \le c} b_s - \sum_{s \le c} e_s

with b the monthly amounts that begin in month s and e those that have ended before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from evaluation.data.persons.contract import EDUCATION, KINDS, STATUSES
from evaluation.data.persons.engine import Engine
from evaluation.data.persons.faults import month_number
from evaluation.data.persons.packing import CHANGED, Packing, less, tallied
from evaluation.data.persons.typed import Records
from evaluation.data.places import codes
from evaluation.errors import InputError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

__all__ = ["ORE", "SETS", "Cells", "cell_numbers", "count_cells"]

ORE: Final = 100
_PLACES, _YEARS, _MONTHS = 512, 1 << 14, 1 << 17
_SEX, _EDUCATION, _KIND, _STATUS = 4, 8, 8, 4
_AT: Final = (("place", _PLACES), ("sex", _SEX))
SETS: Final[dict[str, tuple[tuple[str, int], ...]]] = {
    "spell": (
        ("code", _PLACES),
        ("year", _YEARS),
        ("sex", _SEX),
        ("entry", _MONTHS),
        ("end", _MONTHS),
        ("kind", _KIND),
    ),
    "leaver": (
        ("place", _PLACES),
        ("left", _YEARS),
        ("sex", _SEX),
        ("education", _EDUCATION),
        *((s, _STATUS) for s in STATUSES),
    ),
    "begins": (*_AT, ("begin", _MONTHS)),
    "ended": (*_AT, ("stop", _MONTHS)),
}
"""Columns of each count, and below how many its numbers stay: all of a count fit in 63 bits."""
_FROM_ONE: Final = dict.fromkeys(("code", "place", "sex", "education", *STATUSES), 1)
"""Words are numbered from 1, places from 0; a missing status is −1 then."""
_DENSE: Final = 1 << 25
"""Most cells that are counted in an array of all of them: 128 MB."""
_ASSISTANCE: Final = """
SELECT begins, ended, COUNT(*) AS n, CAST(SUM(amount) AS BIGINT) AS amount, MAX(amount) AS largest
FROM person_assistance GROUP BY GROUPING SETS ((begins), (ended))
"""


@dataclass(frozen=True)
class Cells:
    """The counts of rows that are kept, with those left out by reason.

    Parameters
    ----------
    rows : int
        Rows of the file.
    dropped : dict of int to int
        Rows by place of the reason in ``REASONS``, from 1.
    spell, leaver, begins, ended : pandas.DataFrame
        Columns of ``SETS``, and ``n``; assistance has ``amount`` and ``largest``
        besides, öre a month. Sex is 0 for women and 1 for men; codes are places in the sorted
        list of municipalities.
    """

    rows: int
    dropped: dict[int, int]
    spell: pd.DataFrame = field(repr=False)
    leaver: pd.DataFrame = field(repr=False)
    begins: pd.DataFrame = field(repr=False)
    ended: pd.DataFrame = field(repr=False)


def count_cells(engine: Engine, records: Records, until: int, faulty: ir.Table) -> Cells:
    """Count every cell.

    Parameters
    ----------
    engine : Engine
        That reads the rows.
    records : Records
        The rows.
    until : int
        The last month that is known, from January of year 0.
    faulty : ibis.expr.types.Table
        ``person`` and ``reason`` of rows that do not count, as
        :func:`evaluation.data.persons.faults.faulty_rows` finds them, and their
        :func:`cell_numbers`, kept by the engine.

    Returns
    -------
    Cells
        Sorted, whatever the engine's order.

    Raises
    ------
    InputError
        If the file changes while it is counted.
    """
    lost = engine.arrow(faulty.group_by("reason").aggregate(n=faulty.count())).to_pylist()
    dropped = {int(r["reason"]): int(r["n"]) for r in lost}
    rows = int(engine.arrow(records.table.count().as_table()).column(0)[0].as_py())
    t = records.table
    numbers = _numbers(records, until)
    parts: dict[str, pd.DataFrame] = {}
    for name in ("spell", "leaver"):
        if name not in numbers:
            parts[name] = _unpack(name, None)
            continue
        where, number = numbers[name]
        every = (t if where is None else t.filter(where)).select(**{name: number})
        packing = _packing(name, records, until)
        if engine.session is None and packing.cells <= _DENSE and rows < 1 << 31:
            counted = tallied(engine.batches(every), name, packing)
        else:
            counted = engine.arrow(_counted(every, name))
        if dropped:
            counted = less(counted, engine.arrow(_counted(faulty, name)), name)
        parts[name] = _unpack(name, counted, packing)
    if int(parts["spell"]["n"].sum()) != rows - sum(dropped.values()):
        raise InputError(CHANGED)
    if records.has("residence_code", "assisted_from", "assisted_months", "assisted_kronor"):
        # who has several rows has none that counts, so that a person says which rows those are
        if records.bound("person").gaps:
            t = t.filter(t["person"].notnull())
        if dropped:
            t = t.anti_join(faulty.filter(faulty["person"].notnull()), "person")
        paid = engine.arrow(_assistance(t))
    else:
        paid = None
    parts |= {name: _unpack(name, paid) for name in ("begins", "ended")}
    return Cells(rows, dict(sorted(dropped.items())), **parts)


def cell_numbers(records: Records, until: int) -> dict[str, ir.IntegerValue]:
    """Return the number of the cell in which a row is counted, by name of the count.

    Parameters
    ----------
    records : Records
        The rows.
    until : int
        The last month that is known, from January of year 0.

    Returns
    -------
    dict
        Expressions for ``spell``, and ``leaver`` where the file has the columns; missing for a
        row that is in no cell.
    """
    return {
        name: number if where is None else where.ifelse(number, None)
        for name, (where, number) in _numbers(records, until).items()
    }


def _numbers(
    records: Records, until: int
) -> dict[str, tuple[ir.BooleanValue | None, ir.IntegerValue]]:
    """Return for the counts without amounts which rows are in them, and the rows' numbers."""
    found: dict[str, tuple[ir.BooleanValue | None, ir.IntegerValue]] = {
        "spell": (None, _spells(records, until))
    }
    if records.has("residence_code", "programme_end"):
        t = records.table
        found["leaver"] = (
            t["programme_end"].notnull() & (t["residence_code"] > 0),
            _leavers(records),
        )
    return found


def _packing(name: str, records: Records | None = None, until: int = 0) -> Packing:
    """Return how a count's columns are packed: spells in as few cells as the files allow."""
    columns = tuple((c, 0, size) for c, size in SETS[name])
    first = None if records is None else records.bound("received").low
    if name != "spell" or records is None or first is None or records.has("observed_from"):
        return Packing(columns)
    # who counts came between the first reception and the data's end
    came = 12 * first.year + first.month - 1
    narrow = {
        "code": (1, len(codes())),
        "year": (first.year, until // 12 - first.year + 1),
        "sex": (1, 2),
        "entry": (0, 1),
        "end": (0, until - came + 1),
        "kind": (0, len(KINDS) + 1),
    }
    return (
        Packing(tuple((c, *narrow[c]) for c, _, _ in columns))
        if came <= until
        else Packing(columns)
    )


def _spells(records: Records, until: int) -> ir.IntegerValue:
    import ibis

    t = records.table
    came = month_number(t["received"])
    censored: ir.IntegerValue = until - came
    columns: dict[str, ir.Value] = {
        "code": t["received_code"],
        "year": t["received"].year().cast("int64"),
        "sex": t["sex"],
    }
    if records.has("observed_from"):
        # whoever enters after everything has ended is never there; a stray year must fit, though
        entry = ibis.least(month_number(t["observed_from"]) - came, _MONTHS - 1)
        columns["entry"] = (t["observed_from"].isnull()).ifelse(0, entry)
    if records.has("observed_until"):
        own = month_number(t["observed_until"]) - came
        censored = ibis.least(ibis.coalesce(own, censored), censored)
    columns["end"] = censored
    if records.has("moved", "move"):
        stay = month_number(t["moved"]) - came
        # least and greatest pass over what is missing: without a move it is the censored month.
        # Whoever moves in the month of reception was there for a month; see the life table
        columns["end"] = ibis.least(ibis.greatest(ibis.least(stay, censored), 1), censored)
        # without a move the kind is 0 either way
        columns["kind"] = (ibis.greatest(stay, 1) <= censored).ifelse(t["move"], 0)
    return _packing("spell", records, until).pack(columns)


def _leavers(records: Records) -> ir.IntegerValue:
    t = records.table
    columns: dict[str, ir.Value] = {
        "place": t["residence_code"],
        "left": t["programme_end"].year().cast("int64"),
        "sex": t["sex"],
    }
    if records.has("education"):
        none = EDUCATION.index("unknown") + 1
        columns["education"] = (t["education"] == 0).ifelse(none, t["education"])
    columns |= {s: t[s] for s in STATUSES if records.has(s)}
    return _packing("leaver").pack(columns)


def _counted(table: ir.Table, name: str) -> ir.Table:
    return table.group_by(name).aggregate(n=table.count())


def _assistance(t: ir.Table) -> ir.Table:
    t = t.filter(t["assisted_from"].notnull() & (t["residence_code"] > 0))
    at: dict[str, ir.Value] = {"place": t["residence_code"], "sex": t["sex"]}
    begin = month_number(t["assisted_from"])
    stop = begin + t["assisted_months"].cast("int64")
    paid = t.select(
        begins=_packing("begins").pack(at | {"begin": begin}),
        ended=_packing("ended").pack(at | {"stop": stop}),
        amount=(t["assisted_kronor"] * ORE).round().cast("int64"),
    )
    return paid.alias("person_assistance").sql(_ASSISTANCE, dialect="duckdb")


def _unpack(name: str, counted: pa.Table | None, packing: Packing | None = None) -> pd.DataFrame:
    """Take a count's columns out of its number again, sorted by it and so by them."""
    numbers = ["n"] if name in ("spell", "leaver") else ["n", "amount", "largest"]
    if counted is None:
        return pd.DataFrame({c: np.zeros(0, np.int64) for c in (*dict(SETS[name]), *numbers)})
    counted = counted.filter(counted[name].is_valid())
    key = counted[name].to_numpy()
    order = np.argsort(key, kind="stable")
    frame = (packing or _packing(name)).unpack(key[order])
    for column in frame:
        frame[column] -= np.int32(_FROM_ONE.get(column, 0))
    return pd.DataFrame(frame | {c: counted[c].to_numpy()[order] for c in numbers})
