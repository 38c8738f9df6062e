"""Privacy: what is held about whom, shown to whom, for how long; export, erasure, legal hold and retention."""
