"""The kit in an app of ten lines, from the built package: Vite without a config, Chromium, and a server in memory."""

import functools
import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from services.demo import BUILT

CLIENT = BUILT.parents[1]
AXE = CLIENT / "node_modules" / "axe-core" / "axe.min.js"
ROWS = 10_000
MOST_MOUNTED = 60
TABLE = "[data-testid=parley-messages] [data-key]"
PLACE = """key => document.querySelector(`[data-key="${key}"]`)?.getBoundingClientRect().top ?? null"""
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Says nothing of what it serves."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the built app. Its modules are the client's own, but for Parley, which is unpacked."""
    folder = tmp_path_factory.mktemp("app")
    for part in ("app", "support"):
        shutil.copytree(CLIENT / "test" / part, folder / part)
    _unpack(folder)
    _run(folder / "app", str(CLIENT / "node_modules" / ".bin" / "vite"), "build", "--logLevel", "error")
    handler = functools.partial(_Quiet, directory=folder / "app" / "dist")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _unpack(folder: Path) -> None:
    modules = folder / "node_modules"
    modules.mkdir()
    for name in (path for path in (CLIENT / "node_modules").iterdir() if not path.name.startswith(".")):
        (modules / name.name).symlink_to(name)
    _run(CLIENT, "node_modules/.bin/tsdown", "--no-dts", "--out-dir", str(folder / "built"), "--logLevel", "error")
    root = modules / "@parley" / "client"
    root.mkdir(parents=True)
    shutil.copytree(folder / "built", root / "dist")
    shutil.copy(CLIENT / "package.json", root)


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, timeout=120)


async def _opened(page: Page, url: str) -> None:
    await page.goto(url)
    await expect(page.get_by_test_id("parley-messages")).to_be_visible()


async def test_ten_thousand_messages_mount_few_rows_and_hold_their_place(app: str, page: Page) -> None:
    await _opened(page, f"{app}/?n={ROWS}&conversation=room")
    await expect(page.get_by_test_id("parley-text").last).to_contain_text(str(ROWS))
    await page.evaluate(f"kit.load({ROWS - 100})")
    assert await page.locator(TABLE).count() <= MOST_MOUNTED
    box = page.get_by_test_id("parley-messages")
    await box.evaluate("box => box.scrollTop = box.scrollHeight / 2")
    await page.evaluate(PAINTED)
    key = await _read(page)
    before = await page.evaluate(PLACE, key)
    await page.evaluate(f"kit.load({ROWS})")
    await page.evaluate(PAINTED)
    assert await page.evaluate(PLACE, key) == pytest.approx(before, abs=0.5)
    await page.evaluate("kit.post('news')")
    await expect(page.get_by_test_id("parley-newest-count")).to_be_visible()
    assert await page.evaluate(PLACE, key) == pytest.approx(before, abs=0.5)
    assert await page.locator(TABLE).count() <= MOST_MOUNTED
    await page.get_by_role("button", name="To the newest message").click()
    await expect(page.get_by_test_id("parley-text").last).to_have_text("news")


async def _read(page: Page) -> str:
    """The key of the row in the middle."""
    point = "document.elementFromPoint(innerWidth * 0.6, innerHeight / 2)"
    found = await page.wait_for_function(f"{point}?.closest('[data-key]')?.dataset.key")
    return str(await found.json_value())


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 820, 1440])
async def test_axe_finds_nothing(app: str, page: Page, theme: str, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 900})
    for opened in ("", "&conversation=words"):
        await page.goto(f"{app}/?theme={theme}{opened}")
        shown = "parley-messages" if opened else "parley-row"
        await expect(page.get_by_test_id(shown).first).to_be_visible()
        assert await _violations(page) == []
    await page.get_by_test_id("parley-message").first.click(button="right")
    await expect(page.get_by_role("menu")).to_be_visible()
    assert await _violations(page) == []


async def _violations(page: Page) -> list[str]:
    await page.add_script_tag(path=AXE)
    found = await page.evaluate("axe.run().then(({ violations }) => violations)")
    return [json.dumps({one["id"]: [node["html"][:200] for node in one["nodes"]]}) for one in found]
