"""How logs were prepared, so that other logs can be prepared in the same way."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from isang.config import LogsConfig
from isang.errors import InputError
from isang.logs.parsing import masks
from isang.logs.parsing.known_layouts import KnownLayout
from isang.logs.sessions.rule import SessionRule
from isang.logs.store import TEMPLATES_SCHEMA, Dataset

SCHEMA = 1


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

    def to_dict(self) -> dict[str, Any]:
        """Plain values without the templates."""
        return {
            "schema": SCHEMA,
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
        """Raises InputError for values that are no rules of this version."""
        if not isinstance(given, dict) or given.get("schema") != SCHEMA:
            raise InputError(f"the rules of preparation must have schema {SCHEMA}; prepare and train again")
        try:
            rules = cls(
                session=SessionRule.from_dict(given["session"]),
                masks=tuple((str(name), str(pattern)) for name, pattern in given["masks"]),
                similarity=float(given["similarity"]),
                tree_depth=int(given["tree_depth"]),
                max_templates=int(given["max_templates"]),
                template_words=int(given["template_words"]),
                max_session_events=int(given["max_session_events"]),
                templates=templates,
                layouts=tuple(map(KnownLayout.from_dict, given.get("layouts", ()))),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the rules of preparation are incomplete: {error!r}; prepare and train again") from error
        masks.compiled(rules.masks)
        return rules

    @classmethod
    def of(cls, dataset: Dataset) -> "Rules":
        """The rules that made a dataset. Raises InputError for one that was not made from logs."""
        if "rules" not in dataset.meta:
            raise InputError("this dataset was not prepared from logs by isang, so it has no rules for further logs")
        return cls.from_dict(dataset.meta["rules"], dataset.templates)

    @classmethod
    def new(cls, config: LogsConfig, session: SessionRule) -> "Rules":
        """The rules that the settings stand for; no template is known yet."""
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
