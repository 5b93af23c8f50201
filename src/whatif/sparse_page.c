// SPDX-License-Identifier: PostgreSQL
#include "whatif/sparse_page.h"

#include <string.h>

/* Places in a page's header (storage/bufpage.h). */
#define AT_CHECKSUM 8
#define AT_LOWER 12
#define AT_UPPER 14
#define AT_SPECIAL 16
#define AT_SIZE_VERSION 18
#define AT_ITEMS 24
#define PAGE_VERSION 4

/* The metapage's contents begin where the items of other pages do (access/nbtree.h). */
#define META_MAGIC 0x053162
#define META_VERSION 4
#define AT_META_MAGIC (AT_ITEMS + 0)
#define AT_META_VERSION (AT_ITEMS + 4)
#define AT_META_ROOT (AT_ITEMS + 8)
#define AT_META_LEVEL (AT_ITEMS + 12)
#define AT_META_FAST_ROOT (AT_ITEMS + 16)
#define AT_META_FAST_LEVEL (AT_ITEMS + 20)

/* A B-tree page's special space: left, right, level, flags, cycle. */
#define SPECIAL_BYTES 16
#define SPECIAL_AT (SPARSE_PAGE_BYTES - SPECIAL_BYTES)
#define FLAG_LEAF 1
#define FLAG_ROOT 2

#define DOWNLINK_BYTES 8       /* an index tuple's header alone */
#define DOWNLINK_NO_KEY 0x2000 /* INDEX_ALT_TID_MASK: the row pointer tells the number of keys, none */
#define ITEM_NORMAL 1

static void
put16(SparsePage *page, size_t at, uint16_t value)
{
    memcpy(page->bytes + at, &value, sizeof(value));
}

static void
put32(SparsePage *page, size_t at, uint32_t value)
{
    memcpy(page->bytes + at, &value, sizeof(value));
}

static uint32_t
get32(const SparsePage *page, size_t at)
{
    uint32_t value;
    memcpy(&value, page->bytes + at, sizeof(value));
    return value;
}

/* FNV-1a in 32 lanes with a shift, folded to 16 bits; the checksum field itself counts as zero. */
uint16_t
sparse_page_checksum(const SparsePage *page, uint32_t block)
{
    enum { LANES = 32 };
    static const uint32_t offsets[LANES] = {
        0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
        0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
        0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
        0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756};
    uint32_t sums[LANES];
    SparsePage copy = *page;
    put16(&copy, AT_CHECKSUM, 0);
    memcpy(sums, offsets, sizeof(sums));
    for (size_t i = 0; i < SPARSE_PAGE_BYTES / 4 + (size_t)2 * LANES; i++) {
        uint32_t word = i < SPARSE_PAGE_BYTES / 4 ? copy.words[i] : 0;
        uint32_t mixed = sums[i % LANES] ^ word;
        sums[i % LANES] = (mixed * 16777619U) ^ (mixed >> 17);
    }
    uint32_t result = 0;
    for (size_t i = 0; i < LANES; i++)
        result ^= sums[i];
    return (uint16_t)((result ^ block) % 65535 + 1);
}

bool
sparse_page_meta_raise(SparsePage *page, int height)
{
    if (height < 1 || height > SPARSE_HEIGHT_MOST || get32(page, AT_META_MAGIC) != META_MAGIC ||
        get32(page, AT_META_VERSION) != META_VERSION || get32(page, AT_META_ROOT) != 0)
        return false;
    put32(page, AT_META_ROOT, (uint32_t)height + 1);
    put32(page, AT_META_LEVEL, (uint32_t)height);
    put32(page, AT_META_FAST_ROOT, (uint32_t)height + 1);
    put32(page, AT_META_FAST_LEVEL, (uint32_t)height);
    put16(page, AT_CHECKSUM, sparse_page_checksum(page, 0));
    return true;
}

void
sparse_page_level(SparsePage *page, int level, int height)
{
    memset(page, 0, sizeof(*page));
    size_t items = level > 0 ? 1 : 0;
    size_t upper = SPECIAL_AT - items * DOWNLINK_BYTES;
    put16(page, AT_LOWER, (uint16_t)(AT_ITEMS + items * 4));
    put16(page, AT_UPPER, (uint16_t)upper);
    put16(page, AT_SPECIAL, SPECIAL_AT);
    put16(page, AT_SIZE_VERSION, SPARSE_PAGE_BYTES | PAGE_VERSION);
    if (items > 0) {
        put32(page, AT_ITEMS, (uint32_t)upper | (ITEM_NORMAL << 15) | (DOWNLINK_BYTES << 17));
        /* Block number in two halves, the high one first; block `level` is the level below. */
        put16(page, upper, 0);
        put16(page, upper + 2, (uint16_t)level);
        put16(page, upper + 4, 0);
        put16(page, upper + 6, DOWNLINK_BYTES | DOWNLINK_NO_KEY);
    }
    put32(page, SPECIAL_AT + 8, (uint32_t)level);
    put16(page, SPECIAL_AT + 12,
          (uint16_t)((level == 0 ? FLAG_LEAF : 0) | (level == height ? FLAG_ROOT : 0)));
    put16(page, AT_CHECKSUM, sparse_page_checksum(page, (uint32_t)level + 1));
}
