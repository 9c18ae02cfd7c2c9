"""The registry's file: read against its checksum, validated, frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evaluation.data.embedded import data_folder, file_hash
from evaluation.data.observations import Sex
from evaluation.data.registry.indicator import Break, Derivation, Indicator, Part, SmallCell
from evaluation.errors import InputError, read_text

__all__ = ["INDICATORS", "REGISTRY", "SHA256", "Registry", "read_registry"]

SHA256 = "a4b566995dd9cf77df57a35980ee11281447934db99ee21496e6216ffa2ab4e3"
"""Of ``data/indicators/indicators.yaml``."""

Year = Annotated[int, Field(ge=1900, le=2100)]
Words = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Text(_Strict):
    sv: Words
    en: Words


class _Label(_Text):
    definite_sv: Words


class _Break(_Text):
    year: Year


class _SmallCell(_Text):
    threshold: int = Field(ge=2)
    known: bool


class _Part(_Strict):
    id: str
    lag_years: int = Field(default=0, ge=0)
    sex: Sex | None = None


class _Derivation(_Strict):
    kind: Literal["ratio", "sum", "difference"]
    parts: list[_Part] = Field(min_length=2)
    factor: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _two_parts(self) -> _Derivation:
        if self.kind != "sum" and len(self.parts) != 2:
            raise ValueError(f"a {self.kind} has two parts")
        return self


class _Entry(_Strict):
    label: _Label
    unit: _Text
    change: _Text
    source: Words
    agency: Words
    decimals: int = Field(ge=0, le=6)
    limit: _Text
    sexes: list[Sex] = Field(min_length=1)
    scale: Literal["share", "count", "amount", "flag", "difference"]
    range: list[float | None] = Field(min_length=2, max_length=2)
    horizon_days: int | None = Field(default=None, gt=0)
    counts_as_success: list[Literal["work", "studies", "residence", "two_sfi_courses"]] = []
    denominator: Words | None = None
    weight: str | None = None
    weight_lag_years: int = Field(default=0, ge=0)
    lag_years: int = Field(ge=0, le=20)
    years: list[Year | None] = Field(min_length=2, max_length=2)
    ended: bool = False
    breaks: list[_Break] = []
    small_cell: _SmallCell | None = None
    perturbed_from: Year | None = None
    direction: Literal[-1, 0, 1]
    version: Words
    derivation: _Derivation | None = None
    not_alone: list[str] = []
    kolada: str | None = Field(default=None, pattern=r"^[NU]\d{5}$")
    embedded: bool = False
    assumed: list[str] = []

    @model_validator(mode="after")
    def _consistent(self) -> _Entry:
        for name, (low, high) in (("range", self.range), ("years", self.years)):
            if low is not None and high is not None and low >= high:
                raise ValueError(f"{name} must ascend")
        if len(set(self.sexes)) != len(self.sexes) or "T" not in self.sexes:
            raise ValueError("sexes must hold T, and each letter once")
        if self.scale in ("share", "flag") and None in self.range:
            raise ValueError(f"a {self.scale} needs a range with both ends")
        if self.scale == "share" and self.denominator is None:
            raise ValueError("a share needs a denominator")
        if self.ended and self.years[1] is None:
            raise ValueError("a series that has ended needs its last year")
        if [b.year for b in self.breaks] != sorted({b.year for b in self.breaks}):
            raise ValueError("breaks must ascend")
        if self.kolada is not None and self.derivation is not None:
            raise ValueError("what Kolada has is not derived")
        strange = sorted(set(self.assumed) - set(type(self).model_fields))
        if strange:
            raise ValueError(f"assumed names {strange[0]!r}, which is no field")
        return self

    def indicator(self, id: str) -> Indicator:
        """Return the frozen form."""
        return Indicator(
            id=id,
            label_sv=self.label.sv,
            definite_sv=self.label.definite_sv,
            label_en=self.label.en,
            unit_sv=self.unit.sv,
            unit_en=self.unit.en,
            change_sv=self.change.sv,
            change_en=self.change.en,
            limit_sv=self.limit.sv,
            limit_en=self.limit.en,
            sexes=tuple(self.sexes),
            lowest=self.range[0],
            highest=self.range[1],
            counts_as_success=tuple(self.counts_as_success),
            years=(self.years[0], self.years[1]),
            breaks=tuple(Break(b.year, b.sv, b.en) for b in self.breaks),
            small_cell=SmallCell(**self.small_cell.model_dump()) if self.small_cell else None,
            derivation=_derivation(self.derivation),
            not_alone=tuple(self.not_alone),
            assumed=tuple(self.assumed),
            **{name: getattr(self, name) for name in _AS_THEY_STAND},
        )


_AS_THEY_STAND = (
    "source",
    "agency",
    "decimals",
    "scale",
    "horizon_days",
    "denominator",
    "weight",
    "weight_lag_years",
    "lag_years",
    "ended",
    "perturbed_from",
    "direction",
    "version",
    "kolada",
    "embedded",
)


def _derivation(entry: _Derivation | None) -> Derivation | None:
    if entry is None:
        return None
    parts = tuple(Part(p.id, p.lag_years, p.sex) for p in entry.parts)
    return Derivation(entry.kind, parts, entry.factor)


def read_registry(path: str | Path, *, sha256: str | None = None) -> dict[str, Indicator]:
    """Read and validate a registry file.

    Parameters
    ----------
    path : str or pathlib.Path
        A YAML file with one entry per indicator.
    sha256 : str, optional
        What the file's SHA-256 must be; None does not ask.

    Returns
    -------
    dict of str to Indicator
        In the order of the file.

    Raises
    ------
    InputError
        If the file is missing, altered, not YAML, or an entry is wrong: the error names
        the file, the entry and the key.
    """
    file = Path(path)
    text = read_text(file)
    if sha256 is not None and (found := file_hash(file)) != sha256:
        raise InputError(
            f"was altered: its SHA-256 is {found[:12]}…, not {sha256[:12]}…", file=file.name
        )
    try:
        # the C loader is ten times as fast; not every build of PyYAML has it
        content: Any = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        row = mark.line + 1 if mark else None
        raise InputError(f"is not valid YAML: {reason}", file=file.name, row=row) from None
    if not isinstance(content, dict) or not content:
        raise InputError("must be a mapping from ids to indicators", file=file.name)
    out = {}
    for id, raw in content.items():
        try:
            entry = _Entry.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(p) for p in (id, *first["loc"]))
            reason = first["msg"].removeprefix("Value error, ")
            raise InputError(reason, file=file.name, field=where) from None
        out[str(id)] = entry.indicator(str(id))
    _check_references(out, file.name)
    return out


def _check_references(indicators: Mapping[str, Indicator], file: str) -> None:
    """Refuse an entry that names another which is not there, or not for its sexes."""
    for id, i in indicators.items():
        if i.kolada not in (None, id):
            raise InputError(f"must be {id} or absent, found {i.kolada}", file=file, field=id)
        for field, names in (
            ("weight", (i.weight,) if i.weight else ()),
            ("derivation", tuple(p.id for p in i.parts)),
            ("not_alone", i.not_alone),
        ):
            for name in names:
                if name not in indicators:
                    raise InputError(
                        f"{name!r} is no indicator of this file", file=file, field=f"{id}.{field}"
                    )
        if i.derivation and i.derivation.kind == "ratio":
            for part in i.parts:
                lowest = indicators[part.id].lowest
                if lowest is None or lowest < 0:
                    raise InputError(
                        f"{part.id} may be negative; a ratio needs parts that are not",
                        file=file,
                        field=f"{id}.derivation",
                    )
        for part in i.parts:
            have = indicators[part.id].sexes
            need = (part.sex,) if part.sex else i.sexes
            if not set(need) <= set(have):
                raise InputError(
                    f"{part.id} has {', '.join(have)}, not {', '.join(need)}",
                    file=file,
                    field=f"{id}.derivation",
                )


class Registry(Mapping[str, Indicator]):
    """The indicators by id, read at first use; only those ``embedded``, if so asked.

    Examples
    --------
    >>> REGISTRY["N00973"].horizon_days, REGISTRY["N00973"].weight
    (90, 'N00964')
    >>> list(INDICATORS)
    ['foreign_background', 'low_economic_standard']
    """

    def __init__(self, *, embedded: bool = False) -> None:
        self._embedded = embedded

    @cached_property
    def _entries(self) -> Mapping[str, Indicator]:
        if self._embedded:
            return {k: i for k, i in REGISTRY.items() if i.embedded}
        return read_registry(data_folder() / "indicators" / "indicators.yaml", sha256=SHA256)

    def __getitem__(self, id: str) -> Indicator:
        """Return one indicator."""
        return self._entries[id]

    def __iter__(self) -> Iterator[str]:
        """Go through the ids in the order of the file."""
        return iter(self._entries)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._entries)

    def __repr__(self) -> str:
        """Show the ids."""
        return f"Registry({', '.join(self._entries)})"


REGISTRY: Mapping[str, Indicator] = Registry()
INDICATORS: Mapping[str, Indicator] = Registry(embedded=True)
"""The outcomes whose panels ship with the package."""
