"""Governance over HTTP: a router for each subject, and the shapes that they speak in."""
