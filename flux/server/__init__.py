"""HTTP: requests become calls of the engine, its answers become documents. No rule lives here."""
