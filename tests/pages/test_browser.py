"""The page in a real browser: its own policy lets its style and script work, and what stands in logs runs nowhere."""

import shutil
import subprocess
from pathlib import Path

import pytest

from isang.pages.page import index_html
from tests.pages.test_page import contents

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
def test_a_browser_runs_our_script_and_nothing_of_the_log(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(index_html(contents(3), "en"), encoding="utf-8")
    command = [
        str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
        "--enable-logging=stderr", "--dump-dom", (tmp_path / "index.html").as_uri(),
    ]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert '<p class="script-only"><label>' in found.stdout, "the script ran: what needs it is shown"
    assert "Content Security Policy" not in found.stderr
    assert "Uncaught" not in found.stderr
    assert found.stdout.count("<script>") == 1
