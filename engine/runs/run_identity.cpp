// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_identity.h"

#include "engine/digest.h"
#include "engine/runs/file_descriptor.h"
#include "engine/runs/run_event.h"
#include "engine/runs/run_folder.h"

#include <variant>

namespace engine {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;

}  // namespace

std::string run_identity(const std::filesystem::path& run_dir) {
  const FileDescriptor file = open_regular_file(RunFolder{run_dir}.events().c_str());
  if (!file) return "";
  const std::string text = read_at(file, 0, kMostBytes);
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string line = text.substr(begin, end - begin);
    const auto event = parse_run_event(line);
    if (event && std::holds_alternative<RunStarted>(event->body)) return sha256_hex(line);
  }
  return "";
}

}  // namespace engine
