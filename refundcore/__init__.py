"""Refund Desk's core: everything that is not a page."""
