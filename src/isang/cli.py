"""The command line: one sub-command per stage; parse, call one function, print, leave with an exit code."""

import gc
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

import isang
from isang.errors import IsangError, UsageError
from isang.formatting import guarded_output, printable_line
from isang.options import (
    AcrossSources,
    Alerts,
    ConfigFile,
    DateOrder,
    Encoding,
    Engine,
    Epochs,
    Gap,
    Json,
    Labels,
    Lang,
    Layout,
    Logs,
    Masks,
    MaxMinutes,
    NoEncoder,
    NoRedact,
    NoRewordings,
    Onnx,
    Overwrite,
    Preset,
    Resume,
    Seed,
    SessionBy,
    Timezone,
    TrainFraction,
    Verbose,
    Window,
    log_flags,
    seconds,
)

app = typer.Typer(
    name="isang",
    help="Learns what normal logs look like, finds what is not normal, and judges the training run it rests on.",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"isang {isang.__version__}")
        raise typer.Exit


LISTEN = "127.0.0.1:8765"


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Entry of the command group."""


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option(help="Where everything goes; an earlier result there is replaced.", metavar="DIR")
    ] = Path("out/demo"),
    serving: Annotated[
        bool,
        typer.Option(
            "--serve",
            help="Start the service with the model of an earlier demo, or of one that runs first, and play the second "
            "half of the sample into it at 60 times its speed.",
        ),
    ] = False,
    listen: Annotated[str, typer.Option(help="With --serve: address and port.", metavar="HOST:PORT")] = LISTEN,
    verbose: Verbose = False,
) -> None:
    """The main job on the recorded sample in the package."""
    from isang import samples

    if serving:
        require_serving()
    sample = samples.shop()
    if not (serving and (out / "run" / "model" / "manifest.json").exists()):
        about = f"{len(sample.logs)} log files, with labels ({sample.labels.name})"
        print(f"A recorded sample: {sample.folder.name}, {about}.")
        _run([str(path) for path in sample.logs], out, None, sample.labels, False, True, {}, verbose=verbose)
    if serving:
        from isang.service.demo import serve_sample

        serve_sample(sample, out, listen)


@app.command()
def run(
    logs: Logs,
    out: Annotated[Path, typer.Option(help="Where everything goes.", metavar="DIR")] = Path("out/isang"),
    labels: Labels = None,
    config: ConfigFile = None,
    layout: Layout = None,
    session_by: SessionBy = None,
    gap: Gap = None,
    window: Window = None,
    across_sources: AcrossSources = None,
    timezone: Timezone = None,
    date_order: DateOrder = None,
    encoding: Encoding = None,
    mask: Masks = None,
    no_redact: NoRedact = False,
    train_fraction: TrainFraction = None,
    preset: Preset = None,
    no_encoder: NoEncoder = False,
    epochs: Epochs = None,
    max_minutes: MaxMinutes = None,
    alerts_per_thousand: Alerts = None,
    seed: Seed = None,
    engine: Engine = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
) -> None:
    """Raw logs to detector, report, incidents and the page that shows them, in one go."""
    read_as = log_flags(layout, session_by, gap, window, across_sources, timezone, mask, date_order, encoding)
    flags = {
        "logs": read_as | _redact(no_redact),
        "model": _model(preset, no_encoder),
        "training": {
            "train_fraction": train_fraction, "epochs": epochs, "max_minutes": max_minutes, "seed": seed,
        },
        "detection": {"alerts_per_thousand": alerts_per_thousand},
    }  # fmt: skip
    _run(logs, out, config, labels, resume, overwrite, flags, verbose=verbose, engine=engine)


@app.command()
def prepare(
    logs: Logs,
    out: Annotated[Path | None, typer.Option(help="The dataset folder to write.", metavar="DATA")] = None,
    labels: Labels = None,
    config: ConfigFile = None,
    layout: Layout = None,
    session_by: SessionBy = None,
    gap: Gap = None,
    window: Window = None,
    across_sources: AcrossSources = None,
    timezone: Timezone = None,
    date_order: DateOrder = None,
    encoding: Encoding = None,
    mask: Masks = None,
    no_redact: NoRedact = False,
    engine: Engine = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show how the logs would be read, and write nothing.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Raw logs to a dataset folder: templates and sessions."""
    from isang import stages, summaries
    from isang.config import load
    from isang.logs.preview import preview

    settings = load(
        config,
        {
            "logs": log_flags(layout, session_by, gap, window, across_sources, timezone, mask, date_order, encoding)
            | _redact(no_redact)
        },
    )
    if dry_run:
        print(summaries.of_preview(preview(logs, settings.logs)))
        return
    if out is None:
        raise UsageError("isang prepare needs --out DATA, the folder to write; --dry-run only looks")
    meta = stages.prepare(logs, out, config=settings, labels=labels, engine=engine, overwrite=overwrite)
    print(summaries.of_dataset(meta))
    print(f"written to {out}")


