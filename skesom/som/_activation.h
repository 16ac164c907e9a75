/* SPDX-License-Identifier: BSD-3-Clause */
/* Included by _distances_widths.h for each width of vectors, in single precision.

   exp(factor * squared) for factor < 0, and the sum. `activation` has room for n rounded
   up to 16. Vector code, with a relative error below 2e-7: x = m log 2 + r, and the
   Taylor polynomial of exp(r) for |r| < 0.35. Sixteen sums, whatever the width. */
MAYBE_UNUSED static double NAME(activate)(
    const float *restrict squared, ptrdiff_t n, double factor, float *restrict activation)
{
    const float scale = (float)(factor < -FLT_MAX ? -FLT_MAX : factor);
#if HAVE_VECTORS
    typedef NAME(vector) vector;
    typedef NAME(lanes_mask) mask;
    enum { LANES = WIDTH / 4, PARTS = 64 / WIDTH };
    const vector zero = {0};
    union {
        vector parts[PARTS];
        float lanes[16];
    } total;
    for (int part = 0; part < PARTS; part++)
        total.parts[part] = zero;
    for (ptrdiff_t i = 0; i < n; i++)
        activation[i] = BOUNDED(squared[i], FLT_MAX) * scale;
    for (ptrdiff_t i = n; i % 16; i++)
        activation[i] = -FLT_MAX;
    for (ptrdiff_t i = 0; i < n; i += 16)
        for (int part = 0; part < PARTS; part++) {
            NAME(unaligned_vector) *place =
                (NAME(unaligned_vector) *)(activation + i + part * LANES);
            const mask underflow = *place < zero - 87.0f;
            const vector x = (vector)(~underflow & (mask)*place);
            const mask m = __builtin_convertvector(x * 1.44269504f - 0.5f, mask);
            const vector whole = __builtin_convertvector(m, vector);
            const vector r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
            const vector square = r * r; /* pairs of terms, so that few wait */
            const vector low = (1.0f + r) + square * (0.5f + r * (1.0f / 6));
            const vector high = (1.0f / 24 + r * (1.0f / 120))
                                + square * (1.0f / 720 + r * (1.0f / 5040));
            vector sum = low + square * square * high;
            sum *= (vector)((m + 127) << 23);
            sum = (vector)(~underflow & (mask)sum);
            *place = sum;
            total.parts[part] += sum;
        }
    float sums[8], pairs[4];
    for (int lane = 0; lane < 8; lane++)
        sums[lane] = total.lanes[lane] + total.lanes[lane + 8];
    for (int lane = 0; lane < 4; lane++)
        pairs[lane] = sums[lane] + sums[lane + 4];
    return (pairs[0] + pairs[2]) + (pairs[1] + pairs[3]);
#else
    double total = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        activation[i] = expf(BOUNDED(squared[i], FLT_MAX) * scale);
        total += activation[i];
    }
    return total;
#endif
}
