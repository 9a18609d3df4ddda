"""The bazaar's definitions."""
