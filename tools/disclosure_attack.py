"""Attack 1,000 random protected tables and count what is recovered (docs/data/disclosure.md).

Run: python tools/disclosure_attack.py [tables] [first]
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from disclosure_cases import life_table, random_table

from evaluation.data.disclosure import protect

SEED = 20171205


def main() -> None:
    """Print how many cells were hidden, and how many the attack pinned too narrowly."""
    tables = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    primary = secondary = cells = recovered = inexact = programs = 0
    narrowest = np.inf
    start = time.perf_counter()
    for s in range(first, first + tables):
        rng = np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=(s,)))
        table, spec = random_table(rng) if s % 4 else life_table(rng)
        done = protect(table, spec)
        found = done.attack(exact=True)
        n = done.n_cells
        hidden = done.tidy()["suppressed"].to_numpy(bool)
        x = table[spec.value].to_numpy()
        width = (found.high - found.low)[:n]
        small = (x > 0) & (x < spec.rules.k)
        bad = hidden & (width < spec.rules.width_of)
        bad |= small & (found.high[:n] < spec.rules.k)
        recovered += int(bad.sum())
        inexact += int((~found.exact).sum())
        programs += found.n_programs
        primary, secondary = primary + done.n_primary, secondary + done.n_secondary
        cells += n
        if hidden.any():
            narrowest = min(narrowest, float((width[hidden] - spec.rules.width_of).min()))
        if (s - first + 1) % 100 == 0:
            print(f"{s - first + 1} tables, {recovered} recovered", flush=True)
    print(
        f"{tables} tables, {cells} cells, {primary} primary, {secondary} secondary;"
        f" {recovered} recovered, {inexact} ranges not exact, narrowest {narrowest:g} above asked;"
        f" {programs} programs, {time.perf_counter() - start:.0f} s"
    )


if __name__ == "__main__":
    main()
