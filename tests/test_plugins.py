"""Another package adds a detector by an entry point, and isang trains with it, saves it and explains by it."""

import subprocess
import sys
from pathlib import Path

import pytest

TOY = '''
import numpy as np
import polars as pl
from isang.detection.detectors.contract import DetectorDefaults, Reason


class LongSession(DetectorDefaults):
    """Finds a session with far more lines than any normal one."""

    name = "long_session"
    unit = "lines"
    least_scale = 1.0
    allowance = 0.0

    def fit(self, sessions):
        return pl.DataFrame({"longest": [int(sessions.tokens.lengths.max()) - 2]})

    def score(self, evidence):
        longest = evidence.fitted[self.name]["longest"][0]
        return np.maximum(0.0, evidence.sessions.lengths - 2.0 - longest)

    def reasons(self, case):
        return [Reason(f"It has {len(case.tokens) - 2} lines.", 0)]
'''
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
        ("toy:LongSession", "class LongSession:\n    name = 'x'\n", "is no Detector: it lacks allowance, fit"),
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


FINDING = '''
from isang.runs.finding import Finding, both, plain


class HighLoss:
    """The loss ends above a limit."""

    name = "high_loss"

    def judge(self, table, context):
        if not len(context.loss):
            return Finding(self.name, "not_applicable", both("There is no loss.", "손실이 없습니다."), {})
        last = float(context.loss[-1])
        verdict = "problem" if last > 2 else "ok"
        statement = both(f"It ends at {last:.1f}.", f"{last:.1f}에서 끝납니다.")
        return Finding(self.name, verdict, statement, plain({"final": last}))


class Broken(HighLoss):
    def judge(self, table, context):
        return Finding(self.name, "bad", both("No.", "아니요."), {})
'''
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


READER = """
from isang.runs.read.readers.reader import CERTAIN, Reader
from isang.runs.read.rows import Account, from_rows
from isang.errors import InputError


def sure(head, path):
    return CERTAIN if head.startswith(b"TOYLOG") else 0.0


def read(path):
    lines = path.read_text(errors="replace").splitlines()[1:]
    try:
        rows = [{"step": float(a), "loss": float(b)} for a, b in (line.split("~") for line in lines)]
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error})") from error
    if not rows:
        raise InputError(f"{path} holds no rows")
    yield from_rows(rows, Account(path.name, "toy log", lines=len(rows)), name=path.name)


TOY = Reader("toy_log", sure, read)
"""
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
