"""What must not harm the snapshot store: damage, full disks, killed and parallel processes."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from store_cases import ABOUT, changed, made, table

from evaluation.data.observations import observations
from evaluation.data.store import SnapshotStore
from evaluation.data.store.writing import publish
from evaluation.errors import InputError

START = f"""
import os, resource, signal, sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from store_cases import ABOUT, changed, made, table
from evaluation.data.store import SnapshotStore, content, writing
from evaluation.errors import InputError
import pandas, pyarrow, pyarrow.parquet
store = SnapshotStore(sys.argv[1])
"""


def process(store, code):
    """Start a Python process that knows the store."""
    command = [sys.executable, "-c", START + code, str(store.root)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(running):
    out, err = running.communicate(timeout=60)
    return running.returncode, out, err


@pytest.fixture
def store(tmp_path):
    return SnapshotStore(tmp_path / "store")


@pytest.fixture
def kept(store):
    return store.put(table(), name="a", **ABOUT)


def whole(store):
    """Check that every snapshot can be read, and that no reader sees any other file."""
    found = store.list()
    for snapshot in found:
        assert len(snapshot.observations()) == snapshot.provenance.rows
    return found


# damage


def test_a_missing_file(kept):
    kept.path.unlink()
    with pytest.raises(InputError, match="there is no such file; the snapshot") as error:
        kept.observations()
    assert error.value.file == str(kept.path)


def test_a_file_that_holds_other_data(store, kept):
    other = store.put(changed(3, value=85.26), name="b", **ABOUT)
    kept.path.write_bytes(other.path.read_bytes())
    with pytest.raises(InputError) as error:
        store.get("a").observations()
    assert error.value.file == str(kept.path)
    assert "holds other data than were stored" in error.value.problem
    assert f"SHA-256 is {other.id[:12]}…, not {kept.id[:12]}…" in error.value.problem


@pytest.mark.parametrize("content", [b"", b"PAR1", b"<html>503</html>" * 99])
def test_a_file_that_is_something_else(kept, content):
    import hashlib

    kept.path.write_bytes(content)
    with pytest.raises(InputError) as error:
        kept.observations()
    found = hashlib.sha256(content).hexdigest()[:12]
    recorded = kept.provenance.file_sha256[:12]
    assert error.value.file == str(kept.path)
    assert f"is damaged: the file's SHA-256 is {found}…, not {recorded}…" in error.value.problem


def test_a_parquet_file_of_something_else(kept):
    pd.DataFrame({"indicator": ["N00973"], "x": [1]}).to_parquet(kept.path)
    with pytest.raises(InputError, match="the column code is lacking"):
        kept.observations()


def test_no_damage_to_any_byte_is_ever_taken_for_the_data(store):
    kept = store.put(made(400), name="a", **ABOUT)
    good = kept.path.read_bytes()
    wanted = kept.observations()
    rng = random.Random(4)
    refused = 0
    for trial in range(300):
        bad = bytearray(good)
        if trial % 3 == 0:
            del bad[rng.randrange(len(bad)) :]
        elif trial % 3 == 1:
            bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        else:
            start = rng.randrange(len(bad))
            bad[start : start + 64] = bytes(len(bad[start : start + 64]))
        kept.path.write_bytes(bad)
        try:
            found = kept.observations()
        except InputError as error:
            refused += error.file == str(kept.path)
        else:
            # a byte that no value depends on, such as the name of the writing library
            pd.testing.assert_frame_equal(found, wanted, check_exact=True)
    assert refused > 250


def test_putting_the_data_again_mends_a_damaged_file(store, kept):
    kept.path.write_bytes(kept.path.read_bytes()[:-9])
    store.put(table(), name="again", **ABOUT)
    pd.testing.assert_frame_equal(kept.observations(), observations(table()))


def test_the_same_data_in_other_bytes_are_still_the_snapshot(store, kept):
    """As another version of the library would have written them."""
    table().to_parquet(kept.path, compression="snappy")
    other = kept.path.read_bytes()
    pd.testing.assert_frame_equal(kept.observations(), observations(table()))
    store.put(table(), name="again", **ABOUT)
    assert kept.path.read_bytes() == other


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("fri med källa", "CC0", "was altered: the record's SHA-256 is "),
        ('"rows": 5', '"rows": 6', "was altered"),
        ('"seal"', '"sael"', "is no whole provenance record: no 'seal'"),
        ("{", "[", "is no whole provenance record"),
        ("}", "", "is no whole provenance record"),
        ("Kolada", "\udce5", "is no whole provenance record"),
    ],
)
def test_a_damaged_record_is_named_and_the_others_can_be_read(store, kept, old, new, says):
    other = store.put(changed(0, value=1.0), name="b", **ABOUT)
    (record,) = (store.root / "fetches" / "a").glob("*.json")
    text = record.read_text(encoding="utf-8")
    assert old in text
    damaged = text.replace(old, new)
    record.write_bytes(damaged.encode(errors="surrogateescape"))
    for call in (lambda: store.get("a"), store.list, lambda: store.get(kept.id)):
        with pytest.raises(InputError) as error:
            call()
        assert error.value.file == str(record)
        assert says in error.value.problem
    assert store.get("b") == store.get(other.id) == other


def test_a_record_that_was_moved_or_is_of_another_version(store, kept):
    (record,) = (store.root / "fetches" / "a").glob("*.json")
    moved = store.root / "fetches" / "b" / record.name
    moved.parent.mkdir()
    moved.write_bytes(record.read_bytes())
    with pytest.raises(InputError, match=r"is the record of a .*: it was moved or renamed"):
        store.get("b")
    content = kept.provenance.to_dict()
    del content["codes"]
    fake = type("Record", (), {"to_dict": lambda self: content})()
    record.write_text(type(kept.provenance).to_json(fake), encoding="utf-8")
    with pytest.raises(InputError, match=r"written by another version .* codes is lacking"):
        store.get("a")


# a disk that is full, a folder that is closed


@pytest.mark.parametrize("step", ["fsync", "link"])
def test_a_full_disk_leaves_what_was_there(store, kept, monkeypatch, step):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = sorted(store.root.rglob("*"))
    monkeypatch.setattr(os, step, full)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match="cannot be written: No space left on device") as error:
        store.put(changed(0, value=1.0), name="a", **ABOUT)
    assert error.value.file.startswith(str(store.root / "objects"))
    monkeypatch.undo()
    assert sorted(store.root.rglob("*")) == before
    assert whole(store) == (kept,)


def test_a_file_that_cannot_grow_leaves_what_was_there(store, kept):
    """A real fault of the system, in the middle of the write."""
    code, out, err = ended(
        process(
            store,
            """
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    store.put(made(9000), name="a", **ABOUT)
except InputError as error:
    print(error.problem)
