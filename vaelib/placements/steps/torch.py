"""The step on PyTorch: the loss itself knows the way back."""

import torch

from vaelib.placements.steps import batches, images_of


class Step:
    """``train_step`` and ``test_step`` for Keras 3 on PyTorch."""

    def train_step(self, data):
        self.zero_grad()  # PyTorch adds to what the last step left
        loss = self.objective(images_of(data), training=True)
        self.optimizer.scale_loss(loss).backward()
        gradients = [variable.value.grad for variable in self.trainable_variables]
        with torch.no_grad():
            self.optimizer.apply(gradients, self.trainable_variables)
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data):
        with torch.no_grad():
            self.objective(images_of(data), training=False)
        return {metric.name: metric.result() for metric in self.metrics}


class OfKeras:
    """Keras' own steps, as they are."""


class Loops:
    """Training and testing on batches, one after the other."""

    def __init__(self, model):
        self.model = model

    def train(self, images):
        self.model.train_step(images)

    def test(self, images):
        self.model.test_step(images)

    def batches(self, x, batch_size, order=None):
        """The batches of images."""
        return batches(x, batch_size, order)
