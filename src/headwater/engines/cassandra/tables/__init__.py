"""Tables: the protocol's requests, and what else is kept, as statements."""