""",
        )
    )
    assert (code, out.strip(), err) == (0, "cannot be written: File too large", "")
    assert [p for p in store.root.rglob("*") if p.suffix == ".part"] == []
    assert whole(store) == (kept,)


def test_a_folder_that_is_closed_or_no_folder(store, kept, tmp_path):
    assert kept.path.is_file()
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written: Not a directory"):
        SnapshotStore(tmp_path / "file").put(table(), name="a", **ABOUT)
    with pytest.raises(InputError, match="cannot be written: Not a directory"):
        SnapshotStore(tmp_path / "file").partial({}).put("k", [])
    root = os.geteuid() == 0
    folders = [store.root, *(p for p in store.root.rglob("*") if p.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        if root:
            os.seteuid(65534)
        with pytest.raises(InputError, match="cannot be written: Permission denied"):
            store.put(changed(0, value=1.0), name="a", **ABOUT)
    finally:
        if root:
            os.seteuid(0)
        assert whole(store) == (kept,)
        for folder in folders:
            folder.chmod(0o755)


def test_a_file_system_without_links(store, monkeypatch, tmp_path):
    def none(*_):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", none)
    kept = store.put(table(), name="a", **ABOUT)
    store.put(table(), name="a", **ABOUT)
    assert len(store.list()) == 2
    assert len(kept.observations()) == 5
    assert publish(tmp_path / "x", b"1", tmp_path / "tmp")
    assert not publish(tmp_path / "x", b"2", tmp_path / "tmp")
    assert (tmp_path / "x").read_bytes() == b"1"


# killed


KILLS = {
    "half of the data written": (
        "old = os.fsync\n"
        "def stop(number):\n"
        "    os.ftruncate(number, 100)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "os.fsync = stop\n"
    ),
    "data written, not in place": ("os.link = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"),
    "data in place, no record": (
        "old = os.link\n"
        "def stop(new, path):\n"
        "    if path.suffix == '.json':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    old(new, path)\n"
        "os.link = stop\n"
    ),
}


def test_killed_at_any_step_nothing_half_is_ever_read(store, kept):
    put = "store.put(changed(0, value=1.0), name='a', **ABOUT)\n"
    running = [process(store, code + put) for code in KILLS.values()]
    assert [ended(p)[0] for p in running] == [-signal.SIGKILL] * len(KILLS)
    strays = list((store.root / "tmp").glob("*.part"))
    assert len(strays) == len(KILLS)
    assert whole(store) == (kept,)
    # what is left is passed over while it may be another's, and swept away when it is old
    again = store.put(changed(0, value=1.0), name="a", **ABOUT)
    assert store.get("a") == again
    assert len(list((store.root / "tmp").glob("*.part"))) == len(KILLS)
    for stray in strays:
        os.utime(stray, (time.time() - 2 * 86400,) * 2)
    store.put(changed(0, value=2.0), name="a", **ABOUT)
    assert list((store.root / "tmp").glob("*.part")) == []
    assert len(whole(store)) == 3


def test_killed_while_it_writes_on_and_on(store):
    endless = "i = 0\nwhile True:\n    i += 1\n    store.put(made(i), name='a', **ABOUT)\n"
    running = process(store, endless)
    while len(list(store.root.glob("fetches/a/*.json"))) < 5:
        assert running.poll() is None, running.communicate()
        time.sleep(0.002)
    running.kill()
    assert ended(running)[0] == -signal.SIGKILL
    found = whole(store)
    assert sorted(s.provenance.rows for s in found) == list(range(1, len(found) + 1))


# several processes


def test_two_processes_put_the_same_and_other_data_at_once(store):
    code = """
