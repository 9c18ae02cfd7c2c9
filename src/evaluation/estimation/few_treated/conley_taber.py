r"""Conley & Taber (2011): the controls' contrasts stand in for the treated units'.

With few treated the effect's error stays as large as theirs, however many controls there
are; but the controls show what that error looks like, if the treated units' changes are of
the same law. Each treated unit's contrast is replaced by a control's contrast under the
same coefficients over years.
"""

from __future__ import annotations

import numpy as np

from evaluation.errors import InputError
from evaluation.estimation.few_treated.collapsed import Collapsed
from evaluation.estimation.few_treated.placebo_test import PlaceboTest

__all__ = ["conley_taber"]


def conley_taber(c: Collapsed, *, draws: int = 9999, seed: int = 1) -> PlaceboTest:
    r"""Test against the controls' contrasts.

    .. math::
        T_b = \sum_s \lambda_s \Big( a_s'Y_{j_b(s)} - \sum_c \kappa_c a_s'Y_c \Big)

    with j drawn from the controls for every treated unit on its own.

    Parameters
    ----------
    c : Collapsed
        One or many panels.
    draws : int
        How many; where there are no more assignments of controls to treated units (always
        with one treated unit), each is taken once.
    seed : int
        Seed of the draws; all panels share them.

    Returns
    -------
    PlaceboTest
        Two-sided, with the interval from inversion.

    Raises
    ------
    InputError
        If there are fewer than two controls or no draws.

    Notes
    -----
    Valid in large numbers of controls if treated and controls have the same variance. It
    rejects far too often when the treated are smaller than the controls, and hardly ever
    when they are larger. The paper takes the plain share of placebos; here the real
    estimate counts among them, so that p is never zero. The controls' contrasts are taken
    as they are, their mean out, without a correction for it, as in the paper.

    References
    ----------
    Conley, T. & Taber, C. (2011). Inference with "difference in differences" with a small
    number of policy changes. Review of Economics and Statistics 93(1), section III.
    """
    if draws < 1:
        raise InputError(f"{draws} draws are too few; at least 1 is needed", field="draws")
    n0, slots = c.n_controls, len(c.estimator.weight)
    if n0 < 2:
        raise InputError("Conley–Taber needs two never-treated units or more", field="cohort")
    if slots == 1 or n0**slots <= draws:
        picks = np.stack(np.unravel_index(np.arange(n0**slots), (n0,) * slots), axis=1)
        text = f"all {len(picks)} placebo estimates from the controls"
    else:
        rng = np.random.default_rng(np.random.SeedSequence(seed))
        picks = rng.integers(0, n0, size=(draws, slots))
        text = f"{draws} draws of controls for the treated units"
    placebo = np.zeros((len(c.estimate), len(picks)))
    for s, weight in enumerate(c.estimator.weight):
        placebo += weight * c.own[c.which[s]][:, picks[:, s]]
    return PlaceboTest(c.estimate, placebo, text)
