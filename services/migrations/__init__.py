"""The history of the tables, and the command that applies it."""
