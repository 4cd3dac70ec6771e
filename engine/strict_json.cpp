// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/strict_json.h"

#include "engine/error.h"
#include "engine/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

namespace engine {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kDeepest = 64;

/// Builds the value bottom up, so that what lies too deep or comes twice is never stored.
class StrictBuilder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return take(nullptr); }
  bool boolean(bool value) override { return take(value); }
  bool number_integer(number_integer_t value) override { return take(value); }
  bool number_unsigned(number_unsigned_t value) override { return take(value); }
  bool number_float(number_float_t value, const string_t&) override { return take(value); }
  bool string(string_t& value) override { return take(std::move(value)); }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Open& top = open_.back();
    if (top.value.contains(name))
      return refuse(fmt::format("the key \"{}\" comes twice", printable(name)));
    top.key = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    position_ = position;
    return refuse(json_reason(error));
  }

  Json result;
  std::string message;
  std::size_t position() const { return position_; }

 private:
  struct Open {
    Json value;
    std::string key;
  };

  bool open(Json value) {
    if (open_.size() >= kDeepest)
      return refuse(fmt::format("nested more than {} levels deep", kDeepest));
    open_.push_back({std::move(value), {}});
    return true;
  }

  bool close() {
    Json value = std::move(open_.back().value);
    open_.pop_back();
    return take(std::move(value));
  }

  bool take(Json value) {
    if (open_.empty()) {
      result = std::move(value);
      return true;
    }
    Open& top = open_.back();
    if (top.value.is_array()) {
      top.value.push_back(std::move(value));
    } else {
      top.value.emplace(std::move(top.key), std::move(value));
    }
    return true;
  }

  bool refuse(std::string reason) {
    message = std::move(reason);
    return false;
  }

  std::vector<Open> open_;
  std::size_t position_ = 0;
};

}  // namespace

std::string json_reason(const std::exception& error) {
  // "[json.exception.parse_error.101] parse error at line 1, column 7: syntax error while …"
  std::string_view what = error.what();
  if (what.starts_with("[json.exception.")) what.remove_prefix(what.find(']') + 1);
  if (what.starts_with(" ")) what.remove_prefix(1);
  const std::size_t place = what.find(": ");
  if (what.starts_with("parse error") && place != what.npos) what.remove_prefix(place + 2);
  return printable(what, 200);
}

nlohmann::json parse_strict_json(std::string_view text, const std::string& file) {
  const std::string remedy = "Correct the file, or fetch it again";
  if (const std::size_t nul = text.find('\0'); nul != text.npos) {
    fail("bad-json", {file}, fmt::format("not JSON: a NUL byte at offset {}", nul), remedy);
  }
  StrictBuilder builder;
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    Place place{file};
    if (builder.position() > 0) {
      const std::string_view before = text.substr(0, std::min(builder.position(), text.size()));
      place.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
    }
    fail("bad-json", place, "not usable JSON: " + builder.message, remedy);
  }
  return std::move(builder.result);
}

std::string read_text_file(const std::filesystem::path& file, std::size_t limit) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    fail("missing-file", {file.string()}, "this file does not exist", "Check the name");
  }
  if (error) {
    fail("unreadable-file", {file.string()}, "cannot be read: " + error.message(),
         "Check the permissions of the file and its folders");
  }
  if (!std::filesystem::is_regular_file(status)) {
    fail("bad-file", {file.string()}, "not a regular file", "Name a plain file");
  }
  const auto size = std::filesystem::file_size(file, error);
  if (!error && size > limit) {
    fail("bad-file", {file.string()},
         fmt::format("has {} bytes, at most {} are expected", size, limit),
         "Check that this is the file that is meant");
  }
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::string text(error ? 0 : size, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (error || !stream) {
    fail("unreadable-file", {file.string()},
         fmt::format("cannot be read: {}", std::strerror(errno != 0 ? errno : EIO)),
         "Check the permissions of the file");
  }
  return text;
}

}  // namespace engine
