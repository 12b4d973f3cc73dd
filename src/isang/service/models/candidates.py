"""Candidates: trained on kept sessions, held back during an outage, tested by the gates, and run in shadow mode."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from isang.artifact import Model, load_model, model_folder, rules_of
from isang.config import to_dict
from isang.detection.evaluation.metrics import share, wilson
from isang.detection.feedback.ledger import append
from isang.detection.live import LookedAt
from isang.detection.threshold.decisions import judge
from isang.errors import InputError, IsangError
from isang.files import to_json, write_text
from isang.json_files import anything, mapping, read_json
from isang.languages import Both
from isang.logs.store import Dataset, write_dataset
from isang.progress import say
from isang.service.feedback import Feedback, Refused
from isang.service.models.kept import KeptSessions, merged
from isang.service.models.material import material, unsuspected
from isang.service.models.training import ANSWERS, DATA, HELD_OUT, OUTCOME, SPEC
from isang.service.models.versions import Versions
from isang.service.settings import ServiceSettings
from isang.service.storage.database import Database

HELD_OUT_SHARE = 0.2
"""Share of the kept sessions, the latest, held out for the gates."""
LEAST_SESSIONS, LEAST_HELD_OUT = 500, 100
NICENESS = 10
GRAVE = ("high", "critical")
"""While an incident of this severity fires, no candidate is trained unless forced."""
SHADOW_SESSIONS = 2_000
"""Minimum number of sessions judged in shadow mode before automatic promotion."""
SHOWN = 50
NOTE_EVERY = 100


class Candidates:
    """At most one candidate is in training or in shadow mode at a time."""

    def __init__(
        self, settings: ServiceSettings, database: Database, versions: Versions, feedback: Feedback,
        promote: Callable[[str, str], Any],
    ) -> None:  # fmt: skip
        lifecycle = settings.lifecycle
        self._settings, self._database, self._versions, self._feedback = settings, database, versions, feedback
        self._promote = promote
        self.kept = KeptSessions(
            settings.home / "sessions", most_bytes=lifecycle.keep_mib << 20, most_days=lifecycle.keep_days
        )
        self._shadow: Shadow | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._watching: threading.Thread | None = None

    def looked(self, looked: LookedAt) -> None:
        """Store judged sessions, and have the shadow judge them too; runs in the judging thread."""
        self.kept.add(looked.ended.dataset, looked.records)
        shadow = self._in_shadow()
        if shadow is not None:
            shadow.look(looked)
            if shadow.sessions >= shadow.noted + NOTE_EVERY:
                shadow.noted = shadow.sessions
                self._versions.note(shadow.name, shadow=shadow.to_dict())
                if self._settings.lifecycle.promote == "auto" and shadow.may_be_promoted():
                    self._promote(shadow.name, "the gates and the shadow")

    def outage(self) -> Both | None:
        """Why this is not a time to learn: a severe firing incident that no answer calls normal."""
        firing = self._database.incidents(state="firing", silenced=False, limit=20)
        grave = [incident for incident in firing if incident["severity"] in GRAVE]
        if not grave:
            return None
        number, first = len(grave), grave[0]
        return Both(
            f"{number} grave {'incident fires' if number == 1 else 'incidents fire'}: {first['title']}",
            f"심각한 인시던트 {number}건이 진행 중입니다: {first.get('title_ko') or first['title']}",
        )

    def train(self, present: Path, reason: Both, *, force: bool) -> dict[str, Any]:
        """Start to train a candidate beside the `present` model. Raises Refused."""
        why = None if force else self.outage()
        if why is not None:
            raise Refused(
                409, f'an outage is not learned from: {why.en}; wait until it is over, or send {{"force": true}}'
            )
        if self._versions.in_state("training"):
            raise Refused(409, "a candidate is in training already; wait for it")
        self.kept.flush()
        model = load_model(present)
        name = self._versions.next_id(self._settings.home / "models")
        folder = self._settings.home / "models" / name
        try:
            facts = self._prepare(folder, model, present)
        except InputError as error:
            raise Refused(409, str(error)) from error
        facts |= {"model": present.as_posix(), "reason_ko": reason.ko}
        version = self._versions.begin(name, folder, reason.en, **facts)
        self._watching = threading.Thread(target=self._watch, args=(name, folder), daemon=True)
        self._watching.start()
        return version

    def close(self) -> None:
        """Stop a running training, and save pending sessions."""
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
        if self._watching is not None:
            self._watching.join()
        self.kept.flush()

    def _prepare(self, folder: Path, model: Model, present: Path) -> dict[str, Any]:
        """Write the candidate's training data. Raises InputError if too little was kept."""
        answers, half_life = self._feedback.answers.answers, self._settings.lifecycle.half_life_days
        rules, parts = rules_of(model), self.kept.read()
        if not parts:
            raise InputError("no sessions have been kept yet; wait until some have been judged")
        recent = merged(parts, rules)
        normal = unsuspected(recent, answers)
        held_out = int(HELD_OUT_SHARE * len(normal.sessions))
        later = Dataset(normal.sessions.tail(held_out), normal.templates, {"schema": 1, "rules": rules.to_dict()})
        first = later.sessions["start"].min() if held_out else None
        before = [_before(part, first) for part in parts]
        learned = material(_data_of(present, int(model.facts["period_sessions"])), before, rules, answers, half_life)
        if len(learned.sessions) < LEAST_SESSIONS or held_out < LEAST_HELD_OUT:
            raise InputError(
                f"{len(learned.sessions):,} normal sessions to learn from and {held_out:,} to examine with are too "
                f"few: {LEAST_SESSIONS:,} and {LEAST_HELD_OUT:,} are needed; wait until more have been judged"
            )
        folder.mkdir(parents=True)
        write_dataset(learned, folder / DATA)
        write_dataset(later, folder / HELD_OUT)
        append(folder / ANSWERS, answers)
        training = replace(model.config.training, train_fraction=1.0)
        config = to_dict(replace(model.config, training=training))
        write_text(folder / SPEC, to_json({"schema": 1, "present": str(present), "config": config}))
        return {"sessions": len(learned.sessions), "held_out": held_out, "half_life_days": half_life}

    def _watch(self, name: str, folder: Path) -> None:
        """Train in a separate process, and record the result."""
        command = [sys.executable, "-m", "isang.service.models.training", str(folder)]
        with (folder / "training.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=lambda: os.nice(NICENESS)
            )
            code = self._process.wait()
        try:
            if code != 0:
                self._versions.move(
                    name, "failed", refused=[f"training ended with code {code}; see {log.name}"],
                    refused_ko=[f"학습이 코드 {code}로 끝났습니다. {log.name} 파일을 보세요"],
                )  # fmt: skip
                return
            outcome = read_json(folder / OUTCOME, mapping(anything), "train again")
            failed = [gate for gate in outcome["gates"] if not gate["passed"]]
            refused = {end: [gate[f"says{end}"] for gate in failed] for end in ("", "_ko")}
            state = "refused" if failed else "shadow"
            self._versions.move(
                name, state, gates=outcome["gates"], changes=outcome["changes"], refused=refused[""],
                refused_ko=refused["_ko"],
            )  # fmt: skip
            say(f"the candidate {name} is {state}" + "".join(f"; {why}" for why in refused[""]))
        except IsangError as error:
            self._versions.move(name, "failed", refused=[str(error)])

    def _in_shadow(self) -> "Shadow | None":
        version = self._versions.in_state("shadow")
        if version is None:
            self._shadow = None
        elif self._shadow is None or self._shadow.name != version["id"]:
            self._shadow = Shadow(version["id"], load_model(model_folder(Path(version["folder"]))))
        return self._shadow


