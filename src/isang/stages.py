"""The stages of the main job, one function each: folders in, folders out. This is the library's public face too."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from isang.config import Config, to_dict
from isang.errors import UsageError
from isang.files import folder_being_written, partial_folder, refuse_existing, to_json, write_text
from isang.progress import say
from isang.resumable import growing, note_command
from isang.training.processes.launch import is_launched

if TYPE_CHECKING:
    from isang.artifact import Model
    from isang.detection.comparison.compare import Comparison
    from isang.detection.feedback.answers import Answer, Entry, Verdict
    from isang.detection.feedback.desk import Given
    from isang.detection.incidents import Incident
    from isang.detection.live import Following
    from isang.detection.threshold.stretches import Stretch
    from isang.logs.prepare import Preparation
    from isang.logs.store import Dataset

SCHEMA = 1
WHOLE_REASONS = 5
"""Titles of incidents that say why logs as a whole are unlike normal ones."""


@dataclass(frozen=True)
class Trained:
    """A finished training run."""

    folder: Path
    steps: int
    best_epoch: int
    best_validation_loss: float | None
    """None where no encoder was trained; then there are no steps, no log and no report either."""


@dataclass(frozen=True)
class Detected:
    """What was found in logs."""

    sessions: int
    anomalies: list[dict[str, Any]]
    """One record per anomalous session, as `isang detect --json` prints them, the strangest first."""
    incidents: list["Incident"] = field(default_factory=list)
    """The anomalies by their causes, the most severe first."""
    dataset: "Dataset | None" = None
    """The sessions of the logs, for the page."""
    name: str = "logs"
    """What was read, in a few words."""
    silenced: list["Incident"] = field(default_factory=list)
    """Incidents that people told to be normal."""
    asked_per_thousand: float | None = None
    """The alert budget; None where no model judged."""
    never_seen: list[dict[str, Any]] = field(default_factory=list)
    """Templates that no training session has, the loudest first, with their first line and their number."""
    smaller: list["Incident"] = field(default_factory=list)
    """Further ones, such as normal stretches of the training period have too."""
    whole: "Stretch | None" = None
    """The logs as a whole beside held-out stretches of the training period."""
    coverage: dict[str, Any] = field(default_factory=dict)
    """`lines`, `known_lines` and `share_known`: how much of the logs is like the training period; `verdict`:
    `cannot_tell` where the logs are of another program, else `judged`."""

    def write(
        self,
        folder: Path,
        *,
        evaluation: Mapping[str, Any] | None = None,
        report: str | None = None,
        data: Path | None = None,
    ) -> None:
        """Write `incidents.json`, `anomalies.jsonl` and the page that shows them, `index.html`.

        The page shows the `evaluation` and the values in slots that the dataset folder `data` has too, and leads to the
        training's `report`, an address beside it.
        """
        from isang.detection.incidents import document
        from isang.pages.contents import contents_of, slots_in
        from isang.pages.page import index_html
        from isang.runs.report.report import default_language

        told = self.false_alarms()
        beside: dict[str, Any] = {"never_seen": self.never_seen, "coverage": self.coverage}
        beside |= {"silenced": [incident.to_dict() for incident in self.silenced]}
        if self.whole is not None:
            reasons = [incident.title for incident in self.incidents[:WHOLE_REASONS]]
            beside["whole"] = self.whole.to_dict() | {"reasons": reasons}
            beside["smaller"] = [incident.to_dict() for incident in self.smaller]
        found = document(self.incidents, **beside, **({} if told is None else {"false_alarms": told}))
        write_text(folder / "incidents.json", to_json(found))
        lines = (to_json(record, indent=None) for record in self.anomalies)
        write_text(folder / "anomalies.jsonl", "".join(lines))
        if self.dataset is None:
            return
        links = {"incidents": "incidents.json", **({} if report is None else {"report": report})}
        contents = contents_of(
            self.name, self.dataset, sessions=self.sessions, anomalies=self.anomalies, incidents=found["incidents"],
            never_seen=self.never_seen, coverage=self.coverage, slots=None if data is None else slots_in(data),
            evaluation=evaluation, links=links,
        )  # fmt: skip
        write_text(folder / "index.html", index_html(contents, default_language()))

    def false_alarms(self) -> dict[str, Any] | None:
        """What people's answers measure, beside the budget; None where no model judged."""
        from isang.detection.feedback.measured import false_alarms

        if self.asked_per_thousand is None:
            return None
        incidents = [incident.to_dict() for incident in (*self.incidents, *self.silenced)]
        return false_alarms(incidents, self.sessions, self.asked_per_thousand)


