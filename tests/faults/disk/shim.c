/* Stands between a process and its C library (LD_PRELOAD), for files below one folder:
 *   writes down, in order, what is asked of the disk, with the bytes (SHIM_LOG);
 *   makes the n-th call of a kind fail, or all of them from then on (SHIM_CONTROL, 32 bytes shared with the test:
 *   int32 kind, errno, countdown, forever, hits, calls of the kind since it was armed).
 * Kinds: 1 open, 2 write, 3 sync, 4 rename, link, mkdir or remove. One lock: what is written down is the order in which it was done.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, WRITE = 2, SYNC = 3, ENTRY = 4 };

struct control { int32_t kind, error, left, forever, hits, calls; };

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct control *control;
static char root[PATH_MAX];
static size_t rooted;
static int journal = -1;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void begin(void) {
    const char *said = getenv("SHIM_ROOT");
    if (said && realpath(said, root)) rooted = strlen(root);
    if ((said = getenv("SHIM_LOG"))) journal = REAL(open64)(said, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if ((said = getenv("SHIM_CONTROL"))) {
        int fd = REAL(open64)(said, O_RDWR | O_CLOEXEC);
        void *found = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (found != MAP_FAILED) control = found;
        close(fd);
    }
}

static int below(const char *path) {
    return rooted && strncmp(path, root, rooted) == 0 && (path[rooted] == '/' || path[rooted] == 0);
}

/* the path of an entry that may not be there yet: its folder is resolved, its name is kept */
static int placed(int at, const char *path, char *out) {
    char whole[PATH_MAX * 2], folder[PATH_MAX * 2];
    pthread_once(&once, begin);
    if (!rooted || !path) return 0;
    if (path[0] == '/') snprintf(whole, sizeof whole, "%s", path);
    else {
        char link[64], base[PATH_MAX];
        ssize_t n;
        if (at == AT_FDCWD) { if (!getcwd(base, sizeof base)) return 0; }
        else {
            snprintf(link, sizeof link, "/proc/self/fd/%d", at);
            if ((n = readlink(link, base, sizeof base - 1)) < 0) return 0;
            base[n] = 0;
        }
        snprintf(whole, sizeof whole, "%s/%s", base, path);
    }
    size_t n = strlen(whole);
    while (n > 1 && whole[n - 1] == '/') whole[--n] = 0;
    char *name = strrchr(whole, '/');
    snprintf(folder, sizeof folder, "%s", whole);
    folder[name - whole] = 0;
    char real[PATH_MAX];
    if (!realpath(folder[0] ? folder : "/", real)) return 0;
    snprintf(out, PATH_MAX, "%s%s", real, name);
    return below(out);
}

static int opened(int fd, char *out) {
    char link[64];
    pthread_once(&once, begin);
    if (!rooted) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    if (n < 0) return 0;
    out[n] = 0;
    return below(out);
}

static int fails(int kind) {
    if (!control || control->kind != kind) return 0;
    control->calls++;
    if (control->left > 0) control->left--;
    if (control->left > 0) return 0;
    if (control->left == 0 || control->forever) {
        if (!control->forever) control->left = -1;
        control->hits++;
        errno = control->error;
        return 1;
    }
    return 0;
}

static uint64_t inode(int fd) {
    struct stat64 found;
    return fstat64(fd, &found) ? 0 : found.st_ino;
}

static void told(char op, uint64_t ino, uint64_t at, const void *one, uint32_t size, const char *two) {
    if (journal < 0) return;
    uint32_t other = two ? strlen(two) : 0;
    char head[25];
    head[0] = op;
    memcpy(head + 1, &ino, 8);
    memcpy(head + 9, &at, 8);
    memcpy(head + 17, &size, 4);
    memcpy(head + 21, &other, 4);
    struct iovec parts[3] = {{head, 25}, {(void *)one, size}, {(void *)two, other}};
    if (REAL(writev)(journal, parts, two ? 3 : 2) < 0) abort();
}

