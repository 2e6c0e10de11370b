"""Real event logs as applications, each checked against a truth of its own; and what they share."""
