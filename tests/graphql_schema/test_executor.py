"""The short way of the executor answers what graphql-core answers: data, errors and their paths."""

import asyncio
import warnings
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import strawberry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_schema.executor import ListExecutor
from graphql_schema.scalars import DATE_TIME, KEY

if TYPE_CHECKING:
    from collections.abc import Callable

_LENGTH = 12
_KEY_OF = UUID(int=7)
_TIME = datetime(2026, 1, 31, 12, tzinfo=UTC)


@strawberry.enum
class Color(Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.interface
class Node:
    id: strawberry.ID


@strawberry.type
class Leaf(Node):
    number: int
    ratio: float
    text: str | None
    is_set: bool
    color: Color
    at: datetime
    key: UUID
    required: str


@strawberry.type
class Branch(Node):
    one: Leaf
    maybe: Leaf | None
    many: list[Leaf]
    holes: list[Leaf | None]
    words: list[str]

    @strawberry.field
    async def slow(self, times: int = 1) -> Leaf:
        await asyncio.sleep(0)
        return self.one if times else _leaf(0)

    @strawberry.field
    def broken(self) -> Leaf | None:
        raise ValueError("no")


# Values that break the promise of a field's type, each in its own way.
_WRONG: list[tuple[str, Any]] = [
    ("number", "seven"),
    ("number", 2**40),
    ("ratio", float("nan")),
    ("color", "green"),
    ("color", []),
    ("required", None),
    ("required", 7),
    ("text", 1.5),
    ("at", "yesterday"),
    ("is_set", 3),
    ("key", None),
]


def _leaf(number: int, wrong: int | None = None) -> Leaf:
    values: dict[str, Any] = {
        "id": strawberry.ID(str(number)),
        "number": number,
        "ratio": number / 2,
        "text": None if number % 2 else f"text {number}",
        "is_set": bool(number % 3),
        "color": Color.RED if number % 2 else Color.BLUE,
        "at": _TIME,
        "key": _KEY_OF,
        "required": "yes",
    }
    if wrong is not None:
        name, value = _WRONG[wrong % len(_WRONG)]
        values[name] = value
    return Leaf(**values)


def _branch(number: int, wrong: int | None = None) -> Branch:
    is_odd = wrong is not None and wrong % 2
    return Branch(
        id=strawberry.ID(f"b{number}"),
        one=_leaf(number, wrong if is_odd else None),
        maybe=None if number % 2 else _leaf(number, wrong),
        many=[_leaf(each, wrong if each == 3 else None) for each in range(_LENGTH)],
        holes=[None if each % 4 == 1 else _leaf(each) for each in range(_LENGTH)],
        words=["a", "b"] if wrong != 4 else ["a", None],  # pyright: ignore[reportArgumentType] - wrong on purpose
    )


@strawberry.type
class Query:
    @strawberry.field
    def branches(self) -> list[Branch]:
        return [_branch(number) for number in range(_LENGTH)]

    @strawberry.field
    def dirty(self, seed: int = 0) -> list[Branch]:
        return [_branch(each, each + seed if each % 3 == 0 else None) for each in range(_LENGTH)]

    @strawberry.field
    def holes(self, seed: int = 0) -> list[Branch | None] | None:
        return [None if each % 3 == 1 else _branch(each, seed) for each in range(_LENGTH)]

    @strawberry.field
    async def nodes(self) -> list[Node]:
        return [_leaf(1), _branch(2)] * _LENGTH

    @strawberry.field
    def strangers(self) -> list[Leaf]:
        return [_leaf(1), _branch(2)] * _LENGTH  # pyright: ignore[reportReturnType] - wrong on purpose

    @strawberry.field
    def generated(self) -> list[Leaf]:
        return (_leaf(number) for number in range(_LENGTH))  # pyright: ignore[reportReturnType] - no list


def _schema(executor: type[StrawberryGraphQLCoreExecutionContext]) -> strawberry.Schema:
    return strawberry.Schema(
        Query,
        types=[Leaf, Branch],
        execution_context_class=executor,
        config=StrawberryConfig(scalar_map={datetime: DATE_TIME, UUID: KEY}),
    )


class _Counting(ListExecutor):
    """Counts the lists that were read in one go."""

    read = 0

    def complete_list_value(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
        before = len(self._lists)
        answer = super().complete_list_value(*args, **kwargs)
        made = [read for _, read in self._lists.values() if read is not None]
        type(self).read += len(self._lists) > before and bool(made)
        return answer


_REFERENCE = _schema(StrawberryGraphQLCoreExecutionContext)
_OURS = _schema(_Counting)

_LEAF_FIELDS = ("id", "number", "ratio", "text", "isSet", "color", "at", "key", "required")


def _conditional(field: str) -> st.SearchStrategy[str]:
    marks = ["", "", "", " @include(if: true)", " @skip(if: true)"]
    return st.sampled_from(marks).map(lambda mark: field + mark)


def _leaf_selection() -> st.SearchStrategy[str]:
    fields = st.sampled_from([*_LEAF_FIELDS, "__typename"]).flatmap(_conditional)
    plain = st.lists(fields, min_size=1, max_size=6, unique=True).map(" ".join)
    return st.one_of(plain, plain.map(lambda text: f"... on Leaf {{ {text} }} id"))


def _branch_selection() -> st.SearchStrategy[str]:
    leaf = _leaf_selection()
    nested = st.sampled_from(["one", "maybe", "many", "holes", "slow", "slow(times: 0)", "broken"])
    inner = st.tuples(nested, leaf).map(lambda pair: f"{pair[0]} {{ {pair[1]} }}")
    # One field of a name only: two of them with different selections may not stand side by side.
    fields = st.lists(
        st.one_of(st.sampled_from(["id", "words", "__typename"]), inner),
        min_size=1,
        max_size=4,
        unique_by=lambda text: text.partition(" ")[0].partition("(")[0],
    )
    return fields.map(" ".join)


def _documents() -> st.SearchStrategy[str]:
    seed = st.integers(0, 40)
    root: list[tuple[str, Callable[[], st.SearchStrategy[str]]]] = [
        ("branches", _branch_selection),
        ("dirty(seed: %d)", _branch_selection),
        ("holes(seed: %d)", _branch_selection),
        ("strangers", _leaf_selection),
        ("generated", _leaf_selection),
    ]
    choices = [
        st.tuples(seed, selection()).map(
            lambda pair, name=name: (
                f"{{ {name % pair[0] if '%' in name else name} {{ {pair[1]} }} }}"
            )
        )
        for name, selection in root
    ]
    nodes = _leaf_selection().map(
        lambda text: "{ nodes { id ... on Leaf { %s } ... on Branch { words } } }" % text  # noqa: UP031 - braces
    )
    return st.one_of(*choices, nodes)


async def _answer(schema: strawberry.Schema, document: str) -> object:
    result = await schema.execute(document)
    errors = sorted((str(error.path), error.message) for error in result.errors or ())
    return repr(result.data), errors  # NaN is not equal to itself


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(_documents())
def test_random_documents_are_answered_alike(document: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # strawberry logs what is wrong on purpose
        reference, ours = asyncio.run(_both(document))

    assert ours == reference, document


async def _both(document: str) -> tuple[object, object]:
    return await _answer(_REFERENCE, document), await _answer(_OURS, document)


async def test_the_short_way_is_taken_and_left_for_whatever_is_wrong() -> None:
    _Counting.read = 0
    clean = await _OURS.execute("{ branches { id one { number color at key } words } }")
    taken = _Counting.read

    wrong = await _answer(_OURS, "{ dirty { many { number } } }")

    assert clean.errors is None
    assert taken == 1
    assert wrong == await _answer(_REFERENCE, "{ dirty { many { number } } }")
    assert "errors" not in str(wrong)
