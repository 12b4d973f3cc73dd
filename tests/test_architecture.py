"""The layers: lower rooms never import higher ones, and text needs no torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "isang"

BASE = {"errors", "files", "progress", "compression", "memory", "signals", "formatting", "json_files", "parquet_files"}
ALLOWED = {
    "errors": set(),
    "compression": {"errors"},
    "formatting": set(),
    "memory": set(),
    "signals": {"errors", "formatting"},
    "threads": set(),
    "files": {"errors", "formatting"},
    "json_files": {"errors", "files"},
    "parquet_files": {"errors", "files"},
    "progress": {"errors", "formatting"},
    "config": BASE,
    "logs": BASE | {"config"},
    "model": BASE | {"config", "logs"},
    "artifact": BASE | {"config", "logs", "model"},
    "training": BASE | {"config", "logs", "model", "artifact"},
    "detection": BASE | {"plugins", "config", "logs", "model", "artifact", "training"},
    "runs": BASE | {"config", "plugins"},
    "samples": BASE,
    "resumable": BASE | {"config"},
    "stages": BASE | {"resumable", "config", "logs", "model", "artifact", "training", "detection", "runs"},
    "summaries": BASE | {"config", "logs", "training", "detection", "runs", "stages"},
    "mcp_server": BASE | {"runs"},
    "__main__": {"cli"},
    "cli": BASE | {"config", "logs", "runs", "stages", "summaries", "samples", "training", "options", "mcp_server"},
    "options": BASE,
    "plugins": {"errors"},
    "testing": BASE | {"config", "logs", "model", "artifact", "detection", "runs"},
    "service": BASE | {"config", "logs", "model", "artifact", "training", "detection", "pages", "stages", "api"},
    "__init__": BASE | {"stages", "config", "threads"},
}


def imported_rooms(path: Path) -> set[str]:
    """Names right below `isang` that a file imports, anywhere in it."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "isang":
            rooms |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("isang."):
            rooms.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            rooms |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("isang.")}
    return rooms - {"__version__"}


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_lower_never_imports_higher(path: Path) -> None:
    room = room_of(path)
    assert room in ALLOWED, f"{room} is a new room: give it its place in the order"
    assert imported_rooms(path) - {room} <= ALLOWED[room]


@pytest.mark.parametrize(
    "module", ["isang", "isang.cli", "isang.stages", "isang.logs.prepare", "isang.runs.report.report"]
)
def test_text_and_runs_do_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; assert 'torch' not in sys.modules, 'torch was imported'"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_imports_neither_polars_nor_matplotlib() -> None:
    code = (
        "import sys, isang.cli; "
        "assert not {'polars', 'numpy', 'matplotlib', 'torch', 'rich'} & set(sys.modules), 'a heavy import'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
