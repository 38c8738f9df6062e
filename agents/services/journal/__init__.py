"""How runs are stored, those of a whole process in one transaction.

New ones by `begin` and `starts`; what a run says by `run_journal`, what all say by `writer`, in one `flush`.
"""
