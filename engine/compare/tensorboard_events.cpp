// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/tensorboard_events.h"

#include "engine/error.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <fstream>
#include <optional>

namespace engine {
namespace {

constexpr std::uint64_t kLongestRecord = 256u << 20;

std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1 ? 0x82F63B78u : 0u);
    table[i] = value;
  }
  return table;
}

template <typename Number>
Number number_at(std::string_view bytes, std::size_t offset) {
  Number number{};
  if (offset + sizeof(number) <= bytes.size())
    std::memcpy(&number, bytes.data() + offset, sizeof(number));
  return number;
}

/// One field after the other of a protocol-buffer message.
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}

  /// False at the end, and at anything that is no field.
  bool next() {
    if (rest_.empty()) return false;
    const auto key = varint();
    if (!key) return false;
    number = static_cast<int>(*key >> 3);
    const int type = static_cast<int>(*key & 7);
    bytes = {};
    if (type == 0) {
      const auto value = varint();
      if (!value) return false;
      integer = *value;
      return true;
    }
    std::uint64_t size = type == 1 ? 8 : 4;
    if (type == 2) {
      const auto length = varint();
      if (!length) return false;
      size = *length;
    } else if (type != 1 && type != 5) {
      return false;
    }
    if (size > rest_.size()) return false;
    bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }

  int number = 0;
  std::uint64_t integer = 0;
  std::string_view bytes;

 private:
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

constexpr std::uint64_t kFloat = 1;  // DataType of TensorProto
constexpr std::uint64_t kDouble = 2;

/// A tensor of one number; nothing for any other.
std::optional<double> scalar_in(std::string_view tensor) {
  std::uint64_t type = 0;
  std::string_view content, floats, doubles;
  for (Fields field(tensor); field.next();) {
    if (field.number == 1) type = field.integer;
    if (field.number == 4) content = field.bytes;
    if (field.number == 5) floats = field.bytes;
    if (field.number == 6) doubles = field.bytes;
  }
  const std::string_view numbers = !content.empty() ? content : type == kFloat ? floats : doubles;
  if (type == kFloat && numbers.size() == 4) return number_at<float>(numbers, 0);
  if (type == kDouble && numbers.size() == 8) return number_at<double>(numbers, 0);
  return std::nullopt;
}

void read_event(std::string_view event, ForeignCurves& curves) {
  ForeignPoint point;
  std::vector<std::string_view> summaries;
  for (Fields field(event); field.next();) {
    if (field.number == 1 && field.bytes.size() == 8)
      point.clock = number_at<double>(field.bytes, 0);
    if (field.number == 2)
      point.step = static_cast<double>(static_cast<std::int64_t>(field.integer));
    if (field.number == 5) summaries.push_back(field.bytes);
  }
  for (const std::string_view summary : summaries) {
    for (Fields item(summary); item.next();) {
      if (item.number != 1) continue;
      std::string tag;
      std::optional<double> value;
      for (Fields field(item.bytes); field.next();) {
        if (field.number == 1) tag = std::string(field.bytes);
        if (field.number == 2 && field.bytes.size() == 4) value = number_at<float>(field.bytes, 0);
        if (field.number == 8) value = scalar_in(field.bytes);
      }
      if (tag.empty() || !value) continue;
      point.value = *value;
      curves.add(tag, point);
    }
  }
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> kTable = crc_table();
  std::uint32_t value = 0xFFFFFFFFu;
  for (const char byte : bytes)
    value = kTable[(value ^ static_cast<unsigned char>(byte)) & 0xFFu] ^ (value >> 8);
  return value ^ 0xFFFFFFFFu;
}

std::uint32_t masked_crc32c(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

void read_tensorboard_events(const std::filesystem::path& file, ForeignCurves& curves,
                             std::vector<std::string>& notes) {
  std::ifstream input(file, std::ios::binary);
  if (!input) fail("missing-file", {.file = file.string()}, "the file cannot be opened");
  std::string header(12, '\0');
  std::string record;
  std::uint64_t offset = 0;
  while (input.read(header.data(), 12)) {
    const auto size = number_at<std::uint64_t>(header, 0);
    const bool is_header_sound =
        number_at<std::uint32_t>(header, 8) == masked_crc32c(std::string_view(header).substr(0, 8));
    if (!is_header_sound || size > kLongestRecord) {
      if (offset == 0)
        fail("no-curves", {.file = file.string()}, "this is no TensorBoard event file",
             "Name a file that TensorBoard's SummaryWriter wrote");
      notes.push_back(fmt::format("{}: damaged at byte {}, what follows was not read",
                                  file.filename().string(), offset));
      return;
    }
    record.resize(size + 4);
    if (!input.read(record.data(), static_cast<std::streamsize>(record.size()))) return;  // torn
    const std::string_view event = std::string_view(record).substr(0, size);
    if (number_at<std::uint32_t>(record, size) != masked_crc32c(event)) {
      notes.push_back(fmt::format("{}: damaged at byte {}, what follows was not read",
                                  file.filename().string(), offset));
      return;
    }
    read_event(event, curves);
    offset += 12 + record.size();
  }
}

}  // namespace engine
