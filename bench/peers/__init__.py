"""Peers: scripts that do one thing with another library, for `bench.peer`."""
