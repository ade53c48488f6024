"""Two people talk: live, offline by turns, through cuts and restarts. Both end with the server's own order."""

import aiohttp
from playwright.async_api import Page, Route, expect

from tests.support.fault_proxy import FaultProxy
from tests.support.fleet import ServiceProcess
from tests.support.waiting import eventually
from tests.system.browser.conftest import Rest, started
from tests.system.browser.phone import RETURN, Phone, phones

# Less than a screen, and then until the browser has painted.
TO_THE_END = "box => box.scrollTo(0, box.scrollHeight)"
STEP_UP = """box => {
  box.scrollBy(0, -300);
  return new Promise(painted => requestAnimationFrame(() => requestAnimationFrame(painted)));
}"""


async def test_two_people_talk_and_see_who_types_and_who_has_read(
    shared_up: ServiceProcess, page: Page, rest: Rest
) -> None:
    await rest.conversation("talk", "bob")
    ada, bob = await phones(page, shared_up.url, "talk")
    await expect(ada.header).to_contain_text("online")
    await bob.root.get_by_label("Message", exact=True).press_sequentially("thinking", delay=20)
    await expect(ada.header).to_contain_text("typing")
    await ada.write("hello", "are you there?")
    await bob.shows(["hello", "are you there?"])
    await ada.all_are("read")
    await bob.back()
    await ada.write("still there?")
    await expect(bob.row("talk").get_by_test_id("parley-unread-count")).to_have_text("1")
    await expect(bob.row("talk")).to_contain_text("still there?")
    await ada.all_are("read", "delivered")
    assert await ada.bubbles.last.get_attribute("data-status") == "delivered"


async def test_who_was_offline_and_wrote_ends_with_the_order_of_all(
    shared_up: ServiceProcess, page: Page, rest: Rest
) -> None:
    conversation = await rest.conversation("offline", "bob")
    ada, bob = await phones(page, shared_up.url, "offline")
    await ada.write("before")
    await bob.shows(["before"])
    await ada.airplane()
    await ada.write("ada 1", "ada 2")
    await bob.write("bob 1", "bob 2")
    await ada.write("ada 3")
    await ada.shows(["before", "ada 1", "ada 2", "ada 3"])
    await expect(ada.root.locator('[data-status="queued"], [data-status="sending"]')).to_have_count(3)
    await ada.airplane()
    await _all_agree(rest, conversation, ada, bob, ["before", "bob 1", "bob 2", "ada 1", "ada 2", "ada 3"])


async def test_cuts_in_the_middle_of_a_burst_lose_and_repeat_nothing(
    shared_up: ServiceProcess, page: Page, rest: Rest
) -> None:
    conversation = await rest.conversation("cuts", "bob")
    ada, bob = await phones(page, shared_up.url, "cuts")
    for _ in range(3):
        await ada.press("Send ten")
        await ada.press("Kill socket")
        await bob.press("Send ten")
        await bob.press("Kill socket")
        await ada.connected()
        await bob.connected()
    await eventually(lambda: _count(rest, conversation, 60), seconds=30)
    assert sorted(await rest.texts(conversation)) == sorted([f"{n} of 10" for n in range(1, 11)] * 6)
    await _all_agree(rest, conversation, ada, bob, await rest.texts(conversation))


async def test_a_half_open_network_is_found_out_and_healed(shared_up: ServiceProcess, page: Page, rest: Rest) -> None:
    conversation = await rest.conversation("half open", "bob")
    async with FaultProxy("127.0.0.1", shared_up.port) as proxy:
        ada, bob = await phones(page, f"http://127.0.0.1:{proxy.port}", "half open")
        proxy.stall("down")
        await ada.write("into the void")
        await rest.say("bob", conversation, "from elsewhere")
        await expect(ada.bubbles.last).to_have_attribute("data-status", "sending")
        proxy.cut()
        proxy.heal()
        await eventually(lambda: _count(rest, conversation, 2), seconds=60)
        await _all_agree(rest, conversation, ada, bob, await rest.texts(conversation))


async def test_a_server_that_is_killed_and_comes_back_has_lost_and_repeated_nothing(
    own_up: ServiceProcess, page: Page, session: aiohttp.ClientSession
) -> None:
    rest = await Rest.of(own_up.url, session)
    conversation = await rest.conversation("killed", "bob")
    ada, bob = await phones(page, own_up.url, "killed")
    await ada.write("before")
    await bob.shows(["before"])
    await own_up.kill()
    await expect(ada.root.locator(".chip")).not_to_have_text("Connected")
    await ada.write("ada 1", "ada 2")
    await bob.write("bob 1", "bob 2")
    await started(own_up)
    await eventually(lambda: _count(rest, conversation, 5), seconds=60)
    texts = await rest.texts(conversation)
    assert sorted(texts) == ["ada 1", "ada 2", "before", "bob 1", "bob 2"]
    assert texts.index("ada 1") < texts.index("ada 2")
    assert texts.index("bob 1") < texts.index("bob 2")
    await _all_agree(rest, conversation, ada, bob, texts)


