"""tfrs-mtl: retrieval and multi-task ranking on the features of a Feast feature store."""

__version__ = "0.1.0"
