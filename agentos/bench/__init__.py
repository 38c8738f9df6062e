"""The benchmark: starts a whole AgentOS of its own, loads it over its own routes and says what a run costs."""
