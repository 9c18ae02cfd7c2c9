"""What a snapshot is: its canonical order, its hash, its bytes.

The hash is taken of the values themselves and not of a file, so that it does not change
with the version of the library that writes the file, nor with the order of the rows.
"""

from __future__ import annotations

import hashlib
import re
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data.observations import COLUMNS, KEYS, STATES, observations
from evaluation.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Content", "joint_key"]

FORMAT = b"evaluation observations 1\n"
TEXT = ("indicator", "code", "sex", "state")
WORD = re.compile(r"\w([\w .:/-]*\w)?")
"""What every file format and every spreadsheet keeps as it is."""
Codes = npt.NDArray[np.int64]


def joint_key(codes: list[Codes], sizes: list[int]) -> Codes:
    """Return one integer per row that orders rows as several columns of integers do.

    Parameters
    ----------
    codes : list of numpy.ndarray
        Columns, the most significant first, each of shape (rows,) and from 0 to its size
        less one.
    sizes : list of int
        How many values each column can take.

    Returns
    -------
    numpy.ndarray
        Shape (rows,), int64.

    Examples
    --------
    >>> joint_key([np.array([0, 1, 1]), np.array([2, 0, 2])], [2, 3]).tolist()
    [2, 3, 5]
    """

    def join(left: tuple[Codes, int], right: tuple[Codes, int]) -> tuple[Codes, int]:
        key, size = left
        if size * right[1] > np.iinfo(np.int64).max:
            values, key = np.unique(key, return_inverse=True)
            size = len(values)
        return key * right[1] + right[0], size * right[1]

    return reduce(join, zip(codes, sizes, strict=True))[0]


