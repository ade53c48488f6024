"""What rules and dashboards ask is answered by a real Prometheus that scrapes real processes."""

from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import yaml

from tests.integration.deploy.dashboards import DASHBOARDS, load, panels, queries
from tests.integration.deploy.metrics import metrics_of
from tests.support.fake_expo import fake_expo
from tests.support.fleet import ROOT, Fleet, fleet
from tests.support.person import Person
from tests.support.waiting import eventually
from tests.system.monitoring.prometheus import Prometheus, prometheus

RUNNING = ("gateway", "persistence", "pusher")
WITH_THEIR_FIRST_EVENT = {
    "ALERTS",
    "parley_errors_total",
    "parley_media_access_asked_total",
    "parley_media_looks_total",
    "parley_media_uploads_total",
    "parley_part_away",
    "parley_persistence_reports_total",
    "parley_persistence_moderation_actions_total",
    "parley_persistence_sends_refused_total",
    "parley_persistence_before_send_total",
    "parley_persistence_searches_total",
    "parley_persistence_scheduled_total",
    "parley_persistence_server_requests_total",
    "parley_pusher_receipt_errors_total",
    "parley_webhooks_deliveries_total",
    "parley_webhooks_endpoints",
    "service:parley_http_errors:ratio_rate5m",
}
"""Series that come into being with their first event: a failure, mostly, or what nobody did here."""


def targets(running: Fleet) -> dict[str, list[str]]:
    jobs: dict[str, list[str]] = {}
    for process in running.processes.values():
        jobs.setdefault(f"parley-{process.arguments[0]}", []).append(urlsplit(process.internal_url).netloc)
    return jobs


def with_the_others(running: Fleet, folder: Path) -> Fleet:
    """The same, with a process of each service that a fleet of tests has not."""
    asked = running.processes["persistence-1"].internal_url
    running.add("media", "media", PERSISTENCE_URL=asked, MEDIA_DIR=str(folder / "media"))
    running.add("webhooks", "webhooks", PERSISTENCE_URL=asked)
    return running


async def some_traffic(running: Fleet, http: aiohttp.ClientSession) -> None:
    """A message to somebody who is there, and one to somebody who is not; and somebody who may not come in."""
    gateway, store = running.processes["gateway-1"], running.processes["persistence-1"]
    ids = [f"{digit * 8}-0000-4000-8000-{digit * 12}" for digit in "abc"]
    ada, bob, cleo = (Person(http, store.url, running.token(one), socket=gateway.url, user_id=one) for one in ids)
    await cleo.call("POST", "/notifications/register-token", {"token": "ExponentPushToken[cleo]"})
    room, other = await ada.converse(bob), await ada.converse(cleo)
    async with ada.phone(), bob.phone() as phone:
        await ada.send(room, "Hello")
        await phone.frame("message.new")
        await phone.say("read", conversationId=room, seq=1)
        await ada.send(other, "Are you there?")
    async with http.ws_connect(f"{gateway.url}/messages/subscribe?token=bad") as refused:
        await refused.receive()


async def all_there(monitor: Prometheus, asked: list[str]) -> None:
    """Returns when Prometheus has every series that is asked for."""
    wanted = {name for query in asked for name in metrics_of(query)} - WITH_THEIR_FIRST_EVENT
    lacking = wanted

    async def nothing_lacks() -> bool:
        nonlocal lacking
        lacking = wanted - await monitor.names()
        return not lacking

    try:
        await eventually(nothing_lacks, 20)
    except AssertionError:
        raise AssertionError(f"nobody exposes {sorted(lacking)}") from None


async def test_every_question_of_the_dashboards_and_rules_finds_its_numbers(
    database_url: str, redis_url: str, logs: Path, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    shown = [query for path in DASHBOARDS for panel in panels(load(path)) for query in queries(panel)]
    groups = [
        group
        for name in ("recording.yml", "alerts.yml")
        for group in yaml.safe_load((ROOT / "deploy/prometheus/rules" / name).read_text())["groups"]
    ]
    ruled = [rule["expr"] for group in groups for rule in group["rules"]]
    async with (
        fake_expo() as expo,
        fleet(logs, database_url, redis_url, pushers=1, EXPO_PUSH_URL=expo.url) as running,
        prometheus(tmp_path / "prometheus", targets(with_the_others(running, tmp_path))) as monitor,
    ):
        for name in ("media", "webhooks"):
            await running.processes[name].start()
        await some_traffic(running, http)
        await expo.wait_for(1)

        await all_there(monitor, shown + ruled)
        for query in shown + ruled:
            await monitor.ask(query)
        up = {one["metric"]["job"]: one["value"][1] for one in await monitor.ask('up{job=~"parley-.*"}')}
        assert up == dict.fromkeys((f"parley-{one}" for one in (*RUNNING, "media", "webhooks")), "1")
