"""What the simulator's benchmark is made of."""
