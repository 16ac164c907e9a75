# SPDX-License-Identifier: BSD-3-Clause
"""The evolving map learns: one sample after the other, in the order given.

The algorithm is that of Deng & Kasabov (2003), doi:10.1016/S0925-2312(02)00599-4, whose
equations stand in the notes of `ESOM`. For each sample:

1. find the nearest two nodes. Without any inside epsilon the sample becomes a node, and
   is linked with both;
2. otherwise link the winner with the second, if they are not linked yet (with
   update_set="ball", with every node inside epsilon);
3. measure the members, which are the winner and its neighbors, and turn distances to
   activations; pull each member to the sample by its share; renew the strengths of the
   winner's links;
4. every so many samples drop the weakest link, and a node that is left without any.

Each step depends on the one before, so that rows cannot share threads. Time is saved by
what does not change the order: rows are gathered AHEAD at a time, since they are far
apart in memory; scores rule most nodes out (_search.h), and plain sums decide among the
others; where nodes are many, the scores of the next row are found in the same pass over
the codebook, and those of the nodes that have moved since are renewed. Every way gives
the same winner.

Nodes are kept twice where features are many: feature-major for the search, and node by
node for the few that learn (_members.h).
"""

from cython cimport floating

from libc.float cimport DBL_MAX, FLT_MAX

from skesom.som._links cimport (
    BLOCK,
    NOBODY,
    Links,
    connect,
    disconnect,
    find,
    forget_weak_links,
    growth,
    remember,
    rename,
    weakest_link,
)
from skesom.som._vectors cimport (
    MOST_PATIENCE,
    PREFETCH,
    SQUARES,
    Vectors,
    exponential,
    keep_patience,
    present_features,
    vectors_for,
)

cdef enum:
    FRESH = -1  # strength of a link that has not been given one
    AHEAD = 64  # rows that are gathered together
    # Beyond the nearest cache: they are read once for two rows (docs/kernels.md,
    # "Tried").
    NODES_FOR_TWO = 800

links_per_block = BLOCK
rows_at_once = AHEAD

