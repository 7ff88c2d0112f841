/* torch_pickle.c -- a stack machine for protocol 2, the one that torch.save writes.
 *
 * Values are small and refer to lists, which belong to the machine; the work is bounded by the length of the pickle. */
#include "model/torch_pickle.h"

#include "base/error.h"

#include <string.h>

enum { MAX_PICKLE_BYTES = 1 << 27 };

enum kind { NONE, MARK, FLAG, INTEGER, STRING, TUPLE, DICTIONARY, FUNCTION, STORAGE, TENSOR };

struct value {
    enum kind kind;
    union {
        int64_t integer;
        char *text; /* STRING; FUNCTION: "module name" */
        GArray *
            items; /* struct value. TUPLE; DICTIONARY: keys and values in turn; STORAGE, TENSOR: below */
    };
};

/* STORAGE: its type, its key. TENSOR: storage, offset, size, strides. */

struct machine {
    const uint8_t *at, *end;
    GArray *stack;    /* struct value */
    GHashTable *memo; /* number -> struct value */
    GPtrArray *texts; /* what values refer to */
    GPtrArray *lists;
    const char *cause; /* of the failure, NULL: none */
};

static bool stop(struct machine *machine, const char *cause)
{
    if (!machine->cause)
        machine->cause = cause;
    return false;
}

static const uint8_t *take(struct machine *machine, size_t n)
{
    if (n > (size_t)(machine->end - machine->at)) {
        stop(machine, "cut off");
        return NULL;
    }
    const uint8_t *bytes = machine->at;
    machine->at += n;
    return bytes;
}

static bool take_number(struct machine *machine, int n, uint32_t *value)
{
    const uint8_t *bytes = take(machine, (size_t)n);
    *value = 0;
    for (int i = n - 1; bytes && i >= 0; i--)
        *value = *value << 8 | bytes[i];
    return bytes != NULL;
}

static bool push(struct machine *machine, struct value value)
{
    g_array_append_val(machine->stack, value);
    return true;
}

static bool push_integer(struct machine *machine, enum kind kind, int64_t integer)
{
    return push(machine, (struct value){.kind = kind, .integer = integer});
}

static bool push_text(struct machine *machine, enum kind kind, const char *text, size_t n)
{
    if (memchr(text, '\0', n))
        return stop(machine, "a string holds a NUL");
    char *copy = g_strndup(text, n);
    g_ptr_array_add(machine->texts, copy);
    return push(machine, (struct value){.kind = kind, .text = copy});
}

static bool pop(struct machine *machine, struct value *value)
{
    guint n = machine->stack->len;
    if (n == 0 || g_array_index(machine->stack, struct value, n - 1).kind == MARK)
        return stop(machine, "an instruction lacks its operand");
    *value = g_array_index(machine->stack, struct value, n - 1);
    g_array_set_size(machine->stack, n - 1);
    return true;
}

static GArray *new_list(struct machine *machine)
{
    GArray *items = g_array_new(FALSE, FALSE, sizeof(struct value));
    g_ptr_array_add(machine->lists, items);
    return items;
}

static bool push_list(struct machine *machine, enum kind kind)
{
    return push(machine, (struct value){.kind = kind, .items = new_list(machine)});
}

/* The values above stack index `first` become a tuple. */
static bool push_tuple(struct machine *machine, guint first)
{
    GArray *items = new_list(machine);
    if (machine->stack->len > first)
        g_array_append_vals(items, &g_array_index(machine->stack, struct value, first),
                            machine->stack->len - first);
    g_array_set_size(machine->stack, first);
    for (guint i = 0; i < items->len; i++)
        if (g_array_index(items, struct value, i).kind == MARK)
            return stop(machine, "an instruction lacks its operand");
    return push(machine, (struct value){.kind = TUPLE, .items = items});
}

/* The index above the last mark, which is removed together with what the caller takes. */
static bool find_mark(struct machine *machine, guint *first)
{
    for (guint i = machine->stack->len; i > 0; i--)
        if (g_array_index(machine->stack, struct value, i - 1).kind == MARK) {
            *first = i;
            return true;
        }
    return stop(machine, "a mark is missing");
}

static bool mark_tuple(struct machine *machine)
{
    guint first;
    struct value tuple;
    if (!find_mark(machine, &first) || !push_tuple(machine, first) || !pop(machine, &tuple))
        return false;
    g_array_set_size(machine->stack, first - 1);
    return push(machine, tuple);
}

/* The items above `first` go into the dictionary below; `n_below` values lie between (the mark). */
static bool set_items(struct machine *machine, guint first, guint n_below)
{
    GArray *stack = machine->stack;
    if (first < n_below + 1 || (stack->len - first) % 2 != 0)
        return stop(machine, "an instruction lacks its operand");
    struct value *target = &g_array_index(stack, struct value, first - n_below - 1);
    if (target->kind != DICTIONARY)
        return stop(machine, "items are set in something that is no dictionary");
    if (stack->len > first)
        g_array_append_vals(target->items, &g_array_index(stack, struct value, first),
                            stack->len - first);
    g_array_set_size(stack, first - n_below);
    return true;
}

