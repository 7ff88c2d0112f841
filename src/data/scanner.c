/* scanner.c -- one buffer, refilled with large reads; records are handed out in place.
 *
 *   bytes   [ consumed | start ... scanned ... end | free ]
 *
 * `start` is where the current record begins, `scanned` how far it has been looked at, so that no
 * byte is looked at twice, however often the buffer is refilled. A record that outgrows
 * SCANNER_MAX_RECORD is dropped from the buffer while the scan goes on to find its end. */
#include "data/scanner.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (256u << 10)

/* How far the end of one JSON value has been found, by brackets and strings alone. */
struct value {
    uint32_t depth;
    bool started, in_string, escaped, is_scalar;
};

struct scanner {
    char *path;
    int fd;
    char *bytes;
    size_t capacity, start, scanned, end;
    uint64_t n_consumed, n_total;
    size_t n_records, n_lines, n_objects; /* n_objects: lines that are bracketed like one */
    bool at_eof, is_array, was_comma, is_done, is_failed;
};

static void fail(struct scanner *scanner, GError **error, enum fire_error code, const char *what)
{
    scanner->is_failed = true;
    g_set_error(error, FIRE_ERROR, code, "cannot use '%s': %s", scanner->path, what);
}

static size_t consume(struct scanner *scanner, size_t position)
{
    scanner->n_consumed += position - scanner->start;
    scanner->start = scanner->scanned = position;
    return position;
}

static void make_room(struct scanner *scanner)
{
    if (scanner->start > 0) {
        memmove(scanner->bytes, scanner->bytes + scanner->start, scanner->end - scanner->start);
        scanner->end -= scanner->start;
        scanner->scanned -= scanner->start;
        scanner->start = 0;
    }
    if (scanner->capacity - scanner->end >= CHUNK)
        return;
    /* A longer record is dropped, so more room is never needed. */
    size_t capacity = MIN(scanner->capacity * 2, (size_t)SCANNER_MAX_RECORD + 2 * CHUNK);
    char *grown = g_try_realloc(scanner->bytes, capacity);
    if (grown) {
        scanner->bytes = grown;
        scanner->capacity = capacity;
    }
}

/* Reads more behind `end`. False at the end of the file and on failure (is_failed). */
static bool fill(struct scanner *scanner, GError **error)
{
    if (scanner->at_eof)
        return false;
    make_room(scanner);
    if (scanner->end == scanner->capacity) {
        fail(scanner, error, FIRE_ERROR_IO, "out of memory");
        return false;
    }
    ssize_t n;
    do
        n = read(scanner->fd, scanner->bytes + scanner->end, scanner->capacity - scanner->end);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        fail(scanner, error, FIRE_ERROR_IO, g_strerror(errno));
    else if (n == 0)
        scanner->at_eof = true;
    else
        scanner->end += (size_t)n;
    return n > 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Consumes white space. False at the end of the file and on failure. */
static bool skip_blanks(struct scanner *scanner, GError **error)
{
    for (;;) {
        size_t p = scanner->start;
        while (p < scanner->end && is_blank(scanner->bytes[p]))
            p++;
        consume(scanner, p);
        if (p < scanner->end)
            return true;
        if (!fill(scanner, error))
            return false;
    }
}

/* Is there a line that begins like an object among the bytes at hand? */
static bool begins_like_lines(const struct scanner *scanner)
{
    const char *p = scanner->bytes + scanner->start, *end = scanner->bytes + scanner->end;
    while (p < end) {
        while (p < end && (*p == ' ' || *p == '\t'))
            p++;
        if (p < end && *p == '{') {
            p++;
            while (p < end && (*p == ' ' || *p == '\t'))
                p++;
            if (p == end || *p == '"' || *p == '}')
                return true;
        }
        const char *feed = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
        p = feed ? feed + 1 : end;
    }
    return false;
}

static bool recognise(struct scanner *scanner, GError **error)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    while (scanner->end < sizeof mark && fill(scanner, error))
        ;
    if (scanner->end >= sizeof mark && memcmp(scanner->bytes, mark, sizeof mark) == 0)
        consume(scanner, sizeof mark);
    if (scanner->is_failed)
        return false;
    if (!skip_blanks(scanner, error)) {
        if (!scanner->is_failed)
            fail(scanner, error, FIRE_ERROR_FORMAT, "it is empty");
        return false;
    }
    scanner->is_array = scanner->bytes[scanner->start] == '[';
    if (scanner->is_array) {
        consume(scanner, scanner->start + 1);
        return true;
    }
    /* A pipe may have given a few bytes only. */
    do {
        if (begins_like_lines(scanner))
            return true;
    } while (scanner->end - scanner->start < CHUNK && fill(scanner, error));
    if (!scanner->is_failed)
        fail(scanner, error, FIRE_ERROR_FORMAT, "it is neither JSON Lines nor a JSON array");
    return false;
}

