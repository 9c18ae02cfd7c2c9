"""How a plan makes its comparison group alike the treated, with the covariates it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data import embedded
from evaluation.data.panel import Panel
from evaluation.design.comparison.covariates import match_table, split
from evaluation.design.comparison.entropy import EntropyBalance, entropy_balance
from evaluation.design.comparison.group_file import read_groups
from evaluation.design.comparison.mahalanobis import (
    Matching,
    between,
    mahalanobis_match,
    same_groups,
    whiten,
)
from evaluation.errors import InputError
from evaluation.plan import Plan

__all__ = ["Weighting", "divisions_from_plan", "weighting_from_plan"]

Method = Literal["mahalanobis", "entropy"]
_NAMES = {"size": "log_size"}


@dataclass(frozen=True)
class Weighting:
    """How the comparison is made alike the treated.

    Parameters
    ----------
    method : {"mahalanobis", "entropy"}
        Nearest ones, or weights.
    on : tuple of str
        ``level``, ``trend``, ``size`` or columns of numbers of ``extra``.
    exact : tuple of str
        ``county`` or columns of groups of ``extra``.
    matches : int
        Nearest ones per treated unit.
    caliper : float or None
        Largest distance.
    replacement : bool
        Whether a control may match several treated units.
    extra : pandas.DataFrame or None
        By code, from :func:`~evaluation.design.comparison.group_file.read_groups`.
    """

    method: Method
    on: tuple[str, ...] = ("level", "trend", "size")
    exact: tuple[str, ...] = ()
    matches: int = 5
    caliper: float | None = None
    replacement: bool = True
    extra: pd.DataFrame | None = field(default=None, repr=False, compare=False)

    @property
    def covariates(self) -> tuple[str, ...]:
        """Names of the columns of numbers, as in :meth:`table`."""
        return tuple(_NAMES.get(name, name) for name in self.on)

    def table(self, panel: Panel, cohort: pd.Series, size: pd.Series) -> pd.DataFrame:
        """Describe every unit of a panel by what was known before anyone was treated.

        Parameters
        ----------
        panel : Panel
            The outcome.
        cohort : pandas.Series
            First treated year by unit, 0 for never.
        size : pandas.Series
            Positive size by unit.

        Returns
        -------
        pandas.DataFrame
            ``covariates`` and then the columns of ``exact``.

        Raises
        ------
        InputError
            If too few years lie before the first treated one, or a unit has no value.
        """
        own = [n for n in (*self.on, *self.exact) if n not in (*_KNOWN, "county")]
        extra = pd.DataFrame(index=pd.Index(panel.units))
        if "county" in self.exact:
            extra = extra.join(embedded.municipalities()["county"])
        if own:
            extra = extra.join((self.extra if self.extra is not None else pd.DataFrame())[own])
        found = match_table(
            panel,
            before=cohort,
            size=size if "size" in self.on else None,
            extra=extra if len(extra.columns) else None,
            trend="trend" in self.on,
        )
        return found[[*self.covariates, *self.exact]]

    def nearest(self, table: pd.DataFrame, treated: Sequence[str]) -> Matching:
        """Match the treated; distances do not depend on who is treated."""
        return mahalanobis_match(
            table,
            treated,
            n_matches=self.matches,
            covariates=self.covariates,
            exact=self.exact,
            replacement=self.replacement,
            caliper=self.caliper,
            together=True,
        )

    def balanced(self, table: pd.DataFrame, treated: Sequence[str]) -> EntropyBalance:
        """Weigh the controls by entropy balancing on the covariates' means."""
        return entropy_balance(table, treated, covariates=self.covariates)

    def weights(self, table: pd.DataFrame, treated: Sequence[str]) -> pd.Series:
        """Return every control's weight, adding up to 1."""
        if self.method == "mahalanobis":
            return self.nearest(table, treated).weights
        return self.balanced(table, treated).weights

    def distances(self, table: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the distance between any two units, infinite where they may not match.

        Parameters
        ----------
        table : pandas.DataFrame
            From :meth:`table`.

        Returns
        -------
        numpy.ndarray
            Shape (units, units), in the table's order; infinite on the diagonal.
        """
        codes = [str(c) for c in table.index]
        parts = split(table, codes[:1], self.covariates)
        z = np.vstack(whiten(parts, together=True))
        d = between(z, z)
        d[~same_groups(table, codes, codes, self.exact)] = np.inf
        if self.caliper is not None:
            d[d > self.caliper] = np.inf
        np.fill_diagonal(d, np.inf)
        return d


_KNOWN = ("level", "trend", "size")


def weighting_from_plan(
    plan: Plan, codes: Sequence[str], groups: Path | None = None
) -> Weighting | None:
    """Resolve a plan's ``comparison.matching``, its file of groups read.

    Parameters
    ----------
    plan : Plan
        The plan.
    codes : sequence of str
        The design's municipalities, which the file must hold.
    groups : pathlib.Path, optional
        Where the file of groups lies, if not where the plan says.

    Returns
    -------
    Weighting or None
        None where the plan matches nothing.

    Raises
    ------
    InputError
        If the file is at fault, or lacks a municipality of the design.
    """
    chosen = plan.comparison.matching
    if chosen is None:
        return None
    extra = None
    own = set(chosen.own_columns)
    if own:
        path = _file(plan, groups)
        extra = read_groups(
            path,
            numbers=[n for n in chosen.covariates if n in own],
            groups=[n for n in chosen.exact if n in own],
        )
        _check_there(extra, codes, path)
    return Weighting(
        chosen.method,
        chosen.covariates,
        chosen.exact,
        chosen.matches,
        chosen.caliper,
        chosen.replacement,
        extra,
    )


def _file(plan: Plan, groups: Path | None) -> Path:
    """Return where the plan's file of groups lies."""
    assert plan.comparison.groups is not None
    path = groups or plan.folder / plan.comparison.groups
    if not path.is_file():
        raise plan.fault(
            ("comparison", "groups"),
            f"there is no file {plan.comparison.groups!r}; paths start from the plan's folder",
        )
    return path


def _check_there(table: pd.DataFrame, codes: Sequence[str], path: Path) -> None:
    lacking = sorted(set(codes) - set(table.index))
    if lacking:
        more = f" ({len(lacking)} are missing)" if len(lacking) > 1 else ""
        raise InputError(
            f"municipality {lacking[0]} of the design is not there{more}",
            file=str(path),
            field="code",
        )


def divisions_from_plan(
    plan: Plan,
    codes: Sequence[str],
    groups: Path | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame | None:
    """Read the columns that a plan's subgroups are divided by.

    Parameters
    ----------
    plan : Plan
        Its ``comparison.subgroups`` names columns of ``comparison.groups``.
    codes : sequence of str
        The treated municipalities, which the file must hold.
    groups : pathlib.Path, optional
        Where the file of groups lies, if not where the plan says.
    columns : sequence of str, optional
        Other columns than the plan's; ``groups`` must be given with them.

    Returns
    -------
    pandas.DataFrame or None
        By code, a frozenset of names in every column; None where nothing is divided.

    Raises
    ------
    InputError
        If the file is at fault, or lacks a treated municipality.
    """
    names = plan.comparison.subgroups if columns is None else tuple(columns)
    if not names:
        return None
    path = groups if columns is not None and groups is not None else _file(plan, groups)
    found = read_groups(path, groups=names)
    _check_there(found, codes, path)
    return found
