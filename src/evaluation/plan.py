"""The evaluation plan: one YAML file, validated, hashed, and able to say where each key stands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    Tag,
    ValidationError,
    model_serializer,
    model_validator,
)

from evaluation.errors import InputError, read_text

__all__ = [
    "Adoption",
    "FileColumns",
    "KoladaData",
    "OutcomeFile",
    "Plan",
    "RegistryOutcome",
    "SimulatedData",
    "SimulatedEffect",
    "Text",
    "load_plan",
    "plan_from_dict",
]

Lines = Mapping[tuple[str | int, ...], int]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Part):
    """A text in both languages."""

    sv: str
    en: str


class FileColumns(_Part):
    """What the columns of an outcome's file are called, where that is not found out."""

    code: str | None = None
    name: str | None = None
    year: str | None = None
    sex: str | None = None
    value: str | None = None
    weight: str | None = None


class OutcomeFile(_Part):
    """An outcome of one's own: a CSV with the columns ``code,year,value``, or a printed table.

    ``break_year`` is the first year of another definition, where it changed. The keys from
    ``sheet`` on describe the layout of a CSV, a workbook or Parquet as agencies publish
    them; what is left out is found out when the file is read.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
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


class RegistryOutcome(_Part):
    """An indicator of the registry for one sex."""

    indicator: str
    sex: Literal["T", "K", "M"] = "T"


# the tags never reach the user: they are taken out of the path of an error again
_TAGS = ("<name>", "<own file>", "<indicator>", "<kolada>", "<simulated>")


def _outcome_tag(value: Any) -> str:
    if isinstance(value, RegistryOutcome) or (isinstance(value, dict) and "indicator" in value):
        return _TAGS[2]
    return _TAGS[isinstance(value, dict | OutcomeFile)]


Outcome = Annotated[
    Annotated[str, Tag(_TAGS[0])]
    | Annotated[OutcomeFile, Tag(_TAGS[1])]
    | Annotated[RegistryOutcome, Tag(_TAGS[2])],
    Discriminator(_outcome_tag),
]


class KoladaData(_Part):
    """Indicators from Kolada, read from a snapshot.

    ``snapshot`` pins one by its content hash, whole or its first twelve digits or more;
    without it the newest snapshot that was fetched for the plan's name is read.
    ``indicators`` are fetched beside those that the outcomes need.
    """

    source: Literal["kolada"]
    years: tuple[StrictInt, StrictInt]
    indicators: tuple[str, ...] = ()
    snapshot: str | None = Field(default=None, pattern=r"^[0-9a-f]{12,64}$")

    @model_validator(mode="after")
    def _years_ascend(self) -> KoladaData:
        if not 1990 <= self.years[0] < self.years[1] <= 2100:
            raise ValueError("years must be [first, last] between 1990 and 2100")
        return self


class SimulatedEffect(_Part):
    """Percentage points on work or studies after 90 days, for those exposed from day one."""

    women: float = Field(default=6.0, ge=-30, le=30, strict=True)
    men: float = Field(default=4.0, ge=-30, le=30, strict=True)


class SimulatedData(_Part):
    """The simulated twin: a made-up country with a known truth.

    Only the effects are on by default; each of the other switches is zero.

    Parameters
    ----------
    seed : int
        Everything is drawn from it.
    years : tuple of int
        First and last year of the indicators.
    active : int
        How many municipalities become active.
    adoption : tuple of int
        Earliest and latest year of the start, which falls on 1 January.
    effect : SimulatedEffect
        On work or studies, by sex, in percentage points.
    effect_retention : float
        On the share still living there after three years, in percentage points.
    effect_cost : float
        By how many per cent the monthly assistance is lower, beside what follows from work.
    activity_cost : float
        Kronor that being active costs per person received.
    persons : bool
        Whether the person records are kept.
    selection : float
        By how much the log odds of becoming active rise with a standard deviation of the
        municipality's level and of its log size.
    pre_trend : float
        Percentage points a year by which the active drift upwards whatever they do.
    spillover : float
        Share of the effect that reaches others in the same county.
    miscoded : float
        Share of the active that the coding misses.
    falsely_active : float
        Municipalities that are coded active and are not, as a share of the active.
    mid_year : float
        Share of the active that start in another month than January.
    fade : int, optional
        Whole years after which each further year halves the effect on those received.
    """

    source: Literal["simulated"] = "simulated"
    seed: StrictInt = Field(ge=0)
    years: tuple[StrictInt, StrictInt] = (2008, 2025)
    active: StrictInt = Field(default=24, ge=1, le=145)
    adoption: tuple[StrictInt, StrictInt] = (2012, 2017)
    effect: SimulatedEffect = SimulatedEffect()
    effect_retention: float = Field(default=4.0, ge=-20, le=20, strict=True)
    effect_cost: float = Field(default=10.0, ge=-50, le=50, strict=True)
    activity_cost: float = Field(default=0.0, ge=0, le=200_000, strict=True)
    persons: StrictBool = True
    selection: float = Field(default=0.0, ge=0, le=5, strict=True)
    pre_trend: float = Field(default=0.0, ge=-2, le=2, strict=True)
    spillover: float = Field(default=0.0, ge=0, le=1, strict=True)
    miscoded: float = Field(default=0.0, ge=0, le=0.9, strict=True)
    falsely_active: float = Field(default=0.0, ge=0, le=1, strict=True)
    mid_year: float = Field(default=0.0, ge=0, le=1, strict=True)
    fade: StrictInt | None = Field(default=None, ge=1, le=30)

    @model_validator(mode="after")
    def _years_carry_the_adoption(self) -> SimulatedData:
        first, last = self.years
        early, late = self.adoption
        if not 2000 <= first < last <= 2040:
            raise ValueError("years must be [first, last] between 2000 and 2040")
        # five years of leavers before the first that can show, one of those received after
        if not first + 3 <= early <= late <= last - 4:
            raise ValueError(
                f"adoption must be [earliest, latest] between {first + 3} and {last - 4} "
                f"with years [{first}, {last}]"
            )
        return self


def _data_tag(value: Any) -> str:
    kind = value.get("source") if isinstance(value, dict) else getattr(value, "source", None)
    return _TAGS[4] if kind == "simulated" else _TAGS[3]


Data = Annotated[
    Annotated[KoladaData, Tag(_TAGS[3])] | Annotated[SimulatedData, Tag(_TAGS[4])],
    Discriminator(_data_tag),
]


class Adoption(_Part):
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


class Treatment(_Part):
    """Who is treated, on what evidence, since when.

    ``coding`` says whose: the documents', or the simulated twin's own. ``unfit`` says what
    happens to a treated municipality that an outcome cannot carry, because it has no year
    before the first treated one or a year without a value: the plan is refused, or the
    municipality is left out of that outcome and named.
    """

    coding: Literal["documents", "simulated"] = "documents"
    unfit: Literal["refuse", "leave_out"] = "refuse"
    evidence: tuple[Literal["explicit", "strong", "indirect", "weak"], ...] = (
        "explicit",
        "strong",
    )
    uncertain: Literal["exclude", "control"] = "exclude"
    exposure: Literal["first_whole_year", "first_year_touched"] = "first_whole_year"
    adoption: tuple[Adoption, ...] = ()

    @model_validator(mode="after")
    def _documents_need_adoption(self) -> Treatment:
        if self.coding == "documents" and "adoption" not in self.model_fields_set:
            raise ValueError("adoption is missing: who is treated since when")
        if self.coding == "simulated" and self.adoption:
            raise ValueError("adoption must not be given: the twin codes who is treated")
        return self


class Comparison(_Part):
    """Against whom."""

    donors_per_treated: StrictInt = Field(default=30, ge=1, le=285)


class Estimation(_Part):
    """Which aggregate, at what level, with how many draws, and what the headline rests on."""

    estimand: Literal["cohort", "simple"] = "cohort"
    alpha: float = Field(default=0.05, gt=0, lt=0.5, strict=True)
    draws: StrictInt = Field(default=9999, ge=99, le=1_000_000)
    seed: StrictInt = Field(ge=0)
    inference: Literal["permutation", "auto"] = "permutation"


class Picked(_Part):
    """The last year of the figures that a municipality was held up for, and by whom."""

    year: StrictInt = Field(ge=1900, le=2100)
    because: Text


class Case(_Part):
    """One municipality on its own, by synthetic control."""

    code: str
    outcome: str
    picked: Picked | None = None


class Plan(_Part):
    """An evaluation plan.

    Examples
    --------
    >>> plan = load_plan("settlement")
    >>> plan.name, len(plan.treatment.adoption)
    ('settlement', 4)
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    title: Text
    data: Data | None = None
    outcomes: tuple[Outcome, ...] = Field(min_length=1)
    treatment: Treatment
    comparison: Comparison = Comparison()
    estimation: Estimation
    case: Case | None = None
    context: tuple[str, ...] = ()

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
        return _fault(self._file, self._lines, tuple(path), problem)


