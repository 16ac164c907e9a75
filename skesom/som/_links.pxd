# SPDX-License-Identifier: BSD-3-Clause
"""The links between evolving nodes: neighbors of a node, and the weakest link.

A link occupies a slot. Each node has a list of its neighbors and of the slots that
lead to them, oldest first, contiguous in a pool; a list that is full moves to the end
of the pool with twice the room.

The weakest links are remembered, with those that have become as weak since, so that
not all must be looked at whenever the weakest one is wanted. That is exact: every link
below `bound` is in the list `weak`, as a link gets there only by being renewed. The
list is given up where it overflows, and made anew from all links when none of it is
below the bound any more.
"""

from libc.math cimport INFINITY

cdef enum:
    BLOCK = 64  # slots that are looked at together
    NOBODY = -1
    FIRST_ROOM = 8
    WEAKEST = 32  # links that are remembered when all are looked at
    MOST_WEAK = 128  # that can be remembered

cdef struct Links:
    # (node) where its list begins, its length, and its room
    int *begin
    int *degree
    int *room
    # (place in the pool) neighbor, and the slot of the link to it
    int *target
    int *slot
    Py_ssize_t pool_used
    Py_ssize_t pool_size
    # (2 * slot) and (2 * slot + 1): its two nodes, NOBODY in an unused slot, where the
    # second number is the next unused slot
    int *ends
    double *strength     # (slot), infinite in an unused one
    Py_ssize_t n_links
    Py_ssize_t n_slots   # slots ever used
    Py_ssize_t size      # slots there are
    Py_ssize_t unused    # first of the given-up slots, NOBODY without any
    # Slots, among them those of all links weaker than the bound
    int[MOST_WEAK] weak
    int n_weak
    double bound


cdef inline int find(Links *links, Py_ssize_t node, Py_ssize_t other) noexcept nogil:
    """Return the place of `other` in the list of `node`, NOBODY without a link."""
    cdef int place
    for place in range(links.begin[node], links.begin[node] + links.degree[node]):
        if links.target[place] == other:
            return place
    return NOBODY


cdef inline Py_ssize_t growth(
    Links *links, Py_ssize_t node, Py_ssize_t more
) noexcept nogil:
    """Return how much of the pool `more` new neighbors of a node take."""
    cdef Py_ssize_t room = max(links.room[node], <int> FIRST_ROOM)
    if links.degree[node] + more <= links.room[node]:
        return 0
    while room < links.degree[node] + more:
        room *= 2
    return room


cdef inline void reserve(
    Links *links, Py_ssize_t node, Py_ssize_t more
) noexcept nogil:
    """Make room for `more` neighbors; the pool must have what `growth` says."""
    cdef Py_ssize_t room = growth(links, node, more)
    cdef Py_ssize_t k
    if room == 0:
        return
    for k in range(links.degree[node]):
        links.target[links.pool_used + k] = links.target[links.begin[node] + k]
        links.slot[links.pool_used + k] = links.slot[links.begin[node] + k]
    links.begin[node] = <int> links.pool_used
    links.room[node] = <int> room
    links.pool_used += room


cdef inline void append_neighbor(
    Links *links, Py_ssize_t node, Py_ssize_t other, Py_ssize_t slot
) noexcept nogil:
    cdef int place
    reserve(links, node, 1)
    place = links.begin[node] + links.degree[node]
    links.target[place] = <int> other
    links.slot[place] = <int> slot
    links.degree[node] += 1


cdef inline void forget_neighbor(
    Links *links, Py_ssize_t node, Py_ssize_t other
) noexcept nogil:
    """Take `other` out of the list of `node`; the order of the rest stays."""
    cdef int place = find(links, node, other)
    links.degree[node] -= 1
    for place in range(place, links.begin[node] + links.degree[node]):
        links.target[place] = links.target[place + 1]
        links.slot[place] = links.slot[place + 1]


cdef inline void connect(
    Links *links, Py_ssize_t node, Py_ssize_t other, double strength
) noexcept nogil:
    """Link two nodes."""
    cdef Py_ssize_t slot = links.unused
    if slot != NOBODY:
        links.unused = links.ends[2 * slot + 1]
    else:
        slot = links.n_slots
        links.n_slots += 1
    links.n_links += 1
    links.ends[2 * slot] = <int> node
    links.ends[2 * slot + 1] = <int> other
    append_neighbor(links, node, other, slot)
    append_neighbor(links, other, node, slot)
    links.strength[slot] = strength


