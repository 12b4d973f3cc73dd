"""Grouping of real logs by the truth that programs carry: their own format strings, beside Drain3 on the same messages.

    python benchmarks/format_strings.py --data FOLDER [--half development|held_back] [--show N] [SERVICE...]

FOLDER is what real_services/record.py wrote; the services' Debian packages are installed, and `dpkg -L` names their
files. Strings are read from compiled programs (ELF: what ends with a zero byte), Java classes (the constant pool),
Erlang (the table of literals) and from sources (what stands in quotes). A line belongs to the format whose pattern
fits it and that has the most letters outside of its conversions. Of structured lines that carry their `caller`, as Go's
loggers write it, the constant `msg` is the format. Two lines are of one event where their format is one. Lines that no
string explains, such as access logs whose format is configured, do not count; how many do is a column.
"""

import argparse
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent / "real_services"))
from parsing import drain3_groups, grouping
from reading import templates_of

from isang.config import LogsConfig
from isang.logs.input.chunks import ReadCounts, read_chunks
from isang.logs.input.sources import find_sources
from isang.logs.parsing.recognition import recognise_sources
from isang.logs.parsing.records import parse_chunk
from isang.logs.templates.words import without_mark

HERE = Path(__file__).resolve().parent
PACKAGES = {
    "alertmanager": (), "apache": ("apache2-bin",), "bind9": ("bind9", "bind9-libs"), "caddy": (),
    "celery": ("celery", "python3-celery", "python3-kombu", "python3-billiard"), "dnsmasq": ("dnsmasq-base",),
    "dovecot": ("dovecot-core", "dovecot-imapd"), "etcd": (), "freeradius": ("freeradius", "libfreeradius3"),
    "gunicorn": ("gunicorn", "python3-gunicorn"), "haproxy": ("haproxy",), "lighttpd": ("lighttpd",),
    "mariadb": ("mariadb-server", "mariadb-server-core"), "memcached": ("memcached",), "mosquitto": ("mosquitto",),
    "nats": (), "nginx": ("nginx",), "ngircd": ("ngircd",), "php_fpm": ("php8.2-fpm",), "postfix": ("postfix",),
    "postgresql": ("postgresql-15",), "proftpd": ("proftpd-core",), "prometheus": (), "prosody": ("prosody",),
    "rabbitmq": ("rabbitmq-server",), "redis": ("redis-tools",), "samba": ("samba", "samba-libs"), "slapd": ("slapd",),
    "squid": ("squid",), "sshd": ("openssh-server",), "tomcat": ("libtomcat10-java",), "unbound": ("unbound",),
    "varnish": ("varnish", "libvarnishapi3"), "zookeeper": ("zookeeper", "libzookeeper-java"),
}  # fmt: skip
"""The Debian packages of each service; of programs in Go only structured lines tell, as their strings have no ends."""
LEAST_LETTERS, LEAST_LETTERS_OPEN = 6, 10
"""A string with fewer letters and digits explains nothing; so does the beginning of a line that is put together."""
_MOST_CHARACTERS = 1_500
_CALLER = re.compile(r"\bcaller\"?[=:] ?\"?[\w./-]+\.go:\d+")
_SAID = re.compile(r"\bmsg\"?[=:] ?(?P<said>\"(?:[^\"\\]|\\.)*\"|[^\s\",]+)")
_CONVERSION = re.compile(
    r"%(?:\(\w+\)|\d+\$)?[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*)?)?"
    r"(?:hh|h|ll|l|j|z|q|t(?=[sdpw])|L|I64|u(?=[a-zA-Z])|w)?[a-zA-Z]"
    r"|~(?:-?\d+)?(?:\.\d+)?(?:\.\.)?t?[a-zA-Z]|\{[\w.:!]*\}|\$\{?[a-z]\w*(?:\.\w+)*\}?|[\x01\x02]"
)
_QUOTED = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'")
_WORD = re.compile(r"[^\W_]+")


class Format(NamedTuple):
    """A format string as a pattern for the end of a line."""

    text: str
    pattern: re.Pattern[str]
    key: str
    """A word that each of its lines has."""
    letters: int
    """Number of letters and digits outside its conversions."""


