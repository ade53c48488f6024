"""The confined process: what it dies of is the file's fault, and no other file's."""

import asyncio
import os
from pathlib import Path

import psutil
import pytest

from media.nursery import Nursery, NurseryDied
from tests.support.files import picture


def job(tmp_path: Path, name: str, data: bytes) -> tuple[Path, Path]:
    folder = tmp_path / name
    folder.mkdir()
    source = folder / "source"
    source.write_bytes(data)
    return source, folder


async def test_it_looks_at_many_and_has_no_secret_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", "a secret")
    nursery = Nursery(most_pixels=25_000_000)
    try:
        jobs = [job(tmp_path, str(number), picture()) for number in range(6)]
        found = await asyncio.gather(*(nursery.look(source, folder, "image") for source, folder in jobs))
        assert {one["content_type"] for one in found} == {"image/jpeg"}
        [process] = [one for one in psutil.Process().children() if "media.confined" in one.cmdline()]
        assert b"SERVICE_TOKEN" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    finally:
        await nursery.close()
    assert [one for one in psutil.Process().children() if "media.confined" in one.cmdline()] == []


async def test_where_it_dies_files_are_looked_at_again_by_another_one(tmp_path: Path) -> None:
    nursery = Nursery(most_pixels=25_000_000)
    try:
        await nursery.look(*job(tmp_path, "first", picture()), "image")
        [process] = [one for one in psutil.Process().children() if "media.confined" in one.cmdline()]
        process.suspend()
        looking = asyncio.create_task(nursery.look(*job(tmp_path, "second", picture()), "image"))
        await asyncio.sleep(0.1)
        os.kill(process.pid, 9)
        with pytest.raises(NurseryDied):
            await looking
        assert (await nursery.look(*job(tmp_path, "third", picture()), "image"))["width"] == 640
    finally:
        await nursery.close()
