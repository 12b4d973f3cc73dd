"""New kinds of lines outside of sessions while they come: told at once, as one incident until they stay away."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import polars as pl

from isang.artifact import Model, rules_of
from isang.detection.causes.grouping import LEAST_SILENCE_SECONDS, RHYTHM
from isang.detection.causes.quiet import quiet_once
from isang.detection.incidents import Incident
from isang.detection.threshold.stretches import UNUSUAL
from isang.detection.whole.entries import SHOWN_CHARACTERS
from isang.detection.whole.live.names import KindOfLine
from isang.detection.whole.over_time.known_lines import novelty
from isang.detection.whole.over_time.outside import NewLine, stretch_seconds
from isang.detection.whole.over_time.told_new import incident_of_new
from isang.logs.parsing.timeline import NO_TIME
from isang.logs.templates.miner import TemplateMiner
from isang.model.wording import words

MOST_KINDS = 200
"""Maximum number of kinds of lines in an incident; further ones count as one kind."""


class NewLinesNow(NamedTuple):
    """New kinds of lines of one time, as far as they are known."""

    incident: Incident
    over: bool
    templates: tuple[str, ...]
    """Their texts."""


@dataclass
class _OpenGroup:
    """New kinds of lines that come together; those that report a failure apart from the others."""

    loud: bool
    kinds: dict[int, NewLine] = field(default_factory=dict)
    """By the id that the miner gives."""
    firsts: list[tuple[str, str]] = field(default_factory=list)
    """The log and the text of the first line of each, in the same order."""
    last: float = 0.0
    longest_gap: float = 0.0
    """Between two looks with lines, in seconds."""

    def is_over(self, now: float) -> bool:
        silence = max(LEAST_SILENCE_SECONDS, RHYTHM * self.longest_gap)
        return now - self.last > silence


class LiveNewLines:
    """Watches the lines of no session for kinds that the training period has neither in nor outside of its sessions.

    A kind counts as in finished logs, see `new_outside`; of kinds that report no failure, few lines at one time are no
    incident, see `quiet_once`.
    """

    def __init__(self, model: Model, kinds: KindOfLine) -> None:
        self._model, self._kind_of = model, kinds
        self._rules = rules_of(model)
        self._known = None if model.lines is None else frozenset(model.lines["series"])
        self._known_inside = frozenset(model.vocabulary.templates)
        period = 0.0 if model.lines is None else float(model.lines["first"][0])
        self._stretch_seconds = stretch_seconds(model, period)
        self._groups: list[tuple[_OpenGroup, TemplateMiner]] = []

    @property
    def watches(self) -> bool:
        """Whether the training period tells which lines are new: it has times, and sessions that leave lines out."""
        return self._known is not None and self._rules.session.pattern is not None

    def add(self, outside: pl.DataFrame, now_us: int) -> None:
        """Take in records (OUTSIDE_SCHEMA) of no session; those without a time are of `now_us`."""
        if self._known is None or outside.is_empty():
            return
        time = pl.when(pl.col("time") == NO_TIME).then(now_us).otherwise(pl.col("time")) / 1e6
        found = outside.with_columns(time=time).group_by("source", "level", "message", maintain_order=True).agg(
            pl.len(), pl.col("time").min().alias("first"), pl.col("time").max().alias("last"),
            pl.col("line", "text").first(),
        )  # fmt: skip
        new = []
        for source, level, message, lines, first, last, line, text in found.iter_rows():
            name, loudness = self._kind_of.of(message, level)
            if name not in self._known and name not in self._known_inside:
                one = NewLine(-1, name, level, loudness, lines, first, last, 0, line, 1.0)
                new.append((one, source, text[:SHOWN_CHARACTERS]))
        for one, source, text in sorted(new, key=lambda each: (-each[0].loudness, not words(each[0].template))):
            self._join(one, source, text)

    def found(self, now_us: int) -> list[NewLinesNow]:
        """What is told at `now_us`, a time in the logs; call `forget_ended` when it is safe."""
        found = []
        for group, _ in self._groups:
            own = list(group.kinds.values())
            p_value = novelty(self._model.lines, self._stretch_seconds, loud=group.loud, kinds=len(own))  # type: ignore[arg-type]
            if p_value <= UNUSUAL:
                incident = incident_of_new(self._model, [replace(one, p_value=p_value) for one in own], group.firsts)
                if not quiet_once(incident):
                    over = group.is_over(now_us / 1e6)
                    found.append(NewLinesNow(incident, over, tuple(one.template for one in own)))
        return found

    def set_back(self) -> None:
        """The clock of the log goes on from an earlier time."""
        self._groups.clear()

    def forget_ended(self, now_us: int) -> None:
        """Forget the kinds that have stayed away for long."""
        self._groups = [(group, miner) for group, miner in self._groups if not group.is_over(now_us / 1e6)]

    def _join(self, one: NewLine, source: str, text: str) -> None:
        assert one.first is not None
        assert one.last is not None
        near = (each for each in self._groups if each[0].loud == (one.loudness > 0) and not each[0].is_over(one.first))
        group, miner = next(near, (None, None))
        if group is None or miner is None:
            group, miner = _OpenGroup(one.loudness > 0, last=one.last), self._miner()
            self._groups.append((group, miner))
        (number,) = miner.learn([one.template])
        known = group.kinds.get(number)
        if known is None:
            group.kinds[number] = one
            group.firsts.append((source, text))
        else:
            group.kinds[number] = replace(
                known, lines=known.lines + one.lines, loudness=max(known.loudness, one.loudness),
                first=min(known.first or one.first, one.first), last=max(known.last or one.last, one.last),
            )  # fmt: skip
        group.longest_gap = max(group.longest_gap, one.first - group.last)
        group.last = max(group.last, one.last)

    def _miner(self) -> TemplateMiner:
        rules = self._rules
        return TemplateMiner(similarity=rules.similarity, depth=rules.tree_depth, max_templates=MOST_KINDS)

    def to_dict(self) -> list[dict[str, Any]]:
        """What `restore` needs; plain JSON values."""
        return [
            {"loud": group.loud, "kinds": [asdict(one) for one in group.kinds.values()], "firsts": group.firsts,
             "last": group.last, "longest_gap": group.longest_gap}
            for group, _ in self._groups
        ]  # fmt: skip

    def restore(self, kept: list[Mapping[str, Any]]) -> None:
        """Go on from where `to_dict` was."""
        self._groups = []
        for entry in kept:
            miner, kinds = self._miner(), [NewLine(**one) for one in entry["kinds"]]
            firsts = [(source, text) for source, text in entry["firsts"]]
            group = _OpenGroup(entry["loud"], {}, [], entry["last"], entry["longest_gap"])
            for one, first in zip(kinds, firsts, strict=True):
                (number,) = miner.learn([one.template])
                if number not in group.kinds:
                    group.kinds[number] = one
                    group.firsts.append(first)
            self._groups.append((group, miner))
