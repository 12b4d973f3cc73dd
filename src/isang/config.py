"""Every setting with its default, meaning and check. A TOML file and command line flags set the same fields."""

import dataclasses
import math
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isang.errors import InputError, UsageError
from isang.files import read_bytes


@dataclass(frozen=True)
class LogsConfig:
    """How raw logs become sessions."""

    layout: str = "auto"
    """`auto` recognises the layout of each source; or a pattern such as `<time> <level> <component>: <message>`."""
    session_by: str = "auto"
    """`auto` proposes a key; `none` uses windows; `field:NAME`; or a regular expression (its group, else its match)."""
    gap_seconds: float | None = None
    """A session also ends after this many silent seconds."""
    window_lines: int | None = None
    """Sessions of this many lines, for logs without a key."""
    window_seconds: float | None = None
    """Sessions of this many seconds, for logs without a key."""
    across_sources: bool | None = None
    """Whether a session may join lines of several logs. Unset: sessions by key may, windows stay within one log."""
    default_window_lines: int = 100
    """Maximum window if no key is found and none was requested; logs under 20,000 lines have smaller windows."""
    max_session_events: int = 512
    """Longer sessions are cut into pieces of at most this many events."""
    timezone: str = "UTC"
    """The time zone of times that do not name one."""
    date_order: str = "auto"
    """How dates of three numbers are read: `day-first`, `month-first`, `year-first`; `auto`: inferred from the
    times."""
    encoding: str = "auto"
    """Encoding of lines that are not UTF-8, such as `cp949`; `auto`: inferred from their bytes."""
    similarity: float = 0.5
    """Minimum share of equal words for Drain3 to merge two masked messages (0 to 1)."""
    tree_depth: int = 4
    """Depth of Drain3's tree."""
    max_templates: int = 10_000
    """Messages beyond this many templates become one OVERFLOW template."""
    template_words: int = 64
    """Maximum number of words of a message used for its template; the rest becomes one slot."""
    max_line_bytes: int = 65_536
    """Longer lines are truncated to this length and counted."""
    redact: bool = True
    """Whether passwords, tokens, keys, e-mail addresses, card and resident registration numbers are replaced before
    lines
    are kept or shown. Templates never keep secrets."""
    masks: tuple[tuple[str, str], ...] = ()
    """The user's own masks, (name, regular expression), applied before the built-in ones."""

    def __post_init__(self) -> None:
        _above(self, "logs", gap_seconds=0, window_lines=0, window_seconds=0, default_window_lines=0)
        _at_most(self, "logs", gap_seconds=1e9, window_seconds=1e9, window_lines=10**9, default_window_lines=10**9)
        _within(self, "logs", max_session_events=(2, 65_536), similarity=(0, 1), tree_depth=(3, 20))
        _within(self, "logs", max_templates=(1, 1_000_000), template_words=(4, 1000), max_line_bytes=(256, 64 << 20))
        if self.window_lines is not None and self.window_seconds is not None:
            raise UsageError("logs.window_lines and logs.window_seconds exclude each other; set one")
        if self.date_order not in ("auto", "day-first", "month-first", "year-first"):
            raise UsageError(
                f"logs.date_order must be auto, day-first, month-first or year-first, got {self.date_order!r}; "
                "set --date-order"
            )
        for name, pattern in self.masks:
            _regular_expression(f"logs.masks.{name}", pattern)


_BASE = {"layers": 12, "width": 768, "heads": 12, "expansion": 4}
PRESETS: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "tiny": {"model": {"layers": 2, "width": 64, "heads": 2, "expansion": 4}},
    "small": {"model": {"layers": 2, "width": 128, "heads": 4, "expansion": 2}},
    "base": {"model": _BASE},
    "reference": {
        "model": {**_BASE, "positions": 512},
        "training": {
            "epochs": 10, "min_steps": 0, "batch_size": 128, "learning_rate": 2e-5, "final_rate_fraction": 0.05,
            "warmup_fraction": 0, "weight_decay": 0.01, "clip_norm": 1.0, "patience": 0,
        },
    },
}  # fmt: skip
"""Named sets of defaults, which a file or flags override. `tiny`, `small` (the default) and `base` are model sizes.
`reference` also trains by the usual recipe for such models: 10 epochs with 128 sessions per step regardless of the
validation loss, AdamW from 2e-5 along a cosine to 1e-6 over the real number of steps."""


