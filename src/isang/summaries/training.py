"""Text summaries of a training run, and of training logs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from isang.files import to_json
from isang.formatting import joined
from isang.languages import default_language

if TYPE_CHECKING:
    from isang.stages import Trained
    from isang.training.lr_range_test import RateTest


def of_training(trained: "Trained") -> str:
    """The outcome of a training run and where its report is."""
    if trained.best_validation_loss is None:
        return f"fitted without an encoder: the statistical detectors judge alone\nmodel:  {trained.folder / 'model'}"
    return (
        f"trained for {trained.steps:,} steps; best validation loss {trained.best_validation_loss:.4f} nats per masked "
        f"event, in epoch {trained.best_epoch}\n"
        f"model:  {trained.folder / 'model'}\n"
        f"report: {trained.folder / 'report' / 'report.html'}"
    )


def of_series(found: Sequence[tuple[str, Mapping[str, int]]], *, as_json: bool) -> str:
    """The series in each log, with their numbers of values."""
    if as_json:
        runs = [{"name": name, "series": dict(series)} for name, series in found]
        return to_json({"schema": 1, "runs": runs}).rstrip("\n")
    return joined(f"{name}: {entry}  {count:,} values" for name, series in found for entry, count in series.items())


def of_rates(test: "RateTest", folder: Path) -> str:
    """The loss by learning rate in a dozen lines, and the rate to train with."""
    top = max(test.smoothed)
    every = max(1, len(test.rates) // 12)
    lines = ["learning rate   smoothed loss"]
    for rate, loss in zip(test.rates[::every], test.smoothed[::every], strict=True):
        lines.append(f"{rate:13.2e}   {loss:13.4f}  {'#' * round(40 * loss / top)}")
    if test.diverged:
        lines.append(f"beyond {test.rates[-1]:.2e} the loss runs away")
    return "\n".join(
        [
            *lines,
            f"suggested: --learning-rate {test.suggestion:.1e}, a tenth of the rate at which the loss was lowest",
            f"nothing was trained; the whole curve is in {folder / 'learning_rates.json'}",
        ]
    )


def of_reports(reports: Sequence[Any], language: Literal["en", "ko"] | None, *, as_json: bool) -> str:
    """The reports, a screenful each, or as one JSON document."""
    from isang.runs.report.report import report_json, summary
    from isang.runs.text.comparing import comparison_lines

    if as_json:
        documents = [report_json(report) for report in reports]
        return to_json(documents[0] if len(documents) == 1 else {"schema": 1, "runs": documents}).rstrip("\n")
    chosen = language or default_language()
    said = [summary(report, chosen) for report in reports]
    if len(reports) > 1:
        said.append("\n".join(comparison_lines(reports, chosen)))
    return "\n\n".join(said)
