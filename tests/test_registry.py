"""The indicator registry: its file, what may be mixed, what is derived."""

import re
from dataclasses import FrozenInstanceError, asdict, fields, replace

import numpy as np
import pandas as pd
import pytest
import yaml

from evaluation.data.embedded import data_folder, file_hash
from evaluation.data.observations import observations
from evaluation.data.registry import (
    INDICATORS,
    REGISTRY,
    Break,
    Indicator,
    SmallCell,
    breaks_within,
    comparable,
    derive,
    read_registry,
    refuse_alone,
    refuse_mixing,
)
from evaluation.data.registry.loading import SHA256
from evaluation.design.treatment import design_from_plan
from evaluation.errors import InputError
from evaluation.plan import load_plan
from evaluation.questions.effect_words import effect_sentences
from evaluation.report.limits import outcome_limits
from evaluation.results import Estimate

FILE = data_folder() / "indicators" / "indicators.yaml"
KOLADA = [
    "N00973",
    "N00964",
    "N00971",
    "N00972",
    "N00732",
    "N01986",
    "U31001",
    "N31001",
    "N40007",
    "N40010",
    "N18409",
    "N00700",
    "N02268",
    "N02269",
    "N03937",
    "N01951",
    "N02926",
    "U40829",
    "N00960",
    "U30464",
    "U30465",
]
DERIVED = ["retention_3_years", "social_assistance_refugees_included", "work_or_studies_gap"]
EMBEDDED = ["foreign_background", "low_economic_standard"]

# the file


def test_every_indicator_of_the_question_is_there():
    assert set(REGISTRY) == {*KOLADA, *DERIVED, *EMBEDDED}
    assert len(REGISTRY) == 26
    assert list(INDICATORS) == EMBEDDED
    assert {i.id for i in REGISTRY.values() if i.kolada} == set(KOLADA)
    assert {i.id for i in REGISTRY.values() if i.parts} == set(DERIVED)


def test_the_file_is_the_one_that_was_recorded():
    assert file_hash(FILE) == SHA256


def test_an_altered_file_is_refused(tmp_path):
    copy = tmp_path / "indicators.yaml"
    copy.write_bytes(FILE.read_bytes().replace(b"horizon_days: 90", b"horizon_days: 91", 1))
    with pytest.raises(InputError, match=r"indicators\.yaml: was altered"):
        read_registry(copy, sha256=SHA256)
    assert read_registry(copy)["N00973"].horizon_days == 91


@pytest.mark.parametrize("id", [*KOLADA, *DERIVED, *EMBEDDED])
def test_every_entry_is_told_in_both_languages_and_is_one_sentence_or_more(id):
    i = REGISTRY[id]
    for text in (i.limit_sv, i.limit_en, *[t for b in i.breaks for t in (b.sv, b.en)]):
        assert text.endswith(".")
        assert "  " not in text
    assert i.label_sv != i.label_en
    assert all([i.unit_sv, i.unit_en, i.change_sv, i.change_en, i.source, i.agency, i.version])
    assert i.lag_years in (0, 2, 3)
    assert i.direction in (-1, 0, 1)


def test_no_label_is_the_sources_own_title():
    """Kolada's titles end in the measure; ours are words that stand in running text."""
    for i in REGISTRY.values():
        assert "(%)" not in i.label_sv
        assert ", antal" not in i.label_sv
        assert i.label_sv[0].islower()
        assert i.label_en[0].islower() or i.label_en.startswith("SFI")


def test_what_the_design_rests_on():
    a = REGISTRY["N00973"]
    assert (a.horizon_days, a.weight, a.lag_years, a.break_year) == (90, "N00964", 2, 2018)
    assert a.counts_as_success == ("work", "studies")
    assert a.sexes == ("T", "K", "M")
    assert "December" in a.limit_en
    assert "december" in a.limit_sv
    assert REGISTRY["N00732"].sexes == ("T",)
    assert REGISTRY["retention_3_years"].lag_years == 3
    assert REGISTRY["retention_3_years"].weight_lag_years == 3
    assert (REGISTRY["U40829"].years[1], REGISTRY["U40829"].ended) == (2023, True)
    assert {i.id for i in REGISTRY.values() if i.break_year == 2018} == {
        "N00971",
        "N00972",
        "N00973",
        "N00964",
        "N00960",
        "work_or_studies_gap",
    }


