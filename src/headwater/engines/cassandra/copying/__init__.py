"""Copying: stores taken in from elsewhere, and given out."""
