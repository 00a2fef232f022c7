#include "load/cpu.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATH_SIZE 64

static bool tasks_read(pid_t pid, struct cpu *out)
{
	char path[PATH_SIZE];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	if (!tasks)
		return false;
	while ((entry = readdir(tasks))) {
		char name[PATH_SIZE + sizeof(entry->d_name) + 16];
		unsigned long long ns;
		FILE *file;

		snprintf(name, sizeof(name), "%s/%s/schedstat", path, entry->d_name);
		if (entry->d_name[0] == '.' || !(file = fopen(name, "re")))
			continue;
		if (fscanf(file, "%llu", &ns) == 1)
			out->ns += ns;
		fclose(file);
	}
	closedir(tasks);
	return true;
}

/* The fields behind the command's name, which may hold anything. */
static bool stat_read(pid_t pid, struct cpu *out)
{
	unsigned long long user = 0, system = 0;
	long rss = 0;
	char path[PATH_SIZE], line[1024], *end;
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	end = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	good = end && sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %*u %*u %ld",
	                     &user, &system, &rss) == 3;
	fclose(file);
	out->user += user;
	out->system += system;
	out->rss_octets += (uint64_t)rss * (uint64_t)sysconf(_SC_PAGESIZE);
	return good;
}

bool cpu_read(const pid_t *pids, size_t count, struct cpu *out)
{
	*out = (struct cpu){ 0 };
	for (size_t i = 0; i < count; i++)
		if (!tasks_read(pids[i], out) || !stat_read(pids[i], out))
			return false;
	return true;
}

static int64_t clock_read(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

uint64_t cpu_own_ns(void)
{
	return (uint64_t)clock_read(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t clock_ns(void)
{
	return clock_read(CLOCK_MONOTONIC);
}
