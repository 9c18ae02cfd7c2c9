"""The report's folder: written beside its place, then renamed into it."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.data.observations import SIMULATED
from evaluation.data.sources import open_sources
from evaluation.data.store import Snapshot, SnapshotStore
from evaluation.folders import beside, target_folder
from evaluation.language import Lang
from evaluation.plan import OutcomeFile, Plan
from evaluation.questions.coding import sheet_names
from evaluation.questions.study import run_study
from evaluation.report.figures import make_figures
from evaluation.report.folder import Contents, check_target, write_contents, write_record
from evaluation.report.render import FORMATS, Format
from evaluation.report.tables import make_tables
from evaluation.report.text import make_markdown
from evaluation.report.words import is_simulated

__all__ = [
    "build",
    "copy_snapshot",
    "costs_file",
    "groups_file",
    "own_file",
    "own_sheets",
    "provenance",
    "write_report",
]


def own_file(entry: OutcomeFile) -> str:
    """Return the place of an own outcome's copy inside a report."""
    return f"data/{entry.id}{Path(entry.file).suffix}"


def groups_file(plan: Plan) -> str | None:
    """Return the place of a copy of the plan's file of groups inside a report, if it has one."""
    given = plan.comparison.groups
    return None if given is None else f"data/comparison-groups{Path(given).suffix}"


def costs_file(plan: Plan) -> str | None:
    """Return the place of a copy of the cost model's parameter file, if the plan names one."""
    return None if plan.costs is None else "data/costs.yaml"


def own_sheets(plan: Plan) -> dict[str, str]:
    """Return the places of the coding sheets' copies inside a report, by name in the plan."""
    names = sheet_names(plan)
    return {n: f"data/coding_{i}{Path(n).suffix}" for i, n in enumerate(names, start=1)}


def copy_snapshot(snapshot: Snapshot, folder: Path) -> None:
    """Copy a snapshot with its record into a report, which can then be verified on its own."""
    store = SnapshotStore(folder / "data")
    store.adopt(snapshot)
    shutil.rmtree(store.root / "tmp", ignore_errors=True)


def build(
    plan: Plan,
    results: Mapping[str, Any],
    folder: Path,
    lang: Lang,
    formats: Sequence[Format],
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Write results, tables, figures and documents into an empty folder.

    Parameters
    ----------
    plan : Plan
        The plan, for its title.
    results : mapping
        ``Study.to_dict()``.
    folder : pathlib.Path
        An existing empty folder.
    lang : {"sv", "en"}
        Language.
    formats : sequence of {"html", "pdf", "docx"}
        Which documents to render.
    progress : callable
        Called with the name of each step as it begins.
    """
    contents = Contents(
        make_tables,
        make_figures,
        lambda tables, figures, image: make_markdown(results, tables, figures, lang, image=image),
        plan.title.sv if lang == "sv" else plan.title.en,
        SIMULATED if is_simulated(results) else "",
    )
    write_contents(results, folder, lang, formats, contents, progress)


def provenance(
    plan: Plan, results: Mapping[str, Any], lang: Lang, formats: Sequence[Format]
) -> dict[str, Any]:
    """Return what a report rests on, but for the run itself (time, machine, file hashes)."""
    return ({"notice": SIMULATED} if is_simulated(results) else {}) | {
        "plan": plan.name,
        "plan_hash": plan.hash(),
        "lang": lang,
        "formats": list(formats),
        "data": results["data"],
        "origin": results["origin"],
        "panel_hashes": results["panel_hashes"],
        "seed": plan.estimation.seed,
    }


def write_report(
    plan: Plan,
    out: str | Path,
    *,
    lang: Lang = "sv",
    formats: Sequence[Format] = FORMATS,
    progress: Callable[[str], None] = lambda _: None,
    store: SnapshotStore | None = None,
) -> Path:
    """Run a plan and write its report.

    Parameters
    ----------
    plan : Plan
        The plan.
    out : str or pathlib.Path
        Folder of the report. It appears at the end, whole, or not at all; a former
        report there is replaced, any other content is left alone and refused.
    lang : {"sv", "en"}
        Language.
    formats : sequence of {"html", "pdf", "docx"}
        Which documents to render.
    progress : callable
        Called with the name of each step as it begins.
    store : SnapshotStore, optional
        Where the plan's snapshot lies; by default ``EVALUATION_STORE`` or ``snapshots``. A
        copy goes into the report, so that it can be verified on its own.

    Returns
    -------
    pathlib.Path
        The folder, with ``results.json``, ``provenance.json``, ``tables/*.csv``,
        ``figures/*.svg`` and the documents.

    Raises
    ------
    InputError
        If the plan cannot be carried out or the folder must not be replaced.
    """
    began = time.perf_counter()
    out = target_folder(out)
    check_target(out)
    study = run_study(plan, progress, open_sources(plan, store=store, progress=progress))
    results = study.to_dict()
    with beside(out) as new:
        for entry in plan.outcomes:
            if isinstance(entry, OutcomeFile):
                (new / "data").mkdir(exist_ok=True)
                shutil.copyfile(plan.folder / entry.file, new / own_file(entry))
        groups = groups_file(plan)
        if groups is not None and plan.comparison.groups is not None:
            (new / "data").mkdir(exist_ok=True)
            shutil.copyfile(plan.folder / plan.comparison.groups, new / groups)
        for name, place in own_sheets(plan).items():
            (new / "data").mkdir(exist_ok=True)
            shutil.copyfile(plan.folder / name, new / place)
        money = costs_file(plan)
        if money is not None and study.costs is not None and study.costs.plan.file is not None:
            (new / "data").mkdir(exist_ok=True)
            shutil.copyfile(study.costs.plan.file, new / money)
        if study.sources.snapshot is not None:
            copy_snapshot(study.sources.snapshot, new)
        build(plan, results, new, lang, formats, progress)
        write_record(
            new,
            provenance(plan, results, lang, formats),
            machine={
                "system": platform.system(),
                "architecture": platform.machine(),
                "processors": os.cpu_count(),
            },
            wall_seconds=round(time.perf_counter() - began, 2),
        )
    return out
