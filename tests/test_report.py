"""The report: complete, self-contained, sourced, and the same every time."""

import base64
import csv
import hashlib
import json
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from evaluation import embedded_panel, write_report
from evaluation.questions.grading import REASONS

TABLES = {
    "treated", "groups", "matched_sets", "hidden_active", "miscoding", "case", "case_path",
    "checks_case", "growth", "growth_path", "checks_growth", "data", "comparison",
    "context_establishment_90_days", "context_refugee_employment",
}  # fmt: skip
PER_OUTCOME = {
    "estimates", "per_municipality", "neighbour_years", "event_study", "group_time", "checks",
    "leave_one_out", "comparison", "alternatives", "balance", "overlap",
    "horizons", "subgroups", "families",
}  # fmt: skip
FIGURES = {"hidden_active", "case", "growth", "context"}
FIGURES_PER_OUTCOME = {
    "paths", "event_study", "placebo", "specifications", "neighbour_years", "balance", "overlap",
    "horizons",
}  # fmt: skip
OUTCOMES = ("foreign_background", "low_economic_standard")


class Page(HTMLParser):
    """What a browser would load, and in which order tables, images and source lines come."""

    def __init__(self, text):
        super().__init__()
        self.resources, self.blocks, self.words = [], [], []
        self.lang = None
        self._divs, self._source, self._silent = [], None, False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        classes = (attrs.get("class") or "").split()
        self.resources += [(tag, attrs[k]) for k in ("src", "href", "data", "poster") if k in attrs]
        if tag == "html":
            self.lang = attrs.get("lang")
        elif tag == "div":
            self._divs.append(bool({"table", "figure"} & set(classes)))
            if self._divs[-1]:
                self.blocks.append([])
        elif tag in {"table", "img"}:
            self.blocks[-1].append(tag)
            if tag == "img":
                assert attrs.get("alt"), "an image without a text alternative"
        elif tag == "span" and "source" in classes:
            self._source = ""
        self._silent = tag in {"style", "script", "code", "title"}

    def handle_endtag(self, tag):
        if tag == "div":
            self._divs.pop()
        elif tag == "span" and self._source is not None:
            self.blocks[-1].append(" ".join(self._source.split()))
            self._source = None
        self._silent = False

    def handle_data(self, data):
        if self._source is not None:
            self._source += data
        if not self._silent:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def files_of(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def bytes_of(folder):
    return {f: (folder / f).read_bytes() for f in files_of(folder)}


def rows_of(path):
    """Return a table's rows as written: numbers keep every digit."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def english(quick_plan, tmp_path_factory):
    return write_report(quick_plan, tmp_path_factory.mktemp("report") / "settlement-en", lang="en")


@pytest.fixture(scope="module")
def again(quick_plan, tmp_path_factory):
    """The Swedish report once more, somewhere else."""
    return write_report(quick_plan, tmp_path_factory.mktemp("elsewhere") / "other-name")


@pytest.fixture(params=["sv", "en"])
def either(request):
    folder = request.getfixturevalue("report" if request.param == "sv" else "english")
    return request.param, folder, Page((folder / "report.html").read_text(encoding="utf-8"))


# what is there


def test_all_files_of_the_contract(either):
    _, folder, _ = either
    tables = TABLES | {f"{t}_{o}" for t in PER_OUTCOME for o in OUTCOMES}
    figures = FIGURES | {f"{f}_{o}" for f in FIGURES_PER_OUTCOME for o in OUTCOMES}
    documents = {"report.html", "report.pdf", "report.docx", "results.json", "provenance.json"}
    expected = {f"tables/{t}.csv" for t in tables} | {f"figures/{f}.svg" for f in figures}
    assert files_of(folder) == documents | expected


def test_results_are_json_with_every_number(report):
    results = json.loads((report / "results.json").read_text(encoding="utf-8"))
    assert list(results["outcomes"]) == list(OUTCOMES)
    headline = results["outcomes"]["foreign_background"]["finding"]["estimates"]["permutation"]
    assert headline["inference"].startswith("permutation")
    assert headline["n_treated_units"] == 4
    assert results["plan"]["estimation"]["draws"] == 499


def test_tables_are_the_results_unrounded(report):
    results = json.loads((report / "results.json").read_text(encoding="utf-8"))
    for outcome in OUTCOMES:
        estimates = results["outcomes"][outcome]["finding"]["estimates"]
        table = rows_of(report / "tables" / f"estimates_{outcome}.csv")
        assert [row["key"] for row in table] == list(estimates)
        for row, e in zip(table, estimates.values(), strict=True):
            assert float(row["estimate"]) == e["estimate"]
            assert [float(row["conf_low"]), float(row["conf_high"])] == e["conf_int"]
            assert float(row["p_value"]) == e["p_value"]
    path = [{k: float(v) for k, v in r.items()} for r in rows_of(report / "tables/case_path.csv")]
    assert path == results["case"]["synthetic_control"]["rows"]


def test_provenance(report, quick_plan):
    provenance = json.loads((report / "provenance.json").read_text(encoding="utf-8"))
    results = json.loads((report / "results.json").read_text(encoding="utf-8"))
    assert set(provenance["files"]) == files_of(report) - {"provenance.json"}
    for name, digest in provenance["files"].items():
        assert hashlib.sha256((report / name).read_bytes()).hexdigest() == digest, name
    assert provenance["plan_hash"] == quick_plan.hash() == results["plan_hash"]
    assert provenance["panel_hashes"] == {o: embedded_panel(o).hash() for o in OUTCOMES}
    assert provenance["seed"] == quick_plan.estimation.seed
    assert provenance["lang"] == "sv"
    assert {"python", "numpy", "diff-diff", "integration-evaluation"} <= set(provenance["versions"])


def test_documents_are_what_their_names_say(either):
    lang, folder, _ = either
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF-")
    with zipfile.ZipFile(folder / "report.docx") as docx:
        body = docx.read("word/document.xml").decode()
        pictures = [n for n in docx.namelist() if n.startswith("word/media/")]
    assert ("Källa: SCB" if lang == "sv" else "Source: SCB") in body
    assert len(pictures) == len(list((folder / "figures").iterdir())) == 20


# the page


def test_the_page_needs_nothing_else(either):
    _, folder, page = either
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert page.resources
    assert all(value.startswith(("data:", "#")) for _, value in page.resources)
    assert not {tag for tag, _ in page.resources} & {"script", "link", "iframe"}
    assert not re.search(r"@import|url\((?!['\"]?data:)", html)
    for tag, value in page.resources:
        if tag == "img":
            kind, _, content = value.partition(",")
            assert kind == "data:image/svg+xml;base64"
            svg = base64.b64decode(content).decode()
            assert not re.search(r"(href|src)=[\"'](?!#)", svg)


def test_nothing_names_a_place_on_this_machine(report, tmp_path_factory):
    places = [str(tmp_path_factory.getbasetemp()), str(Path.home()) + "/", "file:"]
    places.append(str(Path(__file__).parents[1]))
    for name, content in bytes_of(report).items():
        if not name.endswith((".pdf", ".docx")):
            text = content.decode()
            assert not [p for p in places if p in text], name


def test_the_language_is_declared_and_spoken(either):
    lang, _, page = either
    assert page.lang == lang
    if lang == "sv":
        assert all(c in page.text for c in "åäöÅ")
        assert "Det viktigaste" in page.text
        assert "The main points" not in page.text
    else:
        assert "The main points" in page.text
        assert "Det viktigaste" not in page.text


def test_every_table_and_figure_is_followed_by_its_source(either):
    lang, folder, page = either
    start = "Källa: " if lang == "sv" else "Source: "
    own = "Egen bearbetning." if lang == "sv" else "Own calculations."
    kinds = [block[0] for block in page.blocks]
    assert kinds.count("img") == len(list((folder / "figures").iterdir()))
    assert kinds.count("table") >= 15
    for block in page.blocks:
        assert len(block) == 2, block
        kind, source = block
        assert kind in {"table", "img"}
        assert re.fullmatch(rf"{start}\S.*\.", source), source
    # all but the two tables and the figure of the national context, shown as they are
    assert sum(source.endswith(own) for _, source in page.blocks) == len(page.blocks) - 3
    assert sum("SCB, TAB6571" in source for _, source in page.blocks) >= 8


def test_numbers_are_written_in_the_language(either):
    """Decimal comma in Swedish, point in English; a minus is a minus; never both marks."""
    lang, _, page = either
    wrong = r"\d\.\d" if lang == "sv" else r"\d,\d(?!\d\d)"
    assert re.findall(wrong, page.text) == []
    right = r"\d,\d\d\b" if lang == "sv" else r"\d\.\d\d\b"
    assert len(re.findall(right, page.text)) > 300
    assert not re.search(r"(?<![\w–])-\d", page.text)


def test_the_headline_of_the_text_is_that_of_the_results(either):
    lang, folder, page = either
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    for outcome in OUTCOMES:
        finding = results["outcomes"][outcome]["finding"]
        headline = finding["estimates"]["permutation"]
        low, high = headline["conf_int"]
        shown = [f"{abs(v):.2f}" for v in (headline["estimate"], low, high)]
        shown.append(f"{headline['p_value']:.3f}")
        shown = [s.replace(".", ",") if lang == "sv" else s for s in shown]
        sentence = " ".join(finding[f"sentence_{lang}"].split())
        assert sentence in page.text
        assert all(s in sentence for s in shown)


def test_checks_say_which_of_them_grade(either):
    lang, folder, _ = either
    for outcome in OUTCOMES:
        rows = rows_of(folder / "tables" / f"checks_{outcome}.csv")
        grading = [row["name"] for row in rows if row["grades"] == "True"]
        # what else runs in the same place is asked of a plan on one model
        assert set(grading) == set(REASONS) - {"same_place"}
        # those that count stand first
        assert [row["name"] for row in rows][: len(grading)] == grading
        assert {"calibrated_level", "placebo_dates", "specification_curve"} <= {
            row["name"] for row in rows
        }
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert ("I graden" if lang == "sv" else "Grades") in html


def test_the_headline_stands_first_and_is_marked(either):
    lang, _, page = either
    mark = "permutationsintervall (huvudresultat)" if lang == "sv" else "interval (headline)"
    assert page.text.count(mark) == len(OUTCOMES)


def test_power_is_told_first_with_the_outcome_and_among_the_limits(either):
    lang, folder, page = either
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    for outcome in OUTCOMES:
        power = results["outcomes"][outcome]["robustness"]["power"]
        sentence = " ".join(power[f"sentence_{lang}"].split())
        assert page.text.count(sentence[1:]) == 3
        shown = f"{power['detectable']:.2f}"
        assert (shown.replace(".", ",") if lang == "sv" else shown) in sentence


TERMS = {
    "sv": [
        "Så läser du rapporten", "ATT", "Estimand", "Permutation och placebo",
        "95 % permutationsintervall", "Regeln för få behandlade", "Holms metod", "Romano–Wolfs",
        "Andra val", "Minsta effekt som kan hittas", "Simultant band", "Syntetisk kommun",
        "Evidens",
    ],
    "en": [
        "How to read this report", "ATT", "Estimand", "Permutation and placebo",
        "95 % permutation interval", "The rule for few treated", "Holm's method", "Romano and Wolf",
        "Other choices", "Smallest effect that can be found", "Simultaneous band",
        "Synthetic municipality", "Evidence",
    ],
}  # fmt: skip


def test_the_terms_are_explained_before_they_are_used_in_a_table(either):
    lang, folder, _ = either
    html = (folder / "report.html").read_text(encoding="utf-8")
    box = re.search(r'<section[^>]*class="box".*?</section>', html, re.DOTALL)
    assert box.end() < html.index("<table")
    words = " ".join(re.sub(r"<[^>]+>", "", box[0]).split()).replace("’", "'")
    place = [words.find(term) for term in TERMS[lang]]
    assert -1 not in place
    assert place == sorted(place)


def test_lines_and_undated_sources_are_explained(either):
    lang, _, page = either
    line = "«Rad» i tabellerna är raden i" if lang == "sv" else "A «line» in the tables is the line"
    source = "den kopia som har lästs bär inget datum" if lang == "sv" else "bears no date"
    assert page.text.count(line) == 1
    assert page.text.count(source) == 1
    assert page.text.index("Trelleborgs bidragskapning") < page.text.index(source)


def test_nobody_is_named_as_waiting_and_the_groups_are_counted(either):
    _, _, page = either
    assert "ANON" not in page.text
    assert "279" in page.text
    assert "waits_two_years" not in page.text


# the same every time


def test_two_runs_give_the_same_bytes(report, again):
    first, second = bytes_of(report), bytes_of(again)
    assert first.keys() == second.keys()
    different = {name for name in first if first[name] != second[name]}
    # the provenance tells how long it took
    assert different <= {"provenance.json"}


def test_the_language_changes_no_number(report, english):
    assert (report / "results.json").read_bytes() == (english / "results.json").read_bytes()
    for name in files_of(report):
        if name.startswith("tables/"):
            assert (report / name).read_bytes() == (english / name).read_bytes(), name
