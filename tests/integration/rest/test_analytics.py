"""`/server/analytics`: for whom, in which shapes, and of which time."""

from datetime import UTC, datetime, timedelta

from persistence.stats import filling
from persistence.stats.filling import Rules
from tests.integration.rest.conftest import Rest
from tests.integration.rest.test_touches import two


async def filled(rest: Rest) -> None:
    """As a persistence process two days later would."""
    while await filling.fill(rest.parts.pool, Rules(5), datetime.now(UTC) + timedelta(days=2)):
        pass


async def test_a_key_reads_what_was_counted_by_day_and_by_hour_as_json_and_as_csv(rest: Rest) -> None:
    ann, bob, room = await two(rest)
    await ann.send(room, "one")
    await bob.send(room, "two")
    server = await rest.key("analytics:read")
    await filled(rest)
    to = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    path = f"/server/analytics?to={to}&metrics=messages,senders,delivered_5s".replace("+", "%2B")

    days = await server.ask("GET", path)
    hours = await server.ask("GET", f"{path}&step=hour")

    for told in (days["metrics"], hours["metrics"]):
        assert sum(point["value"] for point in told["messages"]) == 2
        assert max(point["value"] for point in told["senders"]) == 2
        assert told["delivered_5s"] == [], "two recipients are too few"
    assert days["metrics"]["messages"][0]["at"].endswith("T00:00:00.000Z")
    response = await rest.http.get(f"{path}&format=csv", headers={"Authorization": f"Bearer {server.key}"})
    assert response.content_type == "text/csv"
    lines = (await response.text()).splitlines()
    assert lines[0] == "metric,at,value"
    assert f"messages,{days['metrics']['messages'][0]['at']},2" in lines
    bearer = {"Authorization": f"Bearer {server.key}"}
    for accepted, is_csv in (("text/csv", True), ("application/json, text/csv", False), ("*/*", False)):
        response = await rest.http.get(path, headers={**bearer, "Accept": accepted})
        assert (response.content_type == "text/csv") is is_csv
    today = datetime.now(UTC).date()
    after = await server.ask("GET", f"/server/analytics?metrics=messages&from={today + timedelta(days=4)}")
    assert after["metrics"]["messages"] == []
    since = await server.ask("GET", f"{path}&from={today - timedelta(days=1)}")
    assert since["metrics"]["messages"] == days["metrics"]["messages"]


async def test_nobody_else_reads_them_and_a_number_that_is_unknown_is_refused(rest: Rest) -> None:
    server = await rest.key("analytics")
    other = await rest.key("users")
    await other.ask("GET", "/server/analytics", status=403)
    await rest.person().get("/server/analytics", 403)
    await (await rest.moderator()).get("/server/analytics", 403)

    for wrong in (
        "metrics=nonsense",
        "metrics=",
        "step=week",
        "from=yesterday",
        "from=2026-02-30",
        "to=2026-1-1",
        "format=xml",
    ):
        await server.ask("GET", f"/server/analytics?{wrong}", status=400)
    refused = await server.ask("GET", "/server/analytics?metrics=messages,nonsense", status=400)
    assert "'nonsense'" in refused["error"]
    told = await server.ask("GET", "/server/analytics?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z")
    assert set(told["metrics"]["messages"]) == set()
