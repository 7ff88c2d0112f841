#include "model/tensor_file.h"

#include "base/error.h"
#include "model/safetensors.h"
#include "model/torch_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct entry {
    char *name;
    bool usable;
    struct tensor_view view;
};

struct tensor_file {
    char *path;
    void *map; /* NULL: the bytes are the caller's */
    const uint8_t *bytes;
    size_t n_bytes;
    GPtrArray *entries; /* struct entry */
    GHashTable *names;  /* name -> struct entry */
};

static void free_entry(void *data)
{
    struct entry *entry = data;
    g_free(entry->name);
    g_free(entry);
}

/* Takes over `map`. */
static struct tensor_file *new_file(void *map, const void *bytes, size_t n_bytes, const char *path,
                                    GError **error)
{
    struct tensor_file *file = g_new0(struct tensor_file, 1);
    file->path = g_strdup(path);
    file->map = map;
    file->bytes = bytes;
    file->n_bytes = n_bytes;
    file->entries = g_ptr_array_new_with_free_func(free_entry);
    file->names = g_hash_table_new(g_str_hash, g_str_equal);
    bool ok = torch_file_matches(bytes, n_bytes) ? torch_file_read(file, bytes, n_bytes, error)
                                                 : safetensors_read(file, bytes, n_bytes, error);
    if (!ok) {
        tensor_file_close(file);
        return NULL;
    }
    return file;
}

struct tensor_file *tensor_file_parse(const void *bytes, size_t n_bytes, const char *name,
                                      GError **error)
{
    return new_file(NULL, bytes, n_bytes, name, error);
}

struct tensor_file *tensor_file_open(const char *path, GError **error)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    void *map = NULL;
    const char *cause = NULL;
    if (fd < 0 || fstat(fd, &status) != 0)
        cause = g_strerror(errno);
    else if (!S_ISREG(status.st_mode))
        cause = "not a regular file";
    else if (status.st_size == 0)
        cause = "it is empty";
    else if ((map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
        cause = g_strerror(errno);
    if (fd >= 0)
        close(fd);
    if (cause) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot open '%s': %s", path, cause);
        return NULL;
    }
    return new_file(map, map, (size_t)status.st_size, path, error);
}

void tensor_file_close(struct tensor_file *file)
{
    if (!file)
        return;
    if (file->map)
        munmap(file->map, file->n_bytes);
    g_hash_table_destroy(file->names);
    g_ptr_array_free(file->entries, TRUE);
    g_free(file->path);
    g_free(file);
}

const char *tensor_file_path(const struct tensor_file *file)
{
    return file->path;
}

size_t tensor_file_count(const struct tensor_file *file)
{
    return file->entries->len;
}

const char *tensor_file_name(const struct tensor_file *file, size_t i)
{
    const struct entry *entry = file->entries->pdata[i];
    return entry->name;
}

static const struct tensor_view *view_of(const struct entry *entry)
{
    return entry && entry->usable ? &entry->view : NULL;
}

const struct tensor_view *tensor_file_view(const struct tensor_file *file, size_t i)
{
    return view_of(file->entries->pdata[i]);
}

const struct tensor_view *tensor_file_find(const struct tensor_file *file, const char *name)
{
    return view_of(g_hash_table_lookup(file->names, name));
}

size_t tensor_file_offset(const struct tensor_file *file, const struct tensor_view *view)
{
    return (size_t)((const uint8_t *)view->data - file->bytes);
}

/* Only whole pages of the view: its neighbours may still be needed. */
void tensor_file_release(const struct tensor_file *file, const struct tensor_view *view)
{
    const uint8_t *data = view->data;
    if (!file->map || data < file->bytes || data >= file->bytes + file->n_bytes)
        return;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)data,
              end = begin + view->n_bytes;
    begin = (begin + page - 1) / page * page;
    end = end / page * page;
    if (end > begin)
        madvise((void *)begin, end - begin, MADV_DONTNEED);
}

bool tensor_file_fail(const struct tensor_file *file, const char *name, GError **error,
                      const char *cause_format, ...)
{
    va_list arguments;
    va_start(arguments, cause_format);
    g_autofree char *cause = g_strdup_vprintf(cause_format, arguments);
    va_end(arguments);
    if (name)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "'%s': tensor '%s' %s", file->path, name,
                    cause);
    else
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "'%s': %s", file->path, cause);
    return false;
}

bool tensor_file_add(struct tensor_file *file, const char *name, const struct tensor_view *view,
                     GError **error)
{
    if (g_hash_table_contains(file->names, name))
        return tensor_file_fail(file, name, error, "comes twice");
    struct entry *entry = g_new0(struct entry, 1);
    entry->name = g_strdup(name);
    entry->usable = view != NULL;
    if (view)
        entry->view = *view;
    g_ptr_array_add(file->entries, entry);
    g_hash_table_insert(file->names, entry->name, entry);
    return true;
}
