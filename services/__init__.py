"""What the platform does, whichever door asks: use cases, rules, tables and the scan engine."""
