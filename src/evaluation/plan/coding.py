"""Whose coding of stance a plan uses: one by name, or the sheets of its own coders."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from evaluation.plan.parts import TAGS, Part

__all__ = ["Coding", "Miscoding", "SheetCoding"]

Share = Annotated[float, Field(ge=0, le=1)]


class Miscoding(Part):
    """From where to where the shares of miscoded municipalities may lie.

    ``false_active``: of those coded as active, the share that is not. ``hidden_active``: of the
    comparison group, the share that is active.
    """

    false_active: tuple[Share, Share]
    hidden_active: tuple[Share, Share]

    @model_validator(mode="after")
    def _ranges_ascend(self) -> Miscoding:
        for name in ("false_active", "hidden_active"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name} must be [smallest share, largest share]")
        return self


class SheetCoding(Part):
    """Coding sheets, each of one or several coders, with decisions among their rows.

    Parameters
    ----------
    sheets : tuple of str
        CSV files or workbooks; relative paths start from the plan's folder.
    unsettled : {"exclude", "refuse"}
        What happens to a municipality whose group or first treated year the coders disagree
        on without a decision: it is in neither group, or the plan is refused.
    miscoding : Miscoding, optional
        Stated instead of what the coders' disagreement tells.
    shared_errors : float
        Largest probability that a coder is wrong where another is; bounds the errors on
        which all agree.
    """

    sheets: tuple[str, ...]
    unsettled: Literal["exclude", "refuse"] = "exclude"
    miscoding: Miscoding | None = None
    shared_errors: float = Field(default=1 / 3, ge=0, lt=1)

    @model_validator(mode="after")
    def _some_sheet(self) -> SheetCoding:
        if not self.sheets:
            raise ValueError("sheets must name at least one coding sheet")
        return self


def _coding_tag(value: Any) -> str:
    return TAGS[6] if isinstance(value, dict | SheetCoding) else TAGS[5]


Coding = Annotated[
    Annotated[Literal["documents", "simulated"], Tag(TAGS[5])]
    | Annotated[SheetCoding, Tag(TAGS[6])],
    Discriminator(_coding_tag),
]
