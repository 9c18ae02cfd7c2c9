"""Every way in which a server, a disk or a process can fail a fetch: the whole table, or one
clear error that names the indicator and the chunk, and earlier snapshots as they were."""

import errno
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pandas as pd
import pytest
from kolada_server import (
    SEXES,
    body,
    change,
    damaged_gzip,
    drip,
    drop,
    entry,
    figure,
    half,
    hang_up,
    late,
    no_http,
    page,
    serving,
    status,
    write,
)

from evaluation.data import fetch
from evaluation.data.fetch import fetch_plan, needed_codes, needed_years
from evaluation.data.kolada import transport
from evaluation.data.kolada.chunks import KoladaError, make_chunks
from evaluation.data.kolada.client import KoladaClient
from evaluation.data.kolada.transport import Waits
from evaluation.data.observations import observations
from evaluation.data.store import SnapshotStore
from evaluation.errors import InputError
from evaluation.plan import plan_from_dict

ROOT = Path(__file__).resolve().parents[1]
YEARS = (2015, 2016, 2017)
INDICATORS = ("N00964", "N00973")
CODES = needed_codes()[:55]
"""So few that each fault costs little: three chunks an indicator."""
CHUNKS = make_chunks(INDICATORS, CODES, YEARS)
TARGET = next(c for c in CHUNKS if c.indicator == "N00973" and "0000" not in c.codes)
"""The chunk that most faults befall: not the first one."""
AREA, YEAR = TARGET.codes[0], YEARS[0]
CELL = f'"value": {figure("N00973", AREA, YEAR, "T")}'
"""Its first value as it is sent."""
ON_TARGET = f"/N00973/municipality/{TARGET.codes[0]},"
ON_INDICATOR = "/data/kpi/N00973/"
ON_KPI = "/v3/kpi/N00973"
HTML = b"<!doctype html><html><body>Ett fel har intr\xc3\xa4ffat</body></html>"


def plan_of(**data):
    text = {"sv": "x", "en": "x"}
    return plan_from_dict(
        {
            "name": "faults",
            "title": text,
            "data": {"source": "kolada", "years": [YEARS[0], YEARS[-1]]} | data,
            "outcomes": [{"indicator": "N00973"}],
            "treatment": {"adoption": []},
            "estimation": {"seed": 1},
        }
    )


PLAN = plan_of()


def table(replaced=None, without=lambda *_: False):
    """Return the right table; ``replaced`` maps cells to (value, state)."""
    rows = []
    for i in INDICATORS:
        for c in CODES:
            for y in YEARS:
                if not without(i, c, y):
                    for s in SEXES:
                        value = (figure(i, c, y, s), "observed")
                        rows.append((i, c, y, s, *(replaced or {}).get((i, c, y, s), value)))
    columns = ["indicator", "code", "year", "sex", "value", "state"]
    return observations(pd.DataFrame.from_records(rows, columns=columns))


TABLE = table()


def client_of(url, timeout=5.0, attempts=4, **options):
    waits = Waits(first=0.001, longest=0.002, jitter=0.001)
    return KoladaClient(url, rate=None, timeout=timeout, attempts=attempts, waits=waits, **options)


@pytest.fixture(autouse=True)
def few_codes(monkeypatch):
    monkeypatch.setattr(fetch, "needed_codes", lambda: CODES)


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def store(tmp_path):
    """A store with an earlier snapshot, which must be there afterwards as it was."""
    place = SnapshotStore(tmp_path / "store")
    marks = {f"{key}_{lang}": "x" for key in ("licence", "citation") for lang in ("sv", "en")}
    early = place.put(TABLE.iloc[:7], name="faults", source="Kolada", request={}, **marks)
    before = {f: f.read_bytes() for f in place.root.rglob("*") if f.is_file()}
    yield place
    assert all(f.read_bytes() == raw for f, raw in before.items())
    assert place.get(early.id).observations().equals(TABLE.iloc[:7])


def fetched(server, store, **options):
    return fetch_plan(PLAN, store, client=client_of(server.url, **options))


def notes_of(snapshot):
    return "\n".join(snapshot.provenance.notes)


def refused(server, store, says, **options):
    """Check that a fetch ends in one clear error, leaves nothing partial, and can be repaired."""
    with pytest.raises(InputError) as caught:
        fetched(server, store, **options)
    error = caught.value
    assert re.search(says, str(error)), str(error)
    assert "\n" not in str(error)
    assert isinstance(error, KoladaError)
    assert "N00973" in str(error)
    assert len(store.list()) == 1
    return error


