"""Appending: one append after the other, and how the log gets them."""
