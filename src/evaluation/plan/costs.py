"""What a plan says about the costs section of its report."""

from __future__ import annotations

from typing import Literal

from evaluation.plan.parts import Part

__all__ = ["Costs"]


class Costs(Part):
    """The cost model, with the effects that the plan itself estimates.

    Parameters
    ----------
    parameters : str
        A parameter file, sought from the plan's folder, or the name of one that ships.
    outcome : str
        The plan's outcome whose estimate is the effect on work or studies.
    key : {"permutation", "rule"}, optional
        Whose interval the effect has; the headline's without it.
    on_staying : str, optional
        The plan's outcome whose estimate is the effect on staying.
    """

    parameters: str
    outcome: str
    key: Literal["permutation", "rule"] | None = None
    on_staying: str | None = None
