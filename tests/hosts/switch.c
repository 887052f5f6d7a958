/* switch HOSTS: an Ethernet switch between the TAP devices host0, host1, …, which it makes; whoever
 * started it moves each into the network of its host and gives it the address 02:00:00:00:00:01, 02
 * and so on. What a directed link does to its frames can be changed while it runs, by lines on
 * stdin:
 *
 *   set FROM TO DELAY_US [JITTER_US [LOSS_PERMILLE]]
 *
 * FROM and TO: the number of a host, or * for each. A frame takes DELAY_US ± JITTER_US (uniform),
 * or longer when the machine is busy; the order of a link is kept. A loss of 1000 cuts the link. It
 * says "ready" when the devices are there, answers each line with "done" or "refused", and ends
 * when stdin does. Exit codes: 64 usage, 71 the kernel says no. */

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <math.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { HOSTS_MAX = 64, FRAME_BYTES_MAX = 65600, BURST = 32, HELD_PER_LINK_MAX = 4096, LINE = 256 };

struct frame {
    struct frame *next;
    int64_t due_ns;
    size_t bytes;
    unsigned char data[];
};

/* A directed link: first in, first out. */
struct link {
    int64_t delay_ns;
    int64_t jitter_ns;
    double loss_permille;
    int64_t last_due_ns;
    struct frame *first;
    struct frame *last;
    int held;
};

static struct link links[HOSTS_MAX][HOSTS_MAX];
static int device[HOSTS_MAX];
static int hosts;

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- frames ---- */

/* A device that is down or full loses a frame, as real ones do. */
static void deliver(int to, const void *data, size_t bytes)
{
    ssize_t written = write(device[to], data, bytes);
    (void)written;
}

static void hold(struct link *link, const void *data, size_t bytes)
{
    if (link->held == HELD_PER_LINK_MAX)
        return;
    struct frame *frame = malloc(sizeof *frame + bytes);
    if (frame == NULL)
        return;
    int64_t jitter_ns = (int64_t)((2 * drand48() - 1) * (double)link->jitter_ns);
    int64_t due_ns = now_ns() + link->delay_ns + jitter_ns;
    link->last_due_ns = due_ns > link->last_due_ns ? due_ns : link->last_due_ns;
    *frame = (struct frame){NULL, link->last_due_ns, bytes};
    memcpy(frame->data, data, bytes);
    if (link->first == NULL)
        link->first = frame;
    else
        link->last->next = frame;
    link->last = frame;
    link->held++;
}

static void carry(int from, int to, const void *data, size_t bytes)
{
    struct link *link = &links[from][to];
    if (drand48() * 1000 < link->loss_permille)
        return;
    if (link->delay_ns == 0 && link->jitter_ns == 0 && link->first == NULL)
        deliver(to, data, bytes);
    else
        hold(link, data, bytes);
}

/* To the host that the address names; a broadcast to each. */
static void forward(int from, const unsigned char *data, size_t bytes)
{
    static const unsigned char ours[5] = {2, 0, 0, 0, 0};
    int to = memcmp(data, ours, sizeof ours) == 0 ? data[5] - 1 : -1;
    if (to >= 0 && to < hosts && to != from)
        carry(from, to, data, bytes);
    for (int i = 0; i < hosts && (data[0] & 1) != 0; i++)
        if (i != from)
            carry(from, i, data, bytes);
}

static void take_burst(int from)
{
    static unsigned char data[FRAME_BYTES_MAX];
    for (int i = 0; i < BURST; i++) {
        ssize_t bytes = read(device[from], data, sizeof data);
        if (bytes < 14)
            return;
        forward(from, data, (size_t)bytes);
    }
}

/* Lets go of what is due; returns when the next will be, -1: nothing is held. */
static int64_t release(struct link *link, int to)
{
    while (link->first != NULL && link->first->due_ns <= now_ns()) {
        struct frame *frame = link->first;
        deliver(to, frame->data, frame->bytes);
        link->first = frame->next;
        link->held--;
        free(frame);
    }
    return link->first != NULL ? link->first->due_ns : -1;
}

static int64_t release_all(void)
{
    int64_t next_ns = -1;
    for (int from = 0; from < hosts; from++)
        for (int to = 0; to < hosts; to++) {
            int64_t due_ns = release(&links[from][to], to);
            if (due_ns >= 0 && (next_ns < 0 || due_ns < next_ns))
                next_ns = due_ns;
        }
    return next_ns;
}

