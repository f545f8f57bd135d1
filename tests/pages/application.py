"""A small application around the pages: accounts, an OpenAPI document and a GraphQL schema."""

import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Final

import jwt
import strawberry
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, EmailStr
from starlette.exceptions import HTTPException as StarletteHTTPException
from strawberry.types.info import Info

from gateway.pages import graphiql_page, page_routes, wants_page

EMAIL: Final = "ada@example.org"
PASSWORD: Final = "correct horse battery"
ORGANIZATION_ID: Final = "0190c1de-0000-7000-8000-000000000001"
_KEY: Final = secrets.token_hex(32)
_USER: Final = {
    "id": "0190c1de-0000-7000-8000-0000000000aa",
    "email": EMAIL,
    "full_name": "Ada Moreau",
    "memberships": [
        {"organization_id": ORGANIZATION_ID, "name": "Waterworks Delft", "role": "admin"},
    ],
}


class LoginRequest(BaseModel):
    email: EmailStr
    password: str


class RefreshRequest(BaseModel):
    refresh_token: str


class ScanResponse(BaseModel):
    id: str
    name: str


@strawberry.type
class Me:
    id: strawberry.ID
    email: str
    full_name: str


@strawberry.type
class Scan:
    id: strawberry.ID
    name: str
    status: str
    progress: float
    created_at: str


@strawberry.type
class ScanConnection:
    nodes: list[Scan]


@strawberry.type
class Query:
    @strawberry.field
    def me(self, info: Info[dict[str, str]]) -> Me:
        """Who is asking."""
        user_id = strawberry.ID(info.context["sub"])
        return Me(id=user_id, email=EMAIL, full_name=str(_USER["full_name"]))

    @strawberry.field
    def scans(self, first: int = 25) -> ScanConnection:
        """The latest scans, newest first."""
        scan = Scan(
            id=strawberry.ID("scan-1"),
            name="Perimeter",
            status="completed",
            progress=100.0,
            created_at="2026-11-20T08:00:00Z",
        )
        return ScanConnection(nodes=[scan][:first])


_SCHEMA: Final = strawberry.Schema(Query)


class Sessions:
    """Tokens for the one account; a refresh token works once."""

    def __init__(self) -> None:
        self._refresh_tokens: set[str] = set()

    def start(self) -> dict[str, object]:
        refresh_token = secrets.token_urlsafe(16)
        self._refresh_tokens.add(refresh_token)
        claims = {"sub": _USER["id"], "org_id": ORGANIZATION_ID, "type": "access"}
        return {
            "access_token": jwt.encode(claims, _KEY, algorithm="HS256"),
            "refresh_token": refresh_token,
            "token_type": "bearer",
            "expires_in": 1800,
            "user": _USER,
            "org_id": ORGANIZATION_ID,
        }

    def end(self, refresh_token: str) -> bool:
        known = refresh_token in self._refresh_tokens
        self._refresh_tokens.discard(refresh_token)
        return known


def create_test_application() -> FastAPI:
    """The doors that the pages speak to."""
    app = FastAPI(title="NIS2 Gateway", version="0.1.0", docs_url=None, redoc_url=None)
    app.router.routes.extend(page_routes())
    app.add_exception_handler(StarletteHTTPException, _as_detail)
    app.include_router(_api(Sessions()))
    app.add_route("/graphql", _graphql, methods=["GET", "POST"], include_in_schema=False)
    return app


def _api(sessions: Sessions) -> APIRouter:
    api = APIRouter(prefix="/api/v1")

    @api.post("/auth/login", tags=["auth"])
    def login(body: LoginRequest) -> dict[str, object]:
        """Obtain access and refresh tokens."""
        if (body.email, body.password) != (EMAIL, PASSWORD):
            raise HTTPException(401, "Invalid email or password")
        return sessions.start()

    @api.post("/auth/refresh", tags=["auth"])
    def refresh(body: RefreshRequest) -> dict[str, object]:
        """Refresh an expired access token."""
        if not sessions.end(body.refresh_token):
            raise HTTPException(401, "Invalid refresh token")
        return sessions.start()

    @api.post("/auth/logout", tags=["auth"], status_code=204)
    def logout(body: RefreshRequest) -> None:
        """End the session."""
        sessions.end(body.refresh_token)

    @api.get("/scans", tags=["scans"])
    def list_scans(_: Annotated[object, Depends(HTTPBearer())]) -> list[ScanResponse]:
        """List scans, newest first."""
        return [ScanResponse(id="scan-1", name="Perimeter")]

    del login, refresh, logout, list_scans
    return api


async def _graphql(request: Request) -> Response:
    if wants_page(request):
        return graphiql_page(request)
    claims = _claims(request.headers)
    body: dict[str, Any] = await request.json()  # any JSON object
    result = await _SCHEMA.execute(
        body["query"],
        variable_values=body.get("variables"),
        operation_name=body.get("operationName"),
        context_value=claims,
    )
    errors = [error.formatted for error in result.errors or ()]
    return JSONResponse({"data": result.data} | ({"errors": errors} if errors else {}))


def _claims(headers: Mapping[str, str]) -> dict[str, str]:
    token = headers.get("authorization", "").removeprefix("Bearer ")
    try:
        return jwt.decode(token, _KEY, algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "Not authenticated") from error


def _as_detail(_: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    return JSONResponse({"detail": error.detail}, status_code=error.status_code)