def test_what_is_not_documented_is_said_to_be_assumed():
    for i in REGISTRY.values():
        if i.small_cell and not i.small_cell.known:
            assert "small_cell" in i.assumed
        if i.kolada and i.years[0] is None and not i.ended:
            assert "years" in i.assumed


def test_an_indicator_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        REGISTRY["N00973"].horizon_days = 180
    with pytest.raises(TypeError):
        REGISTRY["N00973"] = REGISTRY["N00971"]


def test_the_published_texts_of_the_embedded_outcomes_stand():
    i = asdict(REGISTRY["foreign_background"])
    assert i["limit_en"] == (
        "The share with foreign background is a stock that also counts people born in Sweden with "
        "two parents born abroad. It shows settlement, not whether those received stay."
    )
    assert i["unit_sv"] == "procent av invånarna"
    assert REGISTRY["foreign_background"].break_year is None


def test_an_unknown_key_of_the_registry():
    with pytest.raises(KeyError):
        REGISTRY["N99999"]


def entry(**changes):
    """Return a good entry with changes; a value of None takes the key out."""
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))["N00964"] | changes
    return {k: v for k, v in content.items() if v is not None}


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"unit": None}, "N00964.unit", "Field required"),
        ({"colour": "red"}, "N00964.colour", "Extra inputs"),
        ({"decimals": "2"}, "N00964.decimals", "valid integer"),
        ({"decimals": 1.5}, "N00964.decimals", "valid integer"),
        ({"sexes": ["T", "F"]}, "N00964.sexes.1", "'T', 'K' or 'M'"),
        ({"sexes": ["K", "M"]}, "N00964", "sexes must hold T"),
        ({"sexes": ["T", "T"]}, "N00964", "each letter once"),
        ({"scale": "share"}, "N00964", "range with both ends"),
        ({"scale": "share", "range": [0, 100]}, "N00964", "needs a denominator"),
        ({"range": [5, 5]}, "N00964", "range must ascend"),
        ({"years": [2020, 2010]}, "N00964", "years must ascend"),
        ({"years": [2010, 2020, 2030]}, "N00964.years", "at most 2"),
        ({"ended": True, "years": [2010, None]}, "N00964", "its last year"),
        ({"direction": 2}, "N00964.direction", "-1, 0 or 1"),
        ({"kolada": "X1"}, "N00964.kolada", "match pattern"),
        ({"kolada": "N00965"}, "N00964", "must be N00964 or absent"),
        ({"weight": "N00001"}, "N00964.weight", "no indicator of this file"),
        ({"not_alone": ["N00001"]}, "N00964.not_alone", "no indicator of this file"),
        ({"assumed": ["mood"]}, "N00964", "'mood', which is no field"),
        ({"limit": {"sv": "x"}}, "N00964.limit.en", "Field required"),
        ({"limit": {"sv": "", "en": "x"}}, "N00964.limit.sv", "at least 1"),
        ({"small_cell": {"threshold": 1, "known": True, "sv": "a", "en": "b"}},
         "N00964.small_cell.threshold", "greater than or equal to 2"),
        ({"breaks": [{"year": y, "sv": "a", "en": "b"} for y in (2018, 2016)]},
         "N00964", "breaks must ascend"),
        ({"kolada": None, "derivation": {"kind": "ratio", "parts": [{"id": "N00964"}]}},
         "N00964.derivation.parts", "at least 2"),
        ({"kolada": None, "derivation": {"kind": "ratio", "parts": [{"id": "N00964"}] * 3}},
         "N00964.derivation", "a ratio has two parts"),
        ({"derivation": {"kind": "sum", "parts": [{"id": "N00964"}] * 2}},
         "N00964", "what Kolada has is not derived"),
        ({"kolada": None, "derivation": {"kind": "sum", "parts": [{"id": "N1"}, {"id": "N2"}]}},
         "N00964.derivation", "'N1' is no indicator"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_refused_by_name(tmp_path, changes, field, says):
    file = tmp_path / "r.yaml"
    file.write_text(yaml.safe_dump({"N00964": entry(**changes)}), encoding="utf-8")
    with pytest.raises(InputError, match=says) as caught:
        read_registry(file)
    assert (caught.value.file, caught.value.field) == ("r.yaml", field)


def test_parts_must_be_there_for_the_sexes_and_not_negative(tmp_path):
    file = tmp_path / "r.yaml"
    parts = {"kind": "ratio", "parts": [{"id": "a"}, {"id": "b"}]}
    derived = entry(kolada=None, derivation=parts, weight=None)
    base = {"a": entry(kolada=None, sexes=["T"]), "b": entry(kolada=None)}
    file.write_text(yaml.safe_dump(base | {"c": derived}), encoding="utf-8")
    with pytest.raises(InputError, match=r"c\.derivation: a has T, not T, K, M"):
        read_registry(file)
    base = {"a": entry(kolada=None), "b": entry(kolada=None, range=[-5, 5])}
    file.write_text(yaml.safe_dump(base | {"c": derived}), encoding="utf-8")
    with pytest.raises(InputError, match="b may be negative; a ratio needs parts that are not"):
        read_registry(file)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "is not valid YAML"),
        ("a: &x\n  b: *y", "is not valid YAML"),
        ("- 1", "must be a mapping"),
        ("", "must be a mapping"),
        ("a: 5", "valid dictionary"),
    ],
)
def test_a_file_that_is_no_registry_is_refused(tmp_path, text, says):
    file = tmp_path / "r.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=says):
        read_registry(file)
    with pytest.raises(InputError, match="there is no such file"):
        read_registry(tmp_path / "none.yaml")


