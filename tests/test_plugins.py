"""Another package adds a detector by an entry point, and isang trains with it, saves it and explains by it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "extending.md"
TOY, HIGH_LOSS, READER, PIPES = re.findall(
    r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)
USE = """
from isang.detection.detectors import registered
from isang.testing import check_detector, dataset_of
(detector,) = [each for each in registered() if each.name == "long_session"]
check_detector(
    detector, normal=dataset_of([["in", "work", "out"]] * 200), faulty=dataset_of([["in", *["work"] * 40, "out"]] * 3)
)
from dataclasses import replace
from pathlib import Path
from isang.artifact import load_model, save_model
from isang.detection.detectors import detectors_of, fit
from isang.detection.detectors.timed_sessions import timed_sessions
from tests.test_artifact import some_model
from tests.synthetic import shop_dataset
import numpy as np
model = some_model()
model = replace(model, calibration=model.calibration.with_columns(long_session=0.0))
model = replace(model, fitted=fit(registered(), timed_sessions(shop_dataset(40), model.vocabulary, np.arange(40))))
save_model(model, Path("model"))
assert Path("model/detectors/long_session.parquet").exists()
assert [each.name for each in detectors_of(load_model(Path("model")))][-1] == "long_session"
print("kept")
"""


def installed(folder: Path, name: str, value: str, module: str, group: str = "isang.detectors") -> None:
    """A package as an installer leaves it behind."""
    (folder / "toy.py").write_text(module)
    info = folder / "toy_logs-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-logs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")


def run(code: str, folder: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[1]
    paths = ":".join(str(path) for path in (folder, root / "src", root))
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, env={"PYTHONPATH": paths, "PATH": ""}
    )


def test_a_toy_detector_from_another_package(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    installed(tmp_path / "site", "long_session", "toy:LongSession", TOY)
    done = run(USE, tmp_path / "site", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "kept\n"


@pytest.mark.parametrize(
    ("value", "module", "says"),
    [
        ("toy:LongSession", "import nothing_like_it\n", "cannot be loaded: ModuleNotFoundError"),
        ("toy:Gone", TOY, "cannot be loaded: AttributeError"),
        (
            "toy:LongSession",
            "class LongSession:\n    name = 'x'\n",
            "is no Detector: it lacks allowance, asks_encoder, can_tell, fit",
        ),
        ("toy:LongSession", TOY.replace('"long_session"', '"burst"'), "the name 'burst' is taken"),
        ("toy:LongSession", TOY.replace('"long_session"', '"../x"'), "its name must be lower-case letters"),
        ("toy:LongSession", TOY + "\n    fit = 3\n", "fit must be a method"),
    ],
)
def test_what_is_no_detector_is_named_with_its_package(tmp_path: Path, value: str, module: str, says: str) -> None:
    installed(tmp_path, "long_session", value, module)
    done = run(
        "from isang.detection.detectors import registered\nfrom isang.errors import InputError\n"
        "try:\n    registered()\nexcept InputError as error:\n    print(error)\n",
        tmp_path,
        tmp_path,
    )
    assert says in done.stdout, done.stderr
    assert f"the entry point long_session = {value} (isang.detectors) of toy-logs" in done.stdout


FINDING = (
    HIGH_LOSS
    + """

class Broken(HighLoss):
    def judge(self, table, context):
        return Finding(self.name, "bad", both("No.", "아니요."), {})
