"""What both further files beside the persons need: reading, persons' keys, faults by reason."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from evaluation.data.persons.engine import Engine, person_files
from evaluation.data.persons.identity import refuse_identity_numbers
from evaluation.data.persons.typed import typed_column
from evaluation.errors import InputError

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["count_reasons", "first_fault", "read_columns", "same_key"]

_MONTH: Final = r"^[0-9]{4}-[0-9]{2}$"


def read_columns(
    engine: Engine,
    path: str | Path,
    columns: Mapping[str, str],
    *,
    optional: Sequence[str] = (),
    pseudonymised: bool = False,
) -> tuple[ir.Table, list[Path]]:
    """Read a file beside the persons.

    Parameters
    ----------
    engine : Engine
        That reads.
    path : str or pathlib.Path
        Parquet or CSV, a file or a folder.
    columns : mapping of str to str
        Column to the column of the persons whose type and values it has.
    optional : sequence of str
        Columns that may be absent.
    pseudonymised : bool
        Whether the caller says that what looks like personal identity numbers is none.

    Returns
    -------
    table : ibis.expr.types.Table
        The columns, typed, and ``unreadable``.
    files : list of pathlib.Path
        What was read.

    Raises
    ------
    InputError
        If it cannot be read, lacks a column, or looks as if it held identity numbers.
    """
    files, kind = person_files(path)
    raw = engine.read(files, kind, name=f"beside_{'_'.join(columns)}")
    if not pseudonymised:
        refuse_identity_numbers(engine, raw, file=str(path))
    faults: list[ir.BooleanValue] = []
    chosen: dict[str, ir.Value] = {}
    for name, like in columns.items():
        if name not in raw.columns:
            if name in optional:
                continue
            raise InputError("the column is missing", file=str(path), field=name)
        value = raw[name]
        if name == "month" and value.type().is_string():
            value = value.re_search(_MONTH).ifelse(value + "-01", value)
        chosen[name] = typed_column(value, like, faults, str(path), name)
    wrong = functools.reduce(operator.or_, faults).fill_null(False) if faults else False
    return raw.select(**chosen, unreadable=wrong), files


def same_key(left: ir.Table, right: ir.Table) -> tuple[ir.Table, ir.Table]:
    """Return both tables with ``person`` of one type: text where one has numbers, one text."""
    if left["person"].type().is_integer() and right["person"].type().is_integer():
        return tuple(t.mutate(person=t["person"].cast("int64")) for t in (left, right))
    return tuple(t.mutate(person=t["person"].cast("string")) for t in (left, right))


def first_fault(conditions: Mapping[str, ir.BooleanValue]) -> ir.IntegerValue:
    """Return the place from 1 of the first condition that holds, 0 for none."""
    import ibis

    cases = [(c.fill_null(False), i) for i, c in enumerate(conditions.values(), 1)]
    return ibis.cases(*cases, else_=0)


def count_reasons(engine: Engine, rows: ir.Table, reasons: Sequence[str]) -> dict[str, Any]:
    """Count rows by the place in ``fault``.

    Returns
    -------
    dict
        ``rows``, ``kept`` and ``dropped`` by reason, which sum to ``rows``.
    """
    grouped = rows.group_by("fault").aggregate(n=rows.count())
    found = {int(r["fault"]): int(r["n"]) for r in engine.arrow(grouped).to_pylist()}
    return {
        "rows": sum(found.values()),
        "kept": found.get(0, 0),
        "dropped": {name: found.get(i, 0) for i, name in enumerate(reasons, 1)},
    }
