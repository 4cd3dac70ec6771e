// SPDX-License-Identifier: GPL-3.0-or-later
// A checkpoint's weights as one: a single file, or the shards named by
// model.safetensors.index.json.
#include "engine/checkpoint/safetensors_file.h"
#include "engine/error.h"
#include "engine/printable.h"
#include "engine/runs/run_folder.h"
#include "engine/strict_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestIndex = 100'000'000;

[[noreturn]] void inconsistent(const fs::path& index, std::string message) {
  fail("bad-index", {index.string()}, std::move(message),
       "The index does not belong to these shards: download or save the checkpoint again");
}

[[noreturn]] void no_weights(const fs::path& directory, const std::string& stem) {
  for (const char* old : {"pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    if (!is_there(directory / old)) continue;
    fail("pickled-weights", {(directory / old).string()},
         "the weights are in this file only; it is Python pickle, which is not read here",
         fmt::format("Convert it once with: python -c \"import sys; from transformers import "
                     "AutoModelForCausalLM as M; d = sys.argv[1]; "
                     "M.from_pretrained(d, torch_dtype='auto').save_pretrained(d, "
                     "safe_serialization=True)\" {}",
                     shell_quoted(directory.string())));
  }
  fail("missing-weights", {directory.string()},
       fmt::format("there is neither {}.safetensors nor {}.safetensors.index.json", stem, stem),
       "Name the folder of a Hugging Face checkpoint");
}

/// weight_map of the index: tensor name -> shard, both checked for form.
std::map<std::string, std::string> read_weight_map(const fs::path& index,
                                                   const nlohmann::json& json) {
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    inconsistent(index, "the index has no object weight_map");
  }
  std::map<std::string, std::string> weight_map;
  for (const auto& [tensor, shard] : json["weight_map"].items()) {
    if (!shard.is_string())
      inconsistent(index, fmt::format("weight_map gives \"{}\" no file name", printable(tensor)));
    const std::string name = shard.get<std::string>();
    if (name.empty() || name == "." || name.find('/') != name.npos ||
        name.find('\\') != name.npos || name.find("..") != name.npos ||
        name.find('\0') != name.npos) {
      inconsistent(
          index,
          fmt::format(
              "weight_map names the file \"{}\", which is not a plain file name in this folder",
              printable(name)));
    }
    weight_map.emplace(tensor, name);
  }
  if (weight_map.empty()) inconsistent(index, "weight_map is empty");
  return weight_map;
}

}  // namespace

SafetensorsSet SafetensorsSet::open(const fs::path& directory, const std::string& stem) {
  SafetensorsSet set;
  const fs::path single = directory / (stem + ".safetensors");
  const fs::path index = directory / (stem + ".safetensors.index.json");
  if (is_there(single)) {
    set.files_.emplace_back(single);
    for (const TensorEntry& entry : set.files_[0].tensors()) set.where_.emplace(entry.name, 0);
    return set;
  }
  if (!is_there(index)) no_weights(directory, stem);

  const nlohmann::json json =
      parse_strict_json(read_text_file(index, kLargestIndex), index.string());
  const auto weight_map = read_weight_map(index, json);
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : weight_map) shards.insert(shard);

  std::uint64_t total = 0;
  for (const std::string& shard : shards) {
    if (!is_there(directory / shard)) {
      fail("missing-shard", {(directory / shard).string()},
           fmt::format("this shard, named by {}, is missing", index.filename().string()),
           "Download or copy the missing file");
    }
    const SafetensorsFile& file = set.files_.emplace_back(directory / shard);
    for (const TensorEntry& entry : file.tensors()) {
      const auto mapped = weight_map.find(entry.name);
      const auto [where, is_new] = set.where_.emplace(entry.name, set.files_.size() - 1);
      if (!is_new) {
        inconsistent(index,
                     fmt::format("tensor \"{}\" is in two files, {} and {}", printable(entry.name),
                                 set.files_[where->second].path().filename().string(), shard));
      }
      if (mapped == weight_map.end() || mapped->second != shard) {
        inconsistent(
            index,
            fmt::format("tensor \"{}\" is in {}, but the index {}", printable(entry.name), shard,
                        mapped == weight_map.end() ? "does not name it"
                                                   : "puts it into " + mapped->second));
      }
      total += entry.end - entry.begin;
    }
  }
  for (const auto& [tensor, shard] : weight_map) {
    if (!set.where_.contains(tensor)) {
      inconsistent(index, fmt::format("tensor \"{}\" should be in {}, which does not have it",
                                      printable(tensor), shard));
    }
  }
  if (json.contains("metadata") && json["metadata"].is_object() &&
      json["metadata"].contains("total_size")) {
    const nlohmann::json& stated = json["metadata"]["total_size"];
    if (!stated.is_number() || stated != total) {
      inconsistent(index, fmt::format("metadata.total_size is {}, but the tensors have {} bytes",
                                      printable(stated.dump(-1, ' ', true)), total));
    }
  }
  return set;
}

std::vector<std::string> SafetensorsSet::names() const {
  std::vector<std::string> all;
  all.reserve(where_.size());
  for (const auto& [name, file] : where_) all.push_back(name);
  return all;
}

const TensorEntry* SafetensorsSet::find(const std::string& name) const {
  const auto found = where_.find(name);
  return found == where_.end() ? nullptr : files_[found->second].find(name);
}

const fs::path& SafetensorsSet::file_of(const std::string& name) const {
  return files_[where_.at(name)].path();
}

std::span<const std::byte> SafetensorsSet::bytes(const std::string& name) const {
  const SafetensorsFile& file = files_[where_.at(name)];
  return file.bytes(*file.find(name));
}

}  // namespace engine
