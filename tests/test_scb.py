"""SCB through pxwebpy, against a server that misbehaves: the whole table or a clear error."""

import math
import subprocess
import sys
from email.utils import formatdate

import pytest
import scb_server

from evaluation.data.scb import ScbMapping, fetch_scb
from evaluation.data.store import SnapshotStore
from evaluation.errors import InputError

QUERY = {"Region": "*", "Kon": ["1", "2"], "ContentsCode": "0001", "Tid": ["2023", "2024"]}
BY_SEX = ScbMapping(sex="Kon")


@pytest.fixture
def server():
    with scb_server.running() as server:
        yield server


@pytest.fixture
def fetch(server):
    def fetch(query=None, **options):
        known = {"indicator": "x", "mapping": BY_SEX, "wait": 0.01, "timeout": 0.3, "attempts": 3}
        return fetch_scb("TAB1", query or QUERY, url=server.url, **(known | options))

    return fetch


def whole(found):
    """Check every cell against the rule that the server makes them by."""
    frame = found.frame
    assert len(frame) == 4 * 2 * 2
    assert set(frame["code"]) == {"0114", "0115", "1280", "2321"}
    for row in frame.itertuples():
        sex = {"M": "1", "K": "2"}[row.sex]
        value, sign = scb_server.value_of({"Region": row.code, "Kon": sex, "Tid": str(row.year)})
        if sign is None:
            assert (row.value, row.state) == (value, "observed")
        elif sign == "-":
            assert (row.value, row.state) == (0, "observed")
        else:
            assert row.state == "suppressed"
            assert math.isnan(row.value)
    return True


def test_a_healthy_server_gives_the_municipalities_by_sex_with_their_states(fetch, server):
    found = fetch()
    assert whole(found)
    assert len(server.asked) == 1
    assert found.title == "Made up by region, sex and year"
    assert found.updated.startswith("2026-03-01")
    assert found.notes == ()


def test_perturbed_years_are_noted(fetch):
    assert "2025" in fetch(QUERY | {"Tid": "2025"}).notes[0]


def test_a_query_over_the_stated_limit_is_split_by_its_largest_variable(fetch, server):
    server.limit = server.stated_limit = 8
    assert whole(fetch())
    sizes = [len(s["valueCodes"]) for q in server.asked for s in q if s["variableCode"] == "Region"]
    assert sizes == [2, 2, 2]


def test_a_server_that_takes_less_than_it_says_is_asked_for_less(fetch, server):
    server.stated_limit, server.limit = 1000, 4
    assert whole(fetch())


@pytest.mark.parametrize(
    "fault", [429, 500, 502, 503, "slow", "html", "truncated", "drop"], ids=str
)
def test_a_passing_fault_is_survived(fetch, server, fault):
    server.faults = [fault, fault]
    assert whole(fetch())
    assert len(server.asked) == 3


@pytest.mark.parametrize("when", ["0", "0.05", "soon", formatdate(0, usegmt=True)])
def test_retry_after_is_read_as_seconds_or_as_a_date(fetch, server, when):
    server.faults, server.retry_after = [429], when
    assert whole(fetch())


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (500, "the server answered 500 after 3 attempts"),
        (429, "the server answered 429 after 3 attempts"),
        ("slow", "no answer in time after 3 attempts"),
        ("html", "the answer is not JSON after 3 attempts"),
        ("drop", "the connection failed"),
        (400, "the server answered 400: fault 400"),
        (404, "the server answered 404: fault 404"),
        (403, "the server answered 403"),
    ],
)
def test_a_part_that_fails_for_good_is_named_and_nothing_is_returned(fetch, server, fault, says):
    server.limit = server.stated_limit = 4
    server.always = {"1280": fault}
    with pytest.raises(InputError) as error:
        fetch()
    assert str(error.value).startswith("SCB TAB1: Region 1280")
    assert says in str(error.value)


def test_nobody_at_the_other_end_is_told(fetch):
    with pytest.raises(InputError, match=r"SCB TAB1: .*/config: the connection failed"):
        fetch_scb("TAB1", QUERY, indicator="x", url="http://127.0.0.1:9", attempts=2, wait=0.01)


def one_value_less(table):
    return table | {"value": table["value"][:-1]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (one_value_less, "the answer is no table"),
        (lambda t: {k: v for k, v in t.items() if k != "value"}, "the answer is no table"),
        (lambda t: [1, 2], "the answer is no table"),
        (lambda t: t | {"value": [None] * len(t["value"]), "status": {}}, "holds no value"),
        (lambda t: t | {"status": {"13": "??"}, "value": [*t["value"][:13], None,
                                                          *t["value"][14:]]}, "'\\?\\?'"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_table_is_refused(fetch, server, change, says):
    server.change = change
    with pytest.raises(InputError, match=f"^SCB TAB1.*{says}"):
        fetch()


def test_an_answer_that_lacks_what_was_asked_is_not_taken_for_whole(fetch, server):
    def without_the_last_region(table):
        left = table["dimension"]["Region"]["category"]["index"]
        left = {c: i for c, i in left.items() if c != "2321"}
        table["dimension"]["Region"]["category"] = {"index": left, "label": dict.fromkeys(left, "")}
        return table | {"value": table["value"][:20]}

    server.change = without_the_last_region
    with pytest.raises(InputError, match="the answer lacks 2321 of Region"):
        fetch()


@pytest.mark.parametrize(
    ("query", "mapping", "says"),
    [
        (QUERY, ScbMapping(), "2 codes of Kon are left"),
        (QUERY, ScbMapping(sex="Sex"), "has no variable 'Sex'"),
        (QUERY, ScbMapping(sex="Kon", sexes={"1": "M"}), "'2' is no known sex"),
        (
            QUERY | {"Tid": "2023"},
            ScbMapping(sex="Kon", year="ContentsCode"),
            "'0001' is not a year",
        ),
        (QUERY | {"Region": ["00", "01"]}, BY_SEX, "holds no value of a municipality"),
    ],
)
def test_what_the_mapping_leaves_open_is_refused(fetch, query, mapping, says):
    with pytest.raises(InputError, match=says):
        fetch(query, mapping=mapping)


def test_the_environment_names_the_server(server, monkeypatch):
    monkeypatch.setenv("EVALUATION_SCB_URL", f"{server.url}/")
    assert whole(fetch_scb("TAB1", QUERY, indicator="x", mapping=BY_SEX))


def test_it_goes_into_the_store(fetch, tmp_path):
    snapshot = fetch().put(SnapshotStore(tmp_path), "from-scb")
    assert snapshot.provenance.source == "SCB"
    assert len(snapshot.observations()) == 16


def test_without_the_library_the_way_to_get_it_is_told():
    code = (
        "import sys; sys.modules['pxweb'] = None\n"
        "from evaluation.data.scb import fetch_scb\n"
        "fetch_scb('TAB1', {}, indicator='x')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "integration-evaluation[scb]"' in done.stderr.splitlines()[-1]
