/* SPDX-License-Identifier: MIT */
/* Each error of exec, told to a program that goes on unharmed; no descriptor is left behind. */
#include "check.h"
#include <elf.h>
#include <sys/syscall.h>

static char *args[] = {"x", NULL}, *env[] = {NULL};

static void executable(const char *name, const void *bytes, size_t size)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, bytes, size), size);
	CHECK_EQ(close(fd), 0);
}

/* This program's file, to be changed. */
static char *own(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *bytes;

	CHECK(fd >= 0);
	CHECK_EQ(fstat(fd, &st), 0);
	bytes = malloc(st.st_size);
	CHECK(bytes);
	CHECK_EQ(read(fd, bytes, st.st_size), st.st_size);
	CHECK_EQ(close(fd), 0);
	*size = st.st_size;
	return bytes;
}

static void loaders(const char *self)
{
	size_t size, room = 0;
	char *bytes = own(self, &size), *interpreter = NULL;
	Elf64_Ehdr *e = (void *)bytes;
	Elf64_Phdr *ph = (void *)(bytes + e->e_phoff);

	for (int i = 0; i < e->e_phnum; i++) {
		if (ph[i].p_type == PT_INTERP) {
			interpreter = bytes + ph[i].p_offset;
			room = ph[i].p_filesz;
		}
	}
	CHECK(interpreter && room > 16);
	memset(interpreter, 0, room);
	strcpy(interpreter, "/no/such/ld.so");
	executable("missing", bytes, size);
	CHECK_ERR(execve("missing", args, env), ENOENT);
	strcpy(interpreter, "/tmp");
	executable("directory", bytes, size);
	CHECK_ERR(execve("directory", args, env), EACCES);
	strcpy(interpreter, "text");
	executable("text", "this is no loader", 17);
	executable("bad", bytes, size);
	CHECK_ERR(execve("bad", args, env), EIO);
	executable("text", "this is no loader, however long: it has the size of a header, no more",
		   64);
	CHECK_ERR(execve("bad", args, env), ELIBBAD);
	e->e_type = ET_REL;
	executable("object", bytes, size);
	CHECK_ERR(execve("object", args, env), ENOEXEC);
	free(bytes);
}

int main(int argc, char **argv)
{
	char path[4096], name[4200];
	char **many, *big;
	int fd, next;

	CHECK_EQ(argc, 1);
	CHECK(realpath(argv[0], path));
	enter_scratch();
	next = dup(0);
	CHECK_EQ(close(next), 0);

	CHECK_ERR(execve("missing", args, env), ENOENT);
	CHECK_ERR(execve("", args, env), ENOENT);
	write_file("plain", "text");
	CHECK_ERR(execve("plain", args, env), EACCES);
	CHECK_ERR(execve("plain/x", args, env), ENOTDIR);
	CHECK_ERR(execve("/tmp", args, env), EACCES);
	CHECK_ERR(execve("/dev/null", args, env), EACCES);
	CHECK_EQ(mkfifo("fifo", 0755), 0);
	CHECK_ERR(execve("fifo", args, env), EACCES);
	CHECK_EQ(symlink("loop", "loop"), 0);
	CHECK_ERR(execve("loop", args, env), ELOOP);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	CHECK_ERR(execve(name, args, env), ENAMETOOLONG);
	name[300] = 0;
	CHECK_ERR(execve(name, args, env), ENAMETOOLONG);

	executable("empty", "", 0);
	CHECK_ERR(execve("empty", args, env), ENOEXEC);
	executable("words", "no interpreter line", 19);
	CHECK_ERR(execve("words", args, env), ENOEXEC);
	executable("short", ELFMAG "\2\1\1", 7);
	CHECK_ERR(execve("short", args, env), ENOEXEC);
	loaders(path);

	CHECK_ERR(syscall(SYS_execve, (char *)8, args, env), EFAULT);
	CHECK_ERR(syscall(SYS_execve, path, (char **)8, env), EFAULT);
	CHECK_ERR(syscall(SYS_execve, path, args, (char **)8), EFAULT);
	args[0] = (char *)8;
	CHECK_ERR(syscall(SYS_execve, path, args, env), EFAULT);
	args[0] = "x";
	big = malloc(200000);
	CHECK(big);
	memset(big, 'b', 199999);
	big[199999] = 0;
	args[0] = big;
	CHECK_ERR(execve(path, args, env), E2BIG); /* one string of more than 128 KiB */
	big[100000] = 0;
	many = malloc(101 * sizeof(*many));
	CHECK(many);
	for (int i = 0; i < 100; i++)
		many[i] = big;
	many[100] = NULL;
	CHECK_ERR(execve(path, many, env), E2BIG); /* more than a quarter of the stack */
	args[0] = "x";

	CHECK_ERR(syscall(SYS_execveat, -1, "", args, env, AT_EMPTY_PATH), EBADF);
	CHECK_ERR(syscall(SYS_execveat, AT_FDCWD, path, args, env, 1 << 30), EINVAL);
	CHECK_EQ(symlink(path, "link"), 0);
	CHECK_ERR(syscall(SYS_execveat, AT_FDCWD, "link", args, env, AT_SYMLINK_NOFOLLOW), ELOOP);
	fd = open(".", O_RDONLY | O_DIRECTORY);
	CHECK_EQ(fd, next);
	CHECK_ERR(syscall(SYS_execveat, fd, "nothing", args, env, 0), ENOENT);
	CHECK_ERR(syscall(SYS_execveat, fd, "", args, env, AT_EMPTY_PATH), EACCES);
	CHECK_EQ(close(fd), 0);
	return done();
}
