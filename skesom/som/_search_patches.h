/* SPDX-License-Identifier: BSD-3-Clause */
/* Included by _vectors_typed.h: searches that leave most units out.

   Patches are groups of up to PATCH units that lie close together. A unit of a patch with
   center c and radius r is at least |x - c| - r from a sample x, so that patches for which
   this exceeds the distance to a unit already seen hold no nearer one (the ball tree of
   Omohundro 1989, "Five balltree construction algorithms", with two levels). Bounds and
   scores allow for rounding as those of `decide` do: what passes is measured plainly, so
   the result is that of a search of all units.

   Samples of many features differ from all units by more than units from each other, and
   in other directions. So the squared bound is a sum of two: that along a few axes, which
   units spread along most, and that across them, each by its own radius. It is never less
   than the bound of the whole.

   A patch is stored feature by feature, PATCH units side by side, and the half squared
   lengths behind: patches[(patch * (n_features + 1) + feature) * PATCH + lane]. The
   centers come first, stored as patches are.

   The steps for SCREENED samples, in the order of the functions below:
   1. bound_patches: scores with all centers; from them the least squared distance that a
      unit of each patch can have, and the patch of the nearest center;
   2. search_first: scores with the units of that patch, which bound the distance to the
      nearest unit from above (`reach`);
   3. list_pairs: the patches of each sample whose bound is within its reach. All others
      are skipped: no unit of theirs can be the nearest, nor tie with it;
   4. search_pairs: scores with the units of those patches;
   5. decide_in_patches: the candidates by these scores, measured by plain sums.
   Samples are independent of each other; only the order of the work mixes them. */

/* Scores of a few samples, each with the units of a patch of its own.

   Loops: blocks of 64 features, features, samples, vectors of a patch. ABREAST samples
   are scored side by side, so that their sums do not wait for each other. Where all have
   the same patch, it is loaded once; that one_patch is a constant lets the compiler see
   it. Blocks are added as in `score`, whose bound of errors holds. */
INLINE void NAME(score_patches)(
    const int one_patch, const REAL *const *samples, ptrdiff_t n_features,
    const REAL *const *patches, VECTOR (*restrict scores)[PARTS])
{
    VECTOR sums[ABREAST][PARTS];
    for (int k = 0; k < ABREAST; k++)
        for (int part = 0; part < PARTS; part++)
            sums[k][part] = LOAD(patches[k] + n_features * PATCH + part * LANES);
    for (ptrdiff_t first = 0; first < n_features; first += FEATURES_AT_A_TIME) {
        if (first > 0)
            for (int k = 0; k < ABREAST; k++)
                for (int part = 0; part < PARTS; part++) {
                    scores[k][part] = sums[k][part];
                    sums[k][part] = FILL(0);
                }
        for (ptrdiff_t feature = first; feature < BLOCK_END(first, n_features); feature++)
            for (int k = 0; k < ABREAST; k++) {
                const VECTOR value = FILL(samples[k][feature]);
                const REAL *weights = patches[one_patch ? 0 : k] + feature * PATCH;
                for (int part = 0; part < PARTS; part++)
                    sums[k][part] = LESS_PRODUCT(
                        sums[k][part], LOAD(weights + part * LANES), value);
            }
        if (first > 0)
            for (int k = 0; k < ABREAST; k++)
                for (int part = 0; part < PARTS; part++)
                    sums[k][part] += scores[k][part];
    }
    for (int k = 0; k < ABREAST; k++)
        for (int part = 0; part < PARTS; part++)
            scores[k][part] = sums[k][part];
}

/* Bits of the lanes of a patch that are at most a limit. */
INLINE unsigned NAME(at_most)(const VECTOR *values, REAL limit)
{
    unsigned found = 0;
    for (int part = 0; part < PARTS; part++)
        found |= NAME(lanes_at_most)(values[part], limit) << part * LANES;
    return found;
}

/* Keep the smallest scores of each lane, and the second smallest if they are wanted. */
INLINE void NAME(keep_least)(
    int n_nearest, const VECTOR *scores, VECTOR *least, VECTOR *second)
{
    for (int part = 0; part < PARTS; part++) {
        if (n_nearest == 2)
            *second = SMALLER(*second, LARGER(scores[part], *least));
        *least = SMALLER(scores[part], *least);
    }
}

