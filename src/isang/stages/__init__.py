"""The stages of the main job, one function each: folders in, folders out. Also part of the library's public API."""

from isang.stages.answering import answers, feedback, reproduce, undo_feedback
from isang.stages.data import fingerprint, prepare
from isang.stages.finding import compare, detect, evaluate, follow, with_settings
from isang.stages.judging import report, series
from isang.stages.learning import export, find_rate, train
from isang.stages.results import Detected, Finished, Trained
from isang.stages.whole import run

__all__ = [
    "Detected", "Finished", "Trained", "answers", "compare", "detect", "evaluate", "export", "feedback", "find_rate",
    "fingerprint", "follow", "prepare", "report", "reproduce", "run", "series", "train", "undo_feedback",
    "with_settings",
]  # fmt: skip
