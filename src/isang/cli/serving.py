"""The commands for other programs: serve, export and mcp."""

from pathlib import Path
from typing import Annotated

import typer

from isang.cli.options import (
    LISTEN,
    Alerts,
    NoRedact,
    Overwrite,
    seconds,
)
from isang.errors import InputError, UsageError

ServedModel = Annotated[
    Path | None,
    typer.Argument(
        help="A model folder, or a run folder; without one it learns first. A folder without a model in it is "
        "taken as logs.",
        metavar="[MODEL]",
    ),
]
FollowedLogs = Annotated[list[str] | None, typer.Argument(help="Log files and folders to follow.", metavar="[LOGS]...")]
Home = Annotated[Path, typer.Option(help="Where the service keeps what it knows.", metavar="DIR")]
Listen = Annotated[str, typer.Option(help="Address and port.", metavar="HOST:PORT")]
Syslog = Annotated[str | None, typer.Option(help="Take syslog in there, by UDP and TCP.", metavar="HOST:PORT")]
SyslogFrom = Annotated[
    list[str] | None,
    typer.Option(
        help="Who may send syslog beside this machine, such as 10.0.0.0/8; may be repeated.", metavar="NETWORK"
    ),
]
OtlpGrpc = Annotated[str | None, typer.Option(help="Take OTLP over gRPC in there (isang[grpc]).", metavar="HOST:PORT")]
Kafka = Annotated[
    str | None, typer.Option(help="Read topics of these brokers (isang[kafka]).", metavar="HOST:PORT,...")
]
KafkaTopic = Annotated[list[str] | None, typer.Option(help="A topic to read; may be repeated.", metavar="NAME")]
KafkaGroup = Annotated[str, typer.Option(help="The consumer group.", metavar="NAME")]
MemoryMb = Annotated[
    int, typer.Option("--memory", help="Memory limit of the process, approximately.", metavar="MIB", min=600)
]
ServedIdle = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="A session with a key ends after a silence this long.  [default: by the model]"),
]
Alertmanager = Annotated[str | None, typer.Option(help="Tell an Alertmanager of incidents.", metavar="URL")]
Webhook = Annotated[str | None, typer.Option(help="Tell any address; ISANG_WEBHOOK_SECRET signs.", metavar="URL")]
Stdout = Annotated[bool, typer.Option("--stdout", help="Print each change of an incident as a JSON line.")]
LearningSessions = Annotated[
    int,
    typer.Option(metavar="N", min=100, help="Without a model, train one after about this many sessions."),
]
Behind = Annotated[
    str | None, typer.Option(help="Address of the reverse proxy that checks who may ask.", metavar="ADDRESS")
]
Check = Annotated[bool, typer.Option("--check", help="Say whether the service could start, and leave.")]


def serve(
    model: ServedModel = None,
    logs: FollowedLogs = None,
    home: Home = Path("isang-home"),
    listen: Listen = LISTEN,
    syslog: Syslog = None,
    syslog_from: SyslogFrom = None,
    otlp_grpc: OtlpGrpc = None,
    kafka: Kafka = None,
    kafka_topic: KafkaTopic = None,
    kafka_group: KafkaGroup = "isang",
    memory_mb: MemoryMb = 2048,
    alerts_per_thousand: Alerts = None,
    idle: ServedIdle = None,
    alertmanager: Alertmanager = None,
    webhook: Webhook = None,
    no_redact: NoRedact = False,
    stdout: Stdout = False,
    learning_sessions: LearningSessions = 2000,
    behind: Behind = None,
    check: Check = False,
) -> None:
    """Take logs in over the network and from files, judge them as they come, and keep the incidents.

    ISANG_TOKEN in the environment is what others must name to send and read (needed to listen beyond this machine),
    ISANG_READ_TOKEN what they must name to read alone.
    """
    require_serving()
    from glob import has_magic

    from isang.config import load
    from isang.service import lifecycle
    from isang.service.settings import ServiceSettings, address, tokens

    given = [] if model is None else [model]
    if model is not None and not model.exists() and not has_magic(str(model)):
        raise InputError(
            f"no such file or folder: {model}; the first name is a model's folder, or logs that are there (name the "
            "folder of one that is to come)"
        )
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


def export(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", metavar="MODEL")],
    out: Annotated[Path, typer.Option(help="The file to write, such as model.onnx.", metavar="FILE")],
    overwrite: Overwrite = False,
) -> None:
    """The encoder as an ONNX file, for onnxruntime."""
    from isang import stages

    facts = stages.export(model, out, overwrite=overwrite)
    print(f"written to {out}: weights {facts['weights_sha256'][:16]}, templates {facts['vocabulary_sha256'][:16]}")


def mcp(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders that may be read.  [default: the current one]", metavar="FOLDER"),
    ] = None,
) -> None:
    """Verdicts, evidence, incidents and their lines for assistants (Model Context Protocol; reads only)."""
    from isang.mcp_server import serve

    serve(folders or [Path()])
