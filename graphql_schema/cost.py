"""What a valid document may cost: the most nodes it can answer with, from its page sizes.

Page sizes multiply along each path, those in variables included; each fragment is weighed once.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
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

from graphql_schema.limits import exceeded, fragments_of
from services.keyset import DEFAULT_SIZE

MAX_COST = 10_000
_LIST_SIZE = 10
"""What a list that is no connection counts for: memberships, counts, checks."""
_MAX_DIGITS = 10

Variables = Mapping[str, Any]  # Any: JSON values of the client


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
    walk = _CostWalk(schema, fragments_of(document), _values(operation, variables))
    return walk.cost(operation.selection_set, root)


def check_cost(cost: int) -> list[GraphQLError]:
    return [exceeded("cost", MAX_COST)] if cost > MAX_COST else []


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
        type_ = _type(definition)
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
        if not _is_list(definition):
            return 1
        size = self._argument(node, "first")
        if size is None and "first" in definition.args:
            size = definition.args["first"].default_value
        return size if isinstance(size, int) and size >= 0 else _LIST_SIZE

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


def _type(definition: Any) -> GraphQLNamedType:  # noqa: ANN401 - a GraphQLField, whose list type graphql-core leaves open
    return get_named_type(definition.type)  # pyright: ignore[reportUnknownVariableType] - as said


def _is_list(definition: Any) -> bool:  # noqa: ANN401 - as above
    is_required = isinstance(definition.type, GraphQLNonNull)
    return isinstance(definition.type.of_type if is_required else definition.type, GraphQLList)


def _name(operation: OperationDefinitionNode) -> str | None:
    return operation.name.value if operation.name is not None else None