static const struct value *item(const struct value *list, guint i, enum kind kind)
{
    const struct value *value =
        i < list->items->len ? &g_array_index(list->items, struct value, i) : NULL;
    return value && value->kind == kind ? value : NULL;
}

/* A persistent id is how torch names a storage: ("storage", TYPE, KEY, DEVICE, COUNT). */
static bool push_storage(struct machine *machine)
{
    struct value id, storage = {.kind = STORAGE};
    if (!pop(machine, &id))
        return false;
    const struct value *type = id.kind == TUPLE ? item(&id, 1, FUNCTION) : NULL;
    const struct value *key = type ? item(&id, 2, STRING) : NULL;
    if (!key || !g_str_has_prefix(type->text, "torch "))
        return stop(machine, "a storage is not described as torch does");
    storage.items = new_list(machine);
    g_array_append_val(storage.items, *type);
    g_array_append_val(storage.items, *key);
    return push(machine, storage);
}

/* The functions that a dictionary of tensors needs, which make values only. */
static bool call(struct machine *machine)
{
    struct value arguments, function;
    if (!pop(machine, &arguments) || !pop(machine, &function))
        return false;
    if (arguments.kind != TUPLE || function.kind != FUNCTION)
        return stop(machine, "a call is not one of a function");
    if (strcmp(function.text, "collections OrderedDict") == 0 && arguments.items->len == 0)
        return push_list(machine, DICTIONARY);
    if (strcmp(function.text, "torch._utils _rebuild_parameter") == 0 &&
        item(&arguments, 0, TENSOR))
        return push(machine, *item(&arguments, 0, TENSOR));
    if (strcmp(function.text, "torch._utils _rebuild_tensor_v2") == 0 &&
        item(&arguments, 0, STORAGE) && item(&arguments, 1, INTEGER) &&
        item(&arguments, 2, TUPLE) && item(&arguments, 3, TUPLE))
        return push(machine, (struct value){.kind = TENSOR, .items = arguments.items});
    return stop(machine, "it calls a function that a dictionary of tensors does not need");
}

/* Reads up to the line's end, which is not part of the line. */
static const char *take_line(struct machine *machine, size_t *n)
{
    const uint8_t *start = machine->at;
    const uint8_t *end = memchr(start, '\n', (size_t)(machine->end - start));
    if (!end) {
        stop(machine, "cut off");
        return NULL;
    }
    machine->at = end + 1;
    *n = (size_t)(end - start);
    return (const char *)start;
}

static bool push_function(struct machine *machine)
{
    size_t n_module, n_name;
    const char *module = take_line(machine, &n_module);
    const char *name = module ? take_line(machine, &n_name) : NULL;
    if (!name)
        return false;
    g_autofree char *text = g_strdup_printf("%.*s %.*s", (int)MIN(n_module, 1000), module,
                                            (int)MIN(n_name, 1000), name);
    return push_text(machine, FUNCTION, text, strlen(text));
}

static bool push_string(struct machine *machine)
{
    uint32_t n;
    if (!take_number(machine, 4, &n))
        return false;
    const uint8_t *text = take(machine, n);
    if (text && !g_utf8_validate((const char *)text, n, NULL))
        return stop(machine, "a string is not UTF-8");
    return text && push_text(machine, STRING, (const char *)text, n);
}

