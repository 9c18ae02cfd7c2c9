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
"""Persons of one bucket; a sum of 2³¹ rows of one still fits in 63 bits."""
_FAR: Final = "9999-01-01"


def repeated_persons(engine: Engine, records: Records) -> tuple[ir.Table, ir.Table] | None:
    r"""Return the persons that have several rows, or None where nobody has.

    Whole numbers go into buckets of 32. In a bucket, with b the place of a person,

    .. math:: \sum_i 2^{b_i} = \bigvee_i 2^{b_i}

    holds if and only if no place is taken twice, so that keys without large gaps need no list
    of all persons. Other keys are grouped; DuckDB goes to disk where they exceed its memory.

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
        place = number & (BITS - 1)
        bit = ibis.literal(1, "int64") << place
        buckets = t.select(bucket=number - place, bit=bit)
        grouped = buckets.group_by("bucket").aggregate(
            sum=buckets["bit"].sum().cast("int64"), any=_bit_or()(buckets["bit"])
        )
        twice = grouped.filter(grouped["sum"] != grouped["any"]).count()
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


def _bit_or() -> Callable[[ir.Value], ir.Value]:
    """Return the aggregate that both engines have under one name, and Ibis has for one only."""
    import ibis

    @ibis.udf.agg.builtin(name="bit_or", signature=(("int64",), "int64"))
    def bit_or(value):  # type: ignore[no-untyped-def]
        """Join bits."""

    return cast("Callable[[ir.Value], ir.Value]", bit_or)


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
