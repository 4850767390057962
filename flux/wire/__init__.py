"""What crosses a process border: worker frames, HTTP models, the grammar of event streams. No I/O."""
