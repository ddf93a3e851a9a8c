"""Certificates and keys: names, profiles, issuing, reading, judging, and handshakes rehearsed in memory.

The only package that imports cryptography and ssl. Modules are independent: ``names`` and ``pair`` need
neither, and nothing is imported here, so that a caller pays only for what it uses.
"""
