"""The gate: a table from person records leaves the package as ``Released`` or not at all."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.data.disclosure.earlier import Previous
from evaluation.data.disclosure.former import Former
from evaluation.data.disclosure.protect import protect
from evaluation.data.disclosure.protected import Protected
from evaluation.data.disclosure.rounding import Rounded, round_table
from evaluation.data.disclosure.spec import Spec
from evaluation.errors import InputError
from evaluation.results import Check

__all__ = ["FromPersons", "Released", "cleared", "pass_gate", "release"]

_GATE = object()
_IDENTITY = re.compile(r"^(\d{2})?\d{2}[01]\d[0-9]\d[-+ ]?\d{4}$")
_NAMES = re.compile(
    r"(person|individ|samordnings|l[oö]p)[_ ]?(id|nr|nummer|number|no|key)?$|^(pnr|id|namn|name)$"
    r"|birth_?(date|day)|f[oö]delsedat",
    re.IGNORECASE,
)


@dataclass(frozen=True, repr=False)
class FromPersons:
    """A table of counts or amounts made from person records that has not been through the gate.

    It shows its size and nothing else, cannot be pickled, and has no way to a file. What reads
    person records gives this out; :func:`release` opens it.

    Parameters
    ----------
    table : pandas.DataFrame
        The counts.
    spec : Spec
        What it holds and by what rules it may leave.

    Examples
    --------
    >>> FromPersons(pd.DataFrame({"sex": ["K"], "n": [3]}), Spec(by=("sex",)))
    <FromPersons, 1 cells, not released>
    """

    table: pd.DataFrame = field(repr=False)
    spec: Spec

    def __repr__(self) -> str:
        return f"<FromPersons, {len(self.table)} cells, not released>"

    def __getstate__(self) -> None:
        raise TypeError("a FromPersons is not to be written to disk: release it first")

    def release(
        self, *, before: Previous | Former | Sequence[Previous | Former] | None = None
    ) -> Released:
        """Return the table as it may leave; see :func:`release`."""
        return release(self.table, self.spec, before=before)


@dataclass(frozen=True, repr=False)
class Released:
    """A table that went through the gate: protected, attacked, and found to hold.

    Only :func:`release` makes one. A writer of anything from person records takes this type,
    or passes what it got through :func:`cleared`.

    Parameters
    ----------
    table : pandas.DataFrame
        What may be published.
    parameters : dict
        The rules.
    n_cells, n_suppressed : int
        Cells of the table, and how many are hidden.
    check : Check
        What the attack found.
    """

    table: pd.DataFrame = field(repr=False)
    parameters: dict[str, Any]
    n_cells: int
    n_suppressed: int
    check: Check
    gate: InitVar[object] = None
    _seal: str = field(init=False, repr=False, compare=False)

    def __post_init__(self, gate: object) -> None:
        if gate is not _GATE:
            raise TypeError("a Released is made by release() alone")
        object.__setattr__(self, "_seal", _fingerprint(self.table))

    def __repr__(self) -> str:
        return f"<Released, {self.n_cells} cells, {self.n_suppressed} hidden>"

    def tidy(self) -> pd.DataFrame:
        """Return what may be published; refused if it is no longer what was released."""
        if _fingerprint(self.table) != self._seal:
            raise InputError("the table has been changed since it was released; release it anew")
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON; what is hidden is None."""
        return {
            "rows": json.loads(self.tidy().to_json(orient="records")),
            "parameters": self.parameters,
            "n_cells": self.n_cells,
            "n_suppressed": self.n_suppressed,
            "check": self.check.to_dict(),
        }

    def _repr_html_(self) -> str:
        return self.tidy().drop(columns=["suppressed"]).to_html(index=False, na_rep="..", border=0)

    def write(self, path: str | Path) -> Path:
        """Write the table as CSV; a hidden value is written «..» and its bounds beside it.

        Parameters
        ----------
        path : str or pathlib.Path
            Where to.

        Returns
        -------
        pathlib.Path
            The file.
        """
        shown = self.tidy()
        out = shown.astype({c: object for c in shown.columns if c not in ("low", "high")})
        Path(path).write_text(out.to_csv(index=False, na_rep=".."), encoding="utf-8")
        return Path(path)