@dataclass(frozen=True)
class ModelConfig:
    """The encoder."""

    layers: int = 2
    """Transformer layers."""
    width: int = 128
    """Width of the hidden state."""
    heads: int = 4
    """Attention heads; they divide the width."""
    expansion: int = 2
    """Width of a layer's feed-forward network, as a multiple of the hidden state's width."""
    positions: int = 514
    """The longest sequence in tokens: the events of a session with BEGIN and END."""
    encoder: bool | None = None
    """False: no encoder is trained; only the statistical detectors judge.  None: one is trained if the log holds
    enough sessions, or if a size other than the default is asked for."""
    dropout: float = 0.1
    """Share of hidden values dropped in training."""

    def __post_init__(self) -> None:
        _within(self, "model", layers=(1, 200), width=(2, 65_536), heads=(1, 1024), positions=(4, 65_538))
        _within(self, "model", expansion=(1, 64))
        _within(self, "model", dropout=(0, 0.9))
        if self.width % self.heads:
            raise UsageError(f"model.width must be a multiple of model.heads, got {self.width} and {self.heads}")


TRACKERS = ("tensorboard", "mlflow", "trackio", "wandb")
"""Tools that a run can also be written to; each needs the extra of its name."""


@dataclass(frozen=True)
class TrainingConfig:
    """Splits, optimizer, schedule and stopping."""

    train_fraction: float = 0.5
    """Share of the sessions, the first by time, that the model may learn from; the rest is for evaluation."""
    validation_fraction: float = 0.2
    """Share of the training period, its last part, held out for validation and calibration."""
    epochs: int | None = None
    """Maximum number of passes over the training sessions.  None: up to ten, limited as in `training.plan`."""
    min_steps: int = 700
    """Minimum number of steps, about: small datasets get more epochs."""
    max_minutes: float | None = None
    """Stop after this many minutes, keeping the best weights."""
    batch_size: int | None = None
    """Sessions per step, over all processes.  None: 8 to 64, for about 700 tokens per step."""
    learning_rate: float = 1e-3
    """The peak rate, reached after the warm-up."""
    final_rate_fraction: float = 0.01
    """The rate at the last planned step, as a fraction of the peak."""
    warmup_fraction: float = 0.05
    """Fraction of the steps in which the rate rises."""
    weight_decay: float = 0.01
    """AdamW's weight decay."""
    clip_norm: float = 1.0
    """Maximum gradient norm; larger gradients are scaled down to it."""
    mask_fraction: float = 0.15
    """Share of the events that are masked and predicted."""
    patience: int = 3
    """Stop after this many epochs without a better validation loss; 0: never stop early."""
    validation_steps: int | None = None
    """Steps between validations within an epoch.  None: chosen so that they take about 5 % of the time."""
    tokens_per_pass: int = 32_768
    """Maximum tokens per forward and backward pass in one process; larger batches take several passes."""
    processes: int = 1
    """Number of processes on this machine; each batch is divided among them."""
    track: str | None = None
    """Also write to `tensorboard`, `mlflow`, `trackio` or `wandb`."""
    checkpoint_minutes: float = 5.0
    """Maximum time between checkpoints; one is also written at the end of each epoch."""
    seed: int = 0
    """Seed of the weights, the order and the masks."""

    def __post_init__(self) -> None:
        _within(self, "training", train_fraction=(0.01, 1), validation_fraction=(0.01, 0.9), warmup_fraction=(0, 0.9))
        _within(self, "training", epochs=(1, 100_000), min_steps=(0, 10**9), batch_size=(1, 10**6), patience=(0, 10**6))
        _within(self, "training", mask_fraction=(0.01, 0.9), seed=(0, 2**31 - 1))
        _above(self, "training", max_minutes=0, learning_rate=0, clip_norm=0, checkpoint_minutes=0)
        _within(self, "training", final_rate_fraction=(0, 1), weight_decay=(0, 10), processes=(1, 4096))
        _above(self, "training", validation_steps=0, tokens_per_pass=0)
        _at_most(self, "training", max_minutes=1e7, learning_rate=1e3, clip_norm=1e9, checkpoint_minutes=1e7)
        _at_most(self, "training", validation_steps=10**9, tokens_per_pass=10**9)
        if self.track is not None and self.track not in TRACKERS:
            raise UsageError(f"training.track must be one of {', '.join(TRACKERS)}, got {self.track!r}")


