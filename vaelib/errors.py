"""Run what is expected to fail, and keep what it says (used from chapter 5 on)."""

import re

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# What the Kerases put in front of a message: a stack of "user code", the name of a layer.
_WRAPPERS = re.compile(
    r"^(?:in user code:\n.*?\n\s*\w*(?:Error|Exception): "
    r"|Exception encountered when calling [^\n]*\n"
    r"|Could not automatically infer [^\n]* Error encountered:\n)\s*",
    re.S,
)

_APPENDIX = re.compile(r"\n\s*(?:Call arguments|Arguments) received by .*", re.S)


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
    text, inner = None, _APPENDIX.sub("", _COLOUR.sub("", str(error)))
    while inner != text:  # they may be nested
        text, inner = inner, _WRAPPERS.sub("", inner)
    text = " ".join(text.split())
    sentence = re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0]
    return sentence if len(sentence) <= width else sentence[: width - 3].rstrip() + "..."
