"""The one error that a user is meant to read: what is wrong, where, and what would be right."""

from __future__ import annotations

from pathlib import Path

__all__ = ["InputError", "read_text"]


class InputError(ValueError):
    """The input or the call is at fault.

    Parameters
    ----------
    problem : str
        One sentence that names the value and what would be right.
    file : str, optional
        The file it stands in.
    row : int, optional
        The line of the file, counted from 1 with the header line included.
    field : str, optional
        The column or the key of the plan.

    Examples
    --------
    >>> print(InputError("'x' is not a number", file="a.csv", row=3, field="value"))
    a.csv, row 3, field value: 'x' is not a number
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | None = None,
        row: int | None = None,
        field: str | None = None,
    ) -> None:
        self.problem = problem
        self.file = file
        self.row = row
        self.field = field
        place = [
            str(file) if file is not None else None,
            f"row {row}" if row is not None else None,
            f"field {field}" if field is not None else None,
        ]
        where = ", ".join(p for p in place if p)
        super().__init__(f"{where}: {problem}" if where else problem)

    def placed(self, *, file: str | None = None, field: str | None = None) -> InputError:
        """Return the same error with a file, and another field, where they were not known.

        Examples
        --------
        >>> print(InputError("no unit is treated", field="cohort").placed(file="a.csv"))
        a.csv, field cohort: no unit is treated
        """
        return InputError(
            self.problem, file=self.file or file, row=self.row, field=field or self.field
        )


def read_text(path: str | Path, encoding: str = "utf-8", advice: str = "") -> str:
    """Read a text file, or say in one line why that cannot be done.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    encoding : {"utf-8", "utf-8-sig"}
        Whether a byte-order mark belongs to the text or is dropped.
    advice : str
        What to do where the file is not UTF-8; added to the error.

    Returns
    -------
    str
        What it holds.

    Raises
    ------
    InputError
        If there is no such file, it cannot be read, or it is not UTF-8.

    Examples
    --------
    >>> read_text("no-such-file.csv")
    Traceback (most recent call last):
    ...
    evaluation.errors.InputError: no-such-file.csv: there is no such file
    """
    name = str(path)
    try:
        return Path(path).read_text(encoding=encoding)
    except FileNotFoundError:
        raise InputError("there is no such file", file=name) from None
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text (byte {error.start}){advice}", file=name) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=name) from None
