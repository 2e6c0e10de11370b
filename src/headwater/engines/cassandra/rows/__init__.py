"""Rows of read models: how they are kept, merged, found and written."""
