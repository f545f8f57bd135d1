"""Data files of the scanner, read once and shipped with it: a scan never downloads a list."""