@app.command()
def train(
    data: Annotated[Path, typer.Argument(help="A dataset folder.", metavar="DATA")],
    out: Annotated[Path, typer.Option(help="The run folder to write.", metavar="RUN")],
    config: ConfigFile = None,
    preset: Preset = None,
    train_fraction: TrainFraction = None,
    no_encoder: NoEncoder = False,
    epochs: Epochs = None,
    max_minutes: MaxMinutes = None,
    patience: Annotated[
        int | None,
        typer.Option(metavar="N", help="Epochs without a better validation loss; 0: no early stop.  [default: 3]"),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(metavar="N", help="Sessions per step.  [default: by their length]")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="RATE", help="Highest learning rate.  [default: 0.001]")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(metavar="N", help="Processes on this machine, one for each GPU.  [default: 1]")
    ] = None,
    find_lr: Annotated[
        bool, typer.Option("--find-lr", help="Only try which learning rates the model bears, and suggest one.")
    ] = False,
    track: Annotated[
        str | None,
        typer.Option(metavar="TOOL", help="Also write to tensorboard, mlflow, trackio or wandb, each an extra."),
    ] = None,
    seed: Seed = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
) -> None:
    """A dataset folder to a trained model and its report."""
    from isang import stages, summaries
    from isang.config import load
    from isang.training.processes.launch import end_with_launcher, is_first, is_launched, launch, refuse_lone_process

    training = {
        "train_fraction": train_fraction, "epochs": epochs, "max_minutes": max_minutes, "patience": patience,
        "batch_size": batch_size, "learning_rate": learning_rate, "processes": processes, "track": track,
        "seed": seed,
    }  # fmt: skip
    settings = load(config, {"model": _model(preset, no_encoder), "training": training})
    refuse_lone_process()
    if settings.training.processes > 1 and settings.model.encoder and not is_launched():
        raise typer.Exit(launch(settings.training.processes, sys.argv[1:]))
    end_with_launcher()
    if find_lr and not settings.model.encoder:
        raise UsageError("--find-lr tries learning rates for the encoder; leave --no-encoder out")
    if find_lr:
        outcome = summaries.of_rates(stages.find_rate(data, out, config=settings, overwrite=overwrite), out)
    else:
        trained = stages.train(data, out, config=settings, resume=resume, overwrite=overwrite)
        outcome = summaries.of_training(trained)
    if is_first():
        print(outcome)


@app.command()
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
        bool, typer.Option("--follow", help="Write the report anew whenever a log grows, until the run is done.")
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
    overwrite: Overwrite = False,
) -> None:
    """Judge any training log: statistics, findings, plots."""
    from isang import stages, summaries

    if series:
        print(summaries.of_series(stages.series(logs), as_json=json))
        return
    gc.set_threshold(20_000, 5, 5)  # reading makes many small objects and no cycles; looking for them takes a twentieth
    reports = stages.report(
        logs, out, language=lang, loss=loss, validation=validation, rate=rate, metric=metric, step=step,
        evaluation=evaluation, overwrite=overwrite, follow=follow, on_problem=on_problem,
        until_problem=fail_on is not None,
    )  # fmt: skip
    print(summaries.of_reports(reports, lang, as_json=json))
    if out is not None and not json:
        print(f"written to {out}")
    if fail_on and any(finding.verdict == fail_on for item in reports for finding in item.findings):
        raise typer.Exit(3)


@app.command()
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


