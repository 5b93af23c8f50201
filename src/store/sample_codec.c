// SPDX-License-Identifier: PostgreSQL
/*
 * Encoding of packs. The format is drawn in the header; sample_codec_decode.c is the other way.
 */
#include "store/sample_codec.h"

#include "store/sample_codec_internal.h"

#include <math.h>
#include <string.h>

#define PRODUCT_BITS 62 /* products in the format stay below 2^62 */
#define WIDTHS 64

/* A column that is being considered: its kind, its parameter, and the numbers to pack. */
typedef struct Column {
    SampleColumnKind kind;
    uint64_t parameter;
    const uint64_t *numbers; /* of SAMPLE_COLUMN_PACKED and RESIDUAL */
    unsigned width;
    size_t size; /* bytes of all but the kind */
} Column;

typedef struct Writer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    Arena *arena;
} Writer;

static void
writer_reserve(Writer *writer, size_t more)
{
    if (writer->size + more <= writer->capacity)
        return;
    size_t capacity = 2 * (writer->size + more);
    uint8_t *data = arena_alloc(writer->arena, capacity);
    if (writer->size > 0)
        memcpy(data, writer->data, writer->size);
    writer->data = data;
    writer->capacity = capacity;
}

static void
writer_put_byte(Writer *writer, unsigned value)
{
    writer_reserve(writer, 1);
    writer->data[writer->size++] = (uint8_t)value;
}

static void
writer_put_varint(Writer *writer, uint64_t value)
{
    writer_reserve(writer, SAMPLE_VARINT_BYTES_MOST);
    for (; value >= 0x80; value >>= 7)
        writer->data[writer->size++] = (uint8_t)(value | 0x80);
    writer->data[writer->size++] = (uint8_t)value;
}

static unsigned
bits_of(uint64_t value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

static size_t
varint_size(uint64_t value)
{
    return value == 0 ? 1 : (bits_of(value) + 6) / 7;
}

static size_t
bits_size(size_t count, unsigned width)
{
    return (count * width + 7) / 8;
}

/* The low width bits of each number, high bit first. */
static void
writer_put_bits(Writer *writer, const uint64_t *numbers, size_t count, unsigned width)
{
    writer_reserve(writer, bits_size(count, width));
    if (width == 0)
        return;
    uint64_t mask = width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
    unsigned __int128 buffer = 0;
    unsigned held = 0;
    for (size_t i = 0; i < count; i++) {
        buffer = buffer << width | (numbers[i] & mask);
        for (held += width; held >= 8; held -= 8)
            writer->data[writer->size++] = (uint8_t)(buffer >> (held - 8));
    }
    if (held > 0)
        writer->data[writer->size++] = (uint8_t)(buffer << (8 - held));
}

static void
writer_put_exceptions(Writer *writer, const uint64_t *numbers, size_t count, unsigned width)
{
    size_t exceptions = 0;
    for (size_t i = 0; i < count; i++)
        exceptions += numbers[i] >> width != 0;
    writer_put_varint(writer, exceptions);
    size_t next = 0;
    for (size_t i = 0; i < count && exceptions > 0; i++) {
        if (numbers[i] >> width == 0)
            continue;
        writer_put_varint(writer, i - next);
        writer_put_varint(writer, numbers[i] >> width);
        next = i + 1;
    }
}

static bool
bitmap_is_smaller(const SamplePack *pack, size_t position_limit, size_t gaps_size)
{
    return position_limit <= SAMPLE_BLOCK_ROUNDS_MOST && bits_size(position_limit, 1) < gaps_size &&
           pack->count > 0;
}

static void
writer_put_positions(Writer *writer, const SamplePack *pack, size_t position_limit)
{
    if (pack->count == position_limit) {
        writer_put_byte(writer, SAMPLE_POSITIONS_ALL);
        return;
    }
    size_t gaps_size = varint_size(pack->count);
    for (size_t i = 0; i < pack->count; i++)
        gaps_size += varint_size(pack->positions[i] - (i == 0 ? 0 : pack->positions[i - 1] + 1));
    if (bitmap_is_smaller(pack, position_limit, gaps_size)) {
        writer_put_byte(writer, SAMPLE_POSITIONS_BITMAP);
        size_t size = bits_size(position_limit, 1);
        writer_reserve(writer, size);
        memset(writer->data + writer->size, 0, size);
        for (size_t i = 0; i < pack->count; i++)
            writer->data[writer->size + pack->positions[i] / 8] |= (uint8_t)(0x80 >> pack->positions[i] % 8);
        writer->size += size;
        return;
    }
    writer_put_byte(writer, SAMPLE_POSITIONS_GAPS);
    writer_put_varint(writer, pack->count);
    for (size_t i = 0; i < pack->count; i++)
        writer_put_varint(writer, pack->positions[i] - (i == 0 ? 0 : pack->positions[i - 1] + 1));
}

/* The width of the smallest packing: what is wider than it is paid for as an exception. The gap of an
 * exception is taken as one byte. */
static void
column_choose_width(Column *column, size_t count)
{
    size_t of_bits[WIDTHS + 1] = {0};
    unsigned widest = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned bits = bits_of(column->numbers[i]);
        of_bits[bits]++;
        widest = bits > widest ? bits : widest;
    }
    size_t best = SIZE_MAX;
    for (unsigned width = 0; width <= widest; width++) {
        size_t size = bits_size(count, width) + 2;
        size_t exceptions = 0;
        for (unsigned bits = width + 1; bits <= widest; bits++) {
            exceptions += of_bits[bits];
            size += of_bits[bits] * (1 + (bits - width + 6) / 7);
        }
        size += exceptions > 0x7f;
        if (size >= best)
            continue;
        best = size;
        column->width = width;
    }
    column->size = varint_size(column->parameter) + best;
}

