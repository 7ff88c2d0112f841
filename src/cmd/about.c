/* about.c -- fire version: what this build is, and what it stands on. */
#include "base/json.h"
#include "base/version.h"
#include "cmd/command.h"

#include <cairo.h>
#include <curl/curl.h>
#include <gif_lib.h>
#include <jpeglib.h>
#include <microhttpd.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <spng.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <webp/decode.h>

static int run(int argc, char **argv, GError **error);

const struct command command_version = {
    "version", "Print version, commit, instruction sets and libraries", run};

/* The instruction sets of interest that this processor reports. */
static json_t *instruction_sets(void)
{
    static const char *const interesting[] = {"avx2",        "avx512f",  "avx512bw", "avx512_vnni",
                                              "avx512_bf16", "amx_bf16", "asimd",    "bf16"};
    json_t *sets = json_array();
    g_autofree char *text = NULL;
    if (!g_file_get_contents("/proc/cpuinfo", &text, NULL, NULL))
        return sets;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (!g_str_has_prefix(*line, "flags") && !g_str_has_prefix(*line, "Features"))
            continue;
        g_auto(GStrv) words = g_strsplit_set(*line, " \t:", -1);
        for (size_t i = 0; i < G_N_ELEMENTS(interesting); i++)
            if (g_strv_contains((const char *const *)words, interesting[i]))
                json_array_append_new(sets, json_string(interesting[i]));
        break;
    }
    return sets;
}

static void set_version(json_t *libraries, const char *name, const char *version)
{
    json_object_set_new(libraries, name, json_string(version));
}

static json_t *library_versions(void)
{
    json_t *libraries = json_object();
    g_autofree char *glib =
        g_strdup_printf("%u.%u.%u", glib_major_version, glib_minor_version, glib_micro_version);
    int webp = WebPGetDecoderVersion();
    g_autofree char *webp_text =
        g_strdup_printf("%d.%d.%d", webp >> 16, webp >> 8 & 0xff, webp & 0xff);
    g_autofree char *gif = g_strdup_printf("%d.%d.%d", GIFLIB_MAJOR, GIFLIB_MINOR, GIFLIB_RELEASE);
    g_autofree char *jpeg = g_strdup_printf("%d", JPEG_LIB_VERSION);
    set_version(libraries, "glib", glib);
    set_version(libraries, "jansson", jansson_version_str());
    set_version(libraries, "libcurl", curl_version_info(CURLVERSION_NOW)->version);
    set_version(libraries, "libmicrohttpd", MHD_get_version());
    set_version(libraries, "sqlite", sqlite3_libversion());
    set_version(libraries, "libjpeg", jpeg);
    set_version(libraries, "libspng", spng_version_string());
    set_version(libraries, "libwebp", webp_text);
    set_version(libraries, "giflib", gif);
    set_version(libraries, "cairo", cairo_version_string());
    char pcre2[64];
    pcre2_config(PCRE2_CONFIG_VERSION, pcre2);
    set_version(libraries, "pcre2", pcre2);
    return libraries;
}

static int run(int argc, char **argv, GError **error)
{
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL}, {0}};
    if (!command_parse(&argc, &argv, &command_version, "", entries, 0, 0, error))
        return EXIT_USAGE;
    if (argc == 0)
        return EXIT_DONE;
    if (!as_json) {
        printf("fire %s (%s)\n", version_string(), version_commit());
        return EXIT_DONE;
    }
    g_autoptr(json_t) about =
        json_pack("{s:s, s:s, s:[s, s], s:o, s:o}", "version", version_string(), "commit",
                  version_commit(), "backends", "openai", "world", "instruction_sets",
                  instruction_sets(), "libraries", library_versions());
    g_autofree char *line = json_print(about);
    puts(line);
    return EXIT_DONE;
}
