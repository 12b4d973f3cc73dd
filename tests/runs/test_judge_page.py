"""`docs/judge.md` describes the findings that there are, under their names, with the limits that the code has."""

import importlib
import re
from pathlib import Path

from isang.runs.findings import FINDINGS
from isang.runs.findings.ranking import ORDER
from isang.runs.text.words import finding_name, word

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "judge.md").read_text(encoding="utf-8")


def test_every_finding_has_a_section_under_both_its_names() -> None:
    sections = re.findall(r"^## `(\w+)`\n\n\*([^*]+) · ([^*]+)\.\*", PAGE, re.MULTILINE)
    names = [finding.__name__ for finding in FINDINGS]
    assert sections == [(name, finding_name(name, "en"), finding_name(name, "ko")) for name in names]
    assert set(ORDER) == set(names)


def test_the_verdicts_are_those_of_the_report() -> None:
    verdicts = re.findall(r"^\| ([A-Z][\w ]+) \| `(\w+)` \|", PAGE, re.MULTILINE)
    assert verdicts == [(word(f"verdict_{name}", "en"), name) for _, name in verdicts]
    assert {name for _, name in verdicts} == {"problem", "cannot_tell", "ok", "not_applicable"}


def test_the_limits_have_the_values_of_the_code() -> None:
    limits = re.findall(r"^\| `([A-Z_]+)` \| ([\d.]+) \| `([\w/]+)\.py` \|", PAGE, re.MULTILINE)
    assert len(limits) >= 15
    for name, value, place in limits:
        module = importlib.import_module("isang.runs." + place.replace("/", "."))
        assert getattr(module, name) == float(value), name
