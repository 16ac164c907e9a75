# SPDX-License-Identifier: BSD-3-Clause
"""The evolving map learns: one sample after the other, in the order given."""

from cython cimport floating

from libc.math cimport exp

from skesom.som._distances cimport nearest_two, present_features
from skesom.som._links cimport (
    BLOCK,
    NOBODY,
    Links,
    connect,
    disconnect,
    find,
    rename,
    set_strength,
    weakest_link,
)

cdef enum:
    FRESH = -1  # strength of a link that has not been given one

links_per_block = BLOCK

cdef struct Map:
    Py_ssize_t n_features
    Py_ssize_t stride
    Py_ssize_t n_nodes
    Py_ssize_t capacity
    double squared_epsilon
    double learning_rate
    double forgetting
    bint link_second
    bint whole_ball


def learn(
    const floating[:, ::1] X,           # IN (n_samples, n_features), NaN = missing
    const Py_ssize_t[::1] order,        # IN the rows to learn, in this order
    network,                            # IN/OUT the arrays of a Network
    *,
    double epsilon,
    double learning_rate,
    double forgetting,
    Py_ssize_t pruning_period,
    Py_ssize_t max_nodes,
    bint link_second,
    bint whole_ball,
):
    """Learn rows until the end or until an array is full.

    Returns
    -------
    n_learned : int
        How many entries of `order` were learned. If it is less than all, the network
        has no room for the next one: no node left up to `max_nodes`, or its arrays
        must grow.
    """
    cdef floating[:, ::1] codebook = network.codebook
    cdef int[::1] first = network.first
    cdef int[::1] target = network.target
    cdef int[::1] following = network.following
    cdef int[::1] preceding = network.preceding
    cdef double[::1] strength = network.strength
    cdef int[::1] weakest = network.weakest
    cdef char[::1] stale = network.stale
    cdef long long[::1] identity = network.identity
    cdef long long next_identity = network.next_identity
    cdef long long n_seen = network.n_seen
    cdef const floating[::1] fill = network.fill
    cdef int[::1] features = network.features
    cdef floating[::1] squared = network.squared
    cdef double[::1] activation = network.activation
    cdef Map state
    cdef Links links
    cdef Py_ssize_t nearest[2]
    cdef Py_ssize_t position, n_present, room
    cdef Py_ssize_t n_order = order.shape[0]
    cdef const floating *sample
    cdef double distance
    cdef bint novel

    state.n_features = X.shape[1]
    state.stride = codebook.shape[1]
    state.n_nodes = network.n_nodes
    state.capacity = min(<Py_ssize_t> first.shape[0], max_nodes)
    state.squared_epsilon = epsilon * epsilon
    state.learning_rate = learning_rate
    state.forgetting = forgetting
    state.link_second = link_second
    state.whole_ball = whole_ball
    links.first = &first[0]
    links.target = &target[0]
    links.following = &following[0]
    links.preceding = &preceding[0]
    links.strength = &strength[0]
    links.weakest = &weakest[0]
    links.stale = &stale[0]
    links.n_links = network.n_links
    links.n_slots = network.n_slots
    links.unused = network.unused

    with nogil:
        for position in range(n_order):
            sample = &X[order[position], 0]
            n_present = present_features(sample, state.n_features, &features[0])
            if n_present == 0:
                continue
            room = state.n_nodes + 2 if whole_ball else 2
            if strength.shape[0] - links.n_slots < room:
                break
            nearest[0] = nearest[1] = NOBODY
            novel = True
            if state.n_nodes > 0:
                nearest_two(
                    sample, &features[0], n_present, &codebook[0, 0], state.stride,
                    state.n_nodes, &squared[0], nearest,
                )
                if n_present < state.n_features:
                    _scale(
                        &squared[0], state.n_nodes,
                        <double> state.n_features / n_present,
                    )
                distance = squared[nearest[0]]
                novel = distance > state.squared_epsilon
            if novel:
                if state.n_nodes == state.capacity:
                    break
                identity[state.n_nodes] = next_identity
                next_identity += 1
                _insert(
                    &state, &links, &codebook[0, 0], &fill[0], sample, nearest,
                    &squared[0],
                )
                nearest[0] = state.n_nodes - 1
            else:
                _link_winner(&state, &links, nearest, &squared[0])
            _adapt(
                &state, &links, &codebook[0, 0], sample, &features[0], n_present,
                nearest[0], &squared[0], &activation[0],
            )
            n_seen += 1
            if pruning_period > 0 and n_seen % pruning_period == 0 and links.n_links:
                _prune(&state, &links, &codebook[0, 0], &identity[0])
        else:
            position = n_order

    network.n_nodes = state.n_nodes
    network.n_links = links.n_links
    network.n_slots = links.n_slots
    network.unused = links.unused
    network.next_identity = next_identity
    network.n_seen = n_seen
    return position


cdef void _scale(floating *squared, Py_ssize_t n_nodes, double factor) noexcept nogil:
    cdef Py_ssize_t node
    for node in range(n_nodes):
        squared[node] = <floating> (squared[node] * factor)