/* What is known of some samples while their nearest units are searched for. */
typedef struct {
    const REAL *samples[SCREENED + 3];
    REAL square[SCREENED + 3]; /* of the length */
    REAL limit[SCREENED + 3];  /* the smallest score so far, or the second smallest */
    REAL slack[SCREENED + 3];  /* by which a unit that is nearer may score more */
    REAL reach[SCREENED + 3];  /* the most that the squared distance can be */
    int first[SCREENED + 3];   /* the patch of the nearest center */
    VECTOR scores[SCREENED + 3][PARTS]; /* with its units */
} NAME(searches);

/* The least that the squared distances can be which belong to scores. */
INLINE VECTOR NAME(least_squared)(VECTOR score, REAL square, REAL share)
{
    const VECTOR zero = FILL(0);
    const VECTOR distance = LARGER(score + score + square, zero); /* 0 if squares overflow */
    return LARGER(distance - share * (distance + square), zero);
}

/* Replace the scores of a sample with centers and axes by the least squared distances
   that the units of each patch can have: along the axes and across them, each at least
   the distance of the center less the radius. What a sample has apart from all units
   lies across. */
INLINE void NAME(bound_by_axes)(
    REAL square, ptrdiff_t n_patches, ptrdiff_t n_bounds, const REAL *restrict radii,
    REAL share, REAL *restrict bounds)
{
    const REAL *across = radii + n_bounds;
    const VECTOR zero = FILL(0), error = FILL(share * ROOT(square));
    REAL places[AXES];
    for (int axis = 0; axis < AXES; axis++)
        places[axis] = -bounds[n_patches + axis];
    for (ptrdiff_t patch = 0; patch < n_bounds; patch += LANES) {
        const VECTOR least =
            NAME(least_squared)(LOAD(bounds + patch), square, share);
        VECTOR squared = zero;
        for (int axis = 0; axis < AXES; axis++) {
            const VECTOR apart =
                FILL(places[axis]) - LOAD(across + (axis + 1) * n_bounds + patch);
            squared += apart * apart;
        }
        const VECTOR own = NAME(square_root)(squared), most = own + error;
        const VECTOR rest = NAME(square_root)(LARGER(least - most * most, zero));
        const VECTOR one = LARGER(own - error - LOAD(radii + patch), zero);
        const VECTOR other = LARGER(rest - LOAD(across + patch), zero);
        STORE(bounds + patch) = one * one + other * other;
    }
}

/* Measure the least squared distances that the units of each patch can have, and note
   the patch of the nearest center, to be searched first.

   `share` is the error of a squared distance as a part of those of the sample from the
   origin and from the unit. */
INLINE void NAME(bound_patches)(
    NAME(searches) *restrict searches, int n_samples, ptrdiff_t n_features,
    const REAL *restrict centers, const REAL *restrict radii, ptrdiff_t n_patches,
    ptrdiff_t n_bounds, REAL share, REAL *restrict bounds)
{
    const int by_axes = n_features >= FEATURES_FOR_AXES;
    const VECTOR zero = FILL(0);
    VECTOR lanes;
    for (ptrdiff_t lane = 0; lane < LANES; lane++)
        lanes[lane] = (REAL)lane;
    for (int row = 0; row < n_samples; row += ABREAST) {
        VECTOR least[ABREAST], nearest[ABREAST];
        REAL square[ABREAST];
        for (int k = 0; k < ABREAST; k++) {
            least[k] = FILL(HUGEST);
            nearest[k] = zero;
            searches->square[row + k] =
                NAME(square_of)(searches->samples[row + k], n_features);
            square[k] = searches->square[row + k];
        }
        for (ptrdiff_t patch = 0; patch < n_bounds; patch += PATCH) {
            VECTOR sums[ABREAST][PARTS];
            const REAL *same[ABREAST];
            for (int k = 0; k < ABREAST; k++)
                same[k] = centers + patch * (n_features + 1);
            NAME(score_patches)(1, searches->samples + row, n_features, same, sums);
            for (int k = 0; k < ABREAST; k++)
                for (int part = 0; part < PARTS; part++) {
                    const VECTOR number = lanes + FILL(patch + part * LANES);
                    const VECTOR sum = sums[k][part];
                    VECTOR bound = sum;
                    if (!by_axes) {
                        bound = NAME(square_root)(
                            NAME(least_squared)(sum, square[k], share));
                        bound = LARGER(bound - LOAD(radii + patch + part * LANES), zero);
                        bound *= bound;
                    }
                    STORE(bounds + (row + k) * n_bounds + patch + part * LANES) = bound;
                    const MASK nearer = (sum < least[k]) & (number < FILL(n_patches));
                    nearest[k] = CHOOSE(nearer, number, nearest[k]);
                    least[k] = CHOOSE(nearer, sum, least[k]);
                }
        }
        for (int k = 0; by_axes && k < ABREAST; k++)
            NAME(bound_by_axes)(searches->square[row + k], n_patches, n_bounds, radii,
                                share, bounds + (row + k) * n_bounds);
        for (int k = 0; k < ABREAST; k++) {
            const REAL smallest = NAME(smallest_lane)(least[k], least[k], 1);
            const unsigned found = NAME(lanes_at_most)(least[k], smallest);
            searches->first[row + k] = (int)nearest[k][__builtin_ctz(found)];
        }
    }
}

