"""Triple difference with two groups inside every unit, for example women and men."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.did.callaway_santanna import callaway_santanna

__all__ = ["gap_panel", "triple_difference"]

Result = TypeVar("Result")


def gap_panel(first: Panel, second: Panel) -> Panel:
    """Subtract the second group's outcome from the first's, within unit and year.

    Parameters
    ----------
    first, second : Panel
        The same units and years, in any order of units.

    Returns
    -------
    Panel
        Units observed in both panels; who is missing in one is in ``dropped``. A year in which
        one group lacks a value is a gap.

    Raises
    ------
    InputError
        If the years differ or no unit is in both.

    Examples
    --------
    >>> import pandas as pd
    >>> one = Panel("y", pd.DataFrame([[3.0, 5.0]], index=["a"], columns=[2000, 2001]))
    >>> two = Panel("y", pd.DataFrame([[1.0, 1.0]], index=["a"], columns=[2000, 2001]))
    >>> gap_panel(one, two).values.loc["a"].tolist()
    [2.0, 4.0]
    """
    if first.years != second.years:
        raise InputError(
            f"the groups' years differ: {first.years[0]}–{first.years[-1]} and "
            f"{second.years[0]}–{second.years[-1]}",
            field=second.outcome,
        )
    there = set(second.units)
    both = [u for u in first.units if u in there]
    if not both:
        raise InputError("no unit is observed in both groups", field=second.outcome)
    known = set(both)
    lacking = [u for u in dict.fromkeys([*first.units, *second.units]) if u not in known]
    gone = tuple(dict.fromkeys([*first.dropped, *second.dropped, *lacking]))
    values = first.values.loc[both] - second.values.loc[both]
    name = first.outcome
    if second.outcome != first.outcome:
        name = f"{first.outcome} − {second.outcome}"
    return Panel(name, values, gone, first.unbalanced or second.unbalanced)


def triple_difference(
    first: Panel,
    second: Panel,
    cohort: pd.Series,
    *,
    estimator: Callable[..., Any] = callaway_santanna,
    **options: Any,
) -> Any:
    r"""Estimate the difference between two groups' effects from their gap.

    .. math::
        DDD = ATT_1 - ATT_2, \qquad
        Y_{ijt} = \alpha_{ij} + \gamma_{it} + \delta_{jt} + \beta D_{it} 1\{j = 1\}
        + \varepsilon_{ijt}

    With unit-by-group, unit-by-year and group-by-year effects, the triple difference is the
    difference-in-differences of the gap :math:`Y_{i1t} - Y_{i2t}`, and the error of the gap, one
    value per unit and year, is the error clustered by unit. It rests on one assumption: without
    treatment the gap would have moved alike in treated and control units; the groups' trends may
    differ between them by any common amount.

    Parameters
    ----------
    first, second : Panel
        The groups' outcomes, for example women's and men's.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    estimator : callable
        Any estimator of this package that takes a panel and cohorts.
    **options
        Passed on to it.

    Returns
    -------
    object
        What the estimator returns; its estimates are first minus second.

    Raises
    ------
    InputError
        As :func:`gap_panel` and the estimator.

    References
    ----------
    Olden, A. & Møen, J. (2022). The triple difference estimator. Econometrics Journal 25(3),
    sections 2 and 3.
    """
    from dataclasses import replace

    fit = estimator(gap_panel(first, second), cohort, **options)
    if hasattr(fit, "method"):
        return replace(fit, method=f"triple difference, {fit.method}")
    return fit
