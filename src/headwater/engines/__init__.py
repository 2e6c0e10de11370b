"""Engines: where events, read models and checkpoints live. One folder each, found by URL scheme."""