/* Search the patch of the nearest center of each sample. */
INLINE void NAME(search_first)(
    NAME(searches) *restrict searches, int n_nearest, int n_samples,
    ptrdiff_t n_features, const REAL *restrict members, REAL share)
{
    for (int row = 0; row < n_samples; row += ABREAST) {
        const REAL *patches[ABREAST];
        for (int k = 0; k < ABREAST; k++)
            patches[k] = members
                         + (ptrdiff_t)searches->first[row + k] * PATCH * (n_features + 1);
        NAME(score_patches)(0, searches->samples + row, n_features, patches,
                            searches->scores + row);
        for (int k = 0; k < ABREAST; k++) {
            const int place = row + k;
            VECTOR least = FILL(HUGEST), second = FILL(HUGEST);
            NAME(keep_least)(n_nearest, searches->scores[place], &least, &second);
            const REAL limit = NAME(smallest_lane)(least, second, n_nearest);
            const REAL square = searches->square[place];
            const REAL distance = 2 * limit + square;
            const REAL slack = share / 2 * (square + (distance > 0 ? distance : 0));
            const REAL most = distance + 2 * slack;
            searches->limit[place] = limit;
            searches->slack[place] = slack;
            searches->reach[place] = most > 0 ? most : 0;
        }
    }
}

/* List the pairs of a sample and another patch within reach, SCREENED * patch + row.

   Sample by sample: small patches stay in the cache anyhow. Bounds are compared 64 at a
   time, a bit for each. */
INLINE int NAME(list_pairs)(
    const NAME(searches) *restrict searches, int n_samples, ptrdiff_t n_bounds,
    const REAL *restrict bounds, int *restrict pairs)
{
    int n_pairs = 0;
    for (int row = 0; row < n_samples; row++)
        for (ptrdiff_t begin = 0; begin < n_bounds; begin += 64) {
            uint64_t near = 0;
            const REAL *own = bounds + row * n_bounds + begin;
            for (ptrdiff_t patch = 0; patch < 64 && begin + patch < n_bounds;
                 patch += LANES)
                near |= (uint64_t)NAME(lanes_at_most)(LOAD(own + patch), searches->reach[row])
                        << patch;
            const ptrdiff_t first = searches->first[row] - begin;
            near &= ~((uint64_t)(first >= 0 && first < 64) << (first & 63));
            const int n = __builtin_popcountll(near);
            for (int k = 0; k < n; k += 4) /* rarely more than once: no guess of n */
                for (int ahead = 0; ahead < 4; ahead++) {
                    const int patch = (int)begin + __builtin_ctzll(near | (uint64_t)1 << 63);
                    pairs[n_pairs + k + ahead] = SCREENED * patch + row;
                    near &= near - 1;
                }
            n_pairs += n;
        }
    return n_pairs;
}

