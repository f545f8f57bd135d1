"""API keys: what a program may do in a member's place, and for how long."""

from datetime import timedelta

import pytest
from httpx2 import AsyncClient
from sqlalchemy import text

from services.actor import Permission, Role
from services.api_keys.service import SCOPES
from services.database import utcnow
from services.resources import Resources
from tests.graphql_schema.asking import Answer
from tests.members import PASSWORD, Member, join

_READ_ONLY = ["assets:read", "findings:read"]


async def _make(client: AsyncClient, member: Member, *scopes: str, **more: str) -> Answer:
    response = await client.post(
        "/api/v1/api-keys",
        json={"name": "CI", "scopes": list(scopes) or _READ_ONLY, **more},
        headers=member.headers,
    )
    assert response.status_code == 201, response.text
    return response.json()


def _with(key: Answer) -> dict[str, str]:
    return {"Authorization": f"Bearer {key['key']}"}


async def test_a_key_is_shown_once_and_known_by_its_prefix(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    made = await _make(client, admin)

    listed = (await client.get("/api/v1/api-keys", headers=admin.headers)).json()

    assert made["key"].startswith(made["prefix"])
    assert [each["prefix"] for each in listed] == [made["prefix"]]
    assert (listed[0]["scopes"], listed[0]["last_used_at"]) == (_READ_ONLY, None)
    assert "key" not in listed[0]
    async with resources.database.read(admin.scope) as session:
        row = (await session.execute(text("select * from api_keys"))).one()
        log = (await session.execute(text("select * from audit_entries"))).all()
    assert made["key"] not in str(row)
    assert made["key"] not in str(log)


async def test_a_key_opens_both_doors_as_far_as_its_scopes_go(
    client: AsyncClient, admin: Member
) -> None:
    key = _with(await _make(client, admin))
    body = {"target_value": "example.org"}

    read = await client.get("/api/v1/assets", headers=key)
    written = await client.post("/api/v1/assets", json=body, headers=key)
    elsewhere = await client.get("/api/v1/scans", headers=key)
    query = "{ findings { totalCount } viewer { memberships { role } } }"
    graphql = (await client.post("/graphql", json={"query": query}, headers=key)).json()
    beyond = (
        await client.post("/graphql", json={"query": "{ scans { totalCount } }"}, headers=key)
    ).json()

    assert (read.status_code, written.status_code, elsewhere.status_code) == (200, 403, 403)
    assert "API key" in written.json()["detail"]
    assert graphql["data"]["findings"] == {"totalCount": 0}
    assert beyond["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_key_can_do_no_more_than_its_creator_can_now(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """AUTH-3."""
    key = _with(
        await _make(client, admin, "assets:read", "assets:write", "findings:read", "scans:delete")
    )
    await join(client, resources, admin, Role.ADMIN)
    members = f"/api/v1/organizations/{admin.organization_id}/members"
    listed = (await client.get(members, headers=admin.headers)).json()
    own = next(each["id"] for each in listed if each["user_id"] == str(admin.user_id))

    before = await client.post("/api/v1/assets", json={"target_value": "a.example"}, headers=key)
    await client.patch(f"{members}/{own}", json={"role": "viewer"}, headers=admin.headers)
    after = await client.post("/api/v1/assets", json={"target_value": "b.example"}, headers=key)
    read = await client.get("/api/v1/assets", headers=key)

    assert (before.status_code, after.status_code, read.status_code) == (201, 403, 200)


async def test_a_key_ends_with_its_creators_membership(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    other = await join(client, resources, admin, Role.ADMIN)
    key = _with(await _make(client, other))
    members = f"/api/v1/organizations/{admin.organization_id}/members"
    listed = (await client.get(members, headers=admin.headers)).json()
    member_id = next(each["id"] for each in listed if each["user_id"] == str(other.user_id))

    before = await client.get("/api/v1/assets", headers=key)
    await client.delete(f"{members}/{member_id}", headers=admin.headers)
    after = await client.get("/api/v1/assets", headers=key)
    graphql = await client.post("/graphql", json={"query": "{ __typename }"}, headers=key)

    assert (before.status_code, after.status_code, graphql.status_code) == (200, 401, 401)
    assert (await client.get("/api/v1/api-keys", headers=admin.headers)).json() == []


async def test_a_key_whose_creator_left_is_refused_even_if_nobody_revoked_it(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    key = _with(await _make(client, admin))
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(text("delete from memberships"))

    response = await client.get("/api/v1/assets", headers=key)

    assert (response.status_code, response.json()["code"]) == (401, "api_key_invalid")


@pytest.mark.parametrize(
    "change",
    [
        "update api_keys set expires_at = now()",
        "update api_keys set revoked_at = now()",
        "update users set is_active = false",
        "delete from api_keys",
    ],
)
async def test_a_key_that_is_no_good_any_more_is_401(
    client: AsyncClient, resources: Resources, admin: Member, change: str
) -> None:
    key = _with(await _make(client, admin))
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(text(change))

    response = await client.get("/api/v1/assets", headers=key)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_a_key_that_was_tampered_with_is_401(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    made = (await _make(client, admin))["key"]
    foreign = (await _make(client, stranger))["key"]
    forged = [
        made[:-1],
        f"{made}x",
        made[:13] + foreign[13:35] + made[35:],  # the other organization's id in it
        "nis2_",
        f"nis2_{'é' * 60}",
        f"nis2_{'=' * 60}",
    ]

    for token in forged:
        headers = [(b"Authorization", f"Bearer {token}".encode())]
        response = await client.get("/api/v1/assets", headers=headers)
        assert response.status_code == 401, token


async def test_a_key_acts_in_its_own_organization_and_nowhere_else(
    client: AsyncClient, admin: Member
) -> None:
    """TEN-6: its creator belongs to another organization too."""
    second = await client.post(
        "/api/v1/organizations", json={"name": "Second"}, headers=admin.headers
    )
    other = second.json()["id"]
    key = _with(await _make(client, admin, *sorted(SCOPES)))

    by_header = await client.get("/api/v1/assets", headers={**key, "X-Organization-Id": other})
    by_path = await client.get(f"/api/v1/organizations/{other}/members", headers=key)
    single = await client.get(f"/api/v1/organizations/{other}", headers=key)
    listed = await client.get("/api/v1/organizations", headers=key)
    me = await client.get("/api/v1/auth/me", headers=key)
    query = f'{{ organizations {{ totalCount }} organization(id: "{other}") {{ name }} }}'
    graphql = await client.post("/graphql", json={"query": query}, headers=key)

    assert (by_header.status_code, by_path.status_code, single.status_code) == (403, 404, 404)
    assert [each["id"] for each in listed.json()] == [str(admin.organization_id)]
    assert [each["organization_id"] for each in me.json()["memberships"]] == [
        str(admin.organization_id)
    ]
    assert graphql.json()["data"] == {"organizations": {"totalCount": 1}, "organization": None}


async def test_a_key_does_nothing_to_its_creators_account(
    client: AsyncClient, admin: Member
) -> None:
    key = _with(await _make(client, admin, *sorted(SCOPES)))
    requests: list[tuple[str, str, Answer]] = [
        ("PATCH", "/auth/me", {"full_name": "Eve"}),
        ("POST", "/auth/switch-org", {"organization_id": str(admin.organization_id)}),
        (
            "POST",
            "/auth/change-password",
            {"current_password": PASSWORD, "new_password": "another long password"},
        ),
        ("POST", "/organizations", {"name": "Second"}),
        ("POST", "/invitations/accept", {"token": "x"}),
        ("POST", "/api-keys", {"name": "Another", "scopes": ["assets:read"]}),
    ]

    for method, path, body in requests:
        response = await client.request(method, f"/api/v1{path}", json=body, headers=key)
        assert response.status_code == 403, (path, response.text)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"scopes": []}, 422),
        ({"scopes": ["everything"]}, 422),
        ({"scopes": ["api_keys:write"]}, 422),
        ({"scopes": ["members:write"]}, 422),
        ({"name": " "}, 422),
        ({"expires_at": "2001-01-01T00:00:00Z"}, 422),
        ({"expires_at": "2999-01-01T00:00:00Z"}, 422),
        ({"expires_at": "2030-01-01T00:00:00"}, 422),
    ],
)
async def test_a_key_that_cannot_be_is_refused(
    client: AsyncClient, admin: Member, change: Answer, status: int
) -> None:
    response = await client.post(
        "/api/v1/api-keys",
        json={"name": "CI", "scopes": _READ_ONLY, **change},
        headers=admin.headers,
    )

    assert response.status_code == status
    assert isinstance(response.json()["detail"], str)


async def test_a_key_lives_as_long_as_it_was_given_and_ninety_days_unless_said(
    client: AsyncClient, admin: Member
) -> None:
    until = (utcnow() + timedelta(days=2)).isoformat()

    default = await _make(client, admin)
    given = await _make(client, admin, expires_at=until)

    assert default["expires_at"][:10] == (utcnow() + timedelta(days=90)).isoformat()[:10]
    assert given["expires_at"][:19] == until[:19]


async def test_the_last_use_is_noted_to_the_minute(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    key = _with(await _make(client, admin))

    await client.get("/api/v1/assets", headers=key)
    first = (await client.get("/api/v1/api-keys", headers=admin.headers)).json()[0]
    await client.get("/api/v1/assets", headers=key)
    second = (await client.get("/api/v1/api-keys", headers=admin.headers)).json()[0]

    assert first["last_used_at"] is not None
    assert second["last_used_at"] == first["last_used_at"]


async def test_what_a_key_does_stands_in_the_log_under_its_creator_and_itself(
    client: AsyncClient, admin: Member
) -> None:
    made = await _make(client, admin, "assets:write")

    await client.post("/api/v1/assets", json={"target_value": "a.example"}, headers=_with(made))
    await client.delete(f"/api/v1/api-keys/{made['id']}", headers=admin.headers)

    log = (await client.get("/api/v1/audit-log", headers=admin.headers)).json()["items"]
    revoked, asset, created = log[:3]
    assert (asset["action"], asset["api_key_id"]) == ("asset.created", made["id"])
    assert asset["user"]["id"] == str(admin.user_id)
    assert [each["action"] for each in (created, revoked)] == [
        "api_key.created",
        "api_key.revoked",
    ]


async def test_an_organization_has_a_bounded_number_of_keys(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            text(
                "insert into api_keys (id, organization_id, created_by, name, prefix, key_hash,"
                " scopes, expires_at, created_at, updated_at) select gen_random_uuid(), :org,"
                " :user, 'n', 'nis2_x', sha256(number::text::bytea), '{}', now(), now(), now()"
                " from generate_series(1, 50) number"
            ),
            {"org": admin.organization_id, "user": admin.user_id},
        )

    response = await client.post(
        "/api/v1/api-keys", json={"name": "CI", "scopes": _READ_ONLY}, headers=admin.headers
    )

    assert (response.status_code, response.json()["code"]) == (400, "too_many_api_keys")


async def test_another_organizations_key_is_not_found(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    """TEN-6."""
    made = await _make(client, admin)

    response = await client.delete(f"/api/v1/api-keys/{made['id']}", headers=stranger.headers)

    assert response.status_code == 404
    assert (await client.get("/api/v1/api-keys", headers=stranger.headers)).json() == []


async def test_nobody_gives_a_key_what_they_may_not_do(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    auditor = await join(client, resources, admin, Role.AUDITOR)

    refused = await client.post(
        "/api/v1/api-keys", json={"name": "CI", "scopes": _READ_ONLY}, headers=auditor.headers
    )

    assert refused.status_code == 403
    assert set(Permission) - SCOPES == {Permission.API_KEYS_WRITE, Permission.MEMBERS_WRITE}
