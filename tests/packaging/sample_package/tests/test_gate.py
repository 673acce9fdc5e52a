from acme_retrain.gates import EnoughRows

from retrain.testing import check_gate


def test_it_keeps_the_promises_of_a_gate():
    check_gate(EnoughRows(min=200))
