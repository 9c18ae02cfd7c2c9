"""The rules, and what a table is: everything a protection needs to know but the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evaluation.data.disclosure.layout import Flow, KnownSum, Sums
from evaluation.errors import InputError

__all__ = ["Dominance", "Rules", "Spec"]


@dataclass(frozen=True)
class Rules:
    """When a count may not be shown, and how wide what is hidden must stay.

    Parameters
    ----------
    k : int
        Counts from 1 to k − 1 are hidden.
    zeros : bool
        Whether 0 is hidden too.
    small_group : int, optional
        Shares of 0 % and 100 % are hidden in groups of fewer than this; twice k without.
    width : int, optional
        The range of every hidden cell must be at least this wide: at least ``width + 1`` whole
        numbers. k − 1 without.

    Examples
    --------
    >>> Rules().small_group_of, Rules().width_of
    (10, 4)
    """

    k: int = 5
    zeros: bool = False
    small_group: int | None = None
    width: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("k", 2), ("small_group", 0), ("width", 1)):
            found = getattr(self, name)
            whole = isinstance(found, int) and not isinstance(found, bool)
            if found is not None and not (whole and found >= least):
                raise InputError(
                    f"must be a whole number of at least {least}, not {found!r}", field=name
                )

    @property
    def small_group_of(self) -> int:
        """The size below which shares of 0 and 100 % are hidden."""
        return 2 * self.k if self.small_group is None else self.small_group

    @property
    def width_of(self) -> int:
        """The width asked of every hidden cell."""
        return self.k - 1 if self.width is None else self.width


@dataclass(frozen=True)
class Dominance:
    r"""When an amount says too much about one who gave it (Hundepool et al. 2012, section 4.2).

    With :math:`x_1 \ge x_2 \ge \dots` the contributions and :math:`T` their sum, a cell is hidden

    .. math:: \text{p\% rule: } T - x_1 - x_2 < \tfrac{p}{100} x_1, \qquad
              (n, k)\text{ rule: } x_1 + \dots + x_n > \tfrac{k}{100} T,

    and where fewer than ``few`` contributed. The range of a hidden cell must reach, both ways,

    .. math:: \tfrac{p}{100} x_1 - (T - x_1 - x_2), \qquad \tfrac{100}{k}(x_1 + \dots + x_n) - T,

    whichever is more; downwards no further than 0.

    Parameters
    ----------
    largest : tuple of str
        Columns of the largest contributions, in order; at least two, and at least n.
    contributors : str
        Column of how many contributed.
    p : float
        Per cent.
    n, k : int, float
        How many dominate from how many per cent on.
    few : int
        Fewest contributors of a cell that is shown.
    """

    largest: tuple[str, ...] = ("largest_1", "largest_2")
    contributors: str = "contributors"
    p: float = 10.0
    n: int = 1
    k: float = 75.0
    few: int = 5

    def __post_init__(self) -> None:
        if len(self.largest) < max(2, self.n):
            raise InputError(
                f"needs the {max(2, self.n)} largest contributions, not {len(self.largest)}",
                field="largest",
            )
        if self.n < 1 or not 0 < self.k <= 100:
            raise InputError("n must be at least 1 and k a per cent above 0", field="n, k")
        if not 0 < self.p <= 100:
            raise InputError(f"must be a per cent above 0, not {self.p:g}", field="p")


@dataclass(frozen=True)
class Spec:
    """What a table holds and by what rules it is protected.

    Parameters
    ----------
    by : tuple of str
        The dimensions: one row per combination.
    value : str
        The column of counts, or of amounts where ``dominance`` is given.
    sums : mapping
        For each dimension with totals: total code to the codes of its parts, hierarchies by
        several entries (county from municipalities, nation from counties). One part may be
        missing from the table throughout: it is worked out and guarded all the same.
    rules : Rules
        The thresholds.
    shares : tuple of str
        Dimensions whose parts are shares of their total (status): 0 % and 100 % are hidden in
        small groups.
    flow : Flow, optional
        The identity of a life table.
    derived : mapping
        For each column worked out from cells (a share, a mean): the cells it stems from, each as
        what differs from its own row, e.g. ``{"share": [{}, {"status": "all"}]}``. It is shown
        only where all of them are.
    dominance : Dominance, optional
        For amounts.
    known : str, optional
        Column of truth values: cells that are public already and cannot be hidden.
    withhold : str, optional
        Column of truth values: cells to be hidden for other reasons.
    known_sums : tuple of KnownSum
        Sums of cells that are public elsewhere: the guarantee holds beside them. One that is
        itself small cannot be guarded against: publish it nowhere.
    """

    by: tuple[str, ...]
    value: str = "n"
    sums: Sums = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    shares: tuple[str, ...] = ()
    flow: Flow | None = None
    derived: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    dominance: Dominance | None = None
    known: str | None = None
    withhold: str | None = None
    known_sums: tuple[KnownSum, ...] = ()

    def __post_init__(self) -> None:
        for dim in self.shares:
            if dim not in self.sums:
                raise InputError(f"{dim!r} has no sums to take shares of", field="shares")
        if self.dominance is not None and (self.shares or self.flow):
            raise InputError("amounts have neither shares nor a life table", field="dominance")
        if self.dominance is not None and self.known_sums:
            raise InputError("amounts have no known sums", field="known_sums")
        for known in self.known_sums:
            for dim in known.each:
                if dim not in self.by:
                    raise InputError(f"{dim!r} is not among the dimensions", field="known_sums")

    def columns(self) -> list[str]:
        """Return every column that the specification speaks of."""
        more = [c for c in (self.known, self.withhold) if c]
        if self.dominance is not None:
            more += [*self.dominance.largest, self.dominance.contributors]
        more += [known.rows for known in self.known_sums]
        return [*self.by, self.value, *self.derived, *more]
