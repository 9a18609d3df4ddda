"""What the soak is made of."""
