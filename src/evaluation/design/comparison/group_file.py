"""Groups of municipalities in a file of one's own, to be matched on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from evaluation.data import embedded
from evaluation.data.files import number_column, read_table
from evaluation.errors import InputError

__all__ = ["read_groups"]

SEVERAL = "|"


def read_groups(
    path: str | Path, *, numbers: Sequence[str] = (), groups: Sequence[str] = ()
) -> pd.DataFrame:
    """Read columns to match on, one row per municipality.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV, workbook or Parquet with the column ``code`` and the columns asked for.
    numbers : sequence of str
        Columns of numbers.
    groups : sequence of str
        Columns of text; a cell may name several groups with a bar between them, as Kolada's
        similar municipalities overlap: two municipalities are alike that share one.

    Returns
    -------
    pandas.DataFrame
        Index of codes; numbers, and each group column's names as a frozenset.

    Raises
    ------
    InputError
        If the file cannot be read, a column is not there, a code is not of one of the 290
        municipalities or stands twice, or a cell is empty or holds no number.
    """
    name = str(path)
    table = read_table(path, columns=["code", *numbers, *groups])
    for column in ("code", *numbers, *groups):
        if column not in table.columns:
            raise InputError(
                f"there is no such column; there are {', '.join(table.columns)}",
                file=name,
                field=column,
            )
    known = embedded.municipalities().index
    codes = table["code"].str.strip()
    for line, code in codes.items():
        if code not in known:
            raise InputError(
                f"{code!r} is not the code of one of the 290 municipalities",
                file=name,
                row=int(str(line)),
                field="code",
            )
    if codes.duplicated().any():
        line = codes.index[codes.duplicated()][0]
        raise InputError(
            f"municipality {codes[line]} stands twice", file=name, row=int(line), field="code"
        )
    out: dict[str, object] = {}
    for column in numbers:
        try:
            out[column] = number_column(table, column).to_numpy(dtype=float)
        except InputError as error:
            raise error.placed(file=name) from None
    for column in groups:
        named = [
            frozenset(filter(None, (part.strip() for part in cell.split(SEVERAL))))
            for cell in table[column]
        ]
        for line, members in zip(table.index, named, strict=True):
            if not members:
                raise InputError("is empty; name a group", file=name, row=int(line), field=column)
        out[column] = named
    return pd.DataFrame(out, index=pd.Index(list(codes), name="code"))
