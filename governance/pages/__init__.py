"""Governance in the admin: the pages of approvers and administrators, and their forms."""
