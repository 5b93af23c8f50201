// SPDX-License-Identifier: PostgreSQL
/*
 * Pages of a B-tree that has a height and no rows, as a server without our module must find them on disk.
 *
 * The planner asks an index's metapage for the height of the tree, and may descend it for the least or
 * greatest value. So the metapage that the server wrote for an empty index is told of a root, and the levels
 * below hold one page each:
 *
 *     block 0           metapage: root and fast root = height + 1
 *     block height + 1  root, level height: one downlink without a key ("minus infinity") to the block before
 *     ...
 *     block 1           leaf, level 0, empty
 *
 * The layout is that of B-tree version 4, which the servers 13 to 18 share; a metapage of another version is
 * refused. Each page carries its checksum, for clusters that were made with checksums. Pure functions over
 * one page of SPARSE_PAGE_BYTES in the host's byte order, aligned for 32-bit words.
 */
#ifndef FETTLE_WHATIF_SPARSE_PAGE_H
#define FETTLE_WHATIF_SPARSE_PAGE_H

#include "base/attributes.h"

#include <stdbool.h>
#include <stdint.h>

#define SPARSE_PAGE_BYTES 8192
/* Levels below the root that a tree can have; the server's own limit is far lower. */
#define SPARSE_HEIGHT_MOST 32

typedef union SparsePage {
    uint8_t bytes[SPARSE_PAGE_BYTES];
    uint32_t words[SPARSE_PAGE_BYTES / 4];
} SparsePage;

/* Gives a metapage this height (at least 1); false, and the page as it was, when it is not a metapage of an
 * empty B-tree of version 4. */
bool sparse_page_meta_raise(SparsePage *page, int height) FETTLE_MUST_USE;

/* The page of block level + 1 of a tree of this height. */
void sparse_page_level(SparsePage *page, int level, int height);

/* The server's checksum of a page at this block (storage/checksum_impl.h), for pd_checksum. */
uint16_t sparse_page_checksum(const SparsePage *page, uint32_t block);

#endif
