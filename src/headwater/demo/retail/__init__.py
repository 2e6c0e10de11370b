"""The retail job: an online shop's invoices as commands, events, projections and figures."""