@app.command()
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
        typer.Option(metavar="FILE", help="With --follow: where to go on after a restart.  [default: start anew]"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write incidents.json and anomalies.jsonl here too.", metavar="DIR")
    ] = None,
    no_rewordings: NoRewordings = False,
    onnx: Onnx = None,
    engine: Engine = None,
    overwrite: Overwrite = False,
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
    if out is not None:
        refuse_existing(out, overwrite=overwrite)
    detected = stages.detect(model, logs, engine=engine, **settings)
    if out is not None:
        with folder_being_written(out, overwrite=overwrite) as building:
            detected.write(building)
    if json:
        print("".join(to_json(record, indent=None) for record in detected.anomalies), end="")
        return
    print(summaries.of_detected(detected))


@app.command()
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


@app.command(cls=WithSeveral)
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


@app.command()
def serve(
    model: Annotated[
        Path | None,
        typer.Argument(
            help="A model folder, or a run folder; without one it learns first. A folder without a model in it is "
            "taken as logs.",
            metavar="[MODEL]",
        ),
    ] = None,
    logs: Annotated[
        list[str] | None, typer.Argument(help="Log files and folders to follow.", metavar="[LOGS]...")
    ] = None,
    home: Annotated[Path, typer.Option(help="Where the service keeps what it knows.", metavar="DIR")] = Path(
        "isang-home"
    ),
    listen: Annotated[str, typer.Option(help="Address and port.", metavar="HOST:PORT")] = LISTEN,
    syslog: Annotated[
        str | None, typer.Option(help="Take syslog in there, by UDP and TCP.", metavar="HOST:PORT")
    ] = None,
    syslog_from: Annotated[
        list[str] | None,
        typer.Option(
            help="Who may send syslog beside this machine, such as 10.0.0.0/8; may be repeated.", metavar="NETWORK"
        ),
    ] = None,
    otlp_grpc: Annotated[
        str | None, typer.Option(help="Take OTLP over gRPC in there (isang[grpc]).", metavar="HOST:PORT")
    ] = None,
    kafka: Annotated[
        str | None, typer.Option(help="Read topics of these brokers (isang[kafka]).", metavar="HOST:PORT,...")
    ] = None,
    kafka_topic: Annotated[
        list[str] | None, typer.Option(help="A topic to read; may be repeated.", metavar="NAME")
    ] = None,
    kafka_group: Annotated[str, typer.Option(help="The consumer group.", metavar="NAME")] = "isang",
    memory_mb: Annotated[
        int, typer.Option("--memory", help="The process holds about so much at most.", metavar="MIB", min=600)
    ] = 2048,
    alerts_per_thousand: Alerts = None,
    idle: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="A session with a key ends after a silence this long.  [default: by the model]"
        ),
    ] = None,
    alertmanager: Annotated[str | None, typer.Option(help="Tell an Alertmanager of incidents.", metavar="URL")] = None,
    webhook: Annotated[
        str | None, typer.Option(help="Tell any address; ISANG_WEBHOOK_SECRET signs.", metavar="URL")
    ] = None,
    no_redact: NoRedact = False,
    stdout: Annotated[bool, typer.Option("--stdout", help="Print each change of an incident as a JSON line.")] = False,
    learning_sessions: Annotated[
        int,
        typer.Option(metavar="N", min=100, help="Without a model, train one when about so many sessions have come."),
    ] = 2000,
    behind: Annotated[
        str | None, typer.Option(help="Address of the reverse proxy that checks who may ask.", metavar="ADDRESS")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Say whether the service could start, and leave.")] = False,
) -> None:
    """Take logs in over the network and from files, judge them as they come, and keep the incidents."""
    require_serving()
    from isang.config import load
    from isang.service import lifecycle
    from isang.service.settings import ServiceSettings, address, tokens

    given = [] if model is None else [model]
    if model is not None and not any((model / part / "manifest.json").exists() for part in (".", "model", "run/model")):
        given, logs = [], [str(model), *(logs or [])]
    host, port = address(listen)
    own = home / "isang.toml"
    settings = ServiceSettings(
        home=home, host=host, port=port, model=given[0] if given else None, logs=tuple(logs or ()), stdout=stdout,
        proxy=behind, learning_sessions=learning_sessions, alertmanager=alertmanager, webhook=webhook,
        lifecycle=load(own if own.exists() else None).lifecycle, redact=not no_redact,
        alerts_per_thousand=alerts_per_thousand,
        syslog=None if syslog is None else address(syslog, "--syslog", "127.0.0.1:5514"),
        syslog_from=tuple(syslog_from or ()),
        otlp_grpc=None if otlp_grpc is None else address(otlp_grpc, "--otlp-grpc", "127.0.0.1:4317"),
        memory_bytes=memory_mb << 20, kafka=kafka, kafka_topics=tuple(kafka_topic or ()), kafka_group=kafka_group,
        idle_seconds=None if idle is None else seconds("--idle", idle), **tokens(),
    )  # fmt: skip
    if check:
        print(lifecycle.check(settings))
        return
    lifecycle.serve(settings)


