"""Attack 1,000 random protected tables and count what is recovered (docs/data/disclosure.md).

Run: python tools/disclosure_attack.py [tables] [first] [releases]

With two releases each table is released once more after a few persons came or went, beside what
was published of it first, and both are attacked together: by one who takes for unchanged what
need not have changed, which is what is guarded against, and by one who knows which cells did not.
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from disclosure_cases import life_table, random_releases, random_table

from evaluation.data.disclosure import Former, attack, protect
from evaluation.data.disclosure.constraints import stacked
from evaluation.data.disclosure.layout import lay_out
from evaluation.errors import InputError

SEED = 20171205


def generator(s: int) -> np.random.Generator:
    """Return the random numbers of one table."""
    return np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=(s,)))


def once(tables: range) -> None:
    """Print how many cells were hidden, and how many the attack pinned too narrowly."""
    primary = secondary = cells = recovered = inexact = programs = 0
    narrowest = np.inf
    start = time.perf_counter()
    for s in tables:
        rng = generator(s)
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
        if (s - tables[0] + 1) % 100 == 0:
            print(f"{s - tables[0] + 1} tables, {recovered} recovered", flush=True)
    print(
        f"{len(tables)} tables, {cells} cells, {primary} primary, {secondary} secondary;"
        f" {recovered} recovered, {inexact} ranges not exact, narrowest {narrowest:g} above asked;"
        f" {programs} programs, {time.perf_counter() - start:.0f} s"
    )


def twice(tables: range) -> None:
    """Print what two releases of almost the same persons give away together."""
    hidden = alone = cells = recovered = told = refused = before = 0
    start = time.perf_counter()
    for s in tables:
        (old, spec), (new, _) = random_releases(generator(s), releases=2)
        first = protect(old, spec)
        try:
            second = protect(new, spec, before=Former(first.tidy(), spec))
        except InputError:
            refused += 1
            continue
        check = second.check(exact=True)
        recovered += int(check.statistic)
        own = second.tidy()
        cells, hidden = cells + len(own), hidden + int(own["suppressed"].sum())
        before += int(first.tidy()["suppressed"].sum())
        alone += int(protect(new, spec).tidy()["suppressed"].sum())
        system = lay_out(new, spec.value, spec.by, spec.sums).constraints
        m, same = system.n_cells, np.flatnonzero((old["n"] == new["n"]).to_numpy())
        seen = np.full(2 * m, np.nan)
        for r, table in enumerate((own, first.tidy())):
            numbers = table["n"].astype("Float64").to_numpy(float, na_value=np.nan)
            seen[r * m : r * m + len(new)] = numbers
        links = [([i, m + i], [1.0, -1.0], "same") for i in same]
        ranges = attack(seen, stacked([system, system], links))
        narrow = np.isnan(seen) & (ranges.high - ranges.low < spec.rules.width_of)
        told += int(narrow.reshape(2, m)[:, : len(new)].sum())
        if (s - tables[0] + 1) % 25 == 0:
            print(f"{s - tables[0] + 1} pairs, {recovered} recovered, {told} told", flush=True)
    print(
        f"{len(tables)} pairs, {refused} refused, {cells} cells of the second;"
        f" {before} hidden in the first, {hidden} in the second, {alone} without the first;"
        f" {recovered} recovered, {told} by one who knows what did not change;"
        f" {time.perf_counter() - start:.0f} s"
    )


def main() -> None:
    """Attack tables released once or twice."""
    given = [int(a) for a in sys.argv[1:]]
    tables, first, releases = (given + [1000, 0, 1][len(given) :])[:3]
    (twice if releases == 2 else once)(range(first, first + tables))


if __name__ == "__main__":
    main()
