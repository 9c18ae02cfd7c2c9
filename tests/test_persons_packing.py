"""Cells as whole numbers: packed, and faulty rows taken off."""

import numpy as np
import pyarrow as pa
import pytest

from evaluation import InputError
from evaluation.data.persons.packing import Packing, in_order, less

YEARS = Packing((("year", 2008, 3), ("sex", 1, 2), ("kind", 0, 6)))


def test_numbers_hold_their_columns() -> None:
    year, sex, kind = (
        a.ravel() for a in np.meshgrid([2008, 2009, 2010], [1, 2], range(6), indexing="ij")
    )
    number = (year * 2 + sex) * 6 + kind
    assert sorted(number) == list(range(YEARS.first, YEARS.first + 36))
    for name, values in YEARS.unpack(number).items():
        assert (values == {"year": year, "sex": sex, "kind": kind}[name]).all()


def counted(x: list[int | None], n: list[int]) -> dict[str, np.ndarray]:
    return in_order(pa.table({"x": x, "n": n}), "x", "n")


def plain(cells: dict[str, np.ndarray]) -> dict[str, list[int]]:
    return {c: column.tolist() for c, column in cells.items()}


def test_cells_come_in_order() -> None:
    one, two = pa.table({"x": [7, None, 5], "n": [2, 4, 3]}), pa.table({"x": [6], "n": [1]})
    both = pa.concat_tables([one, two])
    assert plain(in_order(both, "x", "n")) == {"x": [5, 6, 7], "n": [3, 1, 2]}
    assert plain(in_order(both.slice(0, 0), "x", "n")) == {"x": [], "n": []}


def test_rows_are_taken_off() -> None:
    every, some = counted([7, 5, None, 9], [2, 3, 4, 1]), counted([9, 5, None], [1, 2, 4])
    assert plain(less(every, some, "x")) == {"x": [5, 7], "n": [1, 2]}
    assert plain(every) == {"x": [5, 7, 9], "n": [3, 2, 1]}


@pytest.mark.parametrize(("x", "n"), [(7, 3), (6, 1), (10, 1)])
def test_more_cannot_be_taken_off_than_there_are(x: int, n: int) -> None:
    with pytest.raises(InputError, match="has changed"):
        less(counted([7, 5, 9], [2, 3, 1]), counted([x], [n]), "x")
