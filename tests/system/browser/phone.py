"""One of the demo's two phones, as a person uses it."""

from collections.abc import Sequence

from playwright.async_api import Locator, Page, expect

from tests.support.waiting import eventually

SECONDS = 1000
RETURN = 30 * SECONDS
"""Longer than the client's longest wait between two attempts."""


FEWEST = 5
"""Messages of a long conversation that are in sight at its end."""


class Phone:
    def __init__(self, page: Page, number: int) -> None:
        self.page = page
        self.root = page.locator(f"#phone-{number}")

    @property
    def bubbles(self) -> Locator:
        return self.root.get_by_test_id("parley-message")

    @property
    def said(self) -> Locator:
        return self.root.get_by_test_id("parley-text")

    @property
    def header(self) -> Locator:
        return self.root.get_by_test_id("parley-header")

    def row(self, title: str) -> Locator:
        return self.root.get_by_test_id("parley-row").filter(has_text=title)

    async def open(self, title: str) -> None:
        await self.row(title).click()

    async def write(self, *texts: str) -> None:
        for text in texts:
            await self.root.get_by_label("Message", exact=True).fill(text)
            await self.root.get_by_label("Send", exact=True).click()

    async def airplane(self) -> None:
        await self.root.get_by_role("switch").click()

    async def press(self, control: str) -> None:
        await self.root.locator(".controls").get_by_role("button", name=control, exact=True).click()

    async def back(self) -> None:
        await self.root.get_by_label("Back to conversations").click()

    async def texts(self) -> list[str]:
        """What is mounted: what is in sight, and some rows around."""
        return await self.said.all_inner_texts()

    async def connected(self, within: float = RETURN) -> None:
        await expect(self.root.locator(".chip")).to_have_text("Connected", timeout=within)

    async def shows(self, texts: Sequence[str], within: float = RETURN) -> None:
        await expect(self.said).to_have_text(list(texts), timeout=within)

    async def shows_end_of(self, texts: Sequence[str], within: float = RETURN) -> None:
        """What is mounted is the end of these: all of a few, and at least FEWEST of many."""

        async def is_end() -> bool:
            shown = await self.texts()
            return len(shown) >= min(FEWEST, len(texts)) and shown == list(texts[-len(shown) :])

        await eventually(is_end, within / SECONDS)

    async def all_are(self, *statuses: str, within: float = RETURN) -> None:
        """Every message of one's own has come at least this far."""
        others = "".join(f':not([data-status="{status}"])' for status in statuses)
        await expect(self.root.locator(f"[data-mine=true][data-status]{others}")).to_have_count(0, timeout=within)


async def phones(page: Page, url: str, title: str) -> tuple[Phone, Phone]:
    """Ada's and bob's, connected, both in the conversation of this title."""
    await page.goto(url)
    pair = Phone(page, 0), Phone(page, 1)
    for phone in pair:
        await phone.connected()
        await phone.open(title)
    return pair
