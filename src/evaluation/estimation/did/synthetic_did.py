"""Synthetic difference-in-differences, cohort by cohort.

The weights are found by ``diff-diff``'s Frank–Wolfe steps, which follow R's ``synthdid`` with
its stopping rule and its sparsification; ``diff-diff`` itself fits one adoption date only. The
staggered aggregate follows Clarke et al. (2023).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import norm

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.cohorts import check_cohorts
from evaluation.estimation.did.aggregation import OUTCOME_ROUNDING
from evaluation.estimation.did.sample import Sample, prepare
from evaluation.results import Estimate, EventStudy

__all__ = ["SyntheticDiD", "synthetic_did"]

Variance = Literal["placebo", "jackknife"]


@dataclass(frozen=True)
class SyntheticDiD:
    """The estimate with the weights behind it.

    Parameters
    ----------
    result : Estimate
        Mean over treated unit-years.
    event : EventStudy
        By time since adoption, each cohort's gap to its synthetic control less the
        time-weighted gap before adoption.
    unit_weights : dict of int to pandas.Series
        By cohort: the controls' weights, those above zero, largest first.
    time_weights : dict of int to pandas.Series
        By cohort: the weights of the years before adoption.
    draws : numpy.ndarray
        Placebo or leave-one-out estimates behind the error.
    """

    result: Estimate
    event: EventStudy
    unit_weights: dict[int, pd.Series] = field(repr=False)
    time_weights: dict[int, pd.Series] = field(repr=False)
    draws: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class _Block:
    """One cohort against the controls."""

    first: int
    size: int
    omega: np.ndarray
    lam: np.ndarray
    gap: np.ndarray

    def effect(self) -> np.ndarray:
        """Return the gap less its time-weighted mean before adoption, shape (years,)."""
        centred: np.ndarray = self.gap - self.lam @ self.gap[: len(self.lam)]
        return centred


def _noise(control: np.ndarray, pre: int) -> float:
    """Return the standard deviation of the controls' one-year changes before adoption."""
    steps = np.diff(control[:, :pre], axis=1)
    return float(steps.std(ddof=1)) if steps.size > 1 else 0.0


def _weights(
    control: np.ndarray,
    treated: np.ndarray,
    pre: int,
    n_treated: int,
    noise: float,
    start: tuple[np.ndarray, np.ndarray] | None = None,
) -> _Block:
    """Find unit and time weights for one cohort; ``control`` is (units, years)."""
    from diff_diff.utils import compute_sdid_unit_weights, compute_time_weights

    zeta = (n_treated * (control.shape[1] - pre)) ** 0.25 * noise
    with warnings.catch_warnings():
        # R's rule stops when the steps no longer pay; that it stopped is no news
        warnings.simplefilter("ignore")
        stop = 1e-5 * noise if noise > 0 else 1e-5
        before = control[:, :pre].T
        omega = compute_sdid_unit_weights(
            before,
            treated[:pre],
            zeta,
            min_decrease=stop,
            init_weights=None if start is None else start[0],
        )
        lam = compute_time_weights(
            before,
            control[:, pre:].T,
            1e-6 * noise,
            min_decrease=stop,
            init_weights=None if start is None else start[1],
        )
    return _Block(pre, n_treated, omega, lam, treated - omega @ control)


def _total(blocks: list[_Block]) -> float:
    """Average the effects over treated unit-years."""
    weight = sum(b.size * (len(b.gap) - b.first) for b in blocks)
    return float(sum(b.size * b.effect()[b.first :].sum() for b in blocks) / weight)


def _by_event_time(blocks: list[_Block]) -> dict[int, float]:
    """Average the cohorts' paths by time since adoption, weighted by their units."""
    sums: dict[int, float] = {}
    sizes: dict[int, int] = {}
    for b in blocks:
        for t, value in enumerate(b.effect()):
            e = t - b.first
            sums[e] = sums.get(e, 0.0) + b.size * float(value)
            sizes[e] = sizes.get(e, 0) + b.size
    return {e: sums[e] / sizes[e] for e in sorted(sums)}


