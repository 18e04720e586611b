"""Frames on an NVIDIA GPU, through pycuda: memory, copies and order; not what is computed."""
