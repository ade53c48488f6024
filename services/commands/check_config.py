"""Tells what is wrong with the settings, and with what they name, before a process is started with them."""

import argparse
from collections.abc import AsyncIterator, Iterator, Sequence

import msgspec

from services.checks import environment as own
from services.checks import neighbours
from services.checks.finding import Finding, Level, error, ok
from services.checks.postgres import postgres
from services.checks.redis import redis, running
from services.commands import EXIT_CODES, described
from services.printing import say
from shared.settings import Settings, environment, readable

HELP = f"""
Reads the environment as gateway, persistence, pusher and media would, or only as SERVICE would, and prints a line for
each finding: `ok`, `warning` (it works, and is not what you would want) or `error` (a process would not start, or not
do what it is for). No line shows a secret. Settings: what is missing, malformed, misspelt, or contradicts another.
Then, without --offline, what they name: Postgres (version, migrations, room for the pools, clock), Redis (version,
eviction, cluster or not, clock), persistence and SERVICE_TOKEN, the key set. It changes nothing. Run it where the
process will run: in its image, with its environment, under its limit of open files.

needs: the settings of the service, and nothing else

  python -m services check-config
  python -m services check-config gateway --offline
  kubectl --namespace parley exec deploy/persistence -- python -m services check-config persistence

{EXIT_CODES}
1 here: there is an error. Warnings alone are 0.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    described(parser, HELP)
    parser.add_argument("service", nargs="?", choices=own.SERVICES, metavar="SERVICE", help="default: all of them")
    parser.add_argument("--offline", action="store_true", help="only the settings themselves; ask nobody")
    parser.add_argument("--json", action="store_true", help="a JSON list, for programs")


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    services = [chosen.service] if chosen.service else list(own.SERVICES)
    found = list(_settings(settings, services))
    if not chosen.offline:
        found += [finding async for finding in _named(settings, services)]
    say(msgspec.json.encode(found).decode() if chosen.json else _lines(found))
    return 1 if any(one.level is Level.ERROR for one in found) else 0


def _settings(settings: Settings, services: Sequence[str]) -> Iterator[Finding]:
    _, malformed = readable(environment())
    faults = [error(*line.split(" ", 1)) for line in malformed]
    told = {fault.subject for fault in faults}
    faults += [one for one in own.missing(settings, services) if one.subject not in told]
    faults += own.unknown(environment())
    faults += own.secrets(settings)
    faults += own.contradictions(settings, services)
    if "gateway" in services:
        faults.append(own.open_files(settings))
    yield from _once(faults)
    if all(one.level is Level.OK for one in faults):
        yield ok("settings", f"nothing is missing for {', '.join(services)}")


def _once(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Several services may lack the same setting."""
    seen: set[tuple[str, str]] = set()
    for one in findings:
        key = (one.subject, one.text.partition(";")[0])
        if key not in seen:
            seen.add(key)
            yield one


async def _named(settings: Settings, services: Sequence[str]) -> AsyncIterator[Finding]:
    """What the settings name, as far as they are set."""
    fleet = await running(settings) if settings.redis_url else []
    if settings.redis_url:
        async for finding in redis(settings):
            yield finding
    if "persistence" in services and settings.database_url:
        persistences = sum(one.service == "persistence" for one in fleet)
        async for finding in postgres(settings, persistences):
            yield finding
    if {"gateway", "pusher", "media"} & set(services) and settings.persistence_url and settings.service_token:
        yield await neighbours.persistence(settings)
    if {"gateway", "persistence", "media"} & set(services) and settings.jwt_jwks_url:
        yield await neighbours.key_set(settings)


def _lines(found: Sequence[Finding]) -> str:
    width = max(len(one.subject) for one in found)
    return "\n".join(f"{one.level:<8} {one.subject:<{width}}  {one.text}" for one in found)
