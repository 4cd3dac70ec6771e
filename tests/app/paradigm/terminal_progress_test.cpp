// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/terminal_progress.h"

#include <gtest/gtest.h>

#include <cmath>

namespace paradigm {
namespace {

class Screen {
 public:
  Screen() : file_(std::tmpfile()) {}
  ~Screen() { std::fclose(file_); }
  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    std::string content(std::size_t(std::ftell(file_)), '\0');
    std::rewind(file_);
    if (std::fread(content.data(), 1, content.size(), file_) != content.size()) return "?";
    return content;
  }

 private:
  std::FILE* file_;
};

engine::RunUpdate update_with(std::vector<engine::RunEvent> events) {
  engine::RunUpdate update;
  update.events = std::move(events);
  return update;
}

engine::RunEvent start(double time) {
  engine::RunStarted started;
  started.max_steps = 100;
  started.device = "cpu";
  return {time, started};
}

engine::RunEvent step(double time, std::int64_t number, double loss) {
  engine::StepLogged logged;
  logged.step = number;
  logged.loss = loss;
  logged.tokens_per_second = 5200;
  return {time, logged};
}

TEST(TerminalProgress, LinesCarryTheRestOfTheTime) {
  Screen screen;
  TerminalProgress progress(screen.file(), TerminalProgress::Style::lines);
  progress.show(update_with({start(0), step(2, 10, 3.25), step(4, 20, NAN)}));
  const std::string text = screen.text();
  EXPECT_NE(text.find("step 10/100  loss 3.2500"), std::string::npos) << text;
  EXPECT_NE(text.find("step 20/100  loss nan"), std::string::npos) << text;
  EXPECT_NE(text.find("16 s left"), std::string::npos) << "80 steps at 0.2 s\n" << text;
  EXPECT_NE(text.find("5.2k tokens/s"), std::string::npos) << text;
}

TEST(TerminalProgress, TheBarIsRedrawnInPlaceAndLinesStandAboveIt) {
  Screen screen;
  {
    TerminalProgress progress(screen.file(), TerminalProgress::Style::bar);
    progress.show(update_with({start(0), step(2, 50, 3.25)}));
    progress.show(update_with({{3, engine::RunMessage{50, "warning", "something"}}}));
    progress.show(update_with({step(4, 100, 2)}));
  }
  const std::string text = screen.text();
  EXPECT_NE(text.find("[############............] 50/100"), std::string::npos) << text;
  EXPECT_NE(text.find("\r\033[Kwarning: something\n"), std::string::npos) << text;
  EXPECT_NE(text.find("[########################] 100/100"), std::string::npos) << text;
  EXPECT_EQ(text.substr(text.size() - 4), "\r\033[K") << "nothing is left at the end";
}

TEST(TerminalProgress, StagesAreNamedOnceWithoutATerminal) {
  Screen screen;
  TerminalProgress progress(screen.file(), TerminalProgress::Style::lines);
  for (int i = 0; i <= 100; ++i) progress.show_stage("tokenising", i, 100);
  EXPECT_EQ(screen.text(), "tokenising\n");
}

}  // namespace
}  // namespace paradigm
