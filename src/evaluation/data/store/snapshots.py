"""The snapshot store: the data once per content, one provenance record per fetch.

Layout below the store's folder::

    objects/<content hash>.parquet          the observations
    fetches/<name>/<time>-<hash>.json       who asked for what and when
    incoming/<request>-<chunk>.json         chunks of fetches under way
    tmp/<random>.part                       files being written; no reader looks here
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.data.store.partial import Partial
from evaluation.data.store.provenance import (
    Provenance,
    note_list,
    package_versions,
    plain,
    texts,
    utc,
)
from evaluation.data.store.writing import publish, read_bytes, replace, sweep
from evaluation.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.data.store.content import Content

__all__ = ["STORE_VARIABLE", "Snapshot", "SnapshotStore"]

STORE_VARIABLE = "EVALUATION_STORE"
"""Environment variable that names the store's folder."""
DEFAULT_FOLDER = "snapshots"
HASH = re.compile(r"[0-9a-f]{12,64}")
NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,99}")
RECORD = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{12}-\d+\.json")
_MOMENT = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True)
class Snapshot:
    """Data as one fetch brought them.

    Parameters
    ----------
    id : str
        SHA-256 of the canonical content: what a plan pins.
    name : str
        What the fetch was for.
    provenance : Provenance
        The record of the fetch.
    path : pathlib.Path
        The Parquet file.
    """

    id: str
    name: str
    provenance: Provenance
    path: Path

    def content(self) -> Content:
        """Read the file and check it against the hash.

        Returns
        -------
        Content
            The canonical content.

        Raises
        ------
        InputError
            If the file is missing, damaged, or holds other data than were stored.
        """
        from evaluation.data.store.content import Content

        file = str(self.path)
        raw = read_bytes(
            self.path,
            f"there is no such file; the snapshot {self.id[:12]}… needs it: fetch again, "
            "or restore it from a copy",
        )
        try:
            content = Content.from_parquet(raw)
        except InputError as error:
            found = hashlib.sha256(raw).hexdigest()
            raise InputError(
                f"is damaged: the file's SHA-256 is {found[:12]}…, not "
                f"{self.provenance.file_sha256[:12]}… ({error.problem})",
                file=file,
            ) from None
        found = content.id()
        if found != self.id:
            raise InputError(
                f"holds other data than were stored: the content's SHA-256 is {found[:12]}…, "
                f"not {self.id[:12]}…",
                file=file,
            )
        return content

    def observations(self) -> pd.DataFrame:
        """Return the observations, checked against the hash.

        Returns
        -------
        pandas.DataFrame
            The tidy form: ``indicator, code, year, sex, value, state``, sorted.

        Raises
        ------
        InputError
            If the file is missing, damaged, or holds other data than were stored.
        """
        return self.content().frame()

    def coverage(self) -> pd.DataFrame:
        """Return what is there of each indicator, checked against the hash.

        Returns
        -------
        pandas.DataFrame
            One row per indicator: ``indicator, first_year, last_year, years, codes,
            sexes`` (such as ``"KMT"``) and the rows by state: ``observed, suppressed,
            missing``.

        Raises
        ------
        InputError
            If the file is missing, damaged, or holds other data than were stored.
        """
        return self.content().coverage()


