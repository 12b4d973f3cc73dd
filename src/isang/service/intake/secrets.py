"""Secrets go before records are written: in texts, messages and fields."""

import json

import polars as pl

from isang.logs.redaction import redacted, redacted_texts


def without_secrets(records: pl.DataFrame) -> pl.DataFrame:
    """Records (RECORDS_SCHEMA) with each secret as `[redacted NAME]`."""
    fields = records["fields"]
    if fields.null_count() < fields.len():
        changed = (redacted_texts(fields) != fields).fill_null(False)
        if changed.any():
            cleaned = [_without(text) for text in fields.filter(changed).to_list()]
            fields = fields.scatter(changed.arg_true(), cleaned)
    return records.with_columns(redacted_texts(records["text"]), redacted_texts(records["message"]), fields)


def _without(fields: str) -> str:
    """Value by value, each behind its name, which tells what it is."""
    found = {}
    for name, value in json.loads(fields).items():
        cleaned = redacted(f"{name}={value}")
        found[name] = cleaned[len(name) + 1 :] if cleaned.startswith(f"{name}=") else cleaned
    return json.dumps(found, ensure_ascii=False)
