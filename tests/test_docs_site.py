"""The documentation site: every page is in its navigation, and it is built without a warning where mkdocs is there."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


def test_every_page_is_in_the_navigation_or_linked_from_another() -> None:
    named = re.findall(r": ([\w./-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(named) == len(set(named))
    assert all((DOCS / page).is_file() for page in named)
    pages = {page.name: page.read_text(encoding="utf-8") for page in DOCS.glob("*.md")}
    for page in set(pages) - set(named):
        assert any(f"]({page}" in text for name, text in pages.items() if name != page), page


def test_anchors_that_links_name_exist() -> None:
    for page in DOCS.glob("*.md"):
        for target, anchor in re.findall(r"\]\(([\w.-]*\.md)?#([\w-]+)\)", page.read_text(encoding="utf-8")):
            text = (DOCS / target if target else page).read_text(encoding="utf-8")
            heads = [
                re.sub(r"[^\w\s-]", "", head).strip().lower() for head in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
            ]
            assert anchor in [re.sub(r"\s+", "-", head) for head in heads], f"{page.name}: {target}#{anchor}"


@pytest.mark.skipif(find_spec("material") is None, reason="mkdocs-material is not installed: pip install '.[docs]'")
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r'(?:src|href)="https?://(?!squidfunk)', page), "it loads nothing from elsewhere"
