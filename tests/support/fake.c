#include "support/fake.h"

#include "support/support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct fake {
    GPid pid;
    FILE *output;
    char *url, *log_path;
};

struct fake *fake_start(const char *const *options)
{
    struct fake *fake = g_new0(struct fake, 1);
    const char *tools = g_getenv("FIRE_TOOLS");
    g_autofree char *program =
        g_build_filename(tools ? tools : "build/release/tests/tools", "fake_server", NULL);
    g_autofree char *folder = support_folder();
    fake->log_path = g_build_filename(folder, "log.jsonl", NULL);
    g_autoptr(GPtrArray) args = g_ptr_array_new();
    g_ptr_array_add(args, program);
    g_ptr_array_add(args, (char *)"--with-parent");
    g_ptr_array_add(args, (char *)"--log");
    g_ptr_array_add(args, fake->log_path);
    for (; options && *options; options++)
        g_ptr_array_add(args, (char *)*options);
    g_ptr_array_add(args, NULL);
    int out;
    g_autoptr(GError) error = NULL;
    g_spawn_async_with_pipes(NULL, (char **)args->pdata, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                             NULL, &fake->pid, NULL, &out, NULL, &error);
    g_assert_no_error(error);
    fake->output = fdopen(out, "r");
    int port;
    g_assert_cmpint(fscanf(fake->output, "%d", &port), ==, 1);
    fake->url = g_strdup_printf("http://127.0.0.1:%d/v1", port);
    return fake;
}

void fake_stop(struct fake *fake)
{
    kill(fake->pid, SIGTERM);
    waitpid(fake->pid, NULL, 0);
    fclose(fake->output);
    g_free(fake->url);
    g_free(fake->log_path);
    g_free(fake);
}

const char *fake_url(const struct fake *fake)
{
    return fake->url;
}

const char *fake_log_path(const struct fake *fake)
{
    return fake->log_path;
}

json_t *fake_log(const struct fake *fake, const char *model)
{
    json_t *all = support_json_lines(fake->log_path);
    for (size_t i = json_array_size(all); model && i-- > 0;) {
        const json_t *name = json_object_get(json_array_get(all, i), "model");
        if (g_strcmp0(json_string_value(name), model) != 0)
            json_array_remove(all, i);
    }
    return all;
}
