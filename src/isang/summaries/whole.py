"""The text summary of the whole job."""

from pathlib import Path
from typing import TYPE_CHECKING

from isang.formatting import joined
from isang.summaries.data import of_dataset
from isang.summaries.evaluation import of_evaluation, quality_in_short
from isang.summaries.incidents import in_short, of_comparison, of_incidents, of_silenced
from isang.summaries.layout import SHOWN_INCIDENTS

if TYPE_CHECKING:
    from isang.stages import Finished


def of_run(finished: "Finished", *, verbose: bool = False) -> str:
    """How the logs were read, the incidents, the quality and where to look, in about 25 lines; more if `verbose`."""
    if not finished.evaluation:
        return _of_small_run(finished)
    detected, evaluation = finished.detected, finished.evaluation
    lines = [*of_dataset(finished.dataset.meta).split("\n"), "", in_short(detected)]
    text = [joined(lines)]
    if finished.halves is not None and finished.halves.incidents:
        text.append(f"so few sessions hold no alert budget, so the incidents are also {_HALVES}:")
    if detected.incidents:
        text.append(of_incidents(detected.incidents, None if verbose else SHOWN_INCIDENTS, 2 if verbose else 1))
    quiet = of_silenced(detected.silenced, detected.false_alarms())
    text += ["", joined(quiet)] if quiet else []
    text += ["", of_evaluation(evaluation) if verbose else joined(quality_in_short(evaluation)), ""]
    text.append(joined([f"look at {finished.folder / 'index.html'}", *_more(finished, verbose=verbose)]))
    return "\n".join(text)


_HALVES = "what the second half of the log has that the first has not, ranked, true and false alarms alike"


def _more(finished: "Finished", *, verbose: bool) -> list[str]:
    folder, report = finished.folder, finished.judged_training
    if not verbose:
        beside = ["incidents.json", "anomalies.jsonl", Path("run", "model"), *([Path("run", "report")] * report)]
        return [f"(beside it: {', '.join(map(str, beside))})"]
    return [
        f"incidents:     {folder / 'incidents.json'}",
        f"all anomalies: {folder / 'anomalies.jsonl'}",
        f"model:         {folder / 'run' / 'model'}",
        *([f"report:        {folder / 'run' / 'report' / 'report.html'}"] * report),
    ]


def _of_small_run(finished: "Finished") -> str:
    """What can be said about a log that is too small to learn from, and that no alert budget holds."""
    assert finished.halves is not None
    count = len(finished.dataset.sessions)
    are = "session is" if count == 1 else "sessions are"
    few = f"{count:,} {are} too few to train on and to calibrate an alert budget"
    return "\n".join(
        [
            of_dataset(finished.dataset.meta),
            "",
            f"{few}; {_HALVES}:",
            "",
            of_comparison(finished.halves, as_json=False),
            "",
            f"look at {finished.folder / 'index.html'}",
            "with a log of a good run beside it isang compare tells more",
        ]
    )
