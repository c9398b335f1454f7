"""Whether a test runs at length: `make soak` asks for it by ISTHMUS_SOAK=1."""
import os

IS_SOAK = os.environ.get("ISTHMUS_SOAK") == "1"


def soaked(usual, at_length):
    return at_length if IS_SOAK else usual
