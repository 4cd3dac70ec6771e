// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/run_truth.h"

#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/runs/process_end.h"
#include "engine/runs/run_catalog.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <string>

namespace tests {

namespace fs = std::filesystem;
using engine::ObservedState;
using engine::RunRecord;
using engine::RunState;

void expect_gapless(const RunRecord& record) {
  for (std::size_t i = 0; i < record.steps.size(); ++i) {
    ASSERT_EQ(record.steps[i].step, std::int64_t(i) + 1);
  }
}

void expect_truth(const fs::path& run_dir) {
  std::error_code ignored;
  if (engine::find_runs(run_dir).empty()) return;  // killed before it had anything to show
  const RunRecord record = engine::read_record(run_dir);
  expect_gapless(record);
  const ObservedState seen = engine::observe_state(run_dir);
  EXPECT_EQ(record.observed.state, seen.state);
  const auto newest = engine::newest_checkpoint(run_dir, engine::FileCheck::hashes);
  EXPECT_TRUE(newest.passed_over.empty()) << newest.passed_over.front();
  if (record.finished) {
    EXPECT_EQ(seen.state, RunState::finished) << seen.detail;
    EXPECT_TRUE(fs::exists(run_dir / "model.safetensors", ignored));
    return;
  }
  EXPECT_EQ(seen.state, RunState::interrupted) << seen.detail;
  if (record.status && engine::read_process_end(run_dir)) {
    EXPECT_TRUE(seen.detail.starts_with("killed by signal 9 (SIGKILL)")) << seen.detail;
  }
  if (newest.checkpoint) {
    EXPECT_NE(seen.detail.find("last checkpoint: checkpoint-"), std::string::npos) << seen.detail;
  }
}

void expect_same_end(const fs::path& one, const fs::path& other, std::int64_t steps) {
  const std::string last = "checkpoint-" + std::to_string(steps);
  for (const std::string& name :
       {last + "/model.safetensors", last + "/optimizer.safetensors",
        last + "/simulation_state.safetensors", std::string("model.safetensors")}) {
    ASSERT_TRUE(fs::exists(other / name)) << name;
    EXPECT_TRUE(content_of(one / name) == content_of(other / name)) << name;
  }
  const RunRecord a = engine::read_record(one);
  const RunRecord b = engine::read_record(other);
  ASSERT_EQ(a.steps.size(), std::size_t(steps));
  ASSERT_EQ(b.steps.size(), std::size_t(steps));
  for (std::size_t i = 0; i < b.steps.size(); ++i) {
    EXPECT_EQ(b.steps[i].step, std::int64_t(i) + 1);
    EXPECT_EQ(a.steps[i].loss, b.steps[i].loss) << i;
    EXPECT_EQ(a.steps[i].learning_rate, b.steps[i].learning_rate) << i;
    EXPECT_EQ(a.steps[i].tokens, b.steps[i].tokens) << i;
  }
}

}  // namespace tests
