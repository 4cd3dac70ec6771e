// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/number_file.h"

#include "engine/error.h"
#include "engine/printable.h"
#include "engine/runs/run_folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <string_view>

namespace engine {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void bad_file(const fs::path& file, const std::string& why,
                           const std::string& remedy = "") {
  fail("bad-number-file", {file.string()}, why, remedy);
}

float half_value(std::uint16_t bits) {
  const int exponent = bits >> 10 & 0x1F;
  const int fraction = bits & 0x3FF;
  float value = 0;
  if (exponent == 31) {
    value = fraction == 0 ? std::numeric_limits<float>::infinity()
                          : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    value = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -value : value;
}

float brain_value(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

template <typename T>
T loaded(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

template <typename T>
std::vector<double> converted(std::span<const std::byte> bytes) {
  std::vector<double> values(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<double>(loaded<T>(bytes.data() + i * sizeof(T)));
  }
  return values;
}

std::vector<double> converted_halves(std::span<const std::byte> bytes,
                                     float (*value_of)(std::uint16_t)) {
  std::vector<double> values(bytes.size() / 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = value_of(loaded<std::uint16_t>(bytes.data() + 2 * i));
  }
  return values;
}

/// Empty for a dtype that holds no numbers known here. Names as safetensors has them.
std::vector<double> decoded(const std::string& dtype, std::span<const std::byte> bytes,
                            bool& known) {
  known = true;
  if (dtype == "F64") return converted<double>(bytes);
  if (dtype == "F32") return converted<float>(bytes);
  if (dtype == "F16") return converted_halves(bytes, half_value);
  if (dtype == "BF16") return converted_halves(bytes, brain_value);
  if (dtype == "I64") return converted<std::int64_t>(bytes);
  if (dtype == "I32") return converted<std::int32_t>(bytes);
  if (dtype == "I16") return converted<std::int16_t>(bytes);
  if (dtype == "I8") return converted<std::int8_t>(bytes);
  if (dtype == "U64") return converted<std::uint64_t>(bytes);
  if (dtype == "U32") return converted<std::uint32_t>(bytes);
  if (dtype == "U16") return converted<std::uint16_t>(bytes);
  if (dtype == "U8") return converted<std::uint8_t>(bytes);
  known = false;
  return {};
}

NumberArray read_safetensors(const fs::path& path, const std::string& tensor) {
  const SafetensorsFile file(path);
  const TensorEntry* entry = file.find(tensor);
  if (entry == nullptr && file.tensors().size() == 1) entry = &file.tensors().front();
  if (entry == nullptr) {
    std::vector<std::string> names;
    for (const TensorEntry& each : file.tensors()) names.push_back(printable(each.name, 40));
    if (names.size() > 8) names.resize(8);
    bad_file(path, fmt::format("has no tensor \"{}\" among {}", tensor, fmt::join(names, ", ")),
             fmt::format("Name the readings \"{}\", or store them alone", tensor));
  }
  return {entry->shape, numbers_of(*entry, file.bytes(*entry), path)};
}

// NumPy's .npy, format versions 1 to 3: a magic word, the length of the header, and the header, a
// Python dictionary of three keys, then the numbers.
class NpyHeader {
 public:
  NpyHeader(const fs::path& file, std::string_view text) : file_(file), text_(text) {}

  std::string descr() const {
    const std::string_view rest = after("descr");
    const std::size_t end =
        rest.empty() || rest[0] != '\'' ? std::string_view::npos : rest.find('\'', 1);
    if (end == std::string_view::npos) bad_file(file_, "the .npy header names no simple dtype");
    return std::string(rest.substr(1, end - 1));
  }

  bool fortran_order() const { return after("fortran_order").substr(0, 4) == "True"; }

  std::vector<std::int64_t> shape() const {
    const std::string_view rest = after("shape");
    const std::size_t end = rest.find(')');
    if (rest.empty() || rest[0] != '(' || end == std::string_view::npos) {
      bad_file(file_, "the .npy header has no shape");
    }
    std::vector<std::int64_t> shape;
    const char* at = rest.data() + 1;
    const char* last = rest.data() + end;
    while (at < last) {
      if (*at == ' ' || *at == ',') {
        ++at;
        continue;
      }
      std::int64_t extent = 0;
      const auto [next, error] = std::from_chars(at, last, extent);
      if (error != std::errc() || extent < 0) bad_file(file_, "the .npy header's shape is damaged");
      shape.push_back(extent);
      at = next;
    }
    return shape;
  }

 private:
  std::string_view after(const char* key) const {
    const std::size_t found = text_.find(fmt::format("'{}':", key));
    if (found == std::string_view::npos) {
      bad_file(file_, fmt::format("the .npy header has no key '{}'", key));
    }
    std::string_view rest = text_.substr(found + std::strlen(key) + 3);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    return rest;
  }

  const fs::path& file_;
  std::string_view text_;
};

std::string safetensors_dtype(const fs::path& file, const std::string& descr) {
  static const std::map<std::string, std::string> known = {
      {"<f8", "F64"}, {"<f4", "F32"}, {"<f2", "F16"}, {"<i8", "I64"},
      {"<i4", "I32"}, {"<i2", "I16"}, {"|i1", "I8"},  {"<u8", "U64"},
      {"<u4", "U32"}, {"<u2", "U16"}, {"|u1", "U8"}};
  const auto found = known.find(descr);
  if (found != known.end()) return found->second;
  bad_file(file, fmt::format("holds numbers of dtype {}", printable(descr, 40)),
           "Store them as float64, float32 or integers, little-endian: a.astype('<f8')");
}

/// Column-major to row-major.
NumberArray reordered(const NumberArray& array) {
  NumberArray result{array.shape, std::vector<double>(array.values.size())};
  std::vector<std::int64_t> index(array.shape.size(), 0);
  for (const double value : array.values) {
    std::int64_t at = 0;
    for (std::size_t d = 0; d < index.size(); ++d) at = at * array.shape[d] + index[d];
    result.values[static_cast<std::size_t>(at)] = value;
    for (std::size_t d = 0; d < index.size(); ++d) {
      if (++index[d] < array.shape[d]) break;
      index[d] = 0;
    }
  }
  return result;
}

NumberArray read_npy(const fs::path& file) {
  const std::string content = read_file(file);
  const bool is_npy = content.size() > 12 && content.compare(0, 6, "\x93NUMPY") == 0;
  const int version = is_npy ? content[6] : 0;
  if (version < 1 || version > 3) bad_file(file, "is not a .npy file of version 1, 2 or 3");
  const auto* bytes = reinterpret_cast<const std::byte*>(content.data());
  const std::size_t start = version == 1 ? 10 : 12;
  const std::size_t length =
      version == 1 ? loaded<std::uint16_t>(bytes + 8) : loaded<std::uint32_t>(bytes + 8);
  if (length > content.size() - start) bad_file(file, "ends inside its header");
  const NpyHeader header(file, std::string_view(content).substr(start, length));

  NumberArray array;
  array.shape = header.shape();
  const std::string dtype = safetensors_dtype(file, header.descr());
  std::uint64_t wanted = bytes_per_element(dtype);
  for (const std::int64_t extent : array.shape) {
    if (__builtin_mul_overflow(wanted, static_cast<std::uint64_t>(extent), &wanted)) {
      bad_file(file, "the .npy header's shape is damaged");
    }
  }
  const std::size_t there = content.size() - start - length;
  if (wanted != there) {
    bad_file(file, fmt::format("shape [{}] of {} needs {} bytes, but {} are there",
                               fmt::join(array.shape, ", "), dtype, wanted, there));
  }
  bool known = false;
  array.values = decoded(dtype, std::span(bytes + start + length, there), known);
  return header.fortran_order() ? reordered(array) : array;
}

bool is_separator(char c) { return c == ',' || c == ';' || c == ' ' || c == '\t' || c == '\r'; }

/// The words of a line; two commas in a row hold an empty word.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  bool after_comma = false;
  while (at < line.size()) {
    if (is_separator(line[at])) {
      const bool is_comma = line[at] == ',' || line[at] == ';';
      if (is_comma && after_comma) words.emplace_back();
      after_comma = after_comma || is_comma;
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < line.size() && !is_separator(line[at])) ++at;
    words.push_back(line.substr(begin, at - begin));
    after_comma = false;
  }
  return words;
}

/// Also "nan" and "inf", which instruments write.
bool read_word(std::string_view word, double& value) {
  if (!word.empty() && word.front() == '+') word.remove_prefix(1);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && end == word.data() + word.size() && !word.empty();
}

NumberArray read_text(const fs::path& file) {
  const std::string content = read_file(file);
  NumberArray array;
  std::int64_t rows = 0;
  std::size_t columns = 0;
  int line_number = 0;
  bool may_be_names = true;
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t end = std::min(content.find('\n', at), content.size());
    const std::string_view line = std::string_view(content).substr(at, end - at);
    at = end + 1;
    ++line_number;
    const std::vector<std::string_view> words = words_of(line);
    if (words.empty() || words[0].substr(0, 1) == "#") continue;
    std::vector<double> row(words.size());
    std::size_t good = 0;
    while (good < words.size() && read_word(words[good], row[good])) ++good;
    if (good < words.size()) {
      if (may_be_names && good == 0) {
        may_be_names = false;
        continue;
      }
      fail("bad-number-file", {file.string(), line_number, static_cast<int>(good) + 1},
           fmt::format("column {}: \"{}\" is not a number", good + 1, printable(words[good], 40)),
           "Write numbers apart by commas or blanks, with a point for decimals");
    }
    may_be_names = false;
    if (rows > 0 && words.size() != columns) {
      fail("bad-number-file", {file.string(), line_number, 1},
           fmt::format("this line has {} numbers, the lines before it {}", words.size(), columns));
    }
    columns = words.size();
    ++rows;
    array.values.insert(array.values.end(), row.begin(), row.end());
  }
  if (rows == 0) bad_file(file, "holds no numbers");
  array.shape = {rows, static_cast<std::int64_t>(columns)};
  return array;
}

}  // namespace

std::vector<double> numbers_of(const TensorEntry& entry, std::span<const std::byte> bytes,
                               const fs::path& file) {
  bool known = false;
  std::vector<double> values = decoded(entry.dtype, bytes, known);
  if (!known) {
    fail("unsupported-dtype", {file.string()},
         fmt::format("the tensor {} has dtype {}", printable(entry.name), entry.dtype),
         "Store it as F64, F32, F16, BF16 or integers");
  }
  return values;
}

NumberArray read_number_file(const fs::path& file, const std::string& tensor) {
  const std::string ending = file.extension().string();
  if (ending == ".safetensors") return read_safetensors(file, tensor);
  if (ending == ".npy") return read_npy(file);
  if (ending == ".csv" || ending == ".tsv" || ending == ".txt") return read_text(file);
  bad_file(file, fmt::format("the ending \"{}\" says of no known format", ending),
           "Give a .safetensors, .npy, .csv, .tsv or .txt file");
}

}  // namespace engine
