"""A simulated plan's effect by horizon, dose and subgroup as it really is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from evaluation.data.twin import Twin
from evaluation.questions.horizons.duration import horizon_masks
from evaluation.questions.horizons.parts import treated_years
from evaluation.questions.inference import DesignInference

if TYPE_CHECKING:
    from evaluation.questions.horizons.horizons import Horizons

__all__ = ["TrueParts", "true_parts"]


@dataclass(frozen=True)
class TrueParts:
    """The real effects beside what was estimated, on the same municipalities and years.

    Parameters
    ----------
    horizons : dict of str to float or None
        By horizon, and ``difference``, late less short; None where it is not estimated.
    exposure : dict of str to float or None
        ``partial``, ``full``, ``difference``; None where the design has no partial years.
    subgroups : dict of str to dict of str to float
        By division and label.
    """

    horizons: dict[str, float | None]
    exposure: dict[str, float] | None
    subgroups: dict[str, dict[str, float]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return asdict(self)


def _mean(
    effect: pd.DataFrame, masks: Mapping[str, np.ndarray], codes: Sequence[str]
) -> float | None:
    """Average each municipality's known years, then the municipalities."""
    if not codes:
        return None
    paths = [effect.loc[c].to_numpy()[masks[c]] for c in codes]
    return float(np.mean([np.nanmean(p) for p in paths]))


def true_parts(
    found: Horizons, inference: DesignInference, twin: Twin, entry: str, sex: str
) -> TrueParts:
    """Average the twin's real effects as the parts of an estimate do.

    Parameters
    ----------
    found : Horizons
        What was estimated.
    inference : DesignInference
        Who the analysis treats, and when: by the coding, which may be wrong.
    twin : Twin
        Whose truth holds the real effects.
    entry, sex : str
        The outcome: key of the registry, and T, K or M.

    Returns
    -------
    TrueParts
        NaN nowhere: a municipality and year with an estimate has persons.
    """
    panel = inference.panel
    truth = twin.truth
    effect = pd.DataFrame(
        truth.effect(entry, sex), index=list(truth.codes), columns=list(truth.years)
    )[panel.years]
    masks = horizon_masks(inference)
    duration = found.duration
    horizons = {h.key: _mean(effect, masks[h.key], h.codes) for h in duration.horizons}
    horizons["difference"] = None
    if duration.late is not None:
        stay = [
            c
            for c in duration[duration.late].codes
            if all(c in h.codes for h in duration.horizons if h.codes)
        ]
        late, early = (_mean(effect, masks[k], stay) for k in (duration.late, "short"))
        assert late is not None
        assert early is not None
        horizons["difference"] = late - early
    whole = treated_years(inference)
    exposure = None
    if found.exposure is not None:
        years = np.array(panel.years)
        partly = {
            t.code: (years > t.base_year) & (years < t.first_year) for t in inference.design.treated
        }
        part = _mean(effect, partly, found.exposure.codes)
        full = _mean(effect, whole, found.exposure.codes)
        assert part is not None
        assert full is not None
        exposure = {"partial": part, "full": full, "difference": full - part}
    subgroups = {}
    for division in found.subgroups:
        values = {g.label: _mean(effect, whole, g.codes) for g in division.groups}
        subgroups[division.by] = {k: v for k, v in values.items() if v is not None}
    return TrueParts(horizons, exposure, subgroups)
