"""graphql-core's executor with a short way for plain records.

Most of what a list of objects costs is the executor: for each field of each object it builds an
info, calls a resolver that reads an attribute, and walks the type of the value. Where a field is
nothing but an attribute of a leaf type, it is read and coerced here instead; a whole list of such
objects is read in one go.

Whatever is out of the ordinary, a null where none may be, a value of another type, an exception,
is left to graphql-core from the beginning of that list or field: reading attributes has no effect,
so errors come out as ever, with their paths. A differential test holds the two together.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, cast

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    is_leaf_type,
)
from graphql.pyutils import Undefined
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

if TYPE_CHECKING:
    from graphql import GraphQLError
    from graphql.execution import Executor

# Any, in all of this file: values of any GraphQL type, and graphql-core's own types, which it
# leaves open.
Read = Callable[[Any], Any]
"""From a value to what the client gets. Raises _Unusual, or whatever it stumbles over."""

_SHORTEST: Final = 8
"""Lists shorter than this are not worth the preparation."""


class _Unusual(Exception):
    """Not for the short way."""


class ListExecutor(StrawberryGraphQLCoreExecutionContext):
    """Suggests nothing, too: a typo must not list what else there is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        super().__init__(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType] - as said above
        # By the identity of a field's details, which are kept so that it is not given away twice.
        self._fields: dict[int, tuple[Any, Read | None]] = {}
        self._lists: dict[int, tuple[Any, Read | None]] = {}

    @classmethod
    def build(  # pyright: ignore[reportUnknownParameterType] - graphql-core leaves its context type open
        cls,
        *args: Any,  # noqa: ANN401 - passed on as they come
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> "list[GraphQLError] | Executor":  # pyright: ignore[reportMissingTypeArgument, reportUnknownVariableType] - as above
        kwargs["hide_suggestions"] = True
        return super().build(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - as above

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,  # noqa: ANN401 - as said above
        field_details_list: Any,  # noqa: ANN401 - as above
        path: Any,  # noqa: ANN401 - as above
        position_context: Any,  # noqa: ANN401 - as above
    ) -> Any:  # noqa: ANN401 - as above
        known = self._fields.get(id(field_details_list))
        if known is None:
            known = (field_details_list, self._leaf_field(parent_type, field_details_list))
            self._fields[id(field_details_list)] = known
        read = known[1]
        if read is not None:
            try:
                return read(source)
            except Exception:  # noqa: BLE001, S110 - whatever it was, graphql-core will say it
                pass
        return super().execute_field(
            parent_type, source, field_details_list, path, position_context
        )

    def complete_list_value(
        self,
        return_type: Any,  # noqa: ANN401 - as above
        field_details_list: Any,  # noqa: ANN401 - as above
        info: Any,  # noqa: ANN401 - as above
        path: Any,  # noqa: ANN401 - as above
        result: Any,  # noqa: ANN401 - as above
        position_context: Any,  # noqa: ANN401 - as above
    ) -> Any:  # noqa: ANN401 - as above
        items: Any = result
        if type(items) is list and len(items) >= _SHORTEST:  # pyright: ignore[reportUnknownArgumentType] - as above
            known = self._lists.get(id(field_details_list))
            if known is None:
                known = (field_details_list, self._value(return_type, field_details_list))
                self._lists[id(field_details_list)] = known
            if known[1] is not None:
                try:
                    return known[1](result)
                except Exception:  # noqa: BLE001, S110 - as above
                    pass
        return super().complete_list_value(  # pyright: ignore[reportUnknownMemberType] - as above
            return_type, field_details_list, info, path, result, position_context
        )

    def _leaf_field(self, parent_type: GraphQLObjectType, details: Any) -> Read | None:  # noqa: ANN401 - as above
        """Reads the field off its object, if it is an attribute of a leaf type."""
        found = self._attribute(parent_type, details)
        if found is None:
            return None
        attribute, type_ = found
        if not is_leaf_type(_unwrapped(type_)[0]):
            return None
        get, read = attrgetter(attribute), self._value(type_, details)
        return None if read is None else lambda source: read(get(source))

    def _attribute(self, parent_type: GraphQLObjectType, details: Any) -> tuple[str, Any] | None:  # noqa: ANN401 - as above
        """The attribute behind a field without a resolver and without arguments, and its type."""
        field = parent_type.fields.get(details[0].node.name.value)
        if field is None or field.args or not getattr(field.resolve, "_is_default", False):
            return None
        definition = field.extensions.get("strawberry-definition")
        if definition is None or not definition.is_basic_field:
            return None
        return definition.python_name, field.type

    def _value(self, type_: Any, details: Any) -> Read | None:  # noqa: ANN401 - as above
        """Reads a value of this type; None where that takes more than reading."""
        inner, is_required = _unwrapped(type_)
        if is_leaf_type(inner):
            read: Read | None = _leaf(inner)
        elif isinstance(inner, GraphQLObjectType):
            read = self._object(inner, details)
        elif isinstance(inner, GraphQLList):
            list_type: Any = cast("Any", inner)
            read = _list(self._value(list_type.of_type, details))
        else:
            read = None
        return None if read is None else _nullable(read, is_required=is_required)

    def _object(self, type_: GraphQLObjectType, details: Any) -> Read | None:  # noqa: ANN401 - as above
        collected: Any = self.collect_subfields(type_, details)
        fields, deferred = collected[0], collected[1]
        if deferred:
            return None
        names: list[str] = []
        attributes: list[str] = []
        reads: list[Read] = []
        for name, each in fields.items():
            if each[0].node.name.value == "__typename":
                attribute, read = "__class__", _constant(type_.name)
            else:
                found = self._attribute(type_, each)
                read = self._value(found[1], each) if found is not None else None
                if found is None or read is None:
                    return None
                attribute = found[0]
            names.append(name)
            attributes.append(attribute)
            reads.append(read)
        if not names:  # all of them skipped
            return None
        return _record(names, attributes, reads, _origin(type_))


def _unwrapped(type_: Any) -> tuple[Any, bool]:  # noqa: ANN401 - as above
    """The type without its exclamation mark, and whether it had one."""
    is_required = isinstance(type_, GraphQLNonNull)
    return (type_.of_type if is_required else type_), is_required  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - as above


def _origin(type_: GraphQLObjectType) -> type | None:
    """The class its objects have to be of, where the type asks for one."""
    if type_.is_type_of is None:
        return None
    return type_.extensions["strawberry-definition"].origin


def _record(
    names: Sequence[str], attributes: Sequence[str], reads: Sequence[Read], origin: type | None
) -> Read:
    get: Callable[[Any], Any] = attrgetter(*attributes)
    is_single = len(attributes) == 1

    def read(item: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
        if origin is not None and type(item) is not origin:
            raise _Unusual
        values = (get(item),) if is_single else get(item)
        return {name: each(value) for name, each, value in zip(names, reads, values, strict=True)}

    return read


def _list(read: Read | None) -> Read | None:
    if read is None:
        return None

    def read_list(values: Any) -> list[Any]:  # noqa: ANN401 - as above
        if type(values) is not list:
            raise _Unusual
        return [read(value) for value in values]  # pyright: ignore[reportUnknownVariableType] - as above

    return read_list


def _nullable(read: Read, *, is_required: bool) -> Read:
    def read_or_null(value: Any) -> Any:  # noqa: ANN401 - as above
        if value is not None:
            return read(value)
        if is_required:
            raise _Unusual
        return None

    return read_or_null


def _constant(value: str) -> Read:
    return lambda _: value


def _leaf(type_: Any) -> Read:  # noqa: ANN401 - as above
    coerce: Read = type_.coerce_output_value
    plain = {"String": str, "ID": str, "Boolean": bool}.get(type_.name)
    if plain is not None:
        return lambda value: value if type(value) is plain else _checked(coerce(value))
    if isinstance(type_, GraphQLEnumType):
        return _enum(coerce)
    return lambda value: _checked(coerce(value))


def _enum(coerce: Read) -> Read:
    """Names of members, each looked up once."""
    names: dict[Any, str] = {}

    def read(value: Any) -> str:  # noqa: ANN401 - as above
        name = names.get(value)
        if name is None:
            name = names[value] = _checked(coerce(value))
        return name

    return read


def _checked(value: Any) -> Any:  # noqa: ANN401 - as above
    if value is None or value is Undefined:
        raise _Unusual
    return value
