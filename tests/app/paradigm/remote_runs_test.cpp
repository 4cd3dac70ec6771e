// SPDX-License-Identifier: GPL-3.0-or-later
// `paradigm runs` with ssh:// addresses, a shell in ssh's place.
#include "app/paradigm/remote_runs.h"

#include "app/paradigm/run_report.h"
#include "engine/error.h"
#include "engine/runs/run_catalog.h"
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace {

namespace fs = std::filesystem;

class RemoteRuns : public testing::Test {
 protected:
  RemoteRuns() {
    const fs::path program =
        scratch_.write("ssh.sh",
                       "#!/bin/sh\n"
                       "while [ $# -gt 0 ]; do case $1 in -G) exit 0;; --) shift; break;; *) "
                       "shift;; esac; done\nshift\nexec sh -c \"$*\"\n");
    fs::permissions(program, fs::perms::owner_all);
    setenv("PARADIGM_SSH", program.c_str(), 1);
    setenv("PARADIGM_REMOTE_CACHE", (scratch_ / "cache").c_str(), 1);
    for (const char* name : {"run-a", "run-b"}) {
      tests::write_sample_run(scratch_ / "runs" / name, {.steps = 20});
    }
  }
  std::string address(const std::string& below = "") const {
    return "ssh://lab1" + (scratch_ / "runs").string() + below;
  }
  tests::ScratchFolder scratch_;
};

TEST_F(RemoteRuns, AFolderThereIsListedUnderItsAddresses) {
  const auto runs = engine::find_runs(paradigm::readable_folder(address()));
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_TRUE(paradigm::run_address(runs[0]).starts_with(address("/run-")));
  EXPECT_EQ(engine::glance_at(runs[0]).observed.state, engine::RunState::finished);
}

TEST_F(RemoteRuns, OneRunIsFoundByItsAddress) {
  const fs::path run = paradigm::find_run(address("/run-b"));
  EXPECT_EQ(engine::summarize_run(run).last_step->step, 20);
  EXPECT_EQ(paradigm::run_address(run), address("/run-b"));
}

TEST_F(RemoteRuns, AFolderOfRunsIsNoRunAndAWrongPlaceIsNamed) {
  EXPECT_THROW(paradigm::find_run(address()), engine::Error);
  try {
    paradigm::find_run(address("/nothing"));
    FAIL();
  } catch (const engine::Error& error) {
    EXPECT_NE(std::string(error.what()).find("/nothing"), std::string::npos) << error.what();
  }
  EXPECT_EQ(paradigm::readable_folder("runs"), fs::path("runs")) << "what is here stays as it is";
}

}  // namespace
