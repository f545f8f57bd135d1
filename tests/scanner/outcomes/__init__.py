"""For each check of the catalogue facts that it passes, fails, and cannot judge."""
