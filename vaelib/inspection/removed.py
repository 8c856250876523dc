"""What Keras 3, or TensorFlow 2, no longer has: names, arguments, methods, file names."""

import ast
import functools
import json
from pathlib import Path

from vaelib.inspection.facts import argument, tail

TRANSLATIONS = {
    "random_normal": "keras.random.normal", "random_uniform": "keras.random.uniform",
    "truncated_normal": "keras.random.truncated_normal", "int_shape": "x.shape",
    "flatten": "keras.ops.ravel", "batch_flatten": "keras.ops.reshape(x, (len(x), -1))",
    "pow": "keras.ops.power", "get_value": "float(x)", "eval": "float(x)",
    "set_value": "x.assign(value)", "update": "x.assign(value)", "variable": "keras.Variable",
    "function": "keras.Model(inputs, outputs)", "gradients": "tf.GradientTape",
    "permute_dimensions": "keras.ops.transpose", "dot": "keras.ops.matmul",
    "batch_dot": "keras.ops.einsum", "constant": "keras.ops.convert_to_tensor",
    "ndim": "x.ndim", "learning_phase": "the argument `training` of call",
    "repeat_elements": "keras.ops.repeat", "l2_normalize": "keras.ops.normalize",
    "one_hot": "keras.ops.one_hot", "random_binomial": "keras.random.binomial",
    "image_dim_ordering": "keras.config.image_data_format", "print_tensor": "print",
    "concatenate": "keras.ops.concatenate", "set_session": "nothing: leave it out",
    "get_session": "nothing: leave it out", "set_learning_phase": "the argument `training`",
}  # fmt: skip
SHORT_LOSSES = set("mse MSE mae MAE mape MAPE msle MSLE kld KLD bce BCE logcosh".split())
SHORT_LOSSES |= {"kullback_leibler_divergence", "cosine_proximity"}
GONE_METHODS = set(
    "fit_generator evaluate_generator predict_generator predict_classes predict_proba".split()
)
# Of TensorFlow 1; tf.compat.v1 still has them.
TF_1 = set(
    "placeholder Session InteractiveSession contrib global_variables_initializer get_variable "
    "variable_scope layers log random_normal random_uniform truncated_normal set_random_seed "
    "ConfigProto GPUOptions get_default_graph initialize_all_variables all_variables app flags "
    "reset_default_graph placeholder_with_default to_float sparse_placeholder mul sub neg pack "
    "log_sigmoid trainable_variables matrix_diag is_nan Summary AUTO_REUSE".split()
)
OPTIMIZERS = set("Adam Adamax AdamW Adagrad Adadelta Nadam RMSprop SGD Ftrl".split())
OLD_ARGUMENTS = {
    "fit": {"nb_epoch", "workers", "use_multiprocessing", "max_queue_size", "nb_val_samples"},
    "Model": {"input", "output"},
    "Dense": {"init", "output_dim", "W_regularizer", "weights", "batch_input_shape"},
    "Conv2D": {"border_mode", "subsample", "init", "dim_ordering", "batch_input_shape"},
    "Convolution2D": {"border_mode", "subsample", "init", "dim_ordering"},
    "BatchNormalization": {"mode"},
    "compile": {"experimental_run_tf_function", "sample_weight_mode"},
    "ModelCheckpoint": {"period", "save_format"},
    "random_normal": {"std"},
    "LSTM": {"output_dim", "init", "batch_input_shape"},
}
ROOTS = ("tensorflow.keras", "keras")


@functools.cache
def keras_names():
    """The public names of Keras 3: {"keras" or "tensorflow.keras": {module: set of names}}."""
    path = Path(__file__).with_name("keras3.json")
    trees = json.loads(path.read_text(encoding="utf-8"))["trees"]
    return {
        root: {module: set(names.split()) for module, names in tree.items()}
        for root, tree in trees.items()
    }


