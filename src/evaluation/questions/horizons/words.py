"""Sentences about the horizons, made from the numbers."""

from __future__ import annotations

from evaluation.data.registry import Indicator
from evaluation.language import Lang, interval, level, number
from evaluation.questions.horizons.duration import Duration, Horizon
from evaluation.results import Estimate

__all__ = ["duration_sentence", "horizon_name"]

_NAMES = {
    "short": ("de första två åren", "the first two years"),
    "middle": ("tredje och fjärde året", "the third and fourth year"),
    "long": ("från femte året", "from the fifth year on"),
}
_VERDICTS = {
    "fades": ("effekten avtar", "the effect fades"),
    "turns": ("effekten byter tecken", "the effect changes sign"),
    "grows": ("effekten växer med tiden", "the effect grows with time"),
    "comes_late": ("effekten kommer sent", "the effect comes late"),
    "changes": (
        "skillnaden ändras med tiden, men om en effekt kommer eller går syns inte",
        "the difference changes over time, but whether an effect comes or goes is not seen",
    ),
    "cannot_tell": (
        "om effekten avtar, består eller kommer sent går inte att avgöra",
        "whether the effect fades, lasts or comes late cannot be told",
    ),
}


def horizon_name(key: str, lang: Lang) -> str:
    """Name a horizon.

    Examples
    --------
    >>> horizon_name("long", "sv"), horizon_name("short", "en")
    ('från femte året', 'the first two years')
    """
    return _NAMES[key][0 if lang == "sv" else 1]


def _place(n: int, lang: Lang) -> str:
    one, many = ("kommun", "kommuner") if lang == "sv" else ("municipality", "municipalities")
    return f"{n} {one if n == 1 else many}"


def _said(e: Estimate, lang: Lang) -> str:
    return f"{number(e.estimate, lang, sign=True)} ({interval(*e.conf_int, lang)}"


def _horizon(h: Horizon, lang: Lang) -> str:
    assert h.estimate is not None
    n = _place(len(h.codes), lang)
    return f"{horizon_name(h.key, lang)} {_said(h.estimate, lang)}; {n})"


def duration_sentence(
    d: Duration, indicator: Indicator, lang: Lang, *, narrower: bool = False
) -> str:
    """Set the short and the long horizon side by side, and say what became of the effect.

    Parameters
    ----------
    d : Duration
        From :func:`evaluation.questions.horizons.analyse_duration`.
    indicator : Indicator
        For the unit.
    lang : {"sv", "en"}
        Language.
    narrower : bool
        Whether the headline is matched, weighted or against those not yet treated: the horizons
        stand against the whole comparison group, and that is said.

    Returns
    -------
    str
        Two sentences or three; that nobody is seen at the long horizon is said.
    """
    sv = lang == "sv"
    early, long = d["short"], d["long"]
    assert early.estimate is not None
    # the middle stands in where the data do not reach the long one
    other = None if d.late is None else d[d.late]
    shown = [_horizon(early, lang)] + ([_horizon(other, lang)] if other else [])
    at = level(1 - early.estimate.alpha, lang)
    unit = indicator.change_sv if sv else indicator.change_en
    against = ("", "")
    if narrower:
        against = ("mot hela jämförelsegruppen, ", "against the whole comparison group, ")
    text = (
        f"Efter tid sedan start, {against[0]}i {unit} med {at} permutationsintervall: "
        if sv
        else f"By time since the start, {against[1]}in {unit} with {at} permutation intervals: "
    ) + "; ".join(shown)
    text += ". "
    if long.estimate is None:
        text += (
            f"Så länge som till ett femte behandlat år når inga data (sista år {d.last_year}), så "
            "den långa horisonten är okänd. "
            if sv
            else f"No data reach a fifth treated year (last year {d.last_year}), so the long "
            "horizon is unknown. "
        )
    if d.difference is None or other is None or other.balanced is None:
        return text.rstrip()
    n = d.difference.n_treated_units
    same = (
        ""
        if n == len(early.codes)
        else f", i {'den kommun' if n == 1 else f'de {n} kommuner'} som syns vid båda"
        if sv
        else f", in the {'municipality' if n == 1 else f'{n} municipalities'} seen at both"
    )
    verdict = _VERDICTS[d.verdict][0 if sv else 1]
    return text + (
        f"Skillnaden, sent minus tidigt{same}, är {_said(d.difference, lang)}): {verdict}."
        if sv
        else f"The difference, late less early{same}, is {_said(d.difference, lang)}): {verdict}."
    )
