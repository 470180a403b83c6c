"""A classifier of two tiny layers made from a configuration: nothing is fetched. The trainer reports to MLflow by itself."""

import tempfile

import mlflow
import numpy
import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast, Trainer, TrainingArguments, pipeline

WORDS = ["good", "bad", "fine", "poor"]


class Rows(torch.utils.data.Dataset):
    def __len__(self):
        return 32

    def __getitem__(self, index):
        word = index % len(WORDS)
        return {"input_ids": torch.tensor([2, 5 + word, 3]), "labels": torch.tensor(word % 2)}


def features():
    return numpy.array(WORDS)


def train():
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=16, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, num_labels=2
    )
    model = BertForSequenceClassification(config)
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/vocab.txt", "w") as file:
            file.write("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
        tokenizer = BertTokenizerFast(f"{folder}/vocab.txt")
        arguments = TrainingArguments(
            output_dir=f"{folder}/out",
            num_train_epochs=2,
            per_device_train_batch_size=8,
            logging_steps=2,
            eval_strategy="epoch",
            save_strategy="no",
            report_to=["mlflow"],
            use_cpu=True,
            run_name="tiny",
            disable_tqdm=True,
        )
        with mlflow.start_run():
            Trainer(model=model, args=arguments, train_dataset=Rows(), eval_dataset=Rows()).train()
            classifier = pipeline("text-classification", model=model.eval(), tokenizer=tokenizer, device="cpu")
            mlflow.transformers.log_model(classifier, name="model", input_example=WORDS)