@dataclass(frozen=True)
class Finished:
    """All that `run` made."""

    folder: Path
    dataset: "Dataset"
    evaluation: Mapping[str, Any]
    """Empty where the log was too small to learn from."""
    detected: Detected
    halves: "Comparison | None" = None
    """The log's second half beside its first, in place of a model, where it was too small to learn from."""
    judged_training: bool = True
    """False where no encoder was trained, so that there is no report on its training."""


def prepare(
    logs: Sequence[str | Path],
    out: Path,
    *,
    config: Config | None = None,
    labels: Path | None = None,
    engine: str | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Raw logs → a dataset folder; returns what its `meta.json` holds.

    `engine` spreads the work: `ray`, `ray=WORKERS` on this machine or `ray=HOST:PORT`; the dataset is the same.
    """
    from isang.logs.prepare import prepare_folder

    config, paths = config or Config(), [str(path) for path in logs]
    if engine is None:
        return prepare_folder(paths, out, config.logs, labels=labels, overwrite=overwrite)
    from isang.distributed.engine import started
    from isang.distributed.prepare import prepare as prepare_on

    refuse_existing(out, overwrite=overwrite)  # before workers are started
    with started(engine) as ray:
        return prepare_on(ray, paths, out, config.logs, labels=labels, overwrite=overwrite)


@contextmanager
def _scored(loaded: "Model", model: Path, engine: str | None, onnx: Path | None = None) -> "Iterator[_Spread]":
    """The model, whose encoder answers in the workers of the `engine`, and how these prepare logs."""
    if engine is None:
        yield _Spread(loaded)
        return
    from isang.distributed.engine import started
    from isang.distributed.prepare import preparation_on
    from isang.distributed.scoring import scored_on

    with started(engine) as ray:
        scored = loaded if loaded.encoder is None else scored_on(ray, loaded, model, onnx)
        yield _Spread(scored, preparation_on(ray))


class _Spread(NamedTuple):
    """A model, and how logs are prepared for it; None: by this process."""

    model: "Model"
    preparation: "Callable[..., Preparation] | None" = None


def train(
    data: Path,
    out: Path,
    *,
    config: Config | None = None,
    resume: bool = False,
    overwrite: bool = False,
    with_report: bool = True,
    answers: "Sequence[Entry] | None" = None,
) -> Trained:
    """A dataset folder → a run folder with the model, the run's log and (`with_report`) the report on it.

    `answers` of people are labels of the sessions that they name, and stand beside the model then; None: those beside
    the model that this one replaces.

    The run grows in `OUT.partial` and takes its place when it is complete; `resume` takes up an unfinished one.
    Where a launcher started several processes, all of them call this, and the first one alone writes.
    """
    from isang.artifact import save_model
    from isang.detection.assembly import make_detector
    from isang.detection.feedback.answers import in_effect
    from isang.detection.feedback.ledger import append, entries_beside, ledger_of
    from isang.detection.feedback.measured import with_labels
    from isang.logs.store import open_dataset
    from isang.model.batches import learn_sessions
    from isang.training.data import to_data
    from isang.training.journal.suspicious_normal import look_for_failures
    from isang.training.journal.trackers import tracked
    from isang.training.loop import train as train_model
    from isang.training.processes.processes import joined
    from isang.training.split import split_by_time

    config = config or Config()
    if not config.model.encoder and (config.training.processes > 1 or is_launched()):
        raise UsageError("without an encoder there is nothing that several processes could train; start one")
    if config.training.processes > 1 and not is_launched():
        say("training in one process; `isang train --processes N` on the command line starts several")
    refuse_existing(out, overwrite=overwrite)  # before a large dataset is read
    entries = entries_beside(out / "model") if answers is None else list(answers)
    dataset = with_labels(open_dataset(data), in_effect(entries))
    split = split_by_time(dataset, config.training)
    rows = np.concatenate([split.train, split.validation])
    with (
        joined() as processes,
        growing(out, resume=resume, overwrite=overwrite) if processes.first else _grown_elsewhere(out) as building,
    ):
        processes.wait()  # until the first one has made the folder
        vocabulary, known = learn_sessions(dataset, rows, len(split.train), beside=building)
        encoder, trained = None, Trained(out, 0, 0, None)
        if config.model.encoder:
            labels, ids = (dataset.sessions[name].gather(rows) for name in ("label", "session_id"))
            normal = look_for_failures(known, vocabulary, labels.is_null().to_numpy(), ids)
            material = to_data(*known.halves(len(split.train)), vocabulary, config.model.positions, normal)
            tool = config.training.track if processes.first else None
            with tracked(tool, building / "tracking", asdict(config.training)) as listener:
                encoder, progress = train_model(
                    material, config.model, config.training, building, resume=resume, processes=processes,
                    listener=listener,
                )  # fmt: skip
            trained = Trained(out, progress.step, progress.best_epoch, progress.best_validation_loss)
        if not processes.first:
            return trained
        facts = {
            "dataset": fingerprint(data), "steps": trained.steps, "best_epoch": trained.best_epoch,
            "validation_loss": trained.best_validation_loss,
        }  # fmt: skip
        model = make_detector(encoder, dataset, split, vocabulary, known, config, facts)
        save_model(model, building / "model", overwrite=True)
        append(ledger_of(building / "model"), entries)
        if with_report and encoder is not None:
            report([building], building / "report", overwrite=True)
    return trained


def find_rate(data: Path, out: Path, *, config: Config | None = None, overwrite: bool = False) -> Any:
    """A dataset folder → which learning rates a new model bears, as `OUT/learning_rates.json` and as a RateTest."""
    from isang.logs.store import open_dataset
    from isang.model.batches import learn_sessions
    from isang.training.data import to_data
    from isang.training.lr_range_test import find_rate as try_rates
    from isang.training.processes.processes import joined
    from isang.training.split import split_by_time

    config = config or Config()
    refuse_existing(out, overwrite=overwrite)
    dataset = open_dataset(data)
    split = split_by_time(dataset, config.training)
    vocabulary, training = learn_sessions(dataset, split.train, len(split.train))
    with joined() as processes:
        material = to_data(training, training, vocabulary, config.model.positions)
        test = try_rates(material, config.model, config.training, processes)
    if processes.first:
        with folder_being_written(out, overwrite=overwrite) as building:
            record = {"schema": SCHEMA, "suggestion": test.suggestion, **asdict(test), "config": to_dict(config)}
            write_text(building / "learning_rates.json", to_json(record))
    return test


def report(
    logs: Sequence[Path],
    out: Path | None = None,
    *,
    language: Literal["en", "ko"] | None = None,
    loss: str | None = None,
    validation: str | None = None,
    rate: str | None = None,
    metric: str | None = None,
    step: str | None = None,
    evaluation: Path | None = None,
    overwrite: bool = False,
    follow: bool = False,
    on_problem: str | None = None,
    until_problem: bool = False,
) -> list[Any]:
    """Training logs of any tool, or run folders → statistics and findings; with `out`, also the pages and pictures.

    `loss`, `validation`, `rate`, `metric` (NAME, NAME:max or NAME:min) and `step` name series by the log's own names.
    The log `-` is standard input. `follow` writes them anew whenever a log grows, until the runs are done; `on_problem`
    is a command or a webhook for each problem that arises, and `until_problem` ends with the first one.
    """
    from isang.runs.read.choice import Asked
    from isang.runs.report import report as pages
    from isang.runs.report.alarms import Alarms
    from isang.runs.report.live import follow as keep_fresh

    asked = Asked(loss=loss, validation=validation, rate=rate, metric=metric, step=step)

    if out is not None:
        refuse_existing(out, overwrite=overwrite)
    if follow:
        if Path("-") in logs:
            raise UsageError("--follow looks at a log again and again, which standard input cannot be; name a file")
        if out is None and on_problem is None and not until_problem:
            raise UsageError(
                "--follow keeps a page fresh and needs a place for it; set --out DIR, or --on-problem or --fail-on"
            )
        chosen = language or pages.default_language()
        alarms = Alarms(on_problem, language=chosen)
        return list(
            keep_fresh(
                logs,
                out,
                alarms=alarms,
                until_problem=until_problem,
                language=chosen,
                asked=asked,
                evaluation=evaluation,
            )
        )
    if on_problem is not None:
        raise UsageError("--on-problem belongs to --follow")
    reports = [made for log in logs for made in pages.make_report(log, asked=asked, evaluation=evaluation)]
    if out is not None:
        pages.write_report(reports, out, language=language or pages.default_language(), overwrite=overwrite)
    return reports


def series(logs: Sequence[Path]) -> list[tuple[str, dict[str, int]]]:
    """The series in training logs of any tool: each run's name, and its series with their numbers of values."""
    from isang.runs.read.folders import series_of
    from isang.runs.report.judge import log_of

    return [found for log in logs for found in series_of(log_of(log))]


def evaluate(
    model: Path,
    data: Path,
    *,
    labels: Path | None = None,
    out: Path | None = None,
    rewordings: bool | None = None,
    engine: str | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """A model and a dataset folder → what `evaluation.json` in the model folder then holds, with its pictures.

    Sessions that the `labels` and the dataset do not speak of have the labels that people's answers gave them.
    With `out`, they are written there too. `rewordings` as in `detect`, `engine` as in `prepare`.
    """
    from isang.artifact import EVALUATION, load_model, with_evaluation
    from isang.detection.evaluation.evaluate import evaluate as measure
    from isang.detection.feedback.ledger import answers_beside
    from isang.detection.feedback.measured import with_labels
    from isang.logs.sessions.labels import attach_labels, read_labels
    from isang.logs.store import read_dataset
    from isang.runs.plots.quality_plots import pictures

    if out is not None:
        refuse_existing(out, overwrite=overwrite)
    loaded = load_model(model)
    dataset = read_dataset(data)
    if labels is not None:
        sessions, _ = attach_labels(dataset.sessions, read_labels(labels))
        dataset = replace(dataset, sessions=sessions)
    dataset = with_labels(dataset, answers_beside(model).answers)
    with _scored(with_settings(loaded, rewordings=rewordings), model, engine) as spread:
        result = measure(spread.model, dataset, fingerprint(data))
    _warn(result["other_logs"])
    drawn = pictures(result)
    with_evaluation(loaded, result, model, drawn)
    if out is not None:
        with folder_being_written(out, overwrite=overwrite) as building:
            for name, content in {EVALUATION: to_json(result), **drawn}.items():
                write_text(building / name, content)
    return result


def feedback(model: Path, fingerprint: str, verdict: "Verdict", **how: Any) -> "Given":
    """Answer to an incident of the last result: see `isang.detection.feedback.desk.give`."""
    from isang.detection.feedback.desk import give, moment_of

    until = how.pop("until", None)
    return give(model, fingerprint, verdict, until=None if until is None else moment_of(until), **how)


def undo_feedback(model: Path, answer: str) -> "Answer":
    """Take an answer back."""
    from isang.detection.feedback.desk import undo

    return undo(model, answer)


def answers(model: Path) -> tuple[list["Answer"], Path]:
    """The answers beside a model that are in effect, and their file."""
    from isang.detection.feedback.ledger import answers_beside, ledger_of

    return answers_beside(model).answers, ledger_of(model)


def compare(good: Sequence[str | Path], bad: Sequence[str | Path], *, config: Config | None = None) -> "Comparison":
    """Good logs and bad ones → what the bad ones have that the good ones have not, as incidents; no model is needed."""
    from isang.detection.comparison.compare import compare as differences

    return differences([str(path) for path in good], [str(path) for path in bad], (config or Config()).logs)


def export(model: Path, out: Path, *, overwrite: bool = False) -> dict[str, str]:
    """A model → its encoder as the ONNX file `out`; returns the file's metadata."""
    from isang.artifact import load_model
    from isang.model.onnx.export import facts_of, require_onnx, write_onnx

    require_onnx("isang export")
    loaded = load_model(model)
    encoder = loaded.needed_encoder()
    write_onnx(encoder, loaded.vocabulary, out, overwrite=overwrite)
    return facts_of(encoder, loaded.vocabulary)


def detect(
    model: Path,
    logs: Sequence[str | Path],
    *,
    alerts_per_thousand: float | None = None,
    rewordings: bool | None = None,
    onnx: Path | None = None,
    engine: str | None = None,
) -> Detected:
    """A model and raw logs, or a dataset folder → the anomalous sessions, each with its reasons.

    Without `rewordings` no new template is taken for a known one; None: as the model's settings say. `onnx` is the
    model's encoder as `export` wrote it, to score with in torch's place. `engine` as in `prepare`; logs then become a
    dataset in the temporary folder, which all its machines must see.
    """
    from isang.detection.batch import judge_logs
    from isang.detection.feedback.ledger import answers_beside

    loaded = with_settings(_load(model, onnx), alerts_per_thousand=alerts_per_thousand, rewordings=rewordings)
    with _scored(loaded, model, engine, onnx) as spread:
        found = judge_logs(spread.model, logs, answers_beside(model), preparation=spread.preparation)
    _warn(*found.warnings)
    return Detected(
        len(found.judged.rows), found.anomalies, found.incidents, found.dataset, _names(logs),
        found.silenced, loaded.config.detection.alerts_per_thousand, found.never_seen, found.smaller, found.whole,
        found.coverage.to_dict(),
    )  # fmt: skip


def _names(logs: Sequence[str | Path]) -> str:
    """The logs in a few words."""
    names = [Path(path).name or str(path) for path in logs]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _warn(*warnings: str | None) -> None:
    for warning in warnings:
        if warning:
            say(f"warning: {warning}")


def follow(
    model: Path,
    logs: Sequence[str | Path],
    *,
    alerts_per_thousand: float | None = None,
    rewordings: bool | None = None,
    idle_seconds: float | None = None,
    state: Path | None = None,
    onnx: Path | None = None,
) -> "Following":
    """A model and growing logs → what gives out each anomaly when its session has ended; settings as in `detect`."""
    from isang.detection.feedback.ledger import answers_beside
    from isang.detection.live import Following

    loaded = with_settings(_load(model, onnx), alerts_per_thousand=alerts_per_thousand, rewordings=rewordings)
    return Following(
        loaded, [str(path) for path in logs], idle_seconds=idle_seconds, state=state, answers=answers_beside(model)
    )


def _load(model: Path, onnx: Path | None) -> "Model":
    """The model, with its exported encoder to score with where there is one."""
    from isang.artifact import load_model
    from isang.model.onnx.export import read_onnx, require_onnx
    from isang.model.onnx.scoring import OnnxEncoder

    if onnx is None:
        return load_model(model)
    require_onnx("--onnx")
    loaded = load_model(model)
    return replace(loaded, onnx=OnnxEncoder(read_onnx(onnx, loaded.needed_encoder(), loaded.vocabulary)))


def with_settings(loaded: "Model", **settings: Any) -> "Model":
    """The model, with those `settings` of detection that are not None instead of its own."""
    given = {name: value for name, value in settings.items() if value is not None}
    detection = replace(loaded.config.detection, **given)
    return replace(loaded, config=replace(loaded.config, detection=detection))


def fingerprint(data: Path) -> str:
    """The sha256 of a dataset's sessions."""
    with (data / "sessions.parquet").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run(
    logs: Sequence[str | Path],
    out: Path,
    *,
    config: Config | None = None,
    labels: Path | None = None,
    engine: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> Finished:
    """Raw logs → `data/`, `run/` with the model and the report, `incidents.json` and `anomalies.jsonl`, in one go.

    All of it grows in `OUT.partial` and takes its place when it is complete; `resume` keeps the stages that an
    unfinished attempt had finished. Answers beside the model that is replaced stay. `engine` as in `prepare`; it
    spreads all but the training, which runs on this machine.

    Where the training period holds too few sessions to calibrate an alert budget
    there is no `run/`: the incidents are what the second half of the logs has that the first has not.
    """
    from isang.detection.comparison.compare import compare_halves
    from isang.detection.feedback.ledger import entries_beside
    from isang.logs.store import open_dataset
    from isang.training.split import enough_to_calibrate

    config = config or Config()
    command = {
        "schema": SCHEMA,
        "logs": [str(path) for path in logs],
        "labels": None if labels is None else str(labels),
        "config": to_dict(config),
    }
    entries = entries_beside(out)  # before they are replaced
    with growing(out, resume=resume, overwrite=overwrite) as building:
        note_command(building / "run.json", command)
        data, trained_run = building / "data", building / "run"
        if not data.exists():
            prepare(logs, data, config=config, labels=labels, engine=engine)
        dataset = open_dataset(data)
        if enough_to_calibrate(dataset, config.training):
            if not trained_run.exists():
                resume = partial_folder(trained_run).exists()
                train(data, trained_run, config=config, resume=resume, with_report=False, answers=entries)
            evaluation, halves = evaluate(trained_run / "model", data, engine=engine), None
            found, judgement = detect(trained_run / "model", [data], engine=engine), None
            if config.model.encoder:
                report([trained_run], trained_run / "report", overwrite=True)
                judgement = "run/report/report.html"
            detected = replace(found, name=_names(logs))
        else:
            evaluation, halves = {}, compare_halves([str(path) for path in logs], config.logs)
            detected = Detected(len(dataset.sessions), [], halves.incidents, dataset, _names(logs))
            judgement = None
        detected.write(building, evaluation=evaluation or None, report=judgement, data=data)
    return Finished(
        out, open_dataset(out / "data"), evaluation, detected, halves, judged_training=judgement is not None
    )


def _grown_elsewhere(out: Path) -> AbstractContextManager[Path]:
    """The same folder, which the first of several processes looks after."""
    return nullcontext(partial_folder(out))
