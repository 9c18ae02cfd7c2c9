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
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.data.store.names import (
    HASH,
    RECORD,
    check_name,
    file_order,
    last_moment,
    parts,
    stem,
)
from evaluation.data.store.partial import Partial
from evaluation.data.store.provenance import (
    Provenance,
    note_list,
    package_versions,
    plain,
    texts,
    utc,
)
from evaluation.data.store.snapshot import Snapshot
from evaluation.data.store.writing import publish, read_bytes, replace, sweep
from evaluation.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.data.store.content import Content

__all__ = ["STORE_VARIABLE", "SnapshotStore"]

STORE_VARIABLE = "EVALUATION_STORE"
"""Environment variable that names the store's folder."""
DEFAULT_FOLDER = "snapshots"


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
    def _tmp(self) -> Path:
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

        check_name(name)
        texts({"source": source, "licence_sv": licence_sv, "licence_en": licence_en})
        if not source[0].isalnum():
            # it stands on every row of an export, where a spreadsheet would take it for a formula
            raise InputError(f"{source!r} must begin with a letter or a digit", field="source")
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
        sweep(self._tmp, "*.part")
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
        if publish(path, raw, self._tmp):
            return hashlib.sha256(raw).hexdigest()
        there = read_bytes(path, "has gone while it was read")
        try:
            whole = there == raw or Content.from_parquet(there).id() == id
        except InputError:
            whole = False
        if whole:
            return hashlib.sha256(there).hexdigest()
        replace(path, raw, self._tmp)
        return hashlib.sha256(raw).hexdigest()

    def _record(self, record: Provenance) -> None:
        """Write the record unless it is there, under a name of its own also in one microsecond."""
        raw = record.to_json().encode()
        begin = self.root / "fetches" / record.name / stem(record.retrieved, record.id)
        number = 1
        while not publish(file := begin.with_name(f"{begin.name}-{number}.json"), raw, self._tmp):
            if read_bytes(file, "has gone while it was read") == raw:
                return
            number += 1

    def get(self, which: str) -> Snapshot:
        """Find a snapshot.

        Parameters
        ----------
        which : str
            A content hash, whole or its first twelve digits or more (its first fetch, so
            that the record does not change when the same data are fetched again); or a
            name (its newest fetch); or ``"name@2026-11-23"`` (the newest on or before
            that day, UTC); with ``~1`` after either, the one before that.

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
        if re.fullmatch(r"[0-9a-f]{4,11}", which) and not self._records(which):
            raise InputError(f"{which!r} is too short for a hash; twelve digits or more are needed")
        which, back, steps = which.partition("~")
        name, at, day = which.partition("@")
        check_name(name)
        files = self._records(name)
        if at:
            last = last_moment(day)
            files = [f for f in files if parts(f)[0] < last]
        if back and not re.fullmatch(r"[1-9]\d{0,5}", steps):
            raise InputError(
                f"{steps!r} is no number of fetches back; {name}~1 is the last but one"
            )
        files = files[: len(files) - int(steps)] if back else files
        if not files:
            raise InputError(self._nothing(f"{which}{back}{steps}"))
        return self._read(files[-1])

    def _by_hash(self, digits: str) -> Snapshot:
        files = [f for f in self._records("*") if parts(f)[1] == digits[:12]]
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
        check_name(name)
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
        return Partial(self.root / "incoming", self._tmp, request)

    def _records(self, name: str) -> Sequence[Path]:
        """Return the records of a name, oldest first; ``*`` for all names."""
        files = (self.root / "fetches").glob(f"{name}/*.json")
        return sorted(filter(lambda f: RECORD.fullmatch(f.name), files), key=file_order)

    def _read(self, file: Path) -> Snapshot:
        record = Provenance.from_json(read_bytes(file, "has gone while it was read"), str(file))
        if (record.name, record.id[:12]) != (file.parent.name, parts(file)[1]):
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
