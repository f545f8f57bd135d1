"""The GraphQL door: the same use cases, permissions and errors as REST, for rich front ends."""

from graphql_schema.enums import describe_enums

# Before any type is read: a field that meets an undescribed enum makes it one without a word.
describe_enums()
