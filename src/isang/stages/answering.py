"""Users' answers to incidents, and alerts judged again."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isang.detection.feedback.answers import Answer, Verdict
    from isang.detection.feedback.desk import Given
    from isang.detection.reproduction.again import Reproduced


def feedback(model: Path, fingerprint: str, verdict: "Verdict", **how: Any) -> "Given":
    """Answer to an incident of the last result: see `isang.detection.feedback.desk.give`."""
    from isang.detection.feedback.desk import give, moment_of

    until = how.pop("until", None)
    return give(model, fingerprint, verdict, until=None if until is None else moment_of(until), **how)


def reproduce(model: Path, alert: str, result: Path | None = None) -> list["Reproduced"]:
    """An alert of a result, or all of an incident, judged again: see `reproduction.results.alerts_of`."""
    from isang.artifact import load_model, model_folder
    from isang.detection.reproduction.again import reproduce as again
    from isang.detection.reproduction.results import alerts_of

    loaded = load_model(model_folder(model))
    return [again(loaded, kept, record) for record, kept in alerts_of(model, alert, result)]


def undo_feedback(model: Path, answer: str) -> "Answer":
    """Undo an answer."""
    from isang.detection.feedback.desk import undo

    return undo(model, answer)


def answers(model: Path) -> tuple[list["Answer"], Path]:
    """The answers beside a model that are in effect, and their file."""
    from isang.detection.feedback.ledger import answers_beside, ledger_of

    return answers_beside(model).answers, ledger_of(model)
