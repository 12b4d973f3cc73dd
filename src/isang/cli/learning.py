"""The commands that read logs and learn from them: demo, run, prepare and train."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from isang.cli.options import (
    LISTEN,
    AcrossSources,
    Alerts,
    ConfigFile,
    DateOrder,
    Encoding,
    Engine,
    Epochs,
    Gap,
    Labels,
    Layout,
    Logs,
    Masks,
    MaxMinutes,
    NoEncoder,
    NoRedact,
    Overwrite,
    PageLang,
    Preset,
    Resume,
    Seed,
    SessionBy,
    Timezone,
    TrainFraction,
    Verbose,
    Window,
    log_flags,
)
from isang.cli.serving import require_serving
from isang.errors import UsageError


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
    lang: PageLang = None,
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
    _run(logs, out, config, labels, resume, overwrite, flags, verbose=verbose, engine=engine, lang=lang)


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
    if settings.training.processes > 1 and settings.model.encoder is not False and not is_launched():
        raise typer.Exit(launch(settings.training.processes, sys.argv[1:]))
    end_with_launcher()
    if find_lr and settings.model.encoder is False:
        raise UsageError("--find-lr tries learning rates for the encoder; leave --no-encoder out")
    if find_lr:
        outcome = summaries.of_rates(stages.find_rate(data, out, config=settings, overwrite=overwrite), out)
    else:
        trained = stages.train(data, out, config=settings, resume=resume, overwrite=overwrite)
        outcome = summaries.of_training(trained)
    if is_first():
        print(outcome)


def _redact(no_redact: bool) -> dict[str, Any]:
    """The setting under [logs] that --no-redact sets; without it, the file's value or the default applies."""
    return {"redact": False} if no_redact else {}


def _model(preset: str | None, no_encoder: bool) -> dict[str, Any]:
    """The settings under [model] that these flags set."""
    return {"preset": preset} | ({"encoder": False} if no_encoder else {})


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
    lang: Literal["ko", "en"] | None = None,
) -> None:
    from isang import stages, summaries
    from isang.config import load

    finished = stages.run(
        logs, out, config=load(config, flags), labels=labels, engine=engine, language=lang, resume=resume,
        overwrite=overwrite,
    )  # fmt: skip
    print(summaries.of_run(finished, verbose=verbose))
