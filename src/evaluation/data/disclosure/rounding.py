"""Controlled rounding: every count a multiple of the base, every sum still a sum."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array, hstack

from evaluation.data.disclosure.attack import Ranges, Target, attack
from evaluation.data.disclosure.constraints import Constraints
from evaluation.data.disclosure.layout import lay_out
from evaluation.data.disclosure.spec import Spec
from evaluation.errors import InputError
from evaluation.language import number
from evaluation.results import Check

__all__ = ["Rounded", "round_table"]

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Rounded:
    """A table of rounded counts; it holds no original number.

    Parameters
    ----------
    table : pandas.DataFrame
        The dimensions, the rounded value, and ``low`` and ``high``: what the base leaves open.
    base : int
        The base.
    reach : int
        A count differs from its rounded value by less than ``reach * base``.
    seed : int, optional
        Seed of the draws; None where rounding went to the nearest.
    n_cells : int
        Cells.
    constraints : Constraints
        The sums, for the audit.
    values : numpy.ndarray
        The rounded cells, those that follow from the table's own last.
    """

    table: pd.DataFrame = field(repr=False)
    base: int
    reach: int
    seed: int | None
    n_cells: int
    constraints: Constraints = field(repr=False, compare=False)
    values: _Floats = field(repr=False, compare=False)
    n_primary: int = 0
    n_secondary: int = 0

    def __repr__(self) -> str:
        return f"<Rounded, {self.n_cells} cells to base {self.base}>"

    def tidy(self) -> pd.DataFrame:
        """Return what may be published."""
        return self.table.copy()

    def parameters(self) -> dict[str, Any]:
        """Return the rules as plain types; the seed stays, for it would undo the rounding."""
        return {"base": self.base, "reach": self.reach, "random": self.seed is not None}

    def _limits(self) -> tuple[_Floats, _Floats]:
        off = self.reach * self.base - 1
        return np.maximum(self.values - off, 0.0), self.values + off

    def attack(self, *, exact: bool = False) -> Ranges:
        """Return the range of every count over all tables that round to this one."""
        low, high = self._limits()
        n = len(low)
        target = Target(np.full(n, self.base - 1.0), np.full(n, -np.inf), np.full(n, np.inf))
        return attack(
            np.full(n, np.nan),
            self.constraints,
            low=low,
            high=high,
            target=None if exact else target,
        )

    def check(self, *, exact: bool = False) -> Check:
        """Say whether the sums pin any count to a range narrower than base − 1."""
        found = self.attack(exact=exact)
        width = found.high - found.low
        bad = int((width < self.base - 1 - 1e-9).sum())
        n, b = len(width), self.base
        return Check(
            "disclosure_attack",
            bad == 0,
            f"Ett angrepp med linjär programmering mot {number(n, 'sv', 0)} tal avrundade till bas"
            f" {b} bestämmer {number(bad, 'sv', 0)} till ett intervall smalare än {b - 1}.",
            f"An attack by linear programming on {number(n, 'en', 0)} counts rounded to base"
            f" {b} pins {number(bad, 'en', 0)} to a range narrower than {b - 1}.",
            float(bad),
            0.0,
        )


def round_table(
    table: pd.DataFrame, spec: Spec, *, base: int = 3, seed: int | None = None
) -> Rounded:
    r"""Round every count to a multiple of the base so that sums still hold.

    With :math:`x = b f + r`, :math:`0 \le r < b`, a count goes to :math:`b f` or
    :math:`b (f + 1)`; one that is a multiple stays (Cox 1987, JASA 82, section 2). Among the
    tables that add up, the one nearest to what was drawn (up with probability :math:`r/b`), or
    to the original, is taken. Where none adds up, which can happen from three dimensions on,
    counts may go to the next multiple but one, and ``reach`` says so.

    Parameters
    ----------
    table : pandas.DataFrame
        Tidy: one row per cell, totals among them.
    spec : Spec
        What it holds. Derived columns are left out: they stem from the unrounded counts.
    base : int
        The base, at least 2; 3 and 5 are usual.
    seed : int, optional
        Rounds at random; to the nearest without. Keep it to yourself.

    Returns
    -------
    Rounded
        The rounded table.

    Raises
    ------
    InputError
        If the table is not sound, holds amounts or known cells, or cannot be rounded.

    Examples
    --------
    >>> t = pd.DataFrame({"sex": ["K", "M", "T"], "n": [4, 8, 12]})
    >>> round_table(t, Spec(by=("sex",), sums={"sex": {"T": ["K", "M"]}})).tidy()["n"].tolist()
    [3, 9, 12]
    """
    if isinstance(base, bool) or not isinstance(base, int) or base < 2:
        raise InputError(f"must be a whole number of at least 2, not {base!r}", field="base")
    if spec.dominance is not None or spec.known is not None or spec.known_sums:
        raise InputError("amounts and cells already public are not rounded; suppress", field="base")
    layout = lay_out(table, spec.value, spec.by, spec.sums, spec.flow)
    rest = layout.values % base
    if seed is None:
        up = (base - 2 * rest) / base
    else:
        draw = np.random.default_rng(np.random.SeedSequence(seed)).random(len(rest))
        up = np.where(draw < rest / base, -1.0, 1.0)
    for reach in (1, 2):
        values = _nearest(layout.values - rest, rest, up, layout.constraints, base, reach)
        if values is not None:
            break
    else:
        raise InputError(f"no rounding to base {base} adds up; suppress", field="base")
    n = layout.n_published
    out = table[list(spec.by)].reset_index(drop=True)
    off = reach * base - 1
    out[spec.value] = values[:n].astype(np.int64)
    out["suppressed"] = False
    out["low"], out["high"] = np.maximum(values[:n] - off, 0.0), values[:n] + off
    return Rounded(out, base, reach, seed, n, layout.constraints, values)


def _nearest(
    floor: _Floats, rest: _Floats, up: _Floats, constraints: Constraints, base: int, reach: int
) -> _Floats | None:
    """Return the table of multiples that adds up at the least cost, or None."""
    n = len(floor)
    matrix = csc_array(constraints.matrix)
    right = -(matrix @ floor) / base
    # z of one is up; beyond (to the next multiple but one) costs much more
    far = 0.0 if reach == 1 else 1.0
    most = (rest > 0).astype(float)
    least_far = np.where(floor > 0, far, 0.0)
    joint = csc_array(hstack([matrix, matrix, -matrix]))
    for whole in (False, True):
        answer = milp(
            np.concatenate([up, np.full(2 * n, 20.0)]),
            constraints=LinearConstraint(joint, right, right),
            bounds=Bounds(0, np.concatenate([most, np.full(n, far), least_far])),
            integrality=np.full(3 * n, int(whole)),
            options={"time_limit": 60.0} if whole else {},
        )
        if answer.x is None:
            return None
        z = answer.x[:n] + answer.x[n : 2 * n] - answer.x[2 * n :]
        if np.abs(z - np.round(z)).max() < 1e-6:
            out: _Floats = floor + base * np.round(z)
            return out
    return None
