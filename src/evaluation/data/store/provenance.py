"""Where a snapshot comes from: one record per fetch, sealed with its own hash."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from evaluation import __version__
from evaluation.data.observations import SIMULATED
from evaluation.errors import InputError
from evaluation.language import Lang

__all__ = [
    "Provenance",
    "canonical_json",
    "note_list",
    "package_versions",
    "plain",
    "texts",
    "utc",
]

SEAL = "seal"


def utc(moment: datetime | None = None) -> datetime:
    """Return a moment in UTC; without one, now.

    Raises
    ------
    InputError
        If it does not say its time zone.

    Examples
    --------
    >>> utc(datetime.fromisoformat("2026-11-23T10:15:00+01:00")).isoformat()
    '2026-11-23T09:15:00+00:00'
    """
    if moment is None:
        return datetime.now(UTC)
    if moment.tzinfo is None:
        raise InputError(f"{moment.isoformat()} has no time zone; UTC is needed", field="retrieved")
    return moment.astimezone(UTC)


def canonical_json(content: object) -> str:
    """Write plain types as JSON, keys sorted; tuples are lists.

    Raises
    ------
    InputError
        If a type is not plain, or a number not finite.

    Examples
    --------
    >>> canonical_json({"years": (2015, 2025), "codes": ["0114"]})
    '{"codes":["0114"],"years":[2015,2025]}'
    """
    try:
        return json.dumps(
            content, ensure_ascii=False, sort_keys=True, allow_nan=False, separators=(",", ":")
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"only text, numbers, lists and mappings can be kept: {error}") from None


def plain(content: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Return a mapping as it will be read again.

    Raises
    ------
    InputError
        If it holds anything but plain types; the field is named.

    Examples
    --------
    >>> plain({"years": (2015, 2025)}, "request")
    {'years': [2015, 2025]}
    """
    try:
        out: dict[str, Any] = json.loads(canonical_json(dict(content)))
    except InputError as error:
        raise error.placed(field=field) from None
    return out


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that write a snapshot."""
    import pandas as pd
    import pyarrow as pa

    return {
        "python": platform.python_version(),
        "integration-evaluation": __version__,
        "pandas": pd.__version__,
        "pyarrow": pa.__version__,
    }


@dataclass(frozen=True)
class Provenance:
    """One fetch: what was asked of whom and when, and what came.

    Parameters
    ----------
    id : str
        SHA-256 of the canonical content.
    name : str
        What the fetch was for, such as a plan's name.
    source : str
        Whom the data are from.
    request : mapping
        What was asked, in plain types.
    retrieved : datetime.datetime
        When, in UTC.
    rows : int
        Number of observations.
    indicators : tuple of str
        Those that occur, ascending.
    years : tuple of int
        First and last that occur.
    codes : int
        How many codes occur, the nation's among them if it is there.
    states : mapping of str to int
        Rows by state: observed, suppressed, missing.
    file_sha256 : str
        SHA-256 of the Parquet file when it was written.
    versions : mapping of str to str
        Python and packages that wrote it.
    licence_sv, licence_en : str
        On what terms the data may be used.
    citation_sv, citation_en : str
        How the source wants to be named.
    notes : tuple of str
        What else must be known, such as how many values the source had withdrawn.
    """

    id: str
    name: str
    source: str
    request: Mapping[str, Any]
    retrieved: datetime
    rows: int
    indicators: tuple[str, ...]
    years: tuple[int, int]
    codes: int
    states: Mapping[str, int]
    file_sha256: str
    versions: Mapping[str, str]
    licence_sv: str
    licence_en: str
    citation_sv: str
    citation_en: str
    notes: tuple[str, ...] = ()

    @property
    def simulated(self) -> bool:
        """Whether source, notes or citation say that the data are simulated."""
        said = " ".join((self.source, self.citation_sv, self.citation_en, *self.notes)).upper()
        return "SIMULATED" in said or "SIMULERA" in said

    def citation(self, lang: Lang) -> str:
        """Return the line to cite: source, day of retrieval, licence and content hash.

        Parameters
        ----------
        lang : {"sv", "en"}
            Language.

        Returns
        -------
        str
            One line; for simulated data it begins by saying so.
        """
        day = self.retrieved.date().isoformat()
        text, licence, got, content = (
            (self.citation_sv, self.licence_sv, "hämtat", "innehåll")
            if lang == "sv"
            else (self.citation_en, self.licence_en, "retrieved", "content")
        )
        line = f"{text.rstrip('. ')}, {got} {day} ({licence}), {content} {self.id[:12]}"
        return f"{SIMULATED}: {line}" if self.simulated else line

    @property
    def label(self) -> str:
        """What each row of an exported file bears: source, day and content hash."""
        whom = SIMULATED if self.simulated else self.source
        return f"{whom} {self.retrieved.date()} {self.id[:12]}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain types."""
        out = asdict(self)
        return out | {
            "retrieved": self.retrieved.isoformat(),
            "indicators": list(self.indicators),
            "years": list(self.years),
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """Return the record as it is kept, with the SHA-256 of the rest as ``seal``."""
        content = self.to_dict()
        seal = hashlib.sha256(canonical_json(content).encode()).hexdigest()
        return json.dumps(content | {SEAL: seal}, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, raw: bytes, file: str) -> Provenance:
        """Read a record that is kept.

        Parameters
        ----------
        raw : bytes
            What the file holds.
        file : str
            Its name, for the error.

        Returns
        -------
        Provenance
            The record.

        Raises
        ------
        InputError
            If it is damaged or was altered.
        """
        try:
            content = json.loads(raw)
            seal = content.pop(SEAL)
            names = {f.name for f in fields(cls)}
        except (ValueError, AttributeError, TypeError, KeyError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise InputError(f"is no whole provenance record: {reason}", file=file) from None
        found = hashlib.sha256(canonical_json(content).encode()).hexdigest()
        if found != seal:
            raise InputError(
                f"was altered: the record's SHA-256 is {found[:12]}…, not {str(seal)[:12]}…",
                file=file,
            )
        for name in sorted(names ^ set(content)):
            raise InputError(
                f"was written by another version of this package: {name} is "
                f"{'lacking' if name in names else 'not known here'}",
                file=file,
            )
        first, last = content["years"]
        return cls(
            **content
            | {
                "retrieved": datetime.fromisoformat(content["retrieved"]),
                "indicators": tuple(content["indicators"]),
                "years": (first, last),
                "notes": tuple(content["notes"]),
            }
        )


def texts(values: Mapping[str, str]) -> None:
    """Refuse a text that is empty, by its name.

    Raises
    ------
    InputError
        If one is.
    """
    for field, value in values.items():
        if not isinstance(value, str) or not value.strip():
            raise InputError("is empty; a text is needed", field=field)


def note_list(notes: Sequence[str]) -> tuple[str, ...]:
    """Return notes as a tuple; one text alone is refused, since it is a sequence too.

    Raises
    ------
    InputError
        If it is a text.
    """
    if isinstance(notes, str):
        raise InputError("is one text; a list of texts is needed", field="notes")
    return tuple(str(note) for note in notes)
