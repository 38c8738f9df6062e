"""Tools that several components share, and what tools are made with."""
