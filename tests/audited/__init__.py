"""Every change of anything leaves one audit entry, or does not happen."""
