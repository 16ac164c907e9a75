# SPDX-License-Identifier: BSD-3-Clause
"""The links between evolving nodes: neighbours of a node, and the weakest link.

A link occupies a slot. Its two halves, ``2 * slot`` and ``2 * slot + 1``, stand in the
lists of its two nodes; the other half of ``half`` is ``half ^ 1``. Slots come in blocks
that remember their weakest link, so finding the weakest of all looks only into the
blocks that changed since the last time.
"""

cdef enum:
    BLOCK = 64
    NOBODY = -1

cdef struct Links:
    int *first           # (node) its first half, NOBODY without links
    int *target          # (half) the node that it leads to, NOBODY in an unused slot
    int *following       # (half) the next half of the same node
    int *preceding       # (half) the one before
    double *strength     # (slot)
    int *weakest         # (block) slot of its weakest link, NOBODY if empty
    char *stale          # (block) whether `weakest` must be looked up again
    Py_ssize_t n_links
    Py_ssize_t n_slots   # slots ever used
    Py_ssize_t unused    # chain of given-up slots through following[2 * slot]


cdef inline int find(Links *links, Py_ssize_t node, Py_ssize_t other) noexcept nogil:
    """Return the half of `node` that leads to `other`, NOBODY without such a link."""
    cdef int half = links.first[node]
    while half != NOBODY and links.target[half] != other:
        half = links.following[half]
    return half


cdef inline void attach(
    Links *links, int half, Py_ssize_t node, Py_ssize_t other
) noexcept nogil:
    """Put `half`, which leads to `other`, in front of the list of `node`."""
    links.target[half] = <int> other
    links.preceding[half] = NOBODY
    links.following[half] = links.first[node]
    if links.first[node] != NOBODY:
        links.preceding[links.first[node]] = half
    links.first[node] = half


cdef inline void detach(Links *links, int half) noexcept nogil:
    """Take `half` out of the list of its node."""
    cdef int before = links.preceding[half]
    cdef int after = links.following[half]
    if before != NOBODY:
        links.following[before] = after
    else:
        links.first[links.target[half ^ 1]] = after
    if after != NOBODY:
        links.preceding[after] = before


cdef inline void set_strength(Links *links, int half, double strength) noexcept nogil:
    links.strength[half >> 1] = strength
    links.stale[(half >> 1) // BLOCK] = True


cdef inline int connect(
    Links *links, Py_ssize_t node, Py_ssize_t other, double strength
) noexcept nogil:
    """Link two nodes and return the half that belongs to `node`."""
    cdef int half
    if links.unused != NOBODY:
        half = <int> (2 * links.unused)
        links.unused = links.following[half]
    else:
        half = <int> (2 * links.n_slots)
        links.n_slots += 1
    links.n_links += 1
    attach(links, half, node, other)
    attach(links, half + 1, other, node)
    set_strength(links, half, strength)
    return half


cdef inline void disconnect(Links *links, int slot) noexcept nogil:
    """Give up the link in `slot`."""
    detach(links, 2 * slot)
    detach(links, 2 * slot + 1)
    links.target[2 * slot] = links.target[2 * slot + 1] = NOBODY
    links.following[2 * slot] = <int> links.unused
    links.unused = slot
    links.n_links -= 1
    links.stale[slot // BLOCK] = True


cdef inline void rename(Links *links, Py_ssize_t node, Py_ssize_t new) noexcept nogil:
    """Let the links of `node` belong to the node number `new`."""
    cdef int half = links.first[node]
    links.first[new] = half
    links.first[node] = NOBODY
    while half != NOBODY:
        links.target[half ^ 1] = <int> new
        links.stale[(half >> 1) // BLOCK] = True  # ties are broken by node numbers
        half = links.following[half]


cdef inline bint weaker(Links *links, int slot, int other) noexcept nogil:
    """Whether the link in `slot` is dropped before the one in `other`."""
    cdef int low, high, other_low, other_high
    if links.strength[slot] != links.strength[other]:
        return links.strength[slot] < links.strength[other]
    low = min(links.target[2 * slot], links.target[2 * slot + 1])
    high = max(links.target[2 * slot], links.target[2 * slot + 1])
    other_low = min(links.target[2 * other], links.target[2 * other + 1])
    other_high = max(links.target[2 * other], links.target[2 * other + 1])
    return low < other_low or (low == other_low and high < other_high)


cdef inline int weakest_link(Links *links) noexcept nogil:
    """Return the slot of the weakest link; ties go to the lowest pair of nodes."""
    cdef Py_ssize_t block, end
    cdef int slot, found = NOBODY
    for block in range((links.n_slots + BLOCK - 1) // BLOCK):
        if links.stale[block]:
            links.weakest[block] = NOBODY
            end = min((block + 1) * BLOCK, links.n_slots)
            for slot in range(<int> (block * BLOCK), <int> end):
                if links.target[2 * slot] != NOBODY and (
                    links.weakest[block] == NOBODY
                    or weaker(links, slot, links.weakest[block])
                ):
                    links.weakest[block] = slot
            links.stale[block] = False
        slot = links.weakest[block]
        if slot != NOBODY and (found == NOBODY or weaker(links, slot, found)):
            found = slot
    return found
