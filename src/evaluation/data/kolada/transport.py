"""One call to the server: turns, retries, and what may be believed of an answer."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from evaluation.data.kolada.contract import BASE_URL, URL_VARIABLE, ContractError, IncompleteError
from evaluation.data.kolada.rate import RateLimiter

if TYPE_CHECKING:
    import httpx

__all__ = ["CallError", "StoppedError", "Transport", "Waits", "retry_after"]

LARGEST_BODY: Final = 64_000_000
"""Bytes; a whole page of 5,000 entries has about two million."""
LONGEST_HOLD: Final = 300.0
"""Seconds; a server that asks for more is called again another time."""
MOST_PAGES: Final = 100
"""A question's answer fits on few pages; more than this is a server that comes to no end."""


class Paged(Protocol):
    """One page of an answer."""

    @property
    def next_url(self) -> str | None:
        """Address of the next page."""


T = TypeVar("T")
P = TypeVar("P", bound=Paged)

# stamina logs each retry; without a handler of the user's own that would go to the terminal
logging.getLogger("stamina").addHandler(logging.NullHandler())


class CallError(Exception):
    """A call failed for good."""


class StoppedError(Exception):
    """The fetch was stopped while this call waited."""


class _AgainError(Exception):
    """Asking again may mend it; ``held`` where the server said how long to wait."""

    def __init__(self, problem: str, *, held: bool = False) -> None:
        super().__init__(problem)
        self.held = held


@dataclass(frozen=True)
class Waits:
    """The pauses between the attempts of one call.

    Before retry ``n`` it is ``min(longest, first * 2 ** (n - 1) + u)``, ``u`` uniform between 0
    and ``jitter``, so that many clients do not come back at once.

    Parameters
    ----------
    first, longest, jitter : float
        Seconds.
    """

    first: float = 0.5
    longest: float = 20.0
    jitter: float = 1.0


def _backoff(error: Exception) -> bool | float:
    # what the server asked for is waited for in the limiter, by all threads
    return (0.0 if error.held else True) if isinstance(error, _AgainError) else False


def retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, None where it says nothing usable.

    Parameters
    ----------
    value : str or None
        Seconds or an HTTP date (RFC 9110, section 10.2.3).
    now : datetime.datetime
        With a time zone.

    Returns
    -------
    float or None
        At least 0.

    Examples
    --------
    >>> now = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
    >>> retry_after("7", now), retry_after("Thu, 01 Jan 2026 12:00:30 GMT", now)
    (7.0, 30.0)
    >>> retry_after("soon", now) is None
    True
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


