// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/frozen_transform.h"

#include "engine/config/transform_config.h"
#include "engine/error.h"
#include "engine/transform/paradigm_info.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRules = "layer_name_to_config:\n  default: {q_levels: 64}\n";
constexpr const char* kOther = "layer_name_to_config:\n  default: {q_levels: 32}\n";

std::size_t entries_of(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator{}));
}

TEST(FrozenTransform, KeepsWhatTheFileSaidWhateverIsWrittenLater) {
  const tests::ScratchFolder folder;
  const fs::path file = folder.write("rules.yaml", kRules);
  const fs::path copy = freeze_transform(file, folder / "store");
  EXPECT_EQ(copy.filename(), "rules.yaml");
  EXPECT_EQ(tests::content_of(copy), kRules);
  EXPECT_TRUE(is_as_frozen(file, copy));

  folder.write("rules.yaml", kOther);
  EXPECT_FALSE(is_as_frozen(file, copy));
  EXPECT_EQ(tests::content_of(copy), kRules);
  const fs::path second = freeze_transform(file, folder / "store");
  EXPECT_NE(second, copy);
  folder.write("rules.yaml", kRules);
  EXPECT_TRUE(is_as_frozen(file, copy));
  EXPECT_EQ(freeze_transform(file, folder / "store"), copy) << "the same content is kept once";
  EXPECT_EQ(entries_of(folder / "store"), 2u);

  fs::remove(file);
  EXPECT_FALSE(is_as_frozen(file, copy));
}

TEST(FrozenTransform, KeepsTheTorchScriptFilesThatTheRulesName) {
  const tests::ScratchFolder folder;
  const fs::path golden = PARADIGM_SOURCE_DIR "/configs/paradigms/photodetector/photodetector.pt";
  fs::create_directories(folder / "devices");
  fs::copy_file(golden, folder / "devices/photodetector.pt");
  const fs::path file = folder.write(
      "rules.yaml", "layer_name_to_config:\n  default: {paradigm: ./devices/photodetector.pt}\n");
  const fs::path copy = freeze_transform(file, folder / "store");
  const std::string before = tests::content_of(golden);
  EXPECT_EQ(tests::content_of(copy.parent_path() / "rules.photodetector.pt"), before);
  EXPECT_TRUE(is_as_frozen(file, copy));

  fs::remove_all(folder / "devices");
  EXPECT_FALSE(is_as_frozen(file, copy));
  const ParsedTransform parsed = read_transform_config(copy, paradigm_infos());
  EXPECT_FALSE(has_errors(parsed.problems));
  ASSERT_EQ(parsed.config.scripted.size(), 1u);
}

TEST(FrozenTransform, AFileThatCannotBeAppliedIsRefused) {
  const tests::ScratchFolder folder;
  EXPECT_THROW(freeze_transform(folder / "absent.yaml", folder / "store"), Error);
  const fs::path bad =
      folder.write("bad.yaml", "layer_name_to_config:\n  default: {q_levls: 64}\n");
  EXPECT_THROW(freeze_transform(bad, folder / "store"), Error);
  const fs::path file = folder.write("rules.yaml", kRules);
  folder.write("taken", "");
  EXPECT_THROW(freeze_transform(file, folder / "taken"), Error);
}

}  // namespace
}  // namespace engine
