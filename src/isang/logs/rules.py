"""How logs were prepared, so that other logs can be prepared in the same way."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from isang.config import LogsConfig
from isang.errors import InputError, UsageError
from isang.json_files import flag, items, maybe, number, one_of, record, text
from isang.languages import Both
from isang.logs.parsing import masks
from isang.logs.parsing.known_layouts import KNOWN, KnownLayout
from isang.logs.parsing.regex import check_expression
from isang.logs.sessions.rule import SessionRule
from isang.logs.store import TEMPLATES_SCHEMA, Dataset

SCHEMA = 1
READERS = 2
"""Rises when lines come to be read as other messages, or messages as other events, than before."""


def _session(value: Any, name: str) -> None:
    """A session rule whose kind has what it needs."""
    _SESSION(value, name)
    if value["kind"] == "key":
        text(value.get("pattern"), f"{name}.pattern")
    if value["kind"] in ("lines", "seconds"):
        number(1 if value["kind"] == "lines" else 1e-3, 1e9)(value.get("size"), f"{name}.size")
    if value["kind"] == "gap":
        _SPAN(value.get("gap_seconds"), f"{name}.gap_seconds")


_SPAN = number(1e-6, 1e9)
_SESSION = record(
    {"kind": one_of("key", "lines", "seconds", "gap"), "reason": text},
    {
        "reason_ko": text,
        "pattern": maybe(text),
        "size": maybe(number()),
        "gap_seconds": maybe(_SPAN),
        "across_sources": maybe(flag),
    },
    closed=True,
)
RULES = record(
    {
        "schema": one_of(SCHEMA),
        "session": _session,
        "masks": items(items(text, 2)),
        "similarity": number(0, 1),
        "tree_depth": number(3, 20, whole=True),
        "max_templates": number(1, 1_000_000, whole=True),
        "template_words": number(4, 1000, whole=True),
        "max_session_events": number(2, 65_536, whole=True),
    },
    {"layouts": items(KNOWN), "readers": number(1, 1_000_000, whole=True)},
    closed=True,
)
"""The schema of the rules in meta.json and in a model's config.json."""


@dataclass(frozen=True)
class Rules:
    """What a trained model needs to see new logs as it saw those that it learned from."""

    session: SessionRule
    masks: tuple[tuple[str, str], ...]
    """(name, regular expression), the user's before the built-in ones."""
    similarity: float
    tree_depth: int
    max_templates: int
    template_words: int
    max_session_events: int
    templates: pl.DataFrame
    """The known events, see store.TEMPLATES_SCHEMA."""
    layouts: tuple[KnownLayout, ...] = ()
    """How the logs were read; further ones are read so too."""
    readers: int = READERS
    """Which version of the readers, READERS, these rules come from."""

    def of_other_readers(self) -> Both | None:
        """One sentence where another version of isang made these rules and may read the same lines otherwise."""
        if self.readers == READERS:
            return None
        return Both(
            f"the model was made by version {self.readers} of the readers of logs and this is version {READERS}: some "
            "lines may be read as other events than those that it learned, and be called unseen; train again",
            f"모델은 로그 판독기 버전 {self.readers}에서 만들어졌고 지금 버전은 {READERS}입니다. 학습 때와 다른 "
            "이벤트로 읽혀 처음 보는 줄로 판정되는 줄이 있을 수 있으니 다시 학습하세요",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values without the templates."""
        return {
            "schema": SCHEMA,
            "readers": self.readers,
            "session": self.session.to_dict(),
            "masks": [list(mask) for mask in self.masks],
            "similarity": self.similarity,
            "tree_depth": self.tree_depth,
            "max_templates": self.max_templates,
            "template_words": self.template_words,
            "max_session_events": self.max_session_events,
            "layouts": [layout.to_dict() for layout in self.layouts],
        }

    @classmethod
    def from_dict(cls, given: dict[str, Any], templates: pl.DataFrame) -> "Rules":
        """Rules from plain values. Raises InputError if they are not rules of this version."""
        try:
            RULES(given, "rules")
            masks.compiled(given["masks"])
            layouts = tuple(map(KnownLayout.from_dict, given.get("layouts", ())))
            if given["session"].get("pattern") is not None:
                check_expression("rules.session.pattern", given["session"]["pattern"])
        except (ValueError, UsageError) as error:
            raise InputError(f"the rules of preparation cannot be used: {error}; prepare and train again") from error
        plain = {name: value for name, value in given.items() if name not in ("schema", "session", "masks", "layouts")}
        plain.setdefault("readers", 1)  # before they were numbered
        pairs = tuple((name, pattern) for name, pattern in given["masks"])
        session = SessionRule.from_dict(given["session"])
        return cls(session=session, masks=pairs, templates=templates, layouts=layouts, **plain)

    @classmethod
    def of(cls, dataset: Dataset) -> "Rules":
        """The rules that made a dataset. Raises InputError for one that was not made from logs."""
        if "rules" not in dataset.meta:
            raise InputError("this dataset was not prepared from logs by isang, so it has no rules for further logs")
        return cls.from_dict(dataset.meta["rules"], dataset.templates)

    @classmethod
    def new(cls, config: LogsConfig, session: SessionRule) -> "Rules":
        """The rules from the settings, without any known templates."""
        return cls(
            session=session,
            masks=(*config.masks, *masks.BUILT_IN),
            similarity=config.similarity,
            tree_depth=config.tree_depth,
            max_templates=config.max_templates,
            template_words=config.template_words,
            max_session_events=config.max_session_events,
            templates=pl.DataFrame(schema=TEMPLATES_SCHEMA),
        )
