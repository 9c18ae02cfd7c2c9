"""Result types shared by every room; they import nothing else of the project.

``tidy()`` is the one truth: summaries, tables, figures and exports read from it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Check", "Estimate", "EventStudy", "Finding", "GroupTime"]


def _frame(rows: Any, **kw: Any) -> pd.DataFrame:
    """Make a table; pandas is imported when the first one is needed."""
    import pandas as pd

    return pd.DataFrame(rows, **kw)


def _html(table: pd.DataFrame) -> str:
    """Write a table for a notebook, with few enough decimals to be the same on every machine."""
    return table.to_html(index=False, float_format=lambda v: f"{v:.4f}", na_rep="–", border=0)


class _Shown(ABC):
    """Shows itself in a notebook as its tidy table."""

    @abstractmethod
    def tidy(self) -> pd.DataFrame:
        """Return the content as a table; everything else reads from it."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {len(self.tidy())} rows>"

    def _repr_html_(self) -> str:
        return _html(self.tidy())


def _finite(value: float | None) -> float | None:
    """Give None for what JSON cannot carry (infinite bounds, undefined errors)."""
    if value is None or not math.isfinite(value):
        return None
    return float(value)


def _plain_rows(table: pd.DataFrame) -> list[dict[str, float | int | None]]:
    """Give a table's rows as plain numbers, whole ones as int."""
    return [
        {str(k): _finite(v) if isinstance(v, float) else int(v) for k, v in row.items()}
        for row in table.to_dict("records")
    ]


