"""What an organization may set for itself. A typo here is dangerous: unknown keys are refused."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from services.users.preferences import LOCALES, is_locale, is_timezone

_Days = Annotated[int, Field(ge=1, le=3650)]
_Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]


def _locale(value: str) -> str:
    if not is_locale(value):
        raise ValueError(f"must be one of {', '.join(LOCALES)}")
    return value


def _timezone(value: str) -> str:
    if not is_timezone(value):
        raise ValueError("must be an IANA time zone")
    return value


def _printable(value: str) -> str:
    if not all(character.isprintable() or character == "\n" for character in value):
        raise ValueError("must be printable text")
    return value


class Branding(BaseModel):
    """How reports look."""

    model_config = ConfigDict(extra="forbid")

    primary_color: _Color | None = None
    accent_color: _Color | None = None
    footer: Annotated[str, StringConstraints(max_length=500), AfterValidator(_printable)] | None = (
        None
    )
    classification: (
        Annotated[str, StringConstraints(max_length=40), AfterValidator(_printable)] | None
    ) = Field(default=None, description="Printed on the cover and on every page.")


class RemediationDays(BaseModel):
    """Days an organization gives itself to resolve a finding, by severity."""

    model_config = ConfigDict(extra="forbid")

    critical: _Days | None = None
    high: _Days | None = None
    medium: _Days | None = None
    low: _Days | None = None


class OrganizationSettings(BaseModel):
    """A key that is null is not set."""

    model_config = ConfigDict(extra="forbid")

    locale: Annotated[str, AfterValidator(_locale)] | None = Field(
        default=None, description="Language of what is made for the organization."
    )
    timezone: Annotated[str, AfterValidator(_timezone)] | None = Field(
        default=None, description="IANA time zone of new schedules."
    )
    branding: Branding | None = None
    sla_days: RemediationDays | None = None
    require_justification: bool | None = Field(
        default=None, description="Whether accepting a risk needs a note."
    )
    four_eyes_acceptance: bool | None = Field(
        default=None,
        description="Whether accepting the risk of a critical or high finding needs an admin.",
    )
    retention_days: Annotated[int, Field(ge=30, le=3650)] | None = Field(
        default=None, description="How long finished scans are kept."
    )

    def merged_into(self, stored: dict[str, Any]) -> dict[str, Any]:  # Any: a JSON object
        """The stored settings with each key that was given replaced as a whole; null unsets it."""
        given = self.model_dump(mode="json", exclude_unset=True)
        both = stored | given
        return {key: value for key, value in both.items() if value is not None}
