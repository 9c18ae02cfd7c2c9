"""The evaluation plan: validated, hashed, and able to say where each key stands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    StrictInt,
    model_serializer,
    model_validator,
)

from evaluation.errors import InputError
from evaluation.plan.coding import Coding, SheetCoding
from evaluation.plan.comparison import Comparison
from evaluation.plan.costs import Costs
from evaluation.plan.data import Data, SimulatedData
from evaluation.plan.gender import Gender
from evaluation.plan.outcomes import Outcome
from evaluation.plan.parts import NAME, Lines, Part, Text

__all__ = [
    "Adoption",
    "Case",
    "Estimation",
    "Picked",
    "Plan",
    "Treatment",
    "fault",
]


class Adoption(Part):
    """When one municipality became active, and where that year comes from.

    The document's start (column ``start`` of the models data set, found by ``model``)
    is used where it is a date; otherwise ``assumed_first_year`` and ``because`` must
    say what is assumed.
    """

    code: str
    model: str
    assumed_first_year: StrictInt | None = None
    because: Text | None = None
    neighbours: tuple[StrictInt, StrictInt]

    @model_validator(mode="after")
    def _assumption_has_a_reason(self) -> Adoption:
        if (self.assumed_first_year is None) != (self.because is None):
            raise ValueError("assumed_first_year and because must be given together")
        if self.neighbours[0] > self.neighbours[1]:
            raise ValueError("neighbours must be [earliest year, latest year]")
        years = [*self.neighbours, self.assumed_first_year or self.neighbours[0]]
        if min(years) < 1900 or max(years) > 2100:
            raise ValueError("years must lie between 1900 and 2100")
        return self


class Treatment(Part):
    """Who is treated, on what evidence, since when.

    ``exposure`` says what a year counts as that was exposed in part: untreated and base
    (``first_whole_year``), treated (``first_year_touched``), or neither (``leave_out_partial``).
    ``coding`` says whose: the documents', the simulated twin's own, or the plan's coding
    sheets, which also say since when. ``unfit`` says what
    happens to a treated municipality that an outcome cannot carry, because it has no year
    before the first treated one or a year without a value: the plan is refused, or the
    municipality is left out of that outcome and named.

    ``model`` makes a model of the documents the treatment instead of the stance: the places
    where it runs are treated, whatever their stance, and municipalities that the documents
    name as active without running it are in neither group.
    """

    evidence: tuple[Literal["explicit", "strong", "indirect", "weak"], ...] = (
        "explicit",
        "strong",
    )
    uncertain: Literal["exclude", "control"] = "exclude"
    exposure: Literal["first_whole_year", "first_year_touched", "leave_out_partial"] = (
        "leave_out_partial"
    )
    adoption: tuple[Adoption, ...] = ()
    coding: Coding = "documents"
    unfit: Literal["refuse", "leave_out"] = "refuse"
    model: str | None = None

    @model_serializer(mode="wrap")
    def _without_unset_model(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the model out where none is given: the hash of a plan on stance stays."""
        found: dict[str, Any] = write(self)
        return {k: v for k, v in found.items() if k != "model" or v is not None}

    @model_validator(mode="after")
    def _documents_need_adoption(self) -> Treatment:
        if self.coding == "documents" and "adoption" not in self.model_fields_set:
            raise ValueError("adoption is missing: who is treated since when")
        if self.coding == "simulated" and self.adoption:
            raise ValueError("adoption must not be given: the twin codes who is treated")
        if self.coding != "documents" and self.model is not None:
            raise ValueError("model must not be given: models are those of the documents")
        if isinstance(self.coding, SheetCoding) and self.adoption:
            raise ValueError("adoption must not be given: the coding sheets say who and since when")
        return self


class Estimation(Part):
    """Which aggregate, at what level, with how many draws, and what the headline rests on."""

    estimand: Literal["cohort", "simple"] = "cohort"
    alpha: float = Field(default=0.05, gt=0, lt=0.5, strict=True)
    draws: StrictInt = Field(default=9999, ge=99, le=1_000_000)
    seed: StrictInt = Field(ge=0)
    inference: Literal["permutation", "auto"] = "permutation"


class Picked(Part):
    """The last year of the figures that a municipality was held up for, and by whom."""

    year: StrictInt = Field(ge=1900, le=2100)
    because: Text


class Case(Part):
    """One municipality on its own, by synthetic control."""

    code: str
    outcome: str
    picked: Picked | None = None


class Plan(Part):
    """An evaluation plan.

    Examples
    --------
    >>> from evaluation.plan import load_plan
    >>> plan = load_plan("settlement")
    >>> plan.name, len(plan.treatment.adoption)
    ('settlement', 4)
    """

    name: str = Field(pattern=NAME)
    title: Text
    data: Data | None = None
    outcomes: tuple[Outcome, ...] = Field(min_length=1)
    treatment: Treatment
    comparison: Comparison = Comparison()
    estimation: Estimation
    case: Case | None = None
    context: tuple[str, ...] = ()
    gender: Gender | None = None
    costs: Costs | None = None

    @model_serializer(mode="wrap")
    def _without_unset_questions(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave margin and costs out where none is given: the hash of a plan without stays."""
        found: dict[str, Any] = write(self)
        return {k: v for k, v in found.items() if k not in ("gender", "costs") or v is not None}

    @model_validator(mode="after")
    def _coding_needs_its_data(self) -> Plan:
        simulated = isinstance(self.data, SimulatedData)
        if (self.treatment.coding == "simulated") != simulated:
            raise ValueError("treatment.coding is simulated exactly where data.source is simulated")
        return self

    _file: str | None = PrivateAttr(default=None)
    _lines: dict[tuple[str | int, ...], int] = PrivateAttr(default_factory=dict)

    @property
    def file(self) -> str | None:
        """The file it was read from."""
        return self._file

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the plan start from."""
        return Path(self._file).parent if self._file else Path()

    def hash(self) -> str:
        """Return the SHA-256 of the validated content; comments and order do not matter."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def fault(self, path: Sequence[str | int], problem: str) -> InputError:
        """Make the error that names this plan's file, line and key.

        Parameters
        ----------
        path : sequence of str or int
            The key, from the top of the plan.
        problem : str
            What is wrong and what would be right.

        Returns
        -------
        InputError
            To be raised by the caller.
        """
        return fault(self._file, self._lines, tuple(path), problem)


def fault(file: str | None, lines: Lines, path: tuple[str | int, ...], text: str) -> InputError:
    """Make the error that names a plan's file, the line of a key and the key.

    Parameters
    ----------
    file : str or None
        The plan's file.
    lines : mapping
        Line number of each key.
    path : tuple of str or int
        The key, from the top of the plan.
    text : str
        What is wrong and what would be right.

    Returns
    -------
    InputError
        To be raised by the caller.
    """
    known = path
    while known and known not in lines:
        known = known[:-1]
    name = "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
    return InputError(text, file=file, row=lines.get(known), field=name or None)
