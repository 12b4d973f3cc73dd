"""What comes from outside is shown so that it can neither steer a terminal nor hide anything."""

import json
import shutil
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.files import to_json
from isang.formatting import escaped_json, printable, printable_line
from tests.hostile.conftest import HOSTILE, Place, isang

WRITTEN_MARKS = {"\t", "\n", *map(chr, [*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD])}
"""Format characters that are seen: number signs of Arabic, Syriac and Kaithi; Egyptian joiners are seen, too."""


def hidden_in(text: str) -> set[str]:
    """The characters that steer or are not seen, by their Unicode category."""
    return {
        character
        for character in set(text) - WRITTEN_MARKS
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        and not 0x13430 <= ord(character) <= 0x1343F
    }


def test_every_control_and_format_character_is_shown() -> None:
    every = "".join(map(chr, [*range(0x32000), *range(0xE0000, 0xE2000)]))
    assert hidden_in(printable(every)) == set()
    assert hidden_in(escaped_json(every)) == set()
    assert "\n" not in printable_line(every)


@pytest.mark.parametrize("character", "\u034f\u115f\u3164\uffa0\ufe00\U000e0100\u180b")
def test_characters_without_a_picture_are_shown(character: str) -> None:
    assert character not in printable(f"a{character}b")


@pytest.mark.parametrize("text", ["INFO done\tin 3 s\n", "결제 완료", "ログ出力", "⚠️ 1️⃣ ✔️", "naïve → 5 µs", "٣ طلبات"])
def test_what_people_write_stays(text: str) -> None:
    assert printable(text) == text


def test_the_escape_says_which_character_it_was() -> None:
    assert printable("\x1b[31m\x85\u202e\U000e0041\ud800") == r"\x1b[31m\x85\u202e\U000e0041\ud800"
    assert printable_line("a\nb") == r"a\nb"


@given(st.dictionaries(st.text(), st.text(st.characters(exclude_categories=()))))
def test_json_means_the_same_and_hides_nothing(value: dict[str, str]) -> None:
    text = to_json(value, indent=None)
    assert json.loads(text) == json.loads(json.dumps(value))
    assert hidden_in(text.removesuffix("\n")) == set()


def commands(place: Place, out: Path) -> dict[str, tuple[object, ...]]:
    """Every command, with hostile lines, names and options."""
    run, data = place.out / "run", place.out / "data"
    hostile = f"x{HOSTILE}".replace("\x00", "").replace("/", "")
    metrics = out / f"{hostile}.jsonl"
    lines = [{"step": step, "loss": 3 / step, f"loss/{HOSTILE}": 2 / step, HOSTILE: 1.0} for step in range(1, 200)]
    text = "".join(json.dumps(line) + "\n" for line in lines) + HOSTILE + "\n"
    metrics.write_text(text, encoding="utf-8", newline="")
    (out / "isang.toml").write_text("[logs]\n" + json.dumps(hostile) + " = 1\n")
    return {
        "dry run": ("prepare", place.log, "--dry-run", "--mask", "device=/dev/sd."),
        "prepare": ("prepare", place.log, "--labels", place.labels, "--out", out / hostile),
        "evaluate": ("evaluate", run, data),
        "evaluate in JSON": ("evaluate", run, data, "--json"),
        "detect": ("detect", run, place.log),
        "detect in JSON": ("detect", run, place.log, "--json"),
        "report": ("report", metrics, run, "--out", out / "report"),
        "report in Korean": ("report", metrics, "--lang", "ko"),
        "report in JSON": ("report", metrics, "--json"),
        "series": ("report", metrics, "--series"),
        "series in JSON": ("report", metrics, "--series", "--json"),
        "no such log": ("detect", run, f"no{hostile}"),
        "no such model": ("detect", f"no{hostile}", place.log),
        "no such series": ("report", metrics, "--loss", hostile),
        "unknown option": ("detect", f"--{hostile}"),
        "unknown command": (hostile,),
        "bad layout": ("prepare", place.log, "--layout", f"<{hostile}>", "--dry-run"),
        "bad key": ("prepare", place.log, "--session-by", f"({hostile}", "--dry-run"),
        "bad mask": ("prepare", place.log, "--mask", f"a=({hostile}", "--dry-run"),
        "bad zone": ("prepare", place.log, "--timezone", hostile, "--dry-run"),
        "bad window": ("prepare", place.log, "--window", hostile, "--dry-run"),
        "bad number": ("train", data, "--out", out / "run", "--epochs", hostile),
        "bad settings": ("train", data, "--out", out / "run", "--config", out / "isang.toml"),
        "bad dataset": ("train", f"no{hostile}", "--out", out / "run"),
        "bad labels": ("prepare", place.log, "--labels", metrics, "--out", out / "other"),
        "export": ("export", run, "--out", out / f"no{hostile}" / "no" / "model.txt"),
    }  # fmt: skip


def test_no_command_prints_what_could_steer_a_terminal(place: Place, tmp_path: Path) -> None:
    assert hidden_in(place.said) == set()
    for name, command in commands(place, tmp_path).items():
        result = isang(*command)
        assert hidden_in(result.stdout + result.stderr) == set(), name
        assert not [line for line in result.stdout.splitlines() if line.startswith("isang: all is well")], name
        assert not [line for line in result.stderr.splitlines() if line.startswith("isang: all is well")], name
        if "JSON" in name:
            json.loads(result.stdout.splitlines()[0] if name.startswith("detect") else result.stdout)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_following_prints_nothing_that_could_steer_a_terminal(place: Place, options: tuple[str, ...]) -> None:
    with place.log.open(encoding="utf-8") as text:
        result = isang("detect", place.out / "run", "-", "--follow", *options, stdin=text)
    assert "disk" in result.stdout
    assert hidden_in(result.stdout + result.stderr) == set()


def test_no_page_picture_or_document_holds_such_characters(place: Place, tmp_path: Path) -> None:
    copy = tmp_path / "run\u202e\x1b"
    shutil.copytree(place.out / "run", copy)
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"step": n, "loss": 3 / n}) + "\n" for n in range(1, 99)))
    named = shutil.copy(tmp_path / "a.jsonl", tmp_path / "b\u202e\x1b[2J<img src=x>.jsonl")
    assert isang("report", copy, named, "--out", tmp_path / "report").returncode == 0
    written = [path for folder in (tmp_path / "report", place.out) for path in folder.rglob("*") if path.is_file()]
    texts = [path for path in written if path.suffix in (".html", ".md", ".svg", ".json", ".jsonl", ".log")]
    assert {path.suffix for path in texts} == {".html", ".md", ".svg", ".json", ".jsonl", ".log"}
    for path in texts:
        text = path.read_text(encoding="utf-8")
        assert hidden_in(text) == set(), path
        assert path.suffix in (".json", ".jsonl", ".log") or "<script>alert" not in text, path
        assert path.suffix in (".json", ".jsonl", ".log") or "<img" not in text, path
        if path.suffix == ".svg":
            ET.fromstring(text)
