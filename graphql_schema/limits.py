"""What one document may ask for, decided before it runs and in time linear in its length.

Two walks, both with each fragment measured once: the shape (depth, fields, aliases, directives,
root fields), which needs no schema and comes before validation, and the cost, which multiplies
page sizes along each path and comes after it. A limiter that expands fragments without a memo, as
Strawberry's do, takes exponential time on a document of a few hundred bytes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

from graphql_schema.errors import LIMIT_EXCEEDED
from services.keyset import DEFAULT_SIZE

MAX_SOURCE_LENGTH = 32_768
MAX_TOKENS = 2_000
MAX_COMMENTS = 200
MAX_COST = 10_000
_LIST_SIZE = 10
"""What a list that is no connection counts for: memberships, counts, checks."""
_MAX_DIGITS = 10
_INTROSPECTION = ("__schema", "__type")

Variables = Mapping[str, Any]  # Any: JSON values of the client


@dataclass(slots=True)
class Shape:
    """The expanded size of a selection; the number of root fields only of a whole operation."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    nesting: int = 1
    """Selection sets inside one another, those of fragments included."""

    def add(self, other: "Shape") -> None:
        self.depth = max(self.depth, other.depth)
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives
        self.nesting = max(self.nesting, other.nesting + 1)


MAX_SHAPE = Shape(depth=12, fields=1_000, aliases=30, directives=50, nesting=50)
MAX_ROOT_FIELDS = 20


class _TooDeep(Exception):
    pass


def check_shape(document: DocumentNode) -> list[GraphQLError]:
    """At most one error: the first limit that the document passes."""
    fragments = _fragments(document)
    walk = _ShapeWalk(fragments)
    try:
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                shape = walk.measure(definition.selection_set)
                shape.directives += _count(definition.directives)
                if excess := _excess(shape, walk.root_fields(definition.selection_set)):
                    return [excess]
        for name in fragments:  # those no operation uses are still validated
            if excess := _excess(walk.fragment(name, 0), 0):
                return [excess]
    except _TooDeep:
        return [_too_much("nesting", MAX_SHAPE.nesting)]
    return []


def _excess(shape: Shape, root_fields: int) -> GraphQLError | None:
    if root_fields > MAX_ROOT_FIELDS:
        return _too_much("root fields", MAX_ROOT_FIELDS)
    for each in fields(Shape):
        maximum: int = getattr(MAX_SHAPE, each.name)
        if getattr(shape, each.name) > maximum:
            return _too_much(each.name, maximum)
    return None


def _too_much(limit: str, maximum: int) -> GraphQLError:
    return GraphQLError(
        f"The document passes the limit of {limit}: at most {maximum}",
        extensions={"code": LIMIT_EXCEEDED, "limit": limit, "maximum": maximum},
    )