cdef struct Map:
    const Vectors *vectors
    Py_ssize_t n_features
    Py_ssize_t stride
    Py_ssize_t row_length
    Py_ssize_t n_nodes
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
    const long long[::1] classes=None,  # IN (n_samples,), None = no row has a class
):
    """Learn rows until the end or until an array is full.

    With `classes` a row whose nearest node is of another class is novel too.

    Returns
    -------
    n_learned : int
        How many entries of `order` were learned. If it is less than all, the network
        has no room for the next one: no node left up to `max_nodes`, or its arrays
        must grow.
    """
    cdef floating[:, ::1] codebook = network.codebook
    cdef floating[:, ::1] rows = network.rows
    cdef int[::1] begin = network.begin
    cdef int[::1] degree = network.degree
    cdef int[::1] room = network.room
    cdef int[::1] target = network.target
    cdef int[::1] slot = network.slot
    cdef int[::1] ends = network.ends
    cdef double[::1] strength = network.strength
    cdef long long[::1] identity = network.identity
    cdef long long[::1] node_class = network.node_class
    cdef long long next_identity = network.next_identity
    cdef long long n_seen = network.n_seen
    cdef const floating[::1] fill = network.fill
    cdef int[::1] features = network.features
    cdef floating[:, ::1] samples = network.samples
    cdef floating[::1] squared = network.squared
    cdef int[::1] members = network.members
    cdef int[::1] slots = network.slots
    cdef floating[::1] member_squared = network.member_squared
    cdef floating[::1] activation = network.activation
    cdef int[::1] newcomers = network.newcomers
    cdef Py_ssize_t capacity = min(<Py_ssize_t> begin.shape[0], max_nodes)
    cdef Map state
    cdef Links links
    cdef Py_ssize_t nearest[2]
    cdef floating nearest_squared
    cdef int patience = MOST_PATIENCE
    cdef bint complete, measured, scored
    cdef Py_ssize_t position, winner, n_present, n_new, k
    cdef Py_ssize_t n_members = 0  # of the row before, where the next one is searched
    cdef Py_ssize_t n_order = order.shape[0]
    cdef const floating *sample
    cdef const floating *next_sample = NULL  # whose scores are known
    cdef floating *scores
    cdef bint novel
    cdef bint by_class = classes is not None

    state.vectors = vectors_for(sizeof(floating))
    state.n_features = X.shape[1]
    state.stride = codebook.shape[1]
    state.row_length = network.row_length
    state.n_nodes = network.n_nodes
    state.squared_epsilon = epsilon * epsilon
    state.learning_rate = learning_rate
    state.forgetting = forgetting
    state.link_second = link_second
    state.whole_ball = whole_ball
    links.begin = &begin[0]
    links.degree = &degree[0]
    links.room = &room[0]
    links.target = &target[0]
    links.slot = &slot[0]
    links.pool_used = network.pool_used
    links.pool_size = target.shape[0]
    links.ends = &ends[0]
    links.strength = &strength[0]
    links.n_links = network.n_links
    links.n_slots = network.n_slots
    links.size = strength.shape[0]
    links.unused = network.unused
    forget_weak_links(&links)

    with nogil:
        for position in range(n_order):
            if position % AHEAD == 0:
                _gather(
                    X, &order[position], min(n_order - position, <Py_ssize_t> AHEAD),
                    samples,
                )
            sample = &samples[position % AHEAD, 0]
            n_present = present_features(sample, state.n_features, &features[0])
            complete = n_present == state.n_features
            if n_present == 0:
                next_sample = NULL
                continue
            nearest[0] = nearest[1] = NOBODY
            measured = True  # whether the distances to all nodes are known
            novel = True
            if state.n_nodes > 0:
                if (
                    complete
                    and patience >= 0
                    and not whole_ball
                    and state.n_nodes > 1
                    and state.vectors.screen_one != NULL
                ):
                    scored = next_sample != NULL
                    next_sample = NULL
                    if scored:  # but for the nodes that have moved since
                        scores = &squared[state.stride]
                        state.vectors.measure_members(
                            sample, n_present, &rows[0, 0], state.row_length,
                            &codebook[0, 0], state.stride, &members[0], n_members,
                            &member_squared[0],
                        )
                        state.vectors.renew_scores(
                            sample, n_present, &members[0], n_members,
                            &member_squared[0], scores,
                        )
                    else:
                        scores = &squared[0]
                        if state.n_nodes >= NODES_FOR_TWO and (
                            (position + 1) % AHEAD != 0 and position + 1 < n_order
                        ):
                            next_sample = &samples[(position + 1) % AHEAD, 0]
                    measured = not state.vectors.screen_one(
                        sample, next_sample, scored, n_present, &codebook[0, 0],
                        state.stride, state.n_nodes, state.squared_epsilon, scores,
                        nearest, &nearest_squared,
                    )
                    patience = keep_patience(patience, not measured)
                else:
                    next_sample = NULL
                    measured = True
                    patience = min(patience + 1, MOST_PATIENCE)
                if measured:
                    _measure_all(
                        &state, &codebook[0, 0], sample, &features[0], n_present,
                        &squared[0], nearest,
                    )
                    nearest_squared = squared[nearest[0]]
                novel = nearest_squared > state.squared_epsilon
                if by_class and node_class[nearest[0]] != classes[order[position]]:
                    novel = True
            if novel and state.n_nodes == capacity:
                break
            winner = state.n_nodes if novel else nearest[0]
            if novel:
                degree[winner] = room[winner] = 0
            n_new = _new_neighbors(
                &state, &links, novel, nearest, &squared[0], &newcomers[0]
            )
            if not _fits(&links, winner, &newcomers[0], n_new):
                break
            if novel:
                next_sample = NULL
                _insert(
                    &state, &codebook[0, 0], &rows[0, 0], &fill[0], sample, nearest[0],
                    &squared[0],
                )
                identity[winner] = next_identity
                node_class[winner] = classes[order[position]] if by_class else 0
                next_identity += 1
            for k in range(n_new):
                connect(&links, winner, newcomers[k], FRESH)
            n_members = _gather_members(
                &state, &links, winner, &squared[0], &members[0], &slots[0]
            )
            if not complete:
                for k in range(n_members):
                    member_squared[k] = squared[members[k]]
            else:
                state.vectors.measure_members(
                    sample, n_present, &rows[0, 0], state.row_length, &codebook[0, 0],
                    state.stride, &members[0], n_members, &member_squared[0],
                )
            _adapt(
                &state, &links, &codebook[0, 0], &rows[0, 0], sample, &features[0],
                n_present, &members[0], &slots[0], n_members, &member_squared[0],
                &activation[0],
            )
            n_seen += 1
            if pruning_period > 0 and n_seen % pruning_period == 0 and links.n_links:
                _prune(
                    &state, &links, &codebook[0, 0], &rows[0, 0], &identity[0],
                    &node_class[0],
                )
                next_sample = NULL
        else:
            position = n_order

    network.n_nodes = state.n_nodes
    network.pool_used = links.pool_used
    network.n_links = links.n_links
    network.n_slots = links.n_slots
    network.unused = links.unused
    network.next_identity = next_identity
    network.n_seen = n_seen
    return position