async def test_what_a_closed_page_had_not_sent_goes_out_when_it_opens_again(
    shared_up: ServiceProcess, page: Page, rest: Rest
) -> None:
    conversation = await rest.conversation("reload", "bob")
    ada, _ = await phones(page, shared_up.url, "reload")
    sends = f"**/api/conversations/{conversation}/messages"
    await page.route(sends, _lost)
    await ada.write("one", "two")
    await page.reload()
    assert await rest.texts(conversation) == []
    await page.unroute(sends)
    await page.reload()
    await eventually(lambda: _count(rest, conversation, 2), seconds=40)
    await ada.open("reload")
    await ada.shows(["one", "two"])
    assert await rest.texts(conversation) == ["one", "two"]


async def test_what_arrives_while_the_reader_is_scrolled_up_is_not_marked_read(
    shared_up: ServiceProcess, page: Page, rest: Rest
) -> None:
    conversation = await rest.conversation("scrolled up", "bob")
    for number in range(1, 41):
        await rest.say("bob", conversation, f"line {number}")
    ada, bob = await phones(page, shared_up.url, "scrolled up")
    await bob.all_are("read")
    log = ada.root.get_by_test_id("parley-messages")
    await log.evaluate(STEP_UP)
    await bob.write("down here")
    await bob.all_are("read", "delivered")
    await expect(bob.bubbles.last).to_have_attribute("data-status", "delivered")
    await log.evaluate(TO_THE_END)
    await bob.all_are("read")


async def test_older_messages_come_as_one_scrolls_up_and_keep_their_place(
    shared_up: ServiceProcess, page: Page, rest: Rest
) -> None:
    conversation = await rest.conversation("history", "bob")
    for number in range(1, 121):
        await rest.say("bob", conversation, f"line {number}")
    ada, _ = await phones(page, shared_up.url, "history")
    log = ada.root.get_by_test_id("parley-messages")
    await expect(ada.said.last).to_have_text("line 120")
    seen: list[str] = []
    for _ in range(200):
        shown = await ada.texts()
        seen = shown + [text for text in seen if text not in shown]
        if seen[0] == "line 1":
            break
        await log.evaluate(STEP_UP)
    assert seen == [f"line {number}" for number in range(1, 121)]


async def test_a_group_is_made_in_the_app_and_reaches_everyone(shared_up: ServiceProcess, page: Page) -> None:
    await page.goto(shared_up.url)
    ada, bob = Phone(page, 0), Phone(page, 1)
    await ada.connected()
    await ada.root.get_by_label("New conversation").click()
    for box in await ada.root.get_by_role("checkbox").all():
        await box.check()
    await ada.root.get_by_label("Name of the group").fill("Dinner")
    await ada.root.get_by_role("button", name="Create group").click()
    await ada.write("who cooks?")
    await expect(bob.row("Dinner")).to_contain_text("ada: who cooks?")
    await bob.open("Dinner")
    await expect(bob.header).to_contain_text("3 people")
    await bob.root.get_by_label("Hide this conversation").click()
    await page.get_by_role("dialog").get_by_role("button", name="Hide this conversation").click()
    await expect(bob.row("Dinner")).to_have_count(0)
    await ada.write("anyone?")
    await expect(bob.row("Dinner")).to_contain_text("anyone?")


async def test_two_phones_of_one_person_show_the_same(shared_up: ServiceProcess, page: Page, rest: Rest) -> None:
    conversation = await rest.conversation("devices", "bob")
    ada, second = await phones(page, shared_up.url, "devices")
    await second.root.get_by_label("Who has this device").select_option(label="ada")
    await second.connected()
    await rest.say("bob", conversation, "hello")
    await second.open("devices")
    await ada.write("from the first")
    await second.write("from the second")
    await _all_agree(rest, conversation, ada, second, await _settled(rest, conversation, 3))


async def test_a_locked_phone_shows_a_push_that_opens_its_conversation(
    shared_up: ServiceProcess, page: Page, rest: Rest
) -> None:
    await rest.conversation("push", "bob")
    ada, bob = await phones(page, shared_up.url, "push")
    await bob.press("Lock")
    await ada.write("wake up")
    notice = bob.root.locator(".notice", has_text="wake up")
    await expect(notice).to_be_visible(timeout=20_000)
    await expect(notice).to_contain_text("ada")
    await notice.click()
    await bob.shows(["wake up"])
    await ada.all_are("read")


async def _count(rest: Rest, conversation: str, count: int) -> bool:
    return len(await rest.texts(conversation)) >= count


async def _settled(rest: Rest, conversation: str, count: int) -> list[str]:
    await eventually(lambda: _count(rest, conversation, count), seconds=20)
    return await rest.texts(conversation)


async def _all_agree(rest: Rest, conversation: str, one: Phone, other: Phone, texts: list[str]) -> None:
    """Both phones and the server have just these, in this order."""
    await one.shows_end_of(texts, RETURN)
    await other.shows_end_of(texts, RETURN)
    await one.all_are("sent", "delivered", "read")
    await other.all_are("sent", "delivered", "read")
    assert await rest.texts(conversation) == texts


async def _lost(route: Route) -> None:
    if route.request.method == "POST":
        await route.abort()
    else:
        await route.continue_()
