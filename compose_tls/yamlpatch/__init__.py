"""Edits YAML text in place, without re-emitting it.

``parse`` gives the node graph with positions; ``patch`` carries out intents by splicing the text
and proves, on a second parse, that the new text means what was intended and nothing else.
"""