def release(
    table: pd.DataFrame,
    spec: Spec,
    *,
    before: Previous | Former | Sequence[Previous | Former] | None = None,
    base: int | None = None,
    seed: int | None = None,
) -> Released:
    """Protect a table, attack the result, and give it out if the attack fails.

    Parameters
    ----------
    table : pandas.DataFrame
        Counts or amounts, one row per cell.
    spec : Spec
        What it holds and the rules. Columns that it does not name do not leave.
    before : Previous, Former or sequence of these, optional
        Earlier releases of the same cells.
    base, seed : int, optional
        Round to this base, at random with a seed, in place of hiding.

    Returns
    -------
    Released
        The one form in which it may leave.

    Raises
    ------
    InputError
        If rows are persons and not cells, the table is not sound, the attack succeeds, or
        rounding is asked beside an earlier release.

    Examples
    --------
    >>> t = pd.DataFrame({"sex": ["K", "M", "T"], "n": [3, 40, 43]})
    >>> release(t, Spec(by=("sex",), sums={"sex": {"T": ["K", "M"]}}))
    <Released, 3 cells, 2 hidden>
    """
    _refuse_persons(table, spec)
    if base is None:
        return pass_gate(protect(table, spec, before=before))
    if before is not None:
        raise InputError("rounding does not guard against an earlier release; leave base out")
    return pass_gate(round_table(table, spec, base=base, seed=seed))


def pass_gate(protected: Protected | Rounded) -> Released:
    """Attack a protected table and give out what may be seen.

    Parameters
    ----------
    protected : Protected or Rounded
        What :func:`protect` or :func:`round_table` made.

    Returns
    -------
    Released
        The one form in which it may leave.

    Raises
    ------
    InputError
        If the attack succeeds.
    """
    check = protected.check()
    if not check.passed:
        raise InputError(f"the table may not leave: {check.text_en}")
    return Released(
        protected.tidy(),
        protected.parameters(),
        protected.n_cells,
        protected.n_primary + protected.n_secondary,
        check,
        gate=_GATE,
    )


def cleared(thing: object) -> pd.DataFrame:
    """Return what may be written, or refuse what has not been through the gate.

    Parameters
    ----------
    thing : object
        What a writer was handed.

    Returns
    -------
    pandas.DataFrame
        The released table.

    Raises
    ------
    InputError
        If it is anything but :class:`Released`.

    Examples
    --------
    >>> cleared(pd.DataFrame({"n": [1]}))
    Traceback (most recent call last):
    ...
    evaluation.errors.InputError: a DataFrame from person records may not be written; release it
    """
    if not isinstance(thing, Released):
        raise InputError(
            f"a {type(thing).__name__} from person records may not be written; release it"
        )
    return thing.tidy()


def _fingerprint(table: pd.DataFrame) -> str:
    return hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()


def _refuse_persons(table: pd.DataFrame, spec: Spec) -> None:
    """Refuse a table whose rows are persons."""
    for column in spec.columns():
        if column not in table.columns:
            raise InputError(f"the table has no column {column!r}", field=column)
    for column in table.columns:
        name = str(column)
        text = table[column].astype(str)
        if column in spec.by and _NAMES.search(name):
            raise InputError("identifies persons; a table of counts has none", field=name)
        if column in spec.by and text.str.match(_IDENTITY).any():
            raise InputError("looks like a personal identity number", field=name)
    extra = [str(c) for c in table.columns if _NAMES.search(str(c))]
    if extra:
        raise InputError("identifies persons; a table of counts has none", field=extra[0])
    if table.duplicated(list(spec.by)).any():
        row = int(table.duplicated(list(spec.by)).to_numpy().argmax())
        raise InputError("the rows are not cells: one stands twice, count them", row=row + 2)
    counts = pd.to_numeric(table[spec.value], errors="coerce")
    if spec.dominance is None and len(table) > 1 and (counts == 1).all():
        raise InputError("every row counts one: these are persons, not cells", field=spec.value)
