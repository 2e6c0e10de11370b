"""Read models: declared rows, criteria, pipelines and changes. Pure."""