struct scanner *scanner_open(const char *path, GError **error)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot open '%s': %s", path,
                    g_strerror(errno));
        if (fd > 0)
            close(fd);
        return NULL;
    }
    struct scanner *scanner = g_new0(struct scanner, 1);
    scanner->path = g_strdup(is_stdin ? "standard input" : path);
    scanner->fd = fd;
    scanner->capacity = 2 * CHUNK;
    scanner->bytes = g_malloc(scanner->capacity);
    scanner->n_total = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    if (!recognise(scanner, error))
        g_clear_pointer(&scanner, scanner_close);
    return scanner;
}

void scanner_close(struct scanner *scanner)
{
    if (!scanner)
        return;
    if (scanner->fd != STDIN_FILENO)
        close(scanner->fd);
    g_free(scanner->path);
    g_free(scanner->bytes);
    g_free(scanner);
}

void scanner_position(const struct scanner *scanner, uint64_t *done, uint64_t *total)
{
    *done = scanner->n_consumed;
    *total = scanner->n_total;
}

/* Inside a string from `p` on: behind its closing quote, or `end`. A line feed ends a string too:
 * JSON strings hold none, so a quote is missing, and only the rest of that line is lost to it. */
static const char *skip_string(struct value *value, const char *p, const char *end)
{
    if (value->escaped && p < end) {
        value->escaped = false;
        p++;
    }
    const char *from = p;
    while (p < end) {
        const char *quote = memchr(p, '"', (size_t)(end - p));
        const char *stop = quote ? quote : end;
        const char *feed = memchr(p, '\n', (size_t)(stop - p));
        if (feed) {
            value->in_string = false;
            return feed + 1;
        }
        size_t n_slashes = 0;
        while (stop - n_slashes > from && stop[-1 - (ptrdiff_t)n_slashes] == '\\')
            n_slashes++;
        if (!quote) {
            value->escaped = n_slashes % 2;
            return end;
        }
        p = quote + 1;
        if (n_slashes % 2 == 0) {
            value->in_string = false;
            return p;
        }
        from = p;
    }
    return p;
}

/* Goes on from `p` to behind the value's last byte and sets `*complete`, or to `end`. The first
 * byte of a value is no blank, comma or closing bracket. */
static const char *skip_value(struct value *value, const char *p, const char *end, bool *complete)
{
    if (p < end && !value->started) {
        value->started = true;
        value->is_scalar = !strchr("{[\"", *p);
    }
    while (p < end) {
        if (value->in_string) {
            p = skip_string(value, p, end);
            *complete = !value->in_string && value->depth == 0;
        } else if (value->is_scalar) {
            *complete = is_blank(*p) || *p == ',' || *p == ']';
            p += !*complete;
        } else {
            char c = *p++;
            if (c == '"') {
                value->in_string = true;
            } else if (c == '{' || c == '[') {
                value->depth++;
            } else if (c == '}' || c == ']') {
                value->depth--;
                *complete = value->depth == 0;
            }
        }
        if (*complete)
            break;
    }
    return p;
}

/* Behind the end of the line that begins or goes on at `p`, or `end`. */
static const char *skip_line(const char *p, const char *end, bool *complete)
{
    const char *feed = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    *complete = feed != NULL;
    return feed ? feed + 1 : end;
}

/* Finds the end of the record at `start`, reading on as needed. `*n_bytes` is its length, with the
 * line feed of a line. SCAN_END: the file ends inside it. */
