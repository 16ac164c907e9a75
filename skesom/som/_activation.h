/* SPDX-License-Identifier: BSD-3-Clause */
/* Included by _distances_widths.h for each width of vectors, in single precision.

   exp(factor * squared) for factor < 0, and the sum. Both arrays have room for n rounded
   up to 16; zeros follow the activations there. Vector code, with a relative error below
   2e-7: x = m log 2 + r, and the Taylor polynomial of exp(r) for |r| < 0.35. Sixteen
   sums, whatever the width. */
MAYBE_UNUSED static double NAME(activate)(
    const float *restrict squared, ptrdiff_t n, double factor, float *restrict activation)
{
    const float scale = (float)(factor < -FLT_MAX ? -FLT_MAX : factor);
#if HAVE_VECTORS
    typedef NAME(vector) vector;
    typedef NAME(lanes_mask) mask;
    enum { LANES = WIDTH / 4, PARTS = 64 / WIDTH };
    const vector zero = {0};
    vector total[PARTS];
    for (int part = 0; part < PARTS; part++)
        total[part] = zero;
    mask lane_numbers;
    for (int lane = 0; lane < LANES; lane++)
        lane_numbers[lane] = lane;
    for (ptrdiff_t i = 0; i < n; i += 16)
        for (int part = 0; part < PARTS; part++) {
            const ptrdiff_t first = i + part * LANES;
            const vector distance = *(const NAME(unaligned_vector) *)(squared + first);
            const mask bounded = distance < FLT_MAX;
            const vector exponent =
                scale * (vector)((bounded & (mask)distance)
                                 | (~bounded & (mask)(zero + FLT_MAX)));
            const mask underflow =
                (exponent < -87.0f) | (lane_numbers >= (int32_t)(n - first));
            const vector x = (vector)(~underflow & (mask)exponent);
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
            *(NAME(unaligned_vector) *)(activation + first) = sum;
            total[part] += sum;
        }
    const NAME(group) quarter = NAME(fold)(total);
    return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
#else
    double total = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        activation[i] = expf(BOUNDED(squared[i], FLT_MAX) * scale);
        total += activation[i];
    }
    for (ptrdiff_t i = n; i % 16; i++)
        activation[i] = 0;
    return total;
#endif
}
