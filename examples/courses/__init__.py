"""Students subscribe to courses: a rule over two streams, held without locking either."""
