"""The model folder: everything that scoring needs, with hashes that are checked before anything is used."""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

import isang
from isang.config import Config, LogsConfig, to_dict
from isang.errors import InputError
from isang.files import folder_being_written, locked, open_regular, to_json
from isang.formatting import printable
from isang.json_files import anything, mapping, read_json
from isang.logs.rules import Rules
from isang.logs.templates.slots import SLOTS_SCHEMA
from isang.model.answered import Answered
from isang.model.batches import Floats, Rows, Sessions, Tokens
from isang.model.fitted import Fitted
from isang.model.folder.log_tables import FOLDER as LOGS
from isang.model.folder.log_tables import read_log_tables
from isang.model.folder.normal_sessions import frame_of, from_frame
from isang.model.folder.schema import (
    AGAIN,
    read_config,
    read_detector,
    read_lines,
    read_normal,
    read_scores,
    read_templates,
    read_volume,
    read_weights,
)
from isang.model.folder.schema import MANIFEST as MANIFEST_SCHEMA
from isang.model.kept import Kept
from isang.model.vocabulary import MARKS, Vocabulary
from isang.model_card import model_card
from isang.parquet_files import read_table

if TYPE_CHECKING:
    from isang.model.encoder import Encoder
    from isang.model.onnx.scoring import OnnxEncoder

BatchScorer = Callable[[Iterable[Tokens]], Iterator[Sequence[Floats]]]
"""Maps batches of sessions of one length, (G, L), to the encoder's results for their tokens, each (G, L)."""
SCHEMA = 2
WEIGHTS, CONFIG, TEMPLATES = "weights.safetensors", "config.json", "templates.parquet"
CALIBRATION, NORMAL, EVALUATION, CARD = "calibration.parquet", "normal.parquet", "evaluation.json", "README.md"
PLANTED, HELD_OUT, DETECTORS = "planted.parquet", "held_out.parquet", "detectors"
SLOTS, VOLUME, LINES = "slots.parquet", "volume.parquet", "lines.parquet"
MANIFEST = "manifest.json"
FEEDBACK = "feedback.jsonl"
"""The file with users' answers to its incidents; it grows, so the manifest does not list it."""
REQUIRED = (CONFIG, TEMPLATES, CALIBRATION, NORMAL, CARD)


@dataclass(frozen=True, eq=False)
class Model:
    """A trained detector; it can score in several threads at once."""

    encoder: "Encoder | None"
    """None if only the statistical detectors judge."""
    vocabulary: Vocabulary
    config: Config
    """The settings that it was prepared and trained with."""
    rules: Mapping[str, Any] | None
    """How raw logs become sessions: `isang.logs.rules.Rules`, as plain values; None if its dataset was made by another
    program and does not say."""
    template_table: pl.DataFrame
    """All templates mined from its training data: columns event, template, level, count."""
    fitted: Fitted
    """The fitted table of each detector, by name, and the normal sessions of the training period."""
    calibration: pl.DataFrame
    """One row per normal session of the training period, one column of scores per detector, null if the session was not
    held out from that detector."""
    facts: Mapping[str, Any]
    """Its origin: `dataset`, `trained_from`, `trained_until`, `training_sessions`, `validation_loss`, ..."""
    planted: pl.DataFrame | None = field(default=None)
    """Scores of held-out normal sessions with a planted anomaly: its `kind` and a column per detector; None if
    none were planted."""
    held_out: pl.DataFrame | None = field(default=None)
    """`score` (-log10 of the p-value) of each session of the training period while it was held out, in order of time;
    None if it was not kept."""
    slots: pl.DataFrame | None = field(default=None)
    """The values of slots that have few and stable values; None if they were not examined."""
    volume: pl.DataFrame | None = field(default=None)
    """Line counts of the training period over time; None if it was too short or had no timestamps."""
    lines: pl.DataFrame | None = field(default=None)
    """The kinds of lines in that period, since when and how regularly; None if it had no timestamps."""
    of_logs: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    """What else it learned about logs as a whole, see `LOG_TABLES`."""
    evaluation: Mapping[str, Any] | None = field(default=None)
    """The last evaluation; None before the first."""
    pictures: Mapping[str, str] = field(default_factory=dict)
    """The SVG files of the last evaluation, by name; they are written, never read."""
    onnx: "OnnxEncoder | None" = field(default=None)
    """The exported encoder, for scoring; None: torch is used. Not part of the folder."""
    scorer: "BatchScorer | None" = field(default=None, repr=False)
    """Scores batches of sessions with the encoder in other processes; None: in this one. Not part of the folder."""
    answered: Answered = field(default_factory=Answered, repr=False)
    """Cached results of its encoder and detectors for sessions; a changed copy shares them."""
    kept: Kept = field(default_factory=Kept, init=False, repr=False)
    """Cached results derived from this model, such as its thresholds; a changed copy starts with an empty cache."""

    @property
    def normal(self) -> Sessions:
        """The distinct normal sessions of its training period."""
        return self.fitted.normal

    @property
    def normal_counts(self) -> Rows:
        """How often each of them occurred, shape: len(normal)."""
        return self.fitted.counts

    def needed_encoder(self) -> "Encoder":
        """The encoder. Raises InputError if the model has none."""
        if self.encoder is None:
            raise InputError(
                "this model has no encoder: --no-encoder was given, or the log was small; train again with "
                "`encoder = true` under [model] in a --config file"
            )
        return self.encoder


