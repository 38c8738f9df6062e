"""The Django app that the benchmark adds to the server it measures; see `AGENTOS_APPS`."""
