"""The run loop and its values: no Django, no I/O, no settings."""
