// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/token_dataset_writer.h"

#include "engine/data/token_file_format.h"
#include "engine/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

namespace engine {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;
constexpr std::string_view temporary_infix = ".tmp-";

[[noreturn]] void fail_to_write(const std::filesystem::path& file, int error) {
  fail("cannot-write", Place{.file = file.string()},
       fmt::format("the token cache cannot be written: {}", std::strerror(error)),
       "Free space or make the folder writable, or let XDG_CACHE_HOME name another folder");
}

std::filesystem::path temporary_name(const std::filesystem::path& file) {
  static std::atomic<std::uint32_t> serial{0};
  return file.string() + fmt::format("{}{}-{:08x}-{}", temporary_infix, ::getpid(),
                                     std::random_device{}(), serial.fetch_add(1));
}

}  // namespace

struct TokenDatasetWriter::Impl {
  std::filesystem::path file;
  std::filesystem::path temporary;
  std::int64_t vocab_size = 0;
  TokenFileHeader header;
  int descriptor = -1;
  std::vector<char> buffer;
  XXH3_state_t* hash = nullptr;

  ~Impl() {
    if (descriptor >= 0) {
      ::close(descriptor);
      ::unlink(temporary.c_str());
    }
    XXH3_freeState(hash);
  }

  void write_all(const char* data, std::size_t size) {
    while (size > 0) {
      const ssize_t written = ::write(descriptor, data, size);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail_to_write(file, errno);
      data += written;
      size -= static_cast<std::size_t>(written);
    }
  }

  void flush() {
    XXH3_64bits_update(hash, buffer.data(), buffer.size());
    write_all(buffer.data(), buffer.size());
    buffer.clear();
  }

  template <typename Id>
  void put(std::span<const std::int32_t> block) {
    const std::size_t start = buffer.size();
    buffer.resize(start + block.size() * sizeof(Id));
    char* out = buffer.data() + start;
    for (const std::int32_t id : block) {
      if (id < 0 || id >= vocab_size) {
        fail("token-out-of-range", Place{.file = file.string()},
             fmt::format("the tokenizer gave id {} but has {} ids", id, vocab_size),
             "Its tokenizer.json is not consistent");
      }
      const Id narrow = static_cast<Id>(id);
      std::memcpy(out, &narrow, sizeof(Id));
      out += sizeof(Id);
    }
  }
};

TokenDatasetWriter::TokenDatasetWriter(std::filesystem::path file, std::int64_t vocab_size,
                                       std::int64_t block_size, const std::string& digest)
    : impl_(std::make_unique<Impl>()) {
  Impl& impl = *impl_;
  impl.file = std::move(file);
  impl.vocab_size = vocab_size;
  impl.header.id_bytes = token_id_bytes(vocab_size);
  impl.header.block_size = static_cast<std::uint64_t>(block_size);
  if (digest.size() != impl.header.digest.size()) {
    fail("bad-digest", Place{.file = impl.file.string()},
         fmt::format("digest \"{}\" is not 32 characters long", digest));
  }
  std::copy(digest.begin(), digest.end(), impl.header.digest.begin());
  impl.hash = XXH3_createState();
  XXH3_64bits_reset(impl.hash);
  std::error_code error;
  std::filesystem::create_directories(impl.file.parent_path(), error);
  if (error) fail_to_write(impl.file.parent_path(), error.value());
  impl.temporary = temporary_name(impl.file);
  impl.descriptor = ::open(impl.temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (impl.descriptor < 0) fail_to_write(impl.file, errno);
  const TokenFileHeader blank{};
  impl.write_all(reinterpret_cast<const char*>(&blank), sizeof(blank));
}

TokenDatasetWriter::~TokenDatasetWriter() = default;
TokenDatasetWriter::TokenDatasetWriter(TokenDatasetWriter&&) noexcept = default;
TokenDatasetWriter& TokenDatasetWriter::operator=(TokenDatasetWriter&&) noexcept = default;

void TokenDatasetWriter::append(std::span<const std::int32_t> block) {
  if (impl_->header.id_bytes == 2) {
    impl_->put<std::uint16_t>(block);
  } else {
    impl_->put<std::uint32_t>(block);
  }
  ++impl_->header.blocks;
  if (impl_->buffer.size() >= buffer_bytes) impl_->flush();
}

std::int64_t TokenDatasetWriter::blocks() const {
  return static_cast<std::int64_t>(impl_->header.blocks);
}

void TokenDatasetWriter::finish() {
  Impl& impl = *impl_;
  impl.flush();
  impl.header.payload_hash = XXH3_64bits_digest(impl.hash);
  impl.header.header_hash = XXH3_64bits(&impl.header, offsetof(TokenFileHeader, header_hash));
  if (::lseek(impl.descriptor, 0, SEEK_SET) < 0) fail_to_write(impl.file, errno);
  impl.write_all(reinterpret_cast<const char*>(&impl.header), sizeof(impl.header));
  if (::fsync(impl.descriptor) != 0) fail_to_write(impl.file, errno);
  if (::rename(impl.temporary.c_str(), impl.file.c_str()) != 0) fail_to_write(impl.file, errno);
  ::close(std::exchange(impl.descriptor, -1));
  const int folder = ::open(impl.file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

void sweep_abandoned_token_files(const std::filesystem::path& folder) {
  std::error_code error;
  const auto oldest = std::filesystem::file_time_type::clock::now() - std::chrono::hours(24);
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.find(std::string(".tokens") + std::string(temporary_infix)) == std::string::npos)
      continue;
    std::error_code ignored;
    const auto written = entry->last_write_time(ignored);
    if (!ignored && written < oldest) std::filesystem::remove(entry->path(), ignored);
  }
}

}  // namespace engine
