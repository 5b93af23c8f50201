// SPDX-License-Identifier: PostgreSQL
#include "store/backup_file.h"

#include "base/file.h"
#include "store/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define MAGIC "FETTLEBK"
#define MAGIC_BYTES 8
#define HEAD_BYTES (MAGIC_BYTES + 4)
#define CHECKSUM_BYTES 32
#define CHECKSUM_ALIGNMENT 64
#define RECORD_HEAD_BYTES 5
#define COMPRESSION_LEVEL 3
#define WINDOW_LOG_MOST 23
#define BUFFER_BYTES ((size_t)128 * 1024)

struct BackupWriter {
    Arena *arena;
    const char *path;
    char *temporary; /* NULL once it has its name */
    FILE *file;
    ZSTD_CCtx *packer;
    crypto_generichash_state *checksum; /* in the arena, at the alignment it wants */
    int64_t bytes;
    char *buffer;
};

static void
put_number(char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(value >> (8 * i));
}

static uint32_t
get_number(const char *at)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value |= (uint32_t)(unsigned char)at[i] << (8 * i);
    return value;
}

static bool
writer_failed(const BackupWriter *writer, Error *error)
{
    return error_set_errno(error, errno, "could not write the backup %s", writer->path);
}

/* Bytes of the file that count for the checksum. */
static bool
writer_write(BackupWriter *writer, const void *data, size_t length, Error *error)
{
    crypto_generichash_update(writer->checksum, data, length);
    writer->bytes += (int64_t)length;
    return fwrite(data, 1, length, writer->file) == length || writer_failed(writer, error);
}

static bool
writer_begin(BackupWriter *writer, Error *error)
{
    char head[HEAD_BYTES] = MAGIC;
    put_number(head + MAGIC_BYTES, BACKUP_FORMAT);
    writer->temporary = arena_printf(writer->arena, "%s.XXXXXX", writer->path);
    int descriptor = mkostemp(writer->temporary, O_CLOEXEC);
    if (descriptor < 0) {
        writer->temporary = NULL;
        return writer_failed(writer, error);
    }
    writer->file = fdopen(descriptor, "wb");
    fettle_assert(writer->file != NULL);
    return (fchmod(descriptor, 0600) == 0 || writer_failed(writer, error)) &&
           writer_write(writer, head, sizeof(head), error);
}

bool
backup_writer_open(const char *path, BackupWriter **ret_writer, Error *error)
{
    store_sodium_begin();
    Arena *arena = arena_new("backup", 4 * 1024 * 1024);
    FETTLE_CLEANUP(backup_writer_close_at) BackupWriter *writer = ARENA_NEW(arena, BackupWriter);
    writer->arena = arena;
    writer->path = arena_strdup(arena, path);
    writer->buffer = arena_alloc(arena, BUFFER_BYTES);
    char *place = arena_alloc(arena, sizeof(*writer->checksum) + CHECKSUM_ALIGNMENT);
    size_t beyond = (size_t)((uintptr_t)place % CHECKSUM_ALIGNMENT);
    writer->checksum = (void *)(place + (CHECKSUM_ALIGNMENT - beyond));
    writer->packer = ZSTD_createCCtx();
    fettle_assert(writer->packer != NULL);
    ZSTD_CCtx_setParameter(writer->packer, ZSTD_c_compressionLevel, COMPRESSION_LEVEL);
    ZSTD_CCtx_setParameter(writer->packer, ZSTD_c_checksumFlag, 1);
    crypto_generichash_init(writer->checksum, NULL, 0, CHECKSUM_BYTES);
    if (!writer_begin(writer, error))
        return false;
    *ret_writer = writer;
    writer = NULL;
    return true;
}

static bool
writer_pack(BackupWriter *writer, const void *data, size_t length, ZSTD_EndDirective directive, Error *error)
{
    ZSTD_inBuffer input = {.src = data, .size = length};
    size_t left;
    do {
        ZSTD_outBuffer output = {.dst = writer->buffer, .size = BUFFER_BYTES};
        left = ZSTD_compressStream2(writer->packer, &output, &input, directive);
        if (ZSTD_isError(left))
            return error_set(error, ERROR_SYSTEM, "could not compress the backup: %s",
                             ZSTD_getErrorName(left));
        if (!writer_write(writer, writer->buffer, output.pos, error))
            return false;
    } while (directive == ZSTD_e_end ? left != 0 : input.pos < input.size);
    return true;
}

