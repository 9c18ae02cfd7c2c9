"""Measure the level of the permutation test against matched and weighted comparisons.

    python tools/level_matched_comparisons.py [--studies 1000] [--workers 1] [--picked-by random]

No effect anywhere. Four of 283 municipalities of real size are treated, at the dates of the
settlement plan moved so that two or six years lie before the first. They are drawn at random, or
by what they were before the start: a lasting level, a passing level (the noise of those years), a
lasting trend, a passing trend. Reported: how often each test rejects at 5 %, and the mean
estimate in standard deviations of a year's noise (0 is unbiased).
"""

from __future__ import annotations

import argparse
import csv
import sys

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from evaluation.data import embedded
from evaluation.data.panel import Panel
from evaluation.design.comparison import matched_sets
from evaluation.design.comparison.weighting import Weighting
from evaluation.errors import InputError
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.estimation.few_treated.permutation import matched_assignments, placebo_estimates
from evaluation.estimation.few_treated.reassigned import Balanced, Nearest, reassigned

UNITS, YEARS, DRAWS, DONORS = 283, 16, 199, 30
STARTS = np.array([0, 1, 5, 6])
SCENARIOS = ("random", "lasting level", "passing level", "lasting trend", "passing trend")
TESTS = ("unmatched", "mahalanobis", "entropy")
LEVEL_SD, SLOPE_SD, NOISE_SD, MEMORY, PULL = 2.0, 0.15, 1.0, 0.5, 1.0


def one(scenario: str, before: int, number: int) -> dict[str, tuple[float, bool] | None]:
    """Draw one study; return each test's estimate and whether it rejects, None without overlap."""
    seed = np.random.SeedSequence([20180101, SCENARIOS.index(scenario), before, number])
    rng = np.random.default_rng(seed)
    size = embedded.municipalities()["population_2017"]
    codes = [str(c) for c in rng.choice(size.index, UNITS, replace=False)]
    n = np.log(size[codes].to_numpy(dtype=float))
    level = rng.normal(0, LEVEL_SD, UNITS)
    slope = rng.normal(0, SLOPE_SD, UNITS)
    # smaller municipalities vary more, as shares do
    shocks = rng.normal(0, NOISE_SD, (UNITS, YEARS)) * np.exp(-0.25 * (n - n.mean()))[:, None]
    noise = np.empty_like(shocks)
    noise[:, 0] = shocks[:, 0] / np.sqrt(1 - MEMORY**2)
    for t in range(1, YEARS):
        noise[:, t] = MEMORY * noise[:, t - 1] + shocks[:, t]
    time = np.arange(YEARS)
    early = time[:before] - time[:before].mean()
    picked_by = {
        "random": np.zeros(UNITS),
        "lasting level": level,
        "passing level": noise[:, :before].mean(axis=1),
        "lasting trend": slope,
        "passing trend": noise[:, :before] @ early,
    }[scenario]
    spread = picked_by.std() or 1.0
    chance = np.exp(PULL * picked_by / spread)
    who = rng.choice(UNITS, len(STARTS), replace=False, p=chance / chance.sum())
    order = [codes[i] for i in who] + [c for i, c in enumerate(codes) if i not in set(who)]
    values = pd.DataFrame(level[:, None] + slope[:, None] * time + noise, codes, list(2010 + time))
    panel = Panel("simulated", values).select(order)
    first = dict(zip(order, 2010 + before + STARTS, strict=False))
    cohort = pd.Series({c: int(first.get(c, 0)) for c in order})
    treated, controls = order[: len(STARTS)], order[len(STARTS) :]
    c = contrasts(panel, cohort)
    picks = matched_assignments(c, matched_sets(treated, controls, size, DONORS), DRAWS, number)
    out: dict[str, tuple[float, bool] | None] = {}
    for name in TESTS:
        if name == "unmatched":
            real, a = c.estimate(), placebo_estimates(c, c.d, picks)
        else:
            w = Weighting(name)  # type: ignore[arg-type]
            table = w.table(panel, cohort, size)
            try:
                w.weights(table, treated)
            except InputError:
                out[name] = None
                continue
            chooser = (
                Nearest(w.distances(table), w.matches)
                if name == "mahalanobis"
                else Balanced(table.to_numpy(dtype=float))
            )
            real = float(reassigned(c, np.array([c.slots]), chooser)[0][0])
            a = np.nan_to_num(reassigned(c, picks, chooser)[0], nan=np.inf)
        p = (1 + (np.abs(a) >= abs(real) - 1e-10).sum()) / (1 + len(a))
        out[name] = real / NOISE_SD, bool(p <= 0.05)
    return out


def main() -> None:
    """Print one row per scenario, number of years before the start, and test."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--picked-by", nargs="+", choices=SCENARIOS, default=SCENARIOS)
    asked = parser.parse_args()
    write = csv.writer(sys.stdout)
    write.writerow(("picked by", "years before", "test", "rejects", "mean", "without", "studies"))
    for scenario in asked.picked_by:
        for before in (2, 6):
            found = Parallel(asked.workers)(
                delayed(one)(scenario, before, i) for i in range(asked.studies)
            )
            for name in TESTS:
                some = [f[name] for f in found if f[name] is not None]
                write.writerow(
                    (
                        scenario,
                        before,
                        name,
                        f"{np.mean([r for _, r in some]):.3f}",
                        f"{np.mean([e for e, _ in some]):.3f}",
                        asked.studies - len(some),
                        asked.studies,
                    )
                )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
