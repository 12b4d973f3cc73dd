"""Labelled logs of invented systems: the shapes of public software, with our own words, names and numbers.

    python benchmarks/invented_systems.py [HALF] [--lines N] [--seed S] [--show SYSTEM]

Synthetic. `invented_systems/*.txt` hold the forms and how often each is written; the raw log goes through isang whole,
the messages alone through Drain3 0.9.11, with isang's masks and without. A line's label is its form. Where a part is
optional, or a few words tell a state ("up" or "down"), a template for each is right, and one for all is.
"""

import argparse
import random
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, combinations
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parent))

FOLDER = Path(__file__).parent / "invented_systems"
HALVES = (
    "development",
    "held_back",
    "second_development",
    "second_held_back",
    "third_development",
    "third_held_back",
    "fourth_held_back",
    "fifth_held_back",
)
WORDS = [
    "anchor",
    "basin",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "harbor",
    "inlet",
    "juniper",
    "kestrel",
    "lagoon",
    "meadow",
    "nectar",
    "orchid",
    "pebble",
    "quartz",
    "ridge",
    "summit",
    "thicket",
    "upland",
    "valley",
    "willow",
    "yarrow",
    "zephyr",
    "amber",
    "birch",
    "copper",
    "drift",
    "echo",
    "falcon",
    "granite",
    "hollow",
    "iris",
    "jasper",
]
USERS = [
    "root",
    "admin",
    "deploy",
    "git",
    "backup",
    "oracle",
    "postgres",
    "ubuntu",
    "test",
    "guest",
    "www-data",
    "nagios",
    "ftpuser",
    "hadoop",
    "pi",
    "jenkins",
]
PACKAGES = [
    "requests",
    "numpy",
    "pyyaml",
    "rich-click",
    "python-dateutil",
    "typing_extensions",
    "urllib3",
    "cryptography",
    "pluggy",
    "attrs",
    "jinja2",
]
SUFFIXES = ("service", "service", "timer", "socket", "mount", "scope")


@dataclass
class Line:
    text: str
    """The raw line."""
    message: str
    """What follows the prefix."""
    form: tuple[object, ...]
    choices: tuple[tuple[int, int], ...]
    """(slot, choice) of the optional parts and states: what may or may not part templates."""


