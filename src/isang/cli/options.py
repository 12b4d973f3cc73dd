"""The options that several sub-commands share, and the parsing of their values."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from isang.errors import UsageError

Logs = Annotated[list[str], typer.Argument(help="Log files, folders or globs; '-' is standard input.", metavar="LOGS")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings in a TOML file; flags win over it.", metavar="FILE")
]
Labels = Annotated[
    Path | None, typer.Option(help="Which sessions are anomalous: a CSV with an id and a label column.", metavar="FILE")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace earlier results, once the new ones are complete.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Take up an attempt that was cut off.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Print all that is known, not only what matters most.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Layout = Annotated[
    str | None,
    typer.Option(
        metavar="PATTERN",
        help="The line layout, such as '<time> <level> <component>: <message>'.  [default: recognised]",
    ),
]
SessionBy = Annotated[
    str | None,
    typer.Option(
        metavar="KEY",
        help="What joins lines to a session: a regular expression with one group, field:NAME, or none.  "
        "[default: proposed from the lines]",
    ),
]
Gap = Annotated[
    str | None, typer.Option(metavar="TIME", help="A session also ends after a silence this long, such as 60s or 5m.")
]
Window = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="Sessions of a number of lines (100) or a length of time (5m).  [default: 100 lines if there is no key]",
    ),
]
AcrossSources = Annotated[
    bool | None,
    typer.Option(
        "--across-sources/--per-source",
        help="Whether a session may join lines of several logs.  [default: sessions by key do, windows do not]",
    ),
]
Timezone = Annotated[str | None, typer.Option(metavar="ZONE", help="The zone of times that name none.  [default: UTC]")]
DateOrder = Annotated[
    Literal["day-first", "month-first", "year-first"] | None,
    typer.Option(
        help="How dates of three numbers such as 05/06/2026 are read.  [default: inferred from the log's times]"
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The encoding of lines that are not UTF-8, such as cp949.  [default: guessed]"),
]
Masks = Annotated[
    list[str] | None,
    typer.Option("--mask", metavar="NAME=REGEX", help="What varies in messages besides the usual; may be repeated."),
]
NoRedact = Annotated[
    bool, typer.Option("--no-redact", help="Keep passwords, tokens, e-mail and card numbers in lines and session ids.")
]
TrainFraction = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="First part of the sessions, by time, to learn from.  [default: 0.5]"),
]
Preset = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Size of the model: tiny, small or base; reference is base with the usual recipe: 10 epochs, batches of "
        "128, rate 2e-5, no early stop.  [default: small]",
    ),
]
Epochs = Annotated[
    int | None, typer.Option(metavar="N", help="Passes over the training sessions; more for small data.  [default: 10]")
]
MaxMinutes = Annotated[
    float | None, typer.Option(metavar="N", help="Stop training after this many minutes, keeping the best weights.")
]
NoEncoder = Annotated[
    bool,
    typer.Option("--no-encoder", help="Train no encoder: the statistical detectors judge alone, after seconds."),
]
Alerts = Annotated[
    float | None,
    typer.Option(
        "--alerts-per-thousand", metavar="N", help="False alarms allowed per 1,000 normal sessions.  [default: 1]"
    ),
]
NoRewordings = Annotated[
    bool, typer.Option("--no-rewordings", help="Take no new line for a known one that a new release has reworded.")
]
Onnx = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Score with what isang export wrote of this model; needs isang[onnx].  [default: with torch]",
    ),
]
Engine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="ray[=WHERE]",
        help="Spread the work with Ray: ray, ray=WORKERS on this machine, or ray=HOST:PORT of a cluster; needs "
        "isang[ray].  [default: this process alone]",
    ),
]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Seed of weights, order and masks.  [default: 0]")]
Lang = Annotated[
    Literal["ko", "en"] | None,
    typer.Option("--lang", help="Language of the report.  [default: the locale's]"),
]
PageLang = Annotated[
    Literal["ko", "en"] | None, typer.Option("--lang", help="Language of the pages.  [default: the locale's]")
]


def log_flags(
    layout: str | None,
    session_by: str | None,
    gap: str | None,
    window: str | None,
    across_sources: bool | None,
    timezone: str | None,
    masks: list[str] | None,
    date_order: str | None = None,
    encoding: str | None = None,
) -> dict[str, Any]:
    """The settings under [logs] from these options. Raises UsageError for an invalid duration, size or mask."""
    flags: dict[str, Any] = {
        "layout": layout, "session_by": session_by, "across_sources": across_sources, "timezone": timezone,
        "date_order": date_order, "encoding": encoding,
    }  # fmt: skip
    if masks:
        flags["masks"] = [_mask(given) for given in masks]
    if gap is not None:
        flags["gap_seconds"] = seconds("--gap", gap)
    if window is not None and re.fullmatch("[0-9]{1,12}", window):
        flags["window_lines"] = int(window)
    elif window is not None:
        flags["window_seconds"] = seconds("--window", window, or_else="a number of lines such as 100, or ")
    return flags


def _mask(given: str) -> tuple[str, str]:
    name, equals, pattern = given.partition("=")
    if not (equals and name.isidentifier() and pattern):
        raise UsageError(f"--mask must be NAME=REGEX, such as order='ORD-[A-Z]+', got {given!r}")
    return name, pattern


def seconds(flag: str, text: str, *, or_else: str = "") -> float:
    """A duration such as 60s or 5m, the value of `flag`, in seconds. Raises UsageError if it is not one.

    `or_else`: what else is allowed there, for the message.
    """
    found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)(ms|s|m|h|d)", text)
    if not found:
        raise UsageError(f"{flag} must be {or_else}a duration such as 60s, 5m or 1h, got {text!r}")
    return float(found[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}[found[2]]


LISTEN = "127.0.0.1:8765"
"""The default address of the service."""