def missing(dotted):
    """(module, name) of the first part of a full name that Keras 3 does not have, or None."""
    root = next((r for r in ROOTS if dotted == r or dotted.startswith(r + ".")), None)
    if root is None:
        return None
    modules, here = keras_names()[root], ""
    for part in dotted[len(root) + 1 :].split("."):
        inside = f"{here}.{part}" if here else part
        if inside in modules:
            here = inside
        elif part in modules[here] or part in ("", "*") or part.startswith("_"):
            return None
        else:
            return f"{root}.{here}" if here else root, part
    return None


def gone_names(facts):
    """Imports and names of Keras that are gone, K functions with their translation."""
    backend = {}
    for node in facts.nodes:
        for full in named(node, facts):
            lost = missing(full)
            if lost is None:
                continue
            module, name = lost
            if module.endswith(".backend") or (name == "backend" and "python" not in module):
                backend.setdefault(name, []).append(node)
            elif name in SHORT_LOSSES:
                yield "short-loss-name", node, f"{module} has no {name}."
            else:
                yield "old-import", node, f"{module} has no {name}."
    if backend:
        first = min((nodes[0] for nodes in backend.values()), key=lambda n: n.lineno)
        names = [f"K.{name} ({translation(name)})" for name in backend]
        yield "backend-function-gone", first, "Used here: " + ", ".join(names) + "."


def named(node, facts):
    """The full names in an import, or in the longest attribute that a node is part of."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Attribute) and not isinstance(facts.parents[node], ast.Attribute):
        full = facts.dotted(node)
        return [full] if full else []
    return []


def translation(name):
    """What to write for a function of ``keras.backend``."""
    if name in TRANSLATIONS:
        return TRANSLATIONS[name]
    return f"keras.ops.{name}" if name in keras_names()["keras"]["ops"] else "no direct successor"


def tensorflow_1(facts):
    """Names of TensorFlow 1."""
    found = {}
    for node in facts.nodes:
        for full in named(node, facts):
            parts = full.split(".")
            old_train = parts[1:2] == ["train"] and parts[-1].endswith("Optimizer")
            old_examples = full.startswith(("tensorflow.examples", "tensorflow.summary.FileWriter"))
            if parts[0] == "tensorflow" and len(parts) > 1:
                if parts[1] in TF_1 or old_train or old_examples:
                    found.setdefault(".".join(["tf", *parts[1:3]]), node)
    if found:
        yield "tensorflow-1", next(iter(found.values())), "Used here: " + ", ".join(found) + "."


def arguments(facts):
    """Arguments and methods that are gone."""
    for call in facts.calls:
        name, given = tail(call.func), {k.arg: k for k in call.keywords}
        if name in OPTIMIZERS and "lr" in given:
            yield "optimizer-argument", call, f"{name}(lr=...)."
        if name in OPTIMIZERS and "decay" in given and not is_zero(given["decay"].value):
            yield "optimizer-decay", call, ""
        old = sorted(OLD_ARGUMENTS.get(name, set()) & given.keys())
        if old:
            yield "old-argument", call, f"{name}({', '.join(old)}=...)."
        if name in GONE_METHODS and isinstance(call.func, ast.Attribute):
            yield "method-gone", call, f"{name}."
        if name == "disable_eager_execution" or name == "disable_v2_behavior":
            yield "graph-mode", call, ""
        eager = name == "run_functions_eagerly" and call.args and truth(call.args[0])
        if (
            eager
            or name == "compile"
            and "run_eagerly" in given
            and truth(given["run_eagerly"].value)
        ):
            yield "run-eagerly", call, ""
        if name == "add_metric" and isinstance(call.func, ast.Attribute):
            yield "add-metric", call, ""


def is_zero(node):
    """Is a node the number 0?"""
    return isinstance(node, ast.Constant) and node.value == 0


def truth(node):
    """Is a node the word True?"""
    return isinstance(node, ast.Constant) and node.value is True


def file_names(facts):
    """Names of files that Keras 3 refuses, and the old format."""
    for call in facts.calls:
        name = tail(call.func)
        path = argument(call, 0, "filepath", "path")
        if path is None or name not in ("save", "save_weights", "ModelCheckpoint", "save_model"):
            continue
        weights = name == "save_weights"
        if name == "save_model":
            path = argument(call, 1, "filepath")
        if name == "ModelCheckpoint":
            only = argument(call, 3, "save_weights_only")
            weights = only is not None and truth(only)
        end = ending(path, facts) if path is not None else None
        if end is None or (name == "save" and not is_model(call.func, facts)):
            continue
        if weights and not end.endswith(".weights.h5"):
            yield "weights-file-name", call, f"It ends in {end[-20:]!r}."
        elif not weights and not end.endswith((".keras", ".h5", ".hdf5", ".json", ".zip")):
            yield "model-file-name", call, f"It ends in {end[-20:]!r}."
        elif name == "ModelCheckpoint" and end.endswith(".hdf5"):
            yield "model-file-name", call, "A checkpoint must not end in '.hdf5'."
        elif not weights and end.endswith((".h5", ".hdf5")):
            yield "old-file-format", call, ""


def is_model(func, facts):
    """Is it the ``save`` of a model, judged by its name?"""
    owner = ast.unparse(func.value) if isinstance(func, ast.Attribute) else ""
    words = ("model", "vae", "encoder", "decoder", "generator", "autoencoder")
    return facts.dotted(func) is None and owner.lower().endswith(words)


def ending(node, facts, depth=0):
    """The last part of a file name, as far as it is written in the program, else None."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if depth > 8:
        return None
    if isinstance(node, ast.JoinedStr) and node.values:
        last = node.values[-1]
        return last.value if isinstance(last, ast.Constant) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        side = node.right if isinstance(node.op, ast.Add) else node.left
        return ending(side, facts, depth + 1)
    if isinstance(node, ast.Call) and tail(node.func) == "join" and node.args:
        return ending(node.args[-1], facts, depth + 1)
    if isinstance(node, ast.Call) and tail(node.func) == "format":
        return ending(node.func.value, facts, depth + 1)
    if isinstance(node, ast.Name):
        where = (node.lineno, node.col_offset)
        _, binding = facts.binding(node.id, facts.scopes[node], where)
        return (
            ending(binding.node, facts, depth + 1) if binding and binding.how == "value" else None
        )
    return None


