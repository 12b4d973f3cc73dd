"""Anomalies in logs by a model, and the quality of the model."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isang.config import Config
from isang.files import folder_being_written, refuse_existing, to_json, write_text
from isang.memory import hold_little
from isang.progress import say
from isang.stages.data import fingerprint
from isang.stages.results import Detected
from isang.stages.small_runs import as_smaller, beside_learned, detected_beside, small_run, with_comparison
from isang.threads import ahead

if TYPE_CHECKING:
    from isang.artifact import Model
    from isang.detection.comparison.compare import Comparison
    from isang.detection.live import Following
    from isang.logs.prepare import Preparation


@contextmanager
def _workers(engine: str | None) -> Iterator[Any]:
    """Ray with its workers; None if this process works alone."""
    if engine is None:
        yield None
        return
    from isang.distributed.engine import started

    with started(engine) as ray:
        yield ray


def _scored_by(ray: Any, loaded: "Model", model: Path, onnx: Path | None = None) -> "Model":
    """The model; if there are workers, its encoder runs in them."""
    if ray is None or loaded.encoder is None:
        return loaded
    from isang.distributed.scoring import scored_on

    return scored_on(ray, loaded, model, onnx)


def _preparation(ray: Any) -> "Callable[..., Preparation] | None":
    if ray is None:
        return None
    from isang.distributed.prepare import preparation_on

    return preparation_on(ray)


def evaluate(
    model: Path,
    data: Path,
    *,
    labels: Path | None = None,
    out: Path | None = None,
    rewordings: bool | None = None,
    engine: str | None = None,
    overwrite: bool = False,
    loaded: "Model | None" = None,
) -> dict[str, Any]:
    """A model and a dataset folder → `evaluation.json` in the model folder, with its pictures; returns its content.

    Sessions labelled neither by `labels` nor by the dataset get the labels of users' answers.
    With `out`, they are written there too. `rewordings` and `loaded` as in `detect`, `engine` as in `prepare`.
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
    loaded = loaded or load_model(model)
    dataset = read_dataset(data)
    if labels is not None:
        sessions, _ = attach_labels(dataset.sessions, read_labels(labels))
        dataset = replace(dataset, sessions=sessions)
    dataset = with_labels(dataset, answers_beside(model).answers)
    with _workers(engine) as ray:
        scored = _scored_by(ray, with_settings(loaded, rewordings=rewordings), model)
        result = measure(scored, dataset, fingerprint(data))
    _warn(result["other_logs"])
    drawn = pictures(result)
    with_evaluation(loaded, result, model, drawn)
    if out is not None:
        with folder_being_written(out, overwrite=overwrite) as building:
            for name, content in {EVALUATION: to_json(result), **drawn}.items():
                write_text(building / name, content)
    return result


def compare(good: Sequence[str | Path], bad: Sequence[str | Path], *, config: Config | None = None) -> "Comparison":
    """Good logs and bad ones → what the bad ones have and the good ones lack, as incidents; no model is needed."""
    from isang.detection.comparison.compare import compare as differences

    return differences([str(path) for path in good], [str(path) for path in bad], (config or Config()).logs)


def detect(
    model: Path,
    logs: Sequence[str | Path],
    *,
    alerts_per_thousand: float | None = None,
    rewordings: bool | None = None,
    onnx: Path | None = None,
    engine: str | None = None,
    loaded: "Model | None" = None,
) -> Detected:
    """A model and raw logs, or a dataset folder → the anomalous sessions, each with its reasons.

    With `rewordings` False no new template is matched to a known one; None: as in the model's settings. `onnx` is the
    model's encoder as written by `export`, used for scoring instead of torch. `engine` as in `prepare`; logs then
    become a dataset in the temporary folder, which all its machines must see. `loaded` is the folder's model if it has
    already been read. With the folder of a small run, the logs are also compared with those that it learned from.
    """
    from isang.artifact import reading_of
    from isang.detection.feedback.ledger import answers_beside
    from isang.detection.feedback.measured import reviewed_by
    from isang.logs.stored import stored_logs

    hold_little()
    answers = answers_beside(model)
    given = loaded is not None  # by `run`, which says it itself
    small = None if engine is not None or given else small_run(model)
    if small is not None and not small.trained:
        return detected_beside(small, logs, answers, named(logs))
    load = ahead(lambda: loaded or _load(model, onnx))
    with _workers(engine) as ray, stored_logs(logs, partial(reading_of, model), preparation=_preparation(ray)) as read:
        loaded = with_settings(load(), alerts_per_thousand=alerts_per_thousand, rewordings=rewordings)
        from isang.detection.batch import judge_stored
        from isang.detection.threshold.decisions import hardly_calibrated

        found = judge_stored(_scored_by(ray, loaded, model, onnx), read, answers)
    beside = None if small is None else beside_learned(small, logs)
    hardly = hardly_calibrated(loaded)
    _warn(None if beside or given else hardly, *found.warnings)
    detected = Detected(
        len(found.p_values), found.anomalies, found.incidents, found.dataset, named(logs),
        found.silenced, loaded.config.detection.alerts_per_thousand, found.never_seen, found.smaller, found.whole,
        found.coverage.to_dict(), found.kept, reviewed_by(answers.answers),
    )  # fmt: skip
    if beside is None:
        return detected
    return with_comparison(as_smaller(detected, beside) if hardly else detected, beside, answers)


def named(logs: Sequence[str | Path]) -> str:
    """A short name for the logs."""
    names = [Path(path).name or str(path) for path in logs]
    return ", ".join(names[:3]) + (f", … (+{len(names) - 3})" if len(names) > 3 else "")


def _warn(*warnings: str | None) -> None:
    for warning in warnings:
        if warning:
            first, *rest = warning.split("\n")
            for line in (f"warning: {first}", *rest):
                say(line)


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
    """A model and growing logs → an object that yields each anomaly once its session ends; settings as in `detect`."""
    from isang.detection.feedback.ledger import answers_beside
    from isang.detection.live import Following

    loaded = with_settings(_load(model, onnx), alerts_per_thousand=alerts_per_thousand, rewordings=rewordings)
    return Following(
        loaded, [str(path) for path in logs], idle_seconds=idle_seconds, state=state, answers=answers_beside(model)
    )


def _load(model: Path, onnx: Path | None) -> "Model":
    """The model, ready to judge, with its exported encoder for scoring if one is given."""
    from isang.artifact import load_model
    from isang.model.onnx.export import read_onnx, require_onnx
    from isang.model.onnx.scoring import OnnxEncoder

    if onnx is None:
        return load_model(model)
    require_onnx("--onnx")
    loaded = load_model(model)
    return replace(loaded, onnx=OnnxEncoder(read_onnx(onnx, loaded.needed_encoder(), loaded.vocabulary)))


def with_settings(loaded: "Model", **settings: Any) -> "Model":
    """The model with its detection settings replaced by those `settings` that are not None."""
    given = {name: value for name, value in settings.items() if value is not None}
    detection = replace(loaded.config.detection, **given)
    return replace(loaded, config=replace(loaded.config, detection=detection))
