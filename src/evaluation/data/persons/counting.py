r"""The counts of the rows that count: spells, leavers, assistance.

First the rows that do not count are found, with why, and kept: they are few. Then three counts of
all others follow: spells in the municipality of reception; leavers of the programme by residence
and statuses; assistance by the month in which it begins, and by the month after its last. Each
groups by one whole number that holds all its columns. That is less work than one pass with four
grouping sets, where every row goes through every set, and where no set can be filtered before.
Everything else (shares, numbers at risk, kronor by calendar year) follows from these counts by
addition, and so costs the same however many persons there are. Assistance paid in month c is

.. math:: A_c = \sum_{s \le c} b_s - \sum_{s \le c} e_s

with b the monthly amounts that begin in month s and e those that have ended before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

import numpy as np
import pandas as pd

from evaluation.data.persons.contract import EDUCATION, STATUSES
from evaluation.data.persons.engine import Engine
from evaluation.data.persons.faults import month_number
from evaluation.data.persons.typed import Records
from evaluation.errors import InputError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

__all__ = ["ORE", "SETS", "Cells", "count_cells"]

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
        :func:`evaluation.data.persons.faults.faulty_rows` finds them, kept by the engine.

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
    # who has several rows has none that counts, so that a person says which rows those are
    if records.bound("person").gaps:
        t = t.filter(t["person"].notnull())
    if dropped:
        t = t.anti_join(faulty.filter(faulty["person"].notnull()), "person")
    parts = {"spell": _unpack("spell", engine.arrow(_spells(records, t, until)))}
    if int(parts["spell"]["n"].sum()) != rows - sum(dropped.values()):
        raise InputError("a file of person records has changed while it was counted")
    left = _leavers(records, t)
    parts["leaver"] = _unpack("leaver", None if left is None else engine.arrow(left))
    if records.has("residence_code", "assisted_from", "assisted_months", "assisted_kronor"):
        paid = engine.arrow(_assistance(t))
    else:
        paid = None
    parts |= {name: _unpack(name, paid) for name in ("begins", "ended")}
    return Cells(rows, dict(sorted(dropped.items())), **parts)


def _packed(name: str, columns: dict[str, ir.Value]) -> ir.IntegerValue:
    """Return one number for the columns of a count: one column to group by instead of many."""
    total, stride = None, 1
    for column, size in reversed(SETS[name]):
        if column in columns:
            # multiplied before they are added: DuckDB does that once for each value of a block
            part = columns[column] * stride
            total = part if total is None else total + part
        stride *= size
    return cast("ir.IntegerValue", total)


def _spells(records: Records, t: ir.Table, until: int) -> ir.Table:
    import ibis

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
    return _counted(t.select(spell=_packed("spell", columns)), "spell")


def _leavers(records: Records, t: ir.Table) -> ir.Table | None:
    if not records.has("residence_code", "programme_end"):
        return None
    t = t.filter(t["programme_end"].notnull() & (t["residence_code"] > 0))
    columns: dict[str, ir.Value] = {
        "place": t["residence_code"],
        "left": t["programme_end"].year().cast("int64"),
        "sex": t["sex"],
    }
    if records.has("education"):
        none = EDUCATION.index("unknown") + 1
        columns["education"] = (t["education"] == 0).ifelse(none, t["education"])
    columns |= {s: t[s] for s in STATUSES if records.has(s)}
    return _counted(t.select(leaver=_packed("leaver", columns)), "leaver")


def _counted(table: ir.Table, name: str) -> ir.Table:
    return table.group_by(name).aggregate(n=table.count())


def _assistance(t: ir.Table) -> ir.Table:
    t = t.filter(t["assisted_from"].notnull() & (t["residence_code"] > 0))
    at: dict[str, ir.Value] = {"place": t["residence_code"], "sex": t["sex"]}
    begin = month_number(t["assisted_from"])
    stop = begin + t["assisted_months"].cast("int64")
    paid = t.select(
        begins=_packed("begins", at | {"begin": begin}),
        ended=_packed("ended", at | {"stop": stop}),
        amount=(t["assisted_kronor"] * ORE).round().cast("int64"),
    )
    return paid.alias("person_assistance").sql(_ASSISTANCE, dialect="duckdb")


def _unpack(name: str, counted: pa.Table | None) -> pd.DataFrame:
    """Take a count's columns out of its number again, sorted by it and so by them."""
    numbers = ["n"] if name in ("spell", "leaver") else ["n", "amount", "largest"]
    columns = SETS[name]
    if counted is None:
        return pd.DataFrame({c: np.zeros(0, np.int64) for c in (*dict(columns), *numbers)})
    counted = counted.filter(counted[name].is_valid())
    key = counted[name].to_numpy()
    order = np.argsort(key, kind="stable")
    key = key[order]
    found: dict[str, np.ndarray] = {}
    for column, size in reversed(columns):
        found[column] = (key % size - _FROM_ONE.get(column, 0)).astype(np.int32)
        key = key // size
    frame = {c: found[c] for c, _ in columns}
    return pd.DataFrame(frame | {c: counted[c].to_numpy()[order] for c in numbers})
