// LD_PRELOAD: what a disk and a wall clock do on bad days. BAD_DAYS names a file of two int64: whether writes to results files fail as on a
// full disk, and nanoseconds that the wall clock is off by.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct days {
  volatile int64_t disk_full;
  volatile int64_t clock_off_ns;
};

static struct days* days;

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("BAD_DAYS");
  const int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void* mapped = mmap(NULL, sizeof(struct days), PROT_READ, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) days = mapped;
  close(file);
}

static int is_full(int file) {
  if (!days || !days->disk_full) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return 0;
  path[size] = '\0';
  return strstr(path, "inferometer.db") != NULL && strstr(path, ".lock") == NULL;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite(int file, const void* data, size_t size, off_t at) {
  if (is_full(file)) return errno = ENOSPC, -1;
  return NEXT(pwrite)(file, data, size, at);
}

ssize_t pwrite64(int file, const void* data, size_t size, off64_t at) {
  if (is_full(file)) return errno = ENOSPC, -1;
  return NEXT(pwrite64)(file, data, size, at);
}

ssize_t write(int file, const void* data, size_t size) {
  if (is_full(file)) return errno = ENOSPC, -1;
  return NEXT(write)(file, data, size);
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  const int result = NEXT(clock_gettime)(clock, time);
  if (result != 0 || clock != CLOCK_REALTIME || !days) return result;
  const int64_t ns = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec + days->clock_off_ns;
  time->tv_sec = ns / 1000000000;
  time->tv_nsec = ns % 1000000000;
  return 0;
}

int gettimeofday(struct timeval* time, void* zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* into) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (into) *into = now.tv_sec;
  return now.tv_sec;
}
