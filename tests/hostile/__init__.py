"""Servers that mean no good, all scanned in one run: each ends in time, and memory stays flat.

``make hostile`` runs it with the limits of an installation; a test runs it with shorter ones.
"""
