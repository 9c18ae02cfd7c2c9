"""A finished report beside the same computed anew: numbers, provenance, files and hashes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from evaluation.data.embedded import file_hash
from evaluation.errors import InputError
from evaluation.language import Lang
from evaluation.report.compare import Difference, Verification, compare, compare_files
from evaluation.report.folder import MARK, RECORD, versions
from evaluation.report.render import FORMATS, Format

__all__ = ["compare_report", "need_files", "read_again"]


def compare_report(
    folder: Path,
    found: Mapping[str, Any],
    record: Mapping[str, Any],
    results: Mapping[str, Any],
    *,
    rests_on: Callable[[Lang, list[Format]], dict[str, Any]],
    build: Callable[[Path, Lang, list[Format]], None],
    carried: Iterable[str],
) -> Verification:
    """Compare what stands in a report's folder with what was computed again.

    Where the recorded package versions are those at hand, figures and documents are made anew
    and compared too.

    Parameters
    ----------
    folder : pathlib.Path
        The report.
    found, record : mapping
        Its ``results.json`` and ``provenance.json``.
    results : mapping
        The results computed again, as JSON reads them.
    rests_on : callable
        Gives what ``provenance.json`` must say, from the language and the documents.
    build : callable
        Writes the report anew into a folder, in a language, with the documents asked for.
    carried : iterable of str
        Files that the report carries because it is computed from them.

    Returns
    -------
    Verification
        ``passed`` tells whether nothing differs.
    """
    numbers, differences = compare(MARK, found, results)
    lang: Lang = "en" if record.get("lang") == "en" else "sv"
    recorded = record.get("formats")
    formats = [f for f in FORMATS if isinstance(recorded, list) and f in recorded]
    expected = rests_on(lang, formats)
    differences += compare(RECORD, {k: record[k] for k in expected if k in record}, expected)[1]
    here, there = versions(), record.get("versions")
    if not isinstance(there, dict) or set(there) != set(here):
        differences.append(Difference(RECORD, "versions", there, here))
    rendered = there == here
    with tempfile.TemporaryDirectory() as place:
        fresh = Path(place)
        build(fresh, lang, formats if rendered else [])
        made = _files(fresh)
        count, more = compare_files(folder, fresh, formats, drawings=rendered)
    made |= {f"report.{f}" for f in formats} | set(carried)
    files = dict(record["files"])
    differences += more + _other_files(folder, made, files)
    return Verification(str(folder), numbers + count, len(files), rendered, tuple(differences))


def need_files(folder: Path, carried: Iterable[str]) -> None:
    """Refuse a report that lacks a file it is computed from.

    Parameters
    ----------
    folder : pathlib.Path
        The report.
    carried : iterable of str
        Where the copies stand in it.

    Raises
    ------
    InputError
        Names the first that is not there.
    """
    for name in sorted(carried):
        if not (folder / name).is_file():
            raise InputError(
                "there is no such file; the report is computed from this copy, so put it back or "
                "write the report anew",
                file=str(folder / name),
            )


def read_again(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return results as they are once they were written and read."""
    again: dict[str, Any] = json.loads(json.dumps(results))
    return again


def _files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def _other_files(folder: Path, made: set[str], files: Mapping[str, str]) -> list[Difference]:
    """Find files that lack, that no report writes, and that have another hash than recorded."""
    present = _files(folder) - {RECORD}
    out = [Difference(n, "file", "absent", "present") for n in sorted(made - present)]
    out += [Difference(n, "file", "present", "absent") for n in sorted(present - made)]
    for name in sorted(made & present):
        actual, recorded = file_hash(folder / name), files.get(name, "absent")
        if actual != recorded:
            out.append(Difference(name, "sha256", actual, recorded))
    return out
