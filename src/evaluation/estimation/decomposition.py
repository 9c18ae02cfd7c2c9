r"""What a difference between two groups is made of: composition and rates.

Kitagawa for shares in cells, Oaxaca–Blinder for regressions. Every part is a smooth function of
sums over clusters, so its error is that of its linearisation: with :math:`\psi_c` the influence of
cluster c,

.. math:: \widehat{\mathrm{Var}} = \frac{G}{G-1} \sum_{c=1}^{G} \psi_c^2

and t with G − 1 degrees of freedom.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.stats import t as student

from evaluation.errors import InputError
from evaluation.results import Estimate

__all__ = [
    "Decomposition",
    "check_counts",
    "estimate_parts",
    "gradient",
    "hash_of",
    "kitagawa",
    "kitagawa_parts",
    "oaxaca_blinder",
]

Parts = dict[str, Any]
_STEP = 1e-30


@dataclass(frozen=True)
class Decomposition:
    """A difference and its parts, which sum to it exactly.

    Parameters
    ----------
    method : str
        Which decomposition, and by which reference.
    estimates : dict of str to Estimate
        ``difference`` first, then its parts, each with its interval.
    """

    method: str
    estimates: dict[str, Estimate]

    def __getitem__(self, part: str) -> float:
        return self.estimates[part].estimate

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "method": self.method,
            "estimates": {k: e.to_dict() for k, e in self.estimates.items()},
        }


def estimate_parts(
    value: Mapping[str, float],
    influence: Mapping[str, np.ndarray],
    *,
    method: str,
    n_obs: int,
    n_units: int,
    n_treated: int = 0,
    alpha: float,
    data_hash: str,
    jackknife: int | None = None,
) -> dict[str, Estimate]:
    """Make estimates from values and the influence of each cluster on them.

    Parameters
    ----------
    value : mapping of str to float
        By part.
    influence : mapping of str to numpy.ndarray
        By part, shape (clusters,).
    method : str
        The decomposition.
    n_obs, n_units, n_treated : int
        Persons or rows, clusters, and treated clusters where there are any.
    alpha : float
        One minus the level.
    data_hash : str
        Of what it is made from.
    jackknife : int, optional
        Degrees of freedom, where the influences are jackknife differences, scaled already.
    """
    out = {}
    for part, number in value.items():
        psi = influence[part]
        g = len(psi)
        df = g - 1 if jackknife is None else jackknife
        se = float(np.sqrt((psi @ psi) * (g / (g - 1) if jackknife is None else 1)))
        half = float(student.ppf(1 - alpha / 2, df)) * se
        known = se > 1e-14 * max(1.0, abs(number))
        out[part] = Estimate(
            term=part,
            estimate=float(number),
            conf_int=(number - half, number + half) if known else (-np.inf, np.inf),
            method=method,
            inference="linearisation, clustered" if jackknife is None else "jackknife, clustered",
            estimand="share of persons",
            std_error=se if known else None,
            statistic=number / se if known else None,
            p_value=float(2 * student.sf(abs(number) / se, df)) if known else None,
            n_obs=n_obs,
            n_units=n_units,
            n_treated_units=n_treated,
            n_clusters=g,
            small_sample=(
                f"G/(G − 1), t with {df} degrees of freedom"
                if jackknife is None
                else f"each side by itself, t with {df} degrees of freedom"
            ),
            alpha=alpha,
            data_hash=data_hash,
        )
    return out


def gradient(f: Callable[[np.ndarray], Parts], at: np.ndarray) -> dict[str, np.ndarray]:
    """Return the gradient of every part by complex steps, exact to rounding.

    Parameters
    ----------
    f : callable
        From sums to parts; analytic, so that it takes complex numbers.
    at : numpy.ndarray
        The sums, any shape.

    Returns
    -------
    dict of str to numpy.ndarray
        By part, the shape of ``at``.

    References
    ----------
    Squire, W. & Trapp, G. (1998). Using complex variables to estimate derivatives of real
    functions. SIAM Review 40(1).

    Examples
    --------
    >>> gradient(lambda x: {"ratio": x[0] / x[1]}, np.array([1.0, 2.0]))["ratio"].tolist()
    [0.5, -0.25]
    """
    out: dict[str, np.ndarray] = {}
    for place in np.ndindex(at.shape):
        moved = at.astype(complex)
        moved[place] += 1j * _STEP
        for part, value in f(moved).items():
            out.setdefault(part, np.zeros(at.shape))[place] = value.imag / _STEP
    return out


def kitagawa_parts(persons: np.ndarray, successes: np.ndarray, fold: Literal[2, 3] = 2) -> Parts:
    r"""Split the difference of two groups' rates into composition and rates.

    .. math::
        \sum_k (c_{1k} - c_{2k}) \frac{r_{1k} + r_{2k}}{2}
        + \sum_k (r_{1k} - r_{2k}) \frac{c_{1k} + c_{2k}}{2}

    two-fold; three-fold :math:`\sum \Delta c\, r_2 + \sum \Delta r\, c_2 + \sum \Delta c \Delta r`.

    Parameters
    ----------
    persons, successes : numpy.ndarray
        Shape (2, categories): the two groups' counts.
    fold : {2, 3}
        Whether the interaction stands apart or is shared equally.

    Returns
    -------
    dict of str to float
        ``difference``, ``composition``, ``rates`` and, three-fold, ``interaction``; shares of one.

    References
    ----------
    Kitagawa, E. (1955). Components of a difference between two rates. JASA 50(272).

    Examples
    --------
    >>> n, s = np.array([[60, 40], [40, 60]]), np.array([[30, 10], [16, 12]])
    >>> {k: round(float(v), 3) for k, v in kitagawa_parts(n, s).items()}
    {'difference': 0.12, 'composition': 0.045, 'rates': 0.075}
    """
    share = persons / persons.sum(axis=1, keepdims=True)
    rate = successes / persons
    mix, change = share[0] - share[1], rate[0] - rate[1]
    out = {"difference": (share[0] * rate[0]).sum() - (share[1] * rate[1]).sum()}
    if fold == 2:
        return out | {
            "composition": (mix * (rate[0] + rate[1])).sum() / 2,
            "rates": (change * (share[0] + share[1])).sum() / 2,
        }
    return out | {
        "composition": (mix * rate[1]).sum(),
        "rates": (change * share[1]).sum(),
        "interaction": (mix * change).sum(),
    }


def kitagawa(
    persons: np.ndarray,
    successes: np.ndarray,
    *,
    fold: Literal[2, 3] = 2,
    categories: Sequence[str] = (),
    alpha: float = 0.05,
) -> Decomposition:
    """Decompose the difference of two groups' rates, with errors clustered by unit.

    Parameters
    ----------
    persons, successes : numpy.ndarray
        Shape (units, 2, categories): counts of the first and the second group.
    fold : {2, 3}
        As in :func:`kitagawa_parts`.
    categories : sequence of str, optional
        Names, for messages.
    alpha : float
        One minus the level.

    Returns
    -------
    Decomposition
        In percentage points.

    Raises
    ------
    InputError
        If a count is negative, there are more successes than persons, a category has nobody in
        one of the groups, or there are fewer than two units.
    """
    n, s = np.asarray(persons, dtype=float), np.asarray(successes, dtype=float)
    if fold not in (2, 3):
        raise InputError(f"{fold} must be 2 or 3", field="fold")
    if n.ndim != 3 or n.shape != s.shape or n.shape[1] != 2 or len(n) < 2:
        raise InputError(
            f"counts of two groups in two or more units are needed, shape (units, 2, categories), "
            f"found {n.shape}",
            field="persons",
        )
    check_counts(n, s)
    empty = np.argwhere(n.sum(axis=0) == 0)
    if len(empty):
        group, k = empty[0]
        name = categories[k] if len(categories) else f"{k + 1}"
        raise InputError(
            f"category {name}: nobody in the {('first', 'second')[group]} group, so it has no rate "
            "there; merge it with another",
            field="category",
        )

    def parts(x: np.ndarray) -> Parts:
        return {k: 100 * v for k, v in kitagawa_parts(x[0], x[1], fold).items()}

    each = np.stack([n, s], axis=1)
    slopes = gradient(parts, each.sum(axis=0))
    method = f"Kitagawa, {'two' if fold == 2 else 'three'}-fold"
    return Decomposition(
        method,
        estimate_parts(
            {k: float(v) for k, v in parts(each.sum(axis=0)).items()},
            {k: np.tensordot(each, g, axes=3) for k, g in slopes.items()},
            method=method,
            n_obs=int(n.sum()),
            n_units=len(n),
            alpha=alpha,
            data_hash=hash_of(n, s),
        ),
    )


def check_counts(persons: np.ndarray, successes: np.ndarray) -> None:
    """Refuse counts that cannot be: negative, not finite, or more successes than persons."""
    bad = ~(np.isfinite(persons) & np.isfinite(successes)) | (successes < 0)
    bad |= persons < successes
    if bad.any():
        at = tuple(np.argwhere(bad)[0])
        raise InputError(
            f"{successes[at]:g} successes of {persons[at]:g} persons; there must be from none to "
            "all of them",
            field="successes",
        )


def hash_of(*arrays: np.ndarray) -> str:
    """Return the SHA-256 of arrays of numbers."""
    h = hashlib.sha256()
    for a in arrays:
        h.update(repr(a.shape).encode())
        h.update(np.ascontiguousarray(a, dtype="<f8").tobytes())
    return h.hexdigest()


def _fit(x: np.ndarray, y: np.ndarray, w: np.ndarray, which: str) -> dict[str, np.ndarray]:
    """Fit one group: means, coefficients, and each row's influence on both."""
    total = w.sum()
    gram = (x * w[:, None]).T @ x
    if len(y) < x.shape[1] or np.linalg.matrix_rank(gram) < x.shape[1]:
        raise InputError(
            f"the covariates are collinear among the {which} group's rows; leave one out",
            field="x",
        )
    beta = np.linalg.solve(gram, (x * w[:, None]).T @ y)
    mean = w @ x / total
    return {
        "mean": mean,
        "beta": beta,
        "mean_psi": (x - mean) * w[:, None] / total,
        "beta_psi": np.linalg.solve(gram, (x * (w * (y - x @ beta))[:, None]).T).T,
    }


