"""The snapshot store: what is kept, under what hash, found by what name."""

import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from store_cases import ABOUT, NAMES, ROWS, changed, table

from evaluation.data.observations import observations
from evaluation.data.store import SnapshotStore, export, read_export, resolve
from evaluation.data.store.content import Content, joint_key
from evaluation.data.store.provenance import Provenance
from evaluation.errors import InputError
from evaluation.plan import KoladaData


@pytest.fixture
def store(tmp_path):
    return SnapshotStore(tmp_path / "store")


def day(number, **more):
    return {"retrieved": datetime(2026, 11, number, 12, tzinfo=UTC)} | ABOUT | more


def files(store):
    return sorted(p.relative_to(store.root).as_posix() for p in store.root.rglob("*.*"))


# the hash


def by_hand(rows):
    """Hash rows as the documentation says, without numpy, pandas or pyarrow."""
    rows = sorted(rows, key=lambda r: (r[0], r[1], r[2], r[3]))
    out = b"evaluation observations 1\n" + f"{len(rows)}\n".encode()
    for k, name in ((0, "indicator"), (1, "code"), (3, "sex"), (5, "state")):
        texts = sorted({r[k] for r in rows})
        out += f"{name} {len(texts)}\n".encode()
        for text in texts:
            out += f"{len(text.encode())} {text}\n".encode()
        out += struct.pack(f"<{len(rows)}i", *(texts.index(r[k]) for r in rows))
    out += struct.pack(f"<{len(rows)}q", *(r[2] for r in rows))
    nan = struct.pack("<Q", 0x7FF8000000000000)
    for r in rows:
        out += nan if r[4] is None else struct.pack("<d", r[4])
    return hashlib.sha256(out).hexdigest()


def test_the_hash_is_what_the_documentation_says():
    rows = [*ROWS, ("Årsverken", "0114", 2015, "M", 1e-300, "observed")]
    assert Content.from_frame(table(rows)).id() == by_hand(rows)


def test_the_hash_sees_the_content_and_nothing_else():
    whole = Content.from_frame(table()).id()
    same = [
        table()[::-1],
        table().set_index("code", drop=False),
        table()[NAMES[::-1]],
        table().assign(note="x"),
        table().astype({"indicator": "category", "year": "int16"}),
        changed(0, value=-0.0),
    ]
    assert {Content.from_frame(f).id() for f in same} == {whole}
    other = [
        changed(0, value=5e-324),
        changed(1, state="missing"),
        changed(1, value=0.0),
        table(ROWS[1:]),
        table().assign(sex=["T", "M", "T", "T", "T"]),
        table().assign(year=table()["year"] + 1),
        table().replace("2321", "2320"),
        table().replace("N00973", "N00974"),
    ]
    assert len({whole, *(Content.from_frame(f).id() for f in other)}) == 1 + len(other)


def test_texts_that_no_row_uses_do_not_count():
    import pyarrow as pa

    plain = Content.from_frame(table())
    arrow = plain.table()
    k = arrow.column_names.index("code")
    codes = arrow["code"].combine_chunks()
    wider = pa.array([*codes.dictionary.to_pylist(), "9999"])
    column = pa.DictionaryArray.from_arrays(codes.indices, wider)
    assert Content(arrow.set_column(k, "code", column)).id() == plain.id()


def test_one_integer_orders_rows_as_their_columns_do_also_when_it_would_not_fit():
    rng = np.random.default_rng(3)
    columns = [rng.integers(0, 50, 300) for _ in range(4)]
    wanted = np.lexsort(columns[::-1])
    for size in (50, 2**31):
        key = joint_key(columns, [size] * 4)
        assert np.argsort(key, kind="stable").tolist() == wanted.tolist()
        assert len(np.unique(key)) == len(set(zip(*columns, strict=True)))


# put and get


