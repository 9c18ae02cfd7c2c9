"""Verification: an untouched report passes, and whatever is touched is found."""

import dataclasses
import hashlib
import json
import re
import shutil

import pytest

from evaluation import load_plan, verify
from evaluation.report import verify as verify_module
from evaluation.report.render import FORMATS

ESTIMATE = ("outcomes", "foreign_background", "finding", "estimates", "cs_simple", "estimate")


@pytest.fixture
def copy(report, tmp_path, monkeypatch, study):
    """A copy of the report to tamper with; what it is compared with is the report itself.

    That a report made anew is the same is tested once, and need not be again each time.
    """

    def build(plan, results, folder, lang, formats, *_):
        left_out = ["provenance.json", *(f"report.{f}" for f in FORMATS if f not in formats)]
        skip = shutil.ignore_patterns(*left_out)
        shutil.copytree(report, folder, dirs_exist_ok=True, ignore=skip)

    monkeypatch.setattr(
        verify_module, "run_study", lambda plan, *_: dataclasses.replace(study, plan=plan)
    )
    monkeypatch.setattr(verify_module, "build", build)
    shutil.copytree(report, tmp_path / "copy")
    return tmp_path / "copy"


def change(file, old, new):
    content = file.read_bytes()
    assert content.count(old) >= 1
    file.write_bytes(content.replace(old, new, 1))


def change_number(folder, relative):
    """Change one number of the results by a relative amount."""
    file = folder / "results.json"
    results = json.loads(file.read_text(encoding="utf-8"))
    inner = results
    for key in ESTIMATE[:-1]:
        inner = inner[key]
    inner[ESTIMATE[-1]] *= 1 + relative
    text = json.dumps(results, ensure_ascii=False, indent=1) + "\n"
    file.write_text(text, encoding="utf-8")


def rehash(folder):
    """Cover the traces: write the hashes of the files as they are now."""
    file = folder / "provenance.json"
    provenance = json.loads(file.read_text(encoding="utf-8"))
    for name in provenance["files"]:
        provenance["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    file.write_text(json.dumps(provenance), encoding="utf-8")


def places(folder):
    return [(d.file, d.key) for d in verify(folder).differences]


def test_an_untouched_report_passes(cli, report):
    answer = cli("verify", report, "--json")
    assert (answer.code, answer.err) == (0, "")
    said = json.loads(answer.out)
    assert said["passed"] is True
    assert said["rendered"] is True
    assert said["differences"] == []
    assert said["n_numbers"] > 3000
    assert said["n_files"] == len([p for p in report.rglob("*") if p.is_file()]) - 1


def touch_number(folder):
    change_number(folder, 1e-6)
    return "results.json", ".".join(ESTIMATE)


def touch_cell(folder):
    change(folder / "tables" / "groups.csv", b"279", b"278")
    return "tables/groups.csv", "[3][1]"


def touch_words_of_a_table(folder):
    change(folder / "tables" / "treated.csv", b"Vellinge", b"Malm\xc3\xb6")
    return "tables/treated.csv", None


def touch_page(folder):
    change(folder / "report.html", "Åre".encode(), b"Are")
    return "report.html", "sha256"


def delete_figure(folder):
    (folder / "figures" / "case.svg").unlink()
    return "figures/case.svg", "file"


def delete_table(folder):
    (folder / "tables" / "data.csv").unlink()
    return "tables/data.csv", "file"


def add_file(folder):
    (folder / "tables" / "extra.csv").write_text("a\n1\n")
    return "tables/extra.csv", "file"


def touch_seed(folder):
    change(folder / "results.json", b'"seed": 20171205', b'"seed": 20171206')
    return "provenance.json", "plan_hash"


def touch_verdict(folder):
    change(folder / "results.json", b'"passed": false', b'"passed": true')
    return "results.json", None


def not_a_number(folder):
    change(folder / "tables" / "groups.csv", b"279", b"nan")
    return "tables/groups.csv", "[3][1]"


def not_text(folder):
    change(folder / "tables" / "groups.csv", b"279", b"\xe5\xe4")
    return "tables/groups.csv", None


@pytest.mark.parametrize(
    "tamper",
    [
        touch_number, touch_cell, touch_words_of_a_table, touch_page, delete_figure, delete_table,
        add_file, touch_seed, touch_verdict, not_a_number, not_text,
    ],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_what_was_touched_is_found(cli, copy, tamper):
    file, key = tamper(copy)
    answer = cli("verify", copy, "--json")
    assert answer.code == 1
    said = json.loads(answer.out)
    assert said["passed"] is False
    found = [(d["file"], d["key"]) for d in said["differences"]]
    assert any(f == file and key in (None, k) for f, k in found), found


@pytest.mark.parametrize("tamper", [touch_number, touch_cell], ids=lambda f: f.__name__)
def test_a_number_is_found_even_if_the_hashes_were_made_to_fit(copy, tamper):
    place = tamper(copy)
    rehash(copy)
    assert place in places(copy)


def test_a_difference_below_the_tolerance_is_only_one_of_bytes(copy):
    change_number(copy, 1e-10)
    assert places(copy) == [("results.json", "sha256")]
    rehash(copy)
    assert places(copy) == []


def test_the_tolerance_is_1e_8(copy):
    change_number(copy, 5e-8)
    rehash(copy)
    assert places(copy) == [("results.json", ".".join(ESTIMATE))]


def page(folder):
    change(folder / "report.html", "Åre".encode(), b"Are")
    return "report.html"


def number_on_the_page(folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    body = text.index("<main>")
    first = re.search(r"−\d,\d\d", text[body:])
    changed = text[: body + first.start()] + "−9,99" + text[body + first.end() :]
    (folder / "report.html").write_text(changed, encoding="utf-8")
    return "report.html"


def curve(folder):
    """Move one point of a figure by a visible amount."""
    file = folder / "figures" / "case.svg"
    text = file.read_text(encoding="utf-8")
    point = re.search(r"L (\d+\.\d+) (\d+\.\d+)", text)
    file.write_text(text.replace(point[0], f"L {point[1]} {float(point[2]) + 5:.6f}", 1))
    return "figures/case.svg"


def printed(folder):
    file = folder / "report.pdf"
    file.write_bytes(file.read_bytes() + b"%")
    return "report.pdf"


@pytest.mark.parametrize("tamper", [page, number_on_the_page, curve, printed])
def test_documents_are_made_anew_and_compared(copy, tamper):
    """Even where the recorded hashes were made to fit."""
    file = tamper(copy)
    rehash(copy)
    assert [f for f, _ in places(copy)] == [file]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", 1),
        ("plan_hash", "0" * 64),
        ("panel_hashes", {}),
        ("data", {}),
        ("versions", {"numpy": "1.0"}),
    ],
)
def test_a_false_provenance_is_found(copy, key, value):
    file = copy / "provenance.json"
    provenance = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(provenance | {key: value}), encoding="utf-8")
    found = places(copy)
    assert found
    assert {f for f, _ in found} == {"provenance.json"}
    assert all(k.startswith(key) for _, k in found)


