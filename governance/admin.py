"""Where the admin looks for governance's pages: each of these modules registers its own."""

from governance.pages import budgets, endpoints, guards, inbox

__all__ = ["budgets", "endpoints", "guards", "inbox"]
