// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/token_dataset_writer.h"

#include "engine/data/token_file_format.h"
#include "engine/error.h"
#include "engine/runs/atomic_file.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

namespace engine {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

constexpr const char* kRemedy =
    "Free space or make the folder writable, or let XDG_CACHE_HOME name another folder";

std::filesystem::path with_its_folder(std::filesystem::path file) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error) fail_to_write(file.parent_path(), error.value(), kRemedy);
  return file;
}

std::string_view bytes_of(const TokenFileHeader& header) {
  return {reinterpret_cast<const char*>(&header), sizeof(header)};
}

}  // namespace

struct TokenDatasetWriter::Impl {
  std::filesystem::path file;
  AtomicFile output;
  std::int64_t vocab_size = 0;
  TokenFileHeader header;
  std::string buffer;
  XXH3_state_t* hash = XXH3_createState();

  Impl(std::filesystem::path name, std::int64_t ids)
      : file(with_its_folder(std::move(name))), output(file, kRemedy), vocab_size(ids) {
    XXH3_64bits_reset(hash);
  }
  ~Impl() { XXH3_freeState(hash); }

  void flush() {
    XXH3_64bits_update(hash, buffer.data(), buffer.size());
    output.write(buffer);
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
    : impl_(std::make_unique<Impl>(std::move(file), vocab_size)) {
  TokenFileHeader& header = impl_->header;
  header.id_bytes = token_id_bytes(vocab_size);
  header.block_size = static_cast<std::uint64_t>(block_size);
  if (digest.size() != header.digest.size()) {
    fail("bad-digest", Place{.file = impl_->file.string()},
         fmt::format("digest \"{}\" is not 32 characters long", digest));
  }
  std::copy(digest.begin(), digest.end(), header.digest.begin());
  impl_->output.write(bytes_of(TokenFileHeader{}));
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
  impl.output.rewind();
  impl.output.write(bytes_of(impl.header));
  impl.output.commit();
}

void sweep_abandoned_token_files(const std::filesystem::path& folder) {
  std::error_code error;
  const auto oldest = std::filesystem::file_time_type::clock::now() - std::chrono::hours(24);
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.find(".tokens.tmp-") == std::string::npos) continue;
    std::error_code ignored;
    const auto written = entry->last_write_time(ignored);
    if (!ignored && written < oldest) std::filesystem::remove(entry->path(), ignored);
  }
}

}  // namespace engine
