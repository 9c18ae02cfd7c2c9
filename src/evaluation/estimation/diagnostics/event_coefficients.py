"""Event-study coefficients against the year before adoption, with their covariance matrix.

Sensitivity and power of pre-trends need the whole path on one base, the year before
adoption (event time −1), and all covariances. Group-time effects with a varying base
carry one-year steps before adoption; summed backwards they give that path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from evaluation.errors import InputError
from evaluation.results import GroupTime

__all__ = ["EventCoefficients", "event_coefficients", "long_differences"]


@dataclass(frozen=True)
class EventCoefficients:
    """An event study as one normal vector.

    Parameters
    ----------
    event_time : tuple of int
        Years since adoption, ascending; the base −1 is left out.
    beta : numpy.ndarray
        Shape (times,): coefficients, in the outcome's unit.
    sigma : numpy.ndarray
        Shape (times, times): their covariance matrix.
    method : str
        Where they come from.
    n_obs, n_units, n_treated_units : int
        The sample.
    data_hash : str
        SHA-256 of the data.
    notes : tuple of str
        What a reader must know.

    Raises
    ------
    InputError
        If the shapes differ, a number is not finite, the covariance matrix is not one, the times
        do not ascend by one around the base, or there is none before or none after adoption.

    Examples
    --------
    >>> e = EventCoefficients((-2, 0), np.array([0.1, 1.0]), np.eye(2))
    >>> e.n_pre
    1
    """

    event_time: tuple[int, ...]
    beta: np.ndarray
    sigma: np.ndarray = field(repr=False)
    method: str = ""
    n_obs: int = 0
    n_units: int = 0
    n_treated_units: int = 0
    data_hash: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        k = len(self.event_time)
        if self.beta.shape != (k,) or self.sigma.shape != (k, k):
            raise InputError(
                f"{k} event times need {k} coefficients and a {k} by {k} covariance matrix, "
                f"not {self.beta.shape} and {self.sigma.shape}",
                field="beta",
            )
        if not (np.isfinite(self.beta).all() and np.isfinite(self.sigma).all()):
            raise InputError("every coefficient and covariance must be finite", field="sigma")
        whole = sorted({*self.event_time, -1})
        if -1 in self.event_time or whole != list(range(whole[0], whole[0] + k + 1)):
            raise InputError(
                f"event times must be consecutive years without the base −1, not {self.event_time}",
                field="event_time",
            )
        if list(self.event_time) != sorted(self.event_time):
            raise InputError("event times must ascend", field="event_time")
        if not 0 < self.n_pre < k:
            raise InputError(
                "at least one coefficient before −1 and one from 0 on are needed; there are "
                f"{self.n_pre} and {k - self.n_pre}",
                field="event_time",
            )
        scale = float(np.abs(self.sigma).max())
        if not np.allclose(self.sigma, self.sigma.T, rtol=0, atol=1e-9 * scale):
            raise InputError("the covariance matrix is not symmetric", field="sigma")
        if float(np.linalg.eigvalsh(self.sigma).min()) < -1e-8 * scale:
            raise InputError("the covariance matrix has a negative eigenvalue", field="sigma")
        if float(np.diag(self.sigma).min()) <= 0:
            time = self.event_time[int(np.diag(self.sigma).argmin())]
            raise InputError(f"the coefficient of event time {time} has no error", field="sigma")

    @property
    def n_pre(self) -> int:
        """How many coefficients lie before the base."""
        return sum(t < -1 for t in self.event_time)

    @property
    def post(self) -> tuple[int, ...]:
        """Event times from adoption on."""
        return tuple(t for t in self.event_time if t >= 0)

    def target(self, weights: Sequence[float] | None = None) -> np.ndarray:
        """Return the weights of the post-period coefficients, the first one by default.

        Raises
        ------
        InputError
            If there are not as many weights as post periods, or all are zero.
        """
        post = len(self.post)
        if weights is None:
            return np.asarray(np.eye(post)[0])
        given = np.asarray(weights, dtype=float)
        if given.shape != (post,) or not np.isfinite(given).all() or not given.any():
            raise InputError(
                f"{post} finite weights, not all zero, are needed, one per event time "
                f"{self.post}; got {list(weights)}",
                field="target",
            )
        return given

    def std_error(self, target: np.ndarray) -> float:
        """Return the standard error of a weighted sum of post-period coefficients."""
        post = self.sigma[self.n_pre :, self.n_pre :]
        return float(np.sqrt(target @ post @ target))

    def tidy(self) -> pd.DataFrame:
        """Return one row per event time."""
        return pd.DataFrame(
            {
                "event_time": list(self.event_time),
                "estimate": self.beta,
                "std_error": np.sqrt(np.diag(self.sigma)),
            }
        )


def long_differences(gt: GroupTime) -> GroupTime:
    r"""Put the cells before adoption on the base of the year before adoption.

    .. math:: ATT^{long}(g,t) = -\sum_{s=t+1}^{g-1} ATT(g,s), \qquad t < g - 1

    where :math:`ATT(g,s)` is the one-year step from s − 1 to s.

    Parameters
    ----------
    gt : GroupTime
        With a varying base, or already with the universal one (every cell of the year before
        adoption zero), which is only stripped of the base.

    Returns
    -------
    GroupTime
        Without the cells of the base year. With never-treated controls the sums are exactly the
        long differences; with not-yet-treated ones the controls of the steps differ, which a
        note says.
    """
    cohort, period = np.array(gt.cohort), np.array(gt.period)
    att = np.array(gt.estimate)
    base = period == cohort - 1
    universal = bool(base.any()) and not att[base].any() and not gt.influence[:, base].any()
    keep: list[tuple[int, int]] = []
    values: list[float] = []
    columns: list[np.ndarray] = []
    for g in np.unique(cohort):
        own = np.flatnonzero(cohort == g)
        for k in own[period[own] >= g]:
            keep.append((int(g), int(period[k])))
            values.append(float(att[k]))
            columns.append(gt.influence[:, k])
        before = own[period[own] < g]
        if universal:
            for k in before[period[before] < g - 1]:
                keep.append((int(g), int(period[k])))
                values.append(float(att[k]))
                columns.append(gt.influence[:, k])
        else:
            for k in before:
                later = before[period[before] >= period[k]]
                keep.append((int(g), int(period[k]) - 1))
                values.append(-float(att[later].sum()))
                columns.append(-gt.influence[:, later].sum(axis=1))
    order = sorted(range(len(keep)), key=lambda j: keep[j])
    influence = np.column_stack([columns[j] for j in order])
    notes = gt.notes
    if not universal and gt.control_group != "never_treated":
        notes = (
            *notes,
            "coefficients before adoption are summed one-year steps, each against the units not "
            "yet treated in its own year",
        )
    return replace(
        gt,
        cohort=tuple(keep[j][0] for j in order),
        period=tuple(keep[j][1] for j in order),
        estimate=tuple(values[j] for j in order),
        std_error=tuple(float(s) for s in np.sqrt((influence**2).sum(axis=0))),
        influence=influence,
        notes=notes,
    )


def event_coefficients(
    gt: GroupTime, *, first: int | None = None, last: int | None = None
) -> EventCoefficients:
    r"""Aggregate group-time effects by event time, on the base of the year before adoption.

    .. math:: \beta_e = \sum_g \frac{n_g}{\sum_{g'} n_{g'}} ATT^{long}(g, g + e)

    over the cohorts that reach e; the influence function carries the estimation of the shares.

    Parameters
    ----------
    gt : GroupTime
        Group-time effects with influence functions.
    first, last : int, optional
        Keep only event times from ``first`` to ``last``: those far out rest on few cohorts.

    Returns
    -------
    EventCoefficients
        Coefficients and :math:`\hat\Sigma = \Psi'\Psi`, as R's ``did`` gives them to
        ``HonestDiD`` (no small-sample factor).

    Raises
    ------
    InputError
        As :class:`EventCoefficients`: for example if no treated unit has two years before
        adoption.

    References
    ----------
    Callaway, B. & Sant'Anna, P. (2021), section 3.1. Roth, J. (2024). Interpreting event-studies
    from recent difference-in-differences methods, on why the base must be one year.
    """
    path = long_differences(gt)
    cohort, age = np.array(path.cohort), np.array(path.period) - np.array(path.cohort)
    att = np.array(path.estimate)
    low = int(age.min()) if first is None else first
    high = int(age.max()) if last is None else last
    times = [int(e) for e in np.unique(age) if low <= e <= high]
    n = len(path.unit_cohort)
    member = path.unit_cohort[:, None] == cohort[None, :]
    share = member.mean(axis=0)
    at = np.array([age == e for e in times]).T.reshape(len(age), len(times))
    total = share @ at
    weight = at * share[:, None] / total
    beta = att @ weight
    centred = (member - share) / n
    from_shares = (centred * att) @ at / total - (centred @ at) * (beta / total)
    psi = path.influence @ weight + from_shares
    return EventCoefficients(
        event_time=tuple(times),
        beta=beta,
        sigma=psi.T @ psi,
        method=gt.method,
        n_obs=gt.n_obs,
        n_units=n,
        n_treated_units=int((gt.unit_cohort > 0).sum()),
        data_hash=gt.data_hash,
        notes=path.notes,
    )