cdef inline void disconnect(Links *links, Py_ssize_t slot) noexcept nogil:
    """Give up the link in `slot`."""
    forget_neighbor(links, links.ends[2 * slot], links.ends[2 * slot + 1])
    forget_neighbor(links, links.ends[2 * slot + 1], links.ends[2 * slot])
    links.strength[slot] = INFINITY
    links.ends[2 * slot] = NOBODY
    links.ends[2 * slot + 1] = <int> links.unused
    links.unused = slot
    links.n_links -= 1


cdef inline void rename(Links *links, Py_ssize_t node, Py_ssize_t new) noexcept nogil:
    """Let the links of `node` belong to the node number `new`."""
    cdef Py_ssize_t place, slot
    links.begin[new] = links.begin[node]
    links.degree[new] = links.degree[node]
    links.room[new] = links.room[node]
    for place in range(links.begin[new], links.begin[new] + links.degree[new]):
        slot = links.slot[place]
        links.ends[2 * slot + (links.ends[2 * slot + 1] == node)] = <int> new
        links.target[find(links, links.target[place], node)] = <int> new


cdef inline void remember(Links *links, Py_ssize_t slot, double before) noexcept nogil:
    """Remember a link that has become weaker than the bound, and was not before."""
    if 0 <= before < links.bound:
        return
    if links.n_weak < MOST_WEAK:
        links.weak[links.n_weak] = <int> slot
        links.n_weak += 1
    else:
        forget_weak_links(links)


cdef inline void forget_weak_links(Links *links) noexcept nogil:
    links.n_weak = 0
    links.bound = -INFINITY


cdef inline Py_ssize_t weakest_link(Links *links) noexcept nogil:
    """Return the slot of the weakest link; ties go to the lowest pair of nodes.

    NOBODY if no strength is a number, as when the squares of the data overflow.
    """
    cdef Py_ssize_t found = NOBODY
    cdef int slot, k
    for k in range(links.n_weak):
        slot = links.weak[k]
        if links.strength[slot] < links.bound:  # and not infinite, as if unused
            if found == NOBODY or weaker(links, slot, found):
                found = slot
    if found == NOBODY:
        look_for_weak_links(links)
        if links.n_weak > 0:
            found = links.weak[0]
    return found


cdef inline void look_for_weak_links(Links *links) noexcept nogil:
    """Remember the weakest of all links in their order."""
    cdef Py_ssize_t n_blocks = (links.n_slots + BLOCK - 1) // BLOCK
    cdef Py_ssize_t block, slot, place
    cdef int n = 0
    for block in range(n_blocks):
        if n == WEAKEST and (
            smallest_of_block(links.strength + block * BLOCK)
            > links.strength[links.weak[WEAKEST - 1]]
        ):
            continue
        for slot in range(block * BLOCK, (block + 1) * BLOCK):
            if links.ends[2 * slot] == NOBODY or not links.strength[slot] <= INFINITY:
                continue
            if n == WEAKEST and not weaker(links, slot, links.weak[WEAKEST - 1]):
                continue
            place = min(n, <int> WEAKEST - 1)
            n = <int> place + 1
            while place > 0 and weaker(links, slot, links.weak[place - 1]):
                links.weak[place] = links.weak[place - 1]
                place -= 1
            links.weak[place] = <int> slot
    links.n_weak = n
    links.bound = INFINITY if n < WEAKEST else links.strength[links.weak[n - 1]]


cdef inline double smallest_of_block(const double *strength) noexcept nogil:
    """Return the smallest of a block of strengths, in eight lanes for vector code."""
    cdef double[8] least
    cdef Py_ssize_t first, lane
    for lane in range(8):
        least[lane] = INFINITY  # NaN is passed over
    for first in range(0, BLOCK, 8):
        for lane in range(8):
            least[lane] = min(least[lane], strength[first + lane])
    for lane in range(1, 8):
        least[0] = min(least[0], least[lane])
    return least[0]


cdef inline bint weaker(Links *links, Py_ssize_t slot, Py_ssize_t other) noexcept nogil:
    """Whether a link is weaker than another, or as weak and its nodes come before."""
    cdef int low, high, other_low, other_high
    if links.strength[slot] != links.strength[other]:
        return links.strength[slot] < links.strength[other]
    low = min(links.ends[2 * slot], links.ends[2 * slot + 1])
    high = max(links.ends[2 * slot], links.ends[2 * slot + 1])
    other_low = min(links.ends[2 * other], links.ends[2 * other + 1])
    other_high = max(links.ends[2 * other], links.ends[2 * other + 1])
    return low < other_low or (low == other_low and high < other_high)
