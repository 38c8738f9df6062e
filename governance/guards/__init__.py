"""The guards on texts: where each may act, what is set, how a text is judged, and what holds back what leaves."""
