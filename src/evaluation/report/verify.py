"""Verification: every number of a finished report computed again and compared."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.data.embedded import file_hash
from evaluation.data.sources import open_sources
from evaluation.data.store import SnapshotStore
from evaluation.errors import InputError, read_text
from evaluation.language import Lang
from evaluation.plan import OutcomeFile, plan_from_dict
from evaluation.questions.study import run_study
from evaluation.report.bundle import (
    MARK,
    build,
    copy_snapshot,
    groups_file,
    own_file,
    own_sheets,
    provenance,
    versions,
)
from evaluation.report.render import FORMATS, Format

__all__ = ["Difference", "Verification", "verify"]

TOLERANCE = 1e-8


@dataclass(frozen=True)
class Difference:
    """One place where the report and the recomputation part.

    Parameters
    ----------
    file, key : str
        Where.
    found, computed : object
        What stands there and what was computed.
    """

    file: str
    key: str
    found: object
    computed: object

    def __str__(self) -> str:
        return f"{self.file}, {self.key}: found {self.found!r}, computed {self.computed!r}"


@dataclass(frozen=True)
class Verification:
    """What was compared, and what differs.

    Parameters
    ----------
    folder : str
        The report.
    n_numbers : int
        Numbers compared.
    n_files : int
        Files whose bytes were compared with the hashes in the provenance.
    rendered : bool
        Whether figures and documents were made anew and compared too. They are where the
        recorded package versions are those at hand.
    differences : tuple of Difference
        Empty when all is well.
    """

    folder: str
    n_numbers: int
    n_files: int
    rendered: bool
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "folder": self.folder,
            "passed": self.passed,
            "n_numbers": self.n_numbers,
            "n_files": self.n_files,
            "rendered": self.rendered,
            "differences": [
                {
                    "file": d.file,
                    "key": d.key,
                    "found": _plain(d.found),
                    "computed": _plain(d.computed),
                }
                for d in self.differences
            ],
        }


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for k, v in value.items():
            yield from _leaves(v, f"{path}.{k}" if path else str(k))
    elif isinstance(value, list):
        yield f"{path}.length", len(value)
        for i, v in enumerate(value):
            yield from _leaves(v, f"{path}[{i}]")
    else:
        yield path, value


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: object) -> object:
    """Give a value that JSON can carry: a number that is not finite becomes its name."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _same(a: Any, b: Any) -> bool:
    """Compare numbers to the relative tolerance; near zero, what is below 1e-12 is zero."""
    if _number(a) and _number(b):
        return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=1e-12)
    return bool(a == b) and type(a) is type(b)


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


def _compare(file: str, found: Any, computed: Any) -> tuple[int, list[Difference]]:
    left, right = dict(_leaves(found)), dict(_leaves(computed))
    differences = [Difference(file, k, left[k], "absent") for k in left if k not in right]
    differences += [Difference(file, k, "absent", right[k]) for k in right if k not in left]
    numbers = 0
    for key in left.keys() & right.keys():
        numbers += _number(right[key])
        if not _same(left[key], right[key]):
            differences.append(Difference(file, key, left[key], right[key]))
    return numbers, sorted(differences, key=lambda d: d.key)


def _cells(text: str) -> list[list[Any]]:
    def read(cell: str) -> Any:
        try:
            return float(cell)
        except ValueError:
            return cell

    return [[read(c) for c in row] for row in csv.reader(io.StringIO(text))]


_DIGITS = re.compile(r"-?\d+\.\d{3,}")
_EMBEDDED = re.compile(r"data:image/svg\+xml;base64,[A-Za-z0-9+/=]+")


def _text(path: Path) -> str:
    """Return a figure's or page's text without the last digits in which machines differ."""
    text = _EMBEDDED.sub("", path.read_text(encoding="utf-8", errors="replace"))
    return _DIGITS.sub(lambda m: f"{float(m[0]):.3f}", text)


