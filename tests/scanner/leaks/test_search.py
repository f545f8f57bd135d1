"""Keys in texts: every format found and masked, every look-alike passed over, in linear time."""

import json
import time

import pytest

from services.scanner.leaks.facts import Leak
from services.scanner.leaks.formats import FORMATS
from services.scanner.leaks.search import MOST_LEAKS, Place, find_leaks, without_data_uris
from services.scanner.leaks.verification import has_github_checksum
from tests.scanner.leaks.made_keys import (
    AWS_ID,
    AWS_SECRET,
    HEX,
    PUBLIC,
    SECRETS,
    checksummed,
    pem,
    some,
)

PLACE = Place("https://a.test/app.js", "a.test", is_script=True, hash_key=b"k")


def find(text: str) -> list[Leak]:
    return list(find_leaks(text, PLACE))


def test_every_format_has_a_sample() -> None:
    assert {form.kind for form in FORMATS} | {"private_key"} == set(SECRETS) | set(PUBLIC)


@pytest.mark.parametrize(("kind", "value"), [*SECRETS.items(), *PUBLIC.items()])
@pytest.mark.parametrize("around", ['const k="{}";', "<!-- {} -->", r"a\n{}\nb", "{}"])
def test_a_key_is_found_by_its_format_and_masked(kind: str, value: str, around: str) -> None:
    (leak,) = find(around.replace("{}", value))

    assert (leak.kind, leak.is_public) == (kind, kind in PUBLIC)
    assert len(leak.preview) == 4
    assert len(leak.digest) == 32
    assert all(part not in repr(leak) for part in (value, AWS_SECRET, value[-12:]))


def test_the_published_sample_of_a_github_token_has_its_checksum() -> None:
    token = "ghp" + "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ" + "0mLq17"

    assert has_github_checksum(token)
    assert not has_github_checksum(token[:-1] + "8")


@pytest.mark.parametrize(
    "text",
    [
        "AK" + "IAIOSFODNN7EXAMPLE " + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        f"{AWS_ID} alone says nothing",
        f"{AWS_ID} and a commit {some(40, HEX)}",
        f"{AWS_ID}{' ' * 300}{AWS_SECRET}",
        "ghp_" + some(36),
        "ghp_" + "x" * 36,
        f"sk_live_{'a' * 24}",
        "sk_live_your_key_here_your_key_here",
        f"sk_test_{some(24)}",
        f"pk_test_{some(24)}",
        f"xoxb-123456789012-123456789012-{'x' * 24}",
        f"x{checksummed('ghp')}",
        f"{checksummed('ghp')}x",
        f"AIza{some(60)}",
        f"glpat-{'1234567890' * 2}",
        pem(password=b"geheim"),
        "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF...\n",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZI\n-----END PUBLIC KEY-----",
        f'password = "{some(20)}"',
    ],
)
def test_what_only_looks_like_a_key_is_passed_over(text: str) -> None:
    assert find(text) == []


def test_pictures_inside_of_a_page_hold_no_key() -> None:
    inside = checksummed("ghp")
    text = f'<img src="data:image/png;base64,{some(500)}/{inside}/{some(500)}">'

    assert find(text) == []
    assert without_data_uris(text) == '<img src="data:image/png;base64,">' or "_" in inside


def test_a_key_behind_a_picture_is_still_found() -> None:
    text = f'<img src="data:image/png;base64,{some(500)}">{SECRETS["stripe_secret_key"]}'

    assert [leak.kind for leak in find(text)] == ["stripe_secret_key"]


@pytest.mark.parametrize("title", ["PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"])
def test_private_keys_are_parsed_also_inside_of_json(title: str) -> None:
    key = pem(title)

    (plain,) = find(key)
    (packed,) = find(json.dumps({"key": key}))
    assert plain.digest == packed.digest
    assert plain.preview not in {"----", ""}


def test_a_service_account_of_google_is_named_so() -> None:
    account = {
        "type": "service_account",
        "private_key": pem(),
        "client_email": "shop@shop.iam.gserviceaccount.com",
    }

    assert [leak.kind for leak in find(json.dumps(account))] == ["google_service_account_key"]


def test_the_hash_depends_on_key_host_and_value() -> None:
    value = SECRETS["stripe_secret_key"]
    places = (
        PLACE,
        Place(PLACE.url, "b.test", is_script=True, hash_key=b"k"),
        Place(PLACE.url, "a.test", is_script=True, hash_key=b"other"),
    )

    digests = {find_leaks(value, place)[0].digest for place in places}
    assert len(digests) == 3
    assert find_leaks(value + " ", PLACE)[0].digest in digests


def test_the_same_key_twice_is_one_leak_and_many_are_bounded() -> None:
    value = SECRETS["stripe_secret_key"]
    many = " ".join(f"sk_live_{some(24)}" for _ in range(200))

    assert len(find(f"{value} {value}")) == 1
    assert len(find(many)) == MOST_LEAKS


@pytest.mark.parametrize(
    "piece",
    ["AK" + "IA" + "A" * 16 + " ", "ghp_", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "sk-",
     "sk-proj-T3BlbkFJ", "data:image/png;base64,", "data:a/b;c;d;", "xoxb-1", "https://", "AIza",
     "a" * 100, "SG.", "eyJ.", "sourceMappingURL="],
)  # fmt: skip
def test_two_mebibytes_of_bait_take_no_longer_than_two_mebibytes(piece: str) -> None:
    """TGT-4. A second or two on a busy machine; what is not linear takes minutes."""
    text = piece * (2 * 1024 * 1024 // len(piece))
    started = time.process_time()

    find(text)

    assert time.process_time() - started < 10