/* The same patch by patch, so that a large one is read once for several samples. */
INLINE int NAME(list_pairs_by_patch)(
    const NAME(searches) *restrict searches, int n_samples, ptrdiff_t n_patches,
    ptrdiff_t n_bounds, const REAL *restrict bounds, int *restrict pairs)
{
    int n_pairs = 0;
    for (int patch = 0; patch < n_patches; patch++)
        for (int row = 0; row < n_samples; row++) {
            pairs[n_pairs] = SCREENED * patch + row;
            n_pairs += (bounds[row * n_bounds + patch] <= searches->reach[row])
                       & (patch != searches->first[row]);
        }
    return n_pairs;
}

/* Keep the pairs with units that can be the nearest, and the scores of these.

   `limit` is that of the first patch and not renewed on the way: so a pair is kept or
   not whatever comes before it. The list is filled up with its last pair to a multiple
   of ABREAST; these are not kept. */
INLINE int NAME(search_pairs)(
    const NAME(searches) *restrict searches, ptrdiff_t n_features,
    const REAL *restrict members, int n_pairs, int *restrict pairs,
    VECTOR (*restrict scores)[PARTS])
{
    int n_kept = 0;
    for (int k = n_pairs; k < n_pairs + ABREAST - 1; k++)
        pairs[k] = pairs[n_pairs - 1];
    for (int begin = 0; begin < n_pairs; begin += ABREAST) {
        const REAL *samples[ABREAST], *patches[ABREAST];
        VECTOR found[ABREAST][PARTS];
        for (int k = 0; k < ABREAST; k++) {
            const int pair = pairs[begin + k];
            samples[k] = searches->samples[pair % SCREENED];
            patches[k] = members + (ptrdiff_t)(pair / SCREENED) * PATCH * (n_features + 1);
        }
        if (n_features > FEATURES_AT_A_TIME && patches[0] == patches[ABREAST - 1])
            NAME(score_patches)(1, samples, n_features, patches, found); /* all equal */
        else
            NAME(score_patches)(0, samples, n_features, patches, found);
        for (int k = 0; k < ABREAST; k++) {
            const int pair = pairs[begin + k];
            const REAL most = searches->limit[pair % SCREENED]
                              + searches->slack[pair % SCREENED];
            for (int part = 0; part < PARTS; part++)
                scores[n_kept][part] = found[k][part];
            pairs[n_kept] = pair;
            n_kept += begin + k < n_pairs && NAME(at_most)(found[k], most) != 0;
        }
    }
    return n_kept;
}

/* Decide among the units of the first patch and of those kept for a sample.

   Returns 0 for more than MOST_CANDIDATES, and nearest_two decides. */
INLINE uint32_t NAME(decide_in_patches)(
    const NAME(searches) *restrict searches, int row, int n_nearest,
    ptrdiff_t n_features, const REAL *restrict members, const int *restrict units,
    const REAL *restrict rows, const VECTOR (*restrict scores)[PARTS],
    const int *restrict pairs,
    const int *restrict kept, int n_kept, ptrdiff_t *restrict nearest,
    REAL *restrict squared)
{
    ptrdiff_t places[MOST_CANDIDATES], candidates[MOST_CANDIDATES];
    REAL limit = searches->limit[row];
    int n = 0;
    if (n_kept > 0) {
        VECTOR least = FILL(HUGEST), second = FILL(HUGEST);
        NAME(keep_least)(n_nearest, searches->scores[row], &least, &second);
        for (int k = 0; k < n_kept; k++)
            NAME(keep_least)(n_nearest, scores[kept[k]], &least, &second);
        limit = NAME(smallest_lane)(least, second, n_nearest);
    }
    for (int k = -1; k < n_kept; k++) {
        const ptrdiff_t patch = k < 0 ? searches->first[row] : pairs[kept[k]] / SCREENED;
        unsigned found = NAME(at_most)(k < 0 ? searches->scores[row] : scores[kept[k]],
                                       limit + searches->slack[row]);
        for (; found; found &= found - 1) {
            const int lane = __builtin_ctz(found);
            if (n == MOST_CANDIDATES)
                return 0;
            places[n] = patch * PATCH * (n_features + 1) + lane;
            candidates[n++] = units[patch * PATCH + lane];
        }
    }
    if (n < n_nearest)
        return 0;
    NAME(measure)(n_nearest, searches->samples[row], n_features, members, PATCH, rows,
                  places, candidates, n, nearest + row * n_nearest,
                  squared ? squared + row * n_nearest : NULL);
    return (uint32_t)1 << row;
}

