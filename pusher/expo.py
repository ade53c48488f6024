"""exponent-server-sdk behind one door, with its traps closed (version 2.2.0).

The SDK is synchronous, has no timeout, loses a whole batch to one odd token, sends no gzip and knows neither
`collapseId` nor `tag`. Here: lists of at most 100, threads, deadlines, our own payload, and every failure a value.
Codes and their reactions: docs.expo.dev, "Push ticket and receipt errors".
"""

import asyncio
import gzip
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import requests
import structlog
from exponent_server_sdk import PushClient, PushMessage, PushServerError, PushTicket

from pusher.calls import CALLS_AT_ONCE
from pusher.outcomes import Ambiguous, Apart, DeviceBusy, Late, Outcome, Rejected, Retry, Sent, Stopped
from pusher.pace import Slot
from pusher.punctual import Gate, PunctualAdapter, TooLate
from pusher.rendering import Notification

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 9.0
"""Together less than the lease of a claim."""
log = structlog.get_logger()

GZIP_ABOVE_BYTES = 1024

_STOPPING = {"InvalidCredentials", "UNAUTHORIZED"}
_UNCLEAR = {"ExpoError", "ProviderError"}
"""Something went wrong at Expo, or behind it: worth another try, but not for ever."""


class _Message(PushMessage):  # type: ignore[misc]  # the SDK has no types
    """A message that is sent as it was rendered; the SDK's own payload lacks half of Expo's fields."""

    def get_payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = self.data
        return payload


class _Session(requests.Session):
    """The SDK posts a JSON text; above a kilobyte it goes out compressed."""

    def post(self, url: Any, data: Any = None, json: Any = None, **options: Any) -> requests.Response:
        body = data.encode() if isinstance(data, str) else data
        if isinstance(body, bytes) and len(body) > GZIP_ABOVE_BYTES:
            options["headers"] = {**options.get("headers", {}), "content-encoding": "gzip"}
            body = gzip.compress(body, compresslevel=6)
        return super().post(url, data=body, json=json, **options)


class Expo:
    """Calls Expo. `send` and `receipts` never raise for what Expo or the network does: they answer with values."""

    def __init__(
        self, *, base_url: str | None, access_token: str | None, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._gate = Gate()
        self._session = _session(access_token, self._gate)
        host, api_path = _address(base_url)
        self._client = PushClient(
            host=host, api_url=api_path, session=self._session, timeout=(CONNECT_SECONDS, answer_seconds)
        )
        self._threads = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="expo")

    async def close(self) -> None:
        """Waits for calls in flight, at most their timeout."""
        await asyncio.to_thread(self._threads.shutdown)
        self._session.close()

    async def send(self, notifications: Sequence[Notification], slot: Slot) -> list[Outcome]:
        """One outcome for each of at most CALL_SIZE notifications, in order: `Late` for all where the slot was missed.

        The request sets out within the slot, however long the way there takes.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._send, list(notifications), slot)

    async def receipts(self, ticket_ids: Sequence[str]) -> dict[str, str] | None:
        """Ticket -> `ok` or Expo's error code, for those that have a receipt; None where Expo could not be asked."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._receipts, list(ticket_ids))

    def _send(self, notifications: list[Notification], slot: Slot) -> list[Outcome]:
        messages = [_Message(to=one.token, data={"to": one.token, **one.payload}) for one in notifications]
        self._gate.slot = slot
        try:
            return [_from_ticket(ticket) for ticket in self._client.publish_multiple(messages)]
        except TooLate:
            return [Late()] * len(notifications)
        except (PushServerError, requests.HTTPError) as error:
            return _refused(notifications, error)
        except requests.RequestException as error:
            return [_failed(error)] * len(notifications)
        except (ValueError, TypeError, AttributeError) as error:
            # An answer that the SDK cannot read.
            return [Ambiguous(type(error).__name__)] * len(notifications)
        finally:
            self._gate.slot = None

    def _receipts(self, ticket_ids: list[str]) -> dict[str, str] | None:
        tickets = [PushTicket(push_message=None, status="ok", message="", details=None, id=one) for one in ticket_ids]
        try:
            receipts = self._client.check_receipts_multiple(tickets)
            return {one.id: "ok" if one.is_success() else _detail(one) for one in receipts}
        except (PushServerError, requests.RequestException, ValueError, TypeError, AttributeError) as error:
            log.warning("expo gave no receipts", error=type(error).__name__)
            return None


