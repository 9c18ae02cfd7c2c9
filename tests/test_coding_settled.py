"""Decisions beside codings, survey answers with their disagreement, indicators as a coder."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from evaluation.data import embedded
from evaluation.data.places import codes
from evaluation.design.coding.adjudication import AGREED, SINGLE, adjudicate
from evaluation.design.coding.proxies import (
    SAME_DEPARTMENT,
    ProxyRule,
    proxy_reliability,
    proxy_sheet,
)
from evaluation.design.coding.sheet import coding_sheet, combine, sheet_from_documents
from evaluation.design.coding.survey import read_answers, summarise_answers
from evaluation.design.coding.vocabulary import ADJUDICATED, ORDERED_STANCES
from evaluation.design.exposure.sheets import active_periods
from evaluation.design.stance import ACTIVE, stance_table
from evaluation.errors import InputError

WAITS, NEEDED, DURING, DAY_ONE, ASYLUM = ORDERED_STANCES
ARE, TRELLEBORG, SKURUP, VELLINGE = "2321", "1287", "1264", "1233"


def row(code, coder, stance, **cells):
    return {"code": code, "coder": coder, "stance": stance, "evidence": "strong",
            "source": "s"} | cells  # fmt: skip


def decision(code, stance, **cells):
    return row(code, ADJUDICATED, stance, decided_by="A and B", decided_on="2026-11-23",
               reason="both read page 3 again") | cells  # fmt: skip


CODINGS = [
    row(ARE, "A", DAY_ONE, evidence="explicit", components="sfi;praktik"),
    row(ARE, "B", DAY_ONE, evidence="indirect", components="sfi"),
    row(TRELLEBORG, "A", DURING),
    row(TRELLEBORG, "B", DAY_ONE),
    row(SKURUP, "A", DAY_ONE),
    row(VELLINGE, "B", DAY_ONE),
    row(VELLINGE, "A", "unclear", evidence="none"),
]


def by_code(found):
    return {r["code"]: r for r in found.final.to_dict("records")}


# adjudication


def test_the_routes_to_a_final_stance():
    found = adjudicate(coding_sheet(CODINGS), coding_sheet([decision(TRELLEBORG, DURING)]))
    final = by_code(found)
    assert {c: (r["stance"], r["route"]) for c, r in final.items()} == {
        ARE: (DAY_ONE, AGREED), TRELLEBORG: (DURING, ADJUDICATED), SKURUP: (DAY_ONE, SINGLE),
    }  # fmt: skip
    assert final[ARE]["evidence"] == "indirect"
    assert (final[ARE]["components"], final[ARE]["components_some"]) == ("sfi", "praktik")
    assert final[ARE]["decided_by"] == ""
    assert final[TRELLEBORG]["coders"] == "A"
    assert final[TRELLEBORG]["reason"] == "both read page 3 again"
    # a stance against unclear is a disagreement too, and is not decided
    assert found.unsettled[["code", "kind"]].values.tolist() == [[VELLINGE, "unclear"]]
    assert found.check.passed is False
    assert found.check.text_sv == "Oavgjorda oenigheter: 1, i 1 kommuner."


def test_a_decision_writes_over_nothing():
    sheet = coding_sheet(CODINGS)
    found = adjudicate(sheet, coding_sheet([decision(TRELLEBORG, DURING)]))
    assert len(found.sheet) == len(CODINGS) + 1
    pd.testing.assert_frame_equal(
        found.sheet.codings.reset_index(drop=True), sheet.rows, check_dtype=False
    )
    assert found.sheet.decisions["stance"].tolist() == [DURING]
    assert sheet.decisions.empty


def test_all_settled():
    decisions = [decision(TRELLEBORG, ASYLUM), decision(VELLINGE, "unclear")]
    found = adjudicate(coding_sheet([*CODINGS, *decisions]))
    assert found.check.passed is True
    assert found.unsettled.empty
    assert by_code(found)[TRELLEBORG]["stance"] == ASYLUM
    assert by_code(found)[TRELLEBORG]["coders"] == ""
    assert by_code(found)[VELLINGE]["stance"] == "unclear"
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_decision_speaks_for_its_period():
    rows = [row(ARE, "A", DURING, began="2011", ended="2015"), row(ARE, "A", DAY_ONE, began="2016"),
            row(ARE, "B", DAY_ONE, began="2011"),
            decision(ARE, DURING, began="2011", ended="2013"),
            decision(ARE, DAY_ONE, began="2014", ended="2015")]  # fmt: skip
    final = adjudicate(coding_sheet(rows)).final
    assert final[["began", "ended", "stance", "route"]].values.tolist() == [
        ["2011", "2013", DURING, ADJUDICATED],
        ["2014", "2015", DAY_ONE, ADJUDICATED],
        ["2016-01", "", DAY_ONE, AGREED],
    ]


def test_different_dates_are_open_and_what_was_said_of_the_time_stands():
    rows = [row(ARE, "A", DAY_ONE, began="2011-H2"), row(ARE, "B", DAY_ONE, began="2012")]
    found = adjudicate(coding_sheet(rows))
    assert found.final[["began", "ended", "route"]].values.tolist() == [
        ["2011-H2", "2011-12", SINGLE], ["2012-01", "", AGREED],
    ]  # fmt: skip
    assert found.unsettled["kind"].tolist() == ["dates"]
    settled = adjudicate(
        coding_sheet([*rows, decision(ARE, "unclear", began="2011-H2", ended="2011-12")])
    )
    assert settled.unsettled.empty
    assert settled.final["stance"].tolist() == ["unclear", DAY_ONE]


def test_a_decision_against_all_coders_is_told():
    found = adjudicate(coding_sheet([*CODINGS[:2], decision(ARE, ASYLUM)]))
    assert by_code(found)[ARE]["stance"] == ASYLUM
    assert found.notes == ("1 decisions differ from what all coders had agreed on",)
    kept = adjudicate(coding_sheet([*CODINGS[:2], decision(ARE, DAY_ONE)]))
    assert kept.notes == ()


def test_three_coders_do_not_outvote_one():
    rows = [row(ARE, c, s) for c, s in zip("ABC", (DAY_ONE, DAY_ONE, DURING), strict=True)]
    found = adjudicate(coding_sheet(rows))
    assert found.final.empty
    assert found.unsettled["kind"].tolist() == ["stance"]


@pytest.mark.parametrize(
    ("rows", "field", "says"),
    [
        ([decision(ARE, DAY_ONE, reason="")], "reason", "says who decided, when and why"),
        ([decision(ARE, DAY_ONE, decided_on="soon")], "decided_on", "is not a day such as"),
        ([row(ARE, "A", DAY_ONE, reason="x")], "reason", "is filled, but the coder is 'A'"),
    ],
)
def test_a_decision_says_who_when_and_why(rows, field, says):
    with pytest.raises(InputError, match=says) as error:
        coding_sheet(rows)
    assert (error.value.field, error.value.row) == (field, 0)


def test_decisions_that_are_none_are_refused():
    sheet = coding_sheet(CODINGS)
    with pytest.raises(InputError, match="the decisions hold a row of the coder 'C'"):
        adjudicate(sheet, coding_sheet([row(ARE, "C", DAY_ONE)]))
    with pytest.raises(InputError, match=r"a decision on Malmö \(1280\), which nobody has coded"):
        adjudicate(sheet, coding_sheet([decision("1280", DAY_ONE)]))


def test_the_documents_alone_are_a_single_coder():
    found = adjudicate(sheet_from_documents())
    assert set(found.final["route"]) == {SINGLE}
    assert found.final.set_index("code")["stance"].to_dict() == stance_table()["stance"].to_dict()
    again = found.as_sheet()
    assert again.coders == ("final",)
    assert len(again) == len(found.final)


# survey answers


def test_answers_with_their_disagreement():
    said = {
        ARE: [DAY_ONE, ASYLUM, ASYLUM], TRELLEBORG: [WAITS], SKURUP: [NEEDED, DAY_ONE],
        VELLINGE: ["unclear", "unclear"],
    }  # fmt: skip
    rows = [{"code": c, "stance": s} for c, stances in said.items() for s in stances]
    found = summarise_answers(rows, draws=99)
    table = found.table.set_index("code")
    assert table.loc[ARE, ["n", "median", "low", "high", "split"]].tolist() == [
        3, ASYLUM, DAY_ONE, ASYLUM, False,
    ]  # fmt: skip
    assert table["one_respondent"].to_dict() == {
        SKURUP: False, TRELLEBORG: True, VELLINGE: False, ARE: False,
    }  # fmt: skip
    assert table.loc[SKURUP, ["median", "split", "disagree"]].tolist() == [NEEDED, True, True]
    assert table.loc[VELLINGE, ["n", "n_unclear", "median"]].tolist() == [0, 2, "unclear"]
    # margins 1, 2, 2 of NEEDED, DAY_ONE, ASYLUM, so middle ranks 0.5, 2, 4; within Åre two pairs
    # of three answers differ (weight 1/2 each), within Skurup the one pair
    o = 2 * (2 * 2.0**2 / 2 + 1.5**2)
    e = 2 * (1 * 2 * 1.5**2 + 1 * 2 * 3.5**2 + 2 * 2 * 2.0**2)
    assert found.respondents.value == pytest.approx(1 - 4 * o / e, abs=1e-12)
    sheet = found.as_sheet("survey", "our survey")
    assert sheet.rows.set_index("code")["stance"].to_dict() == table["median"].to_dict()
    assert "3 answers, active_day_one to active_from_asylum" in sheet.rows.iloc[-1]["note"]
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_skane_survey_has_59_answers_of_33_municipalities():
    """Who answered what is not published: with any answers, as many are alone."""
    table = embedded.load("stance")
    numbers = table["role"].str.extract(r"survey, (\d+) respondent")[0].dropna().astype(int)
    rows = [
        {"code": table.loc[i, "code"], "stance": ORDERED_STANCES[k], "respondent": f"r{k}"}
        for i, n in numbers.items()
        for k in range(n)
    ]
    found = summarise_answers(rows, draws=0)
    assert (found.n_answers, len(found.table)) == (59, 33)
    alone = found.table["one_respondent"]
    assert alone.sum() == (numbers == 1).sum() > 0
    assert not found.table.loc[alone, "disagree"].any()


def test_anonymous_answers_are_counted_only():
    rows = [{"code": ARE, "stance": DAY_ONE}, *({"code": "", "stance": WAITS} for _ in range(3))]
    found = summarise_answers(rows)
    assert found.anonymous == {WAITS: 3}
    assert (found.n_answers, found.table["code"].tolist()) == (1, [ARE])
    assert found.respondents is None
    only = summarise_answers(rows[1:])
    assert only.table.empty
    assert len(only.as_sheet("survey", "s")) == 0


@pytest.mark.parametrize(
    ("line", "field", "says"),
    [
        ("2321,wait,r2,", "stance", "'wait' is none of"),
        ("23,unclear,r2,", "code", "Jämtlands län"),
        ("0000,unclear,r2,", "code", "the nation has no stance"),
        ("2321,unclear,r1,", "respondent", "respondent 'r1' of Åre (2321) stands twice"),
        ("2321,waits_two_years,anonym,", "respondent", "never tied to a municipality"),
        ("2321,waits_two_years,r2,ANON_2", "note", "never tied to a municipality"),
    ],
)
def test_an_answer_is_refused_with_its_place(tmp_path, line, field, says):
    path = tmp_path / "answers.csv"
    path.write_text(f"code,stance,respondent,note\n2321,unclear,r1,\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(says)) as error:
        summarise_answers(read_answers(path))
    assert (error.value.file, error.value.row, error.value.field) == (str(path), 3, field)


def test_an_answer_file_without_its_columns_is_refused(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text("code,stanse\n2321,unclear\n", encoding="utf-8")
    with pytest.raises(InputError, match="did you mean 'stance'"):
        read_answers(path)
    path.write_text("code,respondent\n2321,r1\n", encoding="utf-8")
    with pytest.raises(InputError, match="field stance: there is no such column"):
        read_answers(path)
    with pytest.raises(InputError, match="there is no answer"):
        summarise_answers(pd.DataFrame(columns=["code", "stance"]))


# proxies


def values(code, years, numbers, indicator="U40829", state=None):
    states = state or ["observed" if v is not None else "missing" for v in numbers]
    return pd.DataFrame(
        {"indicator": indicator, "code": code, "year": years, "sex": "T", "value": numbers,
         "state": states}
    ).astype({"value": float})  # fmt: skip


RULE = ProxyRule("U40829", 1.0, DURING, NEEDED)


def test_years_with_one_stance_are_one_period():
    frame = pd.concat(
        [values(ARE, range(2010, 2017), [0.0, 0.0, 1.0, 1.0, None, 1.0, 0.0]),
         values("0000", [2010], [1.0]), values(ARE, [2010], [1.0], indicator="U30464")]
    )  # fmt: skip
    found = proxy_sheet(frame, RULE)
    assert found.coders == ("proxy U40829",)
    assert found.tidy()[["stance", "began", "ended"]].values.tolist() == [
        [NEEDED, "2010", "2011"], [DURING, "2012", "2013"], [DURING, "2015", "2015"],
        [NEEDED, "2016", "2016"],
    ]  # fmt: skip
    assert set(found.rows["evidence"]) == {"weak"}
    assert "active_during_establishment from 1 on" in found.rows.loc[0, "note"]


def test_suppressed_is_neither_yes_nor_no():
    frame = values(ARE, [2015, 2016], [1.0, None], state=["observed", "suppressed"])
    assert proxy_sheet(frame, RULE).rows["began"].tolist() == ["2015"]


@pytest.fixture
def coded():
    """Ten active, ten not, ten unclear; the other 260 are not coded."""
    stances = [DAY_ONE] * 10 + [NEEDED] * 10 + ["unclear"] * 10
    return coding_sheet([row(c, "A", s) for c, s in zip(sorted(codes()), stances, strict=False)])


def test_how_an_indicator_goes_with_the_coding(coded):
    order = sorted(codes())
    yes = dict.fromkeys(order[:9], 1.0) | dict.fromkeys(order[10:12], 1.0)
    frame = pd.concat([values(c, [2017], [yes.get(c, 0.0)]) for c in order[:35] if c != order[9]])
    found = proxy_reliability(frame, RULE, coded, draws=199)
    table = found.groups.set_index("group")
    assert table["n"].to_dict() == {"active": 9, "not active": 10, "unclear": 10, "not coded": 5}
    assert table["yes"].to_dict() == {"active": 9, "not active": 2, "unclear": 0, "not coded": 0}
    assert table["no_value"].to_dict() == {
        "active": 1, "not active": 0, "unclear": 0, "not coded": 255,
    }  # fmt: skip
    # Wilson for 2 of 10 at 95 %
    assert table.loc["not active", ["conf_low", "conf_high"]].tolist() == pytest.approx(
        [5.67, 50.98], abs=0.01
    )
    assert found.year == 2017
    assert found.check.passed is True
    assert "9 of 9 coded as active" in found.check.text_en
    assert "2 av 25 andra" in found.check.text_sv
    # a matter of the sheets' agreement too
    assert found.krippendorff.n_units == 19
    json.dumps(found.to_dict(), allow_nan=False)


def test_an_indicator_that_says_nothing(coded):
    rng = np.random.default_rng(1)
    frame = pd.concat([values(c, [2017], [float(rng.random() < 0.5)]) for c in sorted(codes())])
    found = proxy_reliability(frame, SAME_DEPARTMENT, coded, draws=199)
    assert found.check.passed is False
    assert "do not demonstrably go together" in found.check.text_en
    low, high = found.krippendorff.conf_int or (0, 0)
    assert low <= 0 <= high or found.krippendorff.conf_int is None


def test_the_coding_that_holds_in_the_year_counts():
    rows = [row(ARE, "A", NEEDED, ended="2014"), row(ARE, "A", DAY_ONE, began="2015")]
    frame = values(ARE, [2013, 2015], [1.0, 1.0])
    for year, group in ((2013, "not active"), (2015, "active")):
        found = proxy_reliability(frame, RULE, coding_sheet(rows), year=year, draws=99)
        table = found.groups.set_index("group")
        assert table["n"].to_dict() == {g: int(g == group) for g in table.index}
        assert found.check.passed is None
        assert np.isnan(table.loc["unclear", "share"])


def test_against_the_shipped_documents():
    active = {c for c, s in stance_table()["stance"].items() if s in ACTIVE}
    frame = pd.concat([values(c, [2017], [float(c in active)]) for c in sorted(codes())])
    found = proxy_reliability(frame, SAME_DEPARTMENT, sheet_from_documents(), draws=99)
    table = found.groups.set_index("group")
    assert table.loc["active", ["n", "yes"]].tolist() == [11, 11]
    assert table.loc["not active", "n"] == 0
    assert found.check.passed is True


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"below": WAITS}, "cannot say of a named municipality that it waits"),
        ({"at_or_above": WAITS}, "cannot say of a named municipality that it waits"),
        ({"below": "no"}, "'no' is none of"),
        ({"below": DURING}, "the same stance on both sides"),
        ({"evidence": "good"}, "'good' is none of"),
        ({"threshold": float("nan")}, "not a finite number"),
    ],
)
def test_a_rule_is_refused(cells, says):
    with pytest.raises(InputError, match=says):
        ProxyRule(**{"indicator": "U40829", "threshold": 1.0, "at_or_above": DURING,
                     "below": NEEDED} | cells)  # fmt: skip


def test_a_comparison_is_refused(coded):
    frame = values(ARE, [2017], [1.0])
    other = coding_sheet([row(ARE, "B", DAY_ONE)])
    with pytest.raises(InputError, match="there are 2 coders: take adjudicate"):
        proxy_reliability(frame, RULE, combine([coded, other]))
    with pytest.raises(InputError, match="no observed value in 2016; there are 2017–2017"):
        proxy_reliability(frame, RULE, coded, year=2016)
    with pytest.raises(InputError, match="no observed value of U30464, sex T"):
        proxy_sheet(frame, ProxyRule("U30464", 1.0, DURING, NEEDED))
    with pytest.raises(InputError, match="U40829 2321 2017 stands twice"):
        proxy_sheet(pd.concat([frame, frame]), RULE)


def test_an_agreed_date_stays_as_uncertain_as_the_coders_left_it():
    rows = [row(ARE, c, DAY_ONE, began="2017", ended="2019-H1") for c in "AB"]
    final = adjudicate(coding_sheet(rows)).final
    assert final[["began", "ended", "route"]].values.tolist() == [["2017", "2019-H1", AGREED]]
    alone, agreed = (active_periods(coding_sheet(r))[0] for r in (rows[:1], rows))
    assert (alone.start, alone.end) == (agreed.start, agreed.end)
    assert (str(agreed.start), str(agreed.end)) == ("2017-01 to 2017-12", "2019-01 to 2019-06")
    # where one of them knows the month, it is the month
    rows[1]["began"] = "2017-01"
    assert adjudicate(coding_sheet(rows)).final["began"].tolist() == ["2017-01"]
