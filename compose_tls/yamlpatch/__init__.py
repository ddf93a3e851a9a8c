"""Reads YAML with its positions, answers questions about it, and edits it without re-emitting it.

- Reading: ``document`` (``parse``) from ``libyaml``'s events to ``nodes``.
- ``query``: a route leads to a value and its place; nothing above this package walks nodes.
- ``patch``, the front door of editing: ``intent`` says what is to change, ``edit`` works out the
  ``splice``s in the ``style`` of their neighbours.
- ``prove``: a second parse shows that the new text means what was intended and nothing else.
- ``build``: documents made new, with their comments.
"""
