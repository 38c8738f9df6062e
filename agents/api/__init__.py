"""The routes of components, runs and sessions, of models and of kill switches."""
