"""The healthy contract: what is asked of Kolada, how fast, and what a plan's fetch keeps."""

import itertools
import json
import math
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
import typer
from kolada_server import SEXES, figure, page, serving, status
from typer.testing import CliRunner

from evaluation.cli.fetch import fetch as fetch_command
from evaluation.data.fetch import fetch_plan, needed_codes, needed_years, number_of_chunks
from evaluation.data.kolada import contract
from evaluation.data.kolada.chunks import make_chunks
from evaluation.data.kolada.client import KoladaClient
from evaluation.data.kolada.rate import RateLimiter
from evaluation.data.kolada.transport import retry_after
from evaluation.data.registry import REGISTRY
from evaluation.data.store import SnapshotStore
from evaluation.errors import InputError
from evaluation.plan import plan_from_dict

ALL = needed_codes()
SOURCE = Path(contract.__file__).parents[2]


@pytest.fixture
def server():
    with serving() as running:
        yield running


def client_of(server, **options):
    options = {"rate": None, "attempts": 1} | options
    return KoladaClient(server.url, **options)


def plan_of(outcomes=({"indicator": "N00973"},), **data):
    text = {"sv": "x", "en": "x"}
    content = {
        "name": "small",
        "title": text,
        "outcomes": list(outcomes),
        "treatment": {"adoption": []},
        "estimation": {"seed": 1},
    }
    if data.get("source") != "none":
        content["data"] = {"source": "kolada", "years": [2015, 2017]} | data
    return plan_from_dict(content, file="small.yaml")


# what is asked


def test_the_whole_country_in_lists_of_25(server):
    found = client_of(server).fetch(["U31001", "N00973"], ALL, range(2010, 2025))
    assert len(server.calls) == found.requests == found.counts["chunks"] == 24
    lists = [path.partition("?")[0].split("/")[4::2] for _, path in server.calls]
    assert {len(part) == 1 for part, _, _ in [[i.split(",") for i in li] for li in lists]} == {True}
    assert max(len(codes.split(",")) for _, codes, _ in lists) == 25
    frame = found.frame
    assert len(frame) == found.counts["rows"] == 2 * 291 * 15 * 3
    keys = itertools.product(["N00973", "U31001"], sorted(ALL), range(2010, 2025), sorted(SEXES))
    # K, M, T: the tidy form is sorted
    right = pd.DataFrame(keys, columns=["indicator", "code", "year", "sex"])
    right["value"] = [figure(*key) for key in right.itertuples(index=False, name=None)]
    right["state"] = "observed"
    pd.testing.assert_frame_equal(frame, right)
    assert (frame["value"] == 0).any()
    assert found.notes == ()
    assert found.counts["absent"] == 0


def test_more_than_25_years_are_cut_too():
    chunks = make_chunks(["N00973"], ["0114"], range(1990, 2026))
    assert [len(c.years) for c in chunks] == [25, 11]
    assert chunks[0].years[0] == 1990
    assert len({c.key for c in chunks}) == 2


def test_an_early_block_of_years_without_values_is_a_gap(server):
    server.on("/year/1990,", lambda h, _: h.answer(json.dumps(page([])).encode()))
    found = client_of(server).fetch(["N00973"], ["0114"], range(1990, 2020))
    assert sorted(set(found.frame["year"])) == list(range(2015, 2020))
    assert found.notes[0].startswith("N00973: no value for 1990, 1991")


def test_an_empty_block_of_years_that_other_municipalities_have_is_no_gap(server):
    empty = json.dumps(page([])).encode()
    last = f"municipality/{','.join(ALL[-16:])}/year/1990,"
    server.on(last, lambda h, _: h.answer(empty), 1)
    found = client_of(server).fetch(["N00973"], ALL, range(1990, 2020))
    assert len(found.frame) == 291 * 30 * 3
    assert found.counts["refetched"] == 1
    server.on(last, lambda h, _: h.answer(empty))
    with pytest.raises(InputError, match=r"N00973.*1990.*was empty, twice"):
        client_of(server).fetch(["N00973"], ALL, range(1990, 2020))


def test_years_that_only_the_nation_has_are_a_gap_of_the_others(server):
    whole = server.entry
    server.entry = lambda k, c, y: whole(k, c, y) if c == "0000" or y >= 2015 else None
    found = client_of(server).fetch(["N00973"], ALL, range(1990, 2020))
    assert len(found.frame) == (291 * 5 + 25) * 3