class SnapshotStore:
    """A folder of snapshots.

    Several processes may read and write it at once: every file is written beside, synced,
    and put in place in one step, and none is ever changed afterwards.

    Parameters
    ----------
    root : str or pathlib.Path, optional
        The folder, made at the first ``put``. Without it the one that the environment
        variable ``EVALUATION_STORE`` names, else ``snapshots`` in the working directory.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> rows = {"indicator": "N00973", "code": "2321", "year": [2015, 2016], "sex": "T",
    ...         "value": [85.0, 50.0], "state": "observed"}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = SnapshotStore(folder)
    ...     kept = store.put(pd.DataFrame(rows), name="day_one", source="Kolada",
    ...                      request={"kpi": ["N00973"]}, licence_sv="fri med källa",
    ...                      licence_en="free with source", citation_sv="Kolada",
    ...                      citation_en="Kolada")
    ...     same = store.get(kept.id[:12]).observations().equals(pd.DataFrame(rows))
    >>> kept.provenance.rows, same
    (2, True)
    """

    def __init__(self, root: str | Path | None = None) -> None:
        self.root = Path(root or os.environ.get(STORE_VARIABLE) or DEFAULT_FOLDER)

    @property
    def _temporary(self) -> Path:
        return self.root / "tmp"

    def _object(self, id: str) -> Path:
        return self.root / "objects" / f"{id}.parquet"

    def put(
        self,
        frame: pd.DataFrame,
        *,
        name: str,
        source: str,
        request: Mapping[str, Any],
        licence_sv: str,
        licence_en: str,
        citation_sv: str,
        citation_en: str,
        notes: Sequence[str] = (),
        retrieved: datetime | None = None,
    ) -> Snapshot:
        """Keep observations with the record of where they come from.

        Content that is there already is not written twice; the record always is. If the
        file that should hold it is damaged, it is written anew.

        Parameters
        ----------
        frame : pandas.DataFrame
            The tidy form, in any order.
        name : str
            What the fetch is for, such as a plan's name: small letters, digits, ``_``
            and ``-``.
        source : str
            Whom the data are from.
        request : mapping
            What was asked, in plain types.
        licence_sv, licence_en, citation_sv, citation_en : str
            Terms of use, and how the source wants to be named.
        notes : sequence of str
            What else must be known.
        retrieved : datetime.datetime, optional
            When, with its time zone; without it, now.

        Returns
        -------
        Snapshot
            What was stored.

        Raises
        ------
        InputError
            If the data are not observations, there are none, a key is missing or stands
            twice, an argument is wrong, or the store cannot be written. Earlier
            snapshots are left as they were.
        """
        from evaluation.data.store.content import Content

        _check_name(name)
        texts({"source": source, "licence_sv": licence_sv, "licence_en": licence_en})
        texts({"citation_sv": citation_sv, "citation_en": citation_en})
        asked, said, moment = plain(request, "request"), note_list(notes), utc(retrieved)
        content = Content.from_frame(frame)
        if not len(content):
            raise InputError("there are no observations to keep")
        id = content.id()
        path = self._object(id)
        file_hash = self._keep(content, id, path)
        record = Provenance(
            id=id,
            name=name,
            source=source,
            request=asked,
            retrieved=moment,
            rows=len(content),
            indicators=tuple(content.labels["indicator"]),
            years=(content.labels["year"][0], content.labels["year"][-1]),
            codes=len(content.labels["code"]),
            states=content.states(),
            file_sha256=file_hash,
            versions=package_versions(),
            licence_sv=licence_sv,
            licence_en=licence_en,
            citation_sv=citation_sv,
            citation_en=citation_en,
            notes=said,
        )
        self._record(record)
        sweep(self._temporary, "*.part")
        sweep(self.root / "incoming", "*.json")
        return Snapshot(id, name, record, path)

    def adopt(self, snapshot: Snapshot) -> Snapshot:
        """Copy a snapshot of another store into this one, its record unchanged.

        Parameters
        ----------
        snapshot : Snapshot
            Checked against its hash before it is copied.

        Returns
        -------
        Snapshot
            The copy.

        Raises
        ------
        InputError
            If its file is missing or damaged, or this store cannot be written.
        """
        content = snapshot.content()
        path = self._object(snapshot.id)
        self._keep(content, snapshot.id, path)
        self._record(snapshot.provenance)
        return Snapshot(snapshot.id, snapshot.name, snapshot.provenance, path)

    def _keep(self, content: Content, id: str, path: Path) -> str:
        """Write the data unless they are there and whole; return the file's SHA-256."""
        from evaluation.data.store.content import Content

        raw = content.to_parquet()
        if publish(path, raw, self._temporary):
            return hashlib.sha256(raw).hexdigest()
        there = read_bytes(path, "has gone while it was read")
        try:
            whole = there == raw or Content.from_parquet(there).id() == id
        except InputError:
            whole = False
        if whole:
            return hashlib.sha256(there).hexdigest()
        replace(path, raw, self._temporary)
        return hashlib.sha256(raw).hexdigest()

    def _record(self, record: Provenance) -> None:
        """Write the record under a name of its own, also in the same microsecond."""
        folder = self.root / "fetches" / record.name
        stem = f"{record.retrieved.strftime(_MOMENT)}-{record.id[:12]}"
        raw = record.to_json().encode()
        number = 1
        while not publish(folder / f"{stem}-{number}.json", raw, self._temporary):
            number += 1

    def get(self, which: str) -> Snapshot:
        """Find a snapshot.

        Parameters
        ----------
        which : str
            A content hash, whole or its first twelve digits or more (its first fetch, so
            that the record does not change when the same data are fetched again); or a
            name (its newest fetch); or ``"name@2026-11-23"`` (the newest on or before
            that day, UTC).

        Returns
        -------
        Snapshot
            Its record was read and checked; the data are when they are asked for.

        Raises
        ------
        InputError
            If there is none, or the digits fit more than one.
        """
        if HASH.fullmatch(which):
            return self._by_hash(which)
        name, at, day = which.partition("@")
        _check_name(name)
        files = self._records(name)
        if at:
            last = _last_moment(day)
            files = [f for f in files if _parts(f)[0] < last]
        if not files:
            raise InputError(self._nothing(which))
        return self._read(files[-1])

    def _by_hash(self, digits: str) -> Snapshot:
        files = [f for f in self._records("*") if _parts(f)[1] == digits[:12]]
        found = [s for s in map(self._read, files) if s.id.startswith(digits)]
        if len({s.id for s in found}) > 1:
            raise InputError(f"{digits} fits more than one snapshot; give more digits")
        if not found:
            raise InputError(self._nothing(digits))
        return min(found, key=_age)

    def latest(self, name: str) -> Snapshot | None:
        """Return the newest fetch of a name, or None if there is none.

        Raises
        ------
        InputError
            If the name cannot be one, or its record is damaged.
        """
        _check_name(name)
        files = self._records(name)
        return self._read(files[-1]) if files else None

    def list(self) -> tuple[Snapshot, ...]:
        """Return every fetch, newest first.

        Raises
        ------
        InputError
            If a record is damaged: it is named.
        """
        found = [self._read(file) for file in self._records("*")]
        return tuple(sorted(found, key=_age, reverse=True))

    def partial(self, request: Mapping[str, Any]) -> Partial:
        """Return the chunks of a fetch that is under way or was interrupted.

        Parameters
        ----------
        request : mapping
            What is asked, in plain types; the server belongs to it.

        Returns
        -------
        Partial
            Chunks by key.
        """
        return Partial(self.root / "incoming", self._temporary, request)

    def _records(self, name: str) -> Sequence[Path]:
        """Return the records of a name, oldest first; ``*`` for all names."""
        files = (self.root / "fetches").glob(f"{name}/*.json")
        return sorted(filter(lambda f: RECORD.fullmatch(f.name), files), key=_file_order)

    def _read(self, file: Path) -> Snapshot:
        record = Provenance.from_json(read_bytes(file, "has gone while it was read"), str(file))
        if (record.name, record.id[:12]) != (file.parent.name, _parts(file)[1]):
            raise InputError(
                f"is the record of {record.name} {record.id[:12]}…: it was moved or renamed",
                file=str(file),
            )
        return Snapshot(record.id, record.name, record, self._object(record.id))

    def _nothing(self, which: str) -> str:
        held = ", ".join(
            f"{s.name} {s.id[:12]} ({s.provenance.retrieved.date()})" for s in self.list()[:10]
        )
        if not held:
            return f"there is no snapshot {which!r}; the store {self.root} is empty"
        return f"there is no snapshot {which!r} in {self.root}; it has {held}"


def _age(snapshot: Snapshot) -> tuple[datetime, str]:
    return snapshot.provenance.retrieved, snapshot.name


def _file_order(file: Path) -> tuple[str, int, str]:
    moment, digits, number = _parts(file)
    return moment, int(number), digits


def _parts(file: Path) -> tuple[str, str, str]:
    moment, digits, number = file.stem.rsplit("-", 2)
    return moment, digits, number


def _last_moment(day: str) -> str:
    """Return what no moment of a day is above, as it is written in a file's name."""
    try:
        return f"{date.fromisoformat(day):%Y%m%d}U"
    except ValueError:
        raise InputError(f"{day!r} is no day; write it as 2026-11-23") from None


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name) or HASH.fullmatch(name):
        looks = " and not look like a content hash" if HASH.fullmatch(name) else ""
        raise InputError(
            f"{name!r} cannot be a snapshot's name; it must be small letters, digits, _ and -"
            f"{looks}",
            field="name",
        )
