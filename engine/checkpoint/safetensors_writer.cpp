// SPDX-License-Identifier: GPL-3.0-or-later
// Writes a safetensors file so that either the old one or the whole new one is there, whatever
// happens.
#include "engine/checkpoint/safetensors_file.h"
#include "engine/checkpoint/safetensors_header.h"
#include "engine/error.h"
#include "engine/printable.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

namespace engine {
namespace {

namespace fs = std::filesystem;

std::string remedy_for(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return "Free some space or choose another folder";
    case EROFS:
    case EACCES:
    case EPERM:
      return "Choose a folder that you may write to";
    case ENOENT:
    case ENOTDIR:
      return "Make the folder first";
    default:
      return "";
  }
}

[[noreturn]] void unwritable(const fs::path& file, const char* step, int code) {
  fail("cannot-write", {file.string()},
       fmt::format("cannot be written: {} failed: {}", step, std::strerror(code)),
       remedy_for(code));
}

/// A file under a temporary name beside its place. Unless `commit` succeeds, nothing of it stays.
class FileInTheMaking {
 public:
  explicit FileInTheMaking(const fs::path& file) : file_(file) {
    std::random_device random;
    temporary_ = file.parent_path() /
                 fmt::format(".{}.tmp-{:08x}{:08x}", file.filename().string(), random(), random());
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) unwritable(file_, "open", errno);
  }

  ~FileInTheMaking() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!committed_) ::unlink(temporary_.c_str());
  }
  FileInTheMaking(const FileInTheMaking&) = delete;
  FileInTheMaking& operator=(const FileInTheMaking&) = delete;

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      constexpr std::size_t kMostAtOnce = std::size_t{1} << 26;
      const ssize_t written =
          ::write(descriptor_, bytes.data(), std::min(bytes.size(), kMostAtOnce));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) unwritable(file_, "write", errno);
      if (written == 0) unwritable(file_, "write", EIO);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  void commit() {
    // A failed fsync is final: the kernel may already have marked the lost pages clean.
    if (::fsync(descriptor_) != 0) unwritable(file_, "fsync", errno);
    if (::close(std::exchange(descriptor_, -1)) != 0) unwritable(file_, "close", errno);
    if (::rename(temporary_.c_str(), file_.c_str()) != 0) unwritable(file_, "rename", errno);
    committed_ = true;
    const fs::path folder = file_.has_parent_path() ? file_.parent_path() : fs::path(".");
    const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) unwritable(file_, "open of the folder", errno);
    const int synced = ::fsync(directory);
    const int code = errno;
    ::close(directory);
    if (synced != 0) unwritable(file_, "fsync of the folder", code);
  }

 private:
  fs::path file_;
  fs::path temporary_;
  int descriptor_ = -1;
  bool committed_ = false;
};

[[noreturn]] void bad_tensor(const fs::path& file, const TensorToWrite& tensor,
                             const std::string& reason) {
  fail("bad-tensor", {file.string()},
       fmt::format("tensor \"{}\" cannot be written: {}", printable(tensor.name), reason));
}

void check(const fs::path& file, const TensorToWrite& tensor) {
  if (tensor.name.empty() || tensor.name == "__metadata__" ||
      tensor.name.find('\0') != std::string::npos) {
    bad_tensor(file, tensor, "the name is not usable");
  }
  const std::size_t width = bytes_per_element(tensor.dtype);
  if (width == 0)
    bad_tensor(file, tensor, fmt::format("the dtype \"{}\" is unknown", printable(tensor.dtype)));
  std::uint64_t size = width;
  for (const std::int64_t extent : tensor.shape) {
    if (extent < 0 || __builtin_mul_overflow(size, static_cast<std::uint64_t>(extent), &size)) {
      bad_tensor(file, tensor,
                 fmt::format("the shape [{}] is not usable", fmt::join(tensor.shape, ", ")));
    }
  }
  if (size != tensor.bytes.size()) {
    bad_tensor(file, tensor,
               fmt::format("{} of shape [{}] has {} bytes, not {}", tensor.dtype,
                           fmt::join(tensor.shape, ", "), size, tensor.bytes.size()));
  }
}

std::string header_text(const fs::path& file, const std::vector<TensorToWrite>& tensors,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    if (header.contains(tensor.name)) bad_tensor(file, tensor, "another tensor has the same name");
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    fail("bad-tensor", {file.string()}, "a tensor's name or the metadata is not valid UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > kLongestSafetensorsHeader) {
    fail("bad-tensor", {file.string()},
         fmt::format("the header would have {} bytes, more than the format allows", text.size()));
  }
  return text;
}

}  // namespace

void write_safetensors(const fs::path& file, std::vector<TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata) {
  for (const TensorToWrite& tensor : tensors) check(file, tensor);
  std::sort(tensors.begin(), tensors.end(), [](const TensorToWrite& a, const TensorToWrite& b) {
    const std::size_t width_a = bytes_per_element(a.dtype);
    const std::size_t width_b = bytes_per_element(b.dtype);
    return width_a != width_b ? width_a > width_b : a.name < b.name;
  });
  const std::string header = header_text(file, tensors, metadata);
  std::array<std::byte, 8> prefix{};
  for (std::size_t i = 0; i < prefix.size(); ++i)
    prefix[i] = static_cast<std::byte>(header.size() >> (8 * i) & 0xFF);

  FileInTheMaking output(file);
  output.write(prefix);
  output.write(std::as_bytes(std::span(header)));
  for (const TensorToWrite& tensor : tensors) output.write(tensor.bytes);
  output.commit();
}

}  // namespace engine
