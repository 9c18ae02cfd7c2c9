"""The specification curve, tested as one under the same assignments for every specification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import norm

from evaluation.errors import InputError
from evaluation.estimation.few_treated.permutation import tie
from evaluation.estimation.robustness.specifications import SpecificationGrid
from evaluation.language import Lang, number, p_value, per_cent
from evaluation.results import Check

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["JointTest", "SpecificationCurve", "specification_curve"]


@dataclass(frozen=True)
class JointTest:
    """One test of the whole curve.

    Parameters
    ----------
    name : str
        ``median``, ``share_dominant_sign``, ``share_significant`` (and of the dominant sign) or
        ``stouffer_z``.
    statistic : float
        For the real assignment.
    p_value : float
        Share of assignments, the real one included, whose curve is at least as extreme.
    """

    name: str
    statistic: float
    p_value: float


@dataclass(frozen=True)
class SpecificationCurve:
    """Every specification's estimate and p-value, and the tests of all of them together.

    Parameters
    ----------
    choices : tuple of dict
        What each specification chose, by dimension; sorted by estimate.
    estimate, p_value : tuple of float
        One per specification; the permutation p-value is two-sided.
    n_units, n_treated_units, n_obs : tuple of int
        The sample of each.
    null_low, null_high : tuple of float
        Bounds that hold ``1 - alpha`` of the placebo curves at each rank.
    joint : tuple of JointTest
        The curve as a whole.
    n_assignments : int
        Other assignments compared with the real one.
    inference : str
        The assignment mechanism.
    alpha : float
        Level of significance.
    seed : int
        Seed the assignments were drawn with.
    data_hash : str
        SHA-256 of the inputs.
    notes : tuple of str
        What a reader must know.
    """

    choices: tuple[dict[str, str], ...]
    estimate: tuple[float, ...]
    p_value: tuple[float, ...]
    n_units: tuple[int, ...]
    n_treated_units: tuple[int, ...]
    n_obs: tuple[int, ...]
    null_low: tuple[float, ...] = field(repr=False)
    null_high: tuple[float, ...] = field(repr=False)
    joint: tuple[JointTest, ...]
    n_assignments: int
    inference: str
    alpha: float = 0.05
    seed: int | None = None
    data_hash: str = ""
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Return one row per specification, from the smallest estimate to the largest."""
        import pandas as pd

        table = pd.DataFrame(list(self.choices))
        columns = ("estimate", "p_value", "n_units", "n_treated_units", "n_obs")
        for name in (*columns, "null_low", "null_high"):
            table[name] = list(getattr(self, name))
        return table

    def tests(self) -> pd.DataFrame:
        """Return one row per joint test."""
        import pandas as pd

        return pd.DataFrame([vars(t) for t in self.joint])

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "rows": self.tidy().to_dict("records"),
            "joint": [dict(vars(t)) for t in self.joint],
            "n_assignments": self.n_assignments,
            "inference": self.inference,
            "alpha": self.alpha,
            "seed": self.seed,
            "data_hash": self.data_hash,
            "notes": list(self.notes),
        }

    def check(self) -> Check:
        """Return whether the curve as a whole differs from no effect, by its median.

        Returns
        -------
        Check
            ``passed`` is None where the assignments are too few for the level.
        """
        by_name = {t.name: t for t in self.joint}
        median, sign = by_name["median"], by_name["share_dominant_sign"]
        significant = by_name["share_significant"]
        possible = 1 / (1 + self.n_assignments) <= self.alpha
        passed = median.p_value <= self.alpha if possible else None

        def text(lang: Lang) -> str:
            n = number(len(self.estimate), lang, 0)
            mid = number(median.statistic, lang, 2, sign=True)
            p = p_value(median.p_value, lang)
            same, sure = (per_cent(t.statistic, lang) for t in (sign, significant))
            if lang == "sv":
                verdict = {True: "skiljer sig från", False: "skiljer sig inte från"}
                end = (
                    f"kurvan som helhet {verdict[passed]} ingen effekt ({p})."
                    if passed is not None
                    else "tilldelningarna är för få för att pröva kurvan."
                )
                return (
                    f"Över {n} specifikationer är medianen {mid}, {same} har samma tecken och "
                    f"{sure} är signifikanta med det tecknet; {end}"
                )
            verdict = {True: "differs", False: "does not differ"}
            end = (
                f"the curve as a whole {verdict[passed]} from no effect ({p})."
                if passed is not None
                else "there are too few assignments to test the curve."
            )
            return (
                f"Over {n} specifications the median is {mid}, {same} have the same sign and "
                f"{sure} are significant with it; {end}"
            )

        return Check(
            "specification_curve", passed, text("sv"), text("en"), median.p_value, self.alpha
        )

    def plot(self, lang: Lang = "en") -> Figure:
        """Draw the curve: sorted estimates above, the choices behind each below.

        Parameters
        ----------
        lang : {"sv", "en"}
            Language of the labels; names of choices are the caller's own.

        Returns
        -------
        matplotlib.figure.Figure
            Two panels that share the horizontal axis.
        """
        from evaluation.estimation.robustness.curve_plot import draw

        return draw(self, lang)


