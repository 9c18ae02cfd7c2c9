"""The sentences of the section «Against whom», made from the numbers."""

from __future__ import annotations

import re

from evaluation.language import Lang, level, listed, number
from evaluation.report.against_words import LARGE, MOST_ROWS, covariate_label, say
from evaluation.report.reasons import reason_text
from evaluation.report.table import Results, literal
from evaluation.report.words import place_name

__all__ = ["appendix_outcomes", "group_text", "headline_text", "like_text", "note_text"]

_CONSTANT = re.compile(
    r"field (\w+): does not vary among the units of the scale \(\w+\); leave it out"
)


def group_text(r: Results, lang: Lang) -> str:
    """Say who the comparison group is, and which rules the plan adds.

    Parameters
    ----------
    r : mapping
        The results.
    lang : {"sv", "en"}
        Language.
    """
    sv = lang == "sv"
    asked = r["plan"]["comparison"]
    group = asked.get("group", "not_known_active")
    joined = r["plan"]["treatment"].get("uncertain") == "control" or group == "never_treated"
    if joined:
        text = (
            "Jämförelsegruppen är alla kommuner som inte är behandlade, även de med osäker hållning"
            if sv
            else "The comparison group is every municipality that is not treated, those of "
            "uncertain stance too"
        )
    else:
        text = (
            "Jämförelsegruppen är kommuner som inte är kända som aktiva"
            if sv
            else "The comparison group is municipalities not known to be active"
        )
    if group == "not_yet_treated":
        text += (
            ", och de behandlade före sin egen start" if sv else ", and the treated before their "
            "own start"
        )  # fmt: skip
    rules = []
    if k := asked.get("beyond"):
        rules.append(
            f"grannar inom {k} kommungräns{'er' if k > 1 else ''} från en behandlad kommun"
            if sv
            else f"neighbours within {k} border{'s' if k > 1 else ''} of a treated municipality"
        )
    if asked.get("big_cities") is False:
        rules.append("storstäderna" if sv else "the big cities")
    if asked.get("income_from_norway") is False:
        names = [place_name(r, c) for c in ("1486", "1730", "1765")]
        rules.append(
            f"{listed(names, lang)} (stora inkomster från Norge)"
            if sv
            else f"{listed(names, lang)} (much income from Norway)"
        )
    if asked.get("without"):
        names = [place_name(r, c) for c in asked["without"]]
        rules.append(listed(names, lang))
    if not rules:
        return f"{text}."
    return (
        f"{text}. Planen utelämnar {listed(rules, lang)}."
        if sv
        else f"{text}. The plan leaves out {listed(rules, lang)}."
    )


def headline_text(r: Results, lang: Lang) -> str:
    """Say what a plan's matching makes of the headline; empty where it matches nothing.

    Parameters
    ----------
    r : mapping
        The results.
    lang : {"sv", "en"}
        Language.
    """
    asked = r["plan"]["comparison"]
    sv = lang == "sv"
    m = asked.get("matching")
    if m is None and asked.get("group") != "not_yet_treated":
        return ""
    if m is None:
        what = (
            "Huvudresultatet räknar också de behandlade till jämförelsen före deras egen start"
            if sv
            else "The headline counts the treated too in the comparison before their own start"
        )
    elif m["method"] == "entropy":
        what = (
            "Huvudresultatet väger jämförelsegruppen så att dess medel är de behandlades"
            if sv
            else "The headline weights the comparison group so that its means are the treated's"
        )
    else:
        n = number(m["matches"], lang, 0)
        what = (
            f"Huvudresultatet jämför varje behandlad kommun med de {n} som liknar den mest"
            if sv
            else f"The headline compares each treated municipality with the {n} most like it"
        )
    return (
        f"{what}. I varje placebostudie väljs jämförelsen på nytt på samma sätt, så att valet "
        "ingår i prövningen. Specifikationskurvan, styrkan, de dolt aktiva, felkodningen, åren "
        "för sig och kontrollerna avser däremot skattningen mot hela gruppen, där alla väger lika."
        if sv
        else f"{what}. In every placebo study the comparison is chosen anew in the same way, so "
        "that the choice is part of the test. The specification curve, the power, the hidden "
        "active, the miscoding, the single years and the checks, however, are about the estimate "
        "against the whole group, of equal weight."
    )


def _why(r: Results, name: str, lang: Lang) -> str:
    """Say why balance and overlap could not be computed, naming the covariate as the tables do."""
    problem = r["outcomes"][name]["against"]["problem"]
    constant = _CONSTANT.fullmatch(problem)
    if not constant:
        return reason_text(problem, lang)
    label = covariate_label(r, name, constant[1], lang)
    same = "varierar inte inom grupperna" if lang == "sv" else "does not vary within the groups"
    return f"{label[0].lower()}{label[1:]} {same}"


