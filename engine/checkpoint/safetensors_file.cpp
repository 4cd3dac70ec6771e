// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/safetensors_file.h"

#include "engine/checkpoint/safetensors_header.h"
#include "engine/error.h"
#include "engine/runs/file_descriptor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace engine {
namespace {

[[noreturn]] void unreadable(const std::string& file, const std::string& reason) {
  fail("unreadable-file", {file}, "cannot be read: " + reason,
       "Put the checkpoint's file there, readable for you");
}

[[noreturn]] void damaged(const std::string& file, std::string message) {
  fail("bad-safetensors", {file}, std::move(message),
       "The file is damaged or incomplete: copy or download it again");
}

void read_exactly(int descriptor, char* to, std::size_t count, off_t offset,
                  const std::string& file) {
  while (count > 0) {
    const ssize_t got = ::pread(descriptor, to, count, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) unreadable(file, std::strerror(errno));
    if (got == 0) unreadable(file, "it became shorter while it was read");
    to += got;
    count -= static_cast<std::size_t>(got);
    offset += got;
  }
}

}  // namespace

std::int64_t TensorEntry::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : shape) product *= extent;
  return product;
}

std::size_t bytes_per_element(const std::string& dtype) {
  static const std::map<std::string, std::size_t> widths = {
      {"F64", 8}, {"F32", 4}, {"F16", 2},  {"BF16", 2},    {"I64", 8},
      {"I32", 4}, {"I16", 2}, {"I8", 1},   {"U64", 8},     {"U32", 4},
      {"U16", 2}, {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};
  const auto found = widths.find(dtype);
  return found == widths.end() ? 0 : found->second;
}

struct SafetensorsFile::Impl {
  std::filesystem::path path;
  SafetensorsHeader header;
  const std::byte* mapping = nullptr;
  std::size_t mapped = 0;
  std::size_t data_begin = 0;

  ~Impl() {
    if (mapping != nullptr) ::munmap(const_cast<std::byte*>(mapping), mapped);
  }
};

SafetensorsFile::SafetensorsFile(const std::filesystem::path& file)
    : impl_(std::make_unique<Impl>()) {
  const std::string name = file.string();
  impl_->path = file;
  // Not blocking: a named pipe in the file's place must not hold the program.
  const FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!descriptor) {
    if (errno == ENOENT) {
      fail("missing-file", {name}, "this file does not exist", "Copy or download it");
    }
    unreadable(name, std::strerror(errno));
  }
  struct stat facts {};
  if (::fstat(descriptor.get(), &facts) != 0) unreadable(name, std::strerror(errno));
  if (!S_ISREG(facts.st_mode)) unreadable(name, "it is not a regular file");
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  if (size < 8) damaged(name, fmt::format("{} bytes are too few for a safetensors file", size));

  std::array<char, 8> prefix{};
  read_exactly(descriptor.get(), prefix.data(), prefix.size(), 0, name);
  std::uint64_t length = 0;
  for (std::size_t i = prefix.size(); i-- > 0;)
    length = length << 8 | static_cast<unsigned char>(prefix[i]);
  if (length < 2 || length > kLongestSafetensorsHeader) {
    damaged(name, fmt::format("the header's length is {}, which is not between 2 and {}", length,
                              kLongestSafetensorsHeader));
  }
  if (length > size - 8) {
    damaged(name,
            fmt::format("the header should have {} bytes, but only {} follow", length, size - 8));
  }
  std::string text(length, '\0');
  read_exactly(descriptor.get(), text.data(), text.size(), 8, name);
  impl_->data_begin = 8 + static_cast<std::size_t>(length);
  impl_->header = parse_safetensors_header(text, size - impl_->data_begin, name);

  void* mapping = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
  if (mapping == MAP_FAILED)
    unreadable(name, fmt::format("it cannot be mapped: {}", std::strerror(errno)));
  impl_->mapping = static_cast<const std::byte*>(mapping);
  impl_->mapped = size;
}

SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;

const std::filesystem::path& SafetensorsFile::path() const { return impl_->path; }
const std::vector<TensorEntry>& SafetensorsFile::tensors() const { return impl_->header.tensors; }
const std::map<std::string, std::string>& SafetensorsFile::metadata() const {
  return impl_->header.metadata;
}
const std::vector<Problem>& SafetensorsFile::warnings() const { return impl_->header.warnings; }

const TensorEntry* SafetensorsFile::find(const std::string& name) const {
  const auto& all = tensors();
  const auto found = std::lower_bound(
      all.begin(), all.end(), name,
      [](const TensorEntry& entry, const std::string& key) { return entry.name < key; });
  return found != all.end() && found->name == name ? &*found : nullptr;
}

std::span<const std::byte> SafetensorsFile::bytes(const TensorEntry& entry) const {
  return {impl_->mapping + impl_->data_begin + entry.begin, entry.end - entry.begin};
}

}  // namespace engine
