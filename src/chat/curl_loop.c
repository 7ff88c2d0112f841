/* curl_loop.c -- libcurl's multi interface as one GSource.
 *
 * libcurl says which sockets it waits for; they are kept in an epoll set, and the main context
 * watches that set's one descriptor. So an iteration costs what is ready, not what is open:
 * hundreds of requests may wait for slow models. libcurl's timer is the source's ready time. */
#include "chat/curl_loop.h"

#include "base/error.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct curl_loop {
    CURLM *multi;
    curl_loop_done *done;
    int epoll_fd;
    GSource *source;
    void *tag; /* of epoll_fd in the source */
};

struct loop_source {
    GSource source;
    struct curl_loop *loop;
};

/* The set may have lost a socket that was closed, or still hold its number: both are mended here.
 */
static int on_socket(CURL *easy G_GNUC_UNUSED, curl_socket_t fd, int what, void *user,
                     void *unused G_GNUC_UNUSED)
{
    struct curl_loop *loop = user;
    struct epoll_event event = {.data.fd = fd};
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
        return 0;
    if (errno == ENOENT && epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;
    return -1; /* libcurl fails its transfers */
}

static int on_timer(CURLM *multi G_GNUC_UNUSED, long timeout_ms, void *user)
{
    struct curl_loop *loop = user;
    g_source_set_ready_time(loop->source,
                            timeout_ms < 0 ? -1 : g_get_monotonic_time() + timeout_ms * 1000);
    return 0;
}

static void tell_done(struct curl_loop *loop)
{
    int n_left;
    for (CURLMsg *message; (message = curl_multi_info_read(loop->multi, &n_left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle; /* `message` dies with the removal */
        CURLcode code = message->data.result;
        void *user = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &user);
        curl_multi_remove_handle(loop->multi, easy);
        loop->done(easy, code, user);
    }
}

static void handle_sockets(struct curl_loop *loop)
{
    struct epoll_event events[64];
    int n = epoll_wait(loop->epoll_fd, events, G_N_ELEMENTS(events), 0);
    for (int i = 0; i < n; i++) {
        uint32_t what = events[i].events;
        int action = (what & EPOLLIN ? CURL_CSELECT_IN : 0) |
                     (what & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                     (what & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        int n_running;
        curl_multi_socket_action(loop->multi, events[i].data.fd, action, &n_running);
    }
}

static gboolean source_dispatch(GSource *source, GSourceFunc unused G_GNUC_UNUSED,
                                gpointer unused_too G_GNUC_UNUSED)
{
    struct curl_loop *loop = ((struct loop_source *)source)->loop;
    int n_running;
    gint64 ready_time = g_source_get_ready_time(source);
    if (g_source_query_unix_fd(source, loop->tag))
        handle_sockets(loop);
    if (ready_time >= 0 && ready_time <= g_source_get_time(source)) {
        g_source_set_ready_time(source, -1);
        curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &n_running);
    }
    tell_done(loop);
    return G_SOURCE_CONTINUE;
}

static bool setup(struct curl_loop *loop, GError **error)
{
    static GSourceFuncs funcs = {.dispatch = source_dispatch};
    loop->source = g_source_new(&funcs, sizeof(struct loop_source));
    ((struct loop_source *)loop->source)->loop = loop;
    g_source_set_static_name(loop->source, "curl_loop");
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->multi = curl_multi_init();
    if (loop->epoll_fd < 0 || !loop->multi) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot set up the network: %s",
                    loop->epoll_fd < 0 ? g_strerror(errno) : "libcurl refused");
        return false;
    }
    loop->tag = g_source_add_unix_fd(loop->source, loop->epoll_fd, G_IO_IN);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    /* Idle connections kept; the default shrinks with the number of transfers under way, so that
     * the last replies of a burst would close what the next burst needs. */
    curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, 1024L);
    g_source_attach(loop->source, g_main_context_get_thread_default());
    return true;
}

struct curl_loop *curl_loop_new(curl_loop_done *done, GError **error)
{
    curl_global_init(CURL_GLOBAL_DEFAULT); /* counted; each free takes one back */
    struct curl_loop *loop = g_new0(struct curl_loop, 1);
    loop->done = done;
    if (setup(loop, error))
        return loop;
    curl_loop_free(loop);
    return NULL;
}

void curl_loop_free(struct curl_loop *loop)
{
    if (!loop)
        return;
    if (loop->multi)
        curl_multi_cleanup(loop->multi); /* closes sockets, which calls on_socket */
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    g_source_destroy(loop->source);
    g_source_unref(loop->source);
    g_free(loop);
    curl_global_cleanup();
}

void curl_loop_add(struct curl_loop *loop, CURL *easy)
{
    CURLMcode code = curl_multi_add_handle(loop->multi, easy);
    g_assert(code == CURLM_OK);
}

void curl_loop_remove(struct curl_loop *loop, CURL *easy)
{
    curl_multi_remove_handle(loop->multi, easy);
}
