"""From text to a document that may run: parse, measure, validate, weigh, in this order.

An extension, so that every transport goes through it. Refusals become ``pre_execution_errors``:
a hook that raises would lose its error on a socket. What was valid once is kept by its text.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types.graphql import OperationType

from graphql_schema import cost, limits
from graphql_schema.context import Context
from graphql_schema.errors import VALIDATION_FAILED

_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
_RULES_WITHOUT_INTROSPECTION = (*_RULES, NoSchemaIntrospectionCustomRule)
_MAX_ERRORS = 20
# Any: Strawberry's type knows one deprecated option; the parser takes these (graphql-core 3.3).
_PARSE_OPTIONS: Any = {
    "max_source_length": limits.MAX_SOURCE_LENGTH,
    "max_lexical_tokens": limits.MAX_TOKENS,
    "max_comments": limits.MAX_COMMENTS,
}


class DocumentCache:
    """Valid documents by their text, the least recently used leaving first."""

    def __init__(self, *, max_documents: int = 256, max_characters: int = 524_288) -> None:
        self._documents: OrderedDict[str, DocumentNode] = OrderedDict()
        self._max_documents = max_documents
        self._max_characters = max_characters
        self._characters = 0

    def get(self, text: str) -> DocumentNode | None:
        document = self._documents.get(text)
        if document is not None:
            self._documents.move_to_end(text)
        return document

    def put(self, text: str, document: DocumentNode) -> None:
        if text not in self._documents:
            self._characters += len(text)
        self._documents[text] = document
        while len(self._documents) > self._max_documents or self._characters > self._max_characters:
            oldest, _ = self._documents.popitem(last=False)
            self._characters -= len(oldest)


@dataclass(frozen=True, slots=True)
class PreparationOptions:
    has_introspection: bool = True
    has_suggestions: bool = False


class Preparation(SchemaExtension):
    """One per operation."""

    def __init__(self, cache: DocumentCache, options: PreparationOptions) -> None:
        self._cache = cache
        self._options = options
        self._is_known = False
        self._cost: int | None = None

    def on_operation(self) -> Iterator[None]:
        self.execution_context.parse_options = _PARSE_OPTIONS
        yield

    def on_parse(self) -> Iterator[None]:
        document = self._cache.get(self.execution_context.query or "")
        if document is not None:
            self._is_known = True
            self.execution_context.graphql_document = document
        yield

    def on_validate(self) -> Iterator[None]:
        document = self.execution_context.graphql_document
        assert document is not None  # noqa: S101 - parsing comes first
        if self.execution_context.operation_type is OperationType.SUBSCRIPTION:
            self._context.wait_for_ever()
        errors = [] if self._is_known else self._judge(document)
        # An empty list says that validation is done.
        self.execution_context.pre_execution_errors = errors or self._weigh(document)
        yield

    def get_results(self) -> dict[str, Any]:  # Any: a JSON object
        context = self._context
        if not context.wants_cost or self._cost is None:
            return {}
        return {"cost": {"requestedNodes": self._cost, "maximumNodes": cost.MAX_COST}}

    @property
    def _context(self) -> Context:
        return self.execution_context.context

    def _judge(self, document: DocumentNode) -> list[GraphQLError]:
        errors = limits.check_shape(document) or self._validate(document)
        if not errors:
            self._cache.put(self.execution_context.query or "", document)
        return errors

    def _validate(self, document: DocumentNode) -> list[GraphQLError]:
        schema = self.execution_context.schema._schema  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - Strawberry has no public name for graphql-core's schema
        options = self._options
        rules = _RULES if options.has_introspection else _RULES_WITHOUT_INTROSPECTION
        errors = validate(
            schema, document, rules, _MAX_ERRORS, hide_suggestions=not options.has_suggestions
        )
        for error in errors:
            error.extensions = {"code": VALIDATION_FAILED}
        return errors

    def _weigh(self, document: DocumentNode) -> list[GraphQLError]:
        context = self.execution_context
        self._cost = cost.cost_of(
            context.schema._schema,  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - as above
            document,
            context.operation_name,
            context.variables or {},
        )
        return cost.check_cost(self._cost)
