"""Run what is expected to fail, and keep what it says (used from chapter 5 on)."""

import re

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# tf_keras puts the stack of "user code" in front of the message, Keras 3 the name of the layer.
_LAST_MESSAGE = re.compile(r"^\s+(?:[A-Z]\w*(?:Error|Exception)): (.+)", re.M | re.S)
_WRAPPER = re.compile(r"^Exception encountered when calling [^\n]*\n+")


def provoke(action, width=100):
    """Run what is expected to fail; print the type and the first sentence of its error.

    Args:
        action: a function without arguments.
        width: the sentence is cut after so many characters.

    Returns:
        the exception, for the assertion that follows.

    Raises:
        AssertionError: the action did not fail.
    """
    try:
        action()
    except Exception as error:
        print(f"{type(error).__name__}: {first_sentence(error, width) or '(no message at all)'}")
        return error
    raise AssertionError("This was expected to fail, but it ran: has the installed Keras changed?")


def first_sentence(error, width=100):
    """What an error says first, without colours, stack and layer names around it.

    Args:
        error: an exception, or its text.
        width: longer sentences are cut, and end in an ellipsis.
    """
    text = _COLOUR.sub("", str(error))
    if text.startswith("in user code:"):
        found = _LAST_MESSAGE.search(text)
        text = found.group(1) if found else text
    text = " ".join(_WRAPPER.sub("", text).split())
    sentence = re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0]
    return sentence if len(sentence) <= width else sentence[: width - 3].rstrip() + "..."
