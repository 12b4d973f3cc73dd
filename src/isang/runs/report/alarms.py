"""Say once what a followed run has newly run into, and hand it to a command or a webhook."""

import os
import shlex
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from isang.errors import UsageError
from isang.files import to_json
from isang.progress import say
from isang.runs.findings import Finding, Language
from isang.runs.report.judge import JudgedRun
from isang.runs.text.words import finding_name, word

SECONDS = 30.0
"""How long a command or a webhook may take; the next look at the log waits for it."""


class Alarms:
    """The problems of followed runs, each reported once per run and finding.

    `on_problem` is a command (no shell; the problem is JSON on its standard input and in ISANG_RUN, ISANG_FINDING and
    ISANG_STATEMENT) or an http(s) address that gets the JSON as a POST. A failing hook is reported and stops nothing.
    """

    def __init__(self, on_problem: str | None = None, *, language: Language = "en") -> None:
        self._language: Language = language
        self._told: set[tuple[str, str]] = set()
        self._url = on_problem if on_problem and urlsplit(on_problem).scheme in ("http", "https") else None
        self._command = [] if on_problem is None or self._url else _split(on_problem)

    @property
    def any(self) -> bool:
        """Whether any problem was reported."""
        return bool(self._told)

    def tell(self, reports: Sequence[JudgedRun]) -> None:
        """Report each new problem, and run the hook for it."""
        for report in reports:
            for finding in report.findings:
                key = (report.table.name, finding.id)
                if finding.verdict == "problem" and key not in self._told:
                    self._told.add(key)
                    self._tell(report, finding)

    def _tell(self, report: JudgedRun, finding: Finding) -> None:
        step = f"{report.statistics['steps'] or 0:,}"
        name = finding_name(finding.id, self._language)
        label = word("new_problem", self._language, step=step, name=name)
        say(f"{report.table.name}: {label}: {finding.statement[self._language]}")
        content = to_json(_message(report, finding), indent=None)
        failed = None
        if self._url:
            failed = _post(self._url, content)
        elif self._command:
            failed = _run(self._command, report, finding, content)
        if failed:
            say(f"--on-problem failed: {failed}")


def _split(command: str) -> list[str]:
    try:
        parts = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--on-problem is no command: {error}; give a command or an http(s) address") from error
    if not parts:
        raise UsageError("--on-problem is empty; give a command or an http(s) address")
    return parts


def _message(report: JudgedRun, finding: Finding) -> dict[str, Any]:
    return {
        "schema": 1, "run": report.table.name, "source": report.table.source.path, "finding": finding.id,
        "verdict": finding.verdict, "step": report.statistics["steps"], "statement": dict(finding.statement),
        "remedy": dict(finding.remedy) if finding.remedy else None, "evidence": dict(finding.evidence),
    }  # fmt: skip


def _post(url: str, content: str) -> str | None:
    """Why the address did not take it, None where it did."""
    request = urllib.request.Request(url, content.encode(), {"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):
            return None
    except (OSError, ValueError, urllib.error.URLError) as error:
        return f"{type(error).__name__}: {error}"


def _run(command: Sequence[str], report: JudgedRun, finding: Finding, content: str) -> str | None:
    """Why the command failed, None where it did not."""
    environment = {
        **os.environ, "ISANG_RUN": report.table.name, "ISANG_FINDING": finding.id,
        "ISANG_STATEMENT": finding.statement["en"],
    }  # fmt: skip
    try:
        done = subprocess.run(command, input=content.encode(), env=environment, timeout=SECONDS, check=False)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return str(error)
    return f"{command[0]} left with {done.returncode}" if done.returncode else None
