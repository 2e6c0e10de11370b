"""The incidents job: a service desk's audit log as commands, events, projections and figures."""
