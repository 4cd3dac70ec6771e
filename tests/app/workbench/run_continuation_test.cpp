// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_continuation.h"

#include "tests/support/scratch_folder.h"

#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using app::RunContinuation;
using widgets::LaunchPlace;
using widgets::LaunchRequest;

class RunContinuationTest : public testing::Test {
 protected:
  QString path(const char* name) { return QString::fromStdString((folder_ / name).string()); }
  void write(const char* name, int seed) {
    folder_.write(std::string(name) + "/run.yaml",
                  "model_name_or_path: tiny\ntrain_file: text.txt\nmax_steps: 20\nseed: " +
                      std::to_string(seed) + "\n");
  }
  /// Notes the seed of the settings that are to start.
  RunContinuation::Start start() {
    return [this](const LaunchRequest& request) {
      seeds_.push_back(std::get<std::int64_t>(request.values.get("seed")));
    };
  }
  bool starts(std::size_t count) {
    return QTest::qWaitFor([&] { return seeds_.size() >= count || told_.count() > 0; }, 10000) &&
           seeds_.size() == count;
  }

  const tests::ScratchFolder folder_;
  widgets::RunStore runs_;
  RunContinuation continuation_{&runs_};
  QSignalSpy told_{&continuation_, &RunContinuation::told};
  std::vector<std::int64_t> seeds_;
};

TEST_F(RunContinuationTest, RunsResumedAtOnceAllStart) {
  for (const int seed : {1, 2, 3}) write(std::to_string(seed).c_str(), seed);
  for (const char* name : {"1", "2", "3"})
    continuation_.resume(path(name), LaunchPlace::in_window, start());
  ASSERT_TRUE(starts(3));
  std::sort(seeds_.begin(), seeds_.end());
  EXPECT_EQ(seeds_, (std::vector<std::int64_t>{1, 2, 3})) << "each with its own settings";
}

TEST_F(RunContinuationTest, ResumingOneTwiceStartsItOnce) {
  write("a", 1);
  write("b", 2);
  continuation_.resume(path("a"), LaunchPlace::in_window, start());
  continuation_.resume(path("a"), LaunchPlace::in_window, start());
  ASSERT_TRUE(starts(1));
  continuation_.resume(path("b"), LaunchPlace::in_window, start());
  ASSERT_TRUE(starts(2)) << "nothing of the first press is under way any more";
  EXPECT_EQ(seeds_, (std::vector<std::int64_t>{1, 2}));
}

TEST_F(RunContinuationTest, SettingsThatCannotBeReadAreNamedAndKeepNoOtherFromStarting) {
  write("a", 1);
  folder_.write("b/run.yaml", "model_name_or_path: tiny\nmax_steps: many\n");
  continuation_.resume(path("a"), LaunchPlace::in_window, start());
  continuation_.resume(path("b"), LaunchPlace::in_window, start());
  ASSERT_TRUE(QTest::qWaitFor([&] { return seeds_.size() == 1 && told_.count() == 1; }, 10000));
  EXPECT_NE(told_.front().front().value<engine::Problem>().place.file.find("b/run.yaml"),
            std::string::npos);
}

}  // namespace
