"""Kolada's groups of municipalities: fetched whole, found by title, a column to match on."""

import json
from datetime import UTC, datetime

import pandas as pd
import pytest
import typer
from kolada_server import change, group, half, page, serving, status
from typer.testing import CliRunner

from evaluation.cli import groups as command
from evaluation.data.kolada.client import KoladaClient
from evaluation.data.kolada.groups import Group, MunicipalityGroups, fetch_groups, write_column
from evaluation.data.kolada.transport import Waits
from evaluation.errors import InputError

WORK = "Liknande kommuner arbetsmarknad"
GROUPS = [
    ("G36", "Landsbygdskommun med besöksnäring, ovägt medel", ["2321", "2361", "0001"]),
    ("G40", "Storstäder, ovägt medel", ["0180", "1280", "1480"]),
    ("G50", f"{WORK}, Åre, 2022", ["2303", "2361"]),
    ("G51", f"{WORK}, Åre, 2024", ["2361", "2321", "2309"]),
    ("G52", f"{WORK}, Vellinge, 2024", ["2309", "1262", "2321"]),
    ("G53", "Liknande kommuner, övergripande, Åre, 2025", ["2326"]),
    ("G54", "Liknande kommuner IFO, Vellinge, 2024", []),
]


@pytest.fixture
def server():
    with serving() as running:
        running.groups = list(GROUPS)
        yield running


def client_of(server, attempts=2):
    waits = Waits(first=0.001, longest=0.002, jitter=0.001)
    return KoladaClient(server.url, rate=None, attempts=attempts, waits=waits, timeout=5.0)


@pytest.fixture
def groups(server):
    return fetch_groups(client_of(server))


# fetching


