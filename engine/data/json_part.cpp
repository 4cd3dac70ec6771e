// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/json_part.h"

#include "engine/error.h"
#include "engine/strict_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <utility>

namespace engine {
namespace {

using nlohmann::json;

constexpr std::uintmax_t kMaxFileBytes = 256ULL << 20;
constexpr int kMaxDepth = 64;

Place place_of(const std::filesystem::path& file, std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, std::min(byte, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t start =
      before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return {file.string(), static_cast<int>(line),
          static_cast<int>(std::min<std::size_t>(before.size() - start + 1, 1 << 30))};
}

// The byte at which nesting exceeds kMaxDepth, or npos.
std::size_t too_deep_at(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return i;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return std::string_view::npos;
}

std::string shortened(const json& value) {
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  return text;
}

}  // namespace

bool JsonPart::has(const char* key) const {
  if (!value_->is_object()) return false;
  const auto found = value_->find(key);
  return found != value_->end() && !found->is_null();
}

JsonPart JsonPart::at(const char* key) const {
  if (!value_->is_object()) refuse("bad-value", fmt::format("must be an object with \"{}\"", key));
  const auto found = value_->find(key);
  if (found == value_->end()) refuse("bad-value", fmt::format("has no \"{}\"", key));
  return {*found, path_.empty() ? std::string(key) : path_ + "." + key, file_};
}

JsonPart JsonPart::at(std::size_t index) const {
  if (!value_->is_array() || index >= value_->size())
    refuse("bad-value", fmt::format("has no element {}", index));
  return {(*value_)[index], fmt::format("{}[{}]", path_, index), file_};
}

void JsonPart::for_each(const std::function<void(const JsonPart&)>& visit) const {
  if (!value_->is_array()) refuse("bad-value", "must be a list");
  for (std::size_t i = 0; i < value_->size(); ++i) visit(at(i));
}

std::string JsonPart::text() const {
  if (!value_->is_string()) refuse("bad-value", "must be a string");
  return value_->get<std::string>();
}

bool JsonPart::boolean() const {
  if (!value_->is_boolean()) refuse("bad-value", "must be true or false");
  return value_->get<bool>();
}

std::int64_t JsonPart::integer(std::int64_t least, std::int64_t most) const {
  const bool fits = value_->is_number_unsigned()
                        ? value_->get<std::uint64_t>() <= static_cast<std::uint64_t>(most) &&
                              static_cast<std::int64_t>(value_->get<std::uint64_t>()) >= least
                        : value_->is_number_integer() && value_->get<std::int64_t>() >= least &&
                              value_->get<std::int64_t>() <= most;
  if (!fits) refuse("bad-value", fmt::format("must be a whole number from {} to {}", least, most));
  return value_->get<std::int64_t>();
}

void JsonPart::refuse(const std::string& id, const std::string& message,
                      const std::string& remedy) const {
  Problem problem;
  problem.id = id;
  problem.place.file = file_.string();
  problem.value = shortened(*value_);
  problem.message =
      fmt::format("{} {}; it is {}", path_.empty() ? "the file" : path_, message, problem.value);
  problem.remedy = remedy;
  throw Error(std::move(problem));
}

json read_json_file(const std::filesystem::path& file, std::string& bytes) {
  std::error_code code;
  const std::uintmax_t size = std::filesystem::file_size(file, code);
  if (code)
    fail("unreadable-file", {file.string(), 0, 0},
         fmt::format("cannot be read: {}", code.message()));
  if (size > kMaxFileBytes)
    fail("file-too-large", {file.string(), 0, 0},
         fmt::format("has {} bytes; at most {} are read", size, kMaxFileBytes));
  std::ifstream stream(file, std::ios::binary);
  bytes.resize(size);
  if (!stream.read(bytes.data(), static_cast<std::streamsize>(size)))
    fail("unreadable-file", {file.string(), 0, 0}, "cannot be read",
         "Check that it is a file you may read");
  if (const std::size_t deep = too_deep_at(bytes); deep != std::string::npos)
    fail("bad-json", place_of(file, bytes, deep),
         fmt::format("is nested deeper than {} levels", kMaxDepth));
  try {
    return json::parse(bytes);
  } catch (const json::exception& error) {
    const auto* parse = dynamic_cast<const json::parse_error*>(&error);
    const std::size_t byte = parse != nullptr && parse->byte > 0 ? parse->byte - 1 : 0;
    fail("bad-json", place_of(file, bytes, byte),
         fmt::format("is not JSON: {}", json_reason(error)),
         "The file may be cut short; copy or download it again");
  }
}

}  // namespace engine
