// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace engine {

/// A value inside a JSON file that knows where it stands, so that every complaint names file and
/// place
/// ("pre_tokenizer.pretokenizers[1].type"). Points into a document that must outlive it.
class JsonPart {
 public:
  JsonPart(const nlohmann::json& value, std::string path, std::filesystem::path file)
      : value_(&value), path_(std::move(path)), file_(std::move(file)) {}

  const nlohmann::json& value() const { return *value_; }
  const std::string& path() const { return path_; }
  const std::filesystem::path& file() const { return file_; }

  /// There and not null.
  bool has(const char* key) const;
  /// The member `key`; Error when it is absent or this is no object.
  JsonPart at(const char* key) const;
  JsonPart at(std::size_t index) const;
  /// Calls `visit` with each element; Error when this is no array.
  void for_each(const std::function<void(const JsonPart&)>& visit) const;

  std::string text() const;
  bool boolean() const;
  std::int64_t integer(std::int64_t least, std::int64_t most) const;
  std::string text(const char* key) const { return at(key).text(); }
  bool boolean(const char* key, bool otherwise) const {
    return has(key) ? at(key).boolean() : otherwise;
  }

  /// Throws Error: "FILE: error: PATH MESSAGE (remedy)".
  [[noreturn]] void refuse(const std::string& id, const std::string& message,
                           const std::string& remedy = "") const;

 private:
  const nlohmann::json* value_;
  std::string path_;
  std::filesystem::path file_;
};

/// Reads and parses `file`; `bytes` receives what was read. Error with line and column for
/// malformed text, and for files above 256 MiB or nested deeper than 64.
nlohmann::json read_json_file(const std::filesystem::path& file, std::string& bytes);

}  // namespace engine
