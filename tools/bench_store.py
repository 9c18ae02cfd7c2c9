"""The snapshot store at any size: keep, read, compare; ``python tools/bench_store.py`` prints.

At 290 units there are 1 996 650 rows: 153 indicators, 15 years, totals, women and men.
"""

from __future__ import annotations

import sys
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from bench_measure import measure

from evaluation.data.store import Snapshot, SnapshotStore, diff
from evaluation.data.store.content import Content

INDICATORS, YEARS, SEXES = 153, 15, ("K", "M", "T")
ABOUT = {
    "name": "bench",
    "source": "made for timing",
    "request": {},
    "licence_sv": "MIT",
    "licence_en": "MIT",
    "citation_sv": "påhittade data",
    "citation_en": "made-up data",
}


def rows(units: int) -> pd.DataFrame:
    """Make observations: every twentieth suppressed, every thirtieth missing, in random order."""
    keys = pd.MultiIndex.from_product(
        [
            [f"N{i:05d}" for i in range(INDICATORS)],
            [f"{100 + i:04d}" for i in range(units)],
            range(2010, 2010 + YEARS),
            SEXES,
        ],
        names=["indicator", "code", "year", "sex"],
    )
    rng = np.random.default_rng(units)
    out = pd.DataFrame(index=keys).reset_index()
    state = np.full(len(out), "observed", dtype=object)
    state[::20], state[::30] = "suppressed", "missing"
    value = np.where(state == "observed", rng.normal(50, 10, len(out)).round(2), np.nan)
    return out.assign(value=value, state=state).sample(frac=1, random_state=1, ignore_index=True)


def _store(holder: Callable[[], object]) -> SnapshotStore:
    """Return a store in a folder that goes when the run goes."""
    folder = tempfile.TemporaryDirectory()
    weakref.finalize(holder, folder.cleanup)
    return SnapshotStore(folder.name)


def _put(units: int) -> Callable[[], float]:
    frame = rows(units)

    def run() -> float:
        with tempfile.TemporaryDirectory() as folder:
            return float(SnapshotStore(folder).put(frame, **ABOUT).provenance.rows)

    return run


def _hash(units: int) -> Callable[[], float]:
    content = Content.from_frame(rows(units))
    return lambda: float(int(content.id()[:8], 16))


def _get(units: int) -> Callable[[], float]:
    def run() -> float:
        return float(len(store.get("bench").observations()))

    store = _store(run)
    store.put(rows(units), **ABOUT)
    return run


def _pair(store: SnapshotStore, units: int) -> tuple[Snapshot, Snapshot]:
    """Keep two vintages: one value in a hundred revised, one row in a thousand gone."""
    frame = rows(units)
    old = store.put(frame, **ABOUT)
    frame.loc[frame.index % 100 == 0, "value"] += 0.1
    return old, store.put(frame.loc[frame.index % 1000 != 1], **ABOUT)


def _diff(units: int) -> Callable[[], float]:
    def run() -> float:
        return float(len(diff(old, new)))

    old, new = _pair(_store(run), units)
    return run


CASES = {"put": _put, "hash": _hash, "get": _get, "diff": _diff}


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 290
    print(f"{size * INDICATORS * YEARS * len(SEXES)} rows; {Path(sys.executable).name}")
    for name, case in CASES.items():
        found = measure(case, size)
        seconds = found["seconds"]
        assert isinstance(seconds, list)
        print(f"{name:<6}{np.median(seconds):8.2f} s{found['peak_mb']:9.0f} MB")