/* LONG1: two's complement, little-endian. */
static bool push_long(struct machine *machine)
{
    uint32_t n;
    if (!take_number(machine, 1, &n))
        return false;
    const uint8_t *bytes = take(machine, n);
    if (!bytes)
        return false;
    if (n > 8)
        return stop(machine, "an integer is too large");
    uint64_t value = n > 0 && bytes[n - 1] & 0x80 ? UINT64_MAX : 0;
    for (uint32_t i = n; i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return push_integer(machine, INTEGER, (int64_t)value);
}

static bool remember(struct machine *machine, uint32_t number)
{
    guint n = machine->stack->len;
    if (n == 0)
        return stop(machine, "an instruction lacks its operand");
    struct value *value = &g_array_index(machine->stack, struct value, n - 1);
    g_hash_table_insert(machine->memo, GUINT_TO_POINTER(number), g_memdup2(value, sizeof *value));
    return true;
}

static bool recall(struct machine *machine, uint32_t number)
{
    const struct value *value = g_hash_table_lookup(machine->memo, GUINT_TO_POINTER(number));
    return value ? push(machine, *value) : stop(machine, "it recalls what was not remembered");
}

/* One instruction. Those of pickletools' listing that torch.save writes for tensors in dictionaries. */
static bool step(struct machine *machine, uint8_t instruction)
{
    uint32_t number;
    guint first, n = machine->stack->len;
    struct value dropped;
    switch (instruction) {
    case 0x80: /* PROTO */
        return take_number(machine, 1, &number) &&
               (number == 2 || stop(machine, "not of protocol 2"));
    case '}':
        return push_list(machine, DICTIONARY);
    case ')':
        return push_tuple(machine, n);
    case '(':
        return push(machine, (struct value){.kind = MARK});
    case 't':
        return mark_tuple(machine);
    case 0x85: /* TUPLE1 to TUPLE3 */
    case 0x86:
    case 0x87:
        number = instruction - 0x84U;
        return n >= number ? push_tuple(machine, n - number)
                           : stop(machine, "an instruction lacks its operand");
    case 'X':
        return push_string(machine);
    case 'K':
        return take_number(machine, 1, &number) && push_integer(machine, INTEGER, number);
    case 'M':
        return take_number(machine, 2, &number) && push_integer(machine, INTEGER, number);
    case 'J':
        return take_number(machine, 4, &number) && push_integer(machine, INTEGER, (int32_t)number);
    case 0x8a:
        return push_long(machine);
    case 'N':
        return push(machine, (struct value){.kind = NONE});
    case 0x88: /* true, false */
    case 0x89:
        return push_integer(machine, FLAG, instruction == 0x88);
    case 'c':
        return push_function(machine);
    case 'q':
        return take_number(machine, 1, &number) && remember(machine, number);
    case 'r':
        return take_number(machine, 4, &number) && remember(machine, number);
    case 'h':
        return take_number(machine, 1, &number) && recall(machine, number);
    case 'j':
        return take_number(machine, 4, &number) && recall(machine, number);
    case 'Q':
        return push_storage(machine);
    case 'R':
        return call(machine);
    case 's':
        return n >= 2 ? set_items(machine, n - 2, 0)
                      : stop(machine, "an instruction lacks its operand");
    case 'u':
        return find_mark(machine, &first) && set_items(machine, first, 1);
    case 'b': /* BUILD: attributes of a dictionary, such as _metadata, which nobody needs */
        return pop(machine, &dropped);
    default:
        return stop(machine, "it holds an instruction that a dictionary of tensors does not need");
    }
}

static bool read_numbers(const struct value *tuple, int64_t numbers[TENSOR_MAX_DIMS])
{
    for (guint i = 0; i < tuple->items->len; i++) {
        const struct value *value = item(tuple, i, INTEGER);
        if (!value || value->integer < 0)
            return false;
        if (i < TENSOR_MAX_DIMS)
            numbers[i] = value->integer;
    }
    return true;
}

static bool give_tensor(struct machine *machine, const char *name, const struct value *value,
                        torch_tensor_function *given, void *user, GError **error)
{
    const struct value *storage = item(value, 0, STORAGE), *dims = item(value, 2, TUPLE),
                       *strides = item(value, 3, TUPLE);
    struct torch_tensor tensor = {
        .name = name,
        .storage = item(storage, 0, FUNCTION)->text + strlen("torch "),
        .key = item(storage, 1, STRING)->text,
        .offset = item(value, 1, INTEGER)->integer,
        .n_dims = (int)MIN(dims->items->len, 1000),
    };
    if (strides->items->len != dims->items->len || !read_numbers(dims, tensor.dims) ||
        !read_numbers(strides, tensor.strides))
        return stop(machine, "a tensor's shape is not one");
    return given(user, &tensor, error);
}

static bool give_tensors(struct machine *machine, torch_tensor_function *given, void *user,
                         GError **error)
{
    struct value top;
    if (!pop(machine, &top))
        return false;
    if (top.kind != DICTIONARY)
        return stop(machine, "it is not a dictionary of tensors");
    for (guint i = 0; i < top.items->len; i += 2) {
        const struct value *key = item(&top, i, STRING), *value = item(&top, i + 1, TENSOR);
        if (!key || !value)
            return stop(machine, "it is not a dictionary of tensors");
        if (!give_tensor(machine, key->text, value, given, user, error))
            return false;
    }
    return true;
}

static bool run(struct machine *machine)
{
    const uint8_t *instruction;
    while ((instruction = take(machine, 1)) && *instruction != '.')
        if (!step(machine, *instruction))
            return false;
    return instruction != NULL;
}

static void free_list(void *items)
{
    g_array_free(items, TRUE);
}

bool torch_pickle_read(const uint8_t *bytes, size_t n_bytes, const char *path,
                       torch_tensor_function *given, void *user, GError **error)
{
    struct machine machine = {
        .at = bytes,
        .end = bytes + n_bytes,
        .stack = g_array_new(FALSE, FALSE, sizeof(struct value)),
        .memo = g_hash_table_new_full(NULL, NULL, NULL, g_free),
        .texts = g_ptr_array_new_with_free_func(g_free),
        .lists = g_ptr_array_new_with_free_func(free_list),
    };
    if (n_bytes > MAX_PICKLE_BYTES)
        stop(&machine, "absurdly long");
    bool ok = !machine.cause && run(&machine) && give_tensors(&machine, given, user, error);
    if (machine.cause)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "'%s': data.pkl: %s; save it as safetensors instead", path, machine.cause);
    g_array_free(machine.stack, TRUE);
    g_hash_table_destroy(machine.memo);
    g_ptr_array_free(machine.texts, TRUE);
    g_ptr_array_free(machine.lists, TRUE);
    return ok;
}
