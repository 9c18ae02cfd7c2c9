"""``pxwebpy`` with what it lacks: a timeout that holds, retries, and the answers as they came.

Its version 0.6 keeps ``timeout`` without using it, retries only 429, and drops the
``status`` of each cell, which tells suppressed from missing. Timeouts and retries are put
in below it, in the adapter of its ``requests`` session; the answers are kept beside it.
Building queries, wildcards, splitting by cells and the limit on calls are its own.
"""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import stamina
from pxweb import PxApi
from pxweb._internal.client import Client
from requests.adapters import HTTPAdapter

__all__ = ["Api", "ScbError", "TooManyCellsError"]

LONGEST_WAIT = 60.0
"""Seconds that a server's Retry-After is followed for at most."""


class ScbError(Exception):
    """A request that failed; ``chunk`` says what was asked."""

    retriable = False

    def __init__(self, problem: str, chunk: str, retry_after: float | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.chunk = chunk
        self.retry_after = retry_after


class TransientError(ScbError):
    """One that may go well next time."""

    retriable = True


class TooManyCellsError(ScbError):
    """The server refused the size of the question (403)."""


def _again(error: Exception) -> bool | float:
    """Tell whether to try again, and after how long if the server said so."""
    if not isinstance(error, TransientError):
        return False
    return True if error.retry_after is None else error.retry_after


def _chunk(request: Any) -> str:
    """Say which part of the table a request asks for."""
    if not request.body:
        return str(request.path_url).partition("?")[0]
    parts = []
    for item in json.loads(request.body)["selection"]:
        codes = item["valueCodes"]
        span = codes[0] if len(codes) == 1 else f"{codes[0]}–{codes[-1]} ({len(codes)})"
        parts.append(f"{item['variableCode']} {span}")
    return ", ".join(parts)


def _retry_after(response: Any) -> float | None:
    """Read Retry-After, seconds or a date."""
    text = response.headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


class _PatientAdapter(HTTPAdapter):
    """Sends with a timeout, reads the whole answer, and tries again where that may help."""

    def __init__(self, timeout: float, attempts: int, wait: float) -> None:
        self.patience = (timeout, attempts, wait)
        super().__init__()

    def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
        """Send until there is an answer in JSON, or the attempts are used up."""
        timeout, attempts, wait = self.patience
        # the session passes them by name; a timeout among them would be None
        options |= {"timeout": timeout, "stream": False}
        tries = stamina.retry_context(
            on=_again, attempts=attempts, timeout=None, wait_initial=wait, wait_max=30 * wait,
            wait_jitter=wait,
        )  # fmt: skip
        for attempt in tries:
            with attempt:
                return self._once(request, options)
        raise AssertionError("stamina ends with an answer or an error")

    def _once(self, request: Any, options: dict[str, Any]) -> Any:
        chunk = _chunk(request)
        try:
            response = super().send(request, **options)
            # the body, too, may be late or cut off
            content = response.content
        except requests.exceptions.Timeout:
            raise TransientError("no answer in time", chunk) from None
        except requests.exceptions.RequestException as error:
            raise TransientError(f"the connection failed ({type(error).__name__})", chunk) from None
        status = response.status_code
        if status == 429 or status >= 500:
            raise TransientError(f"the server answered {status}", chunk, _retry_after(response))
        if status == 403:
            raise TooManyCellsError("the server answered 403", chunk)
        try:
            found = json.loads(content)
        except ValueError:
            problem = "the answer is not JSON" if response.ok else f"the server answered {status}"
            kind = TransientError if response.ok else ScbError
            raise kind(problem, chunk) from None
        if not response.ok:
            title = found.get("title") or found.get("detail") if isinstance(found, dict) else None
            raise ScbError(f"the server answered {status}{f': {title}' if title else ''}", chunk)
        return response


def _check_whole(answer: Any, item: Any) -> None:
    """Refuse an answer without a code that was asked for; TOP(3) and the like are no codes."""
    name = item["variableCode"]
    category = answer["dimension"][name]["category"]
    have = set(category.get("index") or category["label"])
    lacking = [c for c in item["valueCodes"] if c not in have and not set(c) & set("(*?")]
    if lacking:
        raise ScbError(f"the answer lacks {lacking[0]} of {name}", name)


class _Client(Client):
    """Its client, with the adapter in place before the first call, and no cache.

    Its cache lives in memory for an hour: an answer from it would get a wrong time of
    retrieval. What is to be repeated belongs into the snapshot store.
    """

    def __init__(self, url: str, language: str, timeout: float, attempts: int, wait: float) -> None:
        self._adapter = _PatientAdapter(timeout, attempts, wait)
        self.answers: list[dict[str, Any]] = []
        super().__init__(url=url, language=language, timeout=int(timeout), disable_cache=True)

    def call(  # type: ignore[override]
        self, endpoint: str, query: Any = None, **options: Any
    ) -> Any:
        """Call as it does; answers with data are kept."""
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, self._adapter)
        found = super().call(endpoint, query, **(options | {"max_retries": 0}))
        if endpoint.endswith("/data"):
            for item in (query or {}).get("selection", ()):
                _check_whole(found, item)
            self.answers.append(found)
        return found


class Api(PxApi):
    """Its interface over the patient client, one call at a time.

    Parameters
    ----------
    url : str
        The server.
    language : str
        Language of the labels.
    timeout : float
        Seconds to wait for the first and for every next byte.
    attempts : int
        Tries in all.
    wait : float
        Seconds before the second try; they double from there.
    """

    def __init__(self, url: str, language: str, timeout: float, attempts: int, wait: float) -> None:
        self._client: Any = _Client(url, language, timeout, attempts, wait)
        self._max_workers = 1
        # not asked for: it would cost a call
        self.number_of_tables = None

    def answers(
        self, table: str, query: dict[str, list[str] | str], code_list: dict[str, str] | None
    ) -> list[dict[str, Any]]:
        """Return the answers of a query, split until the server takes each part.

        Parameters
        ----------
        table : str
            The table's id.
        query : dict of str to list of str
            Codes by variable; ``*`` stands for any.
        code_list : dict of str to str, optional
            Code lists by variable.

        Returns
        -------
        list of dict
            In json-stat2, as they came.
        """
        limits = self._client.configuration
        while True:
            self._client.answers.clear()
            try:
                self.get_table_data(table, query, code_list, show="code")
            except TooManyCellsError:
                # less than the server itself says that it takes
                if limits["maxDataCells"] <= 1:
                    raise
                limits["maxDataCells"] //= 2
                continue
            return list(self._client.answers)
