"""What a plan says about women and men beforehand."""

from __future__ import annotations

from pydantic import Field

from evaluation.plan.parts import Part

__all__ = ["Gender"]


class Gender(Part):
    """The largest change of the gap, in the outcome's unit, that counts as none either way."""

    margin: float = Field(gt=0, strict=True, allow_inf_nan=False)
