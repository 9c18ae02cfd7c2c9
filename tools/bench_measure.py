"""Measure one case at one size in this process and print it as JSON.

``python tools/bench_measure.py MODULE CASE UNITS``: MODULE is a file beside this one whose
``CASES`` map a name to a function of the number of units that prepares a run.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
import warnings
from collections.abc import Callable

WARM_UP = 30
"""Units of the run that is not counted: imports and first calls."""
SECONDS, RUNS = 1.0, 15
"""A case repeats until it has taken this long, or this often."""


def peak_mb() -> float:
    """Return the largest memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1e-6 if sys.platform == "darwin" else 1024e-6
    )


def measure(prepare: Callable[[int], Callable[[], float]], units: int) -> dict[str, object]:
    """Run a case until a second is over.

    Parameters
    ----------
    prepare : callable
        Makes the data of some number of units and returns what is timed, which returns an answer.
    units : int
        How many.

    Returns
    -------
    dict
        ``seconds`` of each run, ``peak_mb`` above what a run with 30 units needs, the data
        included, and the ``answer``.
    """
    prepare(WARM_UP)()
    before = peak_mb()
    run = prepare(units)
    seconds: list[float] = []
    while len(seconds) < 2 or (sum(seconds) < SECONDS and len(seconds) < RUNS):
        began = time.perf_counter()
        answer = run()
        seconds.append(time.perf_counter() - began)
        if seconds[0] > SECONDS:
            break
    # the first run at a size also touches its memory for the first time
    counted = seconds[1:] if len(seconds) > 1 else seconds
    return {"seconds": counted, "peak_mb": peak_mb() - before, "answer": float(answer)}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    module, case, size = sys.argv[1:]
    print(json.dumps(measure(importlib.import_module(module).CASES[case], int(size))))
