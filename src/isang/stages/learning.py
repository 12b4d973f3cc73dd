"""A dataset folder to a run folder with a model, and its export."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isang.config import Config, ModelConfig, TrainingConfig, to_dict
from isang.errors import UsageError
from isang.files import folder_being_written, partial_folder, refuse_existing, to_json, write_text
from isang.progress import say
from isang.resumable import growing
from isang.stages.data import fingerprint
from isang.stages.judging import report
from isang.stages.results import SCHEMA, Trained
from isang.training.processes.launch import is_launched
from isang.training.split import LEAST_FOR_ENCODER, enough_for_encoder

if TYPE_CHECKING:
    from isang.detection.feedback.answers import Entry
    from isang.logs.store import Dataset
    from isang.model.batches import Sessions
    from isang.model.encoder import Encoder
    from isang.model.vocabulary import Vocabulary
    from isang.training.checkpoint import TrainingProgress
    from isang.training.processes.processes import Processes
    from isang.training.split import Split


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

    Users' `answers` label the sessions that they name, and are stored beside the model; None: the answers beside the
    model that this one replaces.

    The run is written to `OUT.partial` and moved into place when complete; `resume` continues an unfinished one. If a
    launcher started several processes, all of them call this function, and only the first one writes.
    """
    from isang.artifact import save_model
    from isang.detection.assembly import make_detector
    from isang.detection.feedback.answers import in_effect
    from isang.detection.feedback.ledger import append, entries_beside, ledger_of
    from isang.detection.feedback.measured import with_labels
    from isang.logs.store import open_dataset
    from isang.model.batches import learn_sessions
    from isang.training.processes.processes import joined
    from isang.training.split import split_by_time

    config = config or Config()
    if config.model.encoder is False and (config.training.processes > 1 or is_launched()):
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
        processes.wait()  # until the first process has made the folder
        vocabulary, known = learn_sessions(dataset, rows, len(split.train), beside=building)
        encoder, trained = None, Trained(out, 0, 0, None)
        if _wants_encoder(config, dataset):
            encoder, progress = _encoder(known, dataset, split, vocabulary, config, building, resume, processes)
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


def _wants_encoder(config: Config, dataset: "Dataset") -> bool:
    """Whether an encoder is trained: as the settings say; if they say nothing about it, when there are enough
    sessions."""
    if config.model.encoder is not None:
        return config.model.encoder
    usual = TrainingConfig(train_fraction=config.training.train_fraction, seed=config.training.seed)
    if (config.model, config.training) != (ModelConfig(), usual) or is_launched():
        return True
    if enough_for_encoder(dataset, config.training):
        return True
    say(
        f"fewer than {LEAST_FOR_ENCODER} sessions to learn from: no encoder is trained, the statistical detectors "
        "judge alone; `encoder = true` under [model] in a --config file trains one"
    )
    return False


def _encoder(
    known: "Sessions",
    dataset: "Dataset",
    split: "Split",
    vocabulary: "Vocabulary",
    config: Config,
    folder: Path,
    resume: bool,
    processes: "Processes",
) -> "tuple[Encoder, TrainingProgress]":
    """Train the encoder on the `known` sessions of a split; its journal and checkpoints are in the run's `folder`."""
    from isang.training.data import to_data
    from isang.training.journal.suspicious_normal import look_for_failures
    from isang.training.journal.trackers import tracked
    from isang.training.loop import train as train_model

    rows = np.concatenate([split.train, split.validation])
    labels, ids = (dataset.sessions[name].gather(rows) for name in ("label", "session_id"))
    normal = look_for_failures(known, vocabulary, labels.is_null().to_numpy(), ids)
    material = to_data(*known.halves(len(split.train)), vocabulary, config.model.positions, normal)
    tool = config.training.track if processes.first else None
    with tracked(tool, folder / "tracking", asdict(config.training)) as listener:
        return train_model(
            material, config.model, config.training, folder, resume=resume, processes=processes, listener=listener
        )


def find_rate(data: Path, out: Path, *, config: Config | None = None, overwrite: bool = False) -> Any:
    """A dataset folder → the learning rates that a new model tolerates, in `OUT/learning_rates.json` and a RateTest."""
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


def export(model: Path, out: Path, *, overwrite: bool = False) -> dict[str, str]:
    """A model → its encoder as the ONNX file `out`; returns the file's metadata."""
    from isang.artifact import load_model
    from isang.model.onnx.export import facts_of, require_onnx, write_onnx

    require_onnx("isang export")
    loaded = load_model(model)
    encoder = loaded.needed_encoder()
    write_onnx(encoder, loaded.vocabulary, out, overwrite=overwrite)
    return facts_of(encoder, loaded.vocabulary)


def _grown_elsewhere(out: Path) -> AbstractContextManager[Path]:
    """The same folder; the first of several processes creates and moves it."""
    return nullcontext(partial_folder(out))
