r"""One expression that counts everything: the engine goes through the rows once.

Four grouping sets count, in one pass and each by whether and why a row is left out: spells in the
municipality of reception; leavers of the programme by residence and statuses; assistance by the
month in which it begins, and by the month after its last. Everything else (shares, numbers at
risk, kronor by calendar year) follows from these counts by addition, and so costs the same however
many persons there are. Assistance paid in month c is

.. math:: A_c = \sum_{s \le c} b_s - \sum_{s \le c} e_s

with b the monthly amounts that begin in month s and e those that have ended before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from evaluation.data.persons.contract import EDUCATION, KINDS, STATUSES, WOMEN
from evaluation.data.persons.faults import month_number
from evaluation.data.persons.typed import Records

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

__all__ = ["ORE", "SETS", "Cells", "count_cells", "unpack"]

ORE: Final = 100
SETS: Final[dict[str, tuple[str, ...]]] = {
    "spell": ("reason", "code", "year", "sex", "entry", "end", "kind"),
    "leaver": ("reason", "place", "left", "sex", "education", *STATUSES),
    "begins": ("reason", "place", "sex", "begin"),
    "ended": ("reason", "place", "sex", "stop"),
}
_MARKS: Final = {"spell": "code", "leaver": "left", "begins": "begin", "ended": "stop"}
"""The column that a set has and no other."""
_COLUMNS: Final = tuple(dict.fromkeys(c for names in SETS.values() for c in names))
_GROUPS: Final = ", ".join(f"({', '.join(names)})" for names in SETS.values())
_SQL: Final = f"""
SELECT {", ".join(_COLUMNS)},
       {", ".join(f"CAST(GROUPING({c}) AS TINYINT) AS no_{c}" for c in _MARKS.values())},
       COUNT(*) AS n, CAST(SUM(amount) AS BIGINT) AS amount, MAX(amount) AS largest
FROM person_cells GROUP BY GROUPING SETS ({_GROUPS})
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
        Columns of ``SETS`` but ``reason``, and ``n``; assistance has ``amount`` and ``largest``
        besides, öre a month. Sex is 0 for women and 1 for men; codes are places in the sorted
        list of municipalities.
    """

    rows: int
    dropped: dict[int, int]
    spell: pd.DataFrame = field(repr=False)
    leaver: pd.DataFrame = field(repr=False)
    begins: pd.DataFrame = field(repr=False)
    ended: pd.DataFrame = field(repr=False)


def count_cells(records: Records, reason: ir.IntegerValue, until: int) -> ir.Table:
    """Return the counts of every cell.

    Parameters
    ----------
    records : Records
        The rows.
    reason : ibis.expr.types.IntegerValue
        0 for rows that count.
    until : int
        The last month that is known, from January of year 0.

    Returns
    -------
    ibis.expr.types.Table
        Lazy: the columns of all sets, which of them a row is of, ``n`` persons, ``amount`` and
        ``largest``.
    """
    import ibis

    t = records.table
    came = month_number(t["received"])
    end, kind = _spell_end(records, came, until)
    none = ibis.null("int32")
    columns: dict[str, ir.Value] = {
        "reason": reason.cast("int8"),
        "code": t["received_code"],
        "year": t["received"].year(),
        "sex": (t["sex"] >= len(WOMEN)).cast("int8"),
        "entry": _entry(records, came),
        "end": end,
        "kind": kind,
        "place": t["residence_code"] if records.has("residence_code") else none,
        "left": t["programme_end"].year() if records.has("programme_end") else none,
        "education": _education(records),
        "begin": none,
        "stop": none,
        "amount": ibis.null("int64"),
    }
    columns |= {s: t[s] if records.has(s) else none for s in STATUSES}
    if records.has("assisted_from", "assisted_months", "assisted_kronor"):
        columns["begin"] = month_number(t["assisted_from"])
        columns["stop"] = columns["begin"] + t["assisted_months"].cast("int32")
        columns["amount"] = (t["assisted_kronor"] * ORE).round().cast("int64")
    small = {
        c: v.cast("int8" if c in ("kind", "education", *STATUSES) else "int16")
        for c, v in columns.items()
        if c not in ("reason", "sex", "amount")
    }
    return t.select(**(columns | small)).alias("person_cells").sql(_SQL, dialect="duckdb")


def _education(records: Records) -> ir.IntegerValue:
    import ibis

    none = EDUCATION.index("unknown")
    if not records.has("education"):
        return ibis.literal(none, "int8")
    return (records.table["education"] % len(EDUCATION)).fill_null(none)


def _entry(records: Records, came: ir.IntegerValue) -> ir.IntegerValue:
    import ibis

    if not records.has("observed_from"):
        return ibis.literal(0, "int16")
    return ibis.coalesce(month_number(records.table["observed_from"]) - came, 0)


def _spell_end(
    records: Records, came: ir.IntegerValue, until: int
) -> tuple[ir.IntegerValue, ir.IntegerValue]:
    """Return the month of the event or the last one observed, and the kind, 0 for censored."""
    import ibis

    t = records.table
    censored: ir.IntegerValue = until - came
    if records.has("observed_until"):
        own = month_number(t["observed_until"]) - came
        censored = ibis.least(ibis.coalesce(own, censored), censored)
    if not records.has("moved", "move"):
        return censored, ibis.literal(0, "int8")
    stay = month_number(t["moved"]) - came
    # whoever moves in the month of reception was there for a month; see the life table
    stay = (stay < 1).ifelse(1, stay)
    # a comparison with no date is missing, and takes the other branch
    happens = stay <= censored
    return happens.ifelse(stay, censored), happens.ifelse(t["move"] % len(KINDS) + 1, 0)


def unpack(counted: pa.Table) -> Cells:
    """Take the sets apart.

    Parameters
    ----------
    counted : pyarrow.Table
        What :func:`count_cells` gives.

    Returns
    -------
    Cells
        Sorted, whatever the engine's order.
    """
    import pyarrow.compute as pc

    parts: dict[str, pd.DataFrame] = {}
    dropped: dict[int, int] = {}
    rows = 0
    for name, columns in SETS.items():
        own = counted.filter(pc.equal(counted[f"no_{_MARKS[name]}"], 0))
        if name == "spell":
            rows = int(pc.sum(own["n"]).as_py() or 0)
            lost = own.filter(pc.greater(own["reason"], 0)).group_by("reason")
            for row in lost.aggregate([("n", "sum")]).to_pylist():
                dropped[int(row["reason"])] = int(row["n_sum"])
        keep = pc.equal(own["reason"], 0)
        for column in columns[1:]:
            if column not in STATUSES:
                keep = pc.and_(keep, pc.is_valid(own[column]))
        own = own.filter(keep)
        numbers = ["n"] if name in ("spell", "leaver") else ["n", "amount", "largest"]
        frame = pd.DataFrame({c: own[c].fill_null(-1).to_numpy() for c in (*columns[1:], *numbers)})
        order = np.argsort(_sort_key(frame, columns[1:]), kind="stable")
        parts[name] = frame.take(order).reset_index(drop=True)
        del own, frame, order
    return Cells(rows, dict(sorted(dropped.items())), **parts)


def _sort_key(frame: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Return one whole number per row that sorts as the columns do: at most 55 bits."""
    key = np.zeros(len(frame), dtype=np.int64)
    for name in columns:
        values = frame[name].to_numpy()
        low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
        key *= high - low + 1
        key += values.astype(np.int64) - low
    return key
