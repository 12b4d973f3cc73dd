"""The commands that judge trainings and detectors: report and evaluate."""

import gc
from pathlib import Path
from typing import Annotated, Literal

import typer

from isang.cli.options import (
    Engine,
    Json,
    Labels,
    Lang,
    NoRewordings,
    Overwrite,
)


def report(
    logs: Annotated[
        list[Path],
        typer.Argument(help="Training logs of any tool, or run folders; - is standard input.", metavar="LOG"),
    ],
    out: Annotated[Path | None, typer.Option(help="Where pages and pictures go.", metavar="DIR")] = None,
    lang: Lang = None,
    loss: Annotated[
        str | None, typer.Option(help="The series to judge, by the log's own name.", metavar="NAME")
    ] = None,
    validation: Annotated[str | None, typer.Option(help="The validation loss, likewise.", metavar="NAME")] = None,
    rate: Annotated[str | None, typer.Option(help="The learning rate, likewise.", metavar="NAME")] = None,
    metric: Annotated[
        str | None, typer.Option(help="The metric, and which way it improves.", metavar="NAME[:max|min]")
    ] = None,
    step: Annotated[str | None, typer.Option(help="What counts the steps, likewise.", metavar="NAME")] = None,
    evaluation: Annotated[
        Path | None, typer.Option(help="An evaluation.json with the measured quality.", metavar="FILE")
    ] = None,
    series: Annotated[bool, typer.Option("--series", help="List the series that each log holds, and leave.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Rewrite the report whenever a log grows, until the run is done.")
    ] = False,
    on_problem: Annotated[
        str | None,
        typer.Option(metavar="COMMAND|URL", help="With --follow: run this once for each problem, or post it there."),
    ] = None,
    json: Json = False,
    fail_on: Annotated[
        Literal["problem"] | None,
        typer.Option(help="Leave with 3 if any finding is this bad, with --follow as soon as one is."),
    ] = None,
    write_back: Annotated[
        bool, typer.Option("--write-back", help="Write the verdicts into the TensorBoard folder or the W&B run.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Judge any training log: statistics, findings, plots."""
    from isang import stages, summaries

    if series:
        print(summaries.of_series(stages.series(logs), as_json=json))
        return
    gc.set_threshold(20_000, 5, 5)  # reading makes many small objects and no cycles; a search costs 5 % of the time
    reports = stages.report(
        logs, out, language=lang, loss=loss, validation=validation, rate=rate, metric=metric, step=step,
        evaluation=evaluation, overwrite=overwrite, follow=follow, on_problem=on_problem,
        until_problem=fail_on is not None, write_back=write_back,
    )  # fmt: skip
    print(summaries.of_reports(reports, lang, as_json=json))
    if out is not None and not json:
        print(f"written to {out}")
    if fail_on and any(finding.verdict == fail_on for item in reports for finding in item.findings):
        raise typer.Exit(3)


def evaluate(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", metavar="MODEL")],
    data: Annotated[Path, typer.Argument(help="A dataset folder.", metavar="DATA")],
    labels: Labels = None,
    out: Annotated[
        Path | None, typer.Option(help="Write evaluation.json and the plots here too.", metavar="DIR")
    ] = None,
    no_rewordings: NoRewordings = False,
    engine: Engine = None,
    json: Json = False,
    overwrite: Overwrite = False,
) -> None:
    """Measure the quality, beside trivial baselines."""
    from isang import stages, summaries
    from isang.files import to_json

    evaluation = stages.evaluate(
        model,
        data,
        labels=labels,
        out=out,
        overwrite=overwrite,
        rewordings=False if no_rewordings else None,
        engine=engine,
    )
    print(to_json(evaluation) if json else summaries.of_evaluation(evaluation), end="" if json else "\n")
