"""Video in and out: frames, sources, sinks, colour and the pictures drawn for people."""
