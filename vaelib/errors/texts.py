"""What an error says: its first sentence, its essence; errors that are provoked and shown."""

import re
import textwrap

# More than a screen of stack: its beginning and its end say what there is to know.
LONGEST = 20_000

COLOR = re.compile(r"\x1b\[[0-9;]*m")
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


def report(verdict, width=78):
    """Print what ``recipes.attempt`` found: outcome, stage, line, and what the error says first.

    Args:
        verdict: a ``recipes.Verdict``.
        width: of the lines that are printed.
    """
    if verdict.exception is None:
        print(verdict.outcome)
        return
    said = first_sentence(verdict.message, width=3 * width) or "(no message at all)"
    rows = [("stage", verdict.stage), ("line", verdict.line), (verdict.exception, said)]
    print(verdict.outcome)
    for name, text in rows:
        print(
            textwrap.fill(f"{name}: {text}", width, initial_indent="  ", subsequent_indent="    ")
        )


def first_sentence(error, width=100):
    """What an error says first, without colours, stack and layer names around it.

    Args:
        error: an exception, or its text.
        width: longer sentences are cut, and end in an ellipsis.
    """
    sentence = re.split(r"(?<=[.!?])\s", essence(error), maxsplit=1)[0]
    return sentence if len(sentence) <= width else sentence[: width - 3].rstrip() + "..."


def essence(error):
    """The message of an exception, or a text, in one line, without what Keras puts around it."""
    text, inner = None, shorten(COLOR.sub("", str(error)))
    # Without blank lines the patterns cannot lose themselves in them.
    inner = "\n".join(line for line in map(str.strip, inner.splitlines()) if line)
    inner = _APPENDIX.sub("", inner)
    while inner != text:  # they may be nested
        text, inner = inner, _WRAPPERS.sub("", inner)
    return " ".join(text.split())


def shorten(text):
    """The beginning and the end of a text that is too long to look at."""
    if len(text) <= LONGEST:
        return text
    return text[: LONGEST // 4] + "\n" + text[-3 * LONGEST // 4 :]
