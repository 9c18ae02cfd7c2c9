"""Which municipality has which component, and which components no data can tell apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from evaluation.design.catalogue import catalogue
from evaluation.errors import InputError

__all__ = ["Bundle", "Overlap", "component_matrix", "overlap"]

_BRACKET = re.compile(r"\s*\([^)]*\)$")


def component_matrix() -> pd.DataFrame:
    """Lay out the components that the documents describe, by municipality.

    A municipality has a component where a model or project that names it has it: also projects
    of several named municipalities, and those that a county's model names beside the county. A
    county, and municipalities that take part without being named, have no row. Components are
    taken as coded, less a year in brackets. What no document mentions is 0, which does not mean
    that it was absent.

    Returns
    -------
    pandas.DataFrame
        Shape (municipalities, components), int 0 or 1; index ``code``, both in order.

    Examples
    --------
    >>> found = component_matrix()
    >>> found.shape, int(found.loc["1233"].sum())
    ((34, 110), 4)
    """
    cells = {
        (code, _BRACKET.sub("", component))
        for m in catalogue().values()
        if m.kind in ("model", "project")
        for code in m.where.codes
        for component in m.components
    }
    codes, components = (sorted({cell[i] for cell in cells}) for i in (0, 1))
    out = pd.DataFrame(0, index=pd.Index(codes, name="code"), columns=components)
    for code, component in cells:
        out.loc[code, component] = 1
    return out


@dataclass(frozen=True)
class Bundle:
    """Components that stand in exactly the same municipalities.

    Parameters
    ----------
    name : str
        Its only component, or the first and how many more.
    components : tuple of str
        In order; more than one never vary apart.
    codes : tuple of str
        The municipalities that have them.
    """

    name: str
    components: tuple[str, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Overlap:
    """How far the data can tell components apart.

    Parameters
    ----------
    matrix : pandas.DataFrame
        Shape (municipalities, components), 0 or 1.
    bundles : tuple of Bundle
        Most municipalities first.
    reduced : pandas.DataFrame
        Shape (municipalities, bundles), 0 or 1.
    jaccard : pandas.DataFrame
        Shape (bundles, bundles): municipalities with both, of those with either.
    together : pandas.DataFrame
        Shape (bundles, bundles): municipalities with both.
    cells : int
        Different rows of the matrix: municipalities with the same components are one cell.
    rank : int
        Of the reduced matrix less its column means: contrasts between municipalities that it
        spans, at most one fewer than there are cells.
    condition : float
        Largest singular value of that matrix by its smallest; infinite where bundles add up to
        one another, so that even bundles cannot all be told apart.
    """

    matrix: pd.DataFrame = field(repr=False)
    bundles: tuple[Bundle, ...] = field(repr=False)
    reduced: pd.DataFrame = field(repr=False)
    jaccard: pd.DataFrame = field(repr=False)
    together: pd.DataFrame = field(repr=False)
    cells: int
    rank: int
    condition: float

    @property
    def never_apart(self) -> int:
        """Components that share their municipalities with another component."""
        return sum(len(b.components) for b in self.bundles if len(b.components) > 1)

    @property
    def in_one(self) -> int:
        """Components that a single municipality has."""
        return sum(len(b.components) for b in self.bundles if len(b.codes) == 1)


def _name(components: tuple[str, ...]) -> str:
    rest = len(components) - 1
    return f"{components[0]} + {rest}" if rest else components[0]


def overlap(matrix: pd.DataFrame) -> Overlap:
    """Find which components vary apart.

    Parameters
    ----------
    matrix : pandas.DataFrame
        Shape (municipalities, components), 0 or 1.

    Returns
    -------
    Overlap
        Bundles of components with equal columns, and what the rest can carry.

    Raises
    ------
    InputError
        If there are fewer than three municipalities, no component, a value that is neither 0
        nor 1, or a component that none or all of them have.

    Examples
    --------
    >>> found = overlap(pd.DataFrame({"a": [1, 1, 0], "b": [1, 1, 0], "c": [0, 1, 1]}))
    >>> [b.components for b in found.bundles], found.never_apart, found.rank
    ([('a', 'b'), ('c',)], 2, 2)
    """
    x = matrix.to_numpy(dtype=float)
    if x.shape[0] < 3 or x.shape[1] < 1:
        raise InputError(
            f"three municipalities and a component are needed, found {x.shape[0]} and {x.shape[1]}"
        )
    if not np.isin(x, (0.0, 1.0)).all():
        i, j = np.argwhere(~np.isin(x, (0.0, 1.0)))[0]
        raise InputError(
            f"must be 0 or 1, found {x[i, j]:g} for {matrix.index[i]}", field=str(matrix.columns[j])
        )
    share = x.mean(axis=0)
    if ((share == 0) | (share == 1)).any():
        j = int(np.flatnonzero((share == 0) | (share == 1))[0])
        whom = "every municipality has it" if share[j] else "no municipality has it"
        raise InputError(f"{whom}; it says nothing", field=str(matrix.columns[j]))
    groups: dict[tuple[str, ...], list[str]] = {}
    for component in matrix.columns:
        codes = tuple(str(c) for c in matrix.index[matrix[component].to_numpy() == 1])
        groups.setdefault(codes, []).append(str(component))
    ordered: list[tuple[tuple[str, ...], list[str]]] = sorted(
        groups.items(), key=lambda g: (-len(g[0]), g[1][0])
    )
    bundles = tuple(Bundle(_name(tuple(cs)), tuple(cs), codes) for codes, cs in ordered)
    reduced = pd.DataFrame(
        {b.name: matrix[b.components[0]].to_numpy(dtype=int) for b in bundles}, index=matrix.index
    )
    r = reduced.to_numpy(dtype=float)
    together = r.T @ r
    n = np.diag(together)
    either = n[:, None] + n - together
    singular = np.linalg.svd(r - r.mean(axis=0), compute_uv=False)
    rank = int((singular > singular[0] * max(r.shape) * np.finfo(float).eps).sum())
    full = rank == r.shape[1]
    names = list(reduced.columns)
    return Overlap(
        matrix,
        bundles,
        reduced,
        pd.DataFrame(together / either, index=names, columns=names),
        pd.DataFrame(together.astype(int), index=names, columns=names),
        len(np.unique(x, axis=0)),
        rank,
        float(singular[0] / singular[rank - 1]) if full else float("inf"),
    )
