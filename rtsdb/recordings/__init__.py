"""Recorded files processed one by one, so that a run cut off goes on where it was."""
