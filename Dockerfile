# For a classroom: JupyterLab with the chapters, and nothing that only builds or tests the book.
#
#   docker build --tag autoencoders .
#   docker run --rm --publish 127.0.0.1:8888:8888 autoencoders
#
# and open the address that it prints. MNIST is fetched while the image is built; where that fails,
# the chapters use the digits that come with scikit-learn, and need no network.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --create-home --uid 1000 reader
WORKDIR /home/reader/course

# What the library needs stands in pyproject.toml, which versions in requirements.txt.
COPY requirements.txt pyproject.toml README.md LICENSE LICENSE-text ./
COPY vaelib ./vaelib
RUN pip install --no-cache-dir --constraint requirements.txt . \
    tensorflow tf_keras tensorflow-probability nbformat jupyterlab jupyterlab_myst ipykernel

COPY --chown=1000 chapters ./chapters
COPY --chown=1000 book/_static ./book/_static
COPY --chown=1000 book/_data ./book/_data

USER 1000
RUN python -c 'from vaelib import data; print(data.load("mnist", n_train=1, n_test=1).source)'

EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--no-browser", "chapters"]
