"""Secrets go before records are written: in texts, messages and fields."""

import json

import polars as pl

from isang.logs.redaction import redacted, redacted_texts


def without_secrets(records: pl.DataFrame) -> pl.DataFrame:
    """Records (RECORDS_SCHEMA) with each secret as `[redacted NAME]`."""
    fields = records["fields"]
    if fields.null_count() < fields.len():
        alike = fields.unique()  # records of one sender often share their fields
        changed = (redacted_texts(alike) != alike).fill_null(False)
        if changed.any():
            kept = alike.filter(changed)
            fields = fields.replace(kept, pl.Series([_without(text) for text in kept.to_list()]))
    text, message = records["text"], records["message"]
    if text.equals(message):
        text = redacted_texts(text)
        return records.with_columns(text, text.alias("message"), fields)
    return records.with_columns(redacted_texts(text), redacted_texts(message), fields)


def _without(fields: str) -> str:
    """Value by value, each behind its name, which tells what it is."""
    found = {}
    for name, value in json.loads(fields).items():
        cleaned = redacted(f"{name}={value}")
        found[name] = cleaned[len(name) + 1 :] if cleaned.startswith(f"{name}=") else cleaned
    return json.dumps(found, ensure_ascii=False)
