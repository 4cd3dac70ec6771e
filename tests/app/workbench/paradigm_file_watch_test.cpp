// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/paradigm_file_watch.h"

#include "engine/transform/paradigm_info.h"
#include "tests/support/scratch_folder.h"

#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>

namespace {

namespace fs = std::filesystem;

constexpr int kOften = 20;  // ms between two looks
const std::string kGolden = PARADIGM_SOURCE_DIR "/tests/golden/paradigms/";

class ParadigmFileWatchTest : public testing::Test {
 protected:
  ParadigmFileWatchTest() : watch_(kOften), spy_(&watch_, &app::ParadigmFileWatch::changed) {
    fs::copy_file(kGolden + "tracker.pt", device());
    folder_.write("t.yaml", "layer_name_to_config:\n  default: {paradigm: ./tracker.pt}\n");
    watch_.watch(transform());
  }
  fs::path device() const { return folder_ / "tracker.pt"; }
  engine::TransformConfig transform() const {
    return engine::read_transform_config(folder_ / "t.yaml", engine::paradigm_infos()).config;
  }
  bool hears(int times) {
    return QTest::qWaitFor([&] { return spy_.count() >= times; }, 30000);
  }
  /// A change was made: it is heard, so the watch is at work, and nothing was before or is after
  /// it.
  void expect_one() {
    ASSERT_TRUE(hears(1));
    QTest::qWait(10 * kOften);
    EXPECT_EQ(spy_.count(), 1);
  }

  tests::ScratchFolder folder_;
  app::ParadigmFileWatch watch_;
  QSignalSpy spy_;
};

TEST_F(ParadigmFileWatchTest, TellsOfAnotherContentOnce) {
  tests::append_to(device(), "more");
  expect_one();
}

TEST_F(ParadigmFileWatchTest, IsSilentWhenTheContentIsTheSame) {
  fs::last_write_time(device(), fs::file_time_type::clock::now() + std::chrono::hours(1));
  QTest::qWait(10 * kOften);
  EXPECT_EQ(spy_.count(), 0);
  tests::append_to(device(), "more");
  expect_one();
}

TEST_F(ParadigmFileWatchTest, AHalfWrittenFileStaysWatched) {
  fs::resize_file(device(), 100);
  ASSERT_TRUE(hears(1));
  EXPECT_TRUE(transform().scripted.empty());
  watch_.watch(transform());  // what the workbench does when it hears
  fs::copy_file(kGolden + "tracker.pt", device(), fs::copy_options::overwrite_existing);
  EXPECT_TRUE(hears(2));
}

TEST_F(ParadigmFileWatchTest, FollowsTheOpenTransform) {
  watch_.watch(engine::TransformConfig{});
  tests::append_to(device(), "more");
  QTest::qWait(10 * kOften);
  EXPECT_EQ(spy_.count(), 0);
  watch_.watch(transform());  // as it is now
  tests::append_to(device(), "and more");
  expect_one();
}

}  // namespace
