"""Nearest neighbours in Mahalanobis distance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.design.comparison.covariates import Split, named, split
from evaluation.design.comparison.size import choose_in_rounds
from evaluation.errors import InputError

__all__ = [
    "Matching",
    "between",
    "mahalanobis_distances",
    "mahalanobis_match",
    "same_groups",
    "whiten",
]

_Array = npt.NDArray[np.float64]
_ZERO = 1e-10
_WITHIN = "pooled within-group covariance"


@dataclass(frozen=True)
class Matching:
    """Who was matched with whom, how far apart they are, and who was not matched.

    Parameters
    ----------
    pairs : pandas.DataFrame
        One row per treated unit and match: ``treated``, ``control``, ``rank`` (1 for the
        nearest) and ``distance`` (in Mahalanobis units, about standard deviations).
    dropped : tuple of tuple of str
        Treated units without any match, each with the reason.
    short : tuple of tuple of str
        Treated units with fewer matches than asked for, each with the reason.
    covariates, exact : tuple of str
        What the distance is measured on, and what is equal within a pair.
    n_matches : int
        Matches asked for per treated unit.
    replacement : bool
        Whether a control may serve several treated units.
    method : str
        The distance, in words.
    controls : tuple of str
        All who could have been chosen, in the table's order.
    data_hash : str
        SHA-256 of the covariates it was made from.
    """

    pairs: pd.DataFrame = field(repr=False)
    dropped: tuple[tuple[str, str], ...]
    short: tuple[tuple[str, str], ...]
    covariates: tuple[str, ...]
    exact: tuple[str, ...]
    n_matches: int
    replacement: bool
    method: str
    controls: tuple[str, ...] = field(repr=False)
    data_hash: str

    @property
    def treated(self) -> tuple[str, ...]:
        """The treated units that have a match, in the order given."""
        return tuple(dict.fromkeys(self.pairs["treated"]))

    @property
    def weights(self) -> pd.Series:
        """Weight of every control: each matched treated unit spreads 1/n over its matches.

        They add up to 1; 0 for a control that nobody chose.
        """
        each = self.pairs.groupby("treated")["control"].transform("size")
        share = 1.0 / (each * len(self.treated))
        sums = share.groupby(self.pairs["control"]).sum()
        return sums.reindex(list(self.controls), fill_value=0.0).rename("weight")

    def sets(self) -> list[list[str]]:
        """Return each treated unit with its matches, nearest first, as the permutation takes them.

        Raises
        ------
        InputError
            If a control is in two sets: match without replacement instead.
        """
        if self.pairs["control"].duplicated().any():
            who = self.pairs.loc[self.pairs["control"].duplicated(), "control"].iloc[0]
            raise InputError(
                f"control {who} is matched with several treated units; match without replacement "
                "to get disjoint sets"
            )
        chosen = self.pairs.groupby("treated")["control"].agg(list)
        return [[t, *chosen[t]] for t in self.treated]

    def tidy(self) -> pd.DataFrame:
        """Return one row per pair, and one with the reason for each treated unit without any."""
        rows = self.pairs.assign(reason="").astype({"rank": "Int64"})
        lost = pd.DataFrame(self.dropped, columns=["treated", "reason"])
        return pd.concat([rows, lost], ignore_index=True) if self.dropped else rows

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON."""
        return {
            "pairs": self.pairs.to_dict("records"),
            "dropped": [{"treated": t, "reason": why} for t, why in self.dropped],
            "short": [{"treated": t, "reason": why} for t, why in self.short],
            "covariates": list(self.covariates),
            "exact": list(self.exact),
            "n_matches": self.n_matches,
            "replacement": self.replacement,
            "method": self.method,
            "data_hash": self.data_hash,
        }


def _average_ranks(x: _Array) -> _Array:
    ranks: _Array = pd.DataFrame(x).rank(method="average").to_numpy(dtype=float)
    return ranks


def _no_redundant(covariance: _Array, largest: _Array, names: Sequence[str]) -> None:
    """Refuse a covariate that is constant or a combination of those before it."""
    sd = np.sqrt(np.diag(covariance))
    flat = sd <= _ZERO * largest
    if flat.any():
        raise InputError(
            "does not vary within the groups, so no distance is measured on it; leave it out",
            field=names[int(np.argmax(flat))],
        )
    correlation = covariance / np.outer(sd, sd)
    for k in range(2, len(names) + 1):
        if np.linalg.eigvalsh(correlation[:k, :k])[0] <= _ZERO:
            raise InputError(
                "the covariance is singular: it is a combination of "
                f"{', '.join(names[: k - 1])}, or there are too few units; leave it out",
                field=names[k - 1],
            )