def _address(base_url: str | None) -> tuple[str | None, str | None]:
    """Host and API path for the SDK, which by itself would forget a path in the base URL. None: Expo's own."""
    if base_url is None:
        return None, None
    parts = urlsplit(base_url)
    path = parts.path.rstrip("/").removesuffix(PushClient.DEFAULT_BASE_API_URL)
    return f"{parts.scheme}://{parts.netloc}", path + PushClient.DEFAULT_BASE_API_URL


def _session(access_token: str | None, gate: Gate) -> requests.Session:
    session = _Session()
    session.headers.update({"accept": "application/json", "content-type": "application/json"})
    if access_token:
        session.headers["authorization"] = f"Bearer {access_token}"
    adapter = PunctualAdapter(gate, CALLS_AT_ONCE)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _refused(notifications: list[Notification], error: PushServerError | requests.HTTPError) -> list[Outcome]:
    """The request failed as a whole. One bad notification fails its batch: halved, until that one is alone."""
    code, status = _code(error), error.response.status_code
    if status == 429 or code == "TOO_MANY_REQUESTS":
        return [Retry("TOO_MANY_REQUESTS", _retry_after(error.response))] * len(notifications)
    if status in (401, 403) or code in _STOPPING:
        return [Stopped(code)] * len(notifications)
    if status >= 500 or status < 400:
        # A 200 of the wrong shape, or a gateway's 5xx, says nothing of whether Expo took the batch.
        return [Ambiguous(code)] * len(notifications)
    if len(notifications) == 1:
        return [Rejected(code)]
    return _apart(code, notifications, error)


def _apart(code: str, notifications: list[Notification], error: PushServerError | requests.HTTPError) -> list[Outcome]:
    """By their projects, where Expo says which those are; else by halves."""
    projects = _projects(error)
    groups = [projects.get(one.token, "") for one in notifications]
    sizes = Counter(groups)
    if len(sizes) > 1:
        return [Apart(code, group, foreign=sizes[group] < max(sizes.values())) for group in groups]
    middle = len(notifications) // 2
    return [Apart(code, "first" if index < middle else "second") for index in range(len(notifications))]


def _projects(error: PushServerError | requests.HTTPError) -> dict[str, str]:
    """Token -> the project it belongs to, as Expo's PUSH_TOO_MANY_EXPERIENCE_IDS has it; empty for any other error."""
    details = _first(error).get("details")
    named = details.items() if isinstance(details, dict) else ()
    return {token: project for project, tokens in named if isinstance(tokens, list) for token in tokens}


def _from_ticket(ticket: Any) -> Outcome:
    if ticket.is_success():
        return Sent(ticket.id)
    code = _detail(ticket)
    if code in _STOPPING:
        return Stopped(code)
    if code in _UNCLEAR:
        return Ambiguous(code)
    if code == "MessageRateExceeded":
        return DeviceBusy(code)
    return Rejected(code, dead_token=code == "DeviceNotRegistered")


def _failed(error: Exception) -> Outcome:
    """A connection that was never made took nothing; whatever broke later may have been taken."""
    if isinstance(error, requests.ConnectTimeout) or _never_connected(error):
        return Retry("unreachable", 2.0)
    return Ambiguous(type(error).__name__)


def _never_connected(error: Exception) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(error, requests.ConnectionError) and "NewConnectionError" in repr(getattr(cause, "reason", None))


def _detail(answer: Any) -> str:
    return str((answer.details or {}).get("error") or "unknown")


def _code(error: PushServerError | requests.HTTPError) -> str:
    return str(_first(error).get("code") or f"HTTP {error.response.status_code}")


def _first(error: PushServerError | requests.HTTPError) -> dict[str, Any]:
    """The first of the errors that Expo names; empty where it names none."""
    errors = getattr(error, "errors", None)
    return errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}


def _retry_after(response: requests.Response) -> float:
    """Seconds, between 1 and 60; Expo gives whole seconds, and a date is not worth parsing."""
    given = response.headers.get("Retry-After", "")
    return min(max(float(given), 1.0), 60.0) if given.isdecimal() else 1.0
