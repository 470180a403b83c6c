"""Stands in for azureml-inference-server-http where it is not installed; this folder is last on the path."""
