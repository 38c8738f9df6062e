"""Writes a new component into an app: its files from templates, and its place in the app's `components`."""
