r"""Cox regression from life tables, ties by Efron, errors clustered.

statsmodels' ``PHReg`` takes no weights, so it needs every person (582,000 for the simulated
country); the likelihood needs only how many of each kind were at risk and left. The tests hold
this to R's ``coxph`` and to ``PHReg``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import InputError
from evaluation.estimation.survival.hazard_model import (
    HazardModel,
    check_model,
    covariates,
    make_result,
)
from evaluation.estimation.survival.life_table import LifeTable, key_names, ordered_groups

__all__ = ["cox"]

_STEPS = 40


@dataclass(frozen=True)
class _Ties:
    """Sums over the tied events of a stratum and month, f = l/d for l = 0 … d − 1.

    With ``R_l = R − f D``: ``one`` Σ 1/R_l, ``f_one`` Σ f/R_l, ``two`` Σ 1/R_l²,
    ``f_two`` Σ f/R_l², ``ff_two`` Σ f²/R_l², ``log`` Σ log R_l.
    """

    one: np.ndarray
    f_one: np.ndarray
    two: np.ndarray
    f_two: np.ndarray
    ff_two: np.ndarray
    log: np.ndarray


def _ties(risk: np.ndarray, dead: np.ndarray, d: np.ndarray, efron: bool) -> _Ties:
    sets = np.repeat(np.arange(len(d)), d)
    rank = np.arange(len(sets)) - np.repeat(np.cumsum(d) - d, d)
    f = rank / d[sets] if efron else np.zeros(len(sets))
    r = risk[sets] - f * dead[sets]

    def total(v: np.ndarray) -> np.ndarray:
        return np.bincount(sets, weights=v, minlength=len(d))

    inverse = 1 / r
    return _Ties(
        total(inverse),
        total(f * inverse),
        total(inverse**2),
        total(f * inverse**2),
        total(f**2 * inverse**2),
        total(np.log(r)),
    )


@dataclass(frozen=True)
class _Rows:
    """Cells of a life table: which risk set, covariates, at risk, events."""

    sets: np.ndarray
    x: np.ndarray
    n: np.ndarray
    d: np.ndarray
    n_sets: int

    def total(self, v: np.ndarray) -> np.ndarray:
        """Sum over the cells of each risk set; v of shape (cells,) or (cells, p)."""
        if v.ndim == 1:
            return np.bincount(self.sets, weights=v, minlength=self.n_sets)
        return np.column_stack([self.total(c) for c in v.T])


def _step(
    rows: _Rows, beta: np.ndarray, efron: bool
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Return log likelihood, gradient, information, and the score of every cell."""
    x, n, d = rows.x, rows.n, rows.d
    e = np.exp(x @ beta)
    risk, dead = rows.total(n * e), rows.total(d * e)
    risk_x, dead_x = rows.total(x * (n * e)[:, None]), rows.total(x * (d * e)[:, None])
    events = rows.total(d).astype(np.int64)
    t = _ties(risk, dead, events, efron)
    likelihood = float((d * (x @ beta)).sum() - t.log.sum())
    # Σ_l of the mean covariate among those at risk
    mean = t.one[:, None] * risk_x - t.f_one[:, None] * dead_x
    p = x.shape[1]
    information = np.zeros((p, p))
    for a in range(p):
        for b in range(a, p):
            xx = x[:, a] * x[:, b]
            second = t.one * rows.total(xx * n * e) - t.f_one * rows.total(xx * d * e)
            outer = (
                t.two * risk_x[:, a] * risk_x[:, b]
                - t.f_two * (risk_x[:, a] * dead_x[:, b] + dead_x[:, a] * risk_x[:, b])
                + t.ff_two * dead_x[:, a] * dead_x[:, b]
            )
            information[a, b] = information[b, a] = (second - outer).sum()
    s = rows.sets
    # cells: events less what the hazard expects of those at risk; Efron's part for the tied
    own = d[:, None] * (
        x - np.divide(mean, events[:, None], where=events[:, None] > 0, out=np.zeros(mean.shape))[s]
    )
    weighted = t.two[:, None] * risk_x - t.f_two[:, None] * dead_x
    tied = t.f_two[:, None] * risk_x - t.ff_two[:, None] * dead_x
    hazard = n[:, None] * (t.one[s][:, None] * x - weighted[s])
    part = d[:, None] * (t.f_one[s][:, None] * x - tied[s])
    score = own - e[:, None] * (hazard - part)
    gradient = (x * d[:, None]).sum(axis=0) - mean.sum(axis=0)
    return likelihood, gradient, information, score


