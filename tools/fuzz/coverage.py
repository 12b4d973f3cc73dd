"""Coverage-guided fuzzing of what isang reads from strangers, by hand; needs `pip install atheris`.

    python tools/fuzz/coverage.py TARGET CORPUS [-max_total_time=600] [-max_len=4096]

Targets: decoders (what the service takes in over the network), runs (training logs), logs (raw logs), settings (TOML).
CORPUS is a folder of inputs to begin with; new ones that reach new code are added to it. Any error but isang's own ends
it, and the input is written beside it. Further arguments are libFuzzer's.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["isang"]):
    from isang.config import load
    from isang.errors import IsangError
    from isang.logs.prepare import prepare_folder
    from isang.runs.read.folders import read_runs
    from isang.runs.report.judge import judged
    from isang.service.intake import RefusedRequest, Request
    from isang.service.intake.elasticsearch import Bulk
    from isang.service.intake.ingest import Ingest
    from isang.service.intake.loki import Loki
    from isang.service.intake.otlp import Otlp
    from isang.service.intake.syslog import SyslogDatagrams, SyslogStream

from isang.config import LogsConfig

NOW = 1_775_000_000_000_000
REQUESTS = (
    (Otlp(), "/v1/logs", "application/x-protobuf"), (Otlp(), "/v1/logs", "application/json"),
    (Loki(), "/loki/api/v1/push", "application/json"), (Bulk(), "/_bulk", "application/x-ndjson"),
    (Ingest(), "/ingest", "text/plain"), (Ingest(), "/ingest", "application/x-ndjson"),
)  # fmt: skip


def decoders(content: bytes) -> None:
    """The first byte chooses who decodes the rest."""
    kind, body = (content[0] % (len(REQUESTS) + 2), content[1:]) if content else (0, b"")
    if kind == len(REQUESTS):
        SyslogDatagrams("peer").feed(body, NOW)
        return
    if kind > len(REQUESTS):
        stream = SyslogStream("peer")
        stream.feed(body, NOW)
        stream.finish(NOW)
        return
    decoder, path, content_type = REQUESTS[kind]
    asked = Request("POST", path, {"content-type": content_type}, {}, NOW, "192.0.2.7")
    try:
        decoder.decode(asked, body)
    except RefusedRequest as refusal:
        decoder.refused(asked, refusal)


def _in_file(content: bytes, work: Callable[[Path], object], name: str) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        file = Path(folder, name)
        file.write_bytes(content)
        try:
            work(file)
        except IsangError:
            return


def runs(content: bytes) -> None:
    """A training log is read and judged."""
    _in_file(content, lambda file: [judged(table) for table in read_runs(file)], "train.log")


def logs(content: bytes) -> None:
    """A raw log becomes a dataset."""
    _in_file(content, lambda file: prepare_folder([str(file)], file.parent / "data", LogsConfig()), "app.log")


def settings(content: bytes) -> None:
    """A settings file is read."""
    _in_file(content, lambda file: load(file, {}), "isang.toml")


TARGETS = {target.__name__: target for target in (decoders, runs, logs, settings)}


def main() -> None:
    """Runs until an error or the time is up."""
    if len(sys.argv) < 3 or sys.argv[1] not in TARGETS:
        sys.exit(__doc__)
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
