// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/safetensors_header.h"

#include "engine/error.h"
#include "engine/printable.h"
#include "engine/strict_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>
#include <utility>

namespace engine {
namespace {

constexpr std::size_t kDeepest = 16;
constexpr std::size_t kHighestRank = 64;
constexpr std::size_t kMostWarnings = 20;

[[noreturn]] void refuse(const std::string& file, std::string message) {
  fail("bad-safetensors", {file}, std::move(message),
       "The file is damaged or was not written as safetensors: copy or download it again");
}

std::string in_quotes(const std::string& name) { return "\"" + printable(name) + "\""; }

/// What one entry of the header says, before it is checked as a whole.
struct RawEntry {
  std::string name;
  std::optional<std::string> dtype;
  std::optional<std::vector<std::uint64_t>> shape;
  std::optional<std::vector<std::uint64_t>> offsets;
};

/// Walks the header without building it: what is nested too deep, comes twice or has the wrong type
/// stops the walk.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<RawEntry> entries;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> unknown_keys;
  std::string message;

  bool null() override { return plain_value("null"); }
  bool boolean(bool value) override { return plain_value(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override {
    return plain_value(fmt::to_string(value));
  }
  bool number_float(number_float_t, const string_t& text) override { return plain_value(text); }
  bool binary(binary_t&) override { return false; }

  bool number_unsigned(number_unsigned_t value) override {
    if (frames_.empty() || frames_.back().kind != Kind::numbers)
      return plain_value(fmt::to_string(value));
    if (numbers_->size() >= kHighestRank) {
      return stop(fmt::format("tensor {}: {} has more than {} entries", in_quotes(current_.name),
                              field_, kHighestRank));
    }
    numbers_->push_back(value);
    return true;
  }

  bool string(string_t& value) override {
    if (!frames_.empty()) {
      const Frame& top = frames_.back();
      if (top.kind == Kind::metadata) {
        metadata.emplace(field_, std::move(value));
        return true;
      }
      if (top.kind == Kind::tensor && field_ == "dtype") {
        current_.dtype = std::move(value);
        return true;
      }
    }
    return plain_value("\"" + value + "\"");
  }

  bool start_object(std::size_t) override {
    if (frames_.empty()) return push(Kind::header);
    switch (frames_.back().kind) {
      case Kind::header:
        if (field_ == "__metadata__") return push(Kind::metadata);
        current_ = RawEntry{.name = field_, .dtype = {}, .shape = {}, .offsets = {}};
        return push(Kind::tensor);
      case Kind::tensor:
        return is_known(field_) ? wrong_type("an object") : push(Kind::skipped);
      case Kind::skipped:
        return push(Kind::skipped);
      default:
        return wrong_type("an object");
    }
  }

  bool end_object() override {
    const Kind kind = frames_.back().kind;
    frames_.pop_back();
    if (kind != Kind::tensor) return true;
    for (const auto& [key, present] : {std::pair{"dtype", current_.dtype.has_value()},
                                       std::pair{"shape", current_.shape.has_value()},
                                       std::pair{"data_offsets", current_.offsets.has_value()}}) {
      if (!present) return stop(fmt::format("tensor {} has no {}", in_quotes(current_.name), key));
    }
    entries.push_back(std::move(current_));
    return true;
  }

  bool start_array(std::size_t) override {
    if (frames_.empty()) return stop("the header is an array, not an object");
    if (frames_.back().kind == Kind::tensor && (field_ == "shape" || field_ == "data_offsets")) {
      numbers_ = &(field_ == "shape" ? current_.shape : current_.offsets).emplace();
      return push(Kind::numbers);
    }
    if (frames_.back().kind == Kind::tensor && !is_known(field_)) return push(Kind::skipped);
    if (frames_.back().kind == Kind::skipped) return push(Kind::skipped);
    return wrong_type("an array");
  }

  bool end_array() override {
    frames_.pop_back();
    return true;
  }

  bool key(string_t& name) override {
    Frame& top = frames_.back();
    if (!top.keys.insert(name).second)
      return stop(fmt::format("the key {} comes twice", in_quotes(name)));
    if (top.kind == Kind::header && (name.empty() || name.find('\0') != name.npos)) {
      return stop(fmt::format("a tensor has the unusable name {}", in_quotes(name)));
    }
    if (top.kind == Kind::tensor && !is_known(name) && unknown_keys.size() < kMostWarnings) {
      unknown_keys.push_back(fmt::format("tensor {} has the unknown key {}",
                                         in_quotes(current_.name), in_quotes(name)));
    }
    if (top.kind != Kind::skipped) field_ = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    return stop(fmt::format("the header is not JSON at byte {}: {}", 8 + position,
                            json_reason(error)));
  }

 private:
  enum class Kind { header, metadata, tensor, numbers, skipped };
  struct Frame {
    Kind kind;
    std::unordered_set<std::string> keys;
  };

  static bool is_known(const std::string& key) {
    return key == "dtype" || key == "shape" || key == "data_offsets";
  }

  bool push(Kind kind) {
    if (frames_.size() >= kDeepest)
      return stop(fmt::format("the header is nested more than {} levels deep", kDeepest));
    frames_.push_back({kind, {}});
    return true;
  }

  bool plain_value(const std::string& value) {
    if (frames_.empty()) return stop("the header is not an object");
    const Frame& top = frames_.back();
    if (top.kind == Kind::skipped || (top.kind == Kind::tensor && !is_known(field_))) return true;
    return wrong_type(printable(value, 60));
  }

  bool wrong_type(const std::string& found) {
    switch (frames_.back().kind) {
      case Kind::header:
        return stop(fmt::format("entry {} is {}, not an object", in_quotes(field_), found));
      case Kind::metadata:
        return stop(
            fmt::format("__metadata__ maps {} to {}, not to a string", in_quotes(field_), found));
      case Kind::numbers:
        return stop(fmt::format("tensor {}: {} holds {}, not a non-negative integer",
                                in_quotes(current_.name), field_, found));
      default:
        return stop(fmt::format("tensor {}: {} is {}", in_quotes(current_.name), field_, found));
    }
  }

  bool stop(std::string reason) {
    message = std::move(reason);
    return false;
  }

  std::vector<Frame> frames_;
  std::string field_;
  RawEntry current_;
  std::vector<std::uint64_t>* numbers_ = nullptr;
};

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

TensorEntry checked(RawEntry raw, std::uint64_t data_size, const std::string& file) {
  const std::string name = "tensor " + in_quotes(raw.name);
  const std::size_t width = bytes_per_element(*raw.dtype);
  if (width == 0) {
    const bool sub_byte = raw.dtype->starts_with("F4") || raw.dtype->starts_with("F6") ||
                          raw.dtype->starts_with("I4") || raw.dtype->starts_with("U4");
    refuse(file, fmt::format("{} has the dtype {}, {}", name, in_quotes(*raw.dtype),
                             sub_byte ? "whose elements are smaller than a byte: not supported"
                                      : "which is unknown"));
  }
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  TensorEntry entry{.name = std::move(raw.name), .dtype = std::move(*raw.dtype), .shape = {}};
  std::uint64_t elements = 1;
  std::uint64_t size = 0;
  bool overflow = false;
  for (const std::uint64_t extent : *raw.shape) {
    overflow = overflow || __builtin_mul_overflow(elements, extent, &elements) ||
               elements > kMost || extent > kMost;
    entry.shape.push_back(static_cast<std::int64_t>(extent));
  }
  overflow = overflow || __builtin_mul_overflow(elements, width, &size) || size > kMost;
  if (overflow)
    refuse(file, fmt::format("{}: shape {} has more bytes than can be counted", name,
                             shape_text(*raw.shape)));
  if (raw.offsets->size() != 2) {
    refuse(file,
           fmt::format("{}: data_offsets has {} entries instead of 2", name, raw.offsets->size()));
  }
  entry.begin = (*raw.offsets)[0];
  entry.end = (*raw.offsets)[1];
  if (entry.begin > entry.end || entry.end > data_size) {
    refuse(file, fmt::format("{}: data_offsets [{}, {}] do not lie within the {} bytes of data",
                             name, entry.begin, entry.end, data_size));
  }
  if (entry.end - entry.begin != size) {
    refuse(file, fmt::format("{}: {} of shape {} needs {} bytes, but data_offsets give it {}", name,
                             entry.dtype, shape_text(*raw.shape), size, entry.end - entry.begin));
  }
  return entry;
}

void check_tiling(std::vector<TensorEntry>& tensors, std::uint64_t data_size,
                  const std::string& file) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t expected = 0;
  for (const TensorEntry& tensor : tensors) {
    if (tensor.begin != expected) {
      refuse(file, fmt::format(
                       "tensor {} begins at byte {} of the data, {}", in_quotes(tensor.name),
                       tensor.begin,
                       tensor.begin < expected
                           ? fmt::format("inside the tensor before it, which ends at {}", expected)
                           : fmt::format("which leaves a hole after byte {}", expected)));
    }
    expected = tensor.end;
  }
  if (expected != data_size) {
    refuse(file, fmt::format("{} bytes of data follow the last tensor, which ends at {}",
                             data_size - expected, expected));
  }
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_size,
                                           const std::string& file) {
  if (text.empty() || text.front() != '{') refuse(file, "the header does not begin with \"{\"");
  if (const std::size_t nul = text.find('\0'); nul != text.npos) {
    refuse(file, fmt::format("the header has a NUL byte at byte {}", 8 + nul));
  }
  const std::string_view json = text.substr(0, text.find_last_not_of(' ') + 1);
  if (json.back() != '}') refuse(file, "something other than spaces follows the header's JSON");

  HeaderReader reader;
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &reader)) refuse(file, reader.message);

  SafetensorsHeader header;
  header.metadata = std::move(reader.metadata);
  header.tensors.reserve(reader.entries.size());
  for (RawEntry& raw : reader.entries)
    header.tensors.push_back(checked(std::move(raw), data_size, file));
  check_tiling(header.tensors, data_size, file);
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const TensorEntry& a, const TensorEntry& b) { return a.name < b.name; });
  for (std::string& warning : reader.unknown_keys) {
    header.warnings.push_back(Problem{.id = "unknown-key",
                                      .severity = Severity::warning,
                                      .place = {file},
                                      .value = {},
                                      .message = std::move(warning),
                                      .remedy = {}});
  }
  return header;
}

}  // namespace engine
