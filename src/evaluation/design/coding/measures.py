r"""Measures of agreement on an ordered scale, for many resamplings at once.

Every measure is a function of counts that add up over municipalities, so a bootstrap is one
product of matrices: (draws × municipalities) times (municipalities × counts).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = [
    "cohen_kappa",
    "fleiss_kappa",
    "krippendorff_alpha",
    "pair_agreement",
    "pair_tables",
    "value_counts",
]

Floats = npt.NDArray[np.float64]


def _one_minus(observed: Floats, expected: Floats) -> Floats:
    """Return 1 − observed/expected disagreement; NaN where nothing can be expected."""
    out = np.full(observed.shape, np.nan)
    # sums of products of counts: what is zero in exact arithmetic is far below 1e-9 here
    np.divide(observed, expected, out=out, where=expected > 1e-9)
    return 1.0 - out


def value_counts(ranks: npt.NDArray[np.float64], values: int) -> Floats:
    """Count, unit by unit, how many coders gave each value.

    Parameters
    ----------
    ranks : numpy.ndarray
        Shape (units, coders), whole numbers from 0; NaN is missing.
    values : int
        Length of the scale.

    Returns
    -------
    numpy.ndarray
        Shape (units, values).
    """
    scale = np.arange(values)
    counts: Floats = (ranks[:, :, None] == scale).sum(axis=1).astype(float)
    return counts


def krippendorff_alpha(counts: Floats, clusters: npt.NDArray[np.intp], weights: Floats) -> Floats:
    r"""Return Krippendorff's alpha for ordered values.

    With the coincidences :math:`o_{ck} = \sum_u (n_{uc} n_{uk} - n_{uc} 1_{c=k})/(m_u - 1)`, their
    margins :math:`n_c`, :math:`n = \sum n_c` and the middle rank
    :math:`r_c = \sum_{g<c} n_g + n_c/2`, the squared distance of two ordered values is
    :math:`(r_c - r_k)^2`, and

    .. math:: \alpha = 1 - (n - 1)
        \frac{\sum_{ck} o_{ck} (r_c - r_k)^2}{\sum_{ck} n_c n_k (r_c - r_k)^2}

    (Krippendorff 2011, Computing Krippendorff's Alpha-Reliability; Hayes & Krippendorff 2007).

    Parameters
    ----------
    counts : numpy.ndarray
        Shape (units, values): coders by value. Units with fewer than two are no use.
    clusters : numpy.ndarray
        Shape (units,): number of each unit's municipality, from 0.
    weights : numpy.ndarray
        Shape (draws, municipalities): how often each is taken.

    Returns
    -------
    numpy.ndarray
        Shape (draws,); NaN where all values are one and alpha is not defined.

    Examples
    --------
    >>> ranks = np.array([[0, 0], [1, 1], [2, 2], [0, 1.0]])
    >>> everyone = np.ones((1, 4))
    >>> round(float(krippendorff_alpha(value_counts(ranks, 3), np.arange(4), everyone)[0]), 4)
    0.79
    """
    paired = counts.sum(axis=1) >= 2
    use, m = counts[paired], counts[paired].sum(axis=1)
    values = counts.shape[1]
    each = (use[:, :, None] * use[:, None, :] - use[:, :, None] * np.eye(values)) / (
        m[:, None, None] - 1
    )
    o = _summed(each.reshape(len(use), -1), clusters[paired], weights)
    o = o.reshape(-1, values, values)
    n_c = o.sum(axis=2)
    n = n_c.sum(axis=1)
    middle = np.cumsum(n_c, axis=1) - n_c / 2
    distance = (middle[:, :, None] - middle[:, None, :]) ** 2
    observed = (n - 1) * (o * distance).sum(axis=(1, 2))
    expected = (n_c[:, :, None] * n_c[:, None, :] * distance).sum(axis=(1, 2))
    return _one_minus(observed, expected)


def _summed(each: Floats, clusters: npt.NDArray[np.intp], weights: Floats) -> Floats:
    """Add up what the units hold, draw by draw; shape (draws, columns)."""
    by_cluster = np.zeros((weights.shape[1], each.shape[1]))
    np.add.at(by_cluster, clusters, each)
    out: Floats = weights @ by_cluster
    return out


def pair_tables(
    first: Floats, second: Floats, values: int, clusters: npt.NDArray[np.intp], weights: Floats
) -> Floats:
    """Return two coders' cross tables, over the units that both gave a value.

    Parameters
    ----------
    first, second : numpy.ndarray
        Shape (units,): each coder's values; NaN is missing.
    values : int
        Length of the scale.
    clusters, weights : numpy.ndarray
        As for :func:`krippendorff_alpha`.

    Returns
    -------
    numpy.ndarray
        Shape (draws, values, values).
    """
    both = ~np.isnan(first) & ~np.isnan(second)
    each = np.zeros((int(both.sum()), values * values))
    cell = first[both].astype(int) * values + second[both].astype(int)
    each[np.arange(len(each)), cell] = 1
    return _summed(each, clusters[both], weights).reshape(-1, values, values)


def cohen_kappa(tables: Floats, *, quadratic: bool = False) -> Floats:
    r"""Return Cohen's kappa, :math:`1 - \sum w_{ck} p_{ck} / \sum w_{ck} p_{c\cdot} p_{\cdot k}`.

    The weight of a disagreement :math:`w_{ck}` is 1, or :math:`(c-k)^2` (Cohen 1960, 1968).

    Parameters
    ----------
    tables : numpy.ndarray
        Shape (draws, values, values).
    quadratic : bool
        Whether far disagreements weigh more.

    Returns
    -------
    numpy.ndarray
        Shape (draws,); NaN where both coders use one and the same value only.

    Examples
    --------
    >>> round(float(cohen_kappa(np.array([[[20.0, 5], [10, 15]]]))[0]), 4)
    0.4
    """
    place = np.arange(tables.shape[1])
    apart = (place[:, None] - place) ** 2
    weight = apart if quadratic else (apart > 0)
    n = tables.sum(axis=(1, 2))
    by_chance = tables.sum(axis=2)[:, :, None] * tables.sum(axis=1)[:, None, :]
    observed = n * (weight * tables).sum(axis=(1, 2))
    return _one_minus(observed, (weight * by_chance).sum(axis=(1, 2)))


def fleiss_kappa(counts: Floats, clusters: npt.NDArray[np.intp], weights: Floats) -> Floats:
    r"""Return Fleiss' kappa for as many values of every unit (Fleiss 1971).

    With the share :math:`\bar P` of agreeing pairs and the shares :math:`p_c` of the values,
    :math:`\kappa = 1 - (1 - \bar P)/(1 - \sum p_c^2)`. It takes the values as unordered.

    Parameters
    ----------
    counts : numpy.ndarray
        Shape (units, values), every row with the same sum.
    clusters, weights : numpy.ndarray
        As for :func:`krippendorff_alpha`.

    Returns
    -------
    numpy.ndarray
        Shape (draws,); NaN where all values are one.
    """
    m = counts.sum(axis=1, keepdims=True)
    differing = 1 - (counts * (counts - 1)).sum(axis=1, keepdims=True) / (m * (m - 1))
    sums = _summed(np.hstack([np.ones_like(m), differing, counts / m]), clusters, weights)
    # draws that take no unit at all have no value
    units = np.maximum(sums[:, 0], 1)
    shares = sums[:, 2:] / units[:, None]
    return _one_minus(sums[:, 1] / units, (sums[:, 0] > 0) - (shares**2).sum(axis=1))


def pair_agreement(counts: Floats, clusters: npt.NDArray[np.intp], weights: Floats) -> Floats:
    """Return the share of pairs of values of a unit that are the same.

    Parameters
    ----------
    counts, clusters, weights : numpy.ndarray
        As for :func:`krippendorff_alpha`.

    Returns
    -------
    numpy.ndarray
        Shape (draws,); NaN where there is no pair.
    """
    m = counts.sum(axis=1)
    differing = (m**2 - (counts**2).sum(axis=1)) / 2
    sums = _summed(np.column_stack([differing, m * (m - 1) / 2]), clusters, weights)
    return _one_minus(sums[:, 0], sums[:, 1])
