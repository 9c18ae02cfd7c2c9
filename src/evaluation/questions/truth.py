"""A simulated plan's headlines beside the truth that they should find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evaluation.data.sources import Outcome
from evaluation.data.twin import Twin
from evaluation.questions.effect import OutcomeAnalysis

__all__ = ["Truth", "truths"]


@dataclass(frozen=True)
class Truth:
    """One headline and its truth.

    Parameters
    ----------
    outcome : str
        The outcome.
    estimate_key : str
        The headline's key among the finding's estimates.
    estimate, low, high : float
        The headline and its interval; infinite bounds are None.
    truth : float
        The mean of the treated municipalities' real effects over the years that the
        headline is a mean of, each municipality weighing as the estimand says.
    covered : bool or None
        Whether the interval covers the truth; None where there is no interval.
    """

    outcome: str
    estimate_key: str
    estimate: float
    low: float | None
    high: float | None
    truth: float
    covered: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return asdict(self)


def real_att(
    effect: np.ndarray,
    codes: Sequence[str],
    years: Sequence[int],
    first_years: Mapping[str, int],
    each: str,
    last_years: Mapping[str, int] | None = None,
) -> float:
    """Return the real average effect on those whom the analysis treats, in its treated years.

    Parameters
    ----------
    effect : numpy.ndarray
        Shape (codes, years): one outcome's real effects; NaN where nobody is counted.
    codes, years : sequence
        Its rows and columns.
    first_years : mapping of str to int
        First treated year by code.
    each : {"cohort", "simple"}
        Whether every municipality or every municipality-year weighs the same.
    last_years : mapping of str to int, optional
        Last treated year by code, where the treatment ended.

    Returns
    -------
    float
        In the outcome's unit.

    Examples
    --------
    >>> effect = np.array([[1.0, 3.0], [np.nan, 6.0]])
    >>> real_att(effect, ["a", "b"], [1, 2], {"a": 1, "b": 2}, "cohort")
    4.0
    >>> round(real_att(effect, ["a", "b"], [1, 2], {"a": 1, "b": 2}, "simple"), 4)
    3.3333
    """
    row, ends = {c: i for i, c in enumerate(codes)}, last_years or {}
    after = [
        effect[row[c], [j for j, y in enumerate(years) if first <= y <= ends.get(c, y)]]
        for c, first in first_years.items()
    ]
    if each == "cohort":
        return float(np.mean([np.nanmean(path) for path in after]))
    return float(np.nanmean(np.concatenate(after)))


def truths(
    twin: Twin, read: Mapping[str, Outcome], outcomes: Mapping[str, OutcomeAnalysis]
) -> tuple[Truth, ...]:
    """Compare every headline with the twin's truth.

    Parameters
    ----------
    twin : Twin
        Whose truth holds the real effects.
    read : mapping of str to Outcome
        The outcomes as read.
    outcomes : mapping of str to OutcomeAnalysis
        The outcomes as analysed.

    Returns
    -------
    tuple of Truth
        One per outcome, in their order.
    """
    found = []
    for name, o in outcomes.items():
        key, e = next(iter(o.finding.estimates.items()))
        panel, s = o.inference.panel, o.inference.settings
        effect = twin.truth.effect(read[name].entry, read[name].sex)
        shown = [j for j, y in enumerate(twin.truth.years) if y <= panel.years[-1]]
        truth = real_att(
            effect[:, shown],
            twin.truth.codes,
            [twin.truth.years[j] for j in shown],
            {t.code: t.first_year for t in o.inference.design.treated},
            s.estimand,
            o.inference.design.last_years,
        )
        low, high = e.conf_int
        found.append(
            Truth(
                name,
                key,
                e.estimate,
                low if np.isfinite(low) else None,
                high if np.isfinite(high) else None,
                truth,
                None if e.p_value is None else bool(low <= truth <= high),
            )
        )
    return tuple(found)
