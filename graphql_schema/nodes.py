"""The Node interface: whatever has a global id can be fetched by it."""

import strawberry


@strawberry.interface(description="Anything that has a global id.")
class Node:
    id: strawberry.ID = strawberry.field(
        description="Names this object among all objects, whatever their type. Opaque."
    )
