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

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from evaluation.data.persons.engine import Engine
from evaluation.data.persons.faults import month_number
from evaluation.data.persons.keys import SETS, cell_keys, packing_of, unpacked
from evaluation.data.persons.packing import CHANGED, Packing, in_order, less
from evaluation.data.persons.typed import Records
from evaluation.errors import InputError

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["ORE", "Cells", "count_cells"]

ORE: Final = 100
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

    @functools.cached_property
    def spell_cohorts(self) -> tuple[pd.DataFrame, np.ndarray]:
        """The cohorts of the spells, and which of them each spell belongs to.

        The numbers of all cohorts that may be are few: they are marked, and millions of spells
        need not be sorted.

        Returns
        -------
        cohorts : pandas.DataFrame
            ``code``, ``year``, ``sex`` of those with a spell, sorted.
        which : numpy.ndarray, shape (n_spells,)
            Row of ``cohorts``.
        """
        code, year, sex = (self.spell[c].to_numpy() for c in ("code", "year", "sex"))
        first = int(year.min()) if len(year) else 0
        years = int(year.max()) - first + 1 if len(year) else 0
        key = (code * np.int32(years) + (year - np.int32(first))) * np.int32(2) + sex
        there = np.zeros(int(key.max()) + 1 if len(key) else 0, dtype=bool)
        there[key] = True
        found = np.flatnonzero(there)
        which = (np.cumsum(there, dtype=np.int32) - np.int32(1))[key]
        place, sex = np.divmod(found, 2)
        code, year = np.divmod(place, max(years, 1))
        return pd.DataFrame({"code": code, "year": year + first, "sex": sex}), which


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
        :func:`evaluation.data.persons.keys.cell_numbers`, kept by the engine.

    Returns
    -------
    Cells
        Sorted, whatever the engine's order.

    Raises
    ------
    InputError
        If the file changes while it is counted.
    """
    reasons = engine.arrow(faulty.group_by("reason").aggregate(n=faulty.count())).to_pylist()
    dropped = {int(r["reason"]): int(r["n"]) for r in reasons}
    t = records.table
    rows = int(engine.arrow(t.count().as_table()).column(0)[0].as_py())
    parts: dict[str, pd.DataFrame] = {}
    for name, (where, number) in cell_keys(records, until).items():
        wanted = (t if where is None else t.filter(where)).select(**{name: number})
        counted = in_order(engine.arrow(_counted(wanted, name)), name, "n")
        if dropped:
            lost = in_order(engine.arrow(_counted(faulty, name)), name, "n")
            counted = less(counted, lost, name)
        parts[name] = _unpacked(name, counted, packing_of(name, records, until))
    if int(parts["spell"]["n"].sum()) != rows - sum(dropped.values()):
        raise InputError(CHANGED)
    if records.has("residence_code", "assisted_from", "assisted_months", "assisted_kronor"):
        # who has several rows has none that counts, so that a person says which rows those are
        if records.bound("person").gaps:
            t = t.filter(t["person"].notnull())
        if dropped:
            t = t.anti_join(faulty.filter(faulty["person"].notnull()), "person")
        paid = engine.arrow(_assistance(t))
        for name in ("begins", "ended"):
            counted = in_order(paid, name, "n", "amount", "largest")
            parts[name] = _unpacked(name, counted, packing_of(name))
    for name in SETS:
        parts.setdefault(name, _nothing(name))
    return Cells(rows, dict(sorted(dropped.items())), **parts)


def _counted(table: ir.Table, name: str) -> ir.Table:
    return table.group_by(name).aggregate(n=table.count())


def _assistance(t: ir.Table) -> ir.Table:
    t = t.filter(t["assisted_from"].notnull() & (t["residence_code"] > 0))
    at: dict[str, ir.Value] = {"place": t["residence_code"], "sex": t["sex"]}
    begin = month_number(t["assisted_from"])
    stop = begin + t["assisted_months"].cast("int64")
    paid = t.select(
        begins=packing_of("begins").pack(at | {"begin": begin}),
        ended=packing_of("ended").pack(at | {"stop": stop}),
        amount=(t["assisted_kronor"] * ORE).round().cast("int64"),
    )
    return paid.alias("person_assistance").sql(_ASSISTANCE, dialect="duckdb")


def _unpacked(name: str, counted: dict[str, np.ndarray], packing: Packing) -> pd.DataFrame:
    """Take a count's columns out of its number again; they are sorted by it, and so by them."""
    numbers = {c: column for c, column in counted.items() if c != name}
    return pd.DataFrame(unpacked(name, counted[name], packing) | numbers, copy=False)


def _nothing(name: str) -> pd.DataFrame:
    numbers = ["n"] if name == "leaver" else ["n", "amount", "largest"]
    return pd.DataFrame({c: np.zeros(0, np.int64) for c in (*dict(SETS[name]), *numbers)})