@pytest.mark.parametrize("size", [None, 1, 3])
def test_every_group_comes_however_it_is_paged(server, size):
    server.page_size = size
    found = fetch_groups(client_of(server))
    assert {g.id: g.members for g in found.groups} == {
        "G36": ("2321", "2361"),
        "G40": ("0180", "1280", "1480"),
        "G50": ("2303", "2361"),
        "G51": ("2309", "2321", "2361"),
        "G52": ("1262", "2309", "2321"),
        "G53": ("2326",),
        "G54": (),
    }
    assert [g.title for g in found.groups] == sorted(t for _, t, _ in GROUPS)
    calls = 1 if size is None else -(-7 // size)
    # 0001 is a region and no municipality
    assert found.counts == {"duplicates": 0, "groups": 7, "other_members": 1, "requests": calls}
    assert found.url == server.url
    assert len(server.calls) == calls
    assert all("per_page" in p or "page=" in p for _, p in server.calls)


def test_what_is_equal_and_twice_counts_once(server):
    server.groups.append(GROUPS[1])
    assert fetch_groups(client_of(server)).counts["duplicates"] == 1


def test_a_passing_fault_is_waited_out(server):
    server.on("municipality_groups", status(503), 1)
    assert fetch_groups(client_of(server)).counts == {
        "duplicates": 0, "groups": 7, "other_members": 1, "requests": 2,
    }  # fmt: skip


def _of(**changed):
    def alter(content):
        content["values"][0] |= changed

    return change(alter)


FAULTS = {
    "gone": (status(410), "410"),
    "always 503": (status(503), "after 2 attempts the server answered 503"),
    "half a body": (half, "no whole JSON"),
    "another count": (change(lambda c: c | {"count": 99}), "says that it holds 99 entries"),
    "no list": (change(lambda c: {"groups": c["values"]}), "no list of objects under values"),
    "an id that is a number": (_of(id=36), "the group's id 36 is none"),
    "an empty id": (_of(id=""), "the group's id '' is none"),
    "a bar in an id": (_of(id="G1|G2"), r"the group's id 'G1\|G2' is none"),
    "no title": (_of(title=None), "the title None of group G36 is none"),
    "a blank title": (_of(title=" "), "the title ' ' of group G36 is none"),
    "no members": (_of(members=None), "no list of objects under members"),
    "members as texts": (_of(members=["2321"]), "no list of objects under members"),
    "a member without its zero": (
        _of(members=[{"member_id": 114}]),
        "the member 114 of group G36 is no code",
    ),
    "a member's key renamed": (_of(members=[{"id": "2321"}]), "the member None of group G36"),
    "nothing": (change(lambda _: page([])), "not one group with a municipality among 0"),
    "only regions": (
        change(lambda _: page([group("G1", "x", ["0001"])])),
        "not one group with a municipality among 1",
    ),
    "twice and different": (
        change(lambda _: page([group("G1", "x", ["2321"]), group("G1", "x", ["2361"])])),
        "the group G1 came twice and differs",
    ),
    "another server next": (
        change(lambda c: c | {"next_url": "http://example.invalid/v3/x"}),
        "leaves the server",
    ),
    "in a circle": (
        change(lambda c: c | {"next_url": "/v3/municipality_groups?per_page=5000"}),
        "go round in a circle",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_error_that_says_what(server, fault):
    act, says = FAULTS[fault]
    server.on("municipality_groups", act)
    with pytest.raises(InputError, match=says) as found:
        fetch_groups(client_of(server))
    assert str(found.value).startswith("Kolada, groups of municipalities: ")


def test_no_server_is_said():
    client = KoladaClient("http://127.0.0.1:9/v3", rate=None, attempts=1, timeout=1.0)
    with pytest.raises(InputError, match=r"groups of municipalities: .*cannot be reached"):
        fetch_groups(client)


# finding


def test_titles_are_searched_without_regard_to_capitals(groups):
    assert [g.id for g in groups.select("STORSTÄDER").groups] == ["G40"]
    # a and its ring written apart
    assert len(groups.select("a\u030are").groups) == 3
    with pytest.raises(InputError, match="none of 7 groups has 'x1' in its title; there are «Land"):
        groups.select("x1")


def test_similar_is_the_newest_group_of_a_purpose_without_oneself(groups):
    work = groups.select(WORK)
    assert work.own_group("2321").id == "G51"
    assert work.similar_to("2321") == ("2309", "2361")
    assert groups.select("Åre, 2022").similar_to("2321") == ("2303", "2361")
    assert groups.select("övergripande").similar_to("2321") == ("2326",)


def test_similar_for_which_purpose_must_be_said(groups):
    with pytest.raises(
        InputError,
        match=f"Åre has groups for 2 purposes.*: «{WORK}»; «Liknande kommuner, övergripande»$",
    ):
        groups.similar_to("2321")


@pytest.mark.parametrize(
    ("title", "code", "says"),
    [
        (WORK, "0114", "none of 3 groups is titled «Liknande kommuner …, Upplands Väsby, …»"),
        ("IFO", "1233", r"«Liknande kommuner IFO, Vellinge, 2024» \(G54\) holds no other"),
        (WORK, "23", "'23' is not the code of one of the 290"),
        (WORK, "9999", "'9999' is not the code of one of the 290"),
    ],
)
def test_nobody_similar_is_said(groups, title, code, says):
    with pytest.raises(InputError, match=says):
        groups.select(title).similar_to(code)


def test_two_groups_of_one_year_are_not_chosen_between(groups):
    twin = Group("G99", f"{WORK}, Åre, 2024", ("2303",))
    both = MunicipalityGroups((*groups.groups, twin), "", datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(InputError, match=r"Åre has 2 groups titled.*: G51, G99"):
        both.select(WORK).similar_to("2321")


@pytest.mark.parametrize(
    ("title", "found"),
    [
        (f"{WORK}, Åre, 2024", (WORK, 2024)),
        ("liknande kommuner IFO, åre", ("liknande kommuner IFO", 0)),
        ("Liknande kommuner grundskola, Håbo, 2024", None),
        ("Kommuner, Åre, 2024", None),
        ("Liknande kommuner Åre", None),
    ],
)
def test_how_a_title_is_read(title, found):
    assert Group("G1", title, ()).similar_to("Åre") == found


# the column


def test_a_partition_is_a_column_of_290_rows(groups):
    column = groups.select("ovägt medel").column()
    assert list(column.columns) == ["code", "group", "group_title", "source"]
    assert len(column) == 290
    assert column["code"].is_unique
    by = column.set_index("code")["group"]
    assert by[["2321", "2361", "0180", "0114"]].tolist() == ["G36", "G36", "G40", "none"]
    assert (by != "none").sum() == 5
    notes = groups.notes(column)
    assert notes[0] == "285 municipalities are in no group and stand as 'none'"
    assert notes[1].startswith("fetched from http://127.0.0.1")


def test_groups_that_overlap_stand_side_by_side(groups):
    column = groups.select(WORK).column()
    rows = column.set_index("code")
    assert rows.loc["2309", "group"] == "G52|G51"
    assert rows.loc["2309", "group_title"] == f"{WORK}, Vellinge, 2024|{WORK}, Åre, 2024"
    assert groups.notes(column)[0].startswith("3 municipalities are in several groups")


def test_who_shares_a_group_with_a_treated_one_is_similar_to_it(groups):
    work = groups.select(WORK)
    treated = ["2321", "1233"]
    column = work.similar_column([*treated, "2321"]).set_index("code")["group"]
    inside = {code: set(ids.split("|")) for code, ids in column.items() if ids != "none"}
    assert inside == {
        "2321": {"G51"},
        "1233": {"G52"},
        "2309": {"G51", "G52"},
        "2361": {"G51"},
        "1262": {"G52"},
    }
    for code in treated:
        sharing = {c for c, ids in inside.items() if ids & inside[code]} - set(treated)
        assert sharing == set(work.similar_to(code)) - set(treated)


def test_the_file_is_written_whole_or_not_at_all(groups, tmp_path):
    column = groups.select("ovägt medel").column()
    path = write_column(column, tmp_path / "groups.csv")
    again = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    pd.testing.assert_frame_equal(again, column, check_dtype=False)
    day = f"{groups.retrieved:%Y-%m-%d}"
    assert set(again["source"]) == {f"Source: Kolada, groups of municipalities, retrieved {day}"}
    with pytest.raises(InputError, match=r"must end with \.csv"):
        write_column(column, tmp_path / "groups.xlsx")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_column(column, tmp_path / "file" / "groups.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "groups.csv"]


# the command


@pytest.fixture
def call(server, monkeypatch):
    """Call the command; 5 calls a second are more than any of these needs."""
    monkeypatch.setenv("EVALUATION_KOLADA_URL", server.url)
    app = typer.Typer()
    command.attach(app)
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


def test_without_a_file_the_titles_are_listed(call):
    lines = call("--title", "ovägt").stdout.splitlines()
    assert lines == [
        "G36          2  Landsbygdskommun med besöksnäring, ovägt medel",
        "G40          3  Storstäder, ovägt medel",
    ]
    said = json.loads(call("--title", "storstäder", "--json").stdout)
    assert said["groups"] == [
        {"id": "G40", "title": GROUPS[1][1], "members": ["0180", "1280", "1480"]}
    ]
    assert said["citation_sv"].startswith("Källa: Kolada, kommungrupper, hämtade ")


def test_with_a_file_the_column_is_written(call, tmp_path):
    out = tmp_path / "groups.csv"
    answer = call("--title", WORK, "--similar-to", "2321", "--out", out)
    assert answer.exit_code == 0, answer
    assert answer.stdout.splitlines()[0] == f"{out}: 290 municipalities, 1 groups"
    column = pd.read_csv(out, dtype=str, keep_default_na=False).set_index("code")["group"]
    assert column[column == "G51"].index.tolist() == ["2309", "2321", "2361"]
    assert set(column) == {"G51", "none"}
    said = json.loads(call("--title", WORK, "--out", out, "--json").stdout)
    assert said["rows"] == 290
    assert [g["id"] for g in said["groups"]] == ["G52", "G50", "G51"]
    assert said["notes"][0] == "3 municipalities are in several groups: two match that share one"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--similar-to", "2321"], "goes with --out FILE"),
        (["--out", "groups.txt"], "must end with .csv"),
        (["--title", "x1"], "none of 7 groups"),
        (["--similar-to", "2321", "--out", "groups.csv"], "2 purposes"),
    ],
)
def test_a_call_at_fault_is_refused(call, server, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    answer = call(*arguments)
    assert isinstance(answer.exception, InputError)
    assert says in str(answer.exception)
    assert list(tmp_path.iterdir()) == []
    # what can be known before is not asked for
    assert len(server.calls) == (0 if "must" in says or "goes" in says else 1)
