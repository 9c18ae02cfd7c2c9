"""From the rows of ``data/models`` to models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from evaluation.data import embedded
from evaluation.data.documents import document_figures
from evaluation.design.catalogue.dates import read_date
from evaluation.design.catalogue.goals import concerns_a_group, read_goals
from evaluation.design.catalogue.model import Kind, Model, Result
from evaluation.design.catalogue.where import read_where
from evaluation.errors import InputError

__all__ = ["KINDS", "catalogue"]

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "municipal_model": "model",
        "programme": "model",
        "method": "model",
        "network": "model",
        "regional_structure": "model",
        "state_programme": "model",
        "project": "project",
        "law": "law",
        "recommendation": "recommendation",
        "success_factor": "success_factor",
    }
)
"""Which of five kinds a coded type is."""

_NOTHING = {"", "none", "none stated", "not stated"}


def _parts(text: str) -> tuple[str, ...]:
    return tuple(p for p in map(str.strip, text.split(";")) if p not in _NOTHING)


def _model(row: Mapping[str, str], results: tuple[Result, ...]) -> Model:
    name = row["model_id"]
    if row["type"] not in KINDS:
        known = ", ".join(KINDS)
        raise InputError(f"{name}: {row['type']!r} is no type; known are {known}", field="type")
    starts = read_date(row["start"])
    components, goals = _parts(row["components"]), _parts(row["goals_targets"])
    return Model(
        id=name,
        name=row["name"],
        type=row["type"],
        kind=KINDS[row["type"]],
        where=read_where(row["municipality_region"]),
        starts=starts,
        ends=read_date(row["end"], starts.date),
        stance=row["stance"] or "n/a",
        components=components,
        funders=_parts(row["funder"]),
        goals=goals,
        stated_outcomes=_parts(row["outcomes_stated"]),
        reads=read_goals(goals, components),
        for_a_group=concerns_a_group(*components, *goals),
        results=results,
        document=row["document"],
        line=row["line"],
        note=row["note"],
    )


@cache
def catalogue() -> Mapping[str, Model]:
    """Return every model of the documents, by id, in the order of the data.

    Returns
    -------
    mapping of str to Model
        68 rows.

    Raises
    ------
    InputError
        If a row's type or place is not known.

    Examples
    --------
    >>> len(catalogue()), catalogue()["are_modellen"].where.codes
    (68, ('2321',))
    """
    results: dict[str, list[Result]] = {}
    for f in document_figures().values():
        if f.model:
            results.setdefault(f.model, []).append(Result(f, f.role, f.denominator))
    rows = embedded.load("models").fillna("").astype(str).to_dict("records")
    plain = [{str(k): str(v) for k, v in row.items()} for row in rows]
    return MappingProxyType(
        {r["model_id"]: _model(r, tuple(results.get(r["model_id"], ()))) for r in plain}
    )