chunks = store.partial({"kpi": "N00973"})
for i in range(12):
    store.put(made(10 + i), name="shared", **ABOUT)
    store.put(made(100 + 2 * i + ME), name=f"own{ME}", **ABOUT)
    chunks.put(f"{i}", [i] * 500)
    assert chunks.get(f"{i}") == [i] * 500
"""
    running = [process(store, code.replace("ME", str(me))) for me in range(2)]
    assert [ended(p) for p in running] == [(0, "", "")] * 2
    found = whole(store)
    assert len(found) == 48
    assert len([s for s in found if s.name == "shared"]) == 24
    assert len({s.id for s in found}) == len(list((store.root / "objects").iterdir())) == 36
    assert list((store.root / "tmp").iterdir()) == []
    chunks = store.partial({"kpi": "N00973"})
    assert sorted(map(int, chunks.keys())) == list(range(12))
    assert all(chunks.get(f"{i}") == [i] * 500 for i in range(12))


# chunks of fetches under way


def test_chunks_are_kept_by_request_and_key(store):
    a = store.partial({"kpi": ["N00973"], "years": (2015, 2016)})
    same = store.partial({"years": [2015, 2016], "kpi": ["N00973"]})
    other = store.partial({"kpi": ["N00973"], "years": [2015, 2017]})
    rows = [{"value": 0.1, "status": None}, ["å", 1]]
    a.put("N00973/1", rows)
    a.put("N00973/2", [])
    other.put("N00973/1", ["other"])
    assert same.keys() == ("N00973/1", "N00973/2")
    assert same.get("N00973/1") == rows
    assert same.get("N00973/2") == []
    assert same.get("N00973/3") is None
    a.put("N00973/2", [1])
    assert same.get("N00973/2") == [1]
    a.clear()
    assert same.keys() == ()
    assert same.get("N00973/1") is None
    assert other.get("N00973/1") == ["other"]
    a.clear()


def test_chunks_that_are_damaged_or_old_are_fetched_again(store, monkeypatch):
    chunks = store.partial({"kpi": "N00973"})
    for key in ("a", "b", "c"):
        chunks.put(key, [key])
    files = {f: f.read_bytes() for f in (store.root / "incoming").iterdir()}
    whole_chunk, cut, flipped = files
    cut.write_bytes(files[cut][:-2])
    flipped.write_bytes(files[flipped].replace(b"rows", b"rowz"))
    assert len(chunks.keys()) == 1
    assert [chunks.get(k) is None for k in ("a", "b", "c")].count(True) == 2
    assert whole_chunk.exists()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86399)
    assert len(chunks.keys()) == 1
    monkeypatch.setattr(time, "time", lambda: now + 86401)
    assert chunks.keys() == ()
    # the next fetch that is kept sweeps what is old
    store.put(table(), name="a", **ABOUT)
    assert list((store.root / "incoming").iterdir()) == []


def test_chunks_that_are_not_plain_are_refused(store):
    with pytest.raises(InputError, match="only text, numbers, lists and mappings"):
        store.partial({}).put("k", [object()])
    with pytest.raises(InputError, match="field request"):
        store.partial({"x": object()})
