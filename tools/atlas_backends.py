"""The recipes of the atlas on JAX and PyTorch: what is ported, and what cannot be.

Each recipe draws its noise by TensorFlow, since it runs on TensorFlow 1 as well. For the two
other backends this one layer, whose text is the same in all recipes, is replaced by its twin of
Keras 3; where the KL term stands is left as it is. A recipe that names TensorFlow elsewhere, too,
is not run there: it needs TensorFlow.
"""

import ast

BY_TENSORFLOW = """
        def call(self, inputs):
            mu, log_var = inputs
            epsilon = tf.random.normal(tf.shape(mu))
            return mu + tf.exp(0.5 * log_var) * epsilon
"""
# JAX compiles the step: a draw without a generator of the layer would be the same in each batch.
BY_KERAS = """
        def __init__(self):
            super().__init__()
            self.seeds = keras.random.SeedGenerator()

        def call(self, inputs):
            mu, log_var = inputs
            epsilon = keras.random.normal(keras.ops.shape(mu), seed=self.seeds)
            return mu + keras.ops.exp(0.5 * log_var) * epsilon
"""
NEEDS = "needs TensorFlow"


def ported(sources):
    """The sources of a recipe with its noise drawn by Keras."""
    return [source.replace(BY_TENSORFLOW, BY_KERAS) for source in sources]


def line_that_needs_tensorflow(sources):
    """The first line that names TensorFlow or a library made of it, or None."""
    for source in sources:
        found = [node.lineno for node in ast.walk(ast.parse(source)) if _of_tensorflow(node)]
        if found:
            return source.splitlines()[min(found) - 1].strip()
    return None


def _of_tensorflow(node):
    if isinstance(node, ast.Name):
        return node.id in ("tf", "tfp", "tf_keras")
    imported = [alias.name for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)]
    return any(
        name.split(".")[0] in ("tensorflow", "tensorflow_probability", "tf_keras")
        for name in [*imported, getattr(node, "module", None) or ""]
    )


def not_run(chosen):
    """Rows of the recipes that need TensorFlow, and the ported ones that can be run."""
    rows, rest = [], []
    for name, chapter, sources in chosen:
        sources = ported(sources)
        line = line_that_needs_tensorflow(sources)
        if line is None:
            rest.append((name, chapter, sources))
            continue
        row = {"recipe": name, "chapter": chapter, "outcome": NEEDS, "stage": None, "line": line}
        rows.append(row | dict.fromkeys(("exception", "message", "in_loss", "in_step")))
    return rows, rest
