"""Many texts in little memory: compressed in blocks, found again by their numbers."""

import io
from collections.abc import Collection, Iterable
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.parquet_files import FREE_VALUES, VALUES_PER_BYTE, footer_of

BLOCK_BYTES = 1 << 20
"""Texts of about this size are compressed together."""
Numbers = NDArray[np.int64]
TEXTS_SCHEMA = pl.Schema({"number": pl.Int64(), "text": pl.String()})


class TextBlock(NamedTuple):
    """Texts with numbers that follow those of the block before."""

    first: int
    last: int
    size: int
    packed: bytes
    """TEXTS_SCHEMA, numbers rising."""

    @classmethod
    def of(cls, texts: pl.DataFrame) -> "TextBlock":
        """`texts` (TEXTS_SCHEMA, numbers rising), which must not be empty."""
        buffer = io.BytesIO()
        texts.write_parquet(buffer, compression="zstd", compression_level=1, statistics=False)
        return cls(texts["number"][0], texts["number"][-1], texts.height, buffer.getvalue())

    @classmethod
    def read(cls, packed: bytes) -> "TextBlock":
        """A block from its bytes. Raises ValueError or polars' errors for bytes that are none.

        Parquet rather than Arrow's stream: what it claims can be checked before anything is allocated.
        """
        file = io.BytesIO(packed)
        footer, size = footer_of(file)
        if footer.values > max(FREE_VALUES, VALUES_PER_BYTE * size):
            raise ValueError(f"{size:,} bytes of text claim to hold {footer.values:,} values")
        file.seek(0)
        found = pl.read_parquet(file).select(TEXTS_SCHEMA.names()).cast(TEXTS_SCHEMA)
        numbers = found["number"]
        if found.is_empty() or found.null_count().sum_horizontal().item() or not (numbers.diff() > 0).all():
            raise ValueError("the numbers of its texts do not rise")
        return cls(numbers[0], numbers[-1], numbers.len(), packed)

    def texts(self) -> pl.DataFrame:
        """TEXTS_SCHEMA."""
        return pl.read_parquet(io.BytesIO(self.packed))


class Texts:
    """The texts that there were at one moment, whatever is dropped afterwards."""

    def __init__(self, blocks: Collection[TextBlock], waiting: pl.DataFrame) -> None:
        self._blocks, self._waiting = list(blocks), waiting

    def get(self, numbers: Iterable[int]) -> dict[int, str]:
        """The texts with these numbers."""
        wanted = np.unique(np.array(list(numbers), dtype=np.int64))
        last = np.array([block.last for block in self._blocks], dtype=np.int64)
        place_of = np.searchsorted(last, wanted)
        found: dict[int, str] = {}
        for place in np.unique(place_of).tolist():
            texts = self._waiting if place == len(last) else self._blocks[place].texts()
            found.update(_among(texts, wanted[place_of == place]).iter_rows())
        return found


class PackedTexts:
    """Numbers texts as they arrive; texts that are no longer needed are dropped in batches."""

    def __init__(self, blocks: Collection[TextBlock] = ()) -> None:
        self._blocks = list(blocks)
        self._waiting: list[pl.DataFrame] = []
        self._waiting_bytes = 0
        self._next = self._blocks[-1].last + 1 if self._blocks else 0

    def add(self, texts: pl.Series) -> Numbers:
        """Take texts in: their numbers."""
        numbers = np.arange(self._next, self._next + texts.len())
        self._next += texts.len()
        self._waiting.append(pl.DataFrame({"number": numbers, "text": texts}, schema=TEXTS_SCHEMA))
        self._waiting_bytes += int(texts.str.len_bytes().sum())
        if self._waiting_bytes >= BLOCK_BYTES:
            self._blocks += _packed(self._waiting)
            self._waiting, self._waiting_bytes = [], 0
        return numbers

    def now(self) -> Texts:
        """What can be found at this moment."""
        return Texts(self._blocks, pl.concat([TEXTS_SCHEMA.to_frame(), *self._waiting]))

    def packed(self) -> list[TextBlock]:
        """All texts."""
        return [*self._blocks, *_packed(self._waiting)]

    def keep(self, numbers: Numbers) -> None:
        """Drop texts that are not among `numbers` (ascending); a few among many needed ones may stay."""
        kept: list[TextBlock] = []
        few: list[pl.DataFrame] = []  # of neighbouring blocks of which most was dropped
        for block in self._blocks:
            start, stop = np.searchsorted(numbers, [block.first, block.last + 1])
            if 2 * (stop - start) > block.size:
                kept += [*_packed(few), block]
                few = []
            elif stop > start:
                few.append(_among(block.texts(), numbers[start:stop]))
                if sum(frame.estimated_size() for frame in few) >= BLOCK_BYTES:
                    kept += _packed(few)
                    few = []
        self._blocks = kept + _packed(few)
        waiting = pl.concat([TEXTS_SCHEMA.to_frame(), *self._waiting])
        if waiting.height:
            self._waiting = [_among(waiting, numbers[np.searchsorted(numbers, waiting["number"][0]) :])]
            self._waiting_bytes = int(self._waiting[0]["text"].str.len_bytes().sum())


def _packed(parts: list[pl.DataFrame]) -> list[TextBlock]:
    """One block of all of them; an empty list if there are no texts."""
    together = pl.concat([TEXTS_SCHEMA.to_frame(), *parts], rechunk=True)
    return [TextBlock.of(together)] if together.height else []


def _among(texts: pl.DataFrame, numbers: Numbers) -> pl.DataFrame:
    """The texts with these numbers, which rise and are all there."""
    return texts[np.searchsorted(texts["number"].to_numpy(), numbers)]
