"""Many refits, on one process, on several, or on a Dask cluster: the same numbers everywhere.

Each draw has a random stream of its own, derived from the seed and the draw's number. So it does
not matter which worker makes a draw, in what order, or whether it has to be made again because
a worker died.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from evaluation.errors import InputError

__all__ = ["BACKEND", "BACKENDS", "SCHEDULER", "draw_rng", "map_draws"]

BACKENDS = ("joblib", "dask")
BACKEND, SCHEDULER = "EVALUATION_BACKEND", "EVALUATION_DASK_SCHEDULER"
# small batches share the work evenly and lose little when a worker dies
BATCHES_PER_WORKER = 8
CONNECT_SECONDS = 15

Draw = Callable[[int, np.random.Generator], Any]


def draw_rng(seed: int, draw: int) -> np.random.Generator:
    """Return the random stream of one draw.

    It is that of child number ``draw`` of ``SeedSequence(seed).spawn(...)``, without making the
    children before it.

    Parameters
    ----------
    seed : int
        Seed of all draws.
    draw : int
        Number of the draw, from 0.

    Returns
    -------
    numpy.random.Generator
        Independent of the other draws' streams.

    Examples
    --------
    >>> child = np.random.SeedSequence(7).spawn(3)[2]
    >>> bool(draw_rng(7, 2).random() == np.random.default_rng(child).random())
    True
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(draw,)))


def _batch(function: Draw, seed: int, start: int, stop: int) -> list[np.ndarray]:
    """Make the draws from ``start`` until before ``stop``."""
    return [np.asarray(function(draw, draw_rng(seed, draw))) for draw in range(start, stop)]


def _pieces(n_draws: int, workers: int) -> list[tuple[int, int]]:
    edges = np.linspace(0, n_draws, min(n_draws, workers * BATCHES_PER_WORKER) + 1).astype(int)
    return [(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def map_draws(
    function: Draw,
    n_draws: int,
    *,
    seed: int,
    workers: int = 1,
    environ: Mapping[str, str] | None = None,
) -> np.ndarray:
    """Call a function once per draw and stack what it returns, in the order of the draws.

    Parameters
    ----------
    function : callable
        Called as ``function(draw, rng)`` with the draw's number and its own random stream. It
        returns a number or an array, of the same shape for every draw, and must not depend on
        anything that other draws change. On several processes and on Dask it is sent to the
        workers, with what it refers to.
    n_draws : int
        How many draws, at least one.
    seed : int
        Seed of all draws.
    workers : int
        Processes of this machine; 1 stays in this one. A Dask cluster has its own number.
    environ : mapping of str to str, optional
        Where the backend is looked up; the process's environment by default.
        ``EVALUATION_BACKEND`` is ``joblib`` (the default) or ``dask``; with ``dask``,
        ``EVALUATION_DASK_SCHEDULER`` is the scheduler's address.

    Returns
    -------
    numpy.ndarray
        Shape (n_draws, ...). The same numbers for any backend and any number of workers.

    Raises
    ------
    InputError
        If a count is below one, the backend is unknown, there is no Dask or no scheduler at the
        address, or the draws differ in shape.

    Examples
    --------
    >>> once = map_draws(lambda draw, rng: rng.normal(), 5, seed=1)
    >>> again = map_draws(lambda draw, rng: rng.normal(), 3, seed=1)
    >>> bool((once[:3] == again).all())
    True
    """
    if n_draws < 1:
        raise InputError(f"{n_draws} draws; at least one is needed", field="draws")
    if workers < 1:
        raise InputError(f"{workers} workers; at least one is needed", field="workers")
    env = os.environ if environ is None else environ
    backend = env.get(BACKEND, "") or BACKENDS[0]
    if backend not in BACKENDS:
        raise InputError(f"{backend!r} is none of {', '.join(BACKENDS)}", field=BACKEND)
    if backend == "dask":
        batches = _on_dask(function, n_draws, seed, env.get(SCHEDULER, ""))
    elif workers == 1:
        batches = [_batch(function, seed, 0, n_draws)]
    else:
        from joblib import Parallel, delayed

        batches = Parallel(n_jobs=workers)(
            delayed(_batch)(function, seed, a, b) for a, b in _pieces(n_draws, workers)
        )
    values = [v for batch in batches for v in batch]
    for draw, value in enumerate(values):
        if value.shape != values[0].shape:
            raise InputError(
                f"draw {draw} gave shape {value.shape}, draw 0 gave {values[0].shape}; all draws "
                "must have the same",
                field="function",
            )
    return np.stack(values)


def _on_dask(function: Draw, n_draws: int, seed: int, address: str) -> list[list[np.ndarray]]:
    """Make the draws on a cluster.

    Tasks are sent to the scheduler directly and not through joblib's Dask backend, because that
    one puts large arguments on a single worker beforehand, and they are lost with it. Here every
    task carries what it needs, so the scheduler can give it to another worker.
    """
    if not address:
        raise InputError(
            f"{BACKEND} is dask: the scheduler's address is needed, such as tcp://host:8786",
            field=SCHEDULER,
        )
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "dask is not installed: pip install 'integration-evaluation[dask]'", field=BACKEND
        ) from None
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise InputError(
            f"no scheduler answers at {address!r} ({reason.splitlines()[0]})", field=SCHEDULER
        ) from None
    with client:
        threads = sum(client.nthreads().values())
        futures = [
            client.submit(_batch, function, seed, a, b, pure=False)
            for a, b in _pieces(n_draws, max(threads, 1))
        ]
        batches: list[list[np.ndarray]] = client.gather(futures)
    return batches
