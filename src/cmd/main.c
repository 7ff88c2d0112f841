/* main.c -- finds the command and turns its result into an exit code. */
#include "base/error.h"
#include "base/log.h"
#include "cmd/command.h"

#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* In the order of `fire help`; a name is one word or two. */
#define COMMANDS(row)                                                                              \
    row(import) row(lint) row(export) row(score_text) row(score_tokens) row(score_mae)             \
        row(score_free) row(bench_free) row(bench_fixed) row(runs) row(rescore) row(report)        \
            row(protocols) row(probe) row(tokenize) row(merge) row(demo) row(world) row(version)

#define DECLARE(name) extern const struct command command_##name;
COMMANDS(DECLARE)

#define ROW(name) &command_##name,
static const struct command *const commands[] = {COMMANDS(ROW)};

static void print_help(void)
{
    puts("usage: fire COMMAND [OPTIONS] [ARGUMENTS]\n\nCommands (fire COMMAND --help says more):");
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        printf("  %-14s %s\n", commands[i]->name, commands[i]->summary);
}

/* What may follow `word` where that is the first of two: "free, fixed". NULL: nothing. Free with g_free. */
static char *list_seconds(const char *word)
{
    g_autofree char *prefix = g_strconcat(word, " ", NULL);
    GString *seconds = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        if (g_str_has_prefix(commands[i]->name, prefix))
            g_string_append_printf(seconds, "%s%s", seconds->len ? ", " : "",
                                   commands[i]->name + strlen(prefix));
    return g_string_free(seconds, seconds->len == 0);
}

static void complain_of(const char *word)
{
    g_autofree char *seconds = list_seconds(word);
    if (seconds)
        log_error("'%s' needs a second word: %s", word, seconds);
    else
        log_error("unknown command '%s'; 'fire help' lists them", word);
}

/* A command's name is one word or two. */
static const struct command *find_command(int argc, char **argv, int *n_words)
{
    for (*n_words = 2; *n_words >= 1; --*n_words) {
        if (argc <= *n_words)
            continue;
        g_autofree char *name =
            *n_words == 2 ? g_strdup_printf("%s %s", argv[1], argv[2]) : g_strdup(argv[1]);
        for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
            if (strcmp(commands[i]->name, name) == 0)
                return commands[i];
    }
    return NULL;
}

/* A closed standard stream would give its number to the next file opened, say the run database, and what is printed would
 * go there. What takes its place is empty and cannot be written. */
static void fill_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* Every request in flight is a descriptor, and the usual soft limit is 1,024. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* `fire protocols | head`: who reads standard output has read enough, which is nothing to complain of. */
static bool is_reader_gone(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&output, 1, 0) == 1 && (output.revents & POLLERR);
}

static int run(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "help") == 0) { /* fire help COMMAND: fire COMMAND --help */
        memmove(argv + 1, argv + 2, (size_t)(argc - 2) * sizeof *argv);
        argv[argc - 1] = (char *)"--help";
    }
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help();
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0)
        argv[1] = (char *)"version";
    int n_words;
    const struct command *command = find_command(argc, argv, &n_words);
    if (!command) {
        complain_of(argv[1]);
        return EXIT_USAGE;
    }
    g_autoptr(GError) error = NULL;
    int code = command->run(argc - n_words, argv + n_words, &error);
    if (error) {
        log_error("%s", error->message);
        if (code == EXIT_DONE || code == EXIT_FAILED)
            code = g_error_matches(error, FIRE_ERROR, FIRE_ERROR_USAGE) ? EXIT_USAGE : EXIT_FAILED;
    }
    return code;
}

int main(int argc, char **argv)
{
    /* Text is UTF-8 and numbers are locale-free, whatever the user's locale. */
    setlocale(LC_CTYPE, "C.UTF-8");
    signal(SIGPIPE, SIG_IGN);
    fill_standard_streams();
    raise_file_limit();
    int code = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        /* What failed before has been said. */
        if (code != EXIT_FAILED && !is_reader_gone())
            log_error("cannot write to standard output");
        code = EXIT_FAILED;
    }
    return code;
}
