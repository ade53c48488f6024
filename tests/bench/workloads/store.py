"""The send statement without HTTP: by the store's queue, and, where there is one, by pgbench, which is the limit of it.

Postgres has LOAD_CPU to itself; who sends stands on SERVER_CPU.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from persistence.messages.send_statement import SEND
from tests.bench.machine import SERVER_CPU, pinned
from tests.bench.seats import Seats
from tests.bench.systems.parley import Parley
from tests.bench.systems.processes import ROOT
from tests.bench.workloads.outcomes import Numbers

SYSTEM = {"gateways": 0, "writes": True}
SENDERS = 256
PGBENCH_CLIENTS = 16

# The ids of tests.bench.seats, as SQL makes them; $1 to $8 of the statement, for one message.
_USER = "md5('user ' || {number})::uuid"
_ARGUMENTS = {
    "$1": "md5('conversation ' || :room)::uuid",
    "$2": "ARRAY[gen_random_uuid()]",
    "$3": "ARRAY[" + _USER.format(number="((:room::bigint * :members + :member) % :users)") + "]",
    "$4": "ARRAY['See you at nine then?']",
    "$5": "ARRAY[gen_random_uuid()::text]",
    "$6": "ARRAY[NULL]",
    "$7": "ARRAY[NULL]",
    "$8": "ARRAY[false]",
}
_SCRIPT = """\
\\set room random(0, {rooms} - 1)
\\set member random(0, {members} - 1)
{statement};
"""


def SEATS(rooms: int, members: int, users: int) -> Seats:  # noqa: N802 - what every workload calls its seats
    return Seats(rooms, members, users)


async def run(system: Parley, seconds: float = 4.0) -> Numbers:
    await system.persistence.stop()  # its relay would publish what is sent here
    seats = system.seats
    queue = await _answer(
        [sys.executable, "-m", "tests.bench.servers.store_sender", system.postgres.url]
        + [str(number) for number in (seats.rooms, seats.members, seats.users, SENDERS, seconds)]
    )
    numbers: Numbers = json.loads(queue)
    if pgbench := shutil.which("pgbench"):
        await system.tidy()
        numbers["pgbench_tps"] = await _pgbench(pgbench, system, seconds)
    return numbers


async def _pgbench(program: str, system: Parley, seconds: float) -> float:
    seats, url = system.seats, urlsplit(system.postgres.url)
    script = system.directory / "send.sql"
    script.write_text(_SCRIPT.format(rooms=seats.rooms, members=seats.members, statement=_statement(seats)))
    environment = {"PGPASSWORD": url.password or "", "PGOPTIONS": "-c plan_cache_mode=force_generic_plan"}
    answer = await _answer(_command(program, url.port or 0, script, seconds), environment)
    line = next(line for line in answer.splitlines() if line.startswith("tps"))
    return float(line.split()[2])


def _command(program: str, port: int, script: Path, seconds: float) -> list[str]:
    where = ["-h", "127.0.0.1", "-p", str(port), "-U", "postgres"]
    how = ["-n", "-M", "prepared", "-c", str(PGBENCH_CLIENTS), "-j", "1", "-T", str(round(seconds)), "-f", str(script)]
    return [program, *where, *how, "postgres"]


def _statement(seats: Seats) -> str:
    statement = SEND.sql.strip()
    for place, value in _ARGUMENTS.items():
        statement = statement.replace(place, value)
    return statement.replace(":members", str(seats.members)).replace(":users", str(seats.users))


async def _answer(command: Sequence[str], environment: dict[str, str] | None = None) -> str:
    with pinned(SERVER_CPU):
        child = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    answer, complaint = await child.communicate()
    if child.returncode:
        raise RuntimeError(f"{command[0]}: {complaint.decode(errors='replace')[-500:]}")
    return answer.decode()
