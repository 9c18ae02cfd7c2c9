"""The comparison group that a plan asks for: who joins it, and whom a rule leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evaluation.data import embedded
from evaluation.design.comparison.adjacency import municipality_distances
from evaluation.design.comparison.groups import BIG_CITIES, INCOME_FROM_NORWAY
from evaluation.design.treatment import Design
from evaluation.plan import Plan

__all__ = ["REASONS", "narrowed", "restricted"]

REASONS = ("uncertain", "named", "income_from_norway", "big_city", "neighbour")
"""Why a municipality is in neither group; the first that applies counts."""


def narrowed(
    design: Design,
    *,
    beyond: int = 0,
    big_cities: bool = True,
    income_from_norway: bool = True,
    without: Sequence[str] = (),
) -> Design:
    """Leave municipalities out of a design's comparison group by rule.

    Parameters
    ----------
    design : Design
        Who is treated and compared.
    beyond : int
        Leaves out whoever is at most so many borders from a treated municipality.
    big_cities, income_from_norway : bool
        Whether those of ``BIG_CITIES`` and ``INCOME_FROM_NORWAY`` may stay.
    without : sequence of str
        Codes to leave out besides.

    Returns
    -------
    Design
        With fewer controls, and each of those gone in ``dropped``; nobody may be left.

    Examples
    --------
    >>> from evaluation.design.treatment import design_from_plan
    >>> from evaluation.plan import load_plan
    >>> design = design_from_plan(load_plan("settlement"))
    >>> smaller = narrowed(design, beyond=1, big_cities=False)
    >>> len(smaller.controls), smaller.dropped[:2]
    (271, (('0180', 'big_city', ''), ('1263', 'neighbour', '1233')))
    """
    steps = municipality_distances()[design.treated_codes]
    nearest, who = steps.min(axis=1), steps.idxmin(axis=1)
    gone: list[tuple[str, str, str]] = []
    for code in design.controls:
        if code in without:
            gone.append((code, "named", ""))
        elif not income_from_norway and code in INCOME_FROM_NORWAY:
            gone.append((code, "income_from_norway", ""))
        elif not big_cities and code in BIG_CITIES:
            gone.append((code, "big_city", ""))
        elif nearest[code] <= beyond:
            gone.append((code, "neighbour", str(who[code])))
    left = {c for c, _, _ in gone}
    return replace(
        design,
        controls=tuple(c for c in design.controls if c not in left),
        dropped=(*design.dropped, *gone),
    )


def restricted(plan: Plan, design: Design) -> Design:
    """Apply a plan's ``comparison`` to the design that the coding gives.

    Parameters
    ----------
    plan : Plan
        For ``comparison`` and where its keys stand.
    design : Design
        From :func:`~evaluation.design.treatment.design_from_plan` or the twin's coding.

    Returns
    -------
    Design
        The same where the plan says nothing of it.

    Raises
    ------
    InputError
        If the rule of ``estimation.inference: auto`` is asked for, which no matching has; a code
        is not of one of the 290 municipalities or is treated, or nobody is left to
        compare with.
    """
    asked = plan.comparison
    if plan.estimation.inference == "auto" and (asked.matching or asked.group == "not_yet_treated"):
        key = "matching" if asked.matching else "group"
        raise plan.fault(
            ("comparison", key),
            "is tested by permutation; set estimation.inference to permutation or leave it out",
        )
    for i, code in enumerate(asked.without):
        here = ("comparison", "without", i)
        if code not in embedded.municipalities().index:
            raise plan.fault(here, f"{code!r} is not the code of one of the 290 municipalities")
        if code in design.treated_codes:
            raise plan.fault(here, f"{code} is treated, and so in no comparison group; remove it")
        if code not in design.controls and asked.group != "never_treated":
            raise plan.fault(
                here, f"{code} is not in the comparison group to begin with; remove it"
            )
    if asked.group == "never_treated" and design.excluded:
        # who is active without running the model that is evaluated, or what a plan's own coders
        # left open, stays in neither group
        joining = set(design.excluded) & set(design.counts.uncertain)
        design = replace(
            design,
            controls=tuple(sorted({*design.controls, *joining})),
            excluded=tuple(c for c in design.excluded if c not in joining),
        )
    if not asked.restricts:
        return design
    if design.model and design.model.counties:
        raise plan.fault(
            ("comparison",),
            "beyond, big_cities, income_from_norway and without are rules for municipalities; "
            f"{design.model.id} compares counties",
        )
    found = narrowed(
        design,
        beyond=asked.beyond,
        big_cities=asked.big_cities,
        income_from_norway=asked.income_from_norway,
        without=asked.without,
    )
    if not found.controls:
        raise plan.fault(("comparison",), "its rules leave nobody to compare with")
    return found
