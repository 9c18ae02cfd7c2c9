"""Refits give the same numbers on one worker, on many and on a cluster that loses one."""

import os
import signal
import time

import numpy as np
import pytest
from distributed import Client, LocalCluster

from evaluation import InputError
from evaluation.estimation.robustness.refits import draw_rng, map_draws

LOCAL = {}


def noisy(shape=3):
    def draw(number, rng):
        return rng.normal(size=shape) + number

    return draw


def test_each_draw_has_the_stream_of_its_own_child():
    children = np.random.SeedSequence(11).spawn(6)
    found = map_draws(lambda _, rng: rng.random(4), 6, seed=11, environ=LOCAL)
    for row, child in zip(found, children, strict=True):
        assert (row == np.random.default_rng(child).random(4)).all()
    assert len(np.unique(found)) == found.size


def test_more_draws_keep_the_first_ones_and_another_seed_changes_all():
    few, many = (map_draws(noisy(), n, seed=3, environ=LOCAL) for n in (4, 9))
    assert (many[:4] == few).all()
    assert (map_draws(noisy(), 4, seed=4, environ=LOCAL) != few).all()


def test_many_processes_give_the_same_numbers_as_one():
    big = np.arange(300_000.0)  # large enough for joblib to share it by memory map

    def draw(number, rng):
        return big[number] + rng.normal(size=2)

    one = map_draws(draw, 37, seed=5, environ=LOCAL)
    two = map_draws(draw, 37, seed=5, workers=2, environ=LOCAL)
    assert one.shape == (37, 2)
    assert (one == two).all()


def test_a_number_per_draw_makes_a_vector():
    assert map_draws(lambda n, _: n, 3, seed=1, environ=LOCAL).tolist() == [0, 1, 2]


@pytest.fixture(scope="module")
def cluster():
    # processes of their own, so that one can be killed; no dashboard and no port of a fixed number
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as running:
        yield running


def on(cluster):
    return {"EVALUATION_BACKEND": "dask", "EVALUATION_DASK_SCHEDULER": cluster.scheduler_address}


def test_a_cluster_gives_the_same_numbers(cluster):
    here = map_draws(noisy(), 40, seed=9, environ=LOCAL)
    there = map_draws(noisy(), 40, seed=9, environ=on(cluster))
    assert (here == there).all()


def test_the_environment_chooses_the_backend(cluster, monkeypatch):
    for name, value in on(cluster).items():
        monkeypatch.setenv(name, value)
    pids = map_draws(lambda *_: os.getpid(), 16, seed=1)
    assert os.getpid() not in pids.tolist()


def test_the_same_numbers_when_a_worker_is_killed_midway(cluster, tmp_path):
    victim = tmp_path / "victim"

    def draw(number, rng):
        value = rng.normal(size=3)
        time.sleep(0.01)
        if number == 20 and not victim.exists():
            # the worker that makes this draw dies in the middle of it, once
            victim.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return value

    there = map_draws(draw, 60, seed=13, environ=on(cluster))
    assert victim.exists()
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        alive = client.run(os.getpid).values()
    assert int(victim.read_text()) not in alive
    here = map_draws(lambda _, rng: rng.normal(size=3), 60, seed=13, environ=LOCAL)
    assert (here == there).all()


def test_an_error_in_a_draw_is_told_as_it_is(cluster):
    def draw(number, rng):
        if number == 5:
            raise ZeroDivisionError("draw five")
        return rng.normal()

    for environ, workers in ((LOCAL, 1), (LOCAL, 2), (on(cluster), 1)):
        with pytest.raises(ZeroDivisionError, match="draw five"):
            map_draws(draw, 10, seed=1, workers=workers, environ=environ)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"n_draws": 0}, "draws: 0 draws"),
        ({"workers": 0}, "workers: 0 workers"),
        ({"environ": {"EVALUATION_BACKEND": "spark"}}, "'spark' is none of joblib, dask"),
        ({"environ": {"EVALUATION_BACKEND": "dask"}}, "EVALUATION_DASK_SCHEDULER: .*tcp://"),
        (
            {"environ": {"EVALUATION_BACKEND": "dask", "EVALUATION_DASK_SCHEDULER": "no place"}},
            "no scheduler answers at 'no place'",
        ),
    ],
)
def test_bad_settings_are_refused(given, says):
    with pytest.raises(InputError, match=says):
        map_draws(noisy(), **({"n_draws": 2, "seed": 1, "environ": LOCAL} | given))


def test_draws_of_different_shape_are_refused():
    with pytest.raises(InputError, match=r"draw 1 gave shape \(1,\)"):
        map_draws(lambda n, _: np.ones(n), 2, seed=1, environ=LOCAL)


def test_the_stream_of_a_draw_does_not_need_those_before_it():
    assert draw_rng(1, 10**9).random() != draw_rng(1, 10**9 + 1).random()
