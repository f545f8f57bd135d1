"""The schema: Query and Mutation, merged from one class per domain."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

from graphql_schema.api_keys import ApiKeyMutation, ApiKeyQuery
from graphql_schema.assets import AssetMutation, AssetQuery
from graphql_schema.audit import AuditQuery
from graphql_schema.comparisons import ComparisonQuery
from graphql_schema.compliance import ComplianceMutation, ComplianceQuery
from graphql_schema.context import Context
from graphql_schema.errors import coded
from graphql_schema.executor import ListExecutor
from graphql_schema.finding_history import FindingHistoryMutation, FindingHistoryQuery
from graphql_schema.findings import FindingMutation, FindingQuery
from graphql_schema.members import MemberMutation, MemberQuery
from graphql_schema.node_query import NodeQuery
from graphql_schema.organization_changes import OrganizationMutation
from graphql_schema.organizations import OrganizationQuery
from graphql_schema.payloads import USER_ERRORS
from graphql_schema.preparation import DocumentCache, Preparation, PreparationOptions
from graphql_schema.reports import ReportMutation, ReportQuery
from graphql_schema.scalars import DATE_TIME, KEY
from graphql_schema.scans import ScanMutation, ScanQuery
from graphql_schema.schedules import ScheduleMutation, ScheduleQuery
from graphql_schema.subscriptions import Subscription
from graphql_schema.trends import TrendQuery
from graphql_schema.viewer import ViewerMutation, ViewerQuery

if TYPE_CHECKING:
    from strawberry.schema.schema import StreamResult


@strawberry.type(description="What can be read. Everything is of the active organization.")
class Query(
    ViewerQuery,
    OrganizationQuery,
    MemberQuery,
    AssetQuery,
    ScanQuery,
    ComparisonQuery,
    FindingQuery,
    FindingHistoryQuery,
    ComplianceQuery,
    TrendQuery,
    ScheduleQuery,
    ReportQuery,
    AuditQuery,
    ApiKeyQuery,
    NodeQuery,
):
    pass


@strawberry.type(
    description="What can be changed. Root fields run one after the other, each in a transaction"
    " of its own: one that fails does not undo those before it."
)
class Mutation(
    ViewerMutation,
    OrganizationMutation,
    MemberMutation,
    AssetMutation,
    ScanMutation,
    FindingMutation,
    FindingHistoryMutation,
    ComplianceMutation,
    ScheduleMutation,
    ReportMutation,
    ApiKeyMutation,
):
    pass


class GatewaySchema(strawberry.Schema):
    """Its results carry coded errors, whichever transport asked."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Quiet: Strawberry would log each refusal with a traceback; ``errors`` logs the rest."""

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,  # Any: JSON values
        context_value: Context | None = None,
        root_value: object = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,  # Any: JSON values
    ) -> ExecutionResult:
        result = await super().execute(
            query,
            variable_values,
            context_value,
            root_value,
            operation_name,
            allowed_operation_types,
            operation_extensions,
        )
        return _with_codes(result, context_value)

    async def results(
        self,
        query: str,
        variable_values: dict[str, Any],  # Any: JSON values
        context: Context,
        operation_name: str | None,
    ) -> AsyncGenerator[ExecutionResult]:
        """Of any operation, one by one: a subscription has many. Between two no session is held."""
        stream: StreamResult = await super().stream(
            query,
            variable_values=variable_values,
            context_value=context,
            operation_name=operation_name,
        )
        async with aclosing(stream):
            async for result in stream:
                assert isinstance(result, ExecutionResult)  # noqa: S101 - no @defer, no @stream
                await context.release()
                yield _with_codes(result, context)


def _with_codes(result: ExecutionResult, context: Context | None) -> ExecutionResult:
    if result.errors:
        result.errors = coded(result.errors, context.request_id if context else None)
    return result


def create_schema(options: PreparationOptions | None = None) -> GatewaySchema:
    cache, options = DocumentCache(), options or PreparationOptions()
    return GatewaySchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=tuple(USER_ERRORS.values()),
        extensions=[lambda: Preparation(cache, options)],
        execution_context_class=ListExecutor,
        config=StrawberryConfig(
            disable_field_suggestions=True, scalar_map={datetime: DATE_TIME, UUID: KEY}
        ),
    )
