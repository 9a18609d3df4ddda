"""The sample shop's definitions. A shop of your own replaces this package and recommender.yaml."""
