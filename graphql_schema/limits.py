"""The shape a document may have, decided before validation and in time linear in its length.

Depth, fields, aliases, directives and root fields are counted as if every fragment stood in its
place, with each fragment measured once. A limiter that expands fragments without a memo, as
Strawberry's do, takes exponential time on a document of a few hundred bytes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from graphql_schema.errors import LIMIT_EXCEEDED

MAX_SOURCE_LENGTH = 32_768
MAX_TOKENS = 2_000
MAX_COMMENTS = 200
_INTROSPECTION = ("__schema", "__type")


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
    fragments = fragments_of(document)
    walk = _ShapeWalk(fragments)
    try:
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                shape = walk.measure(definition.selection_set)
                shape.directives += _count(definition.directives)
                if excess := _excess(shape, walk.root_fields(definition.selection_set)):
                    return [excess]
        for name, definition in fragments.items():  # those no operation uses are still validated
            shape = walk.fragment(name, 0)
            if definition.type_condition.name.value.startswith("__"):
                shape.depth = 0
            if excess := _excess(shape, 0):
                return [excess]
    except _TooDeep:
        return [exceeded("nesting", MAX_SHAPE.nesting)]
    return []


def _excess(shape: Shape, root_fields: int) -> GraphQLError | None:
    if root_fields > MAX_ROOT_FIELDS:
        return exceeded("root fields", MAX_ROOT_FIELDS)
    for each in fields(Shape):
        maximum: int = getattr(MAX_SHAPE, each.name)
        if getattr(shape, each.name) > maximum:
            return exceeded(each.name, maximum)
    return None


def exceeded(limit: str, maximum: int) -> GraphQLError:
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
        if node.selection_set is not None:
            inner = self.measure(node.selection_set, nesting + 1)
            # Introspection is deeper than any other query; graphql-core bounds it by a rule.
            inner.depth = 1 if node.name.value in _INTROSPECTION else inner.depth + 1
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


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {definition.name.value: definition for definition in _fragment_nodes(document)}


def _fragment_nodes(document: DocumentNode) -> Iterator[FragmentDefinitionNode]:
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            yield definition


def _count(directives: tuple[DirectiveNode, ...] | None) -> int:
    return len(directives or ())