@pytest.mark.parametrize("key", ["seed", "plan_hash", "panel_hashes", "data", "lang", "formats"])
def test_a_provenance_that_leaves_something_out_is_found(copy, key):
    file = copy / "provenance.json"
    provenance = json.loads(file.read_text(encoding="utf-8"))
    del provenance[key]
    file.write_text(json.dumps(provenance), encoding="utf-8")
    assert places(copy)


def test_under_other_versions_the_documents_are_compared_by_their_hashes(copy):
    """Another machine may draw the last digit otherwise; numbers are compared all the same."""
    file = copy / "provenance.json"
    provenance = json.loads(file.read_text(encoding="utf-8"))
    provenance["versions"]["matplotlib"] = "3.0"
    file.write_text(json.dumps(provenance), encoding="utf-8")
    found = verify(copy)
    assert found.passed
    assert not found.rendered
    touch_page(copy)
    touch_number(copy)
    assert {("report.html", "sha256"), ("results.json", ".".join(ESTIMATE))} <= set(places(copy))


def test_people_are_told_what_differs(cli, copy):
    touch_cell(copy)
    answer = cli("verify", copy)
    assert answer.code == 1
    assert "tables/groups.csv, [3][1]: found 278.0, computed 279.0" in answer.err
    assert "2 differences" in answer.out


@pytest.mark.parametrize(
    ("file", "content", "where", "says"),
    [
        ("results.json", "{", "results.json, row 1", "is not valid JSON"),
        ("results.json", "[]", "results.json", "must be a JSON object"),
        ("results.json", "{}", "results.json, field plan", "holds no plan"),
        ("results.json", '{"plan": {"name": "x"}}', "results.json, field title", "is missing"),
        ("provenance.json", "", "provenance.json, row 1", "is not valid JSON"),
        ("provenance.json", "{}", "provenance.json, field files", "holds no file hashes"),
        ("provenance.json", None, "provenance.json", "there is no such file"),
    ],
)
def test_what_is_no_report_is_refused(cli, refused, copy, file, content, where, says):
    if content is None:
        (copy / file).unlink()
    else:
        (copy / file).write_text(content)
    refused(cli, "verify", copy, where=copy / where, says=says)


@pytest.mark.parametrize(
    ("change", "file"),
    [
        ({}, "data/costs.yaml"),
        (
            {"costs": None, "comparison": {"groups": "mine.csv", "subgroups": ["kind"]}},
            "data/comparison-groups.csv",
        ),
    ],
)
def test_a_report_without_what_it_is_computed_from_names_that_file(cli, tmp_path, change, file):
    plan = load_plan("day_one_simulated").model_dump(mode="json") | change
    if plan["costs"] is None:
        del plan["costs"]
    (tmp_path / "results.json").write_text(json.dumps({"plan": plan}), encoding="utf-8")
    (tmp_path / "provenance.json").write_text('{"files": {}}', encoding="utf-8")
    answer = cli("verify", tmp_path)
    assert answer.code == 2
    assert answer.err.startswith(f"evaluation: {tmp_path / file}: there is no such file; ")
    assert "put it back or write the report anew" in answer.err
    assert answer.err.count("\n") == 1
