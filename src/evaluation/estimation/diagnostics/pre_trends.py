"""Pre-trends tested jointly: by Wald from influence functions, or by permutation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2

from evaluation.errors import InputError
from evaluation.estimation.diagnostics.event_coefficients import EventCoefficients
from evaluation.estimation.few_treated.auto import ENOUGH_UNITS
from evaluation.estimation.few_treated.contrasts import Contrasts
from evaluation.estimation.few_treated.permutation import max_statistic_p
from evaluation.language import p_value
from evaluation.results import Check

__all__ = [
    "PreTrendsTest",
    "pre_trends_permutation",
    "pre_trends_test_check",
    "pre_trends_wald",
]


@dataclass(frozen=True)
class PreTrendsTest:
    """A joint test that nothing differed before adoption.

    Parameters
    ----------
    statistic : float
        Wald's W, or the largest scaled deviation.
    df : int
        Coefficients tested.
    p_value : float
        Of the null that all are zero.
    inference : str
        ``"Wald"`` or ``"permutation"``.
    alpha : float
        Level of the check.
    n_treated_units : int
        Treated units.
    data_hash : str
        SHA-256 of the data, where known.
    notes : tuple of str
        What a reader must know.
    """

    statistic: float
    df: int
    p_value: float
    inference: str
    alpha: float
    n_treated_units: int
    data_hash: str = ""
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Return one row."""
        return pd.DataFrame([self.to_dict() | {"notes": "; ".join(self.notes)}])

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON."""
        return {
            "statistic": self.statistic,
            "df": self.df,
            "p_value": self.p_value,
            "inference": self.inference,
            "alpha": self.alpha,
            "n_treated_units": self.n_treated_units,
            "data_hash": self.data_hash,
            "notes": list(self.notes),
        }


def pre_trends_wald(e: EventCoefficients, *, alpha: float = 0.05) -> PreTrendsTest:
    r"""Test all coefficients before adoption jointly, :math:`W = b'V^{-1}b \sim \chi^2`.

    Parameters
    ----------
    e : EventCoefficients
        From influence functions; n_treated_units tells how far V can be trusted.
    alpha : float
        Level of the check made from it.

    Returns
    -------
    PreTrendsTest
        The base cancels: one-year steps and long differences give the same W.

    Raises
    ------
    InputError
        If the covariance matrix of the coefficients before adoption is singular: fewer treated
        units or cohorts than coefficients.

    Examples
    --------
    >>> e = EventCoefficients((-3, -2, 0), np.array([2.0, 1.0, 0.0]), np.eye(3))
    >>> pre_trends_wald(e).statistic
    5.0
    """
    b, v = e.beta[: e.n_pre], e.sigma[: e.n_pre, : e.n_pre]
    scale = np.sqrt(np.diag(v))
    if np.linalg.cond(v / np.outer(scale, scale)) > 1e12:
        raise InputError(
            f"the {e.n_pre} coefficients before adoption have a singular covariance matrix; test "
            "fewer of them, or by permutation",
            field="sigma",
        )
    w = float(b @ np.linalg.solve(v, b))
    notes = e.notes
    if 0 < e.n_treated_units < ENOUGH_UNITS:
        notes = (
            *notes,
            f"with {e.n_treated_units} treated units the covariance matrix is far too small and "
            "the test rejects too often; use the permutation test",
        )
    return PreTrendsTest(
        statistic=w,
        df=e.n_pre,
        p_value=float(chi2.sf(w, e.n_pre)),
        inference="Wald",
        alpha=alpha,
        n_treated_units=e.n_treated_units,
        data_hash=e.data_hash,
        notes=notes,
    )


def pre_trends_permutation(
    parts: Mapping[int, Contrasts], picks: np.ndarray, *, alpha: float = 0.05, data_hash: str = ""
) -> PreTrendsTest:
    """Test all years before adoption jointly by permutation.

    Parameters
    ----------
    parts : mapping of int to Contrasts
        From :func:`evaluation.estimation.few_treated.contrasts.event_contrasts`; event times
        from adoption on are left aside.
    picks : numpy.ndarray
        Shape (draws, slots): other assignments of the mechanism.
    alpha : float
        Level of the check made from it.
    data_hash : str
        SHA-256 of the data.

    Returns
    -------
    PreTrendsTest
        The statistic is the largest one-year step in placebo standard deviations.

    Raises
    ------
    InputError
        If there is no year before adoption with a step, or no other assignment.
    """
    before = {k: c for k, c in parts.items() if k < 0}
    if not before or not len(picks):
        raise InputError(
            "a step between two years before adoption and another assignment are needed",
            field="cohort",
        )
    largest, p, _ = max_statistic_p(before, picks)
    return PreTrendsTest(
        statistic=largest,
        df=len(before),
        p_value=p,
        inference="permutation",
        alpha=alpha,
        n_treated_units=len(next(iter(before.values())).slots),
        data_hash=data_hash,
    )


def pre_trends_test_check(found: PreTrendsTest) -> Check:
    """Ask whether the years before adoption differ; None where the test cannot be trusted."""
    shaky = found.inference == "Wald" and 0 < found.n_treated_units < ENOUGH_UNITS
    how_sv = "Waldtest" if found.inference == "Wald" else "permutationstest"
    how_en = "Wald test" if found.inference == "Wald" else "permutation test"
    sv = f"Gemensamt test av {found.df} förperioder, {how_sv}: {p_value(found.p_value, 'sv')}."
    en = f"Joint test of {found.df} pre-periods, {how_en}: {p_value(found.p_value, 'en')}."
    if shaky:
        sv += f" Med {found.n_treated_units} behandlade går det inte att lita på."
        en += f" With {found.n_treated_units} treated it cannot be trusted."
    return Check(
        "pre_trends_joint",
        None if shaky else found.p_value > found.alpha,
        sv,
        en,
        found.p_value,
        found.alpha,
    )
