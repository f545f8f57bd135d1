import pytest

from services.scanner.tls.names import covers


@pytest.mark.parametrize(
    ("presented", "name"),
    [
        ("www.example.test", "www.example.test"),
        ("WWW.Example.Test", "www.example.test"),
        ("www.example.test.", "www.example.test"),
        ("*.example.test", "www.example.test"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
    ],
)
def test_a_name_is_covered(presented: str, name: str) -> None:
    assert covers(["other.example", presented], name)


@pytest.mark.parametrize(
    ("presented", "name"),
    [
        ("*.example.test", "example.test"),
        ("*.example.test", "a.b.example.test"),
        ("w*.example.test", "www.example.test"),
        ("www.*.test", "www.example.test"),
        ("*.test", "example.test"),
        ("*", "localhost"),
        ("*.example.test", "*.example.test.evil.test"),
        ("example.test", "www.example.test"),
        ("", "www.example.test"),
    ],
)
def test_a_name_is_not_covered(presented: str, name: str) -> None:
    assert not covers([presented], name)
