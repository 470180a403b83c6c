"""A small dense network; the backend is what KERAS_BACKEND says."""

import keras
import numpy


def data():
    x = numpy.random.default_rng(7).normal(size=(96, 4)).astype("float32")
    return x, (x.sum(axis=1, keepdims=True) > 0).astype("float32")


def features():
    return data()[0]


def train():
    keras.utils.set_random_seed(7)
    x, y = data()
    layers = [keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1, activation="sigmoid")]
    model = keras.Sequential(layers)
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=3, batch_size=32, validation_split=0.25, verbose=0)
