"""The gateway process and the ``nis2`` command: puts the parts together, owns HTTP itself."""
