"""What the outcomes cannot show: every limit once, with the outcomes that share it."""

from __future__ import annotations

import re

from evaluation.language import Lang, listed
from evaluation.report.table import Results

__all__ = ["one_sex_limits", "outcome_limits"]

_ONE_SEX = re.compile(r"(.+) \((kvinnor|män|women|men)\)")


def outcome_limits(r: Results, lang: Lang) -> list[str]:
    """Return the limits of a study's outcomes, one that several share once and with their names.

    Parameters
    ----------
    r : mapping
        The study's results.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    list of str
        Sentences, in the order of the outcomes.

    Examples
    --------
    >>> shares = [{"label_en": f"share{who}", "limit_en": "It is short."} for who in ("", " (men)")]
    >>> cost = {"label_en": "cost", "limit_en": "It is in kronor."}
    >>> outcome_limits({"indicators": dict(enumerate([*shares, cost]))}, "en")
    ['It is short. This is about the share (all, men).', 'It is in kronor.']
    """
    shared: dict[str, list[str]] = {}
    label = "definite_sv" if lang == "sv" else "label_en"
    for i in r["indicators"].values():
        shared.setdefault(i[f"limit_{lang}"], []).append(i[label])
    out = []
    for limit, labels in shared.items():
        if len(labels) > 1:
            about = listed(_by_outcome(labels, lang), lang)
            limit += f" Det gäller {about}." if lang == "sv" else f" This is about the {about}."
        out.append(limit)
    return out


def one_sex_limits(r: Results, lang: Lang) -> list[str]:
    """Return which outcomes are there for women or for men alone, so that no gap can be told.

    Parameters
    ----------
    r : mapping
        The study's results.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    list of str
        A sentence per outcome; none where both sexes or neither is there.

    Examples
    --------
    >>> r = {"plan": {"outcomes": [{"indicator": "a", "sex": "K"}]},
    ...      "indicators": {"a_K": {"label_en": "share (women)"}}}
    >>> one_sex_limits(r, "en")[0][:78]
    'The share is there for women only: the gap between women and men cannot be tol'
    """
    sexes: dict[str, set[str]] = {}
    for o in r["plan"]["outcomes"]:
        if isinstance(o, dict) and "indicator" in o and o.get("sex") in ("K", "M"):
            sexes.setdefault(o["indicator"], set()).add(o["sex"])
    label, out = "definite_sv" if lang == "sv" else "label_en", []
    for key, found in sexes.items():
        if len(found) > 1:
            continue
        [sex] = found
        base, who = _apart(r["indicators"][f"{key}_{sex}"][label], sex)
        out.append(
            f"{base[0].upper()}{base[1:]} finns bara för {who}: gapet mellan kvinnor och män går "
            "inte att avgöra av ett kön. Ta med utfallet för båda i planen."
            if lang == "sv"
            else f"The {base} is there for {who} only: the gap between women and men cannot be "
            "told from one sex. Have the outcome for both in the plan."
        )
    return out


def _by_outcome(labels: list[str], lang: Lang) -> list[str]:
    """Name an outcome that is there for several sexes once, with whom it is there for."""
    everyone = "alla" if lang == "sv" else "all"
    whom: dict[str, list[str]] = {}
    for text in labels:
        base, who = _apart(text, everyone)
        whom.setdefault(base, []).append(who)
    return [b if w == [everyone] else f"{b} ({', '.join(w)})" for b, w in whom.items()]


def _apart(label: str, otherwise: str) -> tuple[str, str]:
    """Take the name of an outcome and whom it is there for apart."""
    one = _ONE_SEX.fullmatch(label)
    return (one[1], one[2]) if one else (label, otherwise)