/* Sort pairs by their samples. Sample i has those from begins[i] to begins[i + 1]. */
INLINE void NAME(sort_pairs)(
    const int *restrict pairs, int n_pairs, int *restrict sorted, int *restrict begins)
{
    for (int row = 0; row <= SCREENED; row++)
        begins[row] = 0;
    for (int k = 0; k < n_pairs; k++)
        begins[pairs[k] % SCREENED + 1]++;
    for (int row = 0; row < SCREENED; row++)
        begins[row + 1] += begins[row];
    for (int k = 0; k < n_pairs; k++)
        sorted[begins[pairs[k] % SCREENED]++] = k;
    for (int row = SCREENED; row > 0; row--)
        begins[row] = begins[row - 1];
    begins[0] = 0;
}

/* Whether a search that visits so many patches is faster than one of all units.

   The costs were measured, in operations of the vector code for a sample. */
INLINE int NAME(patches_pay)(
    ptrdiff_t n_features, ptrdiff_t n_patches, ptrdiff_t n_visits)
{
    const ptrdiff_t n_bounds = N_BOUNDS(n_features, n_patches);
    const ptrdiff_t bounds = 100 + n_bounds / PATCH * (n_features + 15);
    const ptrdiff_t tenths = n_features <= FEATURES_AT_A_TIME ? 16 : 11;
    const ptrdiff_t visits = n_visits * (n_features * tenths / 10 + 17);
    return 2 * n_visits <= n_bounds && bounds + visits < n_patches * (n_features + 5);
}

TARGET static uint32_t NAME(screen_patches)(
    const void *samples, int n_samples, ptrdiff_t n_features, const void *patches,
    const void *radii, const int *units, ptrdiff_t n_patches, const void *rows,
    int n_nearest, void *room, ptrdiff_t *nearest, void *squared, int *worthwhile)
{
    NAME(searches) searches;
    const ptrdiff_t n_bounds = N_BOUNDS(n_features, n_patches);
    const REAL *members = (const REAL *)patches + n_bounds * (n_features + 1);
    const REAL share = 20 * NAME(n_roundings)(n_features) * ROUNDOFF;
    uint32_t decided = 0;
    REAL *bounds = room;
    VECTOR(*scores)[PARTS] = (VECTOR(*)[PARTS])(bounds + SCREENED * n_bounds);
    int *pairs = (int *)(scores + SCREENED * n_bounds / 2 + 1);
    int *sorted = pairs + SCREENED * n_bounds;
    int begins[SCREENED + 1];
    for (int row = 0; row < n_samples + 3; row++) /* the last one again behind the end */
        searches.samples[row] =
            (const REAL *)samples + (row < n_samples ? row : n_samples - 1) * n_features;
    NAME(bound_patches)(&searches, n_samples, n_features, patches, radii, n_patches,
                        n_bounds, share, bounds);
    NAME(search_first)(&searches, n_nearest, n_samples, n_features, members, share);
    const int n_pairs =
        n_features <= FEATURES_AT_A_TIME
            ? NAME(list_pairs)(&searches, n_samples, n_bounds, bounds, pairs)
            : NAME(list_pairs_by_patch)(&searches, n_samples, n_patches, n_bounds,
                                        bounds, pairs);
    *worthwhile = NAME(patches_pay)(n_features, n_patches,
                                    (n_pairs + n_samples - 1) / n_samples);
    if (!*worthwhile)
        return 0;
    const int n_kept = NAME(search_pairs)(&searches, n_features, members, n_pairs, pairs,
                                          scores);
    NAME(sort_pairs)(pairs, n_kept, sorted, begins);
    for (int row = 0; row < n_samples; row++)
        if (searches.limit[row] + searches.slack[row] < HUGEST
            && searches.square[row] < HUGEST)
            decided |= NAME(decide_in_patches)(
                &searches, row, n_nearest, n_features, members, units, rows,
                (const VECTOR(*)[PARTS])scores, pairs, sorted + begins[row],
                begins[row + 1] - begins[row], nearest, squared);
    return decided;
}