def mixed(facts):
    """Two Kerases in one program, and layers of TensorFlow Probability on Keras 3."""
    roots = {}
    for node in facts.nodes:
        for full in named(node, facts):
            if full.startswith("tensorflow.python.keras") and "private" not in roots:
                roots["private"] = node
                yield (
                    "two-kerases",
                    node,
                    "tensorflow.python.keras is a private Keras 2.",
                    "look here",
                )
            root = next((r for r in (*ROOTS, "tf_keras") if (full + ".").startswith(r + ".")), None)
            if root and isinstance(node, ast.Import | ast.ImportFrom):
                roots.setdefault(root, node)
            if full.startswith("tensorflow_probability.layers") and "tf_keras" not in roots:
                roots.setdefault("layers of TFP", node)
    if "keras" in roots and "tf_keras" in roots:
        later = max(roots["keras"], roots["tf_keras"], key=lambda n: n.lineno)
        yield "two-kerases", later, "keras and tf_keras are both imported."
    elif "keras" in roots and "tensorflow.keras" in roots:
        later = max(roots["keras"], roots["tensorflow.keras"], key=lambda n: n.lineno)
        yield "keras-and-tf-keras", later, ""
    if "layers of TFP" in roots and "tf_keras" not in roots:
        yield "tfp-layer", roots["layers of TFP"], ""
    for call in facts.calls:
        full = facts.dotted(call.func) or ""
        if argument(call, None, "weight") is not None:  # somebody has thought of it
            continue
        if full.endswith("layers.KLDivergenceRegularizer"):
            yield "tfp-regularizer", call, ""
        if full.endswith("layers.KLDivergenceAddLoss") and argument(call, None, "use_exact_kl"):
            yield "tfp-add-loss", call, ""
