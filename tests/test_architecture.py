"""The layers: lower rooms never import higher ones, and text needs no torch."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

MOST_FILES = 12
MOST_LINES = 400
LONGEST_FUNCTION = 60
SOURCE = Path(__file__).resolve().parents[1] / "src" / "isang"
PROMISED_TWICE = {"Detector"}
"""The library's object and the contract of a plug-in: both names are documented."""

BASE = {
    "errors", "files", "progress", "compression", "memory", "signals", "formatting", "html", "json_files",
    "parquet_files", "threads", "languages",
}  # fmt: skip
ALLOWED = {
    "errors": set(),
    "compression": {"errors"},
    "formatting": set(),
    "html": {"formatting"},
    "languages": set(),
    "memory": set(),
    "signals": {"errors", "formatting"},
    "threads": set(),
    "files": {"errors", "formatting"},
    "json_files": {"errors", "files"},
    "parquet_files": {"errors", "files"},
    "progress": {"errors", "formatting"},
    "config": BASE,
    "logs": BASE | {"config", "plugins"},
    "model": BASE | {"config", "logs"},
    "model_card": set(),
    "artifact": BASE | {"config", "logs", "model", "model_card"},
    "training": BASE | {"config", "logs", "model", "artifact"},
    "detection": BASE | {"plugins", "config", "logs", "model", "artifact", "training"},
    "distributed": BASE | {"config", "logs", "model", "artifact", "detection"},
    "runs": BASE | {"config", "plugins"},
    "samples": BASE,
    "resumable": BASE | {"config"},
    "pages": BASE | {"config", "logs", "runs"},
    "stages": BASE
    | {"resumable", "config", "logs", "model", "artifact", "training", "detection", "runs", "pages", "distributed"},
    "api": BASE | {"config", "logs", "artifact", "detection", "runs", "stages"},
    "summaries": BASE | {"config", "logs", "training", "detection", "runs", "stages"},
    "mcp_server": BASE | {"runs"},
    "__main__": {"cli"},
    "cli": BASE | {"config", "logs", "runs", "stages", "summaries", "samples", "training", "mcp_server", "service"},
    "plugins": {"errors"},
    "testing": BASE | {"config", "logs", "model", "artifact", "detection", "runs"},
    "service": BASE
    | {"config", "logs", "model", "artifact", "training", "detection", "pages", "stages", "api", "samples"},
    "__init__": BASE | {"api", "detection", "stages", "config"},
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


def test_results_are_written_without_the_judge_of_runs() -> None:
    code = (
        "import sys, isang.stages.results, isang.pages.contents, isang.pages.page; "
        "assert 'isang.runs.report' not in sys.modules, 'it costs a detect half a second'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def imports_when_loaded(path: Path, modules: set[str]) -> set[str]:
    """The modules of isang that a file imports while it is loaded itself."""
    found: set[str] = set()

    def visit(nodes: list[ast.stmt]) -> None:
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "isang":
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                found.update(name if name in modules else str(node.module) for name in names)
            elif isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names if alias.name in modules)
            elif isinstance(node, (ast.ClassDef, ast.Try, ast.With)) or (
                isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.dump(node.test)
            ):
                visit(node.body)

    visit(ast.parse(path.read_text(encoding="utf-8")).body)
    return found


def test_no_file_is_needed_to_load_itself() -> None:
    paths = {
        ".".join(("isang", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__"): path
        for path in SOURCE.rglob("*.py")
    }
    imports = {name: imports_when_loaded(path, set(paths)) & set(paths) - {name} for name, path in paths.items()}
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the files


@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in SOURCE.rglob("*.py")} - {SOURCE}), ids=lambda path: path.name
)
def test_a_folder_can_be_taken_in_at_a_glance(folder: Path) -> None:
    files = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(files) <= MOST_FILES, f"{folder.name} has {len(files)} files; give those of one purpose a folder"


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_is_short_and_a_function_fits_a_screen(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lines = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert text.count("\n") <= MOST_LINES
    assert {name: count for name, count in lines.items() if count > LONGEST_FUNCTION} == {}


def test_a_name_of_a_class_means_one_thing() -> None:
    files: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                files.setdefault(node.name, []).append(str(path.relative_to(SOURCE)))
    shared = {name: where for name, where in files.items() if len(where) > 1 and name not in PROMISED_TWICE}
    assert not shared, f"give one of each pair another name: {shared}"
