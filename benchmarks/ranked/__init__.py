"""What the ranking benchmark is made of."""
