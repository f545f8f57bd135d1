"""The embedded servers: start, stop, and every way a start can find a mess."""