# mixing


def test_the_three_85_per_cent_are_not_one():
    """Åre counts practice, over two years, of everyone: not the 90-day share of the leavers."""
    base = REGISTRY["N00973"]
    are = replace(
        base,
        id="are_85",
        horizon_days=730,
        counts_as_success=("work", "studies", "practice"),
        denominator="all_received",
    )
    with pytest.raises(InputError) as caught:
        refuse_mixing([base, are])
    text = str(caught.value)
    assert "N00973 and are_85 cannot be one outcome" in text
    assert "horizon_days is 90 against 730, the later measurement gives people more time" in text
    assert "work, studies against work, studies, practice" in text
    assert "left_programme against all_received, they are shares of different people" in text
    assert not comparable([base, are])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"horizon_days": 180}, "horizon_days is 90 against 180"),
        ({"horizon_days": None}, "horizon_days is 90 against none"),
        ({"counts_as_success": ("work",)}, "counts_as_success"),
        ({"counts_as_success": ()}, "work, studies against none"),
        ({"denominator": "all_received"}, "denominator"),
        ({"version": "2030"}, "version"),
        ({"scale": "count"}, "scale"),
    ],
)
def test_each_difference_alone_is_refused(change, field):
    base = REGISTRY["N00973"]
    other = replace(base, id="other", **change)
    with pytest.raises(InputError, match=field):
        refuse_mixing(["N00973", other])
    # the one that differs may stand anywhere
    with pytest.raises(InputError, match=field):
        refuse_mixing([base, base, other, base])


def test_what_measures_the_same_may_be_mixed():
    base = REGISTRY["N00973"]
    twin = replace(base, id="own_90_days", label_en="another name", source="own file", decimals=0)
    refuse_mixing([base, twin])
    assert comparable([base, twin])
    refuse_mixing([])


def test_indicators_of_the_registry_are_not_one_outcome():
    for pair in (["N00971", "N00973"], ["N02268", "N02269"], ["N00700", "N02268"]):
        with pytest.raises(InputError, match=f"{pair[0]} and {pair[1]} cannot be one outcome"):
            refuse_mixing(pair)
    with pytest.raises(InputError, match="there is no indicator 'N1'; known are N00973"):
        refuse_mixing(["N1"])


@pytest.mark.parametrize("beside", ["U31001", "N40010", "social_assistance_refugees_included"])
def test_the_cost_trap(beside):
    with pytest.raises(InputError, match=r"N31001 cannot stand alone.*left out.*one of U31001"):
        refuse_alone(["N31001", "N00973"])
    refuse_alone(["N31001", beside])
    refuse_alone([beside])


# breaks


def test_a_span_over_the_break_says_so_with_the_years_on_each_side():
    [span] = breaks_within(REGISTRY["N00973"], [2019, 2016, 2017, 2018, 2017])
    assert (span.year, span.before, span.after) == (2018, (2016, 2017), (2018, 2019))
    assert span.text_en.endswith("The years 2016–2017 lie before and 2018–2019 after.")
    assert span.text_sv.endswith("Åren 2016–2017 ligger före och 2018–2019 efter.")
    assert "35,6" in span.text_sv
    assert "45.4" in span.text_en


