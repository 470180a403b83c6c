"""A search over parameters: a parent run with its children, the best estimator, the table of results."""

from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV


def features():
    return load_iris(return_X_y=True, as_frame=True)[0]


def train():
    x, y = load_iris(return_X_y=True, as_frame=True)
    GridSearchCV(RandomForestClassifier(random_state=0), {"n_estimators": [2, 4], "max_depth": [2, None]}, cv=3).fit(x, y)
