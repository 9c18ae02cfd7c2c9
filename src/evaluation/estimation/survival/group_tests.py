"""Whether groups leave alike: the log-rank test and Gray's test of cumulative incidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.stats import chi2

from evaluation.errors import InputError
from evaluation.estimation.survival.life_table import LifeTable, key_names, ordered_groups
from evaluation.language import p_value

__all__ = ["GroupTest", "Strata", "gray", "gray_of", "logrank", "logrank_of"]


@dataclass(frozen=True, repr=False)
class GroupTest:
    """A test that groups have the same curve.

    Parameters
    ----------
    method : str
        Which test.
    null : str
        What is tested, in words.
    statistic : float
        Chi-squared.
    df : int
        Degrees of freedom.
    p_value : float
        Of the chi-squared distribution.
    by, strata, groups : tuple of str
        The keys compared and stratified by, the groups.
    observed, expected : tuple of float
        Events by group, and those expected under the null.
    n_persons : int
        Persons that ever came under observation.
    kind : str
        The kind of event; empty where any counts.
    data_hash : str
        SHA-256 of the life table.
    notes : tuple of str
        What a reader must know.
    """

    method: str
    null: str
    statistic: float
    df: int
    p_value: float
    by: tuple[str, ...]
    strata: tuple[str, ...]
    groups: tuple[str, ...]
    observed: tuple[float, ...] = field(repr=False)
    expected: tuple[float, ...] = field(repr=False)
    n_persons: int
    kind: str = ""
    data_hash: str = ""
    notes: tuple[str, ...] = ("persons are taken as independent",)

    def tidy(self) -> pd.DataFrame:
        """Return one row."""
        row = {
            "method": self.method,
            "kind": self.kind,
            "by": ", ".join(self.by),
            "strata": ", ".join(self.strata),
            "statistic": self.statistic,
            "df": self.df,
            "p_value": self.p_value,
            "n_persons": self.n_persons,
        }
        return pd.DataFrame([row])

    def summary(self) -> str:
        """Return the result as one line."""
        of = f" ({self.kind.replace('_', ' ')})" if self.kind else ""
        return (
            f"{self.method}{of}: chi-squared {self.statistic:.3f}, {self.df} df, "
            f"{p_value(self.p_value, 'en')}"
        )

    __str__ = summary

    def __repr__(self) -> str:
        return f"<GroupTest {self.summary()}>"

    def _repr_html_(self) -> str:
        return self.tidy().to_html(index=False, float_format=lambda v: f"{v:.4f}", border=0)


@dataclass(frozen=True)
class Strata:
    """Counts by stratum, group and month, as the tests take them.

    Parameters
    ----------
    by, strata, groups : tuple of str
        The keys compared and stratified by, the groups.
    at_risk : numpy.ndarray
        Shape (S, G, T); actuarial numbers at risk need not be whole.
    events : numpy.ndarray
        Shape (S, G, T, K).
    n_persons : int
        Persons that ever came under observation.
    data_hash : str
        SHA-256 of what was counted.
    """

    by: tuple[str, ...]
    strata: tuple[str, ...]
    groups: tuple[str, ...]
    at_risk: np.ndarray = field(repr=False)
    events: np.ndarray = field(repr=False)
    n_persons: int
    data_hash: str


def _arranged(table: LifeTable, by: tuple[str, ...], strata: tuple[str, ...]) -> Strata:
    if not by:
        raise InputError("name at least one key whose groups are compared", field="by")
    both = [k for k in by if k in strata]
    if both:
        raise InputError("cannot be compared and stratified by at once", field=both[0])
    counts = table.counts([*strata, *by])
    labels = [", ".join(map(str, r)) for r in counts.groups[list(by)].itertuples(index=False)]
    names = sorted(set(labels))
    if len(names) < 2:
        raise InputError(f"the only group is {names[0]}; a test needs two", field=by[0])
    g = np.array([names.index(label) for label in labels])
    if strata:
        _, s = ordered_groups(counts.groups[list(strata)])
    else:
        s = np.zeros(len(g), dtype=np.int64)
    shape = (int(s.max()) + 1, len(names), table.months)
    y = np.zeros(shape)
    d = np.zeros((*shape, len(table.kinds)))
    np.add.at(y, (s, g), counts.at_risk)
    np.add.at(d, (s, g), counts.events)
    return Strata(by, strata, tuple(names), y, d, int(counts.entered.sum()), table.hash)


def _quadratic(score: np.ndarray, variance: np.ndarray, field: str) -> tuple[float, int]:
    """Return score' V⁻ score and the rank; groups without information add nothing."""
    values, vectors = np.linalg.eigh(variance)
    if values.max() <= 0:
        raise InputError("no month has events while several groups are at risk", field=field)
    kept = values > 1e-9 * values.max()
    part = vectors[:, kept].T @ score
    return float((part**2 / values[kept]).sum()), int(kept.sum())


