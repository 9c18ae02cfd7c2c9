"""The model that a plan makes the treatment: where it runs, and what else runs there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from evaluation.design.catalogue import Model, catalogue
from evaluation.design.counties import counties, county_of
from evaluation.design.stance import StanceCounts
from evaluation.plan import Plan

__all__ = ["EvaluatedModel", "evaluated_model", "groups_of"]

_ADVICE = ("recommendation", "success_factor")


@dataclass(frozen=True)
class EvaluatedModel:
    """A model of the documents as the treatment of a plan.

    Parameters
    ----------
    id, name : str
        Key and name.
    where, starts, ends : str
        As the catalogue states them; an end may be empty.
    document, line : str
        Where the model is described.
    codes : tuple of str
        The treated units: municipalities, or counties by two digits.
    counties : bool
        Whether the units are counties.
    partly : tuple of str
        Counties in which only named municipalities run it; in neither group.
    others : tuple of str
        Municipalities that are active by the accepted evidence and do not run it; in neither
        group. None where the units are counties.
    by_state : bool
        Whether the state alone pays for it, so that others may have had the same.
    same_place : tuple of tuple of str
        Name and stated start of every other model or project that the documents place in the
        treated municipalities, or in all or part of their county.
    """

    id: str
    name: str
    where: str
    starts: str
    ends: str
    document: str
    line: str
    codes: tuple[str, ...]
    counties: bool
    partly: tuple[str, ...]
    others: tuple[str, ...]
    by_state: bool
    same_place: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return asdict(self) | {
            "codes": list(self.codes),
            "partly": list(self.partly),
            "others": list(self.others),
            "same_place": [{"name": n, "start": s} for n, s in self.same_place],
        }


def _region_codes(model: Model) -> tuple[str, ...]:
    names = counties()["name"]
    return tuple(str(c) for c in names.index[names.isin(model.where.regions)])


def _same_place(model: Model, units: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return what else runs there: by municipality, and by all or part of the county."""
    regions = {county_of(c) for c in units}
    municipal = {c for c in units if len(c) > 2}
    found = []
    for m in catalogue().values():
        if m.id == model.id or m.kind not in ("model", "project") or m.where.scope == "nation":
            continue
        here = municipal & set(m.where.codes) or regions & set(_region_codes(m))
        if here:
            found.append((m.name, m.starts.text or "not stated"))
    return tuple(found)


def evaluated_model(plan: Plan, active: tuple[str, ...]) -> EvaluatedModel | None:
    """Resolve ``treatment.model``.

    Parameters
    ----------
    plan : Plan
        The evaluation plan.
    active : tuple of str
        Municipalities that are active by the accepted evidence.

    Returns
    -------
    EvaluatedModel or None
        None for a plan on stance.

    Raises
    ------
    InputError
        If there is no such model, it is advice, it runs nationwide, or some of the
        municipalities that run it are not named.

    Examples
    --------
    >>> from evaluation.plan import load_plan
    >>> found = evaluated_model(load_plan("nyar"), ("1287", "2321"))
    >>> found.codes, found.others, [start for _, start in found.same_place]
    (('2321',), ('1287',), ['2011-H2', '2013-2014', '2015-2016', '2016 (planned)'])
    """
    key = plan.treatment.model
    if key is None:
        return None
    here = ("treatment", "model")
    if key not in catalogue():
        raise plan.fault(here, f"there is no model {key!r}; `evaluation models list` shows all")
    model = catalogue()[key]
    if model.kind in _ADVICE:
        raise plan.fault(here, f"{key!r} is advice, which nobody is known to follow from a date")
    if model.where.scope in ("nation", "part_of_region"):
        raise plan.fault(
            here,
            f"{key!r} runs in «{model.where.text}»: nobody is left to compare with"
            if model.where.scope == "nation"
            else f"{key!r} runs in «{model.where.text}»: the documents do not name who takes part",
        )
    whole = model.where.scope == "region"
    units = _region_codes(model) if whole else model.where.codes
    inside = {county_of(c) for c in model.where.codes} - set(units)
    return EvaluatedModel(
        id=model.id,
        name=model.name,
        where=model.where.text,
        starts=model.starts.text,
        ends=model.ends.text,
        document=model.document,
        line=model.line,
        codes=units,
        counties=whole,
        partly=tuple(sorted(inside)) if whole else (),
        others=() if whole else tuple(c for c in active if c not in units),
        by_state=model.funders == ("state",),
        same_place=_same_place(model, units),
    )


def groups_of(model: EvaluatedModel, counts: StanceCounts) -> StanceCounts:
    """Return the comparison's groups when a model is the treatment.

    Parameters
    ----------
    model : EvaluatedModel
        The treatment.
    counts : StanceCounts
        All 290 municipalities by what the documents say.

    Returns
    -------
    StanceCounts
        The treated are ``active`` and in no other part, whatever their stance. Where the units
        are counties, every county without the model is ``not_known``.
    """
    treated = set(model.codes)
    if model.counties:
        rest = tuple(c for c in counties().index if c not in {*treated, *model.partly})
        return StanceCounts(model.codes, (), rest, counts.anonymous)
    return StanceCounts(
        tuple(sorted({*counts.active, *treated})),
        tuple(c for c in counts.uncertain if c not in treated),
        tuple(c for c in counts.not_known if c not in treated),
        counts.anonymous,
    )
