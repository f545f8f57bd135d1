"""One spelling for one e-mail address: how people are found."""

from email_validator import EmailNotValidError, validate_email

from services.errors import InvalidInput


def normalize_email(email: str) -> str:
    """Case-folded, its domain as A-labels (RFC 5890). Raises InvalidInput."""
    try:
        parsed = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise InvalidInput(f"The e-mail address is not valid: {error}", field="email") from None
    return f"{parsed.local_part.casefold()}@{parsed.ascii_domain.lower()}"
