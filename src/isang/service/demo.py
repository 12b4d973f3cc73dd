"""`isang demo --serve`: replays the recorded sample into the service's own OTLP intake, faster than real time."""

import json
import re
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import zstandard

from isang.artifact import load_model
from isang.progress import say
from isang.samples import Sample
from isang.service.lifecycle import serve
from isang.service.settings import ServiceSettings, address, tokens

SPEED = 60.0
TICK_SECONDS = 0.1
"""Records due within one tick are sent in one request."""
RETRY_SECONDS = 1.0
_CLOCK = re.compile(r"(?<!\d)([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:[.,](\d{1,6}))?")
_WITHIN = 80
"""Number of first characters of a line that contain its time."""


def lines_of(sample: Sample, after: datetime | None) -> list[tuple[float, str, str]]:
    """(second of the day, program, line) of the lines of one day, by time; those `after` it."""
    begin = 0.0 if after is None else (after - after.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    found = []
    for path in sample.logs:
        program = path.name.partition(".")[0]
        second = 0.0
        with path.open("rb") as file:
            text = zstandard.ZstdDecompressor().stream_reader(file).read().decode()
        for line in text.splitlines():
            clock = _CLOCK.search(line[:_WITHIN])
            if clock is not None:
                hours, minutes, seconds, rest = clock.groups()
                second = 3600 * int(hours) + 60 * int(minutes) + int(seconds) + float(f"0.{rest or 0}")
            if second > begin:  # a line without a time belongs to the one before it
                found.append((second, program, line))
    return sorted(found, key=lambda one: one[0])


def serve_sample(sample: Sample, out: Path, listen: str) -> None:
    """Run the service in its own home folder with the model of `out`, and replay what the model has not learned from;
    an
    earlier home there is replaced."""
    model = out / "run" / "model"
    learned = load_model(model).facts.get("trained_until")
    after = None if learned is None else datetime.fromisoformat(learned)
    home = out / "home"
    shutil.rmtree(home, ignore_errors=True)
    host, port = address(listen)
    settings = ServiceSettings(home=home, host=host, port=port, model=model, **tokens())
    serve(settings, lambda url, stop: play(sample, url, stop, after=after, token=settings.token))


def play(sample: Sample, url: str, stop: threading.Event, *, after: datetime | None = None, token: str | None) -> int:
    """Send the lines at SPEED times their original speed; return how many were accepted."""
    lines = lines_of(sample, after)
    if not lines:
        return 0
    say(
        f"playing {len(lines):,} lines of {(lines[-1][0] - lines[0][0]) / 60:.0f} minutes at {SPEED:g} times their "
        f"speed into {url}/v1/logs"
    )
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    sent = 0
    for batch in _batches(lines, stop):
        request = urllib.request.Request(f"{url}/v1/logs", _body(batch), headers)
        while not stop.is_set() and not _accepted(request):
            stop.wait(RETRY_SECONDS)
        sent += len(batch)
    say("the sample has been played; the service goes on until Ctrl-C")
    return sent


def _batches(lines: list[tuple[float, str, str]], stop: threading.Event) -> Iterator[list[tuple[float, str, str]]]:
    """The lines due at each tick."""
    began, first, place = time.monotonic(), lines[0][0], 0
    while place < len(lines) and not stop.wait(TICK_SECONDS):
        until = first + (time.monotonic() - began) * SPEED
        begin = place
        while place < len(lines) and lines[place][0] <= until:
            place += 1
        if place > begin:
            yield lines[begin:place]


def _body(batch: list[tuple[float, str, str]]) -> bytes:
    """An OTLP/JSON request, a resource for each program."""
    programs: dict[str, list[dict[str, object]]] = {}
    for _, program, line in batch:
        programs.setdefault(program, []).append({"body": {"stringValue": line}})
    resources = [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": program}}]},
            "scopeLogs": [{"logRecords": records}],
        }
        for program, records in programs.items()
    ]
    return json.dumps({"resourceLogs": resources}).encode()


def _accepted(request: urllib.request.Request) -> bool:
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
