"""Experiment trackers, through accelerate; nothing leaves this machine unless configured otherwise."""

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from isang.errors import UsageError
from isang.training.journal.journal import Listener

PROJECT = "isang"


@contextmanager
def tracked(tool: str | None, folder: Path, settings: Mapping[str, Any]) -> Iterator[Listener | None]:
    """A listener that forwards each record of the journal to `tool` (one of `config.TRACKERS`); None for no tool.

    The tool writes to `folder` and nothing leaves the machine, unless the tool's own environment variables say
    otherwise. Raises UsageError if the tool is not installed.
    """
    if tool is None:
        yield None
        return
    _stay_here(folder)  # before the import: some tools read the environment only once
    for package in ("accelerate", tool):
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise UsageError(f"--track {tool} needs a package that is not here: pip install 'isang[{tool}]'") from error
    with redirect_stdout(sys.stderr):  # what the tools print is not part of our output
        tracker = _tracker(tool, folder)
        tracker.start()
        tracker.store_init_configuration({name: value for name, value in settings.items() if value is not None})
    try:
        yield lambda numbers, step: tracker.log(dict(numbers), step=step)
    finally:
        with redirect_stdout(sys.stderr):
            tracker.finish()


def _stay_here(folder: Path) -> None:
    """Make the tools write files instead of contacting a server, and turn off their usage reporting."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder.resolve() / 'mlflow.db'}",
        "TRACKIO_DIR": str(folder.resolve()),
        "WANDB_MODE": "offline",
        "WANDB_DIR": str(folder.resolve()),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "WANDB_ERROR_REPORTING": "false",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }.items():
        os.environ.setdefault(name, value)


def _tracker(tool: str, folder: Path) -> Any:
    from accelerate import PartialState, tracking

    PartialState()  # its loggers need to know which process they are in
    if tool == "tensorboard":
        return tracking.TensorBoardTracker("tensorboard", folder)
    if tool == "mlflow":
        return tracking.MLflowTracker(PROJECT, logging_dir=str(folder.resolve() / "mlflow"))
    return {"trackio": tracking.TrackioTracker, "wandb": tracking.WandBTracker}[tool](PROJECT)
