"""Balance of covariates between the treated and their comparison group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.design.comparison.covariates import Split, plain_rows, split
from evaluation.errors import InputError
from evaluation.language import Lang, axis_decimals, number
from evaluation.results import Check

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Balance", "balance_table"]

Scale = Literal["pooled", "treated", "controls"]
_Array = npt.NDArray[np.float64]
_WORDS = {
    "sv": ("standardiserad skillnad i medelvärde", "före", "efter"),
    "en": ("standardised difference in means", "before", "after"),
}


@dataclass(frozen=True)
class Balance:
    """How alike the groups are on each covariate, before and after weighting.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per covariate: ``covariate``, ``mean_treated``, and, each ``_before`` (all
        controls, equal weights) and ``_after`` (weighted): ``mean`` of the controls, ``smd``,
        ``variance_ratio`` and ``ks``.
    scale : {"pooled", "treated", "controls"}
        Whose standard deviation the differences are measured in.
    n_treated, n_controls : int
        The sample.
    effective_size : float
        1 / Σ w² of the weights after.
    weighted : bool
        Whether weights were given; otherwise after equals before.
    data_hash : str
        SHA-256 of the covariates it was made from.
    """

    table: pd.DataFrame = field(repr=False)
    scale: Scale
    n_treated: int
    n_controls: int
    effective_size: float
    weighted: bool
    data_hash: str

    def tidy(self) -> pd.DataFrame:
        """Return one row per covariate."""
        return self.table.copy()

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON; a ratio that is not defined is None."""
        return {
            "rows": plain_rows(self.table),
            "scale": self.scale,
            "n_treated": self.n_treated,
            "n_controls": self.n_controls,
            "effective_size": self.effective_size,
            "weighted": self.weighted,
            "data_hash": self.data_hash,
        }

    def check(self, most: float = 0.1) -> Check:
        """Ask whether every standardised difference in means is small.

        Parameters
        ----------
        most : float
            The largest absolute difference allowed; 0.1 is the usual convention (Austin 2009,
            Statistics in Medicine 28, p. 3083).

        Returns
        -------
        Check
            With the largest absolute difference as statistic.

        Raises
        ------
        InputError
            If the limit is not above 0.
        """
        if not most > 0:
            raise InputError(f"must be above 0, not {most:g}", field="most")
        size = self.table["smd_after"].abs().to_numpy()
        worst = int(np.argmax(size))
        name, bad = self.table["covariate"][worst], int((size >= most).sum())
        value = self.table["smd_after"][worst]
        return Check(
            "balance",
            bad == 0,
            f"{bad} av {len(size)} kovariater skiljer minst {number(most, 'sv')} "
            f"standardavvikelser mellan grupperna; mest skiljer {name}, {number(value, 'sv')}.",
            f"{bad} of {len(size)} covariates differ by {number(most, 'en')} standard deviations "
            f"or more between the groups; {name} differs most, {number(value, 'en')}.",
            float(size[worst]),
            most,
        )

    def love_plot(self, ax: Axes | None = None, *, lang: Lang = "en", most: float = 0.1) -> Axes:
        """Draw every covariate's standardised difference, before and after.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new one otherwise.
        lang : {"sv", "en"}
            Language of the axis and of the legend.
        most : float
            Where the dotted lines stand on both sides of 0.

        Returns
        -------
        matplotlib.axes.Axes
            The axes drawn on, the covariates from the top in the table's order.
        """
        import matplotlib.pyplot as plt
        from matplotlib.ticker import FuncFormatter

        t = self.table
        if ax is None:
            _, ax = plt.subplots(figsize=(5.6, 1.2 + 0.3 * len(t)), layout="constrained")
        title, before, after = _WORDS[lang]
        at = np.arange(len(t))[::-1]
        if self.weighted:
            ax.hlines(at, t["smd_before"], t["smd_after"], color="#bcd4e6", lw=1.5)
            ax.plot(t["smd_before"], at, "o", mfc="white", color="#6c757d", label=before)
            ax.plot(t["smd_after"], at, "o", color="#1b4965", label=after)
            ax.legend(frameon=False)
        else:
            ax.plot(t["smd_before"], at, "o", color="#1b4965")
        ax.axvline(0, color="0.5", lw=0.8)
        for x in (-most, most):
            ax.axvline(x, color="0.5", lw=0.8, ls=":")
        ax.set_yticks(at, list(t["covariate"]))
        ax.set_ylim(-0.7, len(t) - 0.3)
        decimals = axis_decimals(*ax.get_xlim())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: number(v, lang, decimals)))
        ax.set_xlabel(title)
        return ax


