"""The definitions of MovieLens 100K."""
