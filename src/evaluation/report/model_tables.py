"""The groups of a plan whose treatment is one model of the documents."""

from __future__ import annotations

import pandas as pd

from evaluation.data import embedded
from evaluation.language import Lang, number
from evaluation.report.table import Results, Table
from evaluation.report.words import evidence_words, own_work, word

__all__ = ["model_groups"]

_ROWS = {
    "treated": ("Behandlade: där modellen finns", "Treated: where the model runs"),
    "others": (
        "Varken behandlade eller jämförelse: aktiva med {evidence} evidens utan modellen",
        "Neither treated nor compared: active on {evidence} evidence without the model",
    ),
    "uncertain": ("Osäker hållning: svagare evidens", "Uncertain stance: weaker evidence"),
    "partly": (
        "Varken behandlade eller jämförelse: modellen finns i någon kommun",
        "Neither treated nor compared: some municipality runs the model",
    ),
    "not_known": ("Inte kända som aktiva", "Not known to be active"),
    "without": ("Län där modellen inte beskrivs", "Counties where it is not described"),
    "all": ("Alla kommuner", "All municipalities"),
    "all_counties": ("Alla län", "All counties"),
}


def model_groups(r: Results, lang: Lang) -> Table:
    """Count the places by what they are in the comparison; the parts add up to all.

    Parameters
    ----------
    r : mapping
        ``Study.to_dict()`` of a plan with ``treatment.model``, or ``results.json`` read back.
    lang : {"sv", "en"}
        Language of headings and rows.

    Returns
    -------
    Table
        ``groups``.
    """
    d = r["design"]
    m = d["model"]
    if m["counties"]:
        counts = {"partly": len(m["partly"]), "without": d["n_not_known_active"]}
        whole = "all_counties"
    else:
        counts = {"others": len(m["others"]), "uncertain": d["n_uncertain"]}
        counts |= {"not_known": d["n_not_known_active"]}
        whole = "all"
    counts = {"treated": d["n_treated"]} | counts | {whole: d["n_municipalities"]}
    evidence = evidence_words(r["plan"]["treatment"]["evidence"], lang)
    sv = lang == "sv"
    places = ("Länen" if sv else "The counties") if m["counties"] else (
        "Kommunerna" if sv else "The municipalities"
    )  # fmt: skip
    return Table(
        "groups",
        f"{places} efter vad dokumenten säger" if sv else f"{places} by what the documents say",
        (word("group", lang), word("count", lang)),
        tuple(
            (_ROWS[k][lang == "en"].format(evidence=evidence), number(n, lang, 0))
            for k, n in counts.items()
        ),
        own_work(
            f"{'dokumenten' if sv else 'the documents'} {', '.join(embedded.DOCUMENTS)}", lang
        ),
        pd.DataFrame(list(counts.items()), columns=["group", "count"]),
        frozenset({1}),
    )
