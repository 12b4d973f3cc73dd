"""How well and how fast logs become templates and sessions, beside Drain3 on the same lines.

    python benchmarks/parsing.py quality   grouping accuracy beside Drain3 on ten systems and two whole logs
    python benchmarks/parsing.py speed     lines per second and peak memory, from text to sessions.parquet
    python benchmarks/parsing.py random    the same on lines of random words, which fill the table of templates
    python benchmarks/parsing.py where     where the time goes

Needs the real logs in ../shared/data (or --data DIR). Grouping accuracy: the share of lines whose predicted group
holds exactly the lines of their true group; F1 of grouping accuracy: the same over groups (definitions of Loghub-2.0,
Jiang et al., ISSTA 2024).
"""

import argparse
import cProfile
import csv
import gzip
import pstats
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import zstandard
from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

from isang.config import LogsConfig
from isang.logs.input.chunks import Chunk, ReadCounts, read_chunks
from isang.logs.input.sources import find_sources
from isang.logs.parsing import masks
from isang.logs.parsing.digit_cache import ChunkReader, Search, parsed_line_by_line
from isang.logs.parsing.masks import SHAPES
from isang.logs.parsing.recognition import recognise_sources, session_rule
from isang.logs.parsing.records import SourceLayout, parse_chunk
from isang.logs.prepare import prepare, prepare_folder
from isang.logs.rules import Rules
from isang.logs.templates.event_table import EventTable

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SYSTEMS = ("Apache", "BGL", "HDFS", "HPC", "Hadoop", "Linux", "OpenStack", "Thunderbird", "Windows", "Zookeeper")
RIVAL_LINES = 100_000
"""Drain3 is timed on this many lines: its rate does not depend on their number."""


def grouping(predicted: Sequence[object], true: Sequence[object]) -> tuple[float, float]:
    """(grouping accuracy, F1 of grouping accuracy); both sequences give the group of each line."""
    found, truth = _members(predicted), _members(true)
    true_groups = {tuple(lines) for lines in truth.values()}
    right = [lines for lines in found.values() if tuple(lines) in true_groups]
    precision, recall = len(right) / len(found), len(right) / len(truth)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return sum(map(len, right)) / len(predicted), f1


def _members(groups: Sequence[object]) -> dict[object, list[int]]:
    members: dict[object, list[int]] = defaultdict(list)
    for line, group in enumerate(groups):
        members[group].append(line)
    return members


def isang_groups(log: Path) -> dict[int, int]:
    """The event of each line that is one, from the raw log with the default settings."""
    found = prepare([str(log)], LogsConfig(session_by="none"))
    places = found.lines["line"].explode().to_list()
    return dict(zip(places, found.dataset.sessions["events"].explode().to_list(), strict=True))


def drain3_groups(messages: Sequence[str], *, masked: bool) -> list[int]:
    """The cluster of each message, in the end; Drain3's defaults, with or without the masks of isang."""
    miner = drain3_miner(masked=masked)
    return [int(miner.add_log_message(message)["cluster_id"]) for message in messages]


def drain3_miner(*, masked: bool) -> TemplateMiner:
    config = TemplateMinerConfig()
    config.profiling_enabled = False
    if masked:
        config.masking_instructions = [MaskingInstruction(pattern, "*") for _, pattern in SHAPES]
    return TemplateMiner(config=config)


def quality(data: Path) -> None:
    """A table by system: both against the truth, and against each other."""
    titles = ("isang", "Drain3", "Drain3+masks", "isang in Drain3+masks")
    print(f"{'log':12} {'lines':>7} " + " ".join(f"{title:>14}" for title in titles) + "   (grouping accuracy, F1)")
    rows = [_quality(system, *_annotated(data, system)) for system in SYSTEMS]
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    print(f"{'mean of ten':20} " + _cells(means))
    for system, log in (("HDFS", data / "hdfs" / "HDFS_2pct.log.zst"), ("BGL", data / "bgl" / "BGL_100k.log.gz")):
        _quality(log.name.partition(".")[0], log, *_told_by_templates(data, system, log))


