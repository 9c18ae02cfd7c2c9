"""What the files of records are: named, measured and hashed beside the counting."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

__all__ = ["hashing"]

_BLOCK = 1 << 20


@contextmanager
def hashing() -> Iterator[Callable[[Iterable[Path]], list[Future[dict[str, Any]]]]]:
    """Describe files in a thread of their own: hashing leaves Python free for other work.

    Yields
    ------
    function
        Takes files, and returns for each what will be its ``name``, ``bytes`` and ``sha256``.
        What is not done when the block is left is not done at all.
    """
    leave = Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        try:
            yield lambda files: [pool.submit(_described, file, leave) for file in files]
        finally:
            leave.set()


def _described(path: Path, leave: Event) -> dict[str, Any]:
    found = hashlib.sha256()
    with path.open("rb", buffering=0) as handle:
        while not leave.is_set() and (block := handle.read(_BLOCK)):
            found.update(block)
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": found.hexdigest()}
