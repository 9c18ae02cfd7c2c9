"""From a test of a single panel to an estimate that carries it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evaluation.estimation.few_treated.integrated_t import IntegratedTest
from evaluation.estimation.few_treated.placebo_test import PlaceboTest
from evaluation.estimation.few_treated.welch import StudentTest
from evaluation.results import Estimate

__all__ = ["report_test"]


def report_test(
    like: Estimate,
    test: StudentTest | IntegratedTest | PlaceboTest | None,
    inference: str,
    notes: tuple[str, ...],
) -> Estimate:
    """Give an estimate the error, p-value and interval of a test.

    Parameters
    ----------
    like : Estimate
        Names, counts, level and hash.
    test : StudentTest, IntegratedTest, PlaceboTest or None
        Of one panel; the first is taken.
    inference : str
        The test in words.
    notes : tuple of str
        What a reader must know.

    Returns
    -------
    Estimate
        Without p-value and with infinite bounds where there is no test or its error is
        infinite. A placebo test has no standard error.
    """
    none = replace(
        like,
        conf_int=(-np.inf, np.inf),
        inference=inference,
        std_error=None,
        statistic=None,
        p_value=None,
        small_sample="",
        notes=notes,
    )
    if test is None:
        return none
    error = None if isinstance(test, PlaceboTest) else float(test.std_error[0])
    if error is not None and not np.isfinite(error):
        return none
    if isinstance(test, PlaceboTest):
        convention = test.convention
        if test.smallest_p > like.alpha:
            notes = (
                *notes,
                f"only {test.placebo.shape[1]} placebo estimates: the smallest possible p-value "
                f"is {test.smallest_p:.3f}, so no interval at {100 * (1 - like.alpha):g} % exists",
            )
    elif isinstance(test, IntegratedTest):
        df = float((test.weights * test.df).sum())
        convention = f"mixture of t({df:.0f}) over {test.std_errors.shape[1]} variance models"
    else:
        convention = f"t({float(test.df[0]):.1f})"
    value, half = like.estimate, float(test.half_width(like.alpha)[0])
    return replace(
        none,
        conf_int=(value - half, value + half),
        std_error=error,
        statistic=value if error is None else value / error,
        p_value=float(test.p_value()[0]),
        small_sample=convention,
        notes=notes,
    )
