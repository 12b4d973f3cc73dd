"""Boosted trees, scikit-learn, and other models without a network."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import data, rate_of


def sklearn_mlp(fault: str, folder: Path) -> None:
    from sklearn.neural_network import MLPClassifier

    x, y, _, _ = data(fault)
    MLPClassifier(
        (16,), learning_rate_init=max(rate_of(fault, 3e-3), 1e-30), max_iter=120, verbose=True, random_state=0,
        solver="sgd" if fault == "rate x 100" else "adam", n_iter_no_change=200, momentum=0.0,
    ).fit(x, y)  # fmt: skip


def sklearn_sgd(fault: str, folder: Path) -> None:
    from sklearn.linear_model import SGDClassifier

    x, y, _, _ = data(fault)
    SGDClassifier(
        "log_loss", learning_rate="constant", eta0=max(rate_of(fault, 1e-2), 1e-30), max_iter=60, tol=None, verbose=1,
        random_state=0,
    ).fit(x, y)  # fmt: skip


def sklearn_boosting(fault: str, folder: Path) -> None:
    from sklearn.ensemble import GradientBoostingClassifier

    x, y, _, _ = data(fault)
    GradientBoostingClassifier(
        learning_rate=max(rate_of(fault, 0.1), 1e-30), n_estimators=300, verbose=2, random_state=0
    ).fit(x, y)


def xgboost(fault: str, folder: Path) -> None:
    import xgboost as xgb

    x, y, xv, yv = data(fault)
    train, held_out = xgb.DMatrix(x, y), xgb.DMatrix(xv, yv)
    deep = 6 if fault in ("overfit", "shuffled labels") else 2
    settings = {"objective": "binary:logistic", "eta": rate_of(fault, 0.08), "max_depth": deep, "nthread": 1}
    xgb.train(settings, train, 250, evals=[(train, "train"), (held_out, "eval")])


def lightgbm(fault: str, folder: Path) -> None:
    import lightgbm as lgb

    x, y, xv, yv = data(fault)
    train = lgb.Dataset(x, y)
    held_out = lgb.Dataset(xv, yv, reference=train)
    leaves = 31 if fault in ("overfit", "shuffled labels") else 4
    settings = {"objective": "binary", "num_threads": 1, "learning_rate": max(rate_of(fault, 0.08), 1e-12)}
    settings |= {"num_leaves": leaves, "verbosity": -1, "min_data_in_leaf": 5}
    calls = [lgb.log_evaluation(1)]
    lgb.train(settings, train, 250, valid_sets=[train, held_out], valid_names=["training", "valid_1"], callbacks=calls)


def catboost(fault: str, folder: Path) -> None:
    from catboost import CatBoostClassifier

    x, y, xv, yv = data(fault)
    deep = 8 if fault in ("overfit", "shuffled labels") else 3
    CatBoostClassifier(
        iterations=250, learning_rate=max(rate_of(fault, 0.1), 1e-9), depth=deep, thread_count=1, random_seed=0,
        train_dir=str(folder / "catboost_info"), l2_leaf_reg=0.1, use_best_model=False,
    ).fit(x, y, eval_set=(xv, yv), verbose=1)  # fmt: skip


def sklearn_hist_boosting(fault: str, folder: Path) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    x, y, _, _ = data(fault)
    deep = 31 if fault in ("overfit", "shuffled labels") else 4
    HistGradientBoostingClassifier(
        learning_rate=max(rate_of(fault, 0.1), 1e-30), max_iter=200, max_leaf_nodes=deep, verbose=2, random_state=0,
        early_stopping=True, n_iter_no_change=1000, validation_fraction=0.25,
    ).fit(x, y)  # fmt: skip


def sklearn_regressor(fault: str, folder: Path) -> None:
    from sklearn.neural_network import MLPRegressor

    x, y, _, _ = data(fault)
    MLPRegressor(
        hidden_layer_sizes=(16,), learning_rate_init=max(rate_of(fault, 3e-3), 1e-30), max_iter=100, verbose=True,
        random_state=0,
        solver="sgd" if fault == "rate x 100" else "adam", n_iter_no_change=200, early_stopping=True,
    ).fit(x, y)  # fmt: skip


def sklearn_rbm(fault: str, folder: Path) -> None:
    from sklearn.neural_network import BernoulliRBM

    x, _, _, _ = data(fault)
    BernoulliRBM(16, learning_rate=rate_of(fault, 1e-2), n_iter=40, verbose=True, random_state=0).fit(
        (x[:, :3] @ np.random.default_rng(1).normal(size=(3, 20)) > 0) * 1.0
    )


def sklearn_kmeans(fault: str, folder: Path) -> None:
    from sklearn.cluster import KMeans

    x, _, _, _ = data(fault)
    KMeans(12, n_init=1, max_iter=60, tol=0, verbose=1, random_state=0).fit(x)


def sklearn_tsne(fault: str, folder: Path) -> None:
    from sklearn.manifold import TSNE

    x, _, _, _ = data(fault)
    rate = 100_000.0 if fault == "rate x 100" else 100.0
    TSNE(learning_rate=rate, max_iter=1000, verbose=2, random_state=0, n_jobs=1, early_exaggeration=1.0).fit(x[:300])


def xgboost_sklearn(fault: str, folder: Path) -> None:
    import xgboost as xgb

    x, y, xv, yv = data(fault)
    deep = 6 if fault in ("overfit", "shuffled labels") else 2
    xgb.XGBClassifier(
        n_estimators=250, learning_rate=rate_of(fault, 0.08), max_depth=deep, n_jobs=1, eval_metric=["logloss", "auc"]
    ).fit(x, y, eval_set=[(x, y), (xv, yv)], verbose=5)


def xgboost_results(fault: str, folder: Path) -> None:
    import xgboost as xgb

    x, y, xv, yv = data(fault)
    train, held_out, found = xgb.DMatrix(x, y), xgb.DMatrix(xv, yv), {}
    deep = 6 if fault in ("overfit", "shuffled labels") else 2
    settings = {"objective": "binary:logistic", "eta": rate_of(fault, 0.08), "max_depth": deep, "nthread": 1}
    evals = [(train, "train"), (held_out, "eval")]
    xgb.train(settings, train, 250, evals=evals, evals_result=found, verbose_eval=False)
    (folder / "evals_result.json").write_text(json.dumps(found))


def lightgbm_sklearn(fault: str, folder: Path) -> None:
    import lightgbm as lgb

    x, y, xv, yv = data(fault)
    leaves = 31 if fault in ("overfit", "shuffled labels") else 4
    lgb.LGBMClassifier(
        n_estimators=250, learning_rate=max(rate_of(fault, 0.08), 1e-12), num_leaves=leaves, n_jobs=1, verbosity=-1,
        min_child_samples=5,
    ).fit(
        x, y, eval_set=[(x, y), (xv, yv)], eval_names=["fit", "holdback"], callbacks=[lgb.log_evaluation(5)],
    )  # fmt: skip


def catboost_folder(fault: str, folder: Path) -> None:
    catboost(fault, folder)


def ngboost(fault: str, folder: Path) -> None:
    from ngboost import NGBRegressor

    x, y, xv, yv = data(fault)
    NGBRegressor(
        n_estimators=120, learning_rate=rate_of(fault, 0.02), verbose=True, verbose_eval=2, random_state=0
    ).fit(x, y + 0.1 * x[:, 0], X_val=xv, Y_val=yv + 0.1 * xv[:, 0])


def implicit(fault: str, folder: Path) -> None:
    """The bars of three factorisations."""
    import scipy.sparse
    from implicit.als import AlternatingLeastSquares

    rng = np.random.default_rng(0)
    rated = scipy.sparse.random(300, 200, 0.05, random_state=0, data_rvs=lambda n: rng.integers(1, 5, n)).tocsr()
    AlternatingLeastSquares(8, iterations=40, calculate_training_loss=True, num_threads=1, random_state=0).fit(
        rated.astype(np.float32)
    )


def river(fault: str, folder: Path) -> None:
    from river import linear_model, metrics, optim, stream
    from river.evaluate import progressive_val_score
    from river.preprocessing import StandardScaler

    x, y, _, _ = data("shuffled labels" if fault == "shuffled labels" else "none")
    model = StandardScaler() | linear_model.LogisticRegression(optimizer=optim.SGD(rate_of(fault, 0.02)))
    progressive_val_score(stream.iter_array(x, y), model, metrics.LogLoss(), print_every=25)


TRAINERS: dict[str, Callable[[str, Path], None]] = {
    "sklearn mlp": sklearn_mlp, "sklearn sgd": sklearn_sgd, "sklearn boosting": sklearn_boosting,
    "sklearn hist boosting": sklearn_hist_boosting, "sklearn regressor": sklearn_regressor, "sklearn rbm": sklearn_rbm,
    "sklearn k-means": sklearn_kmeans, "sklearn t-sne": sklearn_tsne,
    "xgboost": xgboost, "xgboost sklearn": xgboost_sklearn, "xgboost results": xgboost_results, "lightgbm": lightgbm,
    "lightgbm sklearn": lightgbm_sklearn, "catboost": catboost, "catboost folder": catboost_folder, "ngboost": ngboost,
    "implicit": implicit, "river": river,
}  # fmt: skip
