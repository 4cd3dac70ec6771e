// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/manifest.h"

#include "engine/error.h"
#include "engine/runs/file_descriptor.h"
#include "engine/strict_json.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <type_traits>

namespace engine {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;

/// Names every member once; writing and reading walk the same list.
template <typename State, typename Visit>
void members(State& s, Visit&& visit) {
  visit("run_id", s.run_id);
  visit("step", s.step);
  visit("epoch", s.epoch);
  visit("consumed", s.consumed);
  visit("tokens", s.tokens);
  visit("logged_loss_sum", s.logged_loss_sum);
  visit("logged_steps", s.logged_steps);
  visit("seed", s.seed);
  visit("batch_size", s.batch_size);
  visit("accumulation", s.accumulation);
  visit("block_size", s.block_size);
  visit("max_steps", s.max_steps);
  visit("bf16", s.bf16);
  visit("data_digest", s.data_digest);
  visit("tokenizer_digest", s.tokenizer_digest);
  visit("transform_digest", s.transform_digest);
}

/// Exact for every double, the non-finite ones too, which JSON numbers cannot hold.
std::string exact_text(double value) {
  char text[64];
  std::snprintf(text, sizeof(text), "%a", value);
  return text;
}

template <typename T>
void read_member(const json& object, const char* name, T& value) {
  const json& member = object.at(name);
  if constexpr (std::is_same_v<T, double>) {
    const std::string text = member.get<std::string>();
    char* end = nullptr;
    value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0') throw json::other_error::create(501, name, &member);
  } else {
    member.get_to(value);
  }
}

}  // namespace

std::string to_json(const Manifest& manifest) {
  ordered_json root;
  root["schema_version"] = kSchemaVersion;
  root["engine_version"] = manifest.engine_version;
  root["torch_version"] = manifest.torch_version;
  root["device"] = manifest.device;
  root["world_size"] = 1;
  ordered_json& files = root["files"] = ordered_json::array();
  for (const ManifestFile& file : manifest.files) {
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"xxh3", file.xxh3}});
  }
  ordered_json& trainer = root["trainer_state"];
  members(manifest.trainer, [&trainer](const char* name, const auto& value) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, double>) {
      trainer[name] = exact_text(value);
    } else {
      trainer[name] = value;
    }
  });
  return root.dump(2) + "\n";
}

Manifest parse_manifest(const std::string& text, const std::string& file) {
  try {
    const json root = json::parse(text);
    if (root.at("schema_version").get<int>() != kSchemaVersion) {
      fail("bad-manifest", {.file = file},
           "the checkpoint is of schema version " + root.at("schema_version").dump() +
               ", this program reads " + std::to_string(kSchemaVersion),
           "Use the version of the program that wrote it");
    }
    Manifest manifest;
    root.at("engine_version").get_to(manifest.engine_version);
    root.at("torch_version").get_to(manifest.torch_version);
    root.at("device").get_to(manifest.device);
    for (const json& entry : root.at("files")) {
      ManifestFile& described = manifest.files.emplace_back();
      entry.at("name").get_to(described.name);
      entry.at("bytes").get_to(described.bytes);
      entry.at("xxh3").get_to(described.xxh3);
      if (described.name.empty() || described.name.find('/') != std::string::npos ||
          described.name == "..") {
        fail("bad-manifest", {.file = file}, "\"" + described.name + "\" is no name of a file");
      }
    }
    members(manifest.trainer, [&root](const char* name, auto& value) {
      read_member(root.at("trainer_state"), name, value);
    });
    const TrainerState& state = manifest.trainer;
    if (state.step < 0 || state.epoch < 0 || state.consumed < 0) {
      fail("bad-manifest", {.file = file}, "a negative position in the training");
    }
    return manifest;
  } catch (const json::exception& error) {
    fail("bad-manifest", {.file = file}, "not a checkpoint's manifest: " + json_reason(error),
         "Use an earlier checkpoint of the run");
  }
}

ManifestFile describe_file(const std::filesystem::path& file,
                           const std::function<void(std::int64_t)>& on_bytes) {
  const FileDescriptor input(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       &XXH3_freeState);
  XXH3_64bits_reset(state.get());
  ManifestFile described{.name = file.filename().string(), .bytes = 0, .xxh3 = {}};
  std::vector<char> buffer(1 << 20);
  while (true) {
    const auto count = input ? read(input.get(), buffer.data(), buffer.size()) : -1;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      fail("cannot-read", {.file = file.string()},
           std::string("cannot be read: ") + std::strerror(errno), "Check the file and the disk");
    }
    if (count == 0) break;
    XXH3_64bits_update(state.get(), buffer.data(), static_cast<std::size_t>(count));
    described.bytes += count;
    if (on_bytes) on_bytes(described.bytes);
  }
  char digits[17];
  std::snprintf(digits, sizeof(digits), "%016llx",
                static_cast<unsigned long long>(XXH3_64bits_digest(state.get())));
  described.xxh3 = digits;
  return described;
}

}  // namespace engine
