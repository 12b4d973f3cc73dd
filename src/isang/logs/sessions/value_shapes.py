"""The shapes of identifiers, as regular expressions."""

import polars as pl

_LETTERS = ("0-9", "0-9a-f", "0-9a-f-", "0-9A-Za-z", "0-9A-Za-z_-", "0-9A-Za-z_+/-")


def value_shape(values: pl.Series) -> str:
    """An expression for values like these, no wider than they need; it takes them whole."""
    parts = values.str.replace(r"[.:].*$", "")
    shortest, longest = int(parts.str.len_chars().min()), int(parts.str.len_chars().max())  # type: ignore[arg-type]
    letters = next((each for each in _LETTERS if values.str.contains(rf"^[.:{each}]+$").all()), _LETTERS[-1])
    repeat = f"{{{shortest}}}" if shortest == longest else f"{{{shortest},{max(longest, 64)}}}"
    joined = rf"(?:[.:][{letters}]+)*" if (values != parts).any() else ""
    return rf"[{letters}]{repeat}{joined}"
