"""Which layouts a log has, from a sample of its lines: known ones and those that its own lines make."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import polars as pl

from isang.logs.parsing.inferred.continuations import CONTINUES, stand_alone
from isang.logs.parsing.inferred.general_layout import General, general_layouts
from isang.logs.parsing.inferred.levels import ANY_LEVEL
from isang.logs.parsing.layouts import MESSAGE_TO_THE_END, PLAIN, Layout, registered
from isang.logs.parsing.regex import ascii_only
from isang.logs.parsing.structured.groups import groups
from isang.logs.parsing.timestamps import ISO

SAMPLE_LINES = 500
_SAMPLE_CHARACTERS = 1_000
"""The layout shows in the beginning of a line."""
_ENOUGH = 0.2
"""A layout must parse this share of the lines that can begin a record."""
_ENOUGH_IN_A_ROW = (0.05, 0.6, 10)
"""Or the first share, if it parses the second share of the lines between its first and last match, and at least the
third number of lines: the rest may come from another program."""
_THROUGHOUT = (10, 0.5)
"""Or at least the first number, with no gap between them of more than the second share of the lines."""
_MOST = 0.5
"""A vague layout must parse this share of the sample, unless it is beside one that has no time either."""
_NEARLY_AS_GOOD = 0.95
"""A layout listed earlier says more; it is taken when it parses this share of what the best one parses."""
SECOND = 0.05
"""Lines of another layout in the same file are looked for while they are at least this share of the sample."""
_MAX_LAYOUTS = 4
_INDENTED = r"^\s"
_MOSTLY_INDENTED = 0.95
_MOSTLY_EMPTY = 0.9
_FEW_HOSTS = 0.2
_LEAST_HOSTS = 10
_NO_HOST = rf"^(?:{ANY_LEVEL}|[A-Z]|\d+)$"
_A_WORD_AND_A_COLON = ascii_only(rf"(?P<component>[\w.$]+):\s{MESSAGE_TO_THE_END}")
_ISO_GROUP = "(?P<time>"
_MADE, _ANYWHERE = "general-", "general-anywhere-"
"""How the names of layouts begin that the lines make; the second of those with the time anywhere."""


def voting(lines: pl.Series) -> pl.Series:
    """Which lines can begin a record: no lines of stack traces or indented blocks."""
    indented = lines.str.contains(_INDENTED)
    if _share(indented) >= _MOSTLY_INDENTED:
        return lines.is_not_null()
    begins = ~indented & ~lines.str.contains(CONTINUES)
    return begins if begins.any() else lines.is_not_null()


def recognise(
    sample: pl.Series,
    described: Layout | None = None,
    *,
    zone: str,
    reference: datetime,
    date_order: str = "auto",
) -> list[tuple[Layout, float]]:
    """The layouts of a source, best first, each with the share of possible first lines of records that it parses.

    There is always at least one; `PLAIN` if no layout fits. `described`: the layout given by its header, if any.
    """
    lines = sample.filter(sample.str.contains(r"\S")).str.slice(0, _SAMPLE_CHARACTERS)
    if lines.is_empty():
        return [(PLAIN, 0.0)]
    votes = voting(lines)
    candidates = _candidates(lines.filter(votes), described, zone, reference, date_order)
    return _Choice(lines, votes, candidates).made() or [(_plain(lines), 1.0)]


def _plain(lines: pl.Series) -> Layout:
    indented = _share(lines.str.contains(_INDENTED)) >= _MOSTLY_INDENTED
    return replace(PLAIN, pattern=r"^\s*(?P<message>\S.*)$") if indented else PLAIN


def _candidates(
    lines: pl.Series, described: Layout | None, zone: str, reference: datetime, date_order: str
) -> Iterator[Layout]:
    """Known layouts, the more telling first, then those that the lines make, then the vague ones."""
    indented = bool(lines.str.contains(_INDENTED).all())
    known = registered() if described is None else (described, *registered())
    yield from (_behind_blanks(layout) for layout in known) if indented else known
    if indented:
        lines = lines.str.strip_chars_start()
    for general in general_layouts(lines.to_list(), zone=zone, reference=reference, date_order=date_order):
        made = [*_variants(general), _of(general)]
        yield from (_behind_blanks(layout) for layout in made) if indented else made


def _of(general: General) -> Layout:
    kind = "headed" if general.heading else "text"
    name = "level" if general.clock is None else general.clock.name
    return Layout(f"{_ANYWHERE if general.anywhere else _MADE}{name}", general.pattern, kind, general.heading)


def _behind_blanks(layout: Layout) -> Layout:
    def moved(pattern: str) -> str:
        return rf"^\s*{pattern[1:]}" if pattern.startswith("^") and not pattern.startswith(r"^\s*") else pattern

    return replace(layout, pattern=moved(layout.pattern), heading=moved(layout.heading))


def _variants(general: General) -> Iterator[Layout]:
    """Known layouts whose time is written in another way."""
    if general.clock is None or general.clock == ISO or general.heading:
        return
    lines = pl.Series(general.canonical)
    for layout in registered():
        shape = layout.heading or layout.pattern
        if layout.vague or _ISO_GROUP not in shape or layout.kind not in ("text", "access", "headed"):
            continue
        if _share(lines.str.contains(shape)) >= _NEARLY_AS_GOOD:
            changed = _with_time(shape, general.clock.pattern)
            yield replace(layout, heading=changed) if layout.heading else replace(layout, pattern=changed)


def _with_time(pattern: str, time: str) -> str:
    """`pattern` with another expression in its group of the time."""
    start = pattern.index(_ISO_GROUP) + len(_ISO_GROUP)
    depth, end = 1, start
    while depth:
        depth += {"(": 1, ")": -1}.get(pattern[end], 0) if pattern[end - 1] != "\\" else 0
        end += 1
    return pattern[:start] + ascii_only(time) + pattern[end - 1 :]


class _Choice:
    """The choice among candidates by how many lines each parses."""

    def __init__(self, lines: pl.Series, votes: pl.Series, candidates: Iterator[Layout]) -> None:
        self._lines, self._votes, self._voters = lines, votes, int(votes.sum())
        self._fits: list[tuple[Layout, pl.Series]] = []
        for layout in candidates:
            matched = layout.fits(lines) & votes
            if matched.any() and not _refused(layout, lines.filter(matched)):
                self._fits.append((layout, matched))
                if matched.sum() == self._voters and not layout.vague:
                    break  # no later one can parse more

    def made(self) -> list[tuple[Layout, float]]:
        found: list[tuple[Layout, float]] = []
        unread = self._votes
        timeless = False  # whether the layouts found so far have no time
        while len(found) < _MAX_LAYOUTS and unread.any():
            least = max(1, (SECOND if found else _ENOUGH) * self._voters)
            best = self._best(unread, least, least if timeless else _MOST * self._votes.len())
            best = best or (None if found else self._in_a_row())
            if best is None:
                break
            layout, matched = self._apart(*best) or best
            found.append((layout, int(matched.sum()) / self._voters))
            timeless = not any("(?P<time>" in layout.pattern + layout.heading for layout, _ in found)
            unread &= ~matched
        if found and not timeless and not any(layout.heading for layout, _ in found):
            found += self._rest(unread)
        return found or self._throughout()

    def _apart(self, made: Layout, matched: pl.Series) -> tuple[Layout, pl.Series] | None:
        """The first of several layouts that read the lines of a made one.

        Known ones go before it where more lines have a level then, any others where its time may be anywhere.
        """
        if not made.name.startswith(_MADE):
            return None
        left, chosen = matched, []
        made_too = made.name.startswith(_ANYWHERE)
        known = [
            fit
            for fit in self._fits
            if not fit[0].vague and fit[0] != made and (made_too or not fit[0].name.startswith(_MADE))
        ]
        while known and left.any():
            layout, fits = max(known, key=lambda fit: int((fit[1] & left).sum()))
            if int((fits & left).sum()) < max(1, SECOND * self._voters):
                break
            chosen.append((layout, fits & left))
            left &= ~fits
        if len(chosen) < 2 or int(left.sum()) > (1 - _NEARLY_AS_GOOD) * int(matched.sum()):
            return None
        more = self._levels(chosen) - self._levels([(made, matched)])
        return chosen[0] if made_too or more > SECOND * int(matched.sum()) else None

    def _levels(self, read: list[tuple[Layout, pl.Series]]) -> int:
        """How many lines have a level."""
        return sum(
            int(groups(self._lines.filter(lines), layout)["level"].is_not_null().sum()) for layout, lines in read
        )

    def _rest(self, unread: pl.Series) -> list[tuple[Layout, float]]:
        """What reads the lines of a program without times that writes into the same log."""
        share = int(unread.sum()) / self._voters
        alone = share >= SECOND and stand_alone(self._lines, unread)
        return [(replace(PLAIN, kind="rest"), share)] if alone else []

    def _throughout(self) -> list[tuple[Layout, float]]:
        """A layout with times whose few lines come from beginning to end: the others are events of their own."""
        least, gap = _THROUGHOUT
        for layout, matched in sorted(self._fits, key=lambda fit: -int(fit[1].sum())):
            if layout.vague or layout.kind != "text" or not self._dates(layout, matched):
                continue
            places = matched.filter(self._votes).arg_true().to_list()
            longest = max(here - before for before, here in pairwise([0, *places, self._voters]))
            if len(places) >= least and longest <= gap * self._voters:
                share = len(places) / self._voters
                return [(layout, share), (PLAIN, 1 - share)]
        return []

    def _dates(self, layout: Layout, matched: pl.Series) -> bool:
        """Whether the lines that a layout parses have times."""
        if _ISO_GROUP not in layout.pattern:
            return False
        groups = self._lines.filter(matched).str.extract_groups(layout.pattern).struct.unnest()
        return _share(groups["time"].is_not_null()) >= _NEARLY_AS_GOOD

    def _best(self, unread: pl.Series, least: float, least_of_vague: float) -> tuple[Layout, pl.Series] | None:
        """The layout that parses the most of the lines `unread`, or an earlier listed one that parses nearly as many.

        A vague layout is used only if no other parses at least `least`; None if it does not parse enough either.
        """
        for vague, enough in ((False, least), (True, least_of_vague)):
            some = [(layout, matched & unread) for layout, matched in self._fits if layout.vague == vague]
            counts = [int(matched.sum()) for _, matched in some]
            most = max(counts, default=0)
            if most >= enough:
                return next(match for match, count in zip(some, counts, strict=True) if count >= _NEARLY_AS_GOOD * most)
        return None

    def _in_a_row(self) -> tuple[Layout, pl.Series] | None:
        share, dense, least = _ENOUGH_IN_A_ROW
        for layout, matched in sorted(self._fits, key=lambda fit: -int(fit[1].sum())):
            count, places = int(matched.sum()), matched.arg_true()
            if layout.vague or "(?P<time>" not in layout.pattern + layout.heading or count < least:
                continue
            if count >= share * self._voters and count >= dense * (int(places[-1]) - int(places[0]) + 1):
                return layout, matched
        return None


def _refused(layout: Layout, lines: pl.Series) -> bool:
    """Whether a layout swallows what it should give: its messages are all empty, or its host is a level."""
    if layout.kind != "text" or not layout.pattern.endswith("(?P<message>.*)$"):
        return False
    groups = lines.str.extract_groups(layout.pattern).struct.unnest()
    if layout.pattern.endswith(_A_WORD_AND_A_COLON) and _verbs(groups):
        return True
    if _share(~groups["message"].str.contains(r"\w")) >= _MOSTLY_EMPTY:
        return True
    if "host" not in groups.columns:
        return False
    hosts = groups["host"].drop_nulls()
    many = hosts.n_unique() > max(_LEAST_HOSTS, _FEW_HOSTS * hosts.len())
    return many or _share(hosts.str.contains(_NO_HOST)) > 0.5


def _verbs(groups: pl.DataFrame) -> bool:
    """Whether the components are verbs of the events: plain words, each with words that come with it only.

    What a logger of such a name says has nothing that is in all of its messages.
    """
    if _share(groups["component"].str.contains(r"^[a-z]+$")) < _MOSTLY_EMPTY:
        return False
    words = groups.with_columns(pl.col("message").str.split(" ").list.unique())
    said = words.group_by("component").agg(
        pl.len(),
        pl.col("message").n_unique().alias("messages"),
        pl.col("message").explode().unique_counts().max().alias("in_most"),
    )
    said = said.filter(pl.col("messages") > 1)
    return said.height > 1 and bool((said["in_most"] == said["len"]).all())


def _share(which: pl.Series) -> float:
    return float(which.mean() or 0.0)  # type: ignore[arg-type]
