"""A local server that speaks Kolada's version 3, and misbehaves on demand."""

import gzip
import json
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SEXES = ("T", "K", "M")
JSON = "application/json; charset=utf-8"


def figure(kpi, code, year, sex):
    """Return the figure that the server has: another one for each cell, some of them zero."""
    return float((int(kpi[1:]) + 7 * int(code.strip("G")) + 3 * year + ord(sex)) % 1000) / 10


def entry(kpi, code, year, *, sexes=SEXES, **changed):
    """Return one entry of an answer; ``changed`` keys of every value in it."""
    values = [
        {
            "gender": sex,
            "count": 1,
            "status": "",
            "value": figure(kpi, code, year, sex),
            "isdeleted": False,
        }
        | changed
        for sex in sexes
    ]
    return {"kpi": kpi, "municipality": code, "period": year, "values": values}


class KoladaServer(ThreadingHTTPServer):
    """Serves every indicator, municipality and year that is asked for.

    ``page_size`` cuts answers into pages. ``on`` makes requests misbehave. ``calls`` are the
    paths that were asked for, in order, with the time of each.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, page_size=None, delay=0.0):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page_size, self.delay = page_size, delay
        self.calls, self.rules, self.lock = [], [], threading.Lock()
        self.errors = []
        # groups of municipalities: id, title, members
        self.groups = []
        # what one cell of the service holds; None for a cell that it has not
        self.entry = entry

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v3"

    def handle_error(self, *_):
        # a client that hangs up is part of the game, a fault of the tests is not
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.errors.append(repr(error))

    def on(self, part, act, times=None):
        """Let ``act(handler, content)`` answer requests with ``part`` in them, so many times."""
        self.rules.append([part, act, times])

    def rule(self, path):
        """Return how to answer, counting down."""
        with self.lock:
            self.calls.append((time.monotonic(), path))
            for rule in self.rules:
                if rule[0] in path and rule[2] != 0:
                    if rule[2] is not None:
                        rule[2] -= 1
                    return rule[1]
        return None

    def content(self, path):
        """Return the healthy answer to a path."""
        parts = urlsplit(path)
        steps = parts.path.strip("/").split("/")
        if steps[:2] == ["v3", "kpi"]:
            return page([{"id": steps[2], "title": f"Title of {steps[2]}"}])
        if steps[:2] == ["v3", "municipality_groups"]:
            return self.paged(parts, [group(*g) for g in self.groups])
        if steps[:3] != ["v3", "data", "kpi"] or steps[4::2] != ["municipality", "year"]:
            return None
        kpis, codes, years = (s.split(",") for s in steps[3::2])
        assert max(map(len, (kpis, codes, years))) <= 25
        found = (self.entry(k, c, int(y)) for k in kpis for c in codes for y in years)
        return self.paged(parts, [e for e in found if e is not None])

    def paged(self, parts, entries):
        """Return the page of the entries that an address asks for."""
        size = self.page_size or max(1, len(entries))
        number = int(parse_qs(parts.query).get("page", ["1"])[0])
        following = None
        if number * size < len(entries):
            following = f"{self.url}{parts.path.removeprefix('/v3')}?page={number + 1}"
        return page(entries[(number - 1) * size : number * size], following)


def group(id, title, members):
    """Return one group of municipalities as the service lists it."""
    named = [{"member_id": code, "member_title": f"Title of {code}"} for code in members]
    return {"id": id, "title": title, "members": named}


def page(entries, next_url=None):
    return {"values": entries, "count": len(entries), "next_url": next_url, "previous_url": None}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16

    def do_GET(self):
        act = self.server.rule(self.path)
        if self.server.delay:
            time.sleep(self.server.delay)
        content = self.server.content(self.path)
        if act is not None:
            act(self, content)
        elif content is None:
            self.answer(b"{}", 404)
        else:
            self.answer(json.dumps(content).encode())

    def answer(self, body, status=200, kind=JSON, length=None, **headers):
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def serving(**options):
    """Run a server in threads of this process."""
    server = KoladaServer(**options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert server.errors == []


# what to do instead of answering


def status(code, body=b"", kind="text/plain", **headers):
    return lambda handler, _: handler.answer(body, code, kind, **headers)


def body(raw, kind=JSON, **headers):
    return lambda handler, _: handler.answer(raw, 200, kind, **headers)


def late(seconds):
    """Send the first byte late."""

    def act(handler, content):
        time.sleep(seconds)
        handler.answer(json.dumps(content).encode())

    return act


def drip(pieces, pause):
    """Send an answer bit by bit, never slow enough to be called dead."""

    def act(handler, content):
        raw = json.dumps(content).encode()
        handler.answer(b"", length=len(raw))
        step = len(raw) // pieces + 1
        for i in range(0, len(raw), step):
            try:
                handler.wfile.write(raw[i : i + step])
                handler.wfile.flush()
            except OSError:
                break
            time.sleep(pause)
        handler.close_connection = True

    return act


def drop(handler, content):
    """Promise the whole body, send half of it, hang up."""
    raw = json.dumps(content).encode()
    handler.answer(raw[: len(raw) // 2], length=len(raw))
    handler.close_connection = True


def hang_up(handler, _):
    handler.close_connection = True


def no_http(handler, _):
    handler.wfile.write(b"\x00\x01 hello\r\n\r\n")
    handler.close_connection = True


def half(handler, content):
    """Send half of the JSON as if it were all."""
    raw = json.dumps(content).encode()
    handler.answer(raw[: len(raw) // 2])


def damaged_gzip(handler, content):
    raw = bytearray(gzip.compress(json.dumps(content).encode()))
    raw[10:40] = b"\xff" * 30
    handler.answer(bytes(raw), Content_Encoding="gzip")


def change(alter, kind=JSON):
    """Send the healthy answer after ``alter(content)`` has changed it."""

    def act(handler, content):
        found = alter(content)
        content = content if found is None else found
        handler.answer(json.dumps(content).encode(), kind=kind)

    return act


def write(old, new):
    """Send the healthy answer with a part of its first value written otherwise."""

    def act(handler, content):
        raw = json.dumps(content)
        assert old in raw
        handler.answer(raw.replace(old, new, 1).encode())

    return act