def test_what_is_put_is_got(store):
    kept = store.put(table(), name="day_one", notes=["två värden borttagna"], **ABOUT)
    found = store.get("day_one")
    assert found == kept
    pd.testing.assert_frame_equal(found.observations(), observations(table()), check_exact=True)
    p = found.provenance
    assert p.id == found.id == Content.from_frame(table()).id()
    assert (p.rows, p.years, p.codes, p.indicators) == (5, (2015, 2016), 2, ("N00973", "U31001"))
    assert p.states == {"observed": 3, "suppressed": 1, "missing": 1}
    assert p.request == {"kpi": ["N00973"], "years": [2015, 2016]}
    assert p.notes == ("två värden borttagna",)
    assert set(p.versions) == {"python", "integration-evaluation", "pandas", "pyarrow"}
    assert p.file_sha256 == hashlib.sha256(found.path.read_bytes()).hexdigest()
    assert abs(datetime.now(UTC) - p.retrieved) < timedelta(minutes=1)


def test_the_data_lie_there_once_the_records_once_per_fetch(store):
    for number in (1, 2, 2):
        store.put(table(), name="day_one", **day(number))
    for note in ("two in", "one moment"):
        store.put(table(), name="day_one", **day(2, notes=[note]))
    store.put(table(), name="other", **day(3))
    store.put(changed(3, value=86.0), name="day_one", **day(4))
    kinds = [f.split("/")[0] for f in files(store)]
    assert kinds.count("objects") == 2
    assert kinds.count("fetches") == 6
    assert set(kinds) == {"objects", "fetches"}
    listed = [(s.name, s.provenance.retrieved.day) for s in store.list()]
    assert listed == [
        ("day_one", 4),
        ("other", 3),
        *[("day_one", 2)] * 3,
        ("day_one", 1),
    ]


def test_found_by_hash_name_and_day(store):
    first = store.put(table(), name="day_one", **day(10))
    second = store.put(changed(3, value=86.0), name="day_one", **day(20))
    assert first.id != second.id
    assert store.get("day_one") == store.latest("day_one") == second
    assert store.get("day_one@2026-11-20") == second
    assert store.get("day_one@2026-11-19") == store.get("day_one@2026-11-10") == first
    assert store.get(first.id) == store.get(first.id[:12]) == first
    with pytest.raises(InputError, match=r"no snapshot 'day_one@2026-11-09'.*it has day_one"):
        store.get("day_one@2026-11-09")


def test_the_record_of_a_hash_does_not_change_when_the_data_are_fetched_again(store):
    first = store.put(table(), name="day_one", **day(10))
    store.put(table(), name="day_one", **day(20))
    store.put(table(), name="another", **day(15))
    assert store.get(first.id) == first
    assert store.latest("day_one").provenance.retrieved.day == 20


def test_the_newest_is_newest_by_its_time_and_not_by_when_it_was_put(store):
    store.put(table(), name="a", **day(20))
    store.put(changed(0, value=1.0), name="a", **day(10))
    assert store.latest("a").provenance.retrieved.day == 20


