"""What isang stands on, what its wheel holds, and that it opens no connection that was not asked for."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tools.release import hashes, third_party

from tests.synthetic import shop_dataset, shop_log

PROJECT = Path(__file__).resolve().parents[1]


def listed() -> dict[str, str]:
    rows = [
        line.split(" | ") for line in (PROJECT / "THIRD_PARTY.md").read_text().splitlines() if line.startswith("| ")
    ]
    return {row[0].removeprefix("| "): row[1] for row in rows[2:]}


def test_every_package_that_is_installed_is_listed_with_its_licence() -> None:
    installed = {package.name: package.licence for package in third_party.packages()}
    assert len(installed) > 30
    assert {name: listed().get(name) for name in installed} == installed, "run tools/release/third_party.py"


def test_every_licence_allows_what_isangs_own_allows() -> None:
    assert not {name: said for name, said in listed().items() if not third_party.is_allowed(said)}


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 WITH LLVM-exception AND MIT", True),
        ("GPL-3.0-only", False),
        ("MIT AND GPL-2.0-or-later", False),
        ("MIT OR GPL-2.0-or-later", True),
        ("unknown", False),
    ],
)
def test_licences_are_read_as_spdx_says(expression: str, allowed: bool) -> None:
    assert third_party.is_allowed(expression) == allowed


def test_each_pin_has_the_hash_of_its_file() -> None:
    wanted, hashed = (path.read_text(encoding="utf-8") for path in (hashes.PINS, hashes.HASHED))
    assert hashes.pins(hashed) == hashes.pins(wanted), "run tools/release/hashes.py"
    for line in hashed.splitlines()[1:]:
        assert re.fullmatch(r"[\w.-]+==[\w.+]+ --hash=sha256:[0-9a-f]{64}", line), line


def test_hashes_are_those_of_pips_report_in_the_order_of_the_pins() -> None:
    found = {
        "install": [
            {"metadata": {"name": name}, "download_info": {"archive_info": {"hashes": {"sha256": sha}}}}
            for name, sha in (("Two_Words", "b" * 64), ("one", "a" * 64))
        ]
    }
    pinned = hashes.pins("# of two\none==1.0\ntwo-words==2.0\n")
    assert list(hashes.lines(pinned, found)) == [
        f"one==1.0 --hash=sha256:{'a' * 64}", f"two-words==2.0 --hash=sha256:{'b' * 64}",
    ]  # fmt: skip
    with pytest.raises(KeyError, match="three"):
        list(hashes.lines(["three==3"], found))


def build(source: Path, out: Path) -> Path:
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    return wheel


def test_the_wheel_is_the_same_from_any_copy_of_the_source_and_holds_what_it_should(tmp_path: Path) -> None:
    copies = [tmp_path / "one", tmp_path / "another-place"]
    for number, copy in enumerate(copies):
        shutil.copytree(PROJECT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "LICENSE", "THIRD_PARTY.md"):
            shutil.copy(PROJECT / name, copy / name)
        for path in copy.rglob("*"):
            os.utime(path, (1e9 + number * 86_400, 1e9 + number * 86_400))
    wheels = [build(copy, copy / "dist") for copy in copies]
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
    with zipfile.ZipFile(wheels[0]) as archive:
        names = archive.namelist()
    assert {"isang/py.typed", "isang/cli/__init__.py"} <= set(names)
    for name in ("LICENSE", "THIRD_PARTY.md"):
        assert any(re.fullmatch(rf"isang-[^/]+\.dist-info/licenses/{re.escape(name)}", each) for each in names)
    assert not [name for name in names if not name.startswith(("isang/", "isang-"))]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("command", ["import", "prepare", "report", "compare"])
def test_no_connection_is_opened_that_was_not_asked_for(tmp_path: Path, command: str) -> None:
    log, other, curve = (tmp_path / name for name in ("shop.log", "other.log", "curve.csv"))
    for each in (log, other):
        each.write_text(shop_log(shop_dataset(40)))
    curve.write_text("step,loss\n" + "".join(f"{step},{2 / (1 + step / 30):.4f}\n" for step in range(300)))
    arguments = {
        "import": ["-c", "import isang; isang.Detector, isang.Report"],
        "prepare": ["-m", "isang", "prepare", str(log), "--out", str(tmp_path / "data")],
        "report": ["-m", "isang", "report", str(curve), "--out", str(tmp_path / "report")],
        "compare": ["-m", "isang", "compare", str(log), "--with", str(other)],
    }[command]
    trace = tmp_path / "trace"
    watch = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect,sendto,sendmsg,bind", "-o", str(trace)]
    done = subprocess.run([*watch, sys.executable, *arguments], capture_output=True, text=True, check=False)
    if "ptrace" in done.stderr:
        pytest.skip("tracing of processes is not permitted here")
    assert done.returncode == 0, done.stderr
    assert not re.findall(r".*AF_INET.*", trace.read_text())