def logrank(table: LifeTable, by: Sequence[str], *, strata: Sequence[str] = ()) -> GroupTest:
    r"""Test that groups leave at the same rate (Mantel 1966), within strata if asked.

    .. math::
        Z_g = \sum_t \Bigl(d_{gt} - d_t \frac{Y_{gt}}{Y_t}\Bigr), \qquad
        V_{gh} = \sum_t d_t \frac{Y_t - d_t}{Y_t - 1}\,
        \frac{Y_{gt}}{Y_t}\Bigl(1_{g=h} - \frac{Y_{ht}}{Y_t}\Bigr),

    both summed over strata; :math:`Z' V^- Z` is chi-squared with G − 1 degrees of freedom.

    Parameters
    ----------
    table : LifeTable
        The counts; leaving of any kind is the event.
    by : sequence of str
        Keys whose groups are compared.
    strata : sequence of str
        Keys within whose groups they are.

    Returns
    -------
    GroupTest
        Late entry is respected: only those under observation are at risk.

    Raises
    ------
    InputError
        If there is one group only, a key is not there, or nothing can be compared.

    Examples
    --------
    >>> from evaluation.estimation.survival.persons import count_spells
    >>> keys = pd.DataFrame({"sex": ["K", "K", "M", "M"]})
    >>> t = count_spells(keys, np.zeros(4), np.array([1, 2, 2, 3]), np.zeros(4, int),
    ...                  kinds=["moved"])
    >>> round(logrank(t, ["sex"]).statistic, 4)  # (2 - 1/2 - 2/3)² / (1/4 + 2/9)
    1.4706
    """
    return logrank_of(_arranged(table, key_names(by), key_names(strata)))


def logrank_of(a: Strata) -> GroupTest:
    """Return the log-rank test of counts; see :func:`logrank`.

    Parameters
    ----------
    a : Strata
        With two groups at least.

    Raises
    ------
    InputError
        If nothing can be compared.
    """
    d = a.events.sum(axis=3)
    y = a.at_risk
    all_y, all_d = y.sum(axis=1), d.sum(axis=1)
    share = np.divide(y, all_y[:, None], out=np.zeros(y.shape), where=all_y[:, None] > 0)
    expected = (share * all_d[:, None]).sum(axis=(0, 2))
    observed = d.sum(axis=(0, 2))
    w = np.divide(all_d * (all_y - all_d), all_y - 1, out=np.zeros(all_y.shape), where=all_y > 1)
    cross = np.einsum("st,sgt,sht->gh", w, share, share)
    variance = np.diag(np.einsum("st,sgt->g", w, share)) - cross
    statistic, df = _quadratic(observed - expected, variance, a.by[0])
    return GroupTest(
        method="log-rank",
        null="the groups leave at the same rate in every month",
        statistic=statistic,
        df=df,
        p_value=float(chi2.sf(statistic, df)),
        by=a.by,
        strata=a.strata,
        groups=a.groups,
        observed=tuple(float(v) for v in observed),
        expected=tuple(float(v) for v in expected),
        n_persons=a.n_persons,
        data_hash=a.data_hash,
    )


