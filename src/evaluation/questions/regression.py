"""A panel regression on a file of one's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from evaluation.data.files import MISSING, number_column, read_table, year_column
from evaluation.errors import InputError
from evaluation.estimation.regression.formula import formula_variables
from evaluation.estimation.regression.models import Cov, Model, regress
from evaluation.estimation.regression.result import RegressionResult
from evaluation.estimation.regression.specification_tests import hausman_test, mundlak_test
from evaluation.estimation.regression.wild_bootstrap import Multiplier
from evaluation.results import Check

__all__ = ["regress_file"]

OPTIONS = ("formula", "model", "cov", "weights", "cluster", "bandwidth", "draws", "alpha")


def _typed(
    table: pd.DataFrame,
    formula: str,
    *,
    unit: str,
    time: str,
    weights: str | None,
    cluster: str | None,
) -> pd.DataFrame:
    """Turn the text columns that the model reads into numbers, cell by cell."""
    columns, categories = formula_variables(formula)
    typed = table.copy()
    text = {unit, *categories} | ({cluster} if cluster else set())
    numbers = {*columns, *([weights] if weights else [])} - set(categories)
    for column in text & set(table.columns):
        typed[column] = table[column].astype(object).where(~table[column].isin(list(MISSING)), None)
    for column in sorted(numbers - {time}) + sorted(numbers & {time}):
        # a column that is not there is told by the model, with what names it
        if column in table.columns:
            typed[column] = number_column(table, column, missing=True)
    if time in table.columns:
        typed[time] = year_column(table, time)
    return typed


def regress_file(
    path: str | Path,
    formula: str,
    *,
    unit: str,
    time: str,
    weights: str | None = None,
    cluster: str | None = None,
    model: Model = "fixed",
    cov: Cov = "clustered",
    bandwidth: int | None = None,
    restricted: bool = True,
    multiplier: Multiplier = "rademacher",
    draws: int = 9999,
    seed: int = 1,
    alpha: float = 0.05,
    progress: Callable[[str], None] = lambda _: None,
) -> RegressionResult:
    """Fit a panel regression to a CSV with one row per unit and year.

    Parameters
    ----------
    path : str or pathlib.Path
        The file. Empty cells, ``NA`` and ``..`` are missing values.
    formula, unit, time, weights, cluster, model, cov, bandwidth
        As :func:`evaluation.estimation.regression.models.regress`.
    restricted, multiplier, draws, seed, alpha
        As there.
    progress : callable
        Called with the name of each step as it begins.

    Returns
    -------
    RegressionResult
        With Hausman's and Mundlak's tests among the checks of a random-effects model.

    Raises
    ------
    InputError
        Naming file, row and column, or the option at fault.
    """
    progress("data")
    table = read_table(path)
    try:
        typed = _typed(table, formula, unit=unit, time=time, weights=weights, cluster=cluster)
        progress("estimation")
        result = regress(
            typed,
            formula,
            unit,
            time,
            weights=weights,
            cluster=cluster,
            model=model,
            cov=cov,
            bandwidth=bandwidth,
            restricted=restricted,
            multiplier=multiplier,
            draws=draws,
            seed=seed,
            alpha=alpha,
        )
        progress("checks")
        return result.with_checks(_specification(typed, formula, unit, time, model, alpha))
    except InputError as error:
        if error.field in OPTIONS and error.field not in table.columns:
            raise InputError(error.problem, field=f"--{error.field}") from None
        raise error.placed(file=str(path)) from None


def _specification(
    typed: pd.DataFrame, formula: str, unit: str, time: str, model: str, alpha: float
) -> list[Check]:
    """Return the tests that a random-effects model should face."""
    if model == "mundlak":
        return [mundlak_test(typed, formula, unit, time, alpha=alpha)]
    if model == "random":
        return [
            hausman_test(typed, formula, unit, time, alpha=alpha),
            mundlak_test(typed, formula, unit, time, alpha=alpha),
        ]
    return []
