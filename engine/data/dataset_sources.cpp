// SPDX-License-Identifier: GPL-3.0-or-later
// --dataset_name: which files of a folder are the text, and of which split.
#include "engine/data/hub_cache.h"
#include "engine/data/text_format.h"
#include "engine/data/tokenized_dataset.h"
#include "engine/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>
#include <system_error>

namespace engine {
namespace {

namespace fs = std::filesystem;

enum class Split { train, validation, test };

/// Whether `name` begins with `word` as a word: "dev-00.txt" does with "dev", "developers.txt" does
/// not.
bool begins_with_word(std::string_view name, std::string_view word) {
  return name.starts_with(word) &&
         (name.size() == word.size() ||
          std::isalpha(static_cast<unsigned char>(name[word.size()])) == 0);
}

Split split_of(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (name.starts_with("validation")) return Split::validation;
  for (const std::string_view word : {"valid", "val", "dev"}) {
    if (begins_with_word(name, word)) return Split::validation;
  }
  return begins_with_word(name, "test") ? Split::test : Split::train;
}

/// Facts about a data set that its tools write beside it.
bool is_metadata(const std::string& name) {
  return name == "dataset_info.json" || name == "dataset_infos.json" ||
         name == "dataset_dict.json" || name == "state.json";
}

struct Found {
  std::vector<fs::path> train;
  std::vector<fs::path> validation;
  std::vector<fs::path> test;
  std::set<std::string> other_endings;

  bool any() const { return !train.empty() || !validation.empty() || !test.empty(); }
  std::vector<fs::path>& of(Split split) {
    if (split == Split::train) return train;
    return split == Split::validation ? validation : test;
  }
};

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!entry->path().filename().string().starts_with('.')) entries.push_back(entry->path());
  }
  if (error) {
    fail("cannot-read", Place{.file = folder.string()},
         fmt::format("the folder cannot be read: {}", error.message()));
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

void add_file(const fs::path& file, std::optional<Split> split, Found& found) {
  const std::string name = file.filename().string();
  if (is_metadata(name)) return;
  if (!text_format_of(file)) {
    if (file.has_extension()) found.other_endings.insert(file.extension().string());
    return;
  }
  found.of(split.value_or(split_of(name))).push_back(file);
}

/// The files of `folder` and of its folders train, validation, … ; with Parquet files among them,
/// only those.
Found files_in(const fs::path& folder) {
  Found found;
  for (const fs::path& entry : sorted_entries(folder)) {
    std::error_code ignored;
    const std::string name = entry.filename().string();
    if (!fs::is_directory(entry, ignored)) {
      add_file(entry, std::nullopt, found);
    } else if (const Split split = split_of(name); split != Split::train || name == "train") {
      for (const fs::path& file : sorted_entries(entry)) {
        if (!fs::is_directory(file, ignored)) add_file(file, split, found);
      }
    }
  }
  const auto is_parquet = [](const fs::path& file) {
    return text_format_of(file) == TextFormat::parquet;
  };
  const auto lists = {&found.train, &found.validation, &found.test};
  if (std::any_of(lists.begin(), lists.end(), [&](const auto* list) {
        return std::any_of(list->begin(), list->end(), is_parquet);
      })) {
    for (auto* list : lists)
      std::erase_if(*list, [&](const fs::path& file) { return !is_parquet(file); });
  }
  return found;
}

std::vector<std::string> subfolders(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const fs::path& entry : sorted_entries(folder)) {
    if (fs::is_directory(entry, ignored)) names.push_back(entry.filename().string());
  }
  return names;
}

/// The folder of a named subset: its name, the same below data/, or with '-' read as '/'
/// ("sample-10BT" is sample/10BT on the hub).
fs::path config_folder(const fs::path& folder, const std::string& dataset_name,
                       const std::string& config) {
  const fs::path relative(config);
  if (config.empty() || relative.is_absolute() ||
      std::find(relative.begin(), relative.end(), "..") != relative.end()) {
    fail("bad-value", Place{.file = "--dataset_config_name"},
         fmt::format("\"{}\" is not the name of a subset", config));
  }
  std::string nested = config;
  if (const std::size_t dash = nested.find('-'); dash != nested.npos) nested[dash] = '/';
  for (const fs::path& candidate :
       {folder / config, folder / "data" / config, folder / nested, folder / "data" / nested}) {
    std::error_code ignored;
    if (fs::is_directory(candidate, ignored)) return candidate;
  }
  const std::vector<std::string> present = subfolders(folder);
  std::error_code ignored;
  const std::string remedy =
      fs::is_directory(dataset_name, ignored)
          ? std::string("Name one of its folders as --dataset_config_name")
          : fmt::format("If the hub has it: hf download {} --repo-type dataset --include \"{}/*\"",
                        dataset_name, nested);
  fail("no-such-subset", Place{.file = folder.string()},
       fmt::format("there is no subset \"{}\"; folders there: {}", config,
                   present.empty() ? "none" : fmt::format("{}", fmt::join(present, ", "))),
       remedy);
}

[[noreturn]] void fail_without_files(const fs::path& folder, const Found& found) {
  const Place place{.file = folder.string()};
  if (!found.test.empty()) {
    fail("no-text-files", place, "the folder holds a test split only",
         "Add files of another name to train on");
  }
  if (found.other_endings.contains(".csv")) {
    fail("csv-not-supported", place, "csv files are not supported",
         "Write the texts as JSON lines ({\"text\": ...} on each line, name ending .jsonl) or as "
         "Parquet");
  }
  if (found.other_endings.contains(".arrow")) {
    fail("arrow-not-supported", place,
         "Arrow files, as save_to_disk writes them, are not supported",
         "Write the data set with to_parquet");
  }
  const std::vector<std::string> present = subfolders(folder);
  fail("no-text-files", place, "the folder holds no txt, json, jsonl or parquet file",
       present.empty() ? std::string()
                       : fmt::format("Name one of its folders as --dataset_config_name: {}",
                                     fmt::join(present, ", ")));
}

}  // namespace

TextSources dataset_sources(const std::string& dataset_name,
                            const std::optional<std::string>& dataset_config_name) {
  fs::path folder = resolve_hub_path(dataset_name, HubKind::dataset);
  if (dataset_config_name) folder = config_folder(folder, dataset_name, *dataset_config_name);
  Found found = files_in(folder);
  std::error_code ignored;
  if (!found.any() && fs::is_directory(folder / "data", ignored)) {
    if (Found below = files_in(folder / "data"); below.any()) found = std::move(below);
  }
  if (found.train.empty() && found.validation.empty()) fail_without_files(folder, found);
  TextSources sources;
  sources.train_files = std::move(found.train);
  sources.validation_files = std::move(found.validation);
  return sources;
}

}  // namespace engine