def _quality(name: str, log: Path, messages: dict[int, str], truth: dict[int, str]) -> list[float]:
    """Print and return accuracy and F1 of each comparison, on the lines whose true event is known."""
    lines = list(truth)
    found = isang_groups(log)
    ours = [found.get(line, -1) for line in lines]
    true = list(truth.values())
    plain, masked = (
        dict(zip(messages, drain3_groups(list(messages.values()), masked=masked), strict=True))
        for masked in (False, True)
    )
    theirs = [masked.get(line, -1) for line in lines]
    scores = (
        grouping(ours, true),
        grouping([plain.get(line, -1) for line in lines], true),
        grouping(theirs, true),
        grouping(ours, theirs),
    )
    values = [value for score in scores for value in score]
    print(f"{name:12} {len(lines):7,} " + _cells(values), flush=True)
    return values


def _cells(values: Sequence[float]) -> str:
    return " ".join(f"{values[n]:7.3f} {values[n + 1]:6.3f}" for n in range(0, len(values), 2))


def _annotated(data: Path, system: str) -> tuple[Path, dict[int, str], dict[int, str]]:
    """(log, message and true event by line) of 2,000 lines that people annotated."""
    folder = data / "loghub_2k" / system
    with (folder / f"{system}_2k.log_structured.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    messages = {line: row["Content"] for line, row in enumerate(rows, 1)}
    return folder / f"{system}_2k.log", messages, {line: row["EventId"] for line, row in enumerate(rows, 1)}


def _told_by_templates(data: Path, system: str, log: Path) -> tuple[dict[int, str], dict[int, str]]:
    """(message, true event) by line of a whole log; the event of lines that one template of the 2,000 fits.

    The others, whose event nobody annotated, are left out of the second.
    """
    with (data / "loghub_2k" / system / f"{system}_2k.log_templates.csv").open(encoding="utf-8-sig") as file:
        templates = {row["EventId"]: row["EventTemplate"].split("<*>") for row in csv.DictReader(file)}
    patterns = {name: re.compile(".*?".join(map(re.escape, parts))) for name, parts in templates.items()}
    frames = [parse_chunk(chunk, layout).frame for layout, chunk in _chunks(log)]
    messages = {
        line: message.strip() for frame in frames for line, message in frame.select("line", "message").iter_rows()
    }
    truth = {}
    for line, message in messages.items():
        fitting = [name for name, pattern in patterns.items() if pattern.fullmatch(message)]
        if len(fitting) == 1:
            truth[line] = fitting[0]
    return messages, truth


def _chunks(log: Path) -> Iterator[tuple[SourceLayout, Chunk]]:
    found = recognise_sources(find_sources([str(log)]), LogsConfig())
    for chunk in read_chunks(found.sources[0], ReadCounts(), max_line_bytes=LogsConfig.max_line_bytes):
        yield found.layouts[0], chunk


def speed(data: Path, system: str, lines: int) -> None:
    """Lines per second and peak memory of the whole way, each in a process of its own; Drain3 beside it."""
    with tempfile.TemporaryDirectory(prefix="isang-parsing-") as folder:
        log = Path(folder) / f"{system}.log"
        for count in (lines // 5, lines):
            messages = WRITERS[system](data, log, count)
            command = [sys.executable, __file__, "once", str(log), "--out", str(Path(folder) / f"data-{count}")]
            print(
                system, subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip(), flush=True
            )
    if not messages:
        return
    miner = drain3_miner(masked=True)
    started, busy = time.perf_counter(), time.process_time()
    for message in messages:
        miner.add_log_message(message)
    rate = len(messages) / (time.perf_counter() - started)
    per_core = len(messages) / (time.process_time() - busy)
    print(
        f"Drain3 with the same masks, templates only, first {len(messages):,} lines: {rate:,.0f} lines/s, "
        f"{per_core:,.0f} per second of one core"
    )


def write_repeated_hdfs(data: Path, log: Path, lines: int) -> list[str]:
    """Write HDFS_2pct over and over with fresh block ids, `lines` lines; return the messages of its first lines."""
    with (data / "hdfs" / "HDFS_2pct.log.zst").open("rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file).read().decode()
    original = text.splitlines(keepends=True)
    written = 0
    with log.open("w") as out:
        while written < lines:
            fresh = re.sub(
                r"blk_(-?\d+)", rf"blk_\g<1>{written // len(original):02d}", "".join(original[: lines - written])
            )
            out.write(fresh)
            written += min(len(original), lines - written)
    return [line.split(": ", 1)[1].strip() for line in original[:RIVAL_LINES]]


def write_repeated_bgl(data: Path, log: Path, lines: int) -> list[str]:
    """Write the first 100,000 lines of BGL over and over, `lines` lines; return the messages of its first lines."""
    with gzip.open(data / "bgl" / "BGL_100k.log.gz", "rt", errors="replace", newline="") as file:
        original = file.read().replace("\r\n", "\n").splitlines(keepends=True)
    with log.open("w") as out:
        for start in range(0, lines, len(original)):
            out.writelines(original[: lines - start])
    return [line.strip().split(" ", 9)[-1] for line in original[:RIVAL_LINES]]


def write_random(data: Path, log: Path, lines: int) -> list[str]:
    """Write lines of one to twelve random words of a vocabulary of 50,000."""
    source = random.Random(0)
    words = ["".join(source.choices("abcdefghijklmnopqrstuvwxyz", k=source.randint(3, 10))) for _ in range(50_000)]
    with log.open("w") as out:
        for _ in range(lines):
            out.write(" ".join(source.choices(words, k=source.randint(1, 12))) + "\n")
    return []


WRITERS = {"hdfs": write_repeated_hdfs, "bgl": write_repeated_bgl, "random": write_random}


def where(data: Path, system: str, lines: int) -> None:
    """Wall-clock seconds of each step of preparing, one after the other, and of the whole, in which they overlap."""
    seconds: dict[str, float] = defaultdict(float)

    def timed(step: str, function: Callable[..., Any], *arguments: Any) -> Any:
        started = time.perf_counter()
        result = function(*arguments)
        seconds[step] += time.perf_counter() - started
        return result

    config = LogsConfig()
    with tempfile.TemporaryDirectory(prefix="isang-parsing-") as folder:
        log = Path(folder) / f"{system}.log"
        WRITERS[system](data, log, lines)
        found = timed("recognise the layout", recognise_sources, find_sources([str(log)]), config)
        rules = Rules.new(config, timed("propose the session key", session_rule, found.sample, config))
        events, expression = EventTable(rules), masks.compiled(rules.masks)
        search = Search(found.layouts[0], expression, rules.session.pattern)
        reader = ChunkReader(search)
        chunks = read_chunks(found.sources[0], ReadCounts(), max_line_bytes=config.max_line_bytes)
        while (chunk := timed("read and decode", next, chunks, None)) is not None:
            parsed = timed("parse, mask, find the keys", reader.read, chunk)
            timed("the same line by line", parsed_line_by_line, chunk, search)
            timed("distinct messages to Drain3", events.number, parsed.masked, parsed.records.frame["level"])
        timed("refine the templates", events.finish)
        whole = cProfile.Profile()
        timed(
            "all of it, two chunks at a time", whole.runcall, prepare_folder, [str(log)], Path(folder) / "data", config
        )
        calls = pstats.Stats(whole).get_stats_profile().func_profiles
        for step, function in (
            ("merge and group into sessions", "_group"),
            ("write the dataset", "write_in_row_groups"),
        ):
            seconds[f"  of this, {step}"] = calls[function].cumtime if function in calls else 0.0
    print(f"{lines:,} lines of {system}")
    for step, took in seconds.items():
        print(f"{step:42} {took:6.2f} s")


def once(log: Path, out: Path) -> None:
    """Prepare one log and say how it went."""
    started, busy = time.perf_counter(), time.process_time()
    meta = prepare_folder([str(log)], out, LogsConfig())
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines = meta["lines"]
    print(
        f"isang, text to sessions.parquet: {lines:,} lines in {seconds:.1f} s, {lines / seconds:,.0f} lines/s, "
        f"{lines / busy:,.0f} per second of one core, peak memory {peak:,.0f} MiB, "
        f"{meta['sessions']:,} sessions, {meta['templates']} templates, "
        f"{pl.thread_pool_size()} threads"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("quality", "speed", "random", "where", "once"))
    parser.add_argument("log", type=Path, nargs="?", help="for once: the log to prepare")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--system", choices=WRITERS, default="hdfs", help="for speed and where: which log is repeated")
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--out", type=Path, default=Path("out/parsing"))
    given = parser.parse_args()
    if given.what == "quality":
        quality(given.data)
    elif given.what == "speed":
        speed(given.data, given.system, given.lines)
    elif given.what == "random":
        speed(given.data, "random", given.lines)
    elif given.what == "where":
        where(given.data, given.system, given.lines)
    else:
        once(given.log, given.out)


if __name__ == "__main__":
    main()