def like_text(r: Results, name: str, lang: Lang) -> str:
    """Say how alike the groups are and how far the estimate moves with another comparison.

    Parameters
    ----------
    r : mapping
        The results.
    name : str
        The outcome.
    lang : {"sv", "en"}
        Language.
    """
    sv = lang == "sv"
    a = r["outcomes"][name]["against"]
    said = []
    if a["problem"]:
        why = literal(_why(r, name, lang))
        said.append(
            f"Balans och överlappning kan inte anges för det här utfallet ({why})."
            if sv
            else f"Balance and overlap cannot be given for this outcome ({why})."
        )
    if a["balance"]:
        rows = next(iter(a["balance"].values()))["rows"]
        large = [x for x in rows if abs(x["smd_before"]) >= LARGE]
        worst = max(rows, key=lambda x: abs(x["smd_before"]))
        label = covariate_label(r, name, worst["covariate"], lang)
        label = literal(label[:1].lower() + label[1:])
        by = number(worst["smd_before"], lang)
        said.append(
            f"Före starten skiljer {len(large)} av {len(rows)} egenskaper minst "
            f"{number(LARGE, lang, 1)} standardavvikelser mellan de behandlade och hela "
            f"jämförelsegruppen; mest skiljer {label} ({by})."
            if sv
            else f"Before the start {len(large)} of {len(rows)} covariates differ by "
            f"{number(LARGE, lang, 1)} standard deviations or more between the treated and the "
            f"whole comparison group; {label} differs most ({by})."
        )
    if a["overlap"]:
        rows = a["overlap"]["rows"]
        out = [place_name(r, x["unit"]) for x in rows if not x["supported"]]
        who = f" ({listed(out, lang)})" if 0 < len(out) <= MOST_ROWS else ""
        said.append(
            f"{len(rows) - len(out)} av {len(rows)} behandlade har jämförbara kommuner"
            f"{f', {len(out)} saknar dem{who}' if out else ''}."
            if sv
            else f"{len(rows) - len(out)} of {len(rows)} treated have comparable municipalities"
            f"{f', {len(out)} lack them{who}' if out else ''}."
        )
    values = [x["result"]["estimate"] for x in a["alternatives"][1:] if x["result"]]
    if values:
        low, high = number(min(values), lang), number(max(values), lang)
        own = number(a["alternatives"][0]["result"]["estimate"], lang)
        said.append(
            f"Mot andra jämförelser går skattningen från {low} till {high}; planens ger {own}."
            if sv
            else f"Against other comparisons the estimate goes from {low} to {high}; the plan's "
            f"gives {own}."
        )
    for x in a["alternatives"]:
        if x["n_without"]:
            n, key = number(x["n_without"], lang, 0), say(x["key"], lang)
            one = x["n_without"] == 1
            studies = ("placebostudie" if one else "placebostudier") if sv else (
                "placebo study" if one else "placebo studies"
            )  # fmt: skip
            said.append(
                f"{key}: för {n} {studies} finns ingen sådan jämförelse; {'den' if one else 'de'} "
                f"räknas som minst lika {'stor' if one else 'stora'}, så att p och intervall blir "
                "försiktiga."
                if sv
                else f"{key}: for {n} {studies} there is no such comparison; "
                f"{'it counts' if one else 'they count'} as at least as large, so that p and "
                "interval are cautious."
            )
    first, last = a["years"]
    if first == last:
        said.append(
            f"Bara ett år ({first}) ligger före den första starten: ingen trend kan jämföras, och "
            "en matchning på nivån fångar också det årets tillfälligheter."
            if sv
            else f"Only one year ({first}) lies before the first start: no trend can be compared, "
            "and a match on the level also catches that year's passing highs and lows."
        )
    elif last - first == 1 and "trend" in a["covariates"]:
        said.append(
            f"Trenden vilar på två år ({first} och {last}) och är mest brus."
            if sv
            else f"The trend rests on two years ({first} and {last}) and is mostly noise."
        )
    return " ".join(said)


def note_text(r: Results, lang: Lang) -> str:
    """Say how the table of other comparisons is tested, and what that does not cover."""
    shown = level(1 - r["plan"]["estimation"]["alpha"], lang)
    return (
        "Raderna är samma fråga mot olika jämförelser, inte en meny att välja ur: den minsta "
        "p-siffran av flera är för liten. Alla utom huvudresultatet prövas med permutation bland "
        "kommuner av liknande storlek, där de närmaste och vikterna väljs på nytt i varje "
        f"placebostudie. Att {shown} intervall håller vilar på att de behandlade lika gärna kunde "
        "ha varit andra av sin storlek; är de utvalda för sin nivå eller trend före starten "
        "hjälper matchning bara delvis och kan göra skattningen sämre, för den som väljs i en "
        "tillfällig topp faller tillbaka."
        if lang == "sv"
        else "The rows are the same question against different comparisons, not a menu to choose "
        "from: the smallest of several p-values is too small. All but the headline are tested by "
        "permutation among municipalities of similar size, the nearest and the weights chosen "
        f"anew in every placebo study. That {shown} intervals hold rests on the treated being as "
        "likely as others of their size; if they were picked for their level or trend before the "
        "start, matching helps in part only and can make the estimate worse, because what is "
        "picked at a passing peak falls back."
    )


def appendix_outcomes(r: Results, most: int = 40) -> list[str]:
    """Return the outcomes whose list of those left out is short enough for the appendix."""
    return [
        n
        for n, o in r["outcomes"].items()
        if 0 < sum(u["role"] == "out" for u in o["against"]["units"]) <= most
    ]
