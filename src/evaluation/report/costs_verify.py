"""Verification of a cost report: every number computed again from what it carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evaluation.errors import InputError
from evaluation.questions.costs.analysis import cost_analysis
from evaluation.questions.costs.carried import EFFECTS, PARAMETERS, read_inputs
from evaluation.report.compare import Verification
from evaluation.report.costs import build_costs, cost_provenance
from evaluation.report.folder import MARK
from evaluation.report.recomputed import compare_report, need_files, read_again

__all__ = ["verify_costs"]


def verify_costs(
    folder: Path,
    found: Mapping[str, Any],
    record: Mapping[str, Any],
    progress: Callable[[str], None] = lambda _: None,
) -> Verification:
    """Compute a finished cost report again and compare.

    The parameter file in the folder is run with the draws and the seed of ``results.json``,
    on the effects that it states or that ``effects.json`` carries.

    Parameters
    ----------
    folder : pathlib.Path
        A folder that ``evaluation costs --out`` wrote.
    found, record : mapping
        Its ``results.json`` and ``provenance.json``.
    progress : callable
        Called with the name of each step as it begins.

    Returns
    -------
    Verification
        ``passed`` tells whether nothing differs.

    Raises
    ------
    InputError
        If what the folder carries cannot be read, or the model cannot be run on it.
    """
    seed, draws = found.get("seed"), found.get("draws")
    for key, value, least in (("seed", seed, 0), ("draws", draws, 100)):
        if type(value) is not int or not least <= value <= 1_000_000_000:
            raise InputError(
                f"must be a whole number from {least} on (found {value!r})",
                file=str(folder / MARK),
                field=key,
            )
    need_files(folder, {PARAMETERS})
    progress("draws")
    plan, effect, staying = read_inputs(folder)
    result = cost_analysis(plan, effect, on_staying=staying, draws=draws, seed=seed)
    results = read_again(result.to_dict(points=True))
    progress("comparison")
    return compare_report(
        folder,
        found,
        record,
        results,
        rests_on=lambda lang, formats: cost_provenance(results, lang, formats),
        build=lambda fresh, lang, formats: build_costs(results, fresh, lang, formats, progress),
        carried={PARAMETERS} | ({EFFECTS} & set(record["files"])),
    )
