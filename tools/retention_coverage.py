"""How often the intervals of the effect on staying cover the truth (docs/questions/retention.md).

The simulated twin, default settings. Run: python tools/retention_coverage.py FIRST LAST
"""

import sys

import numpy as np

from evaluation.data.twin import simulate
from evaluation.estimation.survival.persons import life_table_from_persons
from evaluation.plan import SimulatedData
from evaluation.questions.retention.effect import retention_effect


def draw(seed):
    """Return truth, estimate, bounds and rejections of one country."""
    twin = simulate(SimulatedData(seed=seed))
    columns = ["received_code", "received", "moved", "move"]
    table = life_table_from_persons(
        twin.persons[columns], until="2025-12", by=("municipality", "cohort")
    )
    found = retention_effect(table, twin.truth.first_year, draws=499, seed=seed)
    used = [c for c in found.panel.units if c in twin.truth.first_year]
    truth = twin.truth.att("retention_3_years", codes=used)
    share, permuted, hazard = found.share.result, found.permutation, found.hazard
    return (
        truth,
        share.estimate,
        share.conf_int[0] <= truth <= share.conf_int[1],
        permuted.conf_int[0] <= truth <= permuted.conf_int[1],
        permuted.p_value <= 0.05,
        hazard.result.estimate,
        hazard.result.p_value <= 0.05,
        hazard.model.coefficients[0].p_value <= 0.05,
    )


def main():
    """Print one line per country, and the summary."""
    first, last = (int(a) for a in sys.argv[1:3])
    rows = []
    for seed in range(first, last + 1):
        rows.append(draw(seed))
        print(seed, *(f"{float(v):.3f}" for v in rows[-1]), flush=True)
    r = np.array(rows, dtype=float)
    names = ("rule covers", "permutation covers", "permutation finds", "hazard ratio (log)")
    names = (*names, "hazard permutation finds", "hazard clustered finds")
    bias = r[:, 1] - r[:, 0]
    print(f"truth {r[:, 0].mean():.2f}, bias {bias.mean():.2f} ± {bias.std() / len(r) ** 0.5:.2f}")
    for name, column in zip(names, r[:, 2:].T, strict=True):
        print(f"{name}: {column.mean():.3f}")


if __name__ == "__main__":
    main()
