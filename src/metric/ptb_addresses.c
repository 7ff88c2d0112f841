#include "metric/ptb_text.h"

#include <string.h>

static bool is_one_of(uint32_t c, const char *characters)
{
    return c && c < 0x80 && strchr(characters, (int)c);
}

/* Is c one that no address holds? `also` names more such characters. */
static bool ends_address(uint32_t c, const char *also)
{
    if (c <= ' ' || c == '"' || c == '<' || c == '>' || c == '|' || c == '(' || c == ')')
        return true;
    return is_one_of(c, also);
}

/* Where the longest stretch from i of at least `min` characters ends whose last is none of
 * `not_last`; i where there is none. */
static size_t stretch(const struct ptb_text *text, size_t i, size_t min, const char *not_in,
                      const char *not_last)
{
    size_t end = i;
    while (!ends_address(text->c[end], not_in))
        end++;
    while (end > i && ends_address(text->c[end - 1], not_last))
        end--;
    return end - i >= min ? end : i;
}

/* http://..., https://... */
static size_t full_url(const struct ptb_text *text, size_t i)
{
    if (!ptb_looking_at(text, i, "http"))
        return 0;
    size_t start = i + 4 + ((text->c[i + 4] | 0x20) == 's');
    if (!ptb_looking_at(text, start, "://"))
        return 0;
    size_t end = stretch(text, start + 3, 2, "{}", "{}.!?,-");
    return end > start + 3 ? end - i : 0;
}

/* A path behind a host that ends at i: the end of both. */
static size_t path(const struct ptb_text *text, size_t i)
{
    if (text->c[i] != '/')
        return i;
    size_t end = stretch(text, i + 1, 2, "", "{}.!?,-");
    return end > i + 1 ? end : i;
}

/* www. and labels, of which the last is 2 to 4 letters; perhaps a path. */
static size_t www_url(struct ptb_text *text, size_t i)
{
    if (i < text->failed_until[PTB_WWW_URL] || !ptb_looking_at(text, i, "www."))
        return 0;
    size_t longest = i, j = i + 4;
    while (!ends_address(text->c[j], ".!?{},")) {
        while (!ends_address(text->c[j], ".!?{},"))
            j++;
        if (text->c[j] != '.')
            break;
        j++;
        for (size_t n = 0; n < 4 && ptb_is_ascii_letter(text->c[j + n]);) {
            size_t end = ++n >= 2 ? path(text, j + n) : i;
            longest = end > longest ? end : longest;
            if (end > j + n) /* a path goes as far as any label can */
                return end - i;
        }
    }
    if (longest == i)
        text->failed_until[PTB_WWW_URL] = j;
    return longest - i;
}

static bool in_bare_label(uint32_t c)
{
    return c >= 0x80 || (c >= 'a' && c <= 'z') || is_one_of(c, "#%&*+~");
}

/* Labels and one of the four old top domains: example.com, example.org/path. */
static size_t bare_url(struct ptb_text *text, size_t i)
{
    static const char *const domains[] = {"com", "net", "org", "edu"};
    if (i < text->failed_until[PTB_BARE_URL])
        return 0;
    size_t j = i, longest = i;
    while (in_bare_label(text->c[j])) {
        while (in_bare_label(text->c[j]))
            j++;
        if (text->c[j] != '.')
            break;
        j++;
        for (size_t d = 0; d < 4; d++) {
            if (!ptb_looking_at(text, j, domains[d]))
                continue;
            size_t end = path(text, j + 3);
            longest = end > longest ? end : longest;
        }
    }
    if (longest == i)
        text->failed_until[PTB_BARE_URL] = j;
    return longest - i;
}

static bool in_email(uint32_t c)
{
    return c != 0xa0 && !ends_address(c, "{}");
}

/* The end of the domain at i: labels with single dots between them; i where there is none. */
static size_t domain_end(const struct ptb_text *text, size_t i)
{
    size_t end = i;
    while (in_email(text->c[end]) && text->c[end] != '.') {
        while (in_email(text->c[end]) && text->c[end] != '.')
            end++;
        if (text->c[end] != '.' || !in_email(text->c[end + 1]) || text->c[end + 1] == '.')
            break;
        end++;
    }
    return end;
}

/* name@domain, perhaps in angle brackets. */
static size_t email(struct ptb_text *text, size_t i)
{
    if (i < text->failed_until[PTB_EMAIL])
        return 0;
    size_t start = i, end, at = 0;
    if (text->c[i] == '<')
        i++;
    else if (ptb_looking_at(text, i, "&lt;"))
        i += 4;
    if (!ptb_is_ascii_alnum(text->c[i]))
        return 0;
    for (end = i + 1; in_email(text->c[end]); end++)
        if (text->c[end] == '@' && in_email(text->c[end + 1]) && text->c[end + 1] != '.')
            at = end;
    if (!at) {
        text->failed_until[PTB_EMAIL] = end;
        return 0;
    }
    end = domain_end(text, at + 1);
    if (text->c[end] == '>')
        end++;
    return end - start;
}

