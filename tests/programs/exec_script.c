/* SPDX-License-Identifier: MIT */
/* What a #! line may be, and what the interpreter is given: here this program is the interpreter.
 */
#include "check.h"
#include <sys/prctl.h>

static char self[4096];

static void script(const char *name, const char *line)
{
	FILE *f = fopen(name, "w");

	CHECK(f);
	fprintf(f, line, self);
	CHECK_EQ(fclose(f), 0);
	CHECK_EQ(chmod(name, 0755), 0);
}

/* Executes it with the arguments "zero" and "last"; returns the exit status. */
static int run(const char *name)
{
	char *args[] = {"zero", "last", NULL};
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		execv(name, args);
		_exit(errno);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int interpret(int argc, char **argv)
{
	char name[17] = "", *base = strrchr(argv[0], '/');

	CHECK_EQ(prctl(PR_GET_NAME, name), 0);
	if (strcmp(argv[argc - 1], "/dev/fd/21") != 0) /* then it depends on the kernel's age */
		printf("%s:", name);
	argv[0] = base ? base + 1 : argv[0];
	for (int i = 0; i < argc; i++)
		printf(" [%s]", argv[i]);
	puts("");
	return 200;
}

int main(int argc, char **argv)
{
	char *none[] = {NULL}, line[400], *args[] = {"zero", NULL};
	pid_t pid;
	int fd;

	if (argc > 1 || argc == 0)
		return interpret(argc, argv);
	CHECK(realpath(argv[0], self));
	enter_scratch();
	CHECK_EQ(symlink(self, "near"), 0);
	script("plain", "#!%s\n");
	CHECK_EQ(run("./plain"), 200);
	script("words", "#! \t%s  one two \t three \t\nmore\n");
	CHECK_EQ(run("./words"), 200);
	script("unended", "#!%s argument");
	CHECK_EQ(run("unended"), 200);
	script("relative", "#!near x\n");
	CHECK_EQ(run("./relative"), 200);
	script("nested", "#!./words y\n");
	CHECK_EQ(run("./nested"), 200);
	script("deep3", "#!./nested\n");
	script("deep4", "#!./deep3\n");
	script("deep5", "#!./deep4\n");
	CHECK_EQ(run("./deep5"), 200);
	script("deep6", "#!./deep5\n");
	CHECK_EQ(run("./deep6"), ELOOP);
	script("self", "#!./self\n");
	CHECK_EQ(run("./self"), ELOOP);
	script("empty", "#!\n");
	CHECK_EQ(run("./empty"), ENOEXEC);
	script("spaces", "#!   \t \n");
	CHECK_EQ(run("./spaces"), ENOEXEC);
	script("missing", "#!/no/such\n");
	CHECK_EQ(run("./missing"), ENOENT);
	script("directory", "#!/tmp\n");
	CHECK_EQ(run("./directory"), EACCES);
	/* The line is cut where the kernel's buffer ends: the argument may be, the name not. */
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = 0;
	memcpy(line, "#!near ", 7);
	script("long", line);
	CHECK_EQ(run("./long"), 200);
	memcpy(line, "#!/near", 7);
	script("longer", line);
	CHECK_EQ(run("./longer"), ENOEXEC);
	/* By descriptor: only if the interpreter can still find it. */
	fd = open("plain", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(fd, dup3(fd, 20, O_CLOEXEC) == 20 ? fd : -1);
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_ERR(fexecve(20, args, none), ENOENT);
		CHECK_EQ(dup2(fd, 21), 21);
		fexecve(21, args, none);
		_exit(errno);
	}
	CHECK_EXIT(pid, 200);
	return done();
}
