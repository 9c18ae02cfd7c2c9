"""Comparing a finished report with the same computed again: numbers, tables, figures, pages."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.report.folder import MARK
from evaluation.report.render import Format

__all__ = ["Difference", "Verification", "compare", "compare_files"]

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


def compare(file: str, found: Any, computed: Any) -> tuple[int, list[Difference]]:
    """Compare two values leaf by leaf.

    Parameters
    ----------
    file : str
        Where the first stands.
    found, computed : object
        Plain types.

    Returns
    -------
    tuple
        How many numbers were compared, and the differences by key.
    """
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

# clip paths are named by a hash of all sixteen digits of their corners
_CLIP = re.compile(r'(?<=[#"])p[0-9a-f]{10}(?=[")])')


def _text(path: Path) -> str:
    """Return a figure's or page's text without the last digits in which machines differ."""
    text = _EMBEDDED.sub("", path.read_text(encoding="utf-8", errors="replace"))
    text = _CLIP.sub("clip", text)
    return _DIGITS.sub(lambda m: f"{float(m[0]):.3f}", text)


def compare_files(
    folder: Path, fresh: Path, formats: list[Format], *, drawings: bool
) -> tuple[int, list[Difference]]:
    """Compare tables by number, figures and page by text, other documents by their bytes.

    PDF and DOCX embed the figures' last digits, so their bytes are compared only where
    every figure is the same to the byte.

    Parameters
    ----------
    folder, fresh : pathlib.Path
        The report, and the same written anew.
    formats : list of {"html", "pdf", "docx"}
        The documents that it has.
    drawings : bool
        Whether figures and documents are compared too.

    Returns
    -------
    tuple
        How many numbers were compared, and the differences.
    """
    numbers, differences = 0, []
    same_machine = True
    names = sorted(p.relative_to(fresh).as_posix() for p in fresh.rglob("*") if p.is_file())
    for name in names:
        old, new = folder / name, fresh / name
        if name == MARK or not old.is_file():
            continue
        if name.endswith(".csv"):
            count, more = compare(
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
