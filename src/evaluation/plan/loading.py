"""A plan from its YAML file, every key with its line."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from evaluation.errors import InputError, read_text
from evaluation.plan.coding import SheetCoding
from evaluation.plan.data import KoladaData, SimulatedData
from evaluation.plan.model import Plan, fault
from evaluation.plan.outcomes import OutcomeFile, RegistryOutcome
from evaluation.plan.parts import TAGS, Lines
from evaluation.plan.yaml_file import complaint, read_mapping

__all__ = ["load_plan", "model_plan", "plan_from_dict", "plan_ships"]

# the folder of the plans for one model of the documents each
MODELS = "models"

_TAGGED: Mapping[str | int, type[BaseModel]] = {
    **dict(zip(TAGS[1:5], (OutcomeFile, RegistryOutcome, KoladaData, SimulatedData), strict=True)),
    TAGS[6]: SheetCoding,
}


def _folders() -> tuple[Path, ...]:
    """Return where the plans that ship lie: in the wheel, or in the source tree."""
    packed = Path(str(resources.files("evaluation"))) / "_plans"
    source = Path(__file__).resolve().parents[3] / "plans"
    return tuple(f for f in (packed, source) if f.is_dir())


def _locate(plan: str | Path) -> Path:
    path = Path(plan)
    if path.is_file() or path.suffix:
        return path
    for folder in _folders():
        for place in (folder, folder / MODELS):
            if (place / f"{path}.yaml").is_file():
                return place / f"{path}.yaml"
    return path


def plan_ships(name: str | Path) -> bool:
    """Say whether a plan of that name ships with the package.

    Examples
    --------
    >>> plan_ships("settlement"), plan_ships("example")
    (True, False)
    """
    return not Path(name).suffix and _locate(name) != Path(name)


def model_plan(model: str) -> str | None:
    """Return the name of the plan that ships for a model of the documents.

    Parameters
    ----------
    model : str
        The model's key.

    Returns
    -------
    str or None
        As :func:`load_plan` takes it; None where there is no plan.

    Examples
    --------
    >>> model_plan("are_modellen"), model_plan("klondyke")
    ('models/are_modellen', None)
    """
    there = any((folder / MODELS / f"{model}.yaml").is_file() for folder in _folders())
    return f"{MODELS}/{model}" if there else None


def load_plan(plan: str | Path) -> Plan:
    """Read and validate a plan.

    Parameters
    ----------
    plan : str or pathlib.Path
        A YAML file, or the name of a plan that ships with the package
        (``"settlement"``; a model's plan as ``"models/nyar"`` or ``"nyar"``).

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
    if not path.suffix and not path.exists():
        ship = sorted({p.stem for folder in _folders() for p in folder.glob("*.yaml")})
        ship += sorted({f"{MODELS}/{p.stem}" for f in _folders() for p in f.glob(f"{MODELS}/*")})
        problem = f"there is no such plan; those that ship are {', '.join(ship)}"
        raise InputError(problem, file=name)
    text = read_text(path)
    content, lines = read_mapping(text, name)
    if "parameters" in content and "outcomes" not in content:
        raise InputError(
            "looks like a parameter file of the cost model, which evaluation costs takes; a plan "
            "has name, title, outcomes … and names it in costs.parameters",
            file=name,
        )
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
        path, problem = complaint(error, _known_keys)
        raise fault(file, lines, path, problem) from None
    plan._file = file
    plan._lines = dict(lines)
    return plan


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
