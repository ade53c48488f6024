import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from shared.log import bound, configure_logging

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where log lines go; the process' logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def lines(stream: io.StringIO) -> Lines:
    configure_logging("info", "json", "gateway", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_level_service_event_and_fields(lines: Lines) -> None:
    structlog.get_logger("gateway.drain").warning("draining", connections=3)
    (line,) = lines()
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "draining",
        "level": "warning",
        "logger": "gateway.drain",
        "service": "gateway",
        "connections": 3,
    }


def test_bound_ids_are_on_every_line_inside_and_on_none_after(lines: Lines) -> None:
    with bound(request_id="r", user_id="u"):
        structlog.get_logger().info("inside")
        logging.getLogger("redis").warning("inside a library")
        with bound(conversation_id="c"):
            structlog.get_logger().info("deeper")
    structlog.get_logger().info("after")
    inside, library, deeper, after = lines()
    assert (inside["request_id"], inside["user_id"]) == ("r", "u")
    assert (library["request_id"], library["logger"]) == ("r", "redis")
    assert (deeper["user_id"], deeper["conversation_id"]) == ("u", "c")
    assert not {"request_id", "user_id", "conversation_id"} & after.keys()


def test_lines_below_the_level_are_left_out_and_libraries_only_warn(lines: Lines) -> None:
    structlog.get_logger().debug("no")
    logging.getLogger("aiohttp.access").info("GET /messages/subscribe?x=1")
    logging.getLogger("asyncio").warning("yes")
    assert [line["event"] for line in lines()] == ["yes"]


def test_a_fault_carries_its_traceback_and_a_clients_error_at_info_does_not(lines: Lines) -> None:
    def fail() -> None:
        raise ValueError("broken")

    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("fault")
        structlog.get_logger().info("refused", exc_info=True)
        logging.getLogger("asyncpg").exception("fault in a library")
    fault, refused, library = lines()
    assert "ValueError: broken" in fault["exception"]
    assert "exception" not in refused
    assert "ValueError: broken" in library["exception"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_secret_reaches_a_line_by_any_way(stream: io.StringIO, form: str) -> None:
    configure_logging("debug", form, "gateway", stream)
    log, library = structlog.get_logger(), logging.getLogger("aiohttp.server")

    def fail() -> None:
        try:
            raise ValueError(f"inner {JWT}")
        except ValueError as error:
            raise KeyError(f"postgres://u:hunter2@db Bearer 0paque {JWT}") from error

    log.info(f"event {JWT}")  # noqa: G004 - the mistake that must not leak
    log.info("field", path=f"/messages/subscribe?token={JWT}", headers={"Authorization": "Bearer 0paque"})
    log.info("nested", body=[{"push": "ExponentPushToken[0paque]", "token": "hunter2"}], password="hunter2")
    log.info("object", error=ValueError(JWT), raw=f"token={JWT}".encode())
    library.warning("with args %s %r", JWT, {"token": "hunter2"})
    library.warning("with extra", extra={"secret": "hunter2", "url": f"http://h/?token={JWT}"})
    with bound(request_id=JWT):
        log.info("bound")
    try:
        fail()
    except KeyError:
        log.exception("fault")
        library.exception("fault")
    written = stream.getvalue()
    assert len(written.splitlines()) >= 9
    for secret in ("eyJ", "hunter2", "0paque", "c2lnbmF0dXJl"):
        assert secret not in written


def test_what_json_cannot_say_is_still_logged(lines: Lines) -> None:
    structlog.get_logger().info("odd", text="\ud800", big=2**80, number=float("nan"), nested={"\udfff": [2**70]})
    (line,) = lines()
    assert line["event"] == "odd"
    assert line["text"] == "\\ud800"
    assert line["big"] == str(2**80)


def test_warnings_become_lines(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old way", DeprecationWarning, stacklevel=1)
    assert "old way" in lines()[0]["event"]


def test_configuring_twice_writes_each_line_once(stream: io.StringIO) -> None:
    configure_logging("info", "json", "up", io.StringIO())
    configure_logging("info", "json", "up", stream)
    structlog.get_logger().info("once")
    assert len(stream.getvalue().splitlines()) == 1


def test_an_output_that_is_gone_fails_nobody(stream: io.StringIO) -> None:
    configure_logging("info", "json", "gateway", stream)
    stream.close()
    structlog.get_logger().info("nobody reads this")


def test_an_own_line_and_a_librarys_say_the_same(lines: Lines) -> None:
    with bound(request_id="r"):
        structlog.get_logger("gateway.bus").warning("away")
        logging.getLogger("gateway.bus").warning("away")
    own, library = ({**line, "time": ""} for line in lines())
    assert own == library