@dataclass(frozen=True)
class DetectionConfig:
    """Thresholds and reasons."""

    alerts_per_thousand: float = 1.0
    """The alert budget: false alarms per 1,000 normal sessions; a burst of similar ones counts once."""
    contamination: float = 0.01
    """Share of the training sessions not labelled normal that may be anomalies: the most unusual ones are ignored when
    thresholds are set. If most sessions are labelled normal, any number of the others may be; 0: none is."""
    rewordings: bool = True
    """Whether new templates are matched to known ones that a new release has reworded, if all evidence supports it."""
    reasons: int = 5
    """Maximum number of reasons given for an anomaly."""

    def __post_init__(self) -> None:
        _above(self, "detection", alerts_per_thousand=0)
        _within(self, "detection", alerts_per_thousand=(0, 1000), contamination=(0, 0.1), reasons=(1, 100))


@dataclass(frozen=True)
class LifecycleConfig:
    """How the service keeps sessions and replaces its model."""

    promote: str = "person"
    """Who promotes a candidate: `person`, or `auto` once it has passed the gates and shadow mode."""
    half_life_days: float = 14.0
    """When a candidate is trained, half of the sessions of this age are left out."""
    keep_days: float = 30.0
    """Days that judged sessions, and resolved incidents with their lines, are kept; after that they expire."""
    keep_mib: int = 1024
    """Maximum space for kept sessions, in MiB."""

    def __post_init__(self) -> None:
        if self.promote not in ("person", "auto"):
            raise UsageError(f"lifecycle.promote must be person or auto, got {self.promote!r}")
        _above(self, "lifecycle", half_life_days=0, keep_days=0, keep_mib=0)
        _at_most(self, "lifecycle", half_life_days=1e5, keep_days=1e5, keep_mib=10**9)


