"""A measure of agreement with its interval, municipalities resampled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.design.coding.measures import krippendorff_alpha
from evaluation.errors import InputError

__all__ = ["BOOTSTRAP", "Measure", "Statistic", "ordinal_alpha", "resamplings", "statistic"]

Floats = npt.NDArray[np.float64]
Measure = Callable[[Floats], Floats]
BOOTSTRAP = "percentile bootstrap, municipalities resampled"
_BLOCK = 1000


@dataclass(frozen=True)
class Statistic:
    """One measure of agreement.

    Parameters
    ----------
    name : str
        ``krippendorff_alpha_ordinal``, ``raw_agreement``, ``fleiss_kappa``, ``cohen_kappa`` or
        ``cohen_kappa_quadratic``.
    coders : tuple of str
        Whose.
    value : float, optional
        None where the measure is not defined; ``note`` says why.
    conf_int : tuple of float, optional
        None where no interval can be given.
    n_units, n_municipalities : int
        What it rests on.
    note : str
        What a reader must know.
    """

    name: str
    coders: tuple[str, ...]
    value: float | None
    conf_int: tuple[float, float] | None
    n_units: int
    n_municipalities: int
    note: str = ""


def resamplings(clusters: int, draws: int, seed: int) -> list[Floats]:
    """Say how often each draw takes each municipality; in blocks, to bound the memory.

    Parameters
    ----------
    clusters : int
        Municipalities.
    draws, seed : int
        How many, and from what.

    Returns
    -------
    list of numpy.ndarray
        Each of shape (draws of the block, municipalities); every row adds up to ``clusters``.

    Raises
    ------
    InputError
        If ``draws`` is negative.

    Examples
    --------
    >>> [w.shape for w in resamplings(4, 1500, 1)]
    [(1000, 4), (500, 4)]
    """
    if draws < 0:
        raise InputError(f"{draws} is below 0", field="draws")
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    even = np.full(clusters, 1 / clusters)
    blocks = [min(_BLOCK, draws - k) for k in range(0, draws, _BLOCK)]
    return [rng.multinomial(clusters, even, size=b).astype(float) for b in blocks]


def statistic(
    name: str,
    coders: Sequence[str],
    measure: Measure,
    used: npt.NDArray[np.intp],
    drawn: Sequence[Floats],
    alpha: float,
) -> Statistic:
    """Compute a measure and its interval.

    Parameters
    ----------
    name, coders
        For the result.
    measure : callable
        From weights of shape (draws, municipalities) to values of shape (draws,), NaN where it
        is not defined.
    used : numpy.ndarray
        Shape (units,): number of each unit's municipality.
    drawn : sequence of numpy.ndarray
        From :func:`resamplings`; empty for no interval.
    alpha : float
        One minus the level.

    Returns
    -------
    Statistic
        With the reason in ``note`` where there is no value or no interval.

    Raises
    ------
    InputError
        If ``alpha`` does not lie between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise InputError(f"{alpha} does not lie between 0 and 1", field="alpha")
    there = np.unique(used)
    size = (len(used), len(there))
    if not len(used):
        return Statistic(name, tuple(coders), None, None, *size, "no unit was coded by all")
    width = drawn[0].shape[1] if drawn else int(used.max()) + 1
    point = float(measure(np.ones((1, width)))[0])
    if np.isnan(point):
        why = "not defined: only one value was used"
        return Statistic(name, tuple(coders), None, None, *size, why)
    if not drawn:
        return Statistic(name, tuple(coders), point, None, *size)
    if len(there) < 2 or point == 1.0:
        # draws from units that all agree would agree as well: an interval without width
        few = len(there) < 2
        why = f"no interval: {'one municipality' if few else 'no disagreement was seen'}"
        return Statistic(name, tuple(coders), point, None, *size, why)
    values = np.concatenate([measure(w) for w in drawn])
    undefined = float(np.isnan(values).mean())
    # where draws without a value could lie on either side of a bound, there is no bound
    if undefined > alpha / 2:
        why = f"no interval: {100 * undefined:.1f} % of the draws have no variation"
        return Statistic(name, tuple(coders), point, None, *size, why)
    low, high = np.nanquantile(values, [alpha / 2, 1 - alpha / 2])
    return Statistic(name, tuple(coders), point, (float(low), float(high)), *size)


def ordinal_alpha(
    counts: npt.ArrayLike,
    clusters: Sequence[object],
    *,
    coders: Sequence[str] = (),
    draws: int = 9999,
    seed: int = 1,
    alpha: float = 0.05,
) -> Statistic:
    """Return Krippendorff's alpha for ordered values, with an interval, from counts.

    It needs no coder by name: answers of different respondents about each unit will do.

    Parameters
    ----------
    counts : array_like
        Shape (units, values): how many gave each value, in the order of the scale.
    clusters : sequence
        Shape (units,): the municipality of each unit; they are what is resampled.
    coders : sequence of str
        For the result.
    draws, seed : int
        Of the bootstrap; 0 draws give no interval.
    alpha : float
        One minus the level.

    Returns
    -------
    Statistic
        The value and its percentile interval.

    Examples
    --------
    >>> s = ordinal_alpha([[2, 0, 0], [0, 2, 0], [0, 0, 2], [1, 1, 0]], list("abcd"), draws=0)
    >>> round(s.value, 4), s.conf_int
    (0.79, None)
    """
    table = np.asarray(counts, dtype=float)
    paired = table.sum(axis=1) >= 2
    table = table[paired]
    number_of, names = pd.factorize(np.asarray(clusters, dtype=object)[paired])
    used = number_of.astype(np.intp)
    drawn = resamplings(len(names), draws, seed) if len(names) else []
    return statistic(
        "krippendorff_alpha_ordinal",
        coders,
        lambda w: krippendorff_alpha(table, used, w),
        used,
        drawn,
        alpha,
    )