class Shadow:
    """A candidate in shadow mode: it judges what the current model judges, without notifying anyone."""

    def __init__(self, name: str, model: Model) -> None:
        self.name, self._model = name, model
        self.sessions = self.noted = self._own = self._present = 0
        self._only: dict[str, list[dict[str, Any]]] = {"present": [], "candidate": []}
        self._alone = {"present": 0, "candidate": 0}

    def look(self, looked: LookedAt) -> None:
        """Judge the sessions that the current model has judged."""
        dataset = looked.ended.dataset
        own = judge(self._model, dataset, unfinished_S=np.asarray(looked.judged.unfinished_S))
        incidents = {one["session_id"]: one["incident"] for one in looked.records}
        names = dataset.sessions["session_id"]
        for row, ours, theirs in zip(looked.judged.rows, own.decisions, looked.judged.decisions, strict=True):
            self._own += ours.anomalous
            self._present += theirs.anomalous
            if ours.anomalous != theirs.anomalous:
                of = "candidate" if ours.anomalous else "present"
                self._alone[of] += 1
                whose, name = self._only[of], names[int(row)]
                whose.append({"session_id": name, "score": ours.score, "fingerprint": incidents.get(name)})
                del whose[:-SHOWN]
        self.sessions += len(own.decisions)

    def may_be_promoted(self) -> bool:
        """Whether it has judged enough sessions, and its alert rate is within the budget."""
        low, _ = wilson(self._own, self.sessions)
        asked = self._model.config.detection.alerts_per_thousand / 1000
        return self.sessions >= SHADOW_SESSIONS and low is not None and low <= asked

    def to_dict(self) -> dict[str, Any]:
        """The result of a version's shadow mode."""
        return {
            "sessions": self.sessions,
            "alerts_per_thousand": share(self._own, self.sessions, 1000.0),
            "present_alerts_per_thousand": share(self._present, self.sessions, 1000.0),
            "only_candidate_sessions": self._alone["candidate"],
            "only_present_sessions": self._alone["present"],
            "only_candidate": list(self._only["candidate"]),
            "only_present": list(self._only["present"]),
        }


def _before(part: Dataset, first: Any) -> Dataset:
    """The sessions of a part that began before a given time."""
    starts = part.sessions["start"]
    return Dataset(
        part.sessions.filter(starts.is_null() | (starts < first)) if first else part.sessions, part.templates, {}
    )


def _data_of(present: Path, period: int) -> tuple[Path, int] | None:
    """The dataset that the current model learned from, if it is stored beside it, and the size of its period."""
    near: Sequence[Path] = [folder / DATA for folder in list(present.resolve().parents)[:2]]
    return next(((folder, period) for folder in near if (folder / "sessions.parquet").is_file()), None)
