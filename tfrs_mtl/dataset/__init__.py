"""From a feature repo's interactions to numbers that models take, right in time."""
