"""Exposure: shares against a hand-worked calendar and a count of every month; dates and sheets."""

import json

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from evaluation.cli.stance import attach
from evaluation.design.catalogue import catalogue, read_date
from evaluation.design.coding.sheet import coding_sheet, read_sheet
from evaluation.design.exposure import (
    DatedComponent,
    Span,
    component_dose,
    dated_components,
    exposed_years,
    exposure_calendar,
    read_span,
    reception_cohorts,
)
from evaluation.design.exposure.sheets import active_periods
from evaluation.design.exposure.stated import end_span, model_end, model_start
from evaluation.errors import InputError


def column(found, name):
    """Return a column by year, which must be known exactly."""
    t = found.tidy().set_index("year")
    assert (t[f"{name}_low"] == t[f"{name}_high"]).all()
    return t[f"{name}_low"].to_dict()


# the calendar, by hand


def test_april_2014_by_hand():
    """Received April to December 2014: nine of the twelve months that leave in 2016."""
    found = exposure_calendar("2014-04", years=(2013, 2018))
    assert column(found, "day_one") == {
        2013: 0, 2014: 0, 2015: 0, 2016: 9 / 12, 2017: 1, 2018: 1,
    }  # fmt: skip
    t = found.tidy().set_index("year")
    assert t["exposure"].tolist() == ["none", "none", "none", "partial", "full", "full"]
    # who leaves in 2014 left in May or later met it at all: May's leavers were there in April
    assert column(found, "any")[2014] == pytest.approx(8 / 12)
    assert column(found, "any")[2015] == 1
    assert column(found, "in_force") == {
        2013: 0, 2014: 9 / 12, 2015: 1, 2016: 1, 2017: 1, 2018: 1,
    }  # fmt: skip


def test_the_dose_of_the_leavers_of_2015_by_hand():
    """Received January 2013: April to December 2014, 9 of 24 months; … December 2013: 20."""
    months = [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]
    found = exposure_calendar("2014-04", years=(2015, 2015))
    assert column(found, "dose")[2015] == pytest.approx(sum(months) / 12 / 24)
    table = reception_cohorts("2014-04", years=(2013, 2013))
    assert table["months_low"].tolist() == months
    assert table["leaves"].iloc[[0, -1]].tolist() == ["2015-01", "2015-12"]
    assert table["day_one_low"].sum() == 0


def test_boss_by_hand():
    """October 2016 to September 2018, both months whole."""
    found = exposure_calendar("2016-10", "2018-09", years=(2016, 2021))
    assert column(found, "day_one") == {
        2016: 0, 2017: 0, 2018: 3 / 12, 2019: 1, 2020: 9 / 12, 2021: 0,
    }  # fmt: skip
    # who leaves in November 2016 was there in October; who leaves in 2020 at the latest in
    # September was received in September 2018
    any_ = column(found, "any")
    assert any_[2016] == pytest.approx(2 / 12)
    assert any_[2020] == pytest.approx(9 / 12)
    # leavers of 2020, received January to September 2018: 9, 8, …, 1 months of 24
    assert column(found, "dose")[2020] == pytest.approx(sum(range(1, 10)) / 12 / 24)
    assert found.tidy()["exposure_in_force"].tolist() == [
        "partial", "full", "partial", "none", "none", "none",
    ]  # fmt: skip


def test_a_start_in_january_exposes_the_second_year_whole():
    """The issue's rule: adoption plus three is full, plus two is the month's share."""
    for month in range(1, 13):
        found = exposure_calendar((2014, month))
        assert found.share(2016)[0] == pytest.approx((13 - month) / 12)
        assert found.share(2017) == (1, 1)


def test_ninety_days_after_leaving():
    t = exposure_calendar("2014-01").tidy().set_index("year")
    assert t.loc[2015, ["measured_from", "measured_to"]].tolist() == ["2015-04-01", "2016-03-30"]


