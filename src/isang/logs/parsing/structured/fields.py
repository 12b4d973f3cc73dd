"""What the fields of a structured line (JSON, logfmt) say beside its message."""

from collections.abc import Collection
from http import HTTPStatus

import polars as pl

TIMES = (
    "time", "ts", "timestamp", "@timestamp", "asctime", "datetime", "date", "__REALTIME_TIMESTAMP", "@t", "Timestamp",
    "eventTime", "timeGenerated", "TimeGenerated", "timeUnixNano", "t",
)  # fmt: skip
LEVELS = (
    "level", "severity", "levelname", "lvl", "loglevel", "log.level", "PRIORITY", "@l", "Level",
    "error_severity", "severityText", "s",
)  # fmt: skip
MESSAGES = (
    "msg", "message", "MESSAGE", "log", "event", "text", "body", "@m", "@mt", "RenderedMessage", "MessageTemplate",
    "Message", "textPayload", "eventName", "operationName", "event_type",
)  # fmt: skip
METHODS = ("method", "http_method", "request_method")
PATHS = ("path", "uri", "url", "request_uri")
STATUSES = ("status", "status_code", "statusCode", "http_status", "code")
KINDS = (
    "reason",
    "outcome",
    "result",
    "action",
    "operation",
    "state",
    "upstream",
    "error",
    "err",
    "exception",
    "errorCode",
    "resultType",
)
"""Names of fields whose values identify the event; they are appended to the message. One list for all logs, so that
what a model learned from one log applies to the next."""
TELLING = (*METHODS, *PATHS, *STATUSES, *KINDS)

WITHIN = {
    "t": {"$date": "t"},
    "log": {"level": "log.level"},
    "fields": {"message": "message"},
    "body": {"stringValue": "body"},
    "jsonPayload": {"message": "message", "msg": "msg"},
    "httpRequest": {"requestMethod": "method", "requestUrl": "url", "status": "status"},
    "request": {"method": "method", "uri": "uri"},
}
"""Nested objects whose fields are treated as fields of the line: MongoDB, Elastic, Rust's tracing, OpenTelemetry,
Google Cloud, Caddy."""

_OTHER = {
    "time": "starttime timelocal timeiso8601 eventtime logtime created createdat when utctime",
    "level": "levelname logseverity severitylevel priority",
    "msg": "logmessage messagetext shortmessage fullmessage formattedmessage logentry logline",
    "method": "requestmethod httpmethod httprequestmethod reqmethod verb csmethod requestmethodname",
    "path": "requestpath requesturi requrl requri xenvoyoriginpath urlpath resourcepath requesturl csuristem httppath "
    "httptarget urloriginal httpurl requesturlpath",
    "status": "downstreamstatus originstatus responsecode resstatuscode responsestatus responsestatuscode "
    "httpstatuscode httpresponsestatuscode httpstatus scstatus resstatus",
}
OTHER_NAMES = {role: frozenset(names.split()) for role, names in _OTHER.items()}
"""Other names of the fields of a line, in small letters and without what separates words."""

_MAX_VALUE = 100
_STATUS_WORDS = {str(status.value): status.phrase.replace(" ", "_") for status in HTTPStatus}
"""Digits would be masked; the words keep a 404 apart from a 200."""


def status_words(status: pl.Expr) -> pl.Expr:
    """Numbers of the HTTP standard as words; other text as it is."""
    return status.replace(_STATUS_WORDS)


def path_words(path: pl.Expr) -> pl.Expr:
    """The path of a request without host and query, a word for each part: what varies is masked part by part."""
    return (
        path.str.replace(r"^[a-z]+://[^/]*", "")
        .str.replace(r"\?.*$", "")
        .str.replace_all("/", " /", literal=True)
        .str.strip_chars()
    )


def with_telling(message: pl.Expr, there: Collection[str] = TELLING) -> pl.Expr:
    """`message` followed by the fields of TELLING that are there, as `name=value`; all are string columns.

    The path stands there only with the method: without one it is a file, of which there may be many. Names that are not
    `there` have no value in any line: each that is left out saves the search for it.
    """
    names = [name for name in TELLING if name in there]
    methods, paths, statuses = ([name for name in role if name in names] for role in (METHODS, PATHS, STATUSES))
    parts = [] if methods else [_named(name, status_words(pl.col(name))) for name in statuses]
    if methods:
        method = pl.coalesce(methods)
        has_method = method.is_not_null()
        parts = [method]
        parts += [pl.when(has_method).then(path_words(pl.coalesce(paths)))] if paths else []
        parts += [pl.when(has_method).then(status_words(pl.coalesce(statuses)))] if statuses else []
        parts += [pl.when(~has_method).then(_named(name, status_words(pl.col(name)))) for name in statuses]
    parts += [_named(name, pl.col(name)) for name in KINDS if name in names]
    return pl.concat_str([message, *parts], separator=" ", ignore_nulls=True)


def _named(name: str, value: pl.Expr) -> pl.Expr:
    """`name=value`, null if it is not a single value; only the first line of a stack trace."""
    first = value.str.extract(r"^\s*([^{\[\s][^\n]*)", 1).str.slice(0, _MAX_VALUE)
    return pl.when(first.is_not_null()).then(pl.lit(f"{name}=") + first)