def format_of(text: str) -> Format | None:
    """None for a string with too few letters of its own to tell anything."""
    text = " ".join(text.split("\n")[0].split(" "))
    open_end = text.endswith((" ", "=", "(", "'")) and not _CONVERSION.search(text)
    text = " ".join(text.replace("%%", "%").split())
    literals = [re.sub(r"\d+", "0", literal) for literal in _CONVERSION.split(text)]
    letters = sum(map(str.isalnum, "".join(literals)))
    words = [word for word in _WORD.findall("ÿ".join(literals)) if "ÿ" not in word]
    if letters < LEAST_LETTERS or not words or (len(literals) == 1 and " " not in text):
        return None
    if open_end and letters < LEAST_LETTERS_OPEN:
        return None
    parts = [r"\ ?".join(re.escape(piece) for piece in literal.split(" ")) for literal in literals]
    pattern = parts[0]
    for literal in parts[1:]:
        pattern += literal if pattern.endswith("(?:.*?)") and not literal else f"(?:.*?){literal}"
    pattern = re.sub(r"(?:\(\?:\.\*\?\)){2,}", "(?:.*?)", pattern)
    begin = r"(?:^|(?<=[\s:>\])|;]))"
    return Format(text, re.compile(begin + pattern + ("" if open_end else r"[.\s]*$")), max(words, key=len), letters)


def strings_of(path: Path) -> Iterator[str]:
    """The strings of one file of a package."""
    if path.suffix in {".jar", ".ez", ".war"}:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield from _strings(Path(name).suffix, archive.read(name))
    elif path.is_file():
        yield from _strings(path.suffix, path.read_bytes())


def _strings(suffix: str, content: bytes) -> Iterator[str]:
    if content[:4] == b"\x7fELF" or suffix == ".sys":
        for found in re.findall(rb"[\t\n\x20-\x7e]{6,}(?=\x00)", content):
            yield found.decode("ascii")
    elif content[:4] == b"\xca\xfe\xba\xbe":
        yield from _java(content)
    elif content[:4] == b"FOR1":
        yield from _erlang(content)
    elif suffix in {".py", ".lua", ".php", ".jsp"}:
        for double, single in _QUOTED.findall(content.decode("utf-8", "replace")):
            yield re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), double or single)
    elif suffix == ".properties":
        for line in re.sub(r"\\\r?\n\s*", "", content.decode("utf-8", "replace")).splitlines():
            yield line.partition("=")[2].replace("''", "'")


def _java(content: bytes) -> Iterator[str]:
    """The texts in the constant pool of a class (Java Virtual Machine Specification, 4.4)."""
    count, place, entry = struct.unpack_from(">H", content, 8)[0], 10, 1
    sizes = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}
    while entry < count:
        tag, place = content[place], place + 1
        if tag == 1:
            length = struct.unpack_from(">H", content, place)[0]
            yield content[place + 2 : place + 2 + length].decode("utf-8", "replace")
            place += 2 + length
        else:
            place += sizes[tag]
        entry += 2 if tag in {5, 6} else 1


def _erlang(content: bytes) -> Iterator[str]:
    """Strings and binaries in the table of literals and the strings of binaries of a module."""
    place = 12
    while place + 8 <= len(content):
        name, size = content[place : place + 4], struct.unpack_from(">I", content, place + 4)[0]
        chunk = content[place + 8 : place + 8 + size]
        if name == b"LitT":
            raw = zlib.decompress(chunk[4:])
            for found in re.finditer(rb"k(?=(..))|m(?=(....))", raw, re.DOTALL):
                length = int.from_bytes(found[1] or found[2], "big")
                start = found.end() + len(found[1] or found[2])
                text = raw[start : start + length]
                if LEAST_LETTERS <= length == len(text) and re.fullmatch(rb"[\n\t\x20-\x7e]+", text):
                    yield text.decode("ascii")
        place += 8 + (size + 3) // 4 * 4


def formats(service: str) -> dict[str, list[Format]]:
    """{word: formats with it} of a service and of the programs that were written for its recording."""
    files = [HERE / "real_services" / name for name in ("applications.py", "web.py", "messages.py")]
    for package in PACKAGES[service]:
        listed = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True, check=True).stdout
        files += map(Path, listed.splitlines())
    by_key: dict[str, list[Format]] = defaultdict(list)
    for text in sorted({text for path in files for text in strings_of(path)}):
        found = format_of(text)
        if found is not None:
            by_key[found.key].append(found)
    return by_key