def test_a_year_or_a_season_gives_an_interval():
    found = exposure_calendar("2017-spring").tidy().set_index("year")
    # March to May: received from March 10/12, from May 8/12
    assert found.loc[2019, ["day_one_low", "day_one_high"]].tolist() == pytest.approx(
        [8 / 12, 10 / 12]
    )
    assert exposure_calendar("2011").share(2013) == pytest.approx((1 / 12, 1))
    row = exposure_calendar("2011").tidy().set_index("year").loc[2013]
    assert row["exposure"] == "partial or full"
    ended = exposure_calendar("2016-10", "2018").tidy().set_index("year")
    assert ended.loc[2020, ["day_one_low", "day_one_high"]].tolist() == pytest.approx([1 / 12, 1])


def test_receptions_by_month():
    weights = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3]
    assert exposure_calendar("2014-12", receptions=weights).share(2016) == (0.75, 0.75)
    by_month = {(y, m): float(m == 12) for y in range(2010, 2016) for m in range(1, 13)}
    found = exposure_calendar("2014-12", receptions=by_month, years=(2015, 2016))
    assert [found.share(y)[0] for y in (2015, 2016)] == [0, 1]


# the calendar, against a count of every month

START = st.integers(12 * 2005, 12 * 2020)


def counted(start, end, months, year):
    """Count by months: share from day one, share at all, mean dose."""
    day_one = touched = dose = 0
    for month in range(12):
        received = 12 * year + month - months
        active = [start <= received + k <= end for k in range(months)]
        day_one += active[0]
        touched += any(active)
        dose += sum(active)
    return day_one / 12, touched / 12, dose / 12 / months


@given(START, st.integers(0, 60), st.integers(1, 48), st.booleans())
def test_the_shares_are_the_count_of_every_month(start, length, months, goes_on):
    end = 12 * 3000 if goes_on else start + length
    spans = Span(start, start), None if goes_on else Span(end, end)
    found = exposure_calendar(*spans, months=months)
    t = found.tidy().set_index("year")
    for year in found.years:
        by_hand = counted(start, end, months, year)
        for name, value in zip(("day_one", "any", "dose"), by_hand, strict=True):
            assert t.loc[year, f"{name}_low"] == pytest.approx(value)
            assert t.loc[year, f"{name}_high"] == t.loc[year, f"{name}_low"]
    shares = t["day_one_low"]
    if goes_on:
        assert shares.is_monotonic_increasing
        assert shares.iloc[-1] == 1
    else:
        assert shares.iloc[-1] == t["any_high"].iloc[-1] == 0


@settings(max_examples=40)
@given(START, st.integers(0, 5), st.integers(0, 40), st.integers(0, 5))
def test_the_interval_is_that_of_all_possible_months(start, unsure, length, unsure_end):
    a = Span(start, start + unsure)
    b = Span(start + length, start + length + unsure_end)
    t = exposure_calendar(a, b).tidy()
    pairs = [(i, j) for i in range(a.first, a.last + 1) for j in range(b.first, b.last + 1)]
    for row in t.to_dict("records"):
        exact = [counted(i, j, 24, row["year"]) for i, j in pairs if i <= j]
        for name, values in zip(("day_one", "any", "dose"), zip(*exact, strict=True), strict=True):
            assert min(values) == pytest.approx(row[f"{name}_low"])
            assert max(values) == pytest.approx(row[f"{name}_high"])
    assert ((t["day_one_low"] >= 0) & (t["day_one_high"] <= 1)).all()
    assert (t["day_one_high"] <= t["any_high"]).all()
    assert (t["dose_high"] <= t["any_high"] + 1e-12).all()


# first treated years


