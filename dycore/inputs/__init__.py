"""What comes in from users: arrays, the kinds of parameters, forcings. Each is refused early, in one sentence, or made ready."""
