"""How logs of unknown systems are read: grouping, novelty on later halves, and a law, beside Drain3.

    python benchmarks/reading.py grouping [--systems A,B]   ten annotated systems, beside Drain3 with and without masks
    python benchmarks/reading.py invented                   the same on five small logs in the shapes of other systems
    python benchmarks/reading.py novelty [--show N]         lines of later halves whose template the first half lacks
    python benchmarks/reading.py runs [--show N]            the same of one good run against another
    python benchmarks/reading.py renamed                    consistent renaming changes no grouping

Needs the real logs in ../shared/data (or --data DIR). A line of an unseen template counts as differing in a value only
where the nearest known template of the same severity differs from it in one stretch of at most two words, none of which
tells an outcome: an upper bound, as some of these are new kinds of lines; --show prints them to be read by eye.
"""

import argparse
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parent))
import reading_invented
from parsing import DATA, SYSTEMS, _annotated, drain3_groups, grouping

from isang.config import LogsConfig
from isang.logs.input.chunks import ReadCounts, read_chunks
from isang.logs.input.sources import find_sources
from isang.logs.parsing import masks
from isang.logs.parsing.recognition import recognise_sources
from isang.logs.parsing.records import parse_chunk
from isang.logs.rules import Rules
from isang.logs.sessions.rule import SessionRule
from isang.logs.templates.event_table import EventTable
from isang.logs.templates.words import is_outcome, severity, without_mark

EXPRESSION = masks.compiled(masks.BUILT_IN)
RULES = Rules.new(LogsConfig(), SessionRule("lines", "for the benchmark", size=100))


def records(paths: list[Path]) -> list[pl.DataFrame]:
    """`level`, `message` of the records of each log."""
    found = recognise_sources(find_sources([str(path) for path in paths]), LogsConfig())
    return [
        pl.concat(
            parse_chunk(chunk, layout).frame.select("level", "message")
            for chunk in read_chunks(source, ReadCounts(), max_line_bytes=LogsConfig.max_line_bytes)
        )
        for source, layout in zip(found.sources, found.layouts, strict=True)
    ]


def templates_of(lines: pl.DataFrame, rules: Rules = RULES) -> tuple[np.ndarray, Rules]:
    """(event of each line, the rules with what was learned)."""
    table = EventTable(rules)
    numbers = table.number(masks.masked(lines["message"], EXPRESSION), lines["level"])
    event_of, templates = table.finish()
    return event_of[numbers.to_numpy()], replace(rules, templates=templates)


def grouping_table(data: Path, systems: list[str]) -> None:
    """Grouping accuracy and its F1 (Jiang et al. 2024) by system."""
    titles = ("isang", "isang, text alone", "Drain3", "Drain3+masks")
    print(f"{'system':12} " + " ".join(f"{title:>17}" for title in titles))
    rows = []
    for system in systems:
        log, messages, truth = _annotated(data, system)
        lines = read_by_line(log)
        events, learned = templates_of(lines)
        event_of = dict(zip(lines["line"].to_list(), events.tolist(), strict=True))
        text_of = {event: without_mark(text) for event, text in learned.templates["event", "template"].iter_rows()}
        ours = [event_of.get(line, -1) for line in truth]
        true = list(truth.values())
        scores = [grouping(ours, true), grouping([text_of.get(event, "") for event in ours], true)]
        for masked in (False, True):
            theirs = dict(zip(messages, drain3_groups(list(messages.values()), masked=masked), strict=True))
            scores.append(grouping([theirs.get(line, -1) for line in truth], true))
        rows.append([value for score in scores for value in score])
        print_row(system, rows[-1])
    print_row("mean", [sum(column) / len(rows) for column in zip(*rows, strict=True)])


def invented_table() -> None:
    """The same for the messages of reading_invented.py."""
    for system in reading_invented.SYSTEMS:
        messages, forms = zip(*reading_invented.lines_of(system), strict=True)
        lines = pl.DataFrame({"level": pl.Series([None] * len(messages), dtype=pl.String), "message": messages})
        scores = [grouping(templates_of(lines)[0].tolist(), forms)]
        scores += [grouping(drain3_groups(messages, masked=masked), forms) for masked in (False, True)]
        print_row(system, [value for score in scores for value in score])


def print_row(name: str, values: list[float]) -> None:
    cells = (f"   {values[at]:6.3f} {values[at + 1]:6.3f} " for at in range(0, len(values), 2))
    print(f"{name:12} " + " ".join(cells), flush=True)


def read_by_line(log: Path) -> pl.DataFrame:
    found = recognise_sources(find_sources([str(log)]), LogsConfig())
    chunks = read_chunks(found.sources[0], ReadCounts(), max_line_bytes=LogsConfig.max_line_bytes)
    return pl.concat(
        [parse_chunk(chunk, found.layouts[0]).frame.select("line", "level", "message") for chunk in chunks]
    )


def _logs(data: Path) -> Iterator[tuple[str, list[Path]]]:
    yield "HDFS", [data / "hdfs" / "HDFS_2pct.log.zst"]
    yield "BGL", [data / "bgl" / "BGL_100k.log.gz"]
    yield "trainticket", [data / "trainticket" / "normal"]
    yield "shop", [Path(__file__).resolve().parents[1] / "src" / "isang" / "samples"]
    for path in sorted((data / "openstack_faults" / "train").iterdir()):
        yield f"openstack {path.name.partition('.')[0]}", [path]