def gray(
    table: LifeTable,
    by: Sequence[str],
    kind: str,
    *,
    strata: Sequence[str] = (),
    rho: float = 0.0,
) -> GroupTest:
    r"""Test that groups have the same cumulative incidence of one kind (Gray 1988).

    With :math:`F_g` the incidence of the kind and :math:`S_g` the share still there, both of
    group g just before month t, those at risk of the subdistribution are
    :math:`R_{gt} = Y_{gt} (1 - F_g)/S_g`, and

    .. math:: Z_g = \sum_t \{1 - F^0_{t-}\}^{\rho} \Bigl(d_{gt} - d_t \frac{R_{gt}}{R_t}\Bigr),
              \qquad F^0_t = \sum_{s \le t} \frac{d_s}{h_s},

    with :math:`h_{gt} = Y_{gt}/S_{g,t-}`, and no index for the sum over groups. The variance is
    Gray's (his section 3), with sums over months for integrals: the score is a sum of what the
    kind's and the other kinds' increments do in each group k,

    .. math::
        V_{ij} = \sum_{k, t} \bigl(u_{ik} u_{jk} v^1_k + w_{ik} w_{jk} v^2_k\bigr), \quad
        w_{ik} = \tfrac{1 - F^0}{S_k} L_{ik}, \quad
        u_{ik} = a_{ik} + \bigl(1 - \tfrac{1 - F^0}{S_k}\bigr) L_{ik},

    :math:`a_{ik} = (1 - F^0_{t-})^{\rho} h_i (1_{i=k} - h_k/h)`, :math:`L_{ik}` the sum of
    :math:`a_{ik}\, dF^0/(1 - F^0_{t-})` over later months,
    :math:`v^1_k = S_{k,t-}\, dF^0/Y_k` and :math:`v^2_k = S_{k,t-}^2 d^2_k/Y_k^2`. Where several
    leave in one month these are multiplied by :math:`1 - (d - 1)/(h S_{k,t-} - 1)` and
    :math:`1 - (d^2_k - 1)/(Y_k - 1)`, as R's ``cmprsk`` does; the former is 0 at least.

    Parameters
    ----------
    table : LifeTable
        The counts; the other kinds compete.
    by : sequence of str
        Keys whose groups are compared.
    kind : str
        The kind of event.
    strata : sequence of str
        Keys within whose groups they are.
    rho : float
        Power of the weight: 0 weighs all months alike, 1 the early ones more.

    Returns
    -------
    GroupTest
        Chi-squared with G − 1 degrees of freedom.

    Raises
    ------
    InputError
        If the kind is none of the table's, ``rho`` is negative, or as :func:`logrank`.

    References
    ----------
    Gray, R. (1988). A class of K-sample tests for comparing the cumulative incidence of a
    competing risk. Annals of Statistics 16(3), sections 2 and 3.
    """
    if kind not in table.kinds:
        raise InputError(f"{kind!r} is none of {', '.join(table.kinds)}", field="kind")
    if not rho >= 0:
        raise InputError(f"{rho} is negative; the power of the weight is 0 or more", field="rho")
    arranged = _arranged(table, key_names(by), key_names(strata))
    return gray_of(arranged, kind, table.kinds.index(kind), rho=rho)