@pytest.mark.parametrize("size", [1, 7, 74, 75])
def test_pages_are_put_together(size):
    codes = ALL[:25]
    with serving(page_size=size) as paged:
        found = client_of(paged).fetch(["N00973"], codes, [2015, 2016, 2017])
        assert len(paged.calls) == math.ceil(75 / size)
    with serving() as whole:
        assert found.frame.equals(
            client_of(whole).fetch(["N00973"], codes, [2015, 2016, 2017]).frame
        )


def test_only_what_is_divided_has_women_and_men(server):
    def totals(handler, content):
        for e in content["values"]:
            e["values"] = e["values"][:1]
        handler.answer(json.dumps(content).encode())

    server.on("/N00732/", totals)
    found = client_of(server).fetch(["N00732", "N00973"], ALL[:2], [2015])
    assert found.frame.groupby("indicator")["sex"].agg("".join).to_dict() == {
        "N00732": "TT",
        "N00973": "KMTKMT",
    }
    assert found.counts["absent"] == 0


def test_years_may_differ_between_indicators(server):
    years = {"N00732": (2018,), "N01986": (2015, 2016)}
    frame = client_of(server).fetch(list(years), ["0114"], years).frame
    assert frame.groupby("indicator")["year"].unique().map(tuple).to_dict() == years


def test_repeated_ids_count_once(server):
    found = client_of(server).fetch(["N00973", "N00973"], ["0114", "0114"], [2015, 2015])
    assert len(found.frame) == 3


def test_progress_names_every_chunk(server):
    names = []
    client_of(server).fetch(["N00973"], ALL, [2015], progress=names.append)
    assert sorted(names) == [c.name for c in make_chunks(["N00973"], ALL, [2015])]


@pytest.mark.parametrize(
    ("indicators", "codes", "years", "says"),
    [
        (["N00973/../x"], ["0114"], [2015], "'N00973/../x' is no id"),
        ([973], ["0114"], [2015], "973 is no id"),
        (["N00973"], ["114"], [2015], "'114' is no municipality's code"),
        (["N00973"], [114], [2015], "114 is no municipality's code"),
        (["N00973"], ["0114"], ["2015"], "'2015' is no year"),
        (["N00973"], ["0114"], [True], "True is no year"),
        (["N00973"], ["0114"], [20150], "20150 is no year"),
        ([], ["0114"], [2015], "nothing to fetch"),
        (["N00973"], [], [2015], "nothing to fetch"),
        (["N00973"], ["0114"], [], "nothing to fetch"),
    ],
)
def test_a_question_that_cannot_be_one_is_not_asked(server, indicators, codes, years, says):
    with pytest.raises(InputError, match=says):
        client_of(server).fetch(indicators, codes, years)
    assert server.calls == []


def test_the_server_can_be_overridden(monkeypatch):
    assert KoladaClient().base_url == "https://api.kolada.se/v3"
    monkeypatch.setenv("EVALUATION_KOLADA_URL", "http://localhost:8000/v3/")
    assert KoladaClient().base_url == "http://localhost:8000/v3"
    assert KoladaClient("http://other/v3").base_url == "http://other/v3"


@pytest.mark.parametrize(
    "url", ["kolada", "ftp://x/v3", "http://", "http://x:abc", "http://x/?a=1", "http://a:b@x"]
)
def test_an_address_that_is_none_is_refused(monkeypatch, url):
    with pytest.raises(InputError, match="is no address such as"):
        KoladaClient(url)
    monkeypatch.setenv("EVALUATION_KOLADA_URL", url)
    with pytest.raises(InputError, match="field EVALUATION_KOLADA_URL: "):
        KoladaClient()


@pytest.mark.parametrize(
    "options", [{"rate": 0}, {"workers": 0}, {"attempts": 0}, {"timeout": 0}, {"rate": math.nan}]
)
def test_limits_must_be_positive(options):
    with pytest.raises(ValueError, match="must be"):
        KoladaClient("http://x", **options)


WORDS = [
    "api.kolada.se",
    "/municipality/",
    "per_page",
    '"next_url"',
    '"isdeleted"',
    '"gender"',
]


@pytest.mark.parametrize("word", WORDS)
def test_the_contract_stands_in_one_file(word):
    # a reader of files knows «gender» as the heading of a column, the rooms above as a question
    data = [f for f in sorted((SOURCE / "data").rglob("*.py")) if f.parent.name != "reading"]
    files = data if word == '"gender"' else sorted(SOURCE.rglob("*.py"))
    found = [f.name for f in files if word in f.read_text(encoding="utf-8")]
    assert found == ["contract.py"]


def test_the_limits_of_the_contract():
    assert (contract.MOST_IDS, contract.PER_PAGE, contract.CALLS_PER_SECOND) == (25, 5000, 5)


# how fast


