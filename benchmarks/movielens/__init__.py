"""MovieLens 100K as a shop of ours."""
