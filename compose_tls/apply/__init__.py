"""The only package that writes: a plan becomes bytes on disk, all of them or none.

lock → recover a leftover journal → compare every hash with what was observed → stage next to the
target → fsync → journal → rename → fsync the directories → drop the journal.

A kill at any instant leaves a journal from which the next command goes back to the old project (when
not all was staged yet) or on to the new one (when it was).
"""
