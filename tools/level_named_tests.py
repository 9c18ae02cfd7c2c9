"""Measure how often the named tests for few treated reject where there is no effect.

    python tools/level_named_tests.py named|randomisation|conformal [STUDIES]

Panels of 15 years without effect, on the sizes of the 290 municipalities or of Skåne's 33,
adoption in four years, AR(1) 0.5: the figures in ``docs/methods/named-few-treated.md``.
"""

import sys
from itertools import product

import numpy as np
import pandas as pd

from evaluation import Panel, contrasts, municipalities
from evaluation.estimation.few_treated.auto import auto_p_values
from evaluation.estimation.few_treated.coefficients import LinearEstimator, linear_estimator
from evaluation.estimation.few_treated.collapsed import collapse
from evaluation.estimation.few_treated.conformal import conformal
from evaluation.estimation.few_treated.conley_taber import conley_taber
from evaluation.estimation.few_treated.ferman_pinto import ferman_pinto
from evaluation.estimation.few_treated.permutation import free_assignments, placebo_estimates
from evaluation.estimation.few_treated.randomisation import size_class_assignments, welch_errors
from evaluation.estimation.few_treated.simulation import Cell, cell_studies, null_panels

SEED, PLACEBOS, ASSIGNMENTS, CLASSES = 20, 999, 399, 4
FIRST_YEAR, YEARS = 2000, 15


def sizes(n: int) -> np.ndarray:
    """Return the real sizes of the 290, or of Skåne's 33."""
    people = municipalities()["population_2017"]
    chosen = people if n == 290 else people[people.index.str.startswith("12")]
    return chosen.to_numpy(dtype=float)


def study(est: LinearEstimator, y: np.ndarray) -> tuple[Panel, pd.Series]:
    """Return one panel with the years and cohorts that the estimator was made for."""
    codes = [f"{i:04d}" for i in range(est.n_units)]
    first = np.zeros(est.n_units, dtype=int)
    first[est.treated] = FIRST_YEAR + est.start
    years = range(FIRST_YEAR, FIRST_YEAR + YEARS)
    return Panel("null", pd.DataFrame(y, codes, years)), pd.Series(first, codes)


def named(cell: Cell, size: np.ndarray, studies: int) -> list[float]:
    """Return levels: Conley–Taber, Ferman–Pinto, the rule with weights, without and with sizes."""
    found: list[list[np.ndarray]] = [[], [], [], []]
    for est, y in cell_studies(cell, size, draws=studies, seed=SEED):
        c = collapse(y, est)
        panel, cohort = study(est, y[0])
        weights = pd.Series(size, cohort.index)
        w = collapse(y, linear_estimator(panel, cohort, estimand=est.estimand, weights=weights))
        tests = (
            conley_taber(c, draws=PLACEBOS).p_value(),
            ferman_pinto(c, size, draws=PLACEBOS).p_value(),
            auto_p_values(w, y, None),
            auto_p_values(w, y, size),
        )
        for column, p in zip(found, tests, strict=True):
            column.append(p)
    return [float((np.concatenate(p) <= 0.05).mean()) for p in found]


def randomisation(cell: Cell, size: np.ndarray, studies: int) -> list[float]:
    """Return the levels of β and t over any units, and over units of the same class of size."""
    count = np.zeros(4)
    for est, y in cell_studies(cell, size, draws=studies, seed=SEED):
        picks: list[np.ndarray] = []
        for values in y:
            panel, cohort = study(est, values)
            c = contrasts(panel, cohort)
            if not picks:
                people = pd.Series(size, cohort.index)
                picks = [
                    np.vstack([[c.slots], free_assignments(len(size), c.slots, ASSIGNMENTS, SEED)]),
                    np.vstack(
                        [[c.slots], size_class_assignments(c, people, CLASSES, ASSIGNMENTS, SEED)]
                    ),
                ]
            for k, every in enumerate(picks):
                b = np.abs(placebo_estimates(c, c.d, every))
                t = b / welch_errors(c, every)
                count[2 * k] += (b >= b[0] * (1 - 1e-12)).mean() <= 0.05
                count[2 * k + 1] += (t >= t[0] * (1 - 1e-12)).mean() <= 0.05
    return list(count / studies)


def shifted(autocorrelation: float, years: int, treated: int, studies: int) -> list[float]:
    """Return the levels of conformal inference by cyclic shifts and by any order of the years."""
    codes = [f"{i:02d}" for i in range(12)]
    rng = np.random.default_rng(np.random.SeedSequence(SEED))
    count = np.zeros(2)
    for values in null_panels(rng, studies, np.ones(12), years, autocorrelation):
        panel = Panel("null", pd.DataFrame(values, codes, range(FIRST_YEAR, FIRST_YEAR + years)))
        first = FIRST_YEAR + years - treated
        for k, kind in enumerate(("moving_block", "iid")):
            found = conformal(
                panel, codes[0], first, codes[1:], permutations=kind, draws=ASSIGNMENTS
            )
            count[k] += found.result.p_value <= 0.05
    return list(count / studies)


def main() -> None:
    """Print one row per cell, in per cent."""
    what = sys.argv[1] if len(sys.argv) > 1 else "named"
    studies = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    if what == "conformal":
        for rho, (years, treated) in product((0.0, 0.5, 0.9), ((20, 5), (30, 6))):
            level = shifted(rho, years, treated, studies)
            print(rho, years, treated, *(f"{100 * x:.1f}" for x in level), flush=True)
        return
    measure = {"named": named, "randomisation": randomisation}[what]
    for n, k, law, who in product(
        (33, 290),
        (1, 2, 4, 8) if what == "named" else (2, 4),
        ("equal", "size"),
        ("random", "small", "large", "smallest", "largest"),
    ):
        level = measure(Cell(n, k, law, who, "staggered", 0.5), sizes(n), studies)
        print(n, k, law, who, *(f"{100 * x:.1f}" for x in level), flush=True)


if __name__ == "__main__":
    main()
