"""Trains a classifier on scikit-learn's wine data set and saves it as an MLflow model."""

import argparse
import json
from pathlib import Path

import mlflow
import mlflow.sklearn
import sklearn
from mlflow.models import infer_signature
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--c", type=float, default=1.0, help="inverse strength of the regularization")
    parser.add_argument("--test-share", type=float, default=0.25)
    parser.add_argument("--model", required=True, help="folder for the MLflow model")
    parser.add_argument("--sample", required=True, help="folder for a scoring request and its answer")
    args = parser.parse_args()

    # Parameters and training metrics are logged by MLflow itself; the model is saved to the job's output instead.
    mlflow.sklearn.autolog(log_models=False, log_datasets=False)

    features, target = load_wine(as_frame=True, return_X_y=True)
    print(f"data: {len(features)} wines, {features.shape[1]} features, {target.nunique()} classes")
    x_train, x_test, y_train, y_test = train_test_split(
        features, target, test_size=args.test_share, random_state=7, stratify=target
    )

    # One MLflow run around all of it: in a job this is the job's own run.
    with mlflow.start_run():
        model = make_pipeline(StandardScaler(), LogisticRegression(C=args.c, max_iter=1000))
        model.fit(x_train, y_train)

        accuracy = accuracy_score(y_test, model.predict(x_test))
        loss = log_loss(y_test, model.predict_proba(x_test))
        mlflow.log_metrics({"test_accuracy": accuracy, "test_log_loss": loss})
        print(f"test accuracy {accuracy:.4f}, log loss {loss:.4f}")

    mlflow.sklearn.save_model(
        model,
        args.model,
        signature=infer_signature(x_test, model.predict(x_test)),
        pip_requirements=[
            f"scikit-learn=={sklearn.__version__}",
            f"mlflow-skinny=={mlflow.__version__}",
            "pandas",
            "skops",
        ],
    )

    # Two wines of the test set, as the endpoint wants them, and what the model says of them here.
    sample = x_test.head(2)
    request = {"input_data": sample.to_dict(orient="split")}
    folder = Path(args.sample)
    (folder / "request.json").write_text(json.dumps(request))
    (folder / "expected.json").write_text(json.dumps(model.predict(sample).tolist()))
    print("model and sample saved")


if __name__ == "__main__":
    main()
