"""What commands, queries, projections and messaging share: injection, middleware chains, running contexts."""