class FakeTime:
    """A clock that sleeping moves on; several threads may sleep."""

    def __init__(self):
        self.now, self.lock = 0.0, threading.Lock()

    def clock(self):
        return self.now

    def sleep(self, seconds):
        with self.lock:
            self.now += seconds


def test_the_client_makes_five_calls_a_second_at_most(server):
    time = FakeTime()
    client = client_of(server, workers=1)
    client.limiter = RateLimiter(contract.CALLS_PER_SECOND, clock=time.clock, sleep=time.sleep)
    starts = []
    server.on("/data/", lambda h, c: (starts.append(time.now), h.answer(json.dumps(c).encode())))
    client.fetch(["N00973"], ALL, [2015])
    assert starts == pytest.approx([k / 5 for k in range(12)])


def test_all_threads_share_the_turns():
    slept = []
    limiter = RateLimiter(5, clock=lambda: 0.0, sleep=slept.append)
    threads = [
        threading.Thread(target=lambda: [limiter.wait() for _ in range(5)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # forty turns, each its own: the first needs no sleep
    assert sorted(slept) == pytest.approx([k / 5 for k in range(1, 40)])


def test_a_default_client_keeps_to_five_calls_a_second():
    """Whatever the defaults: the second turn comes a fifth of a second after the first."""
    limiter = KoladaClient("http://x").limiter
    time = FakeTime()
    limiter._clock, limiter._sleep = time.clock, time.sleep
    for _ in range(11):
        limiter.wait()
    assert time.now == pytest.approx(2.0)


@pytest.mark.parametrize("rate", [None, math.inf])
def test_a_lifted_limit_never_waits_but_holds(rate):
    time = FakeTime()
    limiter = RateLimiter(rate, clock=time.clock, sleep=time.sleep)
    for _ in range(100):
        limiter.wait()
    assert time.now == 0
    limiter.hold(3.0)
    limiter.wait()
    assert time.now == 3


def test_a_hold_takes_back_a_turn_that_was_waited_for():
    time = FakeTime()

    def sleep(seconds):
        time.sleep(seconds)
        if time.now < 1:
            limiter.hold(5.0)

    limiter = RateLimiter(5, clock=time.clock, sleep=sleep)
    limiter.wait()
    limiter.wait()
    assert time.now == pytest.approx(5.2)


def test_a_stop_ends_a_wait():
    stop = threading.Event()
    limiter = RateLimiter(1 / 3600)
    limiter.wait(stop)
    thread = threading.Thread(target=limiter.wait, args=(stop,))
    thread.start()
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        (" 12 ", 12.0),
        ("Mon, 23 Nov 2026 12:01:00 GMT", 60.0),
        ("Mon, 23 Nov 2026 13:01:00 +0100", 60.0),
        ("Mon, 23 Nov 2026 12:01:00 -0000", 60.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("-3", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(header, seconds):
    assert retry_after(header, datetime(2026, 11, 23, 12, tzinfo=UTC)) == seconds


# what a plan needs and what is kept


def test_a_plan_needs_its_outcomes_with_weights_and_parts():
    years = (2015, 2016, 2017)
    assert needed_years(plan_of()) == {"N00964": years, "N00973": years}
    assert needed_years(plan_of(["foreign_background"], indicators=["N18409"]))["N18409"] == years
    assert needed_years(plan_of(["foreign_background"], indicators=["N99999"])) == {"N99999": years}


def test_a_part_of_earlier_years_is_fetched_from_those():
    found = needed_years(plan_of([{"indicator": "retention_3_years"}]))
    parts = {p.id: p.lag_years for p in REGISTRY["retention_3_years"].parts}
    assert parts == {"N00732": 0, "N01986": 3}
    assert found["N00732"] == (2015, 2016, 2017)
    assert found["N01986"] == (2012, 2013, 2014, 2015, 2016, 2017)


@pytest.mark.parametrize("indicator", REGISTRY)
def test_every_registered_outcome_can_be_asked_for(indicator):
    plan = plan_of([{"indicator": indicator}], indicators=["N00973"])
    asked = needed_years(plan)
    entry = REGISTRY[indicator]
    assert entry.kolada is None or entry.kolada in asked
    for chunk in make_chunks(list(asked), ["0114"], asked):
        contract.check_indicator(chunk.indicator)


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (plan_of(["foreign_background"], source="none"), "small.yaml, field data: has nothing to"),
        (plan_of(["foreign_background"]), "field data.indicators: is empty, and no outcome"),
        (plan_of([{"indicator": "N1"}]), r"field outcomes\[1\].indicator: 'N1' is in neither"),
        (plan_of(indicators=["N00973", "?"]), r"field data.indicators\[2\]: '\?' is in neither"),
    ],
)
def test_a_plan_that_asks_for_nothing_known_is_refused(plan, says, tmp_path):
    with pytest.raises(InputError, match=says):
        fetch_plan(plan, SnapshotStore(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_snapshot_says_where_it_comes_from(server, tmp_path):
    store = SnapshotStore(tmp_path)
    snapshot = fetch_plan(plan_of(), store, client=client_of(server))
    record = snapshot.provenance
    assert (record.name, record.source, record.rows) == ("small", "Kolada", 2 * 291 * 3 * 3)
    assert (record.citation_sv, record.citation_en) == ("Källa: Kolada", "Source: Kolada")
    assert record.request["server"] == server.url
    assert record.request["years"] == {i: [2015, 2016, 2017] for i in ("N00964", "N00973")}
    assert record.request["codes"] == ALL
    assert record.notes[-1] == "counts: chunks 24; requests 24; rows 5238"
    assert record.notes[-2] == f"fetched from {server.url}, not from Kolada's own server"
    # the server's figures are no whole persons
    assert "kept although they contradict the registry (whole number)" in record.notes[0]
    # the same figures again: one content, two records
    again = fetch_plan(plan_of(), store, client=client_of(server))
    assert again.id == snapshot.id
    assert len(store.list()) == 2


def test_a_second_fetch_keeps_both_vintages(server, tmp_path):
    store = SnapshotStore(tmp_path)
    first = fetch_plan(plan_of(), store, client=client_of(server))

    def revise(handler, content):
        content["values"][0]["values"][0]["value"] += 1
        handler.answer(json.dumps(content).encode())

    server.on("/N00973/municipality/0000,", revise)
    second = fetch_plan(plan_of(), store, client=client_of(server))
    both = first.observations().compare(second.observations())
    assert len(both) == 1
    assert store.latest("small").id == second.id != first.id


@pytest.fixture
def command(server, tmp_path, monkeypatch):
    """Call the command as the command line does, against the local server."""
    monkeypatch.setenv("EVALUATION_KOLADA_URL", server.url)
    monkeypatch.setattr(KoladaClient.__init__, "__kwdefaults__", {
        **KoladaClient.__init__.__kwdefaults__, "rate": None,
    })  # fmt: skip
    file = tmp_path / "small.yaml"
    file.write_text(
        "name: small\ntitle: {sv: x, en: x}\ndata: {source: kolada, years: [2015, 2016]}\n"
        "outcomes: [{indicator: N00973}]\ntreatment: {adoption: []}\nestimation: {seed: 1}\n"
    )
    app = typer.Typer()
    app.command()(fetch_command)

    def call(*options):
        arguments = [str(file), "--store", str(tmp_path / "store"), *options]
        return CliRunner().invoke(app, arguments)

    return call


def test_the_command_says_how_to_pin(command, tmp_path):
    answer = command()
    assert answer.exit_code == 0, answer.output
    snapshot = SnapshotStore(tmp_path / "store").latest("small")
    assert answer.stdout.splitlines() == [
        "small: 3492 rows, 2 indicators, 2015–2016",
        *(f"  {note}" for note in snapshot.provenance.notes),
        f"Snapshot {snapshot.id}",
        f"Pin it in the plan:  data: {{snapshot: {snapshot.id[:12]}}}",
    ]
    assert snapshot.provenance.notes[-1] == "counts: chunks 24; requests 24; rows 3492"
    assert answer.stderr == ""


def test_the_command_for_machines(command, tmp_path):
    found = json.loads(command("--json").stdout)
    snapshot = SnapshotStore(tmp_path / "store").get(found["id"])
    assert found["rows"] == len(snapshot.observations()) == 3492
    assert found["indicators"] == ["N00964", "N00973"]
    assert found["states"] == {"observed": 3492, "suppressed": 0, "missing": 0}


def test_the_command_passes_the_error_on(command, server):
    server.on("/N00973/", status(403))
    answer = command()
    assert isinstance(answer.exception, InputError)
    assert "N00973, municipalities" in str(answer.exception)


def test_the_chunks_are_counted_before_they_are_fetched():
    assert number_of_chunks(plan_of()) == 24


def test_the_command_loads_nothing_heavy_before_its_use():
    code = (
        "import sys, evaluation.cli.fetch; "
        "assert not {'httpx', 'stamina', 'pandas', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_a_place_to_keep_chunks_none_is_promised(server):
    server.on("/N00973/", status(403))
    with pytest.raises(InputError) as caught:
        client_of(server).fetch(["N00973"], ["0114"], [2015])
    assert str(caught.value) == (
        "Kolada, N00973, municipalities 0114–0114 (1), years 2015–2015 (1): "
        "the server answered 403 Forbidden"
    )