cdef void _gather(
    const floating[:, ::1] X, const Py_ssize_t *order, Py_ssize_t n,
    floating[:, ::1] samples
) noexcept nogil:
    """Copy rows that are far apart; zeros stay behind each of them."""
    cdef Py_ssize_t row, feature
    cdef Py_ssize_t n_features = X.shape[1]
    for row in range(n):  # many wait for memory at the same time
        PREFETCH(&X[order[row], 0])
        PREFETCH(&X[order[row], n_features - 1])
    for row in range(n):
        for feature in range(n_features):
            samples[row, feature] = X[order[row], feature]


cdef void _measure_all(
    Map *state,
    const floating *codebook,
    const floating *sample,
    const int *features,
    Py_ssize_t n_present,
    floating *squared,
    Py_ssize_t *nearest,
) noexcept nogil:
    """Measure the distances to all nodes; over missing features they are scaled up."""
    cdef Py_ssize_t node
    cdef double factor = <double> state.n_features / n_present
    state.vectors.nearest_two(
        SQUARES, sample, NULL, features, n_present, codebook, state.stride,
        state.n_nodes, squared, nearest,
    )
    if n_present < state.n_features:
        for node in range(state.n_nodes):
            squared[node] = <floating> (squared[node] * factor)


cdef Py_ssize_t _new_neighbors(
    Map *state,
    Links *links,
    bint novel,
    const Py_ssize_t *nearest,
    const floating *squared,
    int *newcomers,
) noexcept nogil:
    """List the nodes that the winner will be linked with, and return how many.

    A new node gets the nearest two, another winner its runner-up, or every node
    inside epsilon, as far as they are not linked yet.
    """
    cdef Py_ssize_t n_new = 0
    cdef int node
    if novel or not state.whole_ball:
        for node in range(2):
            if nearest[node] != NOBODY and (
                novel
                or (
                    node == 1
                    and state.link_second
                    and find(links, nearest[0], nearest[1]) == NOBODY
                )
            ):
                newcomers[n_new] = <int> nearest[node]
                n_new += 1
        return n_new
    for node in range(<int> state.n_nodes):
        if (
            node != nearest[0]
            and squared[node] < state.squared_epsilon
            and find(links, nearest[0], node) == NOBODY
        ):
            newcomers[n_new] = node
            n_new += 1
    return n_new


cdef bint _fits(
    Links *links, Py_ssize_t winner, const int *newcomers, Py_ssize_t n_new
) noexcept nogil:
    """Whether slots and pool have room for the new links of the winner."""
    cdef Py_ssize_t needed = 0
    cdef Py_ssize_t k
    if n_new == 0:
        return True
    for k in range(n_new):
        needed += growth(links, newcomers[k], 1)
    # The list of the winner may move several times on its way to its final length.
    needed += 2 * growth(links, winner, n_new)
    return (
        links.n_slots + n_new <= links.size
        and links.pool_used + needed <= links.pool_size
    )