def balance_table(
    table: pd.DataFrame,
    treated: Sequence[str],
    weights: pd.Series | None = None,
    *,
    covariates: Sequence[str] | None = None,
    scale: Scale | None = None,
) -> Balance:
    r"""Compare the groups on every covariate, before and after weighting.

    The standardised mean difference is :math:`(\bar x_1 - \bar x_{0})/s`, with s from the
    unweighted groups both before and after, so that weighting moves the difference and not its
    unit (Stuart 2010, Statistical Science 25, section 4.1): ``pooled``
    :math:`\sqrt{(s_1^2 + s_0^2)/2}` with divisors n − 1. The variance ratio is treated over
    controls and describes the groups as they stand (divisor: the sum of the weights). KS is the
    largest distance between the two distribution functions.

    Parameters
    ----------
    table : pandas.DataFrame
        Units in rows, from :func:`~evaluation.design.comparison.covariates.match_table`.
    treated : sequence of str
        Codes; all other rows are controls. After a matching that dropped treated units give
        ``matching.treated``, and leave the dropped out of the table.
    weights : pandas.Series, optional
        Weight by control, from a :class:`Matching` or an :class:`EntropyBalance`; a control
        without one weighs 0.
    covariates : sequence of str, optional
        By default every column of numbers.
    scale : {"pooled", "treated", "controls"}, optional
        Whose standard deviation to measure in; ``pooled``, or ``controls`` if one unit is
        treated, which has no standard deviation.

    Returns
    -------
    Balance
        The table, with ``check()`` and ``love_plot()``.

    Raises
    ------
    InputError
        If a weight is negative or of no control, all are 0, or the scale is 0 for a covariate;
        or as :func:`~evaluation.design.comparison.covariates.split`.

    Examples
    --------
    >>> table = pd.DataFrame({"x": [3.0, 5.0, 1.0, 3.0]}, index=list("abcd"))
    >>> found = balance_table(table, ["a", "b"], pd.Series({"d": 1.0}))
    >>> found.table[["smd_before", "smd_after"]].round(4).to_dict("records")
    [{'smd_before': 1.4142, 'smd_after': 0.7071}]
    """
    parts = split(table, treated, covariates)
    scale = scale or ("pooled" if len(parts.treated) > 1 else "controls")
    sd = _scale(parts, scale)
    n0 = len(parts.controls)
    flat = np.full(n0, 1 / n0)
    w = flat if weights is None else _weights(weights, parts)
    x1, x0 = parts.x_treated, parts.x_controls
    m1, v1 = x1.mean(axis=0), x1.var(axis=0)
    columns: dict[str, object] = {"covariate": list(parts.covariates), "mean_treated": m1}
    for when, q in (("before", flat), ("after", w)):
        m0 = q @ x0
        v0 = q @ (x0 - m0) ** 2
        ratio = np.full(len(m0), np.nan)
        np.divide(v1, v0, out=ratio, where=v0 > 0)
        columns |= {
            f"mean_{when}": m0,
            f"smd_{when}": (m1 - m0) / sd,
            f"variance_ratio_{when}": ratio,
            f"ks_{when}": _ks(x1, x0, q),
        }
    return Balance(
        pd.DataFrame(columns),
        scale,
        len(parts.treated),
        n0,
        float(1 / (w @ w)),
        weights is not None,
        parts.data_hash,
    )


def _scale(parts: Split, scale: Scale) -> _Array:
    wanted = {"pooled": 2, "treated": 1, "controls": 0}
    if scale not in wanted:
        raise InputError(f"must be one of {', '.join(wanted)}, not {scale!r}", field="scale")
    groups = {"treated": [parts.x_treated], "controls": [parts.x_controls]}
    used = groups.get(scale, [parts.x_treated, parts.x_controls])
    if any(len(x) < 2 for x in used):
        raise InputError(
            "a group of one unit has no standard deviation; use the other group's", field="scale"
        )
    variance = np.mean([x.var(axis=0, ddof=1) for x in used], axis=0)
    largest = np.max([np.abs(x).max(axis=0) for x in used], axis=0)
    sd = np.sqrt(variance)
    if (sd <= 1e-12 * largest).any():
        raise InputError(
            f"does not vary among the units of the scale ({scale}); leave it out",
            field=parts.covariates[int(np.argmax(sd <= 1e-12 * largest))],
        )
    return np.asarray(sd)


def _weights(weights: pd.Series, parts: Split) -> _Array:
    known = set(parts.controls)
    stranger = [str(c) for c in weights.index if c not in known]
    if stranger:
        raise InputError(f"unit {stranger[0]} has a weight but is no control", field="weights")
    if weights.index.has_duplicates:
        who = weights.index[weights.index.duplicated()][0]
        raise InputError(f"unit {who} has two weights", field="weights")
    w = weights.reindex(list(parts.controls), fill_value=0.0).to_numpy(dtype=float)
    if not np.isfinite(w).all() or (w < 0).any():
        who = parts.controls[int(np.argmax(~np.isfinite(w) | (w < 0)))]
        raise InputError(f"control {who} has no weight of 0 or above", field="weights")
    if not w.sum() > 0:
        raise InputError("no control has a weight above 0", field="weights")
    scaled: _Array = w / w.sum()
    return scaled


def _ks(x1: _Array, x0: _Array, w: _Array) -> _Array:
    """Return the largest distance between the two distribution functions, by covariate."""
    out = np.empty(x1.shape[1])
    for k in range(x1.shape[1]):
        grid = np.unique(np.concatenate([x1[:, k], x0[:, k]]))
        f1 = np.searchsorted(np.sort(x1[:, k]), grid, side="right") / len(x1)
        order = np.argsort(x0[:, k], kind="stable")
        reached = np.concatenate([[0.0], np.cumsum(w[order])])
        f0 = reached[np.searchsorted(x0[order, k], grid, side="right")]
        out[k] = np.abs(f1 - f0).max()
    return out
