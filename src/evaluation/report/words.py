"""The report's words in both languages: headings of tables and figures, names of codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluation.design.counties import place_name as code_name
from evaluation.language import Lang, listed, number
from evaluation.questions.lines import GRADES

__all__ = [
    "WORDS",
    "all_sources",
    "evidence_words",
    "exposure_rule",
    "is_simulated",
    "left_out_text",
    "own_work",
    "place_name",
    "start_text",
    "word",
]

WORDS: dict[str, tuple[str, str]] = {
    # columns
    "municipality": ("Kommun", "Municipality"),
    "population": ("Invånare 2017", "Inhabitants 2017"),
    "stance": ("Hållning (evidens)", "Stance (evidence)"),
    "where": ("Var hållningen står", "Where the stance stands"),
    "start": ("Start enligt dokumentet", "Start as documented"),
    "start_coded": ("Start enligt kodningen", "Start as coded"),
    "first_year": ("Första behandlade år", "First treated year"),
    "group": ("Grupp", "Group"),
    "count": ("Antal", "Number"),
    "method": ("Metod", "Method"),
    "estimand": ("Estimand", "Estimand"),
    "years_observed": ("År med värde", "Years with a value"),
    "years_suppressed": ("Sekretess", "Withheld"),
    "years_missing": ("Saknas", "Missing"),
    "years_no_weight": ("Utan vikt", "Without weight"),
    "file_row": ("Rad", "Row"),
    "file_field": ("Fält", "Field"),
    "file_text": ("Text", "Text"),
    "file_reason": ("Skäl", "Reason"),
    "outcome": ("Utfall", "Outcome"),
    "truth": ("Sanning", "Truth"),
    "covered": ("Intervallet täcker sanningen", "The interval covers the truth"),
    "covered_yes": ("ja", "yes"),
    "covered_no": ("nej", "no"),
    "estimate": ("Skattning", "Estimate"),
    "interval": ("{level} intervall", "{level} interval"),
    "p": ("p", "p"),
    "std_error": ("Medelfel", "Std. error"),
    "year": ("År", "Year"),
    "event_time": ("År sedan start", "Years since start"),
    "placebo_range": ("95 % av placebo", "95 % of placebos"),
    "band": ("Simultant band", "Simultaneous band"),
    "n_treated": ("Kommuner", "Municipalities"),
    "check": ("Kontroll", "Check"),
    "passed": ("Utfall", "Result"),
    "text": ("Vad den visar", "What it shows"),
    "donors": ("Antal jämförelsekommuner", "Comparison municipalities"),
    "smallest": ("Minsta", "Smallest"),
    "largest": ("Största", "Largest"),
    "quantity": ("Storhet", "Quantity"),
    "value": ("Värde", "Value"),
    "data_set": ("Datamängd", "Data set"),
    "source": ("Källa", "Source"),
    "licence": ("Licens", "Licence"),
    "actual": ("Kommunen", "The municipality"),
    "synthetic": ("Syntetisk", "Synthetic"),
    "gap": ("Gap", "Gap"),
    "nation": ("Riket", "Sweden"),
    "persons": ("Personer", "Persons"),
    "of_growth": ("Av ökningen", "Of the growth"),
    "men": ("Män", "Men"),
    "women": ("Kvinnor", "Women"),
    "total": ("Alla", "All"),
    "growth_men": ("Ökning, män", "Growth, men"),
    "growth_women": ("Ökning, kvinnor", "Growth, women"),
    "growth_total": ("Ökning, alla", "Growth, all"),
    "gap_persons": ("Gap, personer", "Gap, persons"),
    "placebo_interval": ("gapet med placebointervall", "the gap, placebo interval"),
    # answers
    "yes": ("godkänd", "passed"),
    "no": ("ej godkänd", "not passed"),
    "unknown": ("går inte att avgöra", "cannot be judged"),
    "not_dated": ("inte daterad, året antas", "not dated, the year is assumed"),
    "or": ("eller", "or"),
    "left_out": ("Utelämnad kommun", "Municipality left out"),
    "own_size": ("Egen storlek", "Own size"),
    "line": ("rad", "line"),
    "H1": ("{year}, första halvåret", "{year}, first half"),
    "H2": ("{year}, andra halvåret", "{year}, second half"),
    "winter": ("vintern {year}", "winter {year}"),
    "spring": ("våren {year}", "spring {year}"),
    "summer": ("sommaren {year}", "summer {year}"),
    "autumn": ("hösten {year}", "autumn {year}"),
    "no_pre_period": ("ingen förperiod", "no pre-period"),
    "after_the_data": ("efter sista året med data", "after the last year with data"),
    "chosen": ("vald", "chosen"),
    # methods
    "permutation": (
        "Callaway–Sant'Anna, permutationsintervall",
        "Callaway–Sant'Anna, permutation interval",
    ),
    "mahalanobis": (
        "Mot de närmaste (Mahalanobis), permutationsintervall",
        "Against the nearest (Mahalanobis), permutation interval",
    ),
    "entropy": (
        "Mot vägda kommuner (entropibalansering), permutationsintervall",
        "Against weighted municipalities (entropy balancing), permutation interval",
    ),
    "not_yet_treated": (
        "Callaway–Sant'Anna mot ännu inte behandlade, permutationsintervall",
        "Callaway–Sant'Anna against those not yet treated, permutation interval",
    ),
    "headline": ("huvudresultat", "headline"),
    "rule_welch": (
        "Regelns test: varje sidas egen varians (Welch)",
        "The rule's test: each side's own variance (Welch)",
    ),
    "rule_integrated_t": (
        "Regelns test: t-test över tänkbara varianssamband",
        "The rule's test: t-test over possible variance functions",
    ),
    "rule_own_history": (
        "Regelns test: varians ur egna år före starten",
        "The rule's test: variance from own years before the start",
    ),
    "rule_none": (
        "Regelns test: inget test håller sin nivå här",
        "The rule's test: no test keeps its level here",
    ),
    "rule_among_peers": (
        "Regelns test mot kommuner av liknande storlek",
        "The rule's test against municipalities of similar size",
    ),
    "companion_welch": (
        "Jämför: varje sidas egen varians (Welch)",
        "Compare: each side's own variance (Welch)",
    ),
    "companion_integrated_t": (
        "Jämför: t-test över tänkbara varianssamband",
        "Compare: t-test over possible variance functions",
    ),
    "companion_own_history": (
        "Jämför: varians ur egna år före starten",
        "Compare: variance from own years before the start",
    ),
    "cs_simple": (
        "Callaway–Sant'Anna, analytiskt intervall",
        "Callaway–Sant'Anna, analytic interval",
    ),
    "cs_cohort": (
        "Callaway–Sant'Anna, analytiskt intervall",
        "Callaway–Sant'Anna, analytic interval",
    ),
    "cs_dynamic": (
        "Callaway–Sant'Anna, analytiskt intervall",
        "Callaway–Sant'Anna, analytic interval",
    ),
    "cs_calendar": (
        "Callaway–Sant'Anna, analytiskt intervall",
        "Callaway–Sant'Anna, analytic interval",
    ),
    "twfe": (
        "Tvåvägs fasta effekter, klustrade medelfel",
        "Two-way fixed effects, clustered errors",
    ),
    "uncertain_other_way": (
        "Huvudresultatet med kommuner av osäker hållning flyttade",
        "The headline with municipalities of uncertain stance moved",
    ),
    "partial_years": (
        "Delvis exponerade år mot basåret, permutation",
        "Partly exposed years against the base, permutation",
    ),
    "treatment_ends": ("Programmet upphör", "The programme ends"),
    "partly_exposed": ("delvis exponerade", "partly exposed"),
    # estimands
    "cohort": ("ATT, alla kommuner väger lika", "ATT, every municipality weighs the same"),
    "simple": ("ATT, alla kommunår väger lika", "ATT, every municipality-year weighs the same"),
    "dynamic": ("ATT, medel över år sedan start", "ATT, mean over years since start"),
    "calendar": ("ATT, medel över kalenderår", "ATT, mean over calendar years"),
    "twfe_estimand": ("Regressionskoefficient", "Regression coefficient"),
    # stances and evidence
    "active_from_asylum": ("aktiv från asyltiden", "active from the asylum phase"),
    "active_day_one": ("aktiv från dag ett", "active from day one"),
    "active_during_establishment": (
        "aktiv under etableringen",
        "active during the establishment programme",
    ),
    "explicit": ("uttrycklig", "explicit"),
    "strong": ("stark", "strong"),
    "indirect": ("indirekt", "indirect"),
    "weak": ("svag", "weak"),
    # grades
    **{f"grade_{grade}": (swedish, grade) for grade, swedish in GRADES.items()},
    # checks
    "few_treated": ("Antal behandlade", "Number treated"),
    "analytic_size": ("De vanliga testens nivå", "Level of the usual tests"),
    "pre_period": ("Förperiodens längd", "Length of the pre-period"),
    "pre_trends": ("Trender före start", "Trends before the start"),
    "years_stated": ("Startårens ursprung", "Origin of the start years"),
    "neighbour_years": ("Närliggande startår", "Neighbouring start years"),
    "hidden_active": ("Dolt aktiva kommuner", "Hidden active municipalities"),
    "same_treatment_of_uncertain": ("Kommuner med osäker hållning", "Uncertain stance"),
    "same_place": ("Annat på samma plats", "What else runs there"),
    "leave_one_out": ("Utan en kommun i taget", "Without one at a time"),
    "own_peak": ("Egen topp", "Own peak"),
    "calibrated_level": ("Regelns nivå", "Level of the rule"),
    "variance_function": ("Varians och storlek", "Variance and size"),
    "change_and_size": ("Förändring och storlek", "Change and size"),
    "pre_trends_power": ("Vad förperioderna kan visa", "What the pre-periods can show"),
    "honest_did": ("Avvikande trender efter start", "Diverging trends after the start"),
    "placebo_dates": ("Låtsade startår", "Pretended start years"),
    "leave_one_cohort_out": ("Utan ett startår i taget", "Without one start year at a time"),
    "definition_break": ("Definitionsbyte", "Change of definition"),
    "miscoded_treated": ("Felkodade behandlade", "Miscoded treated"),
    "specification_curve": ("Andra val", "Other choices"),
    "bacon": ("Regressionens jämförelser", "The regression's comparisons"),
    "negative_weights": ("Regressionens vikter", "The regression's weights"),
    "regression_to_the_mean": ("Återgång mot medelvärdet", "Regression to the mean"),
    "after_selection": ("Efter utnämningen", "After the praise"),
    "printed_table": ("Tabellen som den är tryckt", "The table as printed"),
    "within_received": ("Gränsen mot de mottagna", "The bound against those received"),
    "grades": ("I graden", "Grades"),
    "counts": ("ja", "yes"),
    "informs": ("nej", "no"),
    # the specification curve
    "curve_controls": ("Jämförelsegrupp", "Comparison group"),
    "curve_not_known": ("inte kända som aktiva", "not known to be active"),
    "curve_with_uncertain": ("även osäker hållning", "uncertain stance too"),
    "curve_all": ("alla", "all"),
    "curve_without_metropolitan": ("utan storstäder", "without big cities"),
    "curve_similar_size": ("liknande storlek", "similar size"),
    "curve_equal": ("lika", "equal"),
    "curve_population": ("folkmängd", "population"),
    "curve_persons": ("personer bakom värdet", "persons behind the value"),
    "by_population": ("folkmängd", "population"),
    "by_persons": ("antal personer bakom värdet", "the number of persons behind the value"),
    "curve_chosen": ("valda år", "years as chosen"),
    "curve_earliest": ("tidigast möjliga", "earliest possible"),
    "curve_latest": ("senast möjliga", "latest possible"),
    # groups
    "n_treated_group": (
        "Behandlade: {evidence} evidens",
        "Treated: {evidence} evidence",
    ),
    "n_uncertain_group": (
        "Osäker hållning: svagare evidens",
        "Uncertain stance: weaker evidence",
    ),
    "n_not_known_group": ("Inte kända som aktiva", "Not known to be active"),
    "n_all_group": ("Alla kommuner", "All municipalities"),
    "n_anonymous_group": (
        "Rader med anonyma svar (knyts aldrig till en kommun)",
        "Rows of anonymous answers (never tied to a municipality)",
    ),
    # figures
    "others_band": ("80 % av jämförelsekommunerna", "80 % of the comparison group"),
    "others_median": ("median för jämförelsekommunerna", "median of the comparison group"),
    "per_cent": ("procent", "per cent"),
    "placebo_studies": ("placebostudier", "placebo studies"),
    "real": ("den verkliga skattningen", "the real estimate"),
    "placebo_band": ("95 % av placebo", "95 % of placebos"),
    "analytic_interval": ("skattning med analytiskt intervall", "estimate, analytic interval"),
    "establishment_90_days": (
        "Arbete eller studier efter 90 dagar",
        "Work or studies after 90 days",
    ),
    "refugee_employment": ("Förvärvsarbetande flyktingar", "Refugees in employment"),
    "law_2018": ("lagändring 2018", "change of law 2018"),
    "hidden_share": (
        "andel av jämförelsegruppen som är dolt aktiv (värsta fall), procent",
        "share of the comparison group that is hidden active (worst case), per cent",
    ),
    "path": ("Utveckling", "Path"),
    "first_treated": ("första behandlade år", "first treated year"),
    # quantities of the case and of hidden activity
    "rise": ("Gap i toppåret", "Gap in the peak year"),
    "change": ("Förändring av gapet från toppåret", "Change of the gap from the peak year"),
    "last": ("Gap i sista året", "Gap in the last year"),
}


def word(key: str, lang: Lang) -> str:
    """Return a word of the report."""
    return WORDS[key][0 if lang == "sv" else 1]


def own_work(sources: str, lang: Lang) -> str:
    """Write the source line.

    Examples
    --------
    >>> own_work("SCB, TAB6571", "sv")
    'Källa: SCB, TAB6571. Egen bearbetning.'
    """
    return (
        f"Källa: {sources}. Egen bearbetning."
        if lang == "sv"
        else f"Source: {sources}. Own calculations."
    )


def all_sources(results: Mapping[str, Any]) -> str:
    """Join the sources of all outcomes, each once."""
    return "; ".join(dict.fromkeys(i["source"] for i in results["indicators"].values()))


def evidence_words(evidence: list[str], lang: Lang) -> str:
    """Join the accepted strengths of evidence.

    Examples
    --------
    >>> evidence_words(["explicit", "strong"], "sv")
    'uttrycklig eller stark'
    """
    return f" {word('or', lang)} ".join(word(e, lang) for e in evidence)


def start_text(stated: str, lang: Lang) -> str:
    """Write a stated start in words.

    Examples
    --------
    >>> start_text("2011-H2", "sv"), start_text("2017-spring", "en"), start_text("2016", "sv")
    ('2011, andra halvåret', 'spring 2017', '2016')
    >>> start_text("2016 (planned)", "sv"), start_text("not stated", "sv")
    ('2016 (planerad)', 'inte angiven')
    """
    year, _, part = stated.partition("-")
    if part in WORDS:
        return word(part, lang).format(year=year)
    if lang == "sv":
        return stated.replace("(planned)", "(planerad)").replace("not stated", "inte angiven")
    return stated


def is_simulated(results: Mapping[str, Any]) -> bool:
    """Tell whether the results come from the simulated twin."""
    origin = results["origin"]
    return origin is not None and bool(origin["kind"] == "simulated")


def place_name(results: Mapping[str, Any], code: str) -> str:
    """Return a municipality's name; beside made-up figures «SIM» and its code."""
    if is_simulated(results):
        return f"SIM {code}"
    return code_name(code)


