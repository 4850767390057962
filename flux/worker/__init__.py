"""The processes that run user code. The daemon never imports this room: it starts it."""
