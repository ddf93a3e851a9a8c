"""Tests of the running server from outside, each on a new connection."""