@pytest.mark.parametrize("years", [range(2010, 2018), range(2018, 2026), []])
def test_years_on_one_side_span_no_break(years):
    assert breaks_within(REGISTRY["N00973"], years) == ()


def test_two_breaks_and_one_year_on_a_side():
    two = replace(REGISTRY["N00973"], breaks=(Break(2016, "a.", "b."), Break(2018, "c.", "d.")))
    spans = breaks_within(two, [2015, 2016, 2017, 2018])
    assert [s.year for s in spans] == [2016, 2018]
    assert spans[0].text_en == "b. The years 2015 lie before and 2016–2018 after."
    assert two.break_year == 2016


# derived


def rows(*cells):
    """Make observations from (indicator, code, year, sex, value); None withheld, nan missing."""
    out = []
    for indicator, code, year, sex, value in cells:
        state = "suppressed" if value is None else "missing" if value != value else "observed"
        out.append((indicator, code, year, sex, np.nan if value is None else value, state))
    columns = ["indicator", "code", "year", "sex", "value", "state"]
    return observations(pd.DataFrame(out, columns=columns))


NAN = float("nan")


def retention(stayed, received, year=2019):
    return derive(
        rows(("N00732", "2321", year, "T", stayed), ("N01986", "2321", year - 3, "T", received)),
        "retention_3_years",
    )


@pytest.mark.parametrize(
    ("stayed", "received", "state", "value"),
    [
        (120.0, 160.0, "observed", 75.0),
        (0.0, 160.0, "observed", 0.0),
        (170.0, 160.0, "observed", 106.25),
        (None, 160.0, "suppressed", None),
        (120.0, None, "suppressed", None),
        (None, None, "suppressed", None),
        (NAN, 160.0, "missing", None),
        (120.0, NAN, "missing", None),
        (None, NAN, "missing", None),
        (NAN, None, "missing", None),
        (3.0, 0.0, "missing", None),
        (0.0, 0.0, "missing", None),
        (None, 0.0, "missing", None),
    ],
)
def test_states_of_a_ratio(stayed, received, state, value):
    d = retention(stayed, received)
    [row] = d.observations.to_dict("records")
    assert (row["state"], row["year"], row["indicator"]) == (state, 2019, "retention_3_years")
    assert (row["value"] == value) if value is not None else np.isnan(row["value"])
    assert d.zero_denominators == (received == 0)
    assert d.outside == (value is not None and value > 100)
    assert len(d.bounds) == (state == "suppressed")


@pytest.mark.parametrize(
    ("stayed", "received", "low", "high"),
    [
        (None, 160.0, 0.0, 2.5),
        (None, 8.0, 0.0, 50.0),
        (3.0, None, 75.0, 100.0),
        (0.0, None, 0.0, 0.0),
        (None, None, 0.0, 100.0),
    ],
)
def test_bounds_of_a_ratio_are_exact(stayed, received, low, high):
    """A withheld count is 0 to 4: 4 of 160 is 2.5 per cent; 3 of at most 4 is at least 75."""
    [row] = retention(stayed, received).bounds.to_dict("records")
    assert row == {"code": "2321", "year": 2019, "sex": "T", "low": low, "high": high}


def test_bounds_hold_every_value_that_the_parts_allow():
    for stayed in range(5):
        for received in range(max(stayed, 1), 5):
            [row] = retention(None, None).bounds.to_dict("records")
            assert row["low"] <= 100 * stayed / received <= row["high"]
        [row] = retention(None, 37.0).bounds.to_dict("records")
        assert row["low"] <= 100 * stayed / 37 <= row["high"]


def test_years_outside_a_part_give_no_row_and_absent_cells_are_missing():
    frame = rows(
        ("N00732", "2321", 2018, "T", 10.0),
        ("N00732", "2321", 2019, "T", 20.0),
        ("N01986", "2321", 2016, "T", 40.0),
        ("N01986", "1287", 2016, "T", 40.0),
        ("N01986", "2321", 2020, "T", 99.0),
    )
    out = derive(frame, "retention_3_years").observations
    assert out[["code", "year", "state"]].values.tolist() == [
        ["1287", 2019, "missing"],
        ["2321", 2019, "observed"],
    ]
    assert out["value"].tolist()[1] == 50.0


