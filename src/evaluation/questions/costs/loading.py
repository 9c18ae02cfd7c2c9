"""A parameter file from its YAML."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from evaluation.errors import InputError, read_text
from evaluation.plan.loading import plan_ships
from evaluation.plan.model import fault
from evaluation.plan.parts import Lines, Text
from evaluation.plan.yaml_file import complaint, read_mapping
from evaluation.questions.costs.checking import check_plan
from evaluation.questions.costs.parameters import (
    Analysis,
    Correlation,
    CostPlan,
    Distribution,
    Effect,
    Effects,
    Parameter,
    Prices,
)

__all__ = ["costs_from_dict", "load_costs"]

_PLAN = (
    "looks like a plan, which evaluation run takes; a parameter file has name, years, prices, "
    "parameters …, and a plan names it in costs.parameters"
)
_BELOW: Mapping[str, type[BaseModel]] = {
    "title": Text,
    "prices": Prices,
    "effect": Effects,
    "on_work_or_studies": Effect,
    "on_staying": Effect,
    "analysis": Analysis,
    "distribution": Distribution,
}


def _shipped() -> list[Path]:
    """Return the parameter files that ship: in the wheel, or in the source tree."""
    packed = Path(str(resources.files("evaluation"))) / "_plans"
    source = Path(__file__).resolve().parents[4] / "plans"
    folder = next((f for f in (packed, source) if f.is_dir()), source)
    return sorted((folder / "costs").glob("*.yaml"))


def load_costs(parameters: str | Path) -> CostPlan:
    """Read and validate a parameter file.

    Parameters
    ----------
    parameters : str or pathlib.Path
        A YAML file, or the name of one that ships (``"example"``, ``"by_hand"``).

    Returns
    -------
    CostPlan
        The validated parameters.

    Raises
    ------
    InputError
        If the file cannot be read, or a key is unknown, missing or wrong; the error names
        file, line and key.

    Examples
    --------
    >>> load_costs("by_hand").span
    (2017, 2018, 2019)
    """
    path = Path(parameters)
    if not path.suffix and not path.exists():
        named = {p.stem: p for p in _shipped()}
        if str(path) not in named:
            ship = ", ".join(named)
            problem = f"there is no such parameter file; {ship} ship"
            raise InputError(_PLAN if plan_ships(path) else problem, file=str(path))
        path = named[str(path)]
    content, lines = read_mapping(
        read_text(path),
        str(path),
        what="a parameter file",
        keys="name, years, prices, parameters …",
    )
    if "outcomes" in content and "parameters" not in content:
        raise InputError(_PLAN, file=str(path))
    return costs_from_dict(content, file=str(path), lines=lines)


def costs_from_dict(
    content: Mapping[str, Any], *, file: str | None = None, lines: Lines | None = None
) -> CostPlan:
    """Validate parameters given as plain types.

    Parameters
    ----------
    content : mapping
        What a parameter file holds.
    file : str, optional
        Name for errors; a report that the effect is read from is sought from its folder.
    lines : mapping, optional
        Line of each key, for errors.

    Returns
    -------
    CostPlan
        The validated parameters.

    Raises
    ------
    InputError
        At the first key that is unknown, missing or wrong.
    """
    lines = lines or {}
    try:
        plan = CostPlan.model_validate(content)
    except ValidationError as error:
        path, problem = complaint(error, _known_keys)
        raise fault(file, lines, path, problem) from None
    plan._file = file
    plan._lines = dict(lines)
    check_plan(plan)
    return plan


def _known_keys(path: tuple[str | int, ...]) -> list[str]:
    if not path:
        return list(CostPlan.model_fields)
    if "correlations" in path:
        return list(Correlation.model_fields)
    model = _BELOW.get(str(path[-1]), Parameter)
    return list(model.model_fields)
