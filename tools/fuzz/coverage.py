"""Coverage-guided fuzzing of what isang reads from strangers, by hand; needs `pip install atheris`.

    python tools/fuzz/coverage.py TARGET CORPUS [-max_total_time=600] [-max_len=4096]

Targets: decoders (what the service takes in over the network), runs (training logs), logs (raw logs), settings (TOML),
states (what `detect --follow --state` saved), models (model folders, of which one file is replaced and the hashes made
right). CORPUS is a folder of inputs to begin with; for states and models an empty one is filled with what is genuine.
New inputs that reach new code are added to it. Any error but isang's own ends it, and the input is written beside it.
Further arguments are libFuzzer's.
"""

import functools
import hashlib
import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

with atheris.instrument_imports(include=["isang"]):
    from isang.artifact import MANIFEST, load_model
    from isang.config import load
    from isang.errors import IsangError
    from isang.logs.prepare import prepare, prepare_folder
    from isang.logs.rules import Rules
    from isang.logs.stream.follower import Follower
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


WORK = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
LINES = "".join(f"2026-03-01T00:{n // 60:02d}:{n % 60:02d}Z INFO job={n // 5} step {n % 5} done\n" for n in range(900))


@functools.cache
def genuine_state() -> tuple[Rules, dict[str, bytes]]:
    """The rules of a log in `WORK`, and the members of a state of it."""
    log, state = Path(WORK.name, "app.log"), Path(WORK.name, "state")
    log.write_text(LINES)
    dataset = prepare([str(log)], LogsConfig()).dataset
    rules = Rules.from_dict(dataset.meta["rules"], dataset.templates)
    follower = Follower([str(log)], rules, LogsConfig(), idle_seconds=1e9, state=state)
    follower.poll()
    follower.save()
    follower.close()
    with zipfile.ZipFile(state) as archive:
        return rules, {name: archive.read(name) for name in archive.namelist()}


def states(content: bytes) -> None:
    """The first byte chooses the member of a genuine state that the rest replaces, or the whole file."""
    rules, members = genuine_state()
    log, state = Path(WORK.name, "app.log"), Path(WORK.name, "state")
    names = sorted(members)
    kind, body = (content[0] % (len(names) + 1), content[1:]) if content else (0, b"")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, body if number == kind else members[name])
    state.write_bytes(body if kind == len(names) else packed.getvalue())
    try:
        follower = Follower([str(log)], rules, LogsConfig(), idle_seconds=1e9, state=state)
        try:
            follower.poll()
            follower.finish()
            follower.save()
        finally:
            follower.close()
    except IsangError:
        return


@functools.cache
def genuine_model() -> tuple[Path, tuple[str, ...]]:
    """A small model folder in `WORK`, and the names of its files but the weights."""
    from tests.test_artifact import some_model

    from isang.artifact import save_model

    folder = Path(WORK.name, "model")
    save_model(some_model(), folder)
    return folder, tuple(sorted(path.name for path in folder.iterdir() if path.suffix in (".parquet", ".json")))


def models(content: bytes) -> None:
    """The first byte chooses the file that the rest replaces; the hash is made right, as an attacker can."""
    folder, names = genuine_model()
    name, body = (names[content[0] % len(names)], content[1:]) if content else (names[0], b"")
    file, manifest = folder / name, folder / MANIFEST
    before, listed = file.read_bytes(), manifest.read_bytes()
    try:
        file.write_bytes(body)
        if name != MANIFEST:
            forged = json.loads(listed)
            forged["files"][name] = {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
            manifest.write_text(json.dumps(forged))
        load_model(folder)
    except IsangError:
        return
    finally:
        file.write_bytes(before)
        manifest.write_bytes(listed)


def seed(target: str, corpus: Path) -> None:
    """Fill an empty corpus with what is genuine."""
    corpus.mkdir(exist_ok=True)
    if any(corpus.iterdir()) or target not in ("states", "models"):
        return
    if target == "states":
        genuine = [content for _, content in sorted(genuine_state()[1].items())]
        genuine.append(Path(WORK.name, "state").read_bytes())
    else:
        folder, names = genuine_model()
        genuine = [(folder / name).read_bytes() for name in names]
    for number, content in enumerate(genuine):
        (corpus / f"genuine-{number}").write_bytes(bytes([number]) + content)


TARGETS = {target.__name__: target for target in (decoders, runs, logs, settings, states, models)}


def main() -> None:
    """Runs until an error or the time is up."""
    if len(sys.argv) < 3 or sys.argv[1] not in TARGETS:
        sys.exit(__doc__)
    name = sys.argv.pop(1)
    target = TARGETS[name]
    seed(name, Path(sys.argv[1]))
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
