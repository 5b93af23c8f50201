// SPDX-License-Identifier: PostgreSQL
/*
 * Words of the format of packs (drawn in sample_codec.h) that its encoder and decoder share; for no other
 * file. Numbers here are stored: never change one.
 */
#ifndef FETTLE_STORE_SAMPLE_CODEC_INTERNAL_H
#define FETTLE_STORE_SAMPLE_CODEC_INTERNAL_H

#define SAMPLE_FORMAT 1
#define SAMPLE_VARINT_BYTES_MOST 9 /* 63 bits */
#define SAMPLE_MEAN_PLACES 8

typedef enum SamplePositionsKind {
    SAMPLE_POSITIONS_ALL = 0,
    SAMPLE_POSITIONS_BITMAP = 1,
    SAMPLE_POSITIONS_GAPS = 2,
} SamplePositionsKind;

typedef enum SampleColumnKind {
    SAMPLE_COLUMN_CONSTANT = 1,
    SAMPLE_COLUMN_MULTIPLE = 2,
    SAMPLE_COLUMN_PACKED = 3,
    SAMPLE_COLUMN_RESIDUAL = 4,
} SampleColumnKind;

#endif
