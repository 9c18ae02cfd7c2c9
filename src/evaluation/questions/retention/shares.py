"""Retention from published counts: who is left after three years, with exact intervals."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from evaluation.data.observations import OBSERVED
from evaluation.errors import InputError
from evaluation.language import number, per_cent
from evaluation.results import Check

__all__ = ["LAG", "RECEIVED", "STAYED", "RetentionShares", "exact_interval", "retention_shares"]

STAYED, RECEIVED, LAG = "N00732", "N01986", 3


@dataclass(frozen=True, repr=False)
class RetentionShares:
    """Share of a year's received that is left three years later, by municipality.

    Parameters
    ----------
    table : pandas.DataFrame
        ``code``, ``cohort`` (year of reception), ``year``, ``received``, ``stayed``, ``share``
        (per cent), ``conf_low``, ``conf_high``, ``state``: ``observed``, ``suppressed``,
        ``missing``, ``nobody`` (none received) or ``over_100``.
    check : Check
        How many shares exceed 100 per cent.
    method, inference, estimand : str
        What was done.
    alpha : float
        One minus the level.
    """

    table: pd.DataFrame = field(repr=False)
    check: Check
    method: str
    inference: str
    estimand: str
    alpha: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per municipality and cohort."""
        return self.table.copy()

    def __repr__(self) -> str:
        return f"<RetentionShares, {len(self.table)} cohorts>"

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False, float_format=lambda v: f"{v:.2f}", border=0)


def exact_interval(
    stayed: np.ndarray, received: np.ndarray, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the exact binomial interval of each share, per cent (Clopper & Pearson 1934).

    With x of n, the bounds are the :math:`\alpha/2` quantile of Beta(x, n − x + 1) and the
    :math:`1 - \alpha/2` quantile of Beta(x + 1, n − x).

    Parameters
    ----------
    stayed, received : numpy.ndarray
        Shape (shares,): x and n.
    alpha : float
        One minus the level.

    Returns
    -------
    low, high : numpy.ndarray
        Shape (shares,), NaN where x exceeds n or n is zero.

    Examples
    --------
    >>> [b.round(2).tolist() for b in exact_interval(np.array([0.0]), np.array([10.0]), 0.05)]
    [[0.0], [30.85]]
    """
    from statsmodels.stats.proportion import proportion_confint

    low, high = np.full(len(stayed), np.nan), np.full(len(stayed), np.nan)
    inside = (received > 0) & (stayed <= received)
    ends = proportion_confint(stayed[inside], received[inside], alpha, method="beta")
    low[inside], high[inside] = 100 * np.asarray(ends[0]), 100 * np.asarray(ends[1])
    return low, high


def retention_shares(observations: pd.DataFrame, *, alpha: float = 0.05) -> RetentionShares:
    """Return N00732 of year t per N01986 of year t − 3, with exact binomial intervals.

    The two counts are published apart, and somebody of the cohort who was received elsewhere and
    moved in later is in the first and not in the second. A share over 100 per cent shows it: the
    value is kept, and it has no binomial interval. Shares below 100 may hold such persons too.

    Parameters
    ----------
    observations : pandas.DataFrame
        The tidy form, with both indicators, sex T.
    alpha : float
        One minus the level.

    Returns
    -------
    RetentionShares
        A suppressed count gives a suppressed share, never zero.

    Raises
    ------
    InputError
        If an indicator is not there, or a count is no whole number of at least zero.
    """
    if not 0 < alpha < 1:
        raise InputError(f"{alpha:g} must lie between 0 and 1", field="alpha")
    rows = observations[observations["sex"] == "T"]
    sides = {}
    for indicator, shift in ((STAYED, 0), (RECEIVED, LAG)):
        side = rows[rows["indicator"] == indicator]
        if side.empty:
            raise InputError(f"has no rows of {indicator} for sex T", field="indicator")
        v = side["value"].to_numpy(dtype=float, na_value=np.nan)
        with np.errstate(invalid="ignore"):
            bad = (v < 0) | (~np.isnan(v) & (v != np.floor(v)))
        if bad.any():
            one = side.iloc[int(bad.argmax())]
            raise InputError(
                f"{indicator} of {one['code']} in {one['year']} is {one['value']:g}; a count is a "
                "whole number of at least 0",
                field="value",
            )
        sides[indicator] = pd.DataFrame(
            {
                "code": side["code"].astype(str).to_numpy(),
                "year": side["year"].to_numpy(dtype=np.int64) + shift,
                "value": v,
                "state": side["state"].astype(str).to_numpy(),
            }
        )
    both = sides[STAYED].merge(
        sides[RECEIVED], on=["code", "year"], suffixes=("_stayed", "_received")
    )
    if both.empty:
        raise InputError(f"no year of {STAYED} has {RECEIVED} {LAG} years before", field="year")
    both = both.sort_values(["code", "year"], ignore_index=True)
    x, n = both["value_stayed"].to_numpy(), both["value_received"].to_numpy()
    states = both[["state_stayed", "state_received"]]
    state = np.where((states == OBSERVED).all(axis=1), "observed", "missing")
    state = np.where((states == "suppressed").any(axis=1), "suppressed", state)
    known = state == "observed"
    state = np.where(known & (n == 0), "nobody", state)
    state = np.where(known & (n > 0) & (x > n), "over_100", state)
    has_share = np.isin(state, ["observed", "over_100"])
    share = np.divide(100.0 * x, n, out=np.full(len(x), np.nan), where=has_share)
    low, high = exact_interval(np.where(state == "observed", x, np.nan), n, alpha)
    table = pd.DataFrame(
        {
            "code": both["code"],
            "cohort": both["year"] - LAG,
            "year": both["year"],
            "received": n,
            "stayed": x,
            "share": share,
            "conf_low": low,
            "conf_high": high,
            "state": state,
        }
    )
    over, of = int((state == "over_100").sum()), int(has_share.sum())
    part = over / max(of, 1)
    n_sv, n_en = number(of, "sv", 0), number(of, "en", 0)
    check = Check(
        "shares_over_100",
        over == 0,
        f"{over} av {n_sv} andelar är över 100 procent ({per_cent(part, 'sv', 1)}): täljaren "
        "rymmer personer som flyttat in efter mottagandet."
        if over
        else f"Ingen av {n_sv} andelar är över 100 procent.",
        f"{over} of {n_en} shares exceed 100 per cent ({per_cent(part, 'en', 1)}): the numerator "
        "holds persons who moved in after reception."
        if over
        else f"None of {n_en} shares exceeds 100 per cent.",
        float(over),
        0.0,
    )
    return RetentionShares(
        table=table,
        check=check,
        method=f"{STAYED}(t) / {RECEIVED}(t−{LAG})",
        inference="Clopper–Pearson, exact binomial",
        estimand="share of the received still in the kommun after three years, per cent",
        alpha=alpha,
    )