def whiten(parts: Split, *, ranks: bool = False, together: bool = False) -> tuple[_Array, _Array]:
    """Return coordinates in which Mahalanobis distance is Euclidean.

    Parameters
    ----------
    parts : Split
        From :func:`~evaluation.design.comparison.covariates.split`.
    ranks, together : bool
        As :func:`mahalanobis_distances` tells.

    Returns
    -------
    tuple of numpy.ndarray
        Of the treated and of the controls, shape (units, covariates).

    Raises
    ------
    InputError
        If a covariate does not vary or is a combination of others.
    """
    x1, x0 = parts.x_treated, parts.x_controls
    largest = np.abs(np.vstack([x1, x0])).max(axis=0)
    if ranks:
        both = _average_ranks(np.vstack([x1, x0]))
        x1, x0 = both[: len(x1)], both[len(x1) :]
        n = len(both)
        s = np.cov(both, rowvar=False).reshape(len(parts.covariates), -1)
        _no_redundant(s, np.full(len(s), float(n)), parts.covariates)
        up = np.sqrt(n * (n + 1) / 12 / np.diag(s))
        s = s * np.outer(up, up)
    else:
        s = np.cov(np.vstack([x1, x0]), rowvar=False) if together else parts.pooled_covariance
        s = s.reshape(len(parts.covariates), -1)
        _no_redundant(s, largest, parts.covariates)
    # scaled first, so that covariates of very different units lose no digits
    sd = np.sqrt(np.diag(s))
    root = np.linalg.cholesky(s / np.outer(sd, sd))
    solved = np.linalg.solve(root, (np.vstack([x1, x0]) / sd).T)
    z = np.asarray(solved.T, dtype=np.float64)
    return z[: len(x1)], z[len(x1) :]


def between(a: _Array, b: _Array) -> _Array:
    """Return Euclidean distances between the rows of two arrays, shape (rows a, rows b)."""
    found: _Array = np.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2))
    return found


def mahalanobis_distances(
    parts: Split, *, ranks: bool = False, together: bool = False
) -> pd.DataFrame:
    r"""Measure every treated unit's distance to every control.

    .. math:: d(i, j) = \sqrt{(x_i - x_j)' S^{-1} (x_i - x_j)}

    with S the pooled within-group covariance (Rubin 1980, Biometrics 36, p. 293). With ranks,
    x are the ranks among all units and S is their covariance, scaled so that every variance is
    that of untied ranks (Rosenbaum 2010, Design of Observational Studies, section 8.3): outliers
    lose their pull and a rare binary covariate its weight.

    Parameters
    ----------
    parts : Split
        From :func:`~evaluation.design.comparison.covariates.split`.
    ranks : bool
        Whether to use ranks.
    together : bool
        Whether S is the covariance of all units: distances do then not depend on who is treated,
        which a permutation that matches anew needs.

    Returns
    -------
    pandas.DataFrame
        Shape (treated, controls), in standard deviations of the whitened covariates.

    Raises
    ------
    InputError
        If a covariate does not vary or is a combination of others.
    """
    d = between(*whiten(parts, ranks=ranks, together=together))
    return pd.DataFrame(d, index=list(parts.treated), columns=list(parts.controls))


def mahalanobis_match(
    table: pd.DataFrame,
    treated: Sequence[str],
    *,
    n_matches: int = 1,
    covariates: Sequence[str] | None = None,
    exact: Sequence[str] = (),
    replacement: bool = True,
    caliper: float | Mapping[str, float] | None = None,
    ranks: bool = False,
    together: bool = False,
) -> Matching:
    """Give every treated unit its nearest controls.

    Ties go to the control that stands first in the table. Without replacement the treated choose
    in rounds, in the order given, as in
    :func:`~evaluation.design.comparison.size.matched_sets`; the result depends on that order.

    Parameters
    ----------
    table : pandas.DataFrame
        Units in rows, from :func:`~evaluation.design.comparison.covariates.match_table`.
    treated : sequence of str
        Codes; all other rows are controls.
    n_matches : int
        Matches per treated unit.
    covariates : sequence of str, optional
        What to measure on; by default every column of numbers that is not in ``exact``.
    exact : sequence of str
        Columns that must be equal (county, group of municipalities); of sets, one member must
        be shared.
    replacement : bool
        Whether a control may be chosen by several treated units.
    caliper : float or mapping of str to float, optional
        The largest distance allowed; or the largest absolute difference by column, in the
        column's own unit.
    ranks, together : bool
        As in :func:`mahalanobis_distances`.

    Returns
    -------
    Matching
        Treated units without a match are in ``dropped``, with the reason.

    Raises
    ------
    InputError
        If nobody or everybody is treated, a covariate is missing, constant or redundant, the
        caliper is not above 0, or no treated unit has any match.

    Examples
    --------
    >>> table = pd.DataFrame({"level": [5.0, 1.0, 4.0, 7.0, 5.5]}, index=list("tabcd"))
    >>> mahalanobis_match(table, ["t"], n_matches=2).pairs["control"].tolist()
    ['d', 'b']
    """
    if n_matches < 1:
        raise InputError(f"must be 1 or more, not {n_matches}", field="n_matches")
    table = named(table)
    _there(table, exact, "exact")
    if covariates is None:
        table_used = table.drop(columns=list(exact))
        parts = split(table_used, treated)
    else:
        parts = split(table, treated, covariates)
    d = mahalanobis_distances(parts, ranks=ranks, together=together).to_numpy()
    same = same_groups(table, parts.treated, parts.controls, exact)
    near = _within(table, parts, d, caliper)
    usable = same & near
    order = np.argsort(d, axis=1, kind="stable")
    chosen = (
        [[int(j) for j in o if ok[j]][:n_matches] for o, ok in zip(order, usable, strict=True)]
        if replacement
        else choose_in_rounds(order, n_matches, usable)
    )
    rows: list[tuple[str, str, int, float]] = []
    dropped: list[tuple[str, str]] = []
    short: list[tuple[str, str]] = []
    for i, (code, found) in enumerate(zip(parts.treated, chosen, strict=True)):
        for rank, j in enumerate(found, start=1):
            rows.append((code, parts.controls[j], rank, float(d[i, j])))
        if len(found) < n_matches:
            why = _why(same[i], usable[i], d[i], parts.controls, exact, len(found))
            (short if found else dropped).append((code, why))
    if not rows:
        code, why = dropped[0]
        raise InputError(f"no treated unit has a match; {code}: {why}", field="treated")
    pairs = pd.DataFrame(rows, columns=["treated", "control", "rank", "distance"])
    method = f"Mahalanobis, {'covariance of all units' if together else _WITHIN}"
    method = "rank-based Mahalanobis" if ranks else method
    return Matching(
        pairs,
        tuple(dropped),
        tuple(short),
        parts.covariates,
        tuple(map(str, exact)),
        n_matches,
        replacement,
        method,
        parts.controls,
        parts.data_hash,
    )