def require_serving() -> None:
    """Raises UsageError where the extra is not installed."""
    from importlib.util import find_spec

    missing = [name for name in ("starlette", "uvicorn", "httpx2", "prometheus_client") if find_spec(name) is None]
    if missing:
        raise UsageError(f"isang serve needs {', '.join(missing)}: pip install 'isang[serve]'")


@app.command()
def export(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", metavar="MODEL")],
    out: Annotated[Path, typer.Option(help="The file to write, such as model.onnx.", metavar="FILE")],
    overwrite: Overwrite = False,
) -> None:
    """The encoder as an ONNX file, for onnxruntime."""
    from isang import stages

    facts = stages.export(model, out, overwrite=overwrite)
    print(f"written to {out}: weights {facts['weights_sha256'][:16]}, templates {facts['vocabulary_sha256'][:16]}")


@app.command()
def mcp(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders that may be read.  [default: the current one]", metavar="FOLDER"),
    ] = None,
) -> None:
    """Verdicts, evidence, incidents and their lines for assistants (Model Context Protocol; reads only)."""
    from isang.mcp_server import serve

    serve(folders or [Path()])


def _redact(no_redact: bool) -> dict[str, Any]:
    """The setting under [logs] that --no-redact stands for; unset, the file's or the default."""
    return {"redact": False} if no_redact else {}


def _model(preset: str | None, no_encoder: bool) -> dict[str, Any]:
    """The settings under [model] that these flags stand for."""
    return {"preset": preset} | ({"encoder": False} if no_encoder else {})


def main() -> None:
    """Run the command line; a user's mistake becomes one line and an exit code, never a traceback."""
    try:
        with guarded_output():
            app()
    except IsangError as error:
        _leave(printable_line(f"isang: {error}"), error.exit_code)
    except KeyboardInterrupt:
        _leave("isang: interrupted", 130)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except MemoryError:
        _leave("isang: out of memory; use fewer logs at a time or a smaller --preset", 1)
    except Exception as error:
        if os.environ.get("ISANG_TRACEBACK"):
            raise
        _leave(
            printable_line(f"isang: internal error in isang: {type(error).__name__}: {error}") + "\n"
            "Run again with ISANG_TRACEBACK=1 to see where, and please report it.",
            1,
        )


def _leave(message: str, code: int) -> None:
    print(message, file=sys.stderr)
    sys.exit(code)


def _run(
    logs: list[str],
    out: Path,
    config: Path | None,
    labels: Path | None,
    resume: bool,
    overwrite: bool,
    flags: dict[str, dict[str, Any]],
    *,
    verbose: bool,
    engine: str | None = None,
) -> None:
    from isang import stages, summaries
    from isang.config import load

    finished = stages.run(
        logs, out, config=load(config, flags), labels=labels, engine=engine, resume=resume, overwrite=overwrite
    )
    print(summaries.of_run(finished, verbose=verbose))


def _follow(model: Path, logs: list[str], *, as_json: bool, **settings: Any) -> None:
    from isang import stages, summaries
    from isang.files import to_json
    from isang.progress import say
    from isang.signals import stopping, tell

    following = stages.follow(model, logs, **settings)
    say(f"following; {following.rule}")
    with stopping() as stop:
        for record in following.anomalies_until(stop):
            if as_json:
                tell(to_json(record, indent=None))
            elif "silenced_by" not in record:
                tell(summaries.of_anomaly(record) + "\n")
        say(f"{following.anomalies:,} of {following.sessions:,} sessions were anomalous")
        if following.silenced:
            say(f"{following.silenced:,} of these were told to be normal, and are silenced")
        if following.ended_early:
            early = f"{following.ended_early:,} sessions were ended early"
            say(f"{early}, because too many were open; a shorter --idle helps")