SHOWN = 10
"""Municipalities left out that are named one by one; the full list is in the outcome's section."""


def left_out_text(results: Mapping[str, Any], outcome: str, lang: Lang) -> str:
    """Say which comparison municipalities an outcome has no values for.

    Parameters
    ----------
    results : mapping
        ``Study.to_dict()``, or ``results.json`` read back.
    outcome : str
        The outcome.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    str
        One sentence, empty where no municipality is left out.
    """
    o = results["outcomes"][outcome]
    codes = o["left_out"]
    if not codes:
        return ""
    names = [place_name(results, c) for c in codes[:SHOWN]]
    if len(codes) > SHOWN:
        names.append(f"{len(codes) - SHOWN} {'till' if lang == 'sv' else 'more'}")
    label = results["indicators"][outcome][f"label_{lang}"]
    n, rest, every = (
        number(x, lang, 0) for x in (len(codes), o["n_controls"], len(codes) + o["n_controls"])
    )
    who = listed(names, lang)
    return (
        f"{label[:1].upper()}{label[1:]}: {n} av {every} jämförelsekommuner saknar värden för "
        f"något år och utelämnas ({who}); jämförelsegruppen är {rest} kommuner."
        if lang == "sv"
        else f"{label[:1].upper()}{label[1:]}: left out for want of values in some year: {n} of "
        f"{every} comparison municipalities ({who}); the comparison group is {rest} municipalities."
    )


