"""``make chaos``: a seeded stream of faults against the service, and proof that no output is lost, doubled or changed.

Read ``driver.py`` first; ``verifier.py`` is what judges.
"""
