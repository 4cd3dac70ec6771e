// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/text_format.h"
#include "engine/data/tokenized_dataset.h"
#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace engine {
namespace {

using Names = std::vector<std::string>;

Names names_of(const std::vector<std::filesystem::path>& files,
               const std::filesystem::path& folder) {
  Names names;
  for (const auto& file : files) names.push_back(file.lexically_relative(folder).string());
  return names;
}

std::string error_of(const std::string& name,
                     const std::optional<std::string>& config = std::nullopt) {
  try {
    dataset_sources(name, config);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(DatasetSources, ReadsSplitsFromNames) {
  const tests::ScratchFolder folder;
  for (const char* name :
       {"train-00.txt", "TRAIN.jsonl", "training.txt", "developers.txt", "valley.json", "b.txt",
        "testament.txt", "validation-00.txt", "valid.txt", "val_1.json", "dev.TXT", "test.txt",
        "test-1.json", ".hidden.txt", "README.md", "dataset_info.json", "notes"}) {
    folder.write(name, "x");
  }
  const TextSources sources = dataset_sources(folder.path().string(), std::nullopt);
  EXPECT_EQ(names_of(sources.train_files, folder.path()),
            (Names{"TRAIN.jsonl", "b.txt", "developers.txt", "testament.txt", "train-00.txt",
                   "training.txt", "valley.json"}));
  EXPECT_EQ(names_of(sources.validation_files, folder.path()),
            (Names{"dev.TXT", "val_1.json", "valid.txt", "validation-00.txt"}));
}

TEST(DatasetSources, ReadsSplitsFromFoldersAndLooksBelowData) {
  const tests::ScratchFolder folder;
  for (const char* name :
       {"data/train/a.parquet", "data/train/b.parquet", "data/validation/a.parquet",
        "data/test/a.parquet", "data/other/a.parquet", "data/extra.json"}) {
    folder.write(name, "x");
  }
  const TextSources sources = dataset_sources(folder.path().string(), std::nullopt);
  EXPECT_EQ(names_of(sources.train_files, folder.path()),
            (Names{"data/train/a.parquet", "data/train/b.parquet"}));
  EXPECT_EQ(names_of(sources.validation_files, folder.path()),
            (Names{"data/validation/a.parquet"}));
}

TEST(DatasetSources, FindsASubsetByNameBelowDataOrWithADashForASlash) {
  const tests::ScratchFolder folder;
  folder.write("plain/a.txt", "x");
  folder.write("data/inner/a.txt", "x");
  folder.write("sample/10BT/000_00000.parquet", "x");
  const std::string name = folder.path().string();
  EXPECT_EQ(names_of(dataset_sources(name, "plain").train_files, folder.path()),
            (Names{"plain/a.txt"}));
  EXPECT_EQ(names_of(dataset_sources(name, "inner").train_files, folder.path()),
            (Names{"data/inner/a.txt"}));
  EXPECT_EQ(names_of(dataset_sources(name, "sample-10BT").train_files, folder.path()),
            (Names{"sample/10BT/000_00000.parquet"}));
  EXPECT_NE(error_of(name, "absent").find("folders there: data, plain, sample"), std::string::npos)
      << error_of(name, "absent");
  EXPECT_NE(error_of(name, "../x").find("--dataset_config_name"), std::string::npos);
  EXPECT_NE(error_of(name, "").find("--dataset_config_name"), std::string::npos);
  EXPECT_NE(error_of(name).find("--dataset_config_name: data, plain, sample"), std::string::npos)
      << error_of(name);
}

TEST(DatasetSources, FindsADataSetOfTheHubCache) {
  const tests::ScratchFolder folder;
  ::setenv("HF_HUB_CACHE", folder.path().c_str(), 1);
  const std::string commit(40, 'a');
  folder.write("datasets--org--texts/refs/main", commit);
  const std::string snapshot = "datasets--org--texts/snapshots/" + commit + "/";
  folder.write("blob", "x");
  folder.write(snapshot + "README.md", "x");
  std::filesystem::create_directories(folder / (snapshot + "data"));
  std::filesystem::create_symlink(folder / "blob",
                                  folder / (snapshot + "data/train-00000-of-00001.parquet"));
  EXPECT_EQ(names_of(dataset_sources("org/texts", std::nullopt).train_files, folder / snapshot),
            (Names{"data/train-00000-of-00001.parquet"}));
  EXPECT_NE(error_of("org/texts", "sample-10BT")
                .find("hf download org/texts --repo-type dataset --include \"sample/10BT/*\""),
            std::string::npos)
      << error_of("org/texts", "sample-10BT");
  EXPECT_NE(error_of("org/absent").find("hf download org/absent --repo-type dataset"),
            std::string::npos);
}

TEST(DatasetSources, SaysWhyAFolderHasNoText) {
  const tests::ScratchFolder csv;
  csv.write("train.csv", "x");
  EXPECT_NE(error_of(csv.path().string()).find("csv files are not supported"), std::string::npos);
  const tests::ScratchFolder arrow;
  arrow.write("data-00000-of-00001.arrow", "x");
  arrow.write("state.json", "{}");
  EXPECT_NE(error_of(arrow.path().string()).find("to_parquet"), std::string::npos);
  const tests::ScratchFolder test_only;
  test_only.write("test.txt", "x");
  EXPECT_NE(error_of(test_only.path().string()).find("test split only"), std::string::npos);
  const tests::ScratchFolder empty;
  EXPECT_NE(error_of(empty.path().string()).find("no txt, json, jsonl or parquet file"),
            std::string::npos);
}

TEST(TextFormat, IsReadFromTheEndingAndRefusedByName) {
  EXPECT_EQ(text_format_of("a.txt"), TextFormat::lines);
  EXPECT_EQ(text_format_of("a.b.JSONL"), TextFormat::json);
  EXPECT_EQ(text_format_of("a.json"), TextFormat::json);
  EXPECT_EQ(text_format_of("a.parquet"), TextFormat::parquet);
  EXPECT_EQ(text_format_of("txt"), std::nullopt);
  const auto refusal = [](const char* name) -> std::string {
    try {
      required_text_format(name);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(refusal("dir/a.csv").find("dir/a.csv: error: csv files are not supported"),
            std::string::npos)
      << refusal("dir/a.csv");
  EXPECT_NE(refusal("a.jsonl.gz").find("Decompress"), std::string::npos);
  EXPECT_NE(refusal("a.md").find(".md are not supported"), std::string::npos);
  EXPECT_NE(refusal("a").find("no ending"), std::string::npos);
}

}  // namespace
}  // namespace engine
