"""One judge of quality: networks and their peers on noisy frames whose clean form is known."""
