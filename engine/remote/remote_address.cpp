// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/remote/remote_address.h"

#include "engine/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace engine {
namespace {

constexpr std::string_view kScheme = "ssh://";

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  fail("bad-address", {.file = text}, why, "Write ssh://[user@]host[:port]/path/of/the/runs");
}

bool is_plain(char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7F; }

}  // namespace

std::string RemoteAddress::text() const {
  const std::string place = port > 0 ? fmt::format("{}:{}", host, port) : host;
  const std::string below = path.starts_with("~") ? "/" + path : path;
  return std::string(kScheme) + place + below;
}

bool is_remote_address(std::string_view text) { return text.starts_with(kScheme); }

RemoteAddress parse_remote_address(const std::string& text) {
  if (!is_remote_address(text)) refuse(text, "this is no ssh:// address");
  const std::string rest = text.substr(kScheme.size());
  const auto slash = rest.find('/');
  if (slash == std::string::npos || slash + 1 == rest.size()) {
    refuse(text, "the address names no folder behind the host");
  }
  RemoteAddress address;
  address.host = rest.substr(0, slash);
  address.path = rest.substr(slash);
  if (address.path.starts_with("/~/")) address.path.erase(0, 1);
  while (address.path.size() > 1 && address.path.ends_with('/')) address.path.pop_back();
  if (const auto colon = address.host.rfind(':'); colon != std::string::npos) {
    const char* end = address.host.data() + address.host.size();
    const auto [stop, error] = std::from_chars(address.host.data() + colon + 1, end, address.port);
    if (error != std::errc() || stop != end || address.port < 1 || address.port > 65535) {
      refuse(text, "the port is no number from 1 to 65535");
    }
    address.host.resize(colon);
  }
  // A host that begins with a dash would be read as an option of ssh.
  const bool is_host = !address.host.empty() && address.host.front() != '-' &&
                       !address.host.ends_with('@') &&
                       std::all_of(address.host.begin(), address.host.end(), is_plain);
  if (!is_host) refuse(text, "the address names no host");
  if (address.path.find('\n') != std::string::npos) refuse(text, "the path holds a line break");
  return address;
}

}  // namespace engine
