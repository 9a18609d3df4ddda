"""Training: one loop for both models, with checkpoints and early stopping."""