def _there(table: pd.DataFrame, names: Sequence[str], field_name: str) -> None:
    for name in names:
        if name not in table.columns:
            raise InputError(f"there is no column {name!r} in the table", field=field_name)


def same_groups(
    table: pd.DataFrame, rows: Sequence[str], columns: Sequence[str], exact: Sequence[str]
) -> npt.NDArray[np.bool_]:
    """Tell which pairs of units are of the same groups.

    Parameters
    ----------
    table : pandas.DataFrame
        Units in rows.
    rows, columns : sequence of str
        Units.
    exact : sequence of str
        Columns that must be equal; where they hold sets, one member must be shared.

    Returns
    -------
    numpy.ndarray of bool
        Shape (rows, columns).

    Raises
    ------
    InputError
        If a value is missing.
    """
    out = np.ones((len(rows), len(columns)), dtype=bool)
    for name in exact:
        if table[name].isna().any():
            who = table.index[table[name].isna()][0]
            raise InputError(f"unit {who} has no value to match exactly on", field=name)
        value = table[name].to_numpy(dtype=object)
        at = dict(zip(table.index, value, strict=True))
        if isinstance(value[0], frozenset):
            out &= np.array([[bool(at[r] & at[c]) for c in columns] for r in rows])
            continue
        mine = np.array([at[c] for c in rows], dtype=object)
        theirs = np.array([at[c] for c in columns], dtype=object)
        out &= mine[:, None] == theirs[None, :]
    return out


def _within(
    table: pd.DataFrame, parts: Split, d: _Array, caliper: float | Mapping[str, float] | None
) -> npt.NDArray[np.bool_]:
    if caliper is None:
        return np.ones(d.shape, dtype=bool)
    widths = caliper if isinstance(caliper, Mapping) else {"distance": caliper}
    for name, width in widths.items():
        if not width > 0:
            raise InputError(f"must be above 0, not {width:g} for {name}", field="caliper")
    if not isinstance(caliper, Mapping):
        return np.asarray(d <= caliper)
    _there(table, list(caliper), "caliper")
    own = split(table, parts.treated, list(caliper))
    gaps = np.abs(own.x_treated[:, None, :] - own.x_controls[None, :, :])
    return np.asarray((gaps <= np.array(list(caliper.values()))).all(axis=2))


def _why(
    same: npt.NDArray[np.bool_],
    usable: npt.NDArray[np.bool_],
    d: _Array,
    controls: Sequence[str],
    exact: Sequence[str],
    found: int,
) -> str:
    """Say what left a treated unit with fewer matches than asked for."""
    if not same.any():
        return f"no control has the same {' and '.join(map(str, exact))}"
    if not usable.any():
        j = int(np.argmin(np.where(same, d, np.inf)))
        return f"no control within the caliper; the nearest, {controls[j]}, is {d[j]:.2f} away"
    have = int(usable.sum())
    reach = "1 control" if have == 1 else f"{have} controls"
    if not found:
        return f"others took the {reach} within reach"
    return f"only {reach} within reach" + ("" if found == have else ", and others took some")
