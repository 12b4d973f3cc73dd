"""What a model learned about logs as a whole, besides sessions: the tables in the folder `logs` of a model folder."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from isang.errors import InputError
from isang.model.folder.schema import AGAIN, MOST_COUNT, read_lines
from isang.parquet_files import read_table

FOLDER = "logs"
LOUD_LINES, NUMBERS, VALUE_LINES = "loud_lines", "numbers", "value_lines"
LOG_TABLES: Mapping[str, Mapping[str, pl.DataType]] = {
    LOUD_LINES: {
        "series": pl.String(), "loudness": pl.Int64(), "pieces": pl.List(pl.Int64()), "lines": pl.List(pl.Int64()),
    },
    NUMBERS: {
        "template": pl.String(), "slot": pl.Int32(), "name": pl.String(), "unit": pl.String(), "of": pl.Int64(),
        "share": pl.Float64(),
        "numbers": pl.List(pl.Float64()),
    },
}  # fmt: skip
"""The columns of each table: non-negative numbers, except for those in SIGNED. VALUE_LINES is
as lines.parquet."""
SIGNED = ("numbers",)


def read_log_tables(folder: Path, files: Mapping[str, object]) -> dict[str, pl.DataFrame]:
    """The tables in a model folder. Raises InputError if one has content that isang never writes."""
    found = {name: f"{FOLDER}/{name}.parquet" for name in LOG_TABLES}
    tables = {name: _read(folder / file, LOG_TABLES[name]) for name, file in found.items() if file in files}
    values = f"{FOLDER}/{VALUE_LINES}.parquet"
    return tables | ({VALUE_LINES: read_lines(folder / values)} if values in files else {})


def _read(path: Path, columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    table: pl.DataFrame = read_table(path, columns, AGAIN)
    if table.is_empty():
        raise InputError(f"{path}: there must be rows; {AGAIN}")
    for name in columns:
        values = table[name].explode() if table[name].dtype == pl.List else table[name]
        if values.dtype.is_numeric():
            least = -MOST_COUNT if name in SIGNED else 0
            known = values.drop_nulls().cast(pl.Float64)
            if not (known.is_between(least, MOST_COUNT) & known.is_finite()).all():
                raise InputError(f"{path}: {name} must be from {least} to {MOST_COUNT}; {AGAIN}")
    return table
