// SPDX-License-Identifier: PostgreSQL
#include "whatif/sparse_page.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint32_t
word(const SparsePage *page, size_t at)
{
    uint32_t value;
    memcpy(&value, page->bytes + at, sizeof(value));
    return value;
}

static unsigned
half(const SparsePage *page, size_t at)
{
    uint16_t value;
    memcpy(&value, page->bytes + at, sizeof(value));
    return value;
}

/* Block 0 of an empty index, as get_raw_page() of a server of major 16 gave it. */
static SparsePage
empty_metapage(void)
{
    static const uint8_t head[] = {0,    0,    0,    0,    0x50, 0x0f, 0xd8, 0x03, 0, 0, 0,    0,    0x48,
                                   0,    0xf0, 0x1f, 0xf0, 0x1f, 0x04, 0x20, 0,    0, 0, 0,    0x62, 0x31,
                                   0x05, 0,    4,    0,    0,    0,    0,    0,    0, 0, 0,    0,    0,
                                   0,    0,    0,    0,    0,    0,    0,    0,    0, 0, 0,    0,    0,
                                   0,    0,    0,    0,    0,    0,    0,    0,    0, 0, 0xf0, 0xbf, 1};
    SparsePage page = {0};
    memcpy(page.bytes, head, sizeof(head));
    page.bytes[SPARSE_PAGE_BYTES - 4] = 8;
    return page;
}

static void
checksums_are_those_of_the_server(void **state)
{
    (void)state;
    SparsePage page = empty_metapage();
    assert_int_equal(sparse_page_checksum(&page, 0), (uint16_t)-14194);
    assert_int_equal(sparse_page_checksum(&page, 7), (uint16_t)-14193);
    page.bytes[8] = 77; /* the field itself does not count */
    assert_int_equal(sparse_page_checksum(&page, 0), (uint16_t)-14194);
}

static void
a_raised_metapage_names_the_root_and_its_level(void **state)
{
    (void)state;
    SparsePage page = empty_metapage();
    assert_true(sparse_page_meta_raise(&page, 2));
    assert_int_equal(word(&page, 32), 3);
    assert_int_equal(word(&page, 36), 2);
    assert_int_equal(word(&page, 40), 3);
    assert_int_equal(word(&page, 44), 2);
    assert_int_equal(page.bytes[64], 1); /* whether keys are equal by image stays */
    assert_int_equal(half(&page, 8), sparse_page_checksum(&page, 0));
}

static void
what_is_not_an_empty_metapage_stays_as_it_is(void **state)
{
    (void)state;
    SparsePage zero = {0};
    SparsePage raised = empty_metapage();
    SparsePage version = empty_metapage();
    version.bytes[28] = 3;
    assert_false(sparse_page_meta_raise(&zero, 1));
    assert_int_equal(word(&zero, 32), 0);
    assert_true(sparse_page_meta_raise(&raised, 1));
    assert_false(sparse_page_meta_raise(&raised, 2));
    assert_int_equal(word(&raised, 32), 2);
    assert_false(sparse_page_meta_raise(&version, 1));
    SparsePage page = empty_metapage();
    assert_false(sparse_page_meta_raise(&page, 0));
    assert_false(sparse_page_meta_raise(&page, SPARSE_HEIGHT_MOST + 1));
}

static void
each_level_leads_to_the_one_below(void **state)
{
    (void)state;
    SparsePage page;
    for (int level = 0; level <= 3; level++) {
        sparse_page_level(&page, level, 3);
        assert_int_equal(half(&page, 8), sparse_page_checksum(&page, (uint32_t)level + 1));
        assert_int_equal(half(&page, 18), 8192 + 4);
        assert_int_equal(word(&page, 8176 + 8), level);
        assert_int_equal(half(&page, 8176 + 12), (level == 0 ? 1 : 0) | (level == 3 ? 2 : 0));
        assert_int_equal(half(&page, 12), level == 0 ? 24 : 28);
        if (level == 0)
            continue;
        size_t item = word(&page, 24) & 0x7FFF;
        assert_int_equal(item, half(&page, 14));
        assert_int_equal((half(&page, item) << 16) | half(&page, item + 2), level);
        assert_int_equal(half(&page, item + 6) & 0x1FFF, 8);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(checksums_are_those_of_the_server),
                                       cmocka_unit_test(a_raised_metapage_names_the_root_and_its_level),
                                       cmocka_unit_test(what_is_not_an_empty_metapage_stays_as_it_is),
                                       cmocka_unit_test(each_level_leads_to_the_one_below)};
    return cmocka_run_group_tests_name("whatif sparse_page", tests, NULL, NULL);
}
