"""The same horizons by other estimators: points only, no further tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.did.imputation import imputation
from evaluation.estimation.did.saturated import sun_abraham
from evaluation.estimation.did.stacked import stacked
from evaluation.estimation.did.windowed import windowed_group_time
from evaluation.estimation.windows import without_left_out
from evaluation.questions.horizons.duration import horizon_masks
from evaluation.questions.inference import DesignInference
from evaluation.results import GroupTime

__all__ = ["FAMILIES", "Family", "families_by_horizon"]

Cells = Mapping[tuple[int, int], float]
FAMILIES: Final = ("cs", "imputation", "sunab", "stacked", "twfe")


@dataclass(frozen=True)
class Family:
    """One estimator's points.

    Parameters
    ----------
    key : str
        One of :data:`FAMILIES`.
    points : dict of str to float or None
        By horizon; None where the estimator does not reach every treated year of it, or
        cannot be computed.
    reason : str
        Why it cannot be computed at all; empty where it can.
    """

    key: str
    points: dict[str, float | None]
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {"key": self.key, "points": self.points, "reason": self.reason}


def _cells(found: GroupTime) -> Cells:
    cells = zip(found.cohort, found.period, strict=True)
    return dict(zip(cells, found.estimate, strict=True))


def _regression(
    inference: DesignInference, panel: Panel, masks: Mapping[str, Mapping[str, np.ndarray]]
) -> dict[str, float | None]:
    r"""Regress on unit and year effects and one indicator per horizon.

    .. math:: Y_{it} = \alpha_i + \gamma_t + \sum_H \beta_H 1\{t - g_i \in H\} + \varepsilon_{it}

    solved on the doubly demeaned balanced panel (Frisch–Waugh–Lovell).
    """
    present = {k: m for k, m in masks.items() if any(x.any() for x in m.values())}
    units = panel.units
    columns = []
    for by_code in present.values():
        x = np.zeros(panel.values.shape)
        for code, mask in by_code.items():
            x[units.index(code)] = mask
        columns.append(_demeaned(x))
    y = _demeaned(panel.values.to_numpy(dtype=float))
    beta, _, rank, _ = np.linalg.lstsq(np.column_stack(columns), y, rcond=None)
    if rank < len(columns):
        raise InputError("the horizons' indicators are collinear", field="cohort")
    return dict.fromkeys(masks) | dict(zip(present, map(float, beta), strict=True))


def _demeaned(x: np.ndarray) -> np.ndarray:
    out: np.ndarray = x - x.mean(axis=0) - x.mean(axis=1, keepdims=True) + x.mean()
    return out.ravel()


def families_by_horizon(inference: DesignInference) -> tuple[Family, ...]:
    """Estimate the horizons by every family that the design allows.

    Parameters
    ----------
    inference : DesignInference
        Panel and design.

    Returns
    -------
    tuple of Family
        ``cs``: Callaway–Sant'Anna; ``imputation``: Borusyak–Jaravel–Spiess; ``sunab``:
        Sun–Abraham; ``stacked``: Wing–Freedman–Hollingsworth cells of the widest window that
        every cohort fills, never-treated controls; ``twfe``: two-way regression with one
        indicator per horizon. All but ``twfe``
        average cohort-and-year effects over each municipality's years at the horizon, and
        then over municipalities, alike. The last three know no year that is neither treated
        nor untreated and are left out where the design has such years.
    """
    panel, windows = inference.panel, inference.windows
    cohort = inference.design.cohort()[panel.units]
    alpha = inference.settings.alpha
    masks = horizon_masks(inference)
    regressed = without_left_out(panel, cohort, windows)
    makers: dict[str, Callable[[], Cells]] = {
        "cs": lambda: _cells(windowed_group_time(panel, cohort, windows, alpha=alpha)),
        "imputation": lambda: _cells(imputation(regressed, cohort, alpha=alpha)),
        "sunab": lambda: _cells(sun_abraham(panel, cohort, alpha=alpha)),
        "stacked": lambda: _cells(
            stacked(panel, cohort, control_group="never_treated", alpha=alpha).group_time
        ),
    }
    out = []
    for key in FAMILIES:
        if not windows.plain and key not in ("cs", "imputation"):
            reason = "years that are neither treated nor untreated have no place in it"
            out.append(Family(key, dict.fromkeys(masks), reason))
            continue
        try:
            points = (
                _regression(inference, panel, masks)
                if key == "twfe"
                else {k: _mean(makers[key](), inference, m) for k, m in masks.items()}
            )
        except InputError as error:
            out.append(Family(key, dict.fromkeys(masks), error.problem))
            continue
        out.append(Family(key, points))
    return tuple(out)


def _mean(cells: Cells, inference: DesignInference, mask: Mapping[str, np.ndarray]) -> float | None:
    """Average over years, then over municipalities; None where a cell is missing."""
    years = np.array(inference.panel.years)
    per_unit = []
    for t in inference.design.treated:
        keys = [(t.first_year, int(y)) for y in years[mask[t.code]]]
        if any(k not in cells for k in keys):
            return None
        if keys:
            per_unit.append(float(np.mean([cells[k] for k in keys])))
    return float(np.mean(per_unit)) if per_unit else None