@dataclass(frozen=True, repr=False)
class Estimate(_Shown):
    """One number with everything needed to judge and to repeat it.

    Parameters
    ----------
    term : str
        What was estimated, for example ``"att"``.
    estimate : float
        The point estimate, in the outcome's unit.
    conf_int : tuple of float
        Lower and upper bound at level ``1 - alpha``. A bound that the design cannot
        give is infinite.
    method : str
        The estimator.
    inference : str
        How the interval and the p-value were made.
    estimand : str
        Which aggregate or coefficient the number is; «overall ATT» is not one name.
    std_error : float, optional
        Absent where the inference has none (permutation).
    statistic : float, optional
        The test statistic; for permutation the estimate itself.
    p_value : float, optional
        Two-sided, null of no effect. Absent where no valid test exists.
    n_obs, n_units, n_treated_units, n_clusters : int
        The sample.
    small_sample : str
        The finite-sample convention, in words.
    alpha : float
        One minus the level of ``conf_int``.
    seed : int, optional
        Seed of the draws, where there were any.
    data_hash : str
        SHA-256 of the data the number was computed from.
    notes : tuple of str
        What a reader must know.

    Examples
    --------
    >>> e = Estimate(term="att", estimate=1.0, conf_int=(0.0, 2.0), method="cs",
    ...              inference="analytic", estimand="simple", std_error=0.5,
    ...              n_obs=10, n_units=5, n_treated_units=2, n_clusters=5)
    >>> e.interval()
    (0.0, 2.0)
    >>> e.interval(alpha=0.1)
    Traceback (most recent call last):
    ...
    ValueError: the interval was computed at alpha = 0.05; fit again with alpha = 0.1
    """

    term: str
    estimate: float
    conf_int: tuple[float, float]
    method: str
    inference: str
    estimand: str
    n_obs: int
    n_units: int
    n_treated_units: int
    n_clusters: int
    std_error: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    small_sample: str = ""
    alpha: float = 0.05
    seed: int | None = None
    data_hash: str = ""
    notes: tuple[str, ...] = ()

    def interval(self, alpha: float | None = None) -> tuple[float, float]:
        """Return the interval, refusing any other level than the fitted one.

        Parameters
        ----------
        alpha : float, optional
            The level asked for; None asks for the fitted one.

        Returns
        -------
        tuple of float
            Lower and upper bound.

        Raises
        ------
        ValueError
            If ``alpha`` differs from the fitted one.
        """
        if alpha is not None and alpha != self.alpha:
            raise ValueError(
                f"the interval was computed at alpha = {self.alpha}; fit again with alpha = {alpha}"
            )
        return self.conf_int

    def tidy(self) -> pd.DataFrame:
        """Return one row with the quintet and its provenance."""
        row = self.to_dict()
        row["conf_low"], row["conf_high"] = row.pop("conf_int")
        row["notes"] = "; ".join(self.notes)
        for key in ("std_error", "statistic", "p_value", "conf_low", "conf_high"):
            row[key] = math.nan if row[key] is None else row[key]
        return _frame([row])

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON; an infinite bound or undefined error is None."""
        out = asdict(self)
        out["conf_int"] = [_finite(b) for b in self.conf_int]
        for key in ("estimate", "std_error", "statistic", "p_value"):
            out[key] = _finite(out[key])
        out["notes"] = list(self.notes)
        return out

    def summary(self) -> str:
        """Return the result as text for people."""
        low, high = self.conf_int
        level = f"{100 * (1 - self.alpha):g} % interval"
        bounds = f"{level} [{low:.4f}, {high:.4f}]" if low > -math.inf or high < math.inf else ""
        lines = [
            f"{self.term} ({self.estimand}), {self.method}",
            f"  estimate {self.estimate:.4f}   {bounds or f'no {level}'} ({self.inference})",
        ]
        if self.std_error is not None:
            lines.append(f"  standard error {self.std_error:.4f}   {self.small_sample}")
        if self.p_value is not None:
            lines.append(f"  p = {self.p_value:.4f}" if self.p_value >= 1e-4 else "  p < 0.0001")
        lines.append(
            f"  {self.n_obs} observations, {self.n_units} units, "
            f"{self.n_treated_units} treated, {self.n_clusters} clusters"
        )
        lines.extend(f"  note: {n}" for n in self.notes)
        return "\n".join(lines)

    __str__ = summary

    def __repr__(self) -> str:
        return f"<Estimate {self.term} ({self.estimand}): {self.estimate:.4f}>"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the estimate with its interval.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new one otherwise.

        Returns
        -------
        matplotlib.axes.Axes
            The axes drawn on.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(5, 1.6), layout="constrained")
        low, high = self.conf_int
        ax.plot([low, high], [0, 0], color="#1b4965", lw=2)
        ax.plot([self.estimate], [0], "o", color="#1b4965")
        ax.axvline(0, color="0.6", lw=0.8)
        ax.set_yticks([])
        ax.set_xlabel(f"{self.term} ({self.estimand}), {self.inference}")
        return ax

    def _repr_html_(self) -> str:
        keep = ["term", "estimand", "method", "inference", "estimate", "std_error"]
        table = self.tidy()[[*keep, "p_value", "conf_low", "conf_high", "n_units"]]
        return _html(table)

    @property
    def __maketables_coef_table__(self) -> pd.DataFrame:
        named = {"estimate": "b", "std_error": "se", "statistic": "t", "p_value": "p"}
        return self.tidy().set_index("term")[list(named)].rename(columns=named)

    def __maketables_stat__(self, key: str) -> object | None:
        return {"N": self.n_obs, "n_units": self.n_units, "n_treated": self.n_treated_units}.get(
            key
        )

    @property
    def __maketables_depvar__(self) -> str:
        return self.term

    @property
    def __maketables_vcov_info__(self) -> dict[str, str]:
        return {"vcov_type": self.inference, "small_sample": self.small_sample}


@dataclass(frozen=True, repr=False)
class EventStudy(_Shown):
    """Effects by time since adoption, with pointwise and simultaneous bands.

    Parameters
    ----------
    event_time : tuple of int
        Years since adoption; negative values are before it.
    estimate, std_error : tuple of float
        One value per event time.
    conf_low, conf_high : tuple of float
        Pointwise bounds.
    band_low, band_high : tuple of float
        Simultaneous bounds: all event times are covered at once.
    n_treated : tuple of int
        How many treated units carry each event time.
    method, inference, band : str
        The estimator, how pointwise bounds and how the band were made.
    alpha : float
        One minus the level.
    seed : int, optional
        Seed of the draws behind the band.
    data_hash : str
        SHA-256 of the data.
    notes : tuple of str
        What a reader must know.
    """

    event_time: tuple[int, ...]
    estimate: tuple[float, ...]
    std_error: tuple[float, ...]
    conf_low: tuple[float, ...]
    conf_high: tuple[float, ...]
    band_low: tuple[float, ...]
    band_high: tuple[float, ...]
    n_treated: tuple[int, ...]
    method: str
    inference: str
    band: str
    alpha: float = 0.05
    seed: int | None = None
    data_hash: str = ""
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Return one row per event time."""
        columns = {k: list(v) for k, v in vars(self).items() if isinstance(v, tuple)}
        del columns["notes"]
        return _frame(columns)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "rows": _plain_rows(self.tidy()),
            "method": self.method,
            "inference": self.inference,
            "band": self.band,
            "alpha": self.alpha,
            "seed": self.seed,
            "data_hash": self.data_hash,
            "notes": list(self.notes),
        }

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw points, pointwise intervals and the simultaneous band.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new one otherwise.

        Returns
        -------
        matplotlib.axes.Axes
            The axes drawn on.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
        t = self.tidy()
        ax.fill_between(t.event_time, t.band_low, t.band_high, color="#bcd4e6", alpha=0.6, lw=0)
        ax.vlines(t.event_time, t.conf_low, t.conf_high, color="#1b4965", lw=1.5)
        ax.plot(t.event_time, t.estimate, "o", color="#1b4965")
        ax.axhline(0, color="0.5", lw=0.8)
        ax.axvline(-0.5, color="0.5", lw=0.8, ls=":")
        ax.set_xlabel("event time")
        return ax


