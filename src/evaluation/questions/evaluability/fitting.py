"""A model's start and end beside the years of an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from evaluation.data.registry import REGISTRY
from evaluation.design.catalogue import Model
from evaluation.design.exposure import first_treated_year
from evaluation.plan import load_plan
from evaluation.questions.evaluability.result import OutcomeFit

__all__ = ["ASSUMPTIONS", "fit_outcome", "model_start"]

# the plan whose stated assumptions date models that no document dates
ASSUMPTIONS = "settlement"


@cache
def _assumed() -> Mapping[str, int]:
    """Return the first years that the plan which ships assumes, by model."""
    entries = load_plan(ASSUMPTIONS).treatment.adoption
    return {e.model: e.assumed_first_year for e in entries if e.assumed_first_year is not None}


def model_start(model: Model) -> tuple[tuple[int, int] | None, str]:
    """Return the start that an assessment rests on, and where it is from.

    Parameters
    ----------
    model : Model
        A row of the catalogue.

    Returns
    -------
    tuple
        Year and month or None; ``"stated"`` in the document, ``"assumed"`` by the plan that
        ships, or empty.

    Examples
    --------
    >>> from evaluation.design.catalogue import catalogue
    >>> model_start(catalogue()["skurup_motis"])
    ((2017, 1), 'assumed')
    """
    if model.starts.date:
        return model.starts.date, "stated"
    year = _assumed().get(model.id)
    return ((year, 1), "assumed") if year is not None else (None, "")


def fit_outcome(
    outcome: str, direct: bool, start: tuple[int, int] | None, model: Model
) -> OutcomeFit:
    """Lay an outcome's years beside a model's start and end.

    Parameters
    ----------
    outcome : str
        Key of the registry.
    direct : bool
        Whether it measures the goal.
    start : tuple of int or None
        Year and month of the model's start.
    model : Model
        For its end.

    Returns
    -------
    OutcomeFit
        First treated year with the outcome's lag, years before and after it.
    """
    i = REGISTRY[outcome]
    first = before = after = None
    if start is not None:
        first = first_treated_year(start, "first_whole_year") + i.lag_years
        before = None if i.years[0] is None else first - i.years[0]
        lasts = [i.years[1], None if model.ends.year is None else model.ends.year + i.lag_years]
        known = [y for y in lasts if y is not None]
        after = min(known) - first + 1 if known else None
    return OutcomeFit(
        outcome,
        direct,
        i.embedded,
        i.horizon_days,
        i.counts_as_success,
        i.denominator,
        first,
        before,
        after,
    )
