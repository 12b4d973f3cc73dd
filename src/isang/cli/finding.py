"""The commands that find what is not normal: detect, feedback, reproduce and compare."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from isang.cli.options import (
    Alerts,
    ConfigFile,
    Engine,
    Json,
    Layout,
    Logs,
    Masks,
    NoRewordings,
    Onnx,
    Overwrite,
    PageLang,
    Timezone,
    Verbose,
    log_flags,
    seconds,
)
from isang.errors import UsageError


def detect(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", metavar="MODEL")],
    logs: Logs,
    alerts_per_thousand: Alerts = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON line per anomaly instead of text.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on as the logs grow, until Ctrl-C or the end of standard input.")
    ] = False,
    idle: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="With --follow: a session with a key ends after a silence this long.  "
            "[default: longer than in 99.9 % of the training sessions]",
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="With --follow: the place to resume from after a restart.  [default: start over]"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write index.html, incidents.json and anomalies.jsonl here too.", metavar="DIR")
    ] = None,
    no_rewordings: NoRewordings = False,
    onnx: Onnx = None,
    engine: Engine = None,
    lang: PageLang = None,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
) -> None:
    """Find anomalous sessions in raw logs or in a dataset folder, with reasons, as incidents."""
    from isang import stages, summaries
    from isang.files import folder_being_written, refuse_existing, to_json

    settings: dict[str, Any] = {"alerts_per_thousand": alerts_per_thousand, "onnx": onnx}
    settings["rewordings"] = False if no_rewordings else None
    if follow:
        if engine is not None:
            raise UsageError("--follow reads growing logs on this machine; leave --engine out")
        if out is not None:
            raise UsageError("--follow prints anomalies as they come and writes no folder; leave --out out")
        silence = None if idle is None else seconds("--idle", idle)
        _follow(model, logs, as_json=json, idle_seconds=silence, state=state, **settings)
        return
    if idle is not None or state is not None:
        raise UsageError("--idle and --state belong to --follow")
    if lang is not None and out is None:
        raise UsageError("--lang is the language of the page that --out DIR writes; give --out too, or leave it out")
    if out is not None:
        refuse_existing(out, overwrite=overwrite)
    detected = stages.detect(model, logs, engine=engine, **settings)
    if out is not None:
        with folder_being_written(out, overwrite=overwrite) as building:
            detected.write(building, language=lang)
    if json:
        print("".join(to_json(record, indent=None) for record in detected.records), end="")
        return
    print(summaries.of_detected(detected) if verbose else summaries.of_detected_in_short(detected, out))


def feedback(
    model: Annotated[Path, typer.Argument(help="A model folder, or what isang run wrote.", metavar="MODEL")],
    normal: Annotated[
        str | None, typer.Option(help="This incident is normal; its like is silenced.", metavar="FINGERPRINT")
    ] = None,
    anomaly: Annotated[
        str | None, typer.Option(help="This incident is a real one; it is never learned from.", metavar="FINGERPRINT")
    ] = None,
    acknowledged: Annotated[
        str | None, typer.Option(help="Somebody has seen this incident.", metavar="FINGERPRINT")
    ] = None,
    undo: Annotated[str | None, typer.Option(help="Take an answer back.", metavar="ID")] = None,
    show: Annotated[bool, typer.Option("--list", help="Show the answers in effect.")] = False,
    until: Annotated[
        str | None, typer.Option(help="How long it holds: a date, a time, or a duration such as 7d.", metavar="TIME")
    ] = None,
    scope: Annotated[
        Literal["incident", "template", "detector"],
        typer.Option(help="What is normal: this cause, every reason with its line, or every reason of its kind."),
    ] = "incident",
    template: Annotated[
        str | None, typer.Option(help="Which of the incident's lines is meant; implies --scope template.")
    ] = None,
    result: Annotated[
        Path | None,
        typer.Option(help="Where the incident is.  [default: the result that MODEL lies in]", metavar="DIR"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what the answer would silence, and leave.")] = False,
    json: Json = False,
) -> None:
    """Answer to an incident: what detect, run and serve then silence, learn and count."""
    from isang import stages, summaries

    given: list[tuple[Literal["normal", "anomaly", "acknowledged"], str | None]] = [
        ("normal", normal), ("anomaly", anomaly), ("acknowledged", acknowledged),
    ]  # fmt: skip
    answers = [(verdict, fingerprint) for verdict, fingerprint in given if fingerprint is not None]
    if len(answers) + (undo is not None) + show != 1:
        raise UsageError("isang feedback needs one of --normal, --anomaly, --acknowledged, --undo and --list")
    if undo is not None:
        print(f"taken back: {stages.undo_feedback(model, undo).title}")
        return
    if show:
        print(summaries.of_answers(*stages.answers(model), as_json=json))
        return
    verdict, fingerprint = answers[0]
    done = stages.feedback(
        model, fingerprint, verdict, until=until, scope=scope if template is None else "template",
        template=template, result=result, dry_run=dry_run,
    )  # fmt: skip
    print(summaries.of_feedback(done, as_json=json))


def reproduce(
    model: Annotated[
        Path, typer.Argument(help="A model folder, what isang run wrote, or the home of isang serve.", metavar="MODEL")
    ],
    alert: Annotated[
        str, typer.Argument(help="A session id, or the id or fingerprint of an incident.", metavar="ALERT")
    ],
    result: Annotated[
        Path | None,
        typer.Option(help="Where the alert is.  [default: the result that MODEL lies in]", metavar="DIR"),
    ] = None,
    json: Json = False,
) -> None:
    """Judge an alert again from what was kept of it, and say what differs; exit code 1 where anything does."""
    from isang import stages, summaries
    from isang.service.reproducing import is_home, reproduced_in

    if is_home(model):
        if result is not None:
            raise UsageError(
                f"{model} is the home of isang serve, whose alerts stand in its database; leave --result out"
            )
        found = reproduced_in(model, alert)
    else:
        found = stages.reproduce(model, alert, result)
    print(summaries.of_reproduced(found, as_json=json))
    if any(one.differences for one in found):
        raise typer.Exit(1)


class WithSeveral(TyperCommand):
    """A command whose option `--with` takes all names up to the next option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """`--with A B` is read as `--with A --with B`."""
        spread: list[str] = []
        taking = False
        for arg in args:
            if arg == "--with":
                taking = True
            elif arg.startswith("-") and arg != "-":
                taking = False
                spread.append(arg)
            else:
                spread += ["--with", arg] if taking else [arg]
        return super().parse_args(ctx, spread)