/* ---- orders ---- */

/* The next word as a number; `otherwise` if there is none, NaN if it is no number. */
static double next_number(char **rest, double otherwise)
{
    char *end;
    const char *word = strtok_r(NULL, " ", rest);
    if (word == NULL)
        return otherwise;
    double number = strtod(word, &end);
    return *end == '\0' ? number : (double)NAN;
}

static bool names(const char *word, int host)
{
    char *end;
    return strcmp(word, "*") == 0 || (strtol(word, &end, 10) == host && *end == '\0');
}

static int set(const char *from, const char *to, const struct link *given)
{
    int found = 0;
    for (int i = 0; i < hosts; i++)
        for (int j = 0; j < hosts; j++)
            if (names(from, i) && names(to, j)) {
                links[i][j].delay_ns = given->delay_ns;
                links[i][j].jitter_ns = given->jitter_ns;
                links[i][j].loss_permille = given->loss_permille;
                found++;
            }
    return found;
}

static bool obey(char *line)
{
    char *rest;
    const char *order = strtok_r(line, " ", &rest);
    const char *from = strtok_r(NULL, " ", &rest), *to = strtok_r(NULL, " ", &rest);
    double delay_us = next_number(&rest, (double)NAN), jitter_us = next_number(&rest, 0);
    double loss_permille = next_number(&rest, 0);
    if (order == NULL || strcmp(order, "set") != 0 || from == NULL || to == NULL)
        return false;
    if (!(delay_us <= 1e8 && 0 <= jitter_us && jitter_us <= delay_us && 0 <= loss_permille &&
          loss_permille <= 1000))
        return false;
    struct link given = {.delay_ns = (int64_t)(delay_us * 1e3),
                         .jitter_ns = (int64_t)(jitter_us * 1e3),
                         .loss_permille = loss_permille};
    return set(from, to, &given) > 0;
}

/* False when there will be no more. */
static bool take_orders(void)
{
    static char text[LINE];
    static size_t used;
    ssize_t bytes = read(STDIN_FILENO, text + used, sizeof text - 1 - used);
    if (bytes <= 0)
        return false;
    used += (size_t)bytes;
    text[used] = '\0';
    char *line = text;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        (void)puts(obey(line) ? "done" : "refused");
        (void)fflush(stdout);
    }
    used -= (size_t)(line - text);
    memmove(text, line, used);
    return used < sizeof text - 1;
}

/* ---- the loop ---- */

static bool open_device(int host)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "host%d", host);
    device[host] = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return device[host] >= 0 && ioctl(device[host], TUNSETIFF, &request) == 0;
}

static void wait_until(struct pollfd *files, int64_t next_ns)
{
    struct timespec rest = {0}, *limit = NULL;
    if (next_ns >= 0) {
        int64_t rest_ns = next_ns - now_ns();
        rest_ns = rest_ns > 0 ? rest_ns : 0;
        rest = (struct timespec){.tv_sec = rest_ns / 1000000000, .tv_nsec = rest_ns % 1000000000};
        limit = &rest;
    }
    (void)ppoll(files, (nfds_t)hosts + 1, limit, NULL);
}

int main(int argc, char **argv)
{
    struct pollfd files[HOSTS_MAX + 1];
    hosts = argc == 2 ? (int)strtol(argv[1], NULL, 10) : 0;
    if (hosts < 1 || hosts > HOSTS_MAX) {
        (void)fprintf(stderr, "switch: give a number of hosts, 1 to %d\n", HOSTS_MAX);
        return 64;
    }
    (void)prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
    for (int i = 0; i < hosts; i++) {
        if (!open_device(i)) {
            (void)fprintf(stderr, "switch: a TAP device: %s\n", strerror(errno));
            return 71;
        }
        files[i] = (struct pollfd){.fd = device[i], .events = POLLIN};
    }
    files[hosts] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    (void)puts("ready");
    (void)fflush(stdout);
    for (;;) {
        wait_until(files, release_all());
        for (int i = 0; i < hosts; i++)
            if (files[i].revents & POLLIN)
                take_burst(i);
        if (files[hosts].revents != 0 && !take_orders())
            return 0;
    }
}
