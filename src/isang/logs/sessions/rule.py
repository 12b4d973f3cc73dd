"""Records to sessions: by identifier, silence, or window of lines or seconds."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import polars as pl

NO_KEYS = ("null", "none", "nil", "undefined", "unknown", "n/a", "-", "")
"""Values of an identifier that mean "none"."""


@dataclass(frozen=True)
class SessionRule:
    """What makes the records of one session."""

    kind: Literal["key", "lines", "seconds", "gap"]
    reason: str
    """Why this rule, in one sentence for people."""
    reason_ko: str = ""
    """The same in Korean; empty in rules of earlier versions."""
    pattern: str | None = None
    """kind key: a regular expression (Rust) whose group, or whole match, is the key; searched in the whole line."""
    size: float | None = None
    """kind lines: records per window; kind seconds: seconds per window."""
    gap_seconds: float | None = None
    """A session also ends after this many silent seconds."""
    across_sources: bool | None = None
    """Whether a session may join lines of several logs; None: those of kind key may, the others may not."""

    @property
    def joins_sources(self) -> bool:
        """`across_sources`, or the default of the kind."""
        return self.kind == "key" if self.across_sources is None else self.across_sources

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `from_dict` takes them."""
        return {name: value for name, value in asdict(self).items() if name != "reason_ko" or value}

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> "SessionRule":
        """Raises TypeError for unknown names."""
        return cls(**given)


def keys_of(texts: pl.Series, pattern: str) -> pl.DataFrame:
    """(`row`, `key`) for every identifier that a line names; a line that names several stands once for each."""
    found = keys_in_order(texts, pattern)
    return found if found["row"].is_unique().all() else found.unique(maintain_order=True)


def keys_in_order(texts: pl.Series, pattern: str) -> pl.DataFrame:
    """The same with identifiers that a line names several times, in the order in which they stand there."""
    has_group = pl.Series([""]).str.extract_groups(pattern).struct.fields
    found = texts.to_frame("text").select(
        row=pl.int_range(pl.len(), dtype=pl.UInt32),
        key=pl.col("text").str.extract_all(pattern),
    ).filter(pl.col("key").list.len() > 0)  # fmt: skip
    found = found.explode("key")
    if has_group:
        found = found.with_columns(pl.col("key").str.extract(pattern, 1))
    return found.filter(pl.col("key").is_not_null() & ~pl.col("key").str.to_lowercase().is_in(NO_KEYS))
