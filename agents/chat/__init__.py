"""The terminal chat: an HTTP client of the running server, and the questions that a person answers in place."""