def _encode(column: pa.ChunkedArray) -> tuple[list[str], Codes]:
    """Return the texts that occur, ascending, and for each row which one it is."""
    encoded = column.combine_chunks().dictionary_encode()
    texts = np.array(encoded.dictionary.to_pylist(), dtype=object)
    indices = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    # a file may carry texts that no row uses
    used = np.bincount(indices, minlength=len(texts)) > 0
    order = [i for i in np.argsort(texts, kind="stable") if used[i]]
    rank = np.zeros(len(texts), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return list(texts[order]), rank[indices]


class Content:
    """Observations in canonical form: one row per key, sorted, texts as codes.

    Parameters
    ----------
    table : pyarrow.Table
        The columns of :data:`~evaluation.data.observations.COLUMNS`; texts without gaps.

    Raises
    ------
    InputError
        If a column is lacking, a key is missing, or two rows have the same key.

    Examples
    --------
    >>> rows = {"indicator": "N00973", "code": ["2321", "0114"], "year": 2016, "sex": "T",
    ...         "value": [50.0, None], "state": ["observed", "suppressed"]}
    >>> a = Content.from_frame(pd.DataFrame(rows))
    >>> b = Content.from_frame(pd.DataFrame(rows)[::-1])
    >>> a.id() == b.id(), a.labels["code"]
    (True, ['0114', '2321'])
    """

    def __init__(self, table: pa.Table) -> None:
        self.labels: dict[str, list[Any]] = {}
        self.codes: dict[str, Codes] = {}
        for name in COLUMNS:
            if name not in table.column_names:
                raise InputError(f"the column {name} is lacking", field=name)
            if name != "value" and table[name].null_count:
                raise InputError("is empty in a row; every row needs it", field=name)
        for name in TEXT:
            self.labels[name], self.codes[name] = _encode(table[name])
            for text in self.labels[name]:
                if not WORD.fullmatch(text):
                    raise InputError(
                        f"{text!r} is no key; letters, digits, spaces within, _ . : / and - can be",
                        field=name,
                    )
        years, codes = np.unique(table["year"].to_numpy(), return_inverse=True)
        self.labels["year"], self.codes["year"] = years.astype(np.int64).tolist(), codes
        # one zero, one "not a number": equal content must have equal bits
        self.value = table["value"].to_numpy().astype(np.float64) + 0.0
        self.value[np.isnan(self.value)] = np.nan
        self._sort()

    def __len__(self) -> int:
        return len(self.value)

    def _sort(self) -> None:
        key = joint_key([self.codes[k] for k in KEYS], [len(self.labels[k]) for k in KEYS])
        if (np.diff(key) > 0).all():
            return
        order = np.argsort(key, kind="stable")
        same = np.flatnonzero(np.diff(key[order]) == 0)
        if len(same):
            row = order[same[0]]
            where = " ".join(str(self.labels[k][self.codes[k][row]]) for k in KEYS)
            raise InputError(f"{where} stands twice; one row is needed")
        self.value = self.value[order]
        self.codes = {name: column[order] for name, column in self.codes.items()}

    @property
    def year(self) -> Codes:
        """The year of each row."""
        return np.array(self.labels["year"], dtype=np.int64)[self.codes["year"]]

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Content:
        """Take observations from a table.

        Parameters
        ----------
        frame : pandas.DataFrame
            The tidy form, in any order.

        Returns
        -------
        Content
            Its canonical form.

        Raises
        ------
        InputError
            If it is not the tidy form, or a key is missing or stands twice.
        """
        import pyarrow as pa

        tidy = observations(frame.reset_index(drop=True))
        return cls(pa.Table.from_pandas(tidy, preserve_index=False))

    def coverage(self) -> pd.DataFrame:
        """Return per indicator its years, codes, sexes and rows by state."""
        rows = pd.DataFrame({**self.codes, "year": self.year})
        groups = rows.groupby("indicator", sort=True)
        letters = self.labels["sex"]
        columns: dict[str, Any] = {
            "indicator": self.labels["indicator"],
            "first_year": groups["year"].min(),
            "last_year": groups["year"].max(),
            "years": groups["year"].nunique(),
            "codes": groups["code"].nunique(),
            "sexes": groups["sex"].agg(lambda s: "".join(letters[i] for i in np.unique(s))),
        }
        for name in STATES:
            here = self.labels["state"].index(name) if name in self.labels["state"] else -1
            columns[name] = (rows["state"] == here).groupby(rows["indicator"]).sum()
        return pd.DataFrame(columns)

    def cells(self, rows: Codes | None = None) -> pd.DataFrame:
        """Count rows by indicator and year.

        Parameters
        ----------
        rows : numpy.ndarray, optional
            Which rows to count; without it, all.

        Returns
        -------
        pandas.DataFrame
            ``indicator, year, rows``, where there are any.
        """
        width = len(self.labels["year"])
        both = self.codes["indicator"] * width + self.codes["year"]
        cell, count = np.unique(both if rows is None else both[rows], return_counts=True)
        indicator, year = np.divmod(cell, width)
        return pd.DataFrame(
            {
                "indicator": self.take("indicator", indicator),
                "year": self.take("year", year),
                "rows": count,
            }
        )

    def states(self) -> dict[str, int]:
        """Return how many rows there are in each state."""
        counts = np.bincount(self.codes["state"], minlength=len(self.labels["state"]))
        found = dict(zip(self.labels["state"], counts.tolist(), strict=True))
        return {state: found.get(state, 0) for state in STATES}

    def id(self) -> str:
        """Return the SHA-256 of the content.

        Hashed are, in this order: the format's name and the number of rows; per text
        column the texts that occur, ascending, each after its length in bytes, and then
        for each row which one it is (little-endian int32); the years (int64); the values
        (float64, one NaN, no negative zero).
        """
        h = hashlib.sha256(FORMAT + f"{len(self)}\n".encode())
        for name in TEXT:
            h.update(f"{name} {len(self.labels[name])}\n".encode())
            for text in self.labels[name]:
                raw = text.encode()
                h.update(f"{len(raw)} ".encode() + raw + b"\n")
            h.update(self.codes[name].astype("<i4").tobytes())
        h.update(self.year.astype("<i8").tobytes())
        h.update(self.value.astype("<f8").tobytes())
        return h.hexdigest()

    def table(self) -> pa.Table:
        """Return the content as an Arrow table, texts as dictionaries."""
        import pyarrow as pa

        columns: dict[str, pa.Array] = {
            name: pa.DictionaryArray.from_arrays(
                pa.array(self.codes[name].astype(np.int32)),
                pa.array(self.labels[name], pa.string()),
            )
            for name in TEXT
        }
        columns["year"] = pa.array(self.year)
        columns["value"] = pa.array(self.value, from_pandas=True)
        return pa.table({name: columns[name] for name in COLUMNS})

    def take(self, name: str, codes: Codes) -> Any:
        """Return labels of a column as a pandas array, by their codes."""
        labels: Any = pd.Series(self.labels[name], dtype="int64" if name == "year" else "str")
        return labels.array.take(codes)

    def frame(self, rows: Codes | None = None) -> pd.DataFrame:
        """Return the content in the tidy form, as :func:`observations` gives it.

        Parameters
        ----------
        rows : numpy.ndarray, optional
            Which rows, in which order; without it, all.

        Returns
        -------
        pandas.DataFrame
            A fresh index from 0.
        """
        at = slice(None) if rows is None else rows
        columns: dict[str, Any] = {n: self.take(n, c[at]) for n, c in self.codes.items()}
        columns["value"] = self.value[at]
        return pd.DataFrame({name: columns[name] for name in COLUMNS})

    def to_parquet(self) -> bytes:
        """Return the bytes of a Parquet file, compressed with zstd."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        sink = pa.BufferOutputStream()
        pq.write_table(self.table(), sink, compression="zstd", write_page_checksum=True)
        return bytes(sink.getvalue())

    @classmethod
    def from_parquet(cls, raw: bytes) -> Content:
        """Read the bytes of a Parquet file.

        Raises
        ------
        InputError
            If they are no whole Parquet file of observations.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(
                pa.BufferReader(raw), read_dictionary=list(TEXT), page_checksum_verification=True
            )
            return cls(table)
        except (pa.ArrowException, OSError, ValueError, TypeError, AttributeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"is no whole Parquet file of observations: {reason}") from None
