"""The words of the section «Against whom», and the names of what is compared."""

from __future__ import annotations

from evaluation.language import Lang
from evaluation.report.table import Results
from evaluation.report.words import word

__all__ = ["LARGE", "MOST_ROWS", "SECTION_WORDS", "covariate_label", "say"]

LARGE = 0.1
"""The usual convention for a standardised difference that matters (Austin 2009)."""
MOST_ROWS = 12
"""So many treated are shown one by one; more are only where they lack comparable ones."""

SECTION_WORDS: dict[str, tuple[str, str]] = {
    "treated": ("Behandlade", "Treated"),
    "control": ("Jämförs med", "Compared with"),
    "uncertain": ("Osäker hållning: svagare evidens", "Uncertain stance: weaker evidence"),
    "other_model": (
        "Aktiv utan att ha den utvärderade modellen",
        "Active without the model that is evaluated",
    ),
    "partly": (
        "Län där någon kommun har den utvärderade modellen",
        "County where some municipality runs the model that is evaluated",
    ),
    "apart": (
        "I ingen grupp enligt planens kodblad",
        "In neither group by the plan's coding sheets",
    ),
    "named": ("Utelämnade i planen, med kod", "Left out in the plan, by code"),
    "income_from_norway": ("Stora inkomster från Norge", "Much income from Norway"),
    "big_city": ("Storstad", "Big city"),
    "neighbour": ("Granne till en behandlad kommun", "Neighbour of a treated municipality"),
    "no_values": ("Saknar värde för något år", "Lacks a value for some year"),
    "treated_left_out": (
        "Behandlad som utfallet inte kan bära",
        "Treated that the outcome cannot carry",
    ),
    "headline": ("Planens jämförelse (huvudresultat)", "The plan's comparison (headline)"),
    "unmatched": ("Hela gruppen, alla väger lika", "The whole group, of equal weight"),
    "mahalanobis": ("De närmaste (Mahalanobis)", "The nearest (Mahalanobis)"),
    "entropy": ("Vägda till samma medel (entropi)", "Weighted to the same means (entropy)"),
    "not_yet_treated": ("Även ännu inte behandlade", "Those not yet treated too"),
    "without_neighbours": ("Utan de behandlades grannar", "Without neighbours of the treated"),
    "without_big_cities": ("Utan storstäderna", "Without the big cities"),
    "without_income_from_norway": (
        "Utan dem med stora inkomster från Norge",
        "Without those with much income from Norway",
    ),
    "no_overlap": ("ingen överlappning", "no overlap"),
    "too_few": ("för få kommuner", "too few municipalities"),
    "covariate": ("Egenskap", "Covariate"),
    "mean_treated": ("Medel, behandlade", "Mean, treated"),
    "mean_before": ("Medel, jämförelsen", "Mean, comparison"),
    "smd": ("Skillnad, alla", "Difference, all"),
    "smd_mahalanobis": ("Skillnad, de närmaste", "Difference, the nearest"),
    "smd_entropy": ("Skillnad, vägda", "Difference, weighted"),
    "municipality": ("Kommun", "Municipality"),
    "reason": ("Skäl", "Reason"),
    "nearest": ("Mest lik", "Most alike"),
    "distance": ("Avstånd", "Distance"),
    "support": ("Jämförbara finns", "Comparable ones exist"),
    "yes": ("ja", "yes"),
    "comparison": ("Jämförelse", "Comparison"),
    "n_controls": ("Jämförs med", "Compared with"),
    "effective": ("Räknat i lika vikter", "In equal weights"),
    "why": ("Varför", "Why"),
}


def say(key: str, lang: Lang) -> str:
    """Return a word of the section."""
    return SECTION_WORDS[key][0 if lang == "sv" else 1]


def covariate_label(r: Results, name: str, covariate: str, lang: Lang) -> str:
    """Name a covariate, with the years that it is measured over.

    Parameters
    ----------
    r : mapping
        The results.
    name, covariate : str
        The outcome, and the column.
    lang : {"sv", "en"}
        Language.
    """
    first, last = r["outcomes"][name]["against"]["years"]
    years = str(first) if first == last else f"{first}–{last}"
    by = word(f"by_{r['outcomes'][name]['sized_by']}", lang)
    known = {
        "level": (f"Nivå {years}", f"Level {years}"),
        "trend": (f"Trend {years}, per år", f"Trend {years}, per year"),
        "log_size": (f"Storlek, log av {by}", f"Size, log of {by}"),
    }
    return known[covariate][0 if lang == "sv" else 1] if covariate in known else covariate