def compare(
    good: Annotated[list[str], typer.Argument(help="Logs of good runs: one file or folder for each.", metavar="GOOD")],
    bad: Annotated[
        list[str] | None, typer.Option("--with", help="Logs of the bad run: files or folders.", metavar="BAD...")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write incidents.json here too.", metavar="DIR")] = None,
    config: ConfigFile = None,
    layout: Layout = None,
    timezone: Timezone = None,
    mask: Masks = None,
    json: Json = False,
    overwrite: Overwrite = False,
) -> None:
    """What bad logs have that good ones have not; small logs, no training."""
    from isang import stages, summaries
    from isang.config import load
    from isang.files import folder_being_written, refuse_existing, write_text

    if out is not None:
        refuse_existing(out, overwrite=overwrite)
    settings = load(config, {"logs": log_flags(layout, None, None, None, None, timezone, mask)})
    found = stages.compare(good, bad or [], config=settings)
    document = summaries.of_comparison(found, as_json=True) + "\n"
    if out is not None:
        with folder_being_written(out, overwrite=overwrite) as building:
            write_text(building / "incidents.json", document)
    print(document if json else summaries.of_comparison(found, as_json=False), end="" if json else "\n")


def _follow(model: Path, logs: list[str], *, as_json: bool, **settings: Any) -> None:
    from isang import stages, summaries
    from isang.files import to_json
    from isang.progress import say
    from isang.signals import stopping, tell

    following = stages.follow(model, logs, **settings)
    say(f"following; {following.rule.en}")
    with stopping() as stop:
        for record in following.anomalies_until(stop):
            if as_json:
                tell(to_json(record, indent=None))
            elif "silenced_by" not in record:
                tell(summaries.of_anomaly(record) + "\n")
        say(f"{following.anomalies:,} of {following.sessions:,} sessions were anomalous")
        if following.silenced:
            say(f"{following.silenced:,} of these were marked as normal, and are silenced")
        if following.ended_early:
            early = f"{following.ended_early:,} sessions were ended early"
            say(f"{early}, because too many were open; a shorter --idle helps")
