"""What comes in from users: arrays, states, kinds of parameters, forcings. Each is refused early in a sentence, or made ready."""