def _joint_tests(values: np.ndarray, ordered: np.ndarray, alpha: float) -> tuple[JointTest, ...]:
    """Test the curve.

    ``values`` has shape (specifications, 1 + assignments), the real one first; ``ordered`` the
    transpose with each assignment's estimates sorted.
    """
    k, m = values.shape
    # the p-value that each assignment would have had, had it been the real one
    score = np.concatenate([[0.0], norm.isf(np.arange(1, m + 1) / m / 2)])
    limit = np.floor(alpha * m + 1e-9)
    up, down, up_sure, down_sure = (np.zeros(m, dtype=int) for _ in range(4))
    z = np.zeros(m)
    for row in values:
        size = np.abs(row)
        rank = _reached(size)
        sure = rank <= limit
        positive, negative = row > tie(row), row < -tie(row)
        up += positive
        down += negative
        up_sure += positive & sure
        down_sure += negative & sure
        z += np.sign(row) * score[rank]
    z /= np.sqrt(k)
    middle = (ordered[:, (k - 1) // 2] + ordered[:, k // 2]) / 2
    dominant = np.maximum(up, down) / k
    # where both signs are as common, the one with more significant estimates counts
    sure_share = (
        np.where(
            up > down,
            up_sure,
            np.where(down > up, down_sure, np.maximum(up_sure, down_sure)),
        )
        / k
    )

    def test(name: str, statistic: np.ndarray, value: float) -> JointTest:
        size = np.abs(statistic)
        reached = int((size[1:] >= size[0] - tie(size)).sum())
        return JointTest(name, value, (1 + reached) / m)

    return (
        test("median", middle, float(middle[0])),
        test("share_dominant_sign", dominant, float(dominant[0])),
        test("share_significant", sure_share, float(sure_share[0])),
        test("stouffer_z", z, float(z[0])),
    )


def _reached(size: np.ndarray) -> np.ndarray:
    """Return how many values are as large as each one, itself included."""
    ascending = np.sort(size)
    below = np.searchsorted(ascending, size - tie(size), side="left")
    count: np.ndarray = len(size) - below
    return count


def specification_curve(
    grid: SpecificationGrid,
    picks: np.ndarray,
    *,
    seed: int,
    mechanism: str,
    alpha: float = 0.05,
) -> SpecificationCurve:
    r"""Estimate every specification and test them together by permutation.

    Every assignment of the mechanism gives a whole curve, the specifications kept as they are.
    The real curve is compared with these by its median, by the share of estimates with the more
    common sign, by the share that is significant and has that sign, and by
    :math:`\sum_k z_k / \sqrt K` (Stouffer), :math:`z_k` being the signed normal score of the
    specification's permutation p-value. All four treat the real assignment like any other, so
    each test is exact under the mechanism, however the specifications depend on each other.

    Parameters
    ----------
    grid : SpecificationGrid
        From :func:`evaluation.estimation.robustness.specifications.specification_grid`.
    picks : numpy.ndarray
        Shape (assignments, slots): the other assignments, columns of ``grid.units`` in the order
        of ``grid.slots``.
    seed : int
        Seed they were drawn with.
    mechanism : str
        The assignment mechanism in words.
    alpha : float
        Level at which one specification is called significant.

    Returns
    -------
    SpecificationCurve
        Sorted by estimate. Assignments that leave some specification nothing to estimate
        are left out of all, which keeps the test exact given the rest; a note counts them.

    Raises
    ------
    InputError
        If the assignments have another shape or name units that are not there, or none can be
        used.

    References
    ----------
    Simonsohn, U., Simmons, J. & Nelson, L. (2020). Specification curve analysis. Nature Human
    Behaviour 4, 1208–1214.
    """
    picks = np.asarray(picks)
    if picks.ndim != 2 or picks.shape[1] != len(grid.slots):
        raise InputError(
            f"shape {picks.shape}; one row per assignment and {len(grid.slots)} columns, one per "
            "treated unit, are needed",
            field="picks",
        )
    if picks.size and (picks.min() < 0 or picks.max() >= len(grid.units)):
        raise InputError(
            f"an assignment names column {int(picks.max())}; there are {len(grid.units)} units",
            field="picks",
        )
    if not 0 < alpha < 1:
        raise InputError(f"{alpha} does not lie between 0 and 1", field="alpha")
    everything = np.vstack([np.asarray(grid.slots)[None, :], picks])
    values = np.vstack([b.evaluate(everything) for b in grid.blocks])
    choices = [dict(c) for b in grid.blocks for c in b.choices]
    counts = [n for b in grid.blocks for n in b.counts]
    whole = np.isfinite(values).all(axis=0)
    notes = []
    if not whole[0]:
        which = int(np.flatnonzero(~np.isfinite(values[:, 0]))[0])
        raise InputError(
            f"{', '.join(choices[which].values())}: no estimate for the real assignment",
            field="specifications",
        )
    if not whole.all():
        values = values[:, whole]
        notes.append(
            f"{int((~whole).sum())} of {len(picks)} assignments leave some specification nothing "
            "to estimate and are not compared"
        )
    if values.shape[1] < 2:
        raise InputError("no other assignment can be compared with the real one", field="picks")
    # a copy in any case: where the transpose is contiguous already, sorting would disorder values
    ordered = values.T.copy(order="C")
    ordered.sort(axis=1)
    joint = _joint_tests(values, ordered, alpha)
    low, high = np.quantile(ordered[1:], [alpha / 2, 1 - alpha / 2], axis=0)
    real = values[:, 0]
    p = [_real_p(row) for row in values]
    distinct = len(np.unique(np.round(real / max(float(np.abs(real).max()), 1e-300), 10)))
    if distinct < len(real):
        notes.append(
            f"{len(real)} specifications give {distinct} different estimates: some choices are "
            "the same thing for this design and count more than once"
        )
    order = np.argsort(real, kind="stable")

    def numbers(column: Sequence[float] | np.ndarray) -> tuple[float, ...]:
        return tuple(float(v) for v in np.asarray(column))

    n_units, n_treated, n_obs = (tuple(counts[i][j] for i in order) for j in range(3))
    return SpecificationCurve(
        choices=tuple(choices[i] for i in order),
        estimate=numbers(real[order]),
        p_value=numbers(np.array(p)[order]),
        n_units=n_units,
        n_treated_units=n_treated,
        n_obs=n_obs,
        null_low=numbers(low),
        null_high=numbers(high),
        joint=joint,
        n_assignments=values.shape[1] - 1,
        inference=f"permutation: {mechanism}",
        alpha=alpha,
        seed=seed,
        data_hash=grid.data_hash,
        notes=tuple(notes),
    )


def _real_p(row: np.ndarray) -> float:
    """Return the p-value of the first of a specification's estimates."""
    size = np.abs(row)
    return float((size >= size[0] - tie(size)).mean())
