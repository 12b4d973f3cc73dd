"""Anomalies of growing logs, while they grow."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from isang.artifact import Model, rules_of
from isang.detection.anomalies import Groups, records
from isang.detection.causes.symptoms import lead
from isang.detection.detectors.time.burst import remember
from isang.detection.detectors.timed_sessions import NOTHING_EARLIER, EarlierSessions
from isang.detection.feedback.coverage import NO_ANSWERS, Answers
from isang.detection.feedback.silencing import Surges, silenced_by, uncovered
from isang.detection.reproduction.kept import kept_sessions
from isang.detection.session_lines import with_lines
from isang.detection.threshold.decisions import Judged, judge, may_go_on
from isang.detection.whole.live.watch import LogWatch
from isang.logs.stream.follower import Follower
from isang.logs.stream.open_sessions import END, GOES_ON, MOST_KEYS
from isang.logs.stream.record import RecordSource
from isang.logs.stream.session_stream import EndedSessions
from isang.memory import give_back, hold_little
from isang.model.vocabulary import UNSEEN
from isang.progress import say

LEAST_IDLE_SECONDS = 1.0
IDLE_SECONDS = 60.0
"""A session ends after this silence, where neither the user nor the training data say otherwise."""
LOOK_SHARE = 0.2
"""No more than about this share of the time goes into looks, where a look shows all that is there..."""
LEAST_PAUSE_SECONDS, MOST_PAUSE_SECONDS = 0.2, 0.5
"""... with a pause in this range between two."""
ENDED_SECONDS = 1.0
"""Interval at which ended sessions are judged: they ended by a silence, so a second more does not matter. The cost of
judging is mostly the same for one session as for many."""
SAVE_SECONDS = 5.0
"""The state is written after every anomaly and at least this often."""
SAVING_SHARE = 0.1
"""No more than about this share of the time goes into writing the state."""
HALF_LIFE_LINES = 10_000
SHOWN_OF_A_GROUP = 3
"""Maximum number of anomalies per group that include the lines of their sessions, if requested."""
TRIM_SECONDS = 1.0
"""Memory that is free inside the process goes back to the system this often while lines come."""


class LookedAt(NamedTuple):
    """Sessions that have ended and were judged."""

    ended: EndedSessions
    judged: Judged
    records: list[dict[str, Any]]
    """Records of the anomalous sessions."""


class Following:
    """Judges the sessions of growing logs as they end.

    If the model's sessions have a key and no gap, a session ends after `idle_seconds` of silence; None: after a silence
    longer than those within 99.9 % of the training sessions. `with_sessions`: the first anomalies of each group include
    all lines of their sessions. `looked` receives everything that was judged. With `whole` the lines are watched as a
    whole too.
    """

    def __init__(
        self,
        model: Model,
        paths: Sequence[str],
        *,
        idle_seconds: float | None = None,
        state: Path | None = None,
        source: RecordSource | None = None,
        begin: Mapping[str, Any] | None = None,
        answers: Answers = NO_ANSWERS,
        with_sessions: bool = False,
        looked: Callable[[LookedAt], None] | None = None,
        whole: bool = False,
    ) -> None:
        hold_little()
        if not model.config.detection.rewordings:
            model = replace(model, vocabulary=replace(model.vocabulary, by_words=False))
        rules = rules_of(model)
        if (doubt := rules.of_other_readers()) is not None:
            say(f"warning: {doubt.en}")
        usual = model.facts.get("usual_silence_seconds")
        if idle_seconds is None:
            idle_seconds = IDLE_SECONDS if usual is None else max(LEAST_IDLE_SECONDS, float(usual))
        self._model, self._with_sessions, self._looked = model, with_sessions, looked
        self.answer(answers)
        self.follower = Follower(
            paths, rules, model.config.logs, idle_seconds=idle_seconds, known=model.vocabulary.templates, state=state,
            source=source, begin=begin,
        )  # fmt: skip
        self.rule = self.follower.described
        """When a session ends, as a sentence."""
        self._groups = Groups(self.follower.noted.get("groups"))
        self._told: dict[str, None] = dict.fromkeys(self.follower.noted.get("told", ()))
        same = self.follower.noted.get("model", model.facts["dataset"]) == model.facts["dataset"]
        self._earlier = _remembered(self.follower.noted.get("crowds") if same else None)  # tokens are the model's own
        self.watch = self._watching() if whole else None
        """What the lines show as a whole, if that is asked for."""
        self._keeps_open = state is not None
        self._saved_at, self._saving_seconds = time.monotonic(), 0.0
        self._trimmed_at = time.monotonic()
        self._ended_at = -ENDED_SECONDS  # when a look last judged sessions that have ended
        self._unsaved = False  # anomalies reported since the last save
        self.before: tuple[int, ...] = tuple(self.follower.noted.get("judged", (0, 0)))
        """Sessions and anomalies that were judged before the place that was saved."""
        self.sessions = 0
        """Sessions judged so far."""
        self.lately = (0.0, 0.0)
        """Judged lines that fit no template of the model, and all; the last HALF_LIFE_LINES weigh half."""
        self.silenced = 0
        """Number of anomalies that users marked as normal."""
        self.anomalies = 0

    def anomalies_until(self, stop: threading.Event) -> Iterator[dict[str, Any]]:
        """Yield each anomaly when its session has ended, until `stop` is set or nothing more can come.

        A session with a line that was never seen before is reported at once, before it ends.

        Sessions still open then are judged as they are, or saved if there is a state file. The state is written after a
        batch of anomalies, or after those of several polls if writing takes long: if the process is killed before, they
        are reported again.
        """
        self.save()  # where reading begins: a restart finds it however often the logs are rotated until then
        while not (stop.is_set() or self.ended):
            began = time.monotonic()
            came, found = self.poll(ended=self.ended_are_due(began))
            yield from found
            self.save_in_time(bool(found))
            if not (self.ended or self.follower.behind):
                stop.wait(pause_after(time.monotonic() - began, came=came))
        if self.ended or not self._keeps_open:
            yield from self.finish()
        self.save()
        self.close()

    def save_in_time(self, anew: bool) -> None:
        """Save if it is time; `anew`: whether anomalies found since have just been reported."""
        self._unsaved |= anew
        since = time.monotonic() - self._saved_at
        if (self._unsaved or since > SAVE_SECONDS) and since > self._saving_seconds / SAVING_SHARE:
            self.save()

    def close(self) -> None:
        """Let another process use the state file."""
        self.follower.close()

    def answer(self, answers: Answers) -> None:
        """From now on these answers hold."""
        self._answers, self._surges = answers, Surges(answers)

    @property
    def ended(self) -> bool:
        """Nothing more can come."""
        return self.follower.ended

    @property
    def ended_early(self) -> int:
        """Sessions that were ended because too many were open."""
        return self.follower.stream.open.ended_early

    def poll(self, *, ended: bool = True) -> tuple[bool, list[dict[str, Any]]]:
        """Read what came: (whether anything did, the anomalies among the sessions that have ended or go on).

        Without `ended` the sessions that have ended wait for a later call.
        """
        came, ended_now = self.follower.poll(ended=ended)
        if self.watch is not None:
            for lines in self.follower.lines:
                self.watch.add(lines, time.time_ns() // 1000)
            for outside in self.follower.outside:
                self.watch.new_lines.add(outside, self.follower.now_us())
        found = self._judged(ended_now) + self._alarming()
        if came and time.monotonic() - self._trimmed_at > TRIM_SECONDS:
            self._trimmed_at = time.monotonic()
            give_back()
        return came, found

    def ended_are_due(self, now: float) -> bool:
        """Whether a look that begins `now` is to judge the sessions that have ended; it is taken to do so."""
        if now - self._ended_at < ENDED_SECONDS and not (self.follower.behind or self.ended):
            return False
        self._ended_at = now
        return True

    def _watching(self) -> LogWatch:
        watch = LogWatch(self._model)
        if (kept := self.follower.noted.get("whole")) is not None:
            watch.restore(kept)
        return watch

    def _alarming(self) -> list[dict[str, Any]]:
        """Open sessions that are anomalous whatever follows, due to a new line. Each is reported once."""
        so_far = self.follower.alarming()
        if so_far is None:
            return []
        found = []
        judged = self._judge(so_far)
        for record in records(self._model, so_far, judged):
            reasons = [reason for reason in record["reasons"] if reason["detector"] == "unseen_event"]
            if reasons and record["session_id"] not in self._told:
                self._told[record["session_id"]] = None
                found.append(self._told_of(record | {"reasons": reasons, "ended": GOES_ON}))
        while len(self._told) > MOST_KEYS:
            del self._told[next(iter(self._told))]
        return self._shown(found, so_far, judged)

    def _told_of(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record with its group, and with the incident that it would form alone.

        What users marked as normal is `silenced_by` their answer, unless it comes far more often than then.
        """
        joined = self._groups.join(record | {"incident": lead(record).fingerprint})
        answer = silenced_by(joined, self._answers)
        if answer is None:
            left = uncovered(joined, self._answers)
            return left | {"incident": lead(left).fingerprint}
        if self._surges.is_one(joined, answer):
            return joined
        self.silenced += 1
        return joined | {"silenced_by": answer}

    def finish(self) -> list[dict[str, Any]]:
        """End all sessions: the anomalies among them."""
        return self._judged(self.follower.finish())

    def save(self) -> None:
        """Write the state, where there is a file for it."""
        begun = time.monotonic()
        crowds = {"tokens": self._earlier.token_P.tolist(), "ends_ms": self._earlier.end_ms_P.tolist()}
        judged = [self.before[0] + self.sessions, self.before[1] + self.anomalies]
        self.follower.noted |= {
            "model": self._model.facts["dataset"], "groups": self._groups.sizes, "told": list(self._told),
            "crowds": crowds, "judged": judged,
        }  # fmt: skip
        if self.watch is not None:
            self.follower.noted["whole"] = self.watch.to_dict()
        self.follower.save()
        self._saved_at, self._unsaved = time.monotonic(), False
        self._saving_seconds = self._saved_at - begun

    def _judged(self, ended: EndedSessions | None) -> list[dict[str, Any]]:
        if ended is None:
            return []
        judged = self._judge(ended)
        self._earlier = remember(judged.timed)
        endings = dict(zip(ended.dataset.sessions["session_id"], ended.endings, strict=True))
        found = [
            self._told_of(record | {"ended": endings[record["session_id"]]})
            for record in records(self._model, ended, judged)
        ]
        self.sessions += len(judged.rows)
        lines = len(judged.sessions.flat) - 2 * len(judged.sessions)
        unseen = int((judged.sessions.flat == UNSEEN).sum())
        kept = 0.5 ** (lines / HALF_LIFE_LINES)
        self.lately = (self.lately[0] * kept + unseen, self.lately[1] * kept + lines)
        self.anomalies += len(found)
        if self._looked is not None:
            self._looked(LookedAt(ended, judged, found))
        return self._shown(found, ended, judged)

    def _shown(self, found: list[dict[str, Any]], sessions: EndedSessions, judged: Judged) -> list[dict[str, Any]]:
        """The anomalies, the first of each group with the lines of their sessions if requested.

        All of them get `kept`, what is needed to judge them again.
        """
        if not self._with_sessions:
            return found
        kept = kept_sessions(self._model, sessions, judged, found)
        found = [*(one | {"kept": of_it} for one, of_it in zip(found, kept, strict=False)), *found[len(kept) :]]
        first = [one for one in found if one["group_size"] <= SHOWN_OF_A_GROUP and "silenced_by" not in one]
        shown = iter(with_lines(first, sessions, self._model))
        ids = {one["session_id"] for one in first}
        return [next(shown) if one["session_id"] in ids else one for one in found]

    def _judge(self, sessions: EndedSessions) -> Judged:
        """What was open when the logs ended may go on as long as `isang detect` would say so."""
        rows = np.arange(len(sessions.endings), dtype=np.int64)
        at_end = np.array([ending == END for ending in sessions.endings])
        open_now = np.array([ending == GOES_ON for ending in sessions.endings])
        unfinished_S = open_now | (at_end & may_go_on(self._model, sessions.dataset, rows))
        return judge(self._model, sessions.dataset, unfinished_S=unfinished_S, earlier=self._earlier)


def pause_after(seconds: float, *, came: bool = True) -> float:
    """The pause after a poll that took `seconds`: after an expensive one, the next poll handles more lines at once.

    If nothing `came`, polling is the only cost, so the pause is the longest.
    """
    if not came:
        return MOST_PAUSE_SECONDS
    return min(MOST_PAUSE_SECONDS, max(LEAST_PAUSE_SECONDS, seconds * (1 / LOOK_SHARE - 1)))


def _remembered(crowds: dict[str, list[float]] | None) -> EarlierSessions:
    """The sessions before a restart, as `save` wrote them."""
    if crowds is None:
        return NOTHING_EARLIER
    return EarlierSessions(np.array(crowds["tokens"], dtype=np.int64), np.array(crowds["ends_ms"], dtype=np.float64))
