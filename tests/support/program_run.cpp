// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/program_run.h"

#include "tests/support/scratch_folder.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace tests {

ProgramRun run_program(const std::filesystem::path& program,
                       const std::vector<std::string>& arguments, const std::string& input,
                       const std::filesystem::path& folder,
                       const std::vector<std::string>& environment) {
  const ScratchFolder scratch;
  const auto in = scratch.write("in", input);
  const auto out = scratch / "out";
  const auto err = scratch / "err";
  const pid_t child = fork();
  if (child == 0) {
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    dup2(open(in.c_str(), O_RDONLY), STDIN_FILENO);
    dup2(open(out.c_str(), flags, 0600), STDOUT_FILENO);
    dup2(open(err.c_str(), flags, 0600), STDERR_FILENO);
    if (!folder.empty() && chdir(folder.c_str()) != 0) _exit(126);
    for (const std::string& variable : environment) putenv(const_cast<char*>(variable.c_str()));
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    execv(program.c_str(), argv.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ProgramRun run;
  run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  run.out = content_of(out);
  run.err = content_of(err);
  return run;
}

}  // namespace tests
