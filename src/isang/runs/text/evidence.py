"""The evidence of a finding in words: names and values, for people."""

from collections.abc import Mapping
from typing import Any

from isang.runs.findings import Language
from isang.runs.text import messages_ko
from isang.runs.text.writing import NO_VALUE

SHOWN = 8
"""Entries of a list that the report shows; report.json holds them all."""
DEPTH = 3
"""Values nested deeper are shown as they stand."""
LONG = 44
"""Longer values take a line of their own."""

_YES_NO: Mapping[Language, tuple[str, str]] = {"en": ("yes", "no"), "ko": ("예", "아니요")}


def evidence_rows(evidence: Mapping[str, Any], language: Language) -> list[tuple[str, str, bool]]:
    """Name, value and whether the value is long, for all that is known; long lists are cut, and say so."""
    rows = []
    for name, value in evidence.items():
        if value is None or value == [] or value == {}:
            continue
        text = written(value, str(name), language)
        if not text:  # a mapping of unknown values alone
            continue
        rows.append((shown_name(str(name), language), text, len(text) > LONG))
    return rows


def shown_name(name: str, language: Language) -> str:
    """The name of a piece of evidence as people read it."""
    return messages_ko.NAMES.get(name, name.replace("_", " ")) if language == "ko" else name.replace("_", " ")


def written(value: Any, name: str, language: Language, depth: int = 0) -> str:
    """A JSON value in words; `name` is its key."""
    if value is None:
        return NO_VALUE
    if isinstance(value, bool):
        return _YES_NO[language][0 if value else 1]
    if isinstance(value, str):
        return messages_ko.VALUES.get(value, value) if language == "ko" else value
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e12 else f"{value:.4g}"
    if isinstance(value, Mapping) and depth < DEPTH:
        known = ((str(key), inner) for key, inner in value.items() if inner is not None)
        return ", ".join(
            f"{shown_name(key, language)} {written(inner, key, language, depth + 1)}" for key, inner in known
        )
    if isinstance(value, list | tuple) and depth < DEPTH:
        return _listed(value, name, language, depth)
    return str(value)


def _listed(values: list[Any] | tuple[Any, ...], name: str, language: Language, depth: int) -> str:
    parts = [written(entry, name, language, depth + 1) for entry in values[:SHOWN]]
    if len(values) == 2 and "interval" in name:
        return " … ".join(parts)
    if len(values) > SHOWN:
        parts.append(f"… (+{len(values) - SHOWN:,})")
    return ("; " if any(isinstance(entry, Mapping) for entry in values) else ", ").join(parts)
