r"""Discrete-time hazard with the complementary log-log link, on grouped counts.

.. math:: h_{it} = 1 - \exp\{-\exp(\alpha_t + x_{it}'\beta + \mu_{m(i)})\}

is the probability of leaving in month t for those still there. With the link, β is the log
hazard ratio of a proportional-hazards model in continuous time of which only the month is known
(Prentice & Gloeckler 1978), however many leave in one month.

The months' and the municipalities' effects are some hundreds of dummies. statsmodels' GLM takes
them as a dense matrix (190,000 cells × 340 columns for one country), so the Newton steps are
taken here on a sparse one; the tests hold the two to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg, sparse

from evaluation.errors import InputError
from evaluation.estimation.survival.hazard_model import (
    HazardModel,
    check_model,
    covariates,
    make_result,
)
from evaluation.estimation.survival.life_table import LifeTable, key_names

__all__ = ["CloglogFit", "discrete_hazard", "dummies", "fit_cloglog", "informative"]

_STEPS, _TOLERANCE = 50, 1e-10


@dataclass(frozen=True)
class CloglogFit:
    """Estimates with what is needed to judge them.

    Parameters
    ----------
    beta : numpy.ndarray
        Shape (p,).
    inverse : numpy.ndarray
        Shape (p, p): inverse of the expected information.
    residual : numpy.ndarray
        Shape (cells,): derivative of the log likelihood by the linear predictor.
    weight : numpy.ndarray
        Shape (cells,): expected information of the linear predictor.
    log_likelihood : float
        Without the binomial coefficients.
    """

    beta: np.ndarray
    inverse: np.ndarray = field(repr=False)
    residual: np.ndarray = field(repr=False)
    weight: np.ndarray = field(repr=False)
    log_likelihood: float


def fit_cloglog(
    x: Any,
    events: np.ndarray,
    at_risk: np.ndarray,
    *,
    offset: np.ndarray | None = None,
    near: np.ndarray | None = None,
) -> CloglogFit:
    """Fit by Fisher scoring.

    Parameters
    ----------
    x : scipy.sparse matrix
        Shape (cells, p), of full rank.
    events, at_risk : numpy.ndarray
        Shape (cells,); at risk above zero.
    offset : numpy.ndarray, optional
        Shape (cells,): part of the linear predictor that is known; zero without it.
    near : numpy.ndarray, optional
        Shape (p,): estimates to start from.

    Returns
    -------
    CloglogFit
        At convergence.

    Raises
    ------
    InputError
        If columns are dependent, or an effect is infinite because nobody or everybody leaves.
    """
    d, n = events.astype(float), at_risk.astype(float)
    x = sparse.csr_array(x)
    transposed = sparse.csr_array(x.T)
    filled = np.diff(x.indptr)
    known = np.zeros(len(d)) if offset is None else offset
    empirical = np.log(-np.log1p(-(d + 0.5) / (n + 1)))
    beta = np.zeros(x.shape[1]) if near is None else near
    eta = empirical if near is None else x @ beta + known
    inverse = np.zeros((x.shape[1], x.shape[1]))
    old = -np.inf
    for step in range(_STEPS):
        rate = np.exp(np.clip(eta, -30, 4))
        p = -np.expm1(-rate)
        # dp/dη = rate · exp(−rate); variance n p (1 − p)
        slope = rate * np.exp(-rate)
        weight = n * slope**2 / (p * np.exp(-rate))
        residual = (d - n * p) * slope / (p * np.exp(-rate))
        likelihood = float((d * np.log(p) - (n - d) * rate).sum())
        if step and abs(likelihood - old) < _TOLERANCE * (1 + abs(likelihood)):
            gradient = transposed @ residual
            if float(gradient @ inverse @ gradient) < 1e-22 * (1 + abs(likelihood)):
                return CloglogFit(beta, inverse, residual, weight, likelihood)
        old = likelihood
        # the rows are scaled in place of a general product, which takes longer than the rest
        scaled = (x.data * np.repeat(weight, filled), x.indices, x.indptr)
        information = (transposed @ sparse.csr_array(scaled, shape=x.shape)).toarray()
        inverse = _inverse(information)
        if step or near is not None:
            beta = beta + inverse @ (transposed @ residual)
        else:
            beta = inverse @ (transposed @ (weight * (empirical - known)))
        eta = x @ beta + known
    raise InputError(
        "the hazard model does not converge: an effect is infinite because nobody or everybody "
        "leaves in some group",
        field="terms",
    )


def _inverse(information: np.ndarray) -> np.ndarray:
    scale = 1 / np.sqrt(np.maximum(np.diag(information), 1e-300))
    scaled = information * np.outer(scale, scale)
    try:
        factor = linalg.cho_factor(scaled)
    except linalg.LinAlgError:
        factor = None
    if factor is None or np.diag(factor[0]).min() < 1e-7:
        raise InputError(
            "the terms cannot be told apart from each other or from the effects", field="terms"
        )
    inverse = linalg.cho_solve(factor, np.eye(len(scaled)))
    return np.asarray(inverse * np.outer(scale, scale))


def dummies(codes: np.ndarray, *, first: bool) -> Any:
    """Return a sparse matrix of one column per code, without the first one unless asked for."""
    n = int(codes.max()) + 1
    at = np.arange(len(codes))
    full = sparse.csr_array((np.ones(len(codes)), (at, codes)), shape=(len(codes), n))
    return full if first else full[:, 1:]


def informative(
    rows: pd.DataFrame, factors: Sequence[str], events: np.ndarray, at_risk: np.ndarray
) -> tuple[np.ndarray, dict[str, list[str]]]:
    """Find the cells whose factors' levels have some who leave and some who stay.

    A level in which nobody (or everybody) leaves has an infinite effect and says nothing about
    the other coefficients; its cells are left out, as in a conditional likelihood.

    Returns
    -------
    kept : numpy.ndarray
        Shape (cells,), bool.
    out : dict of str to list of str
        The levels left out, by factor.
    """
    kept = at_risk > 0
    out: dict[str, list[str]] = {f: [] for f in factors}
    while True:
        before = int(kept.sum())
        for f in factors:
            codes, names = pd.factorize(rows[f], sort=True)
            d = np.bincount(codes[kept], weights=events[kept], minlength=len(names))
            n = np.bincount(codes[kept], weights=at_risk[kept], minlength=len(names))
            bad = (n > 0) & ((d == 0) | (d == n))
            out[f] += [str(v) for v in names[bad]]
            kept = kept & ~bad[codes]
        if int(kept.sum()) == before:
            return kept, out


def discrete_hazard(
    table: LifeTable,
    terms: Sequence[str],
    *,
    effects: Sequence[str] = (),
    duration: int | None = None,
    until: int | None = None,
    kinds: Sequence[str] | None = None,
    cluster: str = "municipality",
    alpha: float = 0.05,
) -> HazardModel:
    """Model the monthly probability of leaving, with the complementary log-log link.

    Exposure that begins during the stay enters through the life table: with
    ``exposure="over time"`` a person leaves the unexposed rows and enters the exposed ones.

    Parameters
    ----------
    table : LifeTable
        The counts, by everything named below.
    terms : sequence of str
        Keys: numbers enter as they are, others as dummies beside their first value.
    effects : sequence of str
        Keys with a dummy per value, such as ``municipality`` and ``cohort``.
    duration : int, optional
        How duration enters: a dummy per month without it, otherwise a restricted cubic spline of
        the log month with that many knots (3 to 7) at even quantiles of the events.
    until : int, optional
        Last month; all without it.
    kinds : sequence of str, optional
        Kinds that count as events (cause-specific hazard); all without it.
    cluster : str
        Key whose groups are independent of each other.
    alpha : float
        One minus the level.

    Returns
    -------
    HazardModel
        Errors clustered with factor G/(G − 1).

    Raises
    ------
    InputError
        If a key or kind is not there, a term has one value only or is taken up by the effects,
        knots are out of range, or nothing can be estimated.

    References
    ----------
    Prentice, R. & Gloeckler, L. (1978). Regression analysis of grouped survival data.
    Biometrics 34(1). Harrell, F. (2015). Regression Modeling Strategies, 2.4.5 (spline).
    """
    terms, effects = key_names(terms), key_names(effects)
    chosen = check_model(table, terms, effects, cluster, kinds, alpha)
    if duration is not None and not 3 <= duration <= 7:
        raise InputError(f"{duration} knots; 3 to 7 are possible", field="duration")
    by = list(dict.fromkeys([*terms, *effects, cluster]))
    rows = table.collapse(by, until=until).tidy()
    d = rows[list(chosen)].sum(axis=1).to_numpy()
    n = rows["at_risk"].to_numpy()
    factors = [*effects, *(["month"] if duration is None else [])]
    kept, out = informative(rows, factors, d, n)
    if not kept.any() or d[kept].sum() == 0:
        raise InputError("nobody leaves, or everybody does, in every group", field="kinds")
    rows, d, n = rows[kept].reset_index(drop=True), d[kept], n[kept]
    x, names = covariates(rows, terms)
    parts: list[Any] = [sparse.csr_array(x)]
    if duration is None:
        parts.append(dummies(pd.factorize(rows["month"], sort=True)[0], first=True))
    else:
        spline = _spline(np.log(rows["month"].to_numpy(dtype=float)), d, duration)
        parts.append(sparse.csr_array(np.column_stack([np.ones(len(rows)), spline])))
    parts += [dummies(pd.factorize(rows[e], sort=True)[0], first=False) for e in effects]
    design = sparse.csr_array(sparse.hstack(parts))
    fit = fit_cloglog(design, d, n)
    p = len(names)
    groups = pd.factorize(rows[cluster], sort=True)[0]
    member = dummies(groups, first=True)
    scores = (sparse.csr_array(member.T) @ (design * fit.residual[:, None])).toarray()
    # the first p rows of A⁻¹ score, as scores of the terms alone
    head = fit.inverse[:p, :p]
    net = scores @ fit.inverse[:, :p] @ np.linalg.inv(head)
    persons = rows["entered"].sum()
    return make_result(
        names,
        fit.beta[:p],
        head,
        net,
        factor=True,
        alpha=alpha,
        method="discrete-time hazard, complementary log-log link",
        inference=f"errors clustered by {cluster}",
        estimand="log hazard ratio of leaving",
        kinds=chosen,
        effects=effects,
        n_obs=int(n.sum()),
        n_events=int(d.sum()),
        n_persons=int(persons),
        log_likelihood=fit.log_likelihood,
        data_hash=table.hash,
        notes=_left_out(out),
        left_out=tuple((factor, len(levels)) for factor, levels in out.items() if levels),
    )


def _left_out(out: dict[str, list[str]]) -> tuple[str, ...]:
    return tuple(
        f"left out, nobody or everybody leaves: {factor} {', '.join(names[:10])}"
        + (f" and {len(names) - 10} more" if len(names) > 10 else "")
        for factor, names in out.items()
        if names
    )


def _spline(z: np.ndarray, events: np.ndarray, knots: int) -> np.ndarray:
    """Return the restricted cubic basis, linear beyond the outer knots, shape (rows, knots − 1)."""
    order = np.argsort(z, kind="stable")
    total = np.cumsum(events[order])
    asked = np.linspace(0.05, 0.95, knots) * total[-1]
    k = np.unique(z[order][np.searchsorted(total, asked)])
    if len(k) < 3:
        raise InputError("the events lie in too few months for a spline", field="duration")

    def cube(v: np.ndarray) -> np.ndarray:
        return np.asarray(np.maximum(v, 0.0) ** 3)

    columns = [z]
    for j in range(len(k) - 2):
        w = cube(z - k[j])
        w = w - cube(z - k[-2]) * (k[-1] - k[j]) / (k[-1] - k[-2])
        w = w + cube(z - k[-1]) * (k[-2] - k[j]) / (k[-1] - k[-2])
        columns.append(w / (k[-1] - k[0]) ** 2)
    return np.column_stack(columns)