static enum scan_status find_end(struct scanner *scanner, size_t *n_bytes, GError **error)
{
    struct value value = {0};
    bool complete = false, is_dropped = false;
    for (;;) {
        const char *p = scanner->bytes + scanner->scanned, *end = scanner->bytes + scanner->end;
        p = scanner->is_array ? skip_value(&value, p, end, &complete)
                              : skip_line(p, end, &complete);
        scanner->scanned = (size_t)(p - scanner->bytes);
        if (is_dropped || scanner->scanned - scanner->start > SCANNER_MAX_RECORD) {
            is_dropped = true;
            consume(scanner, scanner->scanned);
        }
        *n_bytes = scanner->scanned - scanner->start;
        if (complete)
            return is_dropped ? SCAN_TOO_LONG : SCAN_RECORD;
        if (!fill(scanner, error))
            return scanner->is_failed                 ? SCAN_FAILED
                   : is_dropped && !scanner->is_array ? SCAN_TOO_LONG
                                                      : SCAN_END;
    }
}

static enum scan_status next_line(struct scanner *scanner, const char **text, size_t *n_bytes,
                                  GError **error)
{
    if (!skip_blanks(scanner, error)) {
        if (scanner->is_failed)
            return SCAN_FAILED;
        /* One line may be the only, cut record. Many, of which none is an object, are another kind
         * of file: an object over several lines, say. */
        if (scanner->n_objects == 0 && scanner->n_lines > 1) {
            fail(scanner, error, FIRE_ERROR_FORMAT, "none of its lines is a JSON object");
            return SCAN_FAILED;
        }
        scanner->is_done = true;
        return SCAN_END;
    }
    enum scan_status status = find_end(scanner, n_bytes, error);
    if (status == SCAN_FAILED)
        return status;
    scanner->n_lines++;
    if (status == SCAN_TOO_LONG) {
        scanner->n_objects++;
        return status;
    }
    *text = scanner->bytes + scanner->start;
    consume(scanner, scanner->scanned);
    while (is_blank((*text)[*n_bytes - 1]))
        --*n_bytes;
    if (**text == '{' && (*text)[*n_bytes - 1] == '}')
        scanner->n_objects++;
    return SCAN_RECORD;
}

static enum scan_status fail_array(struct scanner *scanner, GError **error, const char *what)
{
    if (!scanner->is_failed) {
        g_autofree char *where = g_strdup_printf("%s after record %zu", what, scanner->n_records);
        fail(scanner, error, FIRE_ERROR_FORMAT, where);
    }
    return SCAN_FAILED;
}

/* Behind the closing bracket. */
static enum scan_status end_array(struct scanner *scanner, GError **error)
{
    consume(scanner, scanner->start + 1);
    if (skip_blanks(scanner, error) || scanner->is_failed)
        return fail_array(scanner, error, "something follows the array,");
    scanner->is_done = true;
    return SCAN_END;
}

static enum scan_status next_element(struct scanner *scanner, const char **text, size_t *n_bytes,
                                     GError **error)
{
    if (!skip_blanks(scanner, error))
        return fail_array(scanner, error, "the array is not closed");
    char c = scanner->bytes[scanner->start];
    if (c == ']' && !scanner->was_comma)
        return end_array(scanner, error);
    if (scanner->n_records > 0 && !scanner->was_comma) {
        if (c != ',')
            return fail_array(scanner, error, "a comma is missing");
        consume(scanner, scanner->start + 1);
        scanner->was_comma = true;
        return next_element(scanner, text, n_bytes, error);
    }
    if (strchr(",]}:", c))
        return fail_array(scanner, error, "a value is missing");
    enum scan_status status = find_end(scanner, n_bytes, error);
    if (status == SCAN_END || status == SCAN_FAILED)
        return fail_array(scanner, error, "the array is not closed");
    scanner->n_records++;
    scanner->was_comma = false;
    *text = scanner->bytes + scanner->start;
    consume(scanner, scanner->scanned);
    return status;
}

enum scan_status scanner_next(struct scanner *scanner, const char **text, size_t *n_bytes,
                              GError **error)
{
    *text = "";
    *n_bytes = 0;
    if (scanner->is_failed)
        return SCAN_FAILED;
    if (scanner->is_done)
        return SCAN_END;
    enum scan_status status = scanner->is_array ? next_element(scanner, text, n_bytes, error)
                                                : next_line(scanner, text, n_bytes, error);
    if (status != SCAN_RECORD) {
        *text = "";
        *n_bytes = 0;
    }
    return status;
}