cdef void _insert(
    Map *state,
    Links *links,
    floating *codebook,
    const floating *fill,
    const floating *sample,
    Py_ssize_t *nearest,
    floating *squared,
) noexcept nogil:
    """Append the sample as a node, linked with the nearest two that are there.

    Missing features come from the nearest node, from `fill` if there is none.
    """
    cdef Py_ssize_t feature
    cdef Py_ssize_t node = state.n_nodes
    cdef floating value
    for feature in range(state.n_features):
        value = sample[feature]
        if value != value:
            value = fill[feature]
            if node > 0:
                value = codebook[feature * state.stride + nearest[0]]
        codebook[feature * state.stride + node] = value
    squared[node] = 0
    links.first[node] = NOBODY
    state.n_nodes += 1
    if nearest[0] != NOBODY:
        connect(links, node, nearest[0], FRESH)
    if nearest[1] != NOBODY:
        connect(links, node, nearest[1], FRESH)


cdef void _link_winner(
    Map *state, Links *links, Py_ssize_t *nearest, const floating *squared
) noexcept nogil:
    """Link the winner with its runner-up, or with every node inside epsilon."""
    cdef Py_ssize_t node
    if state.whole_ball:
        for node in range(state.n_nodes):
            if (
                node != nearest[0]
                and squared[node] < state.squared_epsilon
                and find(links, nearest[0], node) == NOBODY
            ):
                connect(links, nearest[0], node, FRESH)
    elif state.link_second and nearest[1] != NOBODY:
        if find(links, nearest[0], nearest[1]) == NOBODY:
            connect(links, nearest[0], nearest[1], FRESH)


cdef void _adapt(
    Map *state,
    Links *links,
    floating *codebook,
    const floating *sample,
    const int *features,
    Py_ssize_t n_present,
    Py_ssize_t winner,
    const floating *squared,
    double *activation,
) noexcept nogil:
    """Move the winner and its neighbours to the sample; renew their links."""
    cdef double factor = -2 / state.squared_epsilon
    cdef double own = _activation(factor, squared[winner])
    cdef double total = own
    cdef double renewed
    cdef Py_ssize_t count = 0
    cdef int half = links.first[winner]
    cdef int node
    while half != NOBODY:
        node = links.target[half]
        if state.whole_ball and not _in_ball(state, links, half, squared[node]):
            activation[count] = -1
        else:
            activation[count] = _activation(factor, squared[node])
            total += activation[count]
        count += 1
        half = links.following[half]

    _move(state, codebook, sample, features, n_present, winner, own / total)
    count = 0
    half = links.first[winner]
    while half != NOBODY:
        if activation[count] >= 0:
            node = links.target[half]
            _move(
                state, codebook, sample, features, n_present, node,
                activation[count] / total,
            )
            if state.whole_ball:
                renewed = min(own, activation[count])
            else:
                renewed = own * activation[count]
                if links.strength[half >> 1] != FRESH:
                    renewed = (
                        state.forgetting * links.strength[half >> 1]
                        + (1 - state.forgetting) * renewed
                    )
            set_strength(links, half, renewed)
        count += 1
        half = links.following[half]


cdef inline double _activation(double factor, double squared) noexcept nogil:
    return exp(factor * squared) if squared > 0 else 1  # -inf * 0 has no value


cdef bint _in_ball(
    Map *state, Links *links, int half, double squared
) noexcept nogil:
    """Whether a linked node takes part: inside epsilon, or tied to a new node."""
    return squared < state.squared_epsilon or links.strength[half >> 1] == FRESH


cdef void _move(
    Map *state,
    floating *codebook,
    const floating *sample,
    const int *features,
    Py_ssize_t n_present,
    Py_ssize_t node,
    double share,
) noexcept nogil:
    cdef floating step = <floating> (state.learning_rate * share)
    cdef floating *weight
    cdef Py_ssize_t k
    for k in range(n_present):
        weight = codebook + features[k] * state.stride + node
        weight[0] += step * (sample[features[k]] - weight[0])


cdef void _prune(
    Map *state, Links *links, floating *codebook, long long *identity
) noexcept nogil:
    """Drop the weakest link, then an end of it that is left without any."""
    cdef int slot = weakest_link(links)
    cdef int low = min(links.target[2 * slot], links.target[2 * slot + 1])
    cdef int high = max(links.target[2 * slot], links.target[2 * slot + 1])
    disconnect(links, slot)
    if links.n_links and links.first[high] == NOBODY:
        _remove(state, links, codebook, identity, high)
    if links.n_links and links.first[low] == NOBODY:
        _remove(state, links, codebook, identity, low)


cdef void _remove(
    Map *state, Links *links, floating *codebook, long long *identity, Py_ssize_t node
) noexcept nogil:
    """Remove a node without links; the last node takes its place."""
    cdef Py_ssize_t last = state.n_nodes - 1
    cdef Py_ssize_t feature
    if node != last:
        for feature in range(state.n_features):
            codebook[feature * state.stride + node] = codebook[
                feature * state.stride + last
            ]
        identity[node] = identity[last]
        rename(links, last, node)
    state.n_nodes = last
