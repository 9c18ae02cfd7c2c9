"""Moves: a file with several of them a person, of which the first ends staying."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from evaluation.data.persons.contract import KINDS
from evaluation.data.persons.engine import Engine
from evaluation.data.persons.faults import first_day
from evaluation.data.persons.second_files import (
    count_reasons,
    first_fault,
    read_columns,
    same_key,
)
from evaluation.data.persons.typed import Records
from evaluation.data.places import codes

__all__ = ["MOVE_COLUMNS", "MOVE_REASONS", "with_first_moves"]

_COLUMNS: Final = {
    "person": "person",
    "date": "moved",
    "from_code": "received_code",
    "to_code": "destination_code",
    "move": "move",
}
MOVE_COLUMNS: Final = ("moved", "move", "destination_code")
"""Columns of the persons that the file stands in for."""
MOVE_REASONS: Final = (
    "missing",
    "unreadable",
    "unknown_code",
    "unknown_value",
    "unknown_person",
    "after_data_end",
    "move_before_reception",
    "same_municipality",
    "kind_contradicts",
    "double_day",
    "two_kommuner",
)
_METROPOLITAN: Final = ("0180", "1280", "1480")


def with_first_moves(
    engine: Engine,
    records: Records,
    path: str | Path,
    until: int,
    *,
    pseudonymised: bool = False,
) -> tuple[Records, dict[str, Any], list[Path]]:
    """Give every person the first move out of the municipality of reception.

    Parameters
    ----------
    engine : Engine
        That reads both files.
    records : Records
        The persons, without moves of their own.
    path : str or pathlib.Path
        ``person``, ``date``, ``from_code``, ``to_code`` (empty: left the country or died) and
        maybe ``move``, the kind. Where that is empty it is abroad without ``to_code``, else
        metropolitan for 0180, 1280 and 1480, else within the county or elsewhere by code.
    until : int
        The last month that is known, from January of year 0.
    pseudonymised : bool
        As for the persons.

    Returns
    -------
    records : Records
        With ``moved``, ``move``, ``destination_code`` and ``moves_wrong``: whether any move of
        the person cannot be right.
    faults : dict
        ``rows``, ``kept`` and ``dropped`` by reason. ``two_kommuner``: a move begins elsewhere
        than the one before ended, or the first elsewhere than in the municipality of reception.
    files : list of pathlib.Path
        What was read.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column.
    """
    import ibis

    rows, files = read_columns(
        engine, path, _COLUMNS, optional=("move",), pseudonymised=pseudonymised
    )
    if "move" not in rows.columns:
        rows = rows.mutate(move=ibis.literal(0, "int32"))
    people = records.table.filter(records.table["person"].notnull())
    home = people.group_by("person").aggregate(
        home=people["received_code"].nullif(0).max(), came=people["received"].max()
    )
    rows, home = same_key(rows, home)
    of_day = rows.group_by(["person", "date"]).mutate(same=lambda r: r.count())
    of_day = engine.keep("moves_read", of_day)
    order = ibis.window(group_by="person", order_by="date")
    placed = of_day.mutate(
        before=of_day["to_code"].lag().over(order), number=ibis.row_number().over(order)
    )
    t = engine.keep("moves_placed", placed.left_join(home, "person"))
    first = t["number"] == 0
    faults = {
        "missing": ~t["unreadable"]
        & (t["person"].isnull() | t["date"].isnull() | (t["from_code"] == 0)),
        "unreadable": t["unreadable"],
        "unknown_code": t["from_code"].isnull() | t["to_code"].isnull(),
        "unknown_value": t["move"].isnull(),
        "unknown_person": t["home"].isnull(),
        "after_data_end": t["date"] >= ibis.timestamp(first_day(until + 1)),
        "move_before_reception": t["date"] < t["came"],
        "same_municipality": t["from_code"] == t["to_code"],
        "kind_contradicts": (t["move"] > 0)
        & ((t["move"] > KINDS.index("abroad")) != (t["to_code"] == 0)),
        "double_day": t["same"] > 1,
        # whoever comes back from abroad may come to any municipality
        "two_kommuner": first.ifelse(
            t["from_code"] != t["home"], (t["from_code"] != t["before"]) & (t["before"] > 0)
        ),
    }
    judged = t.mutate(fault=first_fault({k: faults[k] for k in MOVE_REASONS}))
    judged = engine.keep("moves_judged", judged)
    counted = count_reasons(engine, judged, MOVE_REASONS)
    county = ibis.array([int(c[:2]) for c in sorted(codes())])
    large = [sorted(codes()).index(c) + 1 for c in _METROPOLITAN]
    number = {k: i for i, k in enumerate(KINDS, 1)}
    # 0 is a missing word, and places are numbered from 1
    to, begin = (
        county[ibis.greatest(judged[c].cast("int32") - 1, 0).cast("int32")]
        for c in ("to_code", "from_code")
    )
    kind = ibis.cases(
        (judged["move"] > 0, judged["move"]),
        (judged["to_code"] == 0, number["abroad"]),
        (judged["to_code"].isin(large), number["metropolitan"]),
        (to == begin, number["within_county"]),
        else_=number["elsewhere"],
    )
    own = judged.mutate(kind=kind).filter(judged["person"].notnull())
    start = own["number"] == 0
    moves = own.group_by("person").aggregate(
        moved=own["date"].max(where=start),
        move=own["kind"].max(where=start).cast("int32"),
        destination_code=own["to_code"].max(where=start),
        moves_wrong=(own["fault"] > 0).any(),
    )
    left, moves = same_key(records.table, engine.keep("moves_first", moves))
    joined = left.left_join(moves, "person").drop("person_right")
    joined = joined.mutate(
        moves_wrong=joined["moves_wrong"].fill_null(False),
        move=joined["move"].fill_null(0),
        destination_code=joined["destination_code"].fill_null(0),
    )
    unreadable = None if records.unreadable is None else joined["unreadable"]
    return Records(joined, unreadable, records.bounds), counted, files
