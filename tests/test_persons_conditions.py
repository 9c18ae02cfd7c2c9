"""Every combination of columns that must agree, against the rules written out one by one."""

from itertools import product

import pandas as pd
import pytest
from persons_cases import ten_persons, write

from evaluation.data.persons import engine
from evaluation.data.persons.contract import REASONS
from evaluation.data.persons.faults import faulty_rows
from evaluation.data.persons.footers import column_bounds
from evaluation.data.persons.typed import typed_records

UNTIL = 12 * 2018 + 11
OWN, OTHER, NOWHERE = "2321", "0180", "9999"
DATES = ("assisted_from", "moved", "programme_end")
START = pd.Timestamp("2018-10-09")


def found(rows, path, told):
    """Return the reason of each row, None where it counts."""
    base = ten_persons().iloc[[0]].drop(columns=list(rows[0]))
    frame = base.loc[[0] * len(rows)].reset_index(drop=True)
    frame = frame.assign(**{c: [r[c] for r in rows] for c in rows[0]}, person=range(len(rows)))
    for name in DATES:
        frame[name] = pd.to_datetime(frame[name])
    write(frame, path)
    with engine.open_engine("duckdb") as running:
        bounds = column_bounds([path], "parquet") if told else {}
        records = typed_records(running.read([path], "parquet"), bounds=bounds)
        faulty = running.arrow(faulty_rows(records, UNTIL)).to_pylist()
    reasons = {r["person"]: REASONS[r["reason"] - 1].key for r in faulty}
    return [reasons.get(i) for i in range(len(rows))]


def assistance(row):
    begun, months, kronor = (
        row[c] for c in ("assisted_from", "assisted_months", "assisted_kronor")
    )
    # begun in October: three months last until December
    if begun is not None and months is not None and months > 3:
        return "after_data_end"
    if (months or 0) < 0 or (kronor or 0) < 0:
        return "assistance"
    if (months or 0) > 0 and (begun is None or kronor is None):
        return "assistance"
    if begun is not None and (months is None or months <= 0):
        return "assistance"
    return None


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("most", [3, 4, 400])
def test_assistance(tmp_path, told, most):
    rows = [
        dict(zip(("assisted_from", "assisted_months", "assisted_kronor"), r, strict=True))
        for r in product([None, START], [None, -1, 0, 3, most], [None, -1.0, 0.0, 5.0])
    ]
    assert found(rows, tmp_path / "a.parquet", told) == [assistance(r) for r in rows]


def move(row):
    moved, kind, goal = row.values()
    if goal == NOWHERE:
        return "unknown_code"
    if kind == "flown":
        return "unknown_value"
    if (moved is None) != (kind is None):
        return "move_contradicts_itself"
    if (goal is not None) != (kind in ("elsewhere", "within_county")):
        return "move_contradicts_itself"
    return "move_contradicts_itself" if goal == OWN else None


@pytest.mark.parametrize("told", [True, False])
def test_moves(tmp_path, told):
    kinds = [None, "within_county", "elsewhere", "abroad", "death", "flown"]
    rows = [
        dict(zip(("moved", "move", "destination_code"), r, strict=True))
        for r in product([None, START], kinds, [None, OTHER, OWN, NOWHERE])
    ]
    assert found(rows, tmp_path / "m.parquet", told) == [move(r) for r in rows]


def status(row):
    end, one, two = row.values()
    if "asleep" in (one, two):
        return "unknown_value"
    if end is None and (one or two):
        return "status_too_early"
    # a year after an end in 2018 lies after the data's
    return "status_too_early" if end is START and two else None


@pytest.mark.parametrize("told", [True, False])
def test_statuses(tmp_path, told):
    words = [None, "neither", "work", "asleep"]
    rows = [
        dict(zip(("programme_end", "status_90_days", "status_1_year"), r, strict=True))
        for r in product([None, pd.Timestamp("2016-02-03"), START], words, words)
    ]
    assert found(rows, tmp_path / "s.parquet", told) == [status(r) for r in rows]
