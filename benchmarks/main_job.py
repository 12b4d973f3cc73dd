"""The main job from raw logs to anomalies: wall time, peak memory and measured quality, one row per data set.

Run: `.venv/bin/python benchmarks/main_job.py [--data ../shared/data] [--out out/benchmark]`
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

HELP_RUNS = 9


def timed(arguments: list[str]) -> tuple[float, float]:
    """Run `isang` with `arguments`; (seconds, peak memory in MB) of the process."""
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "isang", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        errors = process.stderr.read() if process.stderr else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"isang {' '.join(arguments)} failed:\n{errors.decode()}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def quality(out: Path) -> str:
    """F1 with its interval, or that it was not measured."""
    evaluation = json.loads((out / "run" / "model" / "evaluation.json").read_text(encoding="utf-8"))
    if not evaluation["measured"]:
        return "not measured"
    best = max(evaluation["baselines"], key=lambda part: part["metrics"]["f1"]["value"] or 0)
    f1 = evaluation["metrics"]["f1"]
    return (
        f"F1 {f1['value']:.3f} ({f1['low']:.3f} to {f1['high']:.3f}); best baseline: {best['name']} "
        f"{best['metrics']['f1']['value']:.3f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("out/benchmark"))
    options = parser.parse_args()
    data: Path = options.data
    jobs = {
        "HDFS 2 %": ["run", f"{data}/hdfs/HDFS_2pct.log.zst", "--labels", f"{data}/hdfs/anomaly_label.csv"],
        "trainticket": ["run", f"{data}/trainticket/normal", f"{data}/trainticket/faults"],
        "BGL 100k": ["run", f"{data}/bgl/BGL_100k.log.gz"],
        "demo": ["demo"],
    }
    helps = sorted(timed(["--help"])[0] for _ in range(HELP_RUNS))
    print(f"isang --help: {helps[HELP_RUNS // 2]:.2f} s (median of {HELP_RUNS}, {helps[0]:.2f} to {helps[-1]:.2f})\n")
    print("| input | wall time | peak memory | quality on the sessions after the training period |")
    print("| --- | --- | --- | --- |")
    for name, arguments in jobs.items():
        out = options.out / name.replace(" ", "_").replace("%", "percent")
        overwrite = [] if arguments == ["demo"] else ["--overwrite"]
        seconds, megabytes = timed([*arguments, "--out", str(out), *overwrite])
        print(f"| {name} | {seconds:.0f} s | {megabytes:,.0f} MB | {quality(out)} |", flush=True)


if __name__ == "__main__":
    main()