class Values:
    """The values of one system: pools of names that recur, numbers that do not."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.hosts = [f"{self.word()}{rng.choice(('', '-', rng.randrange(1, 40)))}" for _ in range(24)]
        self.domains = [
            f"{self.word()}.{self.word()}.{rng.choice(('example', 'test', 'com', 'net'))}" for _ in range(30)
        ]
        self.ips = [self._ip() for _ in range(60)]
        self.paths = [self._path() for _ in range(80)]
        self.apps = [
            f"{self.word()}{ending}" for ending in (".exe", ".exe", ".exe *64", "-sync.exe", ".exe", " Helper.exe")
        ]

    def word(self) -> str:
        return self.rng.choice(WORDS)

    def often(self, pool: Sequence[str]) -> str:
        """One of a pool, early ones more often."""
        return pool[min(int(len(pool) * self.rng.random() ** 2), len(pool) - 1)]

    def number(self, bounds: str) -> int:
        low, high = map(int, bounds.split("-"))
        if high > 200 * max(low, 1):
            return min(high, max(low, int(high ** (0.25 + 0.75 * self.rng.random()))))
        return self.rng.randint(low, high)

    def of(self, slot: str) -> str:
        """The value of a slot `name:arguments`."""
        name, _, rest = slot.partition(":")
        rng = self.rng
        if name == "n":
            return str(self.number(rest))
        if name == "f":
            bounds, digits = rest.rsplit(":", 1)
            low, high = map(int, bounds.split("-"))
            return f"{low + (high - low) * rng.random() ** 2:.{digits}f}"
        if name == "comma":
            return f"{self.number(rest):,}"
        if name in ("hex", "HEX", "b36", "b64"):
            letters = {"hex": "0123456789abcdef", "HEX": "0123456789ABCDEF", "b36": "0123456789abcdefghijkmnpqrstvwxyz"}
            letters["b64"] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            return "".join(rng.choices(letters[name], k=int(rest)))
        return str(self._named[name](self))

    def _ip(self) -> str:
        return ".".join(str(self.rng.randrange(1, 255)) for _ in range(4))

    def _path(self) -> str:
        names = [self.word() for _ in range(self.rng.randrange(1, 5))]
        if self.rng.random() < 0.3:
            names[-1] += self.rng.choice(("_2", "-new", ".d", str(self.rng.randrange(90))))
        return "/" + "/".join(names)

    def _uuid(self) -> str:
        return "-".join("".join(self.rng.choices("0123456789abcdef", k=size)) for size in (8, 4, 4, 4, 12))

    def _sentence(self) -> str:
        return " ".join(self.word() for _ in range(self.rng.randrange(2, 6)))

    _named: ClassVar[dict[str, Callable[["Values"], object]]] = {
        "ip": lambda own: own.often(own.ips) if own.rng.random() < 0.8 else own._ip(),
        "ip6": lambda own: f"2001:db8:{own.of('hex:4')}::{own.of('hex:3')}",
        "port": lambda own: own.rng.randrange(1024, 65536),
        "mac": lambda own: ":".join(own.of("hex:2") for _ in range(6)),
        "user": lambda own: own.often(USERS) if own.rng.random() < 0.8 else own.word() + str(own.rng.randrange(99)),
        "host": lambda own: own.often(own.hosts),
        "fqdn": lambda own: f"{own.often(own.hosts)}.{own.often(own.domains)}",
        "mail": lambda own: f"{own.often(USERS)}@{own.often(own.domains)}",
        "path": lambda own: own.often(own.paths),
        "file": lambda own: f"{own.word()}0{own.word()[:4]}",
        "app": lambda own: own.often(own.apps),
        "pkg": lambda own: f"com.{own.word()}.{own.word()}",
        "class": lambda own: f"com.{own.word()}.{own.word()}.{own.word().title()}{own.word().title()}",
        "Name": lambda own: own.word().title() + own.rng.choice(("", "Activity", own.word().title())),
        "UPPER": lambda own: f"{own.word()}_{own.word()}".upper(),
        "word": lambda own: own.word(),
        "sentence": lambda own: own._sentence(),
        "Sentence": lambda own: own._sentence().capitalize(),
        "uuid": lambda own: own._uuid(),
        "UUID": lambda own: own._uuid().upper(),
        "QID": lambda own: own.of("HEX:10"),
        "ms": lambda own: f"{own.rng.randrange(1000):03d}",
        "us": lambda own: f"{own.rng.randrange(1_000_000):06d}",
        "topic": lambda own: f"{own.often(WORDS[:12])}{own.rng.choice(('', '.events', '-v2'))}",
        "group": lambda own: f"{own.often(WORDS[12:20])}-consumer",
        "pypi": lambda own: own.often(PACKAGES),
        "npm": lambda own: own.rng.choice(("", "@types/", f"@{own.word()}/")) + own.word(),
        "ver": lambda own: ".".join(str(own.rng.randrange(30)) for _ in range(own.rng.choice((2, 3, 3)))),
        "pct": lambda own: f"{own.rng.randrange(101):3d}%",
        "unit": lambda own: f"{own.often(own.hosts)}.{own.rng.choice(SUFFIXES)}",
    }


def systems(half: str) -> dict[str, tuple[str, list[tuple[int, str]]]]:
    """By system: the prefix of its lines, and (how often, form)."""
    found: dict[str, tuple[str, list[tuple[int, str]]]] = {}
    for text in (FOLDER / f"{half}.txt").read_text(encoding="utf-8").splitlines():
        if text.startswith("[") and text.endswith("]"):
            name = text[1:-1]
        elif text.startswith("| "):
            found[name] = (text[2:], [])
        elif text and not text.startswith("# "):
            weight, form = text.split(" ", 1)
            found[name][1].append((int(weight), form))
    return found


def lines_of(prefix: str, forms: list[tuple[int, str]], *, count: int = 2_000, seed: int = 1) -> list[Line]:
    """The log: forms drawn by weight, times that rise."""
    rng = random.Random(f"{prefix}{seed}")
    values, time = Values(rng), datetime(2026, 3, 9, 7, 41, 12)
    lines = []
    for form in rng.choices(range(len(forms)), [weight for weight, _ in forms], k=count):
        time += timedelta(seconds=rng.expovariate(0.1))
        filling = Filling(values)
        front = filling.text(_dated(_with_level(prefix, form), time))
        filling.alternatives, filling.free = [], []
        message = filling.text(_dated(forms[form][1], time))
        lines.append(Line(front + message, message, (form, *filling.alternatives), tuple(filling.free)))
    return lines


def _with_level(prefix: str, form: int) -> str:
    """The prefix with one of the levels of `{level:INFO|INFO|WARN}`, always the same for a form."""
    return re.sub(r"\{level:([^}]*)\}", lambda found: random.Random(form).choice(found[1].split("|")), prefix)


def _dated(text: str, time: datetime) -> str:
    return re.sub(r"%-?[YymdHMSbea]", lambda found: time.strftime(found[0]), text)


class Filling:
    """A form with values in its slots, and what was chosen."""

    def __init__(self, values: Values):
        self.values = values
        self.alternatives: list[tuple[int, int]] = []
        self.free: list[tuple[int, int]] = []

    def text(self, form: str, offset: int = 0) -> str:
        """The form, which stands at `offset` of the whole form, with its slots filled."""
        out, at = [], 0
        while (start := form.find("{", at)) >= 0:
            out.append(form[at:start])
            depth, at = 1, start + 1
            while depth:
                depth += {"{": 1, "}": -1}.get(form[at], 0)
                at += 1
            out.append(self._slot(form[start + 1 : at - 1], offset + start + 1))
        return "".join((*out, form[at:])).replace("⟨", "{").replace("⟩", "}")

    def _slot(self, slot: str, offset: int) -> str:
        rng = self.values.rng
        if slot.startswith("?"):
            share, text = slot[1:].split(" ", 1)
            shown = rng.random() < float(share)
            self.free.append((offset, int(shown)))
            return self.text(text, offset + len(share) + 2) if shown else ""
        name, _, rest = slot.partition(":")
        if name in ("pick", "state", "alt"):
            options = _options(rest)
            option = rng.randrange(len(options))
            if name != "pick":
                (self.free if name == "state" else self.alternatives).append((offset, options.index(options[option])))
            return self.text(options[option], offset + rest.find(options[option]))
        if name == "rep":
            most, separator, inner = rest.split(":", 2)
            return separator.join(Filling(self.values).text(inner) for _ in range(rng.randint(1, int(most))))
        if name == "pad":
            width, text = rest.split(":", 1)
            return self.text(text, offset).rjust(int(width))
        return self.values.of(slot)


def _options(text: str) -> list[str]:
    """The parts between the bars that stand in no inner slot."""
    parts, depth = [""], 0
    for letter in text:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def fair(lines: list[Line], predicted: Sequence[object]) -> list[object]:
    """The group of each line in truth: by form, and by its states and optional parts where these alone split it."""
    by_form: dict[object, list[int]] = defaultdict(list)
    for at, line in enumerate(lines):
        by_form[line.form].append(at)
    truth: list[object] = [line.form for line in lines]
    for form, places in by_form.items():
        slots = sorted({slot for at in places for slot, _ in lines[at].choices})[:8]
        for parted in chain.from_iterable(combinations(slots, size) for size in range(len(slots) + 1)):
            groups = [(form, *(choice for choice in lines[at].choices if choice[0] in parted)) for at in places]
            if (
                len(set(zip(groups, (predicted[at] for at in places), strict=True)))
                == len(set(groups))
                == len({predicted[at] for at in places})
            ):
                for at, group in zip(places, groups, strict=True):
                    truth[at] = group
                break
    return truth


def scores(lines: list[Line], predicted: Sequence[object]) -> tuple[float, float]:
    """(grouping accuracy, F1 of grouping accuracy)."""
    from parsing import grouping

    return grouping(predicted, fair(lines, predicted))


def isang_groups(lines: list[Line]) -> list[object]:
    """The template of each line of the raw log, read whole; a line that was read into another's record has none."""
    import reading

    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "app.log"
        log.write_text("".join(line.text + "\n" for line in lines), encoding="utf-8")
        records = reading.read_by_line(log)
    events, _ = reading.templates_of(records)
    event_of = dict(zip(records["line"].to_list(), events.tolist(), strict=True))
    return [event_of.get(at, -1) for at in range(1, len(lines) + 1)]


