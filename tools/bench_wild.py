"""Time the wild cluster bootstrap beside the library's; time and peak memory by size."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.estimation.regression.least_squares import demean
from evaluation.estimation.regression.wild_two_way import wild_two_way

YEARS = 15
DRAWS = 9999
OURS = (290, 2900, 29000)
LIBRARY = (290,)


@dataclass(frozen=True)
class Row:
    """One measurement.

    Parameters
    ----------
    what : str
        What ran.
    units : int
        Units in the panel.
    seconds : float
        Wall time of the fastest of three runs, fit included.
    peak_mb : float
        Peak memory of a process that did nothing else, above what its imports take.
    p_value : float
        The answer, so that a reader sees the same test.
    """

    what: str
    units: int
    seconds: float
    peak_mb: float
    p_value: float


def panel(units: int) -> tuple[Panel, pd.Series]:
    """Make a panel of 15 years with three adoption years and a small effect."""
    rng = np.random.default_rng(units)
    cohort = np.zeros(units, dtype=int)
    tenth = max(1, units // 10)
    for place, year in enumerate((2015, 2018, 2021)):
        cohort[place * tenth : (place + 1) * tenth] = year
    years = np.arange(2010, 2010 + YEARS)
    treated = (cohort[:, None] > 0) & (years[None, :] >= cohort[:, None])
    values = rng.standard_normal((units, 1)) + rng.standard_normal((units, YEARS)) + 0.05 * treated
    names = [f"{i:05d}" for i in range(units)]
    frame = pd.DataFrame(values, index=names, columns=years)
    return Panel("simulated", frame), pd.Series(cohort, index=names)


def ours(data: Panel, cohort: pd.Series) -> float:
    """Run the package's own bootstrap with its interval."""
    p = wild_two_way(data, cohort, draws=DRAWS, seed=1).p_value
    assert p is not None
    return p


def library(data: Panel, cohort: pd.Series) -> float:
    """Run diff-diff's on the same regression, handed over as arrays without unit effects."""
    from diff_diff.utils import wild_bootstrap_se

    units, years = data.values.shape
    starts = cohort.loc[data.units].to_numpy()[:, None]
    treated = ((starts > 0) & (np.array(data.years)[None, :] >= starts)).astype(float)
    columns = np.column_stack([treated.ravel(), np.tile(np.eye(years)[:, 1:], (units, 1))])
    unit = np.repeat(np.arange(units), years)
    y = data.values.to_numpy(dtype=float).reshape(-1, 1)
    x, y = demean(columns, unit), demean(y, unit)[:, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = wild_bootstrap_se(x, y, y, unit, 0, n_bootstrap=DRAWS, seed=1)
    return float(done.p_value)


RUNS: dict[str, Callable[[Panel, pd.Series], float]] = {
    "wild cluster bootstrap, ours": ours,
    "wild cluster bootstrap, diff-diff": library,
}


def _measure(what: str, units: int) -> Row:
    """Measure one run in a process of its own."""
    run = RUNS[what]
    small = panel(30)
    run(*small)  # imports and first calls are not what is measured
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    data = panel(units)
    seconds, p = np.inf, np.nan
    for _ in range(3):
        began = time.perf_counter()
        p = run(*data)
        seconds = min(seconds, time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return Row(what, units, seconds, peak / scale, p)


def bench_wild() -> list[Row]:
    """Return the rows: ours at three sizes, the library where it fits in memory.

    Returns
    -------
    list of Row
        9,999 draws, 15 years.
    """
    jobs = [("wild cluster bootstrap, ours", n) for n in OURS]
    jobs += [("wild cluster bootstrap, diff-diff", n) for n in LIBRARY]
    context = multiprocessing.get_context("spawn")
    rows = []
    for job in jobs:
        # a fresh process for each, so that one's peak is not another's
        with context.Pool(1) as pool:
            rows.append(pool.apply(_measure, job))
    return rows


if __name__ == "__main__":
    for row in bench_wild():
        print(
            f"{row.what}, {row.units} units: {row.seconds:.3f} s, {row.peak_mb:.0f} MB, "
            f"p = {row.p_value:.4f}"
        )
