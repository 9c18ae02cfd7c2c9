"""Files that appear whole or not at all: written beside, synced, then put in place."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path

from evaluation.errors import InputError

__all__ = ["publish", "read_bytes", "replace", "sweep"]

ABANDONED_AFTER = 24 * 3600.0
"""Seconds after which a temporary file belongs to a process that is gone."""


def _beside(folder: Path, content: bytes, durable: bool) -> Path:
    """Write a temporary file that no reader looks at, and return its place."""
    temporary = folder / f"{uuid.uuid4().hex}.part"
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power cut, where the system knows how."""
    if os.name != "posix":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _link(new: Path, path: Path) -> None:
    """Give a file its name; unlike a rename, this never takes another process's place."""
    try:
        os.link(new, path)
    except FileExistsError:
        raise
    except OSError:
        # a file system without links: the check and the rename are two steps there
        if path.exists():
            raise FileExistsError(path) from None
        new.replace(path)


def replace(path: Path, content: bytes, temporary: Path, *, durable: bool = True) -> None:
    """Write a file; one that is there already gives way in a single step.

    Parameters
    ----------
    path : pathlib.Path
        Its place. Missing folders are made.
    content : bytes
        What it shall hold.
    temporary : pathlib.Path
        Folder on the same file system for the file while it is being written.
    durable : bool
        Whether to wait until the content would survive a power cut.

    Raises
    ------
    InputError
        If it cannot be written: disk full, read-only folder, no permission. What was
        there before is left as it was.
    """
    try:
        temporary.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = _beside(temporary, content, durable)
        try:
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", file=str(path)) from None


def publish(path: Path, content: bytes, temporary: Path) -> bool:
    """Write a file unless one of that name is there, whoever was first.

    Parameters
    ----------
    path, content, temporary
        As for :func:`replace`.

    Returns
    -------
    bool
        False if the name was taken: nothing was written.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    try:
        temporary.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = _beside(temporary, content, durable=True)
        try:
            _link(new, path)
        except FileExistsError:
            return False
        finally:
            new.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", file=str(path)) from None
    return True


def read_bytes(path: Path, missing: str) -> bytes:
    """Read a file whole.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    missing : str
        What to say if it is not there.

    Returns
    -------
    bytes
        What it holds.

    Raises
    ------
    InputError
        If it is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(missing, file=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=str(path)) from None


def sweep(folder: Path, pattern: str, older_than: float = ABANDONED_AFTER) -> None:
    """Remove files that processes which were killed have left behind.

    Parameters
    ----------
    folder : pathlib.Path
        Where to look; need not exist.
    pattern : str
        Which files, for instance ``"*.part"``.
    older_than : float
        Seconds since the last write. Younger files may be another process's at work.
    """
    limit = time.time() - older_than
    for file in folder.glob(pattern):
        try:
            if file.stat().st_mtime < limit:
                file.unlink()
        except OSError:
            # gone already, or another's: no reason to stop a fetch that succeeded
            continue
