r"""What the two-way fixed-effects coefficient is made of: Goodman-Bacon (2021).

On a balanced panel β is a weighted mean of two-by-two comparisons of one cohort with another or
with the never treated, over the years in which only one of them is treated or changes. Where the
control is a cohort treated earlier, a growing effect enters with the wrong sign.

With n_k the share of units in cohort k and :math:`\bar D_k` the share of years it is treated,

.. math::
    s_{kU} &\propto (n_k + n_U)^2\, n_{kU}(1 - n_{kU})\, \bar D_k (1 - \bar D_k) \\
    s^{k}_{k\ell} &\propto ((n_k + n_\ell)(1 - \bar D_\ell))^2\, n_{k\ell}(1 - n_{k\ell})\,
        \frac{\bar D_k - \bar D_\ell}{1 - \bar D_\ell}\,\frac{1 - \bar D_k}{1 - \bar D_\ell} \\
    s^{\ell}_{k\ell} &\propto ((n_k + n_\ell)\bar D_k)^2\, n_{k\ell}(1 - n_{k\ell})\,
        \frac{\bar D_\ell}{\bar D_k}\,\frac{\bar D_k - \bar D_\ell}{\bar D_k}

for k treated before ℓ and :math:`n_{k\ell} = n_k/(n_k + n_\ell)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.estimation.cohorts import check_cohorts
from evaluation.language import number, per_cent
from evaluation.results import Check

__all__ = ["BaconDecomposition", "bacon_check", "bacon_decomposition"]

NEVER = "treated against never treated"
EARLIER = "earlier against later treated"
LATER = "later against earlier treated"


@dataclass(frozen=True)
class BaconDecomposition:
    """The two-by-two comparisons behind the two-way fixed-effects coefficient.

    Parameters
    ----------
    kind : tuple of str
        ``"treated against never treated"``, ``"earlier against later treated"`` or ``"later
        against earlier treated"``.
    treated, control : tuple of int
        First treated years of the two groups; 0 for never.
    estimate : tuple of float
        The comparison's difference-in-differences, in the outcome's unit.
    weight : tuple of float
        Its weight; they sum to one.
    beta : float
        The two-way fixed-effects coefficient, the weighted sum.
    n_units, n_obs : int
        The sample.
    data_hash : str
        SHA-256 of the data.
    """

    kind: tuple[str, ...]
    treated: tuple[int, ...]
    control: tuple[int, ...]
    estimate: tuple[float, ...]
    weight: tuple[float, ...]
    beta: float
    n_units: int
    n_obs: int
    data_hash: str

    def tidy(self) -> pd.DataFrame:
        """Return one row per comparison."""
        columns = ("kind", "treated", "control", "estimate", "weight")
        return pd.DataFrame({c: list(getattr(self, c)) for c in columns})

    def by_kind(self) -> pd.DataFrame:
        """Return the weight and the mean estimate of each kind, columns ``weight, estimate``."""
        rows = self.tidy()
        rows["estimate"] *= rows["weight"]
        out = rows.groupby("kind")[["weight", "estimate"]].sum()
        out["estimate"] /= out["weight"]
        return out

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON."""
        return {
            "beta": self.beta,
            "rows": self.tidy().to_dict("records"),
            "n_units": self.n_units,
            "n_obs": self.n_obs,
            "data_hash": self.data_hash,
        }


def bacon_decomposition(panel: Panel, cohort: pd.Series) -> BaconDecomposition:
    """Decompose the two-way fixed-effects coefficient.

    Parameters
    ----------
    panel : Panel
        Balanced outcome; years may be missing for all.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.

    Returns
    -------
    BaconDecomposition
        The weighted sum equals
        :func:`evaluation.estimation.did.two_way.two_way_fixed_effects` to rounding.

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.cohorts.check_cohorts`.

    References
    ----------
    Goodman-Bacon, A. (2021). Difference-in-differences with variation in treatment timing.
    Journal of Econometrics 225(2), theorem 1.
    """
    g = check_cohorts(panel, cohort, gaps=True)
    years = np.array(panel.years)
    y = panel.values.to_numpy(dtype=float)
    names = [int(k) for k in np.unique(g)]
    share = {k: float((g == k).mean()) for k in names}
    on = {k: float((years >= k).mean()) if k else 0.0 for k in names}
    mean = {k: y[g == k].mean(axis=0) for k in names}
    cohorts = [k for k in names if k]
    rows: list[tuple[str, int, int, float, float]] = []

    def compare(
        kind: str, one: int, other: int, window: np.ndarray, after: np.ndarray, used: float
    ) -> None:
        """Compare two cohorts over a window in which only the first changes."""
        both = share[one] + share[other]
        part = share[one] / both
        late = float(after.sum() / window.sum())
        gap = mean[one] - mean[other]
        rows.append(
            (
                kind,
                one,
                other,
                float(gap[after].mean() - gap[window & ~after].mean()),
                (both * used) ** 2 * part * (1 - part) * late * (1 - late),
            )
        )

    whole = np.ones(len(years), dtype=bool)
    for k in cohorts:
        compare(NEVER, k, 0, whole, years >= k, 1.0)
        for later in (c for c in cohorts if c > k):
            compare(EARLIER, k, later, years < later, (years >= k) & (years < later), 1 - on[later])
            compare(LATER, later, k, years >= k, years >= later, on[k])
    raw = np.array([r[4] for r in rows])
    weight = raw / raw.sum()
    return BaconDecomposition(
        kind=tuple(r[0] for r in rows),
        treated=tuple(r[1] for r in rows),
        control=tuple(r[2] for r in rows),
        estimate=tuple(r[3] for r in rows),
        weight=tuple(float(w) for w in weight),
        beta=float(weight @ np.array([r[3] for r in rows])),
        n_units=len(g),
        n_obs=y.size,
        data_hash=panel.hash(),
    )


def bacon_check(found: BaconDecomposition, *, tolerated: float = 0.1) -> Check:
    """Ask how much of the regression coefficient compares with units already treated.

    Parameters
    ----------
    found : BaconDecomposition
        The decomposition.
    tolerated : float
        The largest share that passes.
    """
    kinds = found.by_kind()
    share = float(kinds["weight"].get(LATER, 0.0))
    sv = (
        f"{per_cent(share, 'sv', 1)} av regressionens {number(found.beta, 'sv')} kommer "
        "från jämförelser med redan aktiva kommuner"
    )
    en = (
        f"{per_cent(share, 'en', 1)} of the regression's {number(found.beta, 'en')} comes "
        "from comparisons with municipalities already active"
    )
    if share > 0:
        inner = float(kinds["estimate"][LATER])
        sv += f", som själva ger {number(inner, 'sv')}"
        en += f", which by themselves give {number(inner, 'en')}"
    return Check("bacon", share <= tolerated, f"{sv}.", f"{en}.", share, tolerated)
