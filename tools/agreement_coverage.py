"""How often the interval of Krippendorff's alpha covers the truth (docs/design/coding.md).

Two coders, five stances. Run: python tools/agreement_coverage.py
"""

import numpy as np

from evaluation.design.coding.measures import value_counts
from evaluation.design.coding.resampling import ordinal_alpha

SHARES = np.array([0.25, 0.15, 0.3, 0.2, 0.1])
ERRORS = (0.05, 0.1, 0.2, 0.3, 0.5)
UNITS = (30, 60, 120, 290)
STUDIES, DRAWS, SEED = 400, 999, 20171205


def coded(truth, error, rng):
    """Return a coder's values: wrong at random, three in ten of the errors anywhere."""
    n = len(truth)
    step = np.clip(truth + rng.choice([-1, 1], n), 0, 4)
    wrong = np.where(rng.random(n) < 0.3, rng.choice(5, n, p=SHARES), step)
    return np.where(rng.random(n) < error, wrong, truth)


def study(n, error, rng):
    """Return the counts of a study of n units."""
    truth = rng.choice(5, n, p=SHARES)
    pair = [coded(truth, error, rng) for _ in range(2)]
    return value_counts(np.column_stack(pair).astype(float), 5)


def main():
    """Print coverage by error and size, and how many studies had no interval."""
    for i, error in enumerate(ERRORS):
        rng = np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=(i,)))
        many = study(400_000, error, rng)
        truth = ordinal_alpha(many, np.arange(len(many)), draws=0).value
        cells = []
        for n in UNITS:
            found = [
                ordinal_alpha(study(n, error, rng), np.arange(n), draws=DRAWS, seed=k).conf_int
                for k in range(STUDIES)
            ]
            given = [b for b in found if b is not None]
            hits = sum(low <= truth <= high for low, high in given)
            cells.append(f"{hits / len(given):.2f} ({STUDIES - len(given)})")
        print(f"{error:.2f}  {truth:.2f}  {'  '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
