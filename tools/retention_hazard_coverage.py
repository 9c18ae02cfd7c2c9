"""How often intervals of the effect on the hazard cover the truth (docs/questions/retention.md).

Countries of 290 municipalities with 6 to 9 active ones, shocks to the log hazard by municipality
and year, and a known ratio. SIZE is any, large or small: which municipalities may be active. Run:
python tools/retention_hazard_coverage.py FIRST LAST LOG_RATIO SIZE
"""

import sys

import numpy as np
import pandas as pd

from evaluation.estimation.survival.hazard_did import hazard_did
from evaluation.estimation.survival.persons import count_spells

UNITS, YEARS, MONTHS, SHOCK = 290, np.arange(2010, 2018), 36, 0.15


def country(seed, effect, size):
    """Return a life table and the first years of activity."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    mean = np.exp(rng.normal(3.3, 0.9, UNITS)).clip(8, 1500)
    order = np.argsort(mean)
    pool = {"any": order, "large": order[-58:], "small": order[:97]}[size]
    active = rng.choice(pool, rng.integers(6, 10), replace=False)
    first = rng.integers(2013, 2016, len(active))
    on = np.zeros((UNITS, len(YEARS)))
    on[active] = first[:, None] <= YEARS
    log_rate = (
        rng.normal(-3.9, 0.25, UNITS)[:, None]
        + rng.normal(0, 0.1, len(YEARS))
        + rng.normal(0, SHOCK, on.shape)
        + effect * on
    )
    there = rng.poisson(np.broadcast_to(mean[:, None], on.shape)) + 2
    codes = [f"{i:04d}" for i in range(UNITS)]
    groups = pd.MultiIndex.from_product([codes, YEARS], names=["municipality", "cohort"])
    cell, end, kind = [], [], []

    def add(counts, month, of):
        cell.append(np.repeat(np.arange(counts.size), counts.ravel()))
        end.append(np.full(len(cell[-1]), month))
        kind.append(np.full(len(cell[-1]), of))

    for month in range(1, MONTHS + 1):
        gone = rng.binomial(there, -np.expm1(-np.exp(log_rate - 0.02 * month)))
        add(gone, month, 0)
        there = there - gone
    add(there, MONTHS, -1)
    keys = groups.to_frame(index=False).iloc[np.concatenate(cell)].reset_index(drop=True)
    end = np.concatenate(end)
    table = count_spells(keys, np.zeros(len(end), int), end, np.concatenate(kind), kinds=["left"])
    return table, {codes[i]: int(y) for i, y in zip(active, first, strict=True)}


def draw(seed, effect, size):
    """Return estimate, cover and rejection of one country by permutation and by clusters."""
    table, first = country(seed, effect, size)
    found = hazard_did(table, first, horizon=MONTHS, draws=999, seed=seed)
    out = [found.result.estimate]
    for e in (found.result, found.clustered):
        low, high = e.conf_int
        out += [low <= effect <= high, e.p_value <= 0.05, high - low]
    low, high = found.result.conf_int
    return [*out, (low <= 0 <= high) != (found.result.p_value > 0.05)]


def main():
    """Print one line per country, and the summary."""
    first, last = (int(a) for a in sys.argv[1:3])
    effect, size = float(sys.argv[3]), sys.argv[4]
    rows = []
    for seed in range(first, last + 1):
        rows.append(draw(seed, effect, size))
        print(seed, *(f"{float(v):.3f}" for v in rows[-1]), flush=True)
    r = np.array(rows, dtype=float)
    bias = r[:, 0] - effect
    print(f"{len(r)} countries, {effect:g}, {size}")
    print(f"bias {bias.mean():.4f} ± {bias.std() / len(r) ** 0.5:.4f}, sd {bias.std():.4f}")
    names = ("permutation covers", "permutation finds", "its length", "clustered covers")
    names = (*names, "clustered finds", "its length", "interval and p disagree")
    for name, column in zip(names, r[:, 1:].T, strict=True):
        print(f"{name}: {column.mean():.3f}")


if __name__ == "__main__":
    main()
