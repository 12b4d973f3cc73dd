"""The settings of a run, from the file that its tool wrote beside the log."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILES = (
    "hparams.yaml", "args.yaml", "config.yaml", "hparams.json", "args.json", "params.json", "config.json",
    "training_args.json",
)  # fmt: skip
"""Names that tools give to a file of settings, the surest first."""
INSIDE = ("", "files", ".hydra")
"""Where in a run's folder it stands."""
MOST_BYTES = 1 << 18
MOST_SETTINGS = 300
MOST_CHARACTERS = 80
DEEPEST = 6
_LINE = re.compile(r"^(?P<indent> *)(?P<name>[\w./-]{1,80}):(?:[ \t]+(?P<value>.*))?$")
_ASIDE = re.compile(r"(^|\.)(_wandb|wandb_version|desc)(\.|$)")


def settings_of(home: Path, within: Path) -> dict[str, str]:
    """Dotted names and values of the settings in the nearest such file from a run's folder up to the folder `within`.

    Empty if there is none, or none that can be read: settings are only shown beside the verdicts.
    """
    for folder in (home, *home.parents):
        if not folder.is_relative_to(within):
            break
        for path in (folder / inside / name for inside in INSIDE for name in FILES):
            if path.is_file() and (found := _read(path)):
                return found
    return {}


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            return {}
        text = content.decode("utf-8", "replace")
        named = _flat(json.loads(text)) if path.suffix == ".json" else _of_yaml(text)
        kept: dict[str, str] = {}
        for name, value in named:
            if len(kept) < MOST_SETTINGS and not _ASIDE.search(name):
                kept[name.removesuffix(".value")] = value[:MOST_CHARACTERS]
    except (OSError, ValueError, RecursionError):
        return {}
    return kept


def _flat(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """The scalars of nested mappings, by dotted names."""
    if isinstance(value, dict) and depth < DEEPEST:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif name and isinstance(value, str | int | float | bool):
        yield name, str(value)


def _of_yaml(text: str) -> Iterator[tuple[str, str]]:
    """The scalars in the mappings of a YAML text, by dotted names; lists and multi-line texts are ignored."""
    open_names: list[tuple[int, str]] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        indent, value = len(match["indent"]), (match["value"] or "").split(" #")[0].strip()
        while open_names and open_names[-1][0] >= indent:
            open_names.pop()
        open_names.append((indent, match["name"]))
        if value and value[0] not in "|>&*[{!":
            yield ".".join(name for _, name in open_names), value.strip("\"'")
