"""The documentation says what is true: its commands and flags exist, its links lead somewhere, both languages agree."""

import re
from pathlib import Path

import pytest

from tests.commands import isang

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "README.ko.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9R]*.md"))
COMMANDS = (
    "demo", "run", "prepare", "train", "report", "evaluate", "detect", "export", "compare", "serve", "feedback",
    "reproduce", "mcp",
)  # fmt: skip


def blocks(page: Path, language: str) -> list[str]:
    """The contents of fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def flags() -> dict[str, set[str]]:
    """The flags of each command."""
    return {command: set(re.findall(r"--[a-z][a-z-]*", isang(command, "--help").stdout)) for command in COMMANDS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_flag_that_a_page_shows_exists(page: Path, flags: dict[str, set[str]]) -> None:
    for line in "\n".join(blocks(page, "bash")).splitlines():
        words = line.split("#")[0].split()
        if words[:1] == ["isang"]:
            assert words[1] in COMMANDS, line
            used = {word.split("=")[0] for word in words if word.startswith("--")}
            assert used <= flags[words[1]], line
        elif words and words[0].startswith("scripts/"):
            assert (ROOT / words[0]).is_file(), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_flags_named_in_the_text_exist(page: Path, flags: dict[str, set[str]]) -> None:
    known = set().union(*flags.values()) | {"--fix", "--seed", "--minutes", "--out", "--data", "--log", "--output"}
    named = set(re.findall(r"`(--[a-z][a-z-]*)", page.read_text(encoding="utf-8")))
    assert named <= known


@pytest.mark.parametrize("page", PAGES + DECISIONS, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


def test_both_languages_show_the_same_commands_and_the_same_output() -> None:
    english, korean = ROOT / "README.md", ROOT / "README.ko.md"
    assert blocks(english, "bash") == blocks(korean, "bash")
    assert blocks(english, "text") == blocks(korean, "text")


def test_the_settings_that_the_quickstart_shows_are_accepted(tmp_path: Path) -> None:
    from isang.config import load

    (settings,) = blocks(ROOT / "docs" / "quickstart.md", "toml")
    (tmp_path / "isang.toml").write_text(settings, encoding="utf-8")
    assert load(tmp_path / "isang.toml").logs.session_by == "field:request_id"


def test_the_python_that_the_quickstart_shows_uses_what_exists() -> None:
    import isang

    for block in blocks(ROOT / "docs" / "quickstart.md", "python"):
        compile(block, "quickstart", "exec")
        for name in re.findall(r"\bisang\.(\w+)", block):
            assert hasattr(isang, name), name


def test_the_index_of_decisions_lists_every_decision() -> None:
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"\]\((\d{3}-[\w-]+\.md)\)", index)
    assert listed == [page.name for page in DECISIONS if page.name != "README.md"]


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_the_readme_is_finished(name: str) -> None:
    assert not re.search(r"@[A-Z]+@", (ROOT / name).read_text(encoding="utf-8"))


def test_each_promise_stands_on_a_test() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "promises.md").read_text(encoding="utf-8"))
    rows = [
        line for line in (ROOT / "docs" / "promises.md").read_text(encoding="utf-8").splitlines() if "`tests/" in line
    ]
    assert len(named) >= len(rows) > 10
    assert [name for path, name in named if f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8")] == []
