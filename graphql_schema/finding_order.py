"""The orders of findings: each has an index, so that a deep page costs what the first one does."""

import strawberry

from graphql_schema.enums import FindingOrderField, OrderDirection
from services.findings.connection import LEAST_FIRST, NEWEST_FIRST, OLDEST_FIRST, WORST_FIRST
from services.keyset import Ordering

_ORDERINGS = {
    FindingOrderField.CREATED_AT: {
        OrderDirection.ASC: OLDEST_FIRST,
        OrderDirection.DESC: NEWEST_FIRST,
    },
    FindingOrderField.SEVERITY: {
        OrderDirection.ASC: WORST_FIRST,
        OrderDirection.DESC: LEAST_FIRST,
    },
}


@strawberry.input(description="How findings are ordered; ties are broken by age.")
class FindingOrder:
    field: FindingOrderField = strawberry.field(
        description="By what.", default=FindingOrderField.CREATED_AT
    )
    direction: OrderDirection = strawberry.field(
        description="Which way.", default=OrderDirection.DESC
    )

    @property
    def ordering(self) -> Ordering:
        return _ORDERINGS[self.field][self.direction]