def save_model(model: Model, folder: Path, *, overwrite: bool = False) -> None:
    """Write the model folder in one step; answers in a folder that it replaces are kept."""
    with locked(folder.parent), folder_being_written(folder, overwrite=overwrite) as building:
        carry_answers(folder, building)
        if model.encoder is not None:
            _save_weights(model.encoder, building / WEIGHTS)
        (building / CONFIG).write_text(to_json(_config(model)), encoding="utf-8")
        known = pl.Series("token", model.vocabulary.tokens_of(model.template_table["template"].to_list()), pl.Int32)
        model.template_table.with_columns(known).write_parquet(building / TEMPLATES)
        model.calibration.write_parquet(building / CALIBRATION)
        frame_of(model.normal, model.normal_counts).write_parquet(building / NORMAL)
        (building / DETECTORS).mkdir()
        for name, table in model.fitted.items():
            if table.width:  # without, the normal sessions say all
                table.write_parquet(building / DETECTORS / f"{name}.parquet")
        if model.planted is not None:
            model.planted.write_parquet(building / PLANTED)
        if model.held_out is not None:
            model.held_out.write_parquet(building / HELD_OUT)
        for file, kept in ((SLOTS, model.slots), (VOLUME, model.volume), (LINES, model.lines)):
            if kept is not None:
                kept.write_parquet(building / file)
        if model.of_logs:
            (building / LOGS).mkdir()
        for name, table in model.of_logs.items():
            table.write_parquet(building / LOGS / f"{name}.parquet")
        if model.evaluation is not None:
            (building / EVALUATION).write_text(to_json(model.evaluation), encoding="utf-8")
        for name, picture in model.pictures.items():
            (building / name).write_text(picture, encoding="utf-8")
        (building / CARD).write_text(printable(card_of(model)), encoding="utf-8")
        written = sorted(path for path in building.rglob("*") if path.is_file() and path.name != FEEDBACK)
        files = {path.relative_to(building).as_posix(): _fingerprint(path) for path in written}
        manifest = {"schema": SCHEMA, "isang": isang.__version__, "files": files}
        (building / MANIFEST).write_text(to_json(manifest), encoding="utf-8")


def card_of(model: Model) -> str:
    """The README of its folder."""
    return model_card(
        model.facts,
        templates=len(model.vocabulary.templates),
        calibration_sessions=len(model.calibration.drop_nulls()),
        alerts_per_thousand=model.config.detection.alerts_per_thousand,
        evaluation=model.evaluation,
    )


def load_model(folder: Path) -> Model:
    """Read and check a model folder, or a run folder that contains a `model`.

    Raises InputError if a file is missing, changed or damaged, or was written by another version.
    """
    folder = model_folder(folder)
    manifest = check_manifest(folder)
    files = manifest["files"]
    config, settings = read_config(folder / CONFIG, SCHEMA)
    templates = read_templates(folder / TEMPLATES)
    vocabulary = _vocabulary(templates)
    sessions, counts = from_frame(read_normal(folder / NORMAL, vocabulary.size))
    tables = {name: _detector_table(folder, name, files, vocabulary.size) for name in config["detectors"]}
    evaluated, planted = folder / EVALUATION, folder / PLANTED
    return Model(
        encoder=_encoder(folder, files, settings, vocabulary) if settings.model.encoder is not False else None,
        vocabulary=vocabulary,
        config=settings,
        rules=config["rules"],
        template_table=templates.drop("token"),
        fitted=Fitted(sessions, counts, vocabulary.size, tables),
        calibration=read_scores(folder / CALIBRATION, config["detectors"]),
        planted=read_scores(planted, config["detectors"], planted=True) if PLANTED in files else None,
        held_out=read_scores(folder / HELD_OUT, ("score",)) if HELD_OUT in files else None,
        slots=read_table(folder / SLOTS, SLOTS_SCHEMA, AGAIN) if SLOTS in files else None,
        volume=read_volume(folder / VOLUME) if VOLUME in files else None,
        lines=read_lines(folder / LINES) if LINES in files else None,
        of_logs=read_log_tables(folder, files),
        facts=config["facts"],
        evaluation=read_json(evaluated, mapping(anything), AGAIN) if EVALUATION in files else None,
    )


def rules_of(model: Model) -> Rules:
    """How raw logs become sessions for the model. Raises InputError if the model does not say."""
    return _rules(model.rules, model.template_table)


