"""So many calls a second and no more, over all threads."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

__all__ = ["RateLimiter"]


class RateLimiter:
    """Give each call a turn of its own, ``1 / rate`` seconds after the one before.

    Parameters
    ----------
    rate : float, optional
        Calls a second, at most; None or infinity for no limit.
    clock : callable
        Seconds that never go back.
    sleep : callable, optional
        How to let time pass; by default waiting for ``stop``, so that a stop ends the wait.

    Raises
    ------
    ValueError
        If the rate is not above zero.

    Examples
    --------
    >>> now = [0.0]
    >>> limiter = RateLimiter(5, clock=lambda: now[0], sleep=lambda s: now.append(now.pop() + s))
    >>> starts = []
    >>> for _ in range(3):
    ...     limiter.wait()
    ...     starts.append(round(now[0], 6))
    >>> starts
    [0.0, 0.2, 0.4]
    """

    def __init__(
        self,
        rate: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        if rate is not None and not rate > 0:
            raise ValueError(f"rate must be above zero, not {rate}")
        self._interval = 0.0 if rate is None or math.isinf(rate) else 1.0 / rate
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free = -math.inf
        self._held = -math.inf

    def wait(self, stop: threading.Event | None = None) -> None:
        """Return when the caller may call, or as soon as ``stop`` is set.

        Parameters
        ----------
        stop : threading.Event, optional
            Ends the wait.
        """
        stop = stop or threading.Event()
        sleep = self._sleep or stop.wait
        while not stop.is_set():
            with self._lock:
                now = self._clock()
                turn = max(now, self._free, self._held)
                self._free = turn + self._interval
            if turn > now:
                sleep(turn - now)
            with self._lock:
                # a hold that came while this one slept takes its turn back
                if self._held <= turn:
                    return

    def hold(self, seconds: float) -> None:
        """Let nobody call for so many seconds: the server asked for it.

        Parameters
        ----------
        seconds : float
            From now on.
        """
        with self._lock:
            self._held = max(self._held, self._clock() + seconds)