def test_a_sum_and_its_open_bounds():
    cells = [("N31001", "2321", 2019, "T", 300.0), ("N40010", "2321", 2019, "T", -50.0)]
    d = derive(rows(*cells), "social_assistance_refugees_included")
    assert d.observations["value"].tolist() == [250.0]
    held = rows(cells[0], ("N40010", "2321", 2019, "T", None))
    d = derive(held, "social_assistance_refugees_included")
    assert d.observations["state"].tolist() == ["suppressed"]
    assert d.bounds[["low", "high"]].values.tolist() == [[-np.inf, np.inf]]
    held = rows(("N31001", "2321", 2019, "T", None), cells[1])
    d = derive(held, "social_assistance_refugees_included")
    assert d.bounds[["low", "high"]].values.tolist() == [[-50.0, np.inf]]


def test_the_gap_is_women_minus_men():
    cells = [("N00973", "2321", 2019, s, v) for s, v in (("T", 36.0), ("K", 30.0), ("M", 41.0))]
    d = derive(rows(*cells), "work_or_studies_gap")
    assert d.observations[["sex", "value"]].values.tolist() == [["T", -11.0]]
    held = rows(("N00973", "2321", 2019, "K", None), cells[2])
    [row] = derive(held, "work_or_studies_gap").bounds.to_dict("records")
    assert (row["low"], row["high"]) == (-41.0, 59.0)


def test_derive_refuses_what_it_cannot_do():
    frame = rows(("N00732", "2321", 2019, "T", 1.0))
    with pytest.raises(InputError, match="needs N01986, which is not among the observations"):
        derive(frame, "retention_3_years")
    with pytest.raises(InputError, match="N00732 is published by its source"):
        derive(frame, "N00732")
    with pytest.raises(InputError, match="there is no indicator 'gdp'"):
        derive(frame, "gdp")
    apart = rows(("N00732", "2321", 2019, "T", 1.0), ("N01986", "2321", 2019, "T", 1.0))
    with pytest.raises(InputError, match="no year has N00732 and N01986 3 years earlier"):
        derive(apart, "retention_3_years")


def test_the_range_of_a_withheld_value():
    assert REGISTRY["N00964"].withheld_range == (0.0, 4.0)
    assert REGISTRY["N00973"].withheld_range == (0.0, 100.0)
    assert REGISTRY["U31001"].withheld_range == (0.0, np.inf)
    assert REGISTRY["N01951"].withheld_range == (0.0, np.inf)
    known = replace(REGISTRY["N01951"], small_cell=SmallCell(3, True, "a", "b"))
    assert known.withheld_range == (0.0, 2.0)


def test_an_outcome_of_ones_own_needs_only_the_texts():
    names = [f.name for f in fields(Indicator)][:12]
    values = dict.fromkeys(names, "x") | {"decimals": 2}
    own = Indicator(**values)
    assert (own.scale, own.lowest, own.break_year, own.parts) == ("other", None, None, ())
    assert own.withheld_range == (-np.inf, np.inf)


# words


TWICE = re.compile(r"\b(\w+)\s+\1\b", re.IGNORECASE)


@pytest.mark.parametrize("key", REGISTRY)
def test_no_label_has_its_article_and_no_sentence_a_word_twice(key):
    i = REGISTRY[key]
    assert not re.match(r"(the|a|an) ", i.label_en, re.IGNORECASE)
    assert not re.match(r"(en|ett|den|det|de|att) ", i.label_sv, re.IGNORECASE)
    # «förändrades att …» is no Swedish
    assert not i.definite_sv.startswith("att ")
    e = Estimate(term="att", estimate=4.0, conf_int=(1.0, 7.0), p_value=0.03, method="cs",
                 inference="permutation", estimand="cohort", n_obs=9, n_units=9,
                 n_treated_units=2, n_clusters=9)  # fmt: skip
    design = design_from_plan(load_plan("settlement"))
    men = replace(i, label_sv=f"{i.label_sv} (män)", label_en=f"{i.label_en} (men)")
    said = [
        *effect_sentences(i, e, design, False, ""),
        *effect_sentences(men, e, design, True, ""),
        *(v for v in asdict(i).values() if isinstance(v, str)),
        *(t for b in i.breaks for t in (b.sv, b.en)),
        *(t for s in breaks_within(i, range(2000, 2026)) for t in (s.text_sv, s.text_en)),
    ]
    for lang in ("sv", "en"):
        said += outcome_limits({"indicators": {k: asdict(x) for k, x in enumerate((i, men))}}, lang)
    assert not [(m.group(), t) for t in said for m in TWICE.finditer(t)]
