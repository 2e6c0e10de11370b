"""Read models as handlers and callers use them: typed views, the store by names, caching."""
