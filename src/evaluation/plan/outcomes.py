"""The outcomes of a plan: of the registry, or files of one's own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    StrictInt,
    Tag,
    model_serializer,
)

from evaluation.plan.parts import ID, TAGS, Part, Text

__all__ = ["FileColumns", "Outcome", "OutcomeFile", "RegistryOutcome"]


class FileColumns(Part):
    """What the columns of an outcome's file are called, where that is not found out."""

    code: str | None = None
    name: str | None = None
    year: str | None = None
    sex: str | None = None
    value: str | None = None
    weight: str | None = None


class OutcomeFile(Part):
    """An outcome of one's own: a CSV with the columns ``code,year,value``, or a printed table.

    ``break_year`` is the first year of another definition, where it changed. The keys from
    ``sheet`` on describe the layout of a CSV, a workbook or Parquet as agencies publish
    them; what is left out is found out when the file is read.
    """

    id: str = Field(pattern=ID)
    file: str
    label: Text
    definite_sv: str | None = None
    unit: Text
    source: str
    break_year: StrictInt | None = Field(default=None, ge=1900, le=2100)
    sheet: str | None = None
    header_row: StrictInt | None = Field(default=None, ge=1)
    columns: FileColumns | None = None
    year: StrictInt | None = Field(default=None, ge=1900, le=2100)
    sex: Literal["T", "K", "M"] | None = None
    decimal: Literal[",", "."] | None = None
    marks: dict[str, Literal["suppressed", "zero", "missing"]] | None = None
    months: Literal["sum"] | None = None

    @property
    def laid_out(self) -> bool:
        """Whether anything is said about the layout."""
        return any(getattr(self, key) is not None for key in _LAYOUT_KEYS)

    @model_serializer(mode="wrap")
    def _without_unset_layout(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave keys of the layout out where they are not given: the plan's hash stays."""
        found: dict[str, Any] = write(self)
        return {k: v for k, v in found.items() if k not in _LAYOUT_KEYS or v is not None}


_LAYOUT_KEYS = ("sheet", "header_row", "columns", "year", "sex", "decimal", "marks", "months")


class RegistryOutcome(Part):
    """An indicator of the registry for one sex."""

    indicator: str
    sex: Literal["T", "K", "M"] = "T"


def _outcome_tag(value: Any) -> str:
    if isinstance(value, RegistryOutcome) or (isinstance(value, dict) and "indicator" in value):
        return TAGS[2]
    return TAGS[isinstance(value, dict | OutcomeFile)]


Outcome = Annotated[
    Annotated[str, Tag(TAGS[0])]
    | Annotated[OutcomeFile, Tag(TAGS[1])]
    | Annotated[RegistryOutcome, Tag(TAGS[2])],
    Discriminator(_outcome_tag),
]
