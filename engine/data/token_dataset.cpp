// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/token_dataset.h"

#include "engine/data/token_file_format.h"
#include "engine/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

namespace engine {

struct TokenDataset::Impl {
  void* map = MAP_FAILED;
  std::size_t map_bytes = 0;
  TokenFileHeader header;
  std::int64_t blocks = 0;
  std::string digest;

  const char* payload() const { return static_cast<const char*>(map) + sizeof(TokenFileHeader); }

  ~Impl() {
    if (map != MAP_FAILED) ::munmap(map, map_bytes);
  }

  template <typename Id>
  void copy(std::int64_t index, std::int64_t* out) const {
    const std::size_t size = header.block_size;
    const char* source = payload() + static_cast<std::size_t>(index) * size * sizeof(Id);
    for (std::size_t i = 0; i < size; ++i) {
      Id id;
      std::memcpy(&id, source + i * sizeof(Id), sizeof(Id));
      out[i] = static_cast<std::int64_t>(id);
    }
  }
};

namespace {

[[noreturn]] void fail_damaged(const std::filesystem::path& file, const std::string& what) {
  fail("damaged-token-cache", Place{.file = file.string()},
       "not a usable file of the token cache: " + what, "Delete it; the next run writes it again");
}

void check_header(const std::filesystem::path& file, const TokenFileHeader& header,
                  std::uint64_t file_bytes) {
  if (header.magic != TokenFileHeader::expected_magic)
    fail_damaged(file, "it begins with other bytes");
  if (header.version != TokenFileHeader::expected_version) {
    fail_damaged(file, fmt::format("version {}, this program reads version {}", header.version,
                                   TokenFileHeader::expected_version));
  }
  if (header.header_hash != XXH3_64bits(&header, offsetof(TokenFileHeader, header_hash))) {
    fail_damaged(file, "its header is damaged");
  }
  std::uint64_t ids = 0;
  std::uint64_t bytes = 0;
  if ((header.id_bytes != 2 && header.id_bytes != 4) || header.block_size == 0 ||
      __builtin_mul_overflow(header.blocks, header.block_size, &ids) ||
      __builtin_mul_overflow(ids, std::uint64_t{header.id_bytes}, &bytes) ||
      bytes != file_bytes - sizeof(header)) {
    fail_damaged(file, fmt::format("{} bytes do not fit {} blocks of {} ids", file_bytes,
                                   header.blocks, header.block_size));
  }
}

/// Piece by piece and given back each time: what was only checked does not count as this process's
/// memory.
std::uint64_t payload_hash(void* map, std::size_t file_bytes) {
  constexpr std::size_t piece_bytes = std::size_t{16} << 20;
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       XXH3_freeState);
  XXH3_64bits_reset(state.get());
  auto* const bytes = static_cast<char*>(map);
  for (std::size_t begin = 0; begin < file_bytes; begin += piece_bytes) {
    const std::size_t end = std::min(begin + piece_bytes, file_bytes);
    const std::size_t from = std::max(begin, sizeof(TokenFileHeader));
    XXH3_64bits_update(state.get(), bytes + from, end - from);
    ::madvise(bytes + begin, end - begin, MADV_DONTNEED);
  }
  return XXH3_64bits_digest(state.get());
}

}  // namespace

TokenDataset TokenDataset::open(const std::filesystem::path& file,
                                std::optional<std::int64_t> max_blocks) {
  auto impl = std::make_unique<Impl>();
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    fail("cannot-read", Place{.file = file.string()},
         fmt::format("the token cache cannot be read: {}", std::strerror(errno)));
  }
  struct stat status {};
  const bool known = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  const auto file_bytes = static_cast<std::uint64_t>(known ? status.st_size : 0);
  if (file_bytes >= sizeof(TokenFileHeader)) {
    impl->map_bytes = file_bytes;
    impl->map = ::mmap(nullptr, file_bytes, PROT_READ, MAP_SHARED, descriptor, 0);
  }
  const int map_error = errno;
  ::close(descriptor);
  if (file_bytes < sizeof(TokenFileHeader))
    fail_damaged(file, fmt::format("{} bytes are too few", file_bytes));
  if (impl->map == MAP_FAILED) {
    fail("cannot-read", Place{.file = file.string()},
         fmt::format("the token cache cannot be mapped: {}", std::strerror(map_error)));
  }
  std::memcpy(&impl->header, impl->map, sizeof(TokenFileHeader));
  check_header(file, impl->header, file_bytes);
  if (payload_hash(impl->map, file_bytes) != impl->header.payload_hash) {
    fail_damaged(file, "its ids are damaged");
  }
  impl->blocks = static_cast<std::int64_t>(impl->header.blocks);
  impl->digest.assign(impl->header.digest.begin(), impl->header.digest.end());
  if (max_blocks && *max_blocks < impl->blocks) {
    impl->blocks = *max_blocks;
    impl->digest += fmt::format("-{}", *max_blocks);
  }
  return TokenDataset(std::move(impl));
}

TokenDataset::TokenDataset(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TokenDataset::~TokenDataset() = default;
TokenDataset::TokenDataset(TokenDataset&&) noexcept = default;
TokenDataset& TokenDataset::operator=(TokenDataset&&) noexcept = default;

std::int64_t TokenDataset::blocks() const { return impl_->blocks; }
std::int64_t TokenDataset::block_size() const {
  return static_cast<std::int64_t>(impl_->header.block_size);
}
const std::string& TokenDataset::digest() const { return impl_->digest; }

void TokenDataset::copy_block(std::int64_t index, std::int64_t* out) const {
  assert(index >= 0 && index < impl_->blocks);
  if (impl_->header.id_bytes == 2) {
    impl_->copy<std::uint16_t>(index, out);
  } else {
    impl_->copy<std::uint32_t>(index, out);
  }
}

}  // namespace engine
