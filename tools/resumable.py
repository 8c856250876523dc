"""Train so that an interruption loses no more than the running epoch.

``train_checkpoints`` and ``ledger_trainings`` share this loop; it needs ``fit`` and callbacks,
of Keras 3 on any backend or of ``tf_keras``.
"""

import json
import time


def fit(
    model, images, folder, *, kit, batch_size, epochs, resumes=True, tell=None, fresh=None
):  # fmt: skip
    """Train an autoencoder, or go on after its last finished epoch.

    Args:
        model: compiled; images are its input and its target.
        folder: holds the figures of finished epochs and a backup of weights and optimizer.
        kit: the module the model was built with, ``keras`` or ``tf_keras``.
        resumes: False begins again, whatever the folder holds.
        tell: called with the number and the figures of each finished epoch.
        fresh: from the number of an epoch to its images, in their order, in place of ``images``.

    Returns:
        the figures of every epoch, a list of dicts; "seconds" is among them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "history.jsonl"
    callbacks = [_recorder(kit, record, tell)]
    if resumes:
        # Last, so that an epoch is kept only once its figures are.
        callbacks.append(
            kit.callbacks.BackupAndRestore(
                str(folder / "backup"), double_checkpoint=True, delete_checkpoint=False
            )
        )
    else:
        record.unlink(missing_ok=True)
    if fresh:
        _fit_redrawn(model, kit, fresh, batch_size, epochs=epochs, callbacks=callbacks)
    else:
        model.fit(
            images, images, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=callbacks
        )  # fmt: skip
    # An epoch may have been recorded and then lost before its backup: the later row counts.
    rows = [json.loads(line) for line in record.read_text().splitlines()]
    history = {row.pop("epoch"): row for row in rows}
    if sorted(history) != list(range(epochs)):
        raise SystemExit(f"Epochs are missing in {record}: remove its folder and start again.")
    return [history[epoch] for epoch in range(epochs)]


def _fit_redrawn(model, kit, fresh, batch_size, callbacks, **options):
    """Fit on images that are others in every epoch, and the same after an interruption."""

    class Redrawn(kit.utils.PyDataset):
        def begin(self, epoch, logs=None):
            self.images = fresh(epoch)

        def __len__(self):
            return -(-len(self.images) // batch_size)

        def __getitem__(self, number):
            batch = self.images[number * batch_size : (number + 1) * batch_size]
            return batch, batch

    batches = Redrawn()
    batches.begin(0)  # Keras looks at the first batch before the first epoch
    callbacks = [kit.callbacks.LambdaCallback(on_epoch_begin=batches.begin), *callbacks]
    # Keras' own, since that of a placement checks arrays and data sets, and nothing else.
    kit.Model.fit(model, batches, shuffle=False, verbose=0, callbacks=callbacks, **options)


def _recorder(kit, record, tell):
    """A callback that writes what an epoch reached and how long it took, as one line of JSON."""

    class Recorder(kit.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            figures = {key: round(float(value), 4) for key, value in logs.items()}
            figures["seconds"] = round(time.perf_counter() - self.start, 1)
            with open(record, "a") as lines:
                lines.write(json.dumps({"epoch": epoch, **figures}) + "\n")
            if tell:
                tell(epoch + 1, figures)

    return Recorder()
