"""Reports as files: plain values in, bytes out. It knows no database, so its child starts fast."""
