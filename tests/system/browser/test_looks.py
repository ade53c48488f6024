"""What a person sees and reaches: by keyboard, in both themes, on a narrow screen. Leaves screenshots to look at."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Page, expect

from tests.support.fleet import ServiceProcess
from tests.system.browser.conftest import Rest
from tests.system.browser.phone import Phone, phones

# WCAG 2.2, 1.4.3: contrast of at least 4.5 for text. Computed where text and its ground are plain colours.
CONTRAST = """element => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  let ground = element;
  while (channels(getComputedStyle(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
  const pair = [light(channels(getComputedStyle(element).color)),
                light(channels(getComputedStyle(ground).backgroundColor))];
  return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
}"""
THEIRS = "[data-mine=false]"
PLAIN_TEXTS = [
    "[data-testid=parley-header] h1",
    f"{THEIRS} [data-testid=parley-text]",
    f"{THEIRS} [data-testid=parley-time]",
    "[data-testid=parley-messages] h2",
    ".controls button",
    ".chip",
    ".top p",
    ".views button",
]

Theme = Literal["light", "dark"]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_demo_is_legible_in_both_themes(
    shared_up: ServiceProcess, page: Page, rest: Rest, theme: Theme, tmp_path: Path
) -> None:
    conversation = await rest.conversation(f"looks {theme}", "bob")
    for handle, text in [("bob", "Are you coming tonight?"), ("ada", "Yes! Leaving at eight."), ("bob", "👍")]:
        await rest.say(handle, conversation, text)
    await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    ada, bob = await phones(page, shared_up.url, f"looks {theme}")
    await bob.back()
    await expect(ada.bubbles).to_have_count(3)
    for selector in PLAIN_TEXTS:
        ratio = await page.locator(selector).first.evaluate(CONTRAST)
        assert ratio >= 4.5, f"{selector} has a contrast of {ratio:.1f} in the {theme} theme"
    await page.screenshot(path=tmp_path / f"{theme}.png")
    await page.get_by_label("Switch to").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "light" if theme == "dark" else "dark")


@pytest.mark.parametrize(("width", "height"), [(320, 568), (390, 844), (820, 1180), (1280, 640)])
async def test_everything_fits_any_screen(
    shared_up: ServiceProcess, page: Page, rest: Rest, width: int, height: int, tmp_path: Path
) -> None:
    title = f"fits {width}"
    conversation = await rest.conversation(title, "bob")
    await rest.say("bob", conversation, "x" * 300)
    await page.set_viewport_size({"width": width, "height": height})
    await page.goto(shared_up.url)
    ada = Phone(page, 0)
    await ada.connected()
    await ada.open(title)
    await expect(ada.bubbles).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await ada.root.get_by_test_id("parley-messages").evaluate("box => box.scrollWidth <= box.clientWidth")
    await ada.write("it fits")
    await expect(ada.bubbles).to_have_count(2)
    if width < 880:
        await page.get_by_role("tab", name="bob").click()
        await expect(Phone(page, 1).row(title)).to_be_visible()
        await expect(ada.root).to_be_hidden()
    await page.screenshot(path=tmp_path / f"{width}.png")


async def test_a_conversation_is_opened_written_and_left_by_keyboard_alone(
    shared_up: ServiceProcess, page: Page, rest: Rest
) -> None:
    await rest.conversation("keys", "bob")
    await page.goto(shared_up.url)
    ada = Phone(page, 0)
    await ada.connected()
    await expect(ada.row("keys")).to_be_visible()
    await _tab_to(page, "[data-testid=parley-row]", "keys")
    await page.keyboard.press("Enter")
    await _tab_to(page, "textarea")
    await page.keyboard.type("no mouse")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("at all")
    await page.keyboard.press("Enter")
    await ada.shows(["no mouse\nat all"])
    await _tab_to(page, "[aria-label='Back to conversations']")
    await page.keyboard.press("Enter")
    await expect(ada.row("keys")).to_be_visible()


async def _tab_to(page: Page, selector: str, text: str = "") -> None:
    """Moves the focus on until it is there, and checks that one sees where it is."""
    there = f"""document.activeElement.matches({selector!r})
        && document.activeElement.closest('#phone-0') !== null
        && document.activeElement.innerText.includes({text!r})"""
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate(there):
            shown = "getComputedStyle(document.activeElement)"
            assert await page.evaluate(f"{shown}.outlineStyle !== 'none' || {shown}.boxShadow !== 'none'")
            return
    raise AssertionError(f"{selector} {text} is out of the keyboard's reach")
