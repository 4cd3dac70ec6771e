// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/remote_runs.h"

#include "engine/remote/remote_copy.h"
#include "engine/remote/remote_mirror.h"

#include <map>
#include <memory>

namespace paradigm {
namespace {

/// Long enough for a passphrase and a second factor.
constexpr std::chrono::seconds kPatience{120};

}  // namespace

std::filesystem::path readable_folder(const std::string& given) {
  if (!engine::is_remote_address(given)) return given;
  static std::map<std::string, std::unique_ptr<engine::RemoteMirror>> mirrors;
  const engine::RemoteAddress address = engine::parse_remote_address(given);
  auto& mirror = mirrors[address.text()];
  if (mirror == nullptr) mirror = std::make_unique<engine::RemoteMirror>(address);
  mirror->wait_until_synced(kPatience);
  return mirror->folder();
}

std::string run_address(const std::filesystem::path& run) {
  const auto sign = engine::read_remote_sign(run);
  return sign ? sign->address : run.string();
}

}  // namespace paradigm
