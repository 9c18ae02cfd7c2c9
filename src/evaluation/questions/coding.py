"""Who is treated by whose coding, and what its errors could mean for each outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evaluation.data.sources import Sources
from evaluation.design.coded import Coded, design_from_sheets
from evaluation.design.coding.error_rates import MiscodingRates
from evaluation.design.simulated import design_from_twin
from evaluation.design.treatment import Design, design_from_plan
from evaluation.estimation.diagnostics.corrected_bound import (
    CorrectedBound,
    corrected_bound,
    what_if,
)
from evaluation.plan import Plan, SheetCoding
from evaluation.questions.inference import DesignInference
from evaluation.results import Estimate

__all__ = ["Miscoded", "miscoded", "resolve_design", "sheet_names"]


def sheet_names(plan: Plan) -> tuple[str, ...]:
    """Return the plan's coding sheets, each once, as the plan names them."""
    coding = plan.treatment.coding
    return tuple(dict.fromkeys(coding.sheets)) if isinstance(coding, SheetCoding) else ()


def resolve_design(
    plan: Plan, sources: Sources, sheets: Mapping[str, Path] | None = None
) -> tuple[Design, Coded | None]:
    """Say who is treated since when: by the twin, the plan's own sheets, or the documents.

    Parameters
    ----------
    plan : Plan
        Its ``treatment.coding`` says which.
    sources : Sources
        For the twin.
    sheets : mapping of str to pathlib.Path, optional
        Where the coding sheets lie, if not where the plan says.

    Returns
    -------
    design : Design
        The treated and the comparison group.
    coded : Coded or None
        What the coders say; None where the plan has no sheets.
    """
    if isinstance(plan.treatment.coding, SheetCoding):
        return design_from_sheets(plan, sheets)
    if sources.twin:
        return design_from_twin(plan, sources.twin), None
    return design_from_plan(plan), None


@dataclass(frozen=True)
class Miscoded:
    """The effects that one outcome's headline can stand for if part of the coding is wrong.

    Parameters
    ----------
    coded : CorrectedBound or None
        With the rates that the plan states or the coders' disagreement gives.
    what_if : tuple of CorrectedBound
        With 0, 10 and 30 % at most, in every pair.
    """

    coded: CorrectedBound | None
    what_if: tuple[CorrectedBound, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "coded": self.coded.to_dict() if self.coded else None,
            "what_if": [b.to_dict() for b in self.what_if],
        }


def miscoded(
    headline: Estimate, inference: DesignInference, rates: MiscodingRates | None
) -> Miscoded:
    """Correct a headline for errors of the coding.

    Parameters
    ----------
    headline : Estimate
        With its level.
    inference : DesignInference
        The permutation and the rule; the bounds hold what either does not reject.
    rates : MiscodingRates or None
        From the plan or the coders, if there are any.

    Returns
    -------
    Miscoded
        At the headline's level.
    """
    alpha = headline.alpha
    bound = None
    if rates:
        one, *others = _tests(inference, alpha - rates.miss)
        bound = corrected_bound(one, rates, beside=others, alpha=alpha)
    one, *others = _tests(inference, alpha)
    return Miscoded(bound, what_if(one, beside=others))


def _tests(inference: DesignInference, alpha: float) -> list[Estimate]:
    """Return the headline's estimate under the permutation and under the rule."""
    settings = replace(inference.settings, alpha=alpha)
    fitted, cohort = replace(inference, settings=settings), inference.design.cohort()
    return [fitted.permute(cohort).result, fitted.rule(cohort).result]