static void
column_keep_smaller(Column *best, const Column *other)
{
    if (best->kind == 0 || other->size < best->size)
        *best = *other;
}

static void
column_try_multiple(Column *best, const int64_t *values, const int64_t *calls, size_t count)
{
    if (calls == NULL || calls[0] == 0 || values[0] % calls[0] != 0)
        return;
    int64_t k = values[0] / calls[0];
    for (size_t i = 0; i < count; i++) {
        int64_t product;
        if (__builtin_mul_overflow(k, calls[i], &product) || product != values[i] ||
            product >> PRODUCT_BITS != 0)
            return;
    }
    column_keep_smaller(best, &(Column){.kind = SAMPLE_COLUMN_MULTIPLE,
                                        .parameter = (uint64_t)k,
                                        .size = varint_size((uint64_t)k)});
}

static void
column_try_residual(Arena *arena, Column *best, const int64_t *values, const int64_t *calls, size_t count)
{
    double sum = 0;
    double call_sum = 0;
    int64_t calls_most = 0;
    if (calls == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        sum += (double)values[i];
        call_sum += (double)calls[i];
        calls_most = calls[i] > calls_most ? calls[i] : calls_most;
    }
    double mean = call_sum > 0 ? round(sum / call_sum * (1 << SAMPLE_MEAN_PLACES)) : 0;
    if (mean < 1 || mean * (double)calls_most >= ldexp(1, PRODUCT_BITS - 1))
        return;
    Column column = {.kind = SAMPLE_COLUMN_RESIDUAL, .parameter = (uint64_t)mean};
    uint64_t *numbers = ARENA_NEW_ARRAY(arena, uint64_t, count);
    for (size_t i = 0; i < count; i++) {
        int64_t residual = values[i] - ((int64_t)column.parameter * calls[i] >> SAMPLE_MEAN_PLACES);
        numbers[i] = (uint64_t)residual << 1 ^ (uint64_t)(residual >> 63);
        if (bits_of(numbers[i]) > PRODUCT_BITS)
            return;
    }
    column.numbers = numbers;
    column_choose_width(&column, count);
    column_keep_smaller(best, &column);
}