def _placebos(y0: np.ndarray, real: list[_Block], draws: int, seed: int) -> list[list[_Block]]:
    """Treat controls at random as cohorts of the real sizes and dates, and fit again."""
    found = []
    n_treated = sum(b.size for b in real)
    # as in R's synthdid the penalty and the starting weights are those of the real fit
    noise = [_noise(y0, b.first) for b in real]
    for child in np.random.SeedSequence(seed).spawn(draws):
        order = np.random.default_rng(child).permutation(len(y0))
        rest = y0[order[n_treated:]]
        blocks, start = [], 0
        for b, sd in zip(real, noise, strict=True):
            mean = y0[order[start : start + b.size]].mean(axis=0)
            kept = b.omega[order[n_treated:]]
            kept = kept / kept.sum() if kept.sum() > 0 else np.full(len(rest), 1 / len(rest))
            blocks.append(_weights(rest, mean, b.first, b.size, sd, (kept, b.lam)))
            start += b.size
        found.append(blocks)
    return found


def _leave_one_out(s: Sample, y0: np.ndarray, blocks: list[_Block]) -> list[list[_Block]]:
    """Leave out each unit in turn, the weights kept (and scaled up to one again)."""
    found = []
    for out in range(len(y0)):
        less = []
        for b in blocks:
            omega = np.delete(b.omega, out)
            if omega.sum() <= 0:
                raise InputError(
                    "one control carries all the weight of a cohort, so it cannot be left out; "
                    "take the placebo variance",
                    field="variance",
                )
            treated = b.gap + b.omega @ y0
            gap = treated - omega / omega.sum() @ np.delete(y0, out, axis=0)
            less.append(_Block(b.first, b.size, omega, b.lam, gap))
        found.append(less)
    for k, g in enumerate(s.cohorts):
        y1 = s.y[s.cohort == g]
        synthetic = blocks[k].omega @ y0
        for out in range(len(y1)):
            less = list(blocks)
            gap = np.delete(y1, out, axis=0).mean(axis=0) - synthetic
            less[k] = _Block(blocks[k].first, len(y1) - 1, blocks[k].omega, blocks[k].lam, gap)
            found.append(less)
    return found


