"""The scan engine: probes look, checks judge. It knows no database and no user."""
