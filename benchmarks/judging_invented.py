"""Invented training logs with an expert's answer: is each read and judged right?

    python benchmarks/judging_invented.py [HALF] [--seed S] [--only NAME] [--show]

HALF is development, held_back, or one of round_a to round_j. The logs have the shapes of many trainers, with our own
words and numbers (`invented_runs/`). Of several runs in one log the last one is judged.
"""

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from invented_runs.shapes import Generator, Log, Right

from isang.errors import InputError
from isang.runs.finding import Finding
from isang.runs.findings import judge
from isang.runs.read.folders import read_runs
from isang.runs.read.table import VALIDATION_LOSS, RunTable, usable

HALVES = (
    "development",
    "held_back",
    "round_a",
    "round_b",
    "round_c",
    "round_d",
    "round_e",
    "round_f",
    "round_g",
    "round_h",
    "round_i",
    "round_j",
)


def read(log: Log, folder: Path) -> list[RunTable]:
    """The runs that are read from the files of a log; a log of several files is given as a folder."""
    for name, text in log.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    only = next(iter(log.files))
    return read_runs(folder / only if len(log.files) == 1 else folder / only.split("/")[0])


def read_wrong(right: Right, runs: list[RunTable]) -> list[str]:
    """What of the right reading is read otherwise."""
    run = runs[-1]
    loss = run.column(run.loss)
    seen = loss[np.isfinite(loss)]
    found = {
        "runs": len(runs),
        "error": 0,
        "losses": int((~np.isnan(loss)).sum()) + len(run.logged_nan.get(run.loss, ())),
        "validations": int(usable(run.column(VALIDATION_LOSS)).sum()),
        "last_step": int(run.step[-1]),
        "maximised": float(run.maximised),
        "first": float(seen[0]) if len(seen) else np.nan,
        "last": float(seen[-1]) if len(seen) else np.nan,
    }
    return [
        f"{name} {found[name]:g} instead of {value:g}"
        for name, value in {"runs": 1, **right.read}.items()
        if not np.isclose(found[name], value, rtol=0.05 if name in ("first", "last") else 0)
    ]


def judged_wrong(right: Right, findings: list[Finding]) -> list[str]:
    """Problems that were missed, wrong ones, and other wrong verdicts."""
    verdicts = {finding.id: finding.verdict for finding in findings}
    problems = {name for name, verdict in verdicts.items() if verdict == "problem"}
    allowed = {name for group in right.problems for name in group} | {*right.may}
    wrong = [f"missed {' or '.join(group)}" for group in right.problems if not problems & {*group}]
    wrong += [f"wrong problem {name}" for name in sorted(problems - allowed)]
    return wrong + [
        f"{name} is {verdicts[name]}, not {verdict}"
        for name, verdict in right.verdicts.items()
        if verdicts[name] not in verdict.split("|")
    ]


def main() -> None:
    """Print one line per log, then the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("half", nargs="?", choices=HALVES, default=HALVES[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--show", action="store_true", help="print every statement")
    given = parser.parse_args()
    logs: tuple[Generator, ...] = import_module(f"invented_runs.{given.half}").LOGS
    counts = [0, 0, 0]
    for generator in logs:
        if given.only not in generator.__name__:
            continue
        log = generator(np.random.default_rng([given.seed, *generator.__name__.encode()]))
        with tempfile.TemporaryDirectory() as folder:
            try:
                runs = read(log, Path(folder))
            except InputError as error:
                right = "error" in log.right.read
                print(f"{generator.__name__:32s} {'refused, as it should be' if right else 'not read'}: {error}")
                counts = [counts[0] + 1, counts[1] + right, counts[2] + right]
                continue
            findings = judge(runs[-1])
        lacking = read_wrong(log.right, runs)
        wrong = judged_wrong(log.right, findings)
        counts = [counts[0] + 1, counts[1] + (not lacking), counts[2] + (not wrong)]
        print(
            f"{generator.__name__:32s} read: {'; '.join(lacking) or 'right':40s} judged: {'; '.join(wrong) or 'right'}"
        )
        if given.show:
            for finding in findings:
                print(f"    {finding.id:16s} {finding.verdict:14s} {finding.statement['en']}")
    print(f"\n{counts[0]} logs: {counts[1]} read right, {counts[2]} judged right")


if __name__ == "__main__":
    main()