_WHY_OUT = {
    "no_values": ("saknar värde för något år", "lacks a value for some year"),
    "no_pre_year": (
        "har inget oexponerat år före det första behandlade, {year}",
        "has no unexposed year before the first treated one, {year}",
    ),
    "outside": (
        "har sitt första behandlade år {year} utanför data",
        "has its first treated year {year} outside the data",
    ),
    "no_match": (
        "har ingen jämförbar kommun enligt planens matchning",
        "has no comparable municipality by the plan's matching",
    ),
}


def treated_out_text(outcome: Mapping[str, Any], lang: Lang) -> str:
    """Say which treated municipalities an outcome cannot carry, and why.

    Parameters
    ----------
    outcome : mapping
        One outcome of the results.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    str
        One sentence with a space before it, empty where none is left out.
    """
    gone = outcome["left_out_treated"]
    if not gone:
        return ""
    by_reason: dict[str, list[str]] = {}
    for u in gone:
        why = _WHY_OUT[u["reason"]][lang == "en"].format(year=u["first_year"])
        by_reason.setdefault(why, []).append(u["name"])
    told = "; ".join(f"{listed(names, lang)} ({why})" for why, names in by_reason.items())
    return (
        f" Behandlade som utfallet inte kan bära, varken behandlade eller jämförda här: {told}."
        if lang == "sv"
        else f" Treated that the outcome cannot carry, neither treated nor compared here: {told}."
    )


_EXPOSURE_RULES = {
    "first_whole_year": (
        "En start under ett år räknas från nästa år, det första hela.",
        "A start within a year counts from the next one, the first whole year.",
    ),
    "first_year_touched": (
        "En start under ett år räknas från samma år.",
        "A start within a year counts from that year.",
    ),
    "leave_out_partial": (
        "Ett år som bara delvis var exponerat, eller kan ha varit det, räknas varken som behandlat "
        "eller som basår: det första behandlade året är det första helt exponerade, och "
        "jämförelsen görs med det sista helt oexponerade.",
        "A year that was exposed only in part, or may have been, counts neither as treated nor as "
        "base: the first treated year is the first exposed whole, and it is compared with the last "
        "one not exposed at all.",
    ),
}


def exposure_rule(rule: str, lang: Lang) -> str:
    """Say what a year counts as that was exposed in part.

    Examples
    --------
    >>> exposure_rule("first_year_touched", "en")
    'A start within a year counts from that year.'
    """
    return _EXPOSURE_RULES[rule][lang == "en"]
