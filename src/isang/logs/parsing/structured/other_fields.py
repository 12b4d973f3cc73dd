"""Fields of structured lines that are neither time, level, message nor part of the message."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

import polars as pl

from isang.logs.parsing.layouts import Layout
from isang.logs.parsing.structured import fields
from isang.logs.parsing.structured.json_fields import flattened

MOST_FIELDS = 20
"""Maximum number of fields kept per line, and of characters per value: longer ones are not one of few words."""
MOST_CHARACTERS = 60
_IN_MESSAGE = frozenset(
    (*fields.TIMES, *fields.LEVELS, *fields.MESSAGES, *fields.TELLING, *fields.WITHIN, "logdesc", "tz", "caller")
)
_PAIR = re.compile(r'(?:^|\s)(?P<name>[A-Za-z_][\w.-]*)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^"\s]\S*))')


def other_fields(texts: pl.Series, layouts: Sequence[Layout]) -> pl.Series:
    """For each line a JSON object {path: value as text} of its other fields; null where it has none."""
    read_by = [layout for outer in layouts for layout in (outer, outer.inside) if layout is not None]
    kinds = {layout.kind for layout in read_by} & {"json", "logfmt"}
    if not kinds:
        return pl.repeat(None, texts.len(), dtype=pl.String, eager=True)
    aliases = {path for layout in read_by for path, _ in layout.aliases}
    found = ({**_of_json(text, aliases), **_of_logfmt(text, kinds)} if text else {} for text in texts.to_list())
    return pl.Series([json.dumps(each, ensure_ascii=False) if each else None for each in found], dtype=pl.String)


def _of_json(text: str, aliases: Collection[str]) -> Mapping[str, str]:
    try:
        value = json.loads(text[text.index("{") :])
    except (ValueError, RecursionError):
        return {}
    return dict(list(_words(value, aliases))[:MOST_FIELDS]) if isinstance(value, dict) else {}


def _words(value: Mapping[str, object], aliases: Collection[str]) -> Iterator[tuple[str, str]]:
    for path, each in flattened(value):
        if path in aliases or path in _IN_MESSAGE or path.split(".")[0] in fields.WITHIN:
            continue
        word = str(each).lower() if isinstance(each, bool) else str(each)
        if not isinstance(each, list) and 0 < len(word) <= MOST_CHARACTERS:
            yield path, word


def _of_logfmt(text: str, kinds: Collection[str]) -> Mapping[str, str]:
    if "logfmt" not in kinds:
        return {}
    pairs = ((match["name"], match["quoted"] or match["bare"] or "") for match in _PAIR.finditer(text))
    found = {name: value for name, value in pairs if name not in _IN_MESSAGE and 0 < len(value) <= MOST_CHARACTERS}
    return dict(list(found.items())[:MOST_FIELDS])