bool
backup_writer_put(BackupWriter *writer, char kind, const char *data, size_t length, Error *error)
{
    char head[RECORD_HEAD_BYTES] = {kind};
    fettle_assert(length <= BACKUP_PIECE_BYTES);
    put_number(head + 1, (uint32_t)length);
    return writer_pack(writer, head, sizeof(head), ZSTD_e_continue, error) &&
           writer_pack(writer, data, length, ZSTD_e_continue, error);
}

bool
backup_writer_finish(BackupWriter *writer, int64_t *ret_bytes, Error *error)
{
    unsigned char checksum[CHECKSUM_BYTES];
    if (!writer_pack(writer, NULL, 0, ZSTD_e_end, error))
        return false;
    crypto_generichash_final(writer->checksum, checksum, sizeof(checksum));
    if (fwrite(checksum, 1, sizeof(checksum), writer->file) != sizeof(checksum) ||
        fflush(writer->file) != 0 || fsync(fileno(writer->file)) != 0 ||
        rename(writer->temporary, writer->path) != 0)
        return writer_failed(writer, error);
    writer->temporary = NULL;
    *ret_bytes = writer->bytes + CHECKSUM_BYTES;
    return true;
}

void
backup_writer_close_at(BackupWriter **writer)
{
    BackupWriter *closed = *writer;
    *writer = NULL;
    if (closed == NULL)
        return;
    if (closed->temporary != NULL)
        unlink(closed->temporary);
    if (closed->file != NULL)
        fclose(closed->file);
    ZSTD_freeCCtx(closed->packer);
    arena_free(closed->arena);
}

struct BackupReader {
    Arena *arena;
    const char *path;
    FILE *file;
    ZSTD_DCtx *unpacker;
    int64_t packed_left; /* bytes of the frame that are not read yet */
    bool is_frame_over;
    char *buffer;
    ZSTD_inBuffer input;
    char *piece; /* the record */
};

static bool
reader_damaged(const BackupReader *reader, const char *how, Error *error)
{
    error_set(error, ERROR_DAMAGED, "the backup %s %s", reader->path, how);
    return error_set_hint(error, "use another backup; nothing was changed");
}

static bool
reader_check_head(BackupReader *reader, Error *error)
{
    char head[HEAD_BYTES];
    struct stat status;
    if (fstat(fileno(reader->file), &status) != 0)
        return error_set_errno(error, errno, "could not look at %s", reader->path);
    if (!S_ISREG(status.st_mode))
        return error_set(error, ERROR_INPUT, "%s is no file", reader->path);
    if (fread(head, 1, sizeof(head), reader->file) != sizeof(head) || memcmp(head, MAGIC, MAGIC_BYTES) != 0)
        return reader_damaged(reader, "is no backup of Fettle's", error);
    if (get_number(head + MAGIC_BYTES) > BACKUP_FORMAT) {
        error_set(error, ERROR_UNSUPPORTED, "the backup %s is of a newer Fettle (format %u)", reader->path,
                  get_number(head + MAGIC_BYTES));
        return error_set_hint(error, "restore it with that Fettle or a later one");
    }
    reader->packed_left = (int64_t)status.st_size - HEAD_BYTES - CHECKSUM_BYTES;
    if (get_number(head + MAGIC_BYTES) == 0 || reader->packed_left <= 0)
        return reader_damaged(reader, "is cut off", error);
    return true;
}