def novelty(data: Path, show: int) -> None:
    """Unseen templates on the later half of each log."""
    print(f"{'log':42} {'lines':>8} {'unseen':>7} {'value only':>10}   per 1,000")
    for name, paths in _logs(data):
        logs = records(paths)
        first = pl.concat(log.head(log.height // 2) for log in logs)
        _novelty_row(name, first, pl.concat(log.slice(log.height // 2) for log in logs), show)


def runs(data: Path, show: int) -> None:
    """Unseen templates of one good run against another."""
    for folder in sorted((data / "distributed_failures").iterdir()):
        one, other = (records([folder / f"good_{number}.log.zst"])[0] for number in (1, 2))
        _novelty_row(f"{folder.name}: 2 after 1", one, other, show)
        _novelty_row(f"{folder.name}: 1 after 2", other, one, show)
    rounds = data / "openstack_faults" / "rounds"
    normal = [
        row[0] for row in pl.read_csv(rounds.parent / "rounds.csv").filter(pl.col("kind") == "normal").iter_rows()
    ]
    for service in sorted((rounds.parent / "train").iterdir()):
        later = [rounds / name / service.name for name in normal if (rounds / name / service.name).exists()]
        if later:
            _novelty_row(f"openstack rounds {service.name}", records([service])[0], pl.concat(records(later)), show)


def _novelty_row(name: str, first: pl.DataFrame, second: pl.DataFrame, show: int) -> None:
    _, learned = templates_of(first)
    events, grown = templates_of(second, learned)
    known = {severe: [] for severe in ("normal", "warning", "error")}
    for level, text in learned.templates["level", "template"].iter_rows():
        known[severity(level)].append(without_mark(text).split())
    by_event = dict(grown.templates.select("event", pl.struct("level", "template")).iter_rows())
    new = Counter(events[events >= learned.templates.height].tolist())
    values = {}
    for event in new:
        row = by_event[event]
        near = _nearest(without_mark(row["template"]).split(), known[severity(row["level"])])
        if near is not None:
            values[event] = near
    lines, unseen = len(events), sum(new.values())
    only = sum(new[event] for event in values)
    print(
        f"{name[:42]:42} {lines:8,} {unseen:7,} {only:10,}   {1000 * unseen / lines:7.2f} {1000 * only / lines:7.2f}",
        flush=True,
    )
    for event, count in new.most_common(show):
        print(f"      {count:5} {by_event[event]['level']} {by_event[event]['template'][:160]!r}")
        if event in values:
            print(f"            ~ {' '.join(values[event])[:160]!r}")


def _nearest(words: list[str], known: list[list[str]]) -> list[str] | None:
    """The known template that differs in one stretch of at most two words that tell no outcome."""
    for other in known:
        if abs(len(other) - len(words)) > 2:
            continue
        front = 0
        while front < min(len(words), len(other)) and words[front] == other[front]:
            front += 1
        back = 0
        while back < min(len(words), len(other)) - front and words[-1 - back] == other[-1 - back]:
            back += 1
        ours, theirs = words[front : len(words) - back], other[front : len(other) - back]
        if max(len(ours), len(theirs)) <= 2 and front + back >= 1 and not any(map(is_outcome, (*ours, *theirs))):
            return other
    return None


def renamed(data: Path) -> None:
    """Rename hosts, users, ids and paths consistently: the grouping must stay."""
    for system in SYSTEMS:
        log, _, _ = _annotated(data, system)
        lines = read_by_line(log)
        before, _ = templates_of(lines)
        after, _ = templates_of(lines.with_columns(_renamed(lines["message"])))
        same = grouping(before.tolist(), after.tolist())[0]
        print(f"{system:12} {same:.4f} of the lines are grouped as before", flush=True)


def _renamed(messages: pl.Series) -> pl.Series:
    source = random.Random(7)
    digits = str.maketrans("0123456789", "".join(source.sample("0123456789", 10)))
    names: dict[str, str] = {}

    def other(found: re.Match[str]) -> str:
        name = found[0]
        return names.setdefault(
            name, "".join(source.choice("bcdfghklmnprstvz") + source.choice("aeiou") for _ in range(3))
        )

    host = re.compile(
        r"(?<=[a-z]\.)[a-z]{3,}(?=\.[a-z]{2,})|(?<=user )(?!unknown|name)[a-z]{3,}\b|(?<=user=)[a-z]{3,}\b"
    )
    return pl.Series("message", [host.sub(other, text).translate(digits) for text in messages.to_list()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("grouping", "invented", "novelty", "runs", "renamed"))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--show", type=int, default=0, help="print so many unseen templates of each log")
    given = parser.parse_args()
    if given.what == "grouping":
        grouping_table(given.data, given.systems.split(","))
    elif given.what == "invented":
        invented_table()
    elif given.what == "novelty":
        novelty(given.data, given.show)
    elif given.what == "runs":
        runs(given.data, given.show)
    else:
        renamed(given.data)


if __name__ == "__main__":
    main()
