"""Draw and judge the training curve of a log: `python plot_training_curve.py --log FILE --output DIR`.

The same as `isang report FILE --out DIR`.
"""

import argparse
import gc
import sys
from pathlib import Path

from isang.errors import IsangError
from isang.languages import default_language
from isang.runs.read.choice import Asked
from isang.runs.report.report import make_report, summary, write_report


def main() -> int:
    """Write the report and print its summary; 0 done, 1 failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(description="Training log to statistics, findings, six plots and a report.")
    parser.add_argument("--log", type=Path, required=True, help="training log, run folder or folder of logs")
    parser.add_argument("--output", type=Path, required=True, help="folder for the report")
    parser.add_argument("--overwrite", action="store_true", help="replace what the folder holds")
    parser.add_argument("--lang", choices=("en", "ko"), default=default_language(), help="language of the report")
    parser.add_argument("--loss", help="the series to judge by, where the log has several")
    given = parser.parse_args()
    gc.set_threshold(20_000, 5, 5)  # reading makes many small objects and no cycles; looking for them takes a twentieth
    try:
        reports = make_report(given.log, asked=Asked(loss=given.loss))
        written = write_report(reports, given.output, language=given.lang, overwrite=given.overwrite)
    except IsangError as error:
        print(f"plot_training_curve: {error}", file=sys.stderr)
        return error.exit_code
    print("\n\n".join(summary(report, given.lang) for report in reports))
    print(f"\n{written[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
