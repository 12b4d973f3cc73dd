"""Trains and tests a candidate in a separate process: `python -m isang.service.models.training SPEC.json`."""

import sys
from pathlib import Path
from typing import Any

from isang.artifact import load_model
from isang.config import from_dict
from isang.detection.feedback.ledger import read_ledger
from isang.errors import IsangError
from isang.files import to_json, write_text
from isang.json_files import anything, mapping, read_json
from isang.logs.store import read_dataset
from isang.service.models import gates
from isang.stages import report, train

SPEC, OUTCOME = "candidate.json", "gates.json"
DATA, HELD_OUT, RUN, ANSWERS = "data", "held_out", "run", "answers.jsonl"


def work(folder: Path) -> dict[str, Any]:
    """Train on `data` in the folder of a version; return the gates' results, also written to `gates.json` there."""
    spec = read_json(folder / SPEC, mapping(anything), "train again")
    config = from_dict(spec["config"])
    train(folder / DATA, folder / RUN, config=config, answers=read_ledger(folder / ANSWERS), overwrite=True)
    present, candidate = load_model(Path(spec["present"])), load_model(folder / RUN)
    held_out = read_dataset(folder / HELD_OUT)
    findings = None if candidate.encoder is None else _findings(folder / RUN)
    found = [
        gates.training_gate(findings),
        gates.material_gate(present, read_dataset(folder / DATA)),
        gates.planted_gate(present, candidate, held_out),
        gates.surprise_gate(present, candidate),
        gates.budget_gate(candidate, held_out),
    ]
    outcome = {"schema": 1, "gates": found, "changes": gates.changes(present, candidate, held_out)}
    write_text(folder / OUTCOME, to_json(outcome))
    return outcome


def _findings(run: Path) -> dict[str, dict[str, Any]]:
    """The judge's verdicts on the training, by the names of its findings."""
    (judged,) = report([run])
    return {one.id: {"verdict": one.verdict, "statement": one.statement} for one in judged.findings}


def main() -> None:
    """Exit with code 1 and a sentence if training failed."""
    try:
        work(Path(sys.argv[1]))
    except IsangError as error:
        sys.exit(f"isang: {error}")


if __name__ == "__main__":
    main()
