"""The queue door: thin functions that arq calls, and the worker they run in."""
