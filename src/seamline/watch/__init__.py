"""Watching: post-load hooks, notifications by mail, the pulse of the Import API."""
