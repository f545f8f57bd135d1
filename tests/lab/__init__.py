"""Ground to scan: certificates and servers with known faults, on loopback.

``python -m tests.lab`` starts a pair of faulty web servers for a first scan; the tests of the
scanner build their own servers from the same parts.
"""