def test_times_are_kept_in_utc(store):
    swedish = datetime(2026, 7, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    kept = store.put(table(), name="a", retrieved=swedish, **ABOUT)
    assert kept.provenance.to_dict()["retrieved"] == "2026-06-30T23:30:00+00:00"
    assert store.get("a@2026-06-30") == kept
    with pytest.raises(InputError, match="field retrieved: 2026-07-01T00:00:00 has no time zone"):
        store.put(table(), name="a", retrieved=datetime(2026, 7, 1), **ABOUT)


def test_a_snapshot_of_another_store_is_adopted_with_its_record(store, tmp_path):
    kept = store.put(table(), name="a", **ABOUT)
    other = SnapshotStore(tmp_path / "other")
    for _ in range(2):
        assert other.adopt(kept).path.parent == other.root / "objects"
    assert [s.provenance for s in other.list()] == [kept.provenance]
    pd.testing.assert_frame_equal(other.get("a").observations(), kept.observations())
    kept.path.write_bytes(b"x")
    with pytest.raises(InputError, match="is damaged"):
        SnapshotStore(tmp_path / "third").adopt(kept)
    assert not (tmp_path / "third").exists()


def test_where_the_store_lies(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVALUATION_STORE", raising=False)
    assert SnapshotStore().root.as_posix() == "snapshots"
    monkeypatch.setenv("EVALUATION_STORE", str(tmp_path / "there"))
    assert SnapshotStore().root == tmp_path / "there"
    assert SnapshotStore(tmp_path / "here").root == tmp_path / "here"


def test_reading_an_empty_store_makes_nothing(store):
    assert store.list() == ()
    assert store.latest("day_one") is None
    with pytest.raises(InputError, match=r"no snapshot 'day_one'; the store .* is empty"):
        store.get("day_one")
    assert not store.root.exists()


def test_files_that_are_no_records_are_passed_over(store):
    kept = store.put(table(), name="a", **ABOUT)
    for stray in ("notes.json", ".DS_Store", "20261123-abc-1.json"):
        (store.root / "fetches" / "a" / stray).write_text("{")
    (store.root / "fetches" / "README.md").write_text("x")
    assert store.list() == (kept,)
    assert store.get("a") == kept


# bad calls


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "there are no observations to keep"),
        ([*ROWS, ROWS[0]], "N00973 0114 2015 T stands twice"),
        ([*ROWS, (*ROWS[3][:4], 1.0, "observed")], "N00973 2321 2015 T stands twice"),
        ([("N00973", None, 2015, "T", 1.0, "observed")], "field code: is empty"),
        ([("", "0114", 2015, "T", 1.0, "observed")], "field indicator: '' is no key"),
        ([("=SUM(A1)", "0114", 2015, "T", 1.0, "observed")], "'=SUM(A1)' is no key"),
        ([("a\nb", "0114", 2015, "T", 1.0, "observed")], "is no key"),
        ([("N00973", "0114 ", 2015, "T", 1.0, "observed")], "field code: '0114 ' is no key"),
        ([("N00973", "0114", 2015, "T", 1.0, "suppressed")], "is marked suppressed"),
        ([("N00973", "0114", 2015, "T", float("inf"), "observed")], "is marked observed"),
        ([("N00973", "0114", 2015, "T", None, "..")], "'..' is none of observed"),
    ],
)
def test_what_cannot_be_kept(store, rows, says):
    with pytest.raises(InputError) as error:
        store.put(table(rows), name="a", **ABOUT)
    assert says in str(error.value)
    assert not store.root.exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"name": "Day one"}, "field name: 'Day one' cannot be"),
        ({"name": "../up"}, "field name"),
        ({"name": ""}, "field name"),
        ({"name": "-a"}, "field name"),
        ({"name": "a@b"}, "field name"),
        ({"name": "abcdefabcdef"}, "and not look like a content hash"),
        ({"source": " "}, "field source: is empty"),
        ({"citation_en": ""}, "field citation_en: is empty"),
        ({"request": {"when": datetime(2026, 1, 1)}}, "field request: only text, numbers"),
        ({"request": {"x": float("nan")}}, "field request"),
        ({"notes": "one text"}, "field notes: is one text"),
    ],
)
def test_calls_that_are_refused(store, more, says):
    with pytest.raises(InputError) as error:
        store.put(table(), **{"name": "a", **ABOUT, **more})
    assert says in str(error.value)
    assert not store.root.exists()


@pytest.mark.parametrize(
    ("which", "says"),
    [
        ("a@", "'' is no day; write it as 2026-11-23"),
        ("a@2026-13-01", "'2026-13-01' is no day"),
        ("../a", "field name"),
        ("*", "field name"),
        ("0123456789ab", "there is no snapshot '0123456789ab'"),
    ],
)
def test_what_cannot_be_found(store, which, says):
    store.put(table(), name="a", **ABOUT)
    with pytest.raises(InputError) as error:
        store.get(which)
    assert says in str(error.value)


def test_digits_that_fit_two_snapshots(store):
    kept = store.put(table(), name="a", **ABOUT).provenance
    for last in "01":
        twin = Provenance(**{**vars(kept), "id": f"{'ab' * 6}{last}{'0' * 51}"})
        name = f"20261123T000000.000000Z-{'ab' * 6}-{int(last) + 1}.json"
        (store.root / "fetches" / "a" / name).write_text(twin.to_json(), encoding="utf-8")
    with pytest.raises(InputError, match="abababababab fits more than one snapshot"):
        store.get("ab" * 6)
    assert store.get("ab" * 6 + "1").id[12] == "1"


# citation


def test_the_line_to_cite(store):
    kept = store.put(table(), name="a", **day(23)).provenance
    assert kept.citation("sv") == (
        f"Källa: Kolada, hämtat 2026-11-23 (fri med källa), innehåll {kept.id[:12]}"
    )
    assert kept.citation("en") == (
        f"Source: Kolada, retrieved 2026-11-23 (free with source), content {kept.id[:12]}"
    )
    assert kept.label == f"Kolada 2026-11-23 {kept.id[:12]}"