@pytest.mark.parametrize(
    ("start", "end", "whole", "touched", "left_out"),
    [
        ("2014-04", None, (2015, 0, None), (2014, 0, None), (2015, 1, None)),
        ("2014-01", None, (2014, 0, None), (2014, 0, None), (2014, 0, None)),
        # a year alone may be January or December: nobody knows whether 2011 was exposed whole
        ("2011", None, (2011, 0, None), (2011, 0, None), (2012, 1, None)),
        ("2017-spring", None, (2018, 0, None), (2017, 0, None), (2018, 1, None)),
        ("2016-10", "2018-09", (2017, 0, 2017), (2016, 0, 2018), (2017, 1, 2017)),
        ("2014-01", "2018-12", (2014, 0, 2018), (2014, 0, 2018), (2014, 0, 2018)),
        ("2014-01", "2018", (2014, 0, 2018), (2014, 0, 2018), (2014, 0, 2017)),
    ],
)
def test_treated_years_by_rule(start, end, whole, touched, left_out):
    spans = read_span(start), None if end is None else read_span(end)
    for rule, expected in (
        ("first_whole_year", whole),
        ("first_year_touched", touched),
        ("leave_out_partial", left_out),
    ):
        found = exposed_years(*spans, rule)
        assert (found.first, found.partial, found.last) == expected


@given(START, st.integers(0, 11))
def test_left_out_years_are_those_exposed_in_part(start, unsure):
    """In years of reception: base none, treated full, whatever the month was."""
    span = Span(start, start + unsure)
    e = exposed_years(span, None, "leave_out_partial")
    status = exposure_calendar(span, years=(e.first - 3, e.first + 3)).tidy()
    status = status.set_index("year")["exposure_in_force"]
    assert (status[status.index >= e.first] == "full").all()
    assert (status[status.index < e.first - e.partial] == "none").all()
    between = status[(status.index >= e.first - e.partial) & (status.index < e.first)]
    assert not between.isin(["none", "full"]).any()


def test_a_programme_within_a_year_has_no_whole_year():
    spans = read_span("2016-03"), read_span("2016-09")
    for rule in ("first_whole_year", "leave_out_partial"):
        with pytest.raises(InputError, match="no whole year lies between"):
            exposed_years(*spans, rule)
    assert exposed_years(*spans, "first_year_touched").last == 2016


def test_starts_and_ends_of_the_catalogue():
    boss = catalogue()["boss"]
    assert str(model_start(boss)) == "2016-10"
    assert str(model_end(boss, model_start(boss))) == "2018-09"
    law = catalogue()["utbildningsplikt"]
    assert str(model_start(law)) == "2018-01"
    assert model_end(catalogue()["are_modellen"], None) is None
    # two years from some month of 2016 end two years later, in the month before
    assert str(end_span(read_date("two-year"), read_span("2016-10"))) == "2018-09"
    with pytest.raises(InputError, match="no single date"):
        end_span(read_date("2016-17"), None)


# components


def test_components_by_hand():
    """Validation joined in January 2016: those received from then on met both."""
    found = component_dose(["visits", "validation(2016-01-)"], "2014-01", years=(2015, 2018))
    t = found.tidy().set_index("year")
    assert t["number_low"].tolist() == [0, 1, 1, 2]
    assert t["share_high"].tolist() == [0, 0.5, 0.5, 1]
    # leavers of 2017, received January to December 2015, met validation for their last 12, …, 23
    dose = found.by_component.set_index(["component", "year"])["dose_low"]
    assert dose["validation", 2017] == pytest.approx(sum(range(12, 24)) / 12 / 24)
    assert t.loc[2017, "dose_low"] == pytest.approx((1 + dose["validation", 2017]) / 2)


def test_a_component_of_the_catalogue_has_its_own_start():
    parts = {c.name: c for c in dated_components(catalogue()["are_modellen"].components)}
    assert str(parts["early_validation"].start) == "2016-01 to 2016-12"
    assert sum(c.start is not None for c in parts.values()) == 1


def test_a_component_ends_with_its_model():
    found = component_dose([DatedComponent("v")], "2016-10", "2018-09").tidy().set_index("year")
    whole = exposure_calendar("2016-10", "2018-09").tidy().set_index("year")
    assert found["share_low"].tolist() == whole["day_one_low"].tolist()


