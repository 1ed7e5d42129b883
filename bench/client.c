/* A client that costs little: many connections, one request in flight on each, bodies made before.
 *
 *   client PORT HEAD BODIES CONNECTIONS PER_SECOND
 *
 * HEAD is a file with request line and headers up to the value of Content-Length. BODIES is a file
 * of bodies, each behind its length (8 bytes, little-endian). PER_SECOND spreads the requests evenly
 * in time; 0 sends each as soon as a connection is free. Prints a line for each answer:
 *
 *   RECEIPT BEGAN AT      (seconds since the epoch; the receipt is - if there is none)
 *
 * Anything but a 201 ends it with exit code 1.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { MOST_EVENTS = 64, ANSWER_BYTES = 8192, RECEIPT_BYTES = 64 };

typedef struct {
    int socket;
    char head[4096];
    size_t head_size, sent;
    const char *body;
    size_t body_size, got;
    double began;
    char answer[ANSWER_BYTES + 1];
} Connection;

static const char *next_body;
static int epoll_of_all;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static const char *mapped(const char *path, size_t *size) {
    struct stat about;
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &about)) fail(path);
    *size = (size_t)about.st_size;
    const char *found = mmap(NULL, *size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    if (found == MAP_FAILED) fail(path);
    return found;
}

static void watch(Connection *one, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = one};
    if (epoll_ctl(epoll_of_all, operation, one->socket, &event)) fail("epoll_ctl");
}

static Connection *connected(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    Connection *one = calloc(1, sizeof(Connection));
    if (!one) fail("memory");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    one->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(one->socket, (struct sockaddr *)&address, sizeof address)) fail("connect");
    int yes = 1;
    setsockopt(one->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(one->socket, F_SETFL, O_NONBLOCK);
    watch(one, EPOLL_CTL_ADD, EPOLLIN);
    return one;
}

/* Write what goes; say whether that was all. */
static int write_on(Connection *one) {
    size_t total = one->head_size + one->body_size;
    while (one->sent < total) {
        struct iovec parts[2];
        int count = 0;
        if (one->sent < one->head_size)
            parts[count++] = (struct iovec){one->head + one->sent, one->head_size - one->sent};
        size_t of_body = one->sent > one->head_size ? one->sent - one->head_size : 0;
        parts[count++] = (struct iovec){(char *)one->body + of_body, one->body_size - of_body};
        ssize_t written = writev(one->socket, parts, count);
        if (written < 0) return 0;
        one->sent += (size_t)written;
    }
    return 1;
}

static void start(Connection *one, const char *head, size_t head_size) {
    uint64_t size;
    memcpy(&size, next_body, 8);
    one->body = next_body + 8;
    one->body_size = size;
    next_body += 8 + size;
    memcpy(one->head, head, head_size);
    one->head_size = head_size + (size_t)sprintf(one->head + head_size, "%zu\r\n\r\n", one->body_size);
    one->sent = one->got = 0;
    one->began = now();
    if (!write_on(one)) watch(one, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

/* Read on; say whether the answer is complete, and print it then. */
static int read_on(Connection *one) {
    ssize_t size = recv(one->socket, one->answer + one->got, ANSWER_BYTES - one->got, 0);
    if (size <= 0) fail("recv");
    one->got += (size_t)size;
    one->answer[one->got] = 0;
    char *end = strstr(one->answer, "\r\n\r\n");
    if (!end) return 0;
    char *length = strcasestr(one->answer, "\r\ncontent-length:");
    size_t body = length ? strtoul(length + 17, NULL, 10) : 0;
    if (one->got < (size_t)(end + 4 - one->answer) + body) return 0;
    if (strncmp(one->answer, "HTTP/1.1 201", 12)) {
        fprintf(stderr, "%s\n", one->answer);
        exit(1);
    }
    char receipt[RECEIPT_BYTES] = "-";
    char *found = strcasestr(one->answer, "\r\nseamline-receipt:");
    if (found) sscanf(found + 19, "%63s", receipt);
    printf("%s %.6f %.6f\n", receipt, one->began, now());
    return 1;
}

int main(int count, char **words) {
    if (count != 6) return 2;
    size_t head_size, size;
    const char *head = mapped(words[2], &head_size);
    next_body = mapped(words[3], &size);
    const char *end = next_body + size;
    int connections = atoi(words[4]), idle_count = 0, under_way = 0;
    double per_second = atof(words[5]), begin;
    epoll_of_all = epoll_create1(0);
    Connection **idle = calloc((size_t)connections, sizeof(Connection *));
    while (idle_count < connections) idle[idle_count++] = connected((uint16_t)atoi(words[1]));
    begin = now();
    for (uint64_t following = 0; next_body < end || under_way;) {
        int wait = -1;
        while (idle_count && next_body < end) {
            if (per_second > 0 && begin + (double)following / per_second > now()) {
                wait = 1;
                break;
            }
            start(idle[--idle_count], head, head_size);
            following++;
            under_way++;
        }
        struct epoll_event events[MOST_EVENTS];
        int ready = epoll_wait(epoll_of_all, events, MOST_EVENTS, wait);
        for (int i = 0; i < ready; i++) {
            Connection *one = events[i].data.ptr;
            if (events[i].events & EPOLLOUT && write_on(one)) watch(one, EPOLL_CTL_MOD, EPOLLIN);
            if (events[i].events & EPOLLIN && read_on(one)) {
                idle[idle_count++] = one;
                under_way--;
            }
        }
    }
    return 0;
}