# faults after which the table is right: what befalls the server, how often, what must be noted
MENDED = {
    "slow first byte": (ON_TARGET, late(0.9), 1, ""),
    "answer that drips": (ON_TARGET, drip(30, 0.1), 1, ""),
    "drop in mid-body": (ON_TARGET, drop, 1, ""),
    "connection closed without an answer": (ON_TARGET, hang_up, 1, ""),
    "answer that is no HTTP": (ON_TARGET, no_http, 1, ""),
    "429 with Retry-After in seconds": (ON_TARGET, status(429, Retry_After="0"), 2, ""),
    "429 without Retry-After": (ON_TARGET, status(429), 2, ""),
    "429 with a Retry-After that says nothing": (ON_TARGET, status(429, Retry_After="x"), 1, ""),
    "500 three times, then 200": (ON_TARGET, status(500), 3, ""),
    "502 with an HTML page": (ON_TARGET, status(502, HTML, "text/html"), 1, ""),
    "503 with Retry-After": (ON_TARGET, status(503, Retry_After="0"), 1, ""),
    "408": (ON_TARGET, status(408), 1, ""),
    "truncated JSON": (ON_TARGET, half, 1, ""),
    "empty body": (ON_TARGET, body(b""), 1, ""),
    "wrong content type": (ON_TARGET, change(lambda _: None, "text/plain"), 1, ""),
    "HTML error page with status 200": (ON_TARGET, body(HTML, "text/html"), 1, ""),
    "HTML error page that calls itself JSON": (ON_TARGET, body(HTML), 1, ""),
    "damaged gzip": (ON_TARGET, damaged_gzip, 1, ""),
    "count larger than the page": (ON_TARGET, change(lambda c: c | {"count": 9999}), 1, ""),
    "a page cut short": (ON_TARGET, change(lambda c: c | {"values": c["values"][:-1]}), 1, ""),
    "empty answer for one chunk": (ON_TARGET, change(lambda _: page([])), 1, "refetched 1"),
    "duplicated rows": (
        ON_TARGET,
        change(lambda c: page(c["values"] + c["values"][:2])),
        None,
        "duplicates 6;",
    ),
    "group and county rows mixed in": (
        ON_TARGET,
        change(
            lambda c: page(
                [entry("N00973", a, YEAR) for a in ("0001", "0023", "G35829")] + c["values"]
            )
        ),
        None,
        "other areas 9;",
    ),
    "rows of another indicator": (
        ON_TARGET,
        change(lambda c: page([*c["values"], entry("N00964", AREA, YEAR, value=1.0)])),
        None,
        "other indicators 3;",
    ),
    "rows of a year outside the asked": (
        ON_TARGET,
        change(lambda c: page([entry("N00973", AREA, 1999), *c["values"]])),
        None,
        "other years 3;",
    ),
    "deleted rows beside the valid ones": (
        ON_TARGET,
        change(
            lambda c: page([entry("N00973", AREA, YEAR, value=99.0, isdeleted=True), *c["values"]])
        ),
        None,
        "deleted 3;",
    ),
    "keys that nobody knows": (ON_TARGET, change(lambda c: c | {"total": 7}), None, ""),
}


@pytest.mark.parametrize("name", MENDED)
def test_the_whole_table_comes(name, server, store):
    part, act, times, noted = MENDED[name]
    server.on(part, act, times)
    slow = name in ("slow first byte", "answer that drips")
    snapshot = fetched(server, store, timeout=0.5 if slow else 5.0)
    pd.testing.assert_frame_equal(snapshot.observations(), TABLE)
    assert noted in notes_of(snapshot)
    assert all(rule[2] in (0, None) for rule in server.rules)
    assert any(part in path for _, path in server.calls)
    assert not list((store.root / "incoming").glob("*"))


def alter(old, new):
    return ON_TARGET, write(old, new)


def every(alter_cell):
    """Change each value of the target."""

    def act(content):
        for e in content["values"]:
            for cell in e["values"]:
                cell.update(alter_cell)

    return change(act)


def without(key, *, inside):
    def act(content):
        first = content["values"][0]
        del (first["values"][0] if inside else first)[key]

    return change(act)