class _ShapeWalk:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, Shape] = {}
        self._roots: dict[str, int] = {}

    def measure(self, selections: SelectionSetNode, nesting: int = 0) -> Shape:
        if nesting > MAX_SHAPE.nesting:  # bounds the recursion of this walk and of all later ones
            raise _TooDeep
        shape = Shape()
        for node in selections.selections:
            shape.directives += _count(node.directives)
            if isinstance(node, FieldNode):
                shape.add(self._field(node, nesting))
            elif isinstance(node, InlineFragmentNode):
                shape.add(self.measure(node.selection_set, nesting + 1))
            elif isinstance(node, FragmentSpreadNode):
                shape.add(self.fragment(node.name.value, nesting + 1))
        return shape

    def _field(self, node: FieldNode, nesting: int) -> Shape:
        shape = Shape(depth=1, fields=1, aliases=int(node.alias is not None))
        # Introspection is deeper than any other query; graphql-core bounds it by a rule.
        if node.selection_set is not None and node.name.value not in _INTROSPECTION:
            inner = self.measure(node.selection_set, nesting + 1)
            inner.depth += 1
            shape.add(inner)
        return shape

    def fragment(self, name: str, nesting: int) -> Shape:
        """Measured once. A fragment inside itself counts nothing: validation refuses it."""
        if name not in self._known:
            definition = self._fragments.get(name)
            self._known[name] = Shape()
            if definition is not None:
                self._known[name] = self.measure(definition.selection_set, nesting)
        return self._known[name]

    def root_fields(self, selections: SelectionSetNode) -> int:
        total = 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                total += 1
            elif isinstance(node, InlineFragmentNode):
                total += self.root_fields(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                total += self._fragment_roots(node.name.value)
        return total

    def _fragment_roots(self, name: str) -> int:
        if name not in self._roots:
            definition = self._fragments.get(name)
            self._roots[name] = 0
            if definition is not None:
                self._roots[name] = self.root_fields(definition.selection_set)
        return self._roots[name]


def cost_of(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None, variables: Variables
) -> int:
    """The most nodes that the operation of a valid document may answer with."""
    operation = next(
        definition
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
        and (operation_name is None or _name(definition) == operation_name)
    )
    root = schema.get_root_type(operation.operation)
    if root is None:
        return 0
    walk = _CostWalk(schema, _fragments(document), _values(operation, variables))
    return walk.cost(operation.selection_set, root)


def check_cost(cost: int) -> list[GraphQLError]:
    return [_too_much("cost", MAX_COST)] if cost > MAX_COST else []


class _CostWalk:
    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Variables,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._known: dict[str, int] = {}

    def cost(self, selections: SelectionSetNode, parent: GraphQLNamedType) -> int:
        """Nodes below one object of type ``parent``."""
        return sum(self._selection(node, parent) for node in selections.selections)

    def _selection(self, node: object, parent: GraphQLNamedType) -> int:
        if isinstance(node, FieldNode):
            return self._field(node, parent)
        if isinstance(node, InlineFragmentNode):
            return self.cost(node.selection_set, self._condition(node, parent))
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        return 0

    def _fragment(self, name: str) -> int:
        if name not in self._known:
            definition = self._fragments[name]
            condition = self._schema.get_type(definition.type_condition.name.value)
            assert condition is not None  # noqa: S101 - the document is valid
            self._known[name] = self.cost(definition.selection_set, condition)
        return self._known[name]

    def _condition(self, node: InlineFragmentNode, parent: GraphQLNamedType) -> GraphQLNamedType:
        if node.type_condition is None:
            return parent
        return self._schema.get_type(node.type_condition.name.value) or parent

    def _field(self, node: FieldNode, parent: GraphQLNamedType) -> int:
        definition = _definition(parent, node.name.value)
        if definition is None or node.selection_set is None:  # introspection, or a leaf
            return 0
        type_ = get_named_type(_type(definition))
        if is_leaf_type(type_):
            return 0
        inner = self.cost(node.selection_set, type_)
        if type_.name.endswith("Connection"):
            return self._page_size(node) * (1 + inner)
        if parent.name.endswith(("Connection", "Edge")) or type_.name == "PageInfo":
            return inner  # its page has counted it
        return self._list_size(node, definition) * (1 + inner)

    def _page_size(self, node: FieldNode) -> int:
        size = self._argument(node, "first")
        if size is None:
            size = self._argument(node, "last")
        return size if isinstance(size, int) and size >= 0 else DEFAULT_SIZE

    def _list_size(self, node: FieldNode, definition: GraphQLField) -> int:
        ids = self._argument(node, "ids")
        if isinstance(ids, list):
            return len(ids)  # pyright: ignore[reportUnknownArgumentType] - a client's JSON list
        return _LIST_SIZE if _is_list(definition) else 1

    def _argument(self, node: FieldNode, name: str) -> object:
        for argument in node.arguments or ():
            if argument.name.value == name:
                return _value(argument.value, self._variables)
        return None


def _value(node: ValueNode, variables: Variables) -> object:
    """A number, a list as long as the one written, or None for what sets no size."""
    if isinstance(node, VariableNode):
        return variables.get(node.name.value)
    if isinstance(node, IntValueNode):
        return int(node.value) if len(node.value) < _MAX_DIGITS else MAX_COST
    if isinstance(node, ListValueNode):
        return list(node.values)
    return None


def _values(operation: OperationDefinitionNode, variables: Variables) -> dict[str, Any]:
    """The variables with the defaults of those not given."""
    defaults = {
        definition.variable.name.value: _value(definition.default_value, {})
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }
    return {**defaults, **variables}


def _definition(parent: GraphQLNamedType, name: str) -> GraphQLField | None:
    if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        return parent.fields.get(name)
    return None


def _type(definition: GraphQLField) -> GraphQLOutputType:
    return definition.type  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - graphql-core leaves its list open


def _is_list(definition: GraphQLField) -> bool:
    type_ = _type(definition)
    return isinstance(type_.of_type if isinstance(type_, GraphQLNonNull) else type_, GraphQLList)


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {definition.name.value: definition for definition in _fragment_nodes(document)}


def _fragment_nodes(document: DocumentNode) -> Iterator[FragmentDefinitionNode]:
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            yield definition


def _name(operation: OperationDefinitionNode) -> str | None:
    return operation.name.value if operation.name is not None else None


def _count(directives: tuple[DirectiveNode, ...] | None) -> int:
    return len(directives or ())
