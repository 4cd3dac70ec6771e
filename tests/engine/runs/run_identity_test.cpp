// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_identity.h"

#include "tests/support/program_run.h"
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace {

using engine::run_identity;

TEST(RunIdentity, StaysWhenTheRunIsMovedCopiedOrResumed) {
  const tests::ScratchFolder folder;
  tests::write_sample_run(folder / "a", {});
  tests::write_sample_run(folder / "b", {});
  const std::string id = run_identity(folder / "a");
  EXPECT_EQ(id.size(), 64u);
  EXPECT_NE(id, run_identity(folder / "b"));
  std::filesystem::rename(folder / "a", folder / "moved");
  EXPECT_EQ(run_identity(folder / "moved"), id);
  const std::string events = tests::content_of(folder / "moved/events.jsonl");
  const std::string second = tests::content_of(folder / "b/events.jsonl");
  folder.write("moved/events.jsonl", events + second);
  EXPECT_EQ(run_identity(folder / "moved"), id) << "the first start counts";
  folder.write("moved/events.jsonl", "torn {\n" + events);
  EXPECT_EQ(run_identity(folder / "moved"), id) << "what cannot be read is passed over";
}

TEST(RunIdentity, IsEmptyWhileNothingHasStarted) {
  const tests::ScratchFolder folder;
  EXPECT_EQ(run_identity(folder / "nowhere"), "");
  folder.write("run/events.jsonl", "");
  EXPECT_EQ(run_identity(folder / "run"), "");
  folder.write("run/events.jsonl", "{\"event\":\"run_started\"");
  EXPECT_EQ(run_identity(folder / "run"), "") << "a line that is still being written";
}

}  // namespace