static int entered(int at, const char *path, int flags, mode_t mode) {
    char where[PATH_MAX];
    if (!placed(at, path, where)) return REAL(openat64)(at, path, flags, mode);
    pthread_mutex_lock(&turn);
    int fd = -1;
    if (!fails(OPEN)) {
        struct stat64 was;
        int there = stat64(where, &was) == 0;
        fd = REAL(openat64)(at, path, flags, mode);
        if (fd >= 0 && !there && (flags & O_CREAT)) told('c', inode(fd), 0, where, strlen(where), NULL);
        else if (fd >= 0 && there && (flags & O_TRUNC)) told('t', inode(fd), 0, NULL, 0, NULL);
    }
    int kept = errno;
    pthread_mutex_unlock(&turn);
    errno = kept;
    return fd;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open64(const char *path, int flags, ...) { MODE(flags) return entered(AT_FDCWD, path, flags, mode); }
int open(const char *path, int flags, ...) { MODE(flags) return entered(AT_FDCWD, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return entered(at, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return entered(at, path, flags, mode); }

static ssize_t put(int fd, const struct iovec *parts, int n, off64_t at) {
    char where[PATH_MAX];
    if (!opened(fd, where)) return at < 0 ? REAL(writev)(fd, parts, n) : REAL(pwritev64)(fd, parts, n, at);
    pthread_mutex_lock(&turn);
    ssize_t done = -1;
    if (!fails(WRITE)) {
        off64_t from = at;
        if (at < 0) {
            struct stat64 found;
            from = (fcntl(fd, F_GETFL) & O_APPEND) && !fstat64(fd, &found) ? found.st_size : lseek64(fd, 0, SEEK_CUR);
        }
        done = at < 0 ? REAL(writev)(fd, parts, n) : REAL(pwritev64)(fd, parts, n, at);
        ssize_t left = done;
        for (int i = 0; i < n && left > 0; i++) {
            size_t size = parts[i].iov_len < (size_t)left ? parts[i].iov_len : (size_t)left;
            told('w', inode(fd), from, parts[i].iov_base, size, NULL);
            from += size;
            left -= size;
        }
    }
    int kept = errno;
    pthread_mutex_unlock(&turn);
    errno = kept;
    return done;
}

ssize_t write(int fd, const void *body, size_t size) {
    struct iovec one = {(void *)body, size};
    return put(fd, &one, 1, -1);
}
ssize_t pwrite64(int fd, const void *body, size_t size, off64_t at) {
    struct iovec one = {(void *)body, size};
    return put(fd, &one, 1, at);
}
ssize_t pwrite(int fd, const void *body, size_t size, off_t at) { return pwrite64(fd, body, size, at); }
ssize_t writev(int fd, const struct iovec *parts, int n) { return put(fd, parts, n, -1); }

static int synced(int fd, int (*real)(int)) {
    char where[PATH_MAX];
    if (!opened(fd, where)) return real(fd);
    pthread_mutex_lock(&turn);
    int done = -1;
    if (!fails(SYNC) && (done = real(fd)) == 0) told('s', inode(fd), 0, where, strlen(where), NULL);
    int kept = errno;
    pthread_mutex_unlock(&turn);
    errno = kept;
    return done;
}
int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

int ftruncate64(int fd, off64_t size) {
    char where[PATH_MAX];
    if (!opened(fd, where)) return REAL(ftruncate64)(fd, size);
    pthread_mutex_lock(&turn);
    int done = -1;
    if (!fails(WRITE) && (done = REAL(ftruncate64)(fd, size)) == 0) told('t', inode(fd), size, NULL, 0, NULL);
    int kept = errno;
    pthread_mutex_unlock(&turn);
    errno = kept;
    return done;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

#define ENTRY_CALL(at, path, op, call) \
    char where[PATH_MAX]; \
    if (!placed(at, path, where)) return call; \
    pthread_mutex_lock(&turn); \
    int done = -1; \
    if (!fails(ENTRY) && (done = call) == 0) { struct stat64 found; \
        told(op, stat64(where, &found) ? 0 : found.st_ino, 0, where, strlen(where), NULL); } \
    int kept = errno; \
    pthread_mutex_unlock(&turn); \
    errno = kept; \
    return done;

int unlink(const char *path) { ENTRY_CALL(AT_FDCWD, path, 'u', REAL(unlink)(path)) }
int unlinkat(int at, const char *path, int flags) { ENTRY_CALL(at, path, 'u', REAL(unlinkat)(at, path, flags)) }
int rmdir(const char *path) { ENTRY_CALL(AT_FDCWD, path, 'u', REAL(rmdir)(path)) }
int mkdir(const char *path, mode_t mode) { ENTRY_CALL(AT_FDCWD, path, 'd', REAL(mkdir)(path, mode)) }
int mkdirat(int at, const char *path, mode_t mode) { ENTRY_CALL(at, path, 'd', REAL(mkdirat)(at, path, mode)) }

#define MOVE_CALL(atone, one, attwo, two, op, call) \
    char from[PATH_MAX], to[PATH_MAX]; \
    if (!placed(atone, one, from) || !placed(attwo, two, to)) return call; \
    pthread_mutex_lock(&turn); \
    int done = -1; \
    if (!fails(ENTRY) && (done = call) == 0) told(op, 0, 0, from, strlen(from), to); \
    int kept = errno; \
    pthread_mutex_unlock(&turn); \
    errno = kept; \
    return done;

int rename(const char *one, const char *two) { MOVE_CALL(AT_FDCWD, one, AT_FDCWD, two, 'r', REAL(rename)(one, two)) }
int renameat(int a, const char *one, int b, const char *two) { MOVE_CALL(a, one, b, two, 'r', REAL(renameat)(a, one, b, two)) }
int renameat2(int a, const char *one, int b, const char *two, unsigned flags) {
    MOVE_CALL(a, one, b, two, 'r', REAL(renameat2)(a, one, b, two, flags))
}
int link(const char *one, const char *two) { MOVE_CALL(AT_FDCWD, one, AT_FDCWD, two, 'l', REAL(link)(one, two)) }
int linkat(int a, const char *one, int b, const char *two, int flags) {
    MOVE_CALL(a, one, b, two, 'l', REAL(linkat)(a, one, b, two, flags))
}
