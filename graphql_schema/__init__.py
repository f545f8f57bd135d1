"""The GraphQL door: the same use cases, permissions and errors as REST, for rich front ends."""
