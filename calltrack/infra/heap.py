"""Keeps full garbage collections short: what a process loaded at its start is not looked through again.

Python's cyclic collector walks every object that lives when its oldest generation is due. With this product
loaded those are some 300,000, and a request that meets it waits 200 ms. `gc.freeze` moves what is there to a
generation that is never walked (Python's documentation, module `gc`).
"""

import gc


def settle() -> None:
    """Drop what is garbage now and leave the rest out of later collections; for when much was loaded to stay.

    What becomes garbage in a circle after that stays for ever: not for what is made again and again.
    """
    gc.collect()
    gc.freeze()
