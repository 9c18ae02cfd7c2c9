"""The effect of one outcome taken apart: how long, what dose, for whom, by which estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evaluation.data.registry import Indicator
from evaluation.questions.horizons.duration import Duration, analyse_duration
from evaluation.questions.horizons.exposure import Exposure, analyse_exposure
from evaluation.questions.horizons.families import Family, families_by_horizon
from evaluation.questions.horizons.subgroups import Subgroups, analyse_subgroups
from evaluation.questions.horizons.truth import TrueParts
from evaluation.questions.horizons.words import duration_sentence
from evaluation.questions.inference import DesignInference

__all__ = ["Horizons", "analyse_horizons"]


@dataclass(frozen=True)
class Horizons:
    """One outcome's effect by duration, exposure, subgroup and estimator family.

    Parameters
    ----------
    duration : Duration
        Short, middle, long, and late less short.
    exposure : Exposure or None
        Partly against fully exposed years; None where the design has no partly exposed ones.
    subgroups : tuple of Subgroups
        By division.
    families : tuple of Family
        Points by estimator.
    sentence_sv, sentence_en : str
        Short and long horizon side by side; part of the headline's sentence.
    truth : TrueParts or None
        The real effects, where the data are simulated.
    """

    duration: Duration
    exposure: Exposure | None
    subgroups: tuple[Subgroups, ...]
    families: tuple[Family, ...]
    sentence_sv: str
    sentence_en: str
    truth: TrueParts | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "duration": self.duration.to_dict(),
            "exposure": self.exposure.to_dict() if self.exposure else None,
            "subgroups": [s.to_dict() for s in self.subgroups],
            "families": [f.to_dict() for f in self.families],
            "sentence_sv": self.sentence_sv,
            "sentence_en": self.sentence_en,
            **({"truth": self.truth.to_dict()} if self.truth else {}),
        }


def analyse_horizons(inference: DesignInference, indicator: Indicator) -> Horizons:
    """Take the effect of one outcome apart.

    Parameters
    ----------
    inference : DesignInference
        Panel, design, sets and assignments of the outcome.
    indicator : Indicator
        What the outcome is, for its unit.

    Returns
    -------
    Horizons
        All against the whole comparison group.
    """
    duration = analyse_duration(inference)
    s = inference.settings
    narrower = s.weighting is not None or s.not_yet
    return Horizons(
        duration,
        analyse_exposure(inference),
        analyse_subgroups(inference),
        families_by_horizon(inference),
        duration_sentence(duration, indicator, "sv", narrower=narrower),
        duration_sentence(duration, indicator, "en", narrower=narrower),
    )
