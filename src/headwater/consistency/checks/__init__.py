"""Checks of a store against itself, and what they are made of."""