def gray_of(a: Strata, kind: str, k: int, *, rho: float = 0.0) -> GroupTest:
    """Return Gray's test of counts; see :func:`gray`.

    Parameters
    ----------
    a : Strata
        With two groups at least.
    kind : str
        What the kind of event is called.
    k : int
        Its place among the events.
    rho : float
        Power of the weight, 0 or more.

    Raises
    ------
    InputError
        If nothing can be compared.
    """
    n = len(a.groups)
    score, variance = np.zeros(n), np.zeros((n, n))
    expected = np.zeros(n)
    for y, events in zip(a.at_risk, a.events, strict=True):
        z, v, e = _gray_stratum(y, events[:, :, k], events.sum(axis=2), rho)
        score, variance, expected = score + z, variance + v, expected + e
    statistic, df = _quadratic(score, variance, a.by[0])
    observed = a.events[:, :, :, k].sum(axis=(0, 2))
    return GroupTest(
        method="Gray" if rho == 0 else f"Gray, rho {rho:g}",
        null="the groups have the same cumulative incidence",
        statistic=statistic,
        df=df,
        p_value=float(chi2.sf(statistic, df)),
        by=a.by,
        strata=a.strata,
        groups=a.groups,
        observed=tuple(float(x) for x in observed),
        expected=tuple(float(x) for x in expected),
        n_persons=a.n_persons,
        kind=kind,
        data_hash=a.data_hash,
    )


def _over(a: np.ndarray, b: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Divide, 0 where not asked for."""
    a, b, where = np.broadcast_arrays(a, b, where)
    return np.asarray(np.divide(a, b, out=np.zeros(a.shape), where=where))


def _gray_stratum(
    y: np.ndarray, d1: np.ndarray, d: np.ndarray, rho: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return score, variance and expected events of one stratum; arguments of shape (G, T)."""
    n, months = y.shape
    there = np.logical_and.accumulate(y > 0, axis=1)
    y, d1, d = (np.where(there, x, 0.0) for x in (y, d1, d))
    safe = np.where(there, y, 1.0)
    one = np.ones((n, 1))
    s = np.cumprod(1 - d / safe, axis=1)
    s_before = np.concatenate([one, s[:, :-1]], axis=1)
    f = np.cumsum(s_before * d1 / safe, axis=1)
    f_before = np.concatenate([0 * one, f[:, :-1]], axis=1)
    # where nobody is left (S = 0) nobody is at risk either
    h = _over(y, s_before, s_before > 0)
    r = h * (1 - f_before)
    h_all, r_all, all_d1 = h.sum(axis=0), r.sum(axis=0), d1.sum(axis=0)
    # the common incidence under the null, and the weight before each month
    df0 = _over(all_d1, h_all, h_all > 0)
    f0 = np.cumsum(df0)
    left = np.maximum(1 - np.r_[0.0, f0[:-1]], 0.0)
    weight = left**rho
    share = _over(r, r_all, r_all > 0)
    score = (weight * (d1 - share * all_d1)).sum(axis=1)
    expected = (share * all_d1).sum(axis=1)
    # a[i, k, t]: weight of group k's increment in score i; later[i, k, t] what it moves afterwards
    a = weight * h * (np.eye(n)[:, :, None] - _over(h, h_all, h_all > 0)[:, None])
    moved = np.cumsum(a * _over(df0, left, left > 0), axis=2)
    later = moved[:, :, -1:] - moved
    # what an event does to those who are left, by the common incidence under the null
    stay = _over(np.maximum(1 - f0, 0.0), s, s > 0)
    first = a + (1 - stay) * later
    second = stay * later
    # variances of the increments; the last factor is for several in one month, as without return
    effective = h_all * s_before
    ties = np.clip(1 - _over(all_d1 - 1, effective - 1, (all_d1 > 1) & (effective > 1)), 0.0, None)
    v1 = np.where(there, ties * s_before * df0 / safe, 0.0)
    d2 = d - d1
    ties = 1 - _over(d2 - 1, y - 1, (d2 > 1) & (y > 1))
    v2 = np.where(there & (s > 0), ties * s_before**2 * d2 / safe**2, 0.0)
    flat = (n, n * months)
    variance = (first * v1).reshape(flat) @ first.reshape(flat).T
    variance += (second * v2).reshape(flat) @ second.reshape(flat).T
    return score, variance, expected
