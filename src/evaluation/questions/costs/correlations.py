"""Quantities that move together: a Gaussian copula on their normal scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from evaluation.questions.costs.symbols import SYMBOLS

if TYPE_CHECKING:
    from evaluation.questions.costs.parameters import Correlation, CostPlan

__all__ = ["EFFECT_NAMES", "correlated", "correlation_faults", "together"]

EFFECT_NAMES = {
    "on_work_or_studies": "effect on work or studies",
    "on_staying": "effect on staying",
}
"""What a parameter file calls the effects, and what the model does."""
Fault = tuple[tuple[str | int, ...], str]


def _named(given: Correlation) -> tuple[str, str]:
    a, b = (EFFECT_NAMES.get(n, n) for n in given.between)
    return a, b


def together(correlations: Sequence[Correlation]) -> list[list[str]]:
    """Return the groups of quantities that are tied to each other.

    Parameters
    ----------
    correlations : sequence of Correlation
        From the parameter file.

    Returns
    -------
    list of list of str
        Each quantity stands in one group at most; the effects come first, then the symbols in
        the order of :data:`~evaluation.questions.costs.symbols.SYMBOLS`, whatever the file's.
    """
    groups: list[set[str]] = []
    for given in correlations:
        joined = set(_named(given))
        joined = joined.union(*(g for g in groups if g & joined))
        groups = [g for g in groups if not g & joined] + [joined]
    place = {name: i for i, name in enumerate([*EFFECT_NAMES.values(), *SYMBOLS])}
    return [sorted(g, key=place.__getitem__) for g in groups]


def _matrix(correlations: Sequence[Correlation], names: Sequence[str]) -> np.ndarray:
    place = {n: i for i, n in enumerate(names)}
    out = np.eye(len(names))
    for given in correlations:
        a, b = _named(given)
        if a in place and b in place:
            out[place[a], place[b]] = out[place[b], place[a]] = given.value
    return out


def correlated(
    u: Sequence[np.ndarray], correlations: Sequence[Correlation], names: Sequence[str]
) -> list[np.ndarray]:
    r"""Return uniform numbers whose normal scores have the stated correlations.

    With :math:`z_j = \Phi^{-1}(u_j)` independent and :math:`R = LL'` (Cholesky),
    :math:`u'_i = \Phi(\sum_{j \le i} L_{ij} z_j)`: each stays uniform, so that each quantity
    keeps its own distribution (a Gaussian copula; Nelsen 2006, section 2.3). The rank
    correlation is :math:`(6/\pi)\arcsin(\rho/2)`. The first of the group keeps its numbers.

    Parameters
    ----------
    u : sequence of numpy.ndarray
        Independent uniform numbers of each quantity, shape (draws,).
    correlations : sequence of Correlation
        Pairs that are not named have correlation 0.
    names : sequence of str
        The group, in the order of ``u``.

    Returns
    -------
    list of numpy.ndarray
        Shape (draws,) each.
    """
    factor = np.linalg.cholesky(_matrix(correlations, names))
    scores = [special.ndtri(one) for one in u]
    out = [u[0]]
    for row in range(1, len(u)):
        # summed term by term: a product of matrices may round by the number of draws
        total = np.zeros_like(scores[0])
        for j in range(row + 1):
            total += factor[row, j] * scores[j]
        out.append(np.clip(special.ndtr(total), 1e-12, 1 - 1e-12))
    return out


def correlation_faults(plan: CostPlan) -> list[Fault]:
    """Return what is wrong with a file's correlations, the first fault first.

    Parameters
    ----------
    plan : CostPlan
        Of the right form.

    Returns
    -------
    list
        Path of the key and the problem.
    """
    given = plan.analysis.correlations
    at = ("analysis", "correlations")
    uncertain = [n for n, p in plan.parameters.items() if p.distribution.kind != "fixed"]
    seen: set[frozenset[str]] = set()
    for i, one in enumerate(given):
        a, b = one.between
        for name in (a, b):
            where = (*at, i, "between")
            if name in EFFECT_NAMES:
                if getattr(plan.effect, name) is None:
                    return [(where, f"effect.{name} is not given")]
                continue
            if name not in plan.parameters:
                have = ", ".join([*EFFECT_NAMES, *uncertain])
                return [(where, f"{name!r} is none of {have}")]
            if name not in uncertain:
                return [(where, f"{name} is fixed: only what has a distribution can be correlated")]
            if plan.parameters[name].distribution.kind == "dirichlet":
                return [(where, f"{name} is several shares and has no single rank to correlate")]
        if a == b or frozenset((a, b)) in seen:
            what = "a quantity with itself" if a == b else f"{a} and {b} a second time"
            return [((*at, i), f"correlates {what}")]
        seen.add(frozenset((a, b)))
    for group in together(given):
        try:
            np.linalg.cholesky(_matrix(given, group))
        except np.linalg.LinAlgError:
            names = ", ".join(group)
            return [(at, f"cannot all hold at once (not positive definite): {names}")]
    return []