def _fault(file: str | None, lines: Lines, path: tuple[str | int, ...], text: str) -> InputError:
    known = path
    while known and known not in lines:
        known = known[:-1]
    name = "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
    return InputError(text, file=file, row=lines.get(known), field=name or None)


def _line_numbers(node: yaml.Node, path: tuple[str | int, ...] = ()) -> dict[Any, int]:
    found = {path: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, key.value)
            if inner in found:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            found.update(_line_numbers(value, inner))
            found[inner] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            found.update(_line_numbers(value, (*path, i)))
    return found


def _locate(plan: str | Path) -> Path:
    path = Path(plan)
    if path.is_file() or path.suffix:
        return path
    for folder in (
        Path(str(resources.files("evaluation"))) / "_plans",
        Path(__file__).resolve().parents[2] / "plans",
    ):
        if (folder / f"{path}.yaml").is_file():
            return folder / f"{path}.yaml"
    return path


def load_plan(plan: str | Path) -> Plan:
    """Read and validate a plan.

    Parameters
    ----------
    plan : str or pathlib.Path
        A YAML file, or the name of a plan that ships with the package
        (``"settlement"``).

    Returns
    -------
    Plan
        The validated plan.

    Raises
    ------
    InputError
        If the file cannot be read, is not YAML, or a key is unknown, missing or wrong.
    """
    path = _locate(plan)
    name = str(path)
    text = read_text(path)
    if not text.strip():
        raise InputError("is empty; a plan with name, title, outcomes … is needed", file=name)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            raise InputError("holds only comments; a plan is needed", file=name)
        lines = _line_numbers(node)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        row = mark.line + 1 if mark else None
        raise InputError(f"is not valid YAML: {error.problem}", file=name, row=row) from None
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        # a list as key, an impossible date, an alias that holds itself
        if isinstance(error, InputError):
            raise
        reason = str(error).splitlines()[0]
        raise InputError(f"is not valid YAML: {reason}", file=name) from None
    if not isinstance(content, dict):
        raise InputError("must be a mapping with name, title, outcomes …", file=name, row=1)
    return plan_from_dict(content, file=name, lines=lines)