def oaxaca_blinder(
    y: np.ndarray,
    x: np.ndarray,
    first: np.ndarray,
    *,
    cluster: np.ndarray,
    weight: np.ndarray | None = None,
    fold: Literal[2, 3] = 2,
    reference: float = 0.5,
    alpha: float = 0.05,
) -> Decomposition:
    r"""Decompose the difference of two groups' means by two regressions.

    Two-fold, with :math:`\beta^* = \omega\beta_1 + (1 - \omega)\beta_2`:

    .. math::
        \bar y_1 - \bar y_2 = (\bar x_1 - \bar x_2)'\beta^*
        + \bar x_1'(\beta_1 - \beta^*) + \bar x_2'(\beta^* - \beta_2)

    three-fold :math:`(\bar x_1 - \bar x_2)'\beta_2 + \bar x_2'(\beta_1 - \beta_2)
    + (\bar x_1 - \bar x_2)'(\beta_1 - \beta_2)`. With one set of dummies and
    ω = ½ it is Kitagawa's. statsmodels' ``OaxacaBlinder`` gives the same parts; it takes no
    weights and no clusters, and its errors come from a bootstrap of rows, so this is written here.

    Parameters
    ----------
    y : numpy.ndarray
        Shape (rows,).
    x : numpy.ndarray
        Shape (rows, covariates), without a constant; it is added.
    first : numpy.ndarray
        Shape (rows,), bool: who is in the first group.
    cluster : numpy.ndarray
        Shape (rows,).
    weight : numpy.ndarray, optional
        Shape (rows,): persons behind each row.
    fold : {2, 3}
        Whether the interaction stands apart.
    reference : float
        ω, from 0 (the second group's coefficients) to 1 (the first's); for two-fold.
    alpha : float
        One minus the level.

    Returns
    -------
    Decomposition
        ``composition`` (what the covariates' means account for) and ``rates`` (coefficients), in
        the unit of y.

    Raises
    ------
    InputError
        If shapes differ, a value is not finite, a weight not above zero, a group is empty, the
        covariates are collinear in a group, or there is one cluster.

    References
    ----------
    Oaxaca, R. (1973). International Economic Review 14(3). Blinder, A. (1973). Journal of Human
    Resources 8(4). Jann, B. (2008). Stata Journal 8(4), section 2 (errors with random covariates).
    """
    y, x = np.asarray(y, dtype=float), np.asarray(x, dtype=float)
    first = np.asarray(first, dtype=bool)
    w = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=float)
    names, codes = np.unique(np.asarray(cluster), return_inverse=True)
    _check_rows(y, x, first, w, len(codes), len(names), fold, reference)
    full = np.column_stack([np.ones(len(y)), x])
    one, two = (
        _fit(full[rows], y[rows], w[rows], which)
        for rows, which in ((first, "first"), (~first, "second"))
    )
    value: dict[str, float] = {}
    psi: dict[str, np.ndarray] = {}

    def product(part: str, mean: tuple[float, float], beta: tuple[float, float]) -> None:
        """Add (a mean_1 + b mean_2)'(c beta_1 + d beta_2) to a part, with its influence."""
        m = mean[0] * one["mean"] + mean[1] * two["mean"]
        b = beta[0] * one["beta"] + beta[1] * two["beta"]
        value[part] = value.get(part, 0.0) + float(m @ b)
        each = np.zeros(len(y))
        for fit, rows, i in ((one, first, 0), (two, ~first, 1)):
            each[rows] = mean[i] * (fit["mean_psi"] @ b) + beta[i] * (fit["beta_psi"] @ m)
        psi[part] = psi.get(part, 0.0) + np.bincount(codes, each, minlength=len(names))

    product("difference", (1, 0), (1, 0))
    product("difference", (0, -1), (0, 1))
    if fold == 2:
        product("composition", (1, -1), (reference, 1 - reference))
        product("rates", (1 - reference, reference), (1, -1))
    else:
        product("composition", (1, -1), (0, 1))
        product("rates", (0, 1), (1, -1))
        product("interaction", (1, -1), (1, -1))
    method = (
        f"Oaxaca–Blinder, two-fold, reference {reference:g}"
        if fold == 2
        else "Oaxaca–Blinder, three-fold"
    )
    found = estimate_parts(
        value,
        psi,
        method=method,
        n_obs=len(y),
        n_units=len(names),
        alpha=alpha,
        data_hash=hash_of(y, x, first, w, codes),
    )
    return Decomposition(method, found)


def _check_rows(
    y: np.ndarray,
    x: np.ndarray,
    first: np.ndarray,
    w: np.ndarray,
    n_codes: int,
    n_clusters: int,
    fold: int,
    reference: float,
) -> None:
    if fold not in (2, 3):
        raise InputError(f"{fold} must be 2 or 3", field="fold")
    if not 0 <= reference <= 1:
        raise InputError(f"{reference:g} must lie between 0 and 1", field="reference")
    if x.ndim != 2 or not len(y) == len(x) == len(first) == len(w) == n_codes:
        raise InputError("y, x, first, cluster and weight must have one row each", field="x")
    if not (np.isfinite(y).all() and np.isfinite(x).all()):
        raise InputError("every value must be a finite number", field="y")
    if not (np.isfinite(w).all() and (w > 0).all()):
        raise InputError("every weight must be above zero", field="weight")
    if first.all() or not first.any():
        raise InputError("one of the two groups has no rows", field="first")
    if n_clusters < 2:
        raise InputError("an error needs at least two clusters", field="cluster")