@pytest.mark.parametrize(
    ("components", "says"),
    [
        ([], "names no component"),
        (["a", "a"], "'a' stands twice"),
        (["a(2016"], "brackets must hold years"),
        (["a(soon-)"], "'soon' is no single date"),
        (["a(2016-2014)"], "ends before it starts"),
        (["a(2012-)", "b"], "a starts .2012-01 to 2012-12. outside the model's dates"),
    ],
)
def test_components_that_cannot_be_are_refused(components, says):
    with pytest.raises(InputError, match=says):
        component_dose(components, "2014-01")


# bad input


@pytest.mark.parametrize(
    ("arguments", "keywords", "says"),
    [
        (("2013-2014",), {}, "field start: '2013-2014' is no single date"),
        (("not stated",), {}, "no single date"),
        (((2014, 13),), {}, "a month from 1 to 12"),
        (("2018-09", "2016-10"), {}, "field end: ends .2016-10. before it starts"),
        (("2016-10",), {"years": (2010, 2015)}, "field start: .* lies after the last year, 2015"),
        (("2016-10",), {"years": (2018, 2015)}, "must be first and last year"),
        (("2016-10",), {"months": 0}, "field months: must be 1 to 120"),
        (("2016-10",), {"horizon_days": -1}, "field horizon_days"),
        (("2016-10",), {"receptions": [1.0] * 11}, "twelve numbers"),
        (("2016-10",), {"receptions": [-1.0] * 12}, "zero or more"),
        (("2016-10",), {"receptions": [0.0] * 12}, "nobody is received"),
        (("2016-10",), {"receptions": {(2014, 1): 1.0}}, "2014-02 is missing"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused(arguments, keywords, says):
    with pytest.raises(InputError, match=says):
        exposure_calendar(*arguments, **keywords)


def test_a_year_outside_the_table_is_refused():
    with pytest.raises(InputError, match="must lie in 2014–2017, found 2030"):
        exposure_calendar("2014-04").share(2030)


# results


def test_a_calendar_is_shown_whole():
    found = exposure_calendar("2011")
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["start"] == "2011-01 to 2011-12"
    assert [r["year"] for r in plain["rows"]] == list(found.years)
    assert "partial or full" in found._repr_html_()
    ax = found.plot()
    heights = [bar.get_height() for bar in ax.patches]
    t = found.tidy()
    assert heights == [*t["day_one_high"], *t["day_one_low"]]
    json.dumps(component_dose(["a"], "2011").to_dict(), allow_nan=False)


# coding sheets

ROW = {
    "code": "2321",
    "coder": "A",
    "evidence": "strong",
    "source": "s",
    "stance": "active_day_one",
}


def test_periods_of_a_sheet():
    sheet = coding_sheet(
        [
            ROW | {"began": "2011-07", "ended": "2013-12", "components": "visits; cafes"},
            ROW | {"began": "2014-01", "stance": "active_from_asylum", "components": "cafes"},
            ROW | {"code": "1233", "began": "2016-10", "ended": "2018-09"},
            ROW | {"code": "1287", "stance": "unclear", "began": "2016"},
            ROW | {"code": "1264"},
        ]
    )
    found = {p.municipality: p for p in active_periods(sheet)}
    assert list(found) == ["Vellinge", "Skurup", "Åre"]
    are = found["Åre"]
    assert (str(are.start), are.end) == ("2011-07", None)
    assert are.stances == ("active_day_one", "active_from_asylum")
    assert [(c.name, str(c.start), str(c.end)) for c in are.components] == [
        ("visits", "2011-07", "2013-12"),
        ("cafes", "2011-07", "None"),
    ]
    assert (found["Skurup"].start, str(found["Vellinge"].end)) == (None, "2018-09")


def test_a_gap_makes_two_periods():
    sheet = coding_sheet(
        [ROW | {"began": "2011-01", "ended": "2012-12"}, ROW | {"began": "2015-01"}]
    )
    assert [str(p.start) for p in active_periods(sheet)] == ["2011-01", "2015-01"]


def test_several_coders_must_have_settled():
    rows = [ROW | {"began": "2016"}, ROW | {"began": "2016", "coder": "B"}]
    assert len(active_periods(coding_sheet(rows))) == 1
    rows[1]["stance"] = "waits_two_years"
    with pytest.raises(InputError, match="1 disagreements between coders are not settled"):
        active_periods(coding_sheet(rows))


def test_sheets_without_a_comparison_are_refused():
    from evaluation import municipalities

    with pytest.raises(InputError, match="no municipality is coded as active"):
        active_periods(coding_sheet([ROW | {"stance": "unclear"}]))
    everyone = [ROW | {"code": c, "began": "2016"} for c in municipalities().index]
    with pytest.raises(InputError, match="all 290 municipalities"):
        active_periods(coding_sheet(everyone))


# the command


@pytest.fixture
def call():
    app = typer.Typer()
    app.command("other")(lambda: None)
    attach(app)

    def run(*arguments):
        answer = CliRunner().invoke(app, ["stance", "exposure", *map(str, arguments)])
        if answer.exception and not isinstance(answer.exception, SystemExit):
            raise answer.exception
        return answer

    return run


def test_the_command_prints_the_calendar(call):
    text = call("--start", "2016-10", "--end", "2018-09").output
    line = next(row for row in text.splitlines() if row.strip().startswith("2018 "))
    assert line.split()[1:3] == ["25", "%"]
    assert "leave_out_partial   2019–2019, basår 2017" in text
    english = call("--start", "2011", "--lang", "en").output
    assert "8–100 %" in english
    assert "partial or full" in english


def test_the_command_gives_json(call):
    (one,) = json.loads(call("--model", "boss", "--json").output)
    rows = {r["year"]: r for r in one["calendar"]["rows"]}
    assert rows[2020]["day_one_low"] == 0.75
    assert one["treated_years_of_leaving"]["leave_out_partial"] == {
        "base": 2017, "first": 2019, "last": 2019, "left_out_before": 1,
    }  # fmt: skip
    assert len(one["components"]["components"]) == 4
    four = json.loads(call("--plan", "settlement", "--json").output)
    assert [c["name"] for c in four] == ["Åre", "Vellinge", "Skurup", "Trelleborg"]
    assert four[2]["calendar"]["start"] == "2017-01"


def test_the_command_reads_a_sheet(call, tmp_path):
    file = tmp_path / "coding.csv"
    file.write_text(
        "code,coder,stance,evidence,source,began,ended,components\n"
        "2321,A,active_from_asylum,strong,s,2014-04,,visits\n"
        "1264,A,active_day_one,strong,s,,,\n",
        encoding="utf-8",
    )
    text = call("--sheet", file).output
    assert "Skurup (1264): ingen start är angiven" in text
    assert "Åre (2321): start 2014-04" in text
    county = tmp_path / "county.csv"
    county.write_text(
        "code,coder,stance,evidence,source\n23,A,active_day_one,strong,s\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match=r"row 2, field code: '23' is the code of Jämt"):
        read_sheet(county)
    with pytest.raises(InputError, match="Jämtlands län"):
        call("--sheet", county)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "one of --start, --model, --plan and --sheet is needed"),
        (("--start", "2016", "--model", "boss"), "found --start and --model"),
        (("--model", "boss", "--end", "2018"), "--end goes with --start"),
        (("--model", "none"), "there is no model 'none'"),
        (("--start", "2016", "--years", "2016"), "two years such as 2014:2020"),
        (("--start", "2016", "--years", "2010:2012"), "lies after the last year, 2012"),
        (("--plan", "day_one_simulated"), "is simulated"),
        (("--start", "2018", "--end", "2017"), "before it starts"),
    ],
)
def test_calls_that_are_refused(call, arguments, says):
    with pytest.raises(InputError, match=says):
        call(*arguments)


def test_help_teaches_by_example(call):
    text = call("--help").output
    assert "--start 2016-10 --end 2018-09" in text
