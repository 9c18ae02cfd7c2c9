"""What a cost report carries so that it can be computed again: parameters and effects."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluation.errors import InputError, read_text
from evaluation.questions.costs.effects import UncertainEffect, effects_of, estimate_from_dict
from evaluation.questions.costs.loading import load_costs
from evaluation.questions.costs.parameters import CostPlan
from evaluation.questions.costs.result import CostResult

__all__ = ["EFFECTS", "PARAMETERS", "read_inputs", "write_inputs"]

PARAMETERS, EFFECTS = "parameters.yaml", "effects.json"
_NAMES = ("on_work_or_studies", "on_staying")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def _stated(plan: CostPlan, name: str) -> bool:
    """Say whether the file itself states an effect, and reads it from no report."""
    given = getattr(plan.effect, name)
    return given is not None and given.results is None


def write_inputs(result: CostResult, folder: Path) -> None:
    """Write the parameter file, and the effects that do not stand in it.

    Parameters
    ----------
    result : CostResult
        The result.
    folder : pathlib.Path
        An existing folder. ``parameters.yaml`` is a copy of the file, or what the parameters
        come to where there is none; ``effects.json`` holds what was given in place of the
        file's effects, or read from another report.
    """
    import yaml

    plan = result.plan
    if plan.file is not None:
        shutil.copyfile(plan.file, folder / PARAMETERS)
    else:
        content = _plain(plan.model_dump(exclude_unset=True))
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
        (folder / PARAMETERS).write_text(text, encoding="utf-8")
    used = dict(zip(_NAMES, (result.effect, result.on_staying), strict=True))
    # what is not stated is handed over, so that no other report has to be there to be read
    given = [None if _stated(plan, name) else effect for name, effect in used.items()]
    stated = dict(zip(_NAMES, effects_of(plan, *given), strict=True))
    out: dict[str, Any] = {}
    for name, effect in used.items():
        if effect is None or (_stated(plan, name) and stated[name] == effect):
            continue
        whole = effect.estimate_of
        out[name] = effect.to_dict() | {"estimate_of": None if whole is None else whole.to_dict()}
    if out:
        text = json.dumps(out, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        (folder / EFFECTS).write_text(text, encoding="utf-8")


def read_inputs(
    folder: Path,
) -> tuple[CostPlan, UncertainEffect | None, UncertainEffect | None]:
    """Read back what a cost report carries.

    Parameters
    ----------
    folder : pathlib.Path
        The report.

    Returns
    -------
    tuple
        Parameters, and the effects in place of the file's.

    Raises
    ------
    InputError
        If a file is missing or not what it should be.
    """
    plan = load_costs(folder / PARAMETERS)
    path = folder / EFFECTS
    if not path.is_file():
        return plan, None, None
    try:
        content = dict(json.loads(read_text(path)))
        read = [_effect(content[n]) if n in content else None for n in _NAMES]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            "does not hold effects as a cost report writes them", file=str(path)
        ) from (None)
    return plan, read[0], read[1]


def _effect(r: Mapping[str, Any]) -> UncertainEffect:
    low, high = r["conf_int"]
    return UncertainEffect(
        estimate=float(r["estimate"]),
        low=float(low),
        high=float(high),
        alpha=float(r["alpha"]),
        inference=r["inference"],
        source_sv=r["source_sv"],
        source_en=r["source_en"],
        found=r["status"] == "found",
        estimate_of=None if r["estimate_of"] is None else estimate_from_dict(r["estimate_of"]),
        grade=r["grade"],
        notes=tuple(r["notes"]),
    )
