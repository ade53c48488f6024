"""Log lines: one JSON object each, the same for Parley's own and for its libraries', and never a secret in one.

Bound for as long as they hold, where there is one: `request_id`, `connection_id`, `user_id`, `conversation_id`
(`bound`). A message is a few stable words; what varies is a field.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TextIO

import orjson
import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.redact import is_harmless, redact_under

_LIBRARIES_AT_WARNING = ("aiohttp.access", "asyncio", "redis", "asyncpg", "urllib3")
"""Their INFO and DEBUG lines tell of each request or each slow callback; aiohttp.access would print queries."""


def configure_logging(level: str, form: str, service: str, stream: TextIO | None = None) -> None:
    """Sends every log line of this process to `stream` (standard error, which leaves standard output to the
    command line), from `level` (debug, info, warning, error) up, as `form` says: `json` or `console`.

    Call it once, before the first line is logged; called again, it replaces what it set up before.
    """
    facts: list[Processor] = [
        merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _named_after(service),
    ]
    text: list[Processor] = [
        _keep_tracebacks_for_faults,
        structlog.processors.format_exc_info,
        structlog.processors.StackInfoRenderer(),
        _redact,  # after all that makes text, before all that writes it
        _render_json if form == "json" else structlog.dev.ConsoleRenderer(colors=False),
    ]
    output = stream or sys.stderr
    structlog.configure(
        processors=[*facts, *text],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=partial(_made_lines, output),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(_for_libraries(facts, text))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(True)
    # Not shown in any line, and found out anew for each.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    _quieten_libraries()


@contextmanager
def bound(
    *,
    request_id: str | None = None,
    connection_id: str | None = None,
    user_id: str | None = None,
    conversation_id: str | None = None,
) -> Iterator[None]:
    """Every line logged inside, also by tasks started inside, carries these ids."""
    ids = {
        "request_id": request_id,
        "connection_id": connection_id,
        "user_id": user_id,
        "conversation_id": conversation_id,
    }
    with bound_contextvars(**{name: value for name, value in ids.items() if value is not None}):
        yield


class _Lines:
    """Where Parley's own lines go. The detour over logging, which libraries take, costs each twice as much."""

    __slots__ = ("_output", "name")

    def __init__(self, name: str, output: TextIO) -> None:
        self.name = name
        self._output = output

    def write(self, line: str) -> None:
        # A full disk, or a reader that has gone, must fail nobody's request; and there is nowhere to tell of it.
        with suppress(OSError, ValueError):
            self._output.write(line + "\n")
            self._output.flush()

    debug = info = warning = error = critical = exception = write


_module_of_caller = structlog.stdlib.LoggerFactory(ignore_frame_names=[__name__])


def _made_lines(output: TextIO, *name: str) -> _Lines:
    """Named after the module that asked for a logger, as logging does it."""
    return _Lines(_module_of_caller(*name).name, output)


def _for_libraries(facts: list[Processor], text: list[Processor]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*facts, structlog.stdlib.ExtraAdder()],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *text],
    )


def _named_after(service: str) -> Processor:
    def name(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        return event

    return name


def _keep_tracebacks_for_faults(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A client's error is told at info, in words: a stack trace is for faults of ours, and for who debugs."""
    if event.get("level") == "info":
        event.pop("exc_info", None)
    return event


def _redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return event if is_harmless(event) else {name: redact_under(name, value) for name, value in event.items()}


def _render_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    # A lone surrogate, which UTF-8 has no form for, comes out as an escape.
    try:
        return orjson.dumps(event).decode()
    except TypeError:
        return orjson.dumps(_without_surrogates(event)).decode()


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value if not isinstance(value, int) or -(2**63) <= value < 2**64 else str(value)


def _quieten_libraries() -> None:
    for name in _LIBRARIES_AT_WARNING:
        logging.getLogger(name).setLevel(logging.WARNING)
    server = logging.getLogger("aiohttp.server")
    for earlier in [one for one in server.filters if isinstance(one, _MalformedRequests)]:
        server.removeFilter(earlier)
    server.addFilter(_MalformedRequests())


class _MalformedRequests(logging.Filter):
    """aiohttp logs what it cannot parse as an error, with the raw bytes: a request line, headers, a token.

    That is a client's mistake, not a fault: told in two words, at debug.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        record.msg, record.args = "malformed request", None
        record.exc_info, record.exc_text = None, None
        return logging.getLogger().isEnabledFor(logging.DEBUG)
