"""A folder that is written beside its place and put there whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evaluation.errors import InputError

__all__ = ["beside", "put_in_place", "target_folder"]


def target_folder(folder: str | Path) -> Path:
    """Return the place of a folder that :func:`put_in_place` can put something into.

    Parameters
    ----------
    folder : str or pathlib.Path
        New, or a folder.

    Returns
    -------
    pathlib.Path
        Absolute.

    Raises
    ------
    InputError
        If it is a file or a link, or the folder one stands in lies inside it and would be
        pulled away from under one's feet.
    """
    out = Path(folder).absolute()
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise InputError("is not a folder; give another --out", file=str(out))
    here, there = Path.cwd().resolve(), out.resolve()
    if here != there and here.is_relative_to(there):
        raise InputError(
            "holds the folder you stand in; give another --out, or go elsewhere", file=str(out)
        )
    return out


@contextmanager
def beside(out: Path) -> Iterator[Path]:
    """Give a new folder beside a place, and put it there when the block ends well.

    Parameters
    ----------
    out : pathlib.Path
        From :func:`target_folder`.

    Yields
    ------
    pathlib.Path
        An empty folder; it is gone if the block fails, and ``out`` is then as it was.

    Raises
    ------
    InputError
        If it cannot be written there.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{out.name}-new-", dir=out.parent))
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", file=str(out)) from None
    try:
        # mkdtemp is private; a folder made here is as readable as any other
        umask = os.umask(0)
        os.umask(umask)
        new.chmod(0o777 & ~umask)
        yield new
        put_in_place(new, out)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def put_in_place(new: Path, out: Path) -> None:
    """Put a finished folder into its place; a former one gives way, or stays if that fails.

    The folder one stands in is filled and not replaced, so that the shell's place stays.

    Parameters
    ----------
    new : pathlib.Path
        The finished folder, beside ``out``; it is gone afterwards.
    out : pathlib.Path
        From :func:`target_folder`.
    """
    if not out.exists():
        new.rename(out)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent))
    if out.resolve() == Path.cwd().resolve():
        _fill(new, out, aside)
    else:
        out.rename(aside / out.name)
        try:
            new.rename(out)
        except BaseException:
            (aside / out.name).rename(out)
            aside.rmdir()
            raise
    shutil.rmtree(aside)


def _fill(new: Path, out: Path, aside: Path) -> None:
    """Exchange what a folder holds, piece by piece, and back again if one cannot be moved."""
    moved: list[tuple[Path, Path]] = []
    try:
        for source, target in ((out, aside), (new, out)):
            for piece in sorted(source.iterdir()):
                piece.rename(target / piece.name)
                moved.append((target / piece.name, piece))
    except BaseException:
        for there, back in reversed(moved):
            there.rename(back)
        aside.rmdir()
        raise
    new.rmdir()
