"""The one error that a user is meant to read: what is wrong, where, and what would be right."""

from __future__ import annotations


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