@pytest.mark.parametrize(
    "more", [{"source": "simulated"}, {"notes": ["SIMULERADE DATA"]}, {"citation_en": "Simulated"}]
)
def test_simulated_data_say_so_wherever_they_go(store, more):
    kept = store.put(table(), name="a", **ABOUT | more).provenance
    assert kept.simulated
    for lang in ("sv", "en"):
        assert kept.citation(lang).startswith("SIMULATED / SIMULERADE DATA: ")
    assert kept.label.startswith("SIMULATED / SIMULERADE DATA 2")


# plans


def test_a_plan_reads_what_it_pins_or_the_newest_of_its_name(store):
    first = store.put(table(), name="day_one", **day(10))
    second = store.put(changed(3, value=86.0), name="day_one", **day(20))

    def data(**more):
        return KoladaData(source="kolada", years=(2015, 2016), **more)

    assert resolve(data(), "day_one", store) == second
    assert resolve(data(snapshot=first.id), "day_one", store) == first
    assert resolve(data(snapshot=first.id[:12], indicators=("U31001",)), "x", store) == first
    with pytest.raises(InputError, match="field data: nothing was fetched for the plan other"):
        resolve(data(), "other", store)
    with pytest.raises(InputError, match=r"field data.snapshot: there is no .* it has day_one"):
        resolve(data(snapshot="0" * 12), "day_one", store)
    with pytest.raises(InputError, match=r"data.indicators: the snapshot .* has no N00700"):
        resolve(data(indicators=("N00700",)), "day_one", store)


# states survive every form

WORDS = ["NA", "nan", "None", "0114", "TRUE", "1e5", "2016-01", "Åre", "å", "..x..x", "N00973 a"]
KEY = st.tuples(
    st.sampled_from(["N00973", *WORDS[:4], "Åre"]),
    st.sampled_from(["0114", *WORDS[2:8]]),
    st.integers(1990, 2100),
    st.sampled_from("TKM"),
)
CELL = st.one_of(
    st.just((None, "suppressed")),
    st.just((None, "missing")),
    st.sampled_from([0.0, -0.0, 1e300, 5e-324, 0.1 + 0.2]).map(lambda v: (v, "observed")),
    st.floats(-1e300, 1e300).map(lambda v: (v, "observed")),
)


@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.dictionaries(KEY, CELL, min_size=1, max_size=12))
def test_every_value_and_state_survives_the_store_and_every_file(tmp_path, cells):
    rows = [(*key, *cell) for key, cell in cells.items()]
    wanted = observations(table(rows))
    kept = SnapshotStore(tmp_path / "store").put(table(rows), name="a", **ABOUT)
    pd.testing.assert_frame_equal(kept.observations(), wanted, check_exact=True)
    for suffix in ("csv", "parquet"):
        back = read_export(export(kept, tmp_path / f"a.{suffix}"))
        pd.testing.assert_frame_equal(back, wanted, check_exact=True)
        assert Content.from_frame(back).id() == kept.id
    # the library that writes sheets writes sixteen digits, and no source has as many
    sheet = read_export(export(kept, tmp_path / "a.xlsx"))
    short = wanted.assign(value=[float(f"{v:.16g}") for v in wanted["value"]])
    pd.testing.assert_frame_equal(sheet, short, check_exact=True)


def test_coverage(store):
    found = store.put(table(), name="a", **ABOUT).coverage()
    assert found.to_dict("list") == {
        "indicator": ["N00973", "U31001"],
        "first_year": [2015, 2015],
        "last_year": [2016, 2015],
        "years": [2, 1],
        "codes": [2, 1],
        "sexes": ["KT", "T"],
        "observed": [2, 1],
        "suppressed": [1, 0],
        "missing": [1, 0],
    }


def test_the_record_is_json_that_a_person_can_read(store):
    store.put(table(), name="a", **ABOUT)
    (record,) = (store.root / "fetches" / "a").glob("*.json")
    content = json.loads(record.read_text(encoding="utf-8"))
    assert content["citation_sv"] == "Källa: Kolada"
    assert "fri med källa" in record.read_text(encoding="utf-8")
