"""A plan with coding sheets of its own: treated, unsettled, the report, and its faults."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
import yaml

from evaluation import verify
from evaluation.data import embedded
from evaluation.design.coded import design_from_sheets
from evaluation.design.comparison.restricted import restricted
from evaluation.errors import InputError
from evaluation.plan import load_plan
from evaluation.questions.study import run_study
from evaluation.report.coding_tables import settled_sentence

DAY_ONE, ASYLUM, NEEDED = "active_day_one", "active_from_asylum", "active_when_support_needed"
ARE, VELLINGE, SKURUP, TRELLEBORG = "2321", "1233", "1264", "1287"
COLUMNS = ("code", "coder", "stance", "began", "ended", "evidence", "source", "page",
           "decided_by", "decided_on", "reason")  # fmt: skip
DECISION = {"coder": "adjudicated", "decided_by": "A and B", "decided_on": "2026-11-23",
            "reason": "page 3"}  # fmt: skip


def row(code, coder="A", stance=DAY_ONE, began="2014", **cells):
    return {"code": code, "coder": coder, "stance": stance, "began": began, "evidence": "strong",
            "source": "protocol", "page": "3"} | cells  # fmt: skip


def both(code, **cells):
    return [row(code, "A", **cells), row(code, "B", **cells)]


@pytest.fixture
def write(tmp_path):
    """Write a sheet and a plan that reads it; return the plan's file."""

    def made(rows, outcomes=("foreign_background",), treatment=None, **coding):
        with (tmp_path / "coders.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows(rows)
        plan = {
            "name": "own_coders",
            "title": {"sv": "Egna kodare", "en": "Own coders"},
            "outcomes": list(outcomes),
            "treatment": {"coding": {"sheets": ["coders.csv"]} | coding} | (treatment or {}),
            "comparison": {"donors_per_treated": 5},
            "estimation": {"seed": 1, "draws": 199},
        }
        file = tmp_path / "own.yaml"
        file.write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
        return file

    return made


def resolved(write, rows, **kw):
    return design_from_sheets(load_plan(write(rows, **kw)))


# who is treated


def test_agreed_decided_and_single_codings_make_the_treated(write):
    rows = [
        *both(ARE, began="2011-H2"),
        row(VELLINGE, "A"), row(VELLINGE, "B", NEEDED),
        row(VELLINGE, **DECISION | {"stance": ASYLUM, "began": "2013-02"}),
        row(SKURUP, "A", ended="2018"),
        *both(TRELLEBORG, stance=NEEDED),
    ]  # fmt: skip
    design, coded = resolved(write, rows)
    assert [(t.code, t.first_year, t.stance) for t in design.treated] == [
        (VELLINGE, 2014, ASYLUM), (SKURUP, 2015, DAY_ONE), (ARE, 2012, DAY_ONE),
    ]  # fmt: skip
    assert coded.route == {VELLINGE: "adjudicated", SKURUP: "single coder", ARE: "agreed"}
    assert coded.ended == (SKURUP,)
    assert coded.apart == ()
    assert TRELLEBORG in design.controls
    assert len(design.controls) == 287
    are, vellinge = design.treated[2], design.treated[0]
    # a decision that leaves part of what is disputed undecided settles nothing
    rows[4]["began"] = "2015"
    assert [a.code for a in resolved(write, rows)[1].apart] == [VELLINGE]
    # where the start stands: the sheet's row, the decision's own where there is one
    assert (are.start_document, are.start_line, are.stated_start) == ("coders.csv", "2", "2011-H2")
    assert (vellinge.start_line, vellinge.document) == ("6", "protocol")


def test_what_is_not_settled_is_in_neither_group(write):
    rows = [
        *both(ARE),
        row(VELLINGE, "A"), row(VELLINGE, "B", NEEDED),
        row(SKURUP, "A"), row(SKURUP, "B", "unclear"),
        row(TRELLEBORG, "A", began="2013"), row(TRELLEBORG, "B", began="2014"),
        *both("0180", began=""),
        *both("0114", evidence="weak"),
    ]  # fmt: skip
    design, coded = resolved(write, rows)
    assert design.treated_codes == [ARE]
    assert {a.code: a.reason for a in coded.apart} == {
        VELLINGE: "unsettled", SKURUP: "unsettled", TRELLEBORG: "unsettled", "0180": "no_start",
    }  # fmt: skip
    assert set(design.excluded) == {VELLINGE, SKURUP, TRELLEBORG, "0180", "0114"}
    assert not set(design.excluded) & set(design.controls)
    assert len(design.controls) == 284
    assert design.counts.uncertain == ("0114",)
    # those of weak evidence may be compared; what is not settled may not
    design, _ = resolved(write, rows, treatment={"uncertain": "control"})
    assert "0114" in design.controls
    assert set(design.excluded) == {VELLINGE, SKURUP, TRELLEBORG, "0180"}
    # not with all who are not treated either: both coders call 0180 active
    plan = write(rows)
    asked = yaml.safe_load(plan.read_text(encoding="utf-8"))
    asked["comparison"]["group"] = "never_treated"
    plan.write_text(yaml.safe_dump(asked), encoding="utf-8")
    read = load_plan(plan)
    every = restricted(read, design_from_sheets(read)[0])
    assert "0114" in every.controls
    assert set(every.excluded) == {VELLINGE, SKURUP, TRELLEBORG, "0180"}


@pytest.mark.parametrize("uncertain", ["exclude", "control"])
def test_what_is_not_settled_is_compared_in_no_other_way(write, uncertain):
    rows = [*both(ARE), row(VELLINGE, "A"), row(VELLINGE, "B", NEEDED), *both("0180", began=""),
            *both("0114", evidence="weak"), *both("0115", evidence="weak")]  # fmt: skip
    study = run_study(load_plan(write(rows, treatment={"uncertain": uncertain}))).to_dict()
    found = study["outcomes"]["foreign_background"]
    estimates = found["finding"]["estimates"]
    headline, moved = (estimates[k]["n_units"] for k in ("permutation", "uncertain_other_way"))
    assert {headline, moved} == {286, 288}
    assert (headline < moved) == (uncertain == "exclude")
    reasons = {u["code"]: u["reason"] for u in found["against"]["units"]}
    assert (reasons[VELLINGE], reasons["0180"]) == ("apart", "apart")
    assert reasons["0114"] == ("uncertain" if uncertain == "exclude" else "")
    checks = {c["name"]: c for c in found["finding"]["checks"]}
    assert checks["years_stated"]["text_sv"] == "Varje startår står i kodbladen."
    assert checks["years_stated"]["text_en"] == "Every start year stands in the coding sheets."


def test_how_a_stance_was_settled_is_said_in_words(write):
    def said(rows, lang):
        return settled_sentence({"coding": resolved(write, rows)[1].to_dict()}, lang)

    split = [row(VELLINGE, "A"), row(VELLINGE, "B", NEEDED)]
    rows = [*both(ARE), *both(SKURUP), *split]
    assert said(rows, "sv").endswith(
        "oeniga om huruvida en av dem är aktiv; den oenigheten saknar avgörande."
    )
    rows.append(row(VELLINGE, **DECISION))
    assert said(rows, "en").endswith(
        "disagree on whether one of them is active; that disagreement has a decision."
    )
    assert said([*both(ARE), *both(SKURUP)], "en") == (
        "At least two have coded 2 municipalities and agree on which of them are active."
    )
    rows = [row(ARE, "A", began="2013-03"), row(ARE, "B", ASYLUM, "2013-09"), *both(SKURUP)]
    assert resolved(write, rows)[1].route == {SKURUP: "agreed", ARE: "no consequence"}


def test_a_disagreement_without_consequence_changes_nothing(write):
    rows = [
        # both active, in the same first whole year
        row(ARE, "A", DAY_ONE, "2013-03"), row(ARE, "B", ASYLUM, "2013-09"),
        # neither active
        row(VELLINGE, "A", NEEDED), row(VELLINGE, "B", "unclear", evidence="weak"),
        *both(SKURUP),
    ]  # fmt: skip
    design, coded = resolved(write, rows)
    assert [(t.code, t.first_year) for t in design.treated] == [(SKURUP, 2015), (ARE, 2014)]
    assert (coded.apart, VELLINGE in design.controls) == ((), True)
    assert len(coded.adjudicated.unsettled) > 0
    # the same starts lie in two years where the year touched counts
    _, coded = resolved(write, rows, treatment={"exposure": "first_year_touched"})
    assert coded.apart == ()
    rows[1]["began"] = "2014-01"
    _, coded = resolved(write, rows, treatment={"exposure": "first_year_touched"})
    assert [a.code for a in coded.apart] == [ARE]


def treated_years(design):
    return {t.code: (t.base_year, t.first_year, t.last_year) for t in design.treated}


def test_partly_exposed_years_and_years_after_an_end_do_not_count(write):
    rows = [
        *both(ARE, began="2013-04"),
        *both(VELLINGE, began="2013", ended="2017-06"),
        # two stances without a gap are one period; the second period is not in the plan
        *both(SKURUP, began="2012-03", ended="2014-12"),
        *both(SKURUP, stance=ASYLUM, began="2015-01", ended="2016-09"),
        *both(SKURUP, began="2019-01"),
        # both within the same year, so no year between counts
        *both(TRELLEBORG, began="2014-02", ended="2014-11"),
    ]
    design, coded = resolved(write, rows)
    assert treated_years(design) == {
        ARE: (2012, 2014, None), VELLINGE: (2012, 2014, 2016), SKURUP: (2011, 2013, 2015),
    }  # fmt: skip
    assert coded.ended == (VELLINGE, SKURUP)
    assert [(a.code, a.reason) for a in coded.apart] == [(TRELLEBORG, "too_short")]
    assert TRELLEBORG not in design.controls
    design, _ = resolved(write, rows, treatment={"exposure": "first_year_touched"})
    assert treated_years(design) == {
        ARE: (2012, 2013, None), VELLINGE: (2012, 2013, 2017), SKURUP: (2011, 2012, 2016),
        TRELLEBORG: (2013, 2014, 2014),
    }  # fmt: skip
    design, _ = resolved(write, rows, treatment={"exposure": "first_whole_year"})
    assert treated_years(design)[ARE] == (2013, 2014, None)


def test_coders_who_differ_on_the_end_disagree_about_the_treated_years(write):
    rows = [*both(ARE), row(SKURUP, "A", ended="2018-06"), row(SKURUP, "B", ended="2019-06")]
    assert [a.code for a in resolved(write, rows)[1].apart] == [SKURUP]
    rows[3]["ended"] = "2018-09"
    assert resolved(write, rows)[0].treated_codes == [SKURUP, ARE]


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_the_report_of_coders_says_what_partly_exposed_years_count_as(write, cli, tmp_path, lang):
    rows = [*both(ARE, began="2013-04"), *both(VELLINGE, began="2013-02", ended="2017-06"),
            *both(TRELLEBORG, began="2014-02", ended="2014-11")]  # fmt: skip
    done = cli("run", write(rows), "--out", tmp_path / "out", "--format", "html", "--lang", lang)
    assert done.code == 0, done.err
    text = " ".join((tmp_path / "out" / "report.html").read_text(encoding="utf-8").split())
    for words in {
        "sv": ("Ett år som bara delvis var exponerat", "från starten till slutet; åren efter det",
               "inget år mellan start och slut räknas"),
        "en": ("A year that was exposed only in part", "from its start to its end; the years after",
               "no year between start and end counts"),
    }[lang]:  # fmt: skip
        assert words in text
    assert "En start under ett år räknas" not in text
    assert "A start within a year counts" not in text
    found = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    treated = {t["code"]: t for t in found["design"]["treated"]}
    assert (treated[ARE]["partial"], treated[VELLINGE]["last_year"]) == (1, 2016)
    assert verify(tmp_path / "out").passed


def test_rates_from_the_coders_or_as_stated(write):
    rows = [r for c in embedded.municipalities().index[:40] for r in both(c)]
    rows += [r for c in embedded.municipalities().index[40:290] for r in both(c, stance=NEEDED)]
    _, coded = resolved(write, rows)
    assert (coded.calls.both_active, coded.calls.both_not) == (40, 250)
    assert coded.rates.miss == pytest.approx(0.005)
    assert 0 < coded.rates.false_active[1] < 0.05
    _, less = resolved(write, rows, shared_errors=0.1)
    assert less.rates.false_active[1] == pytest.approx(coded.rates.false_active[1] / 4.5)
    ranges = {"false_active": [0.0, 0.1], "hidden_active": [0.0, 0.3]}
    _, stated = resolved(write, rows, miscoding=ranges)
    assert (stated.rates.factor, stated.rates.miss) == ((0.6, 1.0), 0.0)


def test_one_coder_has_neither_agreement_nor_rates(write):
    _, coded = resolved(write, [row(ARE), row(VELLINGE)])
    assert (coded.agreement, coded.rates, coded.calls.single) == (None, None, 2)


# the report


@pytest.fixture
def coders():
    """Two coders of 60 municipalities who differ on three; one is decided."""
    every = list(embedded.municipalities().index)
    rows = [r for i, c in enumerate(every[:20]) for r in both(c, began=str(2013 + i % 4))]
    rows += [r for c in every[20:57] for r in both(c, stance=NEEDED)]
    rows += [r for c in every[57:60] for r in (row(c, "A"), row(c, "B", NEEDED))]
    rows.append(row(every[57], **DECISION))
    rows.append({"stance": DAY_ONE, "evidence": "anonymous", "source": "ANON_1"})
    return rows


def test_the_report_tells_of_the_coders_and_is_verified(write, coders, cli, tmp_path):
    plan = write(coders, treatment={"unfit": "leave_out"})
    out = tmp_path / "out"
    done = cli("run", plan, "--out", out, "--format", "html")
    assert done.code == 0, done.err
    found = json.loads((out / "results.json").read_text(encoding="utf-8"))
    coding = found["coding"]
    assert coding["calls"] == {
        "both_active": 20, "both_not": 37, "split_active": 1, "split_not": 0, "split_open": 2,
        "single": 0, "n_split": 3, "open_share": pytest.approx(2 / 3),
    }  # fmt: skip
    assert found["design"]["n_treated"] == 21
    assert found["design"]["n_anonymous"] == 1
    bound = found["miscoding"]["foreign_background"]["coded"]
    own = found["outcomes"]["foreign_background"]["finding"]["estimates"]["permutation"]
    assert bound["rates"]["source"] == "the coders' disagreement"
    assert bound["conf_int"][0] <= own["conf_int"][0]
    assert bound["conf_int"][1] >= own["conf_int"][1]
    page = (out / "report.html").read_text(encoding="utf-8")
    text = " ".join(page.split())
    assert "Minst två har kodat 60 kommuner och är oeniga om huruvida 3 av dem är aktiva" in text
    assert "av oenigheterna saknar 67 % avgörande" in text
    assert "Krippendorffs alfa är" in text
    assert {p.stem for p in (out / "tables").glob("*.csv")} >= {
        "agreement", "apart", "groups", "miscoding", "miscoding_coders", "treated",
    }  # fmt: skip
    assert (out / "data" / "coding_1.csv").is_file()
    # on its own, with the plan's own sheet gone
    (tmp_path / "coders.csv").unlink()
    checked = verify(out)
    assert checked.passed, [str(d) for d in checked.differences]
    sheet = out / "data" / "coding_1.csv"
    text = sheet.read_text(encoding="utf-8")
    sheet.write_text(text.replace("2013", "2012", 1), encoding="utf-8")
    assert not verify(out).passed


def test_without_sheets_the_grid_is_shown_alone(study):
    found = study.to_dict()
    assert found["coding"] is None
    for name, m in found["miscoding"].items():
        assert m["coded"] is None
        assert [b["rates"]["factor"][0] for b in m["what_if"]] == [1, 0.9, 0.7, 0.9, 0.8, 0.6,
                                                                  0.7, 0.6, 0.4]  # fmt: skip
        low, high = m["what_if"][0]["conf_int"]
        estimates = found["outcomes"][name]["finding"]["estimates"]
        rule = next(e for k, e in estimates.items() if k.startswith("rule_"))
        given = [
            e["conf_int"] for e in (estimates["permutation"], rule) if e["p_value"] is not None
        ]
        assert (low, high) == (
            pytest.approx(min(g[0] for g in given)), pytest.approx(max(g[1] for g in given))
        )  # fmt: skip


# faults: one line each, with file, row, field and value


GOOD = [r for c in (ARE, VELLINGE, SKURUP, TRELLEBORG) for r in both(c)]


def changed(i, **cells):
    return [r | cells if k == i else r for k, r in enumerate(GOOD)]


FAULTS = {
    "overlap": (
        [*GOOD, row(ARE, "A", ASYLUM, "2015")],
        "coders.csv, row 10, field began: the period of Åre (2321), coder 'A' overlaps that in row",
    ),
    "stance": (changed(3, stance="active_dayone"),
               "coders.csv, row 5, field stance: 'active_dayone' is none of"),
    "one row": (
        [r for r in GOOD if r["coder"] == "A" or r["code"] == ARE],
        "coders.csv, row 3, field coder: coder 'B' has one row only",
    ),
    "one row, shared with nobody": (
        [r for r in GOOD if r["coder"] == "A"] + [row("0114", "B")],
        "coders.csv, row 6, field coder: coder 'B' has one row only; at least two are needed",
    ),
    "one row in all": (
        [row(ARE)], "coders.csv, row 2, field coder: coder 'A' has one row only",
    ),
    "county": (changed(2, code="12"), "coders.csv, row 4, field code: '12' is the code of Skåne"),
    "after the data": (
        [r | {"began": "2031"} if r["code"] == SKURUP else r for r in GOOD],
        "coders.csv, row 6, field began: Skurup's first treated year 2032 lies outside",
    ),
    "none treated": (
        [r | {"stance": NEEDED} for r in GOOD],
        "field treatment.coding.sheets: no municipality is active on explicit or strong evidence",
    ),
    "no start": (
        [r | {"began": ""} for r in GOOD],
        "is left out: it is called active and no start is given",
    ),
    "all treated": (
        [r for c in embedded.municipalities().index for r in both(c)],
        "field treatment.coding.sheets: leaves nobody to compare with: 290 municipalities",
    ),
    "anonymous": (
        changed(2, source="ANON_4"),
        "coders.csv, row 4, field source: 'ANON_4' is anonymous and bears the code 1233",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_sheet_ends_the_run_in_one_line(write, cli, tmp_path, name):
    rows, words = FAULTS[name]
    done = cli("run", write(rows), "--out", tmp_path / "out")
    assert done.code == 2
    assert words in done.err
    assert done.err.strip().count("\n") == 0
    assert not (tmp_path / "out").exists()


def test_not_yet_treated_with_nobody_left_is_told_why_and_what_is_right(write, cli, tmp_path):
    places = list(embedded.municipalities().index)
    alike = [r for c in places for r in both(c)]
    apart = [r | {"began": str(2012 + i % 3)} for i, r in enumerate(alike[::2])]
    apart = [r | {"coder": coder} for r in apart for coder in "AB"]
    why = "the permutation behind a plan's interval gives the start years to municipalities"
    for rows, told in ((apart, True), (alike, False)):
        path = write(rows)
        plan = yaml.safe_load(path.read_text("utf-8"))
        plan["comparison"]["group"] = "not_yet_treated"
        path.write_text(yaml.safe_dump(plan, allow_unicode=True), encoding="utf-8")
        done = cli("run", path, "--out", tmp_path / "out")
        assert done.code == 2
        assert "leaves nobody to compare with: 290 municipalities are active" in done.err
        assert (why in done.err) == told
        assert ("evaluation estimate --control notyet takes a file" in done.err) == told
        assert done.err.strip().count("\n") == 0


def test_what_the_refusal_names_does_take_a_file_without_never_treated(cli, tmp_path):
    rng = np.random.default_rng(1)
    rows = [
        (f"u{i}", year, 2012 + i % 4, rng.normal() + 3 * (year >= 2012 + i % 4))
        for i in range(40)
        for year in range(2008, 2016)
    ]
    table = pd.DataFrame(rows, columns=["unit", "year", "cohort", "y"])
    table.to_csv(tmp_path / "f.csv", index=False)
    done = cli(
        "estimate", "--data", tmp_path / "f.csv", "--unit", "unit", "--time", "year",
        "--cohort", "cohort", "--outcome", "y", "--control", "notyet",
        "--inference", "auto", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["conf_int"][0] < 3 < found["conf_int"][1]


def test_stance_agreement_names_the_one_row(write, cli, tmp_path):
    write(FAULTS["one row"][0])
    done = cli("stance", "agreement", tmp_path / "coders.csv", "--draws", 99)
    assert done.code == 2
    assert "coders.csv, row 3, field coder: coder 'B' has one row only" in done.err


@pytest.mark.parametrize(
    ("coding", "words"),
    [
        ({"unsettled": "refuse"}, "treatment.coding.unsettled: Skurup .1264.: the coders disagree"),
        ({"sheets": []}, "treatment.coding: sheets must name at least one coding sheet"),
        ({"shared_errors": 1.0}, "treatment.coding.shared_errors"),
        ({"sheet": "x.csv"}, "treatment.coding.sheet: unknown key; known here are sheets"),
        (
            {"miscoding": {"false_active": [0.3, 0.1], "hidden_active": [0, 0.1]}},
            r"false_active must be \[smallest share, largest share\]",
        ),
        ({"miscoding": {"false_active": [0, 2], "hidden_active": [0, 1]}}, "less than or equal"),
    ],
)
def test_a_faulty_key_is_named(write, coding, words):
    rows = [*both(ARE), row(SKURUP, "A"), row(SKURUP, "B", NEEDED)]
    with pytest.raises(InputError, match=words):
        design_from_sheets(load_plan(write(rows, **coding)))


def test_sheets_take_no_adoption_and_no_simulated_data(write):
    file = write(GOOD, treatment={"adoption": [{"code": ARE, "model": "are_modellen",
                                                "neighbours": [2011, 2013]}]})  # fmt: skip
    with pytest.raises(InputError, match="adoption must not be given: the coding sheets say"):
        load_plan(file)
    content = yaml.safe_load(write(GOOD).read_text())
    content["data"] = {"source": "simulated", "seed": 1}
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match=r"exactly where data\.source is simulated"):
        load_plan(file)


def test_a_late_start_can_be_left_out_by_name(write):
    rows = FAULTS["after the data"][0]
    plan = load_plan(write(rows, treatment={"unfit": "leave_out"}))
    found = run_study(plan).outcomes["foreign_background"]
    assert [(u.code, u.reason) for u in found.left_out_treated] == [(SKURUP, "outside")]


def test_a_sheet_that_is_not_there_is_named_with_the_plans_line(write):
    with pytest.raises(
        InputError, match=r"there is no file 'none\.csv'; paths start from"
    ) as error:
        design_from_sheets(load_plan(write(GOOD, sheets=["coders.csv", "none.csv"])))
    assert error.value.field == "treatment.coding.sheets[2]"
    assert error.value.row
