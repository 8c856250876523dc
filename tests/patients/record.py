"""The record of a patient; its fields are explained in the package."""

from collections.abc import Callable
from dataclasses import dataclass

BOTH = ("keras", "tf_keras")
NEW = ("keras",)
OLD = ("tf_keras",)
NOT_LOADED = ("cannot-be-loaded",)


@dataclass(frozen=True)
class Patient:
    build: Callable
    kerases: tuple = BOTH
    slugs: tuple = ()
    beta: float | None = 1.0
    comment: str = ""
    may: tuple = ()
    kind: str = "vae"
    words: tuple = ()
    instead: tuple = ()
    may_on_tf_keras: tuple = ()
    callbacks: Callable | None = None
    fits: bool = True
    batch_size: int = 32

    @property
    def name(self):
        """Module and function: `drawing.uniform_noise`."""
        return f"{self.build.__module__.rsplit('.', 1)[1]}.{self.build.__name__}"

    def allowed(self, keras):
        """The slugs that are no false alarm with this Keras."""
        more = self.may_on_tf_keras if keras.__name__ == "tf_keras" else ()
        return {*self.slugs, *self.may, *self.instead, *more}


def limit(build, words, kerases=BOTH, beta=None, **more):
    """A patient of kind "limit"."""
    return Patient(build, kerases, kind="limit", beta=beta, words=words, **more)
