"""Verification: every number of a finished report computed again and compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evaluation.data.sources import open_sources
from evaluation.data.store import SnapshotStore
from evaluation.errors import InputError, read_text
from evaluation.language import Lang
from evaluation.plan import OutcomeFile, plan_from_dict
from evaluation.questions.study import run_study
from evaluation.report.bundle import (
    build,
    copy_snapshot,
    costs_file,
    groups_file,
    own_file,
    own_sheets,
    provenance,
)
from evaluation.report.compare import Difference, Verification
from evaluation.report.costs_verify import verify_costs
from evaluation.report.folder import MARK, RECORD
from evaluation.report.recomputed import compare_report, need_files, read_again
from evaluation.report.render import Format

__all__ = ["Difference", "Verification", "verify"]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(
            f"is not valid JSON: {error.msg}", file=str(path), row=error.lineno
        ) from None
    if not isinstance(content, dict):
        raise InputError("must be a JSON object", file=str(path))
    return content


def verify(folder: str | Path, progress: Callable[[str], None] = lambda _: None) -> Verification:
    """Compute a finished report again and compare.

    The plan inside ``results.json`` is run on the data that the package holds (own outcomes
    on the copies in the report). Every number of ``results.json`` and of ``tables/*.csv`` is
    compared to 1e-8 relative; what ``provenance.json`` says of plan, data and seed is
    compared; every file is compared with its recorded hash. Where the recorded package
    versions are those at hand, figures and documents are made anew and compared too.

    Parameters
    ----------
    folder : str or pathlib.Path
        A folder that ``evaluation run`` or ``evaluation costs`` wrote.
    progress : callable
        Called with the name of each step as it begins.

    Returns
    -------
    Verification
        ``passed`` tells whether nothing differs.

    Raises
    ------
    InputError
        If the folder is not a report, its plan is not valid, or it lacks a file that it was
        computed from.
    """
    folder = Path(folder)
    found = _read_json(folder / MARK)
    record = _read_json(folder / RECORD)
    if not isinstance(record.get("files"), dict):
        raise InputError("holds no file hashes", file=str(folder / RECORD), field="files")
    content = found.get("plan")
    if content is None and "accounts" in found:
        return verify_costs(folder, found, record, progress)
    if not isinstance(content, dict):
        raise InputError("holds no plan", file=str(folder / MARK), field="plan")
    plan = plan_from_dict(content, file=str(folder / MARK))
    copies = {e.id: folder / own_file(e) for e in plan.outcomes if isinstance(e, OutcomeFile)}
    groups = groups_file(plan)
    sheets = {name: folder / place for name, place in own_sheets(plan).items()}
    money = costs_file(plan)
    carried = {c.relative_to(folder).as_posix() for c in (*copies.values(), *sheets.values())}
    carried |= {place for place in (groups, money) if place is not None}
    need_files(folder, carried)
    sources = open_sources(
        plan, store=SnapshotStore(folder / "data"), files=copies, progress=progress
    )
    study = run_study(
        plan,
        progress,
        sources,
        None if groups is None else folder / groups,
        sheets,
        None if money is None else folder / money,
    )
    results = read_again(study.to_dict())
    progress("comparison")

    def anew(fresh: Path, lang: Lang, formats: list[Format]) -> None:
        build(plan, results, fresh, lang, formats, progress)
        if sources.snapshot is not None:
            copy_snapshot(sources.snapshot, fresh)

    return compare_report(
        folder,
        found,
        record,
        results,
        rests_on=lambda lang, formats: provenance(plan, results, lang, formats),
        build=anew,
        carried=carried,
    )
