"""Another password: by the present one, or by a token mailed to the address."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import StringConstraints

from rest.dependencies import CurrentCaller, SharedResources, Work
from rest.schemas import Request, Text, Token, errors
from services import auth

router = APIRouter(prefix="/auth", tags=["Authentication"])

NewPassword = Annotated[Text, StringConstraints(min_length=8, max_length=128)]


class PasswordChangeRequest(Request):
    current_password: Annotated[Text, StringConstraints(min_length=1, max_length=1024)]
    new_password: NewPassword


class PasswordForgottenRequest(Request):
    email: Annotated[Text, StringConstraints(min_length=3, max_length=320)]


class PasswordResetRequest(Request):
    token: Token
    new_password: NewPassword


@router.post("/change-password", status_code=204, responses=errors(400, 401))
async def change_password(
    work: Work, resources: SharedResources, caller: CurrentCaller, body: PasswordChangeRequest
) -> None:
    """Change your password; every other login of yours ends at once."""
    await auth.change_password(
        work,
        resources.identity,
        caller,
        current=body.current_password,
        new=body.new_password,
    )


@router.post("/forgot-password", status_code=204, responses=errors())
async def forgot_password(
    work: Work, resources: SharedResources, body: PasswordForgottenRequest
) -> None:
    """Ask for a mail with a token; the answer is the same for an address nobody has."""
    await auth.forgot_password(work, resources.settings, body.email)


@router.post("/reset-password", status_code=204, responses=errors(400))
async def reset_password(
    work: Work, resources: SharedResources, body: PasswordResetRequest
) -> None:
    """Choose a new password with the mailed token; every login of yours ends."""
    await auth.reset_password(work, resources.identity, token=body.token, new=body.new_password)