/* A kind of 0: zero everywhere. */
static Column
column_choose(Arena *arena, const int64_t *values, const int64_t *calls, size_t count)
{
    Column best = {0};
    int64_t least = values[0];
    int64_t greatest = values[0];
    for (size_t i = 1; i < count; i++) {
        least = values[i] < least ? values[i] : least;
        greatest = values[i] > greatest ? values[i] : greatest;
    }
    fettle_assert(least >= 0);
    if (greatest == 0)
        return best;
    if (least == greatest)
        return (Column){.kind = SAMPLE_COLUMN_CONSTANT, .parameter = (uint64_t)least};
    column_try_multiple(&best, values, calls, count);
    if (best.kind != 0)
        return best;
    Column packed = {.kind = SAMPLE_COLUMN_PACKED, .parameter = (uint64_t)least};
    uint64_t *numbers = ARENA_NEW_ARRAY(arena, uint64_t, count);
    for (size_t i = 0; i < count; i++)
        numbers[i] = (uint64_t)(values[i] - least);
    packed.numbers = numbers;
    column_choose_width(&packed, count);
    best = packed;
    column_try_residual(arena, &best, values, calls, count);
    return best;
}

static void
pack_write(Writer *writer, const SamplePack *pack, size_t position_limit)
{
    writer_put_byte(writer, SAMPLE_FORMAT);
    writer_put_positions(writer, pack, position_limit);
    Column columns[SAMPLE_COUNTER_COUNT] = {0};
    uint64_t mask = 0;
    const int64_t *calls = pack->counters[SAMPLE_CALLS];

    for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++) {
        if (pack->counters[c] != NULL)
            columns[c] = column_choose(writer->arena, pack->counters[c], c == SAMPLE_CALLS ? NULL : calls,
                                       pack->count);
        mask |= (uint64_t)(columns[c].kind != 0) << c;
    }
    writer_put_varint(writer, mask);
    for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++) {
        if (columns[c].kind == 0)
            continue;
        writer_put_byte(writer, columns[c].kind);
        writer_put_varint(writer, columns[c].parameter);
        if (columns[c].numbers == NULL)
            continue;
        writer_put_byte(writer, columns[c].width);
        writer_put_bits(writer, columns[c].numbers, pack->count, columns[c].width);
        writer_put_exceptions(writer, columns[c].numbers, pack->count, columns[c].width);
    }
}

bool
sample_pack_encode(Arena *arena, const SamplePack *pack, size_t position_limit, SampleBytes *ret_bytes,
                   Error *error)
{
    fettle_assert(pack->count > 0 && pack->count <= SAMPLE_ROUND_ROWS_MOST);
    fettle_assert(position_limit <= SAMPLE_BLOCK_ROUNDS_MOST || position_limit == SAMPLE_STATEMENTS_LIMIT);
    for (size_t i = 0; i < pack->count; i++)
        fettle_assert(pack->positions[i] < position_limit &&
                      (i == 0 || pack->positions[i] > pack->positions[i - 1]));
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("sample pack", (size_t)4 << 30);
    Writer writer = {.arena = scratch};
    pack_write(&writer, pack, position_limit);
    SampleBytes bytes = {.data = writer.data, .size = writer.size};
    SamplePack again = {0};
    Error difference = {0};
    if (!sample_pack_decode(scratch, bytes, position_limit, &again, &difference))
        return error_set(error, ERROR_INTERNAL, "packed samples could not be read back: %s",
                         difference.message);
    if (!sample_pack_equal(pack, &again))
        return error_set(error, ERROR_INTERNAL, "packed samples differ from what was packed");
    *ret_bytes = (SampleBytes){.data = arena_memdup(arena, bytes.data, bytes.size), .size = bytes.size};
    return true;
}
