"""Video in and out: frames, sources, sinks, colour and the pictures drawn for people."""

# Before PyAV comes in: behind its copy of libxcb, OpenCV's windows hang (opencv/opencv#21952).
import cv2 as _cv2  # noqa: F401
