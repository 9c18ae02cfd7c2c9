"""What a reader must know of the sample behind a regression."""

from __future__ import annotations

import numpy as np

from evaluation.estimation.regression.formula import ModelRows
from evaluation.estimation.regression.least_squares import LeastSquares
from evaluation.language import number
from evaluation.results import Check

__all__ = ["ENOUGH_CLUSTERS", "sample_checks"]

ENOUGH_CLUSTERS = 8  # effective; below it sandwich errors are known to be too short
PLAIN = (
    "; vanliga klustrade fel är då för korta, se cr2, eller evaluation estimate --inference auto",
    "; clustered errors are too short then, see cr2, or evaluation estimate --inference auto",
)
CORRECTED = (
    "; felen är rättade för det, men evaluation estimate --inference auto är då säkrare",
    "; the errors are corrected for it, but evaluation estimate --inference auto is safer then",
)
ADVICE = {
    "cr2": CORRECTED,
    "cr3": CORRECTED,
    "wild": (
        "; bootstrapen förkastar då för sällan (med nollhypotesen pålagd) eller för ofta, "
        "se evaluation estimate --inference auto",
        "; the bootstrap then rejects too rarely (restricted) or too often (unrestricted), "
        "see evaluation estimate --inference auto",
    ),
}


def _rows_used(rows: ModelRows) -> Check:
    total = len(rows.y) + rows.n_left_out
    which = ", ".join(f"{c} {n}" for c, n in rows.left_out.items())
    return Check(
        "rows_used",
        rows.n_left_out == 0,
        f"{rows.n_left_out} av {total} rader utelämnade"
        + (f" för att ett värde saknas ({which})." if which else "."),
        f"{rows.n_left_out} of {total} rows left out"
        + (f" because a value is missing ({which})." if which else "."),
        float(rows.n_left_out),
        0.0,
    )


def _balanced(rows: ModelRows) -> Check:
    counts = np.bincount(rows.unit)
    gaps = int((counts < len(rows.years)).sum())
    single = int((counts == 1).sum())
    return Check(
        "balanced",
        gaps == 0,
        f"{gaps} av {len(rows.units)} enheter saknar något av {len(rows.years)} år"
        + (f"; {single} har bara ett år." if single else "."),
        f"{gaps} of {len(rows.units)} units lack some of the {len(rows.years)} periods; they are "
        "kept with the periods they have"
        + (f" ({single} with a single one, which unit effects make empty)." if single else "."),
        float(gaps),
        0.0,
    )


def _effective_clusters(fit: LeastSquares, cov: str) -> Check:
    terms = [j for j, name in enumerate(fit.names) if name != "Intercept"]
    effective = [1 / float((fit.leverages(j) ** 2).sum()) for j in terms]
    fewest = int(np.argmin(effective))
    name, value = fit.names[terms[fewest]], effective[fewest]
    enough = value >= ENOUGH_CLUSTERS
    advice_sv, advice = ("", "") if enough else ADVICE.get(cov, PLAIN)
    return Check(
        "effective_clusters",
        enough,
        f"{name} vilar på {number(value, 'sv', 1)} effektiva kluster av {fit.n_clusters}"
        f"{advice_sv}.",
        f"{name} rests on {number(value, 'en', 1)} effective clusters of {fit.n_clusters}{advice}.",
        value,
        float(ENOUGH_CLUSTERS),
    )


def sample_checks(rows: ModelRows, fit: LeastSquares, cov: str) -> tuple[Check, ...]:
    r"""Return checks of the rows left out, the gaps and the clusters that carry a coefficient.

    The effective number is :math:`1/\sum_g \ell_g^2`, with :math:`\ell_g` the share of the
    partialled-out regressor's sum of squares that lies in cluster g, for the coefficient where
    it is smallest.

    Parameters
    ----------
    rows : ModelRows
        The sample.
    fit : LeastSquares
        The fit.
    cov : str
        Kind of errors.

    Returns
    -------
    tuple of Check
        ``rows_used``, ``balanced``, and where errors go by clusters ``effective_clusters``.

    References
    ----------
    Carter, A., Schnepel, K. & Steigerwald, D. (2017). Asymptotic behavior of a t-test robust
    to cluster heterogeneity. Review of Economics and Statistics 99(4).
    """
    checks = [_rows_used(rows), _balanced(rows)]
    if cov not in ("robust", "unadjusted"):
        checks.append(_effective_clusters(fit, cov))
    return tuple(checks)
