"""Measure how often the named tests for few treated reject where there is no effect.

    python tools/level_named_tests.py [DRAWS]

Panels of 15 years without effect, on the sizes of the 290 municipalities or of Skåne's 33,
adoption in four years, AR(1) 0.5: the table in ``docs/methods/named-few-treated.md``.
"""

import sys
from itertools import product

import numpy as np
import pandas as pd

from evaluation import Panel, municipalities
from evaluation.estimation.few_treated.auto import auto_p_values
from evaluation.estimation.few_treated.coefficients import LinearEstimator, linear_estimator
from evaluation.estimation.few_treated.collapsed import collapse
from evaluation.estimation.few_treated.conley_taber import conley_taber
from evaluation.estimation.few_treated.ferman_pinto import ferman_pinto
from evaluation.estimation.few_treated.simulation import Cell, cell_studies

SEED, PLACEBOS = 20, 999


def weighted(est: LinearEstimator, y: np.ndarray, size: np.ndarray) -> LinearEstimator:
    """Return the same aggregate, units weighing by their size."""
    codes = [f"{i:04d}" for i in range(est.n_units)]
    first = np.zeros(est.n_units, dtype=int)
    first[est.treated] = est.start
    panel = Panel("null", pd.DataFrame(y[0], index=codes))
    cohort, weights = pd.Series(first, index=codes), pd.Series(size, index=codes)
    return linear_estimator(panel, cohort, estimand=est.estimand, weights=weights)


def levels(cell: Cell, size: np.ndarray, draws: int) -> list[float]:
    """Return the shares below 5 %: Conley–Taber, Ferman–Pinto, auto with weights, as sizes too."""
    found: list[list[np.ndarray]] = [[], [], [], []]
    for est, y in cell_studies(cell, size, draws=draws, seed=SEED):
        c = collapse(y, est)
        w = collapse(y, weighted(est, y, size))
        for column, p in zip(
            found,
            (
                conley_taber(c, draws=PLACEBOS).p_value(),
                ferman_pinto(c, size, draws=PLACEBOS).p_value(),
                auto_p_values(w, y, None),
                auto_p_values(w, y, size),
            ),
            strict=True,
        ):
            column.append(p)
    return [float((np.concatenate(p) <= 0.05).mean()) for p in found]


def main() -> None:
    """Print one row per cell."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    people = municipalities()["population_2017"]
    sizes = {33: people[people.index.str.startswith("12")], 290: people}
    print("units treated variance who   CT    FP  weighted  weighted,size")
    for n, k, law, who in product(
        (33, 290),
        (1, 2, 4, 8),
        ("equal", "size"),
        ("random", "small", "large", "smallest", "largest"),
    ):
        size = sizes[n].to_numpy(dtype=float)
        row = levels(Cell(n, k, law, who, "staggered", 0.5), size, draws)
        print(n, k, law, who, *(f"{100 * x:.1f}" for x in row), flush=True)


if __name__ == "__main__":
    main()
