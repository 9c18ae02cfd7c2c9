"""Assistance month by month: a file of person, month and kronor beside the persons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from evaluation.data.persons.counting import ORE
from evaluation.data.persons.engine import Engine
from evaluation.data.persons.faults import month_number
from evaluation.data.persons.second_files import (
    count_reasons,
    first_fault,
    read_columns,
    same_key,
)
from evaluation.data.persons.tables import costs_with_total
from evaluation.data.persons.typed import Records
from evaluation.errors import InputError

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["ASSISTANCE_COLUMNS", "ASSISTANCE_REASONS", "monthly_costs"]

_COLUMNS: Final = {"person": "person", "month": "assisted_from", "kronor": "assisted_kronor"}
ASSISTANCE_COLUMNS: Final = ("assisted_from", "assisted_months", "assisted_kronor")
"""Columns of the persons that the file stands in for."""
ASSISTANCE_REASONS: Final = (
    "missing",
    "unreadable",
    "negative",
    "after_data_end",
    "unknown_person",
    "person_left_out",
    "before_reception",
    "double_month",
)


def monthly_costs(
    engine: Engine,
    records: Records,
    faulty: ir.Table,
    path: str | Path,
    until: int,
    *,
    pseudonymised: bool = False,
) -> tuple[pd.DataFrame, dict[str, Any], list[Path], int]:
    """Count assistance paid by the month.

    Parameters
    ----------
    engine : Engine
        That reads both files.
    records : Records
        The persons.
    faulty : ibis.expr.types.Table
        ``person`` and ``reason`` of rows that do not count.
    path : str or pathlib.Path
        ``person``, ``month`` (2016-05, or a date in it), ``kronor``; one row per person and
        month. All rows of a month that a person has twice are left out: which is right is not
        known. Months of 0 kronor are no months of assistance.
    until : int
        The last month that is known, from January of year 0.
    pseudonymised : bool
        As for the persons.

    Returns
    -------
    costs : pandas.DataFrame
        As :func:`evaluation.data.persons.tables.cost_flows`, but ``largest_kronor`` is exact.
        By ``residence_code``, or ``received_code`` where that is not known.
    faults : dict
        ``rows``, ``kept`` and ``dropped`` by reason.
    files : list of pathlib.Path
        What was read.
    last : int
        The last month with a row that counts.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or has no row that counts.
    """
    rows, files = read_columns(engine, path, _COLUMNS, pseudonymised=pseudonymised)
    t = records.table
    place = t["received_code"]
    if records.has("residence_code"):
        place = (t["residence_code"] > 0).ifelse(t["residence_code"], place)
    left_out = faulty.filter(faulty["person"].notnull())
    # a person with several rows is left out in all of them
    persons = (
        t.filter(t["person"].notnull())
        .select(
            person=t["person"],
            counts=(~t["person"].isin(left_out["person"])).cast("int8"),
            place=place - 1,
            woman=(t["sex"] == 1).fill_null(False).cast("int8"),
            came=month_number(t["received"]),
        )
        .group_by("person")
        .aggregate(
            counts=lambda p: p["counts"].max(),
            place=lambda p: p["place"].max(),
            woman=lambda p: p["woman"].max(),
            came=lambda p: p["came"].max(),
        )
    )
    rows = rows.mutate(month=month_number(rows["month"]))
    rows, persons = same_key(rows, persons)
    rows = rows.group_by(["person", "month"]).mutate(same=lambda r: r.count())
    persons = engine.keep("assistance_persons", persons)
    joined = engine.keep("assistance_read", rows).left_join(persons, "person")
    faults = {
        "missing": joined["person"].isnull() | joined["month"].isnull() | joined["kronor"].isnull(),
        "unreadable": joined["unreadable"],
        "negative": joined["kronor"] < 0,
        "after_data_end": joined["month"] > until,
        "unknown_person": joined["counts"].isnull(),
        "person_left_out": joined["counts"] == 0,
        "before_reception": joined["month"] < joined["came"],
        "double_month": joined["same"] > 1,
    }
    # what cannot be read is empty after reading, and is no missing value
    faults["missing"] = faults["missing"] & ~joined["unreadable"]
    judged = joined.mutate(fault=first_fault({k: faults[k] for k in ASSISTANCE_REASONS}))
    judged = engine.keep("assistance_judged", judged)
    counted = count_reasons(engine, judged, ASSISTANCE_REASONS)
    if not counted["kept"]:
        worst = max(ASSISTANCE_REASONS, key=lambda k: counted["dropped"][k])
        raise InputError(f"no row can be counted ({worst})", file=str(path), field="person")
    right = judged.filter(judged["fault"] == 0)
    last = engine.arrow(right.aggregate(last=right["month"].max())).column(0)[0].as_py()
    paid = right.filter(right["kronor"] > 0)
    paid = paid.select(
        person=paid["person"],
        code=paid["place"],
        sex=(1 - paid["woman"]).cast("int8"),
        year=(paid["month"] / 12).floor().cast("int32"),
        amount=(paid["kronor"] * ORE).round().cast("int64"),
    )
    yearly = paid.group_by(["person", "code", "sex", "year"]).aggregate(
        months=paid.count(), amount=paid["amount"].sum()
    )
    flows = yearly.group_by(["code", "sex", "year"]).aggregate(
        persons=yearly.count(),
        months=yearly["months"].sum().cast("int64"),
        kronor=yearly["amount"].sum().cast("int64"),
        largest=yearly["amount"].max(),
    )
    found = engine.arrow(flows).to_pandas().astype("int64")
    found = found[12 * found["year"] + 11 <= until]
    if found.empty:
        return costs_with_total(found), counted, files, last
    years = range(int(found["year"].min()), (until + 1) // 12)
    whole = pd.MultiIndex.from_product(
        [sorted(found["code"].unique()), years, (0, 1)], names=["code", "year", "sex"]
    )
    flat = found.set_index(list(whole.names)).reindex(whole, fill_value=0).reset_index()
    return costs_with_total(flat), counted, files, last