def synthetic_did(
    panel: Panel,
    cohort: pd.Series,
    *,
    variance: Variance = "placebo",
    draws: int = 200,
    seed: int = 1,
    alpha: float = 0.05,
) -> SyntheticDiD:
    r"""Weight controls and years so that the paths before adoption run in parallel.

    .. math::
        \hat\tau_g = \frac{1}{T_1}\sum_{t \ge g} \Big(\bar Y_{gt} - \sum_j \omega_j Y_{jt}\Big)
        - \sum_{t < g} \lambda_t \Big(\bar Y_{gt} - \sum_j \omega_j Y_{jt}\Big)

    for each cohort against the never treated; the cohorts are averaged by their treated
    unit-years.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    variance : {"placebo", "jackknife"}
        Controls treated at random (as many as are treated, which takes more controls than
        treated, and equal variances), or leaving out one unit at a time with the weights kept
        (at least two treated units per cohort).
    draws : int
        Placebo draws.
    seed : int
        Their seed; each draw has a stream of its own.
    alpha : float
        One minus the level.

    Returns
    -------
    SyntheticDiD
        Normal quantiles.

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.cohorts.check_cohorts`; if the panel is unbalanced,
        nobody is never treated, a cohort has fewer than two years before adoption, or the
        variance asked for cannot be had.

    References
    ----------
    Arkhangelsky, D. et al. (2021). Synthetic difference-in-differences. American Economic
    Review 111(12), algorithms 1, 3 and 4. Clarke, D. et al. (2023). Synthetic
    difference-in-differences estimation. IZA discussion paper 15907, section 2.4.
    """
    if variance not in {"placebo", "jackknife"}:
        raise InputError(f"{variance!r} is none of placebo, jackknife", field="variance")
    s = prepare(panel, cohort)
    if not s.observed.all():
        check_cohorts(panel, cohort)
    y0 = s.y[s.cohort == 0]
    sizes = [int((s.cohort == g).sum()) for g in s.cohorts]
    pres = [int((s.years < g).sum()) for g in s.cohorts]
    if min(pres) < 2:
        raise InputError(
            f"cohort {s.cohorts[0]} has one year before adoption; the weights need two",
            field="cohort",
        )
    n_treated = sum(sizes)
    if variance == "placebo" and len(y0) <= n_treated:
        raise InputError(
            f"the placebo variance needs more never-treated units ({len(y0)}) than treated "
            f"({n_treated})"
            + ("; the jackknife does not" if min(sizes) > 1 and len(y0) > 1 else ""),
            field="variance",
        )
    if variance == "jackknife" and (min(sizes) < 2 or len(y0) < 2):
        raise InputError(
            "the jackknife needs at least two units in every cohort and two never treated"
            + ("; the placebo variance does not" if len(y0) > n_treated else ""),
            field="variance",
        )
    shape = list(zip(pres, sizes, strict=True))
    blocks = [
        _weights(y0, s.y[s.cohort == g].mean(axis=0), pre, size, _noise(y0, pre))
        for g, (pre, size) in zip(s.cohorts, shape, strict=True)
    ]
    value = _total(blocks)
    if variance == "placebo":
        others, factor = _placebos(y0, blocks, draws, seed), 1.0
        text = f"placebo, {draws} draws, standard deviation with divisor B; normal quantiles"
    else:
        others = _leave_one_out(s, y0, blocks)
        factor = len(others) - 1.0
        text = f"jackknife (n−1)/n over {len(others)} units, weights kept; normal quantiles"
    totals = np.array([_total(b) for b in others])
    se = float(np.sqrt(factor) * totals.std())
    # untreated units whose change never varies leave rounding, which would reject anything
    floor = OUTCOME_ROUNDING * float(np.abs(s.y).max())
    se = se if se > floor else 0.0
    z = float(norm.ppf(1 - alpha / 2))
    by_time = _by_event_time(blocks)
    paths = np.array([list(_by_event_time(b).values()) for b in others])
    errors = np.sqrt(factor) * paths.std(axis=0)
    errors = np.where(errors > floor, errors, 0.0)
    scaled = np.abs(paths - (0 if variance == "placebo" else paths.mean(axis=0)))
    times, points = np.array(list(by_time)), np.array(list(by_time.values()))
    post = times >= 0
    # placebo paths are draws of the error itself; leave-one-out paths are not
    largest = (scaled[:, post] / np.where(errors[post] > 0, errors[post], 1)).max(axis=1)
    critical = (
        max(z, float(np.quantile(largest, 1 - alpha)))
        if variance == "placebo"
        else float(norm.ppf(1 - alpha / (2 * post.sum())))
    )
    how = "placebo draws" if variance == "placebo" else "Bonferroni"
    method = "synthetic difference-in-differences"
    carrying = [sum(b.size for b in blocks if 0 <= b.first + e < len(b.gap)) for e in times]
    names = np.array(s.units)[s.cohort == 0]
    statistic = value / se if se > 0 else None
    result = Estimate(
        term="att",
        estimate=value,
        conf_int=(value - z * se, value + z * se) if se > 0 else (-np.inf, np.inf),
        method=method,
        inference=variance,
        estimand="simple",
        std_error=se if se > 0 else None,
        statistic=statistic,
        p_value=None if statistic is None else float(2 * norm.sf(abs(statistic))),
        n_obs=s.n_obs,
        n_units=len(s.units),
        n_treated_units=n_treated,
        n_clusters=len(s.units),
        small_sample=text if se > 0 else f"{text}; no error can be estimated, nothing varies",
        alpha=alpha,
        seed=seed if variance == "placebo" else None,
        data_hash=s.data_hash,
        notes=s.notes,
    )
    event = EventStudy(
        event_time=tuple(times.tolist()),
        estimate=tuple(points.tolist()),
        std_error=tuple(errors.tolist()),
        conf_low=tuple((points - z * errors).tolist()),
        conf_high=tuple((points + z * errors).tolist()),
        band_low=tuple((points - critical * errors).tolist()),
        band_high=tuple((points + critical * errors).tolist()),
        n_treated=tuple(carrying),
        method=method,
        inference=f"{variance}, pointwise",
        band=f"{how} over the years after adoption, critical value {critical:.3f}",
        alpha=alpha,
        seed=result.seed,
        data_hash=s.data_hash,
        notes=s.notes,
    )
    return SyntheticDiD(
        result=result,
        event=event,
        unit_weights={
            int(g): pd.Series(b.omega, index=names)[b.omega > 0].sort_values(ascending=False)
            for g, b in zip(s.cohorts, blocks, strict=True)
        },
        time_weights={
            int(g): pd.Series(b.lam, index=s.years[: b.first])
            for g, b in zip(s.cohorts, blocks, strict=True)
        },
        draws=totals,
    )
