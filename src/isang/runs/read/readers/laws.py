"""Laws of every reader, isang's own as well as someone else's."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from isang.errors import InputError
from isang.runs.read.assemble import assemble
from isang.runs.read.choice import Asked
from isang.runs.read.readers.reader import Reader

FOREIGN = (b"", b"\x00\x01\x02\xff" * 50, b"step=1 loss=2.5\nstep=2 loss=2.4\n", b'{"step": 1, "loss": 2.5}\n' * 3)
"""What is of no format of someone else's: nothing, bytes, lines, records."""
CUTS = 8
"""Places at which the file is cut off."""


def check_reader(reader: Reader, file: Path, losses: Sequence[float]) -> None:
    """Raise AssertionError if a reader breaks a law. `file` has its format, with one run with these losses.

    It is more certain of its own file than of any text; every run accounts for each line; a file truncated anywhere is
    read as far as possible or refused with an InputError; nothing is written.
    """
    content = file.read_bytes()
    assert reader.certainty(content[: 1 << 16], file) > 0.5, f"{reader.name} is not sure of its own file"
    for other in FOREIGN:
        if not content.startswith(other) or not other:
            assert reader.certainty(other, Path("other")) <= 0.8, f"{reader.name} is sure of what is not its own"
    before = sorted(file.parent.iterdir())
    tables = [table for rows in reader.read(file) for table in assemble(rows, Asked())]
    assert sorted(file.parent.iterdir()) == before, f"{reader.name} writes files"
    assert file.read_bytes() == content, f"{reader.name} changes its file"
    assert len(tables) == 1, f"{reader.name} reads {len(tables)} runs where there is one"
    (table,) = tables
    values = table.column(table.loss)
    np.testing.assert_allclose(values[~np.isnan(values)], losses, err_msg=f"{reader.name} reads other losses")
    source = table.source
    counted = sum(source.used.values()) + sum(source.ignored.values()) + source.failed
    assert source.lines == counted, f"{reader.name} counts {source.lines} lines and accounts for {counted}"
    with TemporaryDirectory() as folder:
        for cut in np.linspace(0, len(content), CUTS, endpoint=False).astype(int).tolist():
            shorter = Path(folder, file.name)
            shorter.write_bytes(content[:cut])
            try:
                for rows in reader.read(shorter):
                    assemble(rows, Asked())
            except InputError:
                continue