def table(half: str, count: int, seed: int) -> None:
    import reading
    from parsing import drain3_groups

    rows = []
    print(f"{half}, {count:,} lines each    isang            Drain3           Drain3+masks   (grouping accuracy, F1)")
    for name, (prefix, forms) in systems(half).items():
        lines = lines_of(prefix, forms, count=count, seed=seed)
        messages = [line.message for line in lines]
        found = [isang_groups(lines), *(drain3_groups(messages, masked=masked) for masked in (False, True))]
        rows.append([value for groups in found for value in scores(lines, groups)])
        reading.print_row(f"{name:20}", rows[-1])
    reading.print_row(f"{'mean':20}", [sum(column) / len(rows) for column in zip(*rows, strict=True)])


def show(half: str, system: str, count: int, seed: int) -> None:
    """Forms that were split or mixed with others: how isang reads them."""
    lines = lines_of(*systems(half)[system], count=count, seed=seed)
    groups = isang_groups(lines)
    truth = fair(lines, groups)
    of_truth, of_group = defaultdict(lambda: defaultdict(list)), defaultdict(set)
    for line, group, true in zip(lines, groups, truth, strict=True):
        of_truth[true][group].append(line.message)
        of_group[group].add(true)
    for parts in sorted(of_truth.values(), key=lambda parts: -sum(map(len, parts.values()))):
        mixed = [len(of_group[group]) for group in parts]
        if len(parts) > 1 or max(mixed) > 1:
            print(f"-- {sum(map(len, parts.values()))} lines in {len(parts)} groups; shared by {mixed[:8]} forms")
            for group, texts in sorted(parts.items(), key=lambda item: -len(item[1]))[:6]:
                print(f"   {len(texts):5} #{group} {texts[0][:230]!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("half", choices=HALVES, nargs="?", default="development")
    parser.add_argument("--lines", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", metavar="SYSTEM")
    given = parser.parse_args()
    if given.show:
        show(given.half, given.show, given.lines, given.seed)
    else:
        table(given.half, given.lines, given.seed)


if __name__ == "__main__":
    main()