def plan_from_dict(
    content: Mapping[str, Any], *, file: str | None = None, lines: Lines | None = None
) -> Plan:
    """Validate a plan given as plain types.

    Parameters
    ----------
    content : mapping
        What a plan file holds.
    file : str, optional
        Name for error messages; relative paths in the plan start from its folder.
    lines : mapping, optional
        Line number of each key, for error messages.

    Returns
    -------
    Plan
        The validated plan.

    Raises
    ------
    InputError
        At the first key that is unknown, missing or wrong.
    """
    lines = lines or {}
    try:
        plan = Plan.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        path = tuple(p for p in first["loc"] if p not in _TAGS)
        kind = first["type"]
        if kind == "extra_forbidden":
            known = ", ".join(_known_keys(first["loc"][:-1]))
            problem = f"unknown key; known here are {known}"
        elif kind == "missing":
            problem = "is missing"
        else:
            message = first["msg"].removeprefix("Value error, ")
            value = first.get("input")
            shown = f" (found {value!r})" if not isinstance(value, dict | list) else ""
            problem = f"{message[0].lower()}{message[1:]}{shown}"
        raise _fault(file, lines, path, problem) from None
    plan._file = file
    plan._lines = dict(lines)
    return plan


_TAGGED: Mapping[str | int, type[BaseModel]] = dict(
    zip(_TAGS[1:], (OutcomeFile, RegistryOutcome, KoladaData, SimulatedData), strict=True)
)


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that an annotation holds, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for inner in getattr(annotation, "__args__", ()) for m in _models(inner)]


def _known_keys(path: tuple[str | int, ...]) -> list[str]:
    model: type[BaseModel] = Plan
    for step in path:
        if step in _TAGGED:
            model = _TAGGED[step]
        elif isinstance(step, str):
            model = next(iter(_models(model.model_fields[step].annotation)), model)
    return list(model.model_fields)
