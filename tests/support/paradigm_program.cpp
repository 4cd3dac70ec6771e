// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/paradigm_program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace tests {
namespace {

/// An unnamed temporary file: no pipe that could fill up while nobody reads.
class Capture {
 public:
  explicit Capture(const std::string& content = "") : file_(std::tmpfile()) {
    std::fwrite(content.data(), 1, content.size(), file_);
    std::rewind(file_);
  }
  ~Capture() { std::fclose(file_); }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  int descriptor() const { return fileno(file_); }
  std::string content() const {
    std::rewind(file_);
    std::string text;
    std::array<char, 4096> buffer{};
    for (std::size_t read = 0; (read = std::fread(buffer.data(), 1, buffer.size(), file_)) > 0;) text.append(buffer.data(), read);
    return text;
  }

 private:
  FILE* file_;
};

}  // namespace

ProgramResult run_paradigm(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment,
                           const std::string& standard_input) {
  const Capture in(standard_input);
  const Capture out;
  const Capture err;
  const pid_t child = fork();
  if (child == 0) {
    dup2(in.descriptor(), STDIN_FILENO);
    dup2(out.descriptor(), STDOUT_FILENO);
    dup2(err.descriptor(), STDERR_FILENO);
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    if (chdir(PARADIGM_SOURCE_DIR) != 0) _exit(126);
    std::vector<std::string> words = {PARADIGM_BIN_DIR "/paradigm"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ProgramResult result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = out.content();
  result.err = err.content();
  return result;
}

}  // namespace tests