def cox(
    table: LifeTable,
    terms: Sequence[str],
    *,
    strata: Sequence[str] = (),
    ties: str = "efron",
    until: int | None = None,
    kinds: Sequence[str] | None = None,
    cluster: str = "municipality",
    alpha: float = 0.05,
) -> HazardModel:
    r"""Fit Cox's model to grouped counts (Cox 1972; Efron 1977 for ties).

    .. math::
        \ell = \sum_t \Bigl[\sum_{i \in D_t} x_i'\beta - \sum_{l=0}^{d_t-1}
        \log\Bigl(\sum_{i \in R_t} e^{x_i'\beta}
        - \frac{l}{d_t} \sum_{i \in D_t} e^{x_i'\beta}\Bigr)\Bigr]

    Months are coarse: with many events in one, Efron's ratio is nearer to one than that in
    continuous time, and :func:`~evaluation.estimation.survival.discrete_hazard.discrete_hazard`
    is not.

    Parameters
    ----------
    table : LifeTable
        The counts, by everything named below.
    terms : sequence of str
        Keys: numbers as they are, others as dummies beside their first value.
    strata : sequence of str
        Keys within whose groups the baseline is their own.
    ties : {"efron", "breslow"}
        How tied events are counted.
    until : int, optional
        Last month; all without it.
    kinds : sequence of str, optional
        Kinds that count as events; the others censor.
    cluster : str
        Key whose groups are independent of each other (Lin & Wei 1989).
    alpha : float
        One minus the level.

    Returns
    -------
    HazardModel
        Clustered errors without a small-sample factor, as R's ``coxph``.

    Raises
    ------
    InputError
        If a key or kind is not there, a term has one value only, ``ties`` is unknown, or the
        terms cannot be told apart.
    """
    terms, strata = key_names(terms), key_names(strata)
    chosen = check_model(table, terms, strata, cluster, kinds, alpha)
    if ties not in ("efron", "breslow"):
        raise InputError(f"{ties!r} is none of efron, breslow", field="ties")
    by = list(dict.fromkeys([*terms, *strata, cluster]))
    cells = table.collapse(by, until=until).tidy()
    x, names = covariates(cells, terms)
    _, sets = ordered_groups(cells[[*strata, "month"]])
    d = cells[list(chosen)].sum(axis=1).to_numpy()
    rows = _Rows(sets, x - x.mean(axis=0), cells["at_risk"].to_numpy(), d, int(sets.max()) + 1)
    if d.sum() == 0:
        raise InputError("nobody leaves", field="kinds")
    beta = np.zeros(len(names))
    old, last = -np.inf, np.zeros(len(names))
    for _ in range(_STEPS):
        likelihood, gradient, information, score = _step(rows, beta, ties == "efron")
        if np.linalg.cond(information) > 1e12:
            raise InputError(
                "the terms cannot be told apart from each other or from the strata", field="terms"
            )
        step = np.linalg.solve(information, gradient)
        if float(gradient @ step) < 1e-16 * (1 + abs(likelihood)):
            break
        # a step that overshoots is halved
        while likelihood < old - 1e-9 * abs(old):
            last = last / 2
            beta = beta - last
            likelihood, gradient, information, score = _step(rows, beta, ties == "efron")
            step = np.linalg.solve(information, gradient)
        old, last = likelihood, step
        beta = beta + step
    else:
        raise InputError("Cox's likelihood has no maximum: an effect is infinite", field="terms")
    groups, _ = pd.factorize(cells[cluster], sort=True)
    by_cluster = np.column_stack([np.bincount(groups, weights=c) for c in score.T])
    return make_result(
        names,
        beta,
        np.linalg.inv(information),
        by_cluster,
        factor=False,
        alpha=alpha,
        method=f"Cox, ties by {ties.capitalize()}",
        inference=f"errors clustered by {cluster}",
        estimand="log hazard ratio of leaving",
        kinds=chosen,
        effects=strata,
        n_obs=int(rows.n.sum()),
        n_events=int(d.sum()),
        n_persons=int(cells["entered"].sum()),
        log_likelihood=likelihood,
        data_hash=table.hash,
        notes=(),
    )
