"""Cells as whole numbers: packed, and faulty rows taken off."""

import numpy as np
import pyarrow as pa
import pytest

from evaluation import InputError
from evaluation.data.persons.packing import Packing, less

YEARS = Packing((("year", 2008, 3), ("sex", 1, 2), ("kind", 0, 6)))


def test_numbers_hold_their_columns() -> None:
    year, sex, kind = (
        a.ravel() for a in np.meshgrid([2008, 2009, 2010], [1, 2], range(6), indexing="ij")
    )
    number = (year * 2 + sex) * 6 + kind
    assert sorted(number) == list(range(YEARS.first, YEARS.first + YEARS.cells))
    for name, values in YEARS.unpack(number).items():
        assert (values == {"year": year, "sex": sex, "kind": kind}[name]).all()


def test_rows_are_taken_off() -> None:
    every = pa.table({"x": [7, 5, None, 9], "n": [2, 3, 4, 1]})
    some = pa.table({"x": [9, 5, None], "n": [1, 2, 4]})
    assert less(every, some, "x").to_pydict() == {"x": [7, 5], "n": [2, 1]}


@pytest.mark.parametrize(("x", "n"), [(7, 3), (6, 1), (10, 1)])
def test_more_cannot_be_taken_off_than_there_are(x: int, n: int) -> None:
    every = pa.table({"x": [7, 5, 9], "n": [2, 3, 1]})
    with pytest.raises(InputError, match="has changed"):
        less(every, pa.table({"x": [x], "n": [n]}), "x")
