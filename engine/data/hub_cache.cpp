// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/hub_cache.h"

#include "engine/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <string_view>
#include <system_error>

namespace engine {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

fs::path home_folder() { return variable("HOME").value_or("/"); }

fs::path with_home(const std::string& path) {
  if (path == "~") return home_folder();
  if (path.starts_with("~/")) return home_folder() / path.substr(2);
  return path;
}

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

/// The hub's own rule for one half of "org/name".
bool is_name_part(std::string_view part) {
  return !part.empty() && part.size() <= 96 &&
         std::all_of(part.begin(), part.end(), is_name_character) && part.find("..") == part.npos &&
         part.find("--") == part.npos && part.front() != '-' && part.front() != '.' &&
         part.back() != '-' && part.back() != '.';
}

bool is_hub_name(std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == name.npos) return is_name_part(name);
  return is_name_part(name.substr(0, slash)) && is_name_part(name.substr(slash + 1));
}

bool looks_like_path(std::string_view text) {
  return text.empty() || text.front() == '/' || text.front() == '.' || text.front() == '~' ||
         text.back() == '/' || std::count(text.begin(), text.end(), '/') > 1;
}

bool is_commit(std::string_view text) {
  return text.size() == 40 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

/// A branch or tag name that is safe as a relative path and as a word of a command.
bool is_revision(std::string_view text) {
  return !text.empty() && text.front() != '/' && text.front() != '-' && text.back() != '/' &&
         text.find("..") == text.npos && text.find("//") == text.npos &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_name_character(c) || c == '/'; });
}

std::optional<std::string> commit_of(const fs::path& repository, const std::string& revision) {
  if (is_commit(revision)) return revision;
  std::ifstream file(repository / "refs" / revision);
  std::string commit;
  if (!(file >> commit) || !is_commit(commit)) return std::nullopt;
  return commit;
}

std::string download_command(const std::string& name, HubKind kind, const std::string& revision) {
  std::string command = "hf download " + name;
  if (kind == HubKind::dataset) command += " --repo-type dataset";
  if (revision != "main") command += " --revision " + revision;
  return command;
}

const char* word_for(HubKind kind) { return kind == HubKind::model ? "model" : "data set"; }

}  // namespace

fs::path hub_cache_dir() {
  if (const auto cache = variable("HF_HUB_CACHE")) return with_home(*cache);
  if (const auto home = variable("HF_HOME")) return with_home(*home) / "hub";
  if (const auto cache = variable("XDG_CACHE_HOME"))
    return with_home(*cache) / "huggingface" / "hub";
  return home_folder() / ".cache" / "huggingface" / "hub";
}

fs::path resolve_hub_path(const std::string& name_or_path, HubKind kind,
                          const std::string& revision) {
  const fs::path local = with_home(name_or_path);
  std::error_code ignored;
  if (!name_or_path.empty() && fs::is_directory(local, ignored)) return local;
  if (!name_or_path.empty() && fs::exists(local, ignored)) {
    fail("not-a-folder", Place{.file = name_or_path}, "this is a file, not a folder",
         kind == HubKind::model ? "Name the folder that holds config.json"
                                : "Name its folder, or give the file itself as --train_file");
  }
  if (looks_like_path(name_or_path)) {
    fail("no-such-folder", Place{.file = name_or_path},
         fmt::format("the folder \"{}\" does not exist", name_or_path),
         fmt::format("Give an existing {} folder, or a hub name such as org/name", word_for(kind)));
  }
  if (!is_hub_name(name_or_path)) {
    fail("bad-hub-name", Place{.file = name_or_path},
         fmt::format("\"{}\" is neither an existing folder nor a hub name", name_or_path),
         "A hub name is org/name, of letters, digits, '-', '_' and '.'");
  }
  if (!is_revision(revision)) {
    fail("bad-revision", Place{.file = name_or_path},
         fmt::format("\"{}\" is not a branch, tag or commit", revision),
         "The usual revision is main");
  }

  std::string folder = (kind == HubKind::model ? "models--" : "datasets--") + name_or_path;
  if (const std::size_t slash = folder.find('/'); slash != folder.npos)
    folder.replace(slash, 1, "--");
  const fs::path repository = hub_cache_dir() / folder;
  if (const auto commit = commit_of(repository, revision)) {
    const fs::path snapshot = repository / "snapshots" / *commit;
    if (fs::is_directory(snapshot, ignored)) return snapshot;
  }
  const bool other_revision = fs::is_directory(repository, ignored);
  fail("not-in-hub-cache", Place{.file = name_or_path},
       fmt::format("there is no folder \"{0}\", and the {1} {0}{2} is not in the local Hugging "
                   "Face cache {3}",
                   name_or_path, word_for(kind), other_revision ? " at revision " + revision : "",
                   hub_cache_dir().string()),
       fmt::format("Download it with: {} (clients before huggingface_hub 0.34: huggingface-cli "
                   "instead of hf)",
                   download_command(name_or_path, kind, revision)));
}

}  // namespace engine
