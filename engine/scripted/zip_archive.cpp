// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers and offsets of records as in PKWARE's APPNOTE.TXT, section 4.3.
#include "engine/scripted/zip_archive.h"

#include "engine/error.h"

#include <fmt/format.h>
#include <zlib.h>

#include <utility>

namespace engine::scripted {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kCentralHeader = 0x02014b50;
constexpr std::uint32_t kEndRecord = 0x06054b50;
constexpr std::size_t kEndRecordSize = 22;
constexpr std::size_t kCentralHeaderSize = 46;
constexpr std::size_t kLocalHeaderSize = 30;

constexpr std::size_t kMostUnpacked = 16 << 20;
constexpr std::uint32_t kStored = 0;
constexpr std::uint32_t kDeflated = 8;

/// Raw deflate; nothing when it does not give exactly `size` bytes.
std::optional<std::string> inflated(std::string_view packed, std::size_t size) {
  std::string content(size, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return std::nullopt;
  // zlib's interface is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(content.data());
  stream.avail_out = static_cast<uInt>(size);
  const int result = inflate(&stream, Z_FINISH);
  const bool is_whole = result == Z_STREAM_END && stream.avail_out == 0;
  inflateEnd(&stream);
  if (!is_whole) return std::nullopt;
  return content;
}

std::uint32_t checksum_of(std::string_view content) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size())));
}

}  // namespace

ZipArchive::ZipArchive(std::string_view bytes, std::string file)
    : bytes_(bytes), file_(std::move(file)) {
  if (bytes_.size() < 4 || number(0, 4) != kLocalHeader)
    refuse("it does not begin as a zip archive does");
  const std::size_t end = end_record();
  const std::uint32_t entries = number(end + 10, 2);
  std::size_t at = number(end + 16, 4);
  if (entries == 0xFFFF || at == 0xFFFFFFFF) refuse("it is larger than 4 GB");
  for (std::uint32_t i = 0; i < entries; ++i) at = read_entry(at);
}

std::optional<std::string> ZipArchive::find(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.name != name) continue;
    if (entry.size > kMostUnpacked)
      refuse(fmt::format("its entry {} has {} bytes, more than expected", name, entry.size));
    std::optional<std::string> content;
    if (entry.method == kStored && entry.packed.size() == entry.size) content = entry.packed;
    if (entry.method == kDeflated) content = inflated(entry.packed, entry.size);
    if (!content || checksum_of(*content) != entry.checksum)
      refuse(fmt::format("its entry {} is damaged", name));
    return content;
  }
  return std::nullopt;
}

void ZipArchive::refuse(const std::string& what) const {
  fail("bad-paradigm", {.file = file_}, "not a TorchScript file: " + what,
       "Write it with torch.jit.save, or copy it again");
}

std::uint32_t ZipArchive::number(std::size_t at, int bytes) const {
  if (at > bytes_.size() || bytes_.size() - at < static_cast<std::size_t>(bytes))
    refuse("it is cut short");
  std::uint32_t value = 0;
  for (int i = bytes - 1; i >= 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes_[at + static_cast<std::size_t>(i)]);
  return value;
}

/// It stands at the end, behind it at most a comment of 65,535 bytes.
std::size_t ZipArchive::end_record() const {
  if (bytes_.size() >= kEndRecordSize) {
    const std::size_t last = bytes_.size() - kEndRecordSize;
    for (std::size_t back = 0; back <= last && back <= 0xFFFF; ++back)
      if (number(last - back, 4) == kEndRecord) return last - back;
  }
  refuse("it is cut short: the directory at its end is missing");
}

std::size_t ZipArchive::read_entry(std::size_t at) {
  if (number(at, 4) != kCentralHeader) refuse("its directory is damaged");
  const std::size_t size = number(at + 20, 4);
  const std::size_t name_size = number(at + 28, 2);
  const std::size_t next =
      at + kCentralHeaderSize + name_size + number(at + 30, 2) + number(at + 32, 2);
  if (next > bytes_.size()) refuse("its directory is cut short");
  std::string_view name = bytes_.substr(at + kCentralHeaderSize, name_size);

  const std::size_t local = number(at + 42, 4);
  if (number(local, 4) != kLocalHeader) refuse("its directory points at nothing");
  const std::size_t begin =
      local + kLocalHeaderSize + number(local + 26, 2) + number(local + 28, 2);
  if (begin > bytes_.size() || bytes_.size() - begin < size) refuse("an entry is cut short");

  if (const std::size_t slash = name.find('/'); slash != name.npos) name.remove_prefix(slash + 1);
  entries_.push_back({name, number(at + 10, 2), number(at + 16, 4), number(at + 24, 4),
                      bytes_.substr(begin, size)});
  return next;
}

}  // namespace engine::scripted
