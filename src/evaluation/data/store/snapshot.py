"""One snapshot: its record, and its data checked against the hash whenever they are read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.data.store.provenance import Provenance
from evaluation.data.store.writing import read_bytes
from evaluation.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.data.store.content import Content

__all__ = ["Snapshot"]


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
