"""Arrays and files, nothing of models: what the chapters train on.

============ =====================================================================
``loading``  ``load``: images in [0, 1], their labels, and where they came from
``checks``   ``check_images``: one sentence about images that cannot be used
``archives`` where data sets lie, and how their files are checked
``binary``   ``binarize``: pixels of 0 and 1, as a Bernoulli decoder means them
``folders``  a reader's own folder of images, streamed
``shapes``   small colour pictures whose factors are known
============ =====================================================================
"""

from vaelib.data.archives import DataError, mnist_location
from vaelib.data.binary import binarize
from vaelib.data.checks import check_images
from vaelib.data.loading import Dataset, load

__all__ = ["DataError", "Dataset", "binarize", "check_images", "load", "mnist_location"]
