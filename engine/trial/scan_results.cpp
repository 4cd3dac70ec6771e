// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/trial/scan_results.h"

#include "engine/error.h"
#include "engine/runs/file_descriptor.h"
#include "engine/runs/json_values.h"

#include <fcntl.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

namespace engine {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLargestFile = 256'000'000;
constexpr const char* kRemedy =
    "Name a file in a folder that can be written with --results, or free space";

std::optional<double> number_of(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (value == "Infinity") return std::numeric_limits<double>::infinity();
  if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

/// Nothing unless the losses are a full table.
std::optional<ScanCell> cell_of(const Json& object) {
  const auto losses = object.find("losses");
  if (losses == object.end() || !losses->is_array() || losses->empty()) return std::nullopt;
  ScanCell cell;
  for (const Json& draw : *losses) {
    if (!draw.is_array() || draw.empty()) return std::nullopt;
    auto& row = cell.losses.emplace_back();
    for (const Json& value : draw) {
      const auto number = number_of(value);
      if (!number) return std::nullopt;
      row.push_back(*number);
    }
    if (row.size() != cell.losses.front().size()) return std::nullopt;
  }
  const auto sqnr = object.find("sqnr_db");
  if (sqnr != object.end()) cell.sqnr_db = number_of(*sqnr).value_or(cell.sqnr_db);
  return cell;
}

std::string line_of(const std::string& key, const std::string& what, const ScanCell& cell) {
  nlohmann::ordered_json json;
  json["key"] = key;
  json["what"] = what;
  json["losses"] = nlohmann::ordered_json::array();
  for (const auto& draw : cell.losses) {
    auto row = nlohmann::ordered_json::array();
    for (const double loss : draw) row.push_back(json_number(loss));
    json["losses"].push_back(std::move(row));
  }
  if (!std::isnan(cell.sqnr_db)) json["sqnr_db"] = json_number(cell.sqnr_db);
  return dump_line(json) + "\n";
}

}  // namespace

ScanResultsFile::ScanResultsFile(std::filesystem::path file) : file_(std::move(file)) {
  std::error_code error;
  if (file_.has_parent_path()) std::filesystem::create_directories(file_.parent_path(), error);
  if (error) {
    fail("cannot-write", {.file = file_.parent_path().string()},
         "the folder for the results of the scan cannot be made: " + error.message(), kRemedy);
  }
  if (!std::filesystem::exists(file_, error)) return;
  const FileDescriptor in = open_regular_file(file_.c_str());
  if (!in) {
    fail("cannot-read", {.file = file_.string()},
         "the results of earlier scans cannot be read: it is no regular file, or not readable",
         "Name another file with --results");
  }
  const std::string content = read_at(in, 0, kLargestFile);
  std::string_view rest = content;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
      is_torn_ = true;
      break;
    }
    const Json object = parse_object(std::string(rest.substr(0, end)));
    rest.remove_prefix(end + 1);
    if (object.is_discarded()) continue;
    const std::string key = text_member(object, "key");
    if (auto cell = cell_of(object); cell && !key.empty()) cells_[key] = std::move(*cell);
  }
}

const ScanCell* ScanResultsFile::find(const std::string& key) const {
  const auto found = cells_.find(key);
  return found == cells_.end() ? nullptr : &found->second;
}

void ScanResultsFile::add(const std::string& key, const std::string& what, ScanCell cell) {
  const std::string line = (is_torn_ ? "\n" : "") + line_of(key, what, cell);
  const FileDescriptor out(open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!out || !write_all(out, line)) {
    fail("cannot-write", {.file = file_.string()},
         std::string("the results of the scan cannot be written: ") + std::strerror(errno),
         kRemedy);
  }
  is_torn_ = false;
  cells_[key] = std::move(cell);
}

}  // namespace engine
