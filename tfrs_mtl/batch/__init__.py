"""Batch recommendations: every query to its candidates, ranked, into a sink."""