/* The length of a file name's extension at i, or 0. */
static size_t extension(const struct ptb_text *text, size_t i)
{
    static const char *const extensions[] = {
        "bat", "bmp", "c",    "cgi", "class", "cpp",  "dll", "doc", "docx", "exe", "gif", "gz",
        "h",   "htm", "html", "jar", "java",  "jpeg", "jpg", "mov", "mp3",  "pdf", "php", "pl",
        "png", "ppt", "ps",   "py",  "sql",   "tar",  "txt", "wav", "x",    "xml", "zip",
    };
    for (size_t e = 0; e < sizeof extensions / sizeof *extensions; e++) {
        size_t n = strlen(extensions[e]);
        if (ptb_looking_at(text, i, extensions[e]) && !ptb_is_alnum(text, i + n))
            return n;
    }
    return 0;
}

static bool in_tag(const struct ptb_text *text, size_t i)
{
    return ptb_is_letter(text, i) || text->k[i] == PTB_MARK || text->c[i] == 0xad;
}

static bool in_file_name(const struct ptb_text *text, size_t i)
{
    return in_tag(text, i) || ptb_is_digit(text, i);
}

static bool ends_file_name(const struct ptb_text *text, size_t i)
{
    uint32_t c = text->c[i];
    return ptb_is_space(text, i) || c == '.' || c == ',' || c == '?' || c == '!';
}

/* picture_1 is not one, 1.jpg and archive.tar.gz are. */
static size_t file_name(struct ptb_text *text, size_t i)
{
    if (i < text->failed_until[PTB_FILE_NAME])
        return 0;
    size_t j = i, longest = i;
    while (in_file_name(text, j)) {
        while (in_file_name(text, j))
            j++;
        if (text->c[j] != '.')
            break;
        size_t n = extension(text, ++j);
        if (n && ends_file_name(text, j + n))
            longest = j + n;
    }
    if (longest == i)
        text->failed_until[PTB_FILE_NAME] = j;
    return longest - i;
}

/* @name, #tag */
static size_t handle(const struct ptb_text *text, size_t i)
{
    size_t n = 1;
    if (text->c[i] == '@' && !ptb_is_ascii_digit(text->c[i + 1])) {
        while (ptb_is_ascii_alnum(text->c[i + n]) || text->c[i + n] == '_')
            n++;
    } else if (text->c[i] == '#') {
        while (in_tag(text, i + n))
            n++;
    }
    return n > 1 ? n : 0;
}

void ptb_match_addresses(struct ptb_text *text, size_t i, struct ptb_match *best)
{
    size_t n = full_url(text, i);
    ptb_offer(best, n, n, PTB_VERBATIM);
    n = www_url(text, i);
    ptb_offer(best, n, n, PTB_VERBATIM);
    n = bare_url(text, i);
    ptb_offer(best, n, n, PTB_VERBATIM);
    n = email(text, i);
    ptb_offer(best, n, n, PTB_VERBATIM);
    n = handle(text, i);
    ptb_offer(best, n, n, PTB_VERBATIM);
}

void ptb_match_file_name(struct ptb_text *text, size_t i, struct ptb_match *best)
{
    size_t n = file_name(text, i);
    if (n)
        ptb_offer(best, n + 1, n, PTB_VERBATIM);
}

static size_t spaces(const struct ptb_text *text, size_t i)
{
    size_t n = 0;
    while (text->c[i + n] == ' ')
        n++;
    return n;
}

/* A name in markup at i, or 0. */
static size_t tag_name(const struct ptb_text *text, size_t i)
{
    size_t n = 0;
    if (!ptb_is_ascii_letter(text->c[i]))
        return 0;
    for (uint32_t c; c = text->c[i + n], ptb_is_ascii_alnum(c) || is_one_of(c, "-.:_");)
        n++;
    return n;
}

/* ="value" at i with spaces round the sign, or 0. */
static size_t tag_value(const struct ptb_text *text, size_t i)
{
    size_t j = i + spaces(text, i);
    if (text->c[j] != '=')
        return 0;
    j++;
    j += spaces(text, j);
    uint32_t quote = text->c[j];
    if (quote != '"' && quote != '\'')
        return 0;
    for (j++; text->c[j] != quote; j++)
        if (text->k[j] == PTB_NEWLINE)
            return 0;
    return j + 1 - i;
}

/* The place of the first '>' from i on, or n. */
static size_t find_tag_end(struct ptb_text *text, size_t i)
{
    if (i < text->tag_from || i > text->tag_end) {
        text->tag_from = i;
        while (i < text->n && text->c[i] != '>')
            i++;
        text->tag_end = i;
    }
    return text->tag_end;
}

void ptb_match_tag(struct ptb_text *text, size_t i, struct ptb_match *best)
{
    size_t end = find_tag_end(text, i), j = i + 1, n;
    if (text->c[i] != '<' || end == text->n)
        return;
    if ((text->c[j] == '!' || text->c[j] == '?') &&
        (ptb_is_ascii_letter(text->c[j + 1]) || text->c[j + 1] == '-')) {
        ptb_offer(best, end + 1 - i, end + 1 - i, PTB_BOUND);
        return;
    }
    bool closing = text->c[j] == '/';
    j += closing;
    if (!(n = tag_name(text, j)))
        return;
    j += n;
    while (!closing && text->c[j] == ' ' && (n = tag_name(text, j + spaces(text, j)))) {
        j += spaces(text, j) + n;
        j += tag_value(text, j);
    }
    j += spaces(text, j);
    j += !closing && text->c[j] == '/';
    j += spaces(text, j);
    if (text->c[j] == '>')
        ptb_offer(best, j + 1 - i, j + 1 - i, PTB_BOUND);
}
