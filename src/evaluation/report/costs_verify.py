"""Verification of a cost report: every number computed again from what it carries."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evaluation.data.embedded import file_hash
from evaluation.errors import InputError
from evaluation.language import Lang
from evaluation.questions.costs.analysis import cost_analysis
from evaluation.questions.costs.carried import EFFECTS, PARAMETERS, read_inputs
from evaluation.report.compare import Difference, Verification, compare, compare_files
from evaluation.report.costs import build_costs, cost_provenance
from evaluation.report.folder import MARK, versions
from evaluation.report.render import FORMATS

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
    files = dict(record["files"])
    seed, draws = found.get("seed"), found.get("draws")
    for key, value, least in (("seed", seed, 0), ("draws", draws, 100)):
        if type(value) is not int or not least <= value <= 1_000_000_000:
            raise InputError(
                f"must be a whole number from {least} on (found {value!r})",
                file=str(folder / MARK),
                field=key,
            )
    progress("draws")
    plan, effect, staying = read_inputs(folder)
    result = cost_analysis(plan, effect, on_staying=staying, draws=draws, seed=seed)
    results = json.loads(json.dumps(result.to_dict(points=True)))
    progress("comparison")
    numbers, differences = compare(MARK, found, results)
    lang: Lang = "en" if record.get("lang") == "en" else "sv"
    recorded = record.get("formats")
    formats = [f for f in FORMATS if isinstance(recorded, list) and f in recorded]
    expected = cost_provenance(results, lang, formats)
    differences += compare(
        "provenance.json", {k: record[k] for k in expected if k in record}, expected
    )[1]
    here, there = versions(), record.get("versions")
    if not isinstance(there, dict) or set(there) != set(here):
        differences.append(Difference("provenance.json", "versions", there, here))
    rendered = there == here
    with tempfile.TemporaryDirectory() as place:
        fresh = Path(place)
        build_costs(results, fresh, lang, formats if rendered else (), progress)
        made = {p.relative_to(fresh).as_posix() for p in fresh.rglob("*") if p.is_file()}
        count, more = compare_files(folder, fresh, formats, drawings=rendered)
        numbers += count
        differences += more
    made |= {f"report.{f}" for f in formats} | {PARAMETERS}
    made |= {EFFECTS} if EFFECTS in files else set()
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    present.discard("provenance.json")
    differences += [Difference(n, "file", "absent", "present") for n in sorted(made - present)]
    differences += [Difference(n, "file", "present", "absent") for n in sorted(present - made)]
    for name in sorted(set(files) | (made & present)):
        path = folder / name
        actual = file_hash(path) if path.is_file() else "absent"
        if actual != files.get(name, "absent") and name in made & present:
            differences.append(Difference(name, "sha256", actual, files.get(name, "absent")))
    return Verification(str(folder), numbers, len(files), rendered, tuple(differences))
