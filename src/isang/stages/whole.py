"""The whole job: raw logs to detector, report, incidents and pages."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from isang.config import Config, to_dict
from isang.files import partial_folder
from isang.resumable import growing, note_command
from isang.stages.data import prepare
from isang.stages.finding import detect, evaluate, named
from isang.stages.judging import report
from isang.stages.learning import train
from isang.stages.results import SCHEMA, Detected, Finished
from isang.stages.small_runs import halves_of, with_incidents
from isang.threads import loading

LOAD_AFTER_SECONDS = 0.5
"""Logs read in less time are often too small to train on."""


def run(
    logs: Sequence[str | Path],
    out: Path,
    *,
    config: Config | None = None,
    labels: Path | None = None,
    engine: str | None = None,
    language: Literal["en", "ko"] | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> Finished:
    """Raw logs → `data/`, `run/` with the model and the report, `incidents.json` and `anomalies.jsonl`, in one go.

    Results are written to `OUT.partial` and moved into place when complete; `resume` keeps the finished stages of an
    unfinished attempt. Answers beside the replaced model are kept. `engine` as in `prepare`; it distributes everything
    but the training, which runs on this machine. `language` of the pages: None is the locale's.

    If the logs are small and nothing measures the model, the incidents are also what the second half of the logs has
    and the first lacks; if the training period holds too few sessions to calibrate an alert budget, only that, and
    there is no `run/`.
    """
    from isang.artifact import load_model
    from isang.detection.feedback.ledger import entries_beside
    from isang.logs.store import open_dataset
    from isang.training.split import enough_for_encoder, enough_to_calibrate

    config = config or Config()
    paths = [str(path) for path in logs]
    command = {"schema": SCHEMA, "logs": paths, "labels": labels and str(labels), "config": to_dict(config)}
    entries = entries_beside(out)  # before they are replaced
    with growing(out, resume=resume, overwrite=overwrite) as building:
        note_command(building / "run.json", command)
        data, trained_run = building / "data", building / "run"
        evaluation: Mapping[str, Any] = {}
        halves = judgement = None
        if not data.exists():
            with loading("isang.training.loop", LOAD_AFTER_SECONDS):  # torch: small logs may not need it
                prepare(logs, data, config=config, labels=labels, engine=engine)
        dataset = open_dataset(data)
        if enough_to_calibrate(dataset, config.training):
            if not trained_run.exists():
                resume = partial_folder(trained_run).exists()
                train(data, trained_run, config=config, resume=resume, with_report=False, answers=entries)
            loaded = load_model(trained_run / "model")
            evaluation = evaluate(trained_run / "model", data, engine=engine, loaded=loaded)
            detected = replace(detect(trained_run / "model", [data], engine=engine, loaded=loaded), name=named(logs))
            if loaded.encoder is not None:
                report([trained_run], trained_run / "report", language=language, overwrite=True)
                judgement = "run/report/report.html"
        else:
            detected = Detected(len(dataset.sessions), [], [], dataset, named(logs))
        if not evaluation.get("measured") and not enough_for_encoder(dataset, config.training):
            halves = halves_of(paths, config.logs, needed=not evaluation)
            detected = with_incidents(detected, halves.incidents if halves else ())
        detected.write(building, evaluation=evaluation or None, report=judgement, data=data, language=language)
    return Finished(
        out, open_dataset(out / "data"), evaluation, detected, halves, judged_training=judgement is not None
    )