class Formats:
    """The formats of a service, asked for one line after the other."""

    def __init__(self, service: str) -> None:
        self._by_key = formats(service)
        self._events: dict[str, str | None] = {}

    def event(self, line: str) -> str | None:
        """The format of a line; None where none explains it. Lines that differ in digits alone have the same."""
        text = re.sub(r"\d+", "0", " ".join(line[:_MOST_CHARACTERS].split()))
        if text not in self._events:
            self._events[text] = self._event(text)
        return self._events[text]

    def _event(self, text: str) -> str | None:
        said = _SAID.search(text) if _CALLER.search(text) is not None else None
        if said is not None:
            return said["said"]
        near = [found for word in dict.fromkeys(_WORD.findall(text)) for found in self._by_key.get(word, ())]
        for found in sorted(near, key=lambda found: -found.letters):
            if found.pattern.search(text):
                return found.text
        return None


def read(service: Path, known: Formats) -> tuple[pl.DataFrame, list[str | None]]:
    """(level, message of each record of all runs, the true event of each)."""
    found = recognise_sources(find_sources([str(path) for path in sorted(service.glob("*/*.log"))]), LogsConfig())
    frames, truth = [], []
    for source, layout in zip(found.sources, found.layouts, strict=True):
        chunks = read_chunks(source, ReadCounts(), max_line_bytes=LogsConfig.max_line_bytes)
        frame = pl.concat([parse_chunk(chunk, layout).frame.select("line", "level", "message") for chunk in chunks])
        lines = source.path.read_text(errors="replace").splitlines()
        starts = frame["line"].to_list()
        for start, end in zip(starts, [*starts[1:], len(lines) + 1], strict=True):
            events = (known.event(line) for line in lines[start - 1 : min(end - 1, start + 3)])
            truth.append(next((event for event in events if event is not None), None))
        frames.append(frame)
    return pl.concat(frames), truth


def table(data: Path, services: Sequence[str], show: int) -> None:
    """Grouping accuracy and F1 by service, on the records that a format explains."""
    print("| service | records | explained | events | isang | by text | Drain3 | Drain3 with masks |")
    print("|" + " --- |" * 8)
    rows = []
    for service in services:
        records, truth = read(data / service, Formats(service))
        events, learned = templates_of(records)
        texts = [without_mark(text) for text in learned.templates["template"].to_list()]
        messages = records["message"].to_list()
        ours = [texts[event] for event in events.tolist()]
        groups = [events.tolist(), ours, *(drain3_groups(messages, masked=masked) for masked in (False, True))]
        kept = [place for place, event in enumerate(truth) if event is not None]
        if not kept:
            print(f"| {service} | {records.height:,} | 0 % |  |  |  |  |  |", flush=True)
            continue
        true = [truth[place] for place in kept]
        scores = [grouping([group[place] for place in kept], true) for group in groups]
        rows.append([value for score in scores for value in score])
        print(
            f"| {service} | {records.height:,} | {100 * len(kept) / records.height:.0f} % | {len(set(true))} | "
            + " | ".join(f"{accuracy:.3f}, {f1:.3f}" for accuracy, f1 in scores) + " |", flush=True,
        )  # fmt: skip
        if show:
            _show([ours[place] for place in kept], [str(event) for event in true], show)
            _show_unexplained([message for message, event in zip(messages, truth, strict=True) if event is None], show)
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    cells = " | ".join(f"{means[at]:.3f}, {means[at + 1]:.3f}" for at in range(0, len(means), 2))
    print(f"| mean of {len(rows)} | | | | {cells} |")


def _show(ours: list[str], true: list[str], most: int) -> None:
    """Formats of several templates, and templates of several formats."""
    for title, one, other in (("format", true, ours), ("template", ours, true)):
        of: dict[str, Counter[str]] = defaultdict(Counter)
        for key, value in zip(one, other, strict=True):
            of[key][value] += 1
        wrong = [(key, parts) for key, parts in of.items() if len(parts) > 1]
        for key, parts in sorted(wrong, key=lambda item: -item[1].total())[:most]:
            print(f"   {title} {key[:150]!r}: {parts.total()} in {len(parts)}")
            for part, count in parts.most_common(5):
                print(f"      {count:5} {part[:170]!r}")


def _show_unexplained(messages: Iterable[str], most: int) -> None:
    shapes = Counter(re.sub(r"\d+", "0", message)[:120] for message in messages)
    for shape, count in shapes.most_common(most):
        print(f"   unexplained {count:5} {shape!r}")


def main() -> None:
    """Print the table."""
    from measure import half

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("services", nargs="*", metavar="SERVICE")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--half", choices=("development", "held_back"), default="development")
    parser.add_argument("--show", type=int, default=0, help="print so many formats that are not one template")
    given = parser.parse_args()
    table(given.data, given.services or half(given.half), given.show)


if __name__ == "__main__":
    main()
