"""Several outcomes at once, tested under the same assignments and adjusted three ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.errors import InputError
from evaluation.estimation.few_treated.contrasts import Contrasts
from evaluation.estimation.few_treated.permutation import placebo_estimates, tie
from evaluation.estimation.robustness.adjusted_p_values import (
    benjamini_hochberg,
    holm,
    on_one_scale,
    romano_wolf,
)
from evaluation.language import listed
from evaluation.results import Check

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MultipleTesting", "adjust_outcomes", "multiple_testing"]


@dataclass(frozen=True)
class MultipleTesting:
    """What is left of each outcome's significance once all outcomes are looked at.

    Parameters
    ----------
    outcome : tuple of str
        The family of hypotheses, one outcome each.
    statistic : tuple of float
        The estimate or the t-statistic that was tested, two-sided.
    p_value : tuple of float
        Not adjusted.
    holm, benjamini_hochberg, romano_wolf : tuple of float
        Adjusted p-values: the first and the third control the probability of a single false
        rejection, the second the expected share of false ones among the rejections.
    n_draws : int
        Draws that were compared, the real one not counted.
    inference : str
        How the draws were made.
    alpha : float
        Level of the tests.
    seed : int, optional
        Seed of the draws.
    data_hash : tuple of str
        SHA-256 of each outcome's data, where the caller knows them.
    """

    outcome: tuple[str, ...]
    statistic: tuple[float, ...]
    p_value: tuple[float, ...]
    holm: tuple[float, ...]
    benjamini_hochberg: tuple[float, ...]
    romano_wolf: tuple[float, ...]
    n_draws: int
    inference: str
    alpha: float = 0.05
    seed: int | None = None
    data_hash: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Return one row per outcome."""
        import pandas as pd

        columns = ("outcome", "statistic", "p_value", "holm", "benjamini_hochberg", "romano_wolf")
        return pd.DataFrame({c: list(getattr(self, c)) for c in columns})

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "rows": self.tidy().to_dict("records"),
            "n_draws": self.n_draws,
            "inference": self.inference,
            "alpha": self.alpha,
            "seed": self.seed,
            "data_hash": list(self.data_hash),
        }

    def check(self) -> Check:
        """Return whether every outcome that is significant alone stays so in the family.

        Returns
        -------
        Check
            ``passed`` is None where none is significant alone: there is nothing to lose.
        """
        alone = [o for o, p in zip(self.outcome, self.p_value, strict=True) if p <= self.alpha]
        kept = [o for o, p in zip(self.outcome, self.romano_wolf, strict=True) if p <= self.alpha]
        lost = [o for o in alone if o not in kept]
        total = len(self.outcome)
        if not alone:
            sv = f"Inget av {total} utfall är signifikant ens för sig."
            en = f"None of {total} outcomes is significant even by itself."
        else:
            sv = (
                f"{len(alone)} av {total} utfall är signifikanta var för sig, "
                f"{len(alone) - len(lost)} när alla prövas tillsammans (Romano–Wolf)"
                + (f"; {listed(lost, 'sv')} faller bort." if lost else ".")
            )
            en = (
                f"{len(alone)} of {total} outcomes are significant one by one, "
                f"{len(alone) - len(lost)} when all are tested together (Romano–Wolf)"
                + (f"; {listed(lost, 'en')} no longer." if lost else ".")
            )
        return Check(
            "multiple_testing",
            None if not alone else not lost,
            sv,
            en,
            float(len(alone) - len(lost)),
            float(len(alone)),
        )


def multiple_testing(
    outcome: Sequence[str],
    statistic: Sequence[float] | np.ndarray,
    draws: np.ndarray,
    *,
    inference: str,
    studentize: bool = True,
    alpha: float = 0.05,
    seed: int | None = None,
    data_hash: Sequence[str] = (),
) -> MultipleTesting:
    """Test a family of outcomes on joint draws, with all three adjustments.

    Parameters
    ----------
    outcome : sequence of str
        Names, shape (hypotheses,).
    statistic, draws, studentize
        As in :func:`evaluation.estimation.robustness.adjusted_p_values.romano_wolf`; the
        p-values that Holm and Benjamini–Hochberg adjust are those of the same draws.
    inference : str
        How the draws were made.
    alpha : float
        Level of the tests.
    seed : int, optional
        Seed of the draws.
    data_hash : sequence of str
        SHA-256 of each outcome's data.

    Returns
    -------
    MultipleTesting
        One row per outcome.

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.robustness.adjusted_p_values.romano_wolf`, or if the
        names do not fit.
    """
    real, drawn = on_one_scale(statistic, draws, studentize)
    names = tuple(str(o) for o in outcome)
    if len(names) != len(real) or len(set(names)) != len(names):
        raise InputError(
            f"{len(names)} names for {len(real)} statistics; one name of its own each is needed",
            field="outcome",
        )
    count = np.array([(drawn[:, k] >= real[k] - tie(drawn[:, k])).sum() for k in range(len(real))])
    p = (1 + count) / (1 + len(drawn))

    def plain(values: np.ndarray) -> tuple[float, ...]:
        return tuple(float(v) for v in values)

    return MultipleTesting(
        outcome=names,
        statistic=plain(np.asarray(statistic, dtype=float)),
        p_value=plain(p),
        holm=plain(holm(p)),
        benjamini_hochberg=plain(benjamini_hochberg(p)),
        romano_wolf=plain(romano_wolf(real, drawn, studentize=False)),
        n_draws=len(drawn),
        inference=inference,
        alpha=alpha,
        seed=seed,
        data_hash=tuple(data_hash),
    )


def adjust_outcomes(
    parts: Mapping[str, Contrasts],
    picks: np.ndarray,
    *,
    seed: int,
    mechanism: str,
    alpha: float = 0.05,
    data_hash: Sequence[str] = (),
) -> MultipleTesting:
    """Test the same aggregate of several outcomes by permutation, and adjust.

    Parameters
    ----------
    parts : mapping of str to Contrasts
        The aggregate's contrasts by outcome: same units, same treated units.
    picks : numpy.ndarray
        Shape (assignments, slots): the other assignments, the same for every outcome.
    seed : int
        Seed they were drawn with.
    mechanism : str
        The assignment mechanism in words.
    alpha : float
        Level of the tests.
    data_hash : sequence of str
        SHA-256 of each outcome's data.

    Returns
    -------
    MultipleTesting
        The unadjusted p-values are those of
        :func:`evaluation.estimation.few_treated.permutation.permutation_test`.

    Raises
    ------
    InputError
        If there is no outcome, or the outcomes differ in units or treated units.
    """
    if not parts:
        raise InputError("at least one outcome is needed", field="outcomes")
    first_name, first = next(iter(parts.items()))
    for name, c in parts.items():
        if c.units != first.units or c.slots != first.slots:
            raise InputError(
                f"{name} and {first_name} differ in units or in who is treated; joint draws need "
                "the same",
                field="outcomes",
            )
    return multiple_testing(
        tuple(parts),
        [c.estimate() for c in parts.values()],
        np.column_stack([placebo_estimates(c, c.d, picks) for c in parts.values()]),
        inference=f"permutation: {mechanism}",
        alpha=alpha,
        seed=seed,
        data_hash=data_hash,
    )