/* Reads the whole file once, before anything of it is believed. */
static bool
reader_check_whole(BackupReader *reader, Error *error)
{
    crypto_generichash_state state;
    unsigned char expected[CHECKSUM_BYTES];
    unsigned char found[CHECKSUM_BYTES];
    int64_t left = reader->packed_left + HEAD_BYTES;
    crypto_generichash_init(&state, NULL, 0, CHECKSUM_BYTES);
    rewind(reader->file);
    while (left > 0) {
        size_t wanted = left < (int64_t)BUFFER_BYTES ? (size_t)left : BUFFER_BYTES;
        if (fread(reader->buffer, 1, wanted, reader->file) != wanted)
            return error_set_errno(error, errno, "could not read %s", reader->path);
        crypto_generichash_update(&state, (unsigned char *)reader->buffer, wanted);
        left -= (int64_t)wanted;
    }
    crypto_generichash_final(&state, expected, sizeof(expected));
    if (fread(found, 1, sizeof(found), reader->file) != sizeof(found) ||
        memcmp(expected, found, sizeof(found)) != 0)
        return reader_damaged(reader, "is damaged or cut off: its checksum is wrong", error);
    return fseek(reader->file, HEAD_BYTES, SEEK_SET) == 0 ||
           error_set_errno(error, errno, "could not read %s", reader->path);
}

bool
backup_reader_open(const char *path, BackupReader **ret_reader, Error *error)
{
    store_sodium_begin();
    Arena *arena = arena_new("backup", 4 * 1024 * 1024);
    FETTLE_CLEANUP(backup_reader_close_at) BackupReader *reader = ARENA_NEW(arena, BackupReader);
    reader->arena = arena;
    reader->path = arena_strdup(arena, path);
    reader->buffer = arena_alloc(arena, BUFFER_BYTES);
    reader->piece = arena_alloc(arena, BACKUP_PIECE_BYTES + 1);
    reader->unpacker = ZSTD_createDCtx();
    fettle_assert(reader->unpacker != NULL);
    ZSTD_DCtx_setParameter(reader->unpacker, ZSTD_d_windowLogMax, WINDOW_LOG_MOST);
    reader->file = fopen(path, "rbe");
    if (reader->file == NULL) {
        bool is_missing = errno == ENOENT;
        error_set_errno(error, errno, "could not open the backup %s", path);
        error->code = is_missing ? ERROR_NOT_FOUND : error->code;
        return false;
    }
    if (!reader_check_head(reader, error) || !reader_check_whole(reader, error))
        return false;
    *ret_reader = reader;
    reader = NULL;
    return true;
}

static bool
reader_fill(BackupReader *reader, Error *error)
{
    size_t wanted = reader->packed_left < (int64_t)BUFFER_BYTES ? (size_t)reader->packed_left : BUFFER_BYTES;
    if (wanted == 0)
        return reader_damaged(reader, "ends too early", error);
    if (fread(reader->buffer, 1, wanted, reader->file) != wanted)
        return error_set_errno(error, errno, "could not read %s", reader->path);
    reader->packed_left -= (int64_t)wanted;
    reader->input = (ZSTD_inBuffer){.src = reader->buffer, .size = wanted};
    return true;
}

static bool
reader_unpack(BackupReader *reader, char *data, size_t length, Error *error)
{
    ZSTD_outBuffer output = {.dst = data, .size = length};
    while (output.pos < output.size) {
        if (reader->is_frame_over)
            return reader_damaged(reader, "ends too early", error);
        size_t before = output.pos;
        size_t left = ZSTD_decompressStream(reader->unpacker, &output, &reader->input);
        if (ZSTD_isError(left))
            return reader_damaged(reader, "does not unpack", error);
        reader->is_frame_over = left == 0;
        if (output.pos == before && reader->input.pos == reader->input.size && left != 0 &&
            !reader_fill(reader, error))
            return false;
    }
    return true;
}

bool
backup_reader_next(BackupReader *reader, BackupRecord *ret_record, Error *error)
{
    char head[RECORD_HEAD_BYTES];
    if (!reader_unpack(reader, head, sizeof(head), error))
        return false;
    uint32_t length = get_number(head + 1);
    if (length > BACKUP_PIECE_BYTES)
        return reader_damaged(reader, "holds a record that is too long", error);
    if (!reader_unpack(reader, reader->piece, length, error))
        return false;
    reader->piece[length] = '\0';
    *ret_record = (BackupRecord){.kind = head[0], .data = reader->piece, .length = length};
    return true;
}

void
backup_reader_close_at(BackupReader **reader)
{
    BackupReader *closed = *reader;
    *reader = NULL;
    if (closed == NULL)
        return;
    if (closed->file != NULL)
        fclose(closed->file);
    ZSTD_freeDCtx(closed->unpacker);
    arena_free(closed->arena);
}