def reading_of(folder: Path) -> tuple[Rules, LogsConfig]:
    """How a model folder reads raw logs, without the rest of the model. Raises InputError as `load_model` does."""
    folder = model_folder(folder)
    check_manifest(folder)
    config, settings = read_config(folder / CONFIG, SCHEMA)
    return _rules(config["rules"], read_templates(folder / TEMPLATES).drop("token")), settings.logs


def _rules(rules: Mapping[str, Any] | None, templates: pl.DataFrame) -> Rules:
    if rules is None:
        raise InputError(
            "this model cannot read raw logs: the dataset that it was trained on has no rules in its meta.json, as it "
            "was not made by isang prepare; evaluate datasets with it, or prepare the logs and train on that dataset"
        )
    return Rules.from_dict(dict(rules), templates)


def with_evaluation(
    model: Model, evaluation: Mapping[str, Any], folder: Path, pictures: Mapping[str, str] | None = None
) -> Model:
    """The model with its newest evaluation and its pictures, written to its folder in one step."""
    evaluated = replace(model, evaluation=evaluation, pictures=pictures or {})
    save_model(evaluated, model_folder(folder), overwrite=True)
    return evaluated


def check_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a model folder, after checking every file against it."""
    if not (folder / MANIFEST).is_file():
        raise InputError(f"{folder} is not a model folder: it has no {MANIFEST}; give RUN/model of a finished training")
    manifest: dict[str, Any] = read_json(folder / MANIFEST, MANIFEST_SCHEMA, AGAIN)
    schema = manifest.get("schema")
    if schema != SCHEMA:
        raise InputError(
            f"{folder} is a model of format {schema}, written by isang {manifest.get('isang')}; "
            f"this is isang {isang.__version__}, which reads format {SCHEMA}: train again on its dataset, "
            f"which is read as before, or install that version"
        )
    files = manifest.get("files")
    if files is None or not all(name in files for name in REQUIRED):
        raise InputError(f"{folder / MANIFEST} does not list {', '.join(REQUIRED)}; the folder is damaged")
    for name, expected in files.items():
        path = folder / name
        if not _is_inside(name) or not path.is_file():
            raise InputError(f"{path} is missing though the manifest lists it; copy the whole model folder again")
        if _fingerprint(path) != expected:
            raise InputError(
                f"{path} differs from the manifest: it was changed or damaged; copy the model folder again"
            )
    return manifest


def carry_answers(earlier: Path, folder: Path) -> None:
    """Copy the answers beside an earlier model, if any, to the folder of the model that replaces it."""
    with suppress(FileNotFoundError):
        shutil.copyfile(earlier / FEEDBACK, folder / FEEDBACK)


def model_folder(folder: Path) -> Path:
    """The model folder in `folder`, which may be the model folder itself, a run folder or an output of `isang run`.

    Raises InputError if there is none.
    """
    inside = (folder, folder / "model", folder / "run" / "model")
    for candidate in inside:
        if (candidate / MANIFEST).is_file():
            return candidate
    if not folder.exists():
        raise InputError(f"no such model folder: {folder}")
    return folder


def _config(model: Model) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "settings": to_dict(model.config),
        "rules": None if model.rules is None else dict(model.rules),
        "detectors": list(model.fitted),
        "facts": dict(model.facts),
    }


def _is_inside(name: str) -> bool:
    """Whether a file that a manifest lists is one of a model folder."""
    folder, _, file = name.rpartition("/")
    return folder in ("", DETECTORS, LOGS) and Path(file).name == file and file not in ("", "..")


def _detector_table(folder: Path, name: str, files: Mapping[str, Any], size: int) -> pl.DataFrame:
    """The table of a detector; empty if it has none."""
    file = f"{DETECTORS}/{name}.parquet"
    return read_detector(folder / file, name, size) if file in files else pl.DataFrame()


def _vocabulary(templates: pl.DataFrame) -> Vocabulary:
    known = templates.filter(pl.col("token") >= len(MARKS)).unique("token", keep="first").sort("token")
    return Vocabulary(tuple(known["template"]), tuple(known["level"].fill_null("")))


def _save_weights(encoder: "Encoder", path: Path) -> None:
    from safetensors.torch import save_file

    save_file({name: part.contiguous() for name, part in encoder.state_dict().items()}, path)


def _encoder(folder: Path, files: Mapping[str, Any], config: Config, vocabulary: Vocabulary) -> "Encoder":
    if WEIGHTS not in files:
        raise InputError(f"{folder / MANIFEST} does not list {WEIGHTS}; the folder is damaged")
    import torch

    from isang.model.encoder import Encoder, weight_shapes

    weights = read_weights(folder / WEIGHTS, weight_shapes(config.model, vocabulary.size))
    encoder = Encoder(config.model, vocabulary.size)
    encoder.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
    return encoder.eval()


def _fingerprint(path: Path) -> dict[str, Any]:
    with open_regular(path) as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "bytes": file.tell()}
