"""What has a role is for those who have it now, whatever their token says; and what they did cannot be unsaid."""

import asyncpg
import pytest

from persistence.audit import store as audit
from persistence.audit.store import Entry
from persistence.database.pool import transaction
from persistence.staff import store
from persistence.staff.ranks import Rank
from shared.auth import mint
from shared.auth.caller import Actor
from tests.integration.rest.conftest import SECRET, Rest

CLI = Actor("cli", "ops")
AUDIT = "/moderation/audit"


async def test_a_route_with_a_role_refuses_who_has_none_and_who_does_not_sign_in(rest: Rest) -> None:
    await rest.moderator()

    told = await rest.person().get(AUDIT, 403)
    assert told["code"] == "forbidden"
    assert (await rest.http.get(AUDIT)).status == 401


async def test_a_role_in_a_token_counts_for_nothing(rest: Rest) -> None:
    person = rest.person()
    person.token = mint(SECRET, person.id, "eve", role="authenticated")

    assert (await person.get(AUDIT, 403))["code"] == "forbidden"


async def test_a_moderator_and_an_admin_may_read_the_audit_log_until_the_role_is_revoked(rest: Rest) -> None:
    moderator, admin = await rest.moderator(), await rest.moderator("root", Rank.ADMIN)
    assert (await moderator.get(AUDIT))["entries"] == (await admin.get(AUDIT))["entries"]

    assert await store.revoke(rest.parts.pool, CLI, moderator.id, Rank.MODERATOR)
    await rest.refusals.refresh()
    await moderator.get(AUDIT, 403)
    await admin.get(AUDIT)


async def test_the_log_names_who_did_what_to_whom_newest_first_in_pages(rest: Rest) -> None:
    admin = await rest.moderator("root", Rank.ADMIN)
    for number in range(3):
        await audit.note(rest.parts.pool, CLI, Entry("test.done", "thing", str(number), "why", {"n": number}), "r-1")

    first = await admin.get(AUDIT, action="test.done", limit=2)
    assert [one["subject"] for one in first["entries"]] == ["2", "1"]
    assert first["entries"][0] | {"id": "", "at": ""} == {
        "id": "", "at": "", "actorKind": "cli", "actor": "ops", "actAs": None, "action": "test.done",
        "subjectKind": "thing", "subject": "2", "reason": "why", "requestId": "r-1", "details": {"n": 2},
    }  # fmt: skip
    rest_of = await admin.get(AUDIT, action="test.done", cursor=first["nextCursor"])
    assert [one["subject"] for one in rest_of["entries"]] == ["0"]
    assert rest_of["nextCursor"] is None
    granted = await admin.get(AUDIT, subject=admin.id)
    assert [one["action"] for one in granted["entries"]] == ["role.grant"]
    assert (await admin.get(AUDIT, actor="nobody"))["entries"] == []
    await admin.get(AUDIT, 400, cursor="x")


async def test_an_entry_is_never_changed_and_goes_only_by_its_age(rest: Rest) -> None:
    pool = rest.parts.pool
    await audit.note(pool, CLI, Entry("test.done", "thing", "1"))

    for statement in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)
    assert await audit.sweep(pool, 1) == 0
    async with transaction(pool) as connection:
        await connection.execute("ALTER TABLE audit_log DISABLE TRIGGER audit_log_rows")
        await connection.execute("UPDATE audit_log SET at = now() - interval '2 days'")
        await connection.execute("ALTER TABLE audit_log ENABLE TRIGGER audit_log_rows")
    assert await audit.sweep(pool, 1) == 1


async def test_a_change_of_roles_costs_no_statement_a_second_and_the_same_again_changes_nothing(rest: Rest) -> None:
    pool, person = rest.parts.pool, rest.person()

    assert await store.grant(pool, CLI, person.id, Rank.MODERATOR)
    assert not await store.grant(pool, CLI, person.id, Rank.MODERATOR)
    assert await store.grant(pool, CLI, person.id, Rank.ADMIN)
    assert not await store.revoke(pool, CLI, person.id, Rank.MODERATOR)
    assert await store.everybody(pool) == {person.id: Rank.ADMIN}
