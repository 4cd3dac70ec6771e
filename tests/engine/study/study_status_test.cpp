// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/study/study_status.h"

#include "engine/runs/run_folder.h"
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace engine {
namespace {

TEST(StudyStatus, AnotherSpellingOfTheStudysFileIsNoOtherTransform) {
  const tests::ScratchFolder folder;
  tests::write_sample_run(folder / "cell", {.steps = 20});
  Study study;
  StudyCell cell;
  cell.config.output_dir = (folder / "cell").string();
  cell.transform_text = "# as /data/study.yaml sets it\ndefault: {q_levels: 16}\n";
  const auto difference_with = [&](const std::string& before) {
    folder.write("cell/transform.yaml", before);
    return status_of(study, cell).difference;
  };
  EXPECT_EQ(difference_with("# as study.yaml sets it\ndefault: {q_levels: 16}\n"), "");
  EXPECT_EQ(difference_with("# as study.yaml sets it\ndefault: {q_levels: 64}\n"),
            "its transform has changed");
}

TEST(StudyStatus, ARunThatWentOnFromAnotherFolderIsNoOtherRun) {
  const tests::ScratchFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  folder.write("text.txt", "words");
  folder.write("other.txt", "words");
  tests::write_sample_run("cell", {.steps = 20});
  Study study;
  StudyCell cell;
  cell.config.output_dir = "cell";
  cell.config.train_file = "text.txt";
  cell.fixed = {"train_file"};
  const auto difference_with = [&](const std::string& file) {
    folder.write("cell/run.yaml", "train_file: " + file + "\n");
    return status_of(study, cell).difference;
  };
  EXPECT_EQ(difference_with("text.txt"), "");
  EXPECT_EQ(difference_with((folder / "text.txt").string()), "") << "as a resume from / writes it";
  EXPECT_NE(difference_with((folder / "other.txt").string()), "");
  EXPECT_NE(difference_with("gone.txt"), "");
  folder.write("before/text.txt", "words");
  folder.write("cell/run.yaml", "# Relative paths start in: " + (folder / "before").string() +
                                    "\ntrain_file: text.txt\n");
  EXPECT_EQ(status_of(study, cell).difference, "") << "the study was moved as a whole";
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace engine
