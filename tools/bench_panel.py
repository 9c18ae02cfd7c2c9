"""Time what two million tidy rows cost: the schema, the wide form and the panel; print a table.

Run ``python tools/bench_panel.py``. The target of the panel build is 2 s.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from evaluation.data.places import codes
from evaluation.data.registry import REGISTRY
from evaluation.data.schema import validate
from evaluation.data.tidy_panel import build_panel, to_wide

ROUNDS = 5


def rows(n: int, seed: int) -> pd.DataFrame:
    """Make n shuffled rows: the registry's own indicators, then as many unnamed ones as needed."""
    years = range(2004, 2026)
    own = [i.id for i in REGISTRY.values() if i.scale == "share" and i.kolada]
    per_indicator = len(codes()) * len(years) * 3
    names = ["N00964", *own]
    names += [f"x{i:03d}" for i in range(max(0, n // per_indicator + 1 - len(names)))]
    index = pd.MultiIndex.from_product(
        [names, sorted(codes()), years, ["T", "K", "M"]],
        names=["indicator", "code", "year", "sex"],
    )
    frame = index.to_frame(index=False).head(n)
    rng = np.random.default_rng(seed)
    count = (frame["indicator"] == "N00964").to_numpy()
    total = (frame["sex"] == "T").to_numpy()
    frame["value"] = np.where(count, np.where(total, 80.0, 40.0), 35.0)
    held = rng.random(len(frame)) < 0.01
    frame["state"] = np.where(held, "suppressed", "observed")
    frame.loc[held, "value"] = np.nan
    text = dict.fromkeys(("indicator", "code", "sex", "state"), "str")
    return frame.astype(text).sample(frac=1, random_state=seed, ignore_index=True)


def median(call: Callable[[], object]) -> tuple[float, float]:
    """Return the median seconds of a few calls, by the clock and of the processor."""
    clock, processor = [], []
    for _ in range(ROUNDS):
        start, busy = time.perf_counter(), time.process_time()
        call()
        clock.append(time.perf_counter() - start)
        processor.append(time.process_time() - busy)
    return float(np.median(clock)), float(np.median(processor))


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    frame = rows(chosen.rows, chosen.seed)
    own = sorted(set(frame["indicator"]))
    cases: dict[str, Callable[[], object]] = {
        "validate": lambda: validate(frame),
        "build_panel, unbalanced": lambda: build_panel(frame, "N00973", unbalanced=True),
        "build_panel, unbalanced, weighted": lambda: build_panel(
            frame, "N00973", unbalanced=True, weight="registry"
        ),
        "to_wide": lambda: to_wide(frame, "N00973"),
        "build_panel, every indicator": lambda: [
            build_panel(frame, i, unbalanced=True) for i in own
        ],
    }
    print(f"{len(frame):,} rows, Python {platform.python_version()}, pandas {pd.__version__}")
    for name, call in cases.items():
        clock, processor = median(call)
        print(f"{name:36} {clock:7.3f} s, processor {processor:7.3f} s")


if __name__ == "__main__":
    main()