@dataclass(frozen=True, repr=False)
class GroupTime(_Shown):
    """Group-time average effects ATT(g, t) with their influence functions kept.

    With the influence functions at hand every aggregation is a matrix product, so
    nothing is fitted again.

    Parameters
    ----------
    cohort, period : tuple of int
        The cell: first treated year and calendar year.
    estimate, std_error : tuple of float
        ATT(g, t) and its analytic standard error.
    influence : numpy.ndarray
        Shape (units, cells), scaled so that the standard error of a weighted sum of
        cells is the Euclidean norm of the same weighted sum of columns (within clusters).
    unit_cohort : numpy.ndarray
        Shape (units,): each unit's first treated year, 0 for never treated.
    method, control_group : str
        Estimator and comparison group.
    n_obs : int
        Unit-years used.
    alpha : float
        One minus the level.
    data_hash : str
        SHA-256 of the data.
    notes : tuple of str
        What a reader must know, dropped units among it.
    shares : {"estimated", "fixed"}
        Whether the error of an aggregate counts that the cells' weights are estimated.
    weight, cluster : numpy.ndarray, optional
        What each unit weighs in an aggregate, shape (units,) or (units, cells), one each
        without it; and its cluster, shape (units,), its own without it.
    small_sample, degrees_of_freedom : str, float, optional
        The convention (a factor is in the influence functions); df of t, else normal.
    """

    cohort: tuple[int, ...]
    period: tuple[int, ...]
    estimate: tuple[float, ...]
    std_error: tuple[float, ...]
    influence: np.ndarray = field(repr=False, compare=False)
    unit_cohort: np.ndarray = field(repr=False, compare=False)
    method: str
    control_group: str
    n_obs: int
    alpha: float = 0.05
    data_hash: str = ""
    notes: tuple[str, ...] = ()
    shares: str = "estimated"
    weight: np.ndarray | None = field(default=None, repr=False, compare=False)
    cluster: np.ndarray | None = field(default=None, repr=False, compare=False)
    small_sample: str = "none (influence function, divisor n, normal quantiles)"
    degrees_of_freedom: float | None = None

    def tidy(self) -> pd.DataFrame:
        """Return one row per cell."""
        names = ("cohort", "period", "estimate", "std_error")
        return _frame({name: list(getattr(self, name)) for name in names})

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON, without the influence functions."""
        return {
            "rows": _plain_rows(self.tidy()),
            "method": self.method,
            "control_group": self.control_group,
            "alpha": self.alpha,
            "data_hash": self.data_hash,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, repr=False)
class Check(_Shown):
    """A yes or no about the analysis; it is not an estimate and has no interval.

    Parameters
    ----------
    name : str
        Stable identifier.
    passed : bool or None
        None when the data cannot answer.
    text_sv, text_en : str
        One sentence each, made from the numbers.
    statistic, threshold : float, optional
        What was compared with what.

    Examples
    --------
    >>> Check("few_treated", False, "4 av 290.", "4 of 290.", 4.0, 8.0).passed
    False
    """

    name: str
    passed: bool | None
    text_sv: str
    text_en: str
    statistic: float | None = None
    threshold: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        out = asdict(self)
        for key in ("statistic", "threshold"):
            out[key] = _finite(out[key])
        return out

    def tidy(self) -> pd.DataFrame:
        """Return one row."""
        return _frame([self.to_dict()])


@dataclass(frozen=True, repr=False)
class Finding(_Shown):
    """A question's answer in plain language, with what it rests on.

    Parameters
    ----------
    question : str
        Identifier of the question.
    estimates : mapping of str to Estimate
        The numbers, the headline first.
    checks : sequence of Check
        What was asked of the analysis.
    sentence_sv, sentence_en : str
        The answer, made from the numbers.
    grade : str
        ``"strong"``, ``"moderate"``, ``"weak"`` or ``"very weak"``.
    grade_reason_sv, grade_reason_en : str
        Why that grade.
    """

    question: str
    estimates: Mapping[str, Estimate]
    checks: Sequence[Check]
    sentence_sv: str
    sentence_en: str
    grade: str
    grade_reason_sv: str
    grade_reason_en: str

    def tidy(self) -> pd.DataFrame:
        """Return one row per estimate, keyed."""
        rows = [e.tidy().iloc[0].to_dict() | {"key": k} for k, e in self.estimates.items()]
        return _frame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "question": self.question,
            "estimates": {k: e.to_dict() for k, e in self.estimates.items()},
            "checks": [c.to_dict() for c in self.checks],
            "sentence_sv": self.sentence_sv,
            "sentence_en": self.sentence_en,
            "grade": self.grade,
            "grade_reason_sv": self.grade_reason_sv,
            "grade_reason_en": self.grade_reason_en,
        }

    def __str__(self) -> str:
        return f"{self.sentence_en}\nEvidence: {self.grade}. {self.grade_reason_en}"