"""
)
USE_FINDING = """
import numpy as np
from pathlib import Path
from isang.runs.findings.contract import added
from isang.runs.findings.laws import check_finding, run_of
from isang.runs.report.judge import make_report
from isang.runs.report.report import summary
(rule,) = added(())
check_finding(rule, healthy=run_of(np.geomspace(3, 1, 200)), faulty=run_of(np.full(200, 3.0)))
Path("run.log").write_text("".join(f"step={step} loss={4 - step / 100}\\n" for step in range(1, 101)))
(report,) = make_report(Path("run.log"))
assert report.findings[-1].id == "high_loss"
assert "Problem: High loss\\n  It ends at 3.0." in summary(report, "en")
print("kept")
"""


def test_a_toy_finding_from_another_package(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    installed(tmp_path / "site", "high_loss", "toy:HighLoss", FINDING, group="isang.findings")
    done = run(USE_FINDING, tmp_path / "site", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "kept\n"


def test_a_finding_that_breaks_the_contract_is_named(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    installed(tmp_path / "site", "high_loss", "toy:Broken", FINDING, group="isang.findings")
    (tmp_path / "run.log").write_text("".join(f"step={step} loss={4 - step / 100}\n" for step in range(1, 101)))
    code = "from isang.cli import main; import sys; sys.argv = ['isang', 'report', 'run.log']; main()"
    done = run(code, tmp_path / "site", tmp_path)
    assert done.returncode == 1
    assert "the finding high_loss of another package breaks the contract: the verdict must be one of" in done.stderr
    assert "Traceback" not in done.stderr


USE_READER = """
from pathlib import Path
from isang.runs.read.folders import read_runs
from isang.runs.read.readers import registered
from isang.testing import check_reader
Path("a").mkdir()
path = Path("a/run.toy")
path.write_text("TOYLOG 1\\n" + "".join(f"{n}~{3 - n / 10}\\n" for n in range(1, 11)))
(reader,) = [each for each in registered() if each.name == "toy_log"]
check_reader(reader, path, [3 - n / 10 for n in range(1, 11)])
(table,) = read_runs(path)
assert table.source.format == "toy log"
print("kept")
"""


def test_a_toy_reader_from_another_package(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    installed(tmp_path / "site", "toy_log", "toy:TOY", READER, group="isang.readers")
    done = run(USE_READER.replace("\\\\n", "\\n"), tmp_path / "site", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "kept\n"


USE_LAYOUT = """
from pathlib import Path
from isang.config import LogsConfig
from isang.logs.parsing.layouts import registered
from isang.logs.prepare import prepare
from isang.testing import check_layout
(layout,) = [each for each in registered() if each.name == "toy_pipes"]
levels = ["INFO", "WARN", "INFO", "ERROR"]
lines = [f"{level}| 2026-01-05 09:00:0{n} |web-{n % 2}| step {n} of request r{n}" for n, level in enumerate(levels)]
check_layout(layout, lines)
Path("app.log").write_text("\\n".join(lines * 10))
meta = prepare(["app.log"], LogsConfig()).dataset.meta
assert meta["sources"][0]["layouts"] == [{"name": "toy_pipes", "share": 1.0}], meta["sources"]
print("kept")
"""


def test_a_toy_layout_from_another_package(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    installed(tmp_path / "site", "toy_pipes", "toy:PIPES", PIPES, group="isang.layouts")
    done = run(USE_LAYOUT, tmp_path / "site", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "kept\n"


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (
            "from isang.logs.parsing.layouts import Layout\nPIPES = Layout('toy', r'(?P<message>.*)(?=x)')",
            "without look",
        ),
        (
            "from isang.logs.parsing.layouts import Layout\nPIPES = Layout('toy', '^x(?P<time>.)')",
            "group named message",
        ),
        ("PIPES = 3", "is no Layout: it lacks"),
    ],
)
def test_a_layout_that_reads_nothing_is_named(tmp_path: Path, module: str, says: str) -> None:
    (tmp_path / "site").mkdir()
    installed(tmp_path / "site", "toy_pipes", "toy:PIPES", module, group="isang.layouts")
    code = "from isang.cli import main; import sys; sys.argv = ['isang', 'prepare', 'a.log', '--out', 'd']; main()"
    (tmp_path / "a.log").write_text("one line\n" * 5)
    done = run(code, tmp_path / "site", tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert says in done.stderr
