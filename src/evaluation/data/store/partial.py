"""The chunks of a fetch that is under way, so that an interrupted one can go on."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evaluation.data.store.provenance import canonical_json, plain
from evaluation.data.store.writing import replace
from evaluation.errors import InputError

__all__ = ["FRESH_FOR", "Partial"]

FRESH_FOR = 24 * 3600.0
"""Seconds that a chunk may wait. Older ones are of another vintage than the rest would be."""


class Partial:
    """Chunks of one request, each kept whole or not at all.

    Safe with several processes: each chunk is written beside and renamed, and carries its
    own hash. A chunk that is damaged or older than a day counts as not there. Another
    process that finishes the same request clears the chunks: hold on to what was fetched.

    Parameters
    ----------
    folder : pathlib.Path
        Where the chunks of all requests lie.
    temporary : pathlib.Path
        Folder on the same file system for files while they are written.
    request : mapping
        What is asked, in plain types. Two equal requests share their chunks.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     chunks = Partial(Path(folder), Path(folder) / "tmp", {"years": [2015, 2016]})
    ...     chunks.put("N00973 2015", [["2321", 50.0], ["0114", None]])
    ...     chunks.keys(), chunks.get("N00973 2015"), chunks.get("N00973 2016")
    (('N00973 2015',), [['2321', 50.0], ['0114', None]], None)
    """

    def __init__(self, folder: Path, temporary: Path, request: Mapping[str, Any]) -> None:
        text = canonical_json(plain(request, "request"))
        self._folder = folder
        self._temporary = temporary
        self._request = _short_hash(text)

    def _file(self, key: str) -> Path:
        return self._folder / f"{self._request}-{_short_hash(key)}.json"

    def _files(self) -> Iterator[Path]:
        return self._folder.glob(f"{self._request}-*.json")

    def _read(self, file: Path) -> dict[str, Any] | None:
        try:
            seal, _, text = file.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", file=str(file)) from None
        if hashlib.sha256(text).hexdigest().encode() != seal:
            return None
        chunk: dict[str, Any] = json.loads(text)
        age = time.time() - chunk["time"]
        return chunk if age < FRESH_FOR else None

    def keys(self) -> tuple[str, ...]:
        """Return the keys of the chunks that are there, ascending."""
        chunks = (self._read(file) for file in self._files())
        return tuple(sorted(chunk["key"] for chunk in chunks if chunk is not None))

    def get(self, key: str) -> list[Any] | None:
        """Return the rows of a chunk.

        Parameters
        ----------
        key : str
            As it was put.

        Returns
        -------
        list or None
            The rows in plain types; None if they must be fetched.
        """
        chunk = self._read(self._file(key))
        if chunk is None:
            return None
        rows: list[Any] = chunk["rows"]
        return rows

    def put(self, key: str, rows: list[Any]) -> None:
        """Keep a chunk; one with the same key gives way.

        Parameters
        ----------
        key : str
            What the chunk is, such as an indicator and its years.
        rows : list
            Plain types.

        Raises
        ------
        InputError
            If the rows are not plain, or cannot be written.
        """
        text = canonical_json({"key": key, "rows": rows, "time": time.time()}).encode()
        content = hashlib.sha256(text).hexdigest().encode() + b"\n" + text
        # not synced: a chunk that a power cut tears fails its hash and is fetched again
        replace(self._file(key), content, self._temporary, durable=False)

    def clear(self) -> None:
        """Remove every chunk of the request."""
        for file in self._files():
            file.unlink(missing_ok=True)


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