@dataclass(frozen=True)
class Config:
    """All settings, one section per stage."""

    logs: LogsConfig = field(default_factory=LogsConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    detection: DetectionConfig = field(default_factory=DetectionConfig)
    lifecycle: LifecycleConfig = field(default_factory=LifecycleConfig)


MOST_SETTINGS_BYTES = 1 << 20
"""Maximum size of a settings file; a real one has a few hundred bytes."""
MAY_CHANGE_ON_RESUME = ("max_minutes", "checkpoint_minutes", "patience", "processes", "tokens_per_pass", "track")
"""Settings under [training] that may differ when an attempt is resumed: they decide when it ends and how its work is
divided. All others decide what it computes."""

FLAGS = {
    "gap_seconds": "gap", "window_lines": "window", "window_seconds": "window",
    **{name: name.replace("_", "-") for name in (
        "train_fraction", "epochs", "max_minutes", "patience", "batch_size", "learning_rate", "processes", "seed",
        "alerts_per_thousand",
    )},
}  # fmt: skip
"""The settings with a range that the command line can set, and the flag of each."""


def load(path: Path | None = None, flags: Mapping[str, Mapping[str, Any]] | None = None) -> Config:
    """The defaults, overridden by the TOML file at `path`, overridden by the flags.

    `flags` is {section: {field: value}}; None means not given.
    Raises UsageError for an unknown section or field, a wrong type, or a value out of its range.
    """
    given: dict[str, Any] = _read_toml(path) if path else {}
    for section, values in (flags or {}).items():
        below = given.get(section, {})
        if isinstance(below, Mapping):  # anything else is refused below
            given[section] = {**below, **{name: value for name, value in values.items() if value is not None}}
    return from_dict(given)


def from_dict(given: Mapping[str, Mapping[str, Any]]) -> Config:
    """A checked Config from nested mappings; missing values take their defaults."""
    sections = {section.name: section for section in dataclasses.fields(Config)}
    _known("section", given, sections)
    hints = typing.get_type_hints(Config)
    return Config(**{name: _section(hints[name], name, values) for name, values in _over_preset(given).items()})


def to_dict(config: Any) -> dict[str, Any]:
    """Nested plain values, as `from_dict` accepts them."""
    return dataclasses.asdict(config)


def deciding(training: TrainingConfig) -> TrainingConfig:
    """The settings without those that may change when an attempt is resumed."""
    usual = TrainingConfig()
    return dataclasses.replace(training, **{name: getattr(usual, name) for name in MAY_CHANGE_ON_RESUME})


def _over_preset(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, completed with those of the preset named under [model]."""
    over = dict(given)
    model = given.get("model")
    if isinstance(model, Mapping) and "preset" in model:
        preset = model["preset"]
        if not isinstance(preset, str) or preset not in PRESETS:
            raise UsageError(f"model.preset must be one of {', '.join(PRESETS)}, got {preset!r}")
        over["model"] = {name: value for name, value in model.items() if name != "preset"}
        for section, below in PRESETS[preset].items():
            values = over.get(section, {})
            over[section] = {**below, **values} if isinstance(values, Mapping) else values
    return over


def _section(kind: type[Any], name: str, values: Any) -> Any:
    if not isinstance(values, Mapping):
        raise UsageError(f"[{name}] must be a section of settings, got {values!r}")
    hints = typing.get_type_hints(kind)
    _known(f"setting in [{name}]", values, hints)
    return kind(**{key: _typed(f"{name}.{key}", hints[key], value) for key, value in values.items()})


def _known(what: str, given: Mapping[str, Any], allowed: Mapping[str, Any]) -> None:
    for name in given:
        if name not in allowed:
            raise UsageError(f"unknown {what}: {name!r}; known are {', '.join(allowed)}")


def _typed(name: str, hint: Any, value: Any) -> Any:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None and type(None) in options:
        return None
    if name == "logs.masks":
        pairs = list(value.items()) if isinstance(value, Mapping) else value
        if not isinstance(pairs, list | tuple) or not all(isinstance(p, list | tuple) and len(p) == 2 for p in pairs):
            raise UsageError(f"{name} must be a section of names with regular expressions, got {value!r}")
        return tuple((str(mask), str(pattern)) for mask, pattern in pairs)
    if float in options and isinstance(value, int) and not isinstance(value, bool):
        try:
            value = float(value)
        except OverflowError as error:
            raise UsageError(f"{name} is far too large, got an integer of {value.bit_length():,} bits") from error
    if not isinstance(value, tuple(option for option in options if isinstance(option, type))) or (
        isinstance(value, bool) and bool not in options
    ):
        wanted = " or ".join(option.__name__ for option in options if option is not type(None))
        raise UsageError(f"{name} must be a value of type {wanted}, got {value!r}")
    return value


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_bytes(path, MOST_SETTINGS_BYTES, pipes=True).decode("utf-8"))
    except InputError as error:
        raise UsageError(f"settings: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{path} is nested too deeply for settings") from error
    except ValueError as error:  # also a number of thousands of digits
        raise UsageError(f"{path} is not a TOML file: {str(error).split('; use sys.set_int')[0]}") from error


def _above(config: Any, section: str, **bounds: float) -> None:
    for name, bound in bounds.items():
        value = getattr(config, name)
        if value is not None and not (math.isfinite(value) and value > bound):
            raise UsageError(f"{section}.{name} must be > {bound}, got {value}; {_how(section, name)}")


def _at_most(config: Any, section: str, **bounds: float) -> None:
    for name, bound in bounds.items():
        value = getattr(config, name)
        if value is not None and value > bound:
            raise UsageError(f"{section}.{name} must be at most {bound:g}, got {value}; {_how(section, name)}")


def _within(config: Any, section: str, **ranges: tuple[float, float]) -> None:
    for name, (low, high) in ranges.items():
        value = getattr(config, name)
        if value is not None and not low <= value <= high:
            raise UsageError(f"{section}.{name} must be from {low} to {high}, got {value}; {_how(section, name)}")


def _how(section: str, name: str) -> str:
    setting = f"{name} under [{section}] in the settings file"
    return f"set --{FLAGS[name]} or {setting}" if name in FLAGS else f"set {setting}"


def _regular_expression(name: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{name} must be a regular expression, got {pattern!r}: {error}") from error
