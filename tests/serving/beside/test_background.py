"""Work beside the requests is bounded, counted, and never waited for."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

from serving.beside.background import Background
from serving.status import Counters
from tfrs_mtl.errors import StoreError


def test_what_finds_no_room_is_dropped_and_counted_and_the_rest_is_done_in_order() -> None:
    going, done, counters = Event(), list[int](), Counters()
    begun = Event()

    def work(batch: Sequence[int]) -> None:
        begun.set()
        going.wait(5)
        done.extend(batch)

    background = Background("test", work, counters, room=3)
    background.offer(0)
    assert begun.wait(5)
    for number in range(1, 7):
        background.offer(number)
    going.set()
    background.close()
    assert done == [0, 1, 2, 3]
    assert counters.snapshot() == {"test_dropped": 3}


def test_what_fails_is_counted_and_the_thread_goes_on() -> None:
    done, counters = list[int](), Counters()
    failed = Event()

    def work(batch: Sequence[int]) -> None:
        if batch[0] < 2:
            failed.set()
            raise (StoreError("down") if batch[0] else ValueError("not ours"))
        done.extend(batch)

    background = Background("test", work, counters, room=3)
    for number in range(3):
        failed.clear()
        background.offer(number)
        assert number == 2 or failed.wait(5)
    background.close()
    assert done == [2]
    assert counters.snapshot() == {"test_failures": 2}


def test_nothing_is_taken_after_the_end() -> None:
    done, counters = list[int](), Counters()
    background = Background("test", done.extend, counters, room=3)
    background.close()
    background.offer(1)
    assert done == []
    assert counters.snapshot() == {"test_dropped": 1}
