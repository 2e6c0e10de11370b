"""Faults: processes killed, power cut, awaits cancelled; and what the engine promised is counted afterwards."""
