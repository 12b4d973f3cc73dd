"""Secrets in texts, messages and fields are redacted before records are written."""

import json
from functools import lru_cache

import polars as pl

from isang.logs.redaction import redacted, redacted_texts

SHARED_BY, REMEMBERED = 10, 400
"""If at least SHARED_BY records share a field set on average, distinct field sets are examined once each and cached."""


def without_secrets(records: pl.DataFrame) -> pl.DataFrame:
    """Records (RECORDS_SCHEMA) with each secret as `[redacted NAME]`."""
    fields = records["fields"]
    if fields.null_count() < fields.len():
        alike = fields.drop_nulls().unique()  # records of one sender often share their fields
        if alike.len() * SHARED_BY > fields.len():
            alike = alike.filter(redacted_texts(alike) != alike)
        cleaned = {text: _without(text) for text in alike.to_list()}
        if any(text != clean for text, clean in cleaned.items()):
            fields = fields.replace(list(cleaned), list(cleaned.values()))
    text, message = records["text"], records["message"]
    if text.equals(message):
        text = redacted_texts(text)
        return records.with_columns(text, text.alias("message"), fields)
    return records.with_columns(redacted_texts(text), redacted_texts(message), fields)


@lru_cache(REMEMBERED)
def _without(fields: str) -> str:
    """Redact the fields value by value, each after its name, which shows what it is."""
    found = {}
    for name, value in json.loads(fields).items():
        cleaned = redacted(f"{name}={value}")
        found[name] = cleaned[len(name) + 1 :] if cleaned.startswith(f"{name}=") else cleaned
    return json.dumps(found, ensure_ascii=False)
