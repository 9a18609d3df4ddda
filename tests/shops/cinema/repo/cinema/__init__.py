"""The cinema's definitions."""