# faults that no patience mends: what befalls the server for ever, what the error says
FATAL = {
    "slow first byte for ever": (ON_TARGET, late(0.9), "after 2 attempts .*not answer in time"),
    "drop in mid-body for ever": (ON_TARGET, drop, "after 4 attempts .*broke off"),
    "429 for ever": (ON_TARGET, status(429), "after 4 attempts the server answered 429"),
    "429 that asks for an hour": (
        ON_TARGET, status(429, Retry_After="3600"), "asks for a wait of 3600 s",
    ),
    "500 for ever on one chunk": (ON_TARGET, status(500), "after 4 attempts the .* answered 500"),
    "truncated JSON for ever": (ON_TARGET, half, "no whole JSON"),
    "wrong content type for ever": (
        ON_TARGET, change(lambda _: None, "text/csv"), "text/csv, not application/json",
    ),
    "no content type": (ON_TARGET, body(b"{}", None), "of no named type"),
    "HTML with status 200 for ever": (ON_TARGET, body(HTML, "text/html"), "text/html, not"),
    "damaged gzip for ever": (ON_TARGET, damaged_gzip, "broke off or was damaged"),
    "another encoding": (ON_TARGET, body('{"å": 1}'.encode("latin-1")), "no whole JSON"),
    "JSON nested without end": (ON_TARGET, body(b"[" * 200_000), "no whole JSON"),
    "204": (ON_TARGET, status(204), "answered 204"),
    "403": (ON_TARGET, status(403), "answered 403 Forbidden"),
    "404": (ON_TARGET, status(404), "answered 404 .*does not know the indicator"),
    "410, as version 2": (ON_TARGET, status(410), "answered 410 Gone.*version 2 is gone"),
    "redirect": (
        ON_TARGET, status(301, Location="https://kolada.se/"), "301 .*//kolada.se/; .*not followed",
    ),
    "next_url loop": (
        ON_TARGET,
        lambda h, c: change(lambda _: page(c["values"], h.server.url.replace("/v3", h.path)))(h, c),
        "go round in a circle",
    ),
    "next_url without end": (
        ON_TARGET,
        lambda h, c: change(lambda _: page(c["values"], f"{h.path}&x={time.monotonic_ns()}"))(h, c),
        "do not come to an end",
    ),
    "next_url to another server": (
        ON_TARGET, change(lambda c: c | {"next_url": "http://a.se/v3/data"}), "leaves the server",
    ),
    "next_url to a file": (
        ON_TARGET, change(lambda c: c | {"next_url": "file:///etc/hosts"}), "leaves the server",
    ),
    "next_url out of the service": (
        ON_TARGET, change(lambda c: c | {"next_url": "/v2/data"}), "leaves the server",
    ),
    "next_url to another version": (
        ON_TARGET, change(lambda c: c | {"next_url": "/v30/data"}), "leaves the server",
    ),
    "next_url that is no address": (
        ON_TARGET, change(lambda c: c | {"next_url": "http://x:abc/"}), "is no address",
    ),
    "next_url that is no text": (ON_TARGET, change(lambda c: c | {"next_url": 2}), "no address"),
    "value revised between pages for ever": (
        ON_TARGET,
        change(lambda c: page([*c["values"], entry("N00973", AREA, YEAR, value=0.123)])),
        "were revised during the fetch",
    ),
    "gender F instead of K": (*alter('"gender": "K"', '"gender": "F"'), "gender 'F' is unknown"),
    "gender in small letters": (*alter('"gender": "K"', '"gender": "k"'), "gender 'k' is unknown"),
    "gender that is a list": (*alter('"gender": "K"', '"gender": ["K"]'), "is unknown"),
    "number as text": (*alter(CELL, '"value": "35.5"'), "'35.5' is no number"),
    "number with a comma": (*alter(CELL, '"value": "35,5"'), "'35,5' is no number"),
    "NaN": (*alter(CELL, '"value": NaN'), "NaN is no number"),
    "infinity": (*alter(CELL, '"value": 1e999'), "too large"),
    "huge value": (*alter(CELL, '"value": 1e300'), "too large"),
    "huge whole number": (*alter(CELL, '"value": 1' + "0" * 400), "too large"),
    "truth as a value": (*alter(CELL, '"value": true'), "True is no number"),
    "value that is marked missing": (ON_TARGET, every({"status": "Missing", "value": 5}), "marked"),
    "status that is a number": (ON_TARGET, every({"status": 3}), "status 3 is no text"),
    "isdeleted that is text": (ON_TARGET, every({"isdeleted": "yes"}), "neither true nor false"),
    "code as a number": (*alter(f'"{AREA}"', AREA.lstrip("0")), "no code of four digits"),
    "code without its zero": (*alter(f'"{AREA}"', f'"{AREA[1:]}"'), "no code of four digits"),
    "year as text": (*alter(f'"period": {YEAR}', f'"period": "{YEAR}"'), "no whole year"),
    "kpi lacking": (ON_TARGET, without("kpi", inside=False), "kpi None is no id"),
    "values lacking": (ON_TARGET, without("values", inside=False), "no list of objects"),
    "value lacking": (ON_TARGET, without("value", inside=True), "value is lacking"),
    "an object instead of a list": (ON_TARGET, body(b'{"values": {}}'), "no list of objects"),
    "a list instead of an object": (ON_TARGET, body(b"[1, 2]"), "no list of objects"),
    "count mismatched for ever": (
        ON_TARGET, change(lambda c: c | {"count": 1}), "says that it holds 1 entries and holds 75",
    ),
    "empty answer for one chunk for ever": (
        ON_TARGET, change(lambda _: page([])), "valid question was empty, twice",
    ),
    "municipalities' rows left out, counties' sent": (
        ON_TARGET, change(lambda _: page([entry("N00973", "0001", YEAR)])), "was empty, twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FATAL)
def test_the_error_names_indicator_and_chunk(name, server, store):
    part, act, says = FATAL[name]
    server.on(part, act)
    slow = {"timeout": 0.4, "attempts": 2} if name == "slow first byte for ever" else {}
    error = refused(server, store, says, **slow)
    assert error.indicator == "N00973"
    assert error.chunk == TARGET
    assert str(error).startswith(f"Kolada, {TARGET.name}: ")
    # mended, the same fetch goes on: the table is right, and what had come is not asked for again
    asked = {path for _, path in server.calls}
    done = len(list((store.root / "incoming").glob("*.json")))
    server.rules.clear()
    server.calls.clear()
    snapshot = fetched(server, store)
    pd.testing.assert_frame_equal(snapshot.observations(), TABLE)
    assert len(server.calls) == len(CHUNKS) - done
    assert len(asked) >= done


# an indicator without any value
WITHDRAWN = {
    "KPI withdrawn": (change(lambda _: page([])), change(lambda _: page([])), "was it withdrawn"),
    "KPI withdrawn, its page too": (
        change(lambda _: page([])), status(404), "nothing is said about the indicator: .*404",
    ),
    "KPI known, without values": (
        change(lambda _: page([])), None, "the service knows the indicator as «Title of N00973»",
    ),
    "every value of a KPI deleted": (every({"isdeleted": True}), None, "495 deleted"),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHDRAWN)
def test_an_indicator_without_values_is_named(name, server, store):
    data, about, says = WITHDRAWN[name]
    server.on(ON_INDICATOR, data)
    if about is not None:
        server.on(ON_KPI, about)
    error = refused(server, store, says)
    assert error.indicator == "N00973"
    assert "not one value for 2015–2017" in str(error)


# states


def first_cell(**changed):
    def act(content):
        content["values"][0]["values"][0].update(changed)

    return change(act)


STATES = {
    "null values with status": ({"value": None, "status": "Private"}, (None, "suppressed")),
    "null with a status that nobody knows": ({"value": None, "status": "?"}, (None, "suppressed")),
    "null that is marked missing": ({"value": None, "status": "Missing"}, (None, "missing")),
    "null without status": ({"value": None, "status": None}, (None, "missing")),
    "zero with a status": ({"value": 0, "status": "Private"}, (None, "suppressed")),
    "zero": ({"value": 0}, (0.0, "observed")),
    "value with a status": ({"value": 12.5, "status": "Preliminary"}, (12.5, "observed")),
}


@pytest.mark.parametrize("name", STATES)
def test_suppressed_missing_and_zero_stay_three(name, server, store):
    changed, expected = STATES[name]
    server.on(ON_TARGET, first_cell(**changed))
    snapshot = fetched(server, store)
    right = table({("N00973", AREA, YEAR, "T"): expected})
    pd.testing.assert_frame_equal(snapshot.observations(), right)
    mark = changed.get("status")
    assert (f"1 values bear the status {mark!r}" in notes_of(snapshot)) == bool(mark)


# gaps that are the source's own
def drop_entries(test):
    return change(lambda c: page([e for e in c["values"] if not test(e)]))


GAPS = {
    "a year without values": (
        lambda i, c, y: y == 2017 and i == "N00973", "N00973: no value for 2017",
    ),
    "a municipality without values": (
        lambda i, c, y: (i, c) == ("N00973", AREA), f"N00973: no value for municipality {AREA}",
    ),
    "a municipality-year without values": (
        lambda i, c, y: (i, c, y) == ("N00973", AREA, YEAR), "absent 3;",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GAPS)
def test_gaps_stay_gaps_and_are_noted(name, server, store):
    gone, noted = GAPS[name]
    act = drop_entries(lambda e: gone(e["kpi"], e["municipality"], e["period"]))
    server.on(ON_INDICATOR, act)
    snapshot = fetched(server, store)
    pd.testing.assert_frame_equal(snapshot.observations(), table(without=gone))
    assert noted in notes_of(snapshot)


# faults that need a test of their own
SPECIAL = []


def fault(name):
    def mark(test):
        SPECIAL.append(name)
        return test

    return mark


@fault("connection refused")
def test_connection_refused(store):
    with serving() as gone:
        pass
    with pytest.raises(KoladaError, match=r"after 4 attempts http.* cannot be reached") as caught:
        fetched(gone, store)
    assert caught.value.chunk in CHUNKS
    assert len(store.list()) == 1


@fault("misspelt parameter: every answer empty")
def test_nothing_but_empty_lists(server, store):
    server.on("/data/", change(lambda _: page([])))
    with pytest.raises(KoladaError, match="N00964: not one value for 2015–2017, though"):
        fetched(server, store)
    assert len(store.list()) == 1


@fault("429 with Retry-After as a date")
def test_a_date_to_wait_for_holds_every_thread(server, store):
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    when = []

    def act(handler, _):
        when.append(time.monotonic())
        handler.answer(b"", 429, Retry_After=format_datetime(until, usegmt=True))

    server.on(ON_TARGET, act, 1)
    snapshot = fetched(server, store, workers=2)
    assert datetime.now(UTC) >= until
    pd.testing.assert_frame_equal(snapshot.observations(), TABLE)
    # calls that had their turn before the answer came may still be on the way
    late_calls = [t for t, _ in server.calls if t > when[0] + 0.3]
    assert late_calls
    assert min(late_calls) > when[0] + 0.9


@fault("value revised between pages")
def test_a_revision_between_two_pages_is_fetched_again(store):
    with serving(page_size=40) as paged:
        old = entry("N00973", AREA, YEAR, value=0.123)
        second = re.compile(r"page=2$")

        def act(handler, content):
            if second.search(handler.path):
                act.seen += 1
                if act.seen == 1:
                    content = content | {"values": [*content["values"], old]}
                    content["count"] += 1
            change(lambda _: content)(handler, content)

        act.seen = 0
        paged.on(ON_TARGET, act)
        snapshot = fetched(paged, store)
    assert act.seen == 2
    assert "refetched 1;" in notes_of(snapshot)
    pd.testing.assert_frame_equal(snapshot.observations(), TABLE)


@fault("next_url with another scheme, and relative")
def test_pages_are_followed_at_the_address_that_was_called(store):
    with serving(page_size=30) as paged:

        def act(handler, content):
            following = content["next_url"]
            if following and following.endswith("2"):
                following = following.replace("http:", "https:")
            elif following:
                following = "/v3" + following.partition("/v3")[2]
            change(lambda c: c | {"next_url": following})(handler, content)

        paged.on("/data/", act)
        snapshot = fetched(paged, store)
    assert len(paged.calls) > 2 * len(CHUNKS)
    pd.testing.assert_frame_equal(snapshot.observations(), TABLE)


@fault("body without end")
def test_a_body_that_is_too_large(server, store, monkeypatch):
    monkeypatch.setattr(transport, "LARGEST_BODY", 10_000)
    server.on(ON_TARGET, body(b" " * 50_000))
    with pytest.raises(KoladaError, match="it is larger than"):
        fetched(server, store)


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@fault("disk full when a chunk is kept")
def test_a_full_disk_during_the_fetch(server, store, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full_disk)
        with pytest.raises(KoladaError, match=r"it came, and cannot be kept: .*No space") as e:
            fetched(server, store)
    assert e.value.chunk in CHUNKS
    assert len(store.list()) == 1
    pd.testing.assert_frame_equal(fetched(server, store).observations(), TABLE)


@fault("disk full when the snapshot is written")
def test_a_full_disk_at_the_end(server, store, monkeypatch):
    with monkeypatch.context() as patch:
        # the chunks are not synced, the snapshot is
        patch.setattr(os, "fsync", full_disk)
        with pytest.raises(InputError, match="cannot be written: No space left"):
            fetched(server, store)
    assert len(store.list()) == 1
    assert not list(store.root.rglob("*.part"))
    server.calls.clear()
    pd.testing.assert_frame_equal(fetched(server, store).observations(), TABLE)
    assert server.calls == []


@fault("kept chunk damaged")
def test_a_damaged_chunk_is_fetched_again(server, store):
    server.on(ON_TARGET, status(403))
    with pytest.raises(KoladaError):
        fetched(server, store, workers=1)
    kept = sorted((store.root / "incoming").glob("*.json"))
    kept[0].write_bytes(kept[0].read_bytes()[:-20])
    server.rules.clear()
    server.calls.clear()
    pd.testing.assert_frame_equal(fetched(server, store).observations(), TABLE)
    assert len(server.calls) == len(CHUNKS) - len(kept) + 1


@fault("interrupted from the keyboard")
def test_an_interruption_stores_nothing_and_can_go_on(server, store):
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_plan(PLAN, store, client=client_of(server.url, workers=1), progress=interrupt)
    assert len(store.list()) == 1
    assert len(server.calls) < len(CHUNKS)
    pd.testing.assert_frame_equal(fetched(server, store).observations(), TABLE)


KILLED = """
import sys
from test_kolada_faults import CODES, PLAN, client_of
from evaluation.data import fetch
from evaluation.data.store import SnapshotStore
fetch.needed_codes = lambda: CODES
fetch.fetch_plan(PLAN, SnapshotStore(sys.argv[1]), client=client_of(sys.argv[2], timeout=60.0))
"""


@fault("process killed during the fetch and started again")
def test_a_killed_process_is_gone_on_from(server, store):
    reached, over = threading.Event(), threading.Event()

    def hang(handler, _):
        reached.set()
        over.wait(60)
        handler.close_connection = True

    server.on(ON_TARGET, hang)
    paths = [str(Path(__file__).parent), *sys.path]
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(store.root), server.url],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )
    incoming = store.root / "incoming"
    try:
        # every other chunk has come, and the last one never will
        while len(list(incoming.glob("*.json"))) < len(CHUNKS) - 1:
            assert child.poll() is None
            time.sleep(0.01)
        assert reached.wait(30)
        child.send_signal(signal.SIGKILL)
        assert child.wait(30) == -signal.SIGKILL
    finally:
        child.kill()
        child.wait()
        over.set()
    assert len(store.list()) == 1
    server.rules.clear()
    server.calls.clear()
    snapshot = fetched(server, store)
    pd.testing.assert_frame_equal(snapshot.observations(), TABLE)
    assert [path for _, path in server.calls] == ["/v3" + TARGET.path]
    assert f"{len(CHUNKS) - 1} of {len(CHUNKS)} chunks come from an earlier" in notes_of(snapshot)


@fault("another server in between")
def test_chunks_of_another_server_are_not_taken(server, store):
    server.on(ON_TARGET, status(403))
    with pytest.raises(KoladaError):
        fetched(server, store)
    with serving() as other:
        snapshot = fetched(other, store)
        assert len(other.calls) == len(CHUNKS)
    pd.testing.assert_frame_equal(snapshot.observations(), TABLE)


def test_the_plan_is_what_the_faults_befall():
    assert needed_years(PLAN) == dict.fromkeys(INDICATORS, YEARS)


def test_the_number_of_faults_is_what_the_documentation_says():
    names = [*MENDED, *FATAL, *WITHDRAWN, *STATES, *GAPS, *SPECIAL]
    assert len(set(names)) == len(names)
    text = (ROOT / "docs" / "data" / "kolada.md").read_text(encoding="utf-8")
    assert re.findall(r"(\d+) faults", text) == [str(len(names))]
