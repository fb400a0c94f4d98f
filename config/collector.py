"""Python's collector of cycles, for processes that live long and make many objects and few cycles."""

import gc

COLLECT_AFTER = 20_000


def spare() -> None:
    """Have Python look for cycles seldom, and never among what is there by now and stays for good.

    A part of links makes tens of thousands of objects and no cycle; looking through all that waits for each of its 500
    links, every 700 objects, took a fifth of the time of a check.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