cdef void _insert(
    Map *state,
    floating *codebook,
    floating *rows,
    const floating *fill,
    const floating *sample,
    Py_ssize_t nearest,
    floating *squared,
) noexcept nogil:
    """Append the sample as a node.

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
                value = codebook[feature * state.stride + nearest]
        codebook[feature * state.stride + node] = value
        if state.row_length > 0:
            rows[node * state.row_length + feature] = value
    _renew_square(state, codebook, node)
    squared[node] = 0
    state.n_nodes += 1


cdef void _renew_square(
    Map *state, floating *codebook, Py_ssize_t node
) noexcept nogil:
    """Set half the squared length of a node that has moved."""
    cdef double square = 0
    cdef double weight
    cdef Py_ssize_t feature
    for feature in range(state.n_features):
        weight = codebook[feature * state.stride + node]
        square += weight * weight
    codebook[state.n_features * state.stride + node] = <floating> (square / 2)


cdef void _adapt(
    Map *state,
    Links *links,
    floating *codebook,
    floating *rows,
    const floating *sample,
    const int *features,
    Py_ssize_t n_present,
    const int *members,
    const int *slots,
    Py_ssize_t n_members,
    const floating *member_squared,
    floating *activation,
) noexcept nogil:
    """Move the winner and its neighbors to the sample; renew their links.

    Activations are added up over the members in their order, oldest link first, in the
    sixteen sums of `activate`: so the order of the list is part of the result.
    """
    cdef double factor = -2 / state.squared_epsilon
    cdef double total = state.vectors.activate(
        member_squared, n_members, factor, activation
    )
    cdef double step = state.learning_rate / total
    cdef double own = activation[0]
    # The compiler cannot know that these stay the same while a link is renewed.
    cdef double forgetting = state.forgetting
    cdef bint whole_ball = state.whole_ball
    cdef double *strength = links.strength
    cdef double renewed, reached
    cdef unsigned int slot
    cdef Py_ssize_t k
    for k in range(1, n_members):  # far apart in memory, and needed after the pull
        PREFETCH(strength + slots[k])
    if n_present == state.n_features:
        state.vectors.pull_members(
            sample, n_present, rows, state.row_length, codebook, state.stride, members,
            n_members, step, activation,
        )
    else:
        _pull_partly(
            state, codebook, rows, sample, features, n_present, members, n_members,
            step, activation,
        )
    for k in range(1, n_members):
        slot = slots[k]
        reached = activation[k]
        if reached == 0:  # single precision has lost what the weakest links differ by
            reached = exponential(factor * member_squared[k])
        if whole_ball:
            renewed = min(own, reached)
        else:
            renewed = own * reached
            if strength[slot] != FRESH:
                renewed = forgetting * strength[slot] + (1 - forgetting) * renewed
        if renewed < links.bound:
            remember(links, slot, strength[slot])
        strength[slot] = renewed


cdef Py_ssize_t _gather_members(
    Map *state,
    Links *links,
    Py_ssize_t winner,
    const floating *squared,
    int *members,
    int *slots,
) noexcept nogil:
    """List the nodes that learn: the winner, then its neighbors, oldest link first.

    Of the whole ball only neighbors inside epsilon, or tied to a new node, take part.
    """
    cdef Py_ssize_t n_members = 1
    cdef Py_ssize_t place = links.begin[winner]
    members[0] = <int> winner
    for place in range(place, place + links.degree[winner]):
        members[n_members] = links.target[place]
        slots[n_members] = links.slot[place]
        n_members += not state.whole_ball or (
            squared[links.target[place]] < state.squared_epsilon
            or links.strength[links.slot[place]] == FRESH
        )
    return n_members


cdef void _pull_partly(
    Map *state,
    floating *codebook,
    floating *rows,
    const floating *sample,
    const int *features,
    Py_ssize_t n_present,
    const int *members,
    Py_ssize_t n_members,
    double step,
    const floating *activation,
) noexcept nogil:
    """Pull the members to a sample in the features that are present."""
    cdef floating factor = <floating> step
    cdef floating share
    cdef floating *weight
    cdef Py_ssize_t k, f
    for k in range(n_members):
        share = activation[k] * factor
        for f in range(n_present):
            weight = codebook + features[f] * state.stride + members[k]
            weight[0] += share * (sample[features[f]] - weight[0])
            if state.row_length > 0:
                rows[members[k] * state.row_length + features[f]] = weight[0]
        _renew_square(state, codebook, members[k])


cdef void _prune(
    Map *state,
    Links *links,
    floating *codebook,
    floating *rows,
    long long *identity,
    long long *node_class,
) noexcept nogil:
    """Drop the weakest link, then an end of it that is left without any."""
    cdef Py_ssize_t slot = weakest_link(links)
    cdef int low, high
    if slot == NOBODY:
        return
    low = min(links.ends[2 * slot], links.ends[2 * slot + 1])
    high = max(links.ends[2 * slot], links.ends[2 * slot + 1])
    disconnect(links, slot)
    if links.n_links and links.degree[high] == 0:
        _remove(state, links, codebook, rows, identity, node_class, high)
    if links.n_links and links.degree[low] == 0:
        _remove(state, links, codebook, rows, identity, node_class, low)


cdef void _remove(
    Map *state,
    Links *links,
    floating *codebook,
    floating *rows,
    long long *identity,
    long long *node_class,
    Py_ssize_t node,
) noexcept nogil:
    """Remove a node without links; the last node takes its place."""
    cdef Py_ssize_t last = state.n_nodes - 1
    cdef Py_ssize_t feature
    if node != last:
        for feature in range(state.n_features + 1):
            codebook[feature * state.stride + node] = codebook[
                feature * state.stride + last
            ]
        for feature in range(state.row_length):
            rows[node * state.row_length + feature] = rows[
                last * state.row_length + feature
            ]
        identity[node] = identity[last]
        node_class[node] = node_class[last]
        rename(links, last, node)
    codebook[state.n_features * state.stride + last] = (
        <floating> (FLT_MAX if floating is float else DBL_MAX)
    )
    state.n_nodes = last
