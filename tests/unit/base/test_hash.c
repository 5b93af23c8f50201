// SPDX-License-Identifier: PostgreSQL
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/random.h"

#include <string.h>

#define PRIME32 UINT64_C(2654435761)
#define PRIME64 UINT64_C(11400714785074694797)

/* The values of the sanity check that Yann Collet publishes with xxHash, and of its documentation. */
static void
the_published_values_of_xxh64_are_given(void **state)
{
    (void)state;
    static const struct {
        size_t length;
        uint64_t seed;
        uint64_t hash;
    } cases[] = {{0, 0, UINT64_C(0xEF46DB3751D8E999)},        {0, PRIME32, UINT64_C(0xAC75FDA2929B17EF)},
                 {1, 0, UINT64_C(0xE934A84ADB052768)},        {1, PRIME32, UINT64_C(0x5014607643A9B4C3)},
                 {4, 0, UINT64_C(0x9136A0DCA57457EE)},        {14, 0, UINT64_C(0x8282DCC4994E35C8)},
                 {14, PRIME32, UINT64_C(0xC3BD6BF63DEB6DF0)}, {222, 0, UINT64_C(0xB641AE8CB691C174)},
                 {222, PRIME32, UINT64_C(0x20CB8AB7AE10C14A)}};
    unsigned char data[222];
    uint64_t generator = PRIME32;
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (unsigned char)(generator >> 56);
        generator *= PRIME64;
    }
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_true(hash_bytes(data, cases[i].length, cases[i].seed) == cases[i].hash);
    assert_true(hash_text("") == UINT64_C(0xEF46DB3751D8E999));
    assert_true(hash_text("abc") == UINT64_C(0x44BC2CF5AD770999));
    assert_true(hash_text("Nobody inspects the spammish repetition") == UINT64_C(0xFBCEA83C8A378BF1));
}

static void
a_hash_does_not_depend_on_where_the_data_lie(void **state)
{
    (void)state;
    unsigned char data[200];
    unsigned char moved[216];
    Random random = random_new(4);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)random_next(&random);
    for (size_t length = 0; length <= sizeof(data); length++)
        for (size_t offset = 1; offset < 16; offset++) {
            memcpy(moved + offset, data, length);
            assert_true(hash_bytes(moved + offset, length, 7) == hash_bytes(data, length, 7));
        }
}

static void
each_bit_and_the_length_and_the_seed_count(void **state)
{
    (void)state;
    unsigned char data[70] = {0};
    for (size_t length = 1; length <= sizeof(data); length++) {
        uint64_t plain = hash_bytes(data, length, 0);
        assert_true(plain != hash_bytes(data, length - 1, 0));
        assert_true(plain != hash_bytes(data, length, 1));
        for (size_t bit = 0; bit < length * 8; bit++) {
            data[bit / 8] = (unsigned char)(1 << bit % 8);
            assert_true(plain != hash_bytes(data, length, 0));
            data[bit / 8] = 0;
        }
    }
}

static void
a_combination_depends_on_the_order(void **state)
{
    (void)state;
    assert_true(hash_combine(1, 2) != hash_combine(2, 1));
    assert_true(hash_combine(0, 0) != 0);
    assert_true(hash_combine(hash_combine(1, 2), 3) != hash_combine(1, hash_combine(2, 3)));
    assert_true(hash_combine(5, 6) == hash_combine(5, 6));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_values_of_xxh64_are_given),
        cmocka_unit_test(a_hash_does_not_depend_on_where_the_data_lie),
        cmocka_unit_test(each_bit_and_the_length_and_the_seed_count),
        cmocka_unit_test(a_combination_depends_on_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