def _compare_files(
    folder: Path, fresh: Path, formats: list[Format], *, drawings: bool
) -> tuple[int, list[Difference]]:
    """Compare tables by number, figures and page by text, other documents by their bytes.

    PDF and DOCX embed the figures' last digits, so their bytes are compared only where
    every figure is the same to the byte.
    """
    numbers, differences = 0, []
    same_machine = True
    names = sorted(p.relative_to(fresh).as_posix() for p in fresh.rglob("*") if p.is_file())
    for name in names:
        old, new = folder / name, fresh / name
        if name == MARK or not old.is_file():
            continue
        if name.endswith(".csv"):
            count, more = _compare(
                name,
                _cells(old.read_text(encoding="utf-8", errors="replace")),
                _cells(new.read_text(encoding="utf-8")),
            )
            numbers += count
            differences += more
        elif drawings and name.endswith(".svg"):
            same_machine &= old.read_bytes() == new.read_bytes()
            if _text(old) != _text(new):
                differences.append(Difference(name, "drawing", "another", "this study's"))
    for form in formats:
        old, new = folder / f"report.{form}", fresh / f"report.{form}"
        if not drawings or not old.is_file():
            continue
        same = (
            _text(old) == _text(new)
            if form == "html"
            else old.read_bytes() == new.read_bytes() or not same_machine
        )
        if not same:
            differences.append(Difference(old.name, "content", "another", "this study's"))
    return numbers, differences


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
        A folder that ``evaluation run`` wrote.
    progress : callable
        Called with the name of each step as it begins.

    Returns
    -------
    Verification
        ``passed`` tells whether nothing differs.

    Raises
    ------
    InputError
        If the folder is not a report or its plan is not valid.
    """
    folder = Path(folder)
    found = _read_json(folder / MARK)
    record = _read_json(folder / "provenance.json")
    files = record.get("files")
    if not isinstance(files, dict):
        raise InputError(
            "holds no file hashes", file=str(folder / "provenance.json"), field="files"
        )
    content = found.get("plan")
    if not isinstance(content, dict):
        raise InputError("holds no plan", file=str(folder / MARK), field="plan")
    plan = plan_from_dict(content, file=str(folder / MARK))
    copies = {e.id: folder / own_file(e) for e in plan.outcomes if isinstance(e, OutcomeFile)}
    sources = open_sources(
        plan, store=SnapshotStore(folder / "data"), files=copies, progress=progress
    )
    groups = groups_file(plan)
    sheets = {name: folder / place for name, place in own_sheets(plan).items()}
    study = run_study(plan, progress, sources, None if groups is None else folder / groups, sheets)
    results = json.loads(json.dumps(study.to_dict()))
    progress("comparison")
    numbers, differences = _compare(MARK, found, results)
    lang: Lang = "en" if record.get("lang") == "en" else "sv"
    recorded = record.get("formats")
    formats = [f for f in FORMATS if isinstance(recorded, list) and f in recorded]
    expected = provenance(plan, results, lang, formats)
    _, more = _compare("provenance.json", {k: record[k] for k in expected if k in record}, expected)
    differences += more
    here, there = versions(), record.get("versions")
    if not isinstance(there, dict) or set(there) != set(here):
        differences.append(Difference("provenance.json", "versions", there, here))
    rendered = there == here
    with tempfile.TemporaryDirectory() as place:
        fresh = Path(place)
        build(plan, results, fresh, lang, formats if rendered else (), progress)
        if sources.snapshot is not None:
            copy_snapshot(sources.snapshot, fresh)
        made = {p.relative_to(fresh).as_posix() for p in fresh.rglob("*") if p.is_file()}
        count, more = _compare_files(folder, fresh, formats, drawings=rendered)
        numbers += count
        differences += more
    made |= {f"report.{f}" for f in formats} | {
        c.relative_to(folder).as_posix() for c in (*copies.values(), *sheets.values())
    }
    made |= set() if groups is None else {groups}
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
