"""Ports: what headwater asks of an engine. One protocol a file; the docstring is the law its conformance suite tests."""
