"""A PxWeb server (API version 2) on this machine that misbehaves on demand."""

import itertools
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CODES = {
    "Region": ["00", "01", "0114", "0115", "1280", "2321"],
    "Kon": ["1", "2"],
    "ContentsCode": ["0001"],
    "Tid": ["2023", "2024", "2025"],
}


def value_of(cell):
    """Return value and sign of a cell: made up, and the same for every question."""
    if cell["Region"] == "2321" and cell["Tid"] == "2024":
        return None, ".." if cell["Kon"] == "1" else "-"
    return int(cell["Region"]) * 10 + int(cell["Kon"]) + 100000 * (int(cell["Tid"]) - 2020), None


def answer(selection):
    """Return the table for a selection, as json-stat2."""
    chosen = {s["variableCode"]: s["valueCodes"] for s in selection}
    values, status = [], {}
    for k, codes in enumerate(itertools.product(*chosen.values())):
        value, sign = value_of(dict(zip(chosen, codes, strict=True)))
        values.append(value)
        if sign:
            status[str(k)] = sign
    return {
        "version": "2.0",
        "class": "dataset",
        "label": "Made up by region, sex and year",
        "updated": "2026-03-01T07:00:00Z",
        "id": list(chosen),
        "size": [len(c) for c in chosen.values()],
        "dimension": {
            name: {
                "label": name.lower(),
                "category": {
                    "index": {c: i for i, c in enumerate(codes)},
                    "label": {c: f"text of {c}" for c in codes},
                },
            }
            for name, codes in chosen.items()
        },
        "value": values,
        "status": status,
    }


class Server:
    """What it was asked, and how it is to misbehave.

    ``faults`` holds what the next calls for data get instead of an answer: a status, or
    ``slow``, ``html``, ``truncated``, ``drop``; ``always`` the same for every call whose
    selection holds a code.
    """

    def __init__(self):
        self.url = ""
        self.limit = self.stated_limit = 150_000
        self.faults = []
        self.always = {}
        self.retry_after = None
        self.asked = []
        self.change = lambda table: table

    def fault(self, selection):
        codes = {c for s in selection for c in s["valueCodes"]}
        for code, fault in self.always.items():
            if code in codes:
                return fault
        return self.faults.pop(0) if self.faults else None


def handler(server):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def reply(self, status, content, kind="application/json", extra=(), short=0):
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in extra:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: len(body) - short])
            if short:
                self.close_connection = True

        def do_GET(self):
            if "/config" in self.path:
                self.reply(
                    200,
                    {
                        "apiVersion": "2.0.0",
                        "maxDataCells": server.stated_limit,
                        "maxCallsPerTimeWindow": 1000,
                        "timeWindow": 10,
                        "defaultLanguage": "sv",
                    },
                )
            elif "/metadata" in self.path:
                everything = [{"variableCode": k, "valueCodes": v} for k, v in CODES.items()]
                self.reply(200, answer(everything))
            else:
                self.reply(404, {"title": "Not Found", "status": 404})

        def do_POST(self):
            length = int(self.headers["Content-Length"])
            selection = json.loads(self.rfile.read(length))["selection"]
            server.asked.append(selection)
            size = 1
            for s in selection:
                size *= len(s["valueCodes"])
            fault = server.fault(selection)
            if fault == "slow":
                time.sleep(0.6)
                self.reply(200, server.change(answer(selection)))
            elif fault == "html":
                self.reply(200, b"<html>maintenance</html>", "text/html")
            elif fault == "truncated":
                self.reply(200, json.dumps(answer(selection)).encode()[:-20])
            elif fault == "drop":
                self.reply(200, answer(selection), short=30)
            elif fault is not None:
                extra = [("Retry-After", server.retry_after)] if server.retry_after else []
                self.reply(fault, {"title": f"fault {fault}"}, extra=extra)
            elif size > server.limit:
                self.reply(403, {"title": "Too many cells selected", "status": 403})
            else:
                self.reply(200, server.change(answer(selection)))

    return Handler


@contextmanager
def running():
    """Run a server for the duration of a block."""
    server = Server()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(server)) as http:
        http.daemon_threads = True
        server.url = f"http://127.0.0.1:{http.server_address[1]}/api/v2"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
