"""Ports: what headwater asks of an engine. One protocol a file; its docstring is the law that a suite tests."""
