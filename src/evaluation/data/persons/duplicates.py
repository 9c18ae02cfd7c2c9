"""Persons with several rows: found exactly, within bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

from evaluation.data.persons.engine import Engine
from evaluation.data.persons.typed import Records

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["repeated_persons"]

BITS: Final = 32
"""Persons of one bucket: a bit of a whole number each."""
_FAR: Final = "9999-01-01"


def repeated_persons(engine: Engine, records: Records) -> tuple[ir.Table, ir.Table] | None:
    r"""Return the persons that have several rows, or None where nobody has.

    Whole numbers go into buckets of 32. In a bucket, with b the place of a person,

    .. math:: \bigvee_i 2^{b_i}

    has as many bits set as there are rows if and only if no place is taken twice, so that keys
    without large gaps need no list of all persons. Other keys are grouped; DuckDB goes to disk
    where they exceed its memory.

    Parameters
    ----------
    engine : Engine
        That reads the records.
    records : Records
        The rows.

    Returns
    -------
    several : ibis.expr.types.Table
        ``person``: all that stand more than once.
    at_once : ibis.expr.types.Table
        ``person``: those of them that all rows place in the country on some day, in different
        municipalities.
    """
    import ibis

    t = records.table.filter(records.table["person"].notnull())
    person = t["person"]
    if person.type().is_integer() and _dense(engine, records):
        number = person.cast("int64")
        # by bits, for a remainder of a negative number differs between engines
        bit = ibis.literal(1, "int64") << (number & (BITS - 1))
        buckets = t.select(bucket=number & -BITS, bit=bit)
        grouped = buckets.group_by("bucket").aggregate(
            rows=buckets.count(), taken=_bits("agg", "bit_or")(buckets["bit"])
        )
        twice = grouped.filter(grouped["rows"] != _bits("scalar", "bit_count")(grouped["taken"]))
        twice = twice.count()
        if int(engine.arrow(twice.as_table()).column(0)[0].as_py()) == 0:
            return None
    several = t.group_by("person").having(ibis._.count() > 1).aggregate(n=ibis._.count())
    several = engine.keep("person_several", several.select("person"))
    if int(engine.arrow(several.count().as_table()).column(0)[0].as_py()) == 0:
        return None
    rows = t.filter(t["person"].isin(several["person"]))
    # a code outside the list is another one, a missing code is none
    code = rows["received_code"].fill_null(-1).nullif(0)
    leaves = rows["moved"] if records.has("moved") else ibis.null("timestamp")
    rows = rows.select("person", "received", code=code, leaves=leaves)
    far = ibis.timestamp(_FAR)
    spans = rows.group_by("person").aggregate(
        low=rows["code"].min(),
        high=rows["code"].max(),
        begin=rows["received"].max(),
        end=rows["leaves"].fill_null(far).min(),
    )
    clash = (spans["low"] != spans["high"]) & (spans["begin"] < spans["end"])
    return several, engine.keep("person_clash", spans.filter(clash).select("person"))


def _bits(kind: str, name: str) -> Callable[[ir.Value], ir.Value]:
    """Return the function of bits that both engines have under one name, and Ibis for one only."""
    import ibis

    def function(value):  # type: ignore[no-untyped-def]
        """Join or count bits."""

    made = getattr(ibis.udf, kind).builtin(function, name=name, signature=(("int64",), "int64"))
    return cast("Callable[[ir.Value], ir.Value]", made)


def _dense(engine: Engine, records: Records) -> bool:
    """Whether keys lie close enough for buckets to be few."""
    known = records.bound("person")
    t, low, high = records.table, known.low, known.high
    if low is None or high is None:
        most = t.aggregate(n=t["person"].count(), low=t["person"].min(), high=t["person"].max())
        rows, low, high = engine.arrow(most).to_pylist()[0].values()
    else:
        rows = engine.arrow(t.count().as_table()).column(0)[0].as_py() - (known.missing or 0)
    return bool(rows) and bool((high - low) // 4 <= rows)
