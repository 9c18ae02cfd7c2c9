"""The fetch against a local server that answers in 50 ms, and the second run from the store.

The server runs in a process of its own, as the real one does: ``python tools/bench_fetch.py``
serves until its input is closed, and prints its address first.
"""

from __future__ import annotations

import atexit
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from kolada_server import serving

from evaluation.data import fetch
from evaluation.data.kolada.client import KoladaClient
from evaluation.data.store import SnapshotStore
from evaluation.plan import Plan, plan_from_dict

DELAY = 0.05
YEARS = (2010, 2024)
INDICATORS = tuple(f"N1{i:04}" for i in range(20))
ALL = fetch.needed_codes()
Run = Callable[[], float]


def _plan() -> Plan:
    text = {"sv": "x", "en": "x"}
    return plan_from_dict(
        {
            "name": "bench",
            "title": text,
            "data": {"source": "kolada", "years": list(YEARS), "indicators": list(INDICATORS)},
            "outcomes": ["foreign_background"],
            "treatment": {"adoption": []},
            "estimation": {"seed": 1},
        }
    )


def _server() -> str:
    """Start the server and return its address; it ends with this process."""
    child = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    atexit.register(child.wait)
    atexit.register(child.stdin.close)
    return child.stdout.readline().strip()


def _prepared(units: int) -> Callable[[Path], float]:
    """Return a fetch of so many municipalities into a folder; it returns the number of rows."""
    # the nation comes first and is one more
    fetch.needed_codes = lambda: ALL[: units + 1]
    plan, client = _plan(), KoladaClient(_server(), rate=None)

    def into(folder: Path) -> float:
        return fetch.fetch_plan(plan, SnapshotStore(folder), client=client).provenance.rows

    return into


def _folder() -> Path:
    place = tempfile.TemporaryDirectory()
    atexit.register(place.cleanup)
    return Path(place.name)


def _fetch(units: int) -> Run:
    into, root, number = _prepared(units), _folder(), count()
    return lambda: into(root / str(next(number)))


def _stored(units: int) -> Run:
    root = _folder()
    _prepared(units)(root)
    return lambda: float(SnapshotStore(root).get("bench").observations()["value"].mean())


CASES = {"fetch": _fetch, "fetch, stored": _stored}


if __name__ == "__main__":
    with serving(delay=DELAY) as server:
        print(server.url, flush=True)
        sys.stdin.read()
