"""Verifying: every stored byte and count, looked at."""
