// SPDX-License-Identifier: PostgreSQL
/*
 * Decoding of packs, from bytes that may be anything.
 *
 * A Reader knows where its bytes end; the first thing that is not right marks it as damaged, after which
 * every read gives 0, so that only loops must look at the mark. Memory is taken only for what the bytes left
 * can hold: a count of gaps is at most the bytes that follow, a bitmap is bounded by the limit.
 */
#include "store/sample_codec.h"

#include "store/sample_codec_internal.h"

#include <endian.h>
#include <string.h>

typedef struct Reader {
    const uint8_t *data;
    size_t size;
    size_t at;
    bool is_damaged;
} Reader;

static uint64_t
reader_fail(Reader *reader)
{
    reader->is_damaged = true;
    reader->at = reader->size;
    return 0;
}

static unsigned
reader_get_byte(Reader *reader)
{
    if (reader->at >= reader->size)
        return (unsigned)reader_fail(reader);
    return reader->data[reader->at++];
}

static uint64_t
reader_get_varint(Reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 7 * SAMPLE_VARINT_BYTES_MOST; shift += 7) {
        if (reader->at >= reader->size)
            return reader_fail(reader);
        uint8_t byte = reader->data[reader->at++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    return reader_fail(reader);
}

/* width 1 .. 63 bits from a bit on; all of them are inside the bytes. */
static inline uint64_t
bits_at(const uint8_t *data, size_t size, size_t bit, unsigned width)
{
    size_t byte = bit / 8;
    unsigned skip = bit % 8;
    uint64_t high = 0;
    uint8_t low = 0;
    if (size - byte >= 9) {
        memcpy(&high, data + byte, 8);
        high = be64toh(high);
        low = data[byte + 8];
    } else {
        for (size_t i = 0; i < 8; i++)
            high = high << 8 | (byte + i < size ? data[byte + i] : 0);
    }
    if (skip > 0)
        high = high << skip | low >> (8 - skip);
    return high >> (64 - width);
}

/* Which numbers of a column are wanted: all that there are, or those at ascending places. */
typedef struct Wanted {
    size_t all;
    size_t count;
    const uint32_t *places; /* NULL: all */
} Wanted;

static void
reader_get_bits(const Reader *reader, const Wanted *wanted, unsigned width, uint64_t *numbers)
{
    const uint8_t *data = reader->data + reader->at;
    size_t size = reader->size - reader->at;
    if (width == 0)
        for (size_t i = 0; i < wanted->count; i++)
            numbers[i] = 0;
    else if (wanted->places == NULL)
        for (size_t i = 0; i < wanted->count; i++)
            numbers[i] = bits_at(data, size, i * width, width);
    else
        for (size_t i = 0; i < wanted->count; i++)
            numbers[i] = bits_at(data, size, (size_t)wanted->places[i] * width, width);
}

static void
reader_get_exceptions(Reader *reader, const Wanted *wanted, unsigned width, uint64_t *numbers)
{
    uint64_t exceptions = reader_get_varint(reader);
    uint64_t next = 0;
    size_t at = 0;
    for (uint64_t i = 0; i < exceptions && !reader->is_damaged; i++) {
        uint64_t gap = reader_get_varint(reader);
        uint64_t high = reader_get_varint(reader);
        if (gap >= wanted->all - next || high > (uint64_t)INT64_MAX >> width) {
            reader_fail(reader);
            return;
        }
        next += gap + 1;
        if (wanted->places == NULL) {
            numbers[next - 1] |= high << width;
            continue;
        }
        while (at < wanted->count && wanted->places[at] < next - 1)
            at++;
        if (at < wanted->count && wanted->places[at] == next - 1)
            numbers[at] |= high << width;
    }
}

/* Packed numbers: each below 2^63. */
static void
reader_get_numbers(Reader *reader, const Wanted *wanted, uint64_t *numbers)
{
    unsigned width = reader_get_byte(reader);
    size_t size = (wanted->all * width + 7) / 8;
    if (width > 63 || size > reader->size - reader->at) {
        reader_fail(reader);
        return;
    }
    reader_get_bits(reader, wanted, width, numbers);
    reader->at += size;
    reader_get_exceptions(reader, wanted, width, numbers);
}

static void
reader_get_bitmap(Reader *reader, Arena *arena, size_t limit, SamplePack *pack)
{
    size_t size = (limit + 7) / 8;
    if (limit > SAMPLE_BLOCK_ROUNDS_MOST || size > reader->size - reader->at) {
        reader_fail(reader);
        return;
    }
    const uint8_t *bitmap = reader->data + reader->at;
    reader->at += size;
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += (size_t)__builtin_popcount(bitmap[i]);
    sample_pack_reserve(arena, pack, count);
    count = 0;
    for (size_t i = 0; i < limit; i++)
        if ((bitmap[i / 8] & 0x80 >> i % 8) != 0)
            pack->positions[count++] = (uint32_t)i;
    if (count != pack->count || count == 0)
        reader_fail(reader);
}

static void
reader_get_gaps(Reader *reader, Arena *arena, size_t limit, SamplePack *pack)
{
    uint64_t count = reader_get_varint(reader);
    if (count == 0 || count > reader->size - reader->at || count > SAMPLE_ROUND_ROWS_MOST) {
        reader_fail(reader);
        return;
    }
    sample_pack_reserve(arena, pack, (size_t)count);
    uint64_t next = 0;
    for (size_t i = 0; i < count && !reader->is_damaged; i++) {
        uint64_t gap = reader_get_varint(reader);
        if (next >= limit || gap >= limit - next) {
            reader_fail(reader);
            return;
        }
        pack->positions[i] = (uint32_t)(next + gap);
        next += gap + 1;
    }
}

static void
reader_get_positions(Reader *reader, Arena *arena, size_t limit, SamplePack *pack)
{
    switch (reader_get_byte(reader)) {
        case SAMPLE_POSITIONS_ALL:
            if (limit == 0 || limit > SAMPLE_BLOCK_ROUNDS_MOST) {
                reader_fail(reader);
                return;
            }
            sample_pack_reserve(arena, pack, limit);
            for (size_t i = 0; i < limit; i++)
                pack->positions[i] = (uint32_t)i;
            return;
        case SAMPLE_POSITIONS_BITMAP: reader_get_bitmap(reader, arena, limit, pack); return;
        case SAMPLE_POSITIONS_GAPS: reader_get_gaps(reader, arena, limit, pack); return;
        default: reader_fail(reader);
    }
}

/* values[i] = base of i + the number there. */
static bool
values_from_multiples(int64_t *values, uint64_t parameter, const int64_t *calls, size_t count,
                      unsigned places)
{
    for (size_t i = 0; i < count; i++) {
        int64_t product;
        if (__builtin_mul_overflow((int64_t)parameter, calls == NULL ? 0 : calls[i], &product))
            return false;
        values[i] = product >> places;
    }
    return true;
}

static bool
values_add_residuals(int64_t *values, const uint64_t *numbers, size_t count)
{
    bool is_right = true;
    for (size_t i = 0; i < count; i++) {
        int64_t residual = (int64_t)(numbers[i] >> 1) ^ -(int64_t)(numbers[i] & 1);
        is_right &= !__builtin_add_overflow(values[i], residual, &values[i]) && values[i] >= 0;
    }
    return is_right;
}

static bool
values_add_base(int64_t *values, uint64_t base, const uint64_t *numbers, size_t count)
{
    bool is_right = true;
    for (size_t i = 0; i < count; i++)
        is_right &= !__builtin_add_overflow((int64_t)base, (int64_t)numbers[i], &values[i]);
    return is_right;
}

static void
reader_get_column(Reader *reader, const Wanted *wanted, SamplePack *pack, int64_t *values, uint64_t *numbers)
{
    unsigned kind = reader_get_byte(reader);
    uint64_t parameter = reader_get_varint(reader);
    const int64_t *calls = pack->counters[SAMPLE_CALLS];
    bool is_calls = values == calls;
    bool is_right = !reader->is_damaged;
    if (is_right && kind >= SAMPLE_COLUMN_PACKED)
        reader_get_numbers(reader, wanted, numbers);
    switch (reader->is_damaged ? 0 : kind) {
        case SAMPLE_COLUMN_CONSTANT:
            for (size_t i = 0; i < pack->count; i++)
                values[i] = (int64_t)parameter;
            break;
        case SAMPLE_COLUMN_MULTIPLE:
            is_right = !is_calls && values_from_multiples(values, parameter, calls, pack->count, 0);
            break;
        case SAMPLE_COLUMN_PACKED: is_right = values_add_base(values, parameter, numbers, pack->count); break;
        case SAMPLE_COLUMN_RESIDUAL:
            is_right = !is_calls &&
                       values_from_multiples(values, parameter, calls, pack->count, SAMPLE_MEAN_PLACES) &&
                       values_add_residuals(values, numbers, pack->count);
            break;
        default: is_right = false;
    }
    if (!is_right)
        reader_fail(reader);
}

static bool
pack_damaged(Error *error)
{
    return error_set(error, ERROR_DAMAGED, "packed samples are damaged");
}

static bool
pack_begin(Reader *reader, Arena *arena, size_t position_limit, SamplePack *ret_pack, Error *error)
{
    unsigned format = reader_get_byte(reader);
    if (!reader->is_damaged && format != SAMPLE_FORMAT)
        return error_set(error, ERROR_DAMAGED, "packed samples are of an unknown format (%u)", format);
    reader_get_positions(reader, arena, position_limit, ret_pack);
    return !reader->is_damaged || pack_damaged(error);
}

bool
sample_pack_positions(Arena *arena, SampleBytes bytes, size_t position_limit, SamplePack *ret_pack,
                      Error *error)
{
    Reader reader = {.data = bytes.data, .size = bytes.size};
    SamplePack pack = {0};
    if (!pack_begin(&reader, arena, position_limit, &pack, error))
        return false;
    *ret_pack = pack;
    return true;
}

/* The places of the selected positions; the pack's positions become those that were found. */
static Wanted
pack_select(Arena *arena, const SampleSelection *selection, SamplePack *pack)
{
    Wanted wanted = {.all = pack->count, .count = pack->count};
    if (selection->positions == NULL)
        return wanted;
    size_t most = selection->position_count < pack->count ? selection->position_count : pack->count;
    uint32_t *places = ARENA_NEW_ARRAY(arena, uint32_t, most);
    size_t at = 0;
    wanted.count = 0;
    for (size_t i = 0; i < selection->position_count && at < pack->count; i++) {
        while (at < pack->count && pack->positions[at] < selection->positions[i])
            at++;
        if (at == pack->count || pack->positions[at] != selection->positions[i])
            continue;
        places[wanted.count] = (uint32_t)at;
        pack->positions[wanted.count++] = selection->positions[i];
        at++;
    }
    wanted.places = places;
    pack->count = wanted.count;
    return wanted;
}

/* A column that nobody wants. */
static void
reader_skip_column(Reader *reader, size_t all)
{
    static const uint32_t nowhere;
    Wanted none = {.all = all, .places = &nowhere};
    unsigned kind = reader_get_byte(reader);
    (void)reader_get_varint(reader);
    if (kind < SAMPLE_COLUMN_CONSTANT || kind > SAMPLE_COLUMN_RESIDUAL)
        reader_fail(reader);
    else if (kind >= SAMPLE_COLUMN_PACKED)
        reader_get_numbers(reader, &none, NULL);
}

bool
sample_pack_decode_selected(Arena *arena, SampleBytes bytes, size_t position_limit,
                            const SampleSelection *selection, SamplePack *ret_pack, Error *error)
{
    Reader reader = {.data = bytes.data, .size = bytes.size};
    SamplePack pack = {0};
    if (!pack_begin(&reader, arena, position_limit, &pack, error))
        return false;
    uint64_t mask = reader_get_varint(&reader);
    if (reader.is_damaged || mask >> SAMPLE_COUNTER_COUNT != 0)
        return pack_damaged(error);
    Wanted wanted = pack_select(arena, selection, &pack);
    uint32_t counters = selection->counters == 0 ? SAMPLE_COUNTERS_ALL : selection->counters;
    counters = wanted.count == 0 ? 0 : counters | UINT32_C(1) << SAMPLE_CALLS;
    uint64_t *numbers = ARENA_NEW_ARRAY(arena, uint64_t, wanted.count);
    for (int c = 0; c < SAMPLE_COUNTER_COUNT && !reader.is_damaged; c++) {
        if ((mask >> c & 1) == 0)
            continue;
        if ((counters >> c & 1) != 0)
            reader_get_column(&reader, &wanted, &pack, sample_pack_counter(arena, &pack, (SampleCounter)c),
                              numbers);
        else
            reader_skip_column(&reader, wanted.all);
    }
    if (reader.is_damaged || reader.at != reader.size)
        return pack_damaged(error);
    *ret_pack = pack;
    return true;
}

bool
sample_pack_decode(Arena *arena, SampleBytes bytes, size_t position_limit, SamplePack *ret_pack, Error *error)
{
    return sample_pack_decode_selected(arena, bytes, position_limit, &(SampleSelection){0}, ret_pack, error);
}