class Transport:
    """Calls to one server during one fetch.

    Parameters
    ----------
    http : httpx.Client
        Bound to no address and following no redirects.
    base : str
        The server's address.
    limiter : RateLimiter
        Shared by all calls.
    attempts : int
        Of one call, the first included.
    waits : Waits
        The pauses between them.
    longest : float
        Seconds that one answer may take, first byte to last.
    """

    def __init__(
        self,
        http: httpx.Client,
        base: str,
        limiter: RateLimiter,
        attempts: int,
        waits: Waits,
        longest: float,
    ) -> None:
        self.stop = threading.Event()
        self.counts: Counter[str] = Counter()
        self._http, self._base, self._limiter = http, base, limiter
        self._attempts, self._waits, self._longest = attempts, waits, longest
        self._lock = threading.Lock()

    def address(self, path: str) -> str:
        """Return the whole address of a path."""
        return self._base + path

    def following(self, address: str, next_url: str) -> str:
        """Return the address of the next page, which must lie on the same server.

        The scheme and host stay as they were called: a server behind a proxy may name itself
        with ``http`` where it is reached by ``https``.

        Raises
        ------
        ContractError
            If it points to another server or is no address.
        """
        import httpx

        try:
            here = httpx.URL(address)
            there = here.join(next_url)
            same = all(getattr(there, k) == getattr(here, k) for k in ("host", "port", "userinfo"))
            same &= there.scheme in ("http", "https")
            inside = there.path.startswith(httpx.URL(self._base).path.rstrip("/") + "/")
        except httpx.InvalidURL:
            raise ContractError(f"the next_url {next_url[:80]!r} is no address") from None
        if not (same and inside):
            raise ContractError(f"the next_url {next_url[:80]!r} leaves the server {self._base}")
        return str(there.copy_with(scheme=here.scheme, fragment=None))

    def pages(self, path: str, read: Callable[[Any], P]) -> list[P]:
        """Return every page of an answer, from the one at a path on.

        Raises
        ------
        CallError
            If a page does not come.
        ContractError
            If the pages go round in a circle, leave the server or come to no end.
        StoppedError
            If the fetch was stopped meanwhile.
        """
        found: list[P] = []
        address: str | None = self.address(path)
        seen: set[str] = set()
        while address is not None:
            if address in seen:
                raise ContractError(f"the pages go round in a circle, from {address[-60:]!r} on")
            if len(found) == MOST_PAGES:
                raise ContractError(f"the pages do not come to an end after {MOST_PAGES}")
            seen.add(address)
            page = self.get(address, read)
            found.append(page)
            address = page.next_url and self.following(address, page.next_url)
        return found

    def get(self, address: str, read: Callable[[Any], T]) -> T:
        """Return what ``read`` makes of the JSON at an address, asked for until it comes whole.

        Raises
        ------
        CallError
            With the reason, if it does not come.
        StoppedError
            If the fetch was stopped meanwhile.
        """
        try:
            return self._patiently(address, read)
        except _AgainError as error:
            tries = "1 attempt" if self._attempts == 1 else f"{self._attempts} attempts"
            raise CallError(f"after {tries} {error}") from None
        except ContractError as error:
            raise CallError(
                f"the answer does not look as version 3 of the service is known to: {error}"
            ) from None

    def _patiently(self, address: str, read: Callable[[Any], T]) -> T:
        import stamina

        for attempt in stamina.retry_context(
            on=_backoff,
            attempts=self._attempts,
            timeout=None,
            wait_initial=self._waits.first,
            wait_max=self._waits.longest,
            wait_jitter=self._waits.jitter,
        ):
            with attempt:
                return self._once(address, read)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, address: str, read: Callable[[Any], T]) -> T:
        self._limiter.wait(self.stop)
        if self.stop.is_set():
            raise StoppedError
        with self._lock:
            self.counts["requests"] += 1
        try:
            return read(self._content(address))
        except IncompleteError as error:
            raise _AgainError(f"the answer {error}") from None

    def _content(self, address: str) -> Any:
        """Return the decoded JSON of one answer."""
        import httpx

        deadline = time.monotonic() + self._longest
        body = bytearray()
        try:
            with self._http.stream("GET", address) as answer:
                self._judge(answer)
                for piece in answer.iter_bytes():
                    body += piece
                    if time.monotonic() > deadline:
                        raise _AgainError(f"the answer took longer than {self._longest:g} s")
                    if len(body) > LARGEST_BODY:
                        raise ContractError(f"it is larger than {LARGEST_BODY // 10**6} MB")
        except httpx.TimeoutException as error:
            raise _AgainError(
                f"the server did not answer in time ({type(error).__name__})"
            ) from None
        except httpx.ConnectError as error:
            raise _AgainError(
                f"{self._base} cannot be reached ({error}; is there a network, or a proxy to be "
                "named in HTTPS_PROXY?)"
            ) from None
        except httpx.RequestError as error:
            reason = str(error) or type(error).__name__
            raise _AgainError(f"the answer broke off or was damaged ({reason})") from None
        try:
            return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
        except ContractError:
            raise
        except (ValueError, RecursionError):
            raise _AgainError("the answer is no whole JSON") from None

    def _judge(self, answer: httpx.Response) -> None:
        """Raise unless an answer's status and type promise values."""
        code = answer.status_code
        said = f"{code} {answer.reason_phrase}".strip()
        if code == 429 or code >= 500:
            wait = retry_after(answer.headers.get("retry-after"), datetime.now(UTC))
            if wait is not None and wait > LONGEST_HOLD:
                raise CallError(
                    f"the server answered {said} and asks for a wait of {wait:.0f} s; "
                    "run the same fetch again then"
                )
            if wait is not None:
                self._limiter.hold(wait)
            raise _AgainError(f"the server answered {said}", held=wait is not None)
        if code == 408:
            raise _AgainError(f"the server answered {said}")
        if code in (404, 410):
            raise CallError(
                f"the server answered {said}: it does not know the indicator or the address "
                f"(version 2 is gone; version 3 is at {BASE_URL}, or set {URL_VARIABLE})"
            )
        if 300 <= code < 400:
            target = answer.headers.get("location", "nowhere")
            raise CallError(
                f"the server answered {said} and points to {target[:80]}; "
                f"redirects are not followed: set {URL_VARIABLE}"
            )
        if code != 200:
            raise CallError(f"the server answered {said}")
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise _AgainError(f"the answer is {kind or 'of no named type'}, not application/json")


def _no_constant(name: str) -> Any:
    raise ContractError(f"the value {name} is no number")
