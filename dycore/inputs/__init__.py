"""Input of users: arrays, states, kinds of parameters, forcings. Each is refused early in a sentence, or made ready."""
