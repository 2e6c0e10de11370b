"""Consistency: reading one's own writes."""
