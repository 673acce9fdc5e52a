from acme_retrain.metrics import MEAN_COST

from retrain.testing import check_metric


def test_it_keeps_the_promises_of_a_metric():
    check_metric(MEAN_COST)
