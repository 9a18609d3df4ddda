"""What a shop would otherwise use: each peer is a file, fitted on the interactions before a moment."""
