"""The version, a constant: reading package metadata costs more than starting up."""

__version__ = "0.2.0"
