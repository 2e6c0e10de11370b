"""Benchmarks: headwater beside hand-written code on the plain driver and beside its peers, in one run."""
